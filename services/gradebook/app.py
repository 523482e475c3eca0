"""The grade book service: its log, its pages and absences, its keeper and its view."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

import orjson

from contracts.envelope import Event
from contracts.events.gradebook import ABSENCE_EVENTS, PAGE_EVENTS
from services.gradebook.absences import Absences, Announce, Classify
from services.gradebook.absences import decide as decide_absence
from services.gradebook.commands import PageCommand
from services.gradebook.decide import decide
from services.gradebook.keeper import Keeper
from services.gradebook.page import Page
from services.gradebook.rules import Context
from services.gradebook.spread import shared
from services.gradebook.texts import Texts
from services.gradebook.views import pages
from services.kit import feed, status
from services.kit.authn import Authenticator
from services.kit.bus.bus import Bus
from services.kit.clock import Clock
from services.kit.handle import Command, Done, Fact, Folded, Handler
from services.kit.http import create_app
from services.kit.log.eventlog import EventLog, Feed
from services.kit.postgres import Pool
from services.kit.projector import Projector
from services.kit.reads import ReadLog
from services.kit.service import Service
from services.kit.status import Health

NAME = "gradebook"
PAGES_KEPT = 192
"""Folded pages held in memory, some 0.3 MB each: those that a college of a thousand students writes on in one day."""
SPREADS_KEPT = 128
VIEWS = (pages.VIEW,)


class Outcome(NamedTuple):
    """Where a command landed, the events that it wrote (also when it is a replay) and the page that it saw."""

    position: int
    facts: Sequence[Fact]
    page: Page


class Gradebook:
    """The service object. Commands work on it without HTTP as well: `change`, `absence`."""

    def __init__(
        self,
        pool: Pool,
        log: EventLog,
        identity: Feed,
        schedule: Feed,
        bus: Bus,
        clock: Clock,
        zone: ZoneInfo,
        reads: ReadLog,
    ) -> None:
        self.pool, self.log, self.clock, self.zone, self.reads = pool, log, clock, zone, reads
        self.pages = Handler(log, PAGE_EVENTS, Page, clock, keep=PAGES_KEPT)
        self.absences = Handler(log, ABSENCE_EVENTS, Absences, clock)
        self.texts = Texts(pool)
        self.projector = Projector(pages.VIEW, pool, {NAME: log}, bus)
        self.keeper = Keeper(pool, self.pages, {"identity": identity, "schedule": schedule, NAME: log})
        self._spreads: OrderedDict[str, tuple[int, date, bytes]] = OrderedDict()

    def day(self, instant: datetime) -> date:
        """The day of the college at that instant."""
        return instant.astimezone(self.zone).date()

    async def page(self, page: str) -> Folded[Page]:
        """The page as of now; an empty one that `access` refuses if there is none."""
        return await self.pages.state(f"page/{page}")

    async def change(
        self, page: str, change: PageCommand, by: Command, allow: Callable[[Page], object] = lambda page: None
    ) -> Outcome:
        """Carry a command out on a page. `allow` raises for who may not reach it; it is asked about the state that is
        decided on. Raises what the rules raise."""
        seen = cast(Page, None)

        def decided(state: Page, now: datetime) -> list[Event]:
            nonlocal seen
            allow(state)
            seen = state
            return decide(state, change, Context(by.meta(now), self.day(now)))

        stream = f"page/{page}"
        done = await self.pages.execute(stream, by, decided)
        facts: Sequence[Fact] = done.facts
        if done.replayed:
            rows = await self.log.read_stream(stream)
            facts = [fact for fact in self.pages.facts(rows) if fact.meta.command == by.id]
        return Outcome(done.position, facts, seen)

    async def absence(self, student: str, change: Announce | Classify, by: Command) -> Done:
        """Carry a command out on a student's absences."""

        def decided(state: Absences, now: datetime) -> list[Event]:
            return decide_absence(state, change, Context(by.meta(now), self.day(now)))

        return await self.absences.execute(f"absence/{student}", by, decided)

    def spread(self, page: Folded[Page], today: date) -> bytes:
        """The shared part of a page's spread as JSON, rendered once per revision and day."""
        opened = page.state.opened
        assert opened is not None, "access has let the reader through"
        held = self._spreads.get(opened.page)
        if held is not None and held[:2] == (page.revision, today):
            self._spreads.move_to_end(opened.page)
            return held[2]
        body = orjson.dumps(shared(page.state, today))
        self._spreads[opened.page] = (page.revision, today, body)
        self._spreads.move_to_end(opened.page)
        if len(self._spreads) > SPREADS_KEPT:
            self._spreads.popitem(last=False)
        return body


def build(svc: Gradebook, authenticator: Authenticator) -> Service:
    """The app and loops around a service object that somebody else keeps a hand on."""
    from services.gradebook import http, permits, search, writing

    health = Health(NAME, svc.pool, {NAME: svc.log}, (svc.projector,))
    parts = (writing, http, permits, search)
    routers = [*(part.routes(svc) for part in parts), feed.routes(svc.log), status.routes(health)]
    app = create_app("Zhurnal: grade book", routers, authenticator)
    app.state.gradebook = svc
    return Service(NAME, app, health, (svc.keeper.run,), (svc.projector,))
