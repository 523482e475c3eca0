"""The calendar of the demo college, laid around the day of its first start: a finished period and a running one."""

from datetime import date, timedelta
from typing import Final, NamedTuple

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(weeks=1)
WEEKEND: Final = (7,)
LEAD_DAYS: Final = 2
"""Finals are due that many days before the end (R 5.3)."""

HOLIDAYS: Final = (*((1, day) for day in range(1, 9)), (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4))
"""Days without work by law, (month, day)."""

NEAR: Final = 3
"""Holidays so near to the first start, in days, are left out: a demo begun on a holiday shows lessons all the same."""


class Period(NamedTuple):
    """Days both included; `holidays` inside it."""

    key: str
    title: str
    starts_on: date
    ends_on: date
    holidays: tuple[date, ...]

    def studies(self, day: date) -> bool:
        return self.starts_on <= day <= self.ends_on and day.isoweekday() not in WEEKEND and day not in self.holidays

    @property
    def finals_on(self) -> date:
        """The last study day for finals."""
        day = self.ends_on - LEAD_DAYS * DAY
        while not self.studies(day):
            day -= DAY
        return day


class Calendar(NamedTuple):
    """past is finished, running holds `today`. starts_on, ends_on: the academic year."""

    today: date
    title: str
    starts_on: date
    ends_on: date
    past: Period
    running: Period

    @property
    def school_day(self) -> date:
        """Today, or the next study day."""
        day = self.today
        while not self.running.studies(day):
            day += DAY
        return day


def calendar(today: date, past_weeks: int, gone_weeks: int, running_weeks: int) -> Calendar:
    """A finished period of `past_weeks`, a free week, a period of `running_weeks`; `gone_weeks` of them are over."""
    starts = today - (today.isoweekday() - 1) * DAY - gone_weeks * WEEK
    past_starts = starts - (past_weeks + 1) * WEEK
    past = _period("past", "1-е полугодие", past_starts, past_weeks, today)
    running = _period("running", "2-е полугодие", starts, running_weeks, today)
    ends = running.ends_on + 2 * WEEK
    return Calendar(today, f"{past_starts.year}/{past_starts.year + 1}", past_starts, ends, past, running)


def _period(key: str, title: str, starts: date, weeks: int, today: date) -> Period:
    ends = starts + weeks * WEEK - 2 * DAY  # a Saturday
    days = (starts + n * DAY for n in range((ends - starts).days + 1))
    off = tuple(day for day in days if (day.month, day.day) in HOLIDAYS and abs((day - today).days) > NEAR)
    return Period(key, title, starts, ends, off)
