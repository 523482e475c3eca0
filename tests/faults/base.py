"""What every run starts from: a PostgreSQL server on the loopback with the demo class in five databases, which each
run copies, and the cast: who may write and read what.

Tokens are minted with the key of the installation, as identity would, valid for ever: the clock is one of the faults.
"""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import jwt
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo

from services.demo.load import load
from services.identity.keys import signing_key
from services.kit.authn import AUDIENCE
from services.kit.embedded import EmbeddedServer
from services.kit.postgres import prepare
from services.kit.settings import SERVICES, Settings
from services.local.processes import free_port
from services.system import System, open_system

FOREVER = datetime(2100, 1, 1, tzinfo=UTC)
TEACHERS = 8
SERVER = {"listen_addresses": "127.0.0.1", "max_connections": "200", "fsync": "off"}
"""A killed server loses nothing without fsync: only a power cut would, which is not among the faults."""


class Cell(NamedTuple):
    """A cell that the teacher may write today, empty in the base."""

    teacher: str
    page: str
    lesson: str
    student: str


class Lesson(NamedTuple):
    """A lesson whose attendance and homework the teacher may write today. tags: as they stand in the base."""

    teacher: str
    page: str
    lesson: str
    student: str
    attendance: str
    marks: tuple[dict[str, Any], ...]
    tag: str


class Link(NamedTuple):
    """A guardian's link in force."""

    id: str
    guardian: str
    student: str


class Cast(NamedTuple):
    """Who plays. strangers: students of nobody among the guardians."""

    cells: tuple[Cell, ...]
    lessons: tuple[Lesson, ...]
    links: tuple[Link, ...]
    students: tuple[str, ...]
    deputy: str
    administrator: str


class Base:
    """The server with the demo class. Its methods for databases are used between runs only."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.port = free_port()
        self.server = self._start()
        self.cast: Cast
        self._key = signing_key(self.data / "token-key.pem")
        self._made = 0

    @property
    def token_key(self) -> Path:
        return self.data / "token-key.pem"

    def _start(self) -> EmbeddedServer:
        return EmbeddedServer.start(self.data, settings={**SERVER, "port": str(self.port)})

    def restart(self, kill: bool) -> None:
        """Stop the server, by kill -9 or in order, and start it again."""
        if kill:
            os.kill(self.server.pid, 9)
        self.server.stop()
        self.server = self._start()

    def close(self) -> None:
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, dbname: str, user: str, port: int | None = None) -> str:
        """A connection string over TCP."""
        return make_conninfo(
            host="127.0.0.1", port=port or self.port, dbname=dbname, user=user, password=self.server.password(user)
        )

    async def fill(self) -> None:
        """Load the demo class and choose the cast."""
        admin = self.address("postgres", "postgres")
        for name in SERVICES:
            await prepare(admin, name, self.server.password)
        async with open_system(self._settings("zhurnal", self.data)) as system:
            await load(system, "class")
            await system.caught_up()
            self.cast = await self._choose(system)

    async def copy(self) -> str:
        """Fresh databases like the base; the prefix of their names."""
        self._made += 1
        prefix = f"run{self._made}"
        async with await AsyncConnection.connect(self.address("postgres", "postgres"), autocommit=True) as admin:
            for name in SERVICES:
                await admin.execute(
                    sql.SQL("create database {} template {} owner {} strategy file_copy").format(
                        sql.Identifier(f"{prefix}_{name}"),
                        sql.Identifier(f"zhurnal_{name}"),
                        sql.Identifier(f"zhurnal_{name}_owner"),
                    )
                )
        return prefix

    async def drop(self, prefix: str) -> None:
        async with await AsyncConnection.connect(self.address("postgres", "postgres"), autocommit=True) as admin:
            for name in SERVICES:
                await admin.execute(
                    sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(f"{prefix}_{name}"))
                )

    def bearer(self, person: str, session: str = "") -> dict[str, str]:
        """The header by which the person is known."""
        sid = hashlib.sha256(f"{person} {session}".encode()).hexdigest()
        claims = {"sub": person, "sid": sid, "aud": AUDIENCE, "iat": 0, "exp": FOREVER}
        return {"Authorization": f"Bearer {jwt.encode(claims, self._key, algorithm='EdDSA')}"}

    def _settings(self, prefix: str, data: Path) -> Settings:
        addresses = {}
        for name in SERVICES:
            addresses[f"{name}_dsn"] = self.address(f"{prefix}_{name}", f"zhurnal_{name}")
            addresses[f"{name}_owner_dsn"] = self.address(f"{prefix}_{name}", f"zhurnal_{name}_owner")
        return Settings.load({}, data=data, demo="none", **addresses)

    async def _choose(self, system: System) -> Cast:
        async with await AsyncConnection.connect(self.address("zhurnal_identity", "postgres")) as conn:
            found = await conn.execute("select login, person::text from account")
            logins: dict[str, str] = dict(await found.fetchall())
        today = datetime.now(UTC).astimezone(system.settings.zoneinfo).date()
        relations = list(system.grants._by_id.values())
        links = [Link(r.id, r.subject, r.object) for r in relations if r.relation == "guardian" and _on(r, today)]
        students = sorted({r.subject for r in relations if r.relation == "member" and _on(r, today)})
        transport = httpx.ASGITransport(system.services["gradebook"].app)
        running = asyncio.create_task(system.rights.run())  # a reader of rights that was not heard of lets nobody in
        cells: list[Cell] = []
        lessons: list[Lesson] = []
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://gradebook") as client:
                for person in sorted({r.subject for r in relations if r.relation == "role:teacher" and _on(r, today)}):
                    if len({cell.teacher for cell in cells}) < TEACHERS:
                        await self._look(client, person, cells, lessons)
        finally:
            running.cancel()
        return Cast(tuple(cells), tuple(lessons), tuple(links), tuple(students), logins["deputy"], logins["admin"])

    async def _look(self, client: httpx.AsyncClient, person: str, cells: list[Cell], lessons: list[Lesson]) -> None:
        """What the teacher may write today."""
        headers = self.bearer(person)
        listed = await client.get("/pages", params={"teacher": person, "state": "open", "limit": 50}, headers=headers)
        assert listed.status_code == 200, listed.text
        for each in listed.json()["items"]:
            page = (await client.get(f"/pages/{each['id']}", headers=headers)).json()
            free = [s for s in page["students"] if s["enrolled"] and not s["lock"]]
            for lesson in page["lessons"]:
                if lesson["lock"] is not None or lesson["assignment"] not in page["you"]["assignments"]:
                    continue
                attendance = lesson["attendance"] or {"etag": "none", "marks": None}
                absent = {mark["student"] for mark in attendance["marks"] or ()}
                there = [s["student"] for s in free if s["student"] not in absent]
                cells += [
                    Cell(person, each["id"], lesson["lesson"], s["student"])
                    for s in free
                    if s["student"] in there and lesson["lesson"] not in s["cells"]
                ]
                if there:
                    marks = tuple(attendance["marks"] or ())
                    lessons.append(
                        Lesson(
                            person, each["id"], lesson["lesson"], there[0], attendance["etag"], marks, lesson["etag"]
                        )
                    )


def _on(relation: Any, day: date) -> bool:
    return relation.starts_on <= day and (relation.ends_on is None or day <= relation.ends_on)


@asynccontextmanager
async def base() -> AsyncIterator[Base]:
    """A filled base in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="zhurnal-faults-", dir="/tmp"))
    folder.chmod(0o711)  # noqa: ASYNC240 - nothing else runs yet
    made = Base(folder)
    try:
        await made.fill()
        yield made
    finally:
        made.close()
