"""Keeps the tables of a view equal to the fold of its logs.

Per log a cursor {log id, position} is written in the same transaction as the rows. Events come from the bus; a hole
or a second of silence is settled with the feed, which alone is the truth. A cursor beyond the head or another log id
means a restored or foreign log: the view stops and says so, and it stops on what it cannot apply.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import structlog
from psycopg import AsyncConnection, OperationalError, sql
from psycopg_pool import AsyncConnectionPool

from services.kit.bus.bus import Bus, Message, Subscription
from services.kit.log.eventlog import Feed, Recorded
from services.kit.problems import Behind
from services.kit.view import Batch, View, types_of

BATCH = 5000
SILENCE_SECONDS = 1.0
RETRY_SECONDS = 0.5
REACHED_POLL_SECONDS = 0.02
REACHED_LIMIT_SECONDS = 3.0

log = structlog.get_logger()

CURSOR_DDL = """
create table if not exists view_cursor (
  view text not null, log text not null, version int not null, log_id text not null, position bigint not null,
  primary key (view, log))
"""


class ForeignLog(RuntimeError):
    """The log is not the one that the view was built from: restored from a backup, or another one."""


class Projector:
    """One view in the database of its service."""

    def __init__(
        self, view: View, pool: AsyncConnectionPool[AsyncConnection[Any]], feeds: dict[str, Feed], bus: Bus
    ) -> None:
        self.view, self._pool, self._feeds, self._bus = view, pool, feeds, bus
        self.positions = dict.fromkeys(view.logs, 0)
        self.stopped: str | None = None
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Follow all logs until cancelled. What cannot be applied stops this view, not the process."""
        try:
            async with asyncio.TaskGroup() as group:
                for name in self.view.logs:
                    group.create_task(self._follow(name))
        except* Exception as failed:
            self.stopped = repr(failed.exceptions[0])
            log.error("view stopped", view=self.view.name, exc_info=failed.exceptions[0])

    async def catch_up(self) -> None:
        """Apply everything that the feeds have now."""
        for name in self.view.logs:
            await self._open(name)
            await self._fill(name)

    async def reached(self, name: str, position: int) -> None:
        """Return once the view shows that position of the log. Raises Behind after `REACHED_LIMIT_SECONDS`."""
        waited = 0.0
        while self.positions.get(name, 0) < position:
            if waited >= REACHED_LIMIT_SECONDS or name not in self.view.logs:
                raise Behind
            moved = self._moved
            try:
                await asyncio.wait_for(moved.wait(), REACHED_POLL_SECONDS)
            except TimeoutError:
                waited += REACHED_POLL_SECONDS
                await self._look(name)

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
            except (OSError, OperationalError, httpx.TransportError) as lost:
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

    async def _take(self, name: str, messages: Sequence[Message]) -> None:
        """Apply the messages that continue the cursor; a hole is filled from the feed."""
        position = self.positions[name]
        rows: list[Recorded] = []
        for message in messages:
            if message.event.position <= position:
                continue
            if message.predecessor != position:
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
        """Read the cursor, or begin at 0 for a log that the view has not seen."""
        log_id = await self._feeds[name].log_id()
        async with self._pool.connection() as conn, conn.transaction():
            await conn.execute(
                "insert into view_cursor values (%s, %s, %s, %s, 0) on conflict do nothing",
                (self.view.name, name, self.view.version, log_id),
            )
            held_id, self.positions[name] = await self._lock(conn, name)
        if held_id != log_id:
            raise ForeignLog(f"{name}: the view {self.view.name} was built from log {held_id}, this one is {log_id}")

    async def _lock(self, conn: AsyncConnection[Any], name: str) -> tuple[str, int]:
        cursor = await conn.execute(
            "select log_id, position from view_cursor where view = %s and log = %s for update", (self.view.name, name)
        )
        row = await cursor.fetchone()
        assert row is not None, "the cursor row is made by _open"
        return row[0], row[1]

    async def _look(self, name: str) -> None:
        """Another process may project this view: read how far it is."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "select position from view_cursor where view = %s and log = %s", (self.view.name, name)
            )
            if row := await cursor.fetchone():
                self.positions[name] = max(self.positions[name], row[0])

    async def _apply(self, name: str, rows: Sequence[Recorded]) -> None:
        """Apply rows that continue the cursor. What another projector of this view applied meanwhile is skipped."""
        if not rows:
            return
        async with self._pool.connection() as conn, conn.transaction():
            _, position = await self._lock(conn, name)
            rows = [row for row in rows if row.position > position]
            if rows:
                batch = Batch(self.view)
                batch.add(name, rows)
                await write(conn, self.view, self.view.name, batch)
                position = rows[-1].position
                await conn.execute(
                    "update view_cursor set position = %s where view = %s and log = %s",
                    (position, self.view.name, name),
                )
        self.positions[name] = position
        self._moved.set()
        self._moved = asyncio.Event()


async def write(conn: AsyncConnection[Any], view: View, schema: str, batch: Batch) -> None:
    """Delete and upsert the rows of a batch, one statement per table and set of columns."""
    for name, keys in batch.drops():
        table = view.tables[name]
        types = types_of(table, ())
        arrays = sql.SQL(", ").join(sql.SQL(f"%s::{t}[]") for t in types.values())
        await conn.execute(
            sql.SQL("delete from {}.{} where ({}) in (select * from unnest({}))").format(
                sql.Identifier(schema), sql.Identifier(name), _names(types), arrays
            ),
            [list(column) for column in zip(*keys, strict=True)],
        )
    for name, columns, rows in batch.puts():
        types = types_of(view.tables[name], columns)
        arrays = sql.SQL(", ").join(sql.SQL(f"%s::{t}[]") for t in types.values())
        update = (
            sql.SQL("update set {}").format(
                sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(c)) for c in columns)
            )
            if columns
            else sql.SQL("nothing")
        )
        await conn.execute(
            sql.SQL("insert into {}.{} ({}) select * from unnest({}) on conflict ({}) do {}").format(
                sql.Identifier(schema),
                sql.Identifier(name),
                _names(types),
                arrays,
                _names(view.tables[name].key),
                update,
            ),
            [list(column) for column in zip(*rows, strict=True)],
        )


def _names(columns: Any) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(c) for c in columns)
