"""What a page tells its readers before they type, how it is asked for again, and the search over all pages."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from contracts.events import identity as i
from contracts.ids import page_id
from services.gradebook import search
from tests.common.gradebook import (
    ANNA,
    BORIS,
    CURATOR,
    DEADLINE,
    DEPUTY,
    DIRECTOR,
    DISCIPLINE,
    GROUP,
    PAGE,
    SECOND,
    STARTS,
    TEACHER,
    VERA,
)
from tests.common.gradebook_house import ADMINISTRATOR, AUDITOR, GUARDIAN, OFFICE, House, house, schedule_events
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

MONDAY = date(2025, 9, 8)
WHY = {"code": "input_error", "text": "Typed into the wrong row"}


@pytest.fixture
async def home(database: NewDatabase) -> AsyncIterator[House]:
    async with house(await database("gradebook")) as found:
        yield found.on(MONDAY)


async def read(home: House, person: str, tag: str = "", query: str = "") -> httpx.Response:
    known = {"if-none-match": tag} if tag else {}
    return await home.ask(person, "GET", f"/pages/{PAGE}{query}", **known)


# -- asked for again ------------------------------------------------------------------------------------------------


async def test_a_page_that_did_not_change_is_not_sent_again(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    first = await read(home, DEPUTY)
    again = await read(home, DEPUTY, first.headers["etag"])
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert again.headers["zhurnal-position"] == first.headers["zhurnal-position"]
    several = await read(home, DEPUTY, f'"other", {first.headers["etag"]}')
    assert several.status_code == 304
    await home.grade(lesson, ANNA, "5")
    changed = await read(home, DEPUTY, first.headers["etag"])
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


async def test_the_tag_of_a_page_is_of_one_reader_and_day(home: House) -> None:
    await home.lesson(MONDAY)
    tag = (await read(home, DEPUTY)).headers["etag"]
    assert (await read(home, TEACHER, tag)).status_code == 200, "he may write here, she may not"
    assert (await read(home, DEPUTY, tag, "?as_of=1")).status_code == 200
    home.on(MONDAY + timedelta(days=8))
    later = await read(home, DEPUTY, tag)
    assert later.status_code == 200
    assert later.json()["lessons"][0]["lock"]["code"] == "entry-limit-passed"


async def test_the_tag_opens_nothing_to_whom_the_page_is_not(home: House) -> None:
    tag = (await read(home, DEPUTY)).headers["etag"]
    assert (await read(home, "teacher-9", tag)).status_code == 404


# -- locks, hours, lessons that were not his --------------------------------------------------------------------------


@pytest.mark.clause("R 4.4.1", "R 8.4")
async def test_locks_say_beforehand_what_an_attempt_is_refused_with(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    home.on(MONDAY + timedelta(days=8))
    (shown,) = (await home.spread())["lessons"]
    refused = (await home.grade(lesson, ANNA, "5")).json()
    told = {name: refused[name] for name in ("code", "rule", "clause")}
    assert shown["lock"] == {**told, "by": "deputy_director"}

    home.on(DEADLINE)
    final = await home.ask(TEACHER, "PUT", f"/pages/{PAGE}/finals/{ANNA}", {"value": "na"}, None)
    assert final.status_code == 200, final.text
    lock = (await home.spread())["students"][0]["lock"]
    assert lock == {"code": "final-stands", "rule": "G2", "clause": "R 4.4.1", "by": "teacher"}
    home.on(DEADLINE + timedelta(days=1))
    assert (await home.spread())["students"][0]["lock"]["by"] == "deputy_director"

    closed = await home.ask(DEPUTY, "POST", f"/pages/{PAGE}/close", {"force": True, "reason": WHY})
    assert closed.status_code == 200, closed.text
    spread = await home.spread()
    assert spread["page"]["lock"] == {"code": "page-closed", "rule": "G2", "clause": "R 4.4.1", "by": None}


async def test_hours_count_where_attendance_is_marked_and_the_student_belonged(home: House) -> None:
    await home.identity.say(i.StudentEnrolled(enrolment="e-new", student="new", group=GROUP, starts_on=MONDAY))
    await home.settle()
    early = await home.on(STARTS).lesson(STARTS)
    lesson = await home.on(MONDAY).lesson(MONDAY)
    for held, marks in ((early, [{"student": BORIS, "hours": 1}]), (lesson, [{"student": BORIS, "late": 5}])):
        marked = await home.ask(TEACHER, "PUT", f"/pages/{PAGE}/attendance/{held}", {"marks": marks}, None)
        assert marked.status_code == 200, marked.text
    students = {s["student"]: s for s in (await home.spread())["students"]}
    assert students[BORIS]["hours"] == {"held": 4, "missed": 1, "late": 1}
    assert (students[BORIS]["away"], students["new"]["away"]) == ([], [early])
    assert students["new"]["hours"] == {"held": 2, "missed": 0, "late": 0}


# -- the search over all pages ----------------------------------------------------------------------------------------


async def find(home: House, person: str = AUDITOR, **query: Any) -> Any:
    asked = str(httpx.QueryParams(query))
    answer = await home.ask(person, "GET", f"/history?{asked}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def busy(home: House) -> House:
    """Two teachers have written; one grade was changed with a reason; an absence is announced."""
    lesson = await home.lesson(MONDAY)
    tag = (await home.grade(lesson, ANNA, "4")).json()["etag"]
    await home.grade(lesson, ANNA, "5", tag, grades=[], reason=WHY)
    await home.grade(lesson, VERA, "3")
    announced = {"student": ANNA, "starts_on": str(MONDAY), "ends_on": str(MONDAY)}
    assert (await home.ask(GUARDIAN, "POST", "/absences", announced)).status_code == 201
    await home.settle()
    return home


async def test_all_changes_by_an_account_newest_first(busy: House) -> None:
    found = await find(busy, actor=TEACHER)
    assert [x["type"].partition(".")[0] for x in found["items"]] == [
        "GradeRecorded",
        "GradeAnnulled",
        "GradeRecorded",
        "LessonHeld",
    ]
    assert found["next"] is None
    annulled = found["items"][1]
    assert (annulled["page"], annulled["group"], annulled["discipline"]) == (PAGE, GROUP, DISCIPLINE)
    assert annulled["reason"] == WHY
    assert annulled["data"]["old"] == "4"
    assert [x["page"] for x in (await find(busy, actor=GUARDIAN))["items"]] == [None]
    assert (await find(busy, actor=SECOND))["items"] == []


async def test_search_by_student_kind_session_and_time(busy: House) -> None:
    types = [x["type"] for x in (await find(busy, student=ANNA))["items"]]
    assert types == ["AbsenceAnnounced.v1", "GradeAnnulled.v1", "GradeRecorded.v1", "StudentJoined.v1"]
    (annulled,) = (await find(busy, type="GradeAnnulled.v1"))["items"]
    assert {x["session"] for x in (await find(busy, session=annulled["session"]))["items"]} == {annulled["session"]}
    until = await find(busy, actor=TEACHER, until=annulled["at"])
    since = await find(busy, actor=TEACHER, since=annulled["at"])
    assert [x["type"] for x in until["items"]] == ["GradeRecorded.v1", "LessonHeld.v1"]
    assert [x["position"] for x in since["items"]] == [annulled["position"] + 1, annulled["position"]]
    assert (await find(busy, until="2001-01-01T00:00:00Z")) == {"items": [], "next": None}


async def test_every_entry_is_found_once_piece_by_piece(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [x["position"] for x in (await find(busy, limit=500))["items"]]
    assert whole == sorted(whole, reverse=True)
    assert whole[0] == await busy.svc.log.head()
    for slice_, walked in ((3, 5), (2, 2), (1000, 100_000)):
        monkeypatch.setattr(search, "SLICE", slice_)
        monkeypatch.setattr(search, "WALKED_AT_ONCE", walked)
        pieces, before = [], dict[str, Any]()
        while True:
            piece = await find(busy, limit=4, **before)
            pieces += [x["position"] for x in piece["items"]]
            if piece["next"] is None:
                break
            before = {"before": piece["next"]}
        assert pieces == whole


async def test_a_table_of_the_search(busy: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "WALKED_AT_ONCE", 1)
    answer = await busy.ask(DEPUTY, "GET", f"/history?actor={TEACHER}&format=csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 5
    assert "GradeAnnulled.v1" in lines[2]
    assert WHY["text"] in lines[2]


async def test_a_deputy_of_other_groups_finds_nothing_here(busy: House) -> None:
    await busy.identity.say(
        i.RoleGranted(grant="g-d2", person="deputy-2", role="deputy_director", scope="group-2", starts_on=STARTS)
    )
    await busy.settle()
    assert (await find(busy, "deputy-2")) == {"items": [], "next": None}
    assert {x["page"] for x in (await find(busy, DIRECTOR, actor=TEACHER))["items"]} == {PAGE}


@pytest.mark.parametrize("person", [TEACHER, CURATOR, OFFICE, ADMINISTRATOR, GUARDIAN])
async def test_who_does_not_search(home: House, person: str) -> None:
    assert (await home.ask(person, "GET", "/history")).status_code == 403


async def test_an_unknown_kind_is_malformed(home: House) -> None:
    assert (await home.ask(AUDITOR, "GET", "/history?type=Nothing.v1")).status_code == 422


async def test_searching_is_noted_as_a_read_of_those_found(busy: House) -> None:
    await busy.svc.reads.flush()
    busy.reads.clear()
    await find(busy, DEPUTY, type="GradeAnnulled.v1")
    await busy.svc.reads.flush()
    assert {(x.reader, x.subject) for x in busy.reads} == {(DEPUTY, ANNA)}


async def test_a_page_opened_since_the_list_was_written_is_searched(home: House) -> None:
    """The list of pages may lag behind the log that is searched."""
    await home.identity.say(i.StudentEnrolled(enrolment="e-2", student="two", group="group-2", starts_on=STARTS))
    await home.schedule.say(*schedule_events("group-2", "period-2"))
    await home.svc.keeper.catch_up()
    (joined,) = (await find(home, student="two"))["items"]
    assert joined["page"] == page_id("group-2", DISCIPLINE, "period-2")
