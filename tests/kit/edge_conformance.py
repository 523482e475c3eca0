"""What every entrance of the journal does, as data: the edge of one process and the gateway get the same cases.

An entrance stands before services that answer with what reached them (`echo`) and before the front, over real sockets,
because what a program makes of a crooked address is decided before any of ours sees it.
"""

import asyncio
import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.kit.admission import Admission
from services.kit.bodies import BODY_LIMIT, IMPORT_LIMIT
from services.kit.front import Front
from services.kit.serving import config
from services.kit.settings import SERVICES
from services.kit.status import Board
from tests.common.clock import ManualClock
from tests.common.kit import ZONE

COOKIE = "__Host-zhurnal"
HOST = "journal.test"
ORIGIN = f"https://{HOST}"
OWN = {"x-zhurnal": "1"}
JSON = {**OWN, "content-type": "application/json"}
SIGNED_IN = {"cookie": f"a=1; {COOKIE}=good"}
ENGLISH = {"accept-language": "en-GB,en;q=0.9"}
FORGED = {
    "x-zhurnal-subject": "director",
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-host": "elsewhere.test",
    "x-auth-user": "director",
    "forwarded": "for=10.0.0.1",
}
OF_A_TRACE = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "own=1",
    "baggage": "who=director",
    "x-request-id": "0af76519-16cd-43dd-8448-eb211c80319c",
}
SECURITY = {
    "content-security-policy": "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}


async def exchange(session: str) -> str | None:
    return "token-of-good" if session == "good" else None


def admission() -> Admission:
    return Admission(exchange, COOKIE, secure=True)


def front() -> Front:
    return Front(SERVICES, Board({}, ManualClock(), ZONE), secure=True)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what reached it; below `never` it does not answer."""
    request = Request(scope, receive)
    if "/never" in scope["path"]:
        await asyncio.Event().wait()
    size = len(await request.body())
    headers = {"etag": '"7"', "set-cookie": "theme=dark"}
    if "/cached" in scope["path"]:
        headers["cache-control"] = "private, max-age=60"
    told = {"method": request.method, "path": scope["path"], "headers": dict(request.headers), "body": size}
    await Response(orjson.dumps(told), headers=headers, media_type="application/json")(scope, receive, send)


class Answer(NamedTuple):
    """headers: by name in lower case. body: as it came, packed or not."""

    status: int
    headers: dict[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        return dict(orjson.loads(self.body))


class Case(NamedTuple):
    """A request and what must come of it.

    code: of the problem that answers, "" when the service answers. up: {header: value}, None: it must not reach the
    service. chunked: the body goes without a declared length.
    """

    name: str
    method: str
    path: str
    headers: Mapping[str, str] = {}
    status: int = 200
    code: str = ""
    up: Mapping[str, str | None] = {}
    body: bytes = b""
    chunked: bool = False
    down: Mapping[str, str | None] = {}


GET = "/api/gradebook/pages"
HIDDEN = (
    *("/api/identity/log", "/api/gradebook/log", "/api/identity/log/", "/api/identity//log", "/api/identity/%6cog"),
    *("/api/identity/lo%67", "/api/identity/tokens", "/api/identity/reads", "/api/identity/beginning"),
    *("/api/identity/exchange", "/api/identity/exchange/", "/api/identity/exchange/api/gradebook/pages"),
    *("/api/identity/./log", "/api/identity/log?after=0", "/api/identity/%2e/log"),
)
UNKNOWN = (
    "/api/none/x",
    "/api/gradebook",
    "/api/none",
    "/api//x",
    "/api//log",
    "/nowhere",
    "/problems/none",
    "/metrics",
)
CROOKED = ("/api/identity%2flog", "/api/identity/..%2flog", "/api%5cidentity/log", "/api/identity/x%2F..%2Flog")
CHANGES = ("POST", "PUT", "PATCH", "DELETE")

CASES = (
    # -- who asks --
    Case("a cookie becomes a token", "GET", GET, SIGNED_IN, up={"authorization": "Bearer token-of-good"}),
    Case("a cookie goes no further", "GET", GET, SIGNED_IN, up={"cookie": None}),
    Case("an unknown session is nobody", "GET", GET, {"cookie": f"{COOKIE}=stolen"}, up={"authorization": None}),
    Case("a session of another name is nobody", "GET", GET, {"cookie": "zhurnal=good"}, up={"authorization": None}),
    Case(
        "an unknown session with a token is nobody",
        "GET",
        GET,
        {"cookie": f"{COOKIE}=stolen", "authorization": "Bearer t"},
        up={"authorization": None},
    ),
    Case(
        "a session goes before a token",
        "GET",
        GET,
        {**SIGNED_IN, "authorization": "Bearer forged"},
        up={"authorization": "Bearer token-of-good"},
    ),
    Case("a token passes", "GET", GET, {"authorization": "Bearer t"}, up={"authorization": "Bearer t"}),
    Case("another scheme does not", "GET", GET, {"authorization": "Basic YTpi"}, up={"authorization": None}),
    Case(
        "identity headers from outside are stripped",
        "GET",
        GET,
        FORGED,
        up=dict.fromkeys(set(FORGED) - {"x-forwarded-for"}),
    ),
    Case("nobody outside chooses a trace", "GET", GET, OF_A_TRACE, up=dict.fromkeys(OF_A_TRACE)),
    Case("nor for a change", "POST", GET, {**JSON, **OF_A_TRACE}, body=b"{}", up=dict.fromkeys(OF_A_TRACE)),
    Case("other headers pass", "GET", GET, {"x-own": "1", "if-match": '"3"'}, up={"x-own": "1", "if-match": '"3"'}),
    # -- changes --
    *(Case(f"{m} without the header", m, GET, status=403, code="foreign-origin") for m in CHANGES),
    Case("a change with another value", "POST", GET, {"x-zhurnal": "0"}, 403, "foreign-origin"),
    Case("a change refused in English", "POST", GET, ENGLISH, 403, "foreign-origin"),
    Case("a foreign origin", "POST", GET, {**OWN, "origin": "https://evil.test"}, 403, "foreign-origin"),
    Case("the origin of another scheme", "POST", GET, {**OWN, "origin": f"http://{HOST}"}, 403, "foreign-origin"),
    Case("an origin of none", "POST", GET, {**OWN, "origin": "null"}, 403, "foreign-origin"),
    Case("a token beside a cookie", "POST", GET, {**SIGNED_IN, "authorization": "Bearer t"}, 403, "foreign-origin"),
    Case("a change of our own", "POST", GET, {**JSON, "origin": ORIGIN}, body=b'{"a": 1}'),
    Case(
        "a change by a token", "PUT", GET, {"authorization": "Bearer t", "content-type": "application/json"}, body=b"{}"
    ),
    Case("a change without a body", "DELETE", GET, {**OWN, **SIGNED_IN}, up={"authorization": "Bearer token-of-good"}),
    Case("reading needs no header", "HEAD", GET),
    Case("asking for options needs no header", "OPTIONS", GET),
    # -- bodies --
    Case("as large as may be", "POST", GET, JSON, body=b" " * BODY_LIMIT),
    Case("too large", "POST", GET, JSON, 413, "too-large", body=b" " * (BODY_LIMIT + 1)),
    Case("too large in English", "POST", GET, {**JSON, **ENGLISH}, 413, "too-large", body=b" " * (BODY_LIMIT + 1)),
    Case("without a length", "POST", GET, JSON, body=b" " * 5000, chunked=True),
    Case(
        "too large without a length",
        "POST",
        GET,
        JSON,
        413,
        "too-large",
        body=b" " * (BODY_LIMIT + 1),
        chunked=True,
    ),
    Case("as large as may be without a length", "POST", GET, JSON, body=b" " * BODY_LIMIT, chunked=True),
    Case("a large import", "POST", "/api/identity/imports", JSON, body=b" " * (BODY_LIMIT + 1)),
    Case(
        "a large import without a length",
        "POST",
        "/api/schedule/imports?check=1",
        JSON,
        body=b" " * (BODY_LIMIT + 1),
        chunked=True,
    ),
    Case(
        "too large an import", "POST", "/api/identity/imports", JSON, 413, "too-large", body=b" " * (IMPORT_LIMIT + 1)
    ),
    Case(
        "too large an import without a length",
        "POST",
        "/api/schedule/imports",
        JSON,
        413,
        "too-large",
        body=b" " * (IMPORT_LIMIT + 1),
        chunked=True,
    ),
    Case("a length that is no number", "POST", GET, {**OWN, "content-length": "1x"}, 400),
    # -- addresses --
    *(Case(f"{path} is not there", "GET", path, SIGNED_IN, 404, "not-found") for path in (*HIDDEN, *UNKNOWN)),
    *(Case(f"POST {path} is not there", "POST", path, OWN, 404, "not-found") for path in HIDDEN[:3]),
    *(Case(f"{path} is not taken", "GET", path, status=400, code="bad-request") for path in CROOKED),
    Case("what begins like an internal one", "GET", "/api/identity/reads/me", up={}),
    Case("a longer name", "GET", "/api/identity/logs", up={}),
    Case("not found in English", "GET", "/api/none/x", ENGLISH, 404, "not-found"),
    Case("Russian before English", "GET", "/api/none/x", {"accept-language": "ru,en;q=0.5"}, 404, "not-found"),
    Case("English after another", "GET", "/api/none/x", {"accept-language": "de,en;q=0.5"}, 404, "not-found"),
    Case("alive", "GET", "/live"),
    Case("ready", "GET", "/ready"),
    Case("the front", "GET", "/"),
    *(
        Case(f"{path} describes the API", "GET", path)
        for path in ("/api", "/api/", "/api/openapi.json", "/api/style.css")
    ),
    Case("the description of the API takes no change", "POST", "/api/", OWN, 405, "method-not-allowed"),
    Case("a page of a problem", "GET", "/problems/behind"),
    *(Case(f"{path} asks nobody who he is", "GET", path) for path in ("/status", "/status.json")),
    Case("nor for a session that nobody knows", "GET", "/status", {"cookie": f"{COOKIE}=stolen"}),
    Case("the status takes no change", "POST", "/status", OWN, 405, "method-not-allowed"),
    Case("the front takes no change", "POST", "/", OWN, 405, "method-not-allowed"),
    # -- answers --
    Case(
        "answers are not kept",
        "GET",
        GET,
        down={"cache-control": "no-store", "set-cookie": "theme=dark", "etag": '"7"'},
    ),
    Case("a service may say otherwise", "GET", "/api/gradebook/cached", down={"cache-control": "private, max-age=60"}),
    Case(
        "a long answer is packed",
        "GET",
        GET,
        {"accept-encoding": "gzip", "x-long": "a" * 5000},
        down={"content-encoding": "gzip"},
    ),
    Case(
        "not for who takes none",
        "GET",
        GET,
        {"accept-encoding": "gzip;q=0", "x-long": "a" * 5000},
        down={"content-encoding": None},
    ),
    Case("a short one is not", "GET", GET, {"accept-encoding": "gzip"}, down={"content-encoding": None}),
    Case(
        "nor one to a change",
        "POST",
        GET,
        {**OWN, "accept-encoding": "gzip", "x-long": "a" * 5000},
        down={"content-encoding": None},
    ),
)


def check(case: Case, answer: Answer) -> None:
    """The answer is as the case says, and as every answer must be."""
    assert answer.status == case.status, (case.name, answer)
    for name, value in case.down.items():
        assert answer.headers.get(name) == value, (case.name, name)
    if case.status == 400 and not case.code:
        return  # so crooked that it is refused before anything of ours sees it
    for name, value in SECURITY.items():
        assert answer.headers.get(name) == value, (case.name, name)
    assert answer.headers["cache-control"]
    if case.code:
        assert answer.headers["content-type"] == "application/problem+json", case.name
        document = answer.document()
        assert (document["code"], document["status"]) == (case.code, case.status), case.name
        assert all(document[name] for name in ("title", "detail", "next"))
    elif case.up:
        reached = answer.document()["headers"]
        for name, value in case.up.items():
            assert reached.get(name) == value, (case.name, name)


def ask(port: int, case: Case) -> Answer:
    """Put the request as it is written, nothing tidied."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(case.method, case.path, skip_host=True, skip_accept_encoding=True)
        headers = {"host": HOST, **case.headers}
        if case.chunked:
            headers["transfer-encoding"] = "chunked"
        elif (case.body or case.method in ("POST", "PUT", "PATCH")) and "content-length" not in headers:
            headers["content-length"] = str(len(case.body))
        for name, value in headers.items():
            connection.putheader(name, value)
        # What is refused before all of it was sent is answered all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.endheaders(None if case.chunked else case.body or None)
            for part in in_chunks(case.body) if case.chunked else ():
                connection.send(part)
        response = connection.getresponse()
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def in_chunks(body: bytes, size: int = 65536) -> Iterator[bytes]:
    """The body without a length. The end comes with the last chunk, so that one read may bring both."""
    for start in range(0, len(body), size):
        part = body[start : start + size]
        yield b"%x\r\n%b\r\n%b" % (len(part), part, b"0\r\n\r\n" if start + size >= len(body) else b"")


@contextlib.contextmanager
def served(app: ASGIApp) -> Iterator[int]:
    """The port where `app` answers, served as the journal's processes serve."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(config(app))
    thread = threading.Thread(target=server.run, args=([listening],))
    listening.listen(512)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.force_exit = server.should_exit = True
        thread.join()
