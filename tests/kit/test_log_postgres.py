"""The event log on PostgreSQL: the suite of all adapters, and what only several connections can show."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection, OperationalError, errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from services.kit.embedded import EmbeddedServer
from services.kit.log import group
from services.kit.log.eventlog import NO_STREAM, Appended, Conflict, EventTooLarge, NewEvent, OutcomeUnknown
from services.kit.log.postgres import PostgresLog, install
from services.kit.postgres import Database
from tests.conftest import NewDatabase
from tests.kit.log_conformance import (
    Account,
    DenseConformance,
    Reader,
    Told,
    check,
    event,
    events,
    fresh,
    write_much,
)
from tests.kit.log_races import RACES, Race, opened, stuck

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]


async def with_log(new: NewDatabase) -> Database:
    made = await new("gradebook")
    async with await AsyncConnection.connect(made.owner_dsn) as owner:
        await install(owner, made.role)
    return made


@pytest.fixture(scope="module")
async def place(module_database: NewDatabase) -> Database:
    return await with_log(module_database)


@pytest.fixture
async def log(place: Database) -> AsyncIterator[PostgresLog]:
    async with opened(place, poll=0.01) as (log, _):
        yield log


class TestPostgresLog(DenseConformance):
    @pytest.fixture
    async def empty_log(self, database: NewDatabase) -> AsyncIterator[PostgresLog]:
        async with opened(await with_log(database)) as (log, _):
            yield log


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
async def test_race(place: Database, race: Race) -> None:
    await race(place)


async def test_a_long_running_snapshot_holds_nobody_up(place: Database, log: PostgresLog) -> None:
    async with await AsyncConnection.connect(place.dsn) as conn:
        await conn.execute("set transaction isolation level repeatable read")
        before = await (await conn.execute("select count(*) from event")).fetchone()
        await log.append(fresh(), NO_STREAM, events(2))
        assert await (await conn.execute("select count(*) from event")).fetchone() == before


# -- several processes ----------------------------------------------------------------------------------------------


async def test_writers_in_several_processes_whose_connections_are_killed(
    place: Database, log: PostgresLog, server: EmbeddedServer
) -> None:
    shared, after = [fresh() for _ in range(4)], await log.head()
    known = conninfo_to_dict(place.dsn)
    password = str(known.pop("password"))
    dsn = make_conninfo("", **{k: v for k, v in known.items() if v is not None})
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.kit.log_writer", dsn, str(seed), "6", "15", *shared),
            cwd=ROOT,
            env={**os.environ, "PGPASSWORD": password},
            stdout=asyncio.subprocess.PIPE,
        )
        for seed in range(3)
    ]
    said = [asyncio.create_task(process.communicate()) for process in processes]
    reader = Reader(log, after)
    killing = asyncio.create_task(_kill_writers(server.dsn(place.name), "writer-%"))
    await reader.follow(lambda: not all(task.done() for task in said))
    killing.cancel()
    account = Account()
    for output, _ in await asyncio.gather(*said):
        told = json.loads(output)
        account.landed += [Told(*row) for row in told["landed"]]
        account.refused += told["refused"]
        account.unknown += told["unknown"]
    check(reader.rows, after)
    account.reconcile(reader.rows)
    assert len(account.landed) >= 3 * 6 * 15


async def _kill_writers(admin_dsn: str, name: str) -> None:
    """End one connection after another until cancelled."""
    async with await AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        while True:
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name like %s and state = 'active' limit 1",
                (name,),
            )
            await asyncio.sleep(0.1)


async def test_killed_connections_lose_nothing_and_write_nothing_twice(place: Database, server: EmbeddedServer) -> None:
    async with opened(place) as (log, pool):
        account, stream, after = Account(), fresh(), await log.head()
        killing = asyncio.create_task(_kill_writers(server.dsn(place.name), str(pool.name)))
        await asyncio.gather(*(write_much(log, account, [stream], n, 20) for n in range(16)))
        killing.cancel()
        rows = await log.read(after, 10_000)
        check(rows, after)
        account.reconcile(rows)


# -- lost connections -----------------------------------------------------------------------------------------------


async def _kill(server: EmbeddedServer, place: Database, name: str) -> None:
    async with await AsyncConnection.connect(server.dsn(place.name), autocommit=True) as admin:
        await admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = %s", (name,)
        )


async def test_a_connection_killed_under_an_append_is_replaced(
    place: Database, log: PostgresLog, server: EmbeddedServer
) -> None:
    """The append waits for the lock when its connection dies; it lands by another one, once."""
    after, batch = await log.head(), events(2)
    async with opened(place) as (other, pool), await AsyncConnection.connect(place.dsn) as conn:
        await log.append_in(conn, fresh(), NO_STREAM, [event()])
        work = asyncio.create_task(other.append(fresh(), NO_STREAM, batch))
        async with await AsyncConnection.connect(place.dsn, autocommit=True) as watch:
            assert await stuck(watch, work)
        await _kill(server, place, str(pool.name))
        await conn.commit()
        assert await work == Appended(after + 3, 1)
    check(await log.read(after), after)


async def test_an_outcome_that_cannot_be_learnt_is_said_to_be_unknown(
    database: NewDatabase, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "RESOLVE_SECONDS", 0.2)
    place = await with_log(database)
    allow = sql.SQL("alter database {} with allow_connections {}")
    batch = events(2)
    async with (
        await AsyncConnection.connect(server.dsn(), autocommit=True) as admin,
        opened(place) as (log, pool),
        await AsyncConnection.connect(place.dsn) as conn,
    ):
        await log.append_in(conn, fresh(), NO_STREAM, [event()])
        work = asyncio.create_task(log.append("lost", NO_STREAM, batch))
        async with await AsyncConnection.connect(place.dsn, autocommit=True) as watch:
            assert await stuck(watch, work)
        await admin.execute(allow.format(sql.Identifier(place.name), sql.SQL("false")))
        await admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = %s", (pool.name,)
        )
        with pytest.raises(OutcomeUnknown):
            await work
        pool.timeout = 0.2
        with pytest.raises(OperationalError):  # this one was certainly not sent
            await log.append("never", NO_STREAM, [event()])
        await admin.execute(allow.format(sql.Identifier(place.name), sql.SQL("true")))
        await conn.rollback()
    async with opened(place) as (log, _):  # asking again by the same ids makes it known
        assert await log.append("lost", NO_STREAM, batch) == Appended(2, 1)


async def test_reading_goes_on_after_all_connections_died(place: Database, server: EmbeddedServer) -> None:
    async with opened(place) as (log, pool):
        landed = await log.append(fresh(), NO_STREAM, [event()])
        await _kill(server, place, str(pool.name))
        assert await log.head() == landed.position
        await _kill(server, place, str(pool.name))
        assert len(await log.read(landed.position - 1)) == 1


async def test_a_closed_pool_is_an_error_at_once(place: Database) -> None:
    async with opened(place) as (log, pool):
        await pool.close()
        with pytest.raises(OperationalError):
            await log.append(fresh(), NO_STREAM, [event()])


# -- group commit ---------------------------------------------------------------------------------------------------


async def test_appends_of_the_same_turn_share_a_commit(place: Database, log: PostgresLog) -> None:
    after = await log.head()
    await asyncio.gather(*(log.append(fresh(), NO_STREAM, events(2)) for _ in range(50)))
    rows = await log.read(after)
    assert len({row.at for row in rows}) == 1
    assert await _transactions(place, after) == 1


async def test_a_group_holds_one_append_per_stream(place: Database, log: PostgresLog) -> None:
    stream, after = fresh(), await log.head()
    answers = await asyncio.gather(
        *(log.append(stream, n - 1, [event()]) for n in range(4)), *(log.append(fresh(), -1, [event()]) for _ in "ab")
    )
    assert [a.revision for a in answers] == [0, 1, 2, 3, 0, 0]
    assert await _transactions(place, after) == 4


async def test_a_group_is_limited(place: Database, log: PostgresLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "GROUP_EVENTS", 10)
    after = await log.head()
    await asyncio.gather(*(log.append(fresh(), NO_STREAM, events(5)) for _ in range(8)))
    assert await _transactions(place, after) == 4
    monkeypatch.setattr(group, "GROUP_BYTES", 50_000)
    after = await log.head()
    await asyncio.gather(*(log.append(fresh(), NO_STREAM, [event(body="x" * 50_000)]) for _ in range(3)))
    assert await _transactions(place, after) == 3


async def _transactions(place: Database, after: int) -> int:
    """How many transactions wrote the events after that position."""
    async with await AsyncConnection.connect(place.dsn) as conn:
        cursor = await conn.execute("select count(distinct xmin::text) from event where position > %s", (after,))
        row = await cursor.fetchone()
        assert row is not None
        return int(row[0])


# -- appends inside a transaction -----------------------------------------------------------------------------------


async def test_append_in_lands_with_the_transaction(place: Database, log: PostgresLog) -> None:
    stream, batch = fresh(), events(2)
    async with await AsyncConnection.connect(place.dsn) as conn:
        landed = await log.append_in(conn, stream, NO_STREAM, batch)
        assert await log.read_stream(stream) == []
        await conn.commit()
        assert [row.id for row in await log.read_stream(stream)] == [e.id for e in batch]
        assert await log.append_in(conn, stream, NO_STREAM, batch) == landed._replace(duplicate=True)


async def test_append_in_refuses_like_append_and_leaves_the_transaction_good(place: Database, log: PostgresLog) -> None:
    stream = fresh()
    async with await AsyncConnection.connect(place.dsn) as conn:
        with pytest.raises(Conflict) as refused:
            await log.append_in(conn, stream, 3, [event()])
        assert refused.value.actual == NO_STREAM
        with pytest.raises(EventTooLarge):
            await log.append_in(conn, stream, 3, [event(body="x" * 70_000)])
        with pytest.raises(ValueError, match=r"\w"):
            await log.append_in(conn, stream, 3, [])
        assert (await log.append_in(conn, stream, NO_STREAM, [event()])).revision == 0
        await conn.commit()
        used = (await log.read_stream(stream))[0].id
        with pytest.raises(ValueError, match=r"\w"):
            await log.append_in(conn, stream, 0, [event(), event(used)])
    assert len(await log.read_stream(stream)) == 1


async def test_appends_to_several_streams_land_together_or_not_at_all(place: Database, log: PostgresLog) -> None:
    first, second, after = fresh(), fresh(), await log.head()
    appends = [(first, NO_STREAM, events(2)), (second, NO_STREAM, events(3))]
    async with await AsyncConnection.connect(place.dsn) as conn:
        with pytest.raises(Conflict) as refused:
            await log.append_all_in(conn, [*appends, (fresh(), 7, [event()])])
        assert refused.value.expected == 7
        await conn.rollback()
        wrong: list[list[tuple[str, int, list[NewEvent]]]] = [
            [],
            [(first, NO_STREAM, [])],
            [appends[0], (first, NO_STREAM, [event()])],
        ]
        for bad in wrong:
            with pytest.raises(ValueError, match=r"\w"):
                await log.append_all_in(conn, bad)
            await conn.rollback()
        assert await log.append_all_in(conn, appends) == Appended(after + 5, 2)
        await conn.commit()
        assert await log.append_all_in(conn, appends) == Appended(after + 5, 2, duplicate=True)
    rows = await log.read(after)
    check(rows, after)
    assert [row.id for row in rows] == [e.id for _, _, batch in appends for e in batch]


async def test_append_in_needs_a_fresh_snapshot(place: Database, log: PostgresLog) -> None:
    for level in ("repeatable read", "serializable"):
        async with await AsyncConnection.connect(place.dsn) as conn:
            await conn.execute(f"set transaction isolation level {level}".encode())
            with pytest.raises(errors.InvalidTransactionState):
                await log.append_in(conn, fresh(), NO_STREAM, [event()])


# -- waiting --------------------------------------------------------------------------------------------------------


async def test_waiting_ends_with_an_append_of_another_process(place: Database, log: PostgresLog) -> None:
    head = await log.head()
    waiting = [asyncio.create_task(log.wait(head, 60)) for _ in range(3)]
    await asyncio.sleep(0.01)
    async with opened(place) as (other, _):
        await other.append(fresh(), NO_STREAM, events(2))
    assert await asyncio.gather(*waiting) == [head + 2] * 3


async def test_waiting_ends_when_a_transaction_of_this_process_says_so(place: Database) -> None:
    async with opened(place, poll=3600) as (log, _), await AsyncConnection.connect(place.dsn) as conn:
        head = await log.head()
        waiting = asyncio.create_task(log.wait(head, 60))
        await asyncio.sleep(0.01)
        landed = await log.append_in(conn, fresh(), NO_STREAM, [event()])
        await conn.commit()
        log.grew(landed.position)
        assert await waiting == head + 1


async def test_all_waiters_share_one_poller(place: Database) -> None:
    asked = 0

    class Counting(PostgresLog):
        async def head(self) -> int:
            nonlocal asked
            asked += 1
            return await super().head()

    async with opened(place) as (_, pool):
        log = Counting(pool, poll=0.05)
        head = await log.head()
        await asyncio.gather(*(log.wait(head, 0.3) for _ in range(40)))
        assert 41 < asked <= 41 + 10
        await log.close()


# -- what nobody may do ---------------------------------------------------------------------------------------------

CHANGES = (
    "update event set body = ''",
    "update event set at = now() where false",
    "delete from event",
    "truncate event",
    "update log set log_id = gen_random_uuid()",
    "delete from log",
    "truncate log",
    "insert into event select position, event_id, stream, revision, type, at, 'x', meta from event"
    " on conflict (position) do update set body = excluded.body",
)


@pytest.mark.parametrize("statement", CHANGES)
@pytest.mark.parametrize("who", ["service", "owner"])
async def test_nobody_changes_what_is_written(place: Database, log: PostgresLog, who: str, statement: str) -> None:
    stream = fresh()
    await log.append(stream, NO_STREAM, [event()])
    before = await log.read_stream(stream)
    async with await AsyncConnection.connect(place.dsn if who == "service" else place.owner_dsn) as conn:
        with pytest.raises(errors.InsufficientPrivilege):
            await conn.execute(statement.encode())
    assert await log.read_stream(stream) == before


@pytest.mark.parametrize(
    "statement",
    [
        "insert into event values (1000000, gen_random_uuid(), 's', 0, 't', now(), 'b', 'm')",
        "insert into log (one) values (true)",
        "alter table event disable trigger all",
        "alter table event disable trigger append_only",
        "drop trigger append_only on event",
        "drop table event",
        "alter table event drop constraint event_pkey",
        "set session_replication_role = replica",
        "create or replace function log_refuse() returns trigger language plpgsql as 'begin return new; end'",
        "create function pg_temp.x() returns int language sql as 'select 1'",
        "lock table event in access exclusive mode",
    ],
)
async def test_the_service_reads_and_appends_and_nothing_else(place: Database, statement: str) -> None:
    async with await AsyncConnection.connect(place.dsn) as conn:
        with pytest.raises(errors.InsufficientPrivilege):
            await conn.execute(statement.encode())


async def test_no_other_role_sees_the_log(place: Database, server: EmbeddedServer) -> None:
    async with await AsyncConnection.connect(server.dsn(place.name), autocommit=True) as admin:
        for relation in ("event", "log"):
            cursor = await admin.execute(
                "select grantee, privilege_type from information_schema.role_table_grants where table_name = %s"
                " and grantee <> %s",
                (relation, f"{place.role}_owner"),
            )
            assert await cursor.fetchall() == [(place.role, "SELECT")]
        cursor = await admin.execute(
            "select proname, proacl::text from pg_proc where proname in ('log_append', 'log_refuse') order by 1"
        )
        owner = f"{place.role}_owner"
        assert await cursor.fetchall() == [
            ("log_append", f"{{{owner}=X/{owner},{place.role}=X/{owner}}}"),
            ("log_refuse", f"{{{owner}=X/{owner}}}"),
        ]


# -- installing -----------------------------------------------------------------------------------------------------


async def test_installing_again_keeps_everything(place: Database, log: PostgresLog) -> None:
    await log.append(fresh(), NO_STREAM, [event()])
    head, log_id = await log.head(), await log.log_id()
    async with await AsyncConnection.connect(place.owner_dsn, autocommit=True) as owner:
        await install(owner, place.role)
        await owner.execute("comment on table log is 'installed by an older program'")
        await install(owner, place.role)
    async with opened(place) as (again, _):
        assert (await again.head(), await again.log_id()) == (head, log_id)
        await again.append(fresh(), NO_STREAM, [event()])


async def test_two_processes_install_at_once(database: NewDatabase) -> None:
    made = await database("gradebook")

    async def one() -> None:
        async with await AsyncConnection.connect(made.owner_dsn) as owner:
            await install(owner, made.role)

    await asyncio.gather(*(one() for _ in range(4)))
    async with opened(made) as (log, _):
        assert (await log.append("a", NO_STREAM, [NewEvent(event().id, "Noted.v1", "{}", "{}")])).position == 1


async def test_the_plan_never_scans_the_table(place: Database, log: PostgresLog, server: EmbeddedServer) -> None:
    """Also right after the statistics said that the table is tiny."""
    await log.append(fresh(), NO_STREAM, events(200))
    async with await AsyncConnection.connect(server.dsn(place.name), autocommit=True) as admin:
        await admin.execute("analyze event")
        await admin.execute("select pg_stat_reset()")
        async with opened(place) as (fresh_log, _):
            for _ in range(8):
                await fresh_log.append(fresh(), NO_STREAM, events(3))
                await fresh_log.at(1)
                await fresh_log.read_back(None, 3)
        await admin.execute("select pg_stat_force_next_flush()")
        cursor = await admin.execute("select seq_scan from pg_stat_user_tables where relname = 'event'")
        assert await cursor.fetchone() == (0,)
