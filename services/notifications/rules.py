"""From an event to the notices that come of it: pure, one function per event.

A notice is addressed to an audience: `student:ID` (the student, and his guardians as of the day they read), `page:ID`
(the teachers of that page), `group:ID` (students, guardians and curator of the group), `person:ID`, `lesson:ID`
(whoever is to teach that planned lesson), `teaching:GROUP/PERIOD` (whoever teaches the group in that period),
`role:NAME` (whoever holds that role). Audience and slot follow from the event alone, so a repeated or replayed
event makes no second notice. An attendance marked again takes the place of what it said before.

A teacher hears of everything that touches grades already given on his pages, also by himself (marked as his own): a
stolen password is noticed by its owner (R 3.2, 4.4.6). `TEXTS` is what may be pushed: it holds no name and no mark.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from contracts.events import gradebook as g
from contracts.events import identity as i
from contracts.events import schedule as s

PAGE_PREFIX = len("page/")


class Text(NamedTuple):
    ru: str
    en: str


TEXTS = {
    "grade": Text("Новая отметка", "A new grade"),
    "grade_changed": Text("Отметка изменена", "A grade was changed"),
    "grade_annulled": Text("Отметка аннулирована", "A grade was annulled"),
    "absence": Text("Отмечено отсутствие", "An absence was marked"),
    "late": Text("Отмечено опоздание", "A late arrival was marked"),
    "left_early": Text("Отмечен ранний уход", "An early leave was marked"),
    "final": Text("Выставлена итоговая оценка", "A final grade was set"),
    "final_withdrawn": Text("Итоговая оценка отозвана", "A final grade was withdrawn"),
    "period_closed": Text("Страница журнала закрыта", "A page of the journal was closed"),
    "substituted": Text("Замена преподавателя", "A substitute will teach"),
    "moved": Text("Занятие перенесено", "A lesson was moved"),
    "cancelled": Text("Занятие отменено", "A lesson was cancelled"),
    "timetable": Text("Расписание изменено", "The timetable has changed"),
    "code_reissued": Text("Код доступа выдан повторно", "An access code was issued again"),
}
"""What happened, by kind of notice; the first line of a push."""


class Where(NamedTuple):
    """stream and position of the event."""

    stream: str
    position: int

    @property
    def page(self) -> str:
        return self.stream[PAGE_PREFIX:]

    @property
    def slot(self) -> str:
        return str(self.position)


class Notice(NamedTuple):
    """data: ids and values that the notice is about, without people other than the student."""

    audience: str
    slot: str
    kind: str
    page: str | None = None
    lesson: str | None = None
    student: str | None = None
    data: Mapping[str, Any] = MappingProxyType({})


def _both(where: Where, kind: str, student: str, lesson: str | None, data: dict[str, Any]) -> Iterator[Notice]:
    """To the student and to the page's teachers."""
    yield Notice(f"student:{student}", where.slot, kind, where.page, lesson, student, data)
    yield Notice(f"page:{where.page}", where.slot, kind, where.page, lesson, student, data)


def _recorded(e: g.GradeRecorded, where: Where) -> Iterator[Notice]:
    """The teachers hear of grades that were entered after their lesson's day, or beside others as a retake."""
    data = {"grade": e.grade, "value": e.value, "work": e.work}
    if e.late_by_days or e.retake_of is not None:
        yield from _both(where, "grade", e.student, e.lesson, {**data, "late_by_days": e.late_by_days})
    else:
        yield Notice(f"student:{e.student}", where.slot, "grade", where.page, e.lesson, e.student, data)


def _changed(e: g.GradeChanged, where: Where) -> Iterator[Notice]:
    data = {"grade": e.grade, "old": e.old, "value": e.value, "work": e.work, "reason": e.reason.code}
    return _both(where, "grade_changed", e.student, e.lesson, data)


def _annulled(e: g.GradeAnnulled, where: Where) -> Iterator[Notice]:
    data = {"grade": e.grade, "old": e.old, "work": e.old_work, "reason": e.reason.code}
    return _both(where, "grade_annulled", e.student, e.lesson, data)


def _marked(e: g.AttendanceMarked, where: Where) -> Iterator[Notice]:
    for mark in e.marks:
        kind = "absence" if mark.hours else "late" if mark.late else "left_early" if mark.left_early else None
        if kind is not None:
            slot = f"a.{where.page}.{e.lesson}.{mark.student}"
            data = {"hours": mark.hours, "late": mark.late, "left_early": mark.left_early}
            yield Notice(f"student:{mark.student}", slot, kind, where.page, e.lesson, mark.student, data)


def _final(e: g.FinalGradeSet, where: Where) -> Iterator[Notice]:
    return _both(where, "final", e.student, None, {"value": e.value, "late": e.late})


def _withdrawn(e: g.FinalGradeWithdrawn, where: Where) -> Iterator[Notice]:
    return _both(where, "final_withdrawn", e.student, None, {"old": e.old, "reason": e.reason.code})


def _closed(e: g.PeriodClosed, where: Where) -> Iterator[Notice]:
    yield Notice(f"page:{where.page}", where.slot, "period_closed", where.page, data={"forced": e.forced})


def _substituted(e: s.LessonSubstituted, where: Where) -> Iterator[Notice]:
    """Substitute, substituted and group are told (rule S1)."""
    data = {"discipline": e.discipline, "date": e.date.isoformat(), "pair": e.pair, "teacher": e.teacher}
    for audience in (f"group:{e.group}", f"person:{e.teacher}", f"person:{e.instead_of}"):
        yield Notice(audience, where.slot, "substituted", lesson=e.lesson, data=data)


def _planned_otherwise(kind: str, lesson: str, group: str, where: Where, data: dict[str, Any]) -> Iterator[Notice]:
    for audience in (f"group:{group}", f"lesson:{lesson}"):
        yield Notice(audience, where.slot, kind, lesson=lesson, data=data)


def _moved(e: s.LessonMoved, where: Where) -> Iterator[Notice]:
    data = {
        "from_date": e.from_date.isoformat(),
        "from_pair": e.from_pair,
        "date": e.date.isoformat(),
        "pair": e.pair,
        "reason": e.reason,
    }
    return _planned_otherwise("moved", e.lesson, e.group, where, data)


def _cancelled(e: s.LessonCancelled, where: Where) -> Iterator[Notice]:
    if e.reason == "timetable":  # not called off: a timetable published again is hundreds of these
        return iter(())
    data = {"date": e.date.isoformat(), "pair": e.pair, "reason": e.reason}
    return _planned_otherwise("cancelled", e.lesson, e.group, where, data)


def _published(e: s.TimetablePublished, where: Where) -> Iterator[Notice]:
    """One notice, of however many lessons the timetable plans and withdraws."""
    data = {
        "group": e.group,
        "period": e.period,
        "starts_on": e.starts_on.isoformat(),
        "ends_on": e.ends_on.isoformat(),
    }
    for audience in (f"group:{e.group}", f"teaching:{e.group}/{e.period}"):
        yield Notice(audience, where.slot, "timetable", data=data)


def _code_issued(e: i.ActivationCodeIssued, where: Where) -> Iterator[Notice]:
    """Whoever bears the code can set a new password, so its owner hears of it, and of a staff code the deputy."""
    if e.reissued:
        data = {"person": e.person, "issued_by": e.issued_by}
        for audience in (f"person:{e.person}", *(("role:deputy_director",) if e.staff else ())):
            yield Notice(audience, where.slot, "code_reissued", data=data)


_RULES: dict[type, Callable[[Any, Where], Iterator[Notice]]] = {
    g.GradeRecorded: _recorded,
    g.GradeChanged: _changed,
    g.GradeAnnulled: _annulled,
    g.AttendanceMarked: _marked,
    g.FinalGradeSet: _final,
    g.FinalGradeWithdrawn: _withdrawn,
    g.PeriodClosed: _closed,
    s.LessonSubstituted: _substituted,
    s.LessonMoved: _moved,
    s.LessonCancelled: _cancelled,
    s.TimetablePublished: _published,
    i.ActivationCodeIssued: _code_issued,
}


def notices(event: Any, where: Where) -> Iterator[Notice]:
    """The notices of an event; none for events nobody needs to hear of."""
    rule = _RULES.get(type(event))
    return rule(event, where) if rule is not None else iter(())
