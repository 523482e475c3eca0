"""The keeper: copies what identity and schedule say onto the pages, as facts, so that a page can be judged by itself.

It hears both logs into tables (`known`) with a cursor per log in the same transaction, together with the list of pages
that wait; then every waiting page gets, in one append, what it lacks (`facts.missing`). Killed anywhere, it goes on:
a page that has its facts lacks nothing. From the grade book's own log it hears grades of moved students and finals,
which other pages take over. One keeper works at a time, under an advisory lock.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import httpx
import structlog
from psycopg import AsyncConnection, OperationalError

from contracts.events import gradebook as e
from contracts.events import identity as i
from contracts.events import schedule as s
from contracts.ids import derived, page_id
from services.gradebook.facts import Known, Source, missing
from services.gradebook.known import IDENTITY, SCHEDULE, Heard, Key, Snapshot, mark, write
from services.gradebook.page import Page
from services.gradebook.rules import KEEPER
from services.kit.handle import Command, Handler
from services.kit.log.eventlog import Feed, Recorded
from services.kit.postgres import Pool
from services.kit.problems import Problem

BATCH = 5000
PAGES_AT_ONCE = 200
APPENDS_AT_ONCE = 32
WAIT_SECONDS = 1.0
RETRY_SECONDS = 0.5
LOCK = 7_316_011

OUTSIDE = {"identity": (i.EVENTS, IDENTITY), "schedule": (s.EVENTS, SCHEDULE)}
GRADES = frozenset(("GradeRecorded.v1", "GradeChanged.v1", "GradeAnnulled.v1"))
FINALS = frozenset(("FinalGradeSet.v1", "FinalGradeWithdrawn.v1"))

log = structlog.get_logger()


class ForeignLog(RuntimeError):
    """A log is not the one that was heard so far: restored from a backup, or another one."""


class Keeper:
    """feeds: {"identity", "schedule", "gradebook"}. rules: the settings that a new page starts with."""

    def __init__(
        self, pool: Pool, pages: Handler[Page], feeds: Mapping[str, Feed], rules: e.Rules | None = None
    ) -> None:
        self._pool, self._pages, self._feeds = pool, pages, feeds
        self._rules = rules or e.Rules()
        self.positions = dict.fromkeys(feeds, 0)
        self.stopped: str | None = None

    async def run(self) -> None:
        """Run until cancelled. A lost feed or database is tried again; what cannot be read stops the keeper, with an
        alarm, and not the process."""
        while self.stopped is None:
            try:
                while await self.step(OUTSIDE):
                    pass
                await self.step(self._feeds.keys() - OUTSIDE.keys())
                await self._wait()
            except (OSError, OperationalError, httpx.HTTPError, Problem) as lost:
                log.warning("keeper waits", error=repr(lost))
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as failed:  # a foreign log, an unknown type: copying on would be wrong
                self.stopped = repr(failed)
                log.error("keeper stopped", exc_info=failed)

    async def catch_up(self) -> None:
        """Hear everything that there is and serve every page that waits."""
        while await self.step(self._feeds):
            pass

    async def step(self, names: Iterable[str]) -> bool:
        """Hear a batch of each of these logs, then serve the waiting pages; False when there was nothing to do."""
        heard = False
        for name in names:
            heard = await self._hear(name) or heard
        return await self._serve() or heard

    async def _wait(self) -> None:
        """Until an outside log grows, at most `WAIT_SECONDS`; the own log, which grows all day, is heard that often."""
        waits = [asyncio.create_task(self._grown(name)) for name in OUTSIDE]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _grown(self, name: str) -> None:
        await self._feeds[name].wait(self.positions[name], WAIT_SECONDS)

    # -- hearing ----------------------------------------------------------------------------------------------

    async def _hear(self, name: str) -> bool:
        feed = self._feeds[name]
        log_id = await feed.log_id()
        async with self._pool.connection() as conn, conn.transaction():
            await conn.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            await conn.execute("insert into keeper_cursor values (%s, %s, 0) on conflict do nothing", (name, log_id))
            cursor = await conn.execute("select log_id, position from keeper_cursor where log = %s", (name,))
            row = await cursor.fetchone()
            assert row is not None, "inserted above"
            if row[0] != log_id:
                raise ForeignLog(f"{name}: heard log {row[0]} so far, this one is {log_id}")
            rows = await feed.read(row[1], BATCH)
            self.positions[name] = rows[-1].position if rows else row[1]
            if not rows:
                return False
            if name in OUTSIDE:
                types, wanted = OUTSIDE[name]
                heard = Heard()
                for event in rows:
                    if event.type in wanted:
                        heard.take(types.decode(event.type, event.body), f"{name}:{event.position}")
                await write(conn, heard)
            else:
                await self._hear_own(conn, name, rows)
            await conn.execute("update keeper_cursor set position = %s where log = %s", (rows[-1].position, name))
        return True

    async def _hear_own(self, conn: AsyncConnection[Any], name: str, rows: list[Recorded]) -> None:
        """Pages that take over what was written here: of year finals, and of students who moved away."""
        causes = {
            row.stream.removeprefix("page/"): f"{name}:{row.position}"
            for row in rows
            if row.type in FINALS or row.type in GRADES
        }
        finals = {row.stream.removeprefix("page/") for row in rows if row.type in FINALS}
        cursor = await conn.execute(
            """select k.page, k.group_id, k.discipline, y.period from known_page k join known_period p using (period)
              join known_period y on y.year = p.year and y.group_id = k.group_id
              where y.kind = 'year' and p.kind <> 'year' and k.page = any(%s)""",
            (list(finals),),
        )
        touched: dict[Key, str] = {(g, d, p): causes[page] for page, g, d, p in await cursor.fetchall()}
        cursor = await conn.execute(
            """select distinct k.page, l.group_id, l.discipline, l.period from known_page k
              join known_member m on m.moved_from = k.group_id
              join known_load l on l.group_id = m.group_id and l.discipline = k.discipline where k.page = any(%s)""",
            (list(causes),),
        )
        touched |= {(g, d, p): causes[page] for page, g, d, p in await cursor.fetchall()}
        await mark(conn, touched)

    # -- serving ----------------------------------------------------------------------------------------------

    async def _serve(self) -> bool:
        """Give the waiting pages what they lack, each in one append."""
        async with self._pool.connection() as conn, conn.transaction():
            await conn.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
            cursor = await conn.execute(
                "select page, group_id, discipline, period, cause from dirty_page order by group_id, page limit %s",
                (PAGES_AT_ONCE,),
            )
            waiting = await cursor.fetchall()
            if not waiting:
                return False
            snapshot = await Snapshot.read(conn, {row[1] for row in waiting})
            slots = asyncio.Semaphore(APPENDS_AT_ONCE)

            async def give(page: str, key: Key, cause: str) -> tuple[str, Key] | None:
                async with slots:
                    return (page, key) if await self._give(snapshot, page, key, cause) else None

            given = await asyncio.gather(*(give(row[0], (row[1], row[2], row[3]), row[4]) for row in waiting))
            async with conn.cursor() as writer:
                await writer.executemany(
                    "insert into known_page values (%s, %s, %s, %s) on conflict do nothing",
                    [(page, *key) for page, key in filter(None, given)],
                )
            await conn.execute("delete from dirty_page where page = any(%s)", ([row[0] for row in waiting],))
        return True

    async def _give(self, snapshot: Snapshot, page: str, key: Key, cause: str) -> bool:
        """Bring one page up to what is known; False while its period or its load is not known yet."""
        group, discipline, period = key
        known_period = snapshot.periods.get(period)
        load = snapshot.load_of(key)
        if known_period is None or not load:
            return False
        members = snapshot.members.get(group, [])
        carried: dict[str, Source] = {}
        for member in members:
            origin = snapshot.origin_of(key, member)
            if origin is not None and (source := await self._source(origin)) is not None:
                carried[member.student] = source
        periods = [source for other in snapshot.periods_of(key) if (source := await self._source(other)) is not None]
        known = Known(
            page,
            discipline,
            known_period,
            load,
            members,
            snapshot.splits.get((group, discipline)),
            snapshot.substitutions.get(key, []),
            period in snapshot.closed,
            self._rules,
            carried,
            periods,
        )
        request = hashlib.sha256(cause.encode()).hexdigest()
        command = Command(derived("keeper", page, cause), request, KEEPER, "keeper", "", "keeper", cause)
        await self._pages.execute(f"page/{page}", command, lambda state, now: missing(state, known))
        return True

    async def _source(self, key: Key) -> Source | None:
        """Another page as it stands now; None while it does not exist."""
        id_ = page_id(*key)
        folded = await self._pages.state(f"page/{id_}")
        return Source(id_, folded.state, folded.position) if folded.state.opened is not None else None
