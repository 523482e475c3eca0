"""The values that a page is made of."""

from datetime import date, timedelta
from typing import Any, NamedTuple, Protocol

from contracts.envelope import Meta
from contracts.events import gradebook as e

DAY = timedelta(days=1)
NO_TAG = "none"


class Fact(Protocol):
    """A recorded event as the fold needs it."""

    @property
    def event(self) -> Any: ...
    @property
    def meta(self) -> Meta: ...
    @property
    def id(self) -> str: ...
    @property
    def revision(self) -> int: ...


class Spell(NamedTuple):
    """A teacher's time on an assignment. removed_on: first day on which he writes nothing any more."""

    teacher: str
    responsible: bool
    starts_on: date
    ends_on: date | None
    removed_on: date | None = None

    def holds(self, today: date) -> bool:
        return self.starts_on <= today and (self.removed_on is None or today < self.removed_on)


class Assignment(NamedTuple):
    id: str
    subgroup: str
    kinds: tuple[str, ...]
    spells: tuple[Spell, ...]


class Substitute(NamedTuple):
    teacher: str
    assignment: str
    day: date


class Span(NamedTuple):
    """Days on the page, both included; until None: open."""

    on: date
    until: date | None


class Lesson(NamedTuple):
    """tag: revision of the last event that touched it (entry, amendment, homework)."""

    id: str
    assignment: str
    taught_by: str
    day: date
    pair: int
    number: int
    hours: int
    kind: str
    topic: str
    topic_no: int | None
    late_by_days: int
    tag: int
    homework: str = ""
    due_on: date | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "lesson": self.id,
            "assignment": self.assignment,
            "taught_by": self.taught_by,
            "date": self.day,
            "pair": self.pair,
            "number": self.number,
            "hours": self.hours,
            "kind": self.kind,
            "topic": self.topic,
            "topic_no": self.topic_no,
            "homework": self.homework,
            "due_on": self.due_on,
            "late_by_days": self.late_by_days,
            "etag": str(self.tag),
        }


class Grade(NamedTuple):
    """event: id of the event that gave it its present value."""

    id: str
    value: str
    work: str
    makeup_on: date | None
    retake_of: str | None
    late_by_days: int
    event: str

    def shown(self) -> dict[str, Any]:
        """As the API shows it; what is empty is left out."""
        shown: dict[str, Any] = {"grade": self.id, "value": self.value, "work": self.work}
        if self.makeup_on is not None:
            shown["makeup_on"] = self.makeup_on
        if self.retake_of is not None:
            shown["retake_of"] = self.retake_of
        if self.late_by_days:
            shown["late_by_days"] = self.late_by_days
        return shown


class Cell(NamedTuple):
    """The grades of a student in a lesson. tag: revision of the last event that touched the cell, -1: none."""

    tag: int
    grades: tuple[Grade, ...]

    @property
    def etag(self) -> str:
        return NO_TAG if self.tag < 0 else str(self.tag)

    def shown(self) -> dict[str, Any]:
        return {"etag": self.etag, "grades": [g.shown() for g in self.grades]}


EMPTY = Cell(-1, ())


class Missed(NamedTuple):
    """What the contract calls an Absence, in a sixth of its memory: a page holds hundreds."""

    student: str
    hours: int
    late: int
    left_early: int

    @classmethod
    def of(cls, mark: e.Absence) -> "Missed":
        return cls(mark.student, mark.hours, mark.late, mark.left_early)

    def mark(self) -> e.Absence:
        return e.Absence(student=self.student, hours=self.hours, late=self.late, left_early=self.left_early)

    def shown(self) -> dict[str, Any]:
        """What is 0 is left out."""
        return {name: value for name, value in zip(self._fields, self, strict=True) if value}


class Attendance(NamedTuple):
    """marks: {student: what he missed}; None after an undo, as if never marked."""

    tag: int
    event: str
    marks: dict[str, Missed] | None
    late_by_days: int

    def shown(self) -> dict[str, Any]:
        """marks None: not marked."""
        marks = None if self.marks is None else [missed.shown() for missed in self.marks.values()]
        return {"etag": str(self.tag), "marks": marks, "late_by_days": self.late_by_days}


class Final(NamedTuple):
    """value None: withdrawn."""

    tag: int
    event: str
    value: str | None
    basis: e.Basis
    reason: e.Reason | None
    order_no: str
    source: str
    late: bool
    waived: bool

    def shown(self) -> dict[str, Any]:
        if self.value is None:
            return {"etag": str(self.tag), "value": None}
        return {
            "etag": str(self.tag),
            "value": self.value,
            "mean": self.basis.mean,
            "basis": self.basis.grades,
            "reason": self.reason.code if self.reason else None,
            "order_no": self.order_no,
            "source": self.source,
            "late": self.late,
            "waived": self.waived,
        }


class Permission(NamedTuple):
    late_until: date | None = None
    fewer_grades: bool = False


class Action:
    """The last undoable command of a person here: the places that it touched, as they were before, and its revisions.

    earlier: the one before, for judging the events of the undo itself.
    """

    __slots__ = ("at", "command", "earlier", "touched")

    def __init__(self, command: str, at: str, earlier: "Action | None") -> None:
        self.command, self.at, self.earlier = command, at, earlier
        self.touched: list[tuple[tuple[str, ...], Any, int]] = []
