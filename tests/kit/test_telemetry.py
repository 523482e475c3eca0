"""Figures and traces: what a process tells of itself, and one id from a request to the view that shows its change."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Receive, Scope, Send

from contracts.envelope import Meta
from services.kit.authn import Grants
from services.kit.http import Policy, Router, create_app, json
from services.kit.log.eventlog import Appended, Conflict, NewEvent, OutcomeUnknown, Recorded
from services.kit.mounted import Mounted
from services.kit.relay import Relay
from services.kit.telemetry import FIGURES, Metrics
from services.kit.tracing import Tracing, carry, incoming, traceparent, traceparent_of
from tests.common.clock import ManualClock

pytestmark = pytest.mark.anyio

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
EVERYBODY = Policy("everybody", public=True)


class Kept(SpanExporter):
    """Keeps the spans that were sent."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


def told(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    """{(name, label values in the order of names): value} of everything that is told now."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {(s.name, tuple(s.labels[k] for k in sorted(s.labels))): s.value for f in families for s in f.samples}


def service() -> Any:
    """An app with a route that tells the trace, one that fails, and nothing else."""
    router = Router()

    @router.get("/things/{thing}", policy=EVERYBODY)
    async def thing(thing: str) -> Any:
        return json({"trace": structlog.contextvars.get_contextvars().get("trace"), "traceparent": traceparent()})

    @router.get("/broken", policy=EVERYBODY)
    async def broken() -> Any:
        raise RuntimeError("broken")

    return create_app("things", [router], authenticator=None)  # type: ignore[arg-type]


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://things/api/things"
    )


def row(position: int, trace: str = "") -> Recorded:
    meta = Meta("c", "", "somebody", "", "", "2025-09-01T00:00:00+00:00", "http", "", trace).text()
    return Recorded(position, str(UUID(int=position)), "s", 0, "Thing.v1", datetime(2025, 9, 1, tzinfo=UTC), "{}", meta)


# -- figures ------------------------------------------------------------------------------------------------------


async def test_requests_are_counted_by_route_and_not_by_address() -> None:
    metrics = Metrics("things.api", "1")
    async with client(Mounted("things", metrics.http("things", service()))) as asking:
        for path in ("/things/a", "/things/b", "/nothing", "/broken"):
            await asking.get(path)
        await asking.request("BREW", "/things/a")
    count = {labels: n for (name, labels), n in told(metrics).items() if name.endswith("_duration_seconds_count")}
    assert {labels: n for labels, n in count.items() if labels} == {
        ("GET", "/things/{thing}", "things", "2xx"): 2,
        ("GET", "-", "things", "4xx"): 1,
        ("GET", "/broken", "things", "5xx"): 1,
        ("-", "/things/{thing}", "things", "4xx"): 1,
    }
    assert told(metrics)["zhurnal_http_requests_in_progress", ("things",)] == 0


async def test_a_request_under_way_is_in_progress_and_one_that_was_left_is_not() -> None:
    metrics, inside, never = Metrics("things.api", "1"), asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        inside.set()
        await never.wait()

    app = metrics.http("things", slow)
    task = asyncio.create_task(app({"type": "http", "method": "GET", "headers": []}, None, None))  # type: ignore[arg-type]
    await inside.wait()
    assert told(metrics)["zhurnal_http_requests_in_progress", ("things",)] == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert told(metrics)["zhurnal_http_requests_in_progress", ("things",)] == 0


async def test_appends_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics("things.api", "1")
    ends: list[Any] = [
        Appended(1, 0),
        Appended(1, 0, duplicate=True),
        Conflict("s", 0, 1),
        OutcomeUnknown("s"),
        ValueError(),
    ]

    async def append(stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        end = ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end  # type: ignore[no-any-return]

    measured = metrics.appends("things", append)
    for error in (None, None, Conflict, OutcomeUnknown, ValueError):
        with nullcontext() if error is None else pytest.raises(error):
            await measured("s", -1, [])
    found = told(metrics)
    outcomes = {labels[1]: n for (name, labels), n in found.items() if name == "zhurnal_appends_total"}
    assert outcomes == {"landed": 1, "duplicate": 1, "conflict": 1, "unknown": 1, "failed": 1}
    assert found["zhurnal_append_duration_seconds_count", ("things",)] == 5


async def test_a_relay_that_has_not_started_says_nothing() -> None:
    """Of two relays only one publishes; the position of the other would be a lie."""
    metrics, relay = Metrics("things.relay", "1"), Relay(None, None, "things")  # type: ignore[arg-type]
    metrics.relay(relay)
    assert not any(name.startswith("zhurnal_relay") for name, _ in told(metrics))
    relay.position, relay.head = 5, 9
    assert told(metrics)["zhurnal_relay_position", ("things",)] == 5
    assert told(metrics)["zhurnal_log_head_position", ("things",)] == 9


async def test_rights_age_while_identity_is_silent() -> None:
    metrics, grants, clock = Metrics("things.api", "1"), Grants(), ManualClock()
    metrics.rights(grants, clock)
    assert ("zhurnal_rights_age_seconds", ()) not in told(metrics)
    grants.heard_at = clock.monotonic() - 7
    assert told(metrics)["zhurnal_rights_age_seconds", ()] == 7


def test_a_folder_that_is_not_there_has_no_figure(tmp_path: Path) -> None:
    metrics = Metrics("up", "1")
    metrics.folder(tmp_path)
    metrics.folder(tmp_path / "absent")
    free = [labels for name, labels in told(metrics) if name == "zhurnal_disk_free_bytes"]
    assert free == [(str(tmp_path),)]


def test_names_say_their_unit_and_kind() -> None:
    for figure in FIGURES:
        assert figure.name.startswith("zhurnal_")
        assert figure.text.endswith(".")
        assert figure.name.endswith("_total") == (figure.kind == "counter")
        assert figure.kind != "histogram" or figure.name.endswith("_seconds")


# -- traces -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "trace", "parent"),
    [
        ({"traceparent": PARENT, "x-request-id": "0" * 31 + "1"}, TRACE, PARENT),
        ({"x-request-id": "0AF76519-16cd-43dd-8448-eb211c80319c"}, TRACE, ""),
        ({"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, None, ""),
        ({"traceparent": f"00-{TRACE}-{'0' * 16}-01"}, None, ""),
        ({"traceparent": PARENT + "-more"}, None, ""),
        ({"traceparent": "ü", "x-request-id": "\n"}, None, ""),
        ({}, None, ""),
    ],
)
def test_a_request_brings_its_trace_or_something_that_is_none(headers: dict[str, str], trace: str, parent: str) -> None:
    assert incoming([(k.encode(), v.encode()) for k, v in headers.items()]) == (trace, parent)


async def test_log_lines_carry_the_trace_of_the_request_without_any_spans() -> None:
    metrics = Metrics("things.api", "1")
    async with client(Mounted("things", metrics.http("things", service(), believed=True))) as asking:
        brought = (await asking.get("/things/a", headers={"traceparent": PARENT})).json()
        fresh = (await asking.get("/things/a")).json()
    assert brought == {"trace": TRACE, "traceparent": ""}, "no span is begun where none is sent"
    assert len(fresh["trace"]) == 32
    assert fresh["trace"] != TRACE


async def test_a_span_continues_the_trace_that_came_and_is_named_by_its_route() -> None:
    kept = Kept()
    tracing = Tracing(kept, "things.api", "1")
    metrics = Metrics("things.api", "1", tracing)
    async with client(Mounted("things", metrics.http("things", service(), believed=True))) as asking:
        continued = (await asking.get("/things/a", headers={"traceparent": PARENT})).json()
        begun = (await asking.get("/things/a")).json()
    tracing.close()
    first, second = kept.spans
    assert (first.name, first.kind.name) == ("GET /api/things/things/{thing}", "SERVER")
    assert first.context is not None
    assert first.parent is not None
    assert f"{first.context.trace_id:032x}" == TRACE
    assert f"{first.parent.span_id:016x}" == SPAN
    assert continued["traceparent"] == f"00-{TRACE}-{first.context.span_id:016x}-01"
    assert second.context is not None
    assert f"{second.context.trace_id:032x}" == begun["trace"], "its log lines have another id than its span"


async def test_whom_nobody_vouches_for_is_not_followed() -> None:
    kept = Kept()
    tracing = Tracing(kept, "up", "1")
    async with client(Metrics("up", "1", tracing).http("things", service())) as asking:
        await asking.get("http://things/things/a", headers={"traceparent": PARENT})
    tracing.close()
    assert kept.spans[0].parent is None


async def test_a_batch_continues_the_trace_of_its_command_and_links_to_several() -> None:
    kept = Kept()
    tracing = Tracing(kept, "things.projector", "1")
    other = PARENT.replace(TRACE, "1" * 32)
    with tracing.follow("view things", [row(1)]):
        pass
    with tracing.follow("view things", [row(1, PARENT), row(2, PARENT)]):
        pass
    with tracing.follow("view things", [row(1, PARENT), row(2), row(3, other)]):
        pass
    tracing.close()
    one, several = kept.spans
    assert one.context is not None
    assert f"{one.context.trace_id:032x}" == TRACE
    assert several.parent is None
    assert [f"{link.context.trace_id:032x}" for link in several.links] == [TRACE, "1" * 32]


def test_metadata_without_a_trace_is_what_it_has_always_been() -> None:
    assert "trace" not in orjson.loads(row(1).meta)
    assert traceparent_of(row(1).meta) == ""
    assert traceparent_of(row(1, PARENT).meta) == PARENT
    assert traceparent_of(row(1, "nonsense").meta) == ""
    assert Meta.of(row(1, PARENT).meta).trace == PARENT


async def test_what_a_service_asks_another_carries_the_trace() -> None:
    structlog.contextvars.clear_contextvars()  # of the test before, which ran in the same context

    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={k: request.headers.get(k) for k in ("traceparent", "x-request-id")})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), event_hooks={"request": [carry]}) as asking:
        with structlog.contextvars.bound_contextvars(trace=TRACE):
            plain = (await asking.get("http://other")).json()
            tracing = Tracing(Kept(), "things.api", "1")
            with tracing.request(PARENT):
                traced = (await asking.get("http://other")).json()
            tracing.close()
        outside = (await asking.get("http://other")).json()
    assert plain == {"traceparent": None, "x-request-id": TRACE}
    assert traced["traceparent"].startswith(f"00-{TRACE}-")
    assert outside == {"traceparent": None, "x-request-id": None}
