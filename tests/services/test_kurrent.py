"""Services whose log is on KurrentDB, here on its stand-in: grades over HTTP, views, the replay; a roster's import."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest

from contracts.events.gradebook import EVENTS
from contracts.events.schedule import EVENTS as SCHEDULE_EVENTS
from services.gradebook import app as gradebook
from services.gradebook.audit.replay import replay
from services.kit.log.eventlog import Feed, NewEvent
from services.kit.log.kurrent import KurrentLog, connected
from services.kit.log.soundness import check
from services.kit.rebuild import verify
from tests.common.gradebook import ANNA, BORIS, TEACHER, ZONE
from tests.common.gradebook_house import AUDITOR, house
from tests.common.kurrent_standin import StandIn
from tests.common.schedule_house import house as schedule_house
from tests.conftest import NewDatabase
from tests.services.test_schedule_import import imported, roster

pytestmark = pytest.mark.anyio

MONDAY = date(2025, 9, 8)
WHY = {"code": "input_error", "text": "Typed into the wrong row"}


@pytest.fixture
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn() as running:
        yield running


@asynccontextmanager
async def kept_at(standin: StandIn, name: str) -> AsyncIterator[KurrentLog]:
    log = KurrentLog(connected(standin.uri), name)
    try:
        yield log
    finally:
        await log.close()


async def test_grades_are_kept_shown_found_and_replayed(database: NewDatabase, standin: StandIn) -> None:
    place = await database("gradebook")
    async with kept_at(standin, "gradebook") as log, house(place, kept=log) as home:
        home.on(MONDAY)
        lesson = await home.lesson(MONDAY)
        tag = (await home.grade(lesson, ANNA, "4")).json()["etag"]
        changed = await home.grade(lesson, ANNA, "5", tag, grades=[{"value": "5", "work": "written"}], reason=WHY)
        assert changed.status_code == 200, changed.text
        answers = await asyncio.gather(*(home.grade(lesson, BORIS, "3", **{}) for _ in range(3)))
        assert sorted(a.status_code for a in answers)[0] == 200
        await home.settle()

        position = changed.json()["position"]
        shown = await home.spread(query=f"?min_position={position}")
        cells = {s["student"]: s["cells"][lesson]["grades"][0]["value"] for s in shown["students"] if s["cells"]}
        assert cells == {ANNA: "5", BORIS: "3"}
        before = await home.spread(query=f"?as_of={int(position.split(':')[1]) - 1}")
        assert [s["student"] for s in before["students"] if s["cells"]] == [ANNA]

        found = (await home.ask(AUDITOR, "GET", f"/history?actor={TEACHER}&since=2025-01-01T00:00:00Z")).json()
        assert found["next"] is None
        assert len(found["items"]) == 5
        assert (await home.ask(AUDITOR, "GET", "/history?until=2001-01-01T00:00:00Z")).json()["items"] == []

        assert (await check(log, EVENTS)).faults == ()
        report = await replay(log, ZONE, home.clock)
        assert report.events == len(await log.read())
        assert [f for f in report.findings if f.code != "decided_at"] == []  # the house's clock is not the server's
        (view,) = gradebook.VIEWS
        feeds: dict[str, Feed] = {"gradebook": log, "identity": home.identity.log, "schedule": home.schedule.log}
        assert await verify(view, {name: feeds[name] for name in view.logs}, place.owner_dsn) is None


class Dying(KurrentLog):
    """A process that is killed after the first stream of an import."""

    async def append_together(self, conn: Any, appends: Sequence[tuple[str, int, Sequence[NewEvent]]]) -> int:
        await super().append_together(conn, appends[:1])
        raise ConnectionError("killed")


async def test_an_import_killed_between_two_streams_goes_on_when_it_is_sent_again(
    database: NewDatabase, standin: StandIn
) -> None:
    async with kept_at(standin, "schedule") as log, schedule_house(await database("schedule"), log) as home:
        whole = home.svc.log
        home.svc.log = Dying(connected(standin.uri), "schedule")
        killed = await home.ask("admin", "POST", "/imports", roster(), "the-roster")
        assert killed.status_code == 503
        assert len({row.stream for row in await log.read()}) == 1
        await home.svc.log.close()

        home.svc.log = whole
        again = await home.ask("admin", "POST", "/imports", roster(), "the-roster")
        assert again.status_code == 200, again.text
        rows = await log.read()
        assert len({row.id for row in rows}) == len(rows)
        assert sorted(row.type for row in rows) == [
            "AcademicYearOpened.v1",
            "DisciplineAdded.v1",
            "PeriodDefined.v1",
            "TeachingAssigned.v1",
        ]
        assert (await check(log, SCHEDULE_EVENTS)).faults == ()
        same = await home.ask("admin", "POST", "/imports", roster(), "the-roster")
        assert same.json() == again.json()
        await imported(home, roster())
        assert await log.read() == rows
        (load,) = await home.get("director", "/assignments?group=g")
        assert load["teacher"] == "teacher"
