"""Schedule over HTTP on PostgreSQL: from an academic year to a teacher's, a group's and a student's lessons."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.events.identity import SubgroupAgreed
from contracts.events.schedule import LessonSubstituted
from contracts.ids import page_id
from tests.common.kit import members
from tests.common.schedule import STARTS
from tests.common.schedule_house import House, house
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

WEEK = "from=2025-09-01&to=2025-09-06"


@pytest.fixture
async def home(database: NewDatabase) -> AsyncIterator[House]:
    async with house(await database("schedule")) as made:
        yield made


@pytest.fixture(scope="module")
async def empty(module_database: NewDatabase) -> AsyncIterator[House]:
    """A house in which nothing is ever written."""
    async with house(await module_database("schedule")) as made:
        yield made


def line(weekday: int, pair: int, assignment: str, **more: Any) -> dict[str, Any]:
    return {"weekday": weekday, "pair": pair, "assignment": assignment, **more}


async def college(home: House) -> tuple[str, str]:
    """Group g has maths by `teacher` on Mondays at 1 in room 101; the ids of its assignment and of the first lesson."""
    year = await home.year()
    await home.semester(year, "g")
    discipline = await home.discipline()
    assignment = await home.assignment("g", discipline, "teacher", hours=34)
    room = await home.made("deputy", "POST", "/rooms", {"title": "101", "capacity": 30})
    answer = await home.timetable("g", [line(1, 1, assignment, room=room)])
    assert answer.status_code == 201, answer.text
    (lesson,) = await home.get("deputy", f"/lessons?group=g&{WEEK}")
    return assignment, lesson["id"]


async def test_the_lists_say_what_was_entered(home: House) -> None:
    year = await home.year()
    await home.semester(year, "g")
    await home.discipline()
    bells = {"starts_on": "2025-09-01", "bells": [{"pair": 1, "starts": "08:30", "ends": "10:05"}]}
    await home.made("office", "PUT", "/bells", bells)

    assert [y["title"] for y in await home.get("student", "/years")] == ["2025/2026"]
    (semester,) = await home.get("director", "/periods?group=g")
    assert (semester["id"], semester["year"], semester["weekend"], semester["ends_on"]) == (
        "g-1",
        year,
        [7],
        "2025-12-26",
    )
    assert (await home.get("student", "/bells"))[0]["bells"] == bells["bells"]
    assert (await home.get("student", "/disciplines"))[0]["code"] == "ОП.04"


@pytest.mark.clause("R 4.5.2")
async def test_a_timetable_becomes_lessons_of_group_teacher_and_room(home: House) -> None:
    assignment, _ = await college(home)
    (lesson,) = await home.get("director", f"/lessons?group=g&{WEEK}")

    assert (lesson["date"], lesson["pair"], lesson["teacher"], lesson["room_title"], lesson["title"]) == (
        "2025-09-01",
        1,
        "teacher",
        "101",
        "Математика",
    )
    assert await home.get("teacher", f"/lessons?mine=true&{WEEK}") == [lesson]
    assert await home.get("other", f"/lessons?mine=true&{WEEK}") == []
    assert await home.get("director", f"/lessons?teacher=teacher&{WEEK}") == [lesson]
    assert await home.get("director", f"/lessons?room={lesson['room']}&{WEEK}") == [lesson]
    (load,) = await home.get("teacher", "/assignments?teacher=teacher")
    assert (load["id"], load["planned"], load["timetabled"]) == (assignment, 34, 34)
    (published,) = await home.get("director", "/timetables/g?period=g-1")
    assert published["slots"][0]["assignment"] == assignment


async def test_a_lesson_names_its_page_of_the_journal_and_the_times_of_its_day(home: House) -> None:
    await college(home)
    day = "/lessons?group=g&from={0}&to={0}"
    (without,) = await home.get("director", day.format("2025-09-08"))
    assert (without["starts"], without["ends"]) == (None, None)
    for since, starts, ends in (("2025-09-01", "08:30", "10:05"), ("2025-09-15", "09:00", "10:30")):
        bells = [{"pair": 1, "starts": starts, "ends": ends}, {"pair": 2, "starts": "12:00", "ends": "13:30"}]
        await home.made("office", "PUT", "/bells", {"starts_on": since, "bells": bells})
    (before,) = await home.get("director", day.format("2025-09-08"))
    (after,) = await home.get("director", day.format("2025-09-15"))
    assert [(x["starts"], x["ends"]) for x in (before, after)] == [("08:30", "10:05"), ("09:00", "10:30")]
    assert before["page"] == page_id("g", before["discipline"], "g-1")
    (load,) = await home.get("director", "/assignments?group=g")
    assert load["page"] == before["page"]
    planned = f"/lessons?group=g&discipline={before['discipline']}&period=g-1&{WEEK}"
    assert [x["page"] for x in await home.get("director", planned)] == [before["page"]]
    assert await home.get("director", f"/lessons?group=g&discipline=other&{WEEK}") == []
    assert await home.get("director", f"/lessons?group=g&period=g-2&{WEEK}") == []


async def test_hours_beyond_the_load_are_a_warning(home: House) -> None:
    await home.semester(await home.year(), "g")
    assignment = await home.assignment("g", await home.discipline(), "teacher", hours=20)
    answer = (await home.timetable("g", [line(1, 1, assignment)])).json()

    assert answer["hours"] == [{"assignment": assignment, "planned": 20, "timetabled": 34}]
    assert [(w["code"], w["assignment"]) for w in answer["warnings"]] == [("hours-exceeded", assignment)]


async def test_s1_a_clash_is_refused_with_its_places_and_nothing_is_written(home: House) -> None:
    assignment, lesson = await college(home)
    await home.semester((await home.get("deputy", "/years"))[0]["id"], "h")
    same = await home.assignment("h", (await home.get("deputy", "/disciplines"))[0]["id"], "teacher")
    before = await home.svc.log.head()
    document = members(await home.timetable("h", [line(1, 1, same)]), 409)

    assert document["code"] == "clash"
    assert document["clashes"][0]["with"] | {"room": ""} == {
        "lesson": lesson,
        "group": "g",
        "assignment": assignment,
        "teacher": "teacher",
        "room": "",
    }
    assert await home.svc.log.head() == before


@pytest.mark.clause("R 4.2.7")
async def test_the_administrator_substitutes_and_both_teachers_see_it(home: House) -> None:
    _, lesson = await college(home)
    answer = await home.ask(
        "admin", "POST", f"/lessons/{lesson}/substitution", {"teacher": "other", "reason": "illness"}
    )
    assert answer.status_code == 200
    assert answer.headers["zhurnal-position"] == answer.json()["position"]

    (given,) = await home.get("teacher", f"/lessons?mine=true&{WEEK}")
    (taken,) = await home.get("other", f"/lessons?mine=true&{WEEK}")
    assert given == taken
    assert (given["teacher"], given["regular_teacher"], given["substituted"], given["reason"]) == (
        "other",
        "teacher",
        True,
        "illness",
    )
    event = (await home.events())[-1]
    assert isinstance(event, LessonSubstituted)
    assert (event.teacher, event.instead_of, event.date) == ("other", "teacher", STARTS)


@pytest.mark.clause("R 4.5.2")
async def test_a_lesson_is_moved_and_another_called_off(home: House) -> None:
    _, lesson = await college(home)
    move = {"date": "2025-09-02", "pair": 3, "reason": "event"}
    await home.made("deputy", "POST", f"/lessons/{lesson}/move", move)
    (moved,) = await home.get("teacher", f"/lessons?mine=true&{WEEK}")
    assert (moved["date"], moved["pair"], moved["moved"], moved["room_title"]) == ("2025-09-02", 3, True, "101")

    await home.made("office", "POST", f"/lessons/{lesson}/cancellation", {"reason": "illness"})
    (off,) = await home.get("teacher", f"/lessons?mine=true&{WEEK}")
    assert (off["cancelled"], off["reason"]) == (True, "illness")
    assert (await home.get("teacher", "/assignments?teacher=teacher"))[0]["timetabled"] == 32


async def test_a_reassignment_reaches_the_lessons_from_its_day_on(home: House) -> None:
    assignment, _ = await college(home)
    body = {"teacher": "other", "on": "2025-09-08", "reason": "leave"}
    await home.made("deputy", "POST", f"/assignments/{assignment}/reassignment", body)

    fortnight = "from=2025-09-01&to=2025-09-13"
    assert [x["date"] for x in await home.get("teacher", f"/lessons?mine=true&{fortnight}")] == ["2025-09-01"]
    assert [x["date"] for x in await home.get("other", f"/lessons?mine=true&{fortnight}")] == ["2025-09-08"]


async def test_published_again_the_views_follow(home: House) -> None:
    assignment, lesson = await college(home)
    assert (await home.timetable("g", [line(2, 2, assignment)])).status_code == 201
    days = [x["date"] for x in await home.get("director", "/lessons?group=g&from=2025-09-01&to=2025-09-14")]

    assert days == ["2025-09-01", "2025-09-02", "2025-09-09"]
    assert (await home.timetable("g", [line(2, 2, assignment)])).json()["position"] == (
        f"schedule:{await home.svc.log.head()}"
    )
    assert lesson


async def test_the_views_are_the_fold_of_the_logs(home: House) -> None:
    assignment, lesson = await college(home)
    await home.settle()
    move = {"date": "2025-09-02", "pair": 3, "room": "", "reason": "event"}
    await home.made("deputy", "POST", f"/lessons/{lesson}/move", move)
    await home.made("deputy", "POST", f"/lessons/{lesson}/substitution", {"teacher": "other", "reason": "leave"})
    await home.settle()
    assert (await home.timetable("g", [line(2, 2, assignment), line(3, 1, assignment)])).status_code == 201
    body = {"teacher": "other", "on": "2025-10-01", "reason": "leave"}
    await home.made("deputy", "POST", f"/assignments/{assignment}/reassignment", body)

    assert await home.differences() == []


@pytest.mark.clause("R 3.4")
async def test_the_teacher_adopts_the_programme_of_his_page_only(home: House) -> None:
    await college(home)
    discipline = (await home.get("deputy", "/disciplines"))[0]["id"]
    path = f"/programmes/g/{discipline}/g-1"
    plan = {"topics": [{"title": "Введение", "hours": 2}, {"title": "Пределы", "hours": 4, "kind": "practical"}]}

    members(await home.ask("other", "PUT", path, plan), 404)
    await home.made("teacher", "PUT", path, plan)
    (adopted,) = await home.get("director", "/programmes?group=g")
    assert (adopted["topic_count"], adopted["hours"]) == (2, 6)
    assert [topic["number"] for topic in adopted["topics"]] == [1, 2]


# -- who sees what -----------------------------------------------------------------------------------------------


async def family(home: House) -> None:
    """Student s1 of g moved to h on 9 September; p is his guardian."""
    home.desk.relate("s1", "role:student")
    home.desk.relate("s1", "member", "g", starts="2025-09-01", ends="2025-09-08")
    home.desk.relate("s1", "member", "h", starts="2025-09-09")
    home.desk.relate("p", "guardian", "s1")
    home.desk.relate("q", "guardian", "s1", ends="2025-08-31")


@pytest.mark.clause("R 3.6")
async def test_a_guardian_sees_the_schedule_of_his_child_only(home: House) -> None:
    await college(home)
    await family(home)
    (lesson,) = await home.get("s1", f"/lessons?mine=true&{WEEK}")

    assert await home.get("p", f"/lessons?student=s1&{WEEK}") == [lesson]
    assert await home.get("p", f"/lessons?group=g&{WEEK}") == [lesson]
    for path in ("/lessons?student=s2", "/lessons?group=x", "/lessons?teacher=teacher", "/lessons", "/timetables/x"):
        members(await home.ask("p", "GET", path), 404)
    members(await home.ask("q", "GET", f"/lessons?student=s1&{WEEK}"), 404)
    members(await home.ask("s1", "GET", "/lessons?student=s2"), 404)
    members(await home.ask("s1", "GET", "/periods?group=x"), 404)
    members(await home.ask("s1", "GET", "/assignments?teacher=teacher"), 404)


async def test_a_moved_student_has_the_lessons_of_each_group_on_his_days_there(home: House) -> None:
    await college(home)
    await family(home)
    days = [x["date"] for x in await home.get("s1", "/lessons?mine=true&from=2025-09-01&to=2025-09-30")]

    assert days == ["2025-09-01", "2025-09-08"]


async def test_a_student_sees_his_own_subgroup(home: House) -> None:
    await home.semester(await home.year(), "g")
    discipline = await home.discipline("Английский язык")
    one = await home.assignment("g", discipline, "teacher", subgroup="1")
    two = await home.assignment("g", discipline, "other", subgroup="2", responsible=False)
    assert (await home.timetable("g", [line(1, 1, one), line(1, 1, two)])).status_code == 201
    for student in ("s1", "s2", "s3"):
        home.desk.relate(student, "member", "g")
    split = {"1": ("s1",), "2": ("s2",)}
    await home.happened(
        SubgroupAgreed(
            split="x", group="g", discipline=discipline, subgroups=split, starts_on=STARTS, agreed_by="curator"
        )
    )

    async def seen(student: str) -> list[str]:
        return [x["subgroup"] for x in await home.get(student, f"/lessons?mine=true&{WEEK}")]

    assert (await seen("s1"), await seen("s2"), await seen("s3")) == (["1"], ["2"], ["1", "2"])


async def test_a_staff_read_of_a_student_is_noted(home: House) -> None:
    home.desk.relate("s1", "member", "g")
    await home.get("director", "/lessons?student=s1")
    await home.get("s1", "/lessons?student=s1")
    await home.svc.reads.flush()

    assert [(read.reader, read.subject) for read in home.noted] == [("director", "s1")]


@pytest.mark.parametrize("who", ["teacher", "director", "s1", "p", "former"])
async def test_others_change_nothing(home: House, who: str) -> None:
    _, lesson = await college(home)
    await family(home)
    before = await home.svc.log.head()
    for method, path, body in (
        ("POST", "/years", {"title": "x", "starts_on": "2025-09-01", "ends_on": "2026-06-30"}),
        ("POST", f"/lessons/{lesson}/substitution", {"teacher": "other", "reason": "illness"}),
        ("POST", "/imports", {"source": "x", "scope": {}}),
    ):
        members(await home.ask(who, method, path, body), 403)
    assert await home.svc.log.head() == before


async def test_an_office_of_one_group_changes_that_group_only(home: House) -> None:
    _, lesson = await college(home)
    home.desk.relate("office-g", "role:study_office", "g")
    home.desk.relate("office-h", "role:study_office", "h")
    cancel = f"/lessons/{lesson}/cancellation", {"reason": "room"}

    foreign = await home.ask("office-h", "POST", *cancel)
    missing = await home.ask("office-h", "POST", "/lessons/none/cancellation", {"reason": "room"})
    assert members(foreign, 404) == members(missing, 404)
    members(await home.ask("office-g", "POST", "/rooms", {"title": "102", "capacity": 30}), 403)
    assert (await home.ask("office-g", "POST", *cancel)).status_code == 200


async def test_nobody_gives_a_page_to_himself(home: House) -> None:
    assignment, lesson = await college(home)
    home.desk.relate("deputy", "role:teacher")
    for path, body in (
        (f"/lessons/{lesson}/substitution", {"teacher": "deputy", "reason": "illness"}),
        (f"/assignments/{assignment}/reassignment", {"teacher": "deputy", "on": "2025-09-08", "reason": "leave"}),
    ):
        assert members(await home.ask("deputy", "POST", path, body), 403)["code"] == "own-assignment"
        assert (await home.ask("office", "POST", path, body)).status_code == 200


# -- changes that meet -------------------------------------------------------------------------------------------


async def test_a_change_sent_again_is_answered_as_before(home: House) -> None:
    body = {"title": "101", "capacity": 30}
    first = await home.ask("deputy", "POST", "/rooms", body, key="same-key-1")
    again = await home.ask("deputy", "POST", "/rooms", body, key="same-key-1")

    assert first.json() == again.json()
    assert members(await home.ask("deputy", "POST", "/rooms", body | {"capacity": 31}, key="same-key-1"), 422)
    assert len(await home.get("deputy", "/rooms")) == 1


async def test_of_two_substitutions_at_once_one_teacher_is_not_in_two_places(home: House) -> None:
    await college(home)
    await home.semester((await home.get("deputy", "/years"))[0]["id"], "h")
    other = await home.assignment("h", (await home.get("deputy", "/disciplines"))[0]["id"], "second")
    assert (await home.timetable("h", [line(1, 1, other)])).status_code == 201
    lessons = [x["id"] for x in await home.get("deputy", f"/lessons?{WEEK}")]
    body = {"teacher": "third", "reason": "illness"}
    answers = await asyncio.gather(
        *(home.ask("office", "POST", f"/lessons/{lesson}/substitution", body) for lesson in lessons)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_min_position_waits_for_the_views(home: House) -> None:
    await home.settle()
    loops = [asyncio.create_task(projector.run()) for projector in home.svc.projectors]
    try:
        position = (await home.ask("deputy", "POST", "/rooms", {"title": "101", "capacity": 30})).json()["position"]
        answer = await home.ask("deputy", "GET", f"/rooms?min_position={position}")
        assert [room["title"] for room in answer.json()["items"]] == ["101"]
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def test_a_list_is_sorted_paged_and_given_as_csv(home: House) -> None:
    for title in ("101", "102", "=103"):
        await home.made("deputy", "POST", "/rooms", {"title": title, "capacity": 30})
    await home.settle()
    page = (await home.ask("deputy", "GET", "/rooms?sort=-title&limit=1&offset=1")).json()

    assert ([room["title"] for room in page["items"]], page["total"]) == (["102"], 3)
    answer = await home.ask("deputy", "GET", "/rooms?format=csv")
    assert answer.content.decode("utf-8-sig").splitlines() == ["Кабинет;Мест;Вид", "101;30;", "102;30;", "'=103;30;"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    members(await home.ask("deputy", "GET", "/rooms?sort=password"), 422)


# -- bad input ---------------------------------------------------------------------------------------------------

YEAR = {"title": "2025/2026", "starts_on": "2025-09-01", "ends_on": "2026-06-30"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/years", YEAR | {"ends_on": "2025-08-31"}),
        ("POST", "/years", YEAR | {"ends_on": "9999-12-31"}),
        ("POST", "/years", YEAR | {"title": "a\u0000b"}),
        ("POST", "/years", YEAR | {"title": "  "}),
        ("POST", "/years", YEAR | {"surprise": 1}),
        ("POST", "/years", [YEAR]),
        ("POST", "/rooms", {"title": "101", "capacity": "many"}),
        ("PUT", "/bells", {"starts_on": "2025-09-01", "bells": [{"pair": 1, "starts": "10:00", "ends": "09:00"}]}),
        ("PUT", "/bells", {"starts_on": "2025-09-01", "bells": [{"pair": 1, "starts": "25:00", "ends": "26:00"}]}),
        ("POST", "/lessons/x/substitution", {"teacher": "t", "reason": "timetable"}),
        ("POST", "/lessons/x/substitution", {"teacher": "t"}),
        ("POST", "/timetables", {"group": "g", "period": "p", "slots": [line(8, 1, "a")]}),
        ("POST", "/timetables", {"group": "g", "period": "p", "slots": [line(1, 1, "a")] * 151}),
        ("GET", "/lessons?from=2025-09-02&to=2025-09-01", None),
        ("GET", "/lessons?from=9999-12-31", None),
        ("GET", "/lessons?group=%00", None),
        ("GET", "/lessons?min_position=gradebook:1", None),
        ("GET", "/rooms?limit=0", None),
    ],
)
async def test_malformed(empty: House, method: str, path: str, body: Any) -> None:
    members(await empty.ask("deputy", method, path, body), 422)
    assert await empty.svc.log.head() == 0


async def test_a_programme_too_long_for_one_event_is_malformed(empty: House) -> None:
    topics = [{"title": "Я" * 200, "hours": 2}] * 200
    members(await empty.ask("deputy", "PUT", "/programmes/g/d/p", {"topics": topics}), 422)


async def test_broken_json_no_key_and_no_token(empty: House) -> None:
    headers = empty.desk.bearer("deputy") | {"Content-Type": "application/json"}
    members(await empty.client.post("/years", content="{", headers=headers | {"Idempotency-Key": "12345678"}), 422)
    members(await empty.client.post("/years", json=YEAR, headers=headers), 400)
    members(await empty.client.post("/years", json=YEAR), 401)


async def test_what_is_referred_to_must_be_there(home: House) -> None:
    await home.semester(await home.year(), "g")
    discipline = await home.discipline()
    assignment = {"group": "g", "discipline": discipline, "period": "g-1", "teacher": "teacher"}
    for body in (assignment | {"discipline": "none"}, assignment | {"period": "none"}):
        assert members(await home.ask("deputy", "POST", "/assignments", body), 409)["code"] == "reference-unknown"
    made = await home.made("deputy", "POST", "/assignments", assignment)
    answer = await home.timetable("g", [line(1, 1, made, room="none")])
    assert members(answer, 409)["code"] == "reference-unknown"


async def test_a_period_belongs_to_one_group(home: House) -> None:
    year = await home.year()
    await home.semester(year, "g")
    await home.settle()
    body = {
        "year": year,
        "group": "h",
        "title": "1",
        "kind": "semester",
        "starts_on": "2025-09-01",
        "ends_on": "2025-12-26",
    }

    assert members(await home.ask("deputy", "PUT", "/periods/g-1", body), 409)["code"] == "period-elsewhere"
