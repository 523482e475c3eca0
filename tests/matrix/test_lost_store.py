"""Every route of every service while the database server is away: a problem that says so, never a bug of ours."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kit.embedded import EmbeddedServer
from services.kit.postgres import Database, prepare
from tests.matrix.asks import ask_of, filled, path_of
from tests.matrix.founding import found
from tests.matrix.oracle import CASES, SERVICES, Case
from tests.matrix.world import Answer, World

pytestmark = pytest.mark.anyio

ASKED = [case for case in CASES if "yes" in case.verdicts.values()]
READS = [case for case in ASKED if case.method == "GET"]
LOST = ("store-unavailable", "outcome-unclear")
"""The second is a change's: it may have been written when the server went."""


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    """A server that the test may stop, in a folder outside homes."""
    folder = Path(tempfile.mkdtemp(prefix="zhurnal-lost-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        with EmbeddedServer.start(folder / "data", settings={"fsync": "off"}) as started:
            yield started
    finally:
        shutil.rmtree(folder)


async def asked(world: World, case: Case) -> Answer:
    """The answer to somebody who may ask this."""
    ask = ask_of(case.service, case.route, case.title)
    member = next(member for member, verdict in case.verdicts.items() if verdict == "yes")
    return await world.ask(
        member,
        case.service,
        case.method,
        path_of(case.path, ask, world.objects),
        filled(ask.body, world.objects),
        query=filled(ask.query, world.objects),
        headers=filled(ask.headers, world.objects),
    )


async def test_a_lost_database_is_said_to_be_lost_by_every_route(
    own_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kit.postgres.CONNECT_SECONDS", 1)

    async def new(service: str = "gradebook") -> Database:
        return await prepare(own_server.dsn(), service, own_server.password, prefix="lost")

    async with found(new, tmp_path) as world:
        before = await asyncio.gather(*(asked(world, case) for case in READS))
        assert {answer.status for answer in before} == {200}
        await asyncio.to_thread(own_server.stop)
        # First over connections that turn out to be dead, then over pools that have none.
        for cases in (ASKED, READS):
            answers = await asyncio.gather(*(asked(world, case) for case in cases))
            told = {str(case): (a.status, a.code) for case, a in zip(cases, answers, strict=True)}
            wrong = {case: t for case, t in told.items() if t[0] >= 500 and t not in [(503, c) for c in LOST]}
            assert wrong == {}
            for service in SERVICES:
                reads = {told[str(case)] for case in READS if case.service == service}
                assert (503, "store-unavailable") in reads
                assert reads <= {(200, ""), (503, "store-unavailable")}
        # What needs no database is answered all the same.
        assert {str(case) for case in READS if told[str(case)][0] == 200} == {
            "identity GET /keys",
            "identity GET /exchange/{path:path}",
            *(f"{service} GET /status" for service in SERVICES),
        }
