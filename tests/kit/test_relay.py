"""The relay: in order, at least once, each message with its predecessor; it resumes where the topic stands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.kit import relay as module
from services.kit.bus.memory import MemoryBus
from services.kit.relay import Relay
from tests.common.views import THINGS, Counted, ListFeed

pytestmark = pytest.mark.anyio


class GrowingFeed(ListFeed):
    """Waits like a log: until there is something after the position."""

    async def wait(self, after: int, timeout: float) -> int:
        for _ in range(int(timeout / 0.005)):
            if len(self.rows) > after:
                break
            await asyncio.sleep(0.005)
        return len(self.rows)


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    await asyncio.sleep(0.01)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def counted(*amounts: int) -> list[Counted]:
    return [Counted(thing="a", amount=n) for n in amounts]


async def test_an_empty_topic_starts_at_the_head() -> None:
    feed, bus = GrowingFeed(THINGS, counted(1, 2)), MemoryBus()
    async with bus.subscribe("things") as subscription, running(Relay(feed, bus, "things")):
        feed.add(*counted(3))
        got = await subscription.next(1)
    assert [(m.predecessor, m.event.position) for m in got] == [(2, 3)]


async def test_a_topic_that_has_messages_is_continued() -> None:
    """The relay was killed after publishing 2; what came since follows without a hole."""
    feed, bus = GrowingFeed(THINGS, counted(1, 2)), MemoryBus()
    await Relay(feed, bus, "things").step(0)
    feed.add(*counted(3, 4))
    async with bus.subscribe("things") as subscription, running(Relay(feed, bus, "things")):
        got = await subscription.next(1)
    assert [m.event.position for m in got] == [3, 4]


async def test_batches_follow_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    feed, bus = GrowingFeed(THINGS), MemoryBus()
    got: list[tuple[int, int]] = []
    async with bus.subscribe("things") as subscription, running(Relay(feed, bus, "things")):
        feed.add(*counted(*range(5)))
        while len(got) < 5:
            got += [(m.predecessor, m.event.position) for m in await subscription.next(1)]
    assert got == [(n, n + 1) for n in range(5)]


async def test_two_relays_only_repeat() -> None:
    feed, bus = GrowingFeed(THINGS), MemoryBus()
    async with (
        bus.subscribe("things") as subscription,
        running(Relay(feed, bus, "things")),
        running(Relay(feed, bus, "things")),
    ):
        feed.add(*counted(1, 2))
        got: list[int] = []
        while len(got) < 4:
            got += [m.event.position for m in await subscription.next(1)]
    assert sorted(got) == [1, 1, 2, 2]


async def test_a_lost_log_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is away for a while: the relay goes on where it was."""
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.005)

    class Away(GrowingFeed):
        failures = 2

        async def wait(self, after: int, timeout: float) -> int:
            if self.failures:
                self.failures -= 1
                raise ConnectionError("away")
            return await super().wait(after, timeout)

    feed, bus = Away(THINGS, counted(1)), MemoryBus()
    async with bus.subscribe("things") as subscription, running(Relay(feed, bus, "things")):
        feed.add(*counted(2))
        got = await subscription.next(1)
    assert [(m.predecessor, m.event.position) for m in got] == [(1, 2)]
