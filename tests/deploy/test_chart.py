"""What the charts promise that needs no cluster: targets, settings, no secrets. `make kube-check` judges the rest."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.kit.settings import PREFIX, Settings
from services.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
HELM = ROOT / "deploy" / "helm"
CHART = HELM / "zhurnal"
TEMPLATES = sorted(path for chart in ("zhurnal", "engines") for path in (HELM / chart / "templates").glob("*.*"))
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
KNOWN = {PREFIX + field.upper() for field in Settings.model_fields}


def test_the_chart_has_every_target_and_a_kind_for_each() -> None:
    assert set(VALUES["targets"]) == set(TARGETS)
    assert set(VALUES["kinds"]) == {target.rpartition(".")[2] for target in TARGETS}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_every_variable_is_a_setting(path: Path) -> None:
    for name in re.findall(r"ZHURNAL_[A-Z_]+(?:\{\{|%s)?[A-Z_]*(?:%s)?[A-Z_]*", path.read_text()):
        # A part that the template fills in stands for any service.
        pattern = re.sub(r"\{\{|%s", "[A-Z_]*", name)
        assert any(re.match(pattern, known) for known in KNOWN), name


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_no_template_makes_or_holds_a_secret(path: Path) -> None:
    text = path.read_text()
    assert "kind: Secret\n" not in text
    assert not re.search(r"^\s*(password|stringData):", text, re.MULTILINE)
    assert not re.search(r"name: ZHURNAL_\w*(PASSWORD|SECRET|URI|DSN)\n", text)


@pytest.mark.parametrize("path", sorted(HELM.glob("*/values.schema.json")), ids=lambda path: path.parent.name)
def test_no_value_may_be_misspelt(path: Path) -> None:
    """Objects of the schema that list their members take no other ones: a typing error refuses the rendering."""

    def open_objects(schema: Any, at: str) -> list[str]:
        found = []
        if isinstance(schema, dict):
            if schema.get("properties") and schema.get("additionalProperties") is not False and "cpu" not in at:
                found.append(at)
            for name, inner in schema.items():
                found += open_objects(inner, f"{at}/{name}")
        return found

    assert open_objects(json.loads(path.read_text()), "") == []


def test_the_chart_installs_this_version_of_the_program() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize("name", ["zhurnal", "engines"])
def test_the_present_chart_is_newer_than_what_was_released(name: str) -> None:
    """A changed chart under a released version would be two things of one name."""

    def numbers(text: str) -> tuple[int, ...]:
        return tuple(int(part) for part in text.split("."))

    present = numbers(yaml.safe_load((HELM / name / "Chart.yaml").read_text())["version"])
    released = [path.stem.removeprefix(f"{name}-") for path in (HELM / "released").glob(f"{name}-*.tgz")]
    assert released
    assert all(numbers(each) < present for each in released)
