"""Appends per second to the PostgreSQL log against pgbench's bare single-row INSERT per commit, on the same server.

Both write the same number of bytes per event and wait for the disk on every commit; rounds are interleaved, so that
a busy machine is busy for both. The log has few connections and shares commits.
`python -m tests.bench.append [--json] [--rounds N]`
"""

import asyncio
import time
from collections.abc import Awaitable

import uvloop
from psycopg import AsyncConnection

from services.kit.clock import RandomIds
from services.kit.embedded import EmbeddedServer
from services.kit.log.eventlog import NO_STREAM, NewEvent
from services.kit.log.postgres import PostgresLog, install
from services.kit.postgres import open_pool, prepare
from tests.bench.college import fresh_folder
from tests.bench.pgbench import BODY_BYTES, META_BYTES, bare_inserts, make_table
from tests.bench.report import Row, arguments, row, show

TARGETS = {32: 0.85, 128: 1.2}
"""The least ratio to the limit, by number of callers."""

CONNECTIONS = 2
LIMIT = "pgbench, bare single-row INSERT per commit, as many clients, a connection each"


async def bench(rounds: int = 7, seconds: float = 2.0) -> list[Row]:
    """Appends of 32 and 128 callers against the limit, of one caller, of ten events at once; and the scan."""
    with fresh_folder() as folder:
        settings = {"max_connections": str(max(TARGETS) + 20)}
        with EmbeddedServer.start(folder / "data", settings=settings) as server:
            database = await prepare(server.dsn(), "bench", server.password)
            async with await AsyncConnection.connect(database.owner_dsn) as owner:
                await install(owner, database.role)
            await make_table(database.owner_dsn)
            pool = await open_pool(database.dsn, name="bench", largest=CONNECTIONS)
            try:
                return await _rows(PostgresLog(pool), database.owner_dsn, rounds, seconds)
            finally:
                await pool.close()


async def _rows(log: PostgresLog, owner_dsn: str, rounds: int, seconds: float) -> list[Row]:
    ours: dict[int, list[float]] = {callers: [] for callers in TARGETS}
    bare: dict[int, list[float]] = {callers: [] for callers in TARGETS}
    await _appends(log, 32, 1, 0.5)  # a server's first commits are slow
    for _ in range(rounds):
        for callers in TARGETS:
            ours[callers].append(await _appends(log, callers, 1, seconds))
            bare[callers].append(await asyncio.to_thread(bare_inserts, owner_dsn, callers, seconds))
    found = [
        row(f"append, {callers} callers", "/s", ours[callers], bare[callers], f"ratio ≥ {target}")
        for callers, target in TARGETS.items()
    ]
    few = max(1, rounds // 2)
    found.append(row("append, 1 caller", "/s", [await _appends(log, 1, 1, seconds / 2) for _ in range(few)]))
    many = [10 * await _appends(log, 32, 10, seconds / 2) for _ in range(few)]
    found.append(row("append of 10 events, 32 callers", "events/s", many))
    found.append(row("scan", "events/s", [await _scan(log) for _ in range(few)]))
    return found


async def _appends(log: PostgresLog, callers: int, events: int, seconds: float) -> float:
    """Appends per second of so many callers, each with a stream of its own, for so long."""
    ids = RandomIds()
    body, meta = "b" * BODY_BYTES, "m" * META_BYTES
    began = time.perf_counter()

    async def caller() -> int:
        stream, revision, done = f"bench-{ids.new()}", NO_STREAM, 0
        while time.perf_counter() - began < seconds:
            rows = [NewEvent(ids.new(), "GradeRecorded.v1", body, meta) for _ in range(events)]
            revision = (await log.append(stream, revision, rows)).revision
            done += 1
        return done

    counts: list[Awaitable[int]] = [caller() for _ in range(callers)]
    return sum(await asyncio.gather(*counts)) / (time.perf_counter() - began)


async def _scan(log: PostgresLog) -> float:
    """Events per second read from the log, from its beginning."""
    began, count = time.perf_counter(), 0
    async for rows in log.scan():
        count += len(rows)
    return count / (time.perf_counter() - began)


def main() -> None:
    """Measure and print, as a table or as JSON."""
    asked = arguments("appends to the log")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        show("append", runner.run(bench(asked.rounds)), asked.json, LIMIT)


if __name__ == "__main__":
    main()
