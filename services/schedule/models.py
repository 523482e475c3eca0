"""What schedule takes over HTTP: every text and list bounded, dates in order, no unknown members."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.events.schedule import Bell, ChangeReason, DisciplineKind, LessonKind, PeriodKind, Slot, Topic, Weekday

LONGEST_YEAR = timedelta(days=550)
MOST_TOPIC_BYTES = 30_000
"""A programme is one event, and an event is limited to 60,000 bytes."""

Id = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._:-]{1,64}$")]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$")]
Subgroup = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-zА-Яа-яЁё]{0,10}$")]
Pair = Annotated[int, Field(ge=1, le=14)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Body(BaseModel):
    """A request."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Days(Body):
    starts_on: Day
    ends_on: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on < self.starts_on:
            raise ValueError("ends_on is before starts_on")
        if self.ends_on - self.starts_on > LONGEST_YEAR:
            raise ValueError("longer than 550 days")
        return self


class NewYear(_Days):
    title: Title


class Period(_Days):
    """`weekend`: ISO weekdays without study; `holidays`: further days without study."""

    year: Id
    group: Id
    title: Title
    kind: PeriodKind
    weekend: Annotated[tuple[Weekday, ...], Field(max_length=6)] = (7,)
    holidays: Annotated[tuple[Day, ...], Field(max_length=300)] = ()


class NewRoom(Body):
    title: Short = Field(min_length=1)
    capacity: int = Field(ge=1, le=2000)
    kind: Short = ""


class BellOf(Body):
    pair: Pair
    starts: TimeOfDay
    ends: TimeOfDay


class Bells(Body):
    starts_on: Day
    bells: Annotated[tuple[BellOf, ...], Field(min_length=1, max_length=14)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        times = [time for bell in self.bells for time in (bell.starts, bell.ends)]
        pairs = [bell.pair for bell in self.bells]
        if any(a >= b for a, b in pairwise(times)) or pairs != sorted(set(pairs)):
            raise ValueError("bells are not in order of time")
        return self

    def values(self) -> tuple[Bell, ...]:
        return tuple(Bell(**bell.model_dump()) for bell in self.bells)


class NewDiscipline(Body):
    code: Short
    title: Title
    kind: DisciplineKind


class NewAssignment(Body):
    """`starts_on` None: from the first day of the period; `ends_on` None: to its end."""

    group: Id
    discipline: Id
    period: Id
    teacher: Id
    subgroup: Subgroup = ""
    kinds: Annotated[tuple[LessonKind, ...], Field(max_length=8)] = ()
    hours: int = Field(0, ge=0, le=2000)
    responsible: bool = True
    starts_on: Day | None = None
    ends_on: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValueError("ends_on is before starts_on")
        return self


class Reassignment(Body):
    teacher: Id
    on: Day
    reason: ChangeReason


class TopicOf(Body):
    title: Title
    hours: int = Field(ge=0, le=200)
    kind: LessonKind = "lecture"


class Programme(Body):
    """Topics in order; they are numbered from 1."""

    topics: Annotated[tuple[TopicOf, ...], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sum(len(topic.title.encode()) for topic in self.topics) > MOST_TOPIC_BYTES:
            raise ValueError(f"titles are longer than {MOST_TOPIC_BYTES} bytes together")
        return self

    def values(self) -> tuple[Topic, ...]:
        return tuple(
            Topic(number=n, title=t.title, hours=t.hours, kind=t.kind) for n, t in enumerate(self.topics, start=1)
        )


class SlotOf(Body):
    """A line of the weekly timetable. parity: of the ISO week. joint: the same text makes lines one joint lesson."""

    weekday: Weekday
    pair: Pair
    assignment: Id
    room: Id | Literal[""] = ""
    kind: LessonKind = "lecture"
    parity: Literal["every", "odd", "even"] = "every"
    joint: Short = ""


class Timetable(Body):
    """From day to day; None: from the first, to the last day of the period."""

    group: Id
    period: Id
    starts_on: Day | None = None
    ends_on: Day | None = None
    slots: Annotated[tuple[SlotOf, ...], Field(max_length=150)]

    def values(self) -> tuple[Slot, ...]:
        return tuple(Slot(**slot.model_dump()) for slot in self.slots)


class Substitution(Body):
    teacher: Id
    reason: ChangeReason


class Move(Body):
    """`room` None: where it was; "": without a room."""

    date: Day
    pair: Pair
    room: Id | Literal[""] | None = None
    reason: ChangeReason


class Cancellation(Body):
    reason: ChangeReason
