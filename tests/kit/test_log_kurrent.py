"""The event log on KurrentDB: the suite of all adapters, and what processes and lost connections do to it.

The server: that of ZHURNAL_KURRENT_URI where it is set, else a container where a Docker engine answers, else the
stand-in, which is not KurrentDB (tests/common/kurrent_standin.py); the names of the tests say which.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest

from services.kit.log import kurrent
from services.kit.log.eventlog import NO_STREAM, Appended, Conflict, EventTooLarge, OutcomeUnknown
from services.kit.log.kurrent import KurrentLog, connected
from services.kit.settings import CannotStart
from tests.common.kafka import docker
from tests.common.kurrent_standin import StandIn, Store
from tests.kit.log_conformance import (
    Account,
    LogConformance,
    Reader,
    check,
    event,
    events,
    fresh,
    writers_and_reader,
)

pytestmark = pytest.mark.anyio

GIVEN = os.environ.get("ZHURNAL_KURRENT_URI")
IMAGE = "docker.kurrent.io/kurrent-latest/kurrentdb:25.1"
PROVIDER = "given-server" if GIVEN else "container" if docker() else "stand-in"


@pytest.fixture(scope="module", params=[PROVIDER])
async def uri(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address of a server that tests leave alone."""
    if GIVEN:
        yield GIVEN
    elif request.param == "container":
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.wait_strategies import HttpWaitStrategy

        made = DockerContainer(IMAGE).with_env("KURRENTDB_INSECURE", "true").with_exposed_ports(2113)
        made = made.waiting_for(HttpWaitStrategy(2113, "/health/live").for_status_code(204))
        with made as container:
            address = f"{container.get_container_host_ip()}:{container.get_exposed_port(2113)}"
            yield f"kurrentdb://{address}?tls=false"
    else:
        async with StandIn() as server:
            yield server.uri


@asynccontextmanager
async def opened(uri: str, name: str) -> AsyncIterator[KurrentLog]:
    """A log with a connection of its own, as another process would have."""
    log = KurrentLog(connected(uri), name)
    try:
        yield log
    finally:
        await log.close()


@pytest.fixture(scope="module")
def name() -> str:
    """A log of the module's own on a server that may hold others."""
    return f"test{uuid4().hex}"


@pytest.fixture
async def log(uri: str, name: str) -> AsyncIterator[KurrentLog]:
    async with opened(uri, name) as log:
        yield log


class TestKurrentLog(LogConformance):
    @pytest.fixture
    async def empty_log(self, uri: str) -> AsyncIterator[KurrentLog]:
        async with opened(uri, f"test{uuid4().hex}") as log:
            yield log


# -- several logs, several processes --------------------------------------------------------------------------------


async def test_logs_of_one_server_do_not_see_each_other(uri: str) -> None:
    name = f"test{uuid4().hex}"
    async with opened(uri, name) as one, opened(uri, f"{name}2") as other:
        for n in range(3):
            await one.append("same", n - 1, events(1))
            await other.append("same", 2 * n - 1, events(2))
        rows, others = await one.read(), await other.read()
        assert (len(rows), len(others)) == (3, 6)
        assert await one.head() == rows[-1].position
        assert await one.at(others[0].position) is None
        assert await one.read_stream("same") == rows
        assert await one.log_id() != await other.log_id()
        assert await one.wait(rows[-1].position, 0.05) == rows[-1].position


async def test_another_process_sees_the_same_log(uri: str, log: KurrentLog, name: str) -> None:
    after = await log.head()
    await log.append(fresh(), NO_STREAM, events(3))
    async with opened(uri, name) as other:
        assert await other.log_id() == await log.log_id()
        assert await other.read(after) == await log.read(after)
        landed = await other.append(fresh(), NO_STREAM, events(2))
        assert await log.head() == landed.position
        assert (await log.read(after, 2))[-1].position < landed.position


async def test_a_command_sent_to_two_processes_lands_once_and_the_second_is_told(
    uri: str, log: KurrentLog, name: str
) -> None:
    """Also when the second decided otherwise on the same state, which the server takes for the same append."""
    async with opened(uri, name) as other:
        stream, batch = fresh(), events(2)
        landed = await log.append(stream, NO_STREAM, batch)
        decided = [e._replace(body='{"n":77}', meta='{"via":"later"}') for e in batch]
        assert await other.append(stream, NO_STREAM, decided) == landed._replace(duplicate=True)
        assert [row.body for row in await log.read_stream(stream)] == [e.body for e in batch]
        with pytest.raises(Conflict) as refused:
            await other.append(stream, NO_STREAM, events(1))
        assert refused.value.actual == 1
        assert await other.append(stream, 1, batch) == landed._replace(duplicate=True)


async def test_of_two_processes_that_expect_the_same_one_wins(uri: str, log: KurrentLog, name: str) -> None:
    async with opened(uri, name) as other:
        for _ in range(10):
            stream, account, after = fresh(), Account(), await log.head()
            answers = await asyncio.gather(
                *(account.append(each, stream, NO_STREAM, events(2)) for each in (log, other)), return_exceptions=True
            )
            assert {type(answer) for answer in answers} == {Appended, Conflict}
            rows = await log.read(after)
            check(rows, after, dense=False)
            account.reconcile(rows)


async def test_many_callers_in_three_processes_and_a_reader(uri: str, log: KurrentLog, name: str) -> None:
    async with opened(uri, name) as second, opened(uri, name) as third:
        await writers_and_reader([log, second, third], callers=12, appends=8)


async def test_waiting_ends_with_an_append_of_another_process(uri: str, log: KurrentLog, name: str) -> None:
    head = await log.head()
    waiting = [asyncio.create_task(log.wait(head, 60)) for _ in range(3)]
    async with opened(uri, name) as other:
        landed = await other.append(fresh(), NO_STREAM, events(1))
    assert await asyncio.gather(*waiting) == [landed.position] * 3


async def test_an_append_to_several_streams_sent_again_lands_once(log: KurrentLog) -> None:
    after, appends = await log.head(), [(fresh(), NO_STREAM, events(n)) for n in (1, 2, 3)]
    await log.append_together(None, appends[:2])  # as if killed on the way
    position = await log.append_together(None, appends)
    rows = await log.read(after)
    assert [row.id for row in rows] == [e.id for _, _, batch in appends for e in batch]
    assert position == rows[-1].position


async def test_what_the_server_takes_in_one_append_is_limited(log: KurrentLog) -> None:
    stream = fresh()
    with pytest.raises(EventTooLarge):
        await log.append(stream, NO_STREAM, [event(body=f'"{"x" * 50_000}"') for _ in range(30)])
    assert await log.read_stream(stream) == []


async def test_an_address_that_is_none_refuses_the_start() -> None:
    for wrong in ("localhost:2113", "kurrentdb://", "kurrentdb://host:2113?colour=red"):
        with pytest.raises(CannotStart, match="ZHURNAL_KURRENT_URI"):
            connected(wrong)


# -- lost connections and restarts, of which only a server in the tests' own hands is capable: the stand-in ----------


async def test_the_answer_of_an_append_is_lost_and_it_lands_once() -> None:
    async with StandIn() as server, opened(server.uri, "lost") as log:
        batch = events(2)
        server.cut = 1
        landed = await log.append("a", NO_STREAM, batch)
        assert landed == Appended(await log.head(), 1)
        server.cut = 3
        assert (await log.append("a", 1, [event()])).revision == 2
        rows = await log.read()
        assert [row.id for row in rows][:2] == [e.id for e in batch]
        assert len(rows) == 3


async def test_an_outcome_that_cannot_be_learnt_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kurrent, "RESOLVE_SECONDS", 0.3)
    async with StandIn() as server, opened(server.uri, "lost") as log:
        batch = events(2)
        server.cut = 1000
        with pytest.raises(OutcomeUnknown):
            await log.append("a", NO_STREAM, batch)
        server.cut = 0
        monkeypatch.setattr(kurrent, "RESOLVE_SECONDS", 5)
        assert (await log.append("a", NO_STREAM, batch)).revision == 1  # asking again by the same ids makes it known
        assert len(await log.read()) == 2


async def test_a_server_restarted_under_readers_writers_and_waiters() -> None:
    store = Store()
    async with StandIn(store) as first:
        port = first.port
        async with opened(first.uri, "restarted") as log:
            head = (await log.append("a", NO_STREAM, events(2))).position
            waiting = asyncio.create_task(log.wait(head, 60))
            reader = Reader(log, 0)
            await reader.read()
            await first.__aexit__(None, None, None)
            appending = asyncio.create_task(log.append("a", 1, events(1)))
            async with StandIn(store, port):
                landed = await appending
                assert landed.revision == 2
                assert await waiting == landed.position
                await reader.follow(lambda: False)
                check(reader.rows, 0, dense=False)
                assert len(reader.rows) == 3
                # the subscription is open again: it hears of another process
                more = asyncio.create_task(log.wait(landed.position, 60))
                async with opened(log._client.connection_spec.uri, "restarted") as other:
                    landed = await other.append("b", NO_STREAM, events(1))
                assert await more == landed.position


async def test_a_log_is_closed_although_its_client_swallows_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does while it makes a connection anew: what it was told then is forgotten."""

    async def swallowed(**_: object) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async with StandIn(Store()) as server, asyncio.timeout(20):
        async with opened(server.uri, "swallowed") as log:
            monkeypatch.setattr(log._client, "subscribe_to_all", swallowed)
            assert await log.wait(0, 0.05) == 0
            assert log._follower is not None
        assert log._follower.done()


async def test_a_server_that_is_away_is_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kurrent, "RESOLVE_SECONDS", 0.3)
    async with StandIn() as server:
        uri = server.uri
    async with opened(uri, "away") as log:
        with pytest.raises(ConnectionError):
            await log.read()
        with pytest.raises(ConnectionError):
            await log.head()
        with pytest.raises(OutcomeUnknown):
            await log.append("a", NO_STREAM, [event()])
