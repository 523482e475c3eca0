"""A service in a process of its own, at the address that it has behind the gateway: /api/SERVICE/…

Nothing is rewritten on the way, so an address is the same before the gateway, behind it and in the one-process mode.
"""

from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit import logging
from services.kit.bodies import limited
from services.kit.http import answer
from services.kit.problems import NotFound, Problem
from services.kit.tracing import incoming


class Mounted:
    """`app` at /api/`name`, given no body beyond the limit; every other address does not exist."""

    def __init__(self, name: str, app: ASGIApp) -> None:
        self._root, self._app = f"/api/{name}", app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        structlog.contextvars.clear_contextvars()
        logging.begin_trace(incoming(scope["headers"])[0])
        if not scope["path"].startswith(self._root + "/"):
            await answer(Request(scope), NotFound())(scope, receive, send)
            return
        try:
            receive = await limited(scope["path"], scope["headers"], receive)
        except Problem as refused:
            await answer(Request(scope), refused)(scope, receive, send)
            return
        inner: MutableMapping[str, Any] = {**scope, "root_path": scope.get("root_path", "") + self._root}
        await self._app(inner, receive, send)
