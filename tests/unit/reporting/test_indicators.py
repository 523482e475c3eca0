"""The formulas of the reports against figures worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting import indicators as i
from services.reporting.indicators import Finals, count

GROUP = count(["5"] * 6 + ["4"] * 9 + ["3"] * 7 + ["2"] * 2 + ["na"] + ["exempt"])
"""25 judged: 6 fives, 9 fours, 7 threes, 2 twos, one н/а; one «осв» stands aside."""


@pytest.mark.clause("R 7.1")
@pytest.mark.parametrize(
    ("figure", "by_hand"),
    [
        (i.success(GROUP), 8800),  # 100·22/25 = 88.00
        (i.quality(GROUP), 6000),  # 100·15/25 = 60.00
        (i.learning(GROUP), 5868),  # (600 + 576 + 252 + 32 + 7)/25 = 1467/25 = 58.68
        (i.average(GROUP), 379),  # (30 + 36 + 21 + 4)/24 = 91/24 = 3.7917
        (i.attendance(1200, 87), 9275),  # 100·1113/1200 = 92.75
        (i.attendance(3, 1), 6667),  # 66.666… rounds half up
    ],
)
def test_indicators_of_a_discipline(figure: int, by_hand: int) -> None:
    assert figure == by_hand


def test_passes_count_as_passed_and_never_in_means() -> None:
    finals = count(["pass", "pass", "fail", "credited", "5"])
    assert i.success(finals) == 8000  # 100·4/5
    assert i.average(finals) == 500
    assert i.quality(finals) == 10000
    only = count(["pass", "pass", "fail"])
    assert i.success(only) == 6667
    assert (i.quality(only), i.learning(only), i.average(only)) == (None, None, None)


def test_nothing_to_divide_by_is_no_value() -> None:
    assert [f(Finals()) for f in (i.success, i.quality, i.learning, i.average)] == [None] * 4
    assert i.attendance(0, 0) is None
    assert i.weighted_mean([]) is None


def test_a_college_may_set_its_own_coefficients() -> None:
    assert i.learning(count(["3", "na"]), {**i.LEARNING, "na": 0}) == 1800  # (36 + 0)/2


@pytest.mark.parametrize(
    ("marks", "by_hand"),
    [
        ([("5", 100), ("4", 100), ("3", 100)], 400),
        ([("5", 200), ("3", 100)], 433),  # (10 + 3)/3 = 4.3333
        ([("5", 150), ("4", 50)], 475),
        ([("5", 100), ("2", 0)], 500),  # weight 0 does not count
        ([("4", 100), (".", 100), ("pass", 100)], 400),  # neither a dot nor зачёт is a number
        ([("5", 100), ("4", 100), ("4", 100), ("5", 100), ("4", 100), ("5", 100), ("5", 100), ("4", 100)], 450),
        ([("5", 100)] * 1 + [("4", 100)] * 7, 413),  # 33/8 = 4.125: half up
        ([("2", 0)], None),
        ([("pass", 100)], None),
    ],
)
def test_the_weighted_mean(marks: list[tuple[str, int]], by_hand: int | None) -> None:
    assert i.weighted_mean(marks) == by_hand


def test_a_group_over_all_disciplines() -> None:
    found = i.of_group([["5", "4", "pass"], ["4", "3"], ["5", "2"], ["5", "na"], ["pass"], ["exempt"], []])
    assert (found.students, found.succeed, found.good) == (5, 3, 1)
    assert (found.success, found.quality) == (6000, 2000)


def test_every_indicator_prints_its_formula() -> None:
    for formula in i.FORMULAS.values():
        assert formula.ru != formula.en
        assert formula.text


@given(
    given_so_far=st.lists(st.tuples(st.integers(2, 5), st.sampled_from([50, 100, 200])), max_size=12),
    mark=st.integers(3, 5),
    weight=st.sampled_from([50, 100, 150]),
)
def test_needed_is_the_smallest_number_that_lifts_the_mean(
    given_so_far: list[tuple[int, int]], mark: int, weight: int
) -> None:
    """G5: from mark − 0.5 on that final may be set."""
    total, so_far = sum(w * m for m, w in given_so_far), sum(w for _, w in given_so_far)

    def holds(more: int) -> bool:
        all_weight = so_far + more * weight
        return all_weight > 0 and 2 * (total + 5 * weight * more) >= (2 * mark - 1) * all_weight

    found = i.needed(total, so_far, mark, weight)
    assert found == next((n for n in range(i.MOST_NEEDED + 1) if holds(n)), None)


def test_needed_by_hand() -> None:
    assert i.needed(700, 200, 4) == 0  # 4 and 3: 3.50 is a tie, free
    assert i.needed(600, 200, 4) == 1  # 3, 3 and a 5: 3.67
    assert i.needed(800, 200, 5) == 2  # 4, 4 and two 5: 4.50
    assert i.needed(1000, 500, 5) is None  # five 2: twenty-five 5 would do it
    assert i.needed(0, 0, 3) == 1
