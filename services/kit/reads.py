"""The log of staff reads of personal data: who read whom, by which route, when. Written in batches, off the request.

The sink is identity's: a person sees there who read his data.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import NamedTuple

import structlog

from services.kit.authn import Principal

FLUSH_SECONDS = 1.0
KEEP_AT_MOST = 100_000

log = structlog.get_logger()


class Read(NamedTuple):
    reader: str
    subject: str
    route: str
    at: datetime


Sink = Callable[[list[Read]], Awaitable[None]]


class ReadLog:
    """Collects reads and hands them to the sink every `FLUSH_SECONDS`; what the sink refuses is tried again."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._waiting: list[Read] = []

    def note(self, principal: Principal, subjects: Iterable[str], route: str) -> None:
        """Note that `principal` read data of these persons. His own data is nobody's business.

        While the sink is away so long that `KEEP_AT_MOST` wait, further reads are lost, and the log of the program
        says so.
        """
        if len(self._waiting) >= KEEP_AT_MOST:
            log.error("reads lost", route=route)
            return
        self._waiting += [Read(principal.subject, s, route, principal.now) for s in subjects if s != principal.subject]

    async def flush(self) -> None:
        """Hand what waits to the sink. A batch cut short may reach it twice, never not at all."""
        batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            await self._sink(batch)
        except asyncio.CancelledError:  # `run` writes them on its way out
            self._waiting = batch + self._waiting
            raise
        except Exception as failed:  # whatever the sink raises: the reads are kept for the next round
            log.error("read log not written", reads=len(batch), exc_info=failed)
            self._waiting = batch + self._waiting

    async def run(self) -> None:
        """Run until cancelled; the last batch is written on the way out."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await self.flush()
        finally:
            await self.flush()
