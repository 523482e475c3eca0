"""Import of schedule's part of a roster: all or nothing, twice is once, absent is not deleted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.importing import oneroster
from services.schedule.imports import PART
from tests.common.kit import members
from tests.common.schedule_house import House, house
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio


@pytest.fixture
async def home(database: NewDatabase) -> AsyncIterator[House]:
    async with house(await database("schedule")) as made:
        yield made


def record(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "external_id": id_, "where": f"file.csv:{id_}", **more}


def roster(**changed: Any) -> dict[str, Any]:
    """A class with one teacher in one semester, as a full export states it."""
    bulk = dict.fromkeys(("years", "periods", "disciplines", "groups", "teaching"), "bulk")
    return {
        "source": "test",
        "scope": bulk,
        "years": [record("y", title="2025/2026", starts_on="2025-09-01", ends_on="2026-06-30")],
        "periods": [
            record("p", year_id="y", kind="semester", title="1 полугодие", starts_on="2025-09-01", ends_on="2025-12-26")
        ],
        "disciplines": [record("d", name="Черчение", code="МДК.01.01")],
        "groups": [record("g", name="ТЭ-25", discipline_id="d", period_ids=["p"])],
        "teaching": [
            record("t", person_id="teacher", group_id="g", discipline_id="d", period_ids=["p"], responsible=True)
        ],
        **changed,
    }


def delta(**members_: Any) -> dict[str, Any]:
    """A delta that states only this."""
    return {"source": "test", "scope": {}, **members_}


def teaching(**changed: Any) -> dict[str, Any]:
    return {**roster()["teaching"][0], **changed}


async def imported(home: House, document: dict[str, Any], query: str = "") -> dict[str, Any]:
    answer = await home.ask("admin", "POST", f"/imports{query}", document)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def counts(report: dict[str, Any], kind: str) -> tuple[int, int, int, int]:
    """created, changed, unchanged, ended"""
    its = report["kinds"][kind]
    return its["created"], its["changed"], its["unchanged"], its["ended"]


async def test_the_first_import_makes_year_period_discipline_and_teaching(home: House) -> None:
    report = await imported(home, roster())

    assert {kind: counts(report, kind) for kind in report["kinds"]} == dict.fromkeys(
        ("years", "periods", "disciplines", "teaching"), (1, 0, 0, 0)
    )
    assert report["position"] == f"schedule:{await home.svc.log.head()}"
    (load,) = await home.get("director", "/assignments?group=g")
    assert (load["teacher"], load["responsible"], load["title"]) == ("teacher", True, "Черчение")
    (period,) = await home.get("director", "/periods?group=g")
    assert (period["id"], period["kind"]) == (load["period"], "semester")
    assert (await home.get("director", "/disciplines"))[0]["kind"] == "mdk"


async def test_the_second_import_changes_nothing(home: House) -> None:
    await imported(home, roster())
    head = await home.svc.log.head()
    report = await imported(home, roster())

    assert await home.svc.log.head() == head
    assert {counts(report, kind) for kind in report["kinds"]} == {(0, 0, 1, 0)}


async def test_check_is_the_import_rolled_back(home: House) -> None:
    checked = await imported(home, roster(), "?check=true")
    assert await home.svc.log.head() == 0
    assert "position" not in checked

    real = await imported(home, roster())
    assert real["kinds"] == checked["kinds"]


async def test_an_import_sent_again_is_answered_as_before(home: House) -> None:
    first = await home.ask("admin", "POST", "/imports", roster(), key="import-1")
    again = await home.ask("admin", "POST", "/imports", roster(), key="import-1")
    assert first.json() == again.json()

    other = await home.ask("admin", "POST", "/imports", roster(source="else"), key="import-1")
    assert members(other, 422)["code"] == "idempotency-key-reused"


async def test_imports_at_once_write_once(home: House) -> None:
    reports = await asyncio.gather(*(imported(home, roster()) for _ in range(6)))

    assert sorted(counts(report, "teaching") for report in reports) == [(0, 0, 1, 0)] * 5 + [(1, 0, 0, 0)]
    assert len(await home.events()) == 4


async def test_what_a_full_export_passes_over_is_named_and_stays(home: House) -> None:
    await imported(home, roster())
    report = await imported(home, roster(groups=[], teaching=[]))

    assert report["absent"] == {"teaching": ["t"]}
    (load,) = await home.get("director", "/assignments?group=g")
    assert load["ends_on"] is None


async def test_a_deleted_teacher_ended_yesterday(home: House) -> None:
    await imported(home, roster(years=[{**roster()["years"][0], "starts_on": "2025-08-01"}], periods=[
        {**roster()["periods"][0], "starts_on": "2025-08-01"}
    ]))  # fmt: skip
    gone = {"kind": "teaching", "id": "t", "external_id": "t", "where": "enrollments.csv:2"}
    report = await imported(home, delta(deleted=[gone]))

    assert counts(report, "teaching") == (0, 0, 0, 1)
    (load,) = await home.get("director", "/assignments?group=g")
    assert load["ends_on"] == "2025-08-31"
    assert await imported(home, delta(deleted=[gone]))
    assert (await imported(home, roster()))["absent"] == {}


async def test_a_delta_adds_a_teacher_to_what_is_stored(home: House) -> None:
    await imported(home, roster())
    second = teaching(id="t2", external_id="t2", person_id="other", discipline_id=None, period_ids=[])
    report = await imported(home, delta(teaching=[second]))

    assert counts(report, "teaching") == (1, 0, 0, 0)
    assert [finding["code"] for finding in report["findings"]] == ["responsible-kept"]
    loads = await home.get("director", "/assignments?group=g")
    assert sorted((load["teacher"], load["responsible"]) for load in loads) == [("other", False), ("teacher", True)]


async def test_who_is_responsible_may_change_in_one_file(home: House) -> None:
    await imported(home, roster())
    second = teaching(id="t2", external_id="t2", person_id="other")
    report = await imported(home, roster(teaching=[second, teaching(responsible=False)]))

    assert (counts(report, "teaching"), report["findings"]) == ((1, 1, 0, 0), [])
    loads = await home.get("director", "/assignments?group=g")
    assert sorted((load["teacher"], load["responsible"]) for load in loads) == [("other", True), ("teacher", False)]


async def test_another_teacher_in_the_row_takes_over_today_and_a_change_by_hand_stays(home: House) -> None:
    await imported(home, roster())
    report = await imported(home, roster(teaching=[teaching(person_id="other")]))
    (load,) = await home.get("director", "/assignments?group=g")
    assert (load["teacher"], counts(report, "teaching")[1]) == ("other", 1)

    body = {"teacher": "third", "on": "2025-09-02", "reason": "leave"}
    await home.made("deputy", "POST", f"/assignments/{load['id']}/reassignment", body)
    head = await home.svc.log.head()
    await imported(home, roster(teaching=[teaching(person_id="other")]))
    assert await home.svc.log.head() == head


async def test_what_was_entered_by_hand_stays(home: House) -> None:
    await imported(home, roster())
    (period,) = await home.get("director", "/periods?group=g")
    body = {k: v for k, v in period.items() if k != "id"} | {"holidays": ["2025-11-04"]}
    await home.made("deputy", "PUT", f"/periods/{period['id']}", body)
    longer = {**roster()["periods"][0], "ends_on": "2025-12-27"}
    await imported(home, roster(periods=[longer]))

    (period,) = await home.get("director", "/periods?group=g")
    assert (period["holidays"], period["ends_on"]) == (["2025-11-04"], "2025-12-27")


async def test_a_year_entered_by_hand_and_that_of_the_file_are_one(home: House) -> None:
    year = await home.year()
    await imported(home, roster())

    assert [y["id"] for y in await home.get("director", "/years")] == [year]
    assert (await home.get("director", "/periods?group=g"))[0]["year"] == year


async def test_bad_rows_refuse_all_or_are_passed_over(home: House) -> None:
    stray = teaching(id="t2", external_id="t2", where="enrollments.csv:9", group_id="x", discipline_id=None,
                     period_ids=[])  # fmt: skip
    document = roster(teaching=[teaching(), stray])
    refused = members(await home.ask("admin", "POST", "/imports", document), 409)

    assert refused["code"] == "bad-rows"
    assert [(f["where"], f["code"]) for f in refused["findings"]] == [("enrollments.csv:9", "group-unknown")]
    assert await home.svc.log.head() == 0
    report = await imported(home, document, "?skip_bad=true")
    assert counts(report, "teaching") == (1, 0, 0, 0)


async def test_a_teacher_whose_dates_miss_the_period_is_named(home: House) -> None:
    late = teaching(starts_on="2026-01-12", ends_on="2026-03-01")
    report = await imported(home, roster(teaching=[late]))

    assert counts(report, "teaching") == (0, 0, 0, 0)
    assert [(f["code"], f["where"]) for f in report["findings"]] == [("teaching-outside", "file.csv:t")]


@pytest.mark.parametrize(
    "document",
    [
        roster(source=""),
        roster(people=[]),
        roster(scope={"years": "everything"}),
        roster(disciplines=[record("d", name="a\u0000b")]),
        roster(years=[record("y", title="x", starts_on="never", ends_on="2026-06-30")]),
    ],
)
async def test_malformed_documents(home: House, document: dict[str, Any]) -> None:
    members(await home.ask("admin", "POST", "/imports", document), 422)


async def test_the_shared_rosters(home: House, shared: Path) -> None:
    """Each set is imported, the whole of its load is there, and a second time changes nothing."""
    seen, teachers = 0, 0
    for manifest in sorted({path.parent for path in (shared / "data/oneroster").rglob("*.csv")}):
        document = oneroster.read(manifest, f"set-{seen}").accepted(skip_bad=True)
        if document is None or not document.teaching:
            continue
        seen += 1
        part = document.model_dump(mode="json", include=set(PART))
        first = await imported(home, part, "?skip_bad=true")
        head = await home.svc.log.head()
        second = await imported(home, part, "?skip_bad=true")

        assert await home.svc.log.head() == head, manifest.name
        teachers += first["kinds"]["teaching"]["created"]
        assert first["kinds"]["teaching"]["created"] == second["kinds"]["teaching"]["unchanged"], manifest.name
    assert (seen, teachers) == (4, 115)
