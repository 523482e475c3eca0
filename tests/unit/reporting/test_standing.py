"""How a student stands on a page: days, subgroups, retakes, classes of absence."""

from datetime import date

from services.reporting.standing import Hours, Mark, Move, Rules, Subgroups, class_on, enrolled, marks, moves_of


def G(grade: str, value: str, work: str, retake_of: str | None = None) -> Mark:  # noqa: N802
    return Mark(grade, value, work, retake_of)


RULES = Rules({"test": 200, "independent": 0}, replaces=True)


def day(n: int) -> date:
    return date(2025, 9, n)


def test_a_move_holds_from_its_day_to_the_next() -> None:
    moves = [Move(day(2), True, None), Move(day(10), False, None), Move(day(20), True, day(25))]
    assert [enrolled(moves, day(n)) for n in (1, 2, 9, 10, 19, 20, 25, 26)] == [
        False, True, True, False, False, True, True, False,
    ]  # fmt: skip


def test_moves_come_as_json_rows() -> None:
    assert moves_of('[["2025-09-02", true, null], ["2025-09-10", true, "2025-09-25"]]') == [
        Move(day(2), True, None),
        Move(day(10), True, day(25)),
    ]
    assert moves_of(None) == []


def test_a_retake_replaces_or_joins_by_the_pages_setting() -> None:
    grades = [G("a", "2", "oral"), G("b", "4", "oral", "a")]
    replaced = marks(RULES, grades, (), ())
    assert (replaced.mean, replaced.counted, replaced.replaced) == (400, 1, frozenset({"a"}))
    joined = marks(RULES._replace(replaces=False), grades, (), ())
    assert (joined.mean, joined.counted, joined.replaced) == (300, 2, frozenset())


def test_carried_grades_keep_their_weight_and_taken_finals_weigh_one() -> None:
    found = marks(RULES, [G("a", "5", "test")], [{"value": "3", "weight": 100}], ["4"])
    assert found.mean == 425  # (10 + 3 + 4)/4
    assert found.counted == 3


def test_weight_zero_and_dots_do_not_count() -> None:
    found = marks(RULES, [G("a", "5", "oral"), G("b", "2", "independent"), G("c", ".", "oral")], (), ())
    assert (found.mean, found.counted) == (500, 1)


def test_a_subgroups_lessons_are_its_own() -> None:
    split = Subgroups({"a0": "", "a1": "1", "a3": "3"}, {"1": ["s1"], "2": ["s2"]})
    assert split.has("s2", "a0")
    assert split.has("s1", "a1")
    assert not split.has("s2", "a1")
    assert split.has("s2", "a3"), "as long as the split is not agreed, everybody takes part"


def test_the_latest_classification_that_covers_the_day_counts() -> None:
    classes = [(day(1), day(30), "unexcused"), (day(3), day(5), "ill")]
    assert [class_on(classes, day(n)) for n in (2, 3, 5, 6)] == ["unexcused", "ill", "ill", "unexcused"]
    assert class_on(classes, date(2025, 10, 1)) is None


def test_hours_are_counted_by_class() -> None:
    hours = Hours()
    hours.add(2, None, None)
    hours.add(2, [2, 0, 0], "ill")
    hours.add(2, [1, 0, 15], None)
    hours.add(2, [0, 10, 0], None)
    total = Hours()
    total.include(hours)
    total.include(hours)
    assert total.shown() == {
        "held": 16, "missed": 6, "ill": 4, "excused": 0, "unexcused": 0, "unclassified": 2,
        "late": 2, "late_minutes": 20, "left_early": 2,
    }  # fmt: skip
