"""The event log on KurrentDB or EventStoreDB (22.10 and later), by gRPC.

Streams of log L are named `L-…` there, so that several logs share a server; `$all` is read with a filter on that
prefix. Positions are commit positions: they rise and have gaps, and only those of received events are ever sent back.
An append names the exact revision. The server takes the same ids at the same revision for one append, which makes
sending again after a lost connection safe; whose append it was is told by reading it back. Ids are known per stream.
"""

import asyncio
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

from kurrentdbclient import AsyncKurrentDBClient, NewEvent, RecordedEvent, StreamState
from kurrentdbclient import exceptions as db

from services.kit.log import eventlog as port
from services.kit.log.encoded import encoded, stream_name
from services.kit.log.eventlog import NO_STREAM, Appended, Conflict, EventTooLarge, OutcomeUnknown, Recorded
from services.kit.log.waiters import Waiters
from services.kit.settings import CannotStart
from services.kit.tasks import end

RESOLVE_SECONDS = 5.0
"""How long the outcome of an append is sought after its connection died."""

READ_SECONDS = 30.0
PAUSE_SECONDS = 0.1
REOPEN_SECONDS = 0.2
SCAN_CHUNK = 5000
STREAMS_KEPT = 64
"""Streams whose event ids are held in memory, those used last."""

LOST = (
    db.GrpcError,
    db.DeadlineExceededError,
    db.DiscoveryFailedError,
    db.AbortedByServerError,
    db.NodeIsNotLeaderError,
    db.UnknownError,
    TimeoutError,
)
"""What says nothing about the request itself: asked again, it may be answered."""

T = TypeVar("T")


def connected(uri: str) -> AsyncKurrentDBClient:
    """A client of that address, which connects when it is first used. Raises CannotStart."""
    try:
        return AsyncKurrentDBClient(uri)
    except (ValueError, OSError, db.KurrentDBClientError) as wrong:
        # the address may hold a password, so it is not quoted
        raise CannotStart(
            "Переменная ZHURNAL_KURRENT_URI задана неверно: нужен адрес вида kurrentdb://узел:2113?tls=true.",
            "The variable ZHURNAL_KURRENT_URI is wrong: an address such as kurrentdb://host:2113?tls=true is expected.",
        ) from wrong


class _Stream:
    """What this process knows of a stream: up to which revision, and the ids of the events until there."""

    __slots__ = ("ids", "lock", "revision")

    def __init__(self) -> None:
        self.revision, self.ids, self.lock = NO_STREAM, set[int](), asyncio.Lock()


class KurrentLog:
    """The log `name` on the server of `client`, which the log closes with itself."""

    dense: ClassVar[bool] = False

    def __init__(self, client: AsyncKurrentDBClient, name: str) -> None:
        self._client, self._name, self._prefix = client, name, f"{name}-"
        self._streams: OrderedDict[str, _Stream] = OrderedDict()
        self._waiters = Waiters()
        self._looked = 0
        """The log has no event between its head and this position, which is some event's of the server."""
        self._follower: asyncio.Task[None] | None = None
        self._id = ""

    async def close(self) -> None:
        """End the subscription and the connection."""
        if self._follower is not None:
            await end([self._follower])  # the client may swallow a cancellation while it connects anew
        with suppress(db.ProgrammingError):  # it was never connected
            await self._client.close()

    # -- writing ------------------------------------------------------------------------------------------------

    async def append(self, stream: str, expected: int, events: Sequence[port.NewEvent]) -> Appended:
        """As the port says. A caller who is cancelled leaves; his append may land or not.

        EventTooLarge also when all events together exceed what the server takes in one append (MaxAppendSize).
        """
        stream_name(stream)
        ready = [
            NewEvent(type=e.type.decode(), data=e.body, metadata=e.meta, id=UUID(bytes=e.id)) for e in encoded(events)
        ]
        ids = [event.id.int for event in ready]
        known = self._known(stream)
        async with known.lock:
            if known.revision != expected and ids[0] not in known.ids:
                await self._learn(stream, known)
            if ids[0] in known.ids:
                return await self._where(stream, ready)
            if known.revision != expected:
                raise Conflict(stream, expected, known.revision)
            if not known.ids.isdisjoint(ids):
                raise ValueError("an event id is in the stream already")
            try:
                landed = await self._land(stream, expected, ready)
            except db.WrongCurrentVersionError as wrong:
                await self._learn(stream, known)
                if ids[0] in known.ids:
                    return await self._where(stream, ready)
                raise Conflict(stream, expected, known.revision) from wrong
            known.revision = landed.revision
            known.ids.update(ids)
            return landed

    async def append_together(self, conn: Any, appends: Sequence[tuple[str, int, Sequence[port.NewEvent]]]) -> int:
        """Append to several streams, one after another; the position of the last one, 0 for none.

        `conn` is of another database and is not used. Who dies on the way has appended to the first streams: he
        decides again on what is there now, or sends the same again.
        """
        position = 0
        for stream, expected, events in appends:
            position = (await self.append(stream, expected, events)).position
        return position

    def grew(self, head: int) -> None:
        """Nothing: `append_together` has told the waiters already."""

    def _known(self, stream: str) -> _Stream:
        known = self._streams.get(stream) or _Stream()
        self._streams[stream] = known
        self._streams.move_to_end(stream)
        if len(self._streams) > STREAMS_KEPT:
            oldest = next(iter(self._streams))
            if not self._streams[oldest].lock.locked():
                del self._streams[oldest]
        return known

    async def _learn(self, stream: str, known: _Stream) -> None:
        for row in await self.read_stream(stream, known.revision):
            known.revision = row.revision
            known.ids.add(UUID(row.id).int)

    async def _where(self, stream: str, events: Sequence[NewEvent]) -> Appended:
        """Where an append landed that had landed before."""
        rows = {row.id: row for row in await self.read_stream(stream)}
        first = rows[str(events[0].id)]
        last = rows.get(str(events[-1].id), first)
        return Appended(last.position, last.revision, duplicate=True)

    async def _land(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        """Send until the outcome is known. Raises WrongCurrentVersionError, EventTooLarge, OutcomeUnknown."""
        loop = asyncio.get_running_loop()
        deadline, pause, lost = loop.time() + RESOLVE_SECONDS, PAUSE_SECONDS, None
        while (left := deadline - loop.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    return await self._send(stream, expected, events, left)
            except (db.MaximumAppendSizeExceededError, db.RecordMaxSizeExceededError) as large:
                raise EventTooLarge(f"{stream}: the server takes no append of this size: {large}") from large
            except LOST as again:
                lost = again
                await asyncio.sleep(pause)
        raise OutcomeUnknown(f"{stream}: the connection to the log was lost") from lost

    async def _send(self, stream: str, expected: int, events: Sequence[NewEvent], seconds: float) -> Appended:
        position = await self._client.append_to_stream(
            self._prefix + stream,
            current_version=StreamState.NO_STREAM if expected == NO_STREAM else expected,
            events=events,
            timeout=seconds,
        )
        # The server also accepts what another process has appended under these ids: then its event stands there.
        there = await self._events(self._prefix + stream, expected + 1, 1)
        mine = events[0]
        duplicate = [(e.type, e.data, e.metadata) for e in there] != [(mine.type, mine.data, mine.metadata)]
        self._reached(position)
        return Appended(position, expected + len(events), duplicate)

    # -- reading ------------------------------------------------------------------------------------------------

    async def log_id(self) -> str:
        """As the port says: kept in a stream of its own, `L.log`."""
        stream = f"{self._name}.log"
        while not self._id:
            if rows := await self._events(stream, 0, 1):
                self._id = str(rows[0].id)
                break
            mark = NewEvent(type="LogCreated", data=b"{}", id=uuid4())
            with suppress(db.WrongCurrentVersionError):  # another process was first
                await self._asked(
                    lambda made=mark: self._client.append_to_stream(  # type: ignore[misc]
                        stream, current_version=StreamState.NO_STREAM, events=[made], timeout=RESOLVE_SECONDS
                    ),
                    0,
                )
        return self._id

    async def head(self) -> int:
        """As the port says."""
        await self._look()
        return self._waiters.head

    async def at(self, position: int) -> Recorded | None:
        """As the port says."""
        if position <= 0:
            return None
        rows = await self._all(1, commit_position=position)
        return rows[0] if rows and rows[0].position == position else None

    async def read(self, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """As the port says."""
        start = after
        if after >= self._waiters.head:
            start = max(after, self._looked)
            await self._look()
            if after >= self._waiters.head:
                return []
        rows = await self._all(limit + 1, commit_position=start or None)
        return [row for row in rows if row.position > after][:limit]

    async def read_stream(self, stream: str, after: int = NO_STREAM) -> list[Recorded]:
        """As the port says."""
        return [self._recorded(event) for event in await self._events(self._prefix + stream, after + 1)]

    async def read_back(self, before: int | None, limit: int) -> list[Recorded]:
        """As the port says."""
        return await self._all(limit, commit_position=before, backwards=True)

    async def first_at(self, moment: datetime) -> int | None:
        """Never known: the server has no index by time."""
        return None

    async def scan(self, after: int = 0, chunk: int = SCAN_CHUNK) -> AsyncIterator[list[Recorded]]:
        """All events with position > `after`, in lists of up to `chunk`, until the head is reached."""
        while rows := await self.read(after, chunk):
            yield rows
            after = rows[-1].position

    def _recorded(self, event: RecordedEvent) -> Recorded:
        assert event.recorded_at is not None, "the server tells when"
        return Recorded(
            event.commit_position,
            str(event.id),
            event.stream_name.removeprefix(self._prefix),
            event.stream_position,
            event.type,
            event.recorded_at,
            event.data.decode(),
            event.metadata.decode(),
        )

    async def _all(self, limit: int, **where: Any) -> list[Recorded]:
        """Events of this log, from `$all`. A position that the server does not know has none."""

        async def read() -> list[Recorded]:
            events = await self._client.read_all(
                filter_include=(self._prefix,), filter_by_stream_name=True, filter_by_prefix=True, limit=limit, **where
            )
            return [self._recorded(event) async for event in events]

        try:
            return await self._asked(read, [])
        except db.InvalidCommitPositionError:
            return []

    async def _events(self, name: str, first: int, limit: int = sys.maxsize) -> tuple[RecordedEvent, ...]:
        return await self._asked(lambda: self._client.get_stream(name, stream_position=first, limit=limit), ())

    async def _asked(self, ask: Callable[[], Awaitable[T]], nothing: T) -> T:
        """The answer, `nothing` for a stream that is not there. Asked twice; raises ConnectionError then."""
        for last in (False, True):
            try:
                async with asyncio.timeout(READ_SECONDS):
                    return await ask()
            except db.NotFoundError:
                return nothing
            except LOST as lost:
                if last:
                    raise ConnectionError(f"the log {self._name} does not answer: {type(lost).__name__}") from lost
                if isinstance(lost, db.ServiceUnavailableError):  # a new connection does not wait as the old one would
                    with suppress(*LOST):
                        await self._client.reconnect()
        raise AssertionError("the second time returns or raises")

    # -- the head -----------------------------------------------------------------------------------------------

    def _reached(self, position: int) -> None:
        """Note an event of this log before which none was left out, or one that this process has appended."""
        if position > self._waiters.head:
            self._waiters.grew(position)
            self._looked = max(self._looked, position)

    async def _look(self) -> None:
        """Learn the head: by what the server has got since the last look, at first by looking back from the end."""
        begin = self._looked

        async def newest() -> int:
            return await self._client.get_commit_position(timeout=READ_SECONDS)

        end = await self._asked(newest, 0)
        if end <= begin:
            return
        if begin == 0:
            rows = await self._all(1, backwards=True)
        else:
            rows = (await self._all_since(begin))[-1:]
        if rows:
            self._reached(rows[0].position)
        self._looked = max(self._looked, end)

    async def _all_since(self, position: int) -> list[Recorded]:
        """Events of this log after a position of the server at which nothing was left out, chunk by chunk."""
        last: list[Recorded] = []
        while rows := [r for r in await self._all(SCAN_CHUNK, commit_position=position) if r.position > position]:
            last, position = rows[-1:], rows[-1].position
        return last

    async def wait(self, after: int, timeout: float) -> int:
        """As the port says. The server tells of events by a subscription, which is opened again when it ends."""
        if self._waiters.head > after:
            return self._waiters.head
        await self._look()
        if self._waiters.head > after or timeout <= 0:
            return self._waiters.head
        if self._follower is None:
            self._follower = asyncio.create_task(self._follow())
        if await self._waiters.beyond(after, timeout) <= after:
            await self._look()  # a subscription whose connection is half open says nothing
        return self._waiters.head

    async def _follow(self) -> None:
        """Hear of new events for as long as the log is open."""
        while True:
            with suppress(*LOST, db.SubscriptionConfirmationError):
                subscription = await self._client.subscribe_to_all(
                    commit_position=self._looked or None,
                    filter_include=(self._prefix,),
                    filter_by_stream_name=True,
                    filter_by_prefix=True,
                )
                async for event in subscription:
                    self._reached(event.commit_position)
            await asyncio.sleep(REOPEN_SECONDS)
