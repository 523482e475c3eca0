"""Events of schedule: years, calendars, load, timetable and the dated lessons that come of it."""

from datetime import date
from typing import Annotated, Literal

from annotated_types import Interval
from pydantic import BaseModel, ConfigDict

from contracts.envelope import Event, EventTypes

LessonKind = Literal["lecture", "practical", "laboratory", "seminar", "practice", "coursework", "consultation", "exam"]
DisciplineKind = Literal["discipline", "mdk", "module", "training_practice", "industrial_practice"]
PeriodKind = Literal["semester", "checkpoint", "year"]
Weekday = Annotated[int, Interval(ge=1, le=7)]
ChangeReason = Literal["illness", "business_trip", "leave", "training", "room", "event", "other"]
Cancelled = ChangeReason | Literal["timetable"]
"""`timetable`: the lesson is not in the timetable as published again; it is gone rather than called off."""


class Part(BaseModel):
    """A value inside an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AcademicYearOpened(Event):
    type: Literal["AcademicYearOpened.v1"] = "AcademicYearOpened.v1"
    year: str
    title: str
    starts_on: date
    ends_on: date


class PeriodDefined(Event):
    """A period of one group's academic calendar. Defined again under the same id, it replaces what stood there.

    `weekend`: ISO weekdays without study; `holidays`: further days without study inside the period.
    """

    type: Literal["PeriodDefined.v1"] = "PeriodDefined.v1"
    period: str
    year: str
    group: str
    title: str
    kind: PeriodKind
    starts_on: date
    ends_on: date
    weekend: tuple[Weekday, ...] = (7,)
    holidays: tuple[date, ...] = ()


class RoomAdded(Event):
    type: Literal["RoomAdded.v1"] = "RoomAdded.v1"
    room: str
    title: str
    capacity: int
    kind: str = ""


class Bell(Part):
    """A lesson slot of the day: number from 1, local times as HH:MM."""

    pair: int
    starts: str
    ends: str


class BellTimesSet(Event):
    type: Literal["BellTimesSet.v1"] = "BellTimesSet.v1"
    bells: tuple[Bell, ...]
    starts_on: date


class DisciplineAdded(Event):
    type: Literal["DisciplineAdded.v1"] = "DisciplineAdded.v1"
    discipline: str
    code: str
    title: str
    kind: DisciplineKind


class TeachingAssigned(Event):
    """One teacher teaches one discipline to one group (or subgroup) in one period; the responsible one sets finals.

    kinds: the kinds of lesson it covers, empty = all. hours: planned hours of 45 minutes. Assigned again under the same
    id, it replaces the earlier one; `teacher` is then still the first one, and reassignments stay in force.
    """

    type: Literal["TeachingAssigned.v1"] = "TeachingAssigned.v1"
    assignment: str
    group: str
    discipline: str
    period: str
    teacher: str
    subgroup: str = ""
    kinds: tuple[LessonKind, ...] = ()
    hours: int = 0
    responsible: bool = True
    starts_on: date
    ends_on: date | None = None


class TeachingReassigned(Event):
    """From day `on` the assignment belongs to `teacher`; `previous` taught it up to the day before."""

    type: Literal["TeachingReassigned.v1"] = "TeachingReassigned.v1"
    assignment: str
    group: str
    discipline: str
    period: str
    previous: str
    teacher: str
    on: date
    reason: ChangeReason


class Topic(Part):
    number: int
    title: str
    hours: int
    kind: LessonKind


class ProgrammeAdopted(Event):
    """The thematic plan (КТП) of a group × discipline × period; adopted again, it replaces the earlier one."""

    type: Literal["ProgrammeAdopted.v1"] = "ProgrammeAdopted.v1"
    group: str
    discipline: str
    period: str
    topics: tuple[Topic, ...]


class Slot(Part):
    """A line of the weekly timetable. parity: every week, or odd / even ISO weeks.

    joint: lines of several groups with the same text here are one lesson, held in one room by one teacher.
    """

    weekday: Weekday
    pair: int
    assignment: str
    room: str = ""
    kind: LessonKind = "lecture"
    parity: Literal["every", "odd", "even"] = "every"
    joint: str = ""


class TimetablePublished(Event):
    """The weekly timetable of a group from `starts_on` to `ends_on`; its dated lessons follow as LessonPlanned."""

    type: Literal["TimetablePublished.v1"] = "TimetablePublished.v1"
    timetable: str
    group: str
    period: str
    starts_on: date
    ends_on: date
    slots: tuple[Slot, ...]


class LessonPlanned(Event):
    """A dated lesson of a timetable. Planned again under the same id, it replaces the earlier one.

    teacher: whose the assignment is on that day; a later TeachingReassigned moves the lessons from its day on.
    """

    type: Literal["LessonPlanned.v1"] = "LessonPlanned.v1"
    lesson: str
    timetable: str
    group: str
    discipline: str
    period: str
    assignment: str
    teacher: str
    subgroup: str = ""
    date: date
    pair: int
    hours: int = 2
    kind: LessonKind
    room: str = ""
    joint: str = ""


class LessonMoved(Event):
    type: Literal["LessonMoved.v1"] = "LessonMoved.v1"
    lesson: str
    group: str
    from_date: date
    from_pair: int
    date: date
    pair: int
    room: str = ""
    reason: ChangeReason


class LessonCancelled(Event):
    type: Literal["LessonCancelled.v1"] = "LessonCancelled.v1"
    lesson: str
    group: str
    date: date
    pair: int
    reason: Cancelled


class LessonSubstituted(Event):
    """`teacher` holds this one lesson instead of `instead_of` and may write it in the journal (R 4.4.1).

    The latest one counts; with the assignment's own teacher in `teacher` the substitution is taken back.
    """

    type: Literal["LessonSubstituted.v1"] = "LessonSubstituted.v1"
    lesson: str
    group: str
    discipline: str
    period: str
    assignment: str
    date: date
    pair: int
    teacher: str
    instead_of: str
    reason: ChangeReason


EVENTS = EventTypes(
    AcademicYearOpened,
    PeriodDefined,
    RoomAdded,
    BellTimesSet,
    DisciplineAdded,
    TeachingAssigned,
    TeachingReassigned,
    ProgrammeAdopted,
    TimetablePublished,
    LessonPlanned,
    LessonMoved,
    LessonCancelled,
    LessonSubstituted,
)
