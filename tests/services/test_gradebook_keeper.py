"""The keeper: what identity and schedule say arrives on the pages, in whatever order the two logs are heard."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.events import identity as i
from contracts.events import schedule as s
from contracts.ids import page_id
from services.gradebook.audit.replay import replay
from services.gradebook.keeper import Keeper
from services.gradebook.page import Page
from tests.common.gradebook import (
    ANNA,
    DEADLINE,
    DEPUTY,
    DISCIPLINE,
    ENDS,
    GROUP,
    MAIN,
    PAGE,
    PERIOD,
    SECOND,
    STARTS,
    STUDENTS,
    SUBSTITUTE,
    TEACHER,
    VERA,
    YEAR,
    ZONE,
)
from tests.common.gradebook_house import House, house, schedule_events
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

MONDAY = date(2025, 9, 8)
NEXT = MONDAY + timedelta(days=1)
OTHER = page_id("group-2", DISCIPLINE, "period-2")


@pytest.fixture
async def home(database: NewDatabase) -> AsyncIterator[House]:
    async with house(await database("gradebook"), []) as found:
        yield found.on(MONDAY)


async def page(home: House, page: str = PAGE) -> Page:
    return (await home.svc.page(page)).state


def facts(state: Page) -> dict[str, Any]:
    """What the keeper is answerable for."""
    return {
        "opened": state.opened,
        "assignments": {a.id: (a.subgroup, a.kinds, set(a.spells)) for a in state.assignments.values()},
        "members": {s: spans for s, spans in state.members.items() if spans},
        "subgroups": state.subgroups,
        "substitutes": state.substitutes,
        "rules": state.rules if state.rules_set else None,
        "taken": state.taken,
    }


async def test_a_page_opens_with_its_teachers_and_students(home: House) -> None:
    await home.settle()
    assert (await page(home)).opened is None
    await home.schedule.say(*schedule_events())
    await home.settle()
    state = await page(home)
    assert state.opened is not None
    assert (state.opened.group, state.opened.discipline, state.opened.ends_on) == (GROUP, DISCIPLINE, ENDS)
    assert state.rules_set
    assert set(state.members) == set(STUDENTS)
    assert state.teaches(TEACHER, MONDAY)
    assert state.teaches(SECOND, MONDAY)
    rows = await home.svc.log.read_stream(f"page/{PAGE}")
    assert {r.at for r in rows} == {rows[0].at}, "one append"
    assert all('"cause":"' in r.meta and '"system:keeper"' in r.meta for r in rows)


async def test_nothing_new_writes_nothing(home: House) -> None:
    await home.schedule.say(*schedule_events())
    await home.settle()
    head = await home.svc.log.head()
    await home.schedule.say(*schedule_events())
    await home.identity.say(i.StudentEnrolled(enrolment=f"e-{ANNA}", student=ANNA, group=GROUP, starts_on=STARTS))
    await home.settle()
    assert await home.svc.log.head() == head


@pytest.mark.clause("R 4.4.1", "R 8.5")
async def test_changes_arrive_as_facts(home: House) -> None:
    await home.schedule.say(*schedule_events())
    await home.settle()
    key: dict[str, Any] = {"group": GROUP, "discipline": DISCIPLINE, "period": PERIOD}
    substituted = s.LessonSubstituted(
        **key,
        lesson="l",
        assignment=MAIN,
        date=MONDAY,
        pair=1,
        teacher=SUBSTITUTE,
        instead_of=TEACHER,
        reason="illness",
    )
    reassigned = s.TeachingReassigned(
        **key, assignment=MAIN, previous=TEACHER, teacher="teacher-9", on=NEXT, reason="leave"
    )
    moved = s.LessonMoved(lesson="l", group=GROUP, from_date=MONDAY, from_pair=1, date=NEXT, pair=2, reason="room")
    period = schedule_events()[0].model_copy(update={"holidays": (NEXT,)})
    await home.schedule.say(substituted, reassigned, moved, period)
    withdrawn = i.StudentStatusChanged(student=VERA, enrolment=f"e-{VERA}", group=GROUP, status="withdrawn", on=MONDAY)
    split = i.SubgroupAgreed(
        split="x", group=GROUP, discipline=DISCIPLINE, subgroups={"1": (ANNA,)}, starts_on=STARTS, agreed_by="x"
    )
    await home.identity.say(withdrawn, split)
    await home.settle()
    state = await page(home)
    assert state.substitutes["l"] == (SUBSTITUTE, MAIN, NEXT)
    assert (state.teaches(TEACHER, MONDAY), state.teaches(TEACHER, NEXT)) == (True, False)
    assert state.responsible("teacher-9", NEXT)
    assert (state.enrolled(VERA, MONDAY - timedelta(days=1)), state.enrolled(VERA, MONDAY)) == (True, False)
    assert state.subgroups == {"1": (ANNA,)}
    assert state.opened is not None
    assert state.opened.holidays == (NEXT,)
    back = substituted.model_copy(update={"teacher": TEACHER, "date": NEXT})
    await home.schedule.say(back)
    await home.settle()
    assert (await page(home)).substitutes["l"].teacher == TEACHER


async def move(home: House) -> None:
    await home.identity.say(
        i.StudentTransferred(
            student=ANNA,
            left=f"e-{ANNA}",
            from_group=GROUP,
            enrolment="e-new",
            to_group="group-2",
            on=MONDAY + timedelta(days=2),
        )
    )


async def test_g10_a_moved_students_grades_are_carried_and_follow_the_old_page(home: House) -> None:
    renamed = [
        x.model_copy(update={"assignment": f"{x.assignment}b"}) if isinstance(x, s.TeachingAssigned) else x
        for x in schedule_events("group-2", "period-2")
    ]
    await home.schedule.say(*schedule_events(), *renamed)
    await home.settle()
    await home.lesson(MONDAY)
    first = await home.grade(f"lesson-{MONDAY}", ANNA, "4")
    await move(home)
    await home.settle()
    old, new = await page(home), await page(home, OTHER)
    assert [(g.value, g.weight, g.date) for g in new.carried[ANNA].grades] == [("4", 100, MONDAY)]
    assert new.carried[ANNA].source_page == PAGE
    assert new.enrolled(ANNA, MONDAY + timedelta(days=2))
    assert not old.enrolled(ANNA, MONDAY + timedelta(days=2))
    assert old.cell(f"lesson-{MONDAY}", ANNA).grades
    await home.grade(f"lesson-{MONDAY}", ANNA, "5", first.json()["etag"], reason={"code": "appeal"})
    await home.settle()
    assert [g.value for g in (await page(home, OTHER)).carried[ANNA].grades] == ["5"]
    shown = next(x for x in (await home.spread(page=OTHER))["students"] if x["student"] == ANNA)
    assert (shown["counts"]["grades"], shown["carried"]["source_page"]) == (1, PAGE)


async def test_g10_disciplines_to_make_up_are_listed(home: House) -> None:
    theirs = [
        x.model_copy(update={"assignment": f"{x.assignment}-{d}", "discipline": d})
        if isinstance(x, s.TeachingAssigned)
        else x
        for d in (DISCIPLINE, "only-there")
        for x in schedule_events("group-2", "period-2")
    ]
    await home.schedule.say(*schedule_events(), *theirs)
    await move(home)
    await home.settle()
    answer = await home.ask("curator-2", "GET", "/groups/group-2/makeups")
    assert answer.json()["items"] == [
        {
            "student": ANNA,
            "from_group": GROUP,
            "on": str(MONDAY + timedelta(days=2)),
            "disciplines": [{"discipline": "only-there", "periods": ["period-2"]}],
        }
    ]
    assert (await home.ask("curator-1", "GET", "/groups/group-2/makeups")).status_code == 404


async def test_a_year_page_takes_the_finals_of_its_periods(home: House) -> None:
    year = s.PeriodDefined(
        period="whole", year=YEAR, group=GROUP, title="Y", kind="year", starts_on=STARTS, ends_on=date(2026, 6, 30)
    )
    await home.schedule.say(*schedule_events(), year)
    await home.settle()
    id_ = page_id(GROUP, DISCIPLINE, "whole")
    opened = (await page(home, id_)).opened
    assert opened is not None
    assert opened.kind == "year"
    home.on(DEADLINE)
    path = f"/pages/{PAGE}/finals/{ANNA}"
    tag = (await home.ask(TEACHER, "PUT", path, {"value": "na"}, None)).json()["etag"]
    await home.settle()
    assert (await page(home, id_)).taken[ANNA][PAGE].value == "na"
    await home.ask(TEACHER, "DELETE", path, {"reason": {"code": "appeal"}}, tag)
    await home.settle()
    assert (await page(home, id_)).taken[ANNA][PAGE].value is None


def another(n: int) -> Event:
    """The load of one more page of the period."""
    return schedule_events()[1].model_copy(update={"discipline": f"more-{n}", "assignment": f"more-{n}"})


async def test_a_page_of_a_closed_period_is_born_closed(home: House) -> None:
    await home.schedule.say(*schedule_events())
    await home.settle()
    body = {"period": PERIOD, "force": True, "reason": {"code": "order"}}
    closed = await home.ask(DEPUTY, "POST", "/closings", body)
    assert closed.status_code == 200, closed.text
    assert closed.json()["period_closed"] is True
    await home.schedule.say(another(1))
    await home.settle()
    assert (await page(home, page_id(GROUP, "more-1", PERIOD))).closed is not None


async def test_a_period_of_which_a_page_is_open_is_not_closed(home: House) -> None:
    await home.schedule.say(*schedule_events(), another(1))
    await home.settle()
    force = {"force": True, "reason": {"code": "order"}}
    assert (await home.ask(DEPUTY, "POST", f"/pages/{PAGE}/close", force)).status_code == 200
    await home.settle()
    refused = (await home.ask(DEPUTY, "POST", "/closings", {"period": PERIOD})).json()
    assert (refused["closed"], len(refused["refused"]), refused["period_closed"]) == (1, 1, False)
    await home.schedule.say(another(2))
    await home.settle()
    assert (await page(home, page_id(GROUP, "more-2", PERIOD))).closed is None, "every page was not closed"
    closed = (await home.ask(DEPUTY, "POST", "/closings", {"period": PERIOD, **force})).json()
    assert (closed["pages"], closed["closed"], closed["period_closed"]) == (3, 3, True)
    await home.schedule.say(another(3))
    await home.settle()
    assert (await page(home, page_id(GROUP, "more-3", PERIOD))).closed is not None


async def test_a_page_opened_while_the_period_is_being_closed_keeps_it_open(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await home.schedule.say(*schedule_events())
    await home.settle()
    change = home.svc.change

    async def opening(*asked: Any) -> Any:
        await home.schedule.say(another(1))
        await home.svc.keeper.catch_up()
        return await change(*asked)

    monkeypatch.setattr(home.svc, "change", opening)
    body = {"period": PERIOD, "force": True, "reason": {"code": "order"}}
    answer = (await home.ask(DEPUTY, "POST", "/closings", body)).json()
    assert (answer["pages"], answer["closed"], answer["refused"]) == (1, 1, [])
    assert answer["period_closed"] is False
    await home.settle()
    assert (await home.ask(DEPUTY, "GET", f"/closings/{PERIOD}")).json()["pages"] == 2
    monkeypatch.undo()
    assert (await home.ask(DEPUTY, "POST", "/closings", body)).json()["period_closed"] is True


async def test_an_erased_persons_texts_go(home: House) -> None:
    await home.schedule.say(*schedule_events())
    await home.settle()
    await home.lesson(MONDAY)
    tag = (await home.grade(f"lesson-{MONDAY}", ANNA, "4")).json()["etag"]
    await home.grade(f"lesson-{MONDAY}", ANNA, "5", tag, reason={"code": "other", "text": "About her"})
    await home.identity.say(i.PersonErased(person=ANNA))
    await home.settle()
    lines = (await home.ask(DEPUTY, "GET", f"/pages/{PAGE}/history?student={ANNA}")).json()["items"]
    assert {line["reason"]["text"] for line in lines if line["reason"]} == {"удалено"}


async def test_the_loop_copies_within_a_second(home: House) -> None:
    loop = asyncio.create_task(home.svc.keeper.run())
    try:
        await home.schedule.say(*schedule_events())
        for _ in range(500):
            if (await page(home)).opened is not None:
                break
            await asyncio.sleep(0.02)
        assert (await page(home)).opened is not None
    finally:
        loop.cancel()


async def test_a_large_roster_is_one_append_per_page(home: House) -> None:
    await home.schedule.say(*schedule_events("big", "period-big"))
    await home.identity.say(
        *(i.StudentEnrolled(enrolment=f"b{n}", student=f"b{n}", group="big", starts_on=STARTS) for n in range(1000))
    )
    await home.settle()
    rows = await home.svc.log.read_stream(f"page/{page_id('big', DISCIPLINE, 'period-big')}")
    assert len(rows) == 1000 + 4
    assert len({r.meta for r in rows}) == 1


def outside(tag: str) -> tuple[list[Event], list[Event]]:
    """Everything that the two logs may say about two groups, in the order of each log."""
    a, b = f"a-{tag}", f"b-{tag}"

    def period(group: str, ends: date = ENDS, kind: Any = "semester") -> Event:
        return s.PeriodDefined(
            period=f"{kind}-{group}", year=YEAR, group=group, title="1", kind=kind, starts_on=STARTS, ends_on=ends
        )

    def load(group: str, name: str, teacher: str, **more: Any) -> Event:
        return s.TeachingAssigned(
            assignment=f"{name}-{group}",
            group=group,
            discipline=DISCIPLINE,
            period=f"semester-{group}",
            teacher=teacher,
            starts_on=STARTS,
            **more,
        )

    key: dict[str, Any] = {"group": a, "discipline": DISCIPLINE, "period": f"semester-{a}", "assignment": f"main-{a}"}
    schedule: list[Event] = [
        period(a),
        load(a, "main", TEACHER),
        period(b),
        load(a, "labs", SECOND, subgroup="1", kinds=("laboratory",), responsible=False),
        s.LessonSubstituted(
            **key, lesson=tag, date=MONDAY, pair=1, teacher=SUBSTITUTE, instead_of=TEACHER, reason="illness"
        ),
        load(b, "main", SECOND),
        s.TeachingReassigned(**key, previous=TEACHER, teacher="t-new", on=NEXT, reason="leave"),
        period(a, ENDS + timedelta(days=7), "year"),
        period(a, ENDS - timedelta(days=3)),
        s.TeachingReassigned(**key, previous="t-new", teacher=TEACHER, on=MONDAY + timedelta(days=5), reason="leave"),
        load(a, "labs", SECOND, subgroup="2", kinds=("laboratory", "practical"), responsible=False),
    ]
    identity: list[Event] = [
        *(i.StudentEnrolled(enrolment=f"{n}-{tag}", student=f"s{n}", group=a, starts_on=STARTS) for n in range(4)),
        i.StudentEnrolled(
            enrolment=f"9-{tag}", student="s9", group=a, starts_on=date(2024, 9, 1), ends_on=date(2025, 6, 30)
        ),
        i.SubgroupAgreed(
            split="x", group=a, discipline=DISCIPLINE, subgroups={"1": ("s1",)}, starts_on=STARTS, agreed_by="x"
        ),
        i.StudentTransferred(student="s1", left=f"1-{tag}", from_group=a, enrolment=f"1b-{tag}", to_group=b, on=MONDAY),
        i.StudentTransferred(
            student="s1", left=f"1b-{tag}", from_group=b, enrolment=f"1c-{tag}", to_group=a, on=MONDAY
        ),
        i.StudentStatusChanged(student="s2", enrolment=f"2-{tag}", group=a, status="withdrawn", on=NEXT),
        i.SubgroupAgreed(
            split="y", group=a, discipline=DISCIPLINE, subgroups={"1": ("s0",)}, starts_on=STARTS, agreed_by="x"
        ),
        i.StudentStatusChanged(student="s3", enrolment=f"3-{tag}", group=a, status="academic_leave", on=NEXT),
    ]
    return identity, schedule


async def interleaved(home: House, tag: str, shuffle: random.Random | None) -> list[Any]:
    """The pages after the two logs were heard piece by piece in a random order, or all at once."""
    identity, schedule = outside(tag)
    if shuffle is None:
        await home.identity.say(*identity)
        await home.schedule.say(*schedule)
    while shuffle is not None and (identity or schedule):
        log, said = shuffle.choice([(home.identity, identity), (home.schedule, schedule)])
        piece = [said.pop(0) for _ in range(min(len(said), shuffle.randint(1, 4)))]
        if piece:
            await log.say(*piece)
        if shuffle.random() < 0.7:
            await home.svc.keeper.step(shuffle.sample(["identity", "schedule", "gradebook"], k=shuffle.randint(1, 3)))
    await home.settle()
    found = []
    for group, kind in (("a", "semester"), ("b", "semester"), ("a", "year")):
        id_ = page_id(f"{group}-{tag}", DISCIPLINE, f"{kind}-{group}-{tag}")
        found.append(anonymous(facts(await page(home, id_)), tag, id_))
    return found


def anonymous(value: Any, tag: str, id_: str) -> Any:
    """The facts without what names the run, sets and dicts in one order."""
    if isinstance(value, dict):
        return {anonymous(k, tag, id_): anonymous(v, tag, id_) for k, v in sorted(value.items())}
    if isinstance(value, set):
        return sorted(repr(item) for item in value)
    return repr(value).replace(tag, "#").replace(id_, "@")


async def test_any_interleaving_of_the_two_logs_gives_the_same_pages(home: House) -> None:
    expected = await interleaved(home, "whole", None)
    assert all(found["'opened'"] != "None" and "Spell" in str(found) for found in expected)
    for seed in range(12):
        assert await interleaved(home, f"n{seed:03}", random.Random(seed)) == expected, seed
    report = await replay(home.svc.log, ZONE, home.clock)
    assert report.equal, report.findings


async def test_two_keepers_and_one_that_was_killed_write_nothing_twice(home: House) -> None:
    feeds = {"identity": home.identity.log, "schedule": home.schedule.log, "gradebook": home.svc.log}
    other = Keeper(home.svc.pool, home.svc.pages, feeds)
    await home.schedule.say(*schedule_events())
    await asyncio.gather(home.svc.keeper.catch_up(), other.catch_up())
    head = await home.svc.log.head()
    async with home.svc.pool.connection() as conn:  # as if killed after the append and before the page was ticked off
        await conn.execute(
            "insert into dirty_page values (%s, %s, %s, %s, 'schedule:3')", (PAGE, GROUP, DISCIPLINE, PERIOD)
        )
    await home.svc.keeper.catch_up()
    assert await home.svc.log.head() == head
