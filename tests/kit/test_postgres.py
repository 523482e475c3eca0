"""A service's database: who may do what in it, migrations, pools."""

from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection, errors
from psycopg.conninfo import make_conninfo

from services.kit.embedded import EmbeddedServer
from services.kit.log.eventlog import NO_STREAM, NewEvent
from services.kit.log.postgres import PostgresLog, install
from services.kit.postgres import Database, check_version, grant, migrate, migrations_of, open_pool, prepare
from services.kit.settings import CannotStart
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

FIRST = """
create table mark (id int primary key, value int not null);
create table spare (id int generated always as identity, note text);
create schema card;
create table card.row (id int primary key);
"""
SECOND = "alter table mark add column note text"


async def _run(dsn: str, *statements: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        for statement in statements:
            cursor = await conn.execute(statement.encode())
            rows = await cursor.fetchall() if cursor.description else []
    return rows


async def _migrated(database: NewDatabase, texts: Sequence[str] = (FIRST,)) -> Database:
    made = await database("gradebook")
    await migrate(made.owner_dsn, made.role, texts)
    return made


@pytest.fixture(scope="module")
async def common(module_database: NewDatabase) -> Database:
    return await _migrated(module_database)


async def test_the_service_reads_and_writes_rows_in_every_schema_of_the_owner(database: NewDatabase) -> None:
    made = await _migrated(database)
    await _run(
        made.dsn,
        "insert into mark values (1, 5), (2, 4)",
        "update mark set value = 3 where id = 1",
        "delete from mark where id = 2",
        "insert into spare (note) values ('a')",
        "insert into card.row values (7)",
    )
    assert await _run(made.dsn, "select * from mark") == [(1, 3)]


async def test_the_owner_settles_the_rights_in_a_database_that_an_operator_made(server: EmbeddedServer) -> None:
    """Roles and an empty database, as CloudNativePG leaves them; no superuser is needed from then on."""
    name = "made_by_an_operator"
    dsns = {role: make_conninfo(server.dsn(), dbname=name, user=role, password="p") for role in (name, f"{name}_owner")}
    made = Database(name, name, dsns[name], dsns[f"{name}_owner"])
    await _run(
        server.dsn(),
        f"create role {name} login password 'p'",
        f"create role {name}_owner login password 'p'",
        f"create database {name} owner {name}_owner template template0",
    )
    try:
        for _ in range(2):
            await grant(made)
        await migrate(made.owner_dsn, made.role, [FIRST])
        assert await _run(made.dsn, "insert into mark values (1, 5)", "select value from mark") == [(5,)]
        with pytest.raises(errors.InsufficientPrivilege):
            await _run(made.dsn, "create table mine (id int)")
        assert await _run(server.dsn(), f"select has_database_privilege('public', '{name}', 'connect')") == [(False,)]
    finally:
        await _run(server.dsn(), f"drop database {name}", f"drop role {name}", f"drop role {name}_owner")


@pytest.mark.parametrize(
    "statement",
    [
        "create table mine (id int)",
        "create temporary table mine (id int)",
        "create schema mine",
        "create function f() returns int language sql as 'select 1'",
        "truncate mark",
        "drop table mark",
        "alter table mark add column x int",
        "create index on mark (value)",
        "insert into schema_version values (9, '')",
        "update schema_version set version = 9",
        "delete from schema_version",
        "create role other superuser",
        "create database other",
        "alter system set fsync = off",
        "copy mark to '/tmp/mark'",
        "select pg_read_file('/etc/passwd')",
    ],
)
async def test_the_service_can_neither_define_nor_truncate_nor_rule_the_server(
    common: Database, statement: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        await _run(common.dsn, statement)


async def test_neither_role_is_a_superuser_and_the_owner_makes_no_roles(database: NewDatabase) -> None:
    made = await database("gradebook")
    question = (
        "select rolname, rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls from pg_roles"
    )
    rights = {row[0]: row[1] for row in await _run(made.dsn, question)}
    assert rights[made.role] is False
    assert rights[f"{made.role}_owner"] is False


async def test_a_service_cannot_enter_the_database_of_another(database: NewDatabase) -> None:
    one, other = await database("gradebook"), await database("schedule")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        await _run(one.dsn.replace(f"dbname={one.name}", f"dbname={other.name}"), "select 1")


async def test_a_wrong_password_is_refused(database: NewDatabase, server: EmbeddedServer) -> None:
    made = await database("gradebook")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await _run(server.dsn(made.name, made.role, "guessed"), "select 1")


async def test_preparing_again_keeps_everything(server: EmbeddedServer, database: NewDatabase) -> None:
    made = await _migrated(database)
    await _run(made.dsn, "insert into mark values (1, 5)")
    again = await prepare(server.dsn(), "gradebook", server.password, prefix=made.name.removesuffix("_gradebook"))
    assert again == made
    assert await _run(again.dsn, "select * from mark") == [(1, 5)]


async def test_preparing_is_finished_after_it_was_cut_short(server: EmbeddedServer, database: NewDatabase) -> None:
    made = await database("gradebook")
    await _run(server.dsn(made.name), f"grant connect on database {made.name} to public")
    await _run(server.dsn(made.name), f"revoke connect on database {made.name} from {made.role}")
    await prepare(server.dsn(), "gradebook", server.password, prefix=made.name.removesuffix("_gradebook"))
    granted = await _run(made.dsn, "select has_database_privilege('public', current_database(), 'connect')")
    assert granted == [(False,)]


async def test_the_event_log_in_such_a_database_is_written_by_its_function_only(database: NewDatabase) -> None:
    made = await database("gradebook")
    async with await AsyncConnection.connect(made.owner_dsn, autocommit=True) as owner:
        await install(owner, made.role)
    pool = await open_pool(made.dsn, name="gradebook")
    try:
        event = NewEvent("00000000-0000-4000-8000-000000000001", "Tried.v1", "{}", "{}")
        assert await PostgresLog(pool).append("stream", NO_STREAM, [event]) == (1, 0, False)
    finally:
        await pool.close()
    copied = "insert into event select position + 1, gen_random_uuid(), stream, 1, type, at, body, meta from event"
    for dsn in (made.dsn, made.owner_dsn):
        for statement in ("update event set body = ''", "delete from event", "truncate event", "delete from log"):
            with pytest.raises(errors.InsufficientPrivilege):
                await _run(dsn, statement)
    for statement in (copied, "insert into log default values", "alter table event disable trigger all"):
        with pytest.raises(errors.InsufficientPrivilege):
            await _run(made.dsn, statement)
    assert await _run(made.dsn, "select count(*) from event") == [(1,)]


# -- migrations ---------------------------------------------------------------------------------------------------


async def test_migrations_run_once_and_in_order(database: NewDatabase) -> None:
    made = await _migrated(database)
    await migrate(made.owner_dsn, made.role, [FIRST, SECOND])
    await migrate(made.owner_dsn, made.role, [FIRST, SECOND])
    assert await _run(made.dsn, "select version from schema_version order by 1") == [(1,), (2,)]
    assert await _run(made.dsn, "select id, value, note from mark") == []


async def test_a_failing_migration_leaves_nothing_of_itself(database: NewDatabase) -> None:
    made = await _migrated(database)
    with pytest.raises(errors.DivisionByZero):
        await migrate(made.owner_dsn, made.role, [FIRST, "create table half (id int); select 1/0"])
    await migrate(made.owner_dsn, made.role, [FIRST, SECOND])
    assert await _run(made.dsn, "select to_regclass('half')") == [(None,)]


async def test_the_release_before_starts_and_migrates_on_data_to_which_something_was_added(
    database: NewDatabase,
) -> None:
    made = await _migrated(database, [FIRST, SECOND])
    await migrate(made.owner_dsn, made.role, [FIRST])
    async with await AsyncConnection.connect(made.dsn) as conn:
        await check_version(conn, [FIRST])
        with pytest.raises(CannotStart, match="by another program"):
            await check_version(conn, [FIRST + " "])
    assert await _run(made.dsn, "select version from schema_version order by 1") == [(1,), (2,)]


async def test_data_of_which_something_was_taken_is_refused_to_who_still_reads_it(database: NewDatabase) -> None:
    third = "-- needs: 2\nalter table mark drop column value"
    made = await _migrated(database, [FIRST, SECOND, third])
    async with await AsyncConnection.connect(made.dsn) as conn:
        await check_version(conn, [FIRST, SECOND])
        with pytest.raises(CannotStart, match="install a newer program"):
            await check_version(conn, [FIRST])
    with pytest.raises(CannotStart, match="install a newer program"):
        await migrate(made.owner_dsn, made.role, [FIRST])


async def test_data_that_was_migrated_before_needs_were_noted_is_brought_forward(database: NewDatabase) -> None:
    made = await _migrated(database)
    await _run(made.owner_dsn, "alter table schema_version drop column needs")
    async with await AsyncConnection.connect(made.dsn, autocommit=True) as conn:
        with pytest.raises(CannotStart, match="not migrated"):
            await check_version(conn, [FIRST])
        await migrate(made.owner_dsn, made.role, [FIRST])
        await check_version(conn, [FIRST])


async def test_a_migration_does_not_stop_everybody_by_waiting_for_a_table(
    database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kit.postgres.MIGRATION_WAIT", "50ms")
    made = await _migrated(database)
    async with await AsyncConnection.connect(made.dsn) as conn:
        await conn.execute("select * from mark")
        with pytest.raises(CannotStart, match="in use by something long"):
            await migrate(made.owner_dsn, made.role, [FIRST, SECOND])
    await migrate(made.owner_dsn, made.role, [FIRST, SECOND])
    assert await _run(made.dsn, "select version from schema_version order by 1") == [(1,), (2,)]


async def test_data_that_needs_a_newer_program_is_refused_with_one_sentence(database: NewDatabase) -> None:
    made = await _migrated(database, [FIRST, f"-- needs: 2\n{SECOND}"])
    with pytest.raises(CannotStart) as refused:
        await migrate(made.owner_dsn, made.role, [FIRST])
    assert "is of version 2" in refused.value.text.en
    assert "версии 2" in refused.value.text.ru
    async with await AsyncConnection.connect(made.dsn) as conn:
        with pytest.raises(CannotStart):
            await check_version(conn, [FIRST])


async def test_a_service_without_the_owners_address_wants_data_that_is_up_to_date(database: NewDatabase) -> None:
    made = await database("gradebook")
    async with await AsyncConnection.connect(made.dsn, autocommit=True) as conn:
        with pytest.raises(CannotStart, match="not migrated to version 1"):
            await check_version(conn, [FIRST])
        await migrate(made.owner_dsn, made.role, [FIRST])
        await check_version(conn, [FIRST])
        with pytest.raises(CannotStart, match="not migrated to version 2"):
            await check_version(conn, [FIRST, SECOND])


async def test_a_changed_migration_is_noticed(database: NewDatabase) -> None:
    made = await _migrated(database)
    with pytest.raises(CannotStart, match="by another program"):
        await migrate(made.owner_dsn, made.role, [FIRST + "-- edited"])


def test_migration_files_are_read_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "invented_service" / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / "invented_service" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("0002_more.sql", "0001_tables.sql", "notes.txt"):
        (folder / name).write_text(name)
    assert migrations_of("invented_service", "absent") == []
    assert migrations_of("invented_service") == ["0001_tables.sql", "0002_more.sql"]
    (folder / "0004_hole.sql").touch()
    with pytest.raises(AssertionError, match="should be number 0003"):
        migrations_of("invented_service")


# -- pools --------------------------------------------------------------------------------------------------------


async def test_a_pool_commits_by_itself_names_itself_and_limits_statements(database: NewDatabase) -> None:
    made = await _migrated(database)
    pool = await open_pool(made.dsn, name="gradebook", smallest=1, largest=2)
    try:
        async with pool.connection() as conn:
            assert conn.autocommit
            await conn.execute("insert into mark values (1, 5)")
            cursor = await conn.execute(
                "select current_setting('application_name'), current_setting('statement_timeout'), current_user"
            )
            assert await cursor.fetchone() == ("gradebook", "30s", made.role)
        async with pool.connection() as conn:
            cursor = await conn.execute("select value from mark")
            assert await cursor.fetchone() == (5,)
    finally:
        await pool.close()


async def test_a_pool_outlives_connections_that_the_server_drops(server: EmbeddedServer, database: NewDatabase) -> None:
    made = await _migrated(database)
    pool = await open_pool(made.dsn, name="gradebook", smallest=1, largest=1)
    try:
        await _run(
            server.dsn(), f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{made.name}'"
        )
        with pytest.raises(psycopg.OperationalError):
            async with pool.connection() as conn:
                await conn.execute("select 1")
        async with pool.connection() as conn:
            await conn.execute("select 1")
    finally:
        await pool.close()


async def test_an_unreachable_database_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.postgres.CONNECT_SECONDS", 1)
    with pytest.raises(CannotStart, match="The database of gradebook cannot be reached"):
        await open_pool(f"host={tmp_path} dbname=none", name="gradebook")
