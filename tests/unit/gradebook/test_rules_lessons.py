"""G1, G7 and the page's own bounds: who writes which lesson, and until when."""

from datetime import date, timedelta

import pytest

from contracts.events import gradebook as e
from services.gradebook import commands as c
from services.gradebook import problems as p
from services.kit.problems import NotFound, PreconditionFailed
from tests.common.gradebook import (
    ANNA,
    BECAUSE,
    DEPUTY,
    DIRECTOR,
    ENDS,
    LABS,
    MAIN,
    SECOND,
    STARTS,
    STRANGER,
    SUBSTITUTE,
    TEACHER,
    Journal,
)

MONDAY = date(2025, 9, 8)
NEXT = MONDAY + timedelta(days=1)


@pytest.mark.clause("R 4.4.1")
def test_g1_the_teacher_of_the_assignment_holds_its_lesson() -> None:
    journal = Journal().on(MONDAY)
    (held,) = journal.do(c.HoldLesson("l", MAIN, MONDAY, 1, 2, "lecture", "Topic", 3))
    assert (held.taught_by, held.number, held.late_by_days) == (TEACHER, 1, 0)
    assert journal.page.lessons["l"].topic == "Topic"


@pytest.mark.clause("R 4.4.1")
@pytest.mark.parametrize(("actor", "role"), [(STRANGER, "teacher"), (SECOND, "teacher"), (TEACHER, "curator")])
def test_g1_nobody_else_does(actor: str, role: str) -> None:
    with pytest.raises(p.NotYourLesson):
        Journal().on(MONDAY).by(actor, role).lesson(MONDAY)


@pytest.mark.clause("R 4.4.1")
def test_g1_a_second_teacher_writes_only_his_own_lessons_of_the_page() -> None:
    journal = Journal().on(MONDAY)
    theory = journal.lesson(MONDAY)
    lab = journal.by(SECOND).lesson(MONDAY, "lab", LABS, "laboratory")
    journal.grade(lab, ANNA, "5")
    for change in (
        c.SetGrades(theory, ANNA, (c.Mark("5", "written"),)),
        c.MarkAttendance(theory, ()),
        c.AssignHomework(theory, "Read"),
        c.AmendLesson(theory, topic="Other"),
    ):
        with pytest.raises((p.NotYourLesson, PreconditionFailed)) as refused:
            journal.do(change)
        assert refused.type is p.NotYourLesson or isinstance(change, c.MarkAttendance)


@pytest.mark.clause("R 4.4.1")
def test_g1_a_substitute_writes_that_one_lesson() -> None:
    allowed = e.SubstituteAllowed(lesson="l", assignment=MAIN, teacher=SUBSTITUTE, date=MONDAY)
    journal = Journal(allowed).on(MONDAY).by(SUBSTITUTE)
    assert journal.lesson(MONDAY, "l") == "l"
    assert journal.page.lessons["l"].taught_by == SUBSTITUTE
    with pytest.raises(p.NotYourLesson):
        journal.lesson(MONDAY, "another")


@pytest.mark.clause("R 4.4.1")
def test_g1_who_handed_the_assignment_over_writes_nothing_and_the_new_one_takes_all_on() -> None:
    journal = Journal().on(MONDAY)
    lesson = journal.lesson(MONDAY)
    journal.record(
        [
            e.TeacherUnassigned(assignment=MAIN, teacher=TEACHER, on=NEXT),
            e.TeacherAssigned(assignment=MAIN, teacher=SECOND, starts_on=NEXT),
        ],
        "system:keeper",
        "keeper",
    )
    with pytest.raises(p.NotYourLesson):
        journal.by(SECOND).grade(lesson, ANNA, "5")
    journal.by(TEACHER).grade(lesson, ANNA, "5")
    journal.on(NEXT)
    with pytest.raises(p.NotYourLesson):
        journal.do(c.SetGrades(lesson, "student-2", (c.Mark("5", "oral"),)))
    journal.by(SECOND).grade(lesson, "student-2", "4")


@pytest.mark.parametrize(
    ("day", "kind", "assignment", "actor"),
    [
        (STARTS - timedelta(days=1), "lecture", MAIN, TEACHER),
        (ENDS + timedelta(days=1), "lecture", MAIN, TEACHER),
        (MONDAY, "lecture", LABS, SECOND),
    ],
)
def test_a_lesson_lies_in_the_period_and_the_kinds_of_its_assignment(
    day: date, kind: str, assignment: str, actor: str
) -> None:
    with pytest.raises(p.OutsideAssignment):
        Journal().on(max(day, STARTS)).by(actor).lesson(day, "l", assignment, kind)


def test_a_lesson_is_held_once_and_unknown_ones_are_not_found() -> None:
    journal = Journal().on(MONDAY)
    journal.lesson(MONDAY, "l")
    with pytest.raises(PreconditionFailed) as refused:
        journal.lesson(MONDAY, "l")
    assert refused.value.extra["current"]["topic"] == "Topic"
    for command in (
        c.AmendLesson("x"),
        c.AssignHomework("x", "Read"),
        c.MarkAttendance("x", ()),
        c.SetGrades("x", ANNA, ()),
    ):
        with pytest.raises(NotFound):
            journal.do(command)


def test_g8_no_lesson_ahead_of_its_day() -> None:
    with pytest.raises(p.InFuture):
        Journal().on(MONDAY).do(c.HoldLesson("l", MAIN, NEXT, 1, 2, "lecture", "Topic"))


@pytest.mark.clause("R 8.4")
def test_g7_entries_say_how_late_they_are_and_stop_at_the_limit() -> None:
    journal = Journal().on(MONDAY)
    lesson = journal.lesson(MONDAY)
    journal.on(MONDAY + timedelta(days=7))
    (recorded,) = journal.grade(lesson, ANNA, "5")
    assert recorded.late_by_days == 7
    journal.on(MONDAY + timedelta(days=8))
    for command in (
        c.SetGrades(lesson, "student-2", (c.Mark("4", "oral"),)),
        c.MarkAttendance(lesson, ()),
        c.AssignHomework(lesson, "Read"),
        c.AmendLesson(lesson, topic="Other"),
        c.SetGrades(lesson, ANNA, (), BECAUSE),
        c.HoldLesson("l", MAIN, MONDAY, 1, 2, "lecture", "Topic"),
    ):
        with pytest.raises(p.EntryLimitPassed):
            journal.do(command)


@pytest.mark.clause("R 8.4")
def test_g7_the_deputy_unlocks_a_lesson_for_some_days() -> None:
    journal = Journal().on(MONDAY)
    lesson = journal.lesson(MONDAY)
    today = MONDAY + timedelta(days=20)
    with pytest.raises(p.DeputyOnly):
        journal.on(today).do(c.Unlock(lesson, today, BECAUSE))
    journal.by(DEPUTY, "deputy_director").do(c.Unlock(lesson, today, BECAUSE))
    (recorded,) = journal.by(TEACHER).grade(lesson, ANNA, "5")
    assert recorded.late_by_days == 20
    with pytest.raises(p.EntryLimitPassed):
        journal.on(today + timedelta(days=1)).grade(lesson, "student-2", "5")


@pytest.mark.clause("R 8.4")
def test_g7_after_an_outage_one_act_lifts_the_limit_for_its_days() -> None:
    journal = Journal()
    today = MONDAY + timedelta(days=14)
    journal.on(today).by(DEPUTY, "deputy_director")
    journal.do(c.LiftEntryLimit(MONDAY, MONDAY, today, e.Reason(code="outage")))
    journal.by(TEACHER).lesson(MONDAY)
    with pytest.raises(p.EntryLimitPassed):
        journal.lesson(MONDAY - timedelta(days=1))


@pytest.mark.parametrize("until", [MONDAY - timedelta(days=1)])
def test_permissions_end_in_the_future(until: date) -> None:
    journal = Journal().on(MONDAY).by(DEPUTY, "deputy_director")
    for command in (c.Unlock("l", until, BECAUSE), c.LiftEntryLimit(STARTS, MONDAY, until, BECAUSE)):
        with pytest.raises(p.DatesWrong):
            journal.do(command)
    with pytest.raises(p.DatesWrong):
        journal.do(c.AllowFinal(ANNA, BECAUSE))


def test_g2_a_deputy_gives_no_permission_on_his_own_page_the_director_does() -> None:
    journal = Journal(e.TeacherAssigned(assignment="a3", teacher=DEPUTY, starts_on=STARTS)).on(MONDAY)
    with pytest.raises(p.OwnPage):
        journal.by(DEPUTY, "deputy_director").do(c.Unlock("l", MONDAY, BECAUSE))
    assert journal.by(DIRECTOR, "director").do(c.Unlock("l", MONDAY, BECAUSE))


def test_amending_and_homework_write_only_what_differs() -> None:
    journal = Journal().on(MONDAY)
    lesson = journal.lesson(MONDAY)
    assert journal.do(c.AmendLesson(lesson, topic="Topic")) == []
    (amended,) = journal.do(c.AmendLesson(lesson, topic="Better", hours=1))
    assert (amended.topic, amended.hours, amended.kind) == ("Better", 1, "lecture")
    (homework,) = journal.do(c.AssignHomework(lesson, "Read", NEXT))
    assert homework.due_on == NEXT
    assert journal.do(c.AssignHomework(lesson, "Read", NEXT)) == []


def test_a_stale_tag_is_refused_with_what_stands_now() -> None:
    journal = Journal().on(MONDAY)
    lesson = journal.lesson(MONDAY)
    tag = str(journal.page.lessons[lesson].tag)
    journal.do(c.AmendLesson(lesson, topic="One", expected=tag))
    with pytest.raises(PreconditionFailed) as refused:
        journal.do(c.AmendLesson(lesson, topic="Two", expected=tag))
    assert refused.value.extra["current"]["topic"] == "One"


@pytest.mark.clause("R 1.3")
def test_the_rules_of_a_page_are_set_by_the_deputy() -> None:
    journal = Journal().on(MONDAY)
    short = e.Rules(min_grades=2, min_substantial=0)
    with pytest.raises(p.DeputyOnly):
        journal.do(c.SetRules(short))
    journal.by(DEPUTY, "deputy_director").do(c.SetRules(short))
    assert journal.page.rules == short
    assert journal.do(c.SetRules(short)) == []


def test_only_the_keeper_copies_facts() -> None:
    from services.gradebook.rules import judge
    from tests.common.gradebook import context, facts, instant

    journal = Journal()
    ctx = context(TEACHER, "teacher", instant(MONDAY))
    for event in facts()[2:]:
        with pytest.raises(p.KeeperOnly):
            judge(journal.page, event, ctx)
    with pytest.raises(p.Contradiction):
        judge(journal.page, facts()[0], context("system:keeper", "keeper", instant(MONDAY)))
