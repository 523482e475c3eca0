"""The rules of identity that need no storage: which dates are sane, when a guardian's right ends, what is grantable.

Pure functions; each raises a problem of `services.identity.problems` that names its ground. Days are days of the
college, inclusive on both ends.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from services.identity import problems

DAY: Final = timedelta(days=1)
EARLIEST: Final = date(1990, 1, 1)
"""Nothing that an electronic journal is asked about began earlier."""

AHEAD: Final = timedelta(days=730)
"""Orders are written at most two years ahead."""

LONGEST: Final = timedelta(days=365 * 10)
ADULT_AGE: Final = 18

STAFF: Final = frozenset(
    {
        "teacher",
        "workshop_instructor",
        "curator",
        "study_office",
        "deputy_director",
        "journal_administrator",
        "director",
        "auditor",
    }
)
BY_ORDER: Final = frozenset({"director", "deputy_director", "study_office", "auditor"})
"""Roles that need the number of an order (domain §2; R 4.1.2)."""

LEAVING: Final = frozenset({"withdrawn", "graduated"})
"""Statuses that end an enrolment."""


class Span(NamedTuple):
    """From day to day, both included; an open end is None."""

    starts_on: date
    ends_on: date | None

    def holds(self, on: date) -> bool:
        return self.starts_on <= on and (self.ends_on is None or on <= self.ends_on)

    def covers(self, other: "Span") -> bool:
        """Every day of the other is one of this."""
        return self.starts_on <= other.starts_on and (
            self.ends_on is None or (other.ends_on is not None and other.ends_on <= self.ends_on)
        )

    def overlaps(self, other: "Span") -> bool:
        return (other.ends_on is None or self.starts_on <= other.ends_on) and (
            self.ends_on is None or other.starts_on <= self.ends_on
        )


def sane(span: Span, today: date) -> Span:
    """The span, unless its days are out of order or out of reason. Raises DatesNotSane."""
    starts_on, ends_on = span
    if not EARLIEST <= starts_on <= today + AHEAD:
        raise problems.DatesNotSane(what=starts_on.isoformat())
    if ends_on is not None and not starts_on <= ends_on <= starts_on + LONGEST:
        raise problems.DatesNotSane(what=f"{starts_on.isoformat()} – {ends_on.isoformat()}")
    return span


def no_overlap(span: Span, others: Iterable[Span]) -> None:
    """One student is enrolled in one group once at a time. Raises EnrolmentOverlaps."""
    for other in others:
        if span.overlaps(other):
            raise problems.EnrolmentOverlaps(since=other.starts_on.isoformat())


def last_day_before(on: date, span: Span) -> date:
    """The last day of `span` when something else begins on day `on` within it. Raises NotEnrolledThatDay."""
    last = on - DAY
    if not span.holds(last):
        raise problems.NotEnrolledThatDay(day=last.isoformat())
    return last


def birthday(born: date, age: int) -> date:
    """The day on which that age is reached; born on 29 February, in a common year on 1 March."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def guardian_until(born: date | None, basis: str, ends_on: date | None) -> date | None:
    """The last day of a guardian's right: the day before the 18th birthday (domain §2, a setting of the law).

    The student's consent or a document (`basis`) carries it beyond, to `ends_on` or openly. An unknown birth date
    leaves it open: the link gets its end with the date.
    """
    if basis:
        return ends_on
    adult = None if born is None else birthday(born, ADULT_AGE) - DAY
    return min((day for day in (adult, ends_on) if day is not None), default=None)


def grantable(role: str, span: Span, order_no: str) -> None:
    """A role that needs an order has its number; an auditor's has an end as well. Raises OrderNeeded, EndNeeded."""
    if role in BY_ORDER and not order_no:
        raise problems.OrderNeeded
    if role == "auditor" and span.ends_on is None:
        raise problems.EndNeeded


def not_to_himself(actor: str, person: str) -> None:
    """Nobody grants a role, a link or a code to himself (domain §2). Raises NotToYourself."""
    if actor == person:
        raise problems.NotToYourself


def split_sane(subgroups: Mapping[str, Sequence[str]], members: set[str]) -> None:
    """Every student of a split is of the group and in one subgroup only. Raises SplitNotSane."""
    seen: set[str] = set()
    for students in subgroups.values():
        for student in students:
            if student not in members:
                raise problems.SplitNotSane(extra={"students": [student], "why": "not a member"})
            if student in seen:
                raise problems.SplitNotSane(extra={"students": [student], "why": "in two subgroups"})
            seen.add(student)
