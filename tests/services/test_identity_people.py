"""Identity over HTTP: the directory as far as each role reaches, roles by date, enrolments, guardians, subgroups."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest

from services.identity import groups, guardians
from services.identity.rules import Span
from tests.common.identity import LONG_AGO, PASSWORD, TODAY, House, house
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

TOMORROW = TODAY + timedelta(days=1)
YESTERDAY = TODAY - timedelta(days=1)


class College(NamedTuple):
    """Two groups, two families, and staff of every kind."""

    home: House
    admin: str
    director: str
    deputy: str
    office: str
    curator: str
    teacher: str
    auditor: str
    student: str
    parent: str
    other_student: str
    other_parent: str
    group: str
    other_group: str


@pytest.fixture
async def home(database: NewDatabase) -> AsyncIterator[House]:
    async with house(await database("identity")) as opened:
        yield opened


@pytest.fixture
async def college(home: House) -> College:
    staff = {
        "admin": await home.person("Админ", "journal_administrator"),
        "director": await home.person("Директор", "director"),
        "deputy": await home.person("Зам", "deputy_director"),
        "curator": await home.person("Куратор", "teacher"),
        "teacher": await home.person("Учитель", "teacher"),
        "auditor": await home.person("Аудитор", "auditor"),
    }
    student, other = await home.person("Свой", born=date(2008, 5, 20)), await home.person("Чужой")
    group = await home.group("ИС-21", student, curator=staff["curator"])
    other_group = await home.group("ИС-22", other)
    return College(
        home=home,
        **staff,
        office=await home.person("Отделение", "study_office", scope=group),
        student=student,
        other_student=other,
        group=group,
        other_group=other_group,
        parent=await home.guardian("Родитель", student),
        other_parent=await home.guardian("Другая", other),
    )


async def depth(college: College, asks: str, about: str) -> str:
    """How deep somebody sees another: whole, name, or missing."""
    answer = await college.home.as_(getattr(college, asks)).get(f"/people/{getattr(college, about)}")
    if answer.status_code == 404:
        return "missing"
    assert answer.status_code == 200
    return "whole" if "email" in answer.json() else "name"


# Written from domain.md §2: who asks → what he sees of own student, foreign student, parent, foreign parent, teacher.
SEEN = {
    "admin": ("whole", "whole", "whole", "whole", "whole"),
    "director": ("whole", "whole", "whole", "whole", "whole"),
    "deputy": ("whole", "whole", "whole", "whole", "whole"),
    "office": ("whole", "name", "whole", "missing", "name"),
    "curator": ("whole", "name", "whole", "missing", "name"),
    "teacher": ("name", "name", "missing", "missing", "whole"),
    "auditor": ("missing", "missing", "missing", "missing", "missing"),
    "student": ("whole", "missing", "missing", "missing", "name"),
    "parent": ("whole", "missing", "whole", "missing", "name"),
    "other_parent": ("missing", "whole", "missing", "whole", "name"),
}


@pytest.mark.clause("R 3.6")
async def test_each_role_reaches_whom_the_table_says(college: College) -> None:
    about = ("student", "other_student", "parent", "other_parent", "teacher")
    for asks, expected in SEEN.items():
        assert tuple([await depth(college, asks, who) for who in about]) == expected, asks
        listed = (await college.home.as_(getattr(college, asks)).get("/people?limit=500")).json()["items"]
        seen = {p["id"]: "whole" if "email" in p else "name" for p in listed}
        assert tuple(seen.get(getattr(college, who), "missing") for who in about) == expected, asks
        ids = [getattr(college, who) for who in about]
        named = (await college.home.as_(getattr(college, asks)).post("/names", {"ids": ids})).json()["names"]
        assert [i in named for i in ids] == [e != "missing" for e in expected], asks


async def test_a_foreign_person_answers_exactly_as_a_missing_one(college: College) -> None:
    asks = college.home.as_(college.parent)
    foreign, missing = [await asks.get(f"/people/{i}") for i in (college.other_student, "missing")]
    assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)
    groups_ = [await asks.get(f"/groups/{i}") for i in (college.other_group, "missing")]
    assert groups_[0].content == groups_[1].content


async def test_the_directory_filters_sorts_pages_and_exports(college: College) -> None:
    asks = college.home.as_(college.admin)
    found = (await asks.get("/people?text=ж&limit=5")).json()
    assert found["total"] == 1, "case does not matter, percent signs do"
    assert (await asks.get("/people?text=%25")).json()["total"] == 0
    assert (await asks.get(f"/people?group={college.group}")).json()["total"] == 1
    assert (await asks.get("/people?role=teacher")).json()["total"] == 2
    assert (await asks.get("/people?state=active")).json()["total"] == 0
    names = [p["name"] for p in (await asks.get("/people?limit=100")).json()["items"]]
    assert names == sorted(names)
    backwards = [p["name"] for p in (await asks.get("/people?limit=100&sort=-name")).json()["items"]]
    assert backwards == names[::-1]
    page = (await asks.get("/people?limit=2&offset=1")).json()
    assert [p["name"] for p in page["items"]] == names[1:3]
    assert page["total"] == len(names)
    for wrong in ("limit=0", "limit=501", "offset=-1", "sort=height", "state=asleep", "format=pdf"):
        assert (await asks.get(f"/people?{wrong}")).status_code == 422
    file = await asks.get(f"/people?format=csv&group={college.group}")
    assert file.content.startswith("\ufeffФамилия;Имя;".encode())
    assert "Свой;Тест;;обучающийся;ИС-21;" in file.text
    assert "20.05.2008" in file.text
    whole = await asks.get("/people?format=csv&limit=1&offset=1")
    assert len(whole.text.splitlines()) == 1 + len(names), "a file holds all, not a page"


async def test_me_tells_roles_children_and_groups(college: College) -> None:
    parent = (await college.home.as_(college.parent).get("/me")).json()
    assert [(c["id"], c["until"], c["groups"][0]["title"]) for c in parent["children"]] == [
        (college.student, "2026-05-19", "ИС-21")
    ]
    curator = (await college.home.as_(college.curator).get("/me")).json()["person"]["roles"]
    assert {(r["role"], r["title"]) for r in curator} == {("teacher", None), ("curator", "ИС-21")}
    student = (await college.home.as_(college.student).get("/me")).json()["person"]["roles"]
    assert {(r["role"], r["title"]) for r in student} == {("student", None), ("member", "ИС-21")}


# -- what staff read is seen by its subject -----------------------------------------------------------------------


async def test_staff_reads_are_seen_by_their_subject_and_his_guardian(college: College) -> None:
    await college.home.as_(college.curator).get(f"/people/{college.student}")
    await college.home.as_(college.parent).get(f"/people/{college.student}")
    await college.home.as_(college.teacher).get(f"/people/{college.other_student}")
    await college.home.svc.reads.flush()
    for asks in (college.student, college.parent):
        reads = (await college.home.as_(asks).get("/reads/me")).json()
        assert reads["total"] == 1
        (read,) = reads["items"]
        assert (read["reader"], read["name"]) == (college.curator, "Куратор Тест")
        assert (read["subject"], read["route"]) == (college.student, "GET /people/{person}")
        assert read["at"].startswith("2025-09-01T03:00")
    assert (await college.home.as_(college.curator).get("/reads/me")).json()["total"] == 0


# -- registering, correcting, erasing -----------------------------------------------------------------------------


@pytest.mark.clause("R 4.2.3")
async def test_the_administrator_registers_people_and_no_event_names_them(college: College) -> None:
    asks = college.home.as_(college.admin)
    body = {"family_name": "Новикова-Проба", "given_name": "Проба", "phone": "+7 000 1", "email": "n@example.test"}
    made = await asks.post("/people", body, key="register-one")
    again = await asks.post("/people", body, key="register-one")
    assert made.status_code == 201
    assert again.json() == made.json()
    assert made.headers["zhurnal-position"] == made.json()["position"]
    async with college.home.svc.commands.reading() as tx:
        for table in ("event", "command"):
            assert not await tx.row(f"select 1 from {table} t where t::text ~ 'Новикова|Проба|example.test'")
    shown = (await asks.get(f"/people/{made.json()['person']}")).json()
    assert shown["name"] == "Новикова-Проба Проба"


@pytest.mark.clause("R 3.3")
async def test_a_curator_keeps_own_students_data_current_and_no_others(college: College) -> None:
    asks = college.home.as_(college.curator)
    shown = await asks.get(f"/people/{college.student}")
    etag = shown.headers["etag"]
    path = f"/people/{college.student}"
    assert (await asks.request("PATCH", path, {"phone": "+7 000 2"})).status_code == 428
    done = await asks.request("PATCH", path, {"phone": "+7 000 2"}, headers={"If-Match": etag})
    assert done.status_code == 200
    stale = await asks.request("PATCH", path, {"phone": "+7 000 3"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["etag"]) == (412, done.json()["etag"])
    foreign = await asks.request("PATCH", f"/people/{college.other_student}", {"phone": "1"}, headers={"If-Match": "1"})
    assert foreign.status_code == 404
    registered = await asks.post(
        "/people", {"family_name": "Мать", "given_name": "Тест", "guardian_of": college.student}
    )
    assert registered.status_code == 201
    assert registered.json()["ends_on"] == "2026-05-19"
    alone = await asks.post("/people", {"family_name": "Мать", "given_name": "Тест"})
    assert alone.status_code == 403
    other = await asks.post(
        "/people", {"family_name": "Мать", "given_name": "Тест", "guardian_of": college.other_student}
    )
    assert other.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"family_name": "", "given_name": "Т"},
        {"family_name": "Т" * 101, "given_name": "Т"},
        {"family_name": "Т", "given_name": 5},
        {"family_name": "Т", "given_name": "Т", "email": "no address"},
        {"family_name": "Т", "given_name": "Т", "birth_date": "20.05.2008"},
        {"family_name": "Т", "given_name": "Т", "role": "director"},
        {"family_name": "Т\u0000", "given_name": "Т"},
    ],
)
async def test_bad_people_are_problems_and_leave_nothing(college: College, body: dict[str, Any]) -> None:
    before = await college.home.count("person")
    refused = await college.home.as_(college.admin).post("/people", body)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert await college.home.count("person") == before


async def test_erasing_waits_for_retention_and_then_leaves_only_ids(college: College) -> None:
    asks, home = college.home.as_(college.admin), college.home
    for person, ground in ((college.student, "обуча"), (college.teacher, "работа"), (college.parent, "представитель")):
        refused = await asks.post(f"/people/{person}/erasure")
        assert (refused.status_code, refused.json()["code"]) == (409, "retention-runs")
        assert ground in refused.json()["detail"]
    link = (await asks.get(f"/people/{college.student}")).json()["guardians"][0]["link"]
    await asks.request("DELETE", f"/people/{college.student}/guardians/{link}")
    await home.account(college.parent, "parent")
    cookie = (await home.anonymous.post("/sessions", {"login": "parent", "password": PASSWORD})).cookies["zhurnal"]
    assert (await asks.post(f"/people/{college.parent}/erasure")).status_code == 200
    assert await home.svc.exchange(cookie) is None
    shown = (await asks.get(f"/people/{college.parent}")).json()
    assert (shown["name"], shown["erased"], shown["email"]) == ("удалено", True, "")
    assert (await home.events("PersonErased"))[-1].person == college.parent
    assert (await asks.post(f"/people/{college.parent}/erasure")).json()["code"] == "erased-person"
    assert college.parent not in {p["id"] for p in (await asks.get("/people?limit=100")).json()["items"]}
    assert (await asks.get("/people?state=erased")).json()["total"] == 1


# -- roles --------------------------------------------------------------------------------------------------------


@pytest.mark.clause("R 4.1.2", "R 4.2.1")
async def test_roles_are_granted_by_date_and_order_and_never_to_oneself(college: College) -> None:
    asks = college.home.as_(college.admin)
    path = f"/people/{college.teacher}/roles"
    needs = await asks.post(path, {"role": "deputy_director"})
    assert needs.json()["code"] == "order-needed"
    own = await asks.post(f"/people/{college.admin}/roles", {"role": "teacher"})
    assert (own.status_code, own.json()["code"]) == (403, "not-to-yourself")
    for role in ("curator", "student", "guardian", "king"):
        assert (await asks.post(path, {"role": role})).json()["code"] == "role-elsewhere"
    assert (await asks.post(path, {"role": "auditor", "order_no": "1"})).json()["code"] == "end-needed"
    wrong = {"role": "director", "order_no": "1", "starts_on": "2025-09-02", "ends_on": "2025-09-01"}
    assert (await asks.post(path, wrong)).json()["code"] == "dates-not-sane"
    assert (await asks.post(path, {"role": "teacher", "scope": "nowhere"})).status_code == 404
    director = college.home.as_(college.director)
    appointed = await director.post(path, {"role": "deputy_director", "order_no": "12-к"})
    assert appointed.status_code == 201
    for nobody in (college.deputy, college.curator, college.student):
        assert (await college.home.as_(nobody).post(path, {"role": "teacher"})).status_code == 403
    assert (await asks.request("DELETE", f"{path}/{appointed.json()['grant']}")).status_code == 200
    assert (await asks.request("DELETE", f"{path}/{appointed.json()['grant']}")).status_code == 404


async def test_a_role_counts_from_its_first_to_its_last_day(college: College) -> None:
    home, path = college.home, f"/people/{college.teacher}/roles"
    body = {
        "role": "deputy_director",
        "order_no": "1",
        "starts_on": TOMORROW.isoformat(),
        "ends_on": TOMORROW.isoformat(),
    }
    assert (await home.as_(college.admin).post(path, body)).status_code == 201
    assert await depth(college, "teacher", "student") == "name"
    home.clock.advance(timedelta(days=1))
    assert await depth(college, "teacher", "student") == "whole"
    home.clock.advance(timedelta(days=1))
    assert await depth(college, "teacher", "student") == "name"


# -- students -----------------------------------------------------------------------------------------------------


async def test_enrolling_makes_a_student_and_refuses_overlaps(college: College) -> None:
    home, asks = college.home, college.home.as_(college.admin)
    new = await home.person("Новый")
    path = f"/groups/{college.group}/students"
    body = {"student": new, "starts_on": TODAY.isoformat(), "order_no": "7-у"}
    assert (await asks.post(path, body)).status_code == 201
    again = await asks.post(path, {**body, "starts_on": TOMORROW.isoformat()})
    assert (again.status_code, again.json()["code"]) == (409, "enrolment-overlaps")
    assert (await asks.post(path, {**body, "starts_on": "1950-09-01"})).json()["code"] == "dates-not-sane"
    assert (await asks.post("/groups/nowhere/students", body)).status_code == 404
    me = (await home.as_(new).get("/me")).json()["person"]["roles"]
    assert {r["role"] for r in me} == {"student", "member"}
    members = (await asks.get(f"/groups/{college.group}")).json()["members"]
    assert [m["name"] for m in members] == ["Новый Тест", "Свой Тест"]
    earlier = (await asks.get(f"/groups/{college.group}?on={YESTERDAY}")).json()["members"]
    assert [m["name"] for m in earlier] == ["Свой Тест"]


async def test_the_study_office_acts_within_its_scope(college: College) -> None:
    asks, new = college.home.as_(college.office), await college.home.person("Новый")
    assert (await asks.post(f"/groups/{college.group}/students", {"student": new})).status_code == 201
    assert (await asks.post(f"/groups/{college.other_group}/students", {"student": new})).status_code == 404
    move = {"from_group": college.group, "to_group": college.other_group, "on": TODAY.isoformat()}
    assert (await asks.post(f"/people/{college.student}/transfers", move)).status_code == 404
    assert (await asks.post("/groups", {"title": "Новая"})).status_code == 403


async def test_a_transfer_ends_one_enrolment_and_begins_another(college: College) -> None:
    home, asks = college.home, college.home.as_(college.deputy)
    body = {"from_group": college.group, "to_group": college.other_group, "on": TODAY.isoformat(), "order_no": "9-у"}
    path = f"/people/{college.student}/transfers"
    for wrong, code in (
        ({"to_group": college.group}, "same-group"),
        ({"from_group": college.other_group, "to_group": college.group}, "not-enrolled-that-day"),
        ({"on": LONG_AGO.isoformat()}, "not-enrolled-that-day"),
        ({"to_group": "nowhere"}, "not-found"),
    ):
        assert (await asks.post(path, {**body, **wrong})).json()["code"] == code
    assert (await asks.post(path, body)).status_code == 201
    (event,) = await home.events("StudentTransferred")
    assert (event.from_group, event.to_group, event.on) == (college.group, college.other_group, TODAY)
    shown = (await asks.get(f"/people/{college.student}")).json()["enrolments"]
    assert [(n["group"], n["ends_on"]) for n in shown] == [
        (college.group, YESTERDAY.isoformat()),
        (college.other_group, None),
    ]
    # The former curator has him no more; the student still sees both groups.
    assert await depth(college, "curator", "student") == "name"
    assert {g["id"] for g in (await home.as_(college.student).get("/groups")).json()["items"]} == {
        college.group,
        college.other_group,
    }


async def test_leaving_ends_the_enrolment_and_keeps_the_students_own_data_open(college: College) -> None:
    home, asks = college.home, college.home.as_(college.deputy)
    path = f"/people/{college.student}/statuses"
    leave = {"group": college.group, "status": "academic_leave", "on": TODAY.isoformat()}
    assert (await asks.post(path, leave)).status_code == 201
    assert (await asks.get(f"/groups/{college.group}")).json()["members"][0]["status"] == "academic_leave"
    gone = {"group": college.group, "status": "withdrawn", "on": TOMORROW.isoformat(), "order_no": "11-у"}
    assert (await asks.post(path, gone)).status_code == 201
    assert (await asks.post(path, {**gone, "status": "flown"})).status_code == 422
    assert (await asks.post(path, {**gone, "group": college.other_group})).json()["code"] == "not-enrolled-that-day"
    home.clock.advance(timedelta(days=1))
    assert (await asks.get(f"/groups/{college.group}")).json()["members"] == []
    assert (await home.as_(college.student).get("/me")).json()["person"]["roles"][0]["role"] == "student"
    assert await depth(college, "student", "student") == "whole"


async def test_a_new_curator_replaces_the_former_on_his_day(college: College) -> None:
    home, asks = college.home, college.home.as_(college.deputy)
    body = {"person": college.teacher, "starts_on": TOMORROW.isoformat(), "order_no": "3-к"}
    done = await asks.post(f"/groups/{college.group}/curators", body)
    assert done.status_code == 201
    assert await depth(college, "curator", "student") == "whole"
    home.clock.advance(timedelta(days=1))
    assert await depth(college, "curator", "student") == "name"
    assert await depth(college, "teacher", "student") == "whole"
    assert (await asks.post(f"/groups/{college.group}/curators", {"person": college.deputy})).status_code == 403
    assert (await asks.post(f"/groups/{college.group}/curators", {"person": college.teacher})).status_code == 409


# -- guardians ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("R 3.6")
async def test_a_guardian_sees_own_children_until_they_are_of_age_or_beyond_by_consent(college: College) -> None:
    home = college.home
    link = (await home.as_(college.parent).get(f"/people/{college.student}")).json()["guardians"][0]
    assert link["ends_on"] == "2026-05-19"
    path = f"/people/{college.student}/guardians/{link['link']}"
    # Consent is the student's own; nobody gives it for him.
    assert (await home.as_(college.curator).request("PATCH", path, {"basis": "consent"})).status_code == 403
    assert (await home.as_(college.other_student).request("PATCH", path, {"basis": "consent"})).status_code == 403
    home.clock.set(home.clock.now().replace(year=2026, month=5, day=18))
    assert await depth(college, "parent", "student") == "whole"
    home.clock.set(home.clock.now().replace(day=20))
    assert await depth(college, "parent", "student") == "missing"
    assert (await home.as_(college.student).request("PATCH", path, {"basis": "consent"})).status_code == 200
    assert await depth(college, "parent", "student") == "whole"


async def test_unlinking_ends_a_guardians_right_at_once(college: College) -> None:
    home = college.home
    link = (await home.as_(college.curator).get(f"/people/{college.student}")).json()["guardians"][0]["link"]
    path = f"/people/{college.student}/guardians/{link}"
    other = await home.person("Другой куратор", "teacher")
    await home.do(lambda tx: groups.appoint_curator(tx, college.other_group, other, Span(LONG_AGO, None), ""))
    assert (await home.as_(other).request("DELETE", path)).status_code == 404
    assert (await home.as_(college.curator).request("DELETE", path)).status_code == 200
    assert await depth(college, "parent", "student") == "missing"
    assert (await home.as_(college.parent).get("/me")).json()["children"] == []


async def test_links_are_made_by_curator_or_administrator_once_and_not_to_oneself(college: College) -> None:
    home, path = college.home, f"/people/{college.student}/guardians"
    asks = home.as_(college.curator)
    second, sibling = await home.person("Второй"), await home.person("Брат")
    await home.do(lambda tx: groups.enrol(tx, sibling, college.group, Span(LONG_AGO, None), ""))
    # A curator links whom he sees already, and registers others himself; the administrator links anybody.
    assert (await asks.post(f"/people/{sibling}/guardians", {"guardian": college.parent})).status_code == 201
    for unseen in (second, college.other_parent, college.director, "nobody"):
        assert (await asks.post(path, {"guardian": unseen})).status_code == 404
    admin = home.as_(college.admin)
    assert (await admin.post(path, {"guardian": second})).status_code == 201
    assert (await admin.post(path, {"guardian": second})).json()["code"] == "already-done"
    assert (await admin.post(path, {"guardian": college.admin})).json()["code"] == "not-to-yourself"
    assert (await asks.post(path, {"guardian": college.student})).json()["code"] == "not-to-yourself"
    assert (await admin.post(path, {"guardian": "nobody"})).status_code == 404
    foreign = f"/people/{college.other_student}/guardians"
    assert (await asks.post(foreign, {"guardian": second})).status_code == 404
    assert (await home.as_(college.teacher).post(foreign, {"guardian": college.teacher})).status_code == 403
    to_staff = await home.as_(college.admin).post(f"/people/{college.teacher}/guardians", {"guardian": second})
    assert to_staff.status_code == 404, "only a student has guardians"


async def test_a_guardian_of_two_children_sees_both_and_a_corrected_birth_date_moves_the_end(college: College) -> None:
    home = college.home
    await home.do(lambda tx: guardians.link(tx, college.other_student, college.parent, Span(LONG_AGO, None)))
    children = (await home.as_(college.parent).get("/me")).json()["children"]
    assert {(c["id"], c["until"]) for c in children} == {
        (college.student, "2026-05-19"),
        (college.other_student, None),
    }
    shown = (await home.as_(college.admin).get(f"/people/{college.other_student}")).json()
    corrected = await home.as_(college.admin).request(
        "PATCH",
        f"/people/{college.other_student}",
        {"birth_date": "2007-08-31"},
        headers={"If-Match": shown["etag"]},
    )
    assert corrected.status_code == 200
    assert [c["id"] for c in (await home.as_(college.parent).get("/me")).json()["children"]] == [college.student]


# -- subgroups ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("R 4.3.3", "R 4.4.4")
async def test_a_split_is_proposed_by_one_side_and_agreed_by_the_other(college: College) -> None:
    home = college.home
    second = await home.person("Вторая")
    await home.do(lambda tx: groups.enrol(tx, second, college.group, Span(LONG_AGO, None), ""))
    split = {"discipline": "d-1", "subgroups": {"1": [college.student], "2": [second]}}
    path = f"/groups/{college.group}/subgroups"
    curator, teacher = home.as_(college.curator), home.as_(college.teacher)
    # The curator names the teacher with whom he splits; only that teacher agrees.
    assert (await curator.post(path, split)).json()["code"] == "split-not-yours"
    proposed = (await curator.post(path, {**split, "teacher": college.teacher})).json()["split"]
    agree = f"/subgroups/{proposed}/agreement"
    third = await home.person("Третий", "teacher")
    assert (await curator.post(agree, {})).json()["code"] == "split-not-yours"
    assert (await home.as_(third).post(agree, {})).status_code == 404
    assert (await teacher.post(agree, {})).status_code == 201
    assert (await teacher.post(agree, {})).json()["code"] == "already-done"
    (event,) = await home.events("SubgroupAgreed")
    assert event.subgroups == {"1": (college.student,), "2": (second,)}
    assert (event.starts_on, event.agreed_by) == (TODAY, college.teacher)
    # A teacher asks the curator.
    asked = (await teacher.post(path, split)).json()["split"]
    assert (await teacher.post(f"/subgroups/{asked}/agreement", {})).json()["code"] == "split-not-yours"
    agreed = await curator.post(f"/subgroups/{asked}/agreement", {"starts_on": TOMORROW.isoformat()})
    assert agreed.status_code == 201
    assert len((await curator.get(path)).json()["splits"]) == 2


@pytest.mark.parametrize(
    ("subgroups", "status"),
    [
        ({"1": ["student"], "2": ["student"]}, 409),
        ({"1": ["student"], "2": ["other_student"]}, 409),
        ({"1": ["student"]}, 422),
        ({"one": ["student"], "two": []}, 422),
    ],
)
async def test_a_split_of_foreign_or_doubled_students_is_refused(
    college: College, subgroups: dict[str, list[str]], status: int
) -> None:
    body = {
        "discipline": "d-1",
        "teacher": college.teacher,
        "subgroups": {n: [getattr(college, s) for s in students] for n, students in subgroups.items()},
    }
    refused = await college.home.as_(college.curator).post(f"/groups/{college.group}/subgroups", body)
    assert refused.status_code == status
    assert await college.home.events("SubgroupProposed") == []
