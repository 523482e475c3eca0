"""The relay: log → bus, in order, at least once. It keeps no cursor of its own: the topic tells where it stands."""

import structlog

from services.kit.bus.bus import Bus, Message
from services.kit.log.eventlog import Feed

BATCH = 1000
IDLE_SECONDS = 1.0

log = structlog.get_logger()


class Relay:
    """Publishes the events of one log to the topic of its name."""

    def __init__(self, source: Feed, bus: Bus, topic: str) -> None:
        self._source, self._bus, self._topic = source, bus, topic

    async def run(self) -> None:
        """Run until cancelled. An empty topic starts at the head: what came before is read from the feed."""
        last = await self._bus.last(self._topic)
        position = await self._source.head() if last is None else last
        log.info("relay started", topic=self._topic, position=position)
        while True:
            if await self._source.wait(position, IDLE_SECONDS) > position:
                position = await self.step(position)

    async def step(self, position: int) -> int:
        """Publish one batch after `position`; the position of its last event."""
        events = await self._source.read(position, BATCH)
        messages = []
        for event in events:
            messages.append(Message(position, event))
            position = event.position
        await self._bus.publish(self._topic, messages)
        return position
