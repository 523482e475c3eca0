"""Cells of roster files: the ways in which real exports write days, flags and lists."""

from datetime import date

import pytest

from services.importing.cells import BadCell, DayOrder, clean, day, day_order, email, flag, listed


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2023-05-01", None, date(2023, 5, 1)),
        ("2023-05-01T18:25:43.511Z", None, date(2023, 5, 1)),
        ("2023-05-01T18:25:43+07:00", None, date(2023, 5, 1)),
        ("2018-09-01 00:00", None, date(2018, 9, 1)),
        ("1/05/2023", "day first", date(2023, 5, 1)),
        ("1/05/2023", "month first", date(2023, 1, 5)),
        ("5/05/2023", None, date(2023, 5, 5)),
        ("15/06/2023", None, date(2023, 6, 15)),
        ("15/06/2023", "month first", date(2023, 6, 15)),
        ("8/27/2018", None, date(2018, 8, 27)),
        ("01.09.2025", None, date(2025, 9, 1)),
    ],
)
def test_days_are_understood(text: str, order: DayOrder | None, expected: date) -> None:
    assert day(text, order) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1/05/2023", "ambiguous_date"),
        ("2023-02-30", "bad_date"),
        ("30/30/2023", "bad_date"),
        ("2023-05-01T25:00:00Z", "bad_date"),
        ("1812-05-01", "bad_date"),
        ("2523-05-01", "bad_date"),
        ("yesterday", "bad_date"),
        ("٢٠٢٣-٠٥-٠١", "bad_date"),
    ],
)
def test_other_days_are_refused(text: str, code: str) -> None:
    with pytest.raises(BadCell) as refused:
        day(text)
    assert refused.value.code == code


def test_the_order_of_day_and_month_is_proven_by_the_whole_column() -> None:
    assert day_order(["1/05/2023", "15/06/2023"]) == "day first"
    assert day_order(["1/05/2023", "8/27/2018"]) == "month first"
    assert day_order(["1/05/2023", "2023-05-01"]) is None
    assert day_order(["15/06/2023", "8/27/2018"]) is None


def test_flags_lists_and_addresses() -> None:
    assert [flag(t) for t in ("TRUE", "1", "false", "0", "")] == [True, True, False, False, None]
    assert listed("a, b,,a,c ") == ("a", "b", "c")
    assert email("") == ""
    assert email("x@test.invalid") == "x@test.invalid"
    for bad, code in ((lambda: flag("maybe"), "bad_flag"), (lambda: email("x y@test.invalid"), "bad_email")):
        with pytest.raises(BadCell) as refused:
            bad()
        assert refused.value.code == code


def test_text_is_trimmed_and_control_characters_are_refused() -> None:
    assert clean("  a\u00a0 b\n") == "a b"
    for bad, code in (("a\x00b", "bad_text"), ("a\x1b[m", "bad_text"), ("x" * 5000, "too_long")):
        with pytest.raises(BadCell) as refused:
            clean(bad)
        assert refused.value.code == code
