"""Time and new ids, injected: domain code never asks the system for either."""

import time
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4


class Clock(Protocol):
    """now: aware instant in UTC. monotonic: seconds, for measuring spans only."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class IdSource(Protocol):
    """A new id, a UUID as text."""

    def new(self) -> str: ...


class RandomIds:
    def new(self) -> str:
        return str(uuid4())
