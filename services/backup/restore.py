"""Restoring a backup into an empty system, and bringing a system to itself that PostgreSQL has recovered.

Before the first row is written every database is marked (`public.restoring`); a marked one is refused by every process
but this. Each database is restored in one transaction. A restore that was killed is run again and goes on where it was;
the marks go when everything is done.
"""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import AsyncConnection

from services.backup.adopt import Adopted, adopt, renew_ids
from services.backup.make import log_state
from services.backup.manifest import TOKEN_KEY, Manifest, check, private, sync_folder, unusable
from services.backup.programs import restoring
from services.kit.datalock import make_folder
from services.kit.log.postgres import install as install_log
from services.kit.postgres import Database, judge_version, migrate, migrations_of
from services.kit.rebuild import Progress
from services.kit.settings import SERVICES, CannotStart, Settings
from services.store import LOGS, Store, plain_store

LOCK = 7_316_030
BEGUN, DONE = "begun", "done"
MARK = "create table public.restoring (backup text not null, step text not null)"
ARGUMENTS = (
    *("--format=custom", "--single-transaction", "--exit-on-error"),
    *("--no-owner", "--no-privileges", "--no-comments"),
)


class Restored(NamedTuple):
    """What was restored. key: the key that signs tokens came with it. seconds: of the whole."""

    manifest: Manifest
    adopted: Adopted
    key: bool
    seconds: float


class _State(NamedTuple):
    """A target database: the backup in its mark ("": no mark), the step it names, whether there is anything else."""

    backup: str
    step: str
    filled: bool


async def restore(settings: Settings, folder: Path, progress: Progress) -> Restored:
    """Restore the backup in `folder` into the empty system of `settings`, or go on with a restore that was killed.

    Raises CannotStart: the backup is damaged or of a newer program, the system is not empty or in use.
    """
    began = time.perf_counter()
    manifest = Manifest.read(folder)
    check(folder, manifest)
    for name in SERVICES:
        if name not in manifest.databases:
            raise CannotStart(
                f"В копии {folder} нет базы службы {name}.", f"The backup {folder} lacks the database of {name}."
            )
        judge_version(name, manifest.databases[name].migrations, migrations_of(f"services.{name}"))
    async with plain_store(settings, beside=False) as store, _alone(store):
        states = {name: await _look(store.databases[name]) for name in SERVICES}
        _refuse_filled(store, states, manifest)
        key, adopted = _key_place(settings, folder, manifest), Adopted([], 0)
        if all(state.step != DONE for state in states.values()):
            await _mark(store, states, manifest)
            for n, name in enumerate(SERVICES, 1):
                await _restore_one(name, store.databases[name], folder, manifest)
                progress("databases", n, len(SERVICES))
            adopted = await adopt(store, manifest.elsewhere, progress)
            if key is not None:
                _place_key(folder / TOKEN_KEY, key)
        await _finish(store)
    return Restored(manifest, adopted, key is not None, time.perf_counter() - began)


async def recovered(settings: Settings, progress: Progress) -> Adopted:
    """Bring a system to itself whose databases PostgreSQL has recovered to an earlier moment; may be repeated.

    Raises CannotStart: in use, or the databases do not fit together.
    """
    elsewhere = tuple(settings.kurrent_logs.split(",")) if settings.kurrent_uri else ()
    async with plain_store(settings, beside=False) as store, _alone(store):
        for name in SERVICES:
            database = store.databases[name]
            state = await _look(database)
            if state.backup or not state.filled:
                raise CannotStart(
                    f"База {database.name} пуста или наполовину восстановлена.",
                    f"The database {database.name} is empty or half restored.",
                )
            await migrate(database.owner_dsn, database.role, migrations_of(f"services.{name}"))
        await renew_ids(store, elsewhere)
        return await adopt(store, elsewhere, progress)


# -- the target ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _alone(store: Store) -> AsyncIterator[None]:
    """Nobody else restores and no process of the journal is connected. Raises CannotStart."""
    for name in SERVICES:
        if not store.databases[name].owner_dsn:
            variable = f"ZHURNAL_{name.upper()}_OWNER_DSN"
            raise CannotStart(
                f"Переменная {variable} не задана: восстанавливает владелец базы.",
                f"The variable {variable} is not set: the owner of the database restores it.",
            )
    async with await AsyncConnection.connect(store.databases["identity"].owner_dsn, autocommit=True) as conn:
        found = await conn.execute("select pg_try_advisory_lock(%s)", (LOCK,))
        if await found.fetchone() != (True,):
            raise CannotStart(
                "Другое восстановление уже идёт: дождитесь его конца.",
                "Another restore is under way: wait for its end.",
            )
        for database in (store.databases[name] for name in SERVICES):
            await _refuse_in_use(database)
        yield


async def _refuse_in_use(database: Database) -> None:
    async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as conn:
        found = await conn.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and usename = %s",
            (database.role,),
        )
        if await found.fetchone() != (0,):
            raise CannotStart(
                f"С базой {database.name} ещё работают процессы журнала: остановите их.",
                f"Processes of the journal are still connected to the database {database.name}: stop them.",
            )


async def _look(database: Database) -> _State:
    async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as conn:
        found = await conn.execute(
            "select to_regclass('public.restoring') is not null, exists (select from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_'"
            " and n.nspname <> 'information_schema' and c.oid is distinct from to_regclass('public.restoring')"
            " and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e'))"
        )
        row = await found.fetchone()
        assert row is not None
        marked, filled = row
        if not marked:
            return _State("", "", filled)
        found = await conn.execute("select backup, step from public.restoring")
        mark = await found.fetchone()
        assert mark is not None, "made in one transaction"
        return _State(mark[0], mark[1], filled)


def _refuse_filled(store: Store, states: dict[str, _State], manifest: Manifest) -> None:
    """Raise CannotStart for what is neither empty nor marked by this backup; where all is done, marks may be gone."""
    finishing = any(state.step == DONE for state in states.values())
    for name, state in states.items():
        database = store.databases[name].name
        if state.backup not in ("", manifest.id):
            raise CannotStart(
                f"В базу {database} начато восстановление другой копии: закончите его или очистите базы.",
                f"The restore of another backup into the database {database} was begun: finish it or empty the "
                f"databases.",
            )
        if not state.backup and state.filled and not finishing:
            raise CannotStart(
                f"База {database} не пуста: восстанавливают только в пустую систему — укажите другую папку через "
                f"--data или другие базы.",
                f"The database {database} is not empty: a backup is restored into an empty system only. Name another "
                f"folder by --data, or other databases.",
            )


async def _mark(store: Store, states: dict[str, _State], manifest: Manifest) -> None:
    for name, state in states.items():
        if not state.backup:
            async with await AsyncConnection.connect(store.databases[name].owner_dsn) as conn:
                await conn.execute(MARK)
                await conn.execute("insert into public.restoring values (%s, %s)", (manifest.id, BEGUN))


async def _restore_one(name: str, database: Database, folder: Path, manifest: Manifest) -> None:
    """The dump, unless it is there from a former run; then the present migrations, the log's rights and its new id."""
    dump, log = manifest.databases[name], manifest.logs.get(name)
    if not (await _look(database)).filled:
        await restoring(database.owner_dsn, ARGUMENTS, folder / dump.file.name)
    await migrate(database.owner_dsn, database.role, migrations_of(f"services.{name}"), restoring=True)
    if name not in LOGS:
        return
    async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as conn:
        await install_log(conn, database.role)
        if log is not None:
            found = await log_state(conn)
            if (found.head, found.event) != (log.head, log.event):
                raise CannotStart(
                    f"В базе {database.name} журнал кончается на {found.head}, а в копии на {log.head}: очистите базы "
                    f"и возьмите другую копию.",
                    f"The log in the database {database.name} ends at {found.head}, that of the backup at {log.head}: "
                    f"empty the databases and take another backup.",
                )


async def _finish(store: Store) -> None:
    """First say everywhere that it is done, then take the marks away: a run between them has only this to do."""
    for statement in ("update public.restoring set step = 'done'", "drop table public.restoring"):
        for name in SERVICES:
            async with await AsyncConnection.connect(store.databases[name].owner_dsn) as conn:
                if await _marked(conn):
                    await conn.execute(statement.encode())


async def _marked(conn: AsyncConnection[Any]) -> bool:
    found = await conn.execute("select to_regclass('public.restoring') is not null")
    return await found.fetchone() == (True,)


# -- the key ------------------------------------------------------------------------------------------------------


def _key_place(settings: Settings, folder: Path, manifest: Manifest) -> Path | None:
    """Where the key of the backup goes; None where there is none. Raises CannotStart if another one is there."""
    if manifest.token_key is None:
        return None
    place = settings.token_key or settings.data / TOKEN_KEY
    try:
        if place.exists() and place.read_bytes() != (folder / TOKEN_KEY).read_bytes():
            raise CannotStart(
                f"{place} — другой ключ, чем в копии: уберите его.",
                f"{place} is another key than the backup's: move it away.",
            )
    except OSError as failed:
        raise unusable(place, failed) from failed
    return place


def _place_key(source: Path, place: Path) -> None:
    if place.exists():
        return
    fresh = place.with_name(f"{place.name}.{os.getpid()}.new")
    try:
        make_folder(place.parent)
        with private(fresh) as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(place)
        sync_folder(place.parent)
    except OSError as failed:
        raise unusable(place, failed) from failed
