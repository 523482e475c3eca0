"""The edge: what passes, what is refused, which headers go up and down."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.kit import edge as edge_module
from services.kit.edge import BODY_LIMIT, Edge

pytestmark = pytest.mark.anyio
OWN = {"x-zhurnal": "1"}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what reached it."""
    request = Request(scope, receive)
    body = await request.body()
    if request.url.path.endswith("/slow"):
        await asyncio.sleep(60)
    heard = {"path": request.url.path, "headers": dict(request.headers), "body": len(body)}
    await Response(orjson.dumps(heard), media_type="application/json")(scope, receive, send)


async def exchange(session: str) -> str | None:
    return "token-of-good" if session == "good" else None


@pytest.fixture
def client() -> httpx.AsyncClient:
    edge = Edge({"echo": echo}, exchange, "zhurnal", secure=False, ready=lambda: [])
    return httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://journal.test")


async def heard(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_cookie_becomes_a_token_and_goes_no_further(client: httpx.AsyncClient) -> None:
    got = await heard(await client.get("/api/echo/x", headers={"cookie": "a=1; zhurnal=good"}))
    assert got["headers"]["authorization"] == "Bearer token-of-good"
    assert "cookie" not in got["headers"]


async def test_a_token_sent_beside_a_cookie_is_overwritten(client: httpx.AsyncClient) -> None:
    forged = {"cookie": "zhurnal=good", "authorization": "Bearer forged"}
    got = await heard(await client.get("/api/echo/x", headers=forged))
    assert got["headers"]["authorization"] == "Bearer token-of-good"


async def test_identity_headers_from_outside_are_stripped(client: httpx.AsyncClient) -> None:
    forged = {"x-zhurnal-subject": "director", "x-forwarded-for": "127.0.0.1", "x-auth-user": "a", "forwarded": "for=a"}
    got = await heard(await client.get("/api/echo/x", headers={**forged, "authorization": "Basic YTpi"}))
    assert not set(got["headers"]) & {*forged, "authorization"}


async def test_an_unknown_session_brings_no_token(client: httpx.AsyncClient) -> None:
    got = await heard(await client.get("/api/echo/x", headers={"cookie": "zhurnal=stolen"}))
    assert "authorization" not in got["headers"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-zhurnal": "0"},
        {**OWN, "origin": "http://evil.test"},
        {**OWN, "origin": "https://journal.test"},
        {**OWN, "origin": "null"},
        {"authorization": "Bearer x", "cookie": "zhurnal=good"},
    ],
)
async def test_a_change_from_elsewhere_is_refused(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post("/api/echo/x", headers=headers, json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign-origin")


@pytest.mark.parametrize("headers", [OWN, {**OWN, "origin": "http://journal.test"}, {"authorization": "Bearer x"}])
async def test_a_change_from_the_journal_or_with_a_token_passes(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await heard(await client.post("/api/echo/x", headers=headers, json={"a": 1})))["body"] == 7


async def test_a_body_over_the_limit_is_refused_declared_or_not(client: httpx.AsyncClient) -> None:
    async def chunks() -> Any:
        for _ in range(11):
            yield b" " * 1_000_000

    json_type = {**OWN, "content-type": "application/json"}
    for content in (b" " * (BODY_LIMIT + 1), chunks()):
        answer = await client.post("/api/echo/x", headers=json_type, content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    whole = await client.post("/api/echo/imports", headers=json_type, content=b" " * (BODY_LIMIT + 1))
    assert (await heard(whole))["body"] == BODY_LIMIT + 1


async def test_an_undeclared_body_within_the_limit_arrives_whole(client: httpx.AsyncClient) -> None:
    async def chunks() -> Any:
        yield b"[1,"
        yield b"2]"

    headers = {**OWN, "content-type": "application/json"}
    assert (await heard(await client.post("/api/echo/x", headers=headers, content=chunks())))["body"] == 5


async def test_another_media_type_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/echo/x", headers=OWN, content=b"a=1")
    assert (answer.status_code, answer.json()["code"]) == (415, "wrong-media-type")


async def test_a_request_out_of_time_ends_as_a_problem(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_module, "TIME_LIMIT_SECONDS", 0.01)
    answer = await client.get("/api/echo/slow")
    assert (answer.status_code, answer.json()["code"]) == (504, "timed-out")


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/live", "/api/echo/x", "/api/none/x", "/problems/not-found", "/nowhere"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert headers["cache-control"] == "no-store"


async def test_unknown_places_answer_problems_in_both_languages(client: httpx.AsyncClient) -> None:
    for path in ("/api/none/x", "/api/echo", "/api/echo/log", "/api/echo//log/", "/../etc/passwd", "/problems/none"):
        russian = await client.get(path)
        english = await client.get(path, headers={"accept-language": "en-GB,en;q=0.9"})
        assert russian.status_code == english.status_code == 404
        assert russian.headers["content-type"] == "application/problem+json"
        assert russian.json()["title"] == "Не найдено"
        assert english.json()["title"] == "Not found"


async def test_each_problem_has_its_page(client: httpx.AsyncClient) -> None:
    listing = await client.get("/problems")
    assert "/problems/precondition-failed" in listing.text
    page = await client.get("/problems/precondition-failed", headers={"accept-language": "en"})
    assert "Compare both values" in page.text


async def test_ready_names_what_fails() -> None:
    edge = Edge({}, exchange, "zhurnal", secure=True, ready=lambda: ["card"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="https://journal.test") as client:
        answer = await client.get("/ready")
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "failing": ["card"]})
        assert "max-age" in answer.headers["strict-transport-security"]
