"""The public status: a part works or does not, shows everything or not, and nothing else is told."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from psycopg import AsyncConnection

from services.kit import status as module
from services.kit.bus.memory import MemoryBus
from services.kit.front import Front
from services.kit.postgres import Pool, open_pool
from services.kit.projector import REACHED_LIMIT_SECONDS, Projector, install
from services.kit.status import KEEP_SECONDS, PARTS, SHOWN_SECONDS, WAIT_SECONDS, Board, Health, Look, Seen, asking
from tests.common.clock import ManualClock
from tests.common.kit import ZONE, Desk, browser, until
from tests.common.views import PRICES, THINGS, VIEW, ListFeed, Named
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

SECRETS = "host=10.0.0.1 password=secret"


# -- one service --------------------------------------------------------------------------------------------------


class Away(ListFeed):
    """A log that can be taken away, by whatever it raises then."""

    away: Exception | None = None
    heads = 0

    async def head(self) -> int:
        self.heads += 1
        if self.away:
            raise self.away
        return await super().head()


class Home:
    """A service `things` with a view of its own log and of the log `prices` of another service."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.clock = pool, ManualClock()
        self.own, self.other = Away(THINGS), Away(PRICES, log_id="log-2")
        self.feeds = {"things": self.own, "prices": self.other}
        self.projector = Projector(VIEW, pool, dict(self.feeds), MemoryBus())
        self.health = Health("things", pool, self.feeds, (self.projector,), self.clock.monotonic)

    async def look(self) -> Seen:
        """As it is now, not as it was."""
        self.clock.advance(KEEP_SECONDS)
        return await self.health.look()


@pytest.fixture
async def home(database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Home]:
    monkeypatch.setattr("services.kit.projector.REACHED_LIMIT_SECONDS", 0.05)
    prepared = await database("things")
    async with await AsyncConnection.connect(prepared.owner_dsn, autocommit=True) as conn:
        await install(conn, VIEW)
    pool = await open_pool(prepared.dsn, name="things", largest=2)
    yield Home(pool)
    await pool.close()


@asynccontextmanager
async def running(projector: Projector) -> AsyncIterator[None]:
    task = asyncio.create_task(projector.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_view_is_current_once_it_shows_what_the_logs_hold(home: Home) -> None:
    home.own.add(Named(thing="a", title="A"))
    assert await home.look() == Seen(True, False), "another process would have to follow"
    await home.projector.catch_up()
    assert await home.look() == Seen(True, True)
    home.own.add(Named(thing="b", title="B"))
    assert await home.look() == Seen(True, False)


async def test_what_another_process_has_projected_counts(home: Home) -> None:
    home.own.add(Named(thing="a", title="A"))
    await Projector(VIEW, home.pool, dict(home.feeds), MemoryBus()).catch_up()
    assert home.projector.positions["things"] == 0
    assert await home.look() == Seen(True, True)


async def test_a_projector_that_stopped_does_not_work(home: Home) -> None:
    async with running(home.projector):
        home.own.add(Named(thing="a", title="A"))
        await until(lambda: home.projector.positions["things"] == 1)
        known = home.own.add(Named(thing="b", title="B"))[0]
        home.own.rows[-1] = known._replace(type="Unknown.v1")
        await until(lambda: home.projector.stopped is not None)
    assert await home.look() == Seen(False)


async def test_without_its_own_log_it_does_not_work(home: Home) -> None:
    home.own.away = ConnectionError(SECRETS)
    assert await home.look() == Seen(False)
    home.own.away = None
    assert await home.look() == Seen(True, True)


@pytest.mark.parametrize("away", [ConnectionError(SECRETS), httpx.ConnectTimeout(SECRETS), TimeoutError()])
async def test_whether_it_is_current_is_not_known_while_the_log_of_another_service_is_away(
    home: Home, away: Exception
) -> None:
    home.other.away = away
    assert await home.look() == Seen(True, None)


async def test_whatever_else_is_raised_means_that_it_does_not_work(home: Home) -> None:
    home.other.away = ZeroDivisionError()
    assert await home.look() == Seen(False)


async def test_a_dead_database_does_not_work(home: Home) -> None:
    assert (await home.look()).works
    await home.pool.close()
    assert await home.look() == Seen(False)


async def test_a_database_that_hangs_does_not_work(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.05)
    async with home.pool.connection(), home.pool.connection():  # all that there are
        assert await home.look() == Seen(False)
    monkeypatch.undo()
    assert (await home.look()).works


async def test_a_service_without_views_only_works(home: Home) -> None:
    assert await Health("identity", home.pool, {"identity": home.own}).look() == Seen(True, None)


async def test_it_is_looked_at_once_for_all_who_ask_at_once_and_soon_after(home: Home) -> None:
    assert set(await asyncio.gather(*(home.health.look() for _ in range(20)))) == {Seen(True, True)}
    home.own.away = ConnectionError()
    home.clock.advance(KEEP_SECONDS - 0.1)
    assert (await home.health.look()).works, "as it was found"
    home.clock.advance(0.1)
    assert not (await home.health.look()).works
    assert home.other.heads == 1


async def test_everybody_may_ask_a_service_and_is_told_no_cause(home: Home) -> None:
    app = Desk().app(module.routes(home.health))
    async with browser(app) as anybody:
        well = await anybody.get("/status")
        home.clock.advance(KEEP_SECONDS)
        home.own.away = ConnectionError(SECRETS)
        ill = await anybody.get("/status")
    assert (well.status_code, well.json()) == (200, {"works": True, "current": True})
    assert (ill.status_code, ill.json()) == (200, {"works": False, "current": None})


def test_each_waits_longer_than_what_it_waits_for() -> None:
    assert WAIT_SECONDS > 2 * module.ANSWER_SECONDS + SHOWN_SECONDS
    assert SHOWN_SECONDS > REACHED_LIMIT_SECONDS


# -- all of them --------------------------------------------------------------------------------------------------


class Part:
    """A part that is as it is told to be."""

    def __init__(self, seen: Seen | Exception) -> None:
        self.seen, self.looked = seen, 0

    async def __call__(self) -> Seen:
        self.looked += 1
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen


def board(looks: Mapping[str, Look], clock: ManualClock | None = None, notice: Path | None = None) -> Board:
    return Board(looks, clock or ManualClock(), ZONE, notice)


@pytest.mark.parametrize(
    ("identity", "gradebook", "state"),
    [
        (Seen(True), Seen(True, True), "works"),
        (Seen(True), Seen(True, None), "works"),
        (Seen(True), Seen(True, False), "partly"),
        (Seen(True), Seen(False), "partly"),
        (RuntimeError(SECRETS), Seen(True, True), "partly"),
        (RuntimeError(SECRETS), Seen(False), "down"),
    ],
)
async def test_the_whole_is_what_its_parts_are(identity: Seen | Exception, gradebook: Seen, state: str) -> None:
    told = await board({"gradebook": Part(gradebook), "identity": Part(identity)}).told()
    found = Seen(False) if isinstance(identity, Exception) else identity
    assert told == {
        "state": state,
        "at": ManualClock().now().isoformat(),
        "notice": "",
        "parts": [
            {"part": "identity", "works": found.works, "current": found.current},
            {"part": "gradebook", "works": gradebook.works, "current": gradebook.current},
        ],
    }


async def test_parts_are_not_looked_at_for_everybody() -> None:
    clock, part = ManualClock(), Part(Seen(True, True))
    shown = board({"gradebook": part}, clock)
    await asyncio.gather(*(shown.told() for _ in range(10)), shown.page("ru"))
    assert part.looked == 1
    first = (await shown.told())["at"]
    clock.advance(timedelta(seconds=KEEP_SECONDS))
    part.seen = Seen(False)
    told = await shown.told()
    assert (part.looked, told["state"]) == (2, "down")
    assert told["at"] > first


async def test_a_part_that_hangs_does_not_hang_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)

    async def hangs() -> Seen:
        await asyncio.Event().wait()
        raise AssertionError("never")

    told = await board({"identity": hangs, "gradebook": Part(Seen(True, True))}).told()
    assert [part["works"] for part in told["parts"]] == [False, True]


def client(shown: Board) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Front(PARTS, shown)), base_url="http://journal")


async def test_the_page_is_told_without_signing_in_in_two_languages_and_names_no_cause() -> None:
    looks = {
        "identity": Part(Seen(True)),
        "gradebook": Part(RuntimeError(SECRETS)),
        "reporting": Part(Seen(True, False)),
        "notifications": Part(Seen(True, True)),
    }
    async with client(board(looks)) as anybody:
        russian = await anybody.get("/status")
        english = await anybody.get("/status", headers={"Accept-Language": "en"})
        told = await anybody.get("/status.json")
        changed = await anybody.post("/status")
    assert (russian.status_code, english.status_code, told.status_code, changed.status_code) == (200, 200, 200, 405)
    assert "<h1>Состояние журнала: работает частично</h1>" in russian.text
    assert "<h1>Status of the journal: works in part</h1>" in english.text
    for row in (
        "Вход и учётные записи</th><td>работает</td><td>—</td>",
        "Журнал: оценки и посещаемость</th><td>не работает</td><td>—</td>",
        "Карточки и сводки</th><td>работает</td><td>показывает с задержкой</td>",
        "Уведомления</th><td>работает</td><td>всё показано</td>",
    ):
        assert row in russian.text
    assert "01.09.2025 10:00 по времени колледжа" in russian.text
    assert "Повторно вносить не нужно" in russian.text
    assert (russian.headers["content-language"], english.headers["content-language"]) == ("ru", "en")
    for text in (russian.text, english.text, told.text):
        assert not any(secret in text for secret in ("10.0.0.1", "secret", "RuntimeError"))
    assert "<script" not in russian.text
    assert "style=" not in russian.text, "the policy of the gateway forbids it"


async def test_nothing_is_said_of_a_delay_where_there_is_none() -> None:
    page = await board({"gradebook": Part(Seen(True, True)), "identity": Part(Seen(True, None))}).page("ru")
    assert "задержкой" not in page
    assert "Плановые работы" not in page


async def test_planned_work_is_read_each_time_and_is_text(tmp_path: Path) -> None:
    notice = tmp_path / "notice.txt"
    shown = board({}, notice=notice)
    assert (await shown.told())["notice"] == "", "no file"
    notice.write_text("Суббота 22:00 <b>обновление</b>\n\nДо 23:00\n", encoding="utf-8")
    assert (await shown.told())["notice"] == "Суббота 22:00 <b>обновление</b>\n\nДо 23:00"
    assert "<p>Суббота 22:00 &lt;b&gt;обновление&lt;/b&gt;</p><p>До 23:00</p>" in await shown.page("ru")
    notice.write_bytes(b"22:00 \xff\xfe")
    assert (await shown.told())["notice"].startswith("22:00 ")
    notice.write_text("x" * 10_000)
    assert len((await shown.told())["notice"]) == module.LONGEST_NOTICE
    notice.write_text("")
    assert (await shown.told())["notice"] == ""
    assert "Плановые работы" not in await shown.page("ru")


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (httpx.Response(200, json={"works": True, "current": None}), Seen(True, None)),
        (httpx.Response(200, json={"works": True, "current": False}), Seen(True, False)),
        (httpx.Response(200, json={"works": False, "current": None}), Seen(False)),
        (httpx.Response(503, json={"works": True, "current": True}), Seen(False)),
        (httpx.Response(200, text="<html>"), Seen(False)),
        (httpx.ConnectError(SECRETS), Seen(False)),
    ],
)
async def test_a_service_of_another_process_is_asked_over_http(answer: httpx.Response | Exception, seen: Seen) -> None:
    asked = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://other") as other:
        told = await board({"reporting": asking(other, "reporting")}).told()
    assert asked == ["/api/reporting/status"]
    assert told["parts"] == [{"part": "reporting", **seen._asdict()}]


async def test_the_page_of_the_api_and_the_front_page_lead_to_it() -> None:
    async with client(board({})) as anybody:
        for path in ("/", "/api/"):
            assert '<a href="/status">Состояние журнала</a>' in (await anybody.get(path)).text
