"""The faults, by name. Each does its harm for a moment, undoes it and says where it was; `FAULTS` lists all of them."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from psycopg_pool import AsyncConnectionPool

from services.kit.log.postgres import PostgresLog
from services.kit.rebuild import rebuild
from services.store import LOGS
from services.system import VIEWS
from tests.faults.broker import ProxiedBroker
from tests.faults.load import Load
from tests.faults.proxy import NETWORK
from tests.faults.world import Running, World

HOLD_SECONDS = 0.9
SILENT_SECONDS = 6.0
"""Longer than rights may be unheard of."""
DAY = 86_400
REPEATED = 60

DISK_FULL = """
create function public.no_space() returns trigger language plpgsql as $$ begin
  raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
create trigger no_space before insert on public.event for each statement execute function public.no_space();
alter table public.event enable always trigger no_space;
"""
DISK_FREE = "drop function public.no_space cascade"


class Faults:
    """The faults of one round of a world."""

    def __init__(self, world: World, broker: ProxiedBroker, load: Load, draw: random.Random) -> None:
        self.world, self.broker, self.load, self.draw = world, broker, load, draw

    def process(self, *targets: str) -> Running:
        """One of the processes, of these targets if some are named."""
        named = [p for p in self.world.processes.values() if not targets or p.target in targets]
        return self.draw.choice(sorted(named, key=lambda p: p.name))

    async def hold(self) -> None:
        await asyncio.sleep(HOLD_SECONDS * (0.5 + self.draw.random()))

    async def network(self, fault: str, kind: str) -> str:
        """A fault of the network on one way of that kind."""
        ways = {
            "postgres": self.world.ways(lambda way: way.endswith(">postgres")),
            "kafka": ["kafka"],
            "service": self.world.ways(lambda way: re.search(r">(identity|schedule|gradebook)$", way) is not None),
        }[kind]
        way = self.draw.choice(ways)
        try:
            await self.world.proxy.spoil(way, fault)
            await self.hold()
        finally:
            await self.world.proxy.heal()
        return way

    # -- processes ----------------------------------------------------------------------------------------------

    async def stopped(self) -> str:
        """SIGSTOP, SIGCONT."""
        process = self.process()
        process.signal(19)
        await self.hold()
        process.signal(18)
        return process.name

    async def rolling(self) -> str:
        """Every process is stopped in order and started again, one after the other."""
        for process in list(self.world.processes.values()):
            await self.world.again(process)
        return ""

    async def two(self, target: str) -> str:
        """A second process of the target; the first is killed, so that the other takes over."""
        first = self.world.of(target)[0]
        second = await self.world.start(target)
        await self.hold()
        first.signal(9)
        await self.hold()
        await self.world.end(second)
        return second.name

    # -- stores -------------------------------------------------------------------------------------------------

    async def postgres(self, kill: bool) -> str:
        await asyncio.to_thread(self.world.base.restart, kill)
        return ""

    async def disk_full(self) -> str:
        """The log's table refuses as on a full disk: the server's own error of that code, raised by a trigger."""
        dsn = self.world.dsn("gradebook")

        def run(text: str) -> None:
            with psycopg.connect(dsn, autocommit=True) as conn:
                conn.execute(text.encode())

        await asyncio.to_thread(run, DISK_FULL)
        await self.hold()
        await asyncio.to_thread(run, DISK_FREE)
        return ""

    async def rebuilt(self) -> str:
        """A view is built anew under load and switched."""
        pools = {
            name: AsyncConnectionPool(self.world.dsn(name), kwargs={"autocommit": True}, open=False) for name in LOGS
        }
        service = self.draw.choice(sorted(VIEWS))
        view = self.draw.choice(VIEWS[service])
        for pool in pools.values():
            await pool.open()
        try:
            logs = {name: PostgresLog(pool) for name, pool in pools.items()}
            await rebuild(view, {name: logs[name] for name in view.logs}, self.world.owner(service))
        finally:
            for pool in pools.values():
                await pool.close()
        return view.name

    # -- the clock, people --------------------------------------------------------------------------------------

    async def clock(self) -> str:
        """The clock of the grade book jumps by months, across the end of the period, and a page is closed meanwhile."""
        days = self.draw.choice((-200, -90, 90, 200))
        for process in self.world.of("gradebook.api"):
            process.control.clock = days * DAY
        closed = await self.load.close_page(self.draw.choice(self.load.cast.lessons).page)
        await self.hold()
        for process in self.world.of("gradebook.api"):
            process.control.clock = 0
        return f"{days} days, {'a page closed' if closed else 'no page closed'}"

    async def storm(self) -> str:
        """Answers are lost after the commit and every retry is sent eight times at once."""
        before, self.load.copies = self.load.copies, 8
        for _ in range(3):
            self.process("gradebook.api").control.arm("append.after", 2)
            await self.hold()
        self.load.copies = before
        return ""

    async def partition(self) -> str:
        """Nobody reaches identity until rights are too old, and a guardian is unlinked meanwhile."""
        for way in self.world.ways(lambda way: way.endswith(">identity")):
            await self.world.proxy.spoil(way, "half-open")
        await self.load.unlink()
        await asyncio.sleep(SILENT_SECONDS)
        await self.world.proxy.heal()
        return ""

    # -- Kafka --------------------------------------------------------------------------------------------------

    async def broker_killed(self) -> str:
        await asyncio.to_thread(self.broker.kill)
        await self.hold()
        await asyncio.to_thread(self.broker.start)
        return ""

    async def broker_stands_still(self) -> str:
        self.broker.pause()
        await self.hold()
        self.broker.resume()
        return ""

    async def topics_wiped(self) -> str:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.broker.address)
        await admin.start()
        try:
            topics = [t for t in await admin.list_topics() if t.startswith(f"{self.world.prefix}.")]
            await admin.delete_topics(topics)
        finally:
            await admin.close()
        return ", ".join(topics)

    async def slow_consumer(self) -> str:
        projector = self.process("reporting.projector")
        projector.signal(19)
        await asyncio.sleep(2 * HOLD_SECONDS)
        projector.signal(18)
        return projector.name

    async def again(self, backwards: bool) -> str:
        """Records that were there come once more."""
        async with self._records() as (records, producer, topic):
            for record in reversed(records) if backwards else records:
                await producer.send_and_wait(topic, record.value, key=record.key, headers=list(record.headers))
            return f"{len(records)} records"

    async def poison(self) -> str:
        """What is no event at all: no headers, no JSON, nothing."""
        async with self._records() as (_, producer, topic):
            for value, headers in ((b"\xff\xfe", []), (b"", []), (b"{}", [("ce_type", b"x")]), (None, [])):
                await producer.send_and_wait(topic, value, key=b"?", headers=headers)
        return ""

    async def unknown(self) -> str:
        """Events of an unknown type, at positions that have passed and that are yet to come."""
        async with self._records() as (records, producer, topic):
            for record in records[-5:]:
                for shift in (0, 1000):
                    headers = [(name, _altered(name, value, shift)) for name, value in record.headers]
                    await producer.send_and_wait(topic, record.value, key=record.key, headers=headers)
        return ""

    @asynccontextmanager
    async def _records(self) -> Any:
        """The latest records of the gradebook's topic and a producer to it, past the proxies."""
        topic = f"{self.world.prefix}.gradebook"
        consumer = AIOKafkaConsumer(bootstrap_servers=self.broker.address, enable_auto_commit=False)
        producer = AIOKafkaProducer(bootstrap_servers=self.broker.address)
        await consumer.start()
        await producer.start()
        try:
            await producer.partitions_for(topic)
            partition = TopicPartition(topic, 0)
            consumer.assign([partition])
            end = (await consumer.end_offsets([partition]))[partition]
            begin = (await consumer.beginning_offsets([partition]))[partition]
            consumer.seek(partition, max(begin, end - REPEATED))
            records: list[Any] = []
            while begin < end and (not records or records[-1].offset < end - 1):
                found = await consumer.getmany(partition, timeout_ms=1000)
                if not found:
                    break
                records += found[partition]
            yield records, producer, topic
        finally:
            await producer.stop()
            await consumer.stop()


def _altered(name: str, value: bytes, shift: int) -> bytes:
    if name.endswith("type") and not name.endswith("content-type"):
        return b"Nonsense.v9"
    return str(int(value) + shift).encode() if name.endswith(("position", "predecessor")) else value


def _network(fault: str, kind: str) -> Callable[[Faults], Awaitable[str]]:
    return lambda faults: faults.network(fault, kind)


FAULTS: dict[str, Callable[[Faults], Awaitable[str]]] = {
    **{f"{fault} {kind}": _network(fault, kind) for fault in NETWORK for kind in ("postgres", "kafka", "service")},
    "process stopped": Faults.stopped,
    "rolling restart": Faults.rolling,
    "two relays": lambda faults: faults.two("gradebook.relay"),
    "two projectors": lambda faults: faults.two("reporting.projector"),
    "PostgreSQL restarted": lambda faults: faults.postgres(False),
    "PostgreSQL killed": lambda faults: faults.postgres(True),
    "disk full": Faults.disk_full,
    "rebuild under load": Faults.rebuilt,
    "clock jump": Faults.clock,
    "retry storm": Faults.storm,
    "partition from identity": Faults.partition,
    "Kafka killed": Faults.broker_killed,
    "Kafka stands still": Faults.broker_stands_still,
    "Kafka wiped": Faults.topics_wiped,
    "slow consumer": Faults.slow_consumer,
    "duplicates": lambda faults: faults.again(False),
    "reordering": lambda faults: faults.again(True),
    "poison": Faults.poison,
    "unknown types": Faults.unknown,
}
