"""A clock that the loader sets per command: each entry is judged on the day on which it would have been made."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from services.kit.clock import SystemClock

_staged: ContextVar[datetime | None] = ContextVar("staged", default=None)


class StagedClock(SystemClock):
    """The machine's clock, except for what runs inside `staged`: that takes place at the given instant."""

    def now(self) -> datetime:
        return _staged.get() or super().now()


@contextmanager
def staged(instant: datetime) -> Iterator[None]:
    """What is awaited inside, and tasks made inside, take place at `instant` by every StagedClock."""
    token = _staged.set(instant)
    try:
        yield
    finally:
        _staged.reset(token)
