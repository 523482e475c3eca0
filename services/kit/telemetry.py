"""Metrics of one process in Prometheus' text format: what is served, appended, relayed, projected and waited for.

The composition root hands its parts over once; most figures are read from them when somebody asks, so the work itself
pays nothing. Only requests and appends are timed as they happen. Every figure stands in `FIGURES`, which is also what
`docs/metrics.md` is written from; nothing here names a person.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from prometheus_client import CollectorRegistry, GCCollector, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.authn import Grants
from services.kit.clock import Clock
from services.kit.handle import Append
from services.kit.log.eventlog import Appended, Conflict, NewEvent, OutcomeUnknown
from services.kit.postgres import Pool
from services.kit.projector import Projector
from services.kit.relay import Relay
from services.kit.tracing import Tracing, incoming

FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
LOOK_SECONDS = 1.0
NO_ROUTE = "-"
"""The route of an address that no service has; the address itself could be anything."""


class Figure(NamedTuple):
    """A documented figure."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    text: str


BUILD = Figure("zhurnal_build_info", "gauge", ("target", "version"), "1; its labels say what runs here.")
REQUESTS = Figure(
    "zhurnal_http_request_duration_seconds",
    "histogram",
    ("service", "method", "route", "status"),
    "Time to answer requests, by route as in OpenAPI and class of status (2xx …). /log is a long poll.",
)
IN_PROGRESS = Figure("zhurnal_http_requests_in_progress", "gauge", ("service",), "Requests being served now.")
APPENDS = Figure("zhurnal_append_duration_seconds", "histogram", ("log",), "Time until a log has acknowledged.")
OUTCOMES = Figure(
    "zhurnal_appends_total",
    "counter",
    ("log", "outcome"),
    "Appends by outcome: landed, duplicate, conflict (tried again by the command), unknown (connection lost), failed.",
)
LOG_HEAD = Figure("zhurnal_log_head_position", "gauge", ("log",), "Last position of a log, as its relay sees it.")
RELAYED = Figure("zhurnal_relay_position", "gauge", ("log",), "Position up to which the relay has published.")
SHOWN = Figure("zhurnal_view_position", "gauge", ("view", "log"), "Position of a log up to which a view shows it.")
STOPPED = Figure(
    "zhurnal_view_stopped", "gauge", ("view",), "1: the view has stopped at something that it cannot apply."
)
KEPT = Figure("zhurnal_keeper_position", "gauge", ("log",), "Position up to which the keeper has heard a log.")
KEEPER_STOPPED = Figure("zhurnal_keeper_stopped", "gauge", (), "1: the keeper has stopped; pages get no new facts.")
ACTIVE = Figure("zhurnal_active", "gauge", ("part",), "1: this process does the work; 0: it stands by.")
RIGHTS_AGE = Figure(
    "zhurnal_rights_age_seconds", "gauge", (), "Time since identity was heard; beyond 5 s staff requests are refused."
)
RIGHTS = Figure("zhurnal_rights_position", "gauge", (), "Position of identity's log up to which rights are known.")
POOL_SIZE = Figure("zhurnal_pool_connections", "gauge", ("pool",), "Open connections to the database.")
POOL_IDLE = Figure("zhurnal_pool_connections_idle", "gauge", ("pool",), "Those that nobody uses now.")
POOL_LARGEST = Figure("zhurnal_pool_connections_max", "gauge", ("pool",), "Connections that the pool may open.")
POOL_WAITING = Figure("zhurnal_pool_waiting", "gauge", ("pool",), "Who waits for a connection now.")
POOL_ERRORS = Figure(
    "zhurnal_pool_errors_total", "counter", ("pool",), "Requests for a connection that were not served in time."
)
LOOP_DELAY = Figure(
    "zhurnal_loop_delay_seconds", "histogram", (), "How late the event loop wakes: what every request waits besides."
)
DISK_FREE = Figure("zhurnal_disk_free_bytes", "gauge", ("folder",), "Free space where the data folder is.")
BACKUP = Figure("zhurnal_backup_timestamp_seconds", "gauge", (), "When the newest complete backup was made, Unix time.")

FIGURES = (
    BUILD, REQUESTS, IN_PROGRESS, APPENDS, OUTCOMES, LOG_HEAD, RELAYED, SHOWN, STOPPED, KEPT, KEEPER_STOPPED, ACTIVE,
    RIGHTS_AGE, RIGHTS, POOL_SIZE, POOL_IDLE, POOL_LARGEST, POOL_WAITING, POOL_ERRORS, LOOP_DELAY, DISK_FREE, BACKUP,
)  # fmt: skip

Sample = tuple[Figure, tuple[str, ...], float]
Source = Callable[[], Iterable[Sample]]


class Keeping(Protocol):
    """The keeper as far as figures need it."""

    positions: dict[str, int]
    stopped: str | None


class Metrics:
    """The figures of one process, which runs `target`. `run` must run beside it; `render` answers /metrics."""

    def __init__(self, target: str, version: str, tracing: Tracing | None = None) -> None:
        self._tracing = tracing
        self._registry = CollectorRegistry()
        self._sources: list[Source] = [lambda: [(BUILD, (target, version), 1)]]
        self._requests = self._histogram(REQUESTS)
        self._appends = self._histogram(APPENDS)
        self._delay = self._histogram(LOOP_DELAY)
        self._registry.register(_Scrape(self._sources))
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def render(self) -> bytes:
        """The present figures in Prometheus' text format."""
        return generate_latest(self._registry)

    async def run(self) -> None:
        """Run until cancelled: measure how late the loop wakes."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self._delay.observe(max(0.0, loop.time() - due))

    # -- timed as it happens --------------------------------------------------------------------------------------

    def http(self, service: str, app: ASGIApp, *, believed: bool = False) -> "MeasuredApp":
        """The app with its requests timed. believed: they come from the gateway or a service, `traceparent` too."""
        measured = MeasuredApp(app, service, self._requests, self._tracing, believed)
        self._sources.append(lambda: [(IN_PROGRESS, (service,), measured.in_progress)])
        return measured

    def appends(self, log: str, append: Append) -> "MeasuredAppend":
        """Appends to that log, timed and counted."""
        measured = MeasuredAppend(append, self._appends.labels(log), self._tracing)
        self._sources.append(lambda: [(OUTCOMES, (log, told), n) for told, n in measured.outcomes.items()])
        return measured

    # -- read when asked ------------------------------------------------------------------------------------------

    def relay(self, relay: Relay) -> None:
        """A relay; one that stands by says nothing."""

        def read() -> Iterator[Sample]:
            if relay.position is not None:
                yield RELAYED, (relay.topic,), relay.position
                yield LOG_HEAD, (relay.topic,), max(relay.head, relay.position)

        self._sources.append(read)
        if self._tracing is not None:
            relay.traced = self._tracing.follow

    def view(self, projector: Projector, active: Callable[[], bool] = lambda: True) -> None:
        """A projector. active: whether this process is the one that projects."""

        def read() -> Iterator[Sample]:
            name = projector.view.name
            yield STOPPED, (name,), projector.stopped is not None
            if active():
                yield from ((SHOWN, (name, log), position) for log, position in projector.positions.items())

        self._sources.append(read)
        if self._tracing is not None:
            projector.traced = self._tracing.follow

    def keeper(self, keeper: Keeping, active: Callable[[], bool] = lambda: True) -> None:
        """The keeper. active: whether this process is the one that keeps."""

        def read() -> Iterator[Sample]:
            yield KEEPER_STOPPED, (), keeper.stopped is not None
            if active():
                yield from ((KEPT, (log,), position) for log, position in keeper.positions.items())

        self._sources.append(read)

    def standby(self, part: str, active: Callable[[], bool]) -> None:
        """A part that runs in one process at a time."""
        self._sources.append(lambda: [(ACTIVE, (part,), active())])

    def rights(self, grants: Grants, clock: Clock) -> None:
        """The reader of rights."""

        def read() -> Iterator[Sample]:
            yield RIGHTS, (), grants.position
            if grants.heard_at > float("-inf"):
                yield RIGHTS_AGE, (), clock.monotonic() - grants.heard_at

        self._sources.append(read)

    def pool(self, name: str, pool: Pool) -> None:
        """A pool of connections."""

        def read() -> Iterator[Sample]:
            told = pool.get_stats()
            yield POOL_SIZE, (name,), told.get("pool_size", 0)
            yield POOL_IDLE, (name,), told.get("pool_available", 0)
            yield POOL_LARGEST, (name,), told.get("pool_max", 0)
            yield POOL_WAITING, (name,), told.get("requests_waiting", 0)
            yield POOL_ERRORS, (name,), told.get("requests_errors", 0)

        self._sources.append(read)

    def folder(self, folder: Path) -> None:
        """The data folder; not there: no figure."""

        def read() -> Iterator[Sample]:
            try:
                yield DISK_FREE, (str(folder),), shutil.disk_usage(folder).free
            except OSError:
                return

        self._sources.append(read)

    def backups(self, newest: Callable[[], datetime | None]) -> None:
        """newest: when the newest complete backup was made, None for none."""
        self._sources.append(lambda: [(BACKUP, (), found.timestamp())] if (found := newest()) is not None else [])

    def _histogram(self, figure: Figure) -> Histogram:
        return Histogram(figure.name, figure.text, figure.labels, buckets=FAST, registry=self._registry)


class _Scrape(Collector):
    """Reads the sources into families, one per figure however many parts tell it."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        return ()  # the registry would ask `collect` for the names, before the parts are there

    def collect(self) -> Iterable[Metric]:
        found: dict[Figure, list[tuple[tuple[str, ...], float]]] = {}
        for source in self._sources:
            for figure, labels, value in source():
                found.setdefault(figure, []).append((labels, value))
        for figure, samples in found.items():
            family = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
            metric = family(figure.name.removesuffix("_total"), figure.text, labels=figure.labels)
            for labels, value in samples:
                metric.add_metric(labels, float(value))
            yield metric


class MeasuredApp:
    """An app whose requests are timed, and traced where traces are sent."""

    def __init__(self, app: ASGIApp, service: str, seconds: Histogram, tracing: Tracing | None, believed: bool) -> None:
        self._app, self._service, self._seconds = app, service, seconds
        self._tracing, self._believed = tracing, believed
        self._children: dict[tuple[str, str, int], Histogram] = {}
        self.in_progress = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._tracing is None:
            await self._timed(scope, receive, send)
            return
        parent = incoming(scope["headers"])[1] if self._believed else ""
        with self._tracing.request(parent) as span:
            status = await self._timed(scope, receive, send)
            span.update_name(f"{scope['method']} /api/{self._service}{_route(scope)}")
            span.set_attribute("http.request.method", scope["method"])
            span.set_attribute("http.response.status_code", status)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> int:
        status = 499  # the client's leaving is all that ends a request without an answer

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        self.in_progress += 1
        try:
            await self._app(scope, receive, noted)
        except Exception:
            status = 500
            raise
        finally:
            self.in_progress -= 1
            self._child(scope, status).observe(time.perf_counter() - began)
        return status

    def _child(self, scope: Scope, status: int) -> Histogram:
        key = scope["method"], _route(scope), status // 100
        child = self._children.get(key)
        if child is None:
            method = key[0] if key[0] in METHODS else NO_ROUTE
            child = self._seconds.labels(self._service, method, key[1], f"{key[2]}xx")
            if method != NO_ROUTE:  # what a client makes up is not remembered
                self._children[key] = child
        return child


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", NO_ROUTE))


class MeasuredAppend:
    """Appends to a log, timed. `outcomes`: how many ended how."""

    def __init__(self, append: Append, seconds: Histogram, tracing: Tracing | None) -> None:
        self._append, self._seconds, self._tracing = append, seconds, tracing
        self.outcomes = dict.fromkeys(("landed", "duplicate", "conflict", "unknown", "failed"), 0)

    async def __call__(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        outcome, began = "failed", time.perf_counter()
        try:
            with nullcontext() if self._tracing is None else self._tracing.step("append"):
                landed = await self._append(stream, expected, events)
        except Conflict:
            outcome = "conflict"
            raise
        except OutcomeUnknown:
            outcome = "unknown"
            raise
        else:
            outcome = "duplicate" if landed.duplicate else "landed"
            return landed
        finally:
            self.outcomes[outcome] += 1
            self._seconds.observe(time.perf_counter() - began)
