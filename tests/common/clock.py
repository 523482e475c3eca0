"""Doubles of Clock and IdSource: a clock that stands until it is moved, ids that count."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

START = datetime(2025, 9, 1, 3, 0, tzinfo=UTC)
"""The default instant: 1 September 2025, 10:00 in Barnaul."""


class ManualClock:
    """Stands at `instant` until `advance` or `set`; the stopwatch follows `advance` only, as a real one would."""

    def __init__(self, instant: datetime = START) -> None:
        self._now, self._elapsed = instant, 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, step: timedelta | float) -> None:
        """Let time pass: a timedelta or seconds."""
        step = step if isinstance(step, timedelta) else timedelta(seconds=step)
        self._now += step
        self._elapsed += step.total_seconds()

    def set(self, instant: datetime) -> None:
        """Turn the clock to `instant`, back or forth, as an administrator might."""
        self._now = instant


class CountingIds:
    """UUIDs 1, 2, 3 … of version 4's form, so that a failing test names the same ids every time."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> str:
        self._last += 1
        return str(UUID(int=self._last, version=4))
