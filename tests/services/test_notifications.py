"""The inbox over HTTP: what is in it, for whom, what is unread, and that nothing is there twice."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.events import gradebook as g
from contracts.events import identity as i
from contracts.events import schedule as s
from services.kit.postgres import migrate, migrations_of, open_pool
from services.kit.projector import Projector
from services.kit.rebuild import ensure, rebuild, verify
from services.notifications.app import VIEWS, build
from tests.common.readside import START, Client, Logs, found_college, grade, lesson, reason
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio


class World:
    def __init__(self, logs: Logs, client: Client, projector: Projector, owner_dsn: str) -> None:
        self.logs, self.client, self.projector, self.owner_dsn = logs, client, projector, owner_dsn

    async def inbox(self, person: str, **params: Any) -> Any:
        await self.projector.catch_up()
        answer = await self.client.get(person, "/inbox", **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def kinds(self, person: str, **params: Any) -> list[str]:
        return [item["kind"] for item in (await self.inbox(person, **params))["items"]]

    async def unread(self, person: str) -> int:
        await self.projector.catch_up()
        answer = await self.client.get(person, "/inbox/unread")
        assert answer.status_code == 200, answer.text
        count: int = answer.json()["unread"]
        shown = await self.inbox(person, unread=True, limit=200)
        assert len(shown["items"]) == count, "the counter and the list agree"
        return count

    async def read(self, person: str, **body: Any) -> int:
        await self.projector.catch_up()
        answer = await self.client.post(person, "/inbox/read", body)
        assert answer.status_code == 200, answer.text
        count: int = answer.json()["unread"]
        return count


@pytest.fixture
async def world(database: NewDatabase) -> AsyncIterator[World]:
    prepared = await database("notifications")
    await migrate(prepared.owner_dsn, prepared.role, migrations_of("services.notifications"))
    logs = Logs()
    await found_college(logs)
    for view in VIEWS:
        await ensure(view, logs.logs, prepared.owner_dsn)
    pool = await open_pool(prepared.dsn, name="notifications")
    service = build(pool, logs.logs, logs.bus, logs.authenticator)
    (projector,) = service.projectors
    async with logs.client(service.app) as client:
        yield World(logs, client, projector, prepared.owner_dsn)
    await pool.close()


CHANGED = g.GradeChanged(
    grade="g1", lesson="l1", student="s1", old="4", value="5", old_work="oral", work="oral", reason=reason(),
    corrects="x",
)  # fmt: skip


async def teach(world: World) -> None:
    await world.logs.page("m", lesson("l1", "m", date(2025, 9, 2)), grade("g1", "l1", "s1", "4"))
    world.logs.clock.advance(60)
    await world.logs.page("m", g.AttendanceMarked(lesson="l1", marks=(g.Absence(student="s1", hours=2),)))
    world.logs.clock.advance(60)


@pytest.mark.clause("R 2.8")
async def test_a_grade_and_an_absence_reach_student_and_guardian(world: World) -> None:
    await teach(world)
    for person in ("s1", "p1"):
        items = (await world.inbox(person))["items"]
        assert [x["kind"] for x in items] == ["absence", "grade"]
        first = items[1]
        assert first["text"] == "Новая отметка"
        assert first["data"]["value"] == "4"
        assert first["discipline"] == {"id": "dm", "code": "ОУД.04", "title": "Математика"}
        assert first["lesson"] == {"id": "l1", "date": "2025-09-02", "pair": 1}
        assert first["unread"]
        assert not first["own"]
    for person in ("s2", "x1", "q1", "c1", "t2", "d1", "ja"):
        assert await world.kinds(person) == []


async def test_the_teacher_hears_of_every_change_on_his_pages(world: World) -> None:
    """By whomever: what he did himself is marked as his own and not counted as unread."""
    await teach(world)
    await world.logs.page("m", CHANGED, actor="t1")
    annulled = g.GradeAnnulled(
        grade="g1", lesson="l1", student="s1", old="5", old_work="oral", reason=reason(), corrects="y"
    )
    await world.logs.page("m", annulled, actor="t9")
    items = (await world.inbox("t1"))["items"]
    assert [(x["kind"], x["own"], x["unread"]) for x in items] == [
        ("grade_annulled", False, True),
        ("grade_changed", True, False),
    ]
    assert await world.unread("t1") == 1
    assert await world.kinds("t2") == []


async def test_a_teacher_whose_time_on_the_page_is_over_hears_nothing_more(world: World) -> None:
    await world.logs.page("m", CHANGED, actor="t9")
    assert await world.kinds("t1") == ["grade_changed"]
    await world.logs.page("m", g.TeacherUnassigned(assignment="a-m", teacher="t1", on=date(2025, 9, 10)))
    world.logs.clock.set(datetime(2025, 9, 9, 3, tzinfo=UTC))
    assert await world.kinds("t1") == ["grade_changed"]
    world.logs.clock.set(datetime(2025, 9, 10, 3, tzinfo=UTC))
    assert await world.kinds("t1") == []


@pytest.mark.clause("R 3.6")
async def test_a_guardian_reads_as_long_as_the_link_holds(world: World) -> None:
    await teach(world)
    assert await world.unread("p1") == 2
    await world.logs.say("identity", "all", i.GuardianUnlinked(link="p1-s1", guardian="p1", student="s1"))
    assert await world.kinds("p1") == []
    assert await world.unread("p1") == 0


async def test_attendance_marked_again_neither_doubles_nor_lies(world: World) -> None:
    await teach(world)
    again = g.AttendanceMarked(
        lesson="l1", marks=(g.Absence(student="s1", hours=2), g.Absence(student="s2", late=5)), corrects="x"
    )
    await world.logs.page("m", again)
    assert await world.kinds("s1") == ["absence", "grade"]
    assert await world.kinds("s2") == ["late"]
    await world.logs.page("m", g.AttendanceMarked(lesson="l1", marks=(), corrects="y"))
    items = (await world.inbox("s1"))["items"]
    assert [(x["kind"], x["withdrawn"], x["unread"]) for x in items] == [
        ("absence", True, False),
        ("grade", False, True),
    ]
    assert await world.unread("s1") == 1
    assert await world.unread("s2") == 0


async def test_final_and_withdrawal(world: World) -> None:
    await world.logs.page("m", g.FinalGradeSet(student="s1", value="4", basis=g.Basis()))
    await world.logs.page("m", g.FinalGradeWithdrawn(student="s1", old="4", reason=reason(), corrects="x"))
    assert await world.kinds("s1") == ["final_withdrawn", "final"]
    assert await world.kinds("p1", kind="final") == ["final"]


async def plan(world: World) -> None:
    await world.logs.say(
        "schedule",
        "timetable/y",
        s.LessonPlanned(
            lesson="l8", timetable="tt", group="g1", discipline="dm", period="p", assignment="a-m", teacher="t1",
            date=date(2025, 9, 8), pair=1, kind="lecture",
        ),
    )  # fmt: skip


async def test_a_substitution_reaches_everyone_touched(world: World) -> None:
    await plan(world)
    await world.logs.say(
        "schedule",
        "timetable/y",
        s.LessonSubstituted(
            lesson="l8", group="g1", discipline="dm", period="p", assignment="a-m", date=date(2025, 9, 8), pair=1,
            teacher="t2", instead_of="t1", reason="illness",
        ),
        actor="d1",
    )  # fmt: skip
    for person in ("s1", "s2", "p1", "c1", "t1", "t2"):
        items = (await world.inbox(person))["items"]
        assert [x["kind"] for x in items] == ["substituted"], person
        assert items[0]["discipline"]["title"] == "Математика"
        assert items[0]["lesson"] == {"id": "l8", "date": "2025-09-08", "pair": 1}
    for person in ("x1", "q1", "c2", "d1"):
        assert await world.kinds(person) == []


async def test_a_moved_or_cancelled_lesson_reaches_its_teacher_and_group(world: World) -> None:
    await plan(world)
    await world.logs.say(
        "schedule",
        "timetable/y",
        s.LessonMoved(
            lesson="l8", group="g1", from_date=date(2025, 9, 8), from_pair=1, date=date(2025, 9, 9), pair=2,
            reason="room",
        ),
        s.LessonCancelled(lesson="l8", group="g1", date=date(2025, 9, 9), pair=2, reason="illness"),
        actor="d1",
    )  # fmt: skip
    for person in ("s1", "p1", "c1", "t1"):
        assert await world.kinds(person) == ["cancelled", "moved"], person
    assert await world.kinds("t2") == []


async def test_who_belongs_to_two_audiences_hears_once(world: World) -> None:
    """The curator of the group is also the substitute."""
    await world.logs.say(
        "identity",
        "all",
        i.RoleGranted(grant="c1-t", person="c1", role="teacher", starts_on=START),
    )
    await plan(world)
    await world.logs.say(
        "schedule",
        "timetable/y",
        s.LessonSubstituted(
            lesson="l8", group="g1", discipline="dm", period="p", assignment="a-m", date=date(2025, 9, 8), pair=1,
            teacher="c1", instead_of="t1", reason="illness",
        ),
    )  # fmt: skip
    assert await world.kinds("c1") == ["substituted"]
    assert await world.unread("c1") == 1


# -- timetables ---------------------------------------------------------------------------------------------------


def teaching(name: str, teacher: str, period: str = "p", group: str = "g1", **more: Any) -> s.TeachingAssigned:
    return s.TeachingAssigned(
        assignment=name, group=group, discipline="dm", period=period, teacher=teacher, starts_on=START, **more
    )


def published(group: str = "g1", period: str = "p") -> s.TimetablePublished:
    return s.TimetablePublished(
        timetable=f"tt-{group}", group=group, period=period, starts_on=date(2025, 9, 8), ends_on=date(2025, 12, 28),
        slots=(),
    )  # fmt: skip


def planned(lesson: str, teacher: str = "t1") -> s.LessonPlanned:
    return s.LessonPlanned(
        lesson=lesson, timetable="tt-g1", group="g1", discipline="dm", period="p", assignment="a-m", teacher=teacher,
        date=date(2025, 9, 8), pair=1, kind="lecture",
    )  # fmt: skip


async def test_a_timetable_published_again_is_one_notice_to_its_group_and_its_teachers(world: World) -> None:
    """However many lessons it withdraws and plans."""
    await world.logs.say("schedule", "year/y", teaching("a-m", "t1"), teaching("a-x", "t2", group="g2"))
    await world.logs.say("schedule", "timetable/y", published(), *(planned(f"l{n}") for n in range(200)), actor="d1")
    world.logs.clock.advance(60)
    gone = (
        s.LessonCancelled(lesson=f"l{n}", group="g1", date=date(2025, 9, 8), pair=1, reason="timetable")
        for n in range(200)
    )
    fresh = (planned(f"k{n}") for n in range(200))
    await world.logs.say("schedule", "timetable/y", published(), *gone, *fresh, actor="d1")
    for person in ("s1", "s2", "p1", "c1", "t1"):
        items = (await world.inbox(person, limit=200))["items"]
        assert [x["kind"] for x in items] == ["timetable", "timetable"], person
        assert items[0]["text"] == "Расписание изменено"
        assert items[0]["group"] == "g1"
        assert items[0]["lesson"] is None
        assert items[0]["data"] == {
            "group": "g1", "period": "p", "starts_on": "2025-09-08", "ends_on": "2025-12-28",
        }  # fmt: skip
        assert await world.unread(person) == 2
    for person in ("x1", "q1", "c2", "t2", "d1", "ja"):
        assert await world.kinds(person) == [], person


async def test_a_timetable_is_told_to_whoever_teaches_the_group_in_that_period_at_present(world: World) -> None:
    """To him to whom teaching was or will be passed on, and not to him from whom it was."""
    await world.logs.say(
        "schedule",
        "year/y",
        teaching("a-m", "t1"),
        teaching("a-l", "t2", period="next"),
        teaching("a-k", "t2", ends_on=date(2025, 9, 20)),
        published(),
    )
    assert await world.kinds("t1") == ["timetable"]
    assert await world.kinds("t2") == ["timetable"]
    passed_on = s.TeachingReassigned(
        assignment="a-m", group="g1", discipline="dm", period="p", previous="t1", teacher="t2", on=date(2025, 9, 10),
        reason="leave",
    )  # fmt: skip
    await world.logs.say("schedule", "year/y", passed_on)
    for day, heard in (
        (9, {"t1": ["timetable"], "t2": ["timetable"]}),
        (10, {"t1": [], "t2": ["timetable"]}),
        (21, {"t1": [], "t2": ["timetable"]}),
    ):
        world.logs.clock.set(datetime(2025, 9, day, 3, tzinfo=UTC))
        assert {person: await world.kinds(person) for person in ("t1", "t2")} == heard
    await world.logs.say("schedule", "year/y", passed_on.model_copy(update={"teacher": "t1", "on": date(2025, 9, 22)}))
    assert {person: await world.kinds(person) for person in ("t1", "t2")} == {
        "t1": ["timetable"], "t2": ["timetable"],
    }  # fmt: skip
    world.logs.clock.set(datetime(2025, 9, 22, 3, tzinfo=UTC))
    assert await world.kinds("t2") == []


# -- codes --------------------------------------------------------------------------------------------------------


def code(person: str, reissued: bool = True, staff: bool = True) -> i.ActivationCodeIssued:
    return i.ActivationCodeIssued(code="c-1", person=person, issued_by="ja", reissued=reissued, staff=staff)


async def test_i1_a_staff_code_issued_again_is_told_to_its_owner_and_the_deputy(world: World) -> None:
    await world.logs.say("identity", "account/t1", code("t1"), actor="ja")
    await world.logs.say("identity", "account/t2", code("t2", reissued=False), actor="ja")
    for person in ("t1", "d1"):
        (item,) = (await world.inbox(person))["items"]
        assert (item["kind"], item["text"]) == ("code_reissued", "Код доступа выдан повторно")
        assert item["data"] == {"person": "t1", "issued_by": "ja"}
        assert item["unread"]
        assert await world.kinds(person, kind="code_reissued") == ["code_reissued"]
        assert await world.unread(person) == 1
        assert await world.read(person, ids=[item["id"]]) == 0
    for person in ("t2", "s1", "c1", "o1", "ja", "au"):
        assert await world.kinds(person) == [], person


async def test_i1_a_code_of_a_family_issued_again_is_told_to_its_owner_only(world: World) -> None:
    await world.logs.say("identity", "account/p1", code("p1", staff=False), actor="c1")
    assert await world.kinds("p1") == ["code_reissued"]
    for person in ("d1", "s1", "c1", "q1"):
        assert await world.kinds(person) == []


async def test_who_reads_what_is_addressed_to_a_role_is_judged_by_the_roles_of_the_day(world: World) -> None:
    await world.logs.say("identity", "account/t1", code("t1"), actor="ja")
    until = date(2025, 9, 30)
    await world.logs.say(
        "identity",
        "all",
        i.RoleGranted(grant="t2-d", person="t2", role="deputy_director", starts_on=date(2025, 9, 10), ends_on=until),
        i.RoleRevoked(grant="d1-deputy_director-", person="d1"),
    )
    assert await world.kinds("d1") == []
    for moment, kinds in (
        (datetime(2025, 9, 9, 3, tzinfo=UTC), []),
        (datetime(2025, 9, 10, 3, tzinfo=UTC), ["code_reissued"]),
        (datetime(2025, 9, 30, 3, tzinfo=UTC), ["code_reissued"]),
        (datetime(2025, 10, 1, 3, tzinfo=UTC), []),
    ):
        world.logs.clock.set(moment)
        assert await world.kinds("t2") == kinds, moment


async def test_marks_of_reading_and_min_position_know_the_log_of_identity(world: World) -> None:
    position = await world.logs.say("identity", "account/t1", code("t1"), actor="ja")
    await world.projector.catch_up()
    answer = await world.client.get("t1", "/inbox", min_position=f"identity:{position}")
    assert answer.json()["positions"]["identity"] == position
    assert await world.read("t1", up_to={"identity": position - 1}) == 1
    assert await world.read("t1", up_to={"identity": position}) == 0


# -- reading ------------------------------------------------------------------------------------------------------


async def test_marking_by_id_is_the_readers_own(world: World) -> None:
    await teach(world)
    (absence, first) = (await world.inbox("s1"))["items"]
    assert await world.read("s1", ids=[first["id"]]) == 1
    assert await world.read("s1", ids=[first["id"]]) == 1
    assert await world.unread("p1") == 2
    items = (await world.inbox("s1"))["items"]
    assert [x["unread"] for x in items] == [True, False]
    assert await world.read("s1", ids=[absence["id"], first["id"]]) == 0


async def test_marking_up_to_a_position_goes_only_forward(world: World) -> None:
    await teach(world)
    seen = (await world.inbox("s1"))["positions"]
    await world.logs.page("m", CHANGED)
    assert await world.read("s1", up_to=seen) == 1
    assert await world.read("s1", up_to={"gradebook": 1}) == 1


async def test_everything_is_marked_where_another_process_keeps_the_view(world: World) -> None:
    await teach(world)
    await rebuild(VIEWS[0], world.logs.logs, world.owner_dsn)  # the service's own projector does not hear of it
    seen = (await world.client.get("s1", "/inbox")).json()
    assert len(seen["items"]) == 2
    answer = await world.client.post("s1", "/inbox/read", {"up_to": seen["positions"]})
    assert answer.json()["unread"] == 0


async def test_marking_ahead_does_not_swallow_what_comes(world: World) -> None:
    await teach(world)
    assert await world.read("s1", up_to={"gradebook": 10**9, "schedule": 10**9}) == 0
    await world.logs.page("m", CHANGED)
    assert await world.unread("s1") == 1


async def test_a_foreign_notice_cannot_be_marked(world: World) -> None:
    await teach(world)
    await world.logs.page("m", grade("g2", "l1", "s2", "3"))
    foreign = (await world.inbox("s2"))["items"][0]["id"]
    own = (await world.inbox("s1"))["items"][0]["id"]
    for ids in ([foreign], [own, foreign], ["gradebook.999999"]):
        answer = await world.client.post("s1", "/inbox/read", {"ids": ids})
        assert answer.status_code == 404
    assert await world.unread("s1") == 2, "all or nothing"


async def test_pages_follow_one_another_without_hole_or_repetition(world: World) -> None:
    await teach(world)
    await plan(world)
    for n in range(9):
        world.logs.clock.advance(1)
        await world.logs.page("m", grade(f"k{n}", "l1", "s1", "3"), grade(f"j{n}", "l1", "s1", "4"))
        await world.logs.say(
            "schedule",
            "timetable/y",
            s.LessonCancelled(lesson="l8", group="g1", date=date(2025, 9, 9), pair=2, reason="illness"),
        )
    whole = [x["id"] for x in (await world.inbox("s1", limit=200))["items"]]
    assert len(whole) == 2 + 27
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await world.inbox("s1", limit=4, **({"cursor": cursor} if cursor else {}))
        found += [x["id"] for x in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == whole


async def test_the_counter_stops_counting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.notifications.queries.COUNT_AT_MOST", 3)
    await world.logs.page(
        "m", lesson("l1", "m", date(2025, 9, 2)), *(grade(f"k{n}", "l1", "s1", "3") for n in range(9))
    )
    await world.projector.catch_up()
    assert (await world.client.get("s1", "/inbox/unread")).json() == {"unread": 3, "more": True}


async def test_a_rebuild_neither_doubles_nor_unreads(world: World) -> None:
    await teach(world)
    await world.logs.page("m", CHANGED)
    await world.logs.say("schedule", "year/y", teaching("a-m", "t1"))
    await world.logs.say("identity", "account/t1", code("t1"))
    before = await world.inbox("s1")
    await world.read("s1", ids=[before["items"][0]["id"]])
    assert await verify(VIEWS[0], world.logs.logs, world.owner_dsn) is None
    await rebuild(VIEWS[0], world.logs.logs, world.owner_dsn)
    after = await world.inbox("s1")
    assert [x["id"] for x in after["items"]] == [x["id"] for x in before["items"]]
    assert await world.unread("s1") == 2


async def test_the_inbox_as_csv_and_in_english(world: World) -> None:
    await teach(world)
    await world.projector.catch_up()
    table = await world.client.get("s1", "/inbox", format="csv")
    lines = table.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Время;Событие")
    assert "Новая отметка;ОУД.04;Математика;02.09.2025;s1;;4;да" in lines[2]
    await world.logs.heard()
    english = await world.client._client.get("/inbox", headers=world.logs.headers("s1") | {"accept-language": "en"})
    assert english.json()["items"][1]["text"] == "A new grade"


# -- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 201},
        {"kind": "else"},
        {"cursor": "not base64!"},
        {"cursor": "WzFd"},
        {"min_position": "x"},
        {"format": "xml"},
    ],
)
async def test_malformed_queries_are_problems(world: World, params: dict[str, Any]) -> None:
    answer = await world.client.get("s1", "/inbox", **params)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": ["x" * 201]},
        {"ids": ["gradebook.1"], "up_to": {"gradebook": 1}},
        {"ids": ["nodot"]},
        {"ids": ["reporting.1"]},
        {"ids": [f"gradebook.{n}" for n in range(501)]},
        {"up_to": {}},
        {"up_to": {"reporting": 1}},
        {"up_to": {"gradebook": -1}},
        {"up_to": {"gradebook": "many"}},
        {"all": True},
    ],
)
async def test_malformed_marks_are_problems(world: World, body: dict[str, Any]) -> None:
    answer = await world.client.post("s1", "/inbox/read", body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_marking_needs_a_key(world: World) -> None:
    answer = await world.client.post("s1", "/inbox/read", {"up_to": {"gradebook": 1}}, key=None)
    assert answer.status_code == 400
    assert answer.json()["code"] == "idempotency-key-missing"


async def test_nobody_reads_without_a_token(world: World) -> None:
    for path in ("/inbox", "/inbox/unread"):
        assert (await world.client._client.get(path)).status_code == 401


async def test_min_position_waits_for_the_view(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.projector.REACHED_LIMIT_SECONDS", 0.1)
    position = await world.logs.page("m", lesson("l1", "m", date(2025, 9, 2)), grade("g1", "l1", "s1", "4"))
    for path in ("/inbox", "/inbox/unread"):
        assert (await world.client.get("s1", path, min_position=f"gradebook:{position}")).status_code == 503
    await world.projector.catch_up()
    assert (await world.client.get("s1", "/inbox", min_position=f"gradebook:{position}")).status_code == 200
