"""kill -9 in the middle of a thousand concurrent commands, and two browsers on one class.

Every acknowledged command is there once, no refused one is, and an unknown one is done or not done, never half.
"""

import asyncio
from collections import Counter
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from services.demo.accounts import PASSWORD
from tests.common.cells import Cell, cells_of, marks
from tests.common.process import Journal
from tests.common.stored import demo_class

pytestmark = pytest.mark.anyio


TEACHERS = ("teacher", "teacher2", "curator", "master")
COMMANDS = 1000
KILL_AFTER = 400
WORKERS = 32
MARKS = ("5", "4", "3", "2")


class Sent(NamedTuple):
    """A command sent: where to, its key, and the position of the answer (None: no answer came)."""

    cell: Cell
    key: str
    position: int | None


class Storm:
    """Workers that fill cells mark by mark until the server is gone or the work is done."""

    def __init__(self, clients: dict[str, httpx.AsyncClient], cells: list[Cell]) -> None:
        self.clients, self.cells = clients, cells
        self.sent: list[Sent] = []
        self.refused: list[Sent] = []
        self.enough = asyncio.Event()

    async def run(self) -> None:
        await asyncio.gather(*(self._work(self.cells[n::WORKERS]) for n in range(WORKERS)))

    async def _work(self, cells: list[Cell]) -> None:
        for cell in cells:
            grades: list[dict[str, Any]] = []
            tag: str | None = None
            for value in MARKS:
                grades.append(marks([value])["grades"][0])
                condition = {"If-Match": f'"{tag}"'} if tag else {"If-None-Match": "*"}
                key = uuid4().hex
                answer = await self._put(cell, key, {"grades": grades}, condition)
                if answer is None:
                    self.sent.append(Sent(cell, key, None))
                    return
                assert answer.status_code == 200, answer.text
                told = answer.json()
                grades[-1]["grade"] = told["grades"][0]["grade"]
                tag = told["etag"]
                self.sent.append(Sent(cell, key, int(told["position"].split(":")[1])))
                if len(self.sent) == KILL_AFTER:
                    self.enough.set()
                if len(self.sent) % 7 == 0:
                    await self._refused(cell, tag)

    async def _refused(self, cell: Cell, tag: str) -> None:
        key = uuid4().hex
        answer = await self._put(cell, key, marks(["5"]), {"If-Match": f'"{int(tag) - 1}"'})
        if answer is not None:
            assert answer.status_code == 412, answer.text
            self.refused.append(Sent(cell, key, None))

    async def _put(
        self, cell: Cell, key: str, body: dict[str, Any], condition: dict[str, str]
    ) -> httpx.Response | None:
        try:
            return await self.clients[cell.login].put(
                f"/gradebook/pages/{cell.page}/cells/{cell.lesson}/{cell.student}",
                json=body,
                headers={"Idempotency-Key": key, **condition},
            )
        except httpx.TransportError:
            return None


async def signed_in(journal: Journal) -> dict[str, httpx.AsyncClient]:
    return {login: await journal.signed_in(login, PASSWORD) for login in TEACHERS}


async def close(clients: dict[str, httpx.AsyncClient]) -> None:
    for client in clients.values():
        await client.aclose()


async def done(client: httpx.AsyncClient, sent: Sent) -> bool:
    answer = await client.get(f"/gradebook/pages/{sent.cell.page}/commands/{sent.key}")
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["done"])


async def test_kill_9_among_a_thousand_commands_loses_nothing_and_doubles_nothing() -> None:
    with demo_class() as data:
        with Journal(data) as journal:
            clients = await signed_in(journal)
            cells = [c for login, client in clients.items() for c in await cells_of(login, client)]
            cells = list(dict.fromkeys(cells))
            assert len(cells) * len(MARKS) >= COMMANDS, f"only {len(cells)} cells to write"
            storm = Storm(clients, cells[: COMMANDS // len(MARKS) + WORKERS])
            running = asyncio.create_task(storm.run())
            enough = asyncio.create_task(storm.enough.wait())
            await asyncio.wait([running, enough], return_when=asyncio.FIRST_COMPLETED)
            journal.kill()
            await running
            await close(clients)

        acknowledged = [s for s in storm.sent if s.position is not None]
        unknown = [s for s in storm.sent if s.position is None]
        assert len(acknowledged) >= KILL_AFTER
        assert unknown, "commands were under way when it was killed"
        assert storm.refused

        with Journal(data) as journal:
            clients = await signed_in(journal)
            for sent in acknowledged:
                assert await done(clients[sent.cell.login], sent), sent
            for sent in storm.refused:
                assert not await done(clients[sent.cell.login], sent), sent
            outcomes = {sent.key: await done(clients[sent.cell.login], sent) for sent in unknown}
            positions = await recorded(clients, {s.cell for s in storm.sent})
            expected = {s.position for s in acknowledged}
            assert expected <= positions.keys()
            assert set(positions.values()) == {1}, "nothing twice"
            assert len(positions) == len(expected) + sum(outcomes.values()), "nothing else was written"
            await close(clients)
            assert journal.stop() == 0


async def recorded(clients: dict[str, httpx.AsyncClient], cells: set[Cell]) -> Counter[int]:
    """{position: how often} of the grades that these cells hold in the history."""
    wanted = {(c.lesson, c.student) for c in cells}
    found: Counter[int] = Counter()
    for login, page in {(c.login, c.page) for c in cells}:
        offset, total = 0, 1
        while offset < total:
            answer = await clients[login].get(
                f"/gradebook/pages/{page}/history", params={"limit": 200, "offset": offset}
            )
            history = answer.json()
            total, offset = history["total"], offset + 200
            for entry in history["items"]:
                if entry["type"].startswith("Grade") and entry["via"] == "http":
                    assert (entry["data"]["lesson"], entry["data"]["student"]) in wanted
                    found[entry["position"]] += 1
    return found


async def test_two_browsers_saving_one_class_at_once_leave_one_whole_class(demo: Journal) -> None:
    first = await demo.signed_in("teacher2", PASSWORD)
    second = await demo.signed_in("teacher2", PASSWORD)
    cells = await cells_of("teacher2", first)
    (page, lesson), count = Counter((c.page, c.lesson) for c in cells).most_common(1)[0]
    students = [c.student for c in cells if (c.page, c.lesson) == (page, lesson)]
    assert count >= 5

    def body(value: str) -> dict[str, Any]:
        (mark,) = marks([value])["grades"]
        return {"items": [{"lesson": lesson, "student": s, "expected": None, "grades": [mark]} for s in students]}

    answers = await asyncio.gather(
        *(
            client.post(f"/gradebook/pages/{page}/cells", json=body(value), headers={"Idempotency-Key": uuid4().hex})
            for client, value in ((first, "5"), (second, "3"))
        )
    )
    assert sorted(a.status_code for a in answers) == [200, 409]
    (lost,) = [a.json() for a in answers if a.status_code == 409]
    assert len(lost["items"]) == len(students), "every refused item is listed"
    won = "5" if answers[0].status_code == 200 else "3"
    shown = (await first.get(f"/gradebook/pages/{page}")).json()
    held = {s["student"]: s["cells"][lesson]["grades"] for s in shown["students"] if s["student"] in students}
    assert {tuple(g["value"] for g in grades) for grades in held.values()} == {(won,)}
    await first.aclose()
    await second.aclose()
