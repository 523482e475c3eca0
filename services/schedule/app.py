"""The schedule service: its log, its aggregates, its views.

Four kinds of streams: `catalogue`, `calendar/{group}`, `programme/{group}` and `timetable/{year}`, where load and
lessons of an academic year are judged together (S1).
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from contracts.events.schedule import EVENTS
from services.kit import feed, status
from services.kit.authn import Authenticator
from services.kit.bus.bus import Bus
from services.kit.clock import Clock
from services.kit.handle import Handler
from services.kit.http import create_app
from services.kit.log.eventlog import EventLog, Feed, NewEvent
from services.kit.postgres import Pool
from services.kit.projector import Projector
from services.kit.reads import ReadLog
from services.kit.service import Service
from services.kit.status import Health
from services.schedule import http
from services.schedule.catalogue import Catalogue
from services.schedule.periods import Calendar
from services.schedule.programmes import Programmes
from services.schedule.views import catalogue, lessons
from services.schedule.year import Year

NAME = "schedule"
YEARS_KEPT = 4
"""Folded academic years held in memory: the running one, its neighbours."""

VIEWS = (catalogue.VIEW, lessons.VIEW)


class Log(EventLog, Protocol):
    """What schedule needs of its log: an import appends to several streams, at once where that is possible."""

    async def append_together(
        self, conn: AsyncConnection[Any], appends: Sequence[tuple[str, int, Sequence[NewEvent]]]
    ) -> int: ...

    def grew(self, head: int) -> None: ...


class Schedule:
    """The service object. Commands (`commands.py`) work on it without HTTP as well."""

    def __init__(
        self, pool: Pool, log: Log, identity: Feed, bus: Bus, clock: Clock, zone: ZoneInfo, reads: ReadLog
    ) -> None:
        self.pool, self.log, self.clock, self.zone, self.reads = pool, log, clock, zone, reads
        self.catalogue = Handler(log, EVENTS, Catalogue, clock, keep=1)
        self.calendars = Handler(log, EVENTS, Calendar, clock)
        self.programmes = Handler(log, EVENTS, Programmes, clock)
        self.years = Handler(log, EVENTS, Year, clock, keep=YEARS_KEPT)
        self.importing = asyncio.Lock()
        self.feeds: dict[str, Feed] = {"schedule": log, "identity": identity}
        self.projectors = [Projector(view, pool, {name: self.feeds[name] for name in view.logs}, bus) for view in VIEWS]

    def day(self, instant: datetime) -> date:
        """The day of the college at that instant."""
        return instant.astimezone(self.zone).date()

    async def shown(self, position: int) -> None:
        """Return once the views show that position of the schedule log. Raises Behind."""
        for projector in self.projectors:
            await projector.reached(NAME, position)


def build(svc: Schedule, authenticator: Authenticator) -> Service:
    """The app of schedule, mounted at /api/schedule, and its loops."""
    health = Health(NAME, svc.pool, svc.feeds, svc.projectors)
    app = create_app(NAME, [http.routes(svc), feed.routes(svc.log), status.routes(health)], authenticator)
    return Service(NAME, app, health, projectors=tuple(svc.projectors))
