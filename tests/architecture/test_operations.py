"""Alerts, dashboards, runbooks and the pages of settings and metrics say what the program really tells."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from services.kit.settings import Settings
from services.kit.telemetry import FIGURES
from tests.common.sources import ROOT

DEPLOY = ROOT / "deploy"
SUFFIXES = ("_bucket", "_count", "_sum")
OTHERS = {
    "up",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "kube_cronjob_status_last_successful_time",
}
"""Figures that Prometheus itself, its client and kube-state-metrics tell."""

KNOWN = OTHERS | {f.name for f in FIGURES if f.kind != "histogram"}
KNOWN |= {f.name + suffix for f in FIGURES if f.kind == "histogram" for suffix in SUFFIXES}
LABELS = {f.name: set(f.labels) for f in FIGURES}
OF_ALL = {"instance", "job", "le", "cronjob"}

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "alerts/zhurnal.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARDS = sorted((DEPLOY / "dashboards").glob("*.json"))


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of every alert and panel."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]


def wrong(expression: str) -> list[str]:
    """What an expression asks for that nobody tells: metrics, and labels of ours that a metric does not have."""
    promql_parser.parse(expression)
    found = []
    for name, matchers in re.findall(r"\b([a-z_]+_[a-z_]+|up)\s*(?:\{([^}]*)\})?(?=[\s\[)\-/>}]|$)", expression):
        if name in ("group_right", "group_left"):
            continue
        if name not in KNOWN:
            found.append(name)
            continue
        base = next((name.removesuffix(s) for s in SUFFIXES if name.removesuffix(s) in LABELS), name)
        if base in LABELS:
            used = set(re.findall(r"(\w+)\s*[=!]", matchers))
            found += [f"{name}{{{label}}}" for label in sorted(used - LABELS[base] - OF_ALL)]
    return found


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_figure_asked_for_is_told(where: str, expression: str) -> None:
    assert wrong(expression) == [], where


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("zhurnal_view_positon > 1", ["zhurnal_view_positon"]),
        ('rate(zhurnal_appends_total{outcom="failed"}[5m])', ["zhurnal_appends_total{outcom}"]),
        ("sum by (log) (zhurnal_append_duration_seconds)", ["zhurnal_append_duration_seconds"]),
        ('zhurnal_relay_position{log="gradebook"}', []),
    ],
)
def test_the_search_finds_what_nobody_tells(expression: str, found: list[str]) -> None:
    assert wrong(expression) == found


def test_every_figure_is_looked_at_by_somebody() -> None:
    text = " ".join(expression for _, expression in expressions())
    assert [f.name for f in FIGURES if f.name not in text] == []


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {rule["annotations"]["runbook_url"] for rule in RULES} == {
        str(path.relative_to(ROOT)) for path in (DEPLOY / "runbooks").glob("*.md")
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_its_runbook_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["for"]
    assert rule["annotations"]["summary"].endswith(".")
    page = (ROOT / rule["annotations"]["runbook_url"]).read_text(encoding="utf-8")
    assert page.startswith(f"# {rule['alert']}\n")
    assert [part for part in ("Meaning", "Look", "Do", "Verify") if f"**{part}.**" not in page] == []


def test_the_commands_of_the_pages_exist() -> None:
    """`zhurnal NAME --option` in runbooks and the page for operators."""
    from typer.main import get_command

    from services.__main__ import app

    group: Any = get_command(app)
    missing = []
    for path in [*(DEPLOY / "runbooks").glob("*.md"), ROOT / "docs/operations.md"]:
        text = re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))
        for name, rest in re.findall(r"(?:`|^ {4}|/)zhurnal ([a-z]+)([^`\n]*)", text, re.MULTILINE):
            command = group.commands.get(name)
            options = {o for p in command.params for o in p.opts} if command is not None else set()
            given = set(re.findall(r"(?<=\s)--[a-z-]+", rest)) if not hasattr(command, "commands") else set()
            if command is None or given - options:
                missing.append(f"{path.name}: zhurnal {name}{rest}")
    assert missing == []


def test_variables_named_to_operators_exist() -> None:
    pages = [*DEPLOY.rglob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    known = {name for name, _, _ in Settings.variables()}
    named = {(p.name, n) for p in pages for n in re.findall(r"ZHURNAL_[A-Z_]+[A-Z]\b(?!_)", p.read_text("utf-8"))}
    of_tests = {"ZHURNAL_TEST_KAFKA", "ZHURNAL_TEST_KURRENT"}
    assert sorted((p, n) for p, n in named if n not in known | of_tests and not n.startswith("ZHURNAL_S_")) == []


def test_dashboards_are_complete() -> None:
    uids = [json.loads(path.read_text(encoding="utf-8"))["uid"] for path in DASHBOARDS]
    assert len(set(uids)) == len(DASHBOARDS) > 0


def test_the_pages_of_settings_and_metrics_are_current() -> None:
    """Mend by `python docs/reference.py`."""
    done = subprocess.run(
        [sys.executable, str(Path("docs/reference.py")), "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
