"""The calendar of the demo college, laid around the day of its first start: a finished period and a running one.

The running one is in its midst, days before its end, or just over, as the demo's moment wants it.
"""

from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

Moment = Literal["week", "finals", "closed"]
"""When the demo takes place: an ordinary week of the running period, the days of its finals, or after its end."""

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(weeks=1)
WEEKEND: Final = (7,)
LEAD_DAYS: Final = 2
"""Finals are due that many days before the end (R 5.3)."""

HOLIDAYS: Final = (*((1, day) for day in range(1, 9)), (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4))
"""Days without work by law, (month, day)."""

DAYS_LEFT: Final = 4
"""So many days of the period are left at its finals: they are due in one or two days."""

DAYS_OVER: Final = 3
"""So long ago, at least, a closed period has ended: on Saturday, its pages are closed on Monday."""

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
    """past is finished, running holds `today` or has just ended. starts_on, ends_on: the academic year."""

    today: date
    title: str
    starts_on: date
    ends_on: date
    past: Period
    running: Period

    @property
    def school_day(self) -> date:
        """Today, or the next study day; today when the running period is over."""
        day = self.today
        while not self.running.studies(day):
            if day >= self.running.ends_on:
                return self.today
            day += DAY
        return day

    @property
    def latest(self) -> date:
        """The last day of the running period so far: today, or its end."""
        return min(self.today, self.running.ends_on)

    @property
    def last_study_day(self) -> date:
        """The latest study day before today."""
        day = self.latest - DAY if self.latest == self.today else self.latest
        while not self.running.studies(day):
            day -= DAY
        return day


def calendar(today: date, past_weeks: int, gone_weeks: int, running_weeks: int, at: Moment = "week") -> Calendar:
    """A finished period of `past_weeks`, a free week, and a period of which `gone_weeks` are over.

    In an ordinary week that one has `running_weeks`, else it ends around today. All periods begin on a Monday.
    """
    starts = today - (today.isoweekday() - 1) * DAY - gone_weeks * WEEK
    past_starts = starts - (past_weeks + 1) * WEEK
    past = _period("past", "1-е полугодие", past_starts, past_starts + past_weeks * WEEK - 2 * DAY, today)
    running = _period("running", "2-е полугодие", starts, _end(today, starts + running_weeks * WEEK, at), today)
    ends = running.ends_on + 2 * WEEK
    return Calendar(today, f"{past_starts.year}/{past_starts.year + 1}", past_starts, ends, past, running)


def _end(today: date, after: date, at: Moment) -> date:
    """The last day of the running period: the Saturday before the Monday `after`, or around today."""
    if at == "week":
        return after - 2 * DAY
    if at == "finals":
        day = today + DAYS_LEFT * DAY
        return day - DAY if day.isoweekday() in WEEKEND else day
    day = today - DAYS_OVER * DAY
    return day - (day.isoweekday() + 1) % 7 * DAY


def _period(key: str, title: str, starts: date, ends: date, today: date) -> Period:
    days = (starts + n * DAY for n in range((ends - starts).days + 1))
    off = tuple(day for day in days if (day.month, day.day) in HOLIDAYS and abs((day - today).days) > NEAR)
    return Period(key, title, starts, ends, off)
