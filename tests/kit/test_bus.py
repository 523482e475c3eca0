"""The in-process bus: order, silence, a reader that falls behind, and the relay that feeds it."""

import asyncio

import pytest

from services.kit.bus import memory
from services.kit.bus.bus import Message
from services.kit.bus.memory import MemoryBus
from tests.common.views import THINGS, Counted, ListFeed

pytestmark = pytest.mark.anyio


def messages(count: int) -> list[Message]:
    feed = ListFeed(THINGS, [Counted(thing="a", amount=n) for n in range(count)])
    return [Message(row.position - 1, row, feed.id) for row in feed.rows]


async def test_every_subscriber_gets_every_message_in_order() -> None:
    bus, sent = MemoryBus(), messages(5)
    async with bus.subscribe("t") as one, bus.subscribe("t") as two:
        await bus.publish("t", sent[:2])
        await bus.publish("t", sent[2:])
        assert await one.next(1) == sent
        assert await two.next(1) == sent


async def test_topics_are_apart_and_remember_their_last_position() -> None:
    bus, sent = MemoryBus(), messages(3)
    async with bus.subscribe("t") as subscription:
        await bus.publish("other", sent)
        assert await subscription.next(0.01) == []
    assert await bus.last("other") == ("log-1", 3)
    assert await bus.last("t") is None


async def test_publishing_nothing_is_nothing() -> None:
    bus = MemoryBus()
    await bus.publish("t", [])
    assert await bus.last("t") is None


async def test_a_waiting_reader_is_woken() -> None:
    bus, sent = MemoryBus(), messages(1)
    async with bus.subscribe("t") as subscription:
        waiting = asyncio.create_task(subscription.next(5))
        await asyncio.sleep(0)
        await bus.publish("t", sent)
        assert await waiting == sent


async def test_a_reader_that_falls_behind_loses_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "BACKLOG", 3)
    bus, sent = MemoryBus(), messages(5)
    bus_subscription = memory._Subscription()
    bus_subscription.queue = type(bus_subscription.queue)(maxlen=memory.BACKLOG)
    bus._subscriptions["t"] = {bus_subscription}
    await bus.publish("t", sent)
    assert await bus_subscription.next(1) == sent[2:]


async def test_an_ended_subscription_gets_nothing_more() -> None:
    bus = MemoryBus()
    async with bus.subscribe("t") as subscription:
        pass
    await bus.publish("t", messages(1))
    assert await subscription.next(0.01) == []
