"""Rosters made by others, through the command line into a stopped and a running journal, and on to a grade.

Every set of the shared data is imported or refused with file:line messages; a check writes nothing; twice changes
nothing; then a teacher of that data grades a student of that data over HTTP, who reads the card.
"""

import asyncio
import csv
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from services.importing.people_xlsx import template
from services.kit.embedded import EmbeddedServer
from tests.common.process import Journal, Said, data_folder, key, zhurnal, zhurnal_here

pytestmark = pytest.mark.anyio

SETS = (
    "moodle-enrol_oneroster/v1p1_full",
    "moodle-enrol_oneroster/v1p1_minimal",
    "moodle-enrol_oneroster/v1p2_full",
    "moodle-enrol_oneroster/v1p2_single",
    *(f"oneroster-net-deltas/{step}" for step in ("Step0-Initial", "Step1", "Step2", "Step3", "Step4")),
    "mockroster",
)
PASSWORD = "a long enough sentence"


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    """The data of a stopped journal without demo data, with one administrator."""
    with data_folder() as data:
        with Journal(data, "--demo", "none") as journal:
            code = next(line.rsplit(" ", 1)[1] for line in journal.said().splitlines() if "Activation code" in line)
            body = {"code": code, "login": "first", "password": PASSWORD}
            made = httpx.post(
                f"{journal.address}/api/identity/activation", json=body, headers={"X-Zhurnal": "1", **key()}
            )
            assert made.is_success, made.text
        yield data


def folder(shared: Path, name: str) -> Path:
    exact = shared / "data/oneroster" / name
    if exact.exists():
        return exact
    return next(exact.parent.glob(exact.name + "*"))


def carried(done: Said) -> dict[str, Any]:
    assert "Traceback" not in done.stderr, done.stderr
    outcome: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if outcome["done"] else 1), done.stderr
    return outcome


def events(data: Path) -> dict[str, int]:
    """How many events each log holds."""
    with EmbeddedServer.start(data) as server:
        heads = {}
        for name in ("identity", "schedule"):
            with psycopg.connect(server.dsn(f"zhurnal_{name}")) as conn:
                row = conn.execute("select count(*) from event where type not like 'Session%'").fetchone()
                assert row is not None
                heads[name] = row[0]
    return heads


@pytest.mark.clause("R 4.2.3")
@pytest.mark.parametrize("name", SETS)
def test_each_shared_set_is_imported_once(shared: Path, empty: Path, name: str) -> None:
    path = folder(shared, name)
    source = ("--source", "deltas") if "deltas" in name else ()
    before = events(empty)
    checked = carried(zhurnal_here("import", "oneroster", str(path), *source, "--check", "--json", data=empty))
    assert events(empty) == before, "a check writes nothing"
    first = carried(zhurnal_here("import", "oneroster", str(path), *source, "--json", data=empty))
    assert first["done"] == checked["done"]
    if not first["done"]:
        assert any(f["severity"] == "error" for f in first["findings"])
        assert events(empty) == before, "a refused import writes nothing"
        first = carried(zhurnal_here("import", "oneroster", str(path), *source, "--skip-bad", "--json", data=empty))
    assert first["done"]
    for finding in first["findings"]:
        named = re.fullmatch(r"(\w+\.csv(:[1-9]\d*)?)?", finding["where"])
        assert named, finding
        assert named[2] or finding["severity"] == "warning", "an error names its line"
        assert finding["ru"] != finding["en"]
    after = events(empty)
    again = carried(zhurnal_here("import", "oneroster", str(path), *source, "--skip-bad", "--json", data=empty))
    assert events(empty) == after, "twice changes nothing"
    assert all(counts.get("created", 0) == counts.get("changed", 0) == 0 for counts in again["kinds"].values())


async def test_a_teacher_of_the_imported_college_grades_a_student_who_reads_it(shared: Path, empty: Path) -> None:
    path = current_year(shared / "data/oneroster/mockroster", empty.parent / "current")
    done = carried(zhurnal("import", "oneroster", str(path), "--source", "current", "--json", data=empty))
    assert done["done"], done["findings"][:5]
    with Journal(empty, "--demo", "none") as journal:
        admin = await journal.signed_in("first", PASSWORD)
        page, teacher, student, assignment = await a_page(journal, admin)
        lesson = {
            "assignment": assignment["assignment"],
            "date": journal_day(page).isoformat(),
            "pair": 1,
            "kind": "lecture",
            "topic": "Algebra",
        }
        at = f"/gradebook/pages/{page['page']['id']}"
        held = await teacher.put(f"{at}/lessons/lesson-1", json=lesson, headers={**key(), "If-None-Match": "*"})
        assert held.is_success, held.text
        body = {"grades": [{"value": "5", "work": "written"}]}
        graded = await teacher.put(
            f"{at}/cells/lesson-1/{student[0]}", json=body, headers={**key(), "If-None-Match": "*"}
        )
        assert graded.is_success, graded.text
        position = graded.json()["position"]
        me = (await teacher.get("/identity/me")).json()["person"]["id"]
        appointed = await admin.post(
            f"/identity/groups/{page['page']['group']}/curators",
            json={"person": me, "starts_on": date.today().isoformat(), "order_no": "1-К"},
            headers=key(),
        )
        assert appointed.is_success, appointed.text
        await sees_whole(teacher, student[0])
        reader = await activated(journal, teacher, student[0], "imported-student")
        card = await reader.get("/reporting/students/me/card", params={"min_position": position})
        assert card.status_code == 200, card.text
        assert '"5"' in card.text
        inbox = await reader.get("/notifications/inbox", params={"min_position": position})
        assert [item["kind"] for item in inbox.json()["items"]] == ["grade"]
        for client in (admin, teacher, reader):
            await client.aclose()


async def a_page(
    journal: Journal, admin: httpx.AsyncClient
) -> tuple[dict[str, Any], httpx.AsyncClient, tuple[str, ...], dict[str, Any]]:
    """A running page of the imported college, its teacher signed in, its students, his assignment."""
    people = (await admin.get("/identity/people", params={"role": "teacher", "limit": 100})).json()["items"]
    for n, person in enumerate(people):
        teacher = await activated(journal, admin, person["id"], f"imported-teacher-{n}")
        for _ in range(100):
            pages = (await teacher.get("/gradebook/pages", params={"state": "open"})).json()["items"]
            if pages:
                break
            await asyncio.sleep(0.1)
        for listed in pages:
            page = (await teacher.get(f"/gradebook/pages/{listed['id']}")).json()
            students = tuple(s["student"] for s in page["students"] if s["enrolled"])
            mine = [a for a in page["assignments"] if any(t["teacher"] == person["id"] for t in a["teachers"])]
            if students and mine and page["page"]["starts_on"] <= date.today().isoformat() <= page["page"]["ends_on"]:
                return page, teacher, students, mine[0]
        await teacher.aclose()
    raise AssertionError("no running page with a teacher and students")


async def sees_whole(client: httpx.AsyncClient, person: str) -> None:
    """Wait until the new curator's right counts: rights follow identity's log, on a busy machine a little later."""
    for _ in range(100):
        if "login" in (await client.get(f"/identity/people/{person}")).json():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("an appointed curator does not see the data of a student within 10 s")


def journal_day(page: dict[str, Any]) -> date:
    """The latest day of study of the page that is not in the future."""
    day = date.today()
    while day.isoweekday() == 7:
        day = date.fromordinal(day.toordinal() - 1)
    assert day.isoformat() >= page["page"]["starts_on"]
    return day


async def activated(journal: Journal, issuer: httpx.AsyncClient, person: str, login: str) -> httpx.AsyncClient:
    """The person signed in for the first time, by a code of the administrator or, for a student, of the curator."""
    issued = await issuer.post(f"/identity/people/{person}/codes", json={}, headers=key())
    assert issued.is_success, issued.text
    account = {"code": issued.json()["secret"], "login": login, "password": PASSWORD}
    async with journal.client() as stranger:
        made = await stranger.post("/identity/activation", json=account, headers=key())
        assert made.is_success, made.text
    return await journal.signed_in(login, PASSWORD)


def current_year(source: Path, target: Path) -> Path:
    """The set with its years moved so that the autumn classes run today; nothing else is touched."""
    target.mkdir()
    today = date.today()
    school = today.year if today.month >= 8 else today.year - 1
    for file in source.glob("*.csv"):
        with file.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.reader(opened))
        moved = [[_moved(cell, school - 2018, today) for cell in row] for row in rows]
        with (target / file.name).open("w", encoding="utf-8", newline="") as written:
            csv.writer(written).writerows(moved)
    return target


def _moved(cell: str, years: int, today: date) -> str:
    for year in (2018, 2019):
        if cell.startswith(f"{year}-") and cell.endswith(" 00:00"):
            return f"{year + years}{cell[4:]}"
    return str(int(cell) + years) if cell == "2018" else cell


def test_the_template_of_a_people_list_is_printed_and_read_back(empty: Path, tmp_path: Path) -> None:
    file = tmp_path / "people.xlsx"
    assert zhurnal_here("import", "people", "--template", str(file)).returncode == 0
    assert file.read_bytes()[:2] == template()[:2] == b"PK"
    done = zhurnal_here("import", "people", str(file), "--check", "--json", data=empty)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)
