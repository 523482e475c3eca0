"""The replay lets lawful pages through and names what was put past the rules."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from contracts.envelope import Event, Meta
from contracts.events import gradebook as e
from contracts.ids import derived
from services.gradebook import commands as c
from services.gradebook.audit.replay import replay
from services.gradebook.audit.story import story
from services.gradebook.rules import KEEPER
from services.kit.log.eventlog import NewEvent
from services.kit.log.memory import MemoryLog
from tests.common.clock import ManualClock
from tests.common.gradebook import (
    ANNA,
    BECAUSE,
    BORIS,
    DEADLINE,
    DEPUTY,
    MAIN,
    PAGE,
    SECOND,
    STRANGER,
    STUDENTS,
    TEACHER,
    ZONE,
    Journal,
    facts,
    instant,
)

pytestmark = pytest.mark.anyio
MONDAY = date(2025, 9, 8)
STREAM = f"page/{PAGE}"


async def written(journal: Journal) -> MemoryLog:
    """The journal's events in a log, as if loaded today: only what came over HTTP is recorded when it is decided."""
    log = MemoryLog()
    rows = [
        NewEvent(derived("id", str(n)), *e.EVENTS.encode(fact.event), fact.meta._replace(via="demo").text())
        for n, fact in enumerate(journal.events)
    ]
    # ids as the journal gave them, since corrections name them
    await log.append(STREAM, -1, [row._replace(id=fact.id) for row, fact in zip(rows, journal.events, strict=True)])
    return log


def full() -> Journal:
    """A page on which everything happens, lawfully."""
    journal = Journal(e.SubstituteAllowed(lesson="sub", assignment=MAIN, teacher=STRANGER, date=MONDAY))
    for student in STUDENTS:
        journal.graded("5", "4", "5", student=student)
    journal.on(MONDAY).by(STRANGER).lesson(MONDAY, "sub")
    journal.do(c.MarkAttendance("sub", (e.Absence(student=BORIS, hours=2),)))
    journal.grade("sub", ANNA, "2")
    (held,) = journal.page.cell("sub", ANNA).grades
    journal.do(c.SetGrades("sub", ANNA, (c.Mark("3", "oral", held.id), c.Mark("5", "oral")), BECAUSE))
    journal.do(c.Undo())
    journal.do(c.AmendLesson("sub", topic="Other"))
    journal.do(c.AssignHomework("sub", "Read"))
    journal.by(TEACHER).on(MONDAY + timedelta(days=9)).grade("sub", BORIS, "4", makeup_on=MONDAY + timedelta(days=8))
    journal.by(DEPUTY, "deputy_director").do(c.Unlock("sub", DEADLINE, BECAUSE))
    journal.by(TEACHER).on(DEADLINE).do(c.SetFinals(accept=True))
    journal.do(c.WithdrawFinal(ANNA, BECAUSE))
    journal.do(c.SetFinal(ANNA, "5", BECAUSE))
    journal.do(c.SignPage())
    return journal


async def replayed(log: MemoryLog) -> list[tuple[str, str, str]]:
    report = await replay(log, ZONE, ManualClock())
    assert report.events == await log.head()
    assert report.broken == len(report.findings)
    assert report.equal == (not report.findings)
    return [(f.rule, f.code, f.actor) for f in report.findings]


async def insert(
    log: MemoryLog, events: Sequence[Event], actor: str = TEACHER, role: str = "teacher", day: date = MONDAY
) -> None:
    """Put events into the log past every rule."""
    meta = Meta("inserted", "0" * 64, actor, role, "", instant(day).isoformat(), "demo").text()
    rows = [NewEvent(derived("inserted", str(n)), *e.EVENTS.encode(x), meta) for n, x in enumerate(events)]
    await log.append(STREAM, await log.head() - 1, rows)


def grade(student: str, **other: object) -> e.GradeRecorded:
    given = {"grade": "inserted", "lesson": "sub", "student": student, "value": "5", "work": "oral", **other}
    return e.GradeRecorded.model_validate(given)


async def test_a_lawful_page_is_equal() -> None:
    assert await replayed(await written(full())) == []


async def test_a_grade_by_a_foreign_teacher_is_named() -> None:
    log = await written(Journal().on(MONDAY))
    lesson = e.LessonHeld(
        lesson="sub",
        assignment=MAIN,
        taught_by=TEACHER,
        date=MONDAY,
        pair=1,
        number=1,
        hours=2,
        kind="lecture",
        topic="T",
    )
    await insert(log, [lesson])
    await insert_as(log, STRANGER, grade(ANNA))
    assert await replayed(log) == [("G1", "not-your-lesson", STRANGER)]


async def insert_as(log: MemoryLog, actor: str, event: Event, day: date = MONDAY, role: str = "teacher") -> None:
    meta = Meta(f"by-{actor}", "0" * 64, actor, role, "", instant(day).isoformat(), "demo").text()
    row = NewEvent(derived("by", actor, str(await log.head())), *e.EVENTS.encode(event), meta)
    await log.append(STREAM, await log.head() - 1, [row])


async def test_whatever_breaks_a_rule_is_named_with_its_rule() -> None:
    journal = full()
    (held,) = journal.page.cell("sub", ANNA).grades
    change = e.GradeChanged(
        grade=held.id,
        lesson="sub",
        student=ANNA,
        old=held.value,
        value="5",
        old_work=held.work,
        work=held.work,
        reason=BECAUSE,
        corrects=held.event,
        late_by_days=(DEADLINE - MONDAY).days,
    )
    cases: list[tuple[Event, date, str, tuple[str, str]]] = [
        (change, DEADLINE, "teacher", ("G2", "final-stands")),
        (grade("nobody", late_by_days=(DEADLINE - MONDAY).days), DEADLINE, "teacher", ("G8", "not-enrolled")),
        (grade("nobody"), MONDAY - timedelta(days=1), "teacher", ("G8", "lesson-in-future")),
        (e.FinalGradeSet(student="nobody", value="na", basis=e.Basis()), DEADLINE, "teacher", ("G8", "not-enrolled")),
        (e.StudentJoined(student="nobody", on=MONDAY), MONDAY, "teacher", ("G1", "keeper-only")),
        (e.PeriodClosed(forced=True, reason=BECAUSE), DEADLINE, "teacher", ("G2", "deputy-only")),
        (e.PageSigned(revision=1), DEADLINE, "teacher", ("G9", "contradiction")),
    ]
    for event, day, role, expected in cases:
        log = await written(journal)
        await insert_as(log, TEACHER, event, day, role)
        assert [(rule, code) for rule, code, _ in await replayed(log)] == [expected], event


async def test_a_grade_after_the_close_is_named() -> None:
    journal = full()
    journal.by(DEPUTY, "deputy_director").do(c.ClosePage())
    log = await written(journal)
    await insert_as(log, TEACHER, e.HomeworkAssigned(lesson="sub", text="Late", late_by_days=107), DEADLINE)
    assert await replayed(log) == [("G2", "page-closed", TEACHER)]


async def test_what_is_no_event_of_the_grade_book_is_named() -> None:
    log = await written(Journal())
    await log.append("elsewhere", -1, [NewEvent(derived("x"), "GradeRecorded.v1", "{}", '{"actor":"x"}')])
    meta = Meta("c", "", SECOND, "teacher", "", instant(MONDAY).isoformat(), "demo").text()
    await log.append("page/other", -1, [NewEvent(derived("y"), "Unheard.v1", "{}", meta)])
    await log.append("other/1", -1, [NewEvent(derived("z"), "PageSigned.v1", '{"revision":1}', meta)])
    announced = e.AbsenceAnnounced(absence="a", student=ANNA, starts_on=MONDAY, ends_on=MONDAY)
    await log.append("absence/x", -1, [NewEvent(derived("w"), *e.EVENTS.encode(announced), meta)])
    assert [(rule, code) for rule, code, _ in await replayed(log)] == [
        ("log", "unreadable"),
        ("log", "unreadable"),
        ("log", "stream"),
        ("G1", "not-your-student"),
    ]


@pytest.mark.parametrize("via", ["http", "demo", "import", "keeper"])
async def test_what_came_over_http_was_decided_within_seconds_of_its_place_in_the_log(via: str) -> None:
    clock, now = ManualClock(), instant(MONDAY)
    log = MemoryLog(clock)
    named = []
    for n, waited in enumerate((0, 9, -9, 11, -11, 86_400)):
        decided = now + timedelta(days=n)
        clock.set(decided + timedelta(seconds=waited))
        meta = Meta(f"c{n}", "", KEEPER, "keeper", "", decided.isoformat(), via).text()
        row = NewEvent(derived("wait", str(n)), *e.EVENTS.encode(e.StudentJoined(student=ANNA, on=MONDAY)), meta)
        opened = NewEvent(derived("opened"), *e.EVENTS.encode(facts()[0]), meta)
        await log.append(STREAM, await log.head() - 1, [row] if n else [opened, row])
        named += [("log", "decided_at", KEEPER)] * (via == "http" and abs(waited) > 10)
    assert await replayed(log) == named


async def test_the_story_of_a_student_up_to_a_position() -> None:
    log = await written(full())
    whole = await story(log, PAGE, ANNA)
    assert {line["type"] for line in whole.lines} >= {"GradeRecorded.v1", "FinalGradeSet.v1", "StudentJoined.v1"}
    assert whole.page.final(ANNA) is not None
    before = await story(log, PAGE, ANNA, as_of=8)
    assert [line["type"] for line in before.lines] == ["StudentJoined.v1"]
    assert before.page.final(ANNA) is None
    assert (await story(log, "unknown")).lines == []
