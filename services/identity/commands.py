"""Changes of identity: one transaction holds the tables, the receipt of the command and the events.

`Commands.execute(command, do)` runs `do(tx)`, which reads and writes tables through `tx.conn` and names the events by
`tx.emit`. Receipt, tables and events are committed together, the append being the last statement, since it holds the
log's lock until the commit. A command that is refused leaves no trace; the same command again answers as before.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import orjson
from psycopg import AsyncConnection, InterfaceError, OperationalError, Rollback
from psycopg.errors import DeadlockDetected
from psycopg_pool import PoolTimeout

from contracts.envelope import Event
from contracts.events.identity import EVENTS
from contracts.ids import derived
from services.kit.clock import Clock
from services.kit.handle import Command
from services.kit.log.eventlog import NO_STREAM, Appended, Conflict, EventLog, NewEvent
from services.kit.postgres import Pool
from services.kit.problems import Busy, KeyReused, OutcomeUnclear

ATTEMPTS = 8
JITTER_SECONDS = 0.02
STREAMS_PER_APPEND = 1000

Conn = AsyncConnection[Any]
StreamAppend = tuple[str, int, Sequence[NewEvent]]


class Log(EventLog, Protocol):
    """What identity needs of its log: to append to several streams inside its own transaction."""

    async def append_all_in(self, conn: Conn, appends: Sequence[StreamAppend]) -> Appended: ...

    def grew(self, head: int) -> None: ...


class Tx:
    """A change being made. `today`: the day in the college. `emit` and `later` take effect with the commit."""

    def __init__(self, conn: Conn, command: Command, now: datetime, today: date) -> None:
        self.conn, self.command, self.now, self.today = conn, command, now, today
        self.events: list[tuple[str, Event]] = []
        self.afterwards: list[Callable[[], None]] = []
        self._ids = 0

    @property
    def actor(self) -> str:
        return self.command.actor

    def new_id(self) -> str:
        """An id for a new thing; the same when the command is carried out again."""
        self._ids += 1
        return derived("identity", self.command.id, str(self._ids))

    def emit(self, stream: str, event: Event) -> None:
        self.events.append((stream, event))

    def later(self, action: Callable[[], None]) -> None:
        """To be called once the change is committed."""
        self.afterwards.append(action)

    async def rows(self, sql: str, params: Any = ()) -> list[tuple[Any, ...]]:
        return await (await self.conn.execute(sql.encode(), params)).fetchall()

    async def row(self, sql: str, params: Any = ()) -> tuple[Any, ...] | None:
        return await (await self.conn.execute(sql.encode(), params)).fetchone()

    async def run(self, sql: str, params: Any = ()) -> int:
        """The number of rows that the statement touched."""
        return (await self.conn.execute(sql.encode(), params)).rowcount


class Outcome(NamedTuple):
    """The answer of a command and where it landed: the position of its last event, or the head without one."""

    answer: dict[str, Any]
    position: int
    replayed: bool = False


Do = Callable[[Tx], Awaitable[dict[str, Any]]]


class Commands:
    """Carries commands out on one database and its log."""

    def __init__(self, pool: Pool, log: Log, clock: Clock, zone: ZoneInfo) -> None:
        self.pool, self.log, self.clock, self.zone = pool, log, clock, zone

    def today(self) -> date:
        return self.clock.now().astimezone(self.zone).date()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """Reads outside of any change: a connection in autocommit."""
        async with self.pool.connection() as conn:
            now = self.clock.now()
            yield Tx(conn, Command("", "", ""), now, now.astimezone(self.zone).date())

    async def execute(self, command: Command, do: Do, *, secret: bool = False, dry: bool = False) -> Outcome:
        """Carry `command` out. Raises the problems of `do`, KeyReused, Busy, OutcomeUnclear.

        secret: the member "secret" of the answer is given now and not kept. dry: roll everything back at the end; the
        position is then 0.
        """
        for attempt in range(ATTEMPTS):
            try:
                return await self._execute(command, do, secret, dry)
            except (Conflict, DeadlockDetected):
                await asyncio.sleep(random.random() * JITTER_SECONDS * (attempt + 1))  # noqa: S311 - spreads retries
            except PoolTimeout:
                raise  # nothing was sent
            except (OperationalError, InterfaceError) as lost:
                raise OutcomeUnclear from lost
        raise Busy

    async def _execute(self, command: Command, do: Do, secret: bool, dry: bool) -> Outcome:
        now = self.clock.now()
        tx: Tx | None = None
        answer: dict[str, Any] = {}
        position = 0
        async with self.pool.connection() as conn, conn.transaction() as transaction:
            tx = Tx(conn, command, now, now.astimezone(self.zone).date())
            first = await tx.run(
                "insert into command (id, request, at) values (%s, %s, %s) on conflict do nothing",
                (command.id, command.request, now),
            )
            if not first:
                return await self._replay(tx)
            answer = await do(tx)
            kept = {k: v for k, v in answer.items() if k != "secret"} if secret else answer
            await tx.run(
                "update command set answer = %s, events = %s where id = %s",
                (orjson.dumps(kept).decode(), len(tx.events), command.id),
            )
            if dry:
                raise Rollback(transaction)
            position = await self._append(tx)
        if dry:
            return Outcome(answer, 0)
        if position:
            self.log.grew(position)
        for action in tx.afterwards:
            action()
        return Outcome(answer, position or await self.log.head())

    async def _replay(self, tx: Tx) -> Outcome:
        row = await tx.row("select request, answer, events from command where id = %s", (tx.command.id,))
        assert row is not None, "a conflicting receipt is committed"
        request, answer, events = row
        if request != tx.command.request:
            raise KeyReused
        # By this connection: asking the log would need a second one while holding the first.
        at = await tx.row(
            "select coalesce((select position from event where event_id = %s::uuid),"
            " (select max(position) from event), 0)",
            (tx.command.event_id(events - 1) if events else None,),
        )
        return Outcome(orjson.loads(answer), at[0] if at else 0, True)

    async def _append(self, tx: Tx) -> int:
        """Append the events, each stream's in its order. The tables are the truth that was judged on; the revisions
        only order what was written to a stream meanwhile, and a Conflict repeats the whole change."""
        if not tx.events:
            return 0
        meta = tx.command.meta(tx.now).text()
        streams: dict[str, list[NewEvent]] = {}
        for n, (stream, event) in enumerate(tx.events):
            streams.setdefault(stream, []).append(NewEvent(tx.command.event_id(n), *EVENTS.encode(event), meta))
        rows = await tx.rows(
            "select s.stream, e.revision from unnest(%s::text[]) s (stream), lateral (select revision from event"
            " where event.stream = s.stream order by revision desc limit 1) e",
            (list(streams),),
        )
        heads: dict[str, int] = dict(rows)
        # The position answered is that of the command's last event, so its stream goes last.
        last = tx.events[-1][0]
        order = [s for s in streams if s != last] + [last]
        appends = [(s, heads.get(s, NO_STREAM), streams[s]) for s in order]
        landed = Appended(0, 0)
        for start in range(0, len(appends), STREAMS_PER_APPEND):
            landed = await self.log.append_all_in(tx.conn, appends[start : start + STREAMS_PER_APPEND])
        return landed.position
