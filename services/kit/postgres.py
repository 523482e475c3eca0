"""The database of a service: two roles, forward-only migrations, a lean pool.

`zhurnal_<service>_owner` owns the tables and is used for migrations and rebuilds only; `zhurnal_<service>` is what
the service connects as: it reads and writes rows and can neither define nor truncate anything. What the owner creates
is granted to it by default privileges; the event log's own SQL takes back what does not fit a log.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any, LiteralString, NamedTuple

from psycopg import AsyncConnection, errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from services.kit.settings import CannotStart

Pool = AsyncConnectionPool[AsyncConnection[Any]]

STATEMENT_TIMEOUT = "30s"
IDLE_IN_TRANSACTION_TIMEOUT = "60s"
CONNECT_SECONDS = 5
MIGRATION_LOCK = 7_316_001
"""Advisory lock: two processes that start at once migrate one after the other."""
MIGRATION_WAIT = "10s"
"""A statement waits no longer for a table that is in use: all that comes after it would wait behind it."""
NEEDS = re.compile(r"^-- needs: (\d+)$", re.MULTILINE)


class Database(NamedTuple):
    """A service's database: its name, the service's role, and how to connect as that role and as the owner.

    owner_dsn is empty where the operator keeps it to himself and migrates by a job of his own.
    """

    name: str
    role: str
    dsn: str
    owner_dsn: str


def given(dsn: str, owner_dsn: str | None) -> Database:
    """The database at an address from the settings."""
    parts = conninfo_to_dict(dsn)
    return Database(str(parts.get("dbname", "")), str(parts.get("user", "")), dsn, owner_dsn or "")


async def prepare(admin_dsn: str, service: str, password: Callable[[str], str], prefix: str = "zhurnal") -> Database:
    """Make the roles and the database of `service` where they are missing; called on every start.

    admin_dsn: a superuser of the server. password: of a role, by its name. Nothing that exists is changed.
    """
    name = f"{prefix}_{service}"
    owner, role = f"{name}_owner", name
    database = Database(
        name,
        role,
        make_conninfo(admin_dsn, dbname=name, user=role, password=password(role)),
        make_conninfo(admin_dsn, dbname=name, user=owner, password=password(owner)),
    )
    async with await AsyncConnection.connect(admin_dsn, autocommit=True) as admin:
        known = await admin.execute("select rolname from pg_roles where rolname in (%s, %s)", (owner, role))
        roles = {row[0] for row in await known.fetchall()}
        for missing in {owner, role} - roles:
            await admin.execute(
                sql.SQL("create role {} login nosuperuser nocreatedb nocreaterole noreplication password {}").format(
                    sql.Identifier(missing), sql.Literal(password(missing))
                )
            )
        found = await admin.execute("select 1 from pg_database where datname = %s", (name,))
        if not await found.fetchone():
            await _execute(admin, "create database {db} owner {owner} template template0", name, owner, role)
    await _grant(make_conninfo(admin_dsn, dbname=name), name, owner, role)
    return database


async def grant(database: Database) -> None:
    """What the service's role may do in a database that others made and gave to the owner, such as an operator.

    Without the owner's rights over the database nothing is done: then whoever made it has settled this too.
    """
    async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as conn:
        found = await conn.execute(
            "select current_user::text, datname::text from pg_database "
            "where datname = current_database() and pg_get_userbyid(datdba) = current_user"
        )
        row = await found.fetchone()
    if row is not None:
        await _grant(database.owner_dsn, row[1], row[0], database.role)


async def _grant(admin_dsn: str, name: str, owner: str, role: str) -> None:
    """What the service's role may do; repeated on every start, since a killed one may have stopped before it."""
    async with await AsyncConnection.connect(admin_dsn) as admin:
        granted = await admin.execute("select has_database_privilege('public', %s, 'connect')", (name,))
        row = await granted.fetchone()
        if row is not None and not row[0]:
            return  # the last statement below was committed with all the others
        for statement in (
            "revoke all on schema public from public",
            "grant usage on schema public to {role}",
            "alter default privileges for role {owner} grant usage on schemas to {role}",
            "alter default privileges for role {owner} grant select, insert, update, delete on tables to {role}",
            "alter default privileges for role {owner} grant usage on sequences to {role}",
            "alter default privileges for role {owner} revoke execute on functions from public",
            "grant connect on database {db} to {role}",
            "revoke all on database {db} from public",
        ):
            await _execute(admin, statement, name, owner, role)


async def _execute(conn: AsyncConnection[Any], statement: LiteralString, name: str, owner: str, role: str) -> None:
    await conn.execute(
        sql.SQL(statement).format(db=sql.Identifier(name), owner=sql.Identifier(owner), role=sql.Identifier(role))
    )


# -- migrations ---------------------------------------------------------------------------------------------------


def migrations_of(package: str, folder: str = "migrations") -> list[str]:
    """The SQL texts of `package`'s files 0001_what.sql, 0002_what.sql … in order; none if it has no such folder."""
    place = files(package).joinpath(folder)
    if not place.is_dir():
        return []
    names = sorted(entry.name for entry in place.iterdir() if entry.name.endswith(".sql"))
    for number, name in enumerate(names, 1):
        assert re.match(rf"{number:04}_\w+\.sql$", name), f"{name} should be number {number:04}"
    return [place.joinpath(name).read_text(encoding="utf-8") for name in names]


async def migrate(owner_dsn: str, role: str, migrations: Sequence[str], *, restoring: bool = False) -> None:
    """Bring the database to the version of the code: run what is missing, each text in a transaction of its own.

    A text only adds, so programs that do not know it work on beside it. One that takes something away says in a line
    `-- needs: 5` that they must know the texts up to 0005, which no longer use it.

    restoring: the caller is the restore itself. Raises CannotStart if the data needs a newer program, was migrated by
    other texts of the same numbers, or is half restored; and when a table stays in use for `MIGRATION_WAIT`.
    """
    async with await AsyncConnection.connect(owner_dsn, autocommit=True) as conn:
        if not restoring:
            await refuse_half_restored(conn)
        await conn.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        async with conn.transaction():
            await conn.execute(
                "create table if not exists schema_version (version int primary key, digest text not null,"
                " at timestamptz not null default now())"
            )
            await conn.execute(
                sql.SQL("revoke insert, update, delete on schema_version from {}").format(sql.Identifier(role))
            )
            await conn.execute("alter table schema_version add column if not exists needs int not null default 0")
        applied = await _applied(conn, migrations)
        try:
            for version, text in enumerate(migrations[applied:], applied + 1):
                async with conn.transaction():
                    await conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(MIGRATION_WAIT)))
                    await conn.execute(text.encode())
                    await conn.execute(
                        "insert into schema_version (version, digest, needs) values (%s, %s, %s)",
                        (version, _digest(text), needs_of(text)),
                    )
        except errors.LockNotAvailable as busy:
            raise CannotStart(
                f"Таблицы базы {conn.info.dbname} заняты долгой операцией: повторите, сделанное сохранено.",
                f"Tables of the database {conn.info.dbname} are in use by something long: run it again, what was done "
                f"is kept.",
            ) from busy


async def check_version(conn: AsyncConnection[Any], migrations: Sequence[str]) -> None:
    """For a service that has no owner's address and leaves migrating to its operator: is the data up to date?

    Raises CannotStart as `migrate` does, and for data that is not migrated yet.
    """
    await refuse_half_restored(conn)
    try:
        applied = await _applied(conn, migrations)
    except (errors.UndefinedTable, errors.UndefinedColumn):
        applied = -1
    if applied < len(migrations):
        raise CannotStart(
            f"База {conn.info.dbname} не обновлена до версии {len(migrations)}: запустите с адресом её владельца.",
            f"The database {conn.info.dbname} is not migrated to version {len(migrations)}: start once with the "
            f"address of its owner.",
        )


async def _applied(conn: AsyncConnection[Any], migrations: Sequence[str]) -> int:
    """The version of the data. Raises CannotStart for one that did not come from these migrations."""
    cursor = await conn.execute("select digest, needs from schema_version order by version")
    rows = await cursor.fetchall()
    judge_version(conn.info.dbname, [row[0] for row in rows], migrations, max((row[1] for row in rows), default=0))
    return len(rows)


def needs_of(migration: str) -> int:
    """The version that a program must know to work on data of this one; 0: any."""
    found = NEEDS.search(migration)
    return int(found[1]) if found else 0


def judge_version(name: str, digests: Sequence[str], migrations: Sequence[str], needs: int | None = None) -> None:
    """Whether data that these migrations (by `digests`, in order) made can be read or brought forward by ours.

    name: of the database. needs: the version that a program must know; None: nobody knows, so no newer data will do.
    Raises CannotStart if not.
    """
    if len(digests) > len(migrations) and (needs is None or needs > len(migrations)):
        raise CannotStart(
            f"База {name} версии {len(digests)}, а программа знает версии до {len(migrations)}: "
            f"установите более новую программу.",
            f"The database {name} is of version {len(digests)}, but this program knows versions up to "
            f"{len(migrations)}: install a newer program.",
        )
    for version, (digest, text) in enumerate(zip(digests, migrations, strict=False), 1):
        if digest != _digest(text):
            raise CannotStart(
                f"База {name} приведена к версии {version} другой программой: установите ту же программу.",
                f"The database {name} was brought to version {version} by another program: install that.",
            )


async def refuse_half_restored(conn: AsyncConnection[Any]) -> None:
    """Raise CannotStart while the mark of a restore (`services.backup.restore`) is in the database."""
    found = await conn.execute("select to_regclass('public.restoring') is not null")
    if await found.fetchone() == (True,):
        raise CannotStart(
            f"Восстановление базы {conn.info.dbname} не закончено: повторите zhurnal restore с той же копией.",
            f"The database {conn.info.dbname} is half restored: run zhurnal restore with the same backup again.",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# -- connections --------------------------------------------------------------------------------------------------


async def open_pool(dsn: str, *, name: str, smallest: int = 1, largest: int = 4) -> Pool:
    """An open pool of autocommit connections; `name` shows in pg_stat_activity. Close it with `await pool.close()`.

    A statement may run 30 s, a transaction idle 60 s; connections beyond `smallest` close after a minute unused.
    Raises CannotStart if no connection can be had in `CONNECT_SECONDS`.
    """
    conninfo = make_conninfo(
        dsn,
        application_name=name,
        connect_timeout=CONNECT_SECONDS,
        options=f"-c statement_timeout={STATEMENT_TIMEOUT}"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT}",
    )
    pool: Pool = AsyncConnectionPool(
        conninfo,
        min_size=smallest,
        max_size=largest,
        max_idle=60,
        num_workers=1,
        timeout=CONNECT_SECONDS,
        kwargs={"autocommit": True},
        name=name,
        open=False,
    )
    try:
        await pool.open(wait=True, timeout=CONNECT_SECONDS)
    except Exception as failed:
        await pool.close()
        raise CannotStart(
            f"Нет связи с базой данных службы {name}.", f"The database of {name} cannot be reached."
        ) from failed
    return pool
