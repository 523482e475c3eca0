"""A house of identity for tests: the service over a fresh database, people with roles, clients that ask as somebody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import AsyncConnection

from contracts import grants as grant_changes
from contracts.events.identity import EVENTS
from services.identity import groups, guardians, people
from services.identity.accounts import issue_code
from services.identity.app import Identity, build
from services.identity.commands import Do, Tx
from services.identity.passwords import Passwords
from services.identity.people import PersonData
from services.identity.rules import Span
from services.kit.authn import Authenticator, Grants, GrantsReader, TokenIssuer, TokenVerifier
from services.kit.log.postgres import PostgresLog, install
from services.kit.postgres import Database, migrate, migrations_of, open_pool
from tests.common.answers import Truthful
from tests.common.clock import CountingIds, ManualClock

ZONE = ZoneInfo("Asia/Barnaul")
TODAY = date(2025, 9, 1)
LONG_AGO = date(2024, 9, 1)
PASSWORD = "четыре разных слова тут"


class House:
    """The service and what a test needs around it. Ids of people are those that `person` gave."""

    def __init__(self, svc: Identity, reader: GrantsReader, app: Any, clock: ManualClock) -> None:
        self.svc, self.reader, self.app, self.clock = svc, reader, app, clock
        self._keys = 0

    async def do(self, do: Do) -> dict[str, Any]:
        """Carry a change out as the system."""
        return (await self.svc.execute(self.svc.as_system("cli"), do, secret=True)).answer

    async def person(
        self, name: str, *roles: str, scope: str = "", born: date | None = None, demo: bool = False
    ) -> str:
        """A person «Name Тест» with these staff roles since long ago; `student` and the like come by other means."""

        async def do(tx: Tx) -> dict[str, Any]:
            data = PersonData(name, "Тест", "", f"{name.lower()}@example.test", "+70000000000", born)
            person = await people.register(tx, data, demo=demo)
            for role in roles:
                until = date(2026, 6, 30) if role == "auditor" else None
                await people.grant(tx, person, role, scope, Span(LONG_AGO, until), "1-к")
            return {"person": person}

        return str((await self.do(do))["person"])

    async def group(self, title: str, *students: str, curator: str = "", since: date = LONG_AGO) -> str:
        """A group with these students and this curator since `since`."""

        async def do(tx: Tx) -> dict[str, Any]:
            group = str((await groups.form(tx, title, "", 2024))["group"])
            for student in students:
                await groups.enrol(tx, student, group, Span(since, None), "2-у")
            if curator:
                await groups.appoint_curator(tx, group, curator, Span(since, None), "3-к")
            return {"group": group}

        return str((await self.do(do))["group"])

    async def guardian(self, name: str, *children: str) -> str:
        """A guardian of these students since long ago."""
        person = await self.person(name)

        async def do(tx: Tx) -> dict[str, Any]:
            for child in children:
                await guardians.link(tx, child, person, Span(LONG_AGO, None))
            return {}

        await self.do(do)
        return person

    async def account(self, person: str, login: str, password: str = PASSWORD) -> None:
        """Activate an account of that person."""
        code = (await self.do(lambda tx: issue_code(tx, person)))["secret"]
        await self.svc.accounts.activate(code, login, password, "127.0.0.1")

    async def events(self, kind: str = "") -> list[Any]:
        """The events of the log, those of one type name if given."""
        rows = await self.svc.log.read(0, 10_000)
        return [EVENTS.decode(r.type, r.body) for r in rows if not kind or r.type == f"{kind}.v1"]

    async def count(self, table: str) -> int:
        async with self.svc.commands.reading() as tx:
            row = await tx.row(f"select count(*) from {table}")
        assert row is not None
        return int(row[0])

    def as_(self, person: str, session: str = "test") -> "Client":
        """A client that carries that person's token."""
        return Client(self, person, session)

    @property
    def anonymous(self) -> "Client":
        return Client(self, "", "")

    def key(self) -> str:
        self._keys += 1
        return f"key-{self._keys:05}"


class Client:
    """Asks the app; rights are read up before each request, as the running service does within milliseconds."""

    def __init__(self, house: House, person: str, session: str, address: str = "127.0.0.1") -> None:
        self._house, self._person, self._session, self._address = house, person, session, address

    def from_(self, address: str) -> "Client":
        return Client(self._house, self._person, self._session, address)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.request("POST", path, body, **options)

    async def request(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, headers: Any = None, **options: Any
    ) -> httpx.Response:
        await self._house.reader.catch_up()
        given = dict(headers or {})
        if self._person:
            given["Authorization"] = f"Bearer {self._house.svc.issuer.issue(self._person, self._session)}"
        if method != "GET" and key != "":
            given["Idempotency-Key"] = key or self._house.key()
        if body is not None:
            options["json"] = body
        transport = Truthful(self._house.app, (self._address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://journal.test") as client:
            return await client.request(method, path, headers=given, **options)


@asynccontextmanager
async def house(database: Database, *, secure: bool = False) -> AsyncIterator[House]:
    """A house in an empty database, on 1 September 2025 at 10:00 in Barnaul."""
    await migrate(database.owner_dsn, database.role, migrations_of("services.identity"))
    async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as owner:
        await install(owner, database.role)
    pool = await open_pool(database.dsn, name="identity")
    clock = ManualClock()
    log = PostgresLog(pool)
    issuer, grants = TokenIssuer(Ed25519PrivateKey.generate(), clock), Grants()
    cheap = Passwords(memory_kib=64, time=1)
    svc = Identity(pool, log, issuer, grants, clock, CountingIds(), ZONE, secure=secure, passwords=cheap)
    authenticator = Authenticator(TokenVerifier([issuer.public_key], clock), grants, clock, ZONE)
    reader = GrantsReader(grants, log, EVENTS, grant_changes.changes, clock)
    try:
        yield House(svc, reader, build(svc, authenticator).app, clock)
    finally:
        await log.close()
        await pool.close()
