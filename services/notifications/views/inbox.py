"""The view `inbox`: the notices by audience, and the facts by which audiences are resolved when somebody reads.

Notices of each log are in a table of their own and are merged on read. Who teaches a page, a planned lesson or a group
is kept beside them; who is whose guardian, and who holds a role, comes from the grants of the asking person.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import orjson

from contracts.envelope import Meta
from contracts.events import gradebook as g
from contracts.events import identity as i
from contracts.events import schedule as s
from services.kit.log.eventlog import Recorded
from services.kit.view import Change, Put, Table, View
from services.notifications.rules import Notice, Where, notices

NOTICE = Table(
    {"audience": "text", "slot": "text"},
    {
        "position": "bigint",
        "at": "timestamptz",
        "kind": "text",
        "actor": "text",
        "page": "text",
        "lesson": "text",
        "student": "text",
        "data": "jsonb",
    },
    ("audience, position",),
)

TABLES = {
    # -- gradebook
    "gradebook_notice": NOTICE,
    "page": Table({"page": "text"}, {"study_group": "text", "discipline": "text", "period": "text"}),
    "page_teacher": Table(
        {"teacher": "text", "page": "text", "assignment": "text"}, {"starts_on": "date", "removed_on": "date"}
    ),
    "page_lesson": Table({"page": "text", "lesson": "text"}, {"held_on": "date", "pair": "int", "marks": "jsonb"}),
    # -- schedule
    "schedule_notice": NOTICE,
    "discipline": Table({"discipline": "text"}, {"code": "text", "title": "text"}),
    "planned": Table({"lesson": "text"}, {"teacher": "text", "discipline": "text"}, ("teacher",)),
    "assignment": Table({"assignment": "text"}, {"study_group": "text", "period": "text", "ends_on": "date"}),
    "holder": Table({"assignment": "text", "starts_on": "date"}, {"teacher": "text"}, ("teacher",)),
    # -- identity
    "identity_notice": NOTICE,
}
FROM_THE_START = date.min


def _put(log: str, notice: Notice, row: Recorded) -> Put:
    values = {
        "position": row.position,
        "at": row.at,
        "kind": notice.kind,
        "actor": Meta.of(row.meta).actor,
        "page": notice.page,
        "lesson": notice.lesson,
        "student": notice.student,
        "data": orjson.dumps(dict(notice.data)).decode(),
    }
    return Put(f"{log}_notice", (notice.audience, notice.slot), values)


def _opened(e: g.PageOpened, where: Where) -> Iterator[Put]:
    yield Put("page", (e.page,), {"study_group": e.group, "discipline": e.discipline, "period": e.period})


def _assigned(e: g.TeacherAssigned, where: Where) -> Iterator[Put]:
    yield Put("page_teacher", (e.teacher, where.page, e.assignment), {"starts_on": e.starts_on, "removed_on": None})


def _unassigned(e: g.TeacherUnassigned, where: Where) -> Iterator[Put]:
    yield Put("page_teacher", (e.teacher, where.page, e.assignment), {"removed_on": e.on})


def _held(e: g.LessonHeld, where: Where) -> Iterator[Put]:
    yield Put("page_lesson", (where.page, e.lesson), {"held_on": e.date, "pair": e.pair})


def _marked(e: g.AttendanceMarked, where: Where) -> Iterator[Put]:
    """Who is marked at present: a notice about somebody else was withdrawn by marking again."""
    students = orjson.dumps([m.student for m in e.marks if m.hours or m.late or m.left_early]).decode()
    yield Put("page_lesson", (where.page, e.lesson), {"marks": students})


def _discipline(e: s.DisciplineAdded, where: Where) -> Iterator[Put]:
    yield Put("discipline", (e.discipline,), {"code": e.code, "title": e.title})


def _planned(e: s.LessonPlanned, where: Where) -> Iterator[Put]:
    yield Put("planned", (e.lesson,), {"teacher": e.teacher, "discipline": e.discipline})


def _substituted(e: s.LessonSubstituted, where: Where) -> Iterator[Put]:
    yield Put("planned", (e.lesson,), {"teacher": e.teacher})


def _teaching(e: s.TeachingAssigned, where: Where) -> Iterator[Put]:
    values = {"study_group": e.group, "period": e.period, "ends_on": e.ends_on}
    yield Put("assignment", (e.assignment,), values)
    yield Put("holder", (e.assignment, FROM_THE_START), {"teacher": e.teacher})


def _reassigned(e: s.TeachingReassigned, where: Where) -> Iterator[Put]:
    yield Put("holder", (e.assignment, e.on), {"teacher": e.teacher})


_FACTS: dict[type, Callable[[Any, Where], Iterator[Put]]] = {
    g.PageOpened: _opened,
    g.TeacherAssigned: _assigned,
    g.TeacherUnassigned: _unassigned,
    g.LessonHeld: _held,
    g.AttendanceMarked: _marked,
    s.DisciplineAdded: _discipline,
    s.LessonPlanned: _planned,
    s.LessonSubstituted: _substituted,
    s.TeachingAssigned: _teaching,
    s.TeachingReassigned: _reassigned,
}


def changes(log: str, event: Any, row: Recorded) -> Iterator[Change]:
    """The facts of one event, and its notices."""
    where = Where(row.stream, row.position)
    fact = _FACTS.get(type(event))
    if fact is not None:
        yield from fact(event, where)
    for notice in notices(event, where):
        yield _put(log, notice, row)


VIEW = View("inbox", 2, TABLES, {"gradebook": g.EVENTS, "schedule": s.EVENTS, "identity": i.EVENTS}, changes)
