"""What the gateway does, as one ASGI app for the one-process mode.

It routes /api/{service}/… to the services, but never to what they offer to each other only; lets `admission` judge
every request; limits rate, body and time; strips identity headers that came from outside; adds security headers; packs
long answers. Every other address belongs to the front. deploy/gateway holds the same rules for Envoy; one set of cases,
tests/kit/edge_conformance.py, holds both to them.
"""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any
from uuid import uuid4

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit import problems
from services.kit.admission import Admission, Headers, is_internal, passed_on
from services.kit.bodies import limited
from services.kit.compression import compressing
from services.kit.front import OF_API, Front, on_this_machine
from services.kit.http import answer, json
from services.kit.probes import METRICS_TYPE
from services.kit.problems import Problem
from services.kit.rate import Rate

TIME_LIMIT_SECONDS = 30.0
IMPORT_TIME_LIMIT_SECONDS = 300.0
ESCAPED_SLASHES = (b"%2f", b"%5c")
"""What one program reads as a part of a name and the next one as a slash: no address of ours holds it."""
DOTS = frozenset({".", ".."})

FORWARDED = (b"forwarded", b"x-forwarded-", b"via")

SECURITY_HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Edge:
    """The entrance. `secure`: served over TLS. `ready`: the names of parts that do not work, empty when all do.

    `metrics`: the figures of the process, told to programs on this machine only and never through a proxy.
    """

    def __init__(
        self,
        services: Mapping[str, ASGIApp],
        admission: Admission,
        front: Front,
        ready: Callable[[], list[str]],
        *,
        rate: Rate,
        secure: bool,
        metrics: Callable[[], bytes] | None = None,
    ) -> None:
        self._services, self._admit, self._front, self._ready = dict(services), admission, front, ready
        self._rate = rate
        self._secure, self._metrics = secure, metrics
        self._headers = [*SECURITY_HEADERS, HSTS] if secure else SECURITY_HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(trace=uuid4().hex)
        started = False

        async def send_secured(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = message["headers"] = [*message.get("headers", ()), *self._headers]
                if not any(name == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
            await send(message)

        try:
            async with asyncio.timeout(_time_limit(scope)):
                await self._pass(scope, receive, send_secured)
        except Problem as problem:
            await answer(Request(scope), problem)(scope, receive, send_secured)
        except TimeoutError:
            if not started:
                await answer(Request(scope), problems.TimedOut())(scope, receive, send_secured)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if any(escaped in (scope.get("raw_path") or b"").lower() for escaped in ESCAPED_SLASHES):
            raise problems.BadRequest
        name, slash, rest = path.removeprefix("/api/").partition("/")
        if path in ("/live", "/ready"):
            await self._probe(scope, receive, send)
            return
        if path == "/metrics" and self._metrics is not None:
            # A proxy in front of us is on this machine too: what it passes on came from anywhere.
            if self._secure or not on_this_machine(scope) or any(n.startswith(FORWARDED) for n, _ in scope["headers"]):
                raise problems.NotFound
            await Response(self._metrics(), media_type=METRICS_TYPE)(scope, receive, send)
            return
        if not path.startswith("/api/") or path in OF_API:
            await self._front(scope, receive, send)
            return
        service = self._services.get(name)
        if service is None or not slash or is_internal(rest) or not DOTS.isdisjoint(rest.split("/")):
            raise problems.NotFound
        if not self._rate.takes((scope.get("client") or ("",))[0]):
            raise problems.TooManyRequests
        headers: Headers = scope["headers"]
        kept = passed_on(headers)
        authorization = await self._admit(scope["method"], headers)
        if authorization is not None:
            kept.append((b"authorization", authorization))
        inner: MutableMapping[str, Any] = {
            **scope,
            "headers": kept,
            "root_path": scope.get("root_path", "") + "/api/" + name,
        }
        receive = await limited(path, headers, receive)
        # Packing takes a few milliseconds that a client on this machine would wait for in vain.
        near = not self._secure and on_this_machine(scope)
        await service(inner, receive, send if near else compressing(scope, send))

    async def _probe(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise problems.MethodNotAllowed
        if scope["path"] == "/live":
            answered = json({"live": True})
        else:
            failing = self._ready()
            answered = json({"ready": not failing, "failing": failing}, 503 if failing else 200)
        await answered(scope, receive, send)


def _time_limit(scope: Scope) -> float:
    return IMPORT_TIME_LIMIT_SECONDS if scope["path"].endswith("/imports") else TIME_LIMIT_SECONDS
