"""Traces: one id from the gateway through services, log, bus and views, on log lines and, if asked for, as spans.

Every request has a trace id: that of `traceparent` (W3C), else the gateway's `x-request-id`, else a fresh one. With
ZHURNAL_TRACES set, spans are sent there by OTLP; they carry the same id. A command's `traceparent` is kept in the
metadata of its events, so whoever publishes or projects them later links to it. Without an address nothing of
OpenTelemetry is imported and events carry nothing. The SDK's own variables (OTEL_TRACES_SAMPLER …) are honoured.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

import httpx
import orjson
import structlog

from services.kit.log.eventlog import Recorded

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

MOST_LINKS = 32
"""So many commands a batch's span links to; a batch after an outage holds thousands."""

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
NO_ID = re.compile(r"0+")

_current: ContextVar[str] = ContextVar("traceparent", default="")


class Follow(Protocol):
    """Surrounds work on a batch of events with a span of that name."""

    def __call__(self, name: str, rows: Iterable[Recorded]) -> AbstractContextManager[None]: ...


def untraced(name: str, rows: Iterable[Recorded]) -> AbstractContextManager[None]:
    """`Follow` where no traces are sent."""
    return nullcontext()


def traceparent() -> str:
    """The W3C `traceparent` of the request being served; empty where no traces are sent."""
    return _current.get()


def incoming(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str | None, str]:
    """(trace id that a request brings, its valid traceparent or ""). Only for callers that may be believed."""
    named = dict(headers)
    parent = named.get(b"traceparent", b"").decode("latin-1")
    if (found := TRACEPARENT.fullmatch(parent)) and not (NO_ID.fullmatch(found[1]) or NO_ID.fullmatch(found[2])):
        return found[1], parent
    request = named.get(b"x-request-id", b"").decode("latin-1").replace("-", "").lower()
    return (request if re.fullmatch("[0-9a-f]{32}", request) else None), ""


async def carry(request: httpx.Request) -> None:
    """Hook of an HTTP client: the trace of the request being served goes along."""
    trace = structlog.contextvars.get_contextvars().get("trace")
    if parent := _current.get():
        request.headers["traceparent"] = parent
    elif trace:
        request.headers["x-request-id"] = str(trace)


def traceparent_of(meta: str) -> str:
    """The traceparent in the metadata of an event; empty for most, which is seen without reading it."""
    if '"trace":' not in meta:
        return ""
    told = orjson.loads(meta).get("trace", "")
    return told if isinstance(told, str) and TRACEPARENT.fullmatch(told) else ""


class Tracing:
    """The spans of one process. `close` sends what waits."""

    def __init__(self, exporter: "SpanExporter", target: str, version: str) -> None:
        # Here and not above: a process that sends no traces has none of it in memory.
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        class Ids(RandomIdGenerator):
            """A trace begun here has the id that the log lines of its request have."""

            def generate_trace_id(self) -> int:
                bound = structlog.contextvars.get_contextvars().get("trace")
                return int(bound, 16) if bound else super().generate_trace_id()

        resource = Resource.create({"service.name": f"zhurnal.{target}", "service.version": version})
        self._provider = TracerProvider(resource=resource, id_generator=Ids(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("zhurnal", version)
        self._otel, self._propagator = trace, TraceContextTextMapPropagator()

    @classmethod
    def to(cls, address: str, target: str, version: str) -> "Tracing":
        """Spans that go to the OTLP/HTTP collector at that address."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return cls(OTLPSpanExporter(endpoint=f"{address}/v1/traces"), target, version)

    @contextmanager
    def request(self, parent: str) -> Iterator["Span"]:
        """The span of one request, whose name and attributes are known at its end; `parent`: a traceparent or ""."""
        context = self._propagator.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span("HTTP", context, self._otel.SpanKind.SERVER) as span:
            here: dict[str, str] = {}
            self._propagator.inject(here)
            token = _current.set(here.get("traceparent", "") if span.is_recording() else "")
            try:
                yield span
            finally:
                _current.reset(token)

    def step(self, name: str) -> AbstractContextManager[object]:
        """A span inside the present one."""
        return self._tracer.start_as_current_span(name)

    @contextmanager
    def follow(self, name: str, rows: Iterable[Recorded]) -> Iterator[None]:
        """The span of a batch, linked to the commands that its events came from; none if no command was traced."""
        parents = list(dict.fromkeys(p for row in rows if (p := traceparent_of(row.meta))))
        if not parents:
            yield
            return
        contexts = [self._propagator.extract({"traceparent": parent}) for parent in parents[:MOST_LINKS]]
        links = [self._otel.Link(self._otel.get_current_span(c).get_span_context()) for c in contexts]
        # A batch that serves one command continues its trace; one that serves many can only link to them.
        with self._tracer.start_as_current_span(
            name, contexts[0] if len(parents) == 1 else None, self._otel.SpanKind.CONSUMER, links=links
        ):
            yield

    def close(self) -> None:
        """Send what waits, and stop."""
        self._provider.shutdown()
