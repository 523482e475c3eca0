"""G2–G5: finals with their basis, their days, the freeze and the close."""

from datetime import date, timedelta

import pytest

from contracts.events import gradebook as e
from services.gradebook import commands as c
from services.gradebook import problems as p
from services.gradebook.standing import propose, standing, window
from services.kit.problems import PreconditionFailed
from tests.common.gradebook import (
    ANNA,
    BECAUSE,
    BORIS,
    DEADLINE,
    DEPUTY,
    ENDS,
    SECOND,
    STARTS,
    STUDENTS,
    TEACHER,
    VERA,
    Journal,
    facts,
)

LAST = date(2025, 12, 15)
"""A Monday; marks of the weeks before it leave room for the days of finals."""


def ready(*values: str, work: str = "written", **rules: object) -> Journal:
    """Anna has these marks, and it is the last day for finals."""
    journal = Journal(e.PageSettingsSet(rules=e.Rules.model_validate(rules)))
    journal.graded(*values, work=work)
    return journal.on(DEADLINE)


@pytest.mark.clause("R 5.2")
def test_g3_a_numeric_final_needs_three_grades_one_of_them_substantial() -> None:
    with pytest.raises(p.TooFewGrades):
        ready("5", "5").do(c.SetFinal(ANNA, "5"))
    with pytest.raises(p.TooFewGrades):
        ready("5", "5", "5", work="oral").do(c.SetFinal(ANNA, "5"))
    (final,) = ready("5", "5", "4").do(c.SetFinal(ANNA, "5"))
    assert not final.late
    assert not final.waived


@pytest.mark.clause("R 5.2")
def test_g3_dots_replaced_marks_and_weightless_ones_do_not_count() -> None:
    journal = ready("5", "5", ".")
    with pytest.raises(p.DebtOpen):
        journal.do(c.SetFinal(ANNA, "5"))
    with pytest.raises(p.TooFewGrades):
        ready("5", "5", "5", weights={"written": 0}).do(c.SetFinal(ANNA, "5"))


@pytest.mark.clause("R 5.2")
def test_g3_carried_grades_count() -> None:
    journal = ready("5", "5")
    carried = e.CarriedGrade(grade="old", date=STARTS, value="5", work="practical", weight=100)
    fact = e.GradesCarriedOver(student=ANNA, source_page="other", source_position=7, grades=(carried,))
    journal.record([fact], "system:keeper", "keeper")
    (final,) = journal.do(c.SetFinal(ANNA, "5"))
    assert "old" in final.basis.grades


@pytest.mark.clause("R 5.2")
def test_g3_otherwise_only_na_or_the_deputys_waiver() -> None:
    journal = ready("5")
    (final,) = journal.do(c.SetFinal(ANNA, "na"))
    assert final.value == "na"
    waived = ready("5")
    waived.by(DEPUTY, "deputy_director").do(c.AllowFinal(ANNA, BECAUSE, fewer_grades=True))
    (final,) = waived.by(TEACHER).do(c.SetFinal(ANNA, "5"))
    assert final.waived


def test_g3_a_pass_has_its_own_setting_and_orders_are_named() -> None:
    journal = ready("pass")
    (final,) = journal.do(c.SetFinal(ANNA, "pass"))
    assert final.basis.mean is None
    for value in ("exempt", "credited"):
        with pytest.raises(p.NotInScale):
            journal.do(c.SetFinal(BORIS, value))
    journal.do(c.SetFinal(BORIS, "credited", order_no="17", source="4"))
    journal.do(c.SetFinal(VERA, "exempt", order_no="18"))


@pytest.mark.clause("R 5.3", "R 4.4.5")
@pytest.mark.parametrize(
    ("day", "problem"),
    [
        (ENDS - timedelta(days=7), p.FinalTooEarly),
        (ENDS - timedelta(days=6), None),
        (DEADLINE, None),
        (DEADLINE + timedelta(days=1), p.FinalTooLate),
        (ENDS + timedelta(days=30), p.FinalTooLate),
    ],
)
def test_g4_finals_have_their_days(day: date, problem: type[Exception] | None) -> None:
    journal = ready("5", "5", "5").on(day, hour=23)
    if problem is None:
        journal.do(c.SetFinal(ANNA, "5"))
    else:
        with pytest.raises(problem):
            journal.do(c.SetFinal(ANNA, "5"))


@pytest.mark.clause("R 5.3")
@pytest.mark.parametrize(
    ("ends", "holidays", "deadline"),
    [
        (date(2025, 12, 26), (), date(2025, 12, 24)),
        (date(2025, 12, 23), (), date(2025, 12, 20)),
        (date(2025, 12, 23), (date(2025, 12, 20),), date(2025, 12, 19)),
    ],
)
def test_g4_the_deadline_goes_back_to_a_study_day(ends: date, holidays: tuple[date, ...], deadline: date) -> None:
    opened = e.PageOpened.model_validate({**facts()[0].model_dump(), "ends_on": ends, "holidays": holidays})
    assert window(Journal(opened=[opened]).page).deadline == deadline


@pytest.mark.clause("R 5.3")
def test_g4_later_only_with_the_deputys_permission_and_recorded_as_late() -> None:
    journal = ready("5", "5", "5").on(ENDS)
    journal.by(DEPUTY, "deputy_director").do(c.AllowFinal(ANNA, BECAUSE, late_until=ENDS + timedelta(days=3)))
    (final,) = journal.by(TEACHER).do(c.SetFinal(ANNA, "5"))
    assert final.late
    journal.on(ENDS + timedelta(days=3)).do(c.WithdrawFinal(ANNA, BECAUSE))
    with pytest.raises(p.FinalTooLate):
        journal.on(ENDS + timedelta(days=4)).do(c.SetFinal(ANNA, "5"))


@pytest.mark.clause("R 5.1")
@pytest.mark.parametrize(
    ("marks", "value", "free"),
    [
        (("4", "4", "3", "3"), "3", True),
        (("4", "4", "3", "3"), "4", True),
        (("4", "4", "4", "3"), "3", False),
        (("4", "4", "4", "3"), "4", True),
        (("5", "5", "5"), "3", False),
    ],
)
def test_g5_a_final_far_from_the_mean_needs_a_reason(marks: tuple[str, ...], value: str, free: bool) -> None:
    journal = ready(*marks)
    if not free:
        with pytest.raises(p.DeviationUnexplained):
            journal.do(c.SetFinal(ANNA, value))
    (final,) = journal.do(c.SetFinal(ANNA, value, None if free else e.Reason(code="reassessed")))
    assert final.basis.grades == standing(journal.page, ANNA).grades


@pytest.mark.clause("R 5.1")
@pytest.mark.clause("R 2.5")
def test_g5_the_mean_is_weighted_and_exact() -> None:
    journal = ready("4", "4", "3", "3", weights={"written": 33})
    assert standing(journal.page, ANNA).mean == 350
    journal.on(LAST).lesson(LAST)
    journal.grade(f"lesson-{LAST}", ANNA, "4", work="oral")
    found = standing(journal.page, ANNA)
    assert (found.total, found.weight, found.mean) == (33 * 14 + 400, 232, 372)
    assert found.deviates("3", 50)
    assert not found.deviates("4", 50)


def test_g8_a_retake_replaces_or_joins_in_the_mean() -> None:
    for retake, mean in (("replaces", 500), ("joins", 350)):
        journal = ready("2", retake=retake)
        (first,) = journal.page.cell(f"lesson-{STARTS}", ANNA).grades
        again = c.Mark("5", "written", None, DEADLINE, first.id)
        journal.do(c.SetGrades(f"lesson-{STARTS}", ANNA, (c.Mark("2", "written", first.id), again)))
        assert standing(journal.page, ANNA).mean == mean


@pytest.mark.clause("R 4.4.1")
def test_g1_finals_belong_to_the_responsible_teacher() -> None:
    journal = ready("5", "5", "5")
    for actor, role in ((SECOND, "teacher"), (DEPUTY, "deputy_director"), ("stranger", "teacher")):
        with pytest.raises(p.NotResponsible):
            journal.by(actor, role).do(c.SetFinal(ANNA, "5"))


@pytest.mark.clause("R 4.4.1")
def test_g2_a_final_freezes_the_students_grades_and_nothing_else() -> None:
    journal = ready("5", "5", "5")
    lesson = journal.lesson(DEADLINE)
    journal.grade(lesson, ANNA, "5")
    (held,) = journal.page.cell(lesson, ANNA).grades
    journal.do(c.SetFinal(ANNA, "5"))
    for marks in ((), (c.Mark("4", "written", held.id),), (c.Mark("5", "written", held.id), c.Mark("5", "oral"))):
        with pytest.raises(p.FinalStands):
            journal.do(c.SetGrades(lesson, ANNA, marks, BECAUSE))
    journal.grade(lesson, BORIS, "5")
    journal.do(c.MarkAttendance(lesson, (e.Absence(student=ANNA, late=5),)))
    journal.do(c.AmendLesson(lesson, topic="Other"))
    journal.do(c.AssignHomework(lesson, "Read"))


@pytest.mark.clause("R 4.4.1")
def test_g2_a_final_is_withdrawn_with_a_reason_until_the_deadline() -> None:
    journal = ready("5", "5", "5").on(DEADLINE - timedelta(days=1))
    journal.do(c.SetFinal(ANNA, "5"))
    with pytest.raises(p.ReasonNeeded):
        journal.do(c.SetFinal(ANNA, "4"))
    withdrawn, final = journal.do(c.SetFinal(ANNA, "4", BECAUSE))
    assert (withdrawn.old, final.value) == ("5", "4")
    journal.do(c.WithdrawFinal(ANNA, BECAUSE))
    with pytest.raises(p.NoFinal):
        journal.do(c.WithdrawFinal(ANNA, BECAUSE))
    journal.do(c.SetFinal(ANNA, "5", expected=None))
    with pytest.raises(PreconditionFailed):
        journal.do(c.SetFinal(ANNA, "4", BECAUSE, expected=None))
    with pytest.raises(p.FinalTooLate):
        journal.on(DEADLINE + timedelta(days=1)).do(c.WithdrawFinal(ANNA, BECAUSE))


def test_g9_a_final_is_undone_and_an_undone_withdrawal_brings_it_back() -> None:
    journal = ready("5", "5", "5")
    journal.do(c.SetFinal(ANNA, "5"))
    (withdrawn,) = journal.do(c.Undo())
    assert withdrawn.reason.code == "undo"
    journal.do(c.SetFinal(ANNA, "5"))
    journal.do(c.WithdrawFinal(ANNA, BECAUSE))
    journal.do(c.Undo())
    final = journal.page.final(ANNA)
    assert final is not None
    assert final.value == "5"


def test_finals_in_bulk_take_the_proposals_all_or_nothing() -> None:
    journal = ready("5", "5", "4")
    journal.graded("3", "4", "3", student=BORIS)
    journal.on(DEADLINE)
    assert (propose(journal.page, ANNA).value, propose(journal.page, VERA).why) == ("5", "too-few-grades")
    with pytest.raises(p.BulkRefused) as refused:
        journal.do(c.SetFinals((c.SetFinal(VERA, "5"),), accept=True))
    assert [named for named, _ in refused.value.items] == [{"student": VERA}]
    journal.do(c.SetFinals((c.SetFinal(VERA, "na"),), accept=True))
    assert [journal.page.finals[s].value for s in STUDENTS] == ["5", "3", "na"]
    assert journal.do(c.SetFinals(accept=True)) == []


@pytest.mark.clause("R 4.4.1")
def test_g2_a_page_closes_when_all_is_done_or_by_force_and_then_nothing_more() -> None:
    journal = ready("5", "5", "5")
    lesson = journal.lesson(DEADLINE)
    journal.do(c.SetFinal(ANNA, "5"))
    with pytest.raises(p.DeputyOnly):
        journal.do(c.ClosePage())
    journal.by(DEPUTY, "deputy_director")
    with pytest.raises(p.PageUnfinished) as refused:
        journal.do(c.ClosePage())
    assert refused.value.extra["without_final"] == [BORIS, VERA]
    with pytest.raises(p.ReasonNeeded):
        journal.do(c.ClosePage(force=True))
    (closed,) = journal.do(c.ClosePage(force=True, reason=BECAUSE))
    assert closed.forced
    assert journal.do(c.ClosePage()) == []
    for command in (c.Unlock(lesson, ENDS, BECAUSE), c.AllowFinal(ANNA, BECAUSE, fewer_grades=True)):
        with pytest.raises(p.PageClosed):
            journal.do(command)
    journal.by(TEACHER)
    for change in (
        c.SetGrades(lesson, BORIS, (c.Mark("5", "oral"),)),
        c.MarkAttendance(lesson, ()),
        c.AmendLesson(lesson, topic="Other"),
        c.AssignHomework(lesson, "Read"),
        c.HoldLesson("next", "assignment-1", DEADLINE, 2, 2, "lecture", "Topic"),
        c.SetFinal(BORIS, "na"),
        c.WithdrawFinal(ANNA, BECAUSE),
        c.SignPage(),
    ):
        with pytest.raises(p.PageClosed):
            journal.do(change)


def test_g2_a_finished_page_closes_without_force_and_leavers_do_not_hold_it() -> None:
    journal = ready("5", "5", "5")
    journal.do(c.SetFinals((c.SetFinal(BORIS, "na"),), accept=True))
    journal.record([e.StudentLeft(student=VERA, on=ENDS)], "system:keeper", "keeper")
    (closed,) = journal.by(DEPUTY, "deputy_director").do(c.ClosePage())
    assert not closed.forced


def test_a_page_opened_after_the_close_is_born_closed() -> None:
    opened = e.PageOpened.model_validate({**facts()[0].model_dump(), "closed": True})
    journal = Journal(opened=[opened, *facts()[1:]])
    with pytest.raises(p.PageClosed):
        journal.lesson(STARTS)


def test_the_signature_names_the_revision_it_stands_on() -> None:
    journal = ready("5")
    (signed,) = journal.do(c.SignPage())
    assert signed.revision == journal.events[-2].revision
    with pytest.raises(p.NotResponsible):
        journal.by(SECOND).do(c.SignPage())


def test_a_year_page_has_no_lessons_and_rests_on_the_finals_that_it_took() -> None:
    opened = e.PageOpened.model_validate({**facts()[0].model_dump(), "kind": "year"})
    finals = tuple(e.TakenFinal(student=ANNA, page=f"p{n}", event=f"e{n}", value=v) for n, v in enumerate("45"))
    journal = Journal(e.FinalsTaken(finals=finals), opened=[opened, *facts()[1:]]).on(DEADLINE)
    with pytest.raises(p.OnlyFinalsHere):
        journal.lesson(DEADLINE)
    (final,) = journal.do(c.SetFinal(ANNA, "5"))
    assert (final.basis.grades, final.basis.mean) == (("e0", "e1"), 450)
    with pytest.raises(p.TooFewGrades):
        journal.do(c.SetFinal(BORIS, "5"))
