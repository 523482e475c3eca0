"""The charts as a real Helm renders them: every profile of the present charts and of their latest releases."""

import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.kube.tools import ROOT, CannotCheck, program

HELM = ROOT / "deploy" / "helm"
CHARTS = ("zhurnal", "engines")
Object = dict[str, Any]

JUDGED_ELSEWHERE = ("kafka.strimzi.io/",)
"""Kinds whose definitions are not to be had as a module."""


class Profile(NamedTuple):
    """One way to install a chart. `folder`: of the chart; `name` as in `profiles/NAME.yaml`."""

    chart: str
    folder: Path
    name: str

    @property
    def label(self) -> str:
        return f"{self.chart}/{self.name}"

    @property
    def values(self) -> Path:
        return self.folder / "profiles" / f"{self.name}.yaml"


def profiles(folder: Path, chart: str) -> list[Profile]:
    return [Profile(chart, folder, path.stem) for path in sorted((folder / "profiles").glob("*.yaml"))]


def present() -> list[Profile]:
    """Every profile of the charts as they are in this tree."""
    return [profile for chart in CHARTS for profile in profiles(HELM / chart, chart)]


@contextmanager
def released() -> Iterator[dict[str, list[Profile]]]:
    """{chart: profiles of its latest packaged release}; a chart without a release has none."""
    with tempfile.TemporaryDirectory(prefix="zhurnal-charts-") as unpacked:
        found: dict[str, list[Profile]] = {}
        for chart in CHARTS:
            packages = sorted((HELM / "released").glob(f"{chart}-*.tgz"), key=_version)
            if packages:
                with tarfile.open(packages[-1]) as package:
                    package.extractall(unpacked, filter="data")
                found[chart] = profiles(Path(unpacked) / chart, chart)
        yield found


def _version(package: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", package.stem))


def render(profile: Profile, namespace: str, kubernetes: str, *arguments: str) -> list[Object]:
    """The objects of a profile, in the order in which Helm would install them. Raises CannotCheck with Helm's words."""
    command = [str(program("helm")), "template", "zhurnal", str(profile.folder), "--namespace", namespace]
    options = ["--values", str(profile.values), "--kube-version", kubernetes, *arguments]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotCheck(f"{profile.label}: {done.stderr.strip()}")
    return [each for each in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if each]


def lint(profile: Profile) -> None:
    """Helm's own judgement of a chart with the values of a profile, warnings included."""
    command = [str(program("helm")), "lint", "--strict", "--quiet", str(profile.folder), "--values"]
    done = subprocess.run([*command, str(profile.values)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotCheck(f"{profile.label}: {done.stdout.strip()} {done.stderr.strip()}")


def is_hook(thing: Object) -> bool:
    return "helm.sh/hook" in (thing["metadata"].get("annotations") or {})


def named(thing: Object) -> str:
    return f"{thing['kind']} {thing['metadata']['name']}"


def pods(thing: Object) -> Iterator[Object]:
    """The pods that a workload would make, as objects of their own."""
    if thing["apiVersion"] not in ("apps/v1", "batch/v1"):
        return
    spec = thing["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if thing["kind"] == "CronJob" else spec["template"]
    claimed = [{"name": claim["metadata"]["name"], "emptyDir": {}} for claim in spec.get("volumeClaimTemplates", ())]
    inner = {**template["spec"], "volumes": [*template["spec"].get("volumes", ()), *claimed]}
    yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": thing["metadata"]["name"]}, "spec": inner}
