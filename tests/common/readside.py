"""What the tests of reporting and notifications share: three logs in memory, people with tokens, a small college.

The college: groups g1 and g2; in g1 the students s1 … s3, s1's guardian p1, the curator c1; pages of g1: maths (page m,
teacher t1, with t2 for subgroup 2) and labs (page l, teacher t2). Period 1 September – 28 December 2025.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from contracts import grants
from contracts.envelope import Event, EventTypes, Meta
from contracts.events import gradebook as g
from contracts.events import identity as i
from contracts.events import schedule as s
from services.kit.authn import Authenticator, Grants, GrantsReader, TokenIssuer, TokenVerifier
from services.kit.bus.memory import MemoryBus
from services.kit.log.eventlog import NewEvent
from services.kit.log.memory import MemoryLog
from tests.common.answers import Truthful
from tests.common.clock import CountingIds, ManualClock

ZONE = ZoneInfo("Asia/Barnaul")
START, END = date(2025, 9, 1), date(2025, 12, 28)
TYPES: dict[str, EventTypes] = {"gradebook": g.EVENTS, "schedule": s.EVENTS, "identity": i.EVENTS}
WEIGHTS: Any = {"test": 200, "oral": 100, "independent": 0}


class Logs:
    """The logs, the clock and the grants of a test; `say` appends what happened."""

    def __init__(self) -> None:
        self.clock, self.ids, self.bus = ManualClock(), CountingIds(), MemoryBus()
        self.logs = {name: MemoryLog(self.clock) for name in TYPES}
        self.grants = Grants()
        self._reader = GrantsReader(self.grants, self.logs["identity"], i.EVENTS, grants.changes, self.clock)
        self._issuer = TokenIssuer(Ed25519PrivateKey.generate(), self.clock)
        self.authenticator = Authenticator(
            TokenVerifier([self._issuer.public_key], self.clock), self.grants, self.clock, ZONE
        )

    async def say(self, log: str, stream: str, *events: Event, actor: str = "system:keeper", role: str = "") -> int:
        """Append the events to a stream as one command of `actor`; the position of the last."""
        meta = Meta(self.ids.new(), "", actor, role, "", self.clock.now().isoformat(), "http").text()
        new = [NewEvent(self.ids.new(), *TYPES[log].encode(event), meta) for event in events]
        rows = await self.logs[log].read_stream(stream)
        return (await self.logs[log].append(stream, len(rows) - 1, new)).position

    async def page(self, page: str, *events: Event, actor: str = "t1") -> int:
        return await self.say("gradebook", f"page/{page}", *events, actor=actor, role="teacher")

    async def heard(self) -> None:
        """Let the grants catch up with identity's log."""
        await self._reader.catch_up()

    def headers(self, person: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._issuer.issue(person, 'session-of-' + person)}"}

    @asynccontextmanager
    async def client(self, app: FastAPI) -> AsyncIterator["Client"]:
        transport = Truthful(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Client(self, client)


class Client:
    """Asks as a person."""

    def __init__(self, logs: Logs, client: httpx.AsyncClient) -> None:
        self._logs, self._client = logs, client

    async def get(self, person: str, path: str, **params: Any) -> httpx.Response:
        await self._logs.heard()
        return await self._client.get(path, params=params, headers=self._logs.headers(person))

    async def post(
        self, person: str, path: str, body: Mapping[str, Any], key: str | None = "key-00000001"
    ) -> httpx.Response:
        await self._logs.heard()
        headers = self._logs.headers(person) | ({"idempotency-key": key} if key else {})
        return await self._client.post(path, json=body, headers=headers)


def role(person: str, name: i.Role, scope: str = "", until: date | None = None) -> i.RoleGranted:
    return i.RoleGranted(
        grant=f"{person}-{name}-{scope}", person=person, role=name, scope=scope, starts_on=START, ends_on=until
    )


def enrolled(student: str, group: str) -> i.StudentEnrolled:
    return i.StudentEnrolled(enrolment=f"e-{student}", student=student, group=group, starts_on=START)


async def found_college(logs: Logs) -> None:
    """The college of the module's docstring, before its first lesson."""
    await logs.say(
        "identity",
        "all",
        i.GroupFormed(group="g1", title="ТМ-21"),
        i.GroupFormed(group="g2", title="ТМ-22"),
        *(enrolled(student, "g1") for student in ("s1", "s2", "s3")),
        enrolled("x1", "g2"),
        i.GuardianLinked(link="p1-s1", guardian="p1", student="s1", starts_on=START),
        i.GuardianLinked(link="q1-x1", guardian="q1", student="x1", starts_on=START),
        i.CuratorAppointed(appointment="a1", group="g1", person="c1", starts_on=START),
        i.CuratorAppointed(appointment="a2", group="g2", person="c2", starts_on=START),
        *(role(person, "teacher") for person in ("t1", "t2")),
        *(role(person, "student") for person in ("s1", "s2", "s3", "x1")),
        *(role(person, "guardian") for person in ("p1", "q1")),
        *(role(person, "curator") for person in ("c1", "c2")),
        role("d1", "deputy_director"),
        role("o1", "study_office", "g2"),
        role("ja", "journal_administrator"),
        role("au", "auditor", until=date(2025, 12, 31)),
    )
    await logs.say(
        "schedule",
        "catalogue",
        s.AcademicYearOpened(year="y", title="2025/26", starts_on=START, ends_on=date(2026, 6, 30)),
        s.PeriodDefined(
            period="p", year="y", group="g1", title="1 полугодие", kind="semester", starts_on=START, ends_on=END
        ),
        s.DisciplineAdded(discipline="dm", code="ОУД.04", title="Математика", kind="discipline"),
        s.DisciplineAdded(discipline="dl", code="ОП.02", title="Электротехника", kind="discipline"),
        s.ProgrammeAdopted(
            group="g1",
            discipline="dm",
            period="p",
            topics=(
                s.Topic(number=1, title="Множества", hours=2, kind="lecture"),
                s.Topic(number=2, title="Функции", hours=4, kind="lecture"),
            ),
        ),
    )
    for page, discipline, teacher in (("m", "dm", "t1"), ("l", "dl", "t2")):
        await logs.page(
            page,
            g.PageOpened(
                page=page,
                group="g1",
                discipline=discipline,
                period="p",
                year="y",
                kind="semester",
                starts_on=START,
                ends_on=END,
            ),
            g.PageSettingsSet(rules=g.Rules(weights=WEIGHTS)),
            g.TeacherAssigned(assignment=f"a-{page}", teacher=teacher, starts_on=START),
            *(g.StudentJoined(student=student, on=START) for student in ("s1", "s2", "s3")),
            actor="system:keeper",
        )


def lesson(name: str, page: str, day: date, number: int = 1, **more: Any) -> g.LessonHeld:
    fields: dict[str, Any] = {
        "assignment": f"a-{page}",
        "taught_by": "t1",
        "pair": 1,
        "hours": 2,
        "kind": "lecture",
        "topic": f"Тема {number}",
        "topic_no": number,
    }
    return g.LessonHeld(lesson=name, date=day, number=number, **(fields | more))


def grade(name: str, lesson: str, student: str, value: Any, work: Any = "oral", **more: Any) -> g.GradeRecorded:
    return g.GradeRecorded(grade=name, lesson=lesson, student=student, value=value, work=work, **more)


def reason(code: Any = "input_error") -> g.Reason:
    return g.Reason(code=code)
