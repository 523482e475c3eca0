"""Events of the grade book: the facts copied onto a page, and what its teachers, deputy and curators did there."""

from datetime import date
from typing import Annotated, Literal

from annotated_types import Ge, Interval
from pydantic import BaseModel, ConfigDict

from contracts.envelope import Event, EventTypes
from contracts.events.schedule import LessonKind, PeriodKind

GradeValue = Literal["5", "4", "3", "2", "pass", "fail", "."]
"""A mark of a lesson; `.` is a debt to be replaced."""
FinalValue = Literal["5", "4", "3", "2", "pass", "fail", "na", "exempt", "credited"]
"""A final: marks, зачёт/незачёт, н/а, осв, перезачтено."""
WorkKind = Literal["oral", "written", "laboratory", "practical", "test", "independent", "coursework", "project"]
ReasonCode = Literal[
    "input_error", "reassessed", "wrong_student", "appeal", "makeup", "illness", "outage", "order", "other", "undo"
]
AbsenceClass = Literal["ill", "excused", "unexcused"]
Hours = Annotated[int, Interval(ge=0, le=12)]
Days = Annotated[int, Ge(0)]


class Part(BaseModel):
    """A value inside an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reason(Part):
    """Why: a code of the pick list. Free text stays in an erasable table; here are its id and SHA-256(nonce ‖ text)."""

    code: ReasonCode
    text: str | None = None
    digest: str | None = None


# -- facts that the keeper copies from identity and schedule ------------------------------------------------


class PageOpened(Event):
    """A page: study group × discipline × period. `weekend` and `holidays`: its days without study (rule G4).

    kind `year`: a page without lessons that takes the finals of the year's periods. closed: opened after its period
    was closed, so born closed.
    """

    type: Literal["PageOpened.v1"] = "PageOpened.v1"
    page: str
    group: str
    discipline: str
    period: str
    year: str
    kind: PeriodKind
    starts_on: date
    ends_on: date
    weekend: tuple[int, ...] = (7,)
    holidays: tuple[date, ...] = ()
    closed: bool = False


class PageRescheduled(Event):
    """The calendar of the page's period changed."""

    type: Literal["PageRescheduled.v1"] = "PageRescheduled.v1"
    starts_on: date
    ends_on: date
    weekend: tuple[int, ...] = (7,)
    holidays: tuple[date, ...] = ()


class TeacherAssigned(Event):
    """`teacher` holds `assignment` from starts_on and writes its lessons dated up to ends_on, also those of whoever
    held it before; kinds and subgroup empty = all. Only TeacherUnassigned takes the right away."""

    type: Literal["TeacherAssigned.v1"] = "TeacherAssigned.v1"
    assignment: str
    teacher: str
    subgroup: str = ""
    kinds: tuple[LessonKind, ...] = ()
    responsible: bool = True
    starts_on: date
    ends_on: date | None = None


class TeacherUnassigned(Event):
    """The teacher's last day on the assignment is the day before `on`; from then on he writes none of its lessons."""

    type: Literal["TeacherUnassigned.v1"] = "TeacherUnassigned.v1"
    assignment: str
    teacher: str
    on: date


class SubstituteAllowed(Event):
    """`teacher` may write this one lesson."""

    type: Literal["SubstituteAllowed.v1"] = "SubstituteAllowed.v1"
    lesson: str
    assignment: str
    teacher: str
    date: date


class StudentJoined(Event):
    """Enrolled from day `on`; `until` (included) when the end is known."""

    type: Literal["StudentJoined.v1"] = "StudentJoined.v1"
    student: str
    on: date
    until: date | None = None


class StudentLeft(Event):
    """The student's last day on the page is the day before `on`."""

    type: Literal["StudentLeft.v1"] = "StudentLeft.v1"
    student: str
    on: date


class SubgroupsSet(Event):
    """The agreed split of the group for this discipline: {subgroup: students}."""

    type: Literal["SubgroupsSet.v1"] = "SubgroupsSet.v1"
    subgroups: dict[str, tuple[str, ...]]


class Rules(Part):
    """The settings of the rules, in force for the page (R 1.3). Hundredths are whole numbers.

    weights: work kind → weight in hundredths, missing = 100, 0 = not counted. min_grades, min_substantial: rule G3.
    final_window_days, final_lead_days: rule G4. max_deviation: hundredths between final and weighted mean (G5).
    entry_limit_days: rule G7. undo_minutes: G9. retake: whether a retake replaces or joins the first mark (G8).
    """

    weights: dict[WorkKind, Annotated[int, Ge(0)]] = {}
    min_grades: int = 3
    min_substantial: int = 1
    min_grades_pass: int = 1
    final_window_days: int = 7
    final_lead_days: int = 2
    max_deviation: int = 50
    entry_limit_days: int = 7
    undo_minutes: int = 10
    retake: Literal["replaces", "joins"] = "replaces"


class PageSettingsSet(Event):
    type: Literal["PageSettingsSet.v1"] = "PageSettingsSet.v1"
    rules: Rules


class CarriedGrade(Part):
    """A grade of another page, read-only here: its id and day there, value, work and weight (hundredths)."""

    grade: str
    date: date
    value: GradeValue
    work: WorkKind
    weight: int


class GradesCarriedOver(Event):
    """A moved student's grades, with their source page and the position read there (rule G10)."""

    type: Literal["GradesCarriedOver.v1"] = "GradesCarriedOver.v1"
    student: str
    source_page: str
    source_position: int
    grades: tuple[CarriedGrade, ...]


class TakenFinal(Part):
    """The final of a period page as the year page takes it: by the event that set it; value None: withdrawn there."""

    student: str
    page: str
    event: str
    value: FinalValue | None = None


class FinalsTaken(Event):
    type: Literal["FinalsTaken.v1"] = "FinalsTaken.v1"
    finals: tuple[TakenFinal, ...]


# -- lessons, grades, attendance ----------------------------------------------------------------------------


class LessonHeld(Event):
    """A lesson entered in the journal. late_by_days: entered that many days after its day (rule G7)."""

    type: Literal["LessonHeld.v1"] = "LessonHeld.v1"
    lesson: str
    assignment: str
    taught_by: str
    date: date
    pair: int
    number: int
    hours: Hours
    kind: LessonKind
    topic: str
    topic_no: int | None = None
    late_by_days: Days = 0


class LessonAmended(Event):
    type: Literal["LessonAmended.v1"] = "LessonAmended.v1"
    lesson: str
    hours: Hours
    kind: LessonKind
    topic: str
    topic_no: int | None = None
    late_by_days: Days = 0


class LessonUnlocked(Event):
    """The deputy lets entries for the lesson through up to and including day `until` (rule G7)."""

    type: Literal["LessonUnlocked.v1"] = "LessonUnlocked.v1"
    lesson: str
    until: date
    reason: Reason


class EntryLimitLifted(Event):
    """After an outage: entries due on a day in starts_on … ends_on are taken up to and including `until` (rule G7)."""

    type: Literal["EntryLimitLifted.v1"] = "EntryLimitLifted.v1"
    starts_on: date
    ends_on: date
    until: date
    reason: Reason


class HomeworkAssigned(Event):
    """Replaces the lesson's homework; an empty text takes it back."""

    type: Literal["HomeworkAssigned.v1"] = "HomeworkAssigned.v1"
    lesson: str
    text: str
    due_on: date | None = None
    late_by_days: Days = 0


class GradeRecorded(Event):
    """makeup_on: the day on which a make-up beside an absence, or a retake, was written. retake_of: the grade of the
    same cell that this one is a retake of. A grade given back by an undo comes again under its old id."""

    type: Literal["GradeRecorded.v1"] = "GradeRecorded.v1"
    grade: str
    lesson: str
    student: str
    value: GradeValue
    work: WorkKind
    makeup_on: date | None = None
    retake_of: str | None = None
    late_by_days: Days = 0


class GradeChanged(Event):
    type: Literal["GradeChanged.v1"] = "GradeChanged.v1"
    grade: str
    lesson: str
    student: str
    old: GradeValue
    value: GradeValue
    old_work: WorkKind
    work: WorkKind
    reason: Reason
    corrects: str
    late_by_days: Days = 0


class GradeAnnulled(Event):
    """`corrects`: id of the event that gave the grade its present value."""

    type: Literal["GradeAnnulled.v1"] = "GradeAnnulled.v1"
    grade: str
    lesson: str
    student: str
    old: GradeValue
    old_work: WorkKind
    reason: Reason
    corrects: str


class Absence(Part):
    """hours: missed, 0 … hours of the lesson. late: minutes late. left_early: minutes before the end."""

    student: str
    hours: Hours = 0
    late: Annotated[int, Interval(ge=0, le=270)] = 0
    left_early: Annotated[int, Interval(ge=0, le=270)] = 0


class AttendanceMarked(Event):
    """The attendance of a whole lesson: who is not in `marks` was there. Replaces what was marked before.

    corrects: id of the event that it replaces. taken_back: undone, as if never marked; `marks` is empty then.
    """

    type: Literal["AttendanceMarked.v1"] = "AttendanceMarked.v1"
    lesson: str
    marks: tuple[Absence, ...]
    corrects: str | None = None
    taken_back: bool = False
    late_by_days: Days = 0


# -- finals, signature, close -------------------------------------------------------------------------------


class Basis(Part):
    """What a final rests on (R 5.1): the ids of its grades and their weighted mean in hundredths (None: no mean)."""

    grades: tuple[str, ...] = ()
    mean: int | None = None


class FinalGradeSet(Event):
    """late: after the deadline of G4 by the deputy's permission. waived: below the minimum of G3 by his waiver."""

    type: Literal["FinalGradeSet.v1"] = "FinalGradeSet.v1"
    student: str
    value: FinalValue
    basis: Basis
    reason: Reason | None = None
    order_no: str = ""
    source: str = ""
    late: bool = False
    waived: bool = False


class FinalGradeWithdrawn(Event):
    type: Literal["FinalGradeWithdrawn.v1"] = "FinalGradeWithdrawn.v1"
    student: str
    old: FinalValue
    reason: Reason
    corrects: str


class FinalAllowed(Event):
    """The deputy's permission for one student's final: after the deadline (G4) up to and including `late_until`,
    or with fewer grades than G3 asks."""

    type: Literal["FinalAllowed.v1"] = "FinalAllowed.v1"
    student: str
    late_until: date | None = None
    fewer_grades: bool = False
    reason: Reason


class PageSigned(Event):
    """The responsible teacher confirms the page as it stands at this revision."""

    type: Literal["PageSigned.v1"] = "PageSigned.v1"
    revision: int


class PeriodClosed(Event):
    """After it nothing but correction acts. forced: though finals are missing or debts open (deputy, with a reason)."""

    type: Literal["PeriodClosed.v1"] = "PeriodClosed.v1"
    forced: bool = False
    reason: Reason | None = None


# -- absence/{student} --------------------------------------------------------------------------------------


class AbsenceAnnounced(Event):
    """A guardian or adult student announces an absence, both days included."""

    type: Literal["AbsenceAnnounced.v1"] = "AbsenceAnnounced.v1"
    absence: str
    student: str
    starts_on: date
    ends_on: date


class AbsenceClassified(Event):
    """The curator's class of the absences in these days; the latest one that covers a day counts. Never a diagnosis."""

    type: Literal["AbsenceClassified.v1"] = "AbsenceClassified.v1"
    student: str
    starts_on: date
    ends_on: date
    reason_class: AbsenceClass
    reason: Reason | None = None


PAGE_EVENTS = EventTypes(
    PageOpened,
    PageRescheduled,
    TeacherAssigned,
    TeacherUnassigned,
    SubstituteAllowed,
    StudentJoined,
    StudentLeft,
    SubgroupsSet,
    PageSettingsSet,
    GradesCarriedOver,
    FinalsTaken,
    LessonHeld,
    LessonAmended,
    LessonUnlocked,
    EntryLimitLifted,
    HomeworkAssigned,
    GradeRecorded,
    GradeChanged,
    GradeAnnulled,
    AttendanceMarked,
    FinalGradeSet,
    FinalGradeWithdrawn,
    FinalAllowed,
    PageSigned,
    PeriodClosed,
)
ABSENCE_EVENTS = EventTypes(AbsenceAnnounced, AbsenceClassified)
EVENTS = EventTypes(*PAGE_EVENTS.by_name.values(), *ABSENCE_EVENTS.by_name.values())
