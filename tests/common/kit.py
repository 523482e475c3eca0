"""For tests of the kit and of services: a counter as the smallest aggregate, a reception desk that signs tokens."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from contracts.envelope import Event, EventTypes, canonical
from contracts.grants import Change, Relation
from contracts.ids import derived
from services.kit.authn import Authenticator, Grants, TokenIssuer, TokenVerifier
from services.kit.handle import Command, Fact, command_id
from services.kit.http import Router, create_app
from services.kit.log.eventlog import NewEvent
from services.kit.problems import Problem, Text
from tests.common.clock import START, CountingIds, ManualClock

ZONE = ZoneInfo("Asia/Barnaul")


# -- the counter ------------------------------------------------------------------------------------------------


class Counted(Event):
    """The counter went up by `by`."""

    type: Literal["Counted.v1"] = "Counted.v1"
    by: int


class Padded(Event):
    """Some bytes that mean nothing."""

    type: Literal["Padded.v1"] = "Padded.v1"
    padding: str


TYPES = EventTypes(Counted, Padded)


class TooMuch(Problem):
    """The counter would go beyond its limit."""

    code, status = "test-too-much", 409
    title = Text("Слишком много", "Too much")
    detail = Text("Счётчик стоит на {total}.", "The counter stands at {total}.")
    next = Text("Прибавьте меньше.", "Add less.")


class Counter(NamedTuple):
    """Total and the single steps that led to it."""

    total: int = 0
    steps: tuple[int, ...] = ()

    def fold(self, facts: Sequence[Fact]) -> "Counter":
        steps = [fact.event.by for fact in facts if isinstance(fact.event, Counted)]
        return Counter(self.total + sum(steps), (*self.steps, *steps))


class Add:
    """Decides to add the `steps`, one event each, as long as the total stays within `limit`; counts its calls."""

    def __init__(self, *steps: int, limit: int = 1_000_000) -> None:
        self.steps, self.limit, self.seen = steps, limit, list[int]()

    def __call__(self, state: Counter, now: datetime) -> Sequence[Event]:
        self.seen.append(state.total)
        if state.total + sum(self.steps) > self.limit:
            raise TooMuch(total=state.total)
        return [Counted(by=step) for step in self.steps]


class Raise:
    """Decides to bring the total up to `to`; nothing to do when it is there already."""

    def __init__(self, to: int) -> None:
        self.to = to

    def __call__(self, state: Counter, now: datetime) -> Sequence[Event]:
        return [Counted(by=self.to - state.total)] if state.total != self.to else []


def command(key: str, request: str = "r", subject: str = "person-1") -> Command:
    """A command of `subject` under that key."""
    return Command(command_id(subject, key), request, subject, "teacher")


def new_event(name: str, event: Event) -> NewEvent:
    """A row to append outside any handler; its id is derived from `name`."""
    meta = {"command": derived("command", name), "actor": "system:test", "decided_at": START.isoformat()}
    return NewEvent(derived("event", name), *EventTypes(type(event)).encode(event), canonical(meta))


# -- who asks ---------------------------------------------------------------------------------------------------


class Desk:
    """Signs tokens and holds the relations that an app under test judges by."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.grants = Grants()
        self.grants.heard_at = self.clock.monotonic()
        self.issuer = TokenIssuer(Ed25519PrivateKey.generate(), self.clock)
        self.authenticator = Authenticator(
            TokenVerifier([self.issuer.public_key], self.clock), self.grants, self.clock, ZONE
        )
        self._ids = CountingIds()

    def relate(
        self, subject: str, relation: str, object_: str = "", starts: str = "2025-01-01", ends: str | None = None
    ) -> str:
        """Add a relation (`role:teacher`, `curator`, …); returns its id."""
        id_ = self._ids.new()
        end = date.fromisoformat(ends) if ends else None
        self.apply(Relation(id_, subject, relation, object_, date.fromisoformat(starts), end))
        return id_

    def apply(self, *changes: Change) -> None:
        self.grants.apply(changes)

    def bearer(self, subject: str, session: str = "session-1") -> dict[str, str]:
        """The header by which `subject` comes in."""
        return {"Authorization": f"Bearer {self.issuer.issue(subject, session)}"}

    def app(self, *routers: Router) -> FastAPI:
        return create_app("test", routers, self.authenticator)


def browser(app: Any, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """A client of the app without a network between; a bug in it shows as an answer, as it would to a browser."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service.test", headers=headers)


async def until(condition: Callable[[], bool]) -> None:
    """Return once it holds; a quarter of a minute without that fails the test."""
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110 - what is awaited belongs to the code under test
            await asyncio.sleep(0.002)


def members(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The members of a problem document of that status; anything else fails the test."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["type"] == f"/problems/{document['code']}"
    assert all(document[member] for member in ("title", "detail", "next"))
    for leak in ("Traceback", 'File "', "psycopg", "pydantic", ".py", "select "):
        assert leak not in answer.text
    return document
