"""Memory of a resting journal, the whole process tree with PostgreSQL, and how long it takes to start and to stop.

`zhurnal up` on the college of 1,000 students. Memory is the sum of PSS, which counts shared pages once (Linux). It is
taken after a start, and again after the pages of a working day were read. `python -m tests.bench.rest [--json]`
"""

import asyncio
import time
from collections.abc import Callable

import httpx
import psutil

from services.demo.accounts import PASSWORD
from tests.bench.college import college, copy_of
from tests.bench.report import Row, arguments, row, show
from tests.common.process import Journal

MEGABYTE = 1_000_000
SETTLING_SECONDS = 5.0
IDLE_SECONDS = 75.0
"""After work: connections that are not needed are closed after a minute."""

PAGES_READ = 300


async def bench(rounds: int, start: Callable[[], Journal]) -> list[Row]:
    """Rows of megabytes and seconds."""
    fresh, database, worked, ready, stopped = [list[float]() for _ in range(5)]
    for _ in range(rounds):
        began = time.perf_counter()
        with await asyncio.to_thread(start) as journal:
            ready.append(time.perf_counter() - began)
            await asyncio.sleep(SETTLING_SECONDS)
            fresh.append(_tree(journal.process.pid))
            database.append(fresh[-1] - _own(psutil.Process(journal.process.pid)))
            await _work(journal)
            await asyncio.sleep(IDLE_SECONDS)
            worked.append(_tree(journal.process.pid))
            began = time.perf_counter()
            await asyncio.to_thread(journal.stop)
            stopped.append(time.perf_counter() - began)
    return [
        row("at rest after a start, PSS", "MB", fresh, target="≤ 300 MB"),
        row("of that PostgreSQL", "MB", database),
        row(f"at rest after {PAGES_READ} pages were read, PSS", "MB", worked, target="≤ 300 MB"),
        row("start until ready", "s", ready, target="≤ 5 s"),
        row("stop", "s", stopped, target="≤ 1 s"),
    ]


def _tree(pid: int) -> float:
    top = psutil.Process(pid)
    return sum(map(_own, (top, *top.children(recursive=True))))


def _own(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / MEGABYTE
    except psutil.NoSuchProcess:
        return 0.0


async def _work(journal: Journal) -> None:
    """Read pages and cards as a day of work would."""
    client = await journal.signed_in("deputy", PASSWORD)
    try:
        pages = (await client.get("/gradebook/pages", params={"limit": PAGES_READ, "state": "open"})).json()["items"]
        for page in pages:
            spread = await client.get(f"/gradebook/pages/{page['id']}")
            student = spread.json()["students"][0]["student"]
            answers: list[httpx.Response] = [spread, await client.get(f"/reporting/students/{student}/card")]
            assert all(answer.status_code == 200 for answer in answers), answers
    finally:
        await client.aclose()


def main() -> None:
    """Measure and print, as a table or as JSON."""
    asked = arguments("memory at rest")
    with copy_of(college(asked.data)) as data:
        show("rest", asyncio.run(bench(asked.rounds, lambda: Journal(data))), asked.json)


if __name__ == "__main__":
    main()
