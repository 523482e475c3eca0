"""The relay: log → bus, in order, at least once. It keeps no cursor of its own: the topic tells where it stands."""

import asyncio

import structlog

from services.kit.bus.bus import Bus, Message
from services.kit.log.eventlog import Feed
from services.kit.tracing import Follow, untraced

BATCH = 1000
IDLE_SECONDS = 1.0
RETRY_SECONDS = 0.5

log = structlog.get_logger()


class Relay:
    """Publishes the events of one log to the topic of its name.

    position: up to which it has published, None until it has started. head: the last position of the log that it saw.
    """

    def __init__(self, source: Feed, bus: Bus, topic: str) -> None:
        self._source, self._bus, self.topic = source, bus, topic
        self.position: int | None = None
        self.head = 0
        self.traced: Follow = untraced

    async def run(self) -> None:
        """Run until cancelled. An empty topic starts at the head, and so does one that holds another history
        (restored from a backup): what came before is read from the feed."""
        try:
            while True:
                await self._turn()
        finally:
            self.position = None  # another process may publish before this one runs again

    async def _turn(self) -> None:
        try:
            if self.position is None:
                self.position = await self._start()
            self.head = await self._source.wait(self.position, IDLE_SECONDS)
            if self.head > self.position:
                self.position = await self.step(self.position)
        except Exception as lost:  # whatever log or bus raise: what was published twice is read once
            log.warning("relay waits", topic=self.topic, error=repr(lost))
            await asyncio.sleep(RETRY_SECONDS)

    async def _start(self) -> int:
        log_id, head = await self._source.log_id(), await self._source.head()
        last = await self._bus.last(self.topic)
        if last is not None and (last.log != log_id or last.position > head):
            log.error("the topic is of another history of the log", topic=self.topic, last=last, log=log_id, head=head)
            last = None
        position = head if last is None else last.position
        log.info("relay started", topic=self.topic, position=position)
        return position

    async def step(self, position: int) -> int:
        """Publish one batch after `position`; the position of its last event."""
        log_id = await self._source.log_id()
        events = await self._source.read(position, BATCH)
        messages = []
        for event in events:
            messages.append(Message(position, event, log_id))
            position = event.position
        with self.traced(f"relay {self.topic}", events):
            await self._bus.publish(self.topic, messages)
        return position
