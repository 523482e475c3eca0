"""`zhurnal doctor` beside a running journal and without one."""

import json
from pathlib import Path

from tests.common.process import Journal, zhurnal


def test_a_sound_journal_is_found_sound(demo: Journal) -> None:
    said = zhurnal("doctor", "--json", data=demo.data)
    assert said.returncode == 0, said.stdout + said.stderr
    found = {f["part"]: f["state"] for f in json.loads(said.stdout)}
    assert found.pop("backup") == "warn"
    assert set(found.values()) == {"ok"}
    assert found.keys() >= {"disk", "token key", "address", "database gradebook", "view card", "keeper"}


def test_a_journal_that_does_not_run_is_told(tmp_path: Path) -> None:
    said = zhurnal("doctor", data=tmp_path)
    assert said.returncode == 1
    assert "zhurnal up" in said.stdout
