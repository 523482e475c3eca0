"""Routes, policies, problems as answers, conditional requests: what every service gets from the kit."""

from typing import Annotated, Any

import httpx
import orjson
import pytest
from fastapi import APIRouter, FastAPI, Query, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import InterfaceError, OperationalError
from psycopg.errors import PipelineAborted
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, ConfigDict, Field
from starlette.routing import Mount, Route

from contracts.grants import SessionOver
from services.kit import problems
from services.kit.authn import SILENCE_SECONDS
from services.kit.handle import command_id
from services.kit.http import (
    Caller,
    Change,
    Policy,
    Router,
    UnguardedRoute,
    create_app,
    guarded_routes,
    json,
    known_tags,
    position_header,
)
from tests.common.kit import Desk, browser, members

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "key-0001"}
TEACHERS = Policy("teachers", "teacher", "curator")


class Mark(BaseModel):
    """A body with every kind of field that services use."""

    model_config = ConfigDict(extra="forbid")

    value: int = Field(ge=2, le=5)
    topic: str = Field("", max_length=20)
    parts: list[int] = Field([], max_length=3)


def routes() -> Router:
    router = Router()

    @router.get("/open", policy=Policy("open", public=True))
    async def open_() -> Response:
        return json({"open": True})

    @router.get("/me", policy=Policy("anyone", signed_in=True))
    async def me(caller: Caller) -> Response:
        return json({"subject": caller.subject, "roles": sorted(caller.roles)})

    @router.get("/staff", policy=TEACHERS)
    async def staff() -> Response:
        return json({})

    @router.get("/internal", policy=Policy("services", service=True))
    async def internal() -> Response:
        return json({})

    @router.get("/pages/{page}", policy=TEACHERS)
    async def page(page: str, limit: Annotated[int, Query(ge=1, le=100)] = 10) -> Response:
        return json({"page": page, "limit": limit})

    @router.post("/marks", policy=TEACHERS)
    async def mark(change: Change, body: Mark) -> Response:
        seen = {"command": change.command_id, "request": change.request, "value": body.value, "topic": body.topic}
        return json(seen, 201, position_header("gradebook", 7))

    @router.put("/marks/{mark}", policy=TEACHERS)
    async def replace(mark: str, change: Change) -> Response:
        return json({"expected": change.expected()})

    @router.post("/open", policy=Policy("open", public=True))
    async def sign_in(body: Mark) -> Response:
        return json({})

    @router.get("/bug", policy=Policy("open", public=True))
    async def bug(what: str) -> Response:
        failures: dict[str, Exception] = {
            "key": KeyError("secret-in-the-message"),
            "lost": OperationalError("connection to server at 10.0.0.1 failed: secret-in-the-message"),
            "pool": PoolTimeout("secret-in-the-message"),
            "closed": InterfaceError("secret-in-the-message"),
            "pipeline": PipelineAborted("secret-in-the-message"),
            "tasks": ExceptionGroup("tasks", [OperationalError("secret-in-the-message"), InterfaceError("secret")]),
            "nested": ExceptionGroup("tasks", [ExceptionGroup("tasks", [PoolTimeout("secret-in-the-message")])]),
            "mixed": ExceptionGroup("tasks", [OperationalError("secret-in-the-message"), KeyError("secret")]),
            "refused": ExceptionGroup("tasks", [ExceptionGroup("tasks", [problems.Busy()]), OperationalError("lost")]),
            "busy": problems.Busy(),
            "parameter": problems.TooLarge(),
        }
        raise failures[what]

    return router


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.relate("t1", "role:teacher")
    return desk


@pytest.fixture
def app(desk: Desk) -> FastAPI:
    return desk.app(routes())


@pytest.fixture
def teacher(desk: Desk, app: FastAPI) -> httpx.AsyncClient:
    return browser(app, desk.bearer("t1"))


@pytest.fixture
def stranger(app: FastAPI) -> httpx.AsyncClient:
    return browser(app)


# -- policies ---------------------------------------------------------------------------------------------------


def test_an_app_with_an_unguarded_route_cannot_start(desk: Desk) -> None:
    async def endpoint() -> Response:
        return json({})

    plain = APIRouter()
    plain.add_api_route("/x", endpoint)
    hidden = Router()
    hidden.add_api_route("/x", endpoint)
    included = Router()
    included.include_router(routes())
    mounted = Router()
    mounted.routes.append(Mount("/x", routes=[Route("/y", endpoint)]))
    for router in (plain, hidden, included, mounted):
        with pytest.raises(UnguardedRoute):
            create_app("test", [routes(), router], desk.authenticator)


def test_a_route_cannot_be_declared_without_a_policy() -> None:
    for method in ("get", "post", "put", "patch", "delete"):
        with pytest.raises(TypeError):
            getattr(Router(), method)("/x")


@pytest.mark.parametrize("options", [{}, {"public": True, "signed_in": True}, {"service": True, "public": True}])
def test_a_policy_says_one_thing(options: dict[str, bool]) -> None:
    with pytest.raises(TypeError):
        Policy("vague", **options)
    with pytest.raises(TypeError):
        Policy("vague", "teacher", public=True)


def test_every_route_is_listed_with_its_policy(app: FastAPI) -> None:
    listed = {
        (route.path, method): route.policy.name for route in guarded_routes(app) for method in route.methods or ()
    }
    assert listed["/staff", "GET"] == "teachers"
    assert len(listed) == len(routes().routes)
    others = [getattr(route, "path", "") for route in app.routes if route not in guarded_routes(app)]
    assert others == ["/openapi.json"]


async def test_who_passes_which_policy(app: FastAPI, desk: Desk) -> None:
    desk.relate("c1", "curator", "g1")
    desk.relate("old", "role:teacher", ends="2025-08-31")
    desk.relate("new", "role:teacher", starts="2025-09-02")
    desk.relate("d1", "role:director")
    expected = {
        "t1": (200, 200, 403),
        "c1": (200, 200, 403),
        "old": (200, 403, 403),
        "new": (200, 403, 403),
        "d1": (200, 403, 403),
        "nobody": (200, 403, 403),
        "service:reporting": (403, 403, 200),
    }
    for subject, statuses in expected.items():
        async with browser(app, desk.bearer(subject)) as client:
            answers = [await client.get(path) for path in ("/me", "/staff", "/internal")]
            assert tuple(answer.status_code for answer in answers) == statuses, subject
            assert (await client.get("/open")).status_code == 200


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic dDE6", "Bearer x.y.z", "Token abc", "Bearer \xff"]
)
async def test_without_a_good_token_nobody_passes(stranger: httpx.AsyncClient, header: str | None) -> None:
    headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
    answer = await stranger.get("/me", headers=headers)
    assert members(answer, 401)["code"] == "unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_scheme_is_read_in_any_case(desk: Desk, stranger: httpx.AsyncClient) -> None:
    token = desk.bearer("t1")["Authorization"].partition(" ")[2]
    assert (await stranger.get("/me", headers={"authorization": f"bEARER {token}"})).status_code == 200


async def test_a_revoked_session_is_out_and_silence_is_said(desk: Desk, teacher: httpx.AsyncClient) -> None:
    desk.clock.advance(SILENCE_SECONDS + 1)
    answer = await teacher.get("/me")
    assert members(answer, 503)["code"] == "rights-unknown"
    assert answer.headers["retry-after"] == "1"
    desk.apply(SessionOver("session-1"))
    members(await teacher.get("/me"), 401)


async def test_the_policy_is_judged_before_the_body_is_read(stranger: httpx.AsyncClient) -> None:
    members(await stranger.post("/marks", content=b"not json", headers=KEY), 401)


# -- problems ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "spoken"),
    [
        (None, "ru"),
        ("", "ru"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("ru,en;q=0.8", "ru"),
        ("ru;q=0.1, en;q=0.9", "en"),
        ("de, en;q=0.5", "en"),
        ("de", "ru"),
        ("EN-us", "en"),
        ("en;q=0", "ru"),
        ("en;q=0.5,ru;q=0.5", "ru"),
        ("run, enm", "ru"),
        ("en;q=abc", "en"),
        (";;;,,,", "ru"),
        ("*", "ru"),
    ],
)
async def test_problems_speak_the_language_of_the_client(
    stranger: httpx.AsyncClient, header: str | None, spoken: str
) -> None:
    answer = await stranger.get("/me", headers={} if header is None else {"Accept-Language": header})
    document = members(answer, 401)
    assert document["title"] == ("Sign-in required" if spoken == "en" else "Нужен вход")
    assert answer.headers["content-language"] == spoken


async def test_unknown_addresses_and_methods(teacher: httpx.AsyncClient) -> None:
    for address in ("/nowhere", "/", "/marks/", "/me/", "/docs", "/redoc", "//me"):
        assert members(await teacher.get(address), 404)["code"] == "not-found"
    answer = await teacher.delete("/marks")
    assert members(answer, 405)["code"] == "method-not-allowed"
    assert answer.headers["allow"] == "POST"


async def test_a_bug_shows_nothing(stranger: httpx.AsyncClient) -> None:
    for what in ("key", "parameter", "mixed"):
        answer = await stranger.get("/bug", params={"what": what})
        assert members(answer, 500)["code"] == "internal"
        assert "secret" not in answer.text


async def test_a_lost_store_is_no_bug(stranger: httpx.AsyncClient) -> None:
    for what in ("lost", "pool", "closed", "pipeline", "tasks", "nested"):
        answer = await stranger.get("/bug", params={"what": what})
        assert members(answer, 503)["code"] == "store-unavailable"
        assert answer.headers["retry-after"] == "1"
        assert "secret" not in answer.text


async def test_who_may_try_again_is_told_when(stranger: httpx.AsyncClient) -> None:
    for what in ("busy", "refused"):
        answer = await stranger.get("/bug", params={"what": what})
        assert members(answer, 503)["code"] == "busy"
        assert answer.headers["retry-after"] == "1"


BAD_BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "text": b"hello",
    "not UTF-8": b'{"value": 5, "topic": "\xff"}',
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "no fields": b"{}",
    "wrong type": b'{"value": "five"}',
    "a fraction": b'{"value": 4.5}',
    "out of bounds": b'{"value": 6}',
    "not a number": b'{"value": NaN}',
    "endless": b'{"value": 1e999}',
    "a huge number": b'{"value": ' + b"9" * 10_000 + b"}",
    "an unknown field": b'{"value": 5, "weight": 2}',
    "too long": b'{"value": 5, "topic": "' + b"x" * 21 + b'"}',
    "too many": b'{"value": 5, "parts": [1, 2, 3, 4]}',
    "NUL": b'{"value": 5, "topic": "a\\u0000b"}',
    "NUL behind a backslash": b'{"value": 5, "topic": "\\\\\\u0000"}',
    "raw NUL": b'{"value": 5, "topic": "\x00"}',
    "UTF-16": '{"value": 5, "topic": "\\u0000"}'.encode("utf-16"),
    "half a character": b'{"value": 5, "topic": "\\ud800"}',
    "half a character as a name": b'{"value": 5, "\\ud800": 1}',
    "deep": b'{"value": 5, "topic": ' + b"[" * 900 + b"]" * 900 + b"}",
    "very deep": b"[" * 50_000 + b"]" * 50_000,
    "many errors": orjson.dumps({str(n): n for n in range(5_000)}),
    "a long name": orjson.dumps({"x" * 100_000: 1}),
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
@pytest.mark.parametrize("address", ["/marks", "/open"])
async def test_malformed_bodies(teacher: httpx.AsyncClient, body: bytes, address: str) -> None:
    headers = {**KEY, "Content-Type": "application/json"}
    answer = await teacher.post(address, content=body, headers=headers)
    assert members(answer, 422)["code"] == "malformed"
    assert len(answer.content) < 20_000


async def test_what_is_malformed_is_named(teacher: httpx.AsyncClient) -> None:
    answer = await teacher.post("/marks", json={"value": 9, "weight": 1}, headers=KEY)
    assert {(e["at"], e["rule"]) for e in members(answer, 422)["errors"]} == {
        ("body/value", "less_than_equal"),
        ("body/weight", "extra_forbidden"),
    }


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=1e3", "limit=", "limit=%00", "x=%00"])
async def test_malformed_queries(teacher: httpx.AsyncClient, query: str) -> None:
    members(await teacher.get(f"/pages/p1?{query}"), 422)


async def test_nul_in_an_address_is_nowhere(teacher: httpx.AsyncClient) -> None:
    members(await teacher.get("/pages/a%00b"), 404)


async def test_texts_with_a_backslash_before_u0000_pass(teacher: httpx.AsyncClient) -> None:
    answer = await teacher.post("/marks", content=b'{"value": 5, "topic": "\\\\u0000"}', headers=KEY | JSON)
    assert answer.json()["topic"] == "\\u0000"


@pytest.mark.parametrize("depth", [300, 900, 1000, 50_000])
async def test_a_deep_body_is_no_bug_where_no_model_reads_it(teacher: httpx.AsyncClient, depth: int) -> None:
    headers = KEY | JSON | {"If-Match": '"a1"'}
    answer = await teacher.put("/marks/m", content=b"[" * depth + b"]" * depth, headers=headers)
    assert answer.json() == {"expected": "a1"}


JSON = {"Content-Type": "application/json"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
async def test_no_body_is_a_bug(teacher: httpx.AsyncClient, body: bytes) -> None:
    members(await teacher.post("/marks", content=body, headers=KEY | JSON), 422)


# -- changes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", "short", "x" * 129, "with space", "кириллица", "tab\tbed", "key-0001\x7f"])
async def test_a_change_needs_a_good_key(teacher: httpx.AsyncClient, key: str | None) -> None:
    headers = {} if key is None else {b"Idempotency-Key": key.encode()}
    answer = await teacher.post("/marks", json={"value": 5}, headers=headers)
    assert members(answer, 400)["code"] == "idempotency-key-missing"


async def seen(client: httpx.AsyncClient, body: bytes, key: str = "key-0001", address: str = "/marks") -> Any:
    answer = await client.post(address, content=body, headers={"Idempotency-Key": key, **JSON})
    assert answer.status_code == 201, answer.text
    assert answer.headers["zhurnal-position"] == "gradebook:7"
    return answer.json()


async def test_the_command_is_that_of_subject_and_key(app: FastAPI, desk: Desk, teacher: httpx.AsyncClient) -> None:
    desk.relate("t2", "role:teacher")
    mine = await seen(teacher, b'{"value":5}')
    assert mine["command"] == command_id("t1", "key-0001")
    theirs = await seen(browser(app, desk.bearer("t2")), b'{"value":5}')
    other = await seen(teacher, b'{"value":5}', "key-0002")
    assert len({mine["command"], theirs["command"], other["command"]}) == 3


async def test_the_request_is_told_by_method_address_and_content_not_by_its_writing(
    teacher: httpx.AsyncClient,
) -> None:
    plain = await seen(teacher, b'{"value":5,"topic":"\xd1\x91"}')
    for same in (b'{ "topic" : "\\u0451" , "value" : 5 }', b'\n{"topic":"\xd1\x91","value":5}\n'):
        assert (await seen(teacher, same))["request"] == plain["request"]
    for other in (b'{"value":4,"topic":"\xd1\x91"}', b'{"value":5}'):
        assert (await seen(teacher, other))["request"] != plain["request"]
    elsewhere = await seen(teacher, b'{"value":5,"topic":"\xd1\x91"}', address="/marks?dry=1")
    assert elsewhere["request"] != plain["request"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"If-Match": '"a1"'}, "a1"),
        ({"If-Match": ' "a1" '}, "a1"),
        ({"If-Match": "a1"}, "a1"),
        ({"If-None-Match": "*"}, None),
        ({"If-None-Match": " * "}, None),
        ({"If-Match": '"a1"', "If-None-Match": "*"}, "a1"),
    ],
)
async def test_the_version_to_be_replaced(
    teacher: httpx.AsyncClient, headers: dict[str, str], expected: str | None
) -> None:
    assert (await teacher.put("/marks/m", headers=KEY | headers)).json() == {"expected": expected}


@pytest.mark.parametrize("tag", ['W/"a1"', "*", '"a1", "b2"', '""', ""])
async def test_weak_any_and_listed_tags_never_equal_a_version(teacher: httpx.AsyncClient, tag: str) -> None:
    answer = await teacher.put("/marks/m", headers=KEY | {"If-Match": tag})
    assert answer.json()["expected"] not in ("a1", "b2", None)


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": '"a1"'}])
async def test_a_change_that_names_no_version_is_refused(teacher: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await teacher.put("/marks/m", headers=KEY | headers)
    assert members(answer, 428)["code"] == "precondition-required"


async def test_a_body_of_another_type_is_refused_where_the_route_is_allowed(teacher: httpx.AsyncClient) -> None:
    for headers in ({}, {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}):
        answer = await teacher.post("/marks", headers={**KEY, **headers}, content=b'{"value": 5}')
        assert members(answer, 415)["code"] == "wrong-media-type"
    assert (await teacher.get("/me")).status_code == 200, "nothing is sent, so there is nothing of a wrong type"


def test_tags_that_a_reader_has_count_however_they_were_weakened() -> None:
    assert known_tags('W/"7-a", "8-b"') == {'"7-a"', '"8-b"'}
