"""Builders for tests of schedule: one group's semester from 1 September to 26 December 2025, with ids as names."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from contracts.envelope import Event, Meta
from contracts.events.schedule import LessonPlanned, PeriodDefined, Slot, TeachingAssigned
from services.kit.handle import Fact
from services.schedule.timetable import Publish, publish
from services.schedule.year import Lesson, Year

STARTS, ENDS = date(2025, 9, 1), date(2025, 12, 26)
MONDAY = STARTS
DAY = timedelta(days=1)

_META = Meta("command", "", "system:test", "", "", "2025-08-20T00:00:00+00:00", "http")


def facts(events: Iterable[Event], before: int = 0) -> list[Fact]:
    """Events as a fold sees them."""
    return [Fact(event, _META, f"event-{n}", n, n) for n, event in enumerate(events, start=before)]


def period(id_: str = "semester", group: str = "group", **changed: Any) -> PeriodDefined:
    return PeriodDefined(
        **{
            "period": id_,
            "year": "year",
            "group": group,
            "title": "1 полугодие",
            "kind": "semester",
            "starts_on": STARTS,
            "ends_on": ENDS,
            **changed,
        }
    )


def assignment(id_: str = "maths", group: str = "group", teacher: str = "teacher", **changed: Any) -> TeachingAssigned:
    return TeachingAssigned(
        **{
            "assignment": id_,
            "group": group,
            "discipline": id_,
            "period": "semester",
            "teacher": teacher,
            "starts_on": STARTS,
            **changed,
        }
    )


def slot(weekday: int = 1, pair: int = 1, assignment: str = "maths", **changed: Any) -> Slot:
    return Slot(weekday=weekday, pair=pair, assignment=assignment, **changed)


def year(*events: Event) -> Year:
    """The year after these events."""
    return Year().fold(facts(events))


def then(state: Year, events: Sequence[Event]) -> Year:
    return state.fold(facts(events))


def published(state: Year, *slots: Slot, group: str = "group", today: date = STARTS - DAY, **window: Any) -> Year:
    """The year after the publication of these lines for the group."""
    return then(state, publish(state, Publish(group, period(group=group), slots, **window), today))


def lessons_of(events: Iterable[Event]) -> list[LessonPlanned]:
    return [event for event in events if isinstance(event, LessonPlanned)]


def on(state: Year, day: date, pair: int = 1) -> Lesson:
    """The one lesson that takes place there."""
    (lesson,) = state.occupied[day, pair]
    return state.lessons[lesson]
