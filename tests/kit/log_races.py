"""Checks of the event log on PostgreSQL that need several connections; also run against broken logs, to fail there.

Each takes the database and judges the log as it finds it; an AssertionError or an error of the log is the verdict.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from psycopg import AsyncConnection

from services.kit.log.eventlog import NO_STREAM, Appended, Conflict
from services.kit.log.postgres import PostgresLog
from services.kit.postgres import Database, Pool, open_pool
from tests.kit.log_conformance import Account, Reader, check, event, events, fresh, writers_and_reader

Race = Callable[[Database], Awaitable[None]]


@asynccontextmanager
async def opened(database: Database, **options: Any) -> AsyncIterator[tuple[PostgresLog, Pool]]:
    """A log of its own pool, as another process would have."""
    pool = await open_pool(database.dsn, name=f"test-{uuid4()}")
    log = PostgresLog(pool, **options)
    try:
        yield log, pool
    finally:
        await log.close()
        await pool.close()


async def stuck(conn: AsyncConnection[Any], work: asyncio.Task[Any]) -> bool:
    """Wait until `work` has ended or a connection of this database waits for a lock; tell whether it waits."""
    while not work.done():
        found = await conn.execute(
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )
        if await found.fetchone():
            return True
        await asyncio.sleep(0.005)
    return False


async def late_committer(database: Database) -> None:
    """A transaction that appends first and commits last: a reader who polls meanwhile misses nothing."""
    async with opened(database) as (log, pool), pool.connection() as conn, pool.connection() as watch:
        after = await log.head()
        reader = Reader(log, after)
        async with conn.transaction():
            await log.append_in(conn, fresh(), NO_STREAM, events(2))
            other = asyncio.create_task(log.append(fresh(), NO_STREAM, events(2)))
            await stuck(watch, other)
            await reader.read()
        await other
        await reader.follow(lambda: False)
        check(reader.rows, after)
        assert len(reader.rows) == 4, "events are lost"


async def rolled_back(database: Database) -> None:
    """An append whose transaction is rolled back leaves neither events nor a hole; who waited behind it lands."""
    async with opened(database) as (log, pool), pool.connection() as conn, pool.connection() as watch:
        after, stream = await log.head(), fresh()
        async with conn.transaction(force_rollback=True):
            await log.append_in(conn, stream, NO_STREAM, events(2))
            other = asyncio.create_task(log.append(stream, NO_STREAM, events(3)))
            await stuck(watch, other)
        assert await other == Appended(after + 3, 2)
        check(await log.read(after), after)


async def judged_after_the_wait(database: Database) -> None:
    """Who waited for the lock is judged by what was committed meanwhile: the same append is a duplicate, another
    one that expects the same revision is a conflict."""
    async with opened(database) as (log, pool), pool.connection() as conn, pool.connection() as watch:
        stream, batch, after = fresh(), events(2), await log.head()
        async with conn.transaction():
            first = await log.append_in(conn, stream, NO_STREAM, batch)
            same = asyncio.create_task(log.append(stream, NO_STREAM, batch))
            await stuck(watch, same)
        assert await same == first._replace(duplicate=True)
        async with conn.transaction():
            await log.append_in(conn, stream, 1, [event()])
            rival = asyncio.create_task(log.append(stream, 1, [event()]))
            await stuck(watch, rival)
        answer = (await asyncio.gather(rival, return_exceptions=True))[0]
        assert isinstance(answer, Conflict)
        assert answer.actual == 2
        check(await log.read(after), after)


async def older_transaction(database: Database) -> None:
    """A transaction that began before another append and appends after it does not turn the time back."""
    async with opened(database) as (log, pool), pool.connection() as conn:
        after = await log.head()
        async with conn.transaction():
            await conn.execute("select now()")
            await log.append(fresh(), NO_STREAM, [event()])
            await log.append_in(conn, fresh(), NO_STREAM, [event()])
        check(await log.read(after), after)


async def retries(database: Database) -> None:
    """An append sent again, by another process, answers where it landed."""
    async with opened(database) as (log, _), opened(database) as (other, _):
        stream, batch = fresh(), events(2)
        landed = await log.append(stream, NO_STREAM, batch)
        await log.append(stream, 1, [event()])
        assert await other.append(stream, NO_STREAM, batch) == landed._replace(duplicate=True)


async def refusals(database: Database) -> None:
    """Refused appends use up no position."""
    async with opened(database) as (log, _):
        account, stream, after = Account(), fresh(), await log.head()
        for expected in (5, NO_STREAM, 5, 0):
            await asyncio.gather(account.append(log, stream, expected, [event()]), return_exceptions=True)
        rows = await log.read(after)
        check(rows, after)
        account.reconcile(rows)
        assert len(rows) == 2


async def crowd(database: Database) -> None:
    """Many callers over three pools, as three processes would have, and a reader that polls."""
    async with opened(database) as (a, _), opened(database) as (b, _), opened(database) as (c, _):
        await writers_and_reader([a, b, c], callers=24, appends=8)


RACES: tuple[Race, ...] = (
    late_committer,
    rolled_back,
    judged_after_the_wait,
    older_transaction,
    retries,
    refusals,
    crowd,
)
