"""What reporting answers, for the contract: one model per document. They describe; the bytes are built by hand.

Means and percentages are hundredths, hours are of 45 minutes; null where there is nothing to divide by.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from contracts.events import gradebook as g
from contracts.events.identity import StudentStatus
from contracts.events.schedule import DisciplineKind, LessonKind, PeriodKind
from services.kit.answers import Shown, Windowed, absent

Day = date  # a member called `date` would hide the type
Gap = Literal["not_held", "no_attendance", "no_topic", "no_final"]
State = Literal["open", "signed", "closed"]

Mean = Annotated[int | None, Field(description="Weighted mean in hundredths; null: no numeric mark.")]
Percent = Annotated[int | None, Field(description="Hundredths of a percent; null: nothing to divide by.")]
Positions = Annotated[dict[str, int], Field(description="How far the view has come: the position by log.")]


class NamedDiscipline(Shown):
    id: str
    code: str | None
    title: str | None


class HoursShown(Shown):
    """Hours held for a student and missed, by class; late and left_early: how often."""

    held: int
    missed: int
    ill: int
    excused: int
    unexcused: int
    unclassified: int
    late: int
    late_minutes: int
    left_early: int


# -- the card -----------------------------------------------------------------------------------------------------


class CardPeriod(Shown):
    period: str
    title: str | None
    kind: PeriodKind
    starts_on: date
    ends_on: date


class CardYear(Shown):
    year: str
    title: str | None
    periods: tuple[CardPeriod, ...]


class CardDiscipline(NamedDiscipline):
    kind: DisciplineKind | None


class CardGroup(Shown):
    id: str
    title: str | None


class CardGrade(Shown):
    """weight: hundredths. replaced: set aside by a retake."""

    grade: str
    value: g.GradeValue
    work: g.WorkKind
    weight: int
    makeup_on: date = absent()
    retake_of: str = absent()
    replaced: Literal[True] = absent()


class Homework(Shown):
    text: str
    due_on: date | None


class CardAbsence(Shown):
    """hours missed; minutes late and before the end. class: of the absence; null: none, or not classified."""

    hours: int
    late: int
    left_early: int
    class_: Annotated[g.AbsenceClass | None, Field(alias="class")]


class CardLesson(Shown):
    """A lesson that is the student's, or has a grade of his."""

    lesson: str
    date: Day
    pair: int
    number: int
    hours: int
    kind: LessonKind
    teacher: str
    topic: str
    topic_no: int | None
    grades: tuple[CardGrade, ...]
    homework: Homework = absent()
    absence: CardAbsence = absent()


class PlannedTopic(Shown):
    number: int
    title: str
    hours: int
    given: int


class CardProgramme(Shown):
    """hours and topics of the plan; given: hours held; passed: topics whose hours were given."""

    hours: int
    given: int
    topics: int
    passed: int
    plan: tuple[PlannedTopic, ...]


class CarriedGrade(Shown):
    """A grade that came along from another page; weight: hundredths, as it was there."""

    grade: str
    value: str
    work: str
    weight: int
    date: Day
    source_page: str


class TakenFinal(Shown):
    """A final of a page of a period, which counts on the page of the year."""

    page: str
    value: str


class Needed(Shown):
    """How many further grades "5" of weight 1.00 lift the mean to where that final may be set, both ties at .5 being
    free (G5). 0: reached; null: not within 20. How many grades there must be at least (G3) is not in it."""

    for_5: Annotated[int | None, Field(alias="5")]
    for_4: Annotated[int | None, Field(alias="4")]
    for_3: Annotated[int | None, Field(alias="3")]


class CardPage(Shown):
    """counted: how many grades count. needed: null once the page is closed or the final is set."""

    page: str
    group: CardGroup
    discipline: CardDiscipline
    period: str
    year: str
    state: State
    teachers: tuple[str, ...]
    mean: Mean
    counted: int
    needed: Needed | None
    final: g.FinalValue | None
    final_mean: Mean
    hours: HoursShown
    attendance: Percent
    programme: CardProgramme | None
    lessons: tuple[CardLesson, ...]
    carried: tuple[CarriedGrade, ...]
    taken: tuple[TakenFinal, ...]


class Card(Shown):
    """A student over his disciplines; `years` are for switching and always whole."""

    student: str
    status: StudentStatus
    years: tuple[CardYear, ...]
    hours: HoursShown
    attendance: Percent
    disciplines: tuple[CardPage, ...]
    positions: Positions


# -- the group ----------------------------------------------------------------------------------------------------


class GroupPeriod(Shown):
    period: str
    title: str | None
    kind: PeriodKind
    year: str
    year_title: str | None
    starts_on: date
    ends_on: date


class FinalCounts(Shown):
    """How many finals of each value; na: н/а, passed: зачёт, failed: незачёт, credited: перезачтено."""

    n5: int
    n4: int
    n3: int
    n2: int
    na: int
    passed: int
    failed: int
    credited: int
    exempt: int


class SummaryPage(Shown):
    page: str
    discipline: NamedDiscipline
    state: State
    students: int
    without_final: int
    finals: FinalCounts
    success: Percent
    quality: Percent
    learning: Percent
    average: Mean
    held: int
    attendance: Percent


class SummaryCell(Shown):
    """debts: points that wait for a grade. missed, held: hours."""

    mean: Mean
    grades: int
    counted: int
    debts: int
    final: g.FinalValue | None
    missed: int
    held: int


class SummaryStudent(Shown):
    student: str
    cells: Annotated[dict[str, SummaryCell], Field(description="By page.")]
    average: Mean
    hours: HoursShown
    attendance: Percent


class Indicators(Shown):
    """students: with a final that is judged; succeed: without failures; good: with 4 and 5 only."""

    students: int
    succeed: int
    good: int
    success: Percent
    quality: Percent
    learning: Percent
    average: Mean
    hours: HoursShown
    attendance: Percent


class FormulaShown(Shown):
    ru: str
    en: str
    text: str


class Summary(Shown):
    group: str
    period: GroupPeriod
    pages: tuple[SummaryPage, ...]
    students: tuple[SummaryStudent, ...]
    indicators: Indicators
    formulas: dict[str, FormulaShown]
    periods: tuple[GroupPeriod, ...]
    positions: Positions


class GapLine(Shown):
    """What is missing; `missing`: how many finals or marks."""

    gap: Gap
    page: str | None
    discipline: NamedDiscipline
    lesson: str | None
    date: Day | None
    pair: int | None
    teacher: str | None
    missing: int | None


Gaps = Windowed[GapLine]
