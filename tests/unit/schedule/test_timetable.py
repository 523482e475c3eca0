"""Given a load, when a weekly timetable is published, then its dated lessons follow."""

from datetime import date

import pytest

from contracts.events.schedule import LessonCancelled, LessonPlanned, TeachingAssigned, TimetablePublished
from services.schedule import lessons as single
from services.schedule.problems import Clash, KindNotAssigned, NothingLeft, OutsidePeriod, ReferenceUnknown
from services.schedule.timetable import Publish, hours, publish, study_days, timetable_id
from tests.common.schedule import (
    DAY,
    ENDS,
    MONDAY,
    STARTS,
    assignment,
    lessons_of,
    on,
    period,
    published,
    slot,
    then,
    year,
)

WEEK = 7 * DAY
TIMETABLE = timetable_id("group", "semester")


def test_a_line_becomes_a_lesson_of_every_week_of_the_period() -> None:
    planned = lessons_of(publish(year(assignment()), Publish("group", period(), (slot(),)), STARTS))

    assert [lesson.date for lesson in planned[:2]] == [date(2025, 9, 1), date(2025, 9, 8)]
    assert planned[-1].date == date(2025, 12, 22)
    assert len(planned) == 17
    assert {(lesson.teacher, lesson.hours, lesson.discipline) for lesson in planned} == {("teacher", 2, "maths")}


def test_odd_and_even_weeks_are_those_of_iso() -> None:
    state = year(assignment())
    odd = lessons_of(publish(state, Publish("group", period(), (slot(parity="odd"),)), STARTS))
    even = lessons_of(publish(state, Publish("group", period(), (slot(parity="even"),)), STARTS))

    assert {lesson.date.isocalendar().week % 2 for lesson in odd} == {1}
    assert {lesson.date.isocalendar().week % 2 for lesson in even} == {0}
    assert len(odd) + len(even) == 17


def test_no_lessons_on_holidays_and_weekends() -> None:
    off = period(holidays=(date(2025, 9, 8),), weekend=(6, 7))
    days = list(study_days(off, STARTS, STARTS + 2 * WEEK))

    assert date(2025, 9, 8) not in days
    assert not {day.isoweekday() for day in days} & {6, 7}


def test_no_lessons_before_and_after_the_assignment() -> None:
    state = year(assignment(starts_on=date(2025, 9, 9), ends_on=date(2025, 9, 22)))
    planned = lessons_of(publish(state, Publish("group", period(), (slot(),)), STARTS))

    assert [lesson.date for lesson in planned] == [date(2025, 9, 15), date(2025, 9, 22)]


def test_a_lesson_belongs_to_whoever_has_the_assignment_on_its_day() -> None:
    state = year(assignment())
    state = then(state, [_reassigned(state, date(2025, 9, 8))])
    planned = lessons_of(publish(state, Publish("group", period(), (slot(),)), STARTS))

    assert [lesson.teacher for lesson in planned[:3]] == ["teacher", "other", "other"]


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        (Publish("group", period(), (slot(),), starts_on=STARTS - DAY), OutsidePeriod),
        (Publish("group", period(), (slot(),), ends_on=ENDS + DAY), OutsidePeriod),
        (Publish("group", period(), (slot(assignment="nobody's"),)), ReferenceUnknown),
        (Publish("group", period(), (slot(assignment="foreign"),)), ReferenceUnknown),
        (Publish("group", period(), (slot(assignment="lectures", kind="laboratory"),)), KindNotAssigned),
    ],
)
def test_refused(wish: Publish, refusal: type[Exception]) -> None:
    state = year(assignment(), assignment("foreign", group="other"), assignment("lectures", kinds=("lecture",)))
    with pytest.raises(refusal):
        publish(state, wish, STARTS)


# -- S1: group, teacher and room are in one place at a time --------------------------------------------------------


def test_s1_a_group_is_in_one_place() -> None:
    state = year(assignment(), assignment("physics", teacher="other"))
    with pytest.raises(Clash) as refused:
        published(state, slot(), slot(assignment="physics"))

    assert refused.value.params["count"] == 17
    assert {clash["what"] for clash in refused.value.extra["clashes"]} == {"group"}


def test_s1_two_subgroups_meet_at_one_time_but_not_with_the_whole_group() -> None:
    first = assignment("english-1", subgroup="1")
    second = assignment("english-2", subgroup="2", teacher="other", responsible=False)
    state = published(year(first, second, assignment("maths", teacher="third")), slot(assignment="english-1"))

    published(state, slot(assignment="english-1"), slot(assignment="english-2"))
    with pytest.raises(Clash):
        published(state, slot(assignment="english-1"), slot(assignment="maths"))


def test_s1_a_teacher_is_in_one_place_across_groups() -> None:
    state = published(year(assignment(), assignment("b-maths", group="b")), slot())
    with pytest.raises(Clash) as refused:
        published(state, slot(assignment="b-maths"), group="b")

    clash = refused.value.extra["clashes"][0]
    assert (clash["what"], clash["date"], clash["with"]["group"]) == ("teacher", "2025-09-01", "group")


def test_s1_a_room_is_one_place_across_groups() -> None:
    state = published(year(assignment(), assignment("b-maths", group="b", teacher="other")), slot(room="101"))

    published(state, slot(assignment="b-maths", room="102"), group="b")
    published(state, slot(assignment="b-maths"), group="b")
    with pytest.raises(Clash):
        published(state, slot(assignment="b-maths", room="101"), group="b")


def test_s1_a_joint_lesson_is_one_place() -> None:
    state = published(year(assignment(), assignment("b-maths", group="b")), slot(room="101", joint="flow"))

    published(state, slot(assignment="b-maths", room="101", joint="flow"), group="b")
    for other in (slot(assignment="b-maths", room="102", joint="flow"), slot(assignment="b-maths", room="101")):
        with pytest.raises(Clash):
            published(state, other, group="b")


def test_s1_odd_and_even_weeks_do_not_meet_but_every_week_does() -> None:
    state = year(assignment(), assignment("physics"))

    published(state, slot(parity="odd"), slot(assignment="physics", parity="even"))
    with pytest.raises(Clash):
        published(state, slot(parity="odd"), slot(assignment="physics"))


def test_s1_the_same_line_twice_clashes_with_itself() -> None:
    with pytest.raises(Clash):
        published(year(assignment()), slot(), slot(parity="even"))


def test_s1_a_cancelled_lesson_leaves_its_place() -> None:
    state = published(year(assignment(), assignment("b-maths", group="b")), slot(), ends_on=STARTS)
    state = then(state, single.cancel(state, single.Cancel(on(state, STARTS).id, "illness"), STARTS))

    published(state, slot(assignment="b-maths"), group="b", ends_on=STARTS)


# -- published again ----------------------------------------------------------------------------------------------


def test_published_again_as_it_is_changes_nothing() -> None:
    state = published(year(assignment()), slot())

    assert publish(state, Publish("group", period(), (slot(),)), date(2025, 10, 1)) == []


def test_published_again_only_future_lessons_are_replaced() -> None:
    today = date(2025, 9, 15)
    state = published(year(assignment()), slot())
    again = published(state, slot(weekday=2), today=today)

    days = sorted(lesson.date for lesson in again.lessons.values())
    assert days[:4] == [date(2025, 9, 1), date(2025, 9, 8), today, date(2025, 9, 16)]
    assert {day.isoweekday() for day in days[3:]} == {2}


def test_published_again_unchanged_lessons_keep_their_ids() -> None:
    state = published(year(assignment(), assignment("physics")), slot())
    events = publish(state, Publish("group", period(), (slot(), slot(2, 1, "physics"))), STARTS)

    assert {lesson.assignment for lesson in lessons_of(events)} == {"physics"}
    assert not [event for event in events if isinstance(event, LessonCancelled)]
    head = events[0]
    assert isinstance(head, TimetablePublished)
    assert head.starts_on == STARTS + DAY


def test_published_again_another_room_replaces_under_the_same_id() -> None:
    state = published(year(assignment()), slot(room="101"))
    before = on(state, MONDAY + WEEK)
    events = publish(state, Publish("group", period(), (slot(room="102"),)), STARTS)

    assert before.id in {lesson.lesson for lesson in lessons_of(events)}
    assert on(then(state, events), MONDAY + WEEK).room == "102"


def test_published_again_changes_by_hand_stay_while_their_line_does() -> None:
    state = published(year(assignment()), slot(room="101"))
    lesson = on(state, MONDAY + WEEK)
    state = then(
        state, single.move(state, single.Move(lesson.id, lesson.date + DAY, 3, None, "event"), period(), STARTS)
    )

    kept = published(state, slot(room="102"), today=STARTS)
    assert on(kept, MONDAY + WEEK + DAY, 3).id == lesson.id
    assert (MONDAY + WEEK, 1) not in kept.occupied

    gone = published(state, slot(weekday=3), today=STARTS)
    assert lesson.id not in gone.lessons


def test_published_again_a_part_of_the_period_leaves_the_rest() -> None:
    state = published(year(assignment()), slot())
    week = published(state, slot(weekday=2), starts_on=MONDAY + WEEK, ends_on=MONDAY + WEEK + 5 * DAY)

    days = sorted(lesson.date for lesson in week.lessons.values())
    assert days[:3] == [MONDAY, MONDAY + WEEK + DAY, MONDAY + 2 * WEEK]
    assert len(days) == 17


def test_published_again_without_a_future_is_refused() -> None:
    state = published(year(assignment()), slot())
    with pytest.raises(NothingLeft):
        publish(state, Publish("group", period(), (slot(weekday=2),)), ENDS)


def test_withdrawn_lessons_are_gone_and_come_back_under_their_ids() -> None:
    state = published(year(assignment()), slot())
    empty = then(state, publish(state, Publish("group", period(), ()), STARTS))
    assert len(empty.lessons) == 1

    again = then(empty, publish(empty, Publish("group", period(), (slot(),)), STARTS))
    assert again.lessons.keys() == state.lessons.keys()


def test_hours_are_told_against_the_load() -> None:
    state = published(year(assignment(hours=20), assignment("physics", hours=60)), slot(), slot(2, 1, "physics"))
    told = {h.assignment: (h.planned, h.timetabled, h.over) for h in hours(state, TIMETABLE)}

    assert told == {"maths": (20, 34, True), "physics": (60, 34, False)}


def test_a_fold_leaves_the_old_state_as_it_was() -> None:
    state = published(year(assignment()), slot())
    before = (dict(state.lessons), dict(state.occupied), {k: set(v) for k, v in state.of_timetable.items()})
    published(state, slot(weekday=2), today=STARTS)

    assert (state.lessons, state.occupied, state.of_timetable) == before


def test_a_fold_passes_over_what_it_does_not_know() -> None:
    stray = LessonPlanned(
        lesson="x", timetable="t", group="g", discipline="d", period="p", assignment="none", teacher="t",
        date=STARTS, pair=1, kind="lecture",
    )  # fmt: skip
    gone = LessonCancelled(lesson="y", group="g", date=STARTS, pair=1, reason="illness")

    assert year(stray, gone).lessons == {}


def _reassigned(state: object, day: date) -> TeachingAssigned:
    from services.schedule.load import Reassign, reassign

    (event,) = reassign(state, Reassign("maths", "other", day, "leave"))  # type: ignore[arg-type]
    return event  # type: ignore[return-value]
