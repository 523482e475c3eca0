"""What the journal shows beside its API, as one ASGI app: web client, the start page's facts, status, problems' pages.

The edge of the one-process mode holds one; behind the gateway it is a process of its own. It asks nobody who he is.
"""

import html
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from services.kit import problems
from services.kit.http import answer, json, language
from services.kit.problems import Problem, catalogue
from services.kit.reference import STYLE, Reference
from services.kit.static import Site
from services.kit.status import Board

OF_API = ("/api", "/api/", "/api/openapi.json", "/api/style.css")
"""The description of the whole API; what else is below /api/ belongs to the services."""

Begin = Callable[[bool], Awaitable[dict[str, Any]]]
"""What anybody may know before signing in, as JSON; told whether the client is on this very machine."""


class Front:
    """The app. services: the names below /api/. status: what `/status` shows. secure: served over TLS.

    begin: what `/start.json` answers; None: there is no such address. site: the built web client; without one `/` is
    a plain page for programs.
    """

    def __init__(
        self,
        services: Iterable[str],
        status: Board,
        begin: Begin | None = None,
        site: Site | None = None,
        *,
        secure: bool = False,
    ) -> None:
        self._services, self._begin, self._site, self._secure = tuple(services), begin, site, secure
        self._reference, self._status = Reference(self._services), status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            answered = await self._answer(request)
        except Problem as problem:
            answered = answer(request, problem)
        await answered(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if request.method not in ("GET", "HEAD"):
            raise problems.MethodNotAllowed
        if path == "/problems" or path.startswith("/problems/"):
            return _problem_page(language(request), path.removeprefix("/problems").strip("/"))
        if path == "/start.json" and self._begin is not None:
            # Behind a TLS proxy every client seems to be on this machine.
            return json(await self._begin(not self._secure and on_this_machine(request.scope)))
        if path == "/status":
            spoken = language(request)
            return HTMLResponse(await self._status.page(spoken), headers={"Content-Language": spoken})
        if path == "/status.json":
            return json(await self._status.told())
        if path in OF_API:
            return self._of_api(path, language(request))
        if self._site is not None:
            return self._site.answer(request)
        if path == "/":
            return _front_page(language(request), self._services)
        raise problems.NotFound

    def _of_api(self, path: str, spoken: str) -> Response:
        if path == "/api/openapi.json":
            return json(self._reference.document)
        if path == "/api/style.css":
            return Response(STYLE, media_type="text/css")
        return HTMLResponse(self._reference.page(spoken), headers={"Content-Language": spoken})


def on_this_machine(scope: Scope) -> bool:
    """Whether the client's address is a loopback one."""
    client = scope.get("client")
    try:
        return client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


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


def _front_page(spoken: str, services: Iterable[str]) -> HTMLResponse:
    rows = "".join(f'<li><a href="/api/#{s}">/api/{s}</a>' for s in services)
    if spoken == "en":
        links = '<a href="/problems">What a refusal means</a> · <a href="/status">Status of the journal</a>'
        told = "<p>The journal is running. Programs reach it at these addresses; the README has a tour.</p>"
        return _page(spoken, "Zhurnal", f"{told}<ul>{rows}</ul><p>{links}</p>")
    links = '<a href="/problems">Что значит отказ</a> · <a href="/status">Состояние журнала</a>'
    told = "<p>Журнал работает. Программы обращаются к нему по этим адресам; примеры — в README.</p>"
    return _page(spoken, "Электронный журнал", f"{told}<ul>{rows}</ul><p>{links}</p>")
