"""`zhurnal migrate`: bring all databases to this version before its processes start. Safe beside the former version.

With ZHURNAL_ADMIN_DSN missing roles and databases are made first. Migrations only add, so the former version goes on
working; a view of another version is built beside the live one and switched.
"""

from contextlib import AsyncExitStack

import typer

from services.cli.terminal import Data, command, out, print_table, say
from services.kit import logging
from services.kit.log.eventlog import Feed
from services.kit.log.opening import open_log
from services.kit.postgres import open_pool
from services.kit.rebuild import ensure
from services.kit.settings import Settings
from services.store import LOGS, open_store
from services.system import VIEWS


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


@command
async def migrate(data: Data = None) -> int:
    """Подготовить базы данных к этой версии. / Bring the databases to this version."""
    settings = Settings.load(data=data)
    logging.configure(settings.log_level)
    rows: list[tuple[str, str, str]] = []
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings, VIEWS))
        feeds: dict[str, Feed] = {}
        for name in LOGS:
            pool = await open_pool(store.databases[name].dsn, name=name)
            stack.push_async_callback(pool.close)
            feeds[name] = open_log(settings, name, pool)
        for service, views in VIEWS.items():
            for view in views:
                built = await ensure(view, feeds, store.databases[service].owner_dsn)
                found = say("без изменений", "unchanged") if built is None else f"{built.events} → {built.rows}"
                rows.append((service, view.name, found))
    out.print(say("Базы данных готовы.", "The databases are ready."))
    columns = [say("Служба", "Service"), say("Представление", "View"), say("Событий → строк", "Events → rows")]
    print_table(say("Представления", "Views"), columns, rows)
    return 0
