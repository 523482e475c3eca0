"""The port of an append-only event log.

A log is a sequence of events at rising positions. Every event belongs to one stream, whose revisions run 0, 1, 2 …
An append names the revision that its stream must stand at (`NO_STREAM` for a new one) and is all or nothing. A reader
that has seen position p has seen every event up to p: no later commit slips below it. Positions are those of events
that were received, or 0: nothing is reckoned from them, for only a dense log counts 1, 2, 3 …
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple, Protocol

NO_STREAM = -1
"""The expected revision of a stream that does not exist yet."""

CLOCK_SLACK = timedelta(seconds=2)
"""How far the time of a log that is not dense may go back: its server's clock is set by others."""

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

    async def at(self, position: int) -> Recorded | None:
        """The event at exactly that position, None if there is none: how a cursor is confirmed."""
        ...

    async def read(self, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """Events with position > `after` (a position of this log, or 0) in order, at most `limit`."""
        ...

    async def wait(self, after: int, timeout: float) -> int:
        """A position of the log as soon as there is one beyond `after`, or the head after `timeout` seconds."""
        ...


class EventLog(Feed, Protocol):
    """A log that can be appended to.

    dense: positions are 1, 2, 3 … without holes, the time never goes back, and an event id is known in all streams.
    Of other logs it is promised that the time goes back by no more than `CLOCK_SLACK`, and ids are known per stream.
    """

    dense: ClassVar[bool]

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        """Append all `events` to `stream` or none.

        The same first event id seen before answers where it landed (`duplicate`), whatever `expected` says.
        Raises `Conflict`, `EventTooLarge`, `OutcomeUnknown`, and ValueError for an empty list.
        """
        ...

    async def read_stream(self, stream: str, after: int = -1) -> list[Recorded]:
        """Events of `stream` with revision > `after`, in order; empty for an unknown stream."""
        ...

    async def read_back(self, before: int | None, limit: int) -> list[Recorded]:
        """Events with position < `before` (None: all), newest first, at most `limit`."""
        ...

    async def first_at(self, moment: datetime) -> int | None:
        """The position of the first event that is not before `moment`, for a search to begin at.

        None: there is none, or the log cannot tell without reading all of it.
        """
        ...
