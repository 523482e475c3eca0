"""Replaying the log of the grade book, and rebuilding the card, on a college of 1,000 students.

Folded: every page from its events. Judged as well: each event again by the rules on the page before it, as `audit
replay` does. The limit is the raw reading of the same rows from PostgreSQL without decoding them; rounds are
interleaved. `python -m tests.bench.replay [--json] [--data DIR] [--rounds N]`
"""

import asyncio
import gc
import time
from collections.abc import Mapping

import uvloop

from contracts.events.gradebook import ABSENCE_EVENTS, PAGE_EVENTS
from services.gradebook.absences import Absences
from services.gradebook.audit.replay import replay
from services.gradebook.page import Page
from services.kit.handle import Handler
from services.kit.log.opening import StoredLog
from services.kit.rebuild import rebuild, verify
from services.kit.settings import Settings
from services.reporting.views.card import VIEW as CARD
from services.system import System, reach_system
from tests.bench.college import college, copy_of
from tests.bench.report import Row, arguments, row, show

CHUNK = 5000
LIMIT = "the same rows read from PostgreSQL and not decoded"


async def bench(system: System, rounds: int) -> list[Row]:
    """Rows of events per second."""
    log = system.logs["gradebook"]
    owner_dsn = system.store.databases["reporting"].owner_dsn
    assert owner_dsn is not None, "the embedded server has one"
    raw, folded, judged, raw_of_card, built = [list[float]() for _ in range(5)]
    for _ in range(rounds):
        raw.append(await _read({"gradebook": log}))
        folded.append(await _fold(system, log))
        report = await replay(log, system.settings.zoneinfo, system.clock)
        assert report.equal, report.findings
        judged.append(report.rate)
        raw_of_card.append(await _read({name: system.logs[name] for name in CARD.logs}))
        view = await rebuild(CARD, system.logs, owner_dsn)
        built.append(view.events / view.seconds)
    began = time.perf_counter()
    assert await verify(CARD, system.logs, owner_dsn) is None
    return [
        row(f"log folded ({report.events:,} events, {report.pages} pages)", "/s", folded, raw, "≥ 100,000/s"),
        row("log folded and judged again", "/s", judged, raw),
        row(f"card rebuilt ({view.events:,} events, {view.rows:,} rows)", "/s", built, raw_of_card, "≥ 80,000/s"),
        row("verify of the card", "s", [time.perf_counter() - began]),
        row("raw reading", "/s", raw),
    ]


async def _read(logs: Mapping[str, StoredLog]) -> float:
    """Events per second."""
    began, count = time.perf_counter(), 0
    for log in logs.values():
        async for rows in log.scan(0, CHUNK):
            count += len(rows)
    return count / (time.perf_counter() - began)


async def _fold(system: System, log: StoredLog) -> float:
    """Events per second into the states of all streams."""
    pages, absences = dict[str, Page](), dict[str, Absences]()
    of_page = Handler(log, PAGE_EVENTS, Page, system.clock)
    of_student = Handler(log, ABSENCE_EVENTS, Absences, system.clock)
    began, count = time.perf_counter(), 0
    gc.disable()
    try:
        async for rows in log.scan(0, CHUNK):
            count += len(rows)
            on_pages = [one for one in rows if one.stream.startswith("page/")]
            for one, fact in zip(on_pages, of_page.facts(on_pages), strict=True):
                page = pages.get(one.stream)
                if page is None:
                    page = pages[one.stream] = Page()
                page.apply(fact)
            others = [one for one in rows if not one.stream.startswith("page/")]
            for one, fact in zip(others, of_student.facts(others), strict=True):
                absences[one.stream] = absences.get(one.stream, Absences()).fold([fact])
    finally:
        gc.enable()
    return count / (time.perf_counter() - began)


async def _run(data: Settings, rounds: int) -> list[Row]:
    async with reach_system(data) as system:
        return await bench(system, rounds)


def main() -> None:
    """Measure and print, as a table or as JSON."""
    asked = arguments("replay of the log")
    with copy_of(college(asked.data)) as data, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(_run(Settings.load(data=data, demo="none"), asked.rounds))
    show("replay", rows, asked.json, LIMIT)


if __name__ == "__main__":
    main()
