"""What must hold whatever was done to the system, judged from its databases and from the ledger of what was answered.

Each violation is a sentence under the name of its invariant. `NAMES` is in the order of the printed table.
"""

import asyncio
import time
from collections import defaultdict
from typing import Any

import httpx
import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from contracts.envelope import Meta
from contracts.events import gradebook as e
from services.cli.rebuild import compare
from services.gradebook.rules import TEACHERS
from services.kit.log import soundness
from services.kit.log.eventlog import Feed, Recorded
from services.kit.log.postgres import PostgresLog
from services.store import LOGS
from services.system import VIEWS
from tests.faults.load import Load, Sent
from tests.faults.world import World

NAMES = {
    "kept": "no acknowledged command lost",
    "once": "none applied twice, nothing that nobody sent",
    "traceless": "a refused command leaves no event",
    "settled": "an unknown outcome is done or not done, as asked",
    "sound": "positions and revisions without holes",
    "views": "every view = fold of the logs",
    "closed": "no teacher's event after the close",
    "foreign": "no foreign child read",
    "answers": "no answer that is a bug",
    "lag": "lag 0 within 30 s",
}
LAG_SECONDS = 30.0
SHOWN = 5
OUTSIDE = ("identity", "schedule")


class Findings(defaultdict[str, list[str]]):
    """{invariant: what was found against it}; empty when all is well."""

    def __init__(self) -> None:
        super().__init__(list)

    def note(self, invariant: str, what: str) -> None:
        assert invariant in NAMES
        self[invariant].append(what)

    def __str__(self) -> str:
        return "\n".join(
            f"{NAMES[name]}: {len(found)} violation(s)\n  " + "\n  ".join(found[:SHOWN])
            for name, found in self.items()
            if found
        )


async def lag(world: World, seconds: float = LAG_SECONDS) -> tuple[float, str]:
    """Wait until every view and the keeper have read everything: how long it took, and what was missing at the end."""
    began = time.monotonic()
    while True:
        try:
            behind = await _behind(world)
        except (psycopg.OperationalError, OSError) as lost:
            behind = repr(lost)
        if not behind or time.monotonic() - began > seconds:
            return time.monotonic() - began, behind
        await asyncio.sleep(0.1)


async def _behind(world: World) -> str:
    heads = {}
    for name in LOGS:
        heads[name] = (await _rows(world, name, "select coalesce(max(position), 0) from event"))[0][0]
    missing = []
    for service in VIEWS:
        if not world.of(f"{service}.projector"):
            continue
        for view, log, position in await _rows(world, service, "select view, log, position from view_cursor"):
            if position != heads[log]:
                missing.append(f"{view}: {log} at {position} of {heads[log]}")
    if world.of("gradebook.keeper"):
        for log, position in await _rows(world, "gradebook", "select log, position from keeper_cursor"):
            if log in OUTSIDE and position < heads[log]:
                missing.append(f"keeper: {log} at {position} of {heads[log]}")
    return "; ".join(missing)


async def _rows(world: World, service: str, query: str) -> list[tuple[Any, ...]]:
    async with await AsyncConnection.connect(world.dsn(service), autocommit=True, connect_timeout=3) as conn:
        found = await conn.execute(query.encode())
        return await found.fetchall()


async def judge(world: World, load: Load, found: Findings, views: bool = True) -> None:
    """Everything but the lag, of a system that is healed and at rest."""
    async with AsyncConnectionPool(world.dsn("gradebook"), kwargs={"autocommit": True}, min_size=1) as pool:
        log = PostgresLog(pool)
        sound = await soundness.check(log, e.EVENTS)
        for fault in sound.faults:
            found.note("sound", f"{fault.position} {fault.stream}: {fault.code} {fault.why}")
        rows = await log.read(0, 1_000_000)
        await log.close()
    _commands(rows, load.ledger, found, {row[0] for row in await _base(world)})
    _closes(rows, found)
    await _unknown(world, load, rows, found)
    for read in load.foreign[:SHOWN]:
        found.note("foreign", f"{read.person} read {read.student}, {read.why}")
    for what, times in load.wrong.items():
        found.note("answers", f"{times} x {what}")
    if views:
        await _views(world, found)


async def _base(world: World) -> list[tuple[object, ...]]:
    """The commands that the base holds already."""
    dsn = world.base.address("zhurnal_gradebook", "postgres")
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        asked = await conn.execute("select distinct (meta::json)->>'command' from event")
        return await asked.fetchall()


def _commands(rows: list[Recorded], ledger: list[Sent], found: Findings, before: set[object]) -> None:
    by_command: dict[str, list[Recorded]] = defaultdict(list)
    for row in rows:
        meta = Meta.of(row.meta)
        if meta.command not in before and meta.via == "http":
            by_command[meta.command].append(row)
    known = set()
    for sent in ledger:
        known.add(sent.id)
        written = by_command.get(sent.id, [])
        what = f"{sent.what} {sent.key} of {sent.person}"
        if sent.outcome == "acknowledged" and sent.events:
            if not written:
                found.note("kept", f"{what} was acknowledged at {sent.position} and is not in the log")
            elif len(written) != sent.events:
                found.note("once", f"{what}: {len(written)} events for {sent.events}")
            elif written[-1].position != sent.position:
                found.note("kept", f"{what} was told position {sent.position}, it stands at {written[-1].position}")
        elif sent.outcome == "refused" and written:
            found.note("traceless", f"{what} was refused by {sent.status} and stands at {written[-1].position}")
        elif sent.outcome == "unknown" and len(written) > sent.events:
            found.note("once", f"{what}: {len(written)} events, at most {sent.events} asked for")
    for command, written in by_command.items():
        if command not in known:
            found.note("once", f"{written[0].type} at {written[0].position} comes from no command that was sent")


def _closes(rows: list[Recorded], found: Findings) -> None:
    closed: dict[str, int] = {}
    for row in rows:
        if row.type.startswith("PeriodClosed."):
            closed[row.stream] = row.position
        elif row.stream in closed and Meta.of(row.meta).role in TEACHERS:
            found.note("closed", f"{row.type} at {row.position} on {row.stream}, closed at {closed[row.stream]}")


async def _unknown(world: World, load: Load, rows: list[Recorded], found: Findings) -> None:
    """The question that a client asks after a lost answer, against what the log says."""
    done = {Meta.of(row.meta).command for row in rows}
    asked = [sent for sent in load.ledger if sent.outcome == "unknown" and sent.what != "close"]
    asked += [sent for sent in load.ledger if sent.outcome == "refused"][:20]
    async with httpx.AsyncClient(timeout=20) as client:
        for sent in asked:
            address = f"{world.url('gradebook')}/pages/{sent.page}/commands/{sent.key}"
            answer = await client.get(address, headers=world.base.bearer(sent.person))
            if answer.status_code != 200:
                found.note("settled", f"{sent.key}: asked for its outcome, answered {answer.status_code} {answer.text}")
            elif answer.json()["done"] != (sent.id in done):
                found.note("settled", f"{sent.key}: told done={answer.json()['done']}, the log says {sent.id in done}")


async def _views(world: World, found: Findings) -> None:
    pools = {name: AsyncConnectionPool(world.dsn(name), kwargs={"autocommit": True}, open=False) for name in LOGS}
    for pool in pools.values():
        await pool.open()
    logs: dict[str, Feed] = {name: PostgresLog(pool) for name, pool in pools.items()}
    try:
        for service, views in VIEWS.items():
            if not world.of(f"{service}.projector"):
                continue
            for view in views:
                feeds = {name: logs[name] for name in view.logs}
                if wrong := await compare(view, feeds, world.owner(service)):
                    found.note("views", f"{view.name}: {wrong}")
    finally:
        for log in logs.values():
            assert isinstance(log, PostgresLog)
            await log.close()
        for pool in pools.values():
            await pool.close()
