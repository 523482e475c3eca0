"""The edge: what passes, what is refused, which headers go up and down, and the built client beside the API."""

import asyncio
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.kit import edge as edge_module
from services.kit.admission import Admission
from services.kit.bodies import BODY_LIMIT
from services.kit.edge import Edge
from services.kit.front import Begin, Front
from services.kit.rate import Rate
from services.kit.settings import SERVICES
from services.kit.static import Site, accepted
from services.kit.status import Board
from tests.common.clock import ManualClock
from tests.common.kit import ZONE
from tests.kit import edge_conformance as conformance

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


def entrance(
    *,
    secure: bool = False,
    failing: Sequence[str] = (),
    begin: Begin | None = None,
    site: Site | None = None,
    rate: Rate | None = None,
) -> Edge:
    front = Front(["echo"], Board({}, ManualClock(), ZONE), begin, site, secure=secure)
    judge, rate = Admission(exchange, "zhurnal", secure), rate or Rate(0, ManualClock().monotonic)
    return Edge({"echo": echo}, judge, front, lambda: list(failing), rate=rate, secure=secure)


@pytest.fixture
def client() -> httpx.AsyncClient:
    edge = entrance()
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
        yield b" " * BODY_LIMIT
        yield b" "

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
    edge = entrance(secure=True, failing=["card"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="https://journal.test") as client:
        answer = await client.get("/ready")
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "failing": ["card"]})
        assert "max-age" in answer.headers["strict-transport-security"]


# -- what the gateway does too --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    judge, rate = conformance.admission(), Rate(0, ManualClock().monotonic)
    apps = dict.fromkeys(SERVICES, conformance.echo)
    with conformance.served(Edge(apps, judge, conformance.front(), list, rate=rate, secure=True)) as port:
        yield port


@pytest.mark.parametrize("case", conformance.CASES, ids=lambda case: case.name)
def test_the_edge_conforms(port: int, case: conformance.Case) -> None:
    conformance.check(case, conformance.ask(port, case))


async def test_who_asks_too_often_waits_and_others_do_not() -> None:
    clock = ManualClock()
    edge = entrance(rate=Rate(2, clock.monotonic))

    async def asked(address: str) -> httpx.Response:
        transport = httpx.ASGITransport(edge, client=(address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://journal.test") as client:
            return await client.get("/api/echo/x")

    statuses = [(await asked("10.0.0.1")).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    refused = await asked("10.0.0.1")
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("too-many-requests", "1")
    assert (await asked("10.0.0.2")).status_code == 200
    clock.advance(1)
    assert [(await asked("10.0.0.1")).status_code for _ in range(3)] == [200, 200, 429]


# -- the built client ---------------------------------------------------------------------------------------------


async def begin(on_this_machine: bool) -> dict[str, Any]:
    return {"demo": "told" if on_this_machine else None}


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A build as the bundler leaves it: hashed assets with compressed siblings, and a secret beside the folder."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("nobody reads this")
    (folder / "index.html").write_text("<!doctype html><title>client</title>")
    (folder / "robots.txt").write_text("User-agent: *")
    (folder / "app.webmanifest").write_text("{}")
    (folder / "assets/app-1f.js").write_text("plain")
    (folder / "assets/app-1f.js.br").write_text("as brotli")
    (folder / "assets/app-1f.js.gz").write_text("as gzip")
    return folder


def served(folder: Path, *, secure: bool = False, address: str = "127.0.0.1") -> httpx.AsyncClient:
    edge = entrance(secure=secure, begin=begin, site=Site.read(folder))
    transport = httpx.ASGITransport(edge, client=(address, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://journal.test")


async def test_hashed_assets_are_kept_for_ever_in_the_best_coding_that_the_client_takes(built: Path) -> None:
    async with served(built) as client:
        for asked, coding in (("br, gzip", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("identity", None)):
            async with client.stream("GET", "/assets/app-1f.js", headers={"accept-encoding": asked}) as answer:
                raw = b"".join([part async for part in answer.aiter_raw()])
            assert answer.headers.get("content-encoding") == coding
            assert raw.decode() == {"br": "as brotli", "gzip": "as gzip", None: "plain"}[coding]
            assert answer.headers["content-type"].startswith("text/javascript")
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["vary"] == "Accept-Encoding"


async def test_every_address_of_the_client_opens_it_and_is_asked_for_again(built: Path) -> None:
    async with served(built) as client:
        for path in ("/", "/index.html", "/pages/0190-x", "/lesson/a/b"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
            assert "<title>client</title>" in answer.text
            assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        assert (await client.get("/robots.txt")).headers["content-type"].startswith("text/plain")
        assert (await client.get("/app.webmanifest")).headers["content-type"] == "application/manifest+json"


async def test_the_client_takes_no_address_from_the_api(built: Path) -> None:
    async with served(built) as client:
        assert "/api/openapi.json" in (await client.get("/api/")).text
        assert (await client.get("/live")).json() == {"live": True}
        assert "/problems/not-found" in (await client.get("/problems")).text
        for path in ("/api/none/x", "/assets/app-0a.js", "/assets/"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path
        assert (await client.post("/pages", headers=OWN)).status_code == 405


@pytest.mark.parametrize("path", ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "//secret.txt"])
async def test_no_address_reaches_a_file_beside_the_build(built: Path, path: str) -> None:
    async with served(built) as client:
        assert "nobody reads this" not in (await client.get(path)).text


def test_a_folder_without_a_build_is_no_site(tmp_path: Path) -> None:
    assert Site.read(tmp_path) is None
    assert Site.read(tmp_path / "none") is None


async def test_the_beginning_tells_of_the_demo_on_this_machine_only(built: Path) -> None:
    for secure, address, told in (
        (False, "127.0.0.1", "told"),
        (False, "::1", "told"),
        (False, "10.1.2.3", None),
        (True, "127.0.0.1", None),
    ):
        async with served(built, secure=secure, address=address) as client:
            assert (await client.get("/start.json")).json() == {"demo": told}


# -- long answers --------------------------------------------------------------------------------------------------


async def coding(client: httpx.AsyncClient, body: int, **headers: str) -> str | None:
    """The coding of an answer that repeats a long header of the request."""
    answer = await client.get("/api/echo/x", headers={"x-long": "a" * body, **headers})
    assert answer.json()["headers"]["x-long"] == "a" * body
    assert int(answer.headers["content-length"]) < body or "content-encoding" not in answer.headers
    named = answer.headers.get("content-encoding")
    return None if named is None else str(named)


async def test_long_answers_go_packed_to_other_machines(built: Path) -> None:
    async with served(built, address="10.1.2.3") as client:
        assert await coding(client, 5000) == "gzip"
        assert await coding(client, 5000, **{"accept-encoding": "br"}) is None
        assert await coding(client, 10) is None, "too short to gain anything"
    async with served(built) as client:
        assert await coding(client, 5000) is None, "nothing to gain on this machine"
    async with served(built, secure=True) as client:
        assert await coding(client, 5000) == "gzip", "behind a proxy the client is elsewhere"


async def test_answers_to_changes_are_never_packed(built: Path) -> None:
    async with served(built, address="10.1.2.3") as client:
        answer = await client.post("/api/echo/x", headers={**OWN, "x-long": "a" * 5000}, json={})
        assert "content-encoding" not in answer.headers


async def test_a_packed_answer_unpacks_to_the_same_bytes(built: Path) -> None:
    async with served(built, address="10.1.2.3") as client:
        async with client.stream("GET", "/api/echo/x", headers={"x-long": "a" * 5000}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        assert orjson.loads(gzip.decompress(raw))["headers"]["x-long"] == "a" * 5000
        assert answer.headers["vary"] == "accept-encoding"


def test_codings_that_are_taken() -> None:
    assert accepted("gzip;q=1.0, br ; q=0.0, *;q=0, zstd;q=0.001") == {"gzip", "zstd"}
    assert accepted("") == {""}
