"""How a service asks another one: with a token that it gets from identity for its own secret.

`Caller` hands out clients by service; their requests carry a fresh token. `KeyRing` holds the public keys by which
tokens are verified, fetched from identity and fetched again when a token fits none of them.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import httpx
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import PyJWKSet, PyJWTError

from services.kit.feed import HttpFeed
from services.kit.reads import Read
from services.kit.tracing import carry

SPARE_SECONDS = 60
"""A token is replaced so long before it expires."""
KEYS_SECONDS = 300.0
RETRY_SECONDS = 1.0
READS_AT_ONCE = 5000
TIMEOUT = httpx.Timeout(10.0)
LIMITS = httpx.Limits(max_connections=20, max_keepalive_connections=10)

log = structlog.get_logger()


class ServiceAuth(httpx.Auth):
    """Puts the token of the service on every request; a refused one is replaced once."""

    def __init__(self, identity: str, service: str, secret: str) -> None:
        self._address, self._body = f"{identity}/api/identity/tokens", {"service": service, "secret": secret}
        self._token, self._until = "", 0.0

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if time.monotonic() > self._until:
            self._take(await self._read((yield self._asking())))
        request.headers["authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._take(await self._read((yield self._asking())))
            request.headers["authorization"] = f"Bearer {self._token}"
            yield request

    def _asking(self) -> httpx.Request:
        return httpx.Request("POST", self._address, json=self._body)

    async def _read(self, answer: httpx.Response) -> dict[str, Any]:
        await answer.aread()
        if answer.status_code != httpx.codes.CREATED:
            raise ConnectionError(f"identity gives no token: {answer.status_code}")
        told: dict[str, Any] = orjson.loads(answer.content)
        return told

    def _take(self, told: dict[str, Any]) -> None:
        self._token = told["token"]
        self._until = time.monotonic() + max(told["expires_in"] - SPARE_SECONDS, 1)


class Caller:
    """The clients of one service for asking others. identity: the address of identity. Close it at the end."""

    def __init__(self, identity: str, service: str, secret: str) -> None:
        self._identity = identity
        self._auth = ServiceAuth(identity, service, secret)
        self._clients: list[httpx.AsyncClient] = []

    def client(self, address: str, service: str) -> httpx.AsyncClient:
        """A client for the routes of that service at that address."""
        made = httpx.AsyncClient(
            base_url=f"{address}/api/{service}",
            auth=self._auth,
            timeout=TIMEOUT,
            limits=LIMITS,
            event_hooks={"request": [carry]},
        )
        self._clients.append(made)
        return made

    def feed(self, address: str, service: str) -> HttpFeed:
        """The log of that service."""
        return HttpFeed(self.client(address, service))

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


class ReadSink:
    """Hands staff reads to identity."""

    def __init__(self, identity: httpx.AsyncClient) -> None:
        self._identity = identity

    async def __call__(self, reads: list[Read]) -> None:
        for start in range(0, len(reads), READS_AT_ONCE):
            rows = [[r.reader, r.subject, r.route, r.at.isoformat()] for r in reads[start : start + READS_AT_ONCE]]
            answer = await self._identity.post("/reads", json={"reads": rows})
            answer.raise_for_status()


class KeyRing:
    """Identity's public keys. Iterating over it after a token fitted none makes it ask for newer ones."""

    def __init__(self, identity: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{identity}/api/identity", timeout=TIMEOUT)
        self._keys: tuple[Ed25519PublicKey, ...] = ()
        self._wanted = asyncio.Event()

    def __iter__(self) -> Iterator[Ed25519PublicKey]:
        yield from self._keys
        self._wanted.set()  # whoever comes here has tried all of them in vain

    async def fetch(self) -> None:
        """Ask identity. Raises httpx.HTTPError and ConnectionError."""
        answer = await self._client.get("/keys")
        answer.raise_for_status()
        try:
            held = PyJWKSet.from_dict(orjson.loads(answer.content))
        except (PyJWTError, ValueError) as wrong:
            raise ConnectionError("identity tells no keys") from wrong
        self._keys = tuple(key.key for key in held.keys if isinstance(key.key, Ed25519PublicKey))

    async def run(self) -> None:
        """Run until cancelled: fetch now, every five minutes, and when a token fitted no key."""
        while True:
            try:
                await self.fetch()
            except (httpx.HTTPError, ConnectionError) as lost:
                log.warning("keys of identity not fetched", error=repr(lost))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._wanted.clear()
            await asyncio.sleep(RETRY_SECONDS)  # forged tokens shall not make us ask all the time
            try:
                async with asyncio.timeout(KEYS_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                pass

    async def close(self) -> None:
        await self._client.aclose()
