"""The import of rosters: documents of the readers, twice the same, checked, with bad rows, with changes by hand."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.identity import groups
from services.identity.imports import document
from services.importing import roster
from services.importing.oneroster import read
from tests.common.identity import LONG_AGO, PASSWORD, TODAY, House, house
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

SOURCE = "test"


@pytest.fixture
async def home(database: NewDatabase) -> AsyncIterator[House]:
    async with house(await database("identity")) as opened:
        yield opened


def rid(kind: Any, key: str) -> str:
    return roster.record_id(SOURCE, kind, key)


def base(kind: Any, key: str) -> dict[str, Any]:
    return {"id": rid(kind, key), "external_id": key, "where": f"{kind}.csv:{key}"}


def person(key: str, **more: Any) -> dict[str, Any]:
    return {**base("people", key), "family_name": f"Фамилия{key}", "given_name": "Имя", **more}


def group(key: str, **more: Any) -> dict[str, Any]:
    return {**base("groups", key), "name": f"Группа {key}", **more}


def role(key: str, of: str, name: str, **more: Any) -> dict[str, Any]:
    return {**base("roles", key), "person_id": rid("people", of), "role": name, **more}


def enrolment(key: str, of: str, into: str, **more: Any) -> dict[str, Any]:
    return {**base("enrolments", key), "person_id": rid("people", of), "group_id": rid("groups", into), **more}


def guardian(key: str, who: str, of: str) -> dict[str, Any]:
    return {**base("guardians", key), "guardian_id": rid("people", who), "student_id": rid("people", of)}


def roster_of(scope: str = "bulk", **kinds: Any) -> dict[str, Any]:
    return {"source": SOURCE, "scope": dict.fromkeys(document.KINDS, scope), **kinds}


def small() -> dict[str, Any]:
    return roster_of(
        groups=[group("g")],
        people=[person("t"), person("s", birth_date="2009-01-15"), person("p"), person("c")],
        roles=[
            role("rt", "t", "teacher", starts_on="2024-09-01"),
            role("rs", "s", "student"),
            role("rp", "p", "guardian"),
            role("rc", "c", "curator", group_id=rid("groups", "g")),
        ],
        guardians=[guardian("l", "p", "s")],
        enrolments=[enrolment("n", "s", "g", starts_on="2024-09-01")],
    )


class Import:
    """Imports as an administrator; answers the response."""

    def __init__(self, home: House, admin: str) -> None:
        self._home, self._admin = home, admin

    async def __call__(self, body: dict[str, Any], query: str = "") -> Any:
        return await self._home.as_(self._admin).post(f"/imports{query}", body)


@pytest.fixture
async def take(home: House) -> Import:
    return Import(home, await home.person("Админ", "journal_administrator"))


def counts(report: dict[str, Any], outcome: str) -> dict[str, int]:
    return {kind: n[outcome] for kind, n in report["kinds"].items() if n[outcome]}


def test_the_document_is_the_one_that_the_readers_give() -> None:
    pairs: list[tuple[Any, Any]] = [
        (document.Person, roster.Person),
        (document.Group, roster.StudyGroup),
        (document.Role, roster.Role),
        (document.Guardian, roster.Guardian),
        (document.Enrolment, roster.Enrolment),
        (document.Reference, roster.Reference),
    ]
    for ours, theirs in pairs:
        assert set(ours.model_fields) == set(theirs.model_fields), ours
    assert set(document.Roster.model_fields) <= set(roster.Roster.model_fields)


async def test_a_roster_gives_people_rights_and_a_second_time_changes_nothing(home: House, take: Import) -> None:
    first = await take(small())
    assert first.status_code == 200, first.text
    report = first.json()
    assert counts(report, "created") == {"groups": 1, "people": 4, "roles": 3, "guardians": 1, "enrolments": 1}
    assert counts(report, "implied") == {"roles": 1}
    assert report["problems"] == []
    head = await home.svc.log.head()
    again = (await take(small())).json()
    assert counts(again, "unchanged") == {"groups": 1, "people": 4, "roles": 3, "guardians": 1, "enrolments": 1}
    assert counts(again, "created") == counts(again, "changed") == counts(again, "absent") == {}
    assert await home.svc.log.head() == head
    parent = await home.as_(rid("people", "p")).get("/people/" + rid("people", "s"))
    assert parent.json()["family_name"] == "Фамилияs"
    curator = await home.as_(rid("people", "c")).get("/people?group=" + rid("groups", "g"))
    assert [p["id"] for p in curator.json()["items"]] == [rid("people", "s")]
    (link,) = await home.events("GuardianLinked")
    assert link.ends_on == date(2027, 1, 14)


async def test_check_is_the_real_import_rolled_back(home: House, take: Import) -> None:
    people, head = await home.count("person"), await home.svc.log.head()
    checked = (await take(small(), "?check=true")).json()
    assert counts(checked, "created")["people"] == 4
    assert checked["refused"] is False
    assert (await home.count("person"), await home.svc.log.head()) == (people, head)
    assert await home.count("command") == people, "no receipt is left of it"
    done = (await take(small())).json()
    assert done["kinds"] == checked["kinds"]


async def test_bad_rows_refuse_all_or_are_skipped(home: House, take: Import) -> None:
    body = small()
    body["enrolments"] += [
        enrolment("n2", "s", "nowhere"),
        enrolment("n3", "nobody", "g"),
        enrolment("n4", "s", "g", starts_on="2025-01-01"),
        enrolment("n5", "t", "g", starts_on="2025-06-01", ends_on="2025-05-01"),
        enrolment("n", "s", "g"),
    ]
    body["people"].append({**person("x"), "family_name": "", "given_name": ""})
    body["roles"].append(role("rx", "c", "curator"))
    body["guardians"].append(guardian("lx", "s", "s"))
    refused = await take(body)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    found = {(p["where"], p["code"]) for p in refused.json()["problems"]}
    expected = {
        ("enrolments.csv:n2", "unknown-group"),
        ("enrolments.csv:n3", "unknown-person"),
        ("enrolments.csv:n4", "enrolment-overlaps"),
        ("enrolments.csv:n5", "dates-not-sane"),
        ("enrolments.csv:n", "id-twice"),
        ("people.csv:x", "nameless"),
        ("roles.csv:rx", "curator-without-group"),
        ("guardians.csv:lx", "own-guardian"),
    }
    assert found == expected
    assert await home.count("person") == 1
    checked = (await take(body, "?check=true")).json()
    assert checked["refused"] is True
    skipped = (await take(body, "?skip_bad=true")).json()
    assert {(p["where"], p["code"]) for p in skipped["problems"]} == expected
    assert await home.count("person") == 5
    assert await home.count("enrolment") == 1


async def test_absent_records_are_reported_and_never_deleted(home: House, take: Import) -> None:
    await take(small())
    less = small()
    less["people"] = less["people"][:2]
    less["roles"] = less["roles"][:2]
    less["guardians"] = []
    report = (await take(less)).json()
    assert counts(report, "absent") == {"people": 2, "roles": 1, "guardians": 1}
    assert set(report["absent"]["people"]) == {rid("people", "p"), rid("people", "c")}
    assert counts(report, "ended") == {}
    delta = (await take(roster_of("delta"))).json()
    assert counts(delta, "absent") == {}
    assert (await home.as_(rid("people", "p")).get("/people/" + rid("people", "s"))).status_code == 200


async def test_changes_reach_the_rows_and_empty_cells_do_not(home: House, take: Import) -> None:
    await take(small())
    body = small()
    body["people"][1] |= {"given_name": "Другое", "birth_date": "2008-03-01"}
    body["people"][0]["email"] = "t@example.test"
    body["groups"][0]["name"] = "Группа 2"
    body["roles"][0]["ends_on"] = "2025-12-31"
    body["enrolments"][0]["starts_on"] = "2024-09-02"
    report = (await take(body)).json()
    assert counts(report, "changed") == {"groups": 1, "people": 2, "roles": 1, "enrolments": 1}
    assert (await home.events("GuardianLinked"))[-1].ends_on == date(2026, 2, 28)
    assert (await home.events("StudentEnrolled"))[-1].starts_on == date(2024, 9, 2)
    body["people"][1]["birth_date"] = None
    body["people"][0]["email"] = ""
    again = (await take(body)).json()
    assert counts(again, "changed") == {}


async def test_what_was_changed_by_hand_is_kept(home: House, take: Import) -> None:
    await take(small())
    student, first = rid("people", "s"), rid("groups", "g")
    second = await home.group("Другая")
    await home.do(lambda tx: groups.transfer(tx, student, first, second, TODAY, "5-у"))
    report = (await take(small())).json()
    assert counts(report, "kept") == {"enrolments": 1}
    shown = (await home.as_(student).get(f"/people/{student}")).json()
    assert [n["ends_on"] for n in shown["enrolments"]] == ["2025-08-31", None]


async def test_deleted_and_inactive_records_end(home: House, take: Import) -> None:
    await take(small())
    body = roster_of("delta", roles=[role("rt", "t", "teacher", active=False)])
    body["deleted"] = [{**base("people", "p"), "kind": "people"}, {**base("enrolments", "n"), "kind": "enrolments"}]
    report = (await take(body)).json()
    assert counts(report, "ended") == {"roles": 1, "guardians": 1, "enrolments": 1}
    assert (await home.as_(rid("people", "p")).get("/people/" + rid("people", "s"))).status_code == 404
    me = (await home.as_(rid("people", "t")).get("/me")).json()
    assert me["person"]["roles"] == []
    assert counts((await take(body)).json(), "ended") == {}
    assert (await home.events("StudentEnrolled"))[-1].ends_on == date(2025, 8, 31)


async def test_nobody_imports_rights_for_himself(home: House, take: Import) -> None:
    await take(small())
    await home.person("Никто")
    admin = rid("people", "t")
    granted = {"role": "journal_administrator", "starts_on": LONG_AGO.isoformat()}
    assert (await home.as_(take._admin).post(f"/people/{admin}/roles", granted)).status_code == 201
    body = roster_of("delta", roles=[role("mine", "t", "director")])
    refused = await home.as_(admin).post("/imports", body)
    assert refused.json()["problems"][0]["code"] == "not-to-yourself"


@pytest.mark.parametrize(
    "change",
    [
        {"source": ""},
        {"people": [{"id": "x"}]},
        {"people": "all"},
        {"groups": [{**group("g"), "unknown": 1}]},
        {"roles": [{**role("r", "t", "teacher"), "role": "king"}]},
        {"enrolments": [{**enrolment("n", "s", "g"), "starts_on": "01.09.2024"}]},
    ],
)
async def test_malformed_documents_are_problems(home: House, take: Import, change: dict[str, Any]) -> None:
    refused = await take({**small(), **change})
    assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
    assert await home.count("person") == 1


async def test_only_the_administrator_imports(home: House, take: Import) -> None:
    deputy = await home.person("Зам", "deputy_director")
    assert (await home.as_(deputy).post("/imports", small())).status_code == 403
    assert (await home.anonymous.post("/imports", small())).status_code == 401


@pytest.mark.parametrize(
    "name",
    [
        "mockroster",
        "moodle-enrol_oneroster/v1p1_full",
        "moodle-enrol_oneroster/v1p1_minimal",
        "moodle-enrol_oneroster/v1p2_full",
        "moodle-enrol_oneroster/v1p2_single",
        "oneroster-net-deltas/Step0-Initial",
    ],
)
async def test_rosters_of_others_are_imported_and_a_second_time_change_nothing(
    home: House, take: Import, shared: Path, name: str
) -> None:
    found = read(shared / "data" / "oneroster" / name).accepted(skip_bad=True)
    assert found is not None
    first = await take(found.model_dump(mode="json"))
    assert first.status_code == 200, first.text[:2000]
    assert counts(first.json(), "created")["people"] == len(found.people)
    again = (await take(found.model_dump(mode="json"))).json()
    assert counts(again, "created") == counts(again, "changed") == counts(again, "ended") == {}


async def test_thousands_of_rows_are_taken_in_one_transaction(home: House, take: Import) -> None:
    many = range(1500)
    body = roster_of(
        groups=[group(f"g{n}") for n in range(50)],
        people=[person(f"s{n}") for n in many] + [person(f"p{n}") for n in many],
        roles=[role(f"r{n}", f"s{n}", "student") for n in many],
        guardians=[guardian(f"l{n}", f"p{n}", f"s{n}") for n in many],
        enrolments=[enrolment(f"n{n}", f"s{n}", f"g{n % 50}") for n in many],
    )
    report = (await take(body)).json()
    assert counts(report, "created") == {
        "groups": 50,
        "people": 3000,
        "roles": 1500,
        "guardians": 1500,
        "enrolments": 1500,
    }
    assert len(await home.events("StudentEnrolled")) == 1500


async def test_who_is_not_enabled_in_the_file_is_reported_and_left_as_he_is(home: House, take: Import) -> None:
    silent = (await take(small())).json()
    assert (silent["not_enabled"], silent["findings"]) == ({"count": 0, "people": []}, [])
    teacher = rid("people", "t")
    await home.account(teacher, "teacher")
    signing_in = {"login": "teacher", "password": PASSWORD}
    cookie = (await home.anonymous.post("/sessions", signing_in)).cookies["zhurnal"]
    body = small()
    for entry in body["people"][:2]:
        entry["enabled"] = False
    before = await home.svc.log.head()
    for query in ("?check=true", ""):
        report = (await take(body, query)).json()
        assert report["not_enabled"] == {"count": 2, "people": [teacher, rid("people", "s")]}
        (finding,) = report["findings"]
        assert (finding["where"], finding["severity"], finding["code"]) == ("people.csv:t", "warning", "not-enabled")
        assert "2" in finding["ru"]
        assert "2" in finding["en"]
        assert counts(report, "unchanged")["people"] == 4
        assert report["problems"] == []
    assert await home.svc.log.head() == before
    assert await home.svc.exchange(cookie), "his session goes on"
    assert (await home.anonymous.post("/sessions", signing_in)).status_code == 201
