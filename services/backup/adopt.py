"""What follows when a log goes on from an earlier moment than it had reached: after a restore, or after PostgreSQL
itself recovered its databases to a point in time.

The log has got an id of its own by then, so nobody takes it for the history that went further: Kafka's topics, views
elsewhere and auditors recognise it. Here everybody who reads it is brought to it: the keeper's cursors take the new id
(what it heard is not more than the log says), views are folded anew, and sessions are ended, because one that had been
revoked in the lost time would be good again.
"""

from contextlib import AsyncExitStack
from typing import NamedTuple

from psycopg import AsyncConnection

from services.kit.log.eventlog import Feed
from services.kit.log.postgres import PostgresLog
from services.kit.postgres import open_pool
from services.kit.rebuild import Progress, rebuild
from services.kit.rebuild import Report as Rebuilt
from services.kit.settings import CannotStart
from services.store import LOGS, Store
from services.system import VIEWS


class Adopted(NamedTuple):
    """rebuilt: the views, all or none (`elsewhere`). sessions: so many were ended."""

    rebuilt: list[Rebuilt]
    sessions: int


async def adopt(store: Store, elsewhere: tuple[str, ...], progress: Progress) -> Adopted:
    """Bring all readers to the logs as they are; may be repeated.

    elsewhere: logs that are not in these databases. With one of them no view is folded here: `zhurnal rebuild` does it
    when that log is restored, too. Raises CannotStart if the keeper has heard more than a log says.
    """
    async with AsyncExitStack() as stack:
        feeds: dict[str, Feed] = {}
        for name in (log for log in LOGS if log not in elsewhere):
            pool = await open_pool(store.databases[name].dsn, name=name)
            stack.push_async_callback(pool.close)
            feeds[name] = PostgresLog(pool)
        await _keeper(store, feeds)
        sessions = await _end_sessions(store)
        rebuilt = []
        if not elsewhere:
            for service, views in VIEWS.items():
                for view in views:
                    rebuilt.append(await rebuild(view, feeds, store.databases[service].owner_dsn, progress))
    return Adopted(rebuilt, sessions)


async def renew_ids(store: Store, elsewhere: tuple[str, ...]) -> None:
    """Give every log in these databases a new id. The owner of the table may; nobody else can."""
    for name in (log for log in LOGS if log not in elsewhere):
        async with await AsyncConnection.connect(store.databases[name].owner_dsn) as conn:
            await conn.execute("alter table public.log disable trigger append_only")
            await conn.execute("update public.log set log_id = gen_random_uuid()")
            await conn.execute("alter table public.log enable always trigger append_only")


async def _keeper(store: Store, feeds: dict[str, Feed]) -> None:
    async with await AsyncConnection.connect(store.databases["gradebook"].owner_dsn) as conn:
        cursor = await conn.execute("select log, position from keeper_cursor order by log for update")
        for name, position in await cursor.fetchall():
            if name not in feeds:
                continue
            head = await feeds[name].head()
            if position > head:
                raise CannotStart(
                    f"Журнал оценок знает {position} событий службы {name}, а в её журнале их {head}: верните базу "
                    f"zhurnal_gradebook к более раннему времени, чем базу zhurnal_{name}.",
                    f"The grade book has heard {position} events of {name}, but its log has {head}: recover the "
                    f"database zhurnal_gradebook to an earlier time than zhurnal_{name}.",
                )
            await conn.execute(
                "update keeper_cursor set log_id = %s where log = %s", (await feeds[name].log_id(), name)
            )


async def _end_sessions(store: Store) -> int:
    async with await AsyncConnection.connect(store.databases["identity"].owner_dsn) as conn:
        return (await conn.execute("delete from session")).rowcount
