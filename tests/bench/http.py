"""The journal over HTTP: spread, one grade, attendance of a class, card, on a college of 1,000 students.

A real `zhurnal up` serves a copy of the college; this process is the client, and both share the machine's cores. Every
request goes the whole way: edge, session cookie, rights, rules, log. The limit is the same server answering GET /live
to the same client, which is the ceiling of the HTTP stack, and for grades also pgbench's bare INSERT per commit on the
same PostgreSQL. Rounds are interleaved. `python -m tests.bench.http [--json] [--data DIR] [--rounds N]`
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import orjson
import uvloop

from services.demo.accounts import PASSWORD
from services.kit.embedded import EmbeddedServer
from services.kit.postgres import prepare
from tests.bench.college import TEACHERS, college, copy_of, login
from tests.bench.load import Outcome, drive, request
from tests.bench.pgbench import bare_inserts, make_table
from tests.bench.report import Row, arguments, row, show
from tests.common.process import Journal, Served

LIMIT = "GET /live of the same server to the same client; for the rows «against pgbench» its bare INSERT per commit"
ONE, FEW, MANY = 1, 8, 32
READS, READS_OF_FEW, CARDS = 200, 150, 150
GRADES, GRADES_OF_MANY, ATTENDANCES, COLD = 120, 40, 60, 25
"""Requests per round, of each client."""

CELLS = 900
"""A spread of 30 students and 30 lessons has as many; pages of at least that are read."""


class Page(NamedTuple):
    """A page on which a teacher may write. cells: where a grade fits, with its tag and marks; absent ones left out."""

    id: str
    size: int
    cells: list[tuple[str, str, str | None, list[dict[str, Any]]]]
    lessons: list[tuple[str, str | None, list[str]]]


class Teacher(NamedTuple):
    cookie: str
    pages: list[Page]


class Journeys:
    """Makes the requests; every write is made once, as no cell is written twice."""

    def __init__(self, host: str, teachers: list[Teacher], deputy: str, students: list[str], cold: list[str]) -> None:
        self._host, self._deputy, self._cold = host, deputy, iter(cold)
        self._teachers = teachers
        self._cells = [self._grades(teacher) for teacher in teachers]
        self._lessons = (one for teacher in teachers for one in self._attendances(teacher))
        self._cards = iter(students * 100)
        self.large = [(t.cookie, p.id) for t in teachers for p in t.pages if p.size >= CELLS]

    def live(self, clients: int, each: int) -> list[list[bytes]]:
        return [[request("GET", "/live", self._host, "")] * each for _ in range(clients)]

    def spreads(self, clients: int, each: int) -> list[list[bytes]]:
        """Large pages, each client its own."""
        made = []
        for n in range(clients):
            own = self.large[n::clients]
            made.append([self._get(*own[i % len(own)]) for i in range(each)])
        return made

    def cold_spreads(self, each: int) -> list[list[bytes]]:
        """Pages that nobody has read since the start."""
        return [[self._get(self._deputy, page) for page in islice(self._cold, each)]]

    def _get(self, cookie: str, page: str) -> bytes:
        return request("GET", f"/api/gradebook/pages/{page}", self._host, cookie)

    def cards(self, each: int) -> list[list[bytes]]:
        path = "/api/reporting/students/{}/card"
        return [[request("GET", path.format(s), self._host, self._deputy) for s in islice(self._cards, each)]]

    def grades(self, clients: int, each: int) -> list[list[bytes]]:
        """Each client is another teacher; they take turns, and who has no cell left drops out."""
        taken: list[list[bytes]] = []
        while len(taken) < clients:
            assert self._cells, "the college has no cells left to grade"
            cells = self._cells.pop(0)
            if requests := list(islice(cells, each)):
                taken.append(requests)
                self._cells.append(cells)
        return taken

    def _grades(self, teacher: Teacher) -> Iterator[bytes]:
        """One more grade in each cell in turn, page by page and lesson by lesson, as a class is gone through."""
        for page in teacher.pages:
            for lesson, student, tag, marks in page.cells:
                body = {"grades": [*marks, {"value": "54354"[len(student + lesson) % 5], "work": "oral"}]}
                yield self._put(f"{page.id}/cells/{lesson}/{student}", teacher.cookie, body, tag)

    def attendances(self, each: int) -> list[list[bytes]]:
        return [list(islice(self._lessons, each))]

    def _attendances(self, teacher: Teacher) -> Iterator[bytes]:
        """Everybody came late: as many marks as students."""
        for page in teacher.pages:
            for lesson, tag, students in page.lessons:
                body = {"marks": [{"student": s, "late": 1 + n % 9} for n, s in enumerate(students)]}
                yield self._put(f"{page.id}/attendance/{lesson}", teacher.cookie, body, tag)

    def _put(self, path: str, cookie: str, body: dict[str, Any], tag: str | None) -> bytes:
        condition = {"If-None-Match": "*"} if tag is None else {"If-Match": f'"{tag}"'}
        headers = {"Idempotency-Key": uuid4().hex, **condition}
        return request("PUT", f"/api/gradebook/pages/{path}", self._host, cookie, orjson.dumps(body), headers)


# -- getting ready ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _signed_in(journal: Served, name: str) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client for getting ready, and its cookie."""
    client = await journal.signed_in(name, PASSWORD)
    try:
        yield client, "; ".join(f"{cookie}={value}" for cookie, value in client.cookies.items())
    finally:
        await client.aclose()


async def teacher(journal: Served, name: str) -> Teacher:
    async with _signed_in(journal, name) as (client, cookie):
        me = (await client.get("/identity/me")).json()["person"]["id"]
        items = (await client.get("/gradebook/pages", params={"teacher": me, "state": "open"})).json()["items"]
        found = [_page((await client.get(f"/gradebook/pages/{item['id']}")).json()) for item in items]
    return Teacher(cookie, [page for page in found if page.cells])


def _page(spread: dict[str, Any]) -> Page:
    mine = set(spread["you"]["assignments"])
    open_ = [x for x in spread["lessons"] if x["lock"] is None and x["assignment"] in mine]
    cells, lessons = [], []
    students = [s for s in spread["students"] if s["lock"] is None and s["enrolled"] and len(s["spans"]) == 1]
    subgroups = {a["assignment"]: spread["subgroups"].get(a["subgroup"]) for a in spread["assignments"]}
    for lesson in open_:
        id_, attendance = lesson["lesson"], lesson["attendance"]
        away = {mark["student"] for mark in attendance["marks"] or () if mark.get("hours")}
        his = subgroups[lesson["assignment"]]
        taught = [s for s in students if his is None or s["student"] in his]
        tag = None if attendance["etag"] == "none" else attendance["etag"]
        lessons.append((id_, tag, [s["student"] for s in taught]))
        for student in taught:
            cell = student["cells"].get(id_)
            if student["student"] not in away:
                marks = [{k: g[k] for k in ("grade", "value", "work")} for g in cell["grades"]] if cell else []
                cells.append((id_, student["student"], cell["etag"] if cell else None, marks))
    return Page(spread["page"]["id"], len(spread["students"]) * len(spread["lessons"]), cells, lessons)


async def _journeys(journal: Journal) -> Journeys:
    teachers = [await teacher(journal, login(n)) for n in range(TEACHERS)]
    async with _signed_in(journal, "deputy") as (client, deputy):
        pages, students = list[dict[str, Any]](), dict[str, None]()
        while items := (await client.get("/gradebook/pages", params={"limit": 500, "offset": len(pages)})).json()[
            "items"
        ]:
            pages += items
        seen = {page.id for teacher in teachers for page in teacher.pages}
        for item in pages[:: len(pages) // 40]:
            students |= dict.fromkeys(
                s["student"] for s in (await client.get(f"/gradebook/pages/{item['id']}")).json()["students"]
            )
            seen.add(item["id"])
    cold = [item["id"] for item in pages if item["id"] not in seen and item["lessons"] * 25 >= CELLS // 2]
    return Journeys(journal.address.partition("//")[2], teachers, deputy, list(students), cold)


# -- measuring ----------------------------------------------------------------------------------------------------


class Figures:
    """Figures of each round by name."""

    def __init__(self, host: str) -> None:
        name, _, port = host.partition(":")
        self.host, self.port = name, int(port)
        self.rates: dict[str, list[float]] = {}
        self.p50: dict[str, list[float]] = {}
        self.p99: dict[str, list[float]] = {}

    async def take(self, name: str, connections: list[list[bytes]]) -> Outcome:
        """Drive and note. Every answer must be a success, or the figure would mean nothing."""
        outcome = await drive(self.host, self.port, connections)
        assert all(200 <= status < 300 for status in outcome.statuses), (name, outcome.statuses)
        assert len(outcome.latencies) == sum(map(len, connections)) > 0, name
        self.rates.setdefault(name, []).append(outcome.rate)
        self.p50.setdefault(name, []).append(outcome.percentile(50))
        self.p99.setdefault(name, []).append(outcome.percentile(99))
        return outcome


async def bench(journal: Journal, rounds: int) -> list[Row]:
    """Rows of latencies and rates, each against its limit."""
    server = EmbeddedServer.attach(journal.data)
    assert server is not None, "the journal keeps its server running"
    database = await prepare(server.dsn(), "bench", server.password)
    await make_table(database.owner_dsn)
    bare: dict[int, list[float]] = {ONE: [], MANY: []}
    journeys = await _journeys(journal)
    figures = Figures(journal.address.partition("//")[2])
    await drive(figures.host, figures.port, journeys.spreads(ONE, 2 * READS))  # the first of everything is slow
    for _ in range(rounds):
        await figures.take("live 1", journeys.live(ONE, READS))
        await figures.take("spread 1", journeys.spreads(ONE, READS))
        await figures.take("live 8", journeys.live(FEW, READS_OF_FEW))
        await figures.take("spread 8", journeys.spreads(FEW, READS_OF_FEW))
        await figures.take("cold", journeys.cold_spreads(COLD))
        await figures.take("card", journeys.cards(CARDS))
        await figures.take("grade 1", journeys.grades(ONE, GRADES))
        bare[ONE].append(await asyncio.to_thread(bare_inserts, database.owner_dsn, ONE, 1))
        await figures.take("attendance", journeys.attendances(ATTENDANCES))
        await figures.take("live 32", journeys.live(MANY, GRADES_OF_MANY))
        await figures.take("grade 32", journeys.grades(MANY, GRADES_OF_MANY))
        bare[MANY].append(await asyncio.to_thread(bare_inserts, database.owner_dsn, MANY, 1))
    return _rows(figures, bare)


def _rows(figures: Figures, bare: dict[int, list[float]]) -> list[Row]:
    p50, p99, rates, one = figures.p50, figures.p99, figures.rates, figures.p50["live 1"]
    return [
        row("spread, 1 client, p50", "ms", p50["spread 1"], one, "≤ 6 ms"),
        row("spread, 1 client, p99", "ms", p99["spread 1"]),
        row("spread, 8 clients", "/s", rates["spread 8"], rates["live 8"], "≥ 500/s"),
        row("spread of a page not in memory, 1 client, p50", "ms", p50["cold"], one),
        row("one grade, 1 client, p50", "ms", p50["grade 1"], one, "≤ 6 ms"),
        row("one grade, 1 client, p99", "ms", p99["grade 1"]),
        row("one grade, 1 client, against pgbench", "/s", rates["grade 1"], bare[ONE]),
        row("one grade, 32 clients", "/s", rates["grade 32"], rates["live 32"], "≥ 1,000/s (stretch 1,500)"),
        row("one grade, 32 clients, against pgbench", "/s", rates["grade 32"], bare[MANY]),
        row("one grade, 32 clients, p50", "ms", p50["grade 32"]),
        row("one grade, 32 clients, p99", "ms", p99["grade 32"]),
        row("attendance of a class, 1 client, p50", "ms", p50["attendance"], one, "≤ 6 ms"),
        row("attendance of a class, 1 client, p99", "ms", p99["attendance"]),
        row("card, 1 client, p50", "ms", p50["card"], one, "≤ 6 ms"),
        row("card, 1 client, p99", "ms", p99["card"]),
        row("GET /live, 1 client, p50", "ms", one),
        row("GET /live, 32 clients", "/s", rates["live 32"]),
    ]


def main() -> None:
    """Measure and print, as a table or as JSON."""
    asked = arguments("the journal over HTTP")
    with (
        copy_of(college(asked.data)) as data,
        Journal(data, environment={"ZHURNAL_RATE": "0"}) as journal,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        show("http", runner.run(bench(journal, asked.rounds)), asked.json, LIMIT)


if __name__ == "__main__":
    main()
