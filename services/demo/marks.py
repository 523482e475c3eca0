"""What is entered for a lesson: absences, grades, homework, and what is put right later. Pure and seeded per lesson.

A student has an ability and a diligence of his own, so that good and weak students stay so over all pages.
"""

from datetime import date
from functools import lru_cache
from random import Random
from typing import Final, NamedTuple

from contracts.events.gradebook import GradeValue, ReasonCode, Rules, WorkKind
from services.demo.calendar import DAY
from services.demo.curriculum import homework
from services.demo.plan import Plan
from services.demo.shapes import Lesson, seeded

HOURS: Final = 2
NUMERIC: Final[tuple[GradeValue, ...]] = ("2", "3", "4", "5")
BY_KIND: Final[dict[str, tuple[float, WorkKind]]] = {
    "lecture": (0.8, "oral"),
    "seminar": (1.2, "oral"),
    "practical": (1.1, "practical"),
    "laboratory": (1.3, "laboratory"),
    "practice": (1.1, "practical"),
}
"""How often a student is graded against the plan's size, and for which work."""

TEST_EVERY: Final = 5
"""Every fifth topic of a lecture or seminar ends with written work of all."""


class Missed(NamedTuple):
    """hours missed, or minutes late, or minutes before the end."""

    student: str
    hours: int = 0
    late: int = 0
    left_early: int = 0


class Given(NamedTuple):
    value: GradeValue
    work: WorkKind


class Later(NamedTuple):
    """A grade put right on a later day: the first mark of the cell becomes `value`. A make-up stands beside an absence
    or replaces a dot and has no reason."""

    student: str
    day: date
    value: GradeValue
    work: WorkKind
    reason: ReasonCode | None


class Entry(NamedTuple):
    """grades: {student: marks}. homework "" sets none; it is due on `due_on`."""

    missed: tuple[Missed, ...]
    grades: dict[str, tuple[Given, ...]]
    later: tuple[Later, ...]
    homework: str
    due_on: date | None


class Character(NamedTuple):
    ability: float
    absence: float


@lru_cache(maxsize=4096)
def character(student: str) -> Character:
    """ability: the mean of his marks; absence: how often he is away, against the average."""
    random = seeded("character", student)
    return Character(min(4.9, max(2.6, random.gauss(3.9, 0.55))), random.choice((0.3, 0.5, 0.8, 1.0, 1.2, 2.2)))


def entry(plan: Plan, lesson: Lesson, next_on: date | None) -> Entry:
    """What the teacher enters. next_on: the day of the page's next lesson."""
    random = seeded(lesson.key)
    often, work = BY_KIND[lesson.kind]
    test = lesson.kind in ("lecture", "seminar") and lesson.topic % TEST_EVERY == 0
    if test:
        often, work = 2.0, "written"
    graded = 0 if lesson.date > lesson.page.period.finals_on else often * plan.size.graded / 100
    sport = lesson.page.load.course.area == "sport"
    missed: list[Missed] = []
    grades: dict[str, tuple[Given, ...]] = {}
    later: list[Later] = []
    for student in plan.roster(lesson):
        who = character(student)
        away = _missed(plan, lesson, student, who, random)
        if away is not None:
            missed.append(away)
        if away is not None and away.hours == HOURS:
            if graded and work in ("practical", "laboratory") and random.random() < 0.1:
                made_up = _later(plan, lesson, student, _mark(who, sport, random), work, 5, None)
                if made_up is not None:
                    grades[student] = (Given(".", work),)
                    later.append(made_up)
        elif random.random() < graded:
            grades[student] = _marks(who, work, sport, random)
            if not sport and random.random() < 0.015:
                better: GradeValue = "5" if grades[student][0].value == "4" else "4"
                put_right = _later(plan, lesson, student, better, work, 1, random.choice(("input_error", "appeal")))
                if put_right is not None and better != grades[student][0].value:
                    later.append(put_right)
    if lesson.key == plan.dot.key:
        student = next(s for s in plan.roster(lesson) if all(m.student != s for m in missed))
        grades[student] = (Given(".", "written"),)
        later = [x for x in later if x.student != student]
    task = homework(lesson.page.load.course, lesson.topic, lesson.of) if next_on and lesson.topic % 2 else ""
    return Entry(tuple(missed), grades, tuple(later), task, next_on if task else None)


def _missed(plan: Plan, lesson: Lesson, student: str, who: Character, random: Random) -> Missed | None:
    if plan.teaches_then(student, lesson):
        return Missed(student, HOURS)
    chance = random.random() * 100
    absent = plan.size.absent * who.absence
    if chance < absent:
        return Missed(student, 1 if chance < absent / 8 else HOURS)
    if chance < absent + plan.size.late:
        minutes = random.randrange(3, 25)
        return Missed(student, 0, 0, minutes) if minutes > 20 else Missed(student, 0, minutes)
    return None


def _mark(who: Character, sport: bool, random: Random) -> GradeValue:
    if sport:
        return "pass" if random.random() < 0.95 else "fail"
    return NUMERIC[min(5, max(2, round(random.gauss(who.ability, 0.75)))) - 2]


def _marks(who: Character, work: WorkKind, sport: bool, random: Random) -> tuple[Given, ...]:
    first = Given(_mark(who, sport, random), work)
    if work == "laboratory" and random.random() < 0.05:  # the work and its defence
        return first, Given(_mark(who, sport, random), "oral")
    return (first,)


def _later(
    plan: Plan, lesson: Lesson, student: str, value: GradeValue, work: WorkKind, after: int, reason: ReasonCode | None
) -> Later | None:
    """On the first study day at least `after` days later, if that is before today and the finals.

    A change is entered within the limit of the rules, which a holiday may exceed; a make-up is never late.
    """
    period, moved = lesson.page.period, plan.transfer.student
    day = lesson.date + after * DAY
    while not period.studies(day) and day < period.ends_on:
        day += DAY
    if student == moved or day >= plan.calendar.today or day > period.finals_on:
        return None
    if reason is not None and (day - lesson.date).days > Rules().entry_limit_days:
        return None
    return Later(student, day, value, work, reason)
