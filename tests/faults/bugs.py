"""Seeded bugs: each breaks the product the way that its design forbids, so that the harness proves it can fail.

`PROCESS` are patches of a process under test, installed by the zygote in the children of a world that names the bug.
`STORE` are other texts of the append function, installed in a world's database. Nothing of this is in the product.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import OperationalError

from services.gradebook import problems, rules
from services.gradebook.page import Page
from services.kit.authn import Grants
from services.kit.bus.bus import Message
from services.kit.bus.kafka import KafkaBus
from services.kit.clock import SystemClock
from services.kit.handle import Command, Fact, Folded
from services.kit.log.eventlog import Appended, NewEvent, OutcomeUnknown, Recorded
from services.kit.log.postgres import PostgresLog
from services.kit.projector import Projector, write
from services.kit.view import Batch

LOST = 0.3
"""The share of records that a lossy bus loses."""
REPEATED = 40


def answer_before_commit() -> None:
    """The append is answered at once and carried out a little later."""
    append = PostgresLog.append
    kept: set[asyncio.Task[Any]] = set()

    async def hasty(self: PostgresLog, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        async def later() -> None:
            await asyncio.sleep(0.2)
            await append(self, stream, expected, events)

        head = await self.head()
        kept.add(asyncio.create_task(later()))
        return Appended(head + len(events), expected + len(events), False)

    PostgresLog.append = hasty  # type: ignore[method-assign]


def no_dedup() -> None:
    """A command that is sent again is another command."""

    def forgetful(self: Folded[Any], facts: Sequence[Fact]) -> Folded[Any]:
        if not facts:
            return self
        return Folded(self.state.fold(facts), facts[-1].revision, facts[-1].position, {})

    Folded.then = forgetful  # type: ignore[method-assign]
    Command.event_id = lambda self, n: str(uuid4())  # type: ignore[method-assign]


def lost_counts_as_done() -> None:
    """A connection that died during an append is taken for success."""
    append = PostgresLog.append

    async def hopeful(self: PostgresLog, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        try:
            async with asyncio.timeout(0.3):
                return await append(self, stream, expected, events)
        except (OutcomeUnknown, OperationalError, TimeoutError):
            return Appended(1, expected + len(events), False)

    PostgresLog.append = hopeful  # type: ignore[method-assign]


def rights_never_end() -> None:
    """The end of a right is not heard."""
    Grants._end = lambda self, end: None  # type: ignore[method-assign]


def close_by_clock() -> None:
    """A page counts as closed only when the clock says that its period is over."""

    def g2_open(page: Page) -> None:
        assert page.opened is not None
        if page.closed is not None and SystemClock().now().date() > page.opened.ends_on:
            raise problems.PageClosed

    rules.g2_open = g2_open


def cursor_before_rows() -> None:
    """The cursor is committed before the rows that it stands for."""

    async def written(self: Projector, name: str, rows: Sequence[Recorded]) -> int:
        from services.kit import projector

        await _move(self, name, rows[-1])
        batch = Batch(self.view)
        batch.add(name, rows)
        async with self._pool.connection() as conn, conn.transaction():
            await projector.write(conn, self.view, self.view.name, batch)
        return rows[-1].position

    Projector._written = written  # type: ignore[method-assign]


def predecessor_ignored() -> None:
    """Records are taken as they come, and the bus loses some."""
    lossy_bus()

    async def take(self: Projector, name: str, messages: Sequence[Message]) -> None:
        await self._apply(name, [m.event for m in messages if m.event.position > self.positions[name]])

    Projector._take = take  # type: ignore[method-assign]


def lossy_bus() -> None:
    """The relay's records get lost now and then. No bug: a bus may do that, and nothing may come of it."""
    publish = KafkaBus.publish

    async def losing(self: KafkaBus, topic: str, messages: Sequence[Message]) -> None:
        await publish(self, topic, [m for m in messages if random.random() > LOST])

    KafkaBus.publish = losing  # type: ignore[method-assign]


def duplicates_applied() -> None:
    """Old records that come again, and in another order, are applied again."""
    repeating_bus()

    async def take(self: Projector, name: str, messages: Sequence[Message]) -> None:
        rows = [m.event for m in messages]
        batch = Batch(self.view)
        batch.add(name, rows)
        async with self._pool.connection() as conn, conn.transaction():
            await write(conn, self.view, self.view.name, batch)
        newest = max(rows, key=lambda row: row.position)
        if newest.position > self.positions[name]:
            await _move(self, name, newest)
            self.positions[name] = newest.position

    Projector._take = take  # type: ignore[method-assign]


def repeating_bus() -> None:
    """Every batch is followed by what went before it, backwards. No bug: a bus may do that too."""
    publish = KafkaBus.publish
    former: list[Message] = []

    async def repeating(self: KafkaBus, topic: str, messages: Sequence[Message]) -> None:
        await publish(self, topic, [*messages, *reversed(former)])
        former.extend(messages)
        del former[:-REPEATED]

    KafkaBus.publish = repeating  # type: ignore[method-assign]


def feed_read_once() -> None:
    """A hole is filled with the feed's first page and taken for filled."""

    async def fill(self: Projector, name: str) -> None:
        feed = self._feeds[name]
        if rows := await feed.read(self.positions[name], 3):
            await self._apply(name, rows)
            head = await feed.head()
            last = await feed.read(head - 1, 1)
            await _move(self, name, last[0])
            self.positions[name] = head

    Projector._fill = fill  # type: ignore[method-assign]


async def _move(projector: Projector, name: str, to: Recorded) -> None:
    async with projector._pool.connection() as conn:
        await conn.execute(
            "update view_cursor set position = %s, event_id = %s where view = %s and log = %s",
            (to.position, to.id, projector.view.name, name),
        )


PROCESS: dict[str, Callable[[], None]] = {
    "answer before commit": answer_before_commit,
    "no dedup": no_dedup,
    "lost counts as done": lost_counts_as_done,
    "rights never end": rights_never_end,
    "close by clock": close_by_clock,
    "cursor before rows": cursor_before_rows,
    "predecessor ignored": predecessor_ignored,
    "duplicates applied": duplicates_applied,
    "feed read once": feed_read_once,
    "lossy bus": lossy_bus,
    "repeating bus": repeating_bus,
}

LOCK = "  perform pg_advisory_xact_lock(7316002);  -- a statement of its own: those below see every earlier commit\n"
BASE = "  base := coalesce(base, 0);\n"
STORE: dict[str, tuple[str, str, str]] = {
    "no lock": ("", "", "  base := coalesce(base, 0);\n  perform pg_sleep(0.005);\n"),
    "bare sequence": (
        "create sequence public.log_order;"
        " select setval('public.log_order', (select max(position) from public.event));"
        " grant all on sequence public.log_order to public",
        "",
        "  base := nextval('public.log_order') - 1;\n"
        "  perform nextval('public.log_order') from generate_series(2, cardinality(ids));\n"
        "  perform pg_sleep(random() * 0.02);\n",
    ),
    "one statement": (
        "create table public.log_counter as select max(position) as n from public.event;"
        " grant all on public.log_counter to public",
        "",
        "  with counted as (update public.log_counter set n = n + cardinality(ids) returning n - cardinality(ids) as n)"
        "\n  select n into base from counted;\n",
    ),
}
"""{bug: what is made first, what stands for the lock, what stands for the base of positions}."""


def install(name: str) -> None:
    """Make this process have the bug; one of the store's is not a process's."""
    if name not in STORE:
        PROCESS[name]()


def install_in_store(name: str, dsn: str) -> None:
    """Replace the append function of the gradebook's log."""
    first, lock, base = STORE[name]
    text = files("services.kit.log").joinpath("postgres.sql").read_text(encoding="utf-8")
    assert LOCK in text
    assert BASE in text
    begin = text.index("create or replace function public.log_append")
    function = text[begin:].replace(LOCK, lock).replace(BASE, base)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(first.encode() or b"select 1")
        conn.execute(function.encode())
