"""Rebuilding the views of a college from its logs: events per second, and the time of verifying.

33 groups of 30 students, 10 disciplines, 32 lessons each: 316,800 grades beside lessons, homework, attendance and
finals. The logs are filled by COPY and read as at any other time. `python -m tests.bench.rebuild [--json]`
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import uvloop
from psycopg import AsyncConnection

from contracts.envelope import Event, EventTypes, Meta
from contracts.events import gradebook as g
from contracts.events import identity as i
from contracts.events import schedule as s
from contracts.ids import derived
from services.kit.embedded import EmbeddedServer
from services.kit.log.eventlog import Feed
from services.kit.log.postgres import PostgresLog, install
from services.kit.postgres import open_pool, prepare
from services.kit.rebuild import rebuild, verify
from services.notifications.views.inbox import VIEW as INBOX
from services.reporting.views.card import VIEW as CARD
from tests.bench.college import fresh_folder
from tests.bench.report import Row, arguments, row, show

TARGETS = {"card": "≥ 80,000/s"}
"""The least events per second, by view."""

GROUPS, STUDENTS, DISCIPLINES, LESSONS = 33, 30, 10, 32
STARTS, ENDS = date(2025, 9, 1), date(2025, 12, 28)
AT = datetime(2025, 9, 1, tzinfo=UTC)
TYPES: dict[str, EventTypes] = {"gradebook": g.EVENTS, "schedule": s.EVENTS, "identity": i.EVENTS}
Spoken = tuple[str, Event]


async def bench(rounds: int) -> list[Row]:
    """Rows of events per second, and of seconds for the comparison of every row."""
    pools, feeds = [], dict[str, Feed]()
    with fresh_folder() as folder, EmbeddedServer.start(folder / "data") as server:
        for name, spoken in {"gradebook": gradebook(), "schedule": schedule(), "identity": ()}.items():
            database = await prepare(server.dsn(), name, server.password)
            async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as owner:
                await install(owner, database.role)
                await _fill(owner, TYPES[name], spoken)
            pools.append(await open_pool(database.dsn, name=f"bench {name}"))
            feeds[name] = PostgresLog(pools[-1])
        found = []
        for view, service in ((CARD, "reporting"), (INBOX, "notifications")):
            database = await prepare(server.dsn(), service, server.password)
            reports = [await rebuild(view, feeds, database.owner_dsn) for _ in range(rounds)]
            rates = [r.events / r.seconds for r in reports]
            found.append(row(f"rebuild of {view.name}", "events/s", rates, target=TARGETS.get(view.name, "")))
            began = time.perf_counter()
            assert await verify(view, feeds, database.owner_dsn) is None
            found.append(row(f"verify of {view.name}", "s", [time.perf_counter() - began]))
        for pool in pools:
            await pool.close()
        return found


async def _fill(owner: AsyncConnection[Any], types: EventTypes, spoken: Iterable[Spoken]) -> None:
    meta = Meta(derived("command"), "0" * 64, derived("teacher"), "teacher", "1" * 64, AT.isoformat(), "http").text()
    revisions: dict[str, int] = {}
    columns = "position, event_id, stream, revision, type, at, body, meta"
    async with owner.cursor() as cursor, cursor.copy(f"copy public.event ({columns}) from stdin") as copy:
        for position, (stream, event) in enumerate(spoken, 1):
            revisions[stream] = revision = revisions.get(stream, -1) + 1
            values = (position, derived("event", str(position)), stream, revision, *types.encode(event))
            await copy.write_row((*values[:5], AT, values[5], meta))
    await owner.execute("analyze public.event")


def _id(*parts: object) -> str:
    return derived(*map(str, parts))


def schedule() -> Iterator[Spoken]:
    """Year, periods, disciplines, programmes."""
    yield "catalogue", s.AcademicYearOpened(year="y", title="2025/26", starts_on=STARTS, ends_on=date(2026, 6, 30))
    for d in range(DISCIPLINES):
        code = f"ОП.{d + 1:02}"
        yield "catalogue", s.DisciplineAdded(discipline=_id("d", d), code=code, title=f"Предмет {d}", kind="discipline")
    topics = tuple(s.Topic(number=n + 1, title=f"Тема {n + 1}", hours=2, kind="lecture") for n in range(LESSONS))
    for group in range(GROUPS):
        ids = {"period": _id("p", group), "group": _id("g", group)}
        dates: Any = {"starts_on": STARTS, "ends_on": ENDS}
        yield "catalogue", s.PeriodDefined(year="y", title="1 полугодие", kind="semester", **ids, **dates)
        for d in range(DISCIPLINES):
            yield "catalogue", s.ProgrammeAdopted(discipline=_id("d", d), topics=topics, **ids)


def gradebook() -> Iterator[Spoken]:
    """Pages, then lesson by lesson what teachers write, then finals."""
    pages = [(group, d, _id("page", group, d)) for group in range(GROUPS) for d in range(DISCIPLINES)]
    students = [[_id("s", group, n) for n in range(STUDENTS)] for group in range(GROUPS)]
    for group, d, page in pages:
        stream = f"page/{page}"
        yield (
            stream,
            g.PageOpened(
                page=page,
                group=_id("g", group),
                discipline=_id("d", d),
                period=_id("p", group),
                year="y",
                kind="semester",
                starts_on=STARTS,
                ends_on=ENDS,
            ),
        )
        yield stream, g.PageSettingsSet(rules=g.Rules(weights={"written": 150}))
        yield stream, g.TeacherAssigned(assignment=_id("a", page), teacher=_id("t", d), starts_on=STARTS)
        for student in students[group]:
            yield stream, g.StudentJoined(student=student, on=STARTS)
    for n in range(LESSONS):
        for group, d, page in pages:
            yield from _lesson(page, d, n, students[group])
    for group, d, page in pages:
        for k, student in enumerate(students[group]):
            value: Any = "543"[(k + d) % 3]
            yield f"page/{page}", g.FinalGradeSet(student=student, value=value, basis=g.Basis(mean=400))


def _lesson(page: str, d: int, n: int, students: list[str]) -> Iterator[Spoken]:
    stream, lesson, day = f"page/{page}", _id("l", page, n), STARTS + timedelta(days=3 * n)
    yield (
        stream,
        g.LessonHeld(
            lesson=lesson,
            assignment=_id("a", page),
            taught_by=_id("t", d),
            date=day,
            pair=d % 6 + 1,
            number=n + 1,
            hours=2,
            kind="lecture",
            topic=f"Тема {n + 1}. Основные понятия",
            topic_no=n + 1,
        ),
    )
    yield stream, g.HomeworkAssigned(lesson=lesson, text="Прочитать главу, ответить на вопросы", due_on=day)
    absent = tuple(g.Absence(student=students[(n + 7 * k) % STUDENTS], hours=2) for k in range(3))
    yield stream, g.AttendanceMarked(lesson=lesson, marks=absent)
    for k, student in enumerate(students):
        value: Any = "5432"[(k + n) % 4]
        yield (
            stream,
            g.GradeRecorded(
                grade=_id("gr", page, n, k),
                lesson=lesson,
                student=student,
                value=value,
                work="written" if n % 2 else "oral",
            ),
        )


def main() -> None:
    """Measure and print, as a table or as JSON."""
    asked = arguments("rebuild of views")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        show("rebuild", runner.run(bench(asked.rounds)), asked.json)


if __name__ == "__main__":
    main()
