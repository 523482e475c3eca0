"""Given dates and people, when something is granted, then the rules of identity say yes or name their ground."""

from datetime import date, timedelta

import pytest

from services.identity import problems
from services.identity.erasing import RETENTION, judge
from services.identity.rules import (
    Span,
    birthday,
    grantable,
    guardian_until,
    last_day_before,
    no_overlap,
    not_to_himself,
    sane,
    split_sane,
)
from services.kit.problems import Problem

TODAY = date(2025, 9, 1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "span",
    [
        Span(TODAY, TODAY - DAY),
        Span(date(1899, 9, 1), None),
        Span(date(2205, 9, 1), None),
        Span(TODAY, date(2199, 1, 1)),
    ],
)
def test_dates_out_of_order_or_reason_are_refused(span: Span) -> None:
    with pytest.raises(problems.DatesNotSane):
        sane(span, TODAY)


@pytest.mark.parametrize("span", [Span(TODAY, TODAY), Span(TODAY, None), Span(TODAY + 300 * DAY, TODAY + 900 * DAY)])
def test_dates_of_ordinary_orders_are_taken(span: Span) -> None:
    assert sane(span, TODAY) == span


def test_enrolments_in_one_group_may_touch_but_not_overlap() -> None:
    held = [Span(date(2024, 9, 1), date(2025, 8, 31))]
    no_overlap(Span(TODAY, None), held)
    for span in (Span(date(2025, 8, 31), None), Span(date(2024, 1, 1), date(2024, 9, 1)), Span(date(2020, 1, 1), None)):
        with pytest.raises(problems.EnrolmentOverlaps):
            no_overlap(span, held)
    with pytest.raises(problems.EnrolmentOverlaps):
        no_overlap(Span(TODAY + 1000 * DAY, None), [Span(TODAY, None)])


def test_a_transfer_ends_the_enrolment_on_the_day_before() -> None:
    assert last_day_before(TODAY, Span(date(2024, 9, 1), None)) == date(2025, 8, 31)
    with pytest.raises(problems.NotEnrolledThatDay):
        last_day_before(date(2024, 9, 1), Span(date(2024, 9, 1), None))  # nothing would remain of it
    with pytest.raises(problems.NotEnrolledThatDay):
        last_day_before(TODAY, Span(date(2024, 9, 1), date(2025, 6, 30)))


@pytest.mark.parametrize(
    ("born", "basis", "asked", "until"),
    [
        (date(2008, 5, 20), "", None, date(2026, 5, 19)),
        (date(2008, 5, 20), "", date(2026, 1, 1), date(2026, 1, 1)),
        (date(2008, 5, 20), "", date(2027, 1, 1), date(2026, 5, 19)),
        (date(2008, 5, 20), "consent", None, None),
        (date(2008, 5, 20), "document", date(2027, 1, 1), date(2027, 1, 1)),
        (None, "", None, None),
        (date(2008, 2, 29), "", None, date(2026, 2, 28)),
    ],
)
def test_a_guardians_right_ends_before_the_eighteenth_birthday_unless_consented(
    born: date | None, basis: str, asked: date | None, until: date | None
) -> None:
    assert guardian_until(born, basis, asked) == until


def test_born_on_29_february_is_of_age_on_1_march() -> None:
    assert birthday(date(2008, 2, 29), 18) == date(2026, 3, 1)
    assert birthday(date(2008, 2, 29), 20) == date(2028, 2, 29)


@pytest.mark.clause("R 4.1.2")
def test_roles_by_order_need_its_number_and_an_auditor_an_end() -> None:
    open_end = Span(TODAY, None)
    grantable("teacher", open_end, "")
    with pytest.raises(problems.OrderNeeded):
        grantable("deputy_director", open_end, "")
    with pytest.raises(problems.EndNeeded):
        grantable("auditor", open_end, "7-к")
    grantable("auditor", Span(TODAY, TODAY + DAY), "7-к")


def test_nobody_grants_to_himself() -> None:
    not_to_himself("a", "b")
    with pytest.raises(problems.NotToYourself):
        not_to_himself("a", "a")


def test_a_split_takes_members_once() -> None:
    split_sane({"1": ["a"], "2": ["b", "c"]}, {"a", "b", "c", "d"})
    for wrong in ({"1": ["a"], "2": ["a"]}, {"1": ["a"], "2": ["x"]}):
        with pytest.raises(problems.SplitNotSane):
            split_sane(wrong, {"a", "b"})


@pytest.mark.parametrize(
    ("relations", "kept"),
    [
        ([], False),
        ([("student", None)], False),
        ([("member", None)], True),
        ([("member", TODAY - DAY)], True),
        ([("member", TODAY - RETENTION - DAY)], False),
        ([("teacher", None)], True),
        ([("guardian", TODAY)], True),
        ([("guardian", TODAY - DAY)], False),
        ([("guardian", TODAY - DAY), ("director", TODAY)], True),
    ],
)
def test_data_is_erased_only_after_retention(relations: list[tuple[str, date | None]], kept: bool) -> None:
    if kept:
        with pytest.raises(problems.RetentionRuns) as refused:
            judge(relations, TODAY)
        assert refused.value.document("ru")["detail"] != refused.value.document("en")["detail"]
    else:
        judge(relations, TODAY)


def test_every_problem_speaks_both_languages() -> None:
    for cls in vars(problems).values():
        if isinstance(cls, type) and issubclass(cls, Problem) and cls is not Problem:
            assert cls.title.ru != cls.title.en
            assert cls.next.ru != cls.next.en
