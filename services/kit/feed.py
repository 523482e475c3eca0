"""The feed: GET /log as pages with long poll, and the client that reads a far log like a near one.

It serves rebuilds, auditors, the filling of holes and immediate revocations. It is for services only: the edge never
forwards it.
"""

from datetime import datetime
from typing import Annotated, Any

import httpx
import orjson
from fastapi import Query, Response

from services.kit.http import Policy, Router, json
from services.kit.log.eventlog import Feed, Recorded

PAGE = 1000
LONGEST_WAIT_SECONDS = 25.0
ANSWER_SECONDS = 5.0
"""A feed that says nothing for so long beyond the wait asked for is away: a connection that is open to one side only
would otherwise keep rights from being heard for half a minute after the network is whole again."""


def routes(source: Feed) -> Router:
    """GET /log?after=&limit=&wait= → {log, head, events}; answers as soon as there is an event after `after`.

    With `at` the answer holds the event at exactly that position, or none.
    """
    router = Router(tags=["log"])

    @router.get("/log", policy=Policy("service", service=True))
    async def read_log(
        after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_SECONDS)] = 0,
        at: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    ) -> Response:
        head = await (source.wait(after, wait) if wait else source.head())
        if at:
            event = await source.at(at)
            events = [] if event is None else [event]
        else:
            events = await source.read(after, limit) if head > after else []
        return json(
            {"log": await source.log_id(), "head": head, "events": [[*e[:5], e.at.isoformat(), *e[6:]] for e in events]}
        )

    return router


class HttpFeed:
    """The feed of another process. `client` carries the base address and the service token.

    A feed that is away or not able to answer raises `httpx.TransportError` or `ConnectionError`: ask again.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def log_id(self) -> str:
        return str((await self._page(after=0, limit=1))["log"])

    async def head(self) -> int:
        return int((await self._page(after=0, limit=1))["head"])

    async def at(self, position: int) -> Recorded | None:
        rows = _recorded(await self._page(at=position)) if position else []
        return rows[0] if rows else None

    async def read(self, after: int = 0, limit: int = PAGE) -> list[Recorded]:
        """Events beyond `after`, at most `limit` and at most `PAGE`: the caller asks on until none come."""
        return _recorded(await self._page(after=after, limit=min(limit, PAGE)))

    async def wait(self, after: int, timeout: float) -> int:
        page = await self._page(after=after, limit=1, wait=min(timeout, LONGEST_WAIT_SECONDS))
        return int(page["head"])

    async def _page(self, **params: float) -> Any:
        answer = await self._client.get("/log", params=params, timeout=params.get("wait", 0) + ANSWER_SECONDS)
        if answer.is_server_error:
            raise ConnectionError(f"the feed answers {answer.status_code}")
        answer.raise_for_status()
        return orjson.loads(answer.content)


def _recorded(page: Any) -> list[Recorded]:
    return [Recorded._make([*e[:5], datetime.fromisoformat(e[5]), *e[6:]]) for e in page["events"]]
