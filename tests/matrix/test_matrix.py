"""The permission matrix: every route × everybody of the cast × the objects' relation and state, against the oracle.

Whoever is refused, or to whom an object does not exist, gets byte for byte the answer that a missing object gets, and
leaves nothing behind in any log. No answer shows anybody what the table of sights keeps from him.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping

import pytest
from starlette.routing import Route

from services.kit.http import GuardedRoute, Policy, Router, UnguardedRoute, create_app, guarded_routes
from tests.matrix.asks import ASKS, Ask, Missing, ask_of, depends, filled, path_of
from tests.matrix.oracle import CASES, SERVICES, SIGHTS, WHO, Case
from tests.matrix.world import Answer, World, family_name

pytestmark = pytest.mark.anyio

STOPPED_BY_A_RULE = (400, 409, 412, 422, 428)
POLICY_REFUSALS = ("unauthenticated", "forbidden")


# -- that nothing is left out ---------------------------------------------------------------------------------------


def routes_of(world: World, service: str) -> set[str]:
    return {f"{method} {route.path}" for route in guarded_routes(world.app(service)) for method in route.methods or ()}


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_has_a_row_and_every_row_a_route(world: World, service: str) -> None:
    rows = {case.route for case in CASES if case.service == service}
    routes = routes_of(world, service)
    assert sorted(routes - rows) == [], "routes that the oracle does not know"
    assert sorted(rows - routes) == [], "rows of the oracle without a route"


def test_every_case_is_asked_as_it_says() -> None:
    cases = Counter((case.service, case.route, case.title) for case in CASES)
    asked = {(service, *key) for service, asks in ASKS.items() for key in asks}
    assert [case for case, n in cases.items() if n > 1] == []
    assert sorted(asked - cases.keys()) == [], "questions to cases that the oracle does not have"
    parts = {case[:2] for case in cases if case[2]}
    assert [c for c in cases if c[:2] in parts and not c[2]] == [], "a case without a title beside others"


@pytest.mark.parametrize("service", SERVICES)
async def test_a_route_without_policy_cannot_start(world: World, service: str) -> None:
    app = world.app(service)
    assert [r.path for r in app.routes if isinstance(r, Route) and not isinstance(r, GuardedRoute)] == ["/openapi.json"]
    assert all(isinstance(route.policy, Policy) for route in guarded_routes(app))
    router = Router()
    router.routes += guarded_routes(app)
    create_app(service, [router], app.state.authenticator)
    router.add_api_route("/unguarded", lambda: None)
    with pytest.raises(UnguardedRoute):
        create_app(service, [router], app.state.authenticator)


# -- the matrix -----------------------------------------------------------------------------------------------------


def names_an_object(case: Case, ask: Ask) -> bool:
    return depends(case.path, ask)


async def put(world: World, case: Case, ask: Ask, member: str, known: Mapping[str, str]) -> Answer:
    """The answer to a case put by a member of the cast, about these objects."""
    return await world.ask(
        member,
        case.service,
        case.method,
        path_of(case.path, ask, known),
        filled(ask.body, known),
        query=filled(ask.query, known),
        headers=filled(ask.headers, known),
        session=await world.session(member, str(case)) if ask.session and member in world.people else "",
    )


async def prepared(world: World, case: Case, member: str) -> dict[str, str]:
    """Objects that every question needs afresh, because it may use them up."""
    if case.route == "DELETE /sessions/{session}" and member in world.people:
        return {"own_session": await world.session(member, "to be ended")}
    if case.route == "DELETE /people/{student}/guardians/{link}" and case.verdicts[member] == "yes":
        return {"spare_link": world.links.pop()}
    return {}


def verdict_of(answer: Answer) -> str:
    """What became of a request, in the words of the oracle; `yes` stands for done, `rule` for stopped by a rule."""
    status = answer.status
    if answer.code == "bulk-refused":
        inside = {item["problem"]["status"] for item in answer.document["items"]}
        status = inside.pop() if len(inside) == 1 else status
    if status < 300:
        return "yes"
    if status in STOPPED_BY_A_RULE:
        return "rule"
    if status == 404:
        return "404"
    if status in (401, 403):
        return "no" if answer.code in POLICY_REFUSALS else "seen"
    return f"HTTP {status}"


AGREES = {"done": ("yes",), "yes": ("yes", "rule")}
"""What may be found where the oracle says so; every other word must be found as it is."""
FIRST_TO_LAST = ("no", "404", "seen", "rule", "done", "yes")
"""Whoever is refused asks first, while nothing of the case is done yet."""


@pytest.mark.clause("R 1.6", "R 3.6", "R 4.2.1", "R 4.4.1")
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_everybody_is_answered_as_the_oracle_says(world: World, case: Case) -> None:
    ask = ask_of(case.service, case.route, case.title)
    if "if-match" in ask.headers:
        await world.read_tags()
    in_turn = sorted(WHO.cast, key=lambda member: FIRST_TO_LAST.index(case.verdicts[member]))
    refused = [member for member in in_turn if case.verdicts[member] not in AGREES]
    before = await world.heads()
    wrong = [found for member in refused async for found in differences(world, case, ask, member)]
    if await world.heads() != before:
        wrong.append("something refused was written")
    wrong += [found for member in in_turn[len(refused) :] async for found in differences(world, case, ask, member)]
    assert not wrong, "\n".join([str(case), *wrong])


async def differences(world: World, case: Case, ask: Ask, member: str) -> AsyncIterator[str]:
    """In what the answer to a member of the cast differs from what the oracle says."""
    expected = case.verdicts[member]
    answer = await put(world, case, ask, member, world.objects | await prepared(world, case, member))
    found = verdict_of(answer)
    if found not in AGREES.get(expected, (expected,)):
        yield f"{member}: {expected} expected, {found} found: {answer.status} {answer.body.decode()[:200]}"
    elif expected in ("no", "404") and names_an_object(case, ask):
        missing = await put(world, case, ask, member, Missing())
        if answer != missing:
            yield f"{member}: {answer} tells it from a missing one: {missing}"
    for what in sights(world, case, answer):
        if member not in SIGHTS[what]:
            yield f"{member} sees {what}"


# -- what is seen ---------------------------------------------------------------------------------------------------


def sights(world: World, case: Case, answer: Answer) -> set[str]:
    """What of the table of sights is to be found in an answer."""
    if answer.status >= 300:
        return set()
    found = set()
    for what in SIGHTS:
        kind, _, member = re.fullmatch(r"(\w+) (of|about) (.+)", what).groups()  # type: ignore[union-attr]
        marks = {
            "contacts": lambda m: [world.phone(m)],
            "name": lambda m: [family_name(m)] if case.path != "/reads/me" else [],
            "grades": lambda m: [world.objects["foreign_grade" if m == "student.foreign" else "grade"]],
            "splits": lambda m: [world.objects["split"]],
            "notices": lambda m: [f'"student":"{world.people[m]}"'] if case.service == "notifications" else [],
            "timetable": lambda m: (
                [f'"period": "{world.objects["period"]}"'] if case.service == "notifications" else []
            ),
            "reissue": lambda m: [f'"person": "{world.people[m]}"'] if case.service == "notifications" else [],
        }[kind](member)
        if any(mark.encode() in answer.body for mark in marks):
            found.add(what)
    return found


FOREIGN = {
    "page": "foreign_page",
    "closed_page": "foreign_page",
    "student": "other_student",
    "guardian": "other_guardian",
    "group": "other_group",
    "lesson": "foreign_lesson",
}
"""The objects of group B in place of those of group A."""


@pytest.mark.clause("R 3.6", "R 4.4.1")
async def test_everybody_sees_what_the_oracle_says_and_nothing_else(world: World) -> None:
    await world.system.caught_up()
    own, foreign = world.objects, world.objects | {name: world.objects[other] for name, other in FOREIGN.items()}
    seen: dict[str, set[str]] = {what: set() for what in SIGHTS}
    for case in CASES:
        if case.method != "GET" and case.route != "POST /names":
            continue
        ask = ask_of(case.service, case.route, case.title)
        for member in case.verdicts:
            for objects in (own, foreign) if names_an_object(case, ask) else (own,):
                for what in sights(world, case, await put(world, case, ask, member, objects)):
                    seen[what].add(member)
    for what, members in SIGHTS.items():
        assert sorted(seen[what]) == sorted(members), what
