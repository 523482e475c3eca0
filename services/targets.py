"""The composition root of separate processes: one target each, the same parts as in `services.system`.

`SERVICE.api` answers HTTP, `SERVICE.relay` publishes a log, `SERVICE.projector` keeps the views of a service,
`gradebook.keeper` copies facts onto pages, `web` serves the client. All but APIs and `web` stand by until they hold
their lock, so any target may run twice. A service reaches its own database only; what it needs of others it reads from
their feeds, with a token of its own.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple

import httpx
from starlette.types import ASGIApp

from contracts import grants as grant_changes
from contracts.events import identity as identity_events
from services.beginning import Beginning, FarBeginning
from services.gradebook import app as gradebook
from services.identity import app as identity
from services.identity.keys import signing_key
from services.kit.authn import SILENCE_SECONDS, Authenticator, Grants, GrantsReader, TokenIssuer, TokenVerifier
from services.kit.bus.bus import Bus
from services.kit.calling import Caller, KeyRing, ReadSink
from services.kit.clock import Clock, RandomIds, SystemClock
from services.kit.front import Front
from services.kit.log.eventlog import Feed
from services.kit.log.opening import StoredLog, open_log
from services.kit.log.postgres import POLL_SECONDS, PostgresLog
from services.kit.mounted import Mounted
from services.kit.postgres import Pool, check_version, migrations_of, open_pool
from services.kit.probes import Failing
from services.kit.projector import Projector
from services.kit.reads import ReadLog
from services.kit.relay import Relay
from services.kit.service import Service
from services.kit.settings import SERVICES, CannotStart, Settings
from services.kit.standby import Standby
from services.kit.static import Site
from services.kit.status import Board, Look, asking
from services.kit.tasks import Loop
from services.kit.telemetry import Metrics
from services.notifications import app as notifications
from services.reporting import app as reporting
from services.schedule import app as schedule
from services.store import LOGS
from services.system import LARGEST_POOL, VIEWS, measuring

FEEDS: dict[str, tuple[str, ...]] = {
    "identity": (),
    "schedule": ("identity",),
    "gradebook": ("identity", "schedule"),
    "reporting": LOGS,
    "notifications": LOGS,
}
"""The logs of others that a service reads."""

RELAY_POLL_SECONDS = 0.04
"""A relay hears of appends by other processes by looking; half of this is what it adds to the way. What gathers
meanwhile costs Kafka and every view one batch: at half of it two busy cores do more, and everything is later."""
PROJECTOR_PACE_SECONDS = 0.01
"""A projector of its own does not know who waits for it, so it keeps less of a distance between batches."""


class Target(NamedTuple):
    """What a process of this name runs. app: None for one that answers nobody but the probes."""

    name: str
    app: ASGIApp | None
    loops: tuple[Loop, ...]
    failing: Failing
    metrics: Metrics


class Ground:
    """What all targets of one service build upon."""

    def __init__(self, settings: Settings, service: str, stack: AsyncExitStack, clock: Clock, metrics: Metrics) -> None:
        self.settings, self.service, self.stack, self.clock, self.metrics = settings, service, stack, clock, metrics
        self.dsn = settings.database(service).dsn
        self._caller: Caller | None = None

    async def pool(self, largest: int = 0) -> Pool:
        """The pool of the service's database, whose version is checked."""
        pool = await open_pool(self.dsn, name=self.service, largest=largest or LARGEST_POOL[self.service])
        self.stack.push_async_callback(pool.close)
        async with pool.connection() as conn:
            await check_version(conn, migrations_of(f"services.{self.service}"))
        self.metrics.pool(self.service, pool)
        return pool

    def log(self, pool: Pool, poll: float = POLL_SECONDS) -> StoredLog:
        log = open_log(self.settings, self.service, pool, poll)
        self.stack.push_async_callback(log.close)
        return log

    def bus(self) -> Bus:
        from services.kit.bus.kafka import KafkaBus  # every command imports this module, few need Kafka

        bus = KafkaBus.of(self.settings)
        self.stack.push_async_callback(bus.close)
        return bus

    def caller(self) -> Caller:
        if self._caller is None:
            secret = self.settings.need(f"{self.service}_secret")
            self._caller = Caller(self.settings.need("identity_url"), self.service, secret)
            self.stack.push_async_callback(self._caller.close)
        return self._caller

    def feeds(self) -> dict[str, Feed]:
        """The logs of others, over HTTP."""
        return {name: self.caller().feed(self.settings.need(f"{name}_url"), name) for name in FEEDS[self.service]}

    def standby(self, name: str, loop: Loop) -> Standby:
        standby = Standby(self.dsn, name, loop)
        self.metrics.standby(name, lambda: standby.active)
        return standby


# -- APIs ---------------------------------------------------------------------------------------------------------


async def _identity(ground: Ground) -> tuple[Service, list[Loop], Callable[[], float]]:
    settings, clock, zone = ground.settings, ground.clock, ground.settings.zoneinfo
    pool = await ground.pool()
    log = PostgresLog(pool)  # appended to inside the transactions of its tables
    ground.stack.push_async_callback(log.close)
    issuer = TokenIssuer(signing_key(settings.token_key or settings.data / "token-key.pem"), clock)
    callers = {name: settings.need(f"{name}_secret") for name in SERVICES if name != "identity"}
    grants = Grants()
    rights = GrantsReader(grants, log, identity_events.EVENTS, grant_changes.changes, clock)
    people = identity.Identity(
        pool, log, issuer, grants, clock, RandomIds(), zone, secure=settings.secure, callers=callers
    )
    ground.metrics.rights(grants, clock)
    service = identity.build(people, Authenticator(TokenVerifier([issuer.public_key], clock), grants, clock, zone))
    return service, [rights.run], lambda: clock.monotonic() - grants.heard_at


async def _other(ground: Ground) -> tuple[Service, list[Loop], Callable[[], float]]:
    settings, clock, zone = ground.settings, ground.clock, ground.settings.zoneinfo
    pool, feeds, bus = await ground.pool(), ground.feeds(), ground.bus()
    ring = KeyRing(settings.need("identity_url"))
    ground.stack.push_async_callback(ring.close)
    grants = Grants()
    rights = GrantsReader(grants, feeds["identity"], identity_events.EVENTS, grant_changes.changes, clock)
    ground.metrics.rights(grants, clock)
    authenticator = Authenticator(TokenVerifier(ring, clock), grants, clock, zone)
    reads = ReadLog(ReadSink(ground.caller().client(settings.need("identity_url"), "identity")))
    match ground.service:
        case "schedule":
            svc = schedule.Schedule(pool, ground.log(pool), feeds["identity"], bus, clock, zone, reads)
            service = schedule.build(svc, authenticator)
        case "gradebook":
            pages = _gradebook(ground, pool, feeds, bus, reads)
            service = gradebook.build(pages, authenticator)
        case "reporting":
            service = reporting.build(pool, feeds, bus, authenticator, reads)
        case _:
            service = notifications.build(pool, feeds, bus, authenticator)
    # What follows logs runs in targets of its own.
    loops = () if ground.service == "gradebook" else service.loops
    return service, [ring.run, rights.run, reads.run, *loops], lambda: clock.monotonic() - grants.heard_at


def _gradebook(ground: Ground, pool: Pool, feeds: Mapping[str, Feed], bus: Bus, reads: ReadLog) -> gradebook.Gradebook:
    zone = ground.settings.zoneinfo
    pages = gradebook.Gradebook(
        pool, ground.log(pool), feeds["identity"], feeds["schedule"], bus, ground.clock, zone, reads
    )
    pages.pages.append = ground.metrics.appends(gradebook.NAME, pages.pages.append)
    return pages


async def _api(ground: Ground) -> Target:
    service, loops, silent = await (_identity if ground.service == "identity" else _other)(ground)

    async def failing() -> list[str]:
        return ["rights"] if silent() > SILENCE_SECONDS else []

    app = Mounted(ground.service, ground.metrics.http(ground.service, service.app, believed=True))
    return Target(f"{ground.service}.api", app, tuple(loops), failing, ground.metrics)


# -- what follows logs --------------------------------------------------------------------------------------------


async def _relay(ground: Ground) -> Target:
    log = ground.log(await ground.pool(2), RELAY_POLL_SECONDS)
    name = f"{ground.service}.relay"
    relay = Relay(log, ground.bus(), ground.service)
    ground.metrics.relay(relay)
    return Target(name, None, (ground.standby(name, relay.run).run,), _fine, ground.metrics)


async def _projector(ground: Ground) -> Target:
    pool, bus, name = await ground.pool(), ground.bus(), f"{ground.service}.projector"
    feeds = ground.feeds()
    if ground.service in LOGS:
        feeds[ground.service] = ground.log(pool)
    projectors = [
        Projector(view, pool, {log: feeds[log] for log in view.logs}, bus, PROJECTOR_PACE_SECONDS)
        for view in VIEWS[ground.service]
    ]

    async def failing() -> list[str]:
        return [f"{p.view.name}: {p.stopped}" for p in projectors if p.stopped]

    loops = []
    for projector in projectors:
        standby = ground.standby(f"{name} {projector.view.name}", projector.run)
        ground.metrics.view(projector, partial(getattr, standby, "active"))
        loops.append(standby.run)
    return Target(name, None, tuple(loops), failing, ground.metrics)


async def _keeper(ground: Ground) -> Target:
    pool, feeds, bus = await ground.pool(), ground.feeds(), ground.bus()
    keeper = _gradebook(ground, pool, feeds, bus, ReadLog(_nobody_reads)).keeper

    async def failing() -> list[str]:
        return [f"keeper: {keeper.stopped}"] if keeper.stopped else []

    standby = ground.standby("gradebook.keeper", keeper.run)
    ground.metrics.keeper(keeper, lambda: standby.active)
    return Target("gradebook.keeper", None, (standby.run,), failing, ground.metrics)


async def _web(settings: Settings, stack: AsyncExitStack, clock: Clock, metrics: Metrics) -> Target:
    begun = FarBeginning(settings.need("identity_url"))
    stack.push_async_callback(begun.close)
    begin = Beginning(begun, clock, settings.zoneinfo)
    site = Site.read(settings.web)
    board = Board(await _looks(settings, stack), clock, settings.zoneinfo, settings.notice)
    front = Front(SERVICES, board, begin, site, secure=settings.secure)
    return Target("web", metrics.http("web", front), (), _fine, metrics)


async def _looks(settings: Settings, stack: AsyncExitStack) -> dict[str, Look]:
    """How to look at the services whose addresses are given."""
    # A connection of its own for each question: one kept open may belong to a process that has gone since.
    limits, looks = httpx.Limits(max_keepalive_connections=0), {}
    for name in SERVICES:
        if address := getattr(settings, f"{name}_url"):
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, limits=limits))
            looks[name] = asking(client, name)
    return looks


async def _fine() -> list[str]:
    return []


async def _nobody_reads(reads: object) -> None:
    raise AssertionError("the keeper answers nobody")


MAKERS: dict[str, Callable[[Ground], Awaitable[Target]]] = {
    **{f"{service}.api": _api for service in SERVICES},
    **{f"{log}.relay": _relay for log in LOGS},
    **{f"{service}.projector": _projector for service in VIEWS},
    "gradebook.keeper": _keeper,
}

TARGETS = (*MAKERS, "web")
"""The names that `zhurnal serve --target` takes."""


@asynccontextmanager
async def open_target(settings: Settings, name: str, clock: Clock | None = None) -> AsyncIterator[Target]:
    """The parts of that target, nothing running yet. Raises CannotStart."""
    if name not in TARGETS:
        listed = ", ".join(TARGETS)
        raise CannotStart(f"Нет цели {name}; есть: {listed}.", f"There is no target {name}; there are: {listed}.")
    async with AsyncExitStack() as stack:
        clock = clock or SystemClock()
        metrics = measuring(settings, name, stack)
        if name == "web":
            target = await _web(settings, stack, clock, metrics)
        else:
            target = await MAKERS[name](Ground(settings, name.partition(".")[0], stack, clock, metrics))
        yield target._replace(loops=(*target.loops, metrics.run))
