"""The college of the benchmarks: 1,000 students with some 320,000 grades, loaded once and kept for the day.

Its lessons are relative to the day it was loaded on, so a college of another day is loaded anew. Whoever measures
writes works on a copy: every run then begins with the same data. `python -m tests.bench.college DATA` loads it.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import uvloop

from services.demo.accounts import LOOPBACK, PASSWORD
from services.demo.load import load_college
from services.demo.plan import Plan
from services.identity.accounts import issue_code
from services.kit.settings import Settings
from services.system import System, open_system

DEFAULT = Path(tempfile.gettempdir()) / "zhurnal-bench-college"
TEACHERS = 32
"""Teachers who sign in, each with pages of his own."""


def college(data: Path | None = None) -> Path:
    """The data folder of a college of today; loaded, which takes minutes, if there is none at `data`."""
    place = data or DEFAULT
    stamp = place / "loaded"
    if not stamp.exists() or stamp.read_text() != date.today().isoformat():
        if place.exists():
            shutil.rmtree(place)
        place.mkdir(mode=0o711, parents=True)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_load(place / "data"))
        stamp.write_text(date.today().isoformat())
    return place / "data"


@contextmanager
def fresh_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder that the database server's own user can reach, deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="zhurnal-bench-", dir=parent))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def copy_of(college: Path) -> Iterator[Path]:
    """A data folder with the same content, deleted afterwards."""
    with fresh_folder(college.parent.parent) as folder:
        # cp -a keeps owners and modes: as root the database belongs to a user of its own.
        subprocess.run(["cp", "-a", str(college), str(folder / "data")], check=True)
        yield folder / "data"


def login(n: int) -> str:
    """The login of the n-th teacher, 0 ≤ n < TEACHERS."""
    return f"bench{n}"


async def _load(data: Path) -> None:
    async with open_system(Settings.load(data=data, demo="none", port=0)) as system:
        loaded = await load_college(system, _report)
        await system.rights.catch_up()
        await _activate(system, loaded.plan, {account.person for account in loaded.accounts})
        await system.caught_up()


def _report(name: str, done: int, total: int) -> None:
    if done == total:
        sys.stderr.write(f"{name}: {done}\n")


async def _activate(system: System, plan: Plan, taken: set[str]) -> None:
    """Accounts for teachers who have none, in the way that everybody gets one."""
    people = [s.person for s in plan.staff if s.role == "teacher" and s.person not in taken][:TEACHERS]
    assert len(people) == TEACHERS, "too few teachers"
    identity = system.identity
    for n, key in enumerate(people):
        person = plan.people[key]
        async with identity.commands.reading() as tx:
            row = await tx.row("select id from person where email = %s", (person.email,))
        assert row is not None, person.email
        issued = await identity.execute(identity.as_system(), partial(issue_code, person=str(row[0])), secret=True)
        await identity.accounts.activate(str(issued.answer["secret"]), login(n), PASSWORD, LOOPBACK)


if __name__ == "__main__":
    college(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
