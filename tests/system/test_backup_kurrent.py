"""A backup of databases whose logs are in KurrentDB (its stand-in) never looks like all that was recorded."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from contracts.envelope import canonical
from contracts.events.schedule import EVENTS, DisciplineAdded
from services.backup.manifest import Manifest, backups, leftovers
from services.kit.log.eventlog import NO_STREAM, NewEvent
from services.kit.settings import Settings
from services.system import open_system
from tests.common.clock import START
from tests.common.kurrent_standin import StandIn
from tests.common.process import Said, data_folder, zhurnal

pytestmark = pytest.mark.anyio


class Place(NamedTuple):
    """A running journal's data, and what tells commands of its KurrentDB."""

    data: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Place]:
    """Views have read one event of the schedule."""
    with data_folder() as data:
        async with StandIn() as standin:
            environment = {"ZHURNAL_KURRENT_URI": standin.uri}
            async with open_system(Settings.load(environment, data=data, demo="none")) as system:
                event = DisciplineAdded(discipline="d-1", code="ОП.01", title="Черчение", kind="discipline")
                meta = {"command": str(uuid4()), "actor": "system:test", "decided_at": START.isoformat()}
                row = NewEvent(str(uuid4()), *EVENTS.encode(event), canonical(meta))
                await system.logs["schedule"].append("catalogue", NO_STREAM, [row])
                await system.caught_up()
                yield Place(data, environment)


async def asked(place: Place, *arguments: str, environment: dict[str, str] | None = None) -> Said:
    """A command beside the journal, which goes on meanwhile."""
    given = place.environment if environment is None else environment
    return await asyncio.to_thread(zhurnal, *arguments, data=place.data, environment=given)


async def test_it_says_what_is_missing_wherever_it_is_shown(place: Place, tmp_path: Path) -> None:
    made = await asked(place, "backup", "--to", str(tmp_path))
    assert made.returncode == 0, made.stderr
    (folder,) = backups(tmp_path)
    manifest = Manifest.read(folder)
    assert (manifest.elsewhere, set(manifest.logs)) == (("gradebook", "schedule"), {"identity"})
    figures = await asked(place, "backup", "--verify", str(folder), "--json")
    told: dict[str, Any] = json.loads(figures.stdout)
    assert told["elsewhere"] == ["gradebook", "schedule"]
    for said in (made, figures):
        assert "without the logs of gradebook, schedule" in said.stderr
        assert "Make its own backup" in said.stderr
    drill = await asked(place, "restore", "--drill", str(folder))
    assert (drill.returncode, drill.stdout) == (2, "")
    assert "in KurrentDB" in drill.stderr


async def test_a_run_that_does_not_know_of_it_is_refused_and_leaves_nothing(place: Place, tmp_path: Path) -> None:
    refused = await asked(place, "backup", "--to", str(tmp_path), environment={})
    assert refused.returncode == 2
    assert "log of schedule is empty" in refused.stderr
    assert "ZHURNAL_KURRENT_URI" in refused.stderr
    assert [*backups(tmp_path), *leftovers(tmp_path)] == []
