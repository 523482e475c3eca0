"""What every adapter of the bus must do: `BusConformance`, a test class for subclasses that give a `bus`.

Each bus is empty. What a view makes of holes, silence and foreign messages is asked of a real projector.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from psycopg import AsyncConnection

from contracts.envelope import Meta
from services.kit.bus.bus import Bus, Message, Subscription
from services.kit.log.eventlog import Recorded
from services.kit.postgres import open_pool
from services.kit.projector import Projector, install
from services.kit.relay import Relay
from tests.common.kit import until
from tests.common.views import PRICES, THINGS, VIEW, Counted, ListFeed, Named, contents
from tests.conftest import NewDatabase

META = Meta("command-1", "request", "person-1", "teacher", "", "2025-09-01T03:00:00+00:00", "http", "schedule:7")


def recorded(count: int, log: str = "log-1") -> ListFeed:
    """A log of so many events, with all that a record must carry over."""
    feed = ListFeed(THINGS, [Counted(thing=f"вещь {n}", amount=n) for n in range(count)], log)
    feed.rows = [row._replace(meta=META.text(), at=row.at.replace(microsecond=row.position)) for row in feed.rows]
    return feed


def messages(rows: Sequence[Recorded], log: str = "log-1") -> list[Message]:
    return [Message(row.position - 1, row, log) for row in rows]


async def read(subscription: Subscription, count: int) -> list[Message]:
    """The next so many messages; half a minute without them fails the test."""
    got: list[Message] = []
    async with asyncio.timeout(30):
        while len(got) < count:
            got += await subscription.next(0.5)
    return got


@asynccontextmanager
async def running(*loops: Relay | Projector) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class GrowingFeed(ListFeed):
    """Waits like a log, until there is something after the position."""

    async def wait(self, after: int, timeout: float) -> int:
        for _ in range(int(timeout / 0.01)):
            if len(self.rows) > after:
                break
            await asyncio.sleep(0.01)
        return len(self.rows)


class World:
    """A log, its relay, and a view of it in a database; the second log of the view is empty."""

    def __init__(self, projector: Projector, things: GrowingFeed, relay: Relay, dsn: str) -> None:
        self.projector, self.things, self.relay, self._dsn = projector, things, relay, dsn

    async def shown(self) -> dict[str, int]:
        """{thing: amount} by the view."""
        async with await AsyncConnection.connect(self._dsn) as conn:
            return {row["thing"]: row["amount"] for row in (await contents(conn, VIEW))["thing"]}

    async def started(self) -> None:
        """Return once the relay stands somewhere: what is in an empty topic's log before that, it never publishes."""
        await until(lambda: self.relay.position is not None)

    async def caught_up(self) -> None:
        """Return once the view stands at the head of the log."""
        await until(lambda: self.projector.positions["things"] == len(self.things.rows))

    def add(self, *amounts: int) -> list[Recorded]:
        self.things.add(*(Counted(thing=str(n), amount=n) for n in amounts))
        fresh = [row._replace(meta=META.text()) for row in self.things.rows[-len(amounts) :]]
        self.things.rows[-len(amounts) :] = fresh
        return fresh


@asynccontextmanager
async def world_on(bus: Bus, database: NewDatabase) -> AsyncIterator[World]:
    prepared = await database("things")
    async with await AsyncConnection.connect(prepared.owner_dsn, autocommit=True) as conn:
        await install(conn, VIEW)
    pool = await open_pool(prepared.dsn, name="things", largest=4)
    things = GrowingFeed(THINGS)
    projector = Projector(VIEW, pool, {"things": things, "prices": ListFeed(PRICES, log_id="log-2")}, bus)
    try:
        yield World(projector, things, Relay(things, bus, "things"), prepared.owner_dsn)
    finally:
        await pool.close()


class BusConformance:
    async def test_every_subscriber_gets_every_message_as_it_was_in_order(self, bus: Bus) -> None:
        sent = messages(recorded(50).rows)
        async with bus.subscribe("t") as one, bus.subscribe("t") as two:
            await bus.publish("t", sent[:20])
            await bus.publish("t", sent[20:])
            assert await read(one, 50) == sent
            assert await read(two, 50) == sent

    async def test_topics_are_apart_and_tell_their_last_message(self, bus: Bus) -> None:
        sent = messages(recorded(3).rows)
        async with bus.subscribe("t") as subscription:
            await bus.publish("other", sent)
            assert await subscription.next(0.05) == []
        assert await bus.last("other") == ("log-1", 3)
        assert await bus.last("t") is None

    async def test_a_subscriber_hears_nothing_of_what_was_before(self, bus: Bus) -> None:
        sent = messages(recorded(6).rows)
        await bus.publish("t", sent[:3])
        async with bus.subscribe("t") as subscription:
            await bus.publish("t", sent[3:])
            assert await read(subscription, 3) == sent[3:]

    async def test_what_is_published_twice_is_read_twice(self, bus: Bus) -> None:
        sent = messages(recorded(3).rows)
        async with bus.subscribe("t") as subscription:
            await bus.publish("t", sent)
            await bus.publish("t", sent[1:])
            assert await read(subscription, 5) == sent + sent[1:]
        assert await bus.last("t") == ("log-1", 3)

    async def test_publishing_nothing_is_nothing(self, bus: Bus) -> None:
        await bus.publish("t", [])
        assert await bus.last("t") is None

    async def test_a_waiting_reader_is_woken(self, bus: Bus) -> None:
        sent = messages(recorded(1).rows)
        async with bus.subscribe("t") as subscription:
            waiting = asyncio.create_task(read(subscription, 1))
            await asyncio.sleep(0)
            await bus.publish("t", sent)
            assert await waiting == sent

    async def test_the_largest_event_of_a_log_is_carried(self, bus: Bus) -> None:
        (row,) = recorded(1).rows
        sent = messages([row._replace(body='{"text":"' + "я" * 29_000 + '"}')])
        async with bus.subscribe("t") as subscription:
            await bus.publish("t", sent)
            assert await read(subscription, 1) == sent

    async def test_a_view_follows_the_relay(self, bus: Bus, database: NewDatabase) -> None:
        async with world_on(bus, database) as world, running(world.relay, world.projector):
            await world.started()
            for n in range(0, 60, 20):
                world.add(*range(n, n + 20))
                await world.caught_up()
            assert await world.shown() == {str(n): n for n in range(60)}
            assert await bus.last("things") == ("log-1", 60)
        assert world.projector.stopped is None

    async def test_holes_and_repetitions_end_with_the_feed(self, bus: Bus, database: NewDatabase) -> None:
        async with world_on(bus, database) as world, running(world.projector):
            rows = world.add(*range(40))
            for part in (rows[3:6], rows[4:5], rows[20:], rows[:2], rows[39:]):
                await bus.publish("things", messages(part))
            await world.caught_up()
            assert len(await world.shown()) == 40
        assert world.projector.stopped is None

    async def test_silence_is_noticed(self, bus: Bus, database: NewDatabase) -> None:
        """Nobody publishes: the feed is asked after a second."""
        async with world_on(bus, database) as world, running(world.projector):
            world.add(1, 2, 3)
            await world.caught_up()
            assert len(await world.shown()) == 3

    async def test_messages_of_another_log_are_not_applied(self, bus: Bus, database: NewDatabase) -> None:
        async with world_on(bus, database) as world, running(world.projector):
            rows = world.add(1, 2)
            foreign = ListFeed(THINGS, [Named(thing="foreign", title="") for _ in range(5)], "log-9")
            await bus.publish("things", messages([r._replace(meta=META.text()) for r in foreign.rows], "log-9"))
            await bus.publish("things", messages(rows))
            await world.caught_up()
            assert set(await world.shown()) == {"1", "2"}
        assert world.projector.stopped is None

    async def test_a_log_that_became_another_stops_the_view(self, bus: Bus, database: NewDatabase) -> None:
        async with world_on(bus, database) as world, running(world.projector):
            world.add(1, 2)
            await world.caught_up()
            world.things.id = "log-9"
            (row,) = world.add(3)
            await bus.publish("things", messages([row], "log-9"))
            await until(lambda: world.projector.stopped is not None)
        assert "ForeignLog" in (world.projector.stopped or "")

    async def test_an_unknown_type_stops_the_view(self, bus: Bus, database: NewDatabase) -> None:
        async with world_on(bus, database) as world, running(world.projector):
            (row,) = world.add(1)
            world.things.rows[0] = row._replace(type="Renamed.v1")
            await bus.publish("things", messages(world.things.rows))
            await until(lambda: world.projector.stopped is not None)
        assert "Renamed.v1" in (world.projector.stopped or "")
        assert await world.shown() == {}

    async def test_a_relay_on_the_topic_of_another_log_goes_on_from_its_own_head(
        self, bus: Bus, database: NewDatabase
    ) -> None:
        """After a restore the topic still holds the former history."""
        await bus.publish("things", messages(recorded(9, "log-0").rows, "log-0"))
        async with world_on(bus, database) as world, running(world.relay, world.projector):
            world.add(1, 2)
            await world.caught_up()
        assert world.projector.stopped is None


pytestmark = pytest.mark.anyio
