"""A house of schedule for tests: the service over a fresh database, its views, people with rights, their clients."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
from psycopg import AsyncConnection

from contracts.envelope import Event
from contracts.events import identity, schedule
from services.kit.bus.memory import MemoryBus
from services.kit.log.eventlog import Feed
from services.kit.log.memory import MemoryLog
from services.kit.log.opening import StoredLog
from services.kit.log.postgres import PostgresLog, install
from services.kit.postgres import Database, migrate, migrations_of, open_pool
from services.kit.reads import Read, ReadLog
from services.kit.rebuild import Difference, ensure, verify
from services.schedule.app import VIEWS, Schedule, build
from tests.common.answers import Truthful
from tests.common.clock import ManualClock
from tests.common.kit import ZONE, Desk, new_event
from tests.common.schedule import ENDS, STARTS

TODAY = date(2025, 9, 1)
EDITORS = {"deputy": "deputy_director", "office": "study_office", "admin": "journal_administrator"}


class House:
    """The service and what a test needs around it. `desk` gives rights; `settle` lets the views catch up."""

    def __init__(
        self, svc: Schedule, desk: Desk, client: httpx.AsyncClient, people: MemoryLog, database: Database
    ) -> None:
        self.database = database
        self.svc, self.desk, self.client, self.identity = svc, desk, client, people
        self.noted: list[Read] = []
        self._keys = 0

    async def settle(self) -> None:
        for projector in self.svc.projectors:
            await projector.catch_up()
        self.desk.grants.heard_at = self.desk.clock.monotonic()

    async def differences(self) -> list[Difference]:
        """Where a view, caught up, is not the fold of its logs."""
        await self.settle()
        feeds: dict[str, Feed] = {"schedule": self.svc.log, "identity": self.identity}
        found = [
            await verify(view, {name: feeds[name] for name in view.logs}, self.database.owner_dsn) for view in VIEWS
        ]
        return [difference for difference in found if difference is not None]

    async def ask(self, who: str, method: str, path: str, body: Any = None, key: str = "") -> httpx.Response:
        """A request of that person, with a new Idempotency-Key unless one is given."""
        self._keys += 1
        headers = self.desk.bearer(who) | {"Idempotency-Key": key or f"key-{self._keys:05}"}
        content = None if body is None else json.dumps(body)
        return await self.client.request(
            method, path, content=content, headers=headers | {"Content-Type": "application/json"}
        )

    async def get(self, who: str, path: str) -> list[dict[str, Any]]:
        """The items of a list, as the views show them when they have caught up."""
        await self.settle()
        answer = await self.ask(who, "GET", path)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def made(self, who: str, method: str, path: str, body: Any) -> str:
        """Do it; the id of what was made."""
        answer = await self.ask(who, method, path, body)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json().get("id", ""))

    async def events(self) -> list[Any]:
        return [schedule.EVENTS.decode(row.type, row.body) for row in await self.svc.log.read(0, 100_000)]

    async def happened(self, *events: Event) -> None:
        """Something happened in identity."""
        for event in events:
            head = await self.identity.head()
            await self.identity.append("stream", head - 1, [new_event(f"identity-{head}", event)])

    # -- a college in four steps ----------------------------------------------------------------------------------

    async def year(self) -> str:
        body = {"title": "2025/2026", "starts_on": "2025-09-01", "ends_on": "2026-06-30"}
        return await self.made("deputy", "POST", "/years", body)

    async def discipline(self, title: str = "Математика", code: str = "ОП.04") -> str:
        return await self.made("deputy", "POST", "/disciplines", {"code": code, "title": title, "kind": "discipline"})

    async def semester(self, year: str, group: str) -> str:
        body = {
            "year": year,
            "group": group,
            "title": "1 полугодие",
            "kind": "semester",
            "starts_on": STARTS.isoformat(),
            "ends_on": ENDS.isoformat(),
        }
        return await self.made("deputy", "PUT", f"/periods/{group}-1", body)

    async def assignment(self, group: str, discipline: str, teacher: str, **more: Any) -> str:
        body = {"group": group, "discipline": discipline, "period": f"{group}-1", "teacher": teacher, **more}
        return await self.made("deputy", "POST", "/assignments", body)

    async def timetable(self, group: str, slots: Sequence[dict[str, Any]], who: str = "deputy") -> httpx.Response:
        body = {"group": group, "period": f"{group}-1", "slots": list(slots)}
        return await self.ask(who, "POST", "/timetables", body)


@asynccontextmanager
async def house(database: Database, kept: StoredLog | None = None) -> AsyncIterator[House]:
    """The service, today being 1 September 2025; its log in the database or where it is `kept`.

    Editors: deputy, office, admin; a teacher, a director, a stranger.
    """
    clock = ManualClock()
    await migrate(database.owner_dsn, database.role, migrations_of("services.schedule"))
    async with await AsyncConnection.connect(database.owner_dsn) as owner:
        await install(owner, database.role)
    pool = await open_pool(database.dsn, name="schedule")
    try:
        log: StoredLog = kept or PostgresLog(pool)
        people = MemoryLog(clock)
        for view in VIEWS:
            feeds: dict[str, Feed] = {"schedule": log, "identity": people}
            await ensure(view, {name: feeds[name] for name in view.logs}, database.owner_dsn)
        desk = Desk(clock)
        noted: list[Read] = []

        async def sink(reads: list[Read]) -> None:
            noted.extend(reads)

        svc = Schedule(pool, log, people, MemoryBus(), clock, ZONE, ReadLog(sink))
        transport = Truthful(build(svc, desk.authenticator).app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
            made = House(svc, desk, client, people, database)
            made.noted = noted
            for person, role in EDITORS.items():
                desk.relate(person, f"role:{role}")
            for person, role in {"teacher": "teacher", "other": "teacher", "director": "director"}.items():
                desk.relate(person, f"role:{role}")
            desk.relate("former", "role:deputy_director", ends="2025-08-31")
            yield made
        await log.close()
    finally:
        await pool.close()


def joined(student: str, group: str) -> identity.StudentEnrolled:
    return identity.StudentEnrolled(enrolment=f"{student}-{group}", student=student, group=group, starts_on=STARTS)
