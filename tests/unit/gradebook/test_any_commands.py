"""Whatever is asked of a page in whatever order: a problem or lawful events, and folding loses nothing."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contracts.events import gradebook as e
from services.gradebook import commands as c
from services.gradebook.page import Page
from services.gradebook.parts import Cell
from services.gradebook.spread import shared, you
from services.kit.problems import Problem
from tests.common.gradebook import (
    BECAUSE,
    DEADLINE,
    DEPUTY,
    ENDS,
    LABS,
    MAIN,
    SECOND,
    STARTS,
    STRANGER,
    STUDENTS,
    TEACHER,
    ZONE,
    Journal,
)

PEOPLE = [(TEACHER, "teacher")] * 6 + [(SECOND, "teacher"), (STRANGER, "teacher")] + [(DEPUTY, "deputy_director")] * 2
LESSONS = ("l1", "l2", "l3", "none")


def marks(dice: random.Random, cell: Cell) -> tuple[c.Mark, ...]:
    kept = [
        c.Mark(dice.choice(["5", g.value]), g.work, g.id, dice.choice([None, ENDS - timedelta(days=1)]))
        for g in cell.grades
        if dice.random() < 0.8
    ]
    new = [
        c.Mark(
            dice.choice("5432."),
            dice.choice(["written", "oral"]),
            None,
            dice.choice([None, None, DEADLINE]),
            dice.choice([None, *(g.id for g in cell.grades)]),
        )
        for _ in range(dice.randint(0, 2))
    ]
    return tuple(kept + new)


def commands(journal: Journal, dice: random.Random) -> Any:
    lesson, student = dice.choice(LESSONS), dice.choice([*STUDENTS, "nobody"])
    day = journal.now.astimezone(ZONE).date()
    reason = dice.choice([None, BECAUSE])
    final = c.SetFinal(student, dice.choice(["5", "4", "3", "na", "pass", "exempt"]), reason, dice.choice(["", "1"]))
    grades = c.SetGrades(lesson, student, marks(dice, journal.page.cell(lesson, student)), reason)
    absences = tuple(e.Absence(student=s, hours=dice.randint(0, 2)) for s in STUDENTS if dice.random() < 0.3)
    choices: list[Callable[[], Any]] = [
        lambda: c.HoldLesson(lesson, dice.choice([MAIN, LABS]), day, 1, 2, "laboratory", "T"),
        lambda: c.AmendLesson(lesson, hours=dice.randint(1, 2), topic=dice.choice(["A", "B"])),
        lambda: c.AssignHomework(lesson, dice.choice(["", "Read"])),
        lambda: grades,
        lambda: grades,
        lambda: c.SetGradesBulk((grades, c.SetGrades(lesson, STUDENTS[0], ()))),
        lambda: c.MarkAttendance(lesson, absences),
        lambda: final,
        lambda: c.SetFinals((final,), accept=dice.random() < 0.5),
        lambda: c.WithdrawFinal(student, BECAUSE),
        lambda: c.AllowFinal(student, BECAUSE, dice.choice([None, day]), dice.random() < 0.5),
        lambda: c.Unlock(lesson, day, BECAUSE),
        lambda: c.LiftEntryLimit(STARTS, day, day, BECAUSE),
        lambda: c.SignPage(),
        lambda: c.Undo(),
        lambda: c.Undo(),
    ]
    if dice.random() < 0.003:
        return c.ClosePage(dice.random() < 0.5, reason)
    return dice.choice(choices)()


@pytest.mark.parametrize("seed", range(25))
def test_any_commands_in_any_order(seed: int) -> None:
    dice = random.Random(seed)
    journal = Journal().on(DEADLINE - timedelta(days=9))
    done = 0
    for _ in range(200):
        journal.later(minutes=dice.choice([1] * 20 + [30, 300]))
        journal.by(*dice.choice(PEOPLE))
        before, seen = journal.page, shared(journal.page, DEADLINE)
        try:
            done += bool(journal.do(commands(journal, dice)))  # do() has every event judged as the auditor would
        except Problem:
            assert journal.page is before
        assert shared(before, DEADLINE) == seen, "an old state stays as it was"
    assert done
    again = Page()
    for fact in journal.events:
        again.apply(fact)
    assert shared(again, DEADLINE) == shared(journal.page, DEADLINE)
    for actor, _ in PEOPLE:
        assert you(again, actor, journal.now, DEADLINE) == you(journal.page, actor, journal.now, DEADLINE)
