"""The databases of an installation: on the embedded server of the data folder, or at the addresses given.

`open_store` serves the process that runs the system: it starts the embedded server and brings every database to the
version of this program. `reach_store` serves a command line beside it: it joins a running server, or starts one for
the time of the command.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from services.kit import postgres
from services.kit.embedded import EmbeddedServer
from services.kit.log.postgres import install as install_log
from services.kit.postgres import Database, migrate, migrations_of, prepare
from services.kit.projector import install as install_view
from services.kit.settings import SERVICES, CannotStart, Settings
from services.kit.view import View

LOGS = ("identity", "schedule", "gradebook")
"""The services that keep an event log."""


class Store(NamedTuple):
    """{service: its database}, and the embedded server if it is ours."""

    databases: dict[str, Database]
    server: EmbeddedServer | None


@asynccontextmanager
async def open_store(
    settings: Settings, views: dict[str, tuple[View, ...]], server_settings: Mapping[str, str] | None = None
) -> AsyncIterator[Store]:
    """The store of the serving process. server_settings: of an embedded server. Raises CannotStart."""
    settings.require_databases()
    server = None
    if settings.embedded:
        server = await asyncio.to_thread(EmbeddedServer.start, settings.data, settings=server_settings)
    try:
        store = Store(await _databases(settings, server), server)
        await asyncio.gather(*(_bring_up(name, store.databases[name], views.get(name, ())) for name in SERVICES))
        yield store
    finally:
        if server is not None:
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def reach_store(settings: Settings, views: dict[str, tuple[View, ...]]) -> AsyncIterator[Store]:
    """The store of a command beside a running system or without one. Raises CannotStart."""
    settings.require_databases()
    running = EmbeddedServer.attach(settings.data) if settings.embedded else None
    if running is None and settings.embedded and not (settings.data / "postgres").exists():
        raise CannotStart(
            f"В {settings.data} нет данных журнала: укажите папку через --data или сначала запустите zhurnal up.",
            f"There is no journal in {settings.data}: name its folder by --data, or run zhurnal up first.",
        )
    if running is None:
        async with open_store(settings, views) as store:
            yield store
    else:
        databases = await _databases(settings, running)
        for name in SERVICES:
            await _check_version(name, databases[name])
        yield Store(databases, running)


@asynccontextmanager
async def reach_database(settings: Settings, service: str) -> AsyncIterator[Database]:
    """The database of one service for a command beside running processes; where addresses are given, only that one
    is needed, and its version is not checked. Raises CannotStart."""
    if settings.embedded:
        async with reach_store(settings, {}) as store:
            yield store.databases[service]
    else:
        yield postgres.given(*settings.database(service))


@asynccontextmanager
async def plain_store(settings: Settings, *, beside: bool) -> AsyncIterator[Store]:
    """The databases as they are, nothing is migrated or checked: for backup and restore.

    beside: a running journal is joined; else one that runs is refused. Raises CannotStart.
    """
    settings.require_databases()
    running = EmbeddedServer.attach(settings.data) if settings.embedded and beside else None
    ours = None
    if settings.embedded and running is None:
        ours = await asyncio.to_thread(EmbeddedServer.start, settings.data)
    try:
        yield Store(await _databases(settings, running or ours), ours)
    finally:
        if ours is not None:
            await asyncio.to_thread(ours.stop)


async def _databases(settings: Settings, server: EmbeddedServer | None) -> dict[str, Database]:
    if server is not None:
        prepared = [await prepare(server.dsn(), name, server.password) for name in SERVICES]
        return dict(zip(SERVICES, prepared, strict=True))
    databases = {name: postgres.given(*settings.database(name)) for name in SERVICES}
    if settings.admin_dsn is not None:
        for name, database in databases.items():
            await prepare(settings.admin_dsn, name, _passwords(name, database))
    else:
        for database in databases.values():
            if database.owner_dsn:
                await postgres.grant(database)
    return databases


def _passwords(service: str, database: Database) -> Callable[[str], str]:
    """The passwords that the given addresses hold. Raises CannotStart for addresses with other names than ours."""
    known = {
        str(parts.get("user")): str(parts.get("password", ""))
        for dsn in (database.dsn, database.owner_dsn)
        if (parts := conninfo_to_dict(dsn))
    }
    expected = f"zhurnal_{service}"
    if known.keys() != {expected, f"{expected}_owner"} or database.name != expected:
        variable = f"ZHURNAL_{service.upper()}_DSN"
        raise CannotStart(
            f"{variable} и {variable.replace('_DSN', '_OWNER_DSN')} должны называть базу {expected} и роли {expected} "
            f"и {expected}_owner, раз их создаёт программа.",
            f"{variable} and {variable.replace('_DSN', '_OWNER_DSN')} must name the database {expected} and the roles "
            f"{expected} and {expected}_owner, since the program makes them.",
        )
    return known.__getitem__


async def _bring_up(name: str, database: Database, views: tuple[View, ...]) -> None:
    """Migrations, the log and the views of one service; without the owner's address only the version is checked."""
    if not database.owner_dsn:
        await _check_version(name, database)
        return
    await migrate(database.owner_dsn, database.role, migrations_of(f"services.{name}"))
    async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as owner:
        if name in LOGS:
            await install_log(owner, database.role)
        for view in views:
            await install_view(owner, view)


async def _check_version(name: str, database: Database) -> None:
    async with await AsyncConnection.connect(database.dsn, autocommit=True) as conn:
        await postgres.check_version(conn, migrations_of(f"services.{name}"))
