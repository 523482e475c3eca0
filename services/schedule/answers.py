"""What schedule answers, for the contract: one model per document. They describe; the bytes are built by hand."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from contracts.events import schedule as e
from services.kit.answers import Positioned, Shown, absent

Day = date
"""Beside a member that is called `date` too."""

Code = Annotated[str | None, Field(description="Of the discipline in the curriculum; null: not known here.")]
Title = Annotated[str | None, Field(description="Of the discipline; null: not known here.")]
PageId = Annotated[str, Field(description="The page of the journal of group, discipline and period.")]


class Changed(Positioned):
    """`id`: what was made or changed, where it has one."""

    id: str = absent()


class YearOf(Shown):
    id: str
    title: str
    starts_on: date
    ends_on: date


class PeriodOf(Shown):
    """`weekend`: ISO weekdays without study; `holidays`: further days without study."""

    id: str
    year: str
    group: str
    title: str
    kind: e.PeriodKind
    starts_on: date
    ends_on: date
    weekend: tuple[int, ...]
    holidays: tuple[date, ...]


class Room(Shown):
    id: str
    title: str
    capacity: int
    kind: str


class Bell(Shown):
    """Local times as HH:MM."""

    pair: int
    starts: str
    ends: str


class Bells(Shown):
    starts_on: date
    bells: tuple[Bell, ...]


class Discipline(Shown):
    id: str
    code: str
    title: str
    kind: e.DisciplineKind


class Assignment(Shown):
    """teacher: who holds it today; null: nobody yet. planned, timetabled: hours."""

    id: str
    group: str
    subgroup: str
    discipline: str
    code: Code
    title: Title
    period: str
    page: PageId
    teacher: str | None
    responsible: bool
    kinds: tuple[e.LessonKind, ...]
    starts_on: date
    ends_on: date | None
    planned: int
    timetabled: int


class Topic(Shown):
    number: int
    title: str
    hours: int
    kind: e.LessonKind


class Programme(Shown):
    group: str
    discipline: str
    period: str
    page: PageId
    code: Code
    title: Title
    topic_count: int
    hours: int
    topics: tuple[Topic, ...]


class Slot(Shown):
    """A line of the weekly timetable. parity: of the ISO week. joint: the same text makes lines one joint lesson."""

    weekday: int
    pair: int
    assignment: str
    room: str
    kind: e.LessonKind
    parity: Literal["every", "odd", "even"]
    joint: str


class TimetableOf(Shown):
    id: str
    group: str
    period: str
    starts_on: date
    ends_on: date
    slots: tuple[Slot, ...]


class Lesson(Shown):
    """A dated lesson; the journal keeps it under the same id on the page that is named.

    starts, ends: local times, null where no bells are set. teacher: who holds it; regular_teacher: whose it is.
    """

    id: str
    date: Day
    pair: int
    starts: str | None
    ends: str | None
    group: str
    subgroup: str
    discipline: str
    code: Code
    title: Title
    kind: e.LessonKind
    hours: int
    room: str
    room_title: str | None
    period: str
    page: PageId
    assignment: str
    teacher: str | None
    regular_teacher: str | None
    substituted: bool
    moved: bool
    cancelled: bool
    reason: e.ChangeReason | None
    joint: str


class AssignmentHours(Shown):
    assignment: str
    planned: int
    timetabled: int


class HoursWarning(Shown):
    code: Literal["hours-exceeded"]
    assignment: str
    ru: str
    en: str


class Published(Positioned):
    id: str
    hours: tuple[AssignmentHours, ...]
    warnings: tuple[HoursWarning, ...]


class Counts(Shown):
    created: int
    changed: int
    unchanged: int
    ended: int
    absent: int


class Finding(Shown):
    """`where`: file:line."""

    where: str
    severity: Literal["error", "warning"]
    code: str
    ru: str
    en: str


class Imported(Shown):
    """absent: ids that the file no longer names, by kind. position: of what was written; missing when only checked."""

    source: str
    check: bool
    position: str = absent()  # before the member of that name
    kinds: dict[str, Counts]
    absent: dict[str, tuple[str, ...]]
    findings: tuple[Finding, ...]
    events: int
