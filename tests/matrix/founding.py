"""Founding the small college of the permission matrix: its people, schedule, lessons, links, and who is out.

Everything in it is done through the same commands and routes that people use; only sessions are put down as rows, and
tokens are minted.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from contracts.ids import page_id
from services.identity import groups, guardians, people
from services.identity.accounts import issue_code
from services.identity.commands import Tx
from services.identity.rules import Span
from services.kit.settings import SERVICES, Settings
from services.system import open_system
from tests.common.clock import ManualClock
from tests.conftest import NewDatabase
from tests.matrix.oracle import WHO
from tests.matrix.world import (
    BEFORE,
    EMPTY,
    END,
    FINALS_END,
    LONG_AGO,
    MARK,
    ORDER_END,
    PASSWORD,
    TODAY,
    TOMORROW,
    YESTERDAY,
    World,
    at,
)

ROLES = {
    "teacher": "teacher",
    "instructor": "workshop_instructor",
    "office": "study_office",
    "deputy": "deputy_director",
    "administrator": "journal_administrator",
    "director": "director",
    "auditor": "auditor",
}
SPARE_LINKS = 4


@asynccontextmanager
async def found(new: NewDatabase, data: Path) -> AsyncIterator[World]:
    """The college as it stands today, with its loops running."""
    databases = {name: await new(name) for name in SERVICES}
    addresses = {f"{name}_dsn": db.dsn for name, db in databases.items()}
    addresses |= {f"{name}_owner_dsn": db.owner_dsn for name, db in databases.items()}
    clock = ManualClock(at(BEFORE))
    async with open_system(Settings.load({}, data=data, **addresses), clock) as system:
        world = World(system, clock)
        await _people(world)
        await system.caught_up()
        await _schedule(world)
        await system.caught_up()
        await _lessons_before(world)
        clock.set(at(TODAY))
        await _lessons_today(world)
        await _links_and_splits(world)
        await _out(world)
        clock.advance(timedelta(minutes=20))  # nothing can be undone any more
        await system.caught_up()
        running = asyncio.create_task(system.run())
        try:
            yield world
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _people(world: World) -> None:
    cast = [m for m in WHO.cast if m not in ("anonymous", "service")]
    for member in [*cast, "spare.student", "spare.staff", *(f"spare.guardian-{n}" for n in range(SPARE_LINKS))]:
        await world.register(member)
    ids = world.people

    async def form(tx: Tx) -> dict[str, Any]:
        for name, title in (("group", "А-11"), ("other_group", "Б-11")):
            world.objects[name] = str((await groups.form(tx, title, "", 2025))["group"])
        return {}

    await world.do(form)
    a, b = world.objects["group"], world.objects["other_group"]

    async def appoint(tx: Tx) -> dict[str, Any]:
        for member in cast:
            kind, _, relation = member.partition(".")
            scope = {"own": a, "foreign": b}.get(relation, "") if kind in ("office", "deputy") else ""
            if kind in ROLES:
                await people.grant(tx, ids[member], ROLES[kind], scope, world.span(member), "1-к")
        for member in ("disabled", "revoked"):
            await people.grant(tx, ids[member], "director", "", Span(LONG_AGO, None), "1-к")
        await people.grant(tx, ids["spare.staff"], "teacher", "", Span(LONG_AGO, None), "")
        return {}

    async def curators(tx: Tx) -> dict[str, Any]:
        for member, span in (
            ("curator.ended", Span(LONG_AGO, YESTERDAY)),
            ("curator.own", Span(TODAY, None)),
            ("curator.tomorrow", Span(TOMORROW, None)),
        ):
            await groups.appoint_curator(tx, a, ids[member], span, "2-к")
        await groups.appoint_curator(tx, b, ids["curator.foreign"], Span(LONG_AGO, None), "2-к")
        return {}

    async def enrol(tx: Tx) -> dict[str, Any]:
        for member in ("own", "same-group", "adult", "former", "graduated"):
            await groups.enrol(tx, ids[f"student.{member}"], a, Span(LONG_AGO, None), "1-с")
        await groups.enrol(tx, ids["spare.student"], a, Span(LONG_AGO, None), "1-с")
        await groups.enrol(tx, ids["student.foreign"], b, Span(LONG_AGO, None), "1-с")
        await groups.enrol(tx, ids["student.tomorrow"], a, Span(TOMORROW, None), "1-с")
        await groups.transfer(tx, ids["student.former"], a, b, TODAY, "2-с")
        await groups.set_status(tx, ids["student.graduated"], a, "graduated", TODAY, "3-с")
        return {}

    async def guard(tx: Tx) -> dict[str, Any]:
        for relation in ("own", "same-group", "foreign", "ended", "tomorrow"):
            child = f"student.{relation}" if relation in ("own", "same-group", "foreign") else "student.own"
            guardian = f"guardian.{relation}"
            linked = await guardians.link(tx, ids[child], ids[guardian], world.span(guardian))
            if relation == "own":
                world.objects["link"] = str(linked["link"])
        for n in range(SPARE_LINKS):
            linked = await guardians.link(tx, ids["student.own"], ids[f"spare.guardian-{n}"], Span(LONG_AGO, None))
            world.links.append(str(linked["link"]))
        return {}

    for step in (appoint, curators, enrol, guard):
        await world.do(step)


async def _schedule(world: World) -> None:
    admin, o, ids = "administrator.college", world.objects, world.people

    async def made(path: str, body: dict[str, Any]) -> str:
        return str((await world.done(admin, "schedule", "POST", path, body))["id"])

    year = {"title": "2025/26", "starts_on": LONG_AGO.isoformat(), "ends_on": ORDER_END.isoformat()}
    o["year"] = await made("/years", year)
    o["room"] = await made("/rooms", {"title": "101", "capacity": 30})
    for period, group, ends_on in (("pa", "group", END), ("pf", "group", FINALS_END), ("pb", "other_group", END)):
        body = {"year": o["year"], "group": o[group], "title": period, "kind": "semester"}
        body |= {"starts_on": LONG_AGO.isoformat(), "ends_on": ends_on.isoformat()}
        await world.done(admin, "schedule", "PUT", f"/periods/{period}", body)
    o |= {"period": "pa", "finals_period": "pf"}
    for n, name in enumerate(("main", "second", "closed", "finals"), 1):
        body = {"code": f"ОП.0{n}", "title": f"Предмет {n}", "kind": "discipline"}
        o[f"discipline_{name}"] = await made("/disciplines", body)

    async def assign(name: str, teacher: str, discipline: str, period: str = "pa", **more: Any) -> None:
        group = o["other_group" if period == "pb" else "group"]
        body = {"group": group, "discipline": o[f"discipline_{discipline}"], "period": period}
        o[name] = await made("/assignments", {**body, "teacher": ids[teacher], **more})

    await assign("assignment", "teacher.former", "main")
    await assign("practice_assignment", "instructor.own", "main", kinds=["practice"], responsible=False)
    for member in ("teacher.ended", "teacher.tomorrow", "instructor.ended", "instructor.tomorrow"):
        await assign(f"assignment of {member}", member, "main", responsible=False)
    await assign("second_assignment", "teacher.same-group", "second")
    await assign("closed_assignment", "teacher.own", "closed")
    await assign("finals_assignment", "teacher.own", "finals", "pf")
    await assign("finals_practice", "instructor.own", "finals", "pf", responsible=False)
    await assign("foreign_assignment", "teacher.foreign", "main", "pb")
    await assign("foreign_practice", "instructor.foreign", "main", "pb", responsible=False)
    for name, discipline, period, group in (
        ("page", "main", "pa", "group"),
        ("second_page", "second", "pa", "group"),
        ("closed_page", "closed", "pa", "group"),
        ("finals_page", "finals", "pf", "group"),
        ("foreign_page", "main", "pb", "other_group"),
    ):
        o[name] = page_id(o[group], o[f"discipline_{discipline}"], period)

    slots = [{"weekday": 3, "pair": pair, "assignment": o["assignment"]} for pair in (1, 2, 4)]
    slots.append({"weekday": 3, "pair": 3, "assignment": o["practice_assignment"], "kind": "practice"})
    await made("/timetables", {"group": o["group"], "period": "pa", "slots": slots})
    await world.system.caught_up()
    day = TODAY.isoformat()
    listed = await world.done(admin, "schedule", "GET", "/lessons", query={"group": o["group"], "from": day, "to": day})
    planned = {item["pair"]: item["lesson"] if "lesson" in item else item["id"] for item in listed["items"]}
    o |= {"lesson": planned[1], "substituted": planned[2], "practice": planned[3], "substituted_too": planned[4]}
    for lesson in ("substituted", "substituted_too"):
        body = {"teacher": ids["teacher.substitute"], "reason": "illness"}
        await world.done(admin, "schedule", "POST", f"/lessons/{o[lesson]}/substitution", body)
    for assignment, teacher, on in (
        ("assignment", "teacher.own", TODAY),
        ("practice_assignment", "teacher.future", TOMORROW),
    ):
        body = {"teacher": ids[teacher], "on": on.isoformat(), "reason": "leave"}
        await world.done(admin, "schedule", "POST", f"/assignments/{o[assignment]}/reassignment", body)


def lesson_body(assignment: str, day: date = TODAY, pair: int = 1, kind: str = "lecture") -> dict[str, Any]:
    """The body by which a lesson of an assignment is entered."""
    return {"assignment": assignment, "date": day.isoformat(), "pair": pair, "kind": kind, "topic": "Тема"}


async def _hold(world: World, member: str, page: str, lesson: str, body: dict[str, Any]) -> None:
    o = world.objects
    await world.done(member, "gradebook", "PUT", f"/pages/{o[page]}/lessons/{o[lesson]}", body)


async def _grade(world: World, member: str, page: str, lesson: str, student: str) -> str:
    o = world.objects
    path = f"/pages/{o[page]}/cells/{o[lesson]}/{world.people[student]}"
    return str((await world.done(member, "gradebook", "PUT", path, MARK, headers=EMPTY))["grades"][0]["grade"])


async def _lessons_before(world: World) -> None:
    """A lesson that teacher.former held and graded."""
    world.objects["old_lesson"] = "lesson-old"
    await _hold(world, "teacher.former", "page", "old_lesson", lesson_body(world.objects["assignment"], BEFORE))
    world.objects["old_grade"] = await _grade(world, "teacher.former", "page", "old_lesson", "student.own")


async def _lessons_today(world: World) -> None:
    o = world.objects
    for lesson in ("closed_lesson", "finals_lesson", "foreign_lesson", "new_lesson", "new_practice"):
        o[lesson] = lesson.replace("_", "-")
    for member, page, lesson, assignment, pair, kind in (
        ("teacher.own", "page", "lesson", "assignment", 1, "lecture"),
        ("teacher.substitute", "page", "substituted", "assignment", 2, "lecture"),
        ("instructor.own", "page", "practice", "practice_assignment", 3, "practice"),
        ("teacher.own", "closed_page", "closed_lesson", "closed_assignment", 5, "lecture"),
        ("teacher.own", "finals_page", "finals_lesson", "finals_assignment", 6, "lecture"),
        ("teacher.foreign", "foreign_page", "foreign_lesson", "foreign_assignment", 1, "lecture"),
    ):
        await _hold(world, member, page, lesson, lesson_body(o[assignment], pair=pair, kind=kind))
    o["grade"] = await _grade(world, "teacher.own", "page", "lesson", "student.own")
    o["foreign_grade"] = await _grade(world, "teacher.foreign", "foreign_page", "foreign_lesson", "student.foreign")
    o["as_of"] = f"gradebook:{(await world.heads())['gradebook']}"
    spread = await world.done("teacher.own", "gradebook", "GET", f"/pages/{o['page']}")
    row = next(row for row in spread["students"] if row["student"] == world.people["student.own"])
    tag = row["cells"][o["lesson"]]["etag"]
    changed = {"grades": [{"grade": o["grade"], "value": "4", "work": "oral"}], "reason": {"code": "input_error"}}
    row = next(row for row in spread["students"] if row["student"] == world.people["student.own"])
    tag = row["cells"][o["lesson"]]["etag"]
    path = f"/pages/{o['page']}/cells/{o['lesson']}/{world.people['student.own']}"
    await world.done("teacher.own", "gradebook", "PUT", path, changed, headers={"if-match": f'"{tag}"'})
    for student in ("student.own", "student.same-group"):
        path = f"/pages/{o['finals_page']}/finals/{world.people[student]}"
        await world.done("teacher.own", "gradebook", "PUT", path, {"value": "na"}, headers=EMPTY)
    close = {"force": True, "reason": {"code": "other"}}
    await world.done("director.college", "gradebook", "POST", f"/pages/{o['closed_page']}/close", close)


async def _links_and_splits(world: World) -> None:
    o, ids = world.objects, world.people
    halves = {"1": [ids["student.own"]], "2": [ids["student.same-group"]]}
    body = {"discipline": o["discipline_main"], "teacher": ids["teacher.own"], "subgroups": halves}
    proposed = await world.done("curator.own", "identity", "POST", f"/groups/{o['group']}/subgroups", body)
    o["split"] = str(proposed["split"])
    o["own_session"], o["spare_link"] = "none", world.links[0]
    o["other_session"] = await world.session("spare.staff", "somebody else's")
    person = await world.done("administrator.college", "identity", "GET", f"/people/{ids['student.own']}")
    o["student_grant"] = next(role["id"] for role in person["roles"] if role["role"] == "student")
    for name, member in {
        "student": "student.own",
        "neighbour": "student.same-group",
        "adult": "student.adult",
        "spare": "spare.student",
        "other_student": "student.foreign",
        "guardian": "guardian.own",
        "other_guardian": "guardian.foreign",
        "teacher": "teacher.own",
        "staff": "spare.staff",
        "substitute_teacher": "teacher.substitute",
        "next_curator": "curator.tomorrow",
    }.items():
        o[name] = ids[member]


async def _out(world: World) -> None:
    """One account disabled, one session revoked; and a code issued again to somebody who has an account."""
    ids, people_of = world.people, world.system.identity
    for member in ("disabled", "revoked"):
        code = (await world.do(lambda tx, m=member: issue_code(tx, ids[m])))["secret"]  # type: ignore[misc]
        await people_of.accounts.activate(code, member, PASSWORD, "127.0.0.1")
    await world.done("administrator.college", "identity", "POST", f"/people/{ids['disabled']}/disabling")
    session = await world.session("revoked", "the one of the matrix")
    await world.do(lambda tx: people_of.sessions.end(tx, ids["revoked"], session))
    code = (await world.do(lambda tx: issue_code(tx, ids["teacher.own"])))["secret"]
    await people_of.accounts.activate(code, "teacher.own", PASSWORD, "127.0.0.1")
    await world.done("administrator.college", "identity", "POST", f"/people/{ids['teacher.own']}/codes")
    world.objects["revoked_session"] = session
    await world.system.rights.catch_up()
