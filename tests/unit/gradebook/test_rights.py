"""The audit of rights: roles by identity's log, as it stood when the event was recorded, on the day of its decision."""

from datetime import date, datetime, timedelta

import pytest

from contracts.envelope import Event, EventTypes, Meta
from contracts.events import gradebook as e
from contracts.events import identity as i
from contracts.ids import derived
from services.gradebook.audit.rights import rights
from services.gradebook.rules import KEEPER
from services.kit.log.eventlog import NewEvent
from services.kit.log.memory import MemoryLog
from tests.common.clock import ManualClock
from tests.common.gradebook import (
    ANNA,
    BECAUSE,
    BORIS,
    CURATOR,
    DEPUTY,
    DIRECTOR,
    GROUP,
    PAGE,
    STARTS,
    STRANGER,
    TEACHER,
    VERA,
    ZONE,
    facts,
    instant,
)

pytestmark = pytest.mark.anyio
MONDAY = date(2025, 9, 8)
NOON = instant(MONDAY)
STREAM = f"page/{PAGE}"
CLOSE = e.PeriodClosed(forced=True, reason=BECAUSE)
GUARDIAN = "guardian-1"


def role(person: str, name: str, scope: str = "", **more: object) -> i.RoleGranted:
    given = {"grant": f"{name}-{person}", "person": person, "role": name, "scope": scope, "starts_on": STARTS, **more}
    return i.RoleGranted.model_validate(given)


class College:
    """Both logs, and one clock."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.identity, self.pages = MemoryLog(self.clock), MemoryLog(self.clock)

    async def start(self) -> "College":
        self.clock.set(instant(STARTS, 8))
        await self.say(
            role(TEACHER, "teacher"),
            role(DEPUTY, "deputy_director", GROUP),
            role(DIRECTOR, "director"),
            role("deputy-2", "deputy_director", "group-2"),
            role(STRANGER, "teacher"),
            *(role(student, "student") for student in (ANNA, BORIS)),
            *(i.StudentEnrolled(enrolment=x, student=x, group=GROUP, starts_on=STARTS) for x in (ANNA, BORIS)),
            i.CuratorAppointed(appointment="c1", group=GROUP, person=CURATOR, starts_on=STARTS),
            i.CuratorAppointed(appointment="c2", group="group-2", person="curator-2", starts_on=STARTS),
            i.GuardianLinked(link="l", guardian=GUARDIAN, student=ANNA, starts_on=STARTS),
        )
        self.clock.set(NOON)
        await self.did(KEEPER, "keeper", facts()[0])
        return self

    async def say(self, *events: Event) -> None:
        meta = Meta("said", "", "system:test", "", "", self.clock.now().isoformat(), "http")
        await self._put(self.identity, "all", i.EVENTS, events, meta)

    async def did(
        self, actor: str, role: str, event: Event, stream: str = STREAM, decided_at: datetime | None = None
    ) -> None:
        at = decided_at or self.clock.now()
        meta = Meta(f"did-{await self.pages.head()}", "", actor, role, "", at.isoformat(), "http")
        await self._put(self.pages, stream, e.EVENTS, [event], meta)

    async def _put(
        self, log: MemoryLog, stream: str, types: EventTypes, events: list[Event] | tuple[Event, ...], meta: Meta
    ) -> None:
        head, revision = await log.head(), len(await log.read_stream(stream)) - 1
        rows = [
            NewEvent(derived(meta.command, str(head + n)), *types.encode(x), meta.text()) for n, x in enumerate(events)
        ]
        await log.append(stream, revision, rows)

    async def found(self) -> list[tuple[str, str]]:
        """Who did what without the right to."""
        report = await rights(self.pages, self.identity, ZONE)
        assert report.broken == len(report.findings)
        assert all(f.rule == "right" for f in report.findings)
        return [(f.actor, f.type.removesuffix(".v1")) for f in report.findings]


def absence(student: str, classified: bool = False) -> tuple[Event, str]:
    days = {"student": student, "starts_on": MONDAY, "ends_on": MONDAY}
    event: Event = e.AbsenceAnnounced.model_validate({**days, "absence": "a"})
    if classified:
        event = e.AbsenceClassified.model_validate({**days, "reason_class": "ill"})
    return event, f"absence/{student}"


async def test_whoever_held_the_role_is_let_through() -> None:
    college = await College().start()
    await college.did(TEACHER, "teacher", e.PageSigned(revision=0))
    await college.did(DEPUTY, "deputy_director", e.LessonUnlocked(lesson="l", until=MONDAY, reason=BECAUSE))
    await college.did(DIRECTOR, "director", CLOSE)
    await college.did(GUARDIAN, "guardian", *absence(ANNA))
    await college.did(BORIS, "student", *absence(BORIS))
    await college.did(CURATOR, "curator", *absence(ANNA, classified=True))
    assert await college.found() == []
    assert (await rights(college.pages, college.identity, ZONE)).judged == 6


@pytest.mark.clause("R 4.4.1")
@pytest.mark.parametrize(
    ("actor", "named"),
    [
        (STRANGER, "deputy_director"),
        (DEPUTY, "director"),
        ("deputy-2", "deputy_director"),
        (CURATOR, "curator"),
        ("nobody", "teacher"),
        (DEPUTY, ""),
    ],
)
async def test_who_did_not_hold_the_role_for_the_group_is_named(actor: str, named: str) -> None:
    college = await College().start()
    await college.did(actor, named, CLOSE)
    assert await college.found() == [(actor, "PeriodClosed")]


@pytest.mark.parametrize(
    ("actor", "named", "student", "classified"),
    [
        (GUARDIAN, "guardian", BORIS, False),
        (ANNA, "student", ANNA, False),  # she has a guardian
        (ANNA, "student", BORIS, False),
        (VERA, "student", VERA, False),  # not a student of the college
        (TEACHER, "teacher", ANNA, False),
        ("curator-2", "curator", ANNA, True),
        (CURATOR, "curator", VERA, True),
        (DEPUTY, "deputy_director", ANNA, True),
    ],
)
async def test_absences_are_for_the_family_and_the_curator(
    actor: str, named: str, student: str, classified: bool
) -> None:
    college = await College().start()
    event, stream = absence(student, classified)
    await college.did(actor, named, event, stream)
    assert await college.found() == [(actor, type(event).__name__)]


async def test_a_role_counts_from_when_identity_said_so_and_only_on_its_days() -> None:
    college = await College().start()
    await college.did(STRANGER, "deputy_director", CLOSE)
    college.clock.advance(1)
    await college.say(
        role(STRANGER, "deputy_director", starts_on=MONDAY, ends_on=MONDAY),
        role(TEACHER, "deputy_director", starts_on=MONDAY + timedelta(days=1)),
    )
    await college.did(STRANGER, "deputy_director", CLOSE)
    await college.did(TEACHER, "deputy_director", CLOSE)
    assert await college.found() == [(STRANGER, "PeriodClosed"), (TEACHER, "PeriodClosed")]
    college.clock.advance(timedelta(days=1))
    await college.did(STRANGER, "deputy_director", CLOSE)
    await college.did(TEACHER, "deputy_director", CLOSE)
    assert (await college.found())[2:] == [(STRANGER, "PeriodClosed")]


async def test_what_was_done_before_the_revocation_stays_lawful() -> None:
    college = await College().start()
    await college.did(DIRECTOR, "director", CLOSE)
    await college.say(i.RoleRevoked(grant=f"director-{DIRECTOR}", person=DIRECTOR))
    college.clock.advance(10)
    await college.did(DIRECTOR, "director", CLOSE)
    assert await college.found() == [], "the service may not have heard of it"
    college.clock.advance(10)
    await college.did(DIRECTOR, "director", CLOSE)
    assert await college.found() == [(DIRECTOR, "PeriodClosed")]


async def test_what_was_loaded_is_judged_on_the_day_of_its_decision() -> None:
    college = await College().start()
    college.clock.advance(timedelta(days=300))
    await college.say(role(STRANGER, "director", starts_on=STARTS, ends_on=MONDAY))
    await college.did(STRANGER, "director", CLOSE, decided_at=NOON)
    assert await college.found() == []
    await college.did(STRANGER, "director", CLOSE, decided_at=NOON + timedelta(days=1))
    assert await college.found() == [(STRANGER, "PeriodClosed")]


async def test_what_cannot_be_read_is_left_to_the_replay() -> None:
    college = await College().start()
    broken = [NewEvent(derived("broken", text), "PeriodClosed.v1", "{}", text) for text in ("", "{}", '{"actor":"x"}')]
    await college.pages.append("elsewhere", -1, broken)
    await college.identity.append("x", -1, [NewEvent(derived("unheard"), "Unheard.v1", "{}", "{}")])
    await college.did(STRANGER, "director", CLOSE)
    assert await college.found() == [(STRANGER, "PeriodClosed")]
