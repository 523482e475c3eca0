"""The port of the bus: transport of a log's events, one topic per log. It may lose, repeat or be wiped.

Each message carries the position of its predecessor in the log, so a reader notices every hole and fills it from
the feed. The truth is the log, never the bus.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from services.kit.log.eventlog import Recorded


class Message(NamedTuple):
    """An event, the position of the event before it in the log (0 before the first), and the id of the log."""

    predecessor: int
    event: Recorded
    log: str


class Last(NamedTuple):
    """The last message of a topic: the id of the log that it came from, and its position there."""

    log: str
    position: int


class Subscription(Protocol):
    """The messages of one topic from the moment of subscribing."""

    async def next(self, timeout: float) -> list[Message]:
        """The messages at hand, at least one; empty after `timeout` seconds of silence."""
        ...


class Bus(Protocol):
    """Publishes to and reads from topics."""

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Hand the messages over, in order; returns when the transport has them."""
        ...

    async def last(self, topic: str) -> Last | None:
        """The last message that the topic holds, None for an empty topic."""
        ...

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[Subscription]:
        """Subscribe for the time of the context."""
        ...
