"""Given planned lessons, when one of them or the load is changed, then S1 holds and the reason is kept."""

from datetime import date

import pytest

from contracts.events.schedule import LessonSubstituted, TeachingReassigned
from services.kit.problems import NotFound
from services.schedule import lessons as single
from services.schedule import load
from services.schedule.problems import (
    Clash,
    LessonCalledOff,
    LessonOver,
    NotLater,
    OutsideAssignment,
    OutsidePeriod,
    ReferenceUnknown,
    ResponsibleTaken,
)
from services.schedule.year import Year
from tests.common.schedule import DAY, ENDS, MONDAY, STARTS, assignment, on, period, published, slot, then, year

NEXT = MONDAY + 7 * DAY


@pytest.fixture
def state() -> Year:
    """Maths on Mondays at 1, physics of another group by another teacher then too, in rooms 101 and 102."""
    both = year(assignment(), assignment("physics", group="b", teacher="other"))
    return published(published(both, slot(room="101")), slot(assignment="physics", room="102"), group="b")


def _lesson(state: Year, day: date = NEXT, name: str = "maths") -> str:
    (found,) = (i for i in state.occupied[day, 1] if state.lessons[i].assignment == name)
    return found


# -- moved ---------------------------------------------------------------------------------------------------------


def test_moved_with_its_reason(state: Year) -> None:
    (event,) = single.move(state, single.Move(_lesson(state), NEXT + DAY, 3, None, "event"), period(), MONDAY)
    moved = on(then(state, [event]), NEXT + DAY, 3)

    assert (moved.room, moved.origin, event.reason) == ("101", NEXT, "event")  # type: ignore[attr-defined]


def test_moved_to_where_it_is_changes_nothing(state: Year) -> None:
    assert single.move(state, single.Move(_lesson(state), NEXT, 1, "101", "room"), period(), MONDAY) == []


def test_s1_moved_into_an_occupied_room_is_refused(state: Year) -> None:
    with pytest.raises(Clash):
        single.move(state, single.Move(_lesson(state), NEXT, 1, "102", "room"), period(), MONDAY)


@pytest.mark.parametrize(
    ("day", "to", "refusal"),
    [
        (MONDAY, NEXT + DAY, LessonOver),
        (NEXT, MONDAY, LessonOver),
        (NEXT, ENDS + DAY, OutsidePeriod),
    ],
)
def test_move_refused(state: Year, day: date, to: date, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        single.move(state, single.Move(_lesson(state, day), to, 2, None, "event"), period(), MONDAY + DAY)


def test_moved_beyond_its_assignment_is_refused() -> None:
    state = published(year(assignment(ends_on=NEXT)), slot())
    with pytest.raises(OutsideAssignment):
        single.move(state, single.Move(_lesson(state), NEXT + DAY, 1, None, "event"), period(), MONDAY)


def test_moved_across_a_reassignment_it_has_the_new_teacher(state: Year) -> None:
    state = then(state, load.reassign(state, load.Reassign("maths", "third", NEXT + DAY, "leave")))
    lesson = _lesson(state)
    assert state.holder(state.lessons[lesson]) == "teacher"

    state = then(state, single.move(state, single.Move(lesson, NEXT + DAY, 2, None, "event"), period(), MONDAY))
    assert state.holder(state.lessons[lesson]) == "third"


# -- cancelled -----------------------------------------------------------------------------------------------------


def test_cancelled_once(state: Year) -> None:
    lesson = _lesson(state)
    state = then(state, single.cancel(state, single.Cancel(lesson, "illness"), MONDAY))

    assert state.lessons[lesson].cancelled
    assert single.cancel(state, single.Cancel(lesson, "illness"), MONDAY) == []
    with pytest.raises(LessonCalledOff):
        single.move(state, single.Move(lesson, NEXT + DAY, 1, None, "event"), period(), MONDAY)
    with pytest.raises(LessonCalledOff):
        single.substitute(state, single.Substitute(lesson, "third", "illness"))


def test_a_past_lesson_is_not_cancelled(state: Year) -> None:
    with pytest.raises(LessonOver):
        single.cancel(state, single.Cancel(_lesson(state, MONDAY), "illness"), MONDAY + DAY)


# -- substituted ---------------------------------------------------------------------------------------------------


def test_substituted_and_taken_back(state: Year) -> None:
    lesson = _lesson(state)
    (event,) = single.substitute(state, single.Substitute(lesson, "third", "illness"))
    assert isinstance(event, LessonSubstituted)
    assert (event.teacher, event.instead_of, event.date) == ("third", "teacher", NEXT)

    state = then(state, [event])
    assert state.holder(state.lessons[lesson]) == "third"
    assert single.substitute(state, single.Substitute(lesson, "third", "illness")) == []

    state = then(state, single.substitute(state, single.Substitute(lesson, "teacher", "illness")))
    assert state.holder(state.lessons[lesson]) == "teacher"
    assert state.lessons[lesson].substitute == ""


def test_s1_a_substitute_who_teaches_elsewhere_then_is_refused(state: Year) -> None:
    with pytest.raises(Clash):
        single.substitute(state, single.Substitute(_lesson(state), "other", "illness"))


def test_s1_who_is_substituted_is_free(state: Year) -> None:
    state = then(state, single.substitute(state, single.Substitute(_lesson(state), "third", "illness")))

    assert single.substitute(state, single.Substitute(_lesson(state, NEXT, "physics"), "teacher", "illness"))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: single.move(s, single.Move("none", NEXT, 1, None, "event"), period(), MONDAY),
        lambda s: single.cancel(s, single.Cancel("none", "illness"), MONDAY),
        lambda s: single.substitute(s, single.Substitute("none", "third", "illness")),
        lambda s: load.reassign(s, load.Reassign("none", "third", NEXT, "leave")),
    ],
)
def test_what_is_not_there(state: Year, change: object) -> None:
    with pytest.raises(NotFound):
        change(state)  # type: ignore[operator]


# -- load ----------------------------------------------------------------------------------------------------------


def test_reassigned_lessons_follow_from_the_day_on(state: Year) -> None:
    (event,) = load.reassign(state, load.Reassign("maths", "third", NEXT, "leave"))
    assert isinstance(event, TeachingReassigned)
    assert (event.previous, event.teacher) == ("teacher", "third")

    state = then(state, [event])
    assert state.holder(state.lessons[_lesson(state, MONDAY)]) == "teacher"
    assert state.holder(state.lessons[_lesson(state)]) == "third"
    assert load.reassign(state, load.Reassign("maths", "third", NEXT, "leave")) == []


def test_s1_reassigned_to_one_who_teaches_elsewhere_then_is_refused(state: Year) -> None:
    with pytest.raises(Clash):
        load.reassign(state, load.Reassign("maths", "other", NEXT, "leave"))


def test_s1_a_later_plan_is_judged_with_the_new_teacher(state: Year) -> None:
    state = then(state, load.reassign(state, load.Reassign("maths", "third", NEXT, "leave")))
    state = then(state, [assignment("chemistry", group="c", teacher="third")])
    with pytest.raises(Clash):
        published(state, slot(assignment="chemistry"), group="c")


def test_reassigned_only_forward(state: Year) -> None:
    state = then(state, load.reassign(state, load.Reassign("maths", "third", NEXT, "leave")))
    with pytest.raises(NotLater):
        load.reassign(state, load.Reassign("maths", "fourth", NEXT, "leave"))
    with pytest.raises(OutsideAssignment):
        load.reassign(state, load.Reassign("physics", "fourth", STARTS - DAY, "leave"))


def test_an_assignment_lies_in_a_period_of_its_group() -> None:
    known = {"semester": period()}
    with pytest.raises(ReferenceUnknown):
        load.assign(year(), [assignment(period="none")], known)
    with pytest.raises(ReferenceUnknown):
        load.assign(year(), [assignment(group="b")], known)
    with pytest.raises(OutsidePeriod):
        load.assign(year(), [assignment(ends_on=ENDS + DAY)], known)


def test_one_responsible_teacher_at_a_time() -> None:
    known = {"semester": period()}
    first, second = assignment(ends_on=NEXT), assignment("labs", discipline="maths", teacher="other")
    with pytest.raises(ResponsibleTaken):
        load.assign(year(first), [second], known)

    assert load.assign(year(first), [second.model_copy(update={"responsible": False})], known)
    assert load.assign(year(first), [second.model_copy(update={"starts_on": NEXT + DAY})], known)


def test_assigned_again_as_it_is_changes_nothing() -> None:
    assert load.assign(year(assignment()), [assignment()], {"semester": period()}) == []


def test_assigned_again_reassignments_stay(state: Year) -> None:
    state = then(state, load.reassign(state, load.Reassign("maths", "third", NEXT, "leave")))
    state = then(state, load.assign(state, [assignment(hours=40)], {"semester": period()}))

    assert state.assignments["maths"].teacher_on(NEXT) == "third"


def test_who_teaches_a_page(state: Year) -> None:
    assert load.teaches(state, "teacher", "group", "maths", "semester", MONDAY)
    assert load.teaches(state, "teacher", "group", "maths", "semester", STARTS - 30 * DAY)
    assert not load.teaches(state, "other", "group", "maths", "semester", MONDAY)
    state = then(state, load.reassign(state, load.Reassign("maths", "third", NEXT, "leave")))
    assert not load.teaches(state, "teacher", "group", "maths", "semester", NEXT)


def test_a_refusal_names_things_in_the_language_it_is_said_in() -> None:
    unknown = ReferenceUnknown(what="room", id="r1")
    assert unknown.document("ru")["detail"] == "Не найдено: кабинет r1."
    assert unknown.document("en")["detail"] == "Not found: room r1."
