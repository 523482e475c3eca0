"""What the grade book answers, for the contract: one model per document. They describe; the bytes are built by hand.

Means and weights are hundredths. A member that may be missing is told apart from one that may be null.
"""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from contracts.events import gradebook as e
from contracts.events.schedule import PeriodKind
from services.gradebook.answers_spread import Mean, Tag, Why
from services.kit.answers import Positioned, Shown, absent

EventType = Annotated[str, Field(json_schema_extra={"enum": sorted(e.EVENTS.by_name)})]

# -- the list of pages --------------------------------------------------------------------------------------------


class PageTeacher(Shown):
    teacher: str
    assignment: str
    responsible: bool


class PageLine(Shown):
    """A page in the list, with how far it is filled."""

    id: str
    group: str
    discipline: str
    period: str
    year: str
    kind: PeriodKind
    starts_on: date
    ends_on: date
    closed: bool
    signed_at: datetime | None
    lessons: int
    hours: int
    without_attendance: int
    without_grades: int
    finals: int
    teachers: tuple[PageTeacher, ...]


# -- history ------------------------------------------------------------------------------------------------------


class ReasonGiven(Shown):
    code: e.ReasonCode
    text: str | None


class Entry(Shown):
    """One event. `data`: its own members as in the schemas of events; what is null is left out."""

    position: int
    revision: int
    event: str
    type: EventType
    at: datetime
    decided_at: datetime
    actor: str
    role: str
    via: str
    cause: str
    command: str
    reason: ReasonGiven | None
    data: dict[str, Any]


class Value(Shown):
    value: e.GradeValue
    work: e.WorkKind


class CellChange(Entry):
    """`old` null: recorded; `new` null: annulled."""

    grade: str
    old: Value | None
    new: Value | None


class CellHistory(Shown):
    items: tuple[CellChange, ...]


class PlacedEntry(Entry):
    """An entry of any page. Of a student's own stream of absences it names no page."""

    session: Annotated[str, Field(description="Digest of the session; empty: none.")]
    page: str | None
    group: str | None
    discipline: str | None
    period: str | None


class Found(Shown):
    """Newest first. `next`: what to send as `before` for older ones; null: there are none."""

    items: tuple[PlacedEntry, ...]
    next: int | None


class CommandState(Shown):
    done: bool
    position: str = absent()
    revision: int = absent()


# -- proposals, make-ups, absences --------------------------------------------------------------------------------


class ProposedFinal(Shown):
    """grades: ids of those that count."""

    student: str
    mean: Mean
    grades: tuple[str, ...]
    value: e.FinalValue | None
    why: Why | None


class Proposals(Shown):
    opens: date
    deadline: date
    items: tuple[ProposedFinal, ...]


class MissedDiscipline(Shown):
    discipline: str
    periods: tuple[str, ...]


class Makeup(Shown):
    student: str
    from_group: str
    on: date
    disciplines: tuple[MissedDiscipline, ...]


class Makeups(Shown):
    items: tuple[Makeup, ...]


class Announced(Shown):
    absence: str
    starts_on: date
    ends_on: date
    by: str


class Classified(Shown):
    starts_on: date
    ends_on: date
    reason_class: e.AbsenceClass
    by: str


class StudentAbsences(Shown):
    student: str
    announced: tuple[Announced, ...]
    classified: tuple[Classified, ...]


class Absences(Shown):
    items: tuple[StudentAbsences, ...]


# -- changes ------------------------------------------------------------------------------------------------------


class Written(Positioned):
    """events: how many were written. etag: of what was written, where it is one thing."""

    events: int
    etag: Tag = absent()


class WrittenGrade(Shown):
    """`value` null: annulled."""

    grade: str
    value: e.GradeValue | None


class WrittenCell(Written):
    grades: tuple[WrittenGrade, ...]


class CellOfMany(Shown):
    lesson: str
    student: str
    etag: Tag
    grades: tuple[WrittenGrade, ...]


class WrittenCells(Written):
    items: tuple[CellOfMany, ...]


class FinalOfMany(Shown):
    student: str
    value: e.FinalValue
    etag: Tag


class WrittenFinals(Written):
    items: tuple[FinalOfMany, ...]


class RefusedPage(Shown):
    page: str
    problem: Annotated[dict[str, Any], Field(description="A problem document.")]


class Closing(Shown):
    """How far the close of a period is. refused: the open pages that would not close now, and why."""

    period: str
    pages: int
    closed: int
    period_closed: bool
    refused: tuple[RefusedPage, ...]


class Closed(Positioned):
    pages: int
    closed: int
    period_closed: bool
    refused: tuple[RefusedPage, ...]
