"""The bodies that the grade book takes: strict, bounded, nothing unknown."""

from datetime import date
from typing import Annotated, Any, Literal

from annotated_types import Interval
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.events import gradebook as e
from contracts.events.schedule import LessonKind
from services.gradebook import commands as c

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\-]{1,64}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Order = Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)]
ReasonCode = Literal[
    "input_error", "reassessed", "wrong_student", "appeal", "makeup", "illness", "outage", "order", "other"
]
MARKS_PER_CELL = 10
CELLS_AT_ONCE = 2000
STUDENTS_AT_ONCE = 500


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class ReasonIn(Body):
    """A code of the pick list and, if need be, free text, which is kept erasable."""

    code: ReasonCode
    text: Line | None = None


class MarkIn(Body):
    grade: Id | None = None
    value: e.GradeValue
    work: e.WorkKind
    makeup_on: date | None = None
    retake_of: Id | None = None

    def mark(self) -> c.Mark:
        return c.Mark(self.value, self.work, self.grade, self.makeup_on, self.retake_of)


class CellIn(Body):
    """All marks of the cell as they should stand; one without `grade` is new."""

    grades: Annotated[list[MarkIn], Field(max_length=MARKS_PER_CELL)]
    reason: ReasonIn | None = None


class BulkCell(Body):
    """expected: the tag of the cell that is replaced, null for an empty one."""

    lesson: Id
    student: Id
    expected: Id | None
    grades: Annotated[list[MarkIn], Field(max_length=MARKS_PER_CELL)]


class CellsIn(Body):
    items: Annotated[list[BulkCell], Field(min_length=1, max_length=CELLS_AT_ONCE)]
    reason: ReasonIn | None = None


class LessonIn(Body):
    assignment: Id
    date: date
    pair: Annotated[int, Interval(ge=1, le=12)]
    hours: Annotated[int, Interval(ge=1, le=12)] = 2
    kind: LessonKind
    topic: Line
    topic_no: Annotated[int, Interval(ge=1, le=999)] | None = None
    taught_by: Id | None = None


class LessonPatch(Body):
    hours: Annotated[int, Interval(ge=1, le=12)] | None = None
    kind: LessonKind | None = None
    topic: Line | None = None
    topic_no: Annotated[int, Interval(ge=1, le=999)] | None = None


class HomeworkIn(Body):
    text: Text
    due_on: date | None = None


class AbsenceMark(Body):
    student: Id
    hours: Annotated[int, Interval(ge=0, le=12)] = 0
    late: Annotated[int, Interval(ge=0, le=270)] = 0
    left_early: Annotated[int, Interval(ge=0, le=270)] = 0


class AttendanceIn(Body):
    """Who is not listed was there."""

    marks: Annotated[list[AbsenceMark], Field(max_length=STUDENTS_AT_ONCE)]

    def absences(self) -> tuple[e.Absence, ...]:
        return tuple(e.Absence(**mark.model_dump()) for mark in self.marks)


class FinalIn(Body):
    value: e.FinalValue
    reason: ReasonIn | None = None
    order_no: Order = ""
    source: Order = ""


class BulkFinal(Body):
    student: Id
    expected: Id | None
    value: e.FinalValue
    order_no: Order = ""
    source: Order = ""


class FinalsIn(Body):
    """accept: also set the proposed final of every student without one. reason: of all items that need one."""

    items: Annotated[list[BulkFinal], Field(max_length=STUDENTS_AT_ONCE)] = []
    accept: bool = False
    reason: ReasonIn | None = None


class WithdrawalIn(Body):
    reason: ReasonIn


class PermissionIn(Body):
    student: Id
    late_until: date | None = None
    fewer_grades: bool = False
    reason: ReasonIn


class UnlockIn(Body):
    lesson: Id
    until: date
    reason: ReasonIn


class EntryLimitIn(Body):
    starts_on: date
    ends_on: date
    until: date
    reason: ReasonIn


class RulesIn(Body):
    """The settings of the rules; what is not named takes the default. Weights and deviations are hundredths."""

    weights: dict[e.WorkKind, Annotated[int, Interval(ge=0, le=1000)]] = {}
    min_grades: Annotated[int, Interval(ge=0, le=20)] = 3
    min_substantial: Annotated[int, Interval(ge=0, le=20)] = 1
    min_grades_pass: Annotated[int, Interval(ge=0, le=20)] = 1
    final_window_days: Annotated[int, Interval(ge=1, le=60)] = 7
    final_lead_days: Annotated[int, Interval(ge=0, le=30)] = 2
    max_deviation: Annotated[int, Interval(ge=0, le=300)] = 50
    entry_limit_days: Annotated[int, Interval(ge=0, le=366)] = 7
    undo_minutes: Annotated[int, Interval(ge=0, le=60)] = 10
    retake: Literal["replaces", "joins"] = "replaces"

    def rules(self) -> e.Rules:
        return e.Rules.model_validate(self.model_dump())


class Empty(Body):
    """Nothing to say."""


class CloseIn(Body):
    force: bool = False
    reason: ReasonIn | None = None


class ClosingIn(CloseIn):
    period: Id


class AnnouncedIn(Body):
    student: Id
    starts_on: date
    ends_on: date


class ClassifiedIn(AnnouncedIn):
    reason_class: e.AbsenceClass
    reason: ReasonIn | None = None


def schema(body: type[BaseModel], *path: str) -> dict[str, Any]:
    """The OpenAPI members of a route that reads its path and body itself, for speed."""
    whole = body.model_json_schema()
    inlined = _inlined(whole, whole.pop("$defs", {}))
    text = {"type": "string", "maxLength": 64}
    return {
        "parameters": [{"name": name, "in": "path", "required": True, "schema": text} for name in path],
        "requestBody": {"required": True, "content": {"application/json": {"schema": inlined}}},
    }


def _inlined(node: Any, defs: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(defs[node["$ref"].rpartition("/")[2]], defs)
    return {key: _inlined(value, defs) for key, value in node.items()}
