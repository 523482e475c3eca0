"""What can be asked of a page, as plain values. Ids and dates only; a reason arrives with its text already set aside.

`expected` names the version that the command replaces: its tag, None for "there is nothing yet", or `UNCHECKED`.
"""

from datetime import date
from typing import Any, NamedTuple

from contracts.events.gradebook import Absence, Reason, Rules

UNCHECKED = "*"


class Mark(NamedTuple):
    """A mark as it should stand. grade: the id of the one that it is now, None for a new one."""

    value: Any
    work: Any
    grade: str | None = None
    makeup_on: date | None = None
    retake_of: str | None = None


class HoldLesson(NamedTuple):
    lesson: str
    assignment: str
    date: date
    pair: int
    hours: int
    kind: Any
    topic: str
    topic_no: int | None = None
    taught_by: str | None = None


class AmendLesson(NamedTuple):
    """None leaves a field as it is."""

    lesson: str
    hours: int | None = None
    kind: Any = None
    topic: str | None = None
    topic_no: int | None = None
    expected: str | None = UNCHECKED


class AssignHomework(NamedTuple):
    lesson: str
    text: str
    due_on: date | None = None
    expected: str | None = UNCHECKED


class SetGrades(NamedTuple):
    """One cell as it should stand: all its marks."""

    lesson: str
    student: str
    marks: tuple[Mark, ...]
    reason: Reason | None = None
    expected: str | None = UNCHECKED


class SetGradesBulk(NamedTuple):
    """Many cells, all or nothing."""

    cells: tuple[SetGrades, ...]


class MarkAttendance(NamedTuple):
    lesson: str
    marks: tuple[Absence, ...]
    expected: str | None = UNCHECKED


class SetFinal(NamedTuple):
    """reason: for a departure from the mean, and for replacing a final that stands."""

    student: str
    value: Any
    reason: Reason | None = None
    order_no: str = ""
    source: str = ""
    expected: str | None = UNCHECKED


class SetFinals(NamedTuple):
    """Many finals, all or nothing. accept: also every proposed final of who has none yet."""

    finals: tuple[SetFinal, ...] = ()
    accept: bool = False


class WithdrawFinal(NamedTuple):
    student: str
    reason: Reason
    expected: str | None = UNCHECKED


class AllowFinal(NamedTuple):
    student: str
    reason: Reason
    late_until: date | None = None
    fewer_grades: bool = False


class Unlock(NamedTuple):
    lesson: str
    until: date
    reason: Reason


class LiftEntryLimit(NamedTuple):
    starts_on: date
    ends_on: date
    until: date
    reason: Reason


class SetRules(NamedTuple):
    rules: Rules


class SignPage(NamedTuple):
    pass


class ClosePage(NamedTuple):
    force: bool = False
    reason: Reason | None = None


class Undo(NamedTuple):
    """The person's own last undoable action on the page."""


class Several(NamedTuple):
    """Commands of one person as one, in their order: all or nothing, one append."""

    commands: tuple[Any, ...]


PageCommand = (
    HoldLesson
    | AmendLesson
    | AssignHomework
    | SetGrades
    | SetGradesBulk
    | MarkAttendance
    | SetFinal
    | SetFinals
    | WithdrawFinal
    | AllowFinal
    | Unlock
    | LiftEntryLimit
    | SetRules
    | SignPage
    | ClosePage
    | Undo
    | Several
)
