"""The in-process bus: the suite of every bus, and a reader that falls behind."""

import pytest

from services.kit.bus import memory
from services.kit.bus.memory import MemoryBus
from tests.kit.bus_conformance import BusConformance, messages, recorded

pytestmark = pytest.mark.anyio


class TestMemoryBus(BusConformance):
    @pytest.fixture
    def bus(self) -> MemoryBus:
        return MemoryBus()


async def test_a_reader_that_falls_behind_loses_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "BACKLOG", 3)
    bus, sent = MemoryBus(), messages(recorded(5).rows)
    subscription = memory._Subscription()
    subscription.queue = type(subscription.queue)(maxlen=memory.BACKLOG)
    bus._subscriptions["t"] = {subscription}
    await bus.publish("t", sent)
    assert await subscription.next(1) == sent[2:]


async def test_an_ended_subscription_gets_nothing_more() -> None:
    bus = MemoryBus()
    async with bus.subscribe("t") as subscription:
        pass
    await bus.publish("t", messages(recorded(1).rows))
    assert await subscription.next(0.01) == []
