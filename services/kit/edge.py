"""What the gateway does, as one ASGI app for the one-process mode.

It routes /api/{service}/… to the services, but never to their feeds; checks Origin and the CSRF header on changes;
limits body and time; strips identity headers that came from outside; turns the session cookie into a short-lived
token; adds security headers; packs long answers. Every other address belongs to the web client.
Services behind it see a bearer token or none, never a cookie.
"""

import asyncio
import html
import ipaddress
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from uuid import uuid4

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit import problems
from services.kit.compression import compressing
from services.kit.http import answer, json, language
from services.kit.problems import Problem, catalogue
from services.kit.static import Site

BODY_LIMIT = 1_000_000
IMPORT_LIMIT = 32_000_000
TIME_LIMIT_SECONDS = 30.0
IMPORT_TIME_LIMIT_SECONDS = 300.0
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STRIPPED = (b"cookie", b"authorization", b"forwarded")
INTERNAL_PATHS = frozenset({"log"})
"""What services offer to each other only: here it does not exist."""
STRIPPED_PREFIXES = (b"x-zhurnal-", b"x-forwarded-", b"x-auth-")

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

Exchange = Callable[[str], Awaitable[str | None]]
"""From the value of a session cookie to a token, None when there is no such session."""

Begin = Callable[[bool], Awaitable[dict[str, Any]]]
"""What anybody may know before signing in, as JSON; told whether the client is on this very machine."""


class Edge:
    """The entrance. `secure`: served over TLS. `ready`: the names of parts that do not work, empty when all do.

    `begin`: what `/start.json` answers; None: there is no such address. `site`: the built web client; without one `/`
    is a plain page for programs.
    """

    def __init__(
        self,
        services: Mapping[str, ASGIApp],
        exchange: Exchange,
        cookie: str,
        secure: bool,
        ready: Callable[[], list[str]],
        begin: Begin | None = None,
        site: Site | None = None,
    ) -> None:
        self._services, self._exchange, self._ready = dict(services), exchange, ready
        self._begin, self._site, self._secure = begin, site, secure
        self._cookie = cookie.encode() + b"="
        self._scheme = "https" if secure else "http"
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
        if not path.startswith("/api/"):
            own = await self._own(Request(scope))
            await own(scope, receive, send)
            return
        name, slash, rest = path[5:].partition("/")
        service = self._services.get(name)
        if service is None or not slash or rest.strip("/") in INTERNAL_PATHS:
            raise problems.NotFound
        headers = scope["headers"]
        kept, cookies, bearer = _sort_out(headers)
        session = self._session(cookies)
        if scope["method"] not in SAFE_METHODS:
            if bearer is None or session:
                self._check_origin(headers)
            receive = await _limited(scope, headers, receive)
        if session:
            token = await self._exchange(session)
            if token is not None:
                kept.append((b"authorization", b"Bearer " + token.encode()))
        elif bearer is not None:
            kept.append((b"authorization", bearer))
        inner: MutableMapping[str, Any] = {
            **scope,
            "headers": kept,
            "root_path": scope.get("root_path", "") + "/api/" + name,
        }
        # Packing takes a few milliseconds that a client on this machine would wait for in vain.
        near = not self._secure and _on_this_machine(scope)
        await service(inner, receive, send if near else compressing(scope, send))

    def _session(self, cookies: bytes) -> str | None:
        for part in cookies.split(b";"):
            part = part.strip()
            if part.startswith(self._cookie):
                return part[len(self._cookie) :].decode("latin-1")
        return None

    def _check_origin(self, headers: list[tuple[bytes, bytes]]) -> None:
        """A change needs the header that no foreign form can send, and the journal's own origin where one is named."""
        named = dict(headers)
        origin = named.get(b"origin")
        own = f"{self._scheme}://".encode() + named.get(b"host", b"")
        if named.get(b"x-zhurnal") != b"1" or (origin is not None and origin != own):
            raise problems.ForeignOrigin

    # -- the edge's own pages -----------------------------------------------------------------------------------

    async def _own(self, request: Request) -> Response:
        path = request.url.path
        if request.method not in ("GET", "HEAD"):
            raise problems.MethodNotAllowed
        if path == "/live":
            return json({"live": True})
        if path == "/ready":
            failing = self._ready()
            return json({"ready": not failing, "failing": failing}, 503 if failing else 200)
        if path == "/problems" or path.startswith("/problems/"):
            return _problem_page(language(request), path.removeprefix("/problems").strip("/"))
        if path == "/start.json" and self._begin is not None:
            # Behind a TLS proxy every client seems to be on this machine.
            return json(await self._begin(not self._secure and _on_this_machine(request.scope)))
        if self._site is not None and path != "/api":
            return self._site.answer(request)
        if path == "/":
            return _front_page(language(request), self._services)
        raise problems.NotFound


def _on_this_machine(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _time_limit(scope: Scope) -> float:
    return IMPORT_TIME_LIMIT_SECONDS if scope["path"].endswith("/imports") else TIME_LIMIT_SECONDS


def _sort_out(headers: list[tuple[bytes, bytes]]) -> tuple[list[tuple[bytes, bytes]], bytes, bytes | None]:
    """The headers that go on, the cookies, and a bearer token that the client itself sent."""
    kept: list[tuple[bytes, bytes]] = []
    cookies, bearer = b"", None
    for name, value in headers:
        if name in STRIPPED:
            if name == b"cookie":
                cookies += value + b";"
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                bearer = value
        elif not name.startswith(STRIPPED_PREFIXES):
            kept.append((name, value))
    return kept, cookies, bearer


async def _limited(scope: Scope, headers: list[tuple[bytes, bytes]], receive: Receive) -> Receive:
    """`receive` for a body within the limit; a body without a declared length is read here first."""
    limit = IMPORT_LIMIT if scope["path"].endswith("/imports") else BODY_LIMIT
    named = dict(headers)
    length = named.get(b"content-length")
    if length is not None:
        if not length.isdigit():
            raise problems.Malformed(what="Content-Length")
        if int(length) > limit:
            raise problems.TooLarge(limit=limit)
        if int(length) > 0:
            _check_media_type(named)
        return receive
    if b"transfer-encoding" not in named:
        return receive
    _check_media_type(named)
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            raise problems.TooLarge(limit=limit)
        more = message.get("more_body", False)
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _check_media_type(named: dict[bytes, bytes]) -> None:
    if named.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
        raise problems.WrongMediaType


def _page(spoken: str, title: str, body: str) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="{spoken}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
        f"<h1>{html.escape(title)}</h1>{body}"
    )


def _problem_page(spoken: str, code: str) -> HTMLResponse:
    known = {cls.code: cls for cls in catalogue()}
    if not code:
        titles = sorted((_blank(cls.title, spoken), c, cls.status) for c, cls in known.items())
        rows = "".join(f'<li><a href="/problems/{c}">{title}</a> <small>{c}, {s}</small>' for title, c, s in titles)
        return _page(spoken, "Сообщения журнала" if spoken == "ru" else "Problems", f"<ul>{rows}</ul>")
    cls = known.get(code)
    if cls is None:
        raise problems.NotFound
    detail, following = _blank(cls.detail, spoken), _blank(cls.next, spoken)
    clause = (
        f"<p>{'Regulation' if spoken == 'en' else 'Положение'}: {html.escape(cls.clause)}</p>" if cls.clause else ""
    )
    back = f'<p><a href="/problems">{"All problems" if spoken == "en" else "Все сообщения"}</a></p>'
    body = f"<p>{detail}</p><p><b>{following}</b></p>{clause}<p><small>HTTP {cls.status}, {code}</small></p>{back}"
    return _page(spoken, cls.title.en if spoken == "en" else cls.title.ru, body)


def _blank(text: problems.Text, spoken: str) -> str:
    """The sentence as HTML, with a gap where an answer names something."""
    return html.escape(re.sub(r"\{[^}]*\}", "…", text.en if spoken == "en" else text.ru))


def _front_page(spoken: str, services: Mapping[str, ASGIApp]) -> HTMLResponse:
    rows = "".join(f'<li><a href="/api/{s}/openapi.json">/api/{s}</a>' for s in services)
    if spoken == "en":
        told = "<p>The journal is running. Programs reach it at these addresses (OpenAPI); the README has a tour.</p>"
        return _page(spoken, "Zhurnal", f'{told}<ul>{rows}</ul><p><a href="/problems">What a refusal means</a></p>')
    told = "<p>Журнал работает. Программы обращаются к нему по этим адресам (OpenAPI); примеры — в README.</p>"
    return _page(spoken, "Электронный журнал", f'{told}<ul>{rows}</ul><p><a href="/problems">Что значит отказ</a></p>')
