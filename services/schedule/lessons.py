"""Changes of single lessons: moved, called off, substituted; each with its reason (R 4.2.7, 4.5.2). Pure."""

from datetime import date
from typing import NamedTuple

from contracts.envelope import Event
from contracts.events.schedule import ChangeReason, LessonCancelled, LessonMoved, LessonSubstituted, PeriodDefined
from services.kit.problems import NotFound
from services.schedule.load import outside
from services.schedule.problems import LessonCalledOff, LessonOver, OutsidePeriod
from services.schedule.year import Lesson, Year


class Move(NamedTuple):
    """The wish: the lesson is held on `date` at `pair` in `room` (None: where it was)."""

    lesson: str
    date: date
    pair: int
    room: str | None
    reason: ChangeReason


class Cancel(NamedTuple):
    """The wish: the lesson is not held."""

    lesson: str
    reason: ChangeReason


class Substitute(NamedTuple):
    """The wish: `teacher` holds the lesson."""

    lesson: str
    teacher: str
    reason: ChangeReason


def move(state: Year, wish: Move, period: PeriodDefined, today: date) -> list[Event]:
    """LessonMoved; nothing if it is there already. `period`: the lesson's.

    Raises NotFound, LessonCalledOff, LessonOver, OutsidePeriod, OutsideAssignment, Clash (S1).
    """
    lesson = _held(state, wish.lesson)
    if lesson.cancelled:
        raise LessonCalledOff
    room = lesson.room if wish.room is None else wish.room
    if (wish.date, wish.pair, room) == (lesson.date, lesson.pair, lesson.room):
        return []
    if lesson.date < today or wish.date < today:
        raise LessonOver
    if not period.starts_on <= wish.date <= period.ends_on:
        raise OutsidePeriod(starts_on=period.starts_on, ends_on=period.ends_on)
    assignment = state.assignments[lesson.assignment]
    if not assignment.covers(wish.date):
        raise outside(assignment)
    state.refuse(list(state.meetings(lesson._replace(date=wish.date, pair=wish.pair, room=room))))
    return [
        LessonMoved(
            lesson=lesson.id,
            group=assignment.fact.group,
            from_date=lesson.date,
            from_pair=lesson.pair,
            date=wish.date,
            pair=wish.pair,
            room=room,
            reason=wish.reason,
        )
    ]


def cancel(state: Year, wish: Cancel, today: date) -> list[Event]:
    """LessonCancelled; nothing if it is cancelled already. Raises NotFound, LessonOver."""
    lesson = _held(state, wish.lesson)
    if lesson.cancelled:
        return []
    if lesson.date < today:
        raise LessonOver
    group = state.assignments[lesson.assignment].fact.group
    return [
        LessonCancelled(lesson=lesson.id, group=group, date=lesson.date, pair=lesson.pair, reason=wish.reason),
    ]


def substitute(state: Year, wish: Substitute) -> list[Event]:
    """LessonSubstituted; nothing if that teacher holds it already. A past lesson may be put down afterwards.

    Raises NotFound, LessonCalledOff, Clash (S1).
    """
    lesson = _held(state, wish.lesson)
    if lesson.cancelled:
        raise LessonCalledOff
    holder = state.holder(lesson)
    if holder == wish.teacher:
        return []
    meetings = state.meetings(lesson._replace(substitute=wish.teacher))
    state.refuse([meeting for meeting in meetings if meeting.what == "teacher"])
    fact = state.assignments[lesson.assignment].fact
    return [
        LessonSubstituted(
            lesson=lesson.id,
            group=fact.group,
            discipline=fact.discipline,
            period=fact.period,
            assignment=fact.assignment,
            date=lesson.date,
            pair=lesson.pair,
            teacher=wish.teacher,
            instead_of=holder,
            reason=wish.reason,
        )
    ]


def _held(state: Year, lesson: str) -> Lesson:
    held = state.lessons.get(lesson)
    if held is None:
        raise NotFound
    return held
