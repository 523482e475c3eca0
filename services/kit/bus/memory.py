"""The in-process bus. A reader that falls behind by more than `BACKLOG` messages loses the oldest, as on any bus."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.kit.bus.bus import Last, Message

BACKLOG = 10_000


class _Subscription:
    def __init__(self) -> None:
        self.queue: deque[Message] = deque(maxlen=BACKLOG)
        self.ready = asyncio.Event()

    async def next(self, timeout: float) -> list[Message]:
        if not self.queue:
            try:
                async with asyncio.timeout(timeout):  # `wait_for` of Python 3.11 may swallow a cancellation
                    await self.ready.wait()
            except TimeoutError:
                return []
        self.ready.clear()
        messages = list(self.queue)
        self.queue.clear()
        return messages


class MemoryBus:
    """Topics of one process; nothing outlives it."""

    def __init__(self) -> None:
        self._last: dict[str, Last] = {}
        self._subscriptions: dict[str, set[_Subscription]] = {}

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        if not messages:
            return
        self._last[topic] = Last(messages[-1].log, messages[-1].event.position)
        for subscription in self._subscriptions.get(topic, ()):
            subscription.queue.extend(messages)
            subscription.ready.set()

    async def last(self, topic: str) -> Last | None:
        return self._last.get(topic)

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[_Subscription]:
        subscription = _Subscription()
        readers = self._subscriptions.setdefault(topic, set())
        readers.add(subscription)
        try:
            yield subscription
        finally:
            readers.discard(subscription)
