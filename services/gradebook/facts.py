"""What a page still lacks of the facts that identity and schedule state: the difference, as events. Pure.

The difference is taken between what is known and the page as it stands, so it does not matter in which order the two
logs were heard, nor how often: when nothing is missing, nothing is written.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from contracts.envelope import Event
from contracts.events import gradebook as e
from services.gradebook.page import Page
from services.gradebook.parts import DAY, Spell, Substitute

FINALS_PER_EVENT = 200
"""Far below the size that the log takes."""


class Period(NamedTuple):
    period: str
    group: str
    year: str
    kind: Any
    starts_on: date
    ends_on: date
    weekend: tuple[int, ...]
    holidays: tuple[date, ...]


class Load(NamedTuple):
    """A teacher's time on an assignment; removed_on: the first day on which it is another's."""

    assignment: str
    teacher: str
    starts_on: date
    group: str
    discipline: str
    period: str
    subgroup: str
    kinds: tuple[Any, ...]
    responsible: bool
    ends_on: date | None
    removed_on: date | None


class Member(NamedTuple):
    """An enrolment in the group. moved_from: the group that the student was transferred from."""

    student: str
    starts_on: date
    ends_on: date | None
    moved_from: str | None


class Substitution(NamedTuple):
    lesson: str
    assignment: str
    teacher: str
    day: date


class Source(NamedTuple):
    """A page that this one takes from: grades of a moved student, or finals of a period."""

    id: str
    page: Page
    position: int


class Known(NamedTuple):
    """All that is known about one page. carried: per moved student the page of his old group."""

    page: str
    discipline: str
    period: Period
    load: Sequence[Load]
    members: Sequence[Member]
    subgroups: dict[str, tuple[str, ...]] | None
    substitutions: Sequence[Substitution]
    closed: bool
    rules: e.Rules
    carried: dict[str, Source] = {}  # noqa: RUF012 - never changed
    periods: Sequence[Source] = ()


def missing(page: Page, known: Known) -> list[Event]:
    """The events that bring the page up to what is known; none for a page that nobody teaches."""
    if not known.load:
        return []
    return [
        *_opening(page, known),
        *_teachers(page, known.load),
        *_students(page, known),
        *_split(page, known),
        *_substitutes(page, known.substitutions),
        *_carried(page, known),
        *_finals(page, known.periods),
    ]


def _opening(page: Page, known: Known) -> list[Event]:
    period, opened, events = known.period, page.opened, list[Event]()
    calendar = (period.starts_on, period.ends_on, period.weekend, period.holidays)
    if opened is None:
        events.append(
            e.PageOpened(
                page=known.page,
                group=period.group,
                discipline=known.discipline,
                period=period.period,
                year=period.year,
                kind=period.kind,
                starts_on=period.starts_on,
                ends_on=period.ends_on,
                weekend=period.weekend,
                holidays=period.holidays,
                closed=known.closed,
            )
        )
    elif (opened.starts_on, opened.ends_on, opened.weekend, opened.holidays) != calendar:
        events.append(
            e.PageRescheduled(
                starts_on=period.starts_on, ends_on=period.ends_on, weekend=period.weekend, holidays=period.holidays
            )
        )
    if not page.rules_set:
        events.append(e.PageSettingsSet(rules=known.rules))
    return events


def _teachers(page: Page, load: Sequence[Load]) -> list[Event]:
    events: list[Event] = []
    for row in sorted(load, key=lambda row: (row.assignment, row.starts_on)):
        held = page.assignments.get(row.assignment)
        wanted = Spell(row.teacher, row.responsible, row.starts_on, row.ends_on, row.removed_on)
        if held is not None and (held.subgroup, held.kinds) == (row.subgroup, row.kinds):
            if wanted in held.spells:
                continue
            assigned = wanted._replace(removed_on=None) in held.spells
        else:
            assigned = False
        if not assigned:
            events.append(
                e.TeacherAssigned(
                    assignment=row.assignment,
                    teacher=row.teacher,
                    subgroup=row.subgroup,
                    kinds=row.kinds,
                    responsible=row.responsible,
                    starts_on=row.starts_on,
                    ends_on=row.ends_on,
                )
            )
        if row.removed_on is not None and row.removed_on > row.starts_on:
            events.append(e.TeacherUnassigned(assignment=row.assignment, teacher=row.teacher, on=row.removed_on))
    return events


def _students(page: Page, known: Known) -> list[Event]:
    """Enrolments that touch the page's days. One that never was (it ended before it began) is taken back."""
    events: list[Event] = []
    period = known.period
    for member in sorted(known.members):
        held = next((s for s in page.members.get(member.student, ()) if s.on == member.starts_on), None)
        ends_on = member.ends_on
        touches = member.starts_on <= period.ends_on and (ends_on is None or ends_on >= period.starts_on)
        never = ends_on is not None and ends_on < member.starts_on
        if held is None:
            if touches and not never:
                events.append(e.StudentJoined(student=member.student, on=member.starts_on, until=ends_on))
        elif held.until != ends_on:
            if ends_on is None or (held.until is not None and held.until < ends_on):
                events.append(e.StudentJoined(student=member.student, on=member.starts_on, until=ends_on))
            else:
                events.append(e.StudentLeft(student=member.student, on=ends_on + DAY))
    return events


def _split(page: Page, known: Known) -> list[Event]:
    if known.subgroups is None or known.subgroups == page.subgroups:
        return []
    return [e.SubgroupsSet(subgroups=known.subgroups)]


def _substitutes(page: Page, substitutions: Sequence[Substitution]) -> list[Event]:
    return [
        e.SubstituteAllowed(lesson=s.lesson, assignment=s.assignment, teacher=s.teacher, date=s.day)
        for s in sorted(substitutions)
        if page.substitutes.get(s.lesson) != Substitute(s.teacher, s.assignment, s.day)
    ]


def _carried(page: Page, known: Known) -> list[Event]:
    events: list[Event] = []
    for student, source in sorted(known.carried.items()):
        grades = carried_grades(source.page, student)
        held = page.carried.get(student)
        if grades != (held.grades if held else ()):
            events.append(
                e.GradesCarriedOver(
                    student=student, source_page=source.id, source_position=source.position, grades=grades
                )
            )
    return events


def carried_grades(source: Page, student: str) -> tuple[e.CarriedGrade, ...]:
    """The student's grades on his old page, with those that had been carried there, in the order of their days."""
    weights = source.rules.weights
    own = [
        e.CarriedGrade(
            grade=grade.id,
            date=source.lessons[lesson].day,
            value=grade.value,  # type: ignore[arg-type, unused-ignore]
            work=grade.work,  # type: ignore[arg-type, unused-ignore]
            weight=weights.get(grade.work, 100),  # type: ignore[call-overload]
        )
        for lesson, cell in source.cells.get(student, {}).items()
        if lesson in source.lessons
        for grade in cell.grades
    ]
    before = source.carried.get(student)
    return tuple(sorted([*(before.grades if before else ()), *own], key=lambda g: (g.date, g.grade)))


def _finals(page: Page, periods: Sequence[Source]) -> list[Event]:
    """A year page takes every final of its periods by the event that set it, and notes a withdrawal."""
    taken: list[e.TakenFinal] = []
    for source in periods:
        for student, final in source.page.finals.items():
            held = page.taken.get(student, {}).get(source.id)
            wanted = e.TakenFinal(student=student, page=source.id, event=final.event, value=final.value)  # type: ignore[arg-type, unused-ignore]
            if held != wanted and (held is not None or final.value is not None):
                taken.append(wanted)
    pieces = (taken[n : n + FINALS_PER_EVENT] for n in range(0, len(taken), FINALS_PER_EVENT))
    return [e.FinalsTaken(finals=tuple(piece)) for piece in pieces]
