"""Commands on event-sourced aggregates: read → fold → decide → append → retry.

An aggregate is one stream. `decide` is pure and judges the folded state; the expected revision judges whether that
state was current. So a command decides on the cached state at once, and catches up only after a conflict and before
any answer that appends nothing: a refusal, or "nothing to change". The same command id with the same request answers
as before; with another request, or on another stream, it is refused. A command that appended nothing leaves no trace.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Generic, NamedTuple, Protocol, TypeVar

from contracts.envelope import Event, EventTypes, Meta
from contracts.ids import derived
from services.kit.clock import Clock
from services.kit.log.eventlog import (
    MAX_EVENT_BYTES,
    NO_STREAM,
    Appended,
    Conflict,
    EventLog,
    EventTooLarge,
    NewEvent,
    OutcomeUnknown,
    Recorded,
)
from services.kit.problems import Busy, KeyReused, OutcomeUnclear, Problem, TooLarge
from services.kit.tracing import traceparent

ATTEMPTS = 12
JITTER_SECONDS = 0.02


Append = Callable[[str, int, Sequence[NewEvent]], Awaitable[Appended]]


class Fact(NamedTuple):
    """A recorded event as a fold sees it.

    position: its own where it was read; where this process has just appended it, that of its append's last event.
    """

    event: Event
    meta: Meta
    id: str
    position: int
    revision: int


_NO_META = Meta("", "", "", "", "", "", "")

S = TypeVar("S", bound="Foldable")


class Foldable(Protocol):
    """A state. `fold` returns a new state and never raises; the old one stays as it was."""

    def fold(self: S, facts: Sequence[Fact]) -> S: ...


class Command(NamedTuple):
    """Who asks for a change, under which id. `request`: SHA-256 (hex) of the canonical request."""

    id: str
    request: str
    actor: str
    role: str = ""
    session: str = ""
    via: str = "http"
    cause: str = ""

    def event_id(self, n: int) -> str:
        return derived("event", self.id, str(n))

    def meta(self, now: datetime) -> Meta:
        return Meta(
            self.id,
            self.request,
            self.actor,
            self.role,
            self.session,
            now.isoformat(),
            self.via,
            self.cause,
            traceparent(),
        )


def command_id(subject: str, key: str) -> str:
    """The id of the command that `subject` sent under that Idempotency-Key."""
    return derived("command", subject, key)


class Done(NamedTuple):
    """Where a command landed. `facts` is empty for a replay and for a command that changed nothing."""

    position: int
    revision: int
    facts: tuple[Fact, ...]
    replayed: bool = False


class Receipt(NamedTuple):
    """What a stream remembers of a command: its request, and where its last event stands."""

    request: str
    position: int
    revision: int


class Folded(NamedTuple, Generic[S]):
    """A state at a revision of its stream, with the receipts of the commands that led to it."""

    state: S
    revision: int
    position: int
    receipts: dict[str, Receipt]

    @property
    def exists(self) -> bool:
        return self.revision > NO_STREAM

    def then(self, facts: Sequence[Fact]) -> "Folded[S]":
        if not facts:
            return self
        receipts = dict(self.receipts)
        for fact in facts:
            receipts[fact.meta.command] = Receipt(fact.meta.request, fact.position, fact.revision)
        return Folded(self.state.fold(facts), facts[-1].revision, facts[-1].position, receipts)


class Handler(Generic[S]):
    """Runs commands on the streams of one kind of aggregate; keeps the latest `keep` folded states.

    append: that of the log, or one around it that measures.
    """

    def __init__(self, log: EventLog, types: EventTypes, empty: Callable[[], S], clock: Clock, keep: int = 128) -> None:
        self._log, self._types, self._empty, self._clock, self.keep = log, types, empty, clock, keep
        self.append: Append = log.append
        self._cache: OrderedDict[str, Folded[S]] = OrderedDict()
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def facts(self, rows: Sequence[Recorded]) -> list[Fact]:
        """Decode recorded rows. Events of one command follow each other and share its metadata."""
        decode, facts, text, meta = self._types.decode, list[Fact](), "", _NO_META
        for r in rows:
            if r.meta != text:
                text, meta = r.meta, Meta.of(r.meta)
            facts.append(Fact(decode(r.type, r.body), meta, r.id, r.position, r.revision))
        return facts

    def encode(self, command: Command, events: Sequence[Event], now: datetime) -> list[NewEvent]:
        """The rows of a command's events: ids from the command, one metadata for all."""
        meta = command.meta(now).text()
        return [NewEvent(command.event_id(n), *self._types.encode(event), meta) for n, event in enumerate(events)]

    async def state(self, stream: str) -> Folded[S]:
        """The state as of now: the cached one, caught up from the log."""
        held = self._held(stream)
        return self._hold(stream, held.then(self.facts(await self._log.read_stream(stream, held.revision))))

    async def state_at(self, stream: str, keep: Callable[[Recorded], bool]) -> Folded[S]:
        """The state as it was after the leading events for which `keep` holds (by position or by time)."""
        rows = await self._log.read_stream(stream)
        wanted = next((i for i, row in enumerate(rows) if not keep(row)), len(rows))
        return self._new().then(self.facts(rows[:wanted]))

    async def execute(self, stream: str, command: Command, decide: Callable[[S, datetime], Sequence[Event]]) -> Done:
        """Carry `command` out on `stream`.

        Raises the Problem of `decide`, KeyReused, Busy, OutcomeUnclear, and TooLarge for an event beyond the limit.
        """
        lock, waiting = self._locks.get(stream, (None, 0))
        lock = lock or asyncio.Lock()
        self._locks[stream] = (lock, waiting + 1)
        try:
            async with lock:
                return await self._execute(stream, command, decide)
        finally:
            lock, waiting = self._locks[stream]
            if waiting == 1:
                del self._locks[stream]
            else:
                self._locks[stream] = (lock, waiting - 1)

    async def _execute(self, stream: str, command: Command, decide: Callable[[S, datetime], Sequence[Event]]) -> Done:
        held = self._cache.get(stream) or await self.state(stream)
        for attempt in range(ATTEMPTS):
            if receipt := held.receipts.get(command.id):
                return self._replay(command, receipt)
            now = self._clock.now()
            refusal: Problem | None = None
            events: Sequence[Event] = ()
            try:
                events = decide(held.state, now)
            except Problem as refused:
                refusal = refused
            if not events:
                newer = await self.state(stream)
                if newer.revision != held.revision:
                    held = newer
                    continue
                if refusal is not None:
                    raise refusal
                return Done(held.position, held.revision, ())
            rows = self.encode(command, events, now)
            try:
                landed = await self.append(stream, held.revision, rows)
            except Conflict:
                await asyncio.sleep(random.random() * JITTER_SECONDS * attempt)  # noqa: S311 - spreads retries
                held = await self.state(stream)
                continue
            except OutcomeUnknown as lost:
                raise OutcomeUnclear from lost
            except EventTooLarge as large:
                raise TooLarge(limit=MAX_EVENT_BYTES) from large
            if landed.duplicate:
                receipt = (await self.state(stream)).receipts.get(command.id)
                if receipt is None:  # it landed on another stream
                    raise KeyReused
                return self._replay(command, receipt)
            facts = self._landed(command, events, rows, now, landed)
            self._hold(stream, held.then(facts))
            return Done(landed.position, landed.revision, facts)
        raise Busy

    @staticmethod
    def _replay(command: Command, receipt: Receipt) -> Done:
        if receipt.request != command.request:
            raise KeyReused
        return Done(receipt.position, receipt.revision, (), replayed=True)

    @staticmethod
    def _landed(
        command: Command, events: Sequence[Event], rows: Sequence[NewEvent], now: datetime, landed: Appended
    ) -> tuple[Fact, ...]:
        meta, before = command.meta(now), len(events) - 1
        return tuple(
            Fact(event, meta, rows[n].id, landed.position, landed.revision - before + n)
            for n, event in enumerate(events)
        )

    def _new(self) -> Folded[S]:
        return Folded(self._empty(), NO_STREAM, 0, {})

    def _held(self, stream: str) -> Folded[S]:
        return self._cache.get(stream) or self._new()

    def _hold(self, stream: str, folded: Folded[S]) -> Folded[S]:
        """Keep the newer of what is held and `folded`; streams that do not exist are not kept."""
        held = self._cache.get(stream)
        if held is not None and held.revision > folded.revision:
            folded = held
        if folded.exists:
            self._cache[stream] = folded
            self._cache.move_to_end(stream)
            if len(self._cache) > self.keep:
                self._cache.popitem(last=False)
        return folded
