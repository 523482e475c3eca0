"""The grade book over HTTP on a real database: the way of a teacher, and everything that is refused on it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from contracts.events import schedule as s
from tests.common.gradebook import (
    ANNA,
    BORIS,
    CURATOR,
    DEADLINE,
    DEPUTY,
    DIRECTOR,
    DISCIPLINE,
    GROUP,
    LABS,
    PAGE,
    PERIOD,
    SECOND,
    STARTS,
    STUDENTS,
    TEACHER,
    VERA,
)
from tests.common.gradebook_house import ADMINISTRATOR, AUDITOR, GUARDIAN, OFFICE, House, house
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

MONDAY = date(2025, 9, 8)
WHY = {"code": "input_error", "text": "Typed into the wrong row"}


@pytest.fixture
async def home(database: NewDatabase) -> AsyncIterator[House]:
    async with house(await database("gradebook")) as found:
        yield found.on(MONDAY)


def code(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


async def test_a_teacher_fills_a_page_and_reads_it_in_one_answer(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    graded = await home.grade(lesson, ANNA, "5")
    assert graded.status_code == 200
    tag = graded.json()["etag"]
    assert graded.headers["etag"] == f'"{tag}"'
    assert graded.headers["zhurnal-position"] == graded.json()["position"]
    attendance = {"marks": [{"student": BORIS, "hours": 2}]}
    marked = await home.ask(TEACHER, "PUT", f"/pages/{PAGE}/attendance/{lesson}", attendance, None)
    assert marked.status_code == 200
    spread = await home.spread()
    assert [x["student"] for x in spread["students"]] == list(STUDENTS)
    anna = spread["students"][0]
    assert (anna["cells"][lesson]["etag"], anna["cells"][lesson]["grades"][0]["value"]) == (tag, "5")
    assert (anna["mean"], anna["counts"]["grades"], anna["proposal"]["why"]) == (500, 1, "too-few-grades")
    (shown,) = spread["lessons"]
    assert shown["attendance"] == {
        "etag": marked.json()["etag"],
        "marks": [{"student": BORIS, "hours": 2}],
        "late_by_days": 0,
    }
    assert spread["you"]["finals"]
    assert spread["you"]["undo_until"] is not None
    assert spread["page"]["finals"] == {"opens": "2025-12-20", "deadline": "2025-12-24", "state": "early"}


async def test_homework_topic_and_bulk(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    tag = (await home.spread())["lessons"][0]["etag"]
    amended = await home.ask(TEACHER, "PATCH", f"/pages/{PAGE}/lessons/{lesson}", {"topic": "Other"}, tag)
    homework = await home.ask(
        TEACHER, "PUT", f"/pages/{PAGE}/lessons/{lesson}/homework", {"text": "Read"}, amended.json()["etag"]
    )
    assert homework.status_code == 200
    cells = [
        {"lesson": lesson, "student": x, "expected": None, "grades": [{"value": "4", "work": "oral"}]} for x in STUDENTS
    ]
    bulk = await home.ask(TEACHER, "POST", f"/pages/{PAGE}/cells", {"items": cells})
    assert [item["student"] for item in bulk.json()["items"]] == list(STUDENTS)
    again = await home.ask(TEACHER, "POST", f"/pages/{PAGE}/cells", {"items": cells})
    assert code(again) == (409, "bulk-refused")
    assert [i["problem"]["code"] for i in again.json()["items"]] == ["precondition-failed"] * 3
    (shown,) = (await home.spread())["lessons"]
    assert (shown["topic"], shown["homework"]) == ("Other", "Read")


async def test_the_same_key_gives_the_same_answer_and_another_body_is_refused(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    path, key = f"/pages/{PAGE}/cells/{lesson}/{ANNA}", {"idempotency-key": "the-same-key"}
    body = {"grades": [{"value": "5", "work": "written"}]}
    first = await home.ask(TEACHER, "PUT", path, body, None, **key)
    again = await home.ask(TEACHER, "PUT", path, body, None, **key)
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, first.json(), first.headers["etag"])
    other = {"grades": [{"value": "4", "work": "written"}]}
    assert code(await home.ask(TEACHER, "PUT", path, other, None, **key)) == (422, "idempotency-key-reused")
    done = await home.ask(TEACHER, "GET", f"/pages/{PAGE}/commands/the-same-key")
    assert done.json()["position"] == first.json()["position"]
    assert (await home.ask(TEACHER, "GET", f"/pages/{PAGE}/commands/another-key")).json() == {"done": False}


async def test_versions_are_named_and_current(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    assert code(await home.grade(lesson, ANNA, "5", "-")) == (428, "precondition-required")
    tag = (await home.grade(lesson, ANNA, "5")).json()["etag"]
    late = await home.grade(lesson, ANNA, "4")
    assert code(late) == (412, "precondition-failed")
    assert late.json()["current"]["grades"][0]["value"] == "5"
    assert late.json()["etag"] == tag
    for stale in ("0", "*", f'W/"{tag}'):
        assert code(await home.grade(lesson, ANNA, "4", stale, reason=WHY)) == (412, "precondition-failed")
    replaced = await home.grade(lesson, ANNA, "4", tag, reason=WHY)
    assert [g["value"] for g in replaced.json()["grades"]] == [None, "4"]


MALFORMED: list[Any] = [
    {"grades": [{"value": "6", "work": "written"}]},
    {"grades": [{"value": 5, "work": "written"}]},
    {"grades": [{"value": "5", "work": "singing"}]},
    {"grades": [{"value": "5", "work": "oral", "mean": 1}]},
    {"grades": [{"value": "5", "work": "oral"}], "student": "other"},
    {"grades": "5"},
    {"grades": [{"value": "5", "work": "oral"}] * 11},
    {"grades": [{"value": "5", "work": "oral", "makeup_on": "yesterday"}]},
    {"grades": [], "reason": {"code": "undo"}},
    {"grades": [], "reason": {"code": "other", "text": "x" * 501}},
    [],
    {},
]


async def test_a_malformed_grade_is_a_problem_and_nothing_is_written(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    head = await home.svc.log.head()
    for body in MALFORMED:
        answer = await home.ask(TEACHER, "PUT", f"/pages/{PAGE}/cells/{lesson}/{ANNA}", body, None)
        assert code(answer) == (422, "malformed")
        assert "Traceback" not in answer.text
    assert await home.svc.log.head() == head


async def test_bad_requests_are_problems_without_a_trace(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    path = f"/pages/{PAGE}/cells/{lesson}/{ANNA}"
    good = {"grades": [{"value": "5", "work": "oral"}]}
    missing = await home.ask(TEACHER, "PUT", path, good, None, **{"idempotency-key": ""})
    assert code(missing) == (400, "idempotency-key-missing")
    wrong_type = await home.ask(TEACHER, "PUT", path, good, None, **{"content-type": "text/plain"})
    assert code(wrong_type) == (415, "wrong-media-type")
    assert code(await home.ask(TEACHER, "PUT", f"/pages/{'x' * 65}/cells/l/s", good, None)) == (404, "not-found")
    assert code(await home.ask(TEACHER, "PUT", f"/pages/{PAGE}/cells/none/{ANNA}", good, None)) == (404, "not-found")
    assert code(await home.ask(TEACHER, "GET", f"/pages/{PAGE}?as_of=then")) == (422, "malformed")
    for answer in (missing, wrong_type):
        assert "Traceback" not in answer.text


@pytest.mark.clause("R 4.4.1", "R 8.5")
async def test_rules_answer_with_rule_clause_and_next_step(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    refused = await home.ask(
        SECOND, "PUT", f"/pages/{PAGE}/cells/{lesson}/{ANNA}", {"grades": [{"value": "5", "work": "oral"}]}, None
    )
    assert code(refused) == (403, "not-your-lesson")
    document = refused.json()
    assert (document["rule"], document["clause"]) == ("G1", "R 4.4.1")
    assert document["next"]
    assert code(await home.grade(lesson, "student-of-another-group", "5")) == (409, "not-enrolled")
    ahead = {"assignment": LABS, "date": str(MONDAY + timedelta(days=1)), "pair": 1, "kind": "laboratory", "topic": "T"}
    assert code(await home.ask(SECOND, "PUT", f"/pages/{PAGE}/lessons/x", ahead, None)) == (409, "lesson-in-future")
    home.on(MONDAY + timedelta(days=8))
    assert code(await home.grade(lesson, ANNA, "5")) == (409, "entry-limit-passed")


async def test_every_change_of_a_cell_is_explained(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    path = f"/pages/{PAGE}/cells/{lesson}/{ANNA}"
    tag = (await home.grade(lesson, ANNA, "4")).json()["etag"]
    grade = (await home.spread())["students"][0]["cells"][lesson]["grades"][0]["grade"]
    body = {"grades": [{"grade": grade, "value": "5", "work": "written"}], "reason": WHY}
    changed = await home.ask(TEACHER, "PUT", path, body, tag, **{"idempotency-key": "a-change-of-mind"})
    assert changed.status_code == 200
    recorded, change = (await home.ask(CURATOR, "GET", f"{path}/history")).json()["items"]
    assert (recorded["old"], recorded["new"]["value"], recorded["reason"]) == (None, "4", None)
    assert (change["old"]["value"], change["new"]["value"], change["actor"]) == ("4", "5", TEACHER)
    assert change["reason"] == {"code": "input_error", "text": "Typed into the wrong row"}
    assert change["command"] != recorded["command"]
    row = await home.svc.log.at(change["position"])
    assert row is not None
    assert row.id == change["event"]
    assert "wrong row" not in row.body + row.meta
    async with home.svc.pool.connection() as conn:
        await conn.execute("delete from reason_text")
    line = (await home.ask(CURATOR, "GET", f"/pages/{PAGE}/history?student={ANNA}&actor={TEACHER}")).json()
    assert line["items"][0]["reason"]["text"] == "удалено"
    assert line["total"] == 2


async def test_the_text_of_a_refused_reason_does_not_stay(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    await home.grade(lesson, ANNA, "4")
    assert code(await home.grade(lesson, ANNA, "5", "0", reason=WHY)) == (412, "precondition-failed")
    async with home.svc.pool.connection() as conn:
        cursor = await conn.execute("select count(*) from reason_text")
        assert await cursor.fetchone() == (0,)


async def test_the_page_as_it_was(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    first = (await home.grade(lesson, ANNA, "4")).json()
    await asyncio.sleep(0.01)
    await home.grade(lesson, ANNA, "5", first["etag"], reason=WHY)
    for as_of in (first["position"], first["position"].removeprefix("gradebook:")):
        spread = await home.spread(query=f"?as_of={as_of}")
        assert spread["students"][0]["cells"][lesson]["grades"][0]["value"] == "4"
        assert spread["position"] == first["position"]
    row = (await home.svc.log.read_stream(f"page/{PAGE}"))[-2]
    spread = await home.spread(query=f"?as_of={row.at.isoformat().replace('+', '%2B')}")
    assert spread["students"][0]["cells"][lesson]["grades"][0]["value"] != "4"
    assert code(await home.ask(TEACHER, "GET", f"/pages/{PAGE}?as_of=2020-01-01")) == (404, "not-found")


async def test_undo_over_http(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    await home.grade(lesson, ANNA, "4")
    assert (await home.ask(TEACHER, "POST", f"/pages/{PAGE}/undo", {})).status_code == 200
    assert (await home.spread())["students"][0]["cells"][lesson]["grades"] == []
    assert code(await home.ask(SECOND, "POST", f"/pages/{PAGE}/undo", {})) == (409, "nothing-to-undo")


async def test_two_teachers_save_the_same_class_at_once(home: House) -> None:
    """Nothing is half-written: every cell belongs to one of them, everybody else is told what stands there."""
    lesson = await home.lesson(MONDAY)
    await home.grade(lesson, ANNA, "3")

    def cells(value: str) -> dict[str, Any]:
        return {
            "items": [
                {"lesson": lesson, "student": s, "expected": None, "grades": [{"value": value, "work": "oral"}]}
                for s in (BORIS, VERA)
            ]
        }

    asked = [home.ask(TEACHER, "POST", f"/pages/{PAGE}/cells", cells(v)) for v in "5432" * 3]
    answers = await asyncio.gather(*asked)
    assert sorted(a.status_code for a in answers) == [200] + [409] * 11
    students = (await home.spread())["students"]
    written = {s["cells"][lesson]["grades"][0]["value"] for s in students[1:]}
    assert len(written) == 1


async def finals(home: House) -> None:
    for week, day in enumerate((MONDAY, MONDAY + timedelta(days=7), MONDAY + timedelta(days=14))):
        home.on(day)
        lesson = await home.lesson(day)
        for student, value in ((ANNA, "5"), (BORIS, "453"[week])):
            assert (await home.grade(lesson, student, value)).status_code == 200
    home.on(DEADLINE)


@pytest.mark.clause("R 4.4.1", "R 5.2", "R 5.3")
async def test_finals_freeze_and_the_close_ends_everything(home: House) -> None:
    await finals(home)
    proposals = (await home.ask(TEACHER, "GET", f"/pages/{PAGE}/proposals")).json()["items"]
    assert [(x["value"], x["why"]) for x in proposals] == [("5", None), ("4", None), (None, "too-few-grades")]
    path = f"/pages/{PAGE}/finals"
    assert code(await home.ask(TEACHER, "PUT", f"{path}/{VERA}", {"value": "3"}, None)) == (409, "too-few-grades")
    far = await home.ask(TEACHER, "PUT", f"{path}/{ANNA}", {"value": "3"}, None)
    assert code(far) == (409, "deviation-unexplained")
    accepted = await home.ask(TEACHER, "POST", path, {"accept": True})
    assert [(i["student"], i["value"]) for i in accepted.json()["items"]] == [(ANNA, "5"), (BORIS, "4")]
    lesson = f"lesson-{MONDAY + timedelta(days=14)}"
    home.on(MONDAY + timedelta(days=15))
    tag = (await home.spread())["students"][0]["cells"][lesson]["etag"]
    assert code(await home.grade(lesson, ANNA, "2", tag, reason=WHY)) == (409, "final-stands")
    home.on(DEADLINE)
    assert code(await home.ask(DEPUTY, "POST", f"/pages/{PAGE}/close", {})) == (409, "page-unfinished")
    await home.ask(TEACHER, "PUT", f"{path}/{VERA}", {"value": "na"}, None)
    assert (await home.ask(TEACHER, "POST", f"/pages/{PAGE}/signature", {})).status_code == 200
    assert (await home.spread())["page"]["signed"]["current"]
    assert (await home.ask(DEPUTY, "POST", f"/pages/{PAGE}/close", {})).status_code == 200
    assert code(await home.grade(lesson, VERA, "5")) == (409, "page-closed")
    tag = (await home.spread())["students"][0]["final"]["etag"]
    withdrawn = await home.ask(TEACHER, "DELETE", f"{path}/{ANNA}", {"reason": WHY}, tag)
    assert code(withdrawn) == (409, "page-closed")


async def test_a_final_is_withdrawn_with_a_reason(home: House) -> None:
    await finals(home)
    path = f"/pages/{PAGE}/finals/{ANNA}"
    tag = (await home.ask(TEACHER, "PUT", path, {"value": "5"}, None)).json()["etag"]
    assert code(await home.ask(TEACHER, "DELETE", path, {}, tag)) == (422, "malformed")
    assert (await home.ask(TEACHER, "DELETE", path, {"reason": WHY}, tag)).status_code == 200
    assert (await home.spread())["students"][0]["final"]["value"] is None
    home.on(DEADLINE + timedelta(days=1))
    assert code(await home.ask(TEACHER, "PUT", path, {"value": "5"}, None)) == (409, "final-too-late")
    permission = {"student": ANNA, "late_until": str(DEADLINE + timedelta(days=1)), "reason": WHY}
    assert (await home.ask(DIRECTOR, "POST", f"/pages/{PAGE}/permissions", permission)).status_code == 200
    assert (await home.ask(TEACHER, "PUT", path, {"value": "5"}, None)).status_code == 200


async def test_the_deputy_unlocks_lifts_and_sets_rules(home: House) -> None:
    lesson = await home.lesson(MONDAY)
    today = MONDAY + timedelta(days=20)
    home.on(today)
    unlock = {"lesson": lesson, "until": str(today), "reason": WHY}
    assert (await home.ask(DEPUTY, "POST", f"/pages/{PAGE}/unlocks", unlock)).status_code == 200
    assert (await home.grade(lesson, ANNA, "5")).status_code == 200
    lift = {"starts_on": str(MONDAY), "ends_on": str(today), "until": str(today), "reason": {"code": "outage"}}
    assert (await home.ask(DEPUTY, "POST", f"/pages/{PAGE}/entry-limit", lift)).status_code == 200
    await home.lesson(MONDAY + timedelta(days=1))
    assert (await home.ask(DEPUTY, "PUT", f"/pages/{PAGE}/rules", {"min_grades": 2})).status_code == 200
    assert (await home.spread())["page"]["rules"]["min_grades"] == 2
    for path, body in (("unlocks", unlock), ("entry-limit", lift), ("close", {})):
        assert code(await home.ask(TEACHER, "POST", f"/pages/{PAGE}/{path}", body)) == (403, "forbidden")


async def test_a_period_is_closed_page_by_page(home: House) -> None:
    refused = await home.ask(DEPUTY, "POST", "/closings", {"period": PERIOD})
    assert (refused.json()["closed"], refused.json()["refused"][0]["problem"]["code"]) == (0, "page-unfinished")
    forced = await home.ask(DEPUTY, "POST", "/closings", {"period": PERIOD, "force": True, "reason": WHY})
    assert forced.status_code == 200, forced.text
    assert (forced.json()["closed"], forced.json()["refused"]) == (1, [])
    await home.settle()
    again = await home.ask(DEPUTY, "POST", "/closings", {"period": PERIOD, "force": True, "reason": WHY})
    assert again.json()["closed"] == 1
    progress = await home.ask(OFFICE, "GET", f"/closings/{PERIOD}")
    assert progress.json() == {"period": PERIOD, "pages": 1, "closed": 1, "period_closed": True, "refused": []}
    assert code(await home.ask(DEPUTY, "POST", "/closings", {"period": "unknown"})) == (404, "not-found")


async def test_the_progress_of_a_close_says_what_stands_against_it(home: House) -> None:
    refused = await home.ask(DEPUTY, "POST", "/closings", {"period": PERIOD})
    assert refused.json()["period_closed"] is False
    for person in (DEPUTY, OFFICE, CURATOR):
        progress = (await home.ask(person, "GET", f"/closings/{PERIOD}")).json()
        assert (progress["pages"], progress["closed"], progress["period_closed"]) == (1, 0, False)
        ((page, problem),) = [(x["page"], x["problem"]) for x in progress["refused"]]
        assert (page, problem["code"]) == (PAGE, "page-unfinished")
        assert "Without a final: 3" in problem["detail"]
        assert "without_final" not in problem, "how many, not who"
    load = s.TeachingAssigned(
        assignment="deputys", group=GROUP, discipline=DISCIPLINE, period=PERIOD, teacher=DEPUTY, starts_on=STARTS
    )
    await home.schedule.say(load)
    await home.settle()
    for person, expected in ((DEPUTY, "own-page"), (DIRECTOR, "page-unfinished")):
        progress = (await home.ask(person, "GET", f"/closings/{PERIOD}")).json()
        assert [x["problem"]["code"] for x in progress["refused"]] == [expected]


class TestAccess:
    async def test_who_reads_the_page(self, home: House) -> None:
        for person in (TEACHER, SECOND, CURATOR, DEPUTY, DIRECTOR, OFFICE, AUDITOR):
            await home.spread(person)
        for person in ("teacher-9", "office-2", "curator-2"):
            foreign = await home.ask(person, "GET", f"/pages/{PAGE}")
            missing = await home.ask(person, "GET", "/pages/no-such-page")
            assert (code(foreign), foreign.content) == ((404, "not-found"), missing.content)
        for person in (ANNA, GUARDIAN, ADMINISTRATOR):
            assert code(await home.ask(person, "GET", f"/pages/{PAGE}")) == (403, "forbidden")
        assert (await home.ask(TEACHER, "GET", f"/pages/{PAGE}", authorization="")).status_code == 401

    async def test_a_stranger_writes_on_a_page_as_if_it_were_not_there(self, home: House) -> None:
        lesson = await home.lesson(MONDAY)
        body = {"grades": [{"value": "5", "work": "oral"}]}
        path = f"/pages/{PAGE}/cells/{lesson}/{ANNA}"
        assert code(await home.ask("teacher-9", "PUT", path, body, None)) == (404, "not-found")
        for person in (CURATOR, DEPUTY, ADMINISTRATOR, ANNA, GUARDIAN):
            assert code(await home.ask(person, "PUT", path, body, None)) == (403, "forbidden")

    async def test_the_list_shows_ones_own_pages(self, home: House) -> None:
        await home.lesson(MONDAY)
        await home.settle()
        for person in (TEACHER, SECOND, CURATOR, DEPUTY, OFFICE):
            listed = (await home.ask(person, "GET", "/pages?state=open&sort=state")).json()
            assert [item["id"] for item in listed["items"]] == [PAGE]
            assert (listed["items"][0]["lessons"], listed["items"][0]["without_attendance"]) == (1, 1)
        for person in ("teacher-9", "office-2", "curator-2"):
            assert (await home.ask(person, "GET", "/pages")).json() == {"total": 0, "items": []}
        assert (await home.ask(DEPUTY, "GET", f"/pages?teacher={TEACHER}&group=other")).json()["items"] == []
        table = await home.ask(DEPUTY, "GET", "/pages?format=csv")
        assert table.text.startswith("\ufeffСтраница;Группа;")
        assert code(await home.ask(DEPUTY, "GET", "/pages?min_position=gradebook:99999")) == (503, "behind")

    async def test_staff_reads_are_noted(self, home: House) -> None:
        await home.spread(CURATOR)
        await home.spread(CURATOR)
        await home.svc.reads.flush()
        assert sorted((r.reader, r.subject) for r in home.reads) == [(CURATOR, s) for s in STUDENTS]


class TestAbsences:
    async def test_a_guardian_announces_and_the_curator_classifies(self, home: House) -> None:
        days = {"student": ANNA, "starts_on": str(MONDAY), "ends_on": str(MONDAY + timedelta(days=2))}
        assert (await home.ask(GUARDIAN, "POST", "/absences", days)).status_code == 201
        classified = await home.ask(CURATOR, "POST", "/absences/classes", {**days, "reason_class": "ill"})
        assert classified.status_code == 201
        for person in (GUARDIAN, ANNA, CURATOR, DEPUTY):
            (shown,) = (await home.ask(person, "GET", f"/absences?student={ANNA}")).json()["items"]
            assert (shown["announced"][0]["by"], shown["classified"][0]["reason_class"]) == (GUARDIAN, "ill")
        group = (await home.ask(CURATOR, "GET", "/absences?group=group-1")).json()["items"]
        assert [x["student"] for x in group] == list(STUDENTS)

    async def test_nobody_else_does(self, home: House) -> None:
        days = {"student": BORIS, "starts_on": str(MONDAY), "ends_on": str(MONDAY)}
        assert code(await home.ask(GUARDIAN, "POST", "/absences", days)) == (404, "not-found")
        assert code(await home.ask(ANNA, "POST", "/absences", {**days, "student": ANNA})) == (404, "not-found")
        assert (await home.ask(BORIS, "POST", "/absences", days)).status_code == 201
        foreign = await home.ask("curator-2", "POST", "/absences/classes", {**days, "reason_class": "ill"})
        assert code(foreign) == (404, "not-found")
        for person in (GUARDIAN, ANNA, "curator-2"):
            assert code(await home.ask(person, "GET", f"/absences?student={BORIS}")) == (404, "not-found")
        gone = {"student": BORIS, "starts_on": "2025-09-01", "ends_on": "2025-09-02"}
        assert code(await home.ask(BORIS, "POST", "/absences", gone)) == (409, "dates-wrong")
