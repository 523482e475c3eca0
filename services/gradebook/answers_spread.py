"""The spread of a page as the grade book answers it, for the contract. It describes; the bytes are built by hand.

Means and weights are hundredths. A member that may be missing is told apart from one that may be null.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from contracts.events import gradebook as e
from contracts.events.schedule import LessonKind, PeriodKind
from services.kit.answers import Shown, absent

Day = date
"""Beside a member that is called `date` too."""

Tag = Annotated[str, Field(description="The tag to be sent as If-Match; `none`: there is nothing yet.")]
Mean = Annotated[int | None, Field(description="Weighted mean in hundredths; null: no numeric mark.")]
Rule = Literal["G1", "G2", "G3", "G4", "G5", "G7", "G8", "G9", "G10"]


class Lock(Shown):
    """Why nothing may be entered, said before anybody tries. `by`: who can unlock it; null: nobody any more."""

    code: Annotated[str, Field(description="The code of the problem that an attempt would be answered with.")]
    rule: Rule
    clause: str
    by: Literal["teacher", "deputy_director"] | None


class Done(Shown):
    by: str
    at: datetime


class Signed(Done):
    """`current`: nothing was changed since."""

    revision: int
    current: bool


class Finals(Shown):
    """The days of finals, both included; `state`: of today."""

    opens: date
    deadline: date
    state: Literal["early", "open", "late"]


class Unfinished(Shown):
    without_final: tuple[str, ...]
    open_debts: tuple[str, ...]


class PageRules(Shown):
    """The settings of the rules in force; a kind of work that is not in `weights` weighs 100."""

    weights: dict[e.WorkKind, int]
    min_grades: int
    min_substantial: int
    min_grades_pass: int
    final_window_days: int
    final_lead_days: int
    max_deviation: int
    entry_limit_days: int
    undo_minutes: int
    retake: Literal["replaces", "joins"]


class PageHead(Shown):
    id: str
    group: str
    discipline: str
    period: str
    year: str
    kind: PeriodKind
    starts_on: date
    ends_on: date
    revision: int
    closed: Done | None
    signed: Signed | None
    rules: PageRules
    finals: Finals
    unfinished: Unfinished
    lock: Lock | None


class Spell(Shown):
    """A teacher's time on an assignment. removed_on: the first day on which he writes nothing any more."""

    teacher: str
    responsible: bool
    starts_on: date
    ends_on: date | None
    removed_on: date | None


class Assignment(Shown):
    """`kinds` empty: all; `subgroup` empty: the whole group."""

    assignment: str
    subgroup: str
    kinds: tuple[LessonKind, ...]
    teachers: tuple[Spell, ...]


class Substitute(Shown):
    lesson: str
    teacher: str
    assignment: str
    day: date


class Missed(Shown):
    """hours: missed; late, left_early: minutes."""

    student: str
    hours: int = absent()
    late: int = absent()
    left_early: int = absent()


class Attendance(Shown):
    """`marks` null: not marked; who is not in it was there."""

    etag: Tag
    marks: tuple[Missed, ...] | None
    late_by_days: int = absent()


class Lesson(Shown):
    lesson: str
    assignment: str
    taught_by: str
    date: Day
    pair: int
    number: int
    hours: int
    kind: LessonKind
    topic: str
    topic_no: int | None
    homework: str
    due_on: Day | None
    late_by_days: int
    etag: Tag
    attendance: Attendance
    unlocked_until: Day | None
    lock: Lock | None


class Grade(Shown):
    grade: str
    value: e.GradeValue
    work: e.WorkKind
    makeup_on: date = absent()
    retake_of: str = absent()
    late_by_days: int = absent()


class Cell(Shown):
    etag: Tag
    grades: tuple[Grade, ...]


class Span(Shown):
    """Days on the page, both included; `until` null: open."""

    on: date
    until: date | None


class Counts(Shown):
    """Towards rule G3: numeric grades, those of written, laboratory or practical work, open dots."""

    grades: int
    substantial: int
    debts: int


class Hours(Shown):
    """Of the lessons whose attendance is marked: hours held for the student, hours missed, times late."""

    held: int
    missed: int
    late: int


class Final(Shown):
    """`value` null: withdrawn, and only the tag is there."""

    etag: Tag
    value: e.FinalValue | None
    mean: Mean = absent()
    basis: tuple[str, ...] = absent()
    reason: e.ReasonCode | None = absent()
    order_no: str = absent()
    source: str = absent()
    late: bool = absent()
    waived: bool = absent()


Why = Literal["final-stands", "debt-open", "too-few-grades"]


class Proposal(Shown):
    """The final that the mean suggests, or why there is none."""

    value: e.FinalValue | None
    why: Why | None


class Permission(Shown):
    late_until: date | None
    fewer_grades: bool


class CarriedGrade(Shown):
    grade: str
    date: Day
    value: e.GradeValue
    work: e.WorkKind
    weight: int


class Carried(Shown):
    """Grades of a moved student from another page, read-only."""

    source_page: str
    grades: tuple[CarriedGrade, ...]


class Taken(Shown):
    """The final of a period page on the page of the year."""

    page: str
    event: str
    value: e.FinalValue | None


class Student(Shown):
    """A row. `cells`: by lesson, empty ones left out. `away`: lessons on a day when he is not enrolled, or of another
    subgroup."""

    student: str
    spans: tuple[Span, ...]
    enrolled: bool
    cells: dict[str, Cell]
    away: tuple[str, ...]
    mean: Mean
    counts: Counts
    hours: Hours
    final: Final | None
    proposal: Proposal
    permission: Permission | None
    carried: Carried | None
    taken: tuple[Taken, ...]
    lock: Lock | None


class You(Shown):
    """What the reader may write: assignments, single lessons, finals; until when his last action can be undone."""

    id: str
    assignments: tuple[str, ...]
    lessons: tuple[str, ...]
    finals: bool
    undo_until: datetime | None


class Spread(Shown):
    """A page whole."""

    position: str
    as_of: str | None
    you: You
    page: PageHead
    assignments: tuple[Assignment, ...]
    substitutes: tuple[Substitute, ...]
    subgroups: dict[str, tuple[str, ...]]
    lessons: tuple[Lesson, ...]
    students: tuple[Student, ...]
