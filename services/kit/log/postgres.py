"""The event log on PostgreSQL: two tables and one function in the service's own database (postgres.sql).

The owner role installs it; the service's role may read the tables and call the function, nothing else, and nobody may
update, delete or truncate. Positions are given under a lock that is held until commit, so commit order is position
order. Concurrent appends of one process share a commit (group.py).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, ClassVar, LiteralString

from psycopg import AsyncConnection, AsyncCursor, OperationalError, sql
from psycopg.errors import QueryCanceled
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from services.kit.log.eventlog import NO_STREAM, Appended, NewEvent, Recorded
from services.kit.log.group import GroupCommit, append_all_in, append_in
from services.kit.log.waiters import Waiters

POLL_SECONDS = 0.1
"""How often the head is asked for while somebody waits; only appends of other processes need it.

NOTIFY instead would hold a lock of the whole server through every commit, across all databases.
"""

SCAN_CHUNK = 5000

INSTALL_LOCK = 7316003

GRANTS: tuple[LiteralString, ...] = (
    "revoke all on public.event, public.log from public, {role}",
    "grant select on public.event, public.log to {role}",
    "revoke all on function public.log_append, public.log_refuse from public",
    "grant execute on function public.log_append to {role}",
)

_HEAD: LiteralString = "select position from public.event order by position desc limit 1"
_EVENTS: LiteralString = "select position, event_id::text, stream, revision, type, at, body, meta from public.event "
_READ: LiteralString = _EVENTS + "where position > %s order by position limit %s"
_STREAM: LiteralString = _EVENTS + "where stream = %s and revision > %s order by revision"
_AT: LiteralString = _EVENTS + "where position = %s"
_LAST: LiteralString = _EVENTS + "order by position desc limit %s"
_BACK: LiteralString = _EVENTS + "where position < %s order by position desc limit %s"


async def install(conn: AsyncConnection[Any], service_role: str) -> None:
    """Install the log, or bring it to the present text, as the owner role that `conn` is connected as.

    service_role: may read the tables and call the function. Does nothing if that has been done; safe at once from
    several processes.
    """
    text = files(__package__).joinpath("postgres.sql").read_text(encoding="utf-8")
    digest = hashlib.sha256(f"{text}\n{service_role}\n{GRANTS}".encode()).hexdigest()
    async with conn.transaction(), conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute("select pg_advisory_xact_lock(%s)", (INSTALL_LOCK,))
        await cursor.execute("select obj_description(to_regclass('public.log'), 'pg_class')")
        if await cursor.fetchone() == (digest,):
            return
        await cursor.execute(text.encode())
        for statement in GRANTS:
            await cursor.execute(sql.SQL(statement).format(role=sql.Identifier(service_role)))
        await cursor.execute(sql.SQL("comment on table public.log is {}").format(sql.Literal(digest)))


class PostgresLog:
    """The log in the database of `pool`, whose connections are autocommit and of the service's role."""

    dense: ClassVar[bool] = True

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], poll: float = POLL_SECONDS) -> None:
        self._pool, self._poll = pool, poll
        self._waiters = Waiters()
        self._group = GroupCommit(pool, self._waiters.grew)
        self._poller: asyncio.Task[None] | None = None
        self._id = ""

    # -- writing ------------------------------------------------------------------------------------------------

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        """As the port says. A caller who is cancelled leaves; his append may land or not.

        Raises psycopg.OperationalError if the database cannot be reached and certainly has not got the append.
        """
        return await self._group.append(stream, expected, events)

    async def append_in(
        self, conn: AsyncConnection[Any], stream: str, expected: int, events: Sequence[NewEvent]
    ) -> Appended:
        """`append` inside the caller's transaction, which must be read committed; the last statement before commit.

        It holds the lock of the log until then, so nobody else appends meanwhile. After a `Conflict` the transaction
        is still good. The answer holds once the caller has committed; `grew` then wakes who waits in this process.
        """
        return await append_in(conn, stream, expected, events)

    async def append_all_in(
        self, conn: AsyncConnection[Any], appends: Sequence[tuple[str, int, Sequence[NewEvent]]]
    ) -> Appended:
        """`append_in` to several streams in one call, each (stream, expected, events); answers for the last one.

        After a `Conflict` the transaction must be rolled back. Keep a call to some thousands of events.
        """
        return await append_all_in(conn, appends)

    async def append_together(
        self, conn: AsyncConnection[Any], appends: Sequence[tuple[str, int, Sequence[NewEvent]]]
    ) -> int:
        """Append to several streams inside the caller's transaction, each (stream, expected, events).

        The position of the last one, 0 for none. After a `Conflict` the transaction must be rolled back.
        """
        position = 0
        for append in appends:
            position = (await append_in(conn, *append)).position
        return position

    def grew(self, head: int) -> None:
        """Tell the log that an `append_in` up to position `head` has been committed."""
        self._waiters.grew(head)

    async def close(self) -> None:
        """Return when no append is on its way. The pool stays open; it is the caller's."""
        await self._group.drain()
        if self._poller is not None:
            self._poller.cancel()

    # -- reading ------------------------------------------------------------------------------------------------

    async def log_id(self) -> str:
        """As the port says."""
        if not self._id:
            rows = await self._select("select log_id::text from public.log", ())
            self._id = rows[0][0]
        return self._id

    async def head(self) -> int:
        """As the port says."""
        rows = await self._select(_HEAD, ())
        head: int = rows[0][0] if rows else 0
        self._waiters.grew(head)
        return head

    async def read(self, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """As the port says."""
        return await self._select(_READ, (after, limit), _recorded)

    async def read_stream(self, stream: str, after: int = NO_STREAM) -> list[Recorded]:
        """As the port says."""
        return await self._select(_STREAM, (stream, after), _recorded)

    async def at(self, position: int) -> Recorded | None:
        """As the port says."""
        rows: list[Recorded] = await self._select(_AT, (position,), _recorded)
        return rows[0] if rows else None

    async def read_back(self, before: int | None, limit: int) -> list[Recorded]:
        """As the port says."""
        if before is None:
            return await self._select(_LAST, (limit,), _recorded)
        return await self._select(_BACK, (before, limit), _recorded)

    async def first_at(self, moment: datetime) -> int | None:
        """As the port says: found by halving, since the time never goes back."""
        low, beyond = 1, await self.head() + 1
        high = beyond
        while low < high:
            middle = (low + high) // 2
            row = await self.at(middle)
            assert row is not None, "positions have no holes"
            low, high = (low, middle) if row.at >= moment else (middle + 1, high)
        return low if low < beyond else None

    async def scan(self, after: int = 0, chunk: int = SCAN_CHUNK) -> AsyncIterator[list[Recorded]]:
        """All events with position > `after`, in lists of up to `chunk`, until the head is reached.

        The next chunk is fetched while the caller works on this one.
        """
        rows = await self.read(after, chunk)
        while rows:
            following = asyncio.create_task(self.read(rows[-1].position, chunk))
            try:
                yield rows
                rows = await following
            finally:
                if not following.done():  # the caller has left: give the connection back before the pool is closed
                    following.cancel()
                    await asyncio.wait([following])

    async def _select(
        self, query: LiteralString, values: tuple[Any, ...], factory: Callable[[AsyncCursor[Any]], Any] = tuple_row
    ) -> list[Any]:
        """Rows of a query. Tried once more if the connection turns out dead, as all are after a server's restart."""
        try:
            return await self._selected(query, values, factory)
        except OperationalError as failed:
            if isinstance(failed, PoolClosed | PoolTimeout | QueryCanceled):
                raise
            await self._pool.check()
            return await self._selected(query, values, factory)

    async def _selected(
        self, query: LiteralString, values: tuple[Any, ...], factory: Callable[[AsyncCursor[Any]], Any]
    ) -> list[Any]:
        async with self._pool.connection() as conn, conn.cursor(binary=True, row_factory=factory) as cursor:
            await cursor.execute(query, values, prepare=True)
            return await cursor.fetchall()

    # -- waiting ------------------------------------------------------------------------------------------------

    async def wait(self, after: int, timeout: float) -> int:
        """As the port says. Appends of this process wake at once, those of others within `poll` seconds."""
        if self._waiters.head > after:
            return self._waiters.head
        if (head := await self.head()) > after or timeout <= 0:
            return head
        if self._poller is None:
            self._poller = asyncio.create_task(self._look())
        return await self._waiters.beyond(after, timeout)

    async def _look(self) -> None:
        """Ask for the head as long as somebody waits: one poller for all of them."""
        try:
            while True:
                await asyncio.sleep(self._poll)
                if not self._waiters.count:
                    return
                with suppress(OperationalError):  # the next call of a waiter tells him
                    await self.head()
        finally:
            self._poller = None


def _recorded(cursor: AsyncCursor[Any]) -> Callable[[Sequence[Any]], Recorded]:
    """Rows as `Recorded`, times in UTC whatever the session's zone."""
    if cursor.connection.info.parameter_status("TimeZone") in ("UTC", "Etc/UTC"):
        return Recorded._make
    return lambda row: Recorded._make((*row[:5], row[5].astimezone(UTC), *row[6:]))
