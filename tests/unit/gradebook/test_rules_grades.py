"""G2, G8, G9, G10 on cells and attendance: what may stand in a cell, and how it is corrected."""

from datetime import date, timedelta

import pytest

from contracts.events import gradebook as e
from services.gradebook import commands as c
from services.gradebook import problems as p
from services.kit.problems import PreconditionFailed
from tests.common.gradebook import ANNA, BECAUSE, BORIS, LABS, MAIN, SECOND, STARTS, VERA, Journal

MONDAY = date(2025, 9, 8)
LATER = MONDAY + timedelta(days=10)


@pytest.fixture
def journal() -> Journal:
    journal = Journal().on(MONDAY)
    journal.lesson(MONDAY, "l")
    return journal


def test_several_marks_stand_in_one_cell(journal: Journal) -> None:
    events = journal.grade("l", ANNA, "4", "5")
    assert [type(event) for event in events] == [e.GradeRecorded] * 2
    assert [g.value for g in journal.page.cell("l", ANNA).grades] == ["4", "5"]


def test_a_cell_is_written_as_the_difference_to_what_stands(journal: Journal) -> None:
    journal.grade("l", ANNA, "4", "5")
    first, second = journal.page.cell("l", ANNA).grades
    wanted = (c.Mark("3", "written", first.id), c.Mark("2", "oral"))
    annulled, changed, recorded = journal.do(c.SetGrades("l", ANNA, wanted, BECAUSE))
    assert (annulled.grade, annulled.corrects) == (second.id, second.event)
    assert (changed.grade, changed.old, changed.value, changed.corrects) == (first.id, "4", "3", first.event)
    assert (recorded.value, recorded.work) == ("2", "oral")
    stands = tuple(c.Mark(g.value, g.work, g.id) for g in journal.page.cell("l", ANNA).grades)
    assert journal.do(c.SetGrades("l", ANNA, stands)) == []


@pytest.mark.parametrize("marks", [(c.Mark("5", "oral", "no-such-grade"),)])
def test_an_unknown_grade_is_named(journal: Journal, marks: tuple[c.Mark, ...]) -> None:
    with pytest.raises(p.GradeUnknown):
        journal.do(c.SetGrades("l", ANNA, marks))


def test_a_grade_named_twice_is_refused(journal: Journal) -> None:
    journal.grade("l", ANNA, "4")
    (held,) = journal.page.cell("l", ANNA).grades
    with pytest.raises(p.GradeUnknown):
        journal.do(c.SetGrades("l", ANNA, (c.Mark("4", "written", held.id), c.Mark("5", "written", held.id)), BECAUSE))


def test_tags_guard_a_cell(journal: Journal) -> None:
    journal.do(c.SetGrades("l", ANNA, (c.Mark("5", "oral"),), expected=None))
    with pytest.raises(PreconditionFailed) as refused:
        journal.do(c.SetGrades("l", ANNA, (c.Mark("4", "oral"),), expected=None))
    assert refused.value.extra["current"]["grades"][0]["value"] == "5"
    tag = journal.page.cell("l", ANNA).etag
    journal.do(c.SetGrades("l", ANNA, (), BECAUSE, expected=tag))
    with pytest.raises(PreconditionFailed):
        journal.do(c.SetGrades("l", ANNA, (c.Mark("4", "oral"),), expected=tag))
    journal.do(c.SetGrades("l", ANNA, (c.Mark("4", "oral"),), expected=None))


def test_g9_a_correction_needs_a_reason_a_dot_does_not(journal: Journal) -> None:
    journal.grade("l", ANNA, "4")
    (held,) = journal.page.cell("l", ANNA).grades
    for wanted in ((), (c.Mark("5", "written", held.id),)):
        with pytest.raises(p.ReasonNeeded):
            journal.do(c.SetGrades("l", ANNA, wanted))
    journal.grade("l", BORIS, ".")
    (dot,) = journal.page.cell("l", BORIS).grades
    journal.on(MONDAY + timedelta(days=30))
    (changed,) = journal.do(c.SetGrades("l", BORIS, (c.Mark("4", "written", dot.id),)))
    assert (changed.reason.code, changed.late_by_days) == ("makeup", 0)


@pytest.mark.clause("R 8.5")
def test_g8_only_who_is_enrolled_that_day_and_in_the_subgroup() -> None:
    journal = Journal(
        e.StudentLeft(student=ANNA, on=MONDAY),
        e.StudentJoined(student="late", on=MONDAY + timedelta(days=1)),
        e.SubgroupsSet(subgroups={"1": (BORIS,), "2": (VERA,)}),
        e.TeacherAssigned(assignment=LABS, teacher=SECOND, subgroup="1", responsible=False, starts_on=STARTS),
    ).on(MONDAY)
    lesson = journal.lesson(MONDAY)
    for student in (ANNA, "late", "nobody"):
        with pytest.raises(p.NotEnrolled):
            journal.grade(lesson, student, "5")
        with pytest.raises(p.NotEnrolled):
            journal.do(c.MarkAttendance(lesson, (e.Absence(student=student, hours=2),)))
    lab = journal.by(SECOND).lesson(MONDAY, "lab", LABS, "laboratory")
    journal.grade(lab, BORIS, "5")
    with pytest.raises(p.NotEnrolled):
        journal.grade(lab, VERA, "5")
    with pytest.raises(p.NotEnrolled):
        journal.do(c.MarkAttendance(lab, (e.Absence(student=VERA, hours=2),)))


@pytest.mark.clause("R 8.4")
def test_g8_beside_an_absence_only_a_make_up_with_its_day(journal: Journal) -> None:
    journal.do(c.MarkAttendance("l", (e.Absence(student=ANNA, hours=2), e.Absence(student=BORIS, hours=1, late=20))))
    with pytest.raises(p.AbsentThen):
        journal.grade("l", ANNA, "5")
    journal.grade("l", BORIS, "5")
    journal.on(LATER)
    for day in (MONDAY - timedelta(days=1), LATER + timedelta(days=1)):
        with pytest.raises(p.NotMakeup):
            journal.grade("l", ANNA, "5", makeup_on=day)
    (recorded,) = journal.grade("l", ANNA, "5", makeup_on=LATER)
    assert recorded.late_by_days == 0
    with pytest.raises(p.NotMakeup):
        journal.grade("l", VERA, "5", makeup_on=LATER)


def test_g8_a_make_up_is_graded_if_enrolled_on_its_day() -> None:
    journal = Journal(e.StudentJoined(student="late", on=LATER)).on(MONDAY)
    lesson = journal.lesson(MONDAY)
    journal.on(LATER).grade(lesson, "late", "4", makeup_on=LATER)
    with pytest.raises(p.NotEnrolled):
        journal.grade(lesson, "late2", "4", makeup_on=LATER)


def test_g8_a_dot_may_stand_beside_an_absence_and_gives_way_to_a_make_up(journal: Journal) -> None:
    journal.do(c.MarkAttendance("l", (e.Absence(student=ANNA, hours=2),)))
    journal.grade("l", ANNA, ".")
    (dot,) = journal.page.cell("l", ANNA).grades
    journal.on(LATER)
    with pytest.raises(p.AbsentThen):
        journal.do(c.SetGrades("l", ANNA, (c.Mark("4", "written", dot.id),)))
    annulled, recorded = journal.do(c.SetGrades("l", ANNA, (c.Mark("4", "written", dot.id, LATER),)))
    assert (annulled.reason.code, recorded.makeup_on) == ("makeup", LATER)


def test_g8_an_absence_does_not_stand_beside_a_grade(journal: Journal) -> None:
    journal.grade("l", ANNA, "5")
    with pytest.raises(p.BesideGrade):
        journal.do(c.MarkAttendance("l", (e.Absence(student=ANNA, hours=2),)))
    journal.do(c.MarkAttendance("l", (e.Absence(student=ANNA, hours=1),)))


def test_g8_a_retake_names_a_mark_of_its_cell_and_its_day(journal: Journal) -> None:
    journal.grade("l", ANNA, "2")
    (first,) = journal.page.cell("l", ANNA).grades
    journal.on(LATER)
    both = (c.Mark("2", "written", first.id), c.Mark("4", "written", None, LATER, first.id))
    (recorded,) = journal.do(c.SetGrades("l", ANNA, both))
    assert (recorded.retake_of, recorded.late_by_days) == (first.id, 0)
    with pytest.raises(p.GradeUnknown):
        journal.grade("l", BORIS, "4", retake_of=first.id)


def test_attendance_is_one_event_and_fits_the_lesson(journal: Journal) -> None:
    (marked,) = journal.do(c.MarkAttendance("l", (e.Absence(student=ANNA, late=15),)))
    assert marked.corrects is None
    assert journal.do(c.MarkAttendance("l", (e.Absence(student=ANNA, late=15),))) == []
    (again,) = journal.do(c.MarkAttendance("l", ()))
    assert again.corrects == journal.events[-2].id
    for marks in (
        (e.Absence(student=ANNA, hours=3),),
        (e.Absence(student=ANNA, late=60, left_early=40),),
        (e.Absence(student=ANNA, hours=1), e.Absence(student=ANNA, hours=2)),
    ):
        with pytest.raises(p.HoursWrong):
            journal.do(c.MarkAttendance("l", marks))
    with pytest.raises(PreconditionFailed):
        journal.do(c.MarkAttendance("l", (), expected=None))


def test_hours_of_a_lesson_do_not_shrink_below_what_was_missed(journal: Journal) -> None:
    journal.do(c.MarkAttendance("l", (e.Absence(student=ANNA, hours=2),)))
    with pytest.raises(p.HoursWrong):
        journal.do(c.AmendLesson("l", hours=1))


def test_g10_carried_grades_are_read_only(journal: Journal) -> None:
    carried = e.CarriedGrade(grade="old", date=STARTS, value="4", work="written", weight=100)
    facts = [e.GradesCarriedOver(student=ANNA, source_page="other", source_position=7, grades=(carried,))]
    journal.record(facts, "system:keeper", "keeper")
    with pytest.raises(p.GradeCarried):
        journal.do(c.SetGrades("l", ANNA, (c.Mark("5", "written", "old"),), BECAUSE))


def test_bulk_is_all_or_nothing_and_lists_every_refusal(journal: Journal) -> None:
    journal.grade("l", VERA, "3")
    cells = (
        c.SetGrades("l", ANNA, (c.Mark("5", "oral"),), expected=None),
        c.SetGrades("l", "nobody", (c.Mark("5", "oral"),), expected=None),
        c.SetGrades("l", VERA, (c.Mark("5", "oral"),), expected=None),
    )
    with pytest.raises(p.BulkRefused) as refused:
        journal.do(c.SetGradesBulk(cells))
    items = refused.value.document("en")["items"]
    assert [(i["student"], i["problem"]["code"]) for i in items] == [
        ("nobody", "not-enrolled"),
        (VERA, "precondition-failed"),
    ]
    assert journal.page.cell("l", ANNA).grades == ()
    assert len(journal.do(c.SetGradesBulk(cells[:1]))) == 1


class TestUndo:
    def test_g9_a_new_mark_is_annulled(self, journal: Journal) -> None:
        journal.grade("l", ANNA, "5")
        (annulled,) = journal.later(minutes=10).do(c.Undo())
        assert (annulled.reason.code, journal.page.cell("l", ANNA).grades) == ("undo", ())

    def test_g9_everything_of_the_command_goes_back(self, journal: Journal) -> None:
        journal.grade("l", ANNA, "4", "5")
        before = journal.page.cell("l", ANNA).grades
        first, _ = before
        journal.do(c.SetGrades("l", ANNA, (c.Mark("3", "oral", first.id), c.Mark("2", "oral")), BECAUSE))
        journal.do(c.Undo())
        after = {(g.id, g.value, g.work) for g in journal.page.cell("l", ANNA).grades}
        assert after == {(g.id, g.value, g.work) for g in before}

    def test_g9_undo_of_undo_brings_it_back(self, journal: Journal) -> None:
        journal.grade("l", ANNA, "5")
        journal.do(c.Undo())
        journal.do(c.Undo())
        assert [g.value for g in journal.page.cell("l", ANNA).grades] == ["5"]

    def test_g9_attendance_lesson_and_homework_go_back(self, journal: Journal) -> None:
        journal.do(c.MarkAttendance("l", (e.Absence(student=ANNA, hours=2),)))
        (back,) = journal.do(c.Undo())
        assert back.taken_back
        assert journal.page.attendance["l"].marks is None
        journal.do(c.MarkAttendance("l", (e.Absence(student=ANNA, hours=2),), expected=None))
        journal.do(c.MarkAttendance("l", (e.Absence(student=BORIS, hours=2),)))
        journal.do(c.Undo())
        assert set(journal.page.attendance["l"].marks or ()) == {ANNA}
        journal.do(c.AmendLesson("l", topic="Other"))
        journal.do(c.Undo())
        assert journal.page.lessons["l"].topic == "Topic"
        journal.do(c.AssignHomework("l", "Read"))
        journal.do(c.Undo())
        assert journal.page.lessons["l"].homework == ""

    def test_g9_only_ten_minutes(self, journal: Journal) -> None:
        journal.grade("l", ANNA, "5")
        with pytest.raises(p.NothingToUndo):
            journal.later(minutes=10, seconds=1).do(c.Undo())

    def test_g9_only_ones_own_action(self, journal: Journal) -> None:
        journal.record(
            [e.TeacherAssigned(assignment=MAIN, teacher=SECOND, starts_on=STARTS)], "system:keeper", "keeper"
        )
        journal.grade("l", ANNA, "5")
        with pytest.raises(p.NothingToUndo):
            journal.by(SECOND).do(c.Undo())
        (held,) = journal.page.cell("l", ANNA).grades
        journal.do(c.SetGrades("l", ANNA, (c.Mark("4", "written", held.id),), BECAUSE))
        with pytest.raises(p.UndoOvertaken):
            journal.by("teacher-1").do(c.Undo())

    def test_g9_the_reason_undo_belongs_to_an_undo(self, journal: Journal) -> None:
        journal.grade("l", ANNA, "5")
        journal.grade("l", BORIS, "5")
        (held,) = journal.page.cell("l", ANNA).grades
        with pytest.raises(p.NothingToUndo):
            journal.do(c.SetGrades("l", ANNA, (c.Mark("4", "written", held.id),), e.Reason(code="undo")))
