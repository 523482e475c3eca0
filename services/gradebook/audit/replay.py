"""The replay: folds every stream from nothing and judges each event again, by the same rules and the same state.

An event that breaks a rule, does not continue its stream or is of an unknown type is a finding: an insertion past the
rules, or a fault. The fold goes on after it, because what is recorded is recorded.
"""

from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol, cast
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from contracts.envelope import Meta, UnknownType
from contracts.events.gradebook import ABSENCE_EVENTS, PAGE_EVENTS
from services.gradebook.absences import Absences
from services.gradebook.absences import judge as judge_absence
from services.gradebook.page import Page
from services.gradebook.rules import Context, judge
from services.kit.clock import Clock
from services.kit.collecting import uncollected
from services.kit.handle import Fact
from services.kit.log.eventlog import EventLog, Feed, Recorded
from services.kit.problems import Problem

CHUNK = 5000
FINDINGS_KEPT = 100
MINUTE = len("2025-09-01T00:00")
UTC = "+00:00"
LONGEST_WAIT = timedelta(seconds=10)
"""Between the decision and its place in the log, whose clock is another; more is a time set by hand."""


class Finding(NamedTuple):
    """What is wrong with the event at `position`. rule: G1 …, or `log` for what is not a rule of the regulation."""

    position: int
    stream: str
    type: str
    actor: str
    rule: str
    code: str
    why: str


class Report(NamedTuple):
    """findings: the first ones, in log order; `broken` counts all. rate: events per second."""

    events: int
    pages: int
    students: int
    broken: int
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def rate(self) -> float:
        return self.events / self.seconds if self.seconds else 0.0

    @property
    def equal(self) -> bool:
        """Every event is lawful."""
        return not self.broken


Progress = Callable[[int], None]


class _Scan(Protocol):
    def scan(self, after: int = 0, chunk: int = CHUNK) -> AsyncIterator[list[Recorded]]: ...


class Replay:
    """The state of a replay; `take` events in log order."""

    def __init__(self, zone: ZoneInfo, dense: bool = True) -> None:
        self._zone, self._dense = zone, dense
        self.pages: dict[str, Page] = {}
        self.absences: dict[str, tuple[Absences, int]] = {}
        self.position = self.events = self.broken = 0
        self.findings: list[Finding] = []
        self._days: dict[str, date] = {}
        self._meta_text = ""
        self._context: Context | None = None
        self._decided: datetime | None = None

    def take(self, rows: list[Recorded]) -> None:
        """Judge and fold consecutive rows of the log."""
        for row in rows:
            if row.position <= self.position or (self._dense and row.position != self.position + 1):
                self._find(row, "", "log", "hole", f"follows position {self.position}")
            self.position = row.position
            self.events += 1
            try:
                self._take(row)
            except Problem as broken:
                rule = getattr(broken, "rule", "") or "log"
                self._find(row, self._actor(), rule, broken.code, str(broken))
            except (UnknownType, ValidationError, ValueError, KeyError) as unreadable:
                self._find(row, "", "log", "unreadable", type(unreadable).__name__)

    def _take(self, row: Recorded) -> None:
        ctx = self._context_of(row.meta)
        if self._decided is not None and abs(row.at - self._decided) > LONGEST_WAIT:
            self._find(row, ctx.meta.actor, "log", "decided_at", f"decided at {self._decided}, recorded at {row.at}")
        if row.stream.startswith("page/"):
            event = PAGE_EVENTS.decode(row.type, row.body)
            page = self.pages.get(row.stream)
            if page is None:
                page = self.pages[row.stream] = Page()
            if row.revision != page.revision + 1:
                self._find(row, ctx.meta.actor, "log", "revision", f"follows revision {page.revision}")
            try:
                judge(page, event, ctx)
            finally:
                page.apply(Fact(event, ctx.meta, row.id, row.position, row.revision))
        elif row.stream.startswith("absence/"):
            event = ABSENCE_EVENTS.decode(row.type, row.body)
            state, revision = self.absences.get(row.stream, (Absences(), -1))
            if row.revision != revision + 1:
                self._find(row, ctx.meta.actor, "log", "revision", f"follows revision {revision}")
            fact = Fact(event, ctx.meta, row.id, row.position, row.revision)
            self.absences[row.stream] = (state.fold([fact]), row.revision)
            judge_absence(state, event, ctx)
        else:
            self._find(row, ctx.meta.actor, "log", "stream", "no stream of the grade book")

    def _context_of(self, text: str) -> Context:
        """The context of an event; events of one command share it."""
        if text == self._meta_text and self._context is not None:
            return self._context
        meta = Meta.of(text)
        decided_at = meta.decided_at
        minute = decided_at[:MINUTE] if decided_at.endswith(UTC) else decided_at
        today = self._days.get(minute)
        if today is None:
            today = self._days[minute] = datetime.fromisoformat(decided_at).astimezone(self._zone).date()
        # what was loaded or imported was decided when it says; what was asked for over HTTP was decided at once
        self._decided = datetime.fromisoformat(decided_at).astimezone(self._zone) if meta.via == "http" else None
        self._meta_text, self._context = text, Context(meta, today)
        return self._context

    def _actor(self) -> str:
        return self._context.meta.actor if self._context else ""

    def _find(self, row: Recorded, actor: str, rule: str, code: str, why: str) -> None:
        self.broken += 1
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(Finding(row.position, row.stream, row.type, actor, rule, code, why))


async def replay(log: EventLog, zone: ZoneInfo, clock: Clock, progress: Progress | None = None) -> Report:
    """Replay the whole log of the grade book. `progress` gets the position after every chunk."""
    started, state = clock.monotonic(), Replay(zone, log.dense)
    with uncollected():
        async for rows in chunks(log):
            state.take(rows)
            if progress is not None:
                progress(state.position)
    found, seconds = tuple(state.findings), clock.monotonic() - started
    return Report(state.events, len(state.pages), len(state.absences), state.broken, found, seconds)


async def chunks(log: Feed) -> AsyncIterator[list[Recorded]]:
    """The log in chunks, by its own scan where it has one."""
    if hasattr(log, "scan"):
        async for rows in cast(_Scan, log).scan(0, CHUNK):
            yield rows
        return
    after = 0
    while rows := await log.read(after, CHUNK):
        yield rows
        after = rows[-1].position
