"""The programs and foreign kinds that the check of the charts needs, built from Go modules once and kept.

Sources are pinned: programs by the go.sum beside their go.mod, kinds by the checksums in crds.toml. A kept program is
named by the digest of what it was built from, so another version is another file and a build cut short leaves none.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHECK = ROOT / "deploy" / "check"
PROGRAMS = ("helm", "etcd", "apiserver")
Manifest = dict[str, object]


class CannotCheck(Exception):
    """What the check needs is not to be had."""


def kept() -> Path:
    """The folder of built programs; a cache that may be deleted."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "zhurnal" / "kube"


def program(name: str) -> Path:
    """The built program. Raises CannotCheck without Go or when the build fails."""
    source = CHECK / name
    digest = hashlib.sha256((source / "go.mod").read_bytes() + (source / "go.sum").read_bytes()).hexdigest()[:16]
    built = kept() / f"{name}-{digest}"
    if built.is_file():
        return built
    _need_go()
    kept().mkdir(parents=True, exist_ok=True)
    for former in kept().glob(f"{name}-*"):
        former.unlink()
    unfinished = kept() / f".{name}-{os.getpid()}"
    print(f"building {name} (once for each version) ...", flush=True)
    began = time.monotonic()
    # `tool` is what the module's one tool directive names; two at a time: other work goes on beside it.
    command = ["nice", "-n", "15", "go", "build", "-p", "2", "-trimpath", "-ldflags", "-s -w"]
    _run([*command, "-o", str(unfinished), "tool"], cwd=source)
    unfinished.rename(built)
    print(f"built {name} in {time.monotonic() - began:.0f} s", flush=True)
    return built


def kubernetes_version() -> str:
    """Of the kube-apiserver, such as 1.37.2; one built as a module does not know its own."""
    found = re.search(r"^\s*(?:require )?k8s\.io/kubernetes v(\S+)", (CHECK / "apiserver" / "go.mod").read_text(), re.M)
    assert found, "apiserver/go.mod requires k8s.io/kubernetes"
    return found[1]


def foreign_kinds() -> list[Manifest]:
    """The CustomResourceDefinitions of the modules of crds.toml. Raises CannotCheck for one of another checksum."""
    _need_go()
    found: list[Manifest] = []
    for module in tomllib.loads((CHECK / "crds.toml").read_text())["module"]:
        wanted = f"{module['path']}@{module['version']}"
        told = json.loads(_run(["go", "mod", "download", "-json", wanted], cwd=kept_folder()))
        if told["Sum"] != module["sum"]:
            raise CannotCheck(f"{wanted} has the checksum {told['Sum']}, not {module['sum']}")
        paths = sorted({path for pattern in module["files"] for path in Path(told["Dir"]).glob(pattern)})
        documents = [each for path in paths for each in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader)]
        kinds = [each for each in documents if each and each.get("kind") == "CustomResourceDefinition"]
        if not kinds:
            raise CannotCheck(f"{wanted} holds no CustomResourceDefinition where crds.toml looks for them")
        found += kinds
    return found


def kept_folder() -> Path:
    kept().mkdir(parents=True, exist_ok=True)
    return kept()


def _need_go() -> None:
    if shutil.which("go") is None:
        raise CannotCheck("Go is needed to build Helm, etcd and kube-apiserver; deploy/check/README.md says which")


def _run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotCheck(f"{' '.join(command)} in {cwd.name}: {done.stderr.strip()[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    for each in PROGRAMS:
        print(program(each))
