"""Keeps the tables of a view equal to the fold of its logs.

Per log a cursor {log id, position, id of that event} is written in the same transaction as the rows. Events come from
the bus; a hole or a second of silence is settled with the feed, which alone is the truth. A cursor that the log does
not confirm (beyond the head, another event there, another log id) means a restored or foreign log: the view stops and
says so, and it stops on what it cannot apply. Under a stream of events batches keep a distance of `PACE_SECONDS`, so
that a view costs little; a reader who waits for a position is served at once.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any, NamedTuple

import httpx
import structlog
from psycopg import AsyncConnection, OperationalError, sql
from psycopg_pool import AsyncConnectionPool

from services.kit.bus.bus import Bus, Message, Subscription
from services.kit.log.eventlog import Feed, Recorded
from services.kit.problems import Behind
from services.kit.tasks import run_together
from services.kit.tracing import Follow, untraced
from services.kit.view import Batch, View, types_of

BATCH = 5000
SILENCE_SECONDS = 1.0
RETRY_SECONDS = 0.5
PACE_SECONDS = 0.05
REACHED_POLL_SECONDS = 0.01
REACHED_LIMIT_SECONDS = 3.0

log = structlog.get_logger()

CURSOR_DDL = """
create table if not exists view_cursor (
  view text not null, log text not null, version int not null,
  log_id text not null default '', position bigint not null default 0, event_id text not null default '',
  primary key (view, log))
"""


class ForeignLog(RuntimeError):
    """The log is not the one that the view was built from: restored from a backup, or another one."""


class OtherVersion(RuntimeError):
    """The tables were made by another version of the view: rebuild it (`services.kit.rebuild`)."""


class Cursor(NamedTuple):
    """How far a view has read a log. log_id is empty until it has met the log, event_id at position 0."""

    version: int
    log_id: str
    position: int
    event_id: str


async def cursors(conn: AsyncConnection[Any], view: View, lock: bool = False) -> dict[str, Cursor]:
    """{log: cursor} of a view, empty if it is not installed. lock: until the transaction's end nothing moves them."""
    query = "select log, version, log_id, position, event_id from view_cursor where view = %s order by log"
    found = await conn.execute(f"{query} for update" if lock else query, (view.name,))
    return {log: Cursor(*rest) for log, *rest in await found.fetchall()}


async def confirm(view: View, name: str, feed: Feed, cursor: Cursor) -> None:
    """Have the log confirm a cursor. Raises OtherVersion and ForeignLog."""
    if cursor.version != view.version:
        raise OtherVersion(f"{view.name}: the tables are of version {cursor.version}, not {view.version}")
    log_id = await feed.log_id()
    if cursor.log_id not in ("", log_id):
        raise ForeignLog(f"{name}: {view.name} was built from log {cursor.log_id}, this one is {log_id}")
    if cursor.position:
        there = await feed.at(cursor.position)
        if there is None or there.id != cursor.event_id:
            raise ForeignLog(f"{name}: position {cursor.position} of the view {view.name} is not in the log")


async def install(conn: AsyncConnection[Any], view: View) -> None:
    """Make the empty tables of a view and its cursors, as the owner; nothing if they are there in whatever version.

    What the service's role may do with them, it gets by the default privileges that `kit.postgres` has set.
    """
    async with conn.transaction():
        await conn.execute("select pg_advisory_xact_lock(hashtext('view'))")
        await conn.execute(CURSOR_DDL)
        if await cursors(conn, view):
            return
        await create_tables(conn, view, view.name)
        for statement in view.indexes(view.name):
            await conn.execute(statement.encode())
        for log_name in view.logs:
            await conn.execute(
                "insert into view_cursor (view, log, version) values (%s, %s, %s)", (view.name, log_name, view.version)
            )


async def create_tables(conn: AsyncConnection[Any], view: View, schema: str) -> None:
    """The empty tables of a view in a new schema, without keys and indexes."""
    await conn.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    for statement in view.ddl(schema):
        await conn.execute(statement.encode())


class Projector:
    """One view in the database of its service."""

    def __init__(
        self,
        view: View,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        feeds: dict[str, Feed],
        bus: Bus,
        pace: float = PACE_SECONDS,
    ) -> None:
        self.view, self._pool, self._feeds, self._bus, self._pace = view, pool, feeds, bus, pace
        self.positions = dict.fromkeys(view.logs, 0)
        self._ids: dict[str, str] = {}
        self.stopped: str | None = None
        self.traced: Follow = untraced
        self._follows = False
        self._moved = asyncio.Event()
        self._waiting, self._hurry = 0, asyncio.Event()

    async def run(self) -> None:
        """Follow all logs until cancelled. What cannot be applied stops this view, not the process."""
        self._follows = True
        try:
            await run_together(partial(self._follow, name) for name in self.view.logs)
        except Exception as failed:
            self.stopped = repr(failed)
            log.error("view stopped", view=self.view.name, exc_info=failed)

    async def catch_up(self) -> None:
        """Apply everything that the feeds have now."""
        for name in self.view.logs:
            await self._open(name)
            await self._fill(name)

    async def shown(self, min_position: str | None) -> None:
        """Honour `min_position` of a query, `log:position`: return once the view shows it. Raises Behind."""
        if min_position:
            name, _, position = min_position.partition(":")
            await self.reached(name, int(position))

    async def reached(self, name: str, position: int) -> None:
        """Return once the view shows that position of the log. Raises Behind after `REACHED_LIMIT_SECONDS`."""
        if self.positions.get(name, 0) >= position:
            return
        if name not in self.view.logs:
            raise Behind
        self._waiting += 1
        self._hurry.set()
        try:
            async with asyncio.timeout(REACHED_LIMIT_SECONDS):
                await self.come()  # where another process projects this view, it is most often there already
                while self.positions[name] < position:
                    moved = self._moved
                    try:
                        async with asyncio.timeout(REACHED_POLL_SECONDS):
                            await moved.wait()
                    except TimeoutError:
                        await self._look()
        except (TimeoutError, OperationalError) as late:
            raise Behind from late
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._hurry.clear()

    async def come(self) -> dict[str, int]:
        """How far the view has come, {log: position}: whoever reads it now sees that much, or more."""
        if not self._follows:
            await self._look()
        return dict(self.positions)

    # -- following one log ------------------------------------------------------------------------------------

    async def _follow(self, name: str) -> None:
        await self._retried(self._open, name)
        async with self._bus.subscribe(name) as subscription:
            await self._retried(self._fill, name)
            while True:
                await self._retried(self._step, name, subscription)

    async def _retried(self, step: Any, *args: Any) -> None:
        """A lost database or feed is tried again; nothing was half-applied."""
        while True:
            try:
                await step(*args)
            except (OSError, OperationalError, httpx.HTTPError) as lost:
                log.warning("view waits", view=self.view.name, error=repr(lost))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _step(self, name: str, subscription: Subscription) -> None:
        messages = await subscription.next(SILENCE_SECONDS)
        if not messages:
            if await self._feeds[name].head() != self.positions[name]:
                await self._fill(name)
            return
        for start in range(0, len(messages), BATCH):
            await self._take(name, messages[start : start + BATCH])
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace):
                await self._hurry.wait()

    async def _take(self, name: str, messages: Sequence[Message]) -> None:
        """Apply the messages that continue the cursor; a hole is filled from the feed."""
        position = self.positions[name]
        rows: list[Recorded] = []
        foreign = {message.log for message in messages} - {self._ids[name]}
        if foreign and (now := await self._feeds[name].log_id()) != self._ids[name]:
            raise ForeignLog(f"{name}: {self.view.name} was built from log {self._ids[name]}, this one is {now}")
        for message in messages:
            if message.log in foreign:  # left over in the topic from another history of the log
                continue
            if message.event.position <= position:
                continue
            if message.predecessor < position:
                raise ForeignLog(f"{name}: position {position} of the view {self.view.name} is not in the log")
            if message.predecessor > position:
                await self._apply(name, rows)
                await self._fill(name)
                return
            rows.append(message.event)
            position = message.event.position
        await self._apply(name, rows)

    async def _fill(self, name: str) -> None:
        feed = self._feeds[name]
        while rows := await feed.read(self.positions[name], BATCH):
            await self._apply(name, rows)
        if await feed.head() < self.positions[name]:
            raise ForeignLog(f"{name}: the view {self.view.name} is beyond the head of the log")

    # -- the database -----------------------------------------------------------------------------------------

    async def _open(self, name: str) -> None:
        """Read the cursor and have the log confirm it."""
        feed = self._feeds[name]
        log_id = await feed.log_id()
        async with self._pool.connection() as conn, conn.transaction():
            cursor = await self._lock(conn, name)
            if not cursor.log_id:
                await conn.execute(
                    "update view_cursor set log_id = %s where view = %s and log = %s", (log_id, self.view.name, name)
                )
        await confirm(self.view, name, feed, cursor)
        self.positions[name], self._ids[name] = cursor.position, log_id

    async def _lock(self, conn: AsyncConnection[Any], name: str) -> Cursor:
        found = await conn.execute(
            "select version, log_id, position, event_id from view_cursor where view = %s and log = %s for update",
            (self.view.name, name),
        )
        row = await found.fetchone()
        if row is None or row[0] != self.view.version:
            raise OtherVersion(f"{self.view.name}: the tables are not of version {self.view.version}")
        return Cursor(*row)

    async def _look(self) -> None:
        """Another process may project this view: read how far it is."""
        async with self._pool.connection() as conn:
            found = await conn.execute("select log, position from view_cursor where view = %s", (self.view.name,))
            for name, position in await found.fetchall():
                if name in self.positions:
                    self.positions[name] = max(self.positions[name], position)

    async def _apply(self, name: str, rows: Sequence[Recorded]) -> None:
        """Apply rows that continue the cursor. What another projector of this view applied meanwhile is skipped."""
        if not rows:
            return
        with self.traced(f"view {self.view.name}", rows):
            self.positions[name] = await self._written(name, rows)
        self._moved.set()
        self._moved = asyncio.Event()

    async def _written(self, name: str, rows: Sequence[Recorded]) -> int:
        """Write the rows that are new, and the cursor; where that stands now."""
        async with self._pool.connection() as conn, conn.transaction():
            position = (await self._lock(conn, name)).position
            rows = [row for row in rows if row.position > position]
            if rows:
                batch = Batch(self.view)
                batch.add(name, rows)
                await write(conn, self.view, self.view.name, batch)
                position = rows[-1].position
                await conn.execute(
                    "update view_cursor set position = %s, event_id = %s where view = %s and log = %s",
                    (position, rows[-1].id, self.view.name, name),
                )
        return position


async def write(conn: AsyncConnection[Any], view: View, schema: str, batch: Batch) -> None:
    """Delete and upsert the rows of a batch, one statement per table and set of columns."""
    for name, keys in batch.drops():
        types = types_of(view.tables[name], ())
        await conn.execute(_delete(schema, name, tuple(types.items())), [list(c) for c in zip(*keys, strict=True)])
    for name, columns, rows in batch.puts():
        table = view.tables[name]
        statement = _upsert(schema, name, tuple(table.key), tuple(types_of(table, columns).items()))
        await conn.execute(statement, [list(column) for column in zip(*rows, strict=True)])


# Put together once: a stream of small batches consists of the same few statements.


@cache
def _delete(schema: str, table: str, key: tuple[tuple[str, str], ...]) -> bytes:
    """key: ((column, base SQL type), …)."""
    statement = sql.SQL("delete from {}.{} where ({}) in (select * from unnest({}))").format(
        sql.Identifier(schema), sql.Identifier(table), _names(name for name, _ in key), _arrays(key)
    )
    return statement.as_bytes()


@cache
def _upsert(schema: str, table: str, key: tuple[str, ...], types: tuple[tuple[str, str], ...]) -> bytes:
    """types: ((column, base SQL type), …) of the key and of the columns that are put."""
    put = [sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name, _ in types if name not in key]
    statement = sql.SQL("insert into {}.{} ({}) select * from unnest({}) on conflict ({}) do {}").format(
        sql.Identifier(schema),
        sql.Identifier(table),
        _names(name for name, _ in types),
        _arrays(types),
        _names(key),
        sql.SQL("update set {}").format(sql.SQL(", ").join(put)) if put else sql.SQL("nothing"),
    )
    return statement.as_bytes()


def _arrays(types: tuple[tuple[str, str], ...]) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(type_)) for _, type_ in types)


def _names(columns: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(c) for c in columns)
