"""The composition root: all services of an installation in one process.

`assemble` builds every part over open databases and starts nothing; `System.run` runs the loops (relays, projectors,
the keeper, the reader of rights) until cancelled. Command lines assemble the same parts and use them without loops.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

from contracts import grants as grant_changes
from contracts.events import identity as identity_events
from services.checkup.machine import newest
from services.gradebook import app as gradebook
from services.identity import app as identity
from services.identity.keys import signing_key
from services.kit.authn import Authenticator, Grants, GrantsReader, TokenIssuer, TokenVerifier
from services.kit.bus.memory import MemoryBus
from services.kit.clock import Clock, IdSource, RandomIds, SystemClock
from services.kit.datalock import make_folder
from services.kit.edge import Edge
from services.kit.front import Begin, Front
from services.kit.log.opening import StoredLog, open_log
from services.kit.log.postgres import PostgresLog
from services.kit.postgres import Pool, open_pool
from services.kit.rate import Rate
from services.kit.rebuild import ensure
from services.kit.relay import Relay
from services.kit.service import Service
from services.kit.settings import SERVICES, Settings
from services.kit.static import Site
from services.kit.status import Board
from services.kit.tasks import Loop, run_together
from services.kit.telemetry import Metrics
from services.kit.tracing import Tracing
from services.kit.view import View
from services.notifications import app as notifications
from services.reporting import app as reporting
from services.schedule import app as schedule
from services.store import LOGS, Store, open_store, reach_store

VIEWS: dict[str, tuple[View, ...]] = {
    "schedule": schedule.VIEWS,
    "gradebook": gradebook.VIEWS,
    "reporting": reporting.VIEWS,
    "notifications": notifications.VIEWS,
}
"""The views of each service, made and brought to their version when the store is opened."""

LARGEST_POOL = {"identity": 4, "schedule": 4, "gradebook": 8, "reporting": 6, "notifications": 4}


@dataclass(frozen=True)
class System:
    """The parts of a running or resting installation."""

    settings: Settings
    store: Store
    clock: Clock
    grants: Grants
    rights: GrantsReader
    logs: dict[str, StoredLog]
    bus: MemoryBus
    identity: identity.Identity
    schedule: schedule.Schedule
    gradebook: gradebook.Gradebook
    services: dict[str, Service]
    loops: tuple[Loop, ...]
    metrics: Metrics

    def edge(self, begin: Begin | None = None, site: Site | None = None) -> Edge:
        """The entrance of the one-process mode, with the web client where it was built."""
        apps = {name: self.metrics.http(name, service.app) for name, service in self.services.items()}
        secure = self.settings.secure
        looks = {name: service.health.look for name, service in self.services.items()}
        board = Board(looks, self.clock, self.settings.zoneinfo, self.settings.notice)
        front = Front(apps, board, begin, site, secure=secure)
        rate, render = Rate(self.settings.rate, self.clock.monotonic), self.metrics.render
        return Edge(apps, self.identity.admission, front, self.failing, rate=rate, secure=secure, metrics=render)

    def failing(self) -> list[str]:
        """The views that stopped, empty when all is well."""
        return [f"{p.view.name}: {p.stopped}" for s in self.services.values() for p in s.projectors if p.stopped]

    async def caught_up(self) -> None:
        """Return once rights, pages and views have read everything that the logs hold now."""
        await self.rights.catch_up()
        await self.gradebook.keeper.catch_up()
        for service in self.services.values():
            for projector in service.projectors:
                await projector.catch_up()

    async def run(self) -> None:
        """Run all loops until cancelled."""
        await run_together(self.loops)


def measuring(settings: Settings, target: str, stack: AsyncExitStack) -> Metrics:
    """The figures of a process, and its traces where they are sent."""
    running = version("zhurnal")
    tracing = Tracing.to(settings.traces, target, running) if settings.traces else None
    if tracing is not None:
        stack.push_async_callback(asyncio.to_thread, tracing.close)  # it sends what waits, and blocks meanwhile
    return Metrics(target, running, tracing)


async def assemble(
    settings: Settings, store: Store, stack: AsyncExitStack, clock: Clock | None = None, ids: IdSource | None = None
) -> System:
    """Build the system over open databases; `stack` closes what it opens. `rights` has read nothing yet."""
    clock, ids, zone = clock or SystemClock(), ids or RandomIds(), settings.zoneinfo
    metrics = measuring(settings, "up", stack)
    pools: dict[str, Pool] = {}
    for name in SERVICES:
        pools[name] = await open_pool(store.databases[name].dsn, name=name, largest=LARGEST_POOL[name])
        stack.push_async_callback(pools[name].close)
        metrics.pool(name, pools[name])
    own = PostgresLog(pools["identity"])  # appended to inside the transactions of its tables
    logs: dict[str, StoredLog] = {"identity": own}
    logs |= {name: open_log(settings, name, pools[name]) for name in LOGS if name != "identity"}
    for event_log in logs.values():
        stack.push_async_callback(event_log.close)

    make_folder(settings.data.absolute())
    issuer = TokenIssuer(signing_key(settings.data / "token-key.pem"), clock)
    grants = Grants()
    rights = GrantsReader(grants, logs["identity"], identity_events.EVENTS, grant_changes.changes, clock)
    authenticator = Authenticator(TokenVerifier([issuer.public_key], clock), grants, clock, zone)
    bus = MemoryBus()
    people = identity.Identity(pools["identity"], own, issuer, grants, clock, ids, zone, secure=settings.secure)
    lessons = schedule.Schedule(pools["schedule"], logs["schedule"], logs["identity"], bus, clock, zone, people.reads)
    pages = gradebook.Gradebook(
        pools["gradebook"], logs["gradebook"], logs["identity"], logs["schedule"], bus, clock, zone, people.reads
    )
    services = (
        identity.build(people, authenticator),
        schedule.build(lessons, authenticator),
        gradebook.build(pages, authenticator),
        reporting.build(pools["reporting"], logs, bus, authenticator, people.reads),
        notifications.build(pools["notifications"], logs, bus, authenticator),
    )
    pages.pages.append = metrics.appends(gradebook.NAME, pages.pages.append)
    relays = [Relay(event_log, bus, name) for name, event_log in logs.items()]
    for relay in relays:
        metrics.relay(relay)
    projectors = [projector for service in services for projector in service.projectors]
    for projector in projectors:
        metrics.view(projector)
    metrics.keeper(pages.keeper)
    metrics.rights(grants, clock)
    metrics.folder(settings.data)
    if settings.backups is not None:
        metrics.backups(partial(newest, settings.backups))
    loops = (
        *(() if store.server is None else (store.server.watch,)),
        rights.run,
        *(relay.run for relay in relays),
        *(projector.run for projector in projectors),
        metrics.run,
        *(loop for service in services for loop in service.loops),
    )
    return System(
        settings,
        store,
        clock,
        grants,
        rights,
        logs,
        bus,
        people,
        lessons,
        pages,
        {service.name: service for service in services},
        loops,
        metrics,
    )


@asynccontextmanager
async def open_system(settings: Settings, clock: Clock | None = None) -> AsyncIterator[System]:
    """The system of the serving process: databases brought up, views of the present version, rights read."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings, VIEWS))
        system = await assemble(settings, store, stack, clock)
        for name, views in VIEWS.items():
            for view in views:
                await ensure(view, system.logs, store.databases[name].owner_dsn)
        await system.rights.catch_up()
        yield system


@asynccontextmanager
async def reach_system(settings: Settings, clock: Clock | None = None) -> AsyncIterator[System]:
    """The parts of an installation for a command beside the running system, or without one; no loop runs."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(reach_store(settings, VIEWS))
        system = await assemble(settings, store, stack, clock)
        await system.rights.catch_up()
        yield system
