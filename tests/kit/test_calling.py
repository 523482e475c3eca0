"""Asking another service: a token of one's own, renewed in time and when it is refused; keys fetched and followed."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.identity.keys import jwks
from services.kit import calling
from services.kit.authn import TokenIssuer, TokenVerifier
from services.kit.calling import KeyRing, ReadSink, ServiceAuth
from services.kit.problems import Unauthenticated
from services.kit.reads import Read
from tests.common.clock import ManualClock
from tests.common.kit import until

pytestmark = pytest.mark.anyio

SECRET = "s" * 40


class Identity:
    """An identity of our own: gives tokens 1, 2, 3 … for the secret, and its public keys."""

    def __init__(self) -> None:
        self.given = self.asked = self.key_asked = 0
        self.good: set[str] = set()
        self.expires_in = 300
        self.key = Ed25519PrivateKey.generate()
        self.reads: list[list[str]] = []
        self.app = Starlette(
            routes=[
                Route("/api/identity/tokens", self.tokens, methods=["POST"]),
                Route("/api/identity/keys", self.keys),
                Route("/api/identity/reads", self.take, methods=["POST"]),
                Route("/api/identity/thing", self.thing),
            ]
        )
        self.transport = httpx.ASGITransport(app=self.app)

    async def tokens(self, request: Request) -> JSONResponse:
        body = await request.json()
        if body != {"service": "schedule", "secret": SECRET}:
            return JSONResponse({}, 401)
        self.given += 1
        self.good = {f"Bearer {self.given}"}
        return JSONResponse({"token": str(self.given), "expires_in": self.expires_in}, 201)

    async def keys(self, request: Request) -> JSONResponse:
        self.key_asked += 1
        return JSONResponse(jwks(self.key.public_key()))

    async def thing(self, request: Request) -> JSONResponse:
        self.asked += 1
        return JSONResponse({}, 200 if request.headers.get("authorization") in self.good else 401)

    async def take(self, request: Request) -> JSONResponse:
        self.reads += (await request.json())["reads"]
        return JSONResponse({}, 201)


def client(identity: Identity, secret: str = SECRET) -> httpx.AsyncClient:
    auth = ServiceAuth("http://identity", "schedule", secret)
    return httpx.AsyncClient(base_url="http://identity/api/identity", transport=identity.transport, auth=auth)


async def test_one_token_serves_many_requests() -> None:
    identity = Identity()
    async with client(identity) as asking:
        for _ in range(3):
            assert (await asking.get("/thing")).status_code == 200
    assert (identity.given, identity.asked) == (1, 3)


async def test_a_token_is_renewed_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    identity, now = Identity(), 0.0
    monkeypatch.setattr("services.kit.calling.time.monotonic", lambda: now)
    async with client(identity) as asking:
        now = 1000.0
        await asking.get("/thing")
        now += identity.expires_in - calling.SPARE_SECONDS - 1
        await asking.get("/thing")
        assert identity.given == 1
        now += 2
        await asking.get("/thing")
        assert identity.given == 2


async def test_a_refused_token_is_replaced_once() -> None:
    identity = Identity()
    async with client(identity) as asking:
        await asking.get("/thing")
        identity.good = set()
        assert (await asking.get("/thing")).status_code == 200
        assert identity.given == 2


async def test_a_wrong_secret_gets_no_token() -> None:
    async with client(Identity(), "x" * 40) as asking:
        with pytest.raises(ConnectionError, match="401"):
            await asking.get("/thing")


async def test_reads_go_over_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "READS_AT_ONCE", 2)
    identity, at = Identity(), datetime(2025, 9, 1, tzinfo=UTC)
    async with client(identity) as asking:
        await ReadSink(asking)([Read("r", str(n), "route", at) for n in range(5)])
    assert [row[1] for row in identity.reads] == ["0", "1", "2", "3", "4"]
    assert datetime.fromisoformat(identity.reads[0][3]) == at


async def test_a_changed_key_is_followed_and_forged_tokens_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "RETRY_SECONDS", 0.01)
    identity, clock = Identity(), ManualClock()
    ring = KeyRing("http://identity")
    ring._client = httpx.AsyncClient(base_url="http://identity/api/identity", transport=identity.transport)
    verifier = TokenVerifier(ring, clock)
    following = asyncio.create_task(ring.run())
    try:
        await until(lambda: identity.key_asked == 1)
        token = TokenIssuer(identity.key, clock).issue("p", "s")
        assert verifier.verify(token).subject == "p"
        assert identity.key_asked == 1, "a token that fits asks for nothing"
        with pytest.raises(Unauthenticated):
            verifier.verify(TokenIssuer(Ed25519PrivateKey.generate(), clock).issue("p", "s"))
        identity.key = Ed25519PrivateKey.generate()
        newer = TokenIssuer(identity.key, clock).issue("q", "s")

        def follows() -> bool:
            try:
                return verifier.verify(newer).subject == "q"
            except Unauthenticated:
                return False

        await until(follows)
        with pytest.raises(Unauthenticated):
            TokenVerifier(ring, clock).verify(token)
    finally:
        following.cancel()
        await asyncio.wait([following])
        await ring.close()
