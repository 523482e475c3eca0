"""The port of a process that nobody from outside reaches: /live, /ready, /metrics.

/live: the process answers. /ready: 200 when it can do its work, else 503 with the names of what fails.
"""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.kit.http import json

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Failing = Callable[[], Awaitable[list[str]]]
"""The names of the parts that do not work, empty when all do."""


def probes(failing: Failing, metrics: Callable[[], bytes]) -> Starlette:
    """The app of that port. metrics: the present figures in Prometheus' text format."""

    async def live(request: Request) -> Response:
        return json({"live": True})

    async def ready(request: Request) -> Response:
        found = await failing()
        return json({"ready": not found, "failing": found}, 503 if found else 200)

    async def figures(request: Request) -> Response:
        return Response(metrics(), media_type=METRICS_TYPE)

    return Starlette(routes=[Route("/live", live), Route("/ready", ready), Route("/metrics", figures)])
