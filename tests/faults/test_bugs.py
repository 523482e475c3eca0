"""The harness can fail: every seeded bug is caught by its invariant, and the same work without a bug is found sound."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.faults import bugs
from tests.faults.base import Base
from tests.faults.broker import ProxiedBroker
from tests.faults.invariants import Findings, judge, lag
from tests.faults.load import RIGHTS_SECONDS, Load
from tests.faults.world import NO_KAFKA, World

pytestmark = pytest.mark.anyio

WRITING = ("identity.api", "gradebook.api")
TWO = (*WRITING, "gradebook.api")
READING = ("identity.api", "reporting.api")
VIEWING = ("identity.api", "schedule.api", "gradebook.api", "gradebook.relay", "reporting.projector")
Work = Callable[[World, Load], Awaitable[None]]


async def plain(world: World, load: Load) -> None:
    """Nothing but writing."""
    await load.sent(150)


async def crashes(world: World, load: Load) -> None:
    """The writing process dies between commit and answer, and at any time."""
    api = world.processes["gradebook.api"]
    for turn in range(4):
        await load.sent(30)
        api.control.arm("append.after") if turn % 2 else api.signal(9)


async def half_open(world: World, load: Load) -> None:
    """The way to the database stands still."""
    await load.sent(20)
    await world.proxy.spoil("gradebook.api>postgres", "half-open")
    await load.sent(10)
    world.processes["gradebook.api"].signal(9)  # what it still holds in memory is lost with it
    await world.heal()
    await load.sent(5)


async def unlinks(world: World, load: Load) -> None:
    """A guardian's link ends and he goes on asking."""
    assert await load.unlink()
    await asyncio.sleep(RIGHTS_SECONDS + 1)


async def closes(world: World, load: Load) -> None:
    """Pages are closed under the hands of their teachers."""
    await load.sent(30)
    for page in sorted({lesson.page for lesson in load.cast.lessons}):
        assert await load.close_page(page)
    await load.sent(50)


async def projector_dies(world: World, load: Load) -> None:
    """The process that keeps the views dies between rows and cursor, and comes back behind."""
    projector = world.processes["reporting.projector"]
    for _ in range(3):
        await load.sent(30)
        projector.control.arm("projector.rows")
        await asyncio.wait_for(projector.ended.wait(), 10)


CASES: dict[str, tuple[tuple[str, ...], Work, set[str]]] = {
    "answer before commit": (WRITING, crashes, {"kept"}),
    "no dedup": (WRITING, crashes, {"traceless", "settled", "once"}),
    "lost counts as done": (WRITING, half_open, {"kept"}),
    "rights never end": (READING, unlinks, {"foreign"}),
    "close by clock": (WRITING, closes, {"closed"}),
    "no lock": (TWO, plain, {"answers"}),
    "bare sequence": (TWO, plain, {"sound"}),
    "one statement": (TWO, plain, {"sound"}),
    "cursor before rows": (VIEWING, projector_dies, {"views"}),
    "predecessor ignored": (VIEWING, plain, {"views"}),
    "duplicates applied": (VIEWING, plain, {"views"}),
    "feed read once": (VIEWING, projector_dies, {"views"}),
}
"""{bug: what runs, what is done, which invariants may catch it}."""

HARMLESS: dict[str, tuple[tuple[str, ...], Work]] = {
    "lossy bus": (VIEWING, plain),
    "repeating bus": (VIEWING, plain),
    "": (VIEWING, projector_dies),
}


@asynccontextmanager
async def running(base: Base, broker: ProxiedBroker | None, targets: tuple[str, ...], bug: str) -> AsyncIterator[World]:
    kafka, way = (NO_KAFKA, 0) if broker is None else (f"127.0.0.1:{broker.inner}", broker.way)
    async with World(base, targets, kafka, way, bug) as world:
        if bug in bugs.STORE:
            bugs.install_in_store(bug, world.dsn("gradebook"))
        yield world


async def found(base: Base, broker: ProxiedBroker | None, targets: tuple[str, ...], work: Work, bug: str) -> Findings:
    """What the invariants say after that work."""
    async with running(base, broker, targets, bug) as world:
        load = Load(world, seed=1, workers=6 if "gradebook.api" in targets else 0)
        task = asyncio.create_task(load.run())
        await work(world, load)
        load.stop()
        await task
        await world.heal()
        await world.ready()
        findings = Findings()
        _, behind = await lag(world)
        if behind:
            findings.note("lag", behind)
        await judge(world, load, findings)
        return findings


@pytest.mark.parametrize("bug", CASES)
async def test_a_seeded_bug_is_caught(bug: str, filled: Base, request: pytest.FixtureRequest) -> None:
    targets, work, invariants = CASES[bug]
    broker = request.getfixturevalue("broker") if targets is VIEWING else None
    findings = await found(filled, broker, targets, work, bug)
    assert invariants & findings.keys(), f"{bug} was not caught by {invariants}: {findings}"


@pytest.mark.parametrize("bug", HARMLESS)
async def test_what_a_bus_may_do_harms_nothing(bug: str, filled: Base, broker: ProxiedBroker) -> None:
    targets, work = HARMLESS[bug]
    findings = await found(filled, broker, targets, work, bug)
    assert not findings, str(findings)
