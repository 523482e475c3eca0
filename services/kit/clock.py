"""Time and fresh ids, injected: domain code never asks the machine for either.

`Clock.now()` is the receive time that rules are judged by; `Clock.monotonic()` measures durations and never jumps.
The composition root hands out `SystemClock` and `RandomIds`; tests hand out the doubles of `tests/common/clock.py`.
"""

import time
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4


class Clock(Protocol):
    """The time of day and a stopwatch."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back, whatever is done to the machine's clock."""
        ...


class IdSource(Protocol):
    """Where ids of new things come from, unless they are derived from a command."""

    def new(self) -> str:
        """A UUID text never given out before."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class RandomIds:
    """Random UUIDs (version 4)."""

    def new(self) -> str:
        return str(uuid4())
