"""A view stays the fold of its logs, whatever the bus does; and stops when the log is not the one it knew."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from psycopg import AsyncConnection, OperationalError

from contracts.envelope import Event
from services.kit.bus.bus import Message
from services.kit.bus.memory import MemoryBus
from services.kit.log.eventlog import Recorded
from services.kit.postgres import Pool, open_pool
from services.kit.problems import Behind
from services.kit.projector import ForeignLog, OtherVersion, Projector, install
from services.kit.view import View
from tests.common.kit import until
from tests.common.views import PRICES, THINGS, VIEW, Counted, Gone, ListFeed, Named, Priced, Tagged, contents
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio


class World:
    """Two logs, a bus and a database with the view; projectors come and go."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self.owner_dsn, self.pool, self.bus = dsn, pool, MemoryBus()
        self.feeds = {"things": ListFeed(THINGS), "prices": ListFeed(PRICES, log_id="log-2")}

    def projector(self, view: View = VIEW) -> Projector:
        return Projector(view, self.pool, dict(self.feeds), self.bus)

    async def publish(self, name: str, rows: list[Recorded]) -> None:
        await self.bus.publish(name, [Message(row.position - 1, row, self.feeds[name].id) for row in rows])

    async def say(self, name: str, *events: Event) -> None:
        await self.publish(name, self.feeds[name].add(*events))

    async def tables(self) -> dict[str, list[dict[str, Any]]]:
        async with self.pool.connection() as conn:
            return await contents(conn, VIEW)


@asynccontextmanager
async def running(projector: Projector) -> AsyncIterator[None]:
    task = asyncio.create_task(projector.run())
    await projector.reached("things", 0)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def world(database: NewDatabase) -> AsyncIterator[World]:
    prepared = await database("things")
    async with await AsyncConnection.connect(prepared.owner_dsn, autocommit=True) as conn:
        await install(conn, VIEW)
    pool = await open_pool(prepared.dsn, name="things", largest=4)
    yield World(prepared.owner_dsn, pool)
    await pool.close()


async def subscribed(world: World) -> None:
    """Wait until the projector listens on both topics."""
    while not all(world.bus._subscriptions.get(name) for name in world.feeds):  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def test_events_from_the_bus_reach_the_tables(world: World) -> None:
    projector = world.projector()
    async with running(projector):
        await subscribed(world)
        await world.say("things", Named(thing="a", title="A"), Counted(thing="a", amount=3))
        await world.say("prices", Priced(thing="a", price=5))
        await projector.reached("things", 2)
        await projector.reached("prices", 1)
        tables = await world.tables()
    assert [(r["title"], r["amount"]) for r in tables["thing"]] == [("A", 3)]
    assert tables["price"] == [{"thing": "a", "price": 5}]


async def test_repeated_and_old_messages_change_nothing(world: World) -> None:
    projector = world.projector()
    async with running(projector):
        await subscribed(world)
        feed = world.feeds["things"]
        feed.add(Named(thing="a", title="A"), Gone(thing="a"), Named(thing="a", title="B"))
        for rows in (feed.rows, feed.rows[:2], feed.rows[1:], feed.rows):
            await world.publish("things", rows)
        await projector.reached("things", 3)
        tables = await world.tables()
    assert [r["title"] for r in tables["thing"]] == ["B"]


async def test_a_hole_is_filled_from_the_feed(world: World) -> None:
    projector = world.projector()
    async with running(projector):
        await subscribed(world)
        feed = world.feeds["things"]
        feed.add(*(Counted(thing=str(n), amount=n) for n in range(20)))
        await world.publish("things", feed.rows[3:5] + feed.rows[15:])
        await projector.reached("things", 20)
        tables = await world.tables()
    assert len(tables["thing"]) == 20


async def test_a_silent_or_wiped_bus_is_noticed(world: World) -> None:
    """Nothing is ever published; after a second of silence the feed is asked."""
    projector = world.projector()
    async with running(projector):
        await subscribed(world)
        world.feeds["things"].add(Named(thing="a", title="A"))
        await projector.reached("things", 1)
        assert len((await world.tables())["thing"]) == 1


async def test_another_process_continues_where_the_first_stopped(world: World) -> None:
    world.feeds["things"].add(Named(thing="a", title="A"))
    await world.projector().catch_up()
    world.feeds["things"].add(Counted(thing="a", amount=1))
    second = world.projector()
    await second.catch_up()
    assert second.positions == {"things": 2, "prices": 0}
    assert [r["amount"] for r in (await world.tables())["thing"]] == [1]


async def test_two_projectors_of_one_view_apply_every_event_once(world: World) -> None:
    first, second = world.projector(), world.projector()
    async with running(first), running(second):
        await subscribed(world)
        for n in range(40):
            await world.say("things", Tagged(thing=str(n % 3), tags={"n": n}))
            await asyncio.sleep(0.001)
        await first.reached("things", 40)
        await second.reached("things", 40)
        tables = await world.tables()
    assert [r["position"] for r in sorted(tables["tagging"], key=lambda r: r["position"])] == list(range(1, 41))
    assert first.stopped is second.stopped is None


async def test_who_does_not_project_tells_how_far_another_process_has_come(world: World) -> None:
    reader = world.projector()
    assert await reader.come() == {"things": 0, "prices": 0}
    world.feeds["things"].add(Counted(thing="a", amount=1))
    await world.projector().catch_up()
    assert await reader.come() == {"things": 1, "prices": 0}


@pytest.mark.parametrize("seed", range(6))
async def test_any_interleaving_of_the_logs_gives_equal_tables(world: World, seed: int) -> None:
    """The two logs are taken in pieces, in a random order, through holes and repetitions."""
    rng = random.Random(seed)
    world.feeds["things"].add(
        *(
            rng.choice(
                (
                    Named(thing=rng.choice("abc"), title=str(n)),
                    Counted(thing=rng.choice("abc"), amount=n),
                    Tagged(thing=rng.choice("abc"), tags={"n": n}),
                    Gone(thing=rng.choice("abc")),
                )
            )
            for n in range(60)
        )
    )
    world.feeds["prices"].add(*(Priced(thing=rng.choice("abc"), price=n) for n in range(60)))
    projector = world.projector()
    for name in world.feeds:
        await projector._open(name)
    while any(projector.positions[name] < 60 for name in world.feeds):
        name = rng.choice(list(world.feeds))
        start = max(0, projector.positions[name] + rng.randint(-3, 2))
        rows = world.feeds[name].rows[start : start + rng.randint(1, 9)]
        world.feeds[name].rows, held = world.feeds[name].rows[: start + 12], world.feeds[name].rows
        await projector._take(name, [Message(row.position - 1, row, world.feeds[name].id) for row in rows])
        world.feeds[name].rows = held
    interleaved = await world.tables()

    async with world.pool.connection() as conn:
        for table in VIEW.tables:
            await conn.execute(f"delete from things.{table}".encode())
        await conn.execute("update view_cursor set position = 0, event_id = ''")
    await world.projector().catch_up()
    assert await world.tables() == interleaved


async def test_an_unknown_type_stops_the_view_and_changes_nothing(world: World) -> None:
    feed = world.feeds["things"]
    feed.add(Named(thing="a", title="A"), Named(thing="b", title="B"))
    feed.rows[1] = feed.rows[1]._replace(type="Renamed.v1")
    projector = world.projector()
    await projector.run()
    assert projector.stopped is not None
    assert "Renamed.v1" in projector.stopped
    assert (await world.tables())["thing"] == []


async def test_a_log_cut_back_is_noticed_at_the_start(world: World) -> None:
    world.feeds["things"].add(Named(thing="a", title="A"), Named(thing="b", title="B"))
    await world.projector().catch_up()
    del world.feeds["things"].rows[1]
    with pytest.raises(ForeignLog):
        await world.projector().catch_up()


async def test_a_log_cut_back_and_grown_again_is_noticed(world: World) -> None:
    """The head is beyond the cursor again, but another event stands at its position."""
    feed = world.feeds["things"]
    feed.add(Named(thing="a", title="A"), Named(thing="b", title="B"))
    await world.projector().catch_up()
    del feed.rows[1]
    feed.add(Named(thing="c", title="C"), Named(thing="d", title="D"))
    with pytest.raises(ForeignLog):
        await world.projector().catch_up()


async def test_a_log_cut_back_under_a_running_view_stops_it(world: World) -> None:
    projector = world.projector()
    async with running(projector):
        await subscribed(world)
        await world.say("things", Named(thing="a", title="A"), Named(thing="b", title="B"))
        await projector.reached("things", 2)
        world.feeds["things"].rows.clear()
        for _ in range(60):
            await asyncio.sleep(0.05)
            if projector.stopped:
                break
    assert projector.stopped is not None
    assert "ForeignLog" in projector.stopped


async def test_a_predecessor_below_the_cursor_stops_the_view(world: World) -> None:
    feed = world.feeds["things"]
    feed.add(*(Named(thing=str(n), title="") for n in range(3)))
    projector = world.projector()
    await projector.catch_up()
    (late,) = feed.add(Named(thing="z", title="Z"))
    with pytest.raises(ForeignLog):
        await projector._take("things", [Message(1, late, feed.id)])


async def test_another_log_id_stops_the_view(world: World) -> None:
    world.feeds["things"].add(Named(thing="a", title="A"))
    await world.projector().catch_up()
    world.feeds["things"].id = "log-9"
    with pytest.raises(ForeignLog):
        await world.projector().catch_up()


async def test_tables_of_another_version_are_not_written(world: World) -> None:
    world.feeds["things"].add(Named(thing="a", title="A"))
    with pytest.raises(OtherVersion):
        await world.projector(VIEW._replace(version=2)).catch_up()


async def test_a_lost_database_or_feed_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.projector.RETRY_SECONDS", 0.01)
    feed = world.feeds["things"]
    failures = iter([OperationalError("lost"), ConnectionRefusedError("lost")])
    read = feed.read

    async def failing(after: int = 0, limit: int = 1000) -> list[Recorded]:
        for failure in failures:
            raise failure
        return await read(after, limit)

    monkeypatch.setattr(feed, "read", failing)
    projector = world.projector()
    async with running(projector):
        await subscribed(world)
        await world.say("things", Named(thing="a", title="A"))
        await projector.reached("things", 1)
    assert projector.stopped is None


async def test_killed_backends_lose_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.projector.RETRY_SECONDS", 0.01)
    projector = world.projector()
    async with running(projector), await AsyncConnection.connect(str(world.pool.conninfo), autocommit=True) as killer:
        await subscribed(world)
        for n in range(30):
            await world.say("things", Tagged(thing="a", tags={"n": n}))
            if n % 10 == 5:
                await killer.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where usename = current_user and pid <> pg_backend_pid()"
                )
            await asyncio.sleep(0.01)
        await until(lambda: projector.positions.get("things") == 30)
    assert projector.stopped is None
    async with await AsyncConnection.connect(world.owner_dsn) as conn:
        assert len((await contents(conn, VIEW))["tagging"]) == 30


async def test_a_reader_waits_no_longer_than_the_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.projector.REACHED_LIMIT_SECONDS", 0.05)
    projector = world.projector()
    with pytest.raises(Behind):
        await projector.reached("things", 1)
    with pytest.raises(Behind):
        await projector.reached("no-such-log", 1)
    await projector.reached("things", 0)


async def test_a_reader_sees_what_another_process_projected(world: World) -> None:
    world.feeds["things"].add(Named(thing="a", title="A"))
    idle = world.projector()
    await world.projector().catch_up()
    await idle.reached("things", 1)
