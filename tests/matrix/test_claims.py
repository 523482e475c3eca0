"""Single promises about access, told as stories where the matrix only has cells."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.identity import groups, guardians, people
from services.identity.accounts import issue_code
from services.identity.rules import Span
from tests.matrix.oracle import CASES, SERVICES
from tests.matrix.world import EMPTY, MARK, ORDER_END, PASSWORD, TODAY, TOMORROW, World, at

pytestmark = pytest.mark.anyio

PROBES = {
    "identity": "/me",
    "schedule": "/lessons?mine=true",
    "gradebook": "/pages",
    "reporting": "/groups/{group}/summary",
    "notifications": "/inbox",
}
"""In each service a question that an office of the college may ask."""


# -- nobody grants anything to himself ------------------------------------------------------------------------------


TO_HIMSELF: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("administrator.college", "identity", "/people/{self}/roles", {"role": "teacher"}),
    ("director.college", "identity", "/people/{self}/roles", {"role": "deputy_director", "order_no": "1"}),
    ("administrator.college", "identity", "/people/{self}/codes", None),
    ("curator.own", "identity", "/people/{self}/codes", None),
    ("administrator.college", "identity", "/people/{student}/guardians", {"guardian": "{self}"}),
    ("curator.own", "identity", "/people/{student}/guardians", {"guardian": "{self}"}),
    ("administrator.college", "identity", "/groups/{group}/curators", {"person": "{self}"}),
    ("deputy.college", "identity", "/groups/{group}/curators", {"person": "{self}"}),
    ("director.college", "identity", "/groups/{group}/curators", {"person": "{self}"}),
    ("office.college", "identity", "/groups/{group}/students", {"student": "{self}"}),
    (
        "administrator.college",
        "schedule",
        "/assignments",
        {"group": "{group}", "discipline": "{discipline_second}", "period": "{period}", "teacher": "{self}"},
    ),
    (
        "deputy.own",
        "schedule",
        "/assignments/{assignment}/reassignment",
        {"teacher": "{self}", "on": TOMORROW.isoformat(), "reason": "other"},
    ),
    ("office.own", "schedule", "/lessons/{lesson}/substitution", {"teacher": "{self}", "reason": "illness"}),
]


@pytest.mark.clause("R 4.2.1")
@pytest.mark.parametrize(("member", "service", "path", "body"), TO_HIMSELF)
async def test_nobody_grants_a_role_a_page_or_a_code_to_himself(
    world: World, member: str, service: str, path: str, body: dict[str, Any] | None
) -> None:
    objects = {**world.objects, "self": world.people[member]}
    before = await world.heads()
    filled = None if body is None else {k: v.format_map(objects) for k, v in body.items()}
    answer = await world.ask(member, service, "POST", path.format_map(objects), filled)
    assert answer.status in (403, 404), answer
    assert await world.heads() == before


def roster(world: World, **records: Any) -> dict[str, Any]:
    kinds = ("groups", "people", "roles", "guardians", "enrolments")
    return {"source": "matrix", "scope": dict.fromkeys(kinds, "delta"), **records}


async def test_an_import_grants_nothing_to_whoever_imports(world: World) -> None:
    """Neither by new rows, nor by rows under the ids of rights that somebody else holds."""
    me, admin = world.people["administrator.college"], "administrator.college"
    whole = await world.done(admin, "identity", "GET", f"/people/{world.people['director.college']}")
    his = next(role["id"] for role in whole["roles"] if role["role"] == "director")
    row = {"external_id": "1", "where": "roles.csv:2", "person_id": me, "starts_on": TODAY.isoformat()}
    link = {"external_id": "1", "where": "guardians.csv:2", "guardian_id": me, "student_id": world.objects["student"]}
    enrolled = {"external_id": "1", "where": "n.csv:2", "person_id": me, "group_id": world.objects["group"]}
    for records in (
        {"roles": [{**row, "id": "new", "role": "teacher"}]},
        {"roles": [{**row, "id": his, "role": "teacher"}]},
        {"guardians": [{**link, "id": "new"}]},
        {"guardians": [{**link, "id": world.objects["link"]}]},
        {"enrolments": [{**enrolled, "id": "new"}]},
    ):
        before = await world.heads()
        answer = await world.ask(admin, "identity", "POST", "/imports", roster(world, **records))
        assert answer.code == "import-refused", (records, answer.body.decode())
        assert {p["code"] for p in answer.document["problems"]} <= {"not-to-yourself", "of-another"}
        assert await world.heads() == before


async def test_an_import_of_teaching_gives_no_page_to_whoever_imports(world: World) -> None:
    me, admin = world.people["administrator.college"], "administrator.college"
    base = {"external_id": "1", "where": "x.csv:2"}
    days = {"starts_on": "2025-09-01", "ends_on": "2026-06-30"}
    document = {
        "source": "matrix",
        "scope": {},
        "years": [{**base, "id": "y", "title": "2025/26", **days}],
        "periods": [{**base, "id": "p", "year_id": "y", "kind": "semester", "title": "I", **days}],
        "disciplines": [{**base, "id": "d", "code": "ОП.09", "name": "Предмет 9"}],
        "groups": [{**base, "id": world.objects["group"], "name": "А-11", "discipline_id": "d", "period_ids": ["p"]}],
        "teaching": [
            {**base, "id": "t", "group_id": world.objects["group"], "person_id": me, "responsible": True},
        ],
    }
    before = await world.heads()
    answer = await world.ask(admin, "schedule", "POST", "/imports", document)
    assert answer.code == "bad-rows", answer.body.decode()
    assert [f["code"] for f in answer.document["findings"]] == ["own-assignment"]
    assert await world.heads() == before


# -- roles add up, and give nothing beyond their sum ----------------------------------------------------------------


async def test_several_roles_of_a_person_add_up_and_give_nothing_beyond(world: World) -> None:
    """Deputy for group B, curator of group A, teacher nowhere, guardian of a student of group B."""
    o, person = world.objects, await world.register("several")
    for step in (
        lambda tx: people.grant(tx, person, "deputy_director", o["other_group"], Span(TODAY, None), "1-к"),
        lambda tx: people.grant(tx, person, "teacher", "", Span(TODAY, None), ""),
        lambda tx: groups.appoint_curator(tx, o["group"], person, Span(TODAY, None), ""),
        lambda tx: guardians.link(tx, o["other_student"], person, Span(TODAY, None)),
    ):
        await world.do(step)
    await world.system.caught_up()
    for service, path in (
        ("gradebook", "/pages/{page}"),
        ("gradebook", "/pages/{foreign_page}"),
        ("reporting", "/students/{student}/card"),
        ("reporting", "/students/{other_student}/card"),
        ("identity", "/people/{student}"),
    ):
        assert (await asked(world, "several", service, path)).status == 200, path
    before = await world.heads()
    for method, path, body in (
        ("POST", "/pages/{page}/close", {}),
        ("PUT", "/pages/{page}/rules", {"min_grades": 1}),
        ("POST", "/closings", {"period": o["finals_period"], "force": True, "reason": {"code": "other"}}),
    ):
        answer = await world.ask("several", "gradebook", method, path.format_map(o), body)
        assert answer.status == 404, (path, answer)
    path = "/pages/{page}/cells/{lesson}/{adult}".format_map(o)
    cell = await world.ask("several", "gradebook", "PUT", path, MARK, headers=EMPTY)
    assert cell.code == "not-your-lesson"
    assert await world.heads() == before
    async with world.system.gradebook.pool.connection() as conn:
        assert await (await conn.execute("select period from closed_period")).fetchall() == []


# -- families -------------------------------------------------------------------------------------------------------


@pytest.mark.clause("R 3.6")
async def test_a_guardian_asking_for_another_child_by_id_finds_nobody(world: World) -> None:
    for service, path in (
        ("reporting", "/students/{}/card"),
        ("schedule", "/lessons?student={}"),
        ("gradebook", "/absences?student={}"),
        ("identity", "/people/{}"),
    ):
        students = [*(world.objects[name] for name in ("student", "neighbour", "other_student")), "nobody"]
        answers = [await asked(world, "guardian.own", service, path.format(student)) for student in students]
        assert answers[0].status == 200
        assert answers[1] == answers[2] == answers[3]
        assert answers[1].status == 404


@pytest.mark.clause("R 3.6")
async def test_an_ended_link_shows_nothing_any_more(world: World) -> None:
    path = f"/students/{world.objects['other_student']}/card"
    assert (await asked(world, "guardian.foreign", "reporting", path)).status == 200
    person = await world.done("curator.foreign", "identity", "GET", f"/people/{world.objects['other_student']}")
    link = next(g["link"] for g in person["guardians"] if g["guardian"] == world.objects["other_guardian"])
    unlink = f"/people/{world.objects['other_student']}/guardians/{link}"
    await world.done("curator.foreign", "identity", "DELETE", unlink)

    async def gone() -> bool:
        return bool((await asked(world, "guardian.foreign", "reporting", path)).status == 404)

    await eventually(gone)


@pytest.mark.clause("R 2.4")
async def test_a_graduate_still_reads_his_card_and_nobody_elses(world: World) -> None:
    card = (await asked(world, "student.graduated", "reporting", "/students/me/card")).document
    assert world.objects["page"] in {discipline["page"] for discipline in card["disciplines"]}
    other = await asked(world, "student.graduated", "reporting", f"/students/{world.objects['student']}/card")
    assert other.status == 404


# -- the administrator ----------------------------------------------------------------------------------------------


@pytest.mark.clause("R 4.2.1")
async def test_the_administrator_of_the_journal_neither_sees_nor_writes_grades(world: World) -> None:
    """Not even those that he would have as the guest of a list: his gaps tell what is missing, never a mark."""
    of_grades = [case for case in CASES if case.service == "gradebook" and case.route != "GET /status"]
    assert {case.verdicts["administrator.college"] for case in of_grades} == {"no"}
    await world.system.caught_up()
    for service, path in (
        ("reporting", f"/groups/{world.objects['group']}/gaps"),
        ("notifications", "/inbox"),
        ("schedule", f"/lessons?group={world.objects['group']}"),
        ("identity", f"/people/{world.objects['student']}"),
    ):
        answer = await asked(world, "administrator.college", service, path)
        assert answer.status == 200
        assert not any(world.objects[grade].encode() in answer.body for grade in ("grade", "old_grade"))
        assert b'"value"' not in answer.body


# -- what is over is over at once -------------------------------------------------------------------------------------


async def asked(world: World, member: str, service: str, path: str) -> Any:
    path, _, query = path.format_map(world.objects).partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&")) if query else {}
    return await world.ask(member, service, "GET", path, query=pairs)


async def test_an_account_disabled_and_a_session_revoked_are_out_everywhere_at_once(world: World) -> None:
    """The clock stands still, so it is not by running out that cookie and token are refused."""
    people_of, person = world.system.identity, world.people["deputy.college"]
    code = (await world.do(lambda tx: issue_code(tx, person)))["secret"]
    await people_of.accounts.activate(code, "deputy", PASSWORD, "127.0.0.1")
    async with browser(world) as first, browser(world) as second:
        for one in (first, second):
            signed_in = await one.post("/api/identity/sessions", json={"login": "deputy", "password": PASSWORD})
            assert signed_in.status_code == 201, signed_in.text
        token = world.token("deputy.college")
        assert await statuses(world, first) == await statuses(world, second) == dict.fromkeys(SERVICES, 200)
        ended = await second.delete("/api/identity/sessions/current", headers={"Idempotency-Key": "claims-0001"})
        assert ended.status_code == 200
        await out(world, second)
        assert await statuses(world, first) == dict.fromkeys(SERVICES, 200)
        await world.done("administrator.college", "identity", "POST", f"/people/{person}/disabling")
        await out(world, first)
        for service, path in PROBES.items():
            assert (await asked(world, "deputy.college", service, path)).status == 401
        assert token == world.token("deputy.college")
        again = await first.post("/api/identity/sessions", json={"login": "deputy", "password": PASSWORD})
        assert again.status_code == 401


def browser(world: World) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(world.system.edge(), client=("127.0.0.1", 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://journal.test", headers={"X-Zhurnal": "1"})


async def statuses(world: World, client: httpx.AsyncClient) -> dict[str, int]:
    paths = {service: f"/api/{service}{path.format_map(world.objects)}" for service, path in PROBES.items()}
    return {service: (await client.get(path)).status_code for service, path in paths.items()}


async def out(world: World, client: httpx.AsyncClient) -> None:
    """Return once every service refuses the client."""

    async def refused() -> bool:
        return set((await statuses(world, client)).values()) == {401}

    await eventually(refused)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once it holds; a quarter of a minute without that fails the test."""
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 - what is awaited belongs to the services
            await asyncio.sleep(0.01)


# -- the calendar alone ends rights; last, since it moves the clock ---------------------------------------------------


async def test_the_day_after_his_order_ends_an_auditor_reads_nothing(world: World) -> None:
    paths = [
        ("gradebook", f"/pages/{world.objects['page']}"),
        ("gradebook", f"/pages/{world.objects['page']}/history"),
        ("reporting", f"/students/{world.objects['student']}/card"),
        ("reporting", f"/groups/{world.objects['group']}/summary"),
    ]
    world.clock.set(at(ORDER_END))
    assert [(await asked(world, "auditor.college", *path)).status for path in paths] == [200, 200, 200, 200]
    world.clock.set(datetime(2026, 6, 30, 17, 0, tzinfo=UTC))  # midnight in Barnaul
    assert [(await asked(world, "auditor.college", *path)).status for path in paths] == [403, 403, 404, 403]
