"""Backup beside a working journal and restore into an empty one: recovery time, recovery point, what the clients feel.

A college of 1,000 students; one teacher after another fills cells before and during the backup. Lost: commands
acknowledged before the moment that the backup names and not in it.
`python -m tests.bench.restore [--json] [--rounds N]`
"""

import asyncio
import time
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import httpx
import uvloop

from services.backup.manifest import Manifest, backups
from services.backup.restore import restore
from services.cli.terminal import progress
from services.demo.accounts import PASSWORD
from services.kit.clock import SystemClock
from services.kit.settings import Settings
from tests.bench.college import TEACHERS, college, copy_of, fresh_folder, login
from tests.bench.report import Row, arguments, row, show
from tests.common.cells import Cell, cells_of, marks
from tests.common.process import Journal, zhurnal

QUIET = 300
"""Commands before the backup, for comparison."""


class Sent(NamedTuple):
    """An acknowledged command: when the answer came (Unix time), how long it took (ms), where it is in the log."""

    at: float
    took: float
    position: int


class Teachers:
    """Fill cells, one command at a time, as long as there are any."""

    def __init__(self) -> None:
        self._clients: dict[str, httpx.AsyncClient] = {}
        self.cells: list[Cell] = []

    async def sign_in(self, journal: Journal) -> None:
        for n in range(TEACHERS):
            self._clients[login(n)] = client = await journal.signed_in(login(n), PASSWORD)
            self.cells += await cells_of(login(n), client)

    async def fill(self) -> Sent:
        while True:
            if (sent := await self._try(self.cells.pop())) is not None:
                return sent

    async def _try(self, cell: Cell) -> Sent | None:
        """None for a student of the other subgroup."""
        began = time.perf_counter()
        answer = await self._clients[cell.login].put(
            f"/gradebook/pages/{cell.page}/cells/{cell.lesson}/{cell.student}",
            json=marks(["5"]),
            headers={"Idempotency-Key": uuid4().hex, "If-None-Match": "*"},
        )
        if answer.status_code == 409:
            return None
        assert answer.status_code == 200, answer.text
        took = (time.perf_counter() - began) * 1000
        return Sent(SystemClock().now().timestamp(), took, int(answer.json()["position"].split(":")[1]))

    async def leave(self) -> None:
        for client in self._clients.values():
            await client.aclose()


class Round(NamedTuple):
    """Seconds, megabytes, milliseconds; lost: commands."""

    backup: float
    size: float
    quiet: list[float]
    busy: list[float]
    lost: int
    restore: float
    views: float


async def measure(place: Path) -> Round:
    """One backup under load and its restore."""
    with copy_of(place) as data, fresh_folder() as to:
        with await asyncio.to_thread(Journal, data, "--demo", "none") as journal:
            teachers = Teachers()
            await teachers.sign_in(journal)
            quiet = [await teachers.fill() for _ in range(QUIET)]
            backup = asyncio.create_task(asyncio.to_thread(zhurnal, "backup", "--to", str(to), data=data))
            busy: list[Sent] = []
            while teachers.cells and not backup.done():
                busy.append(await teachers.fill())
            said = await backup
            assert said.returncode == 0, said.stderr
            await teachers.leave()
            await asyncio.to_thread(journal.stop)
        (folder,) = backups(to)
        manifest = Manifest.read(folder)
        moment, head = manifest.made_at.timestamp(), manifest.logs["gradebook"].head
        lost = sum(1 for sent in (*quiet, *busy) if sent.at <= moment and sent.position > head)
        with progress() as bar:
            restored = await restore(Settings(data=to / "restored"), folder, bar)
        return Round(
            manifest.seconds,
            sum(file.bytes for file in manifest.files()) / 1e6,
            [sent.took for sent in quiet],
            [sent.took for sent in busy],
            lost,
            restored.seconds,
            sum(view.seconds for view in restored.adopted.rebuilt),
        )


def _percentile(figures: list[float], p: float) -> float:
    return sorted(figures)[min(len(figures) - 1, int(len(figures) * p / 100))]


def rows(rounds: list[Round]) -> list[Row]:
    found = [
        row("backup beside the journal", "s", [r.backup for r in rounds]),
        row("size", "MB", [r.size for r in rounds]),
        row("commands acknowledged before it and lost", "", [r.lost for r in rounds], target="≤ 0"),
        row("restore until complete", "s", [r.restore for r in rounds]),
        row("of that folding the views", "s", [r.views for r in rounds]),
    ]
    for p in (50, 99):
        busy, quiet = ([_percentile(getattr(r, name), p) for r in rounds] for name in ("busy", "quiet"))
        found.append(row(f"command while it is made, p{p}", "ms", busy, quiet))
    return found


def main() -> None:
    asked = arguments(__doc__ or "")
    place = college(asked.data)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rounds = [runner.run(measure(place)) for _ in range(asked.rounds)]
    show("backup and restore", rows(rounds), asked.json, "the same command before the backup")


if __name__ == "__main__":
    main()
