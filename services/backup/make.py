"""Making a backup beside the running system.

All databases are dumped as they were at one moment: a transaction in each, begun within milliseconds, exports its
snapshot to pg_dump. They are begun with those who read logs of others and end with identity, whose log everybody reads,
so nobody in a backup has heard more than the logs in it say. Views are not in it: they are folded from the logs.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from psycopg import AsyncConnection, IsolationLevel, sql

from services.backup.manifest import (
    TOKEN_KEY,
    Dump,
    File,
    LogState,
    Manifest,
    leftovers,
    private,
    prune,
    sync_folder,
    unusable,
)
from services.backup.programs import dumping
from services.kit.clock import Clock
from services.kit.postgres import Database, refuse_half_restored
from services.kit.settings import CannotStart, Settings
from services.store import LOGS, Store, plain_store

READERS_FIRST = ("notifications", "reporting", "gradebook", "schedule", "identity")
"""The order of snapshots: whoever reads a log before the service that writes it."""

LEFT_OUT = ("public.log", "public.session")
"""Tables that come without rows: a restored log gets an id of its own, and who was signed in signs in again."""

Report = Callable[[str, int, int], None]
"""Told (what, how much is done, of how much)."""


class Made(NamedTuple):
    """A backup just made, and the older ones that were deleted for it."""

    folder: Path
    manifest: Manifest
    pruned: list[Path]


class _Snapshot(NamedTuple):
    """A database held as it is at this moment. views: the schemas of its views. followed: how far logs were read."""

    service: str
    database: Database
    id: str
    server: str
    views: list[str]
    migrations: tuple[str, ...]
    log: LogState | None
    followed: dict[str, int]


async def backup(
    settings: Settings, to: Path, clock: Clock, *, keys: bool = True, keep: int | None = None, report: Report
) -> Made:
    """Write a backup into a new folder below `to`, which is made if absent; then delete all but the `keep` newest.

    keys: with the key that signs tokens, if it is a file here. Raises CannotStart; then nothing of it is left.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(_reached(settings))
        made_at = clock.now().astimezone(UTC)
        name = f"zhurnal-{made_at:%Y%m%dT%H%M%S}.{made_at.microsecond // 1000:03}Z"
        try:
            part = stack.enter_context(_part(to, name))
            manifest = await _write(settings, store, part, made_at, clock, keys, report)
            part.rename(to / name)
            sync_folder(to)
            return Made(to / name, manifest, prune(to, keep) if keep is not None else [])
        except OSError as failed:
            raise unusable(Path(failed.filename or to), failed) from failed


@asynccontextmanager
async def _reached(settings: Settings) -> AsyncIterator[Store]:
    if settings.embedded and not (settings.data / "postgres").exists():
        raise CannotStart(
            f"В {settings.data} нет данных журнала: укажите папку через --data.",
            f"There is no journal in {settings.data}: name its folder by --data.",
        )
    async with plain_store(settings, beside=True) as store:
        yield store


async def _write(
    settings: Settings, store: Store, folder: Path, made_at: datetime, clock: Clock, keys: bool, report: Report
) -> Manifest:
    began = clock.monotonic()
    elsewhere = tuple(settings.kurrent_logs.split(",")) if settings.kurrent_uri else ()
    dumps: dict[str, Dump] = {}
    async with AsyncExitStack() as stack:
        held = [
            await _snapshot(stack, name, store.databases[name], name in LOGS and name not in elsewhere)
            for name in READERS_FIRST
        ]
        _refuse_without_history(held)
        for n, one in enumerate(held, 1):
            dumps[one.service] = Dump(file=await _dump(one, folder), migrations=one.migrations)
            report("databases", n, len(held))
    key = settings.token_key or settings.data / TOKEN_KEY
    manifest = Manifest(
        id=str(uuid4()),
        made_at=made_at,
        seconds=round(clock.monotonic() - began, 3),
        program=version("zhurnal"),
        postgres=held[0].server,
        zone=settings.zone,
        databases=dumps,
        logs={one.service: one.log for one in reversed(held) if one.log is not None},
        elsewhere=elsewhere,
        token_key=_copy(key, folder / TOKEN_KEY) if keys and key.is_file() else None,
    )
    manifest.write(folder)
    return manifest


async def _snapshot(stack: AsyncExitStack, service: str, database: Database, has_log: bool) -> _Snapshot:
    """Hold a database as it is now until the stack is closed."""
    if not database.owner_dsn:
        name = f"ZHURNAL_{service.upper()}_OWNER_DSN"
        raise CannotStart(
            f"Переменная {name} не задана: копию снимает владелец базы.",
            f"The variable {name} is not set: backups are made by the owner of the database.",
        )
    conn = await stack.enter_async_context(await AsyncConnection.connect(database.owner_dsn, autocommit=True))
    await refuse_half_restored(conn)
    await conn.execute("set idle_in_transaction_session_timeout = 0")  # pg_dump may take its time
    await conn.set_autocommit(False)
    await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    await conn.set_read_only(True)
    found = await conn.execute("select pg_export_snapshot(), current_setting('server_version')")
    row = await found.fetchone()
    assert row is not None
    cursor = await conn.execute(
        "select nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('public', 'information_schema')"
    )
    views = [name for (name,) in await cursor.fetchall()]
    cursor = await conn.execute("select to_regclass('public.schema_version') is not null")
    if await cursor.fetchone() != (True,):
        raise CannotStart(
            f"База {database.name} пуста: копировать нечего, сначала запустите zhurnal up или zhurnal migrate.",
            f"The database {database.name} is empty: there is nothing to back up, run zhurnal up or zhurnal migrate.",
        )
    cursor = await conn.execute("select digest from schema_version order by version")
    migrations = tuple(digest for (digest,) in await cursor.fetchall())
    log = await log_state(conn) if has_log else None
    return _Snapshot(service, database, row[0], row[1], views, migrations, log, await _followed(conn))


async def _followed(conn: AsyncConnection[tuple[object, ...]]) -> dict[str, int]:
    """{log: the position up to which views and the keeper of this database have read it}."""
    followed: dict[str, int] = {}
    for table in ("view_cursor", "keeper_cursor"):
        found = await conn.execute("select to_regclass(%s) is not null", (f"public.{table}",))
        if await found.fetchone() == (True,):
            read = await conn.execute(sql.SQL("select log, position from {}").format(sql.Identifier(table)))
            for log, position in await read.fetchall():
                followed[str(log)] = max(followed.get(str(log), 0), int(str(position)))
    return followed


def _refuse_without_history(held: Sequence[_Snapshot]) -> None:
    """Raise CannotStart for a log that is empty here although others have read it: it is kept somewhere else."""
    for one in held:
        if one.log is not None and one.log.head == 0 and any(other.followed.get(one.service) for other in held):
            raise CannotStart(
                f"Журнал событий {one.service} в базе пуст, хотя его читали: он в KurrentDB? Задайте "
                f"ZHURNAL_KURRENT_URI и ZHURNAL_KURRENT_LOGS, как у служб.",
                f"The log of {one.service} is empty in the database although it has been read: is it in KurrentDB? Set "
                f"ZHURNAL_KURRENT_URI and ZHURNAL_KURRENT_LOGS as the services have them.",
            )


async def log_state(conn: AsyncConnection[tuple[object, ...]]) -> LogState:
    """Where the log in the database of `conn` stands."""
    found = await conn.execute(
        "select l.log_id::text, coalesce(e.position, 0), coalesce(e.event_id::text, '') from public.log l"
        " left join lateral (select position, event_id from public.event order by position desc limit 1) e on true"
    )
    row = await found.fetchone()
    assert row is not None
    return LogState(id=str(row[0]), head=int(str(row[1])), event=str(row[2]))


async def _dump(one: _Snapshot, folder: Path) -> File:
    # Comments are left out: the log's is the mark that it has its grants, which it gets again when it is restored.
    arguments = ["--format=custom", "--compress=3", "--no-owner", "--no-privileges", "--no-comments"]
    arguments += [f"--snapshot={one.id}", "--exclude-table=public.view_cursor"]
    arguments += [f"--exclude-table-data={table}" for table in LEFT_OUT]
    arguments += [f'--exclude-schema="{view}"' for view in one.views]
    name, digest, size = f"{one.service}.dump", hashlib.sha256(), 0
    with private(folder / name) as file:
        async with dumping(one.database.owner_dsn, arguments) as pieces:
            async for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return File(name=name, bytes=size, sha256=digest.hexdigest())


def _copy(source: Path, target: Path) -> File:
    content = source.read_bytes()
    with private(target) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return File(name=target.name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


@contextmanager
def _part(to: Path, name: str) -> Iterator[Path]:
    """A folder that becomes the backup by being renamed, else it is deleted.

    The kernel keeps the right to write into `to`, so a killed owner loses it at once; what he left is deleted.
    """
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = os.open(to, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"В {to} уже пишется копия: дождитесь её конца.",
                f"A backup is being written to {to} already: wait for its end.",
            ) from None
        for broken_off in list(leftovers(to)):
            shutil.rmtree(broken_off)
        part = to / f"{name}.part"
        part.mkdir(mode=0o700)
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)
    finally:
        os.close(number)
