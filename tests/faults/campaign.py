"""A run under faults: what is done, in an order and at places drawn from a seed, and what the invariants say after it.

`python -m tests.faults.campaign [--minutes M] [--seed S] [--json FILE]` runs on until the time is over, each run on
fresh databases. A run prints its seed, everything that it did, and a table of faults × invariants; it exits with 1 when
one was violated. The order and the places of faults follow from the seed; what the machine does between does not.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.base import Base, base
from tests.faults.broker import ProxiedBroker
from tests.faults.faults import FAULTS, Faults
from tests.faults.invariants import NAMES, Findings, judge, lag
from tests.faults.load import Load, Sent, Unlinked
from tests.faults.world import ALL, World

ROUNDS = 4
KILLS = 64
KILLERS = 3
"""So many deaths are prepared at once: a point is waited for while others die elsewhere."""
PLACES = {
    "gradebook.api": ("append.before", "append.after", ""),
    "gradebook.relay": ("relay.read", "relay.published", ""),
    "reporting.projector": ("projector.rows", "projector.committed", ""),
    "gradebook.projector": ("projector.rows", "projector.committed", ""),
    "notifications.projector": ("projector.rows", "projector.committed", ""),
    "gradebook.keeper": ("keeper.heard", "keeper.given", ""),
    "identity.api": ("identity.before", ""),
    "identity.relay": ("",),
    "schedule.relay": ("",),
    "schedule.projector": ("",),
    "schedule.api": ("",),
    "reporting.api": ("",),
    "notifications.api": ("",),
}
"""Where each target is killed: at a named point, or ("") at whatever it is doing."""
POINT_SECONDS = 4.0
"""A point that a process does not come to in this time is given up, and the process killed where it is."""


@dataclass
class Record:
    """What a run did and what came of it. done: (second, what). violations: {invariant: sentences}."""

    seed: int
    done: list[tuple[float, str]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    per_fault: dict[str, Counter[str]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    lags: list[float] = field(default_factory=list)
    probes: int = 0
    seconds: float = 0.0
    violations: Findings = field(default_factory=Findings)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "faults": self.faults,
            "kills": self.kills,
            "commands": self.commands,
            "lags": [round(lag, 2) for lag in self.lags],
            "reads of foreign children tried": self.probes,
            "violations": self.violations,
            "done": self.done,
        }

    def table(self) -> Table:
        """Faults × invariants: how often each fault was there, and how many violations the rounds with it found."""
        table = Table(title=f"Seed {self.seed}: {sum(self.kills.values())} kill -9, {dict(self.commands)}")
        table.add_column("fault")
        table.add_column("times", justify="right")
        for name in NAMES:
            table.add_column(name, justify="right")
        rows = [*sorted(self.faults), *(f"kill -9 {where}" for where in sorted(self.kills))]
        for name in rows:
            found = self.per_fault.get(name, Counter())
            times = self.faults.get(name, 0) or self.kills.get(name.removeprefix("kill -9 "), 0)
            table.add_row(name, str(times), *(str(found[i]) for i in NAMES))
        table.add_row("all", "", *(str(len(self.violations.get(i, ()))) for i in NAMES), end_section=True)
        return table


class Run:
    """One run on a world. kills, rounds: how much of it."""

    def __init__(
        self, world: World, broker: ProxiedBroker, seed: int, kills: int = KILLS, rounds: int = ROUNDS
    ) -> None:
        self.world, self.broker, self.seed, self.kills, self.rounds = world, broker, seed, kills, rounds
        self.record = Record(seed)
        self._random = random.Random(seed)
        self._began = time.monotonic()
        self._ledger: list[Sent] = []
        self._unlinked: list[Unlinked] = []
        self._here: set[str] = set()
        self._killed = 0

    def note(self, what: str) -> None:
        second = round(time.monotonic() - self._began, 2)
        self.record.done.append((second, what))
        print(f"{second:8.2f} {what}", flush=True)

    async def run(self) -> Record:
        """All faults in an order of the seed, spread over the rounds; after each the system must heal."""
        order = list(FAULTS)
        self._random.shuffle(order)
        for number in range(self.rounds):
            await self._round(number, order[number :: self.rounds])
        self.record.seconds = time.monotonic() - self._began
        self.record.commands = Counter(sent.outcome for sent in self._ledger)
        return self.record

    async def _round(self, number: int, order: list[str]) -> None:
        self._here = set()
        load = Load(self.world, self.seed, part=number, parts=self.rounds, ledger=self._ledger, unlinked=self._unlinked)
        faults = Faults(self.world, self.broker, load, self._random)
        working = asyncio.create_task(load.run())
        until = self.kills * (number + 1) // self.rounds
        killing = [asyncio.create_task(self._kill(until)) for _ in range(KILLERS)]
        await load.unlink()
        for name in (waiting := list(order)):
            self.note(name)
            self._here.add(name)
            try:
                what = await FAULTS[name](faults)
            except Exception as failed:  # the harness could not do its harm: said, and tried once more at the end
                self.note(f"{name} was not done: {failed!r}")
                if waiting.count(name) == 1:
                    waiting.append(name)
                continue
            self.record.faults[name] += 1
            if what:
                self.note(f"{name}: {what}")
        await asyncio.gather(*killing)
        load.stop()
        await working
        await self.world.heal()
        found = Findings()
        with suppress(TimeoutError):  # who is not ready does not catch up either
            await self.world.ready(30)
        seconds, behind = await lag(self.world)
        self.record.lags.append(seconds)
        if behind:
            found.note("lag", behind)
        for process in self.world.processes.values():
            if not await self.world.is_ready(process):
                found.note("lag", f"{process.name} is not ready: {self.world.said(process.name)[-500:]}")
        await judge(self.world, load, found)
        self.record.probes += load.probes
        self.note(f"round {number}: lag 0 after {seconds:.1f} s; {found or 'sound'}")
        for invariant, sentences in found.items():
            self.record.violations[invariant] += sentences
            for name in self._here:
                self.record.per_fault.setdefault(name, Counter())[invariant] += len(sentences)

    async def _kill(self, until: int) -> None:
        """kill -9 of one process after the other, each at a place of its own."""
        while self._killed < until:
            places = [(target, place) for target, found in PLACES.items() for place in found]
            target, place = self._random.choice(places)
            processes = self.world.of(target)
            if not processes:
                continue
            process = self._random.choice(processes)
            await process.started.wait()
            if not process.pid:
                await asyncio.sleep(0.05)
                continue
            where = f"{target} {place or 'anywhere'}"
            if place:
                process.control.arm(place)
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.ended.wait(), POINT_SECONDS)
                if process.control.armed():
                    where = f"{target} anywhere"
            else:
                await asyncio.sleep(self._random.random() * 0.4)
            process.control.disarm()
            if where.endswith("anywhere"):
                if not process.pid:
                    continue
                process.signal(9)
            self._killed += 1
            self.record.kills[where] += 1
            self._here.add(f"kill -9 {where}")
            self.note(f"kill -9 {where}")
            await asyncio.sleep(0.15 + self._random.random() * 0.3)


async def once(made: Base, broker: ProxiedBroker, seed: int, kills: int = KILLS, rounds: int = ROUNDS) -> Record:
    """One run on fresh databases."""
    async with World(made, ALL, f"127.0.0.1:{broker.inner}", broker.way) as world:
        return await Run(world, broker, seed, kills, rounds).run()


async def campaign(minutes: float, seed: int, tell: Callable[[Record], Awaitable[None]]) -> int:
    """Runs until the time is over, at least one; how many violated something."""
    until, bad = time.monotonic() + minutes * 60, 0
    async with base() as made:
        with tempfile.TemporaryDirectory(prefix="zhurnal-kafka-", dir="/tmp") as folder:
            broker = ProxiedBroker(Path(folder))
            await asyncio.to_thread(broker.start)
            try:
                while True:
                    record = await once(made, broker, seed)
                    await tell(record)
                    bad += bool(record.violations)
                    seed += 1
                    if time.monotonic() > until:
                        return bad
            finally:
                await asyncio.to_thread(broker.stop)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    console, records = Console(width=200), list[Record]()

    async def tell(record: Record) -> None:
        records.append(record)
        console.print(record.table())
        if given.json is not None:
            given.json.write_text(json.dumps([r.document() for r in records], ensure_ascii=False, indent=1))

    async def run() -> int:
        """SIGTERM ends it as Ctrl-C does: nothing is left running."""
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await campaign(given.minutes, given.seed, tell)

    console.print(f"seed {given.seed}")
    try:
        sys.exit(1 if asyncio.run(run()) else 0)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(f"ended early; runs finished: {len(records)}")


if __name__ == "__main__":
    main()
