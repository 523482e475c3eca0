"""The grade book on a real database, with the logs of identity and schedule in memory and a client per person."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from contracts import grants
from contracts.envelope import Event, EventTypes, Meta
from contracts.events import identity as i
from contracts.events import schedule as s
from contracts.ids import derived
from services.gradebook.app import VIEWS, Gradebook, build
from services.kit import projector
from services.kit.authn import Authenticator, Grants, GrantsReader, TokenIssuer, TokenVerifier
from services.kit.bus.memory import MemoryBus
from services.kit.log.eventlog import NO_STREAM, NewEvent
from services.kit.log.memory import MemoryLog
from services.kit.log.opening import StoredLog
from services.kit.log.postgres import PostgresLog
from services.kit.log.postgres import install as install_log
from services.kit.postgres import Database, migrate, migrations_of, open_pool
from services.kit.reads import Read, ReadLog
from tests.common.answers import Truthful
from tests.common.clock import ManualClock
from tests.common.gradebook import (
    ANNA,
    CURATOR,
    DEPUTY,
    DIRECTOR,
    DISCIPLINE,
    ENDS,
    GROUP,
    LABS,
    MAIN,
    PAGE,
    PERIOD,
    SECOND,
    STARTS,
    STUDENTS,
    TEACHER,
    YEAR,
    ZONE,
    instant,
)

GUARDIAN, ADMINISTRATOR, AUDITOR, OFFICE = "guardian-1", "administrator-1", "auditor-1", "office-1"
STAFF: tuple[tuple[str, Any, str], ...] = (
    (TEACHER, "teacher", ""),
    (SECOND, "workshop_instructor", ""),
    ("teacher-3", "teacher", ""),
    ("teacher-9", "teacher", ""),
    (DEPUTY, "deputy_director", ""),
    (DIRECTOR, "director", ""),
    (OFFICE, "study_office", GROUP),
    ("office-2", "study_office", "group-2"),
    (ADMINISTRATOR, "journal_administrator", ""),
    (AUDITOR, "auditor", ""),
)


class Outside:
    """A log of another service, in memory."""

    def __init__(self, types: EventTypes) -> None:
        self.log, self._types = MemoryLog(), types
        self._revisions: dict[str, int] = {}
        self._numbers = itertools.count()

    async def say(self, *events: Event, stream: str = "all") -> None:
        if not events:
            return
        meta = Meta("command", "", "system:test", "", "", "2025-09-01T00:00:00+00:00", "http").text()
        rows = [NewEvent(derived("said", str(next(self._numbers))), *self._types.encode(x), meta) for x in events]
        done = await self.log.append(stream, self._revisions.get(stream, NO_STREAM), rows)
        self._revisions[stream] = done.revision


class House:
    """The service, and what its tests need around it."""

    def __init__(self, svc: Gradebook, app: Any, clock: ManualClock, issuer: TokenIssuer, reader: GrantsReader) -> None:
        self.svc, self.app, self.clock, self._issuer, self._reader = svc, app, clock, issuer, reader
        self.identity, self.schedule = Outside(i.EVENTS), Outside(s.EVENTS)
        self.reads: list[Read] = []
        self._keys = itertools.count(1)

    def on(self, day: date, hour: int = 12) -> "House":
        """Turn the clock."""
        self.clock.set(instant(day, hour))
        return self

    async def settle(self) -> None:
        """Everybody has heard everything."""
        await self._reader.catch_up()
        await self.svc.keeper.catch_up()
        await self.svc.projector.catch_up()

    async def ask(
        self, person: str, method: str, path: str, body: Any = None, tag: str | None = "-", **headers: str
    ) -> httpx.Response:
        """A request of `person`. tag: If-Match; None: If-None-Match: *; "-": neither. A fresh key for every change."""
        given = {"authorization": f"Bearer {self._issuer.issue(person, person)}", "accept-language": "en"}
        if method != "GET":
            given["idempotency-key"] = f"key-{next(self._keys):08}"
        if tag is None:
            given["if-none-match"] = "*"
        elif tag != "-":
            given["if-match"] = f'"{tag}"'
        transport = Truthful(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, json=body, headers={**given, **headers})

    async def lesson(self, day: date, lesson: str = "", person: str = TEACHER, assignment: str = MAIN) -> str:
        """Hold a lesson on that day, through HTTP."""
        lesson = lesson or f"lesson-{day}"
        kind = "lecture" if assignment == MAIN else "laboratory"
        body = {"assignment": assignment, "date": str(day), "pair": 1, "kind": kind, "topic": "Topic"}
        answer = await self.ask(person, "PUT", f"/pages/{PAGE}/lessons/{lesson}", body, None)
        assert answer.status_code == 201, answer.text
        return lesson

    async def grade(self, lesson: str, student: str, value: str, tag: str | None = None, **more: Any) -> httpx.Response:
        body = {"grades": [{"value": value, "work": "written"}], **more}
        return await self.ask(TEACHER, "PUT", f"/pages/{PAGE}/cells/{lesson}/{student}", body, tag)

    async def spread(self, person: str = TEACHER, page: str = PAGE, query: str = "") -> Any:
        answer = await self.ask(person, "GET", f"/pages/{page}{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()


def schedule_events(group: str = GROUP, period: str = PERIOD) -> list[Event]:
    """A semester of the group, two assignments of one discipline."""
    shared = {"group": group, "discipline": DISCIPLINE, "period": period, "starts_on": STARTS, "ends_on": ENDS}
    return [
        s.PeriodDefined(
            period=period, year=YEAR, group=group, title="1", kind="semester", starts_on=STARTS, ends_on=ENDS
        ),
        s.TeachingAssigned.model_validate({**shared, "assignment": MAIN, "teacher": TEACHER}),
        s.TeachingAssigned.model_validate(
            {**shared, "assignment": LABS, "teacher": SECOND, "kinds": ("laboratory",), "responsible": False}
        ),
    ]


def identity_events() -> list[Event]:
    """The staff, the students of the group, a curator, a guardian of the first student."""
    return [
        *(
            i.RoleGranted(grant=f"g-{person}", person=person, role=role, scope=scope, starts_on=STARTS)
            for person, role, scope in STAFF
        ),
        *(i.RoleGranted(grant=f"g-{x}", person=x, role="student", starts_on=STARTS) for x in STUDENTS),
        *(i.StudentEnrolled(enrolment=f"e-{x}", student=x, group=GROUP, starts_on=STARTS) for x in STUDENTS),
        i.CuratorAppointed(appointment="c-1", group=GROUP, person=CURATOR, starts_on=STARTS),
        i.CuratorAppointed(appointment="c-2", group="group-2", person="curator-2", starts_on=STARTS),
        i.GuardianLinked(link="l-1", guardian=GUARDIAN, student=ANNA, starts_on=STARTS),
    ]


@asynccontextmanager
async def house(
    database: Database, said: Sequence[Event] | None = None, kept: StoredLog | None = None
) -> AsyncIterator[House]:
    """A house on a fresh database; its page is there unless `said` says something else to the schedule.

    kept: its log, where it is not in the database.
    """
    await migrate(database.owner_dsn, database.role, migrations_of("services.gradebook"))
    async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as owner:
        await install_log(owner, database.role)
        for view in VIEWS:
            await projector.install(owner, view)
    pool = await open_pool(database.dsn, name="gradebook")
    clock, log = ManualClock(instant(STARTS)), kept or PostgresLog(pool)
    identity, schedule, known = Outside(i.EVENTS), Outside(s.EVENTS), Grants()
    issuer = TokenIssuer(Ed25519PrivateKey.generate(), clock)
    reads: list[Read] = []

    async def sink(batch: list[Read]) -> None:
        reads.extend(batch)

    svc = Gradebook(pool, log, identity.log, schedule.log, MemoryBus(), clock, ZONE, ReadLog(sink))
    authenticator = Authenticator(TokenVerifier([issuer.public_key], clock), known, clock, ZONE)
    reader = GrantsReader(known, identity.log, i.EVENTS, grants.changes, clock)
    found = House(svc, build(svc, authenticator).app, clock, issuer, reader)
    found.identity, found.schedule, found.reads = identity, schedule, reads
    try:
        await identity.say(*identity_events())
        await schedule.say(*(schedule_events() if said is None else said))
        await found.settle()
        yield found
    finally:
        await log.close()
        await pool.close()
