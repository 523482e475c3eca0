"""The port of an append-only event log.

A log is a sequence of events at positions 1, 2, 3 … without holes. Every event belongs to one stream, whose
revisions run 0, 1, 2 … An append names the revision that its stream must stand at (`NO_STREAM` for a new one) and
is all or nothing. A reader that has seen position p has seen every event up to p: no later commit slips below it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

NO_STREAM = -1
"""The expected revision of a stream that does not exist yet."""

MAX_EVENT_BYTES = 60_000
"""An event (body and metadata together, UTF-8) larger than this is refused by the port."""


class NewEvent(NamedTuple):
    """An event to append. `id` is a UUID; `body` and `meta` are canonical JSON texts (`contracts.envelope`)."""

    id: str
    type: str
    body: str
    meta: str


class Recorded(NamedTuple):
    """An event as the log keeps it: `position` in the log, `revision` in its stream, `at` by the log's own clock."""

    position: int
    id: str
    stream: str
    revision: int
    type: str
    at: datetime
    body: str
    meta: str


class Appended(NamedTuple):
    """Where an append landed: position and revision of its last event. `duplicate`: it had landed before."""

    position: int
    revision: int
    duplicate: bool = False


class Conflict(Exception):
    """The stream does not stand at the expected revision. Nothing was written."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        super().__init__(f"{stream}: expected revision {expected}, is {actual}")
        self.stream, self.expected, self.actual = stream, expected, actual


class EventTooLarge(ValueError):
    """An event exceeds `MAX_EVENT_BYTES`. Nothing was written."""


class OutcomeUnknown(Exception):
    """The connection died and the log could not be asked in time whether the append landed. Ask again by event id."""


class Feed(Protocol):
    """The reading side of a log: what projectors, keepers and auditors need, near (the log) or far (over HTTP)."""

    async def log_id(self) -> str:
        """The UUID given to this log at its creation; a restored or foreign log shows by another one."""
        ...

    async def head(self) -> int:
        """The last position, 0 for an empty log."""
        ...

    async def read(self, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """Events with position > `after` in order, at most `limit`."""
        ...

    async def wait(self, after: int, timeout: float) -> int:
        """The head as soon as it is beyond `after`, or after `timeout` seconds whatever it is."""
        ...


class EventLog(Feed, Protocol):
    """A log that can be appended to."""

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        """Append all `events` to `stream` or none.

        The same first event id seen before answers where it landed (`duplicate`), whatever `expected` says.
        Raises `Conflict`, `EventTooLarge`, `OutcomeUnknown`, and ValueError for an empty list.
        """
        ...

    async def read_stream(self, stream: str, after: int = -1) -> list[Recorded]:
        """Events of `stream` with revision > `after`, in order; empty for an unknown stream."""
        ...

    async def find(self, event_id: str) -> Recorded | None:
        """The event of that id, if it landed."""
        ...
