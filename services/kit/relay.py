"""The relay: log → bus, in order, at least once. It keeps no cursor of its own: the topic tells where it stands."""

import asyncio

import structlog

from services.kit.bus.bus import Bus, Message
from services.kit.log.eventlog import Feed

BATCH = 1000
IDLE_SECONDS = 1.0
RETRY_SECONDS = 0.5

log = structlog.get_logger()


class Relay:
    """Publishes the events of one log to the topic of its name."""

    def __init__(self, source: Feed, bus: Bus, topic: str) -> None:
        self._source, self._bus, self._topic = source, bus, topic

    async def run(self) -> None:
        """Run until cancelled. An empty topic starts at the head: what came before is read from the feed."""
        position: int | None = None
        while True:
            try:
                if position is None:
                    position = await self._start()
                if await self._source.wait(position, IDLE_SECONDS) > position:
                    position = await self.step(position)
            except Exception as lost:  # whatever log or bus raise: what was published twice is read once
                log.warning("relay waits", topic=self._topic, error=repr(lost))
                await asyncio.sleep(RETRY_SECONDS)

    async def _start(self) -> int:
        last = await self._bus.last(self._topic)
        position = await self._source.head() if last is None else last
        log.info("relay started", topic=self._topic, position=position)
        return position

    async def step(self, position: int) -> int:
        """Publish one batch after `position`; the position of its last event."""
        events = await self._source.read(position, BATCH)
        messages = []
        for event in events:
            messages.append(Message(position, event))
            position = event.position
        await self._bus.publish(self._topic, messages)
        return position
