"""The event log in memory: the semantics of the port and nothing kept, for unit tests."""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from services.kit.clock import Clock, SystemClock
from services.kit.log.encoded import encoded, stream_name
from services.kit.log.eventlog import NO_STREAM, Appended, Conflict, NewEvent, Recorded
from services.kit.log.waiters import Waiters


class MemoryLog:
    """A log for one event loop. Every call yields to the loop once, as one over a connection would."""

    dense: ClassVar[bool] = True

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._id = str(uuid4())
        self._events: list[Recorded] = []
        self._streams: dict[str, list[Recorded]] = {}
        self._by_id: dict[str, Recorded] = {}
        self._waiters = Waiters()

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        """As the port says."""
        stream_name(stream)
        ids = [str(UUID(bytes=event.id)) for event in encoded(events)]
        await asyncio.sleep(0)
        # no await from here on: that is what makes an append atomic
        if first := self._by_id.get(ids[0]):
            last = self._by_id.get(ids[-1], first)
            return Appended(last.position, last.revision, duplicate=True)
        actual = len(self._streams.get(stream, ())) - 1
        if actual != expected:
            raise Conflict(stream, expected, actual)
        if not self._by_id.keys().isdisjoint(ids):
            raise ValueError("an event id is in the log already")
        at = self._now()
        for event_id, event in zip(ids, events, strict=True):
            row = Recorded(
                len(self._events) + 1,
                event_id,
                stream,
                actual := actual + 1,
                event.type,
                at,
                event.body,
                event.meta,
            )
            self._events.append(row)
            self._streams.setdefault(stream, []).append(row)
            self._by_id[event_id] = row
        self._waiters.grew(len(self._events))
        return Appended(len(self._events), actual)

    def _now(self) -> datetime:
        now = self._clock.now()
        return max(now, self._events[-1].at) if self._events else now

    async def read_stream(self, stream: str, after: int = NO_STREAM) -> list[Recorded]:
        """As the port says."""
        await asyncio.sleep(0)
        return self._streams.get(stream, [])[after + 1 :]

    async def read_back(self, before: int | None, limit: int) -> list[Recorded]:
        """As the port says."""
        await asyncio.sleep(0)
        end = len(self._events) if before is None else max(before - 1, 0)
        return self._events[max(end - limit, 0) : end][::-1]

    async def first_at(self, moment: datetime) -> int | None:
        """As the port says."""
        await asyncio.sleep(0)
        index = bisect_left(self._events, moment, key=lambda row: row.at)
        return index + 1 if index < len(self._events) else None

    async def log_id(self) -> str:
        """As the port says."""
        return self._id

    async def head(self) -> int:
        """As the port says."""
        await asyncio.sleep(0)
        return len(self._events)

    async def at(self, position: int) -> Recorded | None:
        """As the port says."""
        await asyncio.sleep(0)
        return self._events[position - 1] if 0 < position <= len(self._events) else None

    async def read(self, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """As the port says."""
        await asyncio.sleep(0)
        return self._events[after : after + limit]

    async def scan(self, after: int = 0, chunk: int = 5000) -> AsyncIterator[list[Recorded]]:
        """All events with position > `after`, in lists of up to `chunk`, until the head is reached."""
        while rows := await self.read(after, chunk):
            yield rows
            after = rows[-1].position

    async def wait(self, after: int, timeout: float) -> int:
        """As the port says."""
        return await self._waiters.beyond(after, timeout)
