"""From an acknowledged grade to the student's card, through the whole distributed system on this machine.

Every target is a process, with Kafka, PostgreSQL and Envoy; they, the supervisor and this client share the cores.
Teachers grade at a steady rate whatever the answers take. Seen: how long until the view of the card has read what was
acknowledged, and until a card asked for with `min_position` is there; and which part spends how much of the cores on a
command. Then the broker is killed under the same load,
started again, and what was refused and how long the topic lags behind is told. The limit is the bus alone: a message
published and read through the same broker at the same rate. `zhurnal bench e2e [--seconds N] [--outage N] [--rate N]`
"""

import argparse
import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import uvloop
from psycopg import AsyncConnection

from services.demo.accounts import PASSWORD
from services.kit import logging
from services.kit.bus.bus import Message
from services.kit.bus.kafka import KafkaBus
from services.kit.settings import Settings
from services.local.distributed import Running, running
from services.system import System
from tests.bench.college import TEACHERS, college, copy_of, login
from tests.bench.http import Teacher, teacher
from tests.bench.report import Row, row, show
from tests.common.process import Served
from tests.common.views import THINGS, Counted, ListFeed

LIMIT = "the bus alone: published and read again through the same broker, at the same rate"
LOOK_SECONDS = 0.005
CARD_EVERY = 10
"""Of so many commands one is followed by asking for the card."""
HEALED_SECONDS = 60.0


@dataclass
class Cell:
    """A cell that the teacher may write, as it stands by his knowledge: its tag, None if it is empty, and its marks."""

    teacher: int
    path: str
    student: str
    tag: str | None
    marks: list[dict[str, Any]]

    def put(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Headers and body that add one more grade."""
        condition = {"If-None-Match": "*"} if self.tag is None else {"If-Match": f'"{self.tag}"'}
        return condition, {"grades": [*self.marks, {"value": "4", "work": "oral"}]}

    def took(self, told: dict[str, Any]) -> None:
        """What was answered to that."""
        self.tag = told["etag"]
        self.marks = [*self.marks, {"value": "4", "work": "oral", "grade": told["grades"][0]["grade"]}]


class Figures:
    """What one stretch of load showed. acknowledged: [(when, position)]. behind: cards told to come again. Seconds."""

    def __init__(self) -> None:
        self.acknowledged: list[tuple[float, int]] = []
        self.refused: list[str] = []
        self.answers: list[float] = []
        self.cards: list[float] = []
        self.behind = 0
        self.seen: list[tuple[float, int]] = []

    def visible(self) -> list[float]:
        """Per acknowledged command, how long the view took to be there; 0 where it was before the answer was."""
        positions = [position for _, position in self.seen]
        found = []
        for at, position in self.acknowledged:
            n = bisect_left(positions, position)
            if n < len(positions):
                found.append(max(0.0, self.seen[n][0] - at))
        return found


def cells(number: int, his: Teacher) -> list[Cell]:
    """The cells of that teacher, as a class is gone through."""
    return [
        Cell(number, f"/gradebook/pages/{page.id}/cells/{lesson}/{student}", student, tag, marks)
        for page in his.pages
        for lesson, student, tag, marks in page.cells
    ]


class Load:
    """Teachers who grade at a steady rate, in turn; when all cells have been gone through, they begin anew."""

    def __init__(self, clients: list[httpx.AsyncClient], of: list[list[Cell]], deputy: httpx.AsyncClient) -> None:
        turns = zip_longest(*of)
        self._clients, self._deputy = clients, deputy
        self._cells = deque(cell for turn in turns for cell in turn if cell is not None)
        self._count = 0

    async def run(self, seconds: float, rate: float, into: Figures) -> None:
        """Send `rate` commands a second for so long; each waits for nobody else."""
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for n in range(int(seconds * rate)):
                await asyncio.sleep(max(0.0, started + n / rate - time.perf_counter()))
                group.create_task(self._send(self._cells.popleft(), into))

    async def _send(self, cell: Cell, into: Figures) -> None:
        self._count += 1
        condition, body = cell.put()
        key, sent = {"Idempotency-Key": uuid4().hex}, time.perf_counter()
        try:
            answer = await self._clients[cell.teacher].put(cell.path, json=body, headers=condition | key)
        except httpx.HTTPError as lost:
            into.refused.append(repr(lost))
            return
        now = time.perf_counter()
        if answer.status_code >= 300:
            into.refused.append(f"{answer.status_code} {answer.text[:200]}")
            return
        into.answers.append(now - sent)
        told = answer.json()
        cell.took(told)
        self._cells.append(cell)  # one that was not answered stands in a version that nobody knows
        into.acknowledged.append((now, int(told["position"].partition(":")[2])))
        if self._count % CARD_EVERY == 0:
            path = f"/reporting/students/{cell.student}/card"
            while (card := await self._deputy.get(path, params={"min_position": told["position"]})).status_code == 503:
                into.behind += 1  # it says: again in a second
                await asyncio.sleep(1)
            assert card.status_code == 200, card.text
            into.cards.append(time.perf_counter() - now)


@asynccontextmanager
async def watched(dsn: str, into: Figures) -> AsyncIterator[None]:
    """Look at the cursor of the card's view all the time."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        done = asyncio.Event()

        async def look() -> None:
            while not done.is_set():
                found = await conn.execute(
                    "select position from view_cursor where view = 'card' and log = 'gradebook'", prepare=True
                )
                row_ = await found.fetchone()
                assert row_ is not None
                if not into.seen or row_[0] > into.seen[-1][1]:
                    into.seen.append((time.perf_counter(), row_[0]))
                await asyncio.sleep(LOOK_SECONDS)

        looking = asyncio.create_task(look())
        try:
            yield
            async with asyncio.timeout(HEALED_SECONDS):
                while into.acknowledged and into.seen[-1][1] < max(p for _, p in into.acknowledged):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            done.set()
            await looking


def spent(server: int) -> dict[str, float]:
    """Seconds of CPU by part since each began. server: pid of PostgreSQL; all else are children of this process."""
    found = {"this client and supervisor": _seconds(psutil.Process()), "PostgreSQL": 0.0}
    for process in (psutil.Process(server), *psutil.Process(server).children()):
        found["PostgreSQL"] += _seconds(process)
    for process in psutil.Process().children():
        if process.pid == server:
            continue
        command = process.cmdline()
        part = command[-1] if "--target" in command else "Kafka" if "java" in command[0] else "Envoy"
        found[part] = found.get(part, 0.0) + _seconds(process)
    return found


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def bus_alone(bus: KafkaBus, seconds: float, rate: float) -> list[float]:
    """Seconds from publishing a message to having read it."""
    feed = ListFeed(THINGS, [Counted(thing="a", amount=1)])
    message = Message(0, feed.rows[0], feed.id)
    taken = []
    async with bus.subscribe("alone") as subscription:
        await bus.last("alone")
        await subscription.next(0.1)
        for _ in range(int(seconds * rate)):
            began = time.perf_counter()
            await bus.publish("alone", [message])
            while not await subscription.next(1):
                pass
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(max(0.0, 1 / rate - taken[-1]))
    return taken


async def outage(system: Running, bus: KafkaBus, load: Load, seconds: float, rate: float) -> tuple[Figures, float]:
    """The broker away for so long under load; how many seconds after its return its topic held everything."""
    figures = Figures()
    async with watched(system.net.databases["reporting"].dsn, figures):
        sending = asyncio.create_task(load.run(seconds, rate, figures))
        await asyncio.to_thread(system.broker.kill)
        await sending
        back = time.perf_counter()
        await asyncio.to_thread(system.broker.start)
        head = max(position for _, position in figures.acknowledged)
        async with asyncio.timeout(HEALED_SECONDS):
            while (last := await bus.last("gradebook")) is None or last.position < head:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        return figures, time.perf_counter() - back


async def bench(data: Path, asked: argparse.Namespace) -> list[Row]:
    settings = Settings.load({}, data=data, port=0, rate=0, demo="none", log_level="warning")

    async def nothing(system: System) -> None:
        """The college is there already."""

    async with running(settings, 1, nothing) as system:
        served = Served(system.address)
        deputy = await served.signed_in("deputy", PASSWORD)
        clients = [await served.signed_in(login(n), PASSWORD) for n in range(TEACHERS)]
        of = [cells(n, await teacher(served, login(n))) for n in range(TEACHERS)]
        bus = KafkaBus.of(Settings.load({}, kafka=system.broker.address))
        load = Load(clients, of, deputy)
        await load.run(5, asked.rate, Figures())  # the first of everything is slow
        figures, before = Figures(), spent(system.server.pid)
        async with watched(system.net.databases["reporting"].dsn, figures):
            await load.run(asked.seconds, asked.rate, figures)
        cost = {part: seconds - before.get(part, 0.0) for part, seconds in spent(system.server.pid).items()}
        alone = await bus_alone(bus, asked.seconds / 3, asked.rate)
        away, healed = await outage(system, bus, load, asked.outage, asked.rate)
        await bus.close()
        for client in (*clients, deputy):
            await client.aclose()
    return _rows(figures, alone, away, healed, asked) + [
        row(f"CPU for each command: {part}", "ms", [1000 * seconds / len(figures.acknowledged)])
        for part, seconds in sorted(cost.items(), key=lambda each: -each[1])
    ]


def _rows(figures: Figures, alone: list[float], away: Figures, healed: float, asked: argparse.Namespace) -> list[Row]:
    seen, cards, missed = figures.visible(), figures.cards, len(figures.acknowledged) - len(figures.visible())
    at = f"at {asked.rate:g}/s"
    return [
        row(f"acknowledged → in the card's view, p50, {at}", "ms", [_ms(seen, 50)], [_ms(alone, 50)], "≤ 60 ms"),
        row(f"acknowledged → in the card's view, p99, {at}", "ms", [_ms(seen, 99)], [_ms(alone, 99)], "≤ 300 ms"),
        row("acknowledged → card with min_position, p50", "ms", [_ms(cards, 50)], [_ms(alone, 50)], "≤ 60 ms"),
        row("acknowledged → card with min_position, p99", "ms", [_ms(cards, 99)], [_ms(alone, 99)], "≤ 300 ms"),
        row("command through the gateway, p50", "ms", [_ms(figures.answers, 50)]),
        row("command through the gateway, p99", "ms", [_ms(figures.answers, 99)]),
        row("cards told to come again", "", [figures.behind], target="0"),
        row("commands refused", "", [len(figures.refused)], target="0"),
        row("acknowledged and never seen", "", [missed], target="0"),
        row(f"broker away {asked.outage:g} s: commands refused", "", [len(away.refused)], target="0"),
        row("broker away: acknowledged", "", [len(away.acknowledged)]),
        row("broker away: cards told to come again", "", [away.behind]),
        row("broker away: acknowledged → in the view, p99", "ms", [_ms(away.visible(), 99)]),
        row("broker back: until its topic holds everything", "s", [healed], target="≤ 30 s"),
    ]


def _ms(seconds: list[float], percent: int) -> float:
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def main() -> None:
    """Measure and print, as a table or as JSON."""
    parser = argparse.ArgumentParser(description="the distributed system from end to end")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--data", type=Path, help="folder that keeps the college of the day between benchmarks")
    parser.add_argument("--seconds", type=float, default=30, help="of steady load")
    parser.add_argument("--outage", type=float, default=60, help="seconds without the broker")
    parser.add_argument("--rate", type=float, default=100, help="commands a second")
    asked = parser.parse_args()
    logging.configure("error")
    with copy_of(college(asked.data)) as data, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        show("e2e", runner.run(bench(data, asked)), asked.json, LIMIT)


if __name__ == "__main__":
    main()
