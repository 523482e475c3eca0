"""Stand-by: one runs, the others wait; whoever loses its connection loses the lock, and another goes on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from services.kit import standby
from services.kit.embedded import EmbeddedServer
from services.kit.standby import Standby
from services.kit.tasks import run_together
from tests.common.kit import until
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio


class Worker:
    """A loop that counts how many of its kind run at this moment."""

    at_once = 0
    most = 0

    def __init__(self) -> None:
        self.running = False

    async def run(self) -> None:
        Worker.at_once += 1
        Worker.most = max(Worker.most, Worker.at_once)
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False
            Worker.at_once -= 1


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "LOOK_SECONDS", 0.02)
    Worker.at_once = Worker.most = 0


@asynccontextmanager
async def running(*members: Standby) -> AsyncIterator[None]:
    task = asyncio.create_task(run_together(member.run for member in members))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def kill(server: EmbeddedServer, name: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(a.pid) from pg_stat_activity a join pg_locks l on l.pid = a.pid"
            " where l.locktype = 'advisory' and l.granted and a.application_name = %s",
            (f"standby {name}",),
        )


async def test_one_runs_and_the_other_takes_over_when_it_ends(database: NewDatabase) -> None:
    dsn = (await database("gradebook")).dsn
    first, second = Worker(), Worker()
    async with running(Standby(dsn, "t", second.run)):
        await until(lambda: second.running)
        async with running(Standby(dsn, "t", first.run)):
            await asyncio.sleep(0.2)
            assert not first.running
    async with running(Standby(dsn, "t", first.run)):
        await until(lambda: first.running)
    assert Worker.most == 1


async def test_a_killed_connection_hands_over_and_the_former_stands_by(
    database: NewDatabase, server: EmbeddedServer
) -> None:
    dsn = (await database("gradebook")).dsn
    workers = [Worker(), Worker()]
    members = [Standby(dsn, "t", w.run) for w in workers]
    async with running(*members):
        await until(lambda: any(w.running for w in workers))
        for _ in range(3):
            kill(server, "t")
            await until(lambda: sum(m.active for m in members) == 1 and sum(w.running for w in workers) == 1)


async def test_names_are_apart(database: NewDatabase) -> None:
    dsn = (await database("gradebook")).dsn
    one, two = Worker(), Worker()
    async with running(Standby(dsn, "one", one.run), Standby(dsn, "two", two.run)):
        await until(lambda: one.running and two.running)


async def test_what_the_loop_raises_ends_the_process(database: NewDatabase) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Standby((await database("gradebook")).dsn, "t", broken).run()
