"""Teaching assignments: who teaches what to whom, and who takes it over. Judged in the year's stream; pure."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from contracts.envelope import Event
from contracts.events.schedule import ChangeReason, PeriodDefined, TeachingAssigned, TeachingReassigned
from services.kit.problems import NotFound
from services.schedule.problems import NotLater, OutsideAssignment, OutsidePeriod, ReferenceUnknown, ResponsibleTaken
from services.schedule.year import Assignment, Year


class Reassign(NamedTuple):
    """The wish: from day `on` the assignment is `teacher`'s."""

    assignment: str
    teacher: str
    on: date
    reason: ChangeReason


def assign(state: Year, wanted: Iterable[TeachingAssigned], periods: Mapping[str, PeriodDefined]) -> list[Event]:
    """The assignments that differ from what is there. `periods`: those of the groups concerned.

    Raises ReferenceUnknown for a period that is not the group's, OutsidePeriod, and ResponsibleTaken when another
    assignment of the page is responsible at the same time.
    """
    events: list[Event] = []
    draft = state.copy()
    responsible: dict[tuple[str, str, str], list[TeachingAssigned]] = {}
    for held in draft.assignments.values():
        if held.fact.responsible:
            responsible.setdefault(_page(held.fact), []).append(held.fact)
    for fact in wanted:
        known = draft.assignments.get(fact.assignment)
        if known is not None and known.fact == fact:
            continue
        _check_period(fact, periods)
        others = [o for o in responsible.get(_page(fact), ()) if o.assignment != fact.assignment]
        if fact.responsible:
            for other in others:
                if meet(fact, other):
                    raise ResponsibleTaken(assignment=other.assignment)
            others.append(fact)
        responsible[_page(fact)] = others
        draft.take(fact)
        events.append(fact)
    return events


def reassign(state: Year, wish: Reassign) -> list[Event]:
    """TeachingReassigned; nothing if the assignment is that teacher's already.

    Raises NotFound, NotLater, OutsideAssignment, and Clash when the teacher is elsewhere at one of its lessons (S1).
    """
    held = state.assignments.get(wish.assignment)
    if held is None:
        raise NotFound
    since, previous = held.passed_on[-1] if held.passed_on else (None, held.fact.teacher)
    if previous == wish.teacher:
        return []
    if since is not None and wish.on <= since:
        raise NotLater(since=since)
    if not held.covers(wish.on):
        raise outside(held)
    event = TeachingReassigned(
        assignment=wish.assignment,
        group=held.fact.group,
        discipline=held.fact.discipline,
        period=held.fact.period,
        previous=previous,
        teacher=wish.teacher,
        on=wish.on,
        reason=wish.reason,
    )
    draft = state.copy()
    draft.take(event)
    draft.refuse(
        [
            meeting
            for lesson in draft.lessons.values()
            if lesson.assignment == wish.assignment
            and lesson.date >= wish.on
            and not (lesson.cancelled or lesson.substitute)
            for meeting in draft.meetings(lesson)
            if meeting.what == "teacher"
        ]
    )
    return [event]


def teaches(state: Year, person: str, group: str, discipline: str, period: str, on: date) -> bool:
    """Whether the person has an assignment of that page on that day."""
    return any(
        a.fact.group == group
        and a.fact.discipline == discipline
        and a.fact.period == period
        and a.covers(max(on, a.fact.starts_on))
        and a.teacher_on(max(on, a.fact.starts_on)) == person
        for a in state.assignments.values()
    )


def outside(assignment: Assignment) -> OutsideAssignment:
    return OutsideAssignment(starts_on=assignment.fact.starts_on, ends_on=assignment.fact.ends_on or "…")


def _page(fact: TeachingAssigned) -> tuple[str, str, str]:
    return fact.group, fact.discipline, fact.period


def meet(one: TeachingAssigned, other: TeachingAssigned) -> bool:
    """Both are in force on some day."""
    return (other.ends_on is None or one.starts_on <= other.ends_on) and (
        one.ends_on is None or other.starts_on <= one.ends_on
    )


def _check_period(fact: TeachingAssigned, periods: Mapping[str, PeriodDefined]) -> None:
    period = periods.get(fact.period)
    if period is None or period.group != fact.group:
        raise ReferenceUnknown(what="period", id=fact.period)
    if fact.starts_on < period.starts_on or (fact.ends_on or period.ends_on) > period.ends_on:
        raise OutsidePeriod(starts_on=period.starts_on, ends_on=period.ends_on)
