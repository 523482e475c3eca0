"""Building a view anew beside the live one, and proving the live one against the fold of its logs.

The logs are folded in memory, copied into a fresh schema, indexed, caught up to the live cursor under its lock and
switched by renaming schemas: one transaction, so a crash leaves the live view as it was. Verifying is the same
transaction rolled back after comparing every row. Readers are never kept waiting longer than for the renaming.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

import structlog
from psycopg import AsyncConnection, OperationalError, Rollback, adapters, sql
from psycopg.adapt import Dumper
from psycopg.pq import Format

from services.kit.collecting import uncollected
from services.kit.log.eventlog import Feed, Recorded
from services.kit.projector import Cursor, confirm, create_tables, cursors, install, write
from services.kit.settings import CannotStart
from services.kit.view import Batch, Fold, Key, View, types_of

CHUNK = 5000

log = structlog.get_logger()

Progress = Callable[[str, int, int], None]
"""Told (log name, events read, events there are) after every chunk."""


class Difference(NamedTuple):
    """The first row in which the live view is not the fold of its logs; None: there is no such row on that side."""

    table: str
    key: Key
    live: dict[str, Any] | None
    rebuilt: dict[str, Any] | None


class Report(NamedTuple):
    """events: folded. rows: of the new tables. seconds: of the whole. difference: found when it was looked for."""

    view: str
    events: int
    rows: int
    seconds: float
    difference: Difference | None


async def ensure(view: View, feeds: Mapping[str, Feed], dsn_owner: str) -> Report | None:
    """At start: make the view's tables if there are none; rebuild them if they are of another version.

    Raises CannotStart for a log that is empty although the view has read it: the log is kept somewhere else, and a
    command taken here would begin a second history.
    """
    async with await AsyncConnection.connect(dsn_owner, autocommit=True) as conn:
        await install(conn, view)
        found = await cursors(conn, view)
        await _refuse_emptied(view, feeds, found)
        if all(cursor.version == view.version for cursor in found.values()):
            return None
    log.info("view is of another version, rebuilding", view=view.name, version=view.version)
    return await rebuild(view, feeds, dsn_owner)


async def _refuse_emptied(view: View, feeds: Mapping[str, Feed], found: Mapping[str, Cursor]) -> None:
    for name, cursor in found.items():
        if not cursor.position or name not in feeds:
            continue
        try:
            head = await feeds[name].head()
        except (OSError, OperationalError):  # away for now: that is no reason not to start
            continue
        if not head:
            raise CannotStart(
                f"Журнал событий {name} пуст, хотя представление {view.name} его читало. Если он в KurrentDB, "
                f"укажите ZHURNAL_KURRENT_URI и ZHURNAL_KURRENT_LOGS; если утрачен, восстановите копию.",
                f"The log of {name} is empty although the view {view.name} has read it. If it is in KurrentDB, set "
                f"ZHURNAL_KURRENT_URI and ZHURNAL_KURRENT_LOGS; if it is lost, restore a backup.",
            )


async def rebuild(
    view: View, feeds: Mapping[str, Feed], dsn_owner: str, progress: Progress | None = None, verify: bool = False
) -> Report:
    """Build the view from nothing and put it in the live one's place; the projector goes on from there by itself.

    verify: also compare with what the live tables held. It settles for whatever log it finds: that is how a view
    follows a restored log.
    """
    with uncollected():
        return await _run(view, feeds, dsn_owner, progress, compare=verify, switch=True)


async def verify(
    view: View, feeds: Mapping[str, Feed], dsn_owner: str, progress: Progress | None = None
) -> Difference | None:
    """The first difference between the live view and the fold of its logs up to its cursor; changes nothing.

    Raises OtherVersion, and ForeignLog when the live cursor is not a position of the log.
    """
    with uncollected():
        return (await _run(view, feeds, dsn_owner, progress, compare=True, switch=False)).difference


async def _run(
    view: View, feeds: Mapping[str, Feed], dsn: str, progress: Progress | None, compare: bool, switch: bool
) -> Report:
    started = time.perf_counter()
    feeds = {name: feeds[name] for name in view.logs}
    new, old = f"{view.name}__new", f"{view.name}__old"
    difference: Difference | None = None
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        # One at a time; the lock ends with the connection, so also with a process that is killed.
        await conn.execute("select pg_advisory_lock(hashtext('rebuild'), hashtext(%s))", (view.name,))
        await install(conn, view)
        await _drop(conn, view, old)
        live = await cursors(conn, view)
        if compare:
            for name, feed in feeds.items():
                await confirm(view, name, feed, live[name])
        fold = Fold(view)
        reached, events = {}, 0
        for name, feed in feeds.items():
            # What is compared is folded up to the live cursor and no further, then both go on together.
            limit = live[name].position if compare else await feed.head()
            reached[name], count = await _fold(fold, name, feed, limit, progress)
            events += count
        async with conn.transaction():
            await conn.execute("set local maintenance_work_mem = '128MB'")  # the keys are sorted without a file
            await create_tables(conn, view, new)
            await _copy(conn, view, new, fold)
            rows = sum(map(len, fold.rows.values()))
            del fold
            for statement in view.indexes(new):
                await conn.execute(statement.encode())
            live = await cursors(conn, view, lock=True)
            for name, feed in feeds.items():
                # A view may hear a log that its former version did not: then no cursor is there yet.
                there = live[name].position if name in live else 0
                limit = there if compare else max(there, reached[name].position)
                reached[name] = await _catch_up(conn, view, new, name, feed, reached[name], limit)
            if compare:
                difference = await _compare(conn, view, new)
            if not switch:
                raise Rollback
            await conn.execute(sql.SQL("alter schema {} rename to {}").format(*_ids(view.name, old)))
            await conn.execute(sql.SQL("alter schema {} rename to {}").format(*_ids(new, view.name)))
            await _set_cursors(conn, view, reached)
        if switch:
            await _drop(conn, view, old)
            for table in view.tables:
                await conn.execute(sql.SQL("analyze {}.{}").format(*_ids(view.name, table)))
    return Report(view.name, events, rows, time.perf_counter() - started, difference)


async def _fold(fold: Fold, name: str, feed: Feed, limit: int, progress: Progress | None) -> tuple[Cursor, int]:
    """Fold the log up to position `limit`; where that ended, and the number of events."""
    cursor, count = Cursor(fold.view.version, await feed.log_id(), 0, ""), 0
    async for rows in _chunks(feed, 0, limit):
        fold.add(name, rows)
        count += len(rows)
        cursor = cursor._replace(position=rows[-1].position, event_id=rows[-1].id)
        if progress is not None:
            progress(name, cursor.position, limit)
    return cursor, count


async def _chunks(feed: Feed, after: int, limit: int) -> AsyncIterator[list[Recorded]]:
    """The events with after < position ≤ limit; the next chunk is fetched while the caller works on this one."""
    if after >= limit:
        return
    rows = await feed.read(after, CHUNK)
    while rows:
        after = rows[-1].position
        following = asyncio.create_task(_after(feed, after, limit))
        try:
            yield rows if after <= limit else [row for row in rows if row.position <= limit]
            rows = await following
        finally:
            following.cancel()


async def _after(feed: Feed, after: int, limit: int) -> list[Recorded]:
    return await feed.read(after, CHUNK) if after < limit else []


class _JsonText(Dumper):
    """JSON text on its way into a jsonb column of a binary COPY."""

    oid = adapters.types["jsonb"].oid
    format = Format.BINARY

    def dump(self, obj: str) -> bytes:
        return b"\x01" + obj.encode()


async def _copy(conn: AsyncConnection[Any], view: View, schema: str, fold: Fold) -> None:
    conn.adapters.register_dumper(_JsonText, _JsonText)
    for name, table in view.tables.items():
        for columns, rows in fold.groups(name).items():
            types = types_of(table, columns)
            statement = sql.SQL("copy {}.{} ({}) from stdin (format binary, freeze)").format(
                *_ids(schema, name), sql.SQL(", ").join(_ids(*types))
            )
            async with conn.cursor() as cursor, cursor.copy(statement) as copy:
                copy.set_types(list(types.values()))
                for row in rows:
                    await copy.write_row(row)


async def _catch_up(
    conn: AsyncConnection[Any], view: View, schema: str, name: str, feed: Feed, cursor: Cursor, limit: int
) -> Cursor:
    async for rows in _chunks(feed, cursor.position, limit):
        batch = Batch(view)
        batch.add(name, rows)
        await write(conn, view, schema, batch)
        cursor = cursor._replace(position=rows[-1].position, event_id=rows[-1].id)
    return cursor


async def _compare(conn: AsyncConnection[Any], view: View, schema: str) -> Difference | None:
    for name, table in view.tables.items():
        found = await conn.execute(
            sql.SQL(
                "select to_jsonb(l.r), to_jsonb(n.r)"
                " from (select row({key}) k, t r from {live} t) l full join (select row({key}) k, t r from {new} t) n"
                " on l.k = n.k where l.r is distinct from n.r order by coalesce(l.k, n.k) limit 1"
            ).format(
                key=sql.SQL(", ").join(_ids(*table.key)),
                live=sql.Identifier(view.name, name),
                new=sql.Identifier(schema, name),
            )
        )
        if row := await found.fetchone():
            live, rebuilt = row
            return Difference(name, tuple((live or rebuilt)[c] for c in table.key), live, rebuilt)
    return None


async def _set_cursors(conn: AsyncConnection[Any], view: View, reached: Mapping[str, Cursor]) -> None:
    """Upserts: a projector that waits for a row must find it, not see it deleted."""
    await conn.execute("delete from view_cursor where view = %s and log <> all (%s)", (view.name, list(reached)))
    for name, cursor in reached.items():
        await conn.execute(
            "insert into view_cursor values (%s, %s, %s, %s, %s, %s) on conflict (view, log) do update set"
            " version = excluded.version, log_id = excluded.log_id, position = excluded.position,"
            " event_id = excluded.event_id",
            (view.name, name, view.version, *cursor[1:]),
        )


async def _drop(conn: AsyncConnection[Any], view: View, schema: str) -> None:
    """Drop what was switched away, table by table: a reader that still holds one waits for none of the others."""
    found = await conn.execute("select tablename from pg_tables where schemaname = %s", (schema,))
    for (table,) in await found.fetchall():
        await conn.execute(sql.SQL("drop table {}.{}").format(*_ids(schema, table)))
    await conn.execute(sql.SQL("drop schema if exists {}").format(sql.Identifier(schema)))


def _ids(*names: str) -> list[sql.Identifier]:
    return [sql.Identifier(name) for name in names]
