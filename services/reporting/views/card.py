"""The view `card`: pages, lessons, grades, attendance and finals, with the titles and plans that explain them.

Tables of the gradebook's log, of the schedule's and of identity's are apart and are joined on read by `queries.py`.
Nothing is computed here: means, percentages and hours are formulas over these rows (`indicators.py`, `card.py`).
A student's time on a page is kept as the moves that were recorded; an attendance is kept whole, as it was marked.
"""

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from contracts.events import gradebook as g
from contracts.events import identity as i
from contracts.events import schedule as s
from services.kit.log.eventlog import Recorded
from services.kit.view import Change, Drop, Put, Table, View

PAGE_PREFIX = len("page/")

TABLES = {
    # -- gradebook
    "page": Table(
        {"page": "text"},
        {
            "study_group": "text",
            "discipline": "text",
            "period": "text",
            "year": "text",
            "kind": "text",
            "starts_on": "date",
            "ends_on": "date",
            "weights": "jsonb",
            "retake": "text",
            "subgroups": "jsonb",
            "signed_at": "timestamptz",
            "closed_at": "timestamptz",
            "lessons_as_of": "text",
        },
        ("study_group",),
    ),
    "assignment": Table(
        {"page": "text", "assignment": "text", "teacher": "text"},
        {"subgroup": "text", "responsible": "boolean", "starts_on": "date", "removed_on": "date"},
    ),
    "move": Table(
        {"student": "text", "page": "text", "on_day": "date"}, {"joined": "boolean", "until": "date"}, ("page",)
    ),
    "lesson": Table(
        {"page": "text", "lesson": "text"},
        {
            "assignment": "text",
            "taught_by": "text",
            "held_on": "date",
            "pair": "int",
            "number": "int",
            "hours": "int",
            "kind": "text",
            "topic": "text",
            "topic_no": "int",
            "homework": "text",
            "due_on": "date",
            "marks": "text",
        },
    ),
    "grade": Table(
        {"grade": "text"},
        {
            "page": "text",
            "student": "text",
            "lesson": "text",
            "value": "text",
            "work": "text",
            "makeup_on": "date",
            "retake_of": "text",
            "position": "bigint",
        },
        ("student, page", "page"),
    ),
    "carried": Table({"page": "text", "student": "text"}, {"source_page": "text", "grades": "jsonb"}),
    "final": Table({"page": "text", "student": "text"}, {"value": "text", "mean": "int", "set_at": "timestamptz"}),
    "taken": Table({"page": "text", "student": "text", "source_page": "text"}, {"value": "text"}),
    "absence_class": Table(
        {"student": "text", "position": "bigint"}, {"starts_on": "date", "ends_on": "date", "reason_class": "text"}
    ),
    "absence_notice": Table({"student": "text", "absence": "text"}, {"starts_on": "date", "ends_on": "date"}),
    # -- schedule
    "academic_year": Table({"year": "text"}, {"title": "text", "starts_on": "date", "ends_on": "date"}),
    "period": Table(
        {"period": "text"},
        {
            "study_group": "text",
            "year": "text",
            "title": "text",
            "kind": "text",
            "starts_on": "date",
            "ends_on": "date",
        },
    ),
    "discipline": Table({"discipline": "text"}, {"code": "text", "title": "text", "kind": "text"}),
    "programme": Table({"study_group": "text", "discipline": "text", "period": "text"}, {"topics": "text"}),
    "planned": Table(
        {"lesson": "text"},
        {
            "study_group": "text",
            "discipline": "text",
            "period": "text",
            "assignment": "text",
            "teacher": "text",
            "held_on": "date",
            "pair": "int",
            "hours": "int",
            "kind": "text",
            "cancelled": "boolean",
        },
        ("study_group, held_on",),
    ),
    # -- identity
    "study_group": Table({"study_group": "text"}, {"title": "text"}),
    "student_status": Table({"student": "text"}, {"status": "text", "on_day": "date"}),
}


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _page(row: Recorded) -> str:
    return row.stream[PAGE_PREFIX:]


def _of_lesson(lesson: str, values: dict[str, Any], row: Recorded) -> tuple[Change, ...]:
    """Columns of a lesson; its page names the event, by which readers tell that what they keep is old."""
    page = _page(row)
    return (Put("lesson", (page, lesson), values), Put("page", (page,), {"lessons_as_of": row.id}))


# -- gradebook -----------------------------------------------------------------------------------------------------


def _opened(e: g.PageOpened, row: Recorded) -> tuple[Change, ...]:
    values = {
        "study_group": e.group,
        "discipline": e.discipline,
        "period": e.period,
        "year": e.year,
        "kind": e.kind,
        "starts_on": e.starts_on,
        "ends_on": e.ends_on,
        "closed_at": row.at if e.closed else None,
    }
    return (Put("page", (e.page,), values),)


def _rescheduled(e: g.PageRescheduled, row: Recorded) -> tuple[Change, ...]:
    return (Put("page", (_page(row),), {"starts_on": e.starts_on, "ends_on": e.ends_on}),)


def _assigned(e: g.TeacherAssigned, row: Recorded) -> tuple[Change, ...]:
    values = {
        "subgroup": e.subgroup,
        "responsible": e.responsible,
        "starts_on": e.starts_on,
        "removed_on": None,
    }
    return (Put("assignment", (_page(row), e.assignment, e.teacher), values),)


def _unassigned(e: g.TeacherUnassigned, row: Recorded) -> tuple[Change, ...]:
    return (Put("assignment", (_page(row), e.assignment, e.teacher), {"removed_on": e.on}),)


def _joined(e: g.StudentJoined, row: Recorded) -> tuple[Change, ...]:
    return (Put("move", (e.student, _page(row), e.on), {"joined": True, "until": e.until}),)


def _left(e: g.StudentLeft, row: Recorded) -> tuple[Change, ...]:
    return (Put("move", (e.student, _page(row), e.on), {"joined": False, "until": None}),)


def _split(e: g.SubgroupsSet, row: Recorded) -> tuple[Change, ...]:
    return (Put("page", (_page(row),), {"subgroups": _text(e.subgroups)}),)


def _ruled(e: g.PageSettingsSet, row: Recorded) -> tuple[Change, ...]:
    return (Put("page", (_page(row),), {"weights": _text(e.rules.weights), "retake": e.rules.retake}),)


def _carried(e: g.GradesCarriedOver, row: Recorded) -> tuple[Change, ...]:
    grades = _text([grade.model_dump(mode="json") for grade in e.grades])
    return (Put("carried", (_page(row), e.student), {"source_page": e.source_page, "grades": grades}),)


def _taken(e: g.FinalsTaken, row: Recorded) -> tuple[Change, ...]:
    page = _page(row)
    return tuple(Put("taken", (page, f.student, f.page), {"value": f.value}) for f in e.finals)


def _held(e: g.LessonHeld, row: Recorded) -> tuple[Change, ...]:
    values = {
        "assignment": e.assignment,
        "taught_by": e.taught_by,
        "held_on": e.date,
        "pair": e.pair,
        "number": e.number,
        "hours": e.hours,
        "kind": e.kind,
        "topic": e.topic,
        "topic_no": e.topic_no,
    }
    return _of_lesson(e.lesson, values, row)


def _amended(e: g.LessonAmended, row: Recorded) -> tuple[Change, ...]:
    values = {"hours": e.hours, "kind": e.kind, "topic": e.topic, "topic_no": e.topic_no}
    return _of_lesson(e.lesson, values, row)


def _homework(e: g.HomeworkAssigned, row: Recorded) -> tuple[Change, ...]:
    return _of_lesson(e.lesson, {"homework": e.text, "due_on": e.due_on}, row)


def _recorded(e: g.GradeRecorded, row: Recorded) -> tuple[Change, ...]:
    values = {
        "page": row.stream[PAGE_PREFIX:],
        "student": e.student,
        "lesson": e.lesson,
        "value": e.value,
        "work": e.work,
        "makeup_on": e.makeup_on,
        "retake_of": e.retake_of,
        "position": row.position,
    }
    return (Put("grade", (e.grade,), values),)


def _changed(e: g.GradeChanged, row: Recorded) -> tuple[Change, ...]:
    return (Put("grade", (e.grade,), {"value": e.value, "work": e.work}),)


def _annulled(e: g.GradeAnnulled, row: Recorded) -> tuple[Change, ...]:
    return (Drop("grade", (e.grade,)),)


def _marked(e: g.AttendanceMarked, row: Recorded) -> tuple[Change, ...]:
    """{student: [hours, minutes late, minutes before the end]} of who was not simply there; null: not marked."""
    marks = None if e.taken_back else _text({m.student: (m.hours, m.late, m.left_early) for m in e.marks})
    return _of_lesson(e.lesson, {"marks": marks}, row)


def _final(e: g.FinalGradeSet, row: Recorded) -> tuple[Change, ...]:
    return (Put("final", (_page(row), e.student), {"value": e.value, "mean": e.basis.mean, "set_at": row.at}),)


def _withdrawn(e: g.FinalGradeWithdrawn, row: Recorded) -> tuple[Change, ...]:
    return (Drop("final", (_page(row), e.student)),)


def _signed(e: g.PageSigned, row: Recorded) -> tuple[Change, ...]:
    return (Put("page", (_page(row),), {"signed_at": row.at}),)


def _closed(e: g.PeriodClosed, row: Recorded) -> tuple[Change, ...]:
    return (Put("page", (_page(row),), {"closed_at": row.at}),)


def _classified(e: g.AbsenceClassified, row: Recorded) -> tuple[Change, ...]:
    values = {"starts_on": e.starts_on, "ends_on": e.ends_on, "reason_class": e.reason_class}
    return (Put("absence_class", (e.student, row.position), values),)


def _announced(e: g.AbsenceAnnounced, row: Recorded) -> tuple[Change, ...]:
    return (Put("absence_notice", (e.student, e.absence), {"starts_on": e.starts_on, "ends_on": e.ends_on}),)


# -- schedule ------------------------------------------------------------------------------------------------------


def _year(e: s.AcademicYearOpened, row: Recorded) -> tuple[Change, ...]:
    return (Put("academic_year", (e.year,), {"title": e.title, "starts_on": e.starts_on, "ends_on": e.ends_on}),)


def _period(e: s.PeriodDefined, row: Recorded) -> tuple[Change, ...]:
    values = {
        "study_group": e.group,
        "year": e.year,
        "title": e.title,
        "kind": e.kind,
        "starts_on": e.starts_on,
        "ends_on": e.ends_on,
    }
    return (Put("period", (e.period,), values),)


def _discipline(e: s.DisciplineAdded, row: Recorded) -> tuple[Change, ...]:
    return (Put("discipline", (e.discipline,), {"code": e.code, "title": e.title, "kind": e.kind}),)


def _programme(e: s.ProgrammeAdopted, row: Recorded) -> tuple[Change, ...]:
    topics = _text([(t.number, t.title, t.hours, t.kind) for t in e.topics])
    return (Put("programme", (e.group, e.discipline, e.period), {"topics": topics}),)


def _planned(e: s.LessonPlanned, row: Recorded) -> tuple[Change, ...]:
    values = {
        "study_group": e.group,
        "discipline": e.discipline,
        "period": e.period,
        "assignment": e.assignment,
        "teacher": e.teacher,
        "held_on": e.date,
        "pair": e.pair,
        "hours": e.hours,
        "kind": e.kind,
        "cancelled": False,
    }
    return (Put("planned", (e.lesson,), values),)


def _moved(e: s.LessonMoved, row: Recorded) -> tuple[Change, ...]:
    return (Put("planned", (e.lesson,), {"held_on": e.date, "pair": e.pair}),)


def _cancelled(e: s.LessonCancelled, row: Recorded) -> tuple[Change, ...]:
    return (Put("planned", (e.lesson,), {"cancelled": True}),)


def _substituted(e: s.LessonSubstituted, row: Recorded) -> tuple[Change, ...]:
    return (Put("planned", (e.lesson,), {"teacher": e.teacher}),)


# -- identity ------------------------------------------------------------------------------------------------------


def _formed(e: i.GroupFormed, row: Recorded) -> tuple[Change, ...]:
    return (Put("study_group", (e.group,), {"title": e.title}),)


def _status(e: i.StudentStatusChanged, row: Recorded) -> tuple[Change, ...]:
    return (Put("student_status", (e.student,), {"status": e.status, "on_day": e.on}),)


_CHANGES: dict[type, Callable[[Any, Recorded], tuple[Change, ...]]] = {
    g.PageOpened: _opened,
    g.PageRescheduled: _rescheduled,
    g.TeacherAssigned: _assigned,
    g.TeacherUnassigned: _unassigned,
    g.StudentJoined: _joined,
    g.StudentLeft: _left,
    g.SubgroupsSet: _split,
    g.PageSettingsSet: _ruled,
    g.GradesCarriedOver: _carried,
    g.FinalsTaken: _taken,
    g.LessonHeld: _held,
    g.LessonAmended: _amended,
    g.HomeworkAssigned: _homework,
    g.GradeRecorded: _recorded,
    g.GradeChanged: _changed,
    g.GradeAnnulled: _annulled,
    g.AttendanceMarked: _marked,
    g.FinalGradeSet: _final,
    g.FinalGradeWithdrawn: _withdrawn,
    g.PageSigned: _signed,
    g.PeriodClosed: _closed,
    g.AbsenceClassified: _classified,
    g.AbsenceAnnounced: _announced,
    s.AcademicYearOpened: _year,
    s.PeriodDefined: _period,
    s.DisciplineAdded: _discipline,
    s.ProgrammeAdopted: _programme,
    s.LessonPlanned: _planned,
    s.LessonMoved: _moved,
    s.LessonCancelled: _cancelled,
    s.LessonSubstituted: _substituted,
    i.GroupFormed: _formed,
    i.StudentStatusChanged: _status,
}


def changes(log: str, event: Any, row: Recorded) -> Iterable[Change]:
    """The changes of one event; none for events that no row here depends on."""
    change = _CHANGES.get(type(event))
    return change(event, row) if change is not None else ()


VIEW = View("card", 2, TABLES, {"gradebook": g.EVENTS, "schedule": s.EVENTS, "identity": i.EVENTS}, changes)
