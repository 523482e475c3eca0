"""A small college for the permission matrix: two groups, a handful of pages, and a person for every member of the cast.

It is the whole system as one process composes it, over fresh databases, on Wednesday 15 October 2025 (`founding.py`
founds it). A request goes straight into the app of its service, with a minted token: the matrix asks many thousand.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI

from contracts.ids import derived
from services.identity import people
from services.identity.commands import Do, Tx
from services.identity.people import PersonData
from services.identity.rules import Span
from services.system import System
from tests.common.clock import ManualClock

LONG_AGO, TODAY = date(2025, 9, 1), date(2025, 10, 15)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
BEFORE = date(2025, 10, 6)
"""The day on which the college is founded; a lesson held on it is past the entry limit today."""
END, FINALS_END = date(2025, 12, 26), date(2025, 10, 18)
ORDER_END = date(2026, 6, 30)
PASSWORD = "много разных слов подряд"
MARK = {"grades": [{"value": "5", "work": "oral"}]}
EMPTY = {"if-none-match": "*"}


def family_name(member: str) -> str:
    """The name by which a member of the cast would be recognised in an answer."""
    return f"Фамилия-{member}"


class Answer(NamedTuple):
    """An answer whole, so that two of them are equal when nobody could tell them apart."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def document(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem, "" for anything else."""
        return str(self.document.get("code", "")) if self.status >= 400 else ""


class World:
    """The college. `people`: {member of the cast: his id}; `objects`: {what a case names: its id or value}."""

    def __init__(self, system: System, clock: ManualClock) -> None:
        self.system, self.clock = system, clock
        self.people: dict[str, str] = {}
        self.objects: dict[str, str] = {}
        self.links: list[str] = []
        self._keys = count(1)
        self._tokens: dict[tuple[str, str, datetime], str] = {}

    # -- asking -------------------------------------------------------------------------------------------------

    def app(self, service: str) -> FastAPI:
        return self.system.services[service].app

    def token(self, member: str, session: str = "") -> str:
        """The token of a member of the cast, "" for who has none."""
        if member == "anonymous":
            return ""
        subject = "service:other" if member == "service" else self.people[member]
        if member == "revoked":
            session = self.objects["revoked_session"]
        key = (subject, session, self.clock.now())
        if key not in self._tokens:
            self._tokens[key] = self.system.identity.issuer.issue(subject, session or f"session of {member}")
        return self._tokens[key]

    async def ask(
        self,
        member: str,
        service: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        session: str = "",
    ) -> Answer:
        """The answer of a service to a request of a member of the cast, a change under a fresh Idempotency-Key."""
        sent = dict(headers or {})
        if token := self.token(member, session):
            sent["authorization"] = f"Bearer {token}"
        if method != "GET":
            sent["idempotency-key"] = f"matrix-{next(self._keys):06}"
        content = b"" if body is None else orjson.dumps(body)
        if content:
            sent["content-type"] = "application/json"
        return await call(self.app(service), method, path, urlencode(query or {}), sent, content)

    async def done(self, member: str, service: str, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The document of a request that must succeed."""
        answer = await self.ask(member, service, method, path, body, **options)
        assert answer.status < 300, (path, answer.status, answer.body.decode())
        return answer.document

    async def do(self, do: Do) -> dict[str, Any]:
        """A change of identity that no person gave."""
        return (await self.system.identity.execute(self.system.identity.as_system(), do, secret=True)).answer

    async def heads(self) -> dict[str, int]:
        """How far each log is: refused requests leave it there."""
        return {name: await log.head() for name, log in self.system.logs.items()}

    async def session(self, member: str, name: str) -> str:
        """Put a session of his down as if he had signed in; answers its id."""
        id_ = derived("session", member, name)
        now = self.clock.now()
        async with self.system.identity.pool.connection() as conn:
            await conn.execute(
                "insert into session (id, person, family, opened_at, used_at, address, agent)"
                " values (%s, %s, false, %s, %s, '127.0.0.1', '') on conflict do nothing",
                (id_, self.people[member], now, now),
            )
        return id_

    async def read_tags(self) -> None:
        """Put the present tags of lessons and of one final down as objects, for conditional requests."""
        o = self.objects
        for page in ("page", "closed_page", "finals_page"):
            spread = await self.done("director.college", "gradebook", "GET", f"/pages/{o[page]}")
            tags = {lesson["lesson"]: str(lesson["etag"]) for lesson in spread["lessons"]}
            o |= {f"{name}_tag": tags[id_] for name, id_ in list(o.items()) if id_ in tags}
            if page == "finals_page":
                finals = {row["student"]: row["final"] for row in spread["students"] if row["final"]}
                o["final_tag"] = str(finals[o["student"]]["etag"])

    # -- founding -----------------------------------------------------------------------------------------------

    async def register(self, member: str) -> str:
        """A person who is nothing yet; every one has contacts that are his alone."""
        number = len(self.people)
        data = PersonData(family_name(member), "Тест", "", f"person{number}@example.test", f"+7 000 000-{number:04}")

        async def do(tx: Tx) -> dict[str, Any]:
            return {"person": await people.register(tx, data)}

        self.people[member] = str((await self.do(do))["person"])
        return self.people[member]

    def span(self, member: str) -> Span:
        """The days of a member's role or link."""
        match member.partition(".")[2]:
            case "ended":
                return Span(LONG_AGO, YESTERDAY)
            case "tomorrow":
                return Span(TOMORROW, ORDER_END)
            case _:
                return Span(LONG_AGO, ORDER_END)

    def phone(self, member: str) -> str:
        return f"+7 000 000-{list(self.people).index(member):04}"


async def call(app: Any, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Answer:
    """One request to an ASGI app, without a client between."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"service.test"), *((k.encode(), v.encode()) for k, v in headers.items())],
        "client": ("127.0.0.1", 50000),
        "server": ("service.test", 80),
    }
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    parts: list[bytes] = []
    start: dict[str, Any] = {}

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(start["status"], tuple(sorted(start["headers"])), b"".join(parts))


def at(day: date, hour: int = 3) -> datetime:
    """That hour of the day in UTC; 3 is 10:00 in Barnaul."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
