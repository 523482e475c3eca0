"""Group commit: the appends that callers of one process make at the same time are sent as one call and one commit.

A lone append goes at once; what arrives while a commit is under way goes with the next one. Each append keeps its own
verdict: a group that fails is sent again one by one, and after a lost connection each append is sent again on a new
one, where its event ids tell whether it had landed.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import Any, LiteralString

from psycopg import AsyncConnection, AsyncCursor, DataError, Error, IntegrityError, InterfaceError, OperationalError
from psycopg.adapt import Dumper
from psycopg.errors import QueryCanceled
from psycopg.pq import Format
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, PoolClosed

from services.kit.log.encoded import Encoded, encoded, stream_name
from services.kit.log.eventlog import Appended, Conflict, NewEvent, OutcomeUnknown

GROUP_EVENTS = 1000
GROUP_BYTES = 1_000_000
"""A group is closed when it reaches either; one append of its own may be larger."""

RESOLVE_SECONDS = 5.0
"""How long the outcome of an append is sought after its connection died."""

LOST = (OperationalError, InterfaceError)

APPEND: LiteralString = (
    "select verdict, last_position, last_revision from public.log_append("
    "%b::text[], %b::int8[], %b::int4[], %b::int4[], %b::uuid[], %b::text[], %b::text[], %b::text[])"
)


class Pending:
    """An append on its way. `sent`: a server may have got it, so that only the log knows what became of it."""

    __slots__ = ("bytes", "events", "expected", "future", "keys", "name", "sent", "stream")

    def __init__(self, stream: str, expected: int, events: Sequence[NewEvent]) -> None:
        self.stream, self.expected = stream, expected
        self.name = stream_name(stream)
        self.events = encoded(events)
        self.keys = {self.name, *(event.id for event in self.events)}
        self.bytes = sum(len(event.body) + len(event.meta) for event in self.events)
        self.sent = False
        self.future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()

    def settle(self, verdict: str, position: int | None, revision: int) -> None:
        """Give the caller his answer, unless he has gone."""
        if self.future.done():
            return
        if position is None:
            self.future.set_exception(Conflict(self.stream, self.expected, revision))
        else:
            self.future.set_result(Appended(position, revision, verdict == "duplicate"))

    def fail(self, failed: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(failed)


class GroupCommit:
    """Sends the appends of one process. `landed` is told the highest position of each commit."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], landed: Callable[[int], None]) -> None:
        self._pool, self._landed = pool, landed
        self._queue: deque[Pending] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        """As the port says. A caller who is cancelled leaves; his append may land or not."""
        pending = Pending(stream, expected, events)
        self._queue.append(pending)
        if self._writer is None:
            # begins at the loop's next turn, so that appends made in the same turn go together
            self._writer = asyncio.create_task(self._write())
        return await pending.future

    async def drain(self) -> None:
        """Return when nothing is on its way."""
        while self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        group: list[Pending] = []
        try:
            while group := self._take():
                try:
                    async with self._pool.connection() as conn:
                        cursor = appender(conn)
                        while group:
                            await self._commit(cursor, group)
                            group = self._take()
                except LOST as lost:
                    await self._resolve(group, lost)
        except BaseException as failed:
            for pending in (*group, *self._queue):
                pending.fail(failed)
            self._queue.clear()
            raise
        finally:
            self._writer = None

    def _take(self) -> list[Pending]:
        """The next group: one append per stream and per event id, callers of the same one in their order."""
        group: list[Pending] = []
        later: list[Pending] = []
        seen: set[bytes] = set()
        events = size = 0
        while self._queue and events < GROUP_EVENTS and size < GROUP_BYTES:
            pending = self._queue.popleft()
            if pending.future.done():  # cancelled before it was sent
                continue
            if seen.isdisjoint(pending.keys):
                group.append(pending)
                events += len(pending.events)
                size += pending.bytes
            else:
                later.append(pending)
            seen |= pending.keys
        self._queue.extendleft(reversed(later))
        return group

    async def _commit(self, cursor: AsyncCursor[tuple[Any, ...]], group: list[Pending]) -> None:
        """Send the group in one commit. Raises only if the connection is lost."""
        for pending in group:
            pending.sent = True
        try:
            await cursor.execute(APPEND, parameters(group), prepare=True)
            verdicts = await cursor.fetchall()
        except Error as failed:
            if cursor.connection.closed:
                raise
            if len(group) > 1 and not isinstance(failed, QueryCanceled):
                for pending in group:
                    await self._commit(cursor, [pending])
            else:
                for pending in group:
                    pending.fail(refusal(failed))
            return
        head = 0
        for pending, (verdict, position, revision) in zip(group, verdicts, strict=True):
            pending.settle(verdict, position, revision)
            head = max(head, position or 0)
        self._landed(head)

    async def _resolve(self, group: list[Pending], lost: Error) -> None:
        """Settle what was under way when the connection died.

        Each append is sent again, alone: a look-up by event id could miss one whose dead connection's server process
        is still at work, while sending it again waits for that under the lock, and lands at most once.
        """
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + RESOLVE_SECONDS, 0.01
        while (open_ := [p for p in group if not p.future.done()]) and (left := deadline - loop.time()) > 0:
            try:
                async with self._pool.connection(timeout=left) as conn:
                    cursor = appender(conn)
                    for pending in open_:
                        await self._commit(cursor, [pending])
            except PoolClosed:
                break
            except LOST as again:
                lost = again
                await asyncio.sleep(pause)
                pause = min(2 * pause, 0.5)
        for pending in open_:
            if pending.sent:
                unknown = OutcomeUnknown(f"{pending.stream}: the connection to the log was lost")
                unknown.__cause__ = lost
                pending.fail(unknown)
            else:
                pending.fail(lost)


async def append_in(conn: AsyncConnection[Any], stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
    """One append inside the transaction of `conn`."""
    return await append_all_in(conn, [(stream, expected, events)])


async def append_all_in(conn: AsyncConnection[Any], appends: Sequence[tuple[str, int, Sequence[NewEvent]]]) -> Appended:
    """Appends to different streams inside the transaction of `conn`, in one call; answers where the last one landed.

    Raises the Conflict of the first that has one; the caller then rolls back, for the others were appended.
    """
    group = [Pending(*append) for append in appends]
    cursor = appender(conn)
    try:
        await cursor.execute(APPEND, parameters(group), prepare=True)
    except (DataError, IntegrityError) as failed:
        raise refusal(failed) from failed
    verdicts = await cursor.fetchall()
    for pending, (verdict, position, revision) in zip(group, verdicts, strict=True):
        if position is None:
            raise Conflict(pending.stream, pending.expected, revision)
        pending.settle(verdict, position, revision)
    return group[-1].future.result()


def refusal(failed: Error) -> BaseException:
    """What a caller is told whose append the database refused: bad data is a ValueError, as in the other adapters."""
    if isinstance(failed, DataError | IntegrityError):
        told = ValueError(f"the log refuses this append: {type(failed).__name__}")
        told.__cause__ = failed
        return told
    return failed


# -- parameters ---------------------------------------------------------------------------------------------------
# Arrays are packed here: psycopg looks up a dumper for every element, which costs more than the append itself.


class Packed(bytes):
    """An array in PostgreSQL's binary form; the cast in the query tells its type."""


class PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return bytes(obj)


HEAD = Struct("!iiIii")
LENGTH = Struct("!i")
INT4 = Struct("!ii")
INT8 = Struct("!iq")
OID_INT8, OID_INT4, OID_TEXT, OID_UUID = 20, 23, 25, 2950


def appender(conn: AsyncConnection[Any]) -> AsyncCursor[tuple[Any, ...]]:
    """A cursor that takes packed arrays."""
    cursor = conn.cursor(binary=True, row_factory=tuple_row)
    cursor.adapters.register_dumper(Packed, PackedDumper)
    return cursor


def parameters(group: Sequence[Pending]) -> tuple[Packed, ...]:
    """The arguments of log_append."""
    events: list[Encoded] = []
    numbers: list[int] = []
    for number, pending in enumerate(group, 1):
        events += pending.events
        numbers += [number] * len(pending.events)
    ids, types, bodies, metas = zip(*events, strict=True)
    return (
        _strings(OID_TEXT, [p.name for p in group]),
        _array(OID_INT8, len(group), [INT8.pack(8, p.expected) for p in group]),
        _array(OID_INT4, len(group), [INT4.pack(4, len(p.events)) for p in group]),
        _array(OID_INT4, len(events), [INT4.pack(4, number) for number in numbers]),
        _strings(OID_UUID, ids),
        _strings(OID_TEXT, types),
        _strings(OID_TEXT, bodies),
        _strings(OID_TEXT, metas),
    )


def _strings(element: int, values: Sequence[bytes]) -> Packed:
    pack = LENGTH.pack
    return _array(element, len(values), [part for value in values for part in (pack(len(value)), value)])


def _array(element: int, count: int, parts: Iterable[bytes]) -> Packed:
    return Packed(b"".join((HEAD.pack(1, 0, element, count, 1), *parts)))
