"""Envoy as deploy/gateway configures it, before real processes: the same answers as from the edge of one process."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.identity import http_exchange
from services.identity.app import Identity
from services.kit.authn import Authenticator, Grants, TokenVerifier
from services.kit.bodies import BODY_LIMIT
from services.kit.edge import Edge
from services.kit.forwarded import forwarded
from services.kit.front import OF_API
from services.kit.http import create_app
from services.kit.mounted import Mounted
from services.kit.rate import Rate
from services.kit.settings import SERVICES
from services.local.envoy import SHARED, UPSTREAMS, Envoy, Limits, Tls, Upstream, configuration, shared
from services.local.processes import free_port
from tests.common.clock import ManualClock
from tests.common.identity import ZONE
from tests.kit import edge_conformance as conformance
from tests.kit.edge_conformance import CASES, GET, OWN, Answer, Case

DIFFERENT_DOWN = {
    "date": "the time of each",
    "connection": "Envoy closes after an answer that came before the whole request",
    "server": "uvicorn's name on what it refuses itself",
    "content-length": "a packed answer is packed by another program, and Envoy adds the client's address to the echo",
    "vary": "written differently",
    "transfer-encoding": "the gateway packs while it sends on, so the length is not known before",
    "x-envoy-upstream-healthchecked-cluster": "Envoy's answer at /ready",
}
DIFFERENT_UP = {
    "x-forwarded-for": "the gateway names the client's address; the edge's services are in its own process",
    "transfer-encoding": "the gateway sends a whole body on with its length",
    "content-length": "the gateway sends a whole body on with its length",
}
DIFFERENT_BODIES = {
    "ready": "the gateway says so by status alone; each process names what fails on a port of its own",
    "a length that is no number": "refused by the HTTP parser of each, uvicorn's without a document",
}


class Parts:
    """Processes as the gateway finds them: identity's own route of exchange, services that echo, the front."""

    def __init__(self) -> None:
        clock, key = ManualClock(), Ed25519PrivateKey.generate()
        authenticator = Authenticator(TokenVerifier([key.public_key()], clock), Grants(), clock, ZONE)
        svc = cast(Identity, SimpleNamespace(admission=conformance.admission()))
        exchange = Mounted("identity", create_app("identity", [http_exchange.routes(svc)], authenticator))
        services = {name: Mounted(name, conformance.echo) for name in SERVICES}
        front = conformance.front()

        async def process(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope["path"]
            if path == "/ready":
                await Response(b"{}")(scope, receive, send)
            elif path.startswith("/api/identity/exchange/"):
                await exchange(scope, receive, send)
            elif path.startswith("/api/") and path not in OF_API:
                await services[path.split("/")[2]](scope, receive, send)
            else:
                await front(scope, receive, send)

        self.app: ASGIApp = process


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    with conformance.served(Parts().app) as port:
        yield port


def started(stack: ExitStack, upstreams: dict[str, int], limits: Limits | None = None) -> int:
    """The port of an Envoy before one process for each name."""
    port = free_port()
    processes = {name: [Upstream("127.0.0.1", at, at)] for name, at in upstreams.items()}
    text = configuration(processes, port=port, secure=True, limits=limits or Limits())
    stack.enter_context(Envoy(text, port))
    return port


@pytest.fixture(scope="module")
def envoy(upstream: int) -> Iterator[int]:
    with ExitStack() as stack:
        yield started(stack, dict.fromkeys(UPSTREAMS, upstream))


@pytest.fixture(scope="module")
def edge() -> Iterator[int]:
    judge, rate = conformance.admission(), Rate(0, ManualClock().monotonic)
    apps = dict.fromkeys(SERVICES, conformance.echo)
    with conformance.served(Edge(apps, judge, conformance.front(), list, rate=rate, secure=True)) as port:
        yield port


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gateway_conforms_and_answers_as_the_edge_does(envoy: int, edge: int, case: Case) -> None:
    by_envoy, by_edge = conformance.ask(envoy, case), conformance.ask(edge, case)
    conformance.check(case, by_envoy)
    assert by_envoy.status == by_edge.status
    if case.name in DIFFERENT_BODIES:
        return
    assert down(by_envoy) == down(by_edge)
    if "etag" not in by_envoy.headers:
        assert by_envoy.body == by_edge.body
    elif "content-encoding" not in by_envoy.headers and case.method != "HEAD":
        assert up(by_envoy) == up(by_edge)


def down(answer: Answer) -> dict[str, str]:
    """What must be equal. An entity tag is a weak one where the gateway has packed."""
    headers = {name: value for name, value in answer.headers.items() if name not in DIFFERENT_DOWN}
    return {name: value.removeprefix("W/") if name == "etag" else value for name, value in headers.items()}


def up(answer: Answer) -> dict[str, Any]:
    """What reached the service, of that which must be equal."""
    document = answer.document()
    headers = {name: value for name, value in document["headers"].items() if name not in DIFFERENT_UP}
    return {**document, "headers": headers}


@pytest.mark.parametrize("chunked", [True, False])
def test_a_service_limits_bodies_by_itself_to_the_byte(chunked: bool) -> None:
    """A last frame of HTTP/2 that carries the end of the request passes the gateway's filter whole."""
    with conformance.served(Mounted("gradebook", conformance.echo)) as port:
        for more, status in ((0, 200), (1, 413)):
            case = Case("by itself", "POST", GET, conformance.JSON, body=b" " * (BODY_LIMIT + more), chunked=chunked)
            assert conformance.ask(port, case).status == status
        case = Case("an import", "POST", "/api/gradebook/imports", body=b" " * (BODY_LIMIT + 1), chunked=chunked)
        assert conformance.ask(port, case).status == 200


def test_the_gateway_names_the_peer_and_nobody_else(envoy: int) -> None:
    for headers in ({}, {"x-forwarded-for": "10.0.0.1"}, {"x-forwarded-for": "10.0.0.1, 127.0.0.1"}):
        reached = conformance.ask(envoy, Case("who", "GET", GET, headers)).document()["headers"]
        assert reached["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize(("coding", "asked"), [("br", "gzip, br"), ("gzip", "gzip")])
def test_long_answers_go_in_the_best_coding_that_is_taken(envoy: int, coding: str, asked: str) -> None:
    case = Case("long", "GET", GET, {"accept-encoding": asked, "x-long": "a" * 5000})
    answer = conformance.ask(envoy, case)
    assert answer.headers["content-encoding"] == coding
    assert len(answer.body) < 1000
    assert answer.headers["etag"] == 'W/"7"', "the tag names the version, however it was sent"


def test_who_asks_too_often_is_told_so(upstream: int) -> None:
    with ExitStack() as stack:
        port = started(stack, dict.fromkeys(UPSTREAMS, upstream), Limits(rate=1))
        refused: Answer | None = None
        # Ten may come at once and one a second after that; a slow machine needs more tries.
        for _ in range(1000):
            answer = conformance.ask(port, Case("often", "GET", GET))
            if answer.status != 200:
                refused = answer
                break
        assert refused is not None
        assert (refused.status, refused.document()["code"]) == (429, "too-many-requests")
        assert refused.headers["retry-after"] == "1"
        conformance.check(Case("often", "GET", GET, status=429, code="too-many-requests"), refused)
        assert conformance.ask(port, Case("the front", "GET", "/")).status == 200, "only the API is counted"


def test_a_service_that_does_not_answer_in_time_is_a_problem(upstream: int) -> None:
    with ExitStack() as stack:
        port = started(stack, dict.fromkeys(UPSTREAMS, upstream), Limits(seconds=0.3))
        case = Case("never", "GET", "/api/gradebook/never", status=504, code="timed-out")
        conformance.check(case, conformance.ask(port, case))


def test_processes_that_are_away_are_a_problem_and_the_others_answer(upstream: int) -> None:
    away = free_port()
    with ExitStack() as stack:
        port = started(stack, {**dict.fromkeys(UPSTREAMS, upstream), "gradebook": away})
        case = Case("away", "GET", GET, status=503, code="unavailable")
        answer = conformance.ask(port, case)
        conformance.check(case, answer)
        assert answer.headers["retry-after"] == "1"
        assert conformance.ask(port, Case("another", "GET", "/api/reporting/x")).status == 200
        assert conformance.ask(port, Case("ready", "GET", "/ready")).status == 503
    with ExitStack() as stack:
        port = started(stack, {**dict.fromkeys(UPSTREAMS, upstream), "identity": away})
        for case in (
            Case("nobody can say who asks", "GET", GET, status=503, code="unavailable"),
            Case("a change", "POST", GET, OWN, 503, "unavailable"),
        ):
            conformance.check(case, conformance.ask(port, case))
        assert conformance.ask(port, Case("the front", "GET", "/")).status == 200


def test_one_of_two_processes_away_is_not_noticed(upstream: int) -> None:
    port, away = free_port(), free_port()
    processes = {name: [Upstream("127.0.0.1", upstream, upstream)] for name in UPSTREAMS}
    for name in SERVICES:  # it says that it is ready and takes no connections
        processes[name].append(Upstream("127.0.0.1", away, upstream))
    with Envoy(configuration(processes, port=port, secure=True), port):
        assert {conformance.ask(port, Case("read", "GET", GET)).status for _ in range(40)} == {200}


def test_services_believe_the_gateway_and_nobody_else() -> None:
    async def who(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(scope["client"][0])(scope, receive, send)

    def told(port: int) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/", headers={"X-Forwarded-For": "10.0.0.1"})
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    for gateway, client in (
        ("127.0.0.1", "10.0.0.1"),
        ("127.0.0.0/8", "10.0.0.1"),
        ("", "127.0.0.1"),
        ("10.1.0.0/16", "127.0.0.1"),
    ):
        with conformance.served(forwarded(who, gateway)) as port:
            assert told(port) == client


def test_the_chart_carries_what_the_edge_does() -> None:
    """Write it anew by `.venv/bin/python deploy/gateway/shared.py`."""
    assert SHARED.read_text(encoding="utf-8") == shared()


def certified(folder: Path) -> Tls:
    """A certificate of HOST that signs itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, conformance.HOST)])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(conformance.HOST)]), critical=False)
    files = Tls(folder / "certificate.pem", folder / "key.pem")
    pem = serialization.Encoding.PEM
    files.certificate.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(pem))
    form = serialization.PrivateFormat.PKCS8
    files.key.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    return files


def test_it_ends_tls_itself_where_it_is_given_a_certificate(upstream: int, tmp_path: Path) -> None:
    tls, port = certified(tmp_path), free_port()
    processes = {name: [Upstream("127.0.0.1", upstream, upstream)] for name in UPSTREAMS}
    trusting = ssl.create_default_context(cafile=str(tls.certificate))
    trusting.set_alpn_protocols(["h2", "http/1.1"])
    with (
        Envoy(configuration(processes, port=port, secure=True, tls=tls), port),
        socket.create_connection(("127.0.0.1", port)) as plain,
        trusting.wrap_socket(plain, server_hostname=conformance.HOST) as secured,
    ):
        assert (secured.version(), secured.selected_alpn_protocol()) == ("TLSv1.3", "h2")
