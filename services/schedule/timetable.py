"""Publishing a weekly timetable: its lines become dated lessons. Pure.

A timetable is that of a group × period; published again, it replaces the future lessons inside its own days. Today's
and past lessons stay, and so do lessons that were moved, cancelled or substituted by hand, as long as their line is
still there. A lesson's id follows from timetable, assignment, day and pair, so an unchanged lesson keeps it.
"""

from collections.abc import Container, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from contracts.envelope import Event
from contracts.events.schedule import LessonCancelled, LessonPlanned, PeriodDefined, Slot, TimetablePublished
from contracts.ids import derived
from services.schedule.problems import KindNotAssigned, NothingLeft, OutsidePeriod, ReferenceUnknown
from services.schedule.year import Assignment, Lesson, Meeting, Year, planned

DAY = timedelta(days=1)
LESSON_HOURS = 2
"""One pair is two hours of 45 minutes."""


class Publish(NamedTuple):
    """The wish: these lines for the group in `period`, from day to day (the period's, unless given)."""

    group: str
    period: PeriodDefined
    slots: tuple[Slot, ...]
    starts_on: date | None = None
    ends_on: date | None = None


class Hours(NamedTuple):
    """Planned hours of an assignment, and those that its timetable gives it. `over`: more than planned."""

    assignment: str
    planned: int
    timetabled: int

    @property
    def over(self) -> bool:
        return 0 < self.planned < self.timetabled


def timetable_id(group: str, period: str) -> str:
    return derived("timetable", group, period)


def lesson_id(timetable: str, assignment: str, day: date, pair: int) -> str:
    return derived("lesson", timetable, assignment, day.isoformat(), str(pair))


def study_days(period: PeriodDefined, first: date, last: date) -> Iterator[date]:
    """The days from `first` to `last` on which the group studies."""
    off, day = set(period.holidays), first
    while day <= last:
        if day.isoweekday() not in period.weekend and day not in off:
            yield day
        day += DAY


def expand(slots: Sequence[Slot], days: Iterator[date]) -> Iterator[tuple[date, Slot]]:
    """The lines on each of the days: by weekday and by the parity of the ISO week."""
    for day in days:
        week, weekday = day.isocalendar()[1:]
        parity = "odd" if week % 2 else "even"
        for slot in slots:
            if slot.weekday == weekday and slot.parity in ("every", parity):
                yield day, slot


def publish(state: Year, wish: Publish, today: date) -> list[Event]:
    """TimetablePublished with the lessons it withdraws and plans; nothing if it is the timetable in force.

    Raises OutsidePeriod, ReferenceUnknown, KindNotAssigned, NothingLeft and Clash (S1).
    """
    period, timetable = wish.period, timetable_id(wish.group, wish.period.period)
    first, last = wish.starts_on or period.starts_on, wish.ends_on or period.ends_on
    if first < period.starts_on or last > period.ends_on or first > last:
        raise OutsidePeriod(starts_on=period.starts_on, ends_on=period.ends_on)
    for slot in wish.slots:
        _check(state, wish, slot)
    before = state.published.get(timetable)
    if before is not None:
        first = max(first, today + DAY)
        if first > last:
            raise NothingLeft(ends_on=last)
    wanted: dict[str, LessonPlanned] = {}
    meetings: list[Meeting] = []
    for lesson in _lessons(state, wish, timetable, first, last):
        if lesson.lesson in wanted:  # two lines say the same, or "every week" and "odd weeks" overlap
            meetings.append(Meeting("group", _as_planned(lesson), _as_planned(wanted[lesson.lesson])))
        wanted[lesson.lesson] = lesson
    gone = _withdrawn(state, timetable, wanted, first, last, today)
    fresh = [lesson for lesson in wanted.values() if _differs(state, lesson)]
    if not gone and not fresh and before is not None and (before.slots, before.ends_on) == (wish.slots, last):
        return []
    draft = state.copy()
    for withdrawn in gone:
        draft.take(withdrawn)
    for lesson in fresh:
        new = _as_planned(lesson)
        meetings += draft.meetings(new)
        draft.put(new)
    draft.refuse(meetings)
    head = TimetablePublished(
        timetable=timetable, group=wish.group, period=period.period, starts_on=first, ends_on=last, slots=wish.slots
    )
    return [head, *gone, *fresh]


def hours(state: Year, timetable: str) -> list[Hours]:
    """Planned against timetabled hours of every assignment that the timetable gives lessons."""
    return [
        Hours(assignment, state.assignments[assignment].fact.hours, given)
        for assignment, given in sorted(state.timetabled(timetable).items())
    ]


def _check(state: Year, wish: Publish, slot: Slot) -> None:
    assignment = state.assignments.get(slot.assignment)
    if assignment is None or (assignment.fact.group, assignment.fact.period) != (wish.group, wish.period.period):
        raise ReferenceUnknown(what="assignment", id=slot.assignment)
    if assignment.fact.kinds and slot.kind not in assignment.fact.kinds:
        raise KindNotAssigned(assignment=slot.assignment, kind=slot.kind)


def _lessons(state: Year, wish: Publish, timetable: str, first: date, last: date) -> Iterator[LessonPlanned]:
    for day, slot in expand(wish.slots, study_days(wish.period, first, last)):
        assignment = state.assignments[slot.assignment]
        if assignment.covers(day):
            yield _lesson(assignment, timetable, day, slot)


def _lesson(assignment: Assignment, timetable: str, day: date, slot: Slot) -> LessonPlanned:
    fact = assignment.fact
    return LessonPlanned(
        lesson=lesson_id(timetable, fact.assignment, day, slot.pair),
        timetable=timetable,
        group=fact.group,
        discipline=fact.discipline,
        period=fact.period,
        assignment=fact.assignment,
        teacher=assignment.teacher_on(day),
        subgroup=fact.subgroup,
        date=day,
        pair=slot.pair,
        hours=LESSON_HOURS,
        kind=slot.kind,
        room=slot.room,
        joint=slot.joint,
    )


def _as_planned(lesson: LessonPlanned) -> Lesson:
    return planned(lesson, lesson.date)


def _differs(state: Year, lesson: LessonPlanned) -> bool:
    """It is not there yet, or was planned otherwise and not changed by hand since."""
    held = state.lessons.get(lesson.lesson)
    return held is None or (not held.touched and held != _as_planned(lesson))


def _withdrawn(
    state: Year, timetable: str, wanted: Container[str], first: date, last: date, today: date
) -> list[LessonCancelled]:
    """The future lessons inside the days that are not in the timetable any more; called-off ones stay as a record."""
    lessons = (state.lessons[i] for i in state.of_timetable.get(timetable, ()) if i not in wanted)
    gone = [one for one in lessons if first <= one.origin <= last and one.date > today and not one.cancelled]
    return [
        LessonCancelled(
            lesson=one.id,
            group=state.assignments[one.assignment].fact.group,
            date=one.date,
            pair=one.pair,
            reason="timetable",
        )
        for one in sorted(gone, key=lambda one: (one.date, one.pair, one.id))
    ]
