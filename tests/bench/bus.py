"""Events per second over a real Kafka: the relay from a PostgreSQL log, a projector into its tables.

The limits are the broker's own tools, ProducerPerformance and ConsumerPerformance, with records of the same size on the
same broker in the same rounds. `python -m tests.bench.bus [--json] [--rounds N]`
"""

import asyncio
import re
import subprocess
import time
from functools import partial
from typing import Any

import uvloop
from psycopg import AsyncConnection

from contracts.envelope import Meta
from services.kit.bus.bus import Subscription
from services.kit.bus.kafka import KafkaBus
from services.kit.clock import RandomIds
from services.kit.embedded import EmbeddedServer
from services.kit.log.eventlog import NO_STREAM, Feed, NewEvent
from services.kit.log.postgres import PostgresLog
from services.kit.log.postgres import install as install_log
from services.kit.postgres import Pool, open_pool, prepare
from services.kit.projector import Projector
from services.kit.projector import install as install_view
from services.kit.relay import Relay
from services.kit.settings import Settings
from services.local.kafka import Broker, tool
from tests.bench.college import fresh_folder
from tests.bench.report import Row, arguments, row, show
from tests.common.views import PRICES, THINGS, VIEW, Counted, ListFeed

EVENTS = 30_000
APPENDED_AT_ONCE = 1000
RECORD_BYTES = 700
"""Of a record of ours: headers, key and body."""
RELAY_PER_SECOND, PROJECTOR_PER_SECOND = 5_000, 10_000
LIMIT = "ProducerPerformance (acks=all) and ConsumerPerformance on the same broker, records of the same size"


class Watched:
    """A feed that tells how often it was read: a projector that reads the feed is not fed by Kafka."""

    def __init__(self, feed: Feed) -> None:
        self._feed, self.reads = feed, 0
        self.log_id, self.head, self.wait = feed.log_id, feed.head, feed.wait

    async def read(self, after: int = 0, limit: int = 1000) -> Any:
        self.reads += 1
        return await self._feed.read(after, limit)

    async def at(self, position: int) -> Any:
        return await self._feed.at(position)


async def bench(rounds: int = 3) -> list[Row]:
    """The relay and the projector, each against its limit."""
    with (
        fresh_folder() as folder,
        Broker(folder / "kafka") as broker,
        EmbeddedServer.start(folder / "data") as server,
    ):
        database = await prepare(server.dsn(), "bench", server.password)
        async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as owner:
            await install_log(owner, database.role)
        pool = await open_pool(database.dsn, name="bench", largest=4)
        try:
            log = await _filled(PostgresLog(pool))
            return await _rows(log, database.owner_dsn, pool, broker.address, rounds)
        finally:
            await pool.close()


async def _filled(log: PostgresLog) -> PostgresLog:
    """The log with `EVENTS` events of some hundred bytes."""
    ids = RandomIds()
    meta = Meta(ids.new(), "0" * 64, ids.new(), "teacher", "0" * 64, "2025-09-01T03:00:00.000000+00:00", "http").text()
    revision = NO_STREAM
    for start in range(0, EVENTS, APPENDED_AT_ONCE):
        events = [
            NewEvent(ids.new(), *THINGS.encode(Counted(thing=str(n), amount=n)), meta)
            for n in range(start, start + APPENDED_AT_ONCE)
        ]
        revision = (await log.append("stream/1", revision, events)).revision
    return log


async def _rows(log: PostgresLog, owner_dsn: str, pool: Pool, address: str, rounds: int) -> list[Row]:
    relayed, projected, produced, consumed = [], [], [], []
    for number in range(rounds):
        bus = KafkaBus.of(Settings(kafka=address, kafka_prefix=f"bench{number}"))
        async with await AsyncConnection.connect(owner_dsn, autocommit=True) as owner:
            await owner.execute("drop schema if exists things cascade")
            await owner.execute("drop table if exists view_cursor")
            await install_view(owner, VIEW)
        feed = Watched(log)
        projector = Projector(VIEW, pool, {"things": feed, "prices": ListFeed(PRICES)}, bus, pace=0.0)
        await projector._open("things")
        async with bus.subscribe("things") as subscription:
            relayed.append(EVENTS / await _timed(partial(_relay, log, bus)))
            projected.append(EVENTS / await _timed(partial(_project, projector, subscription)))
        assert feed.reads == 0, "the projector was fed by the log, not by Kafka"
        await bus.close()
        topic = f"limit{number}"
        produced.append(await asyncio.to_thread(_produce, address, topic))
        consumed.append(await asyncio.to_thread(_consume, address, topic))
    return [
        row("relay, log → Kafka", "events/s", relayed, produced, f"≥ {RELAY_PER_SECOND}"),
        row("projector, Kafka → tables", "events/s", projected, consumed, f"≥ {PROJECTOR_PER_SECOND}"),
    ]


async def _relay(log: PostgresLog, bus: KafkaBus) -> None:
    relay, position = Relay(log, bus, "things"), 0
    while position < EVENTS:
        position = await relay.step(position)


async def _project(projector: Projector, subscription: Subscription) -> None:
    while projector.positions["things"] < EVENTS:
        await projector._step("things", subscription)


async def _timed(work: Any) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def _produce(address: str, topic: str) -> float:
    """Records per second by ProducerPerformance, of a topic made before."""
    made = ("--bootstrap-server", address, "--topic", topic)
    _run("org.apache.kafka.tools.TopicCommand", *made, "--create", "--partitions", "1", "--replication-factor", "1")
    size = ("--num-records", str(EVENTS), "--record-size", str(RECORD_BYTES), "--throughput", "-1")
    properties = ("--producer-props", f"bootstrap.servers={address}", "acks=all")
    said = _run("org.apache.kafka.tools.ProducerPerformance", "--topic", topic, *size, *properties)
    return float(re.findall(r"([\d.]+) records/sec", said)[-1])


def _consume(address: str, topic: str) -> float:
    """Records per second by ConsumerPerformance, without the time to join its group."""
    asked = ("--bootstrap-server", address, "--topic", topic, "--messages", str(EVENTS))
    said = _run("org.apache.kafka.tools.ConsumerPerformance", *asked)
    return float(said.strip().splitlines()[-1].split(",")[-1])


def _run(name: str, *arguments: str) -> str:
    done = subprocess.run(tool(name, *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stdout[-500:]} {done.stderr[-500:]}")
    return done.stdout


def main() -> None:
    """Measure and print, as a table or as JSON."""
    asked = arguments("the relay and a projector over Kafka")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        show("bus", runner.run(bench(asked.rounds)), asked.json, LIMIT)


if __name__ == "__main__":
    main()
