"""Who hears of what: the rules of notices, given an event, when it is read, then these notices."""

from datetime import date
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.events import gradebook as g
from contracts.events import identity as i
from contracts.events import schedule as s
from services.notifications.rules import TEXTS, Where, notices

HERE = Where("page/m", 7)
WHY = g.Reason(code="input_error", text="t-1", digest="d")
DAY = date(2025, 9, 2)


def told(event: Event, where: Where = HERE) -> list[tuple[str, str]]:
    return [(n.audience, n.kind) for n in notices(event, where)]


def grade(**more: Any) -> g.GradeRecorded:
    return g.GradeRecorded(grade="g", lesson="l", student="s", value="2", work="oral", **more)


CHANGED = g.GradeChanged(
    grade="g", lesson="l", student="s", old="2", value="5", old_work="oral", work="oral", reason=WHY, corrects="e"
)
ANNULLED = g.GradeAnnulled(grade="g", lesson="l", student="s", old="2", old_work="oral", reason=WHY, corrects="e")
FINAL = g.FinalGradeSet(student="s", value="4", basis=g.Basis())
WITHDRAWN = g.FinalGradeWithdrawn(student="s", old="4", reason=WHY, corrects="e")
SUBSTITUTED = s.LessonSubstituted(
    lesson="l", group="gr", discipline="d", period="p", assignment="a", date=DAY, pair=2, teacher="t2",
    instead_of="t1", reason="illness",
)  # fmt: skip
MOVED = s.LessonMoved(lesson="l", group="gr", from_date=DAY, from_pair=1, date=DAY, pair=3, reason="room")
CANCELLED = s.LessonCancelled(lesson="l", group="gr", date=DAY, pair=1, reason="illness")
PUBLISHED = s.TimetablePublished(timetable="tt", group="gr", period="p", starts_on=DAY, ends_on=DAY, slots=())
WITHDRAWN_LESSON = s.LessonCancelled(lesson="l", group="gr", date=DAY, pair=1, reason="timetable")


def issued(**more: Any) -> i.ActivationCodeIssued:
    return i.ActivationCodeIssued(code="c", person="t", issued_by="a", **more)


@pytest.mark.clause("R 2.8")
@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (grade(), [("student:s", "grade")]),
        (grade(late_by_days=3), [("student:s", "grade"), ("page:m", "grade")]),
        (grade(retake_of="g0", makeup_on=DAY), [("student:s", "grade"), ("page:m", "grade")]),
        (CHANGED, [("student:s", "grade_changed"), ("page:m", "grade_changed")]),
        (ANNULLED, [("student:s", "grade_annulled"), ("page:m", "grade_annulled")]),
        (FINAL, [("student:s", "final"), ("page:m", "final")]),
        (WITHDRAWN, [("student:s", "final_withdrawn"), ("page:m", "final_withdrawn")]),
        (g.PeriodClosed(), [("page:m", "period_closed")]),
        (SUBSTITUTED, [("group:gr", "substituted"), ("person:t2", "substituted"), ("person:t1", "substituted")]),
        (MOVED, [("group:gr", "moved"), ("lesson:l", "moved")]),
        (CANCELLED, [("group:gr", "cancelled"), ("lesson:l", "cancelled")]),
        (WITHDRAWN_LESSON, []),
        (PUBLISHED, [("group:gr", "timetable"), ("teaching:gr/p", "timetable")]),
        (issued(), []),
        (issued(staff=True), []),
        (issued(reissued=True), [("person:t", "code_reissued")]),
        (issued(reissued=True, staff=True), [("person:t", "code_reissued"), ("role:deputy_director", "code_reissued")]),
        (g.HomeworkAssigned(lesson="l", text="x"), []),
        (g.PageSigned(revision=1), []),
    ],
)
def test_who_hears_of_what(event: Event, expected: list[tuple[str, str]]) -> None:
    assert told(event) == expected


@pytest.mark.clause("R 2.8")
def test_every_absent_or_late_student_hears_of_it_and_nobody_else() -> None:
    marks = (
        g.Absence(student="a", hours=2),
        g.Absence(student="b", late=10),
        g.Absence(student="c", left_early=20),
        g.Absence(student="d"),
    )
    assert told(g.AttendanceMarked(lesson="l", marks=marks)) == [
        ("student:a", "absence"),
        ("student:b", "late"),
        ("student:c", "left_early"),
    ]


def test_the_same_attendance_marked_again_takes_the_same_slot() -> None:
    event = g.AttendanceMarked(lesson="l", marks=(g.Absence(student="a", hours=2),))
    first, again = (next(notices(event, Where("page/m", n))) for n in (7, 9))
    assert (first.audience, first.slot) == (again.audience, again.slot)


def test_a_repeated_event_makes_the_same_notices() -> None:
    assert list(notices(CHANGED, HERE)) == list(notices(CHANGED, HERE))
    assert {n.slot for n in notices(CHANGED, HERE)} == {"7"}


def test_what_may_be_pushed_has_no_name_and_no_mark() -> None:
    for text in TEXTS.values():
        for spoken in text:
            assert "{" not in spoken
            assert not any(c.isdigit() for c in spoken)
        assert text.ru != text.en


def test_no_reason_text_leaves_its_table() -> None:
    for event in (CHANGED, ANNULLED, WITHDRAWN):
        for notice in notices(event, HERE):
            assert notice.data["reason"] == "input_error"
            assert "t-1" not in str(notice.data)
