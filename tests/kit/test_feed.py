"""The feed over HTTP reads like the log itself."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from services.kit import feed as module
from services.kit.feed import HttpFeed, routes
from services.kit.log.memory import MemoryLog
from tests.common.kit import Counted, Desk, browser, members, new_event

pytestmark = pytest.mark.anyio


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def log(desk: Desk) -> MemoryLog:
    return MemoryLog(desk.clock)


@pytest.fixture
async def client(desk: Desk, log: MemoryLog) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(desk.app(routes(log)), desk.bearer("service:reporting")) as client:
        yield client


@pytest.fixture
def far(client: httpx.AsyncClient) -> HttpFeed:
    return HttpFeed(client)


async def grow(log: MemoryLog, count: int) -> None:
    head = await log.head()
    for n in range(head, head + count):
        await log.append("counter", n - 1, [new_event(f"{n}", Counted(by=n))])


async def test_the_far_feed_equals_the_log(log: MemoryLog, far: HttpFeed) -> None:
    assert await far.head() == 0
    assert await far.read() == []
    await grow(log, 7)
    assert await far.log_id() == await log.log_id()
    assert await far.head() == 7
    assert await far.read() == await log.read()
    for after in range(9):
        for limit in (1, 3, 1000):
            assert await far.read(after, limit) == await log.read(after, limit)


async def test_more_than_a_page_is_read_in_pages(
    log: MemoryLog, far: HttpFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    await grow(log, 8)
    assert len(await far.read(0, 5000)) == 3
    rows, after = [], 0
    while page := await far.read(after, 5000):
        rows += page
        after = page[-1].position
    assert rows == await log.read()


async def test_asking_for_more_than_a_page_is_no_error(log: MemoryLog, far: HttpFeed) -> None:
    await grow(log, 2)
    assert len(await far.read(0, module.PAGE + 4000)) == 2


async def test_waiting_answers_at_once_when_there_is_more(log: MemoryLog, far: HttpFeed) -> None:
    await grow(log, 2)
    assert await far.wait(1, 20) == 2


async def test_waiting_answers_on_an_append(log: MemoryLog, far: HttpFeed) -> None:
    await grow(log, 1)
    waiting = asyncio.create_task(far.wait(1, 20))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    await grow(log, 1)
    assert await asyncio.wait_for(waiting, 10) == 2


async def test_waiting_ends_without_an_append(log: MemoryLog, far: HttpFeed) -> None:
    await grow(log, 1)
    assert await far.wait(1, 0.01) == 1
    assert await far.wait(5, 0.01) == 1


async def test_many_wait_together(log: MemoryLog, far: HttpFeed) -> None:
    waiting = [asyncio.create_task(far.wait(0, 20)) for _ in range(10)]
    await asyncio.sleep(0.01)
    await grow(log, 1)
    assert await asyncio.wait_for(asyncio.gather(*waiting), 10) == [1] * 10


@pytest.mark.parametrize("subject", ["t1", None])
async def test_only_services_read_the_log(desk: Desk, log: MemoryLog, subject: str | None) -> None:
    desk.relate("t1", "role:director")
    desk.relate("t1", "role:auditor")
    async with browser(desk.app(routes(log)), desk.bearer(subject) if subject else {}) as client:
        members(await client.get("/log"), 403 if subject else 401)


async def test_services_read_the_log_while_identity_is_silent(desk: Desk, far: HttpFeed) -> None:
    desk.clock.advance(100)
    client = far._client
    client.headers.update(desk.bearer("service:reporting"))
    assert await far.head() == 0


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=9223372036854775808", "limit=0", "limit=1001", "wait=-1", "wait=26", "wait=nan", "wait=inf"],
)
async def test_malformed_questions(client: httpx.AsyncClient, query: str) -> None:
    members(await client.get(f"/log?{query}"), 422)


async def test_a_feed_that_cannot_answer_is_to_be_asked_again(desk: Desk) -> None:
    answers = [httpx.Response(503), httpx.Response(500), httpx.Response(401)]
    transport = httpx.MockTransport(lambda request: answers.pop(0))
    far = HttpFeed(httpx.AsyncClient(transport=transport, base_url="http://service.test"))
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await far.head()
    with pytest.raises(httpx.HTTPStatusError):
        await far.head()
