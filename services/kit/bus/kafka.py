"""The bus on Apache Kafka: one topic of one partition per log, CloudEvents in binary mode, the stream as key.

Kafka is transport and may be wiped: whoever reads keeps his own cursor and fills holes from the feed. So there are no
consumer groups, no committed offsets and no transactions: a reader is assigned the partition and begins at its end.
Nothing connects before it is used. A sender that dies or hangs while brokers are away is thrown away and made anew; a
reader without brokers hears silence, which sends him to the feed.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from services.kit import tasks
from services.kit.bus.bus import Last, Message
from services.kit.bus.clients import LOST, abandon, closed, within
from services.kit.bus.records import message_of, record_of
from services.kit.settings import CannotStart, Settings

LARGEST_RECORD_BYTES = 1_000_000
BATCH_BYTES = 262_144
PUBLISH_SECONDS = 15.0
REQUEST_SECONDS = 10.0
CONNECT_SECONDS = 3.0
"""A reader waits no longer for brokers before he begins anew."""
READ_SECONDS = 1.0
RETRY_SECONDS = 0.5
DOUBT_SECONDS = 10.0
"""After so long a silence a reader asks the brokers whether there is really nothing."""
TAIL = 64
"""So many offsets are read first to find the last record of a topic, and sixteen times as many at each next try."""
RECORDS_AT_ONCE = 5000
SECURITY = {"plaintext": "PLAINTEXT", "tls": "SSL", "sasl": "SASL_PLAINTEXT", "sasl_tls": "SASL_SSL"}

# Somebody else may own the topics: then they must be there.
MAY_EXIST = {
    error.errno for error in (TopicAlreadyExistsError, TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
}
OF_THE_TOPIC = 1
"""Where a value of a configuration comes from: set for this topic."""

log = structlog.get_logger()


class UnfitTopic(RuntimeError):
    """A topic is there that cannot be brought to the settings; nothing is published to it."""


class Topic(NamedTuple):
    """A topic as it is. copies, in_sync: of the partition that has the fewest.

    differing: {setting: (as it is, as the settings ask)}; None where it may not be read.
    """

    partitions: int
    copies: int
    in_sync: int
    differing: dict[str, tuple[str, str]] | None


class KafkaBus:
    """connection: what every client of Kafka is given. topics: the configuration that topics are made with."""

    def __init__(self, connection: dict[str, Any], prefix: str, replication: int, topics: dict[str, str]) -> None:
        self._connection, self._prefix, self._replication, self._topics = connection, prefix, replication, topics
        self._producer: AIOKafkaProducer | None = None
        self._made: set[str] = set()
        self._sending = asyncio.Lock()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The bus at the brokers of the settings. Raises CannotStart when something is missing."""
        if settings.kafka_min_insync > settings.kafka_replication:
            raise CannotStart(
                "ZHURNAL_KAFKA_MIN_INSYNC больше ZHURNAL_KAFKA_REPLICATION: записать столько копий нельзя.",
                "ZHURNAL_KAFKA_MIN_INSYNC is above ZHURNAL_KAFKA_REPLICATION: so many copies cannot be written.",
            )
        connection = {
            "bootstrap_servers": settings.need("kafka").split(","),
            "security_protocol": SECURITY[settings.kafka_security],
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
            "metadata_max_age_ms": 10_000,
            "ssl_context": _tls(settings) if "tls" in settings.kafka_security else None,
        }
        if "sasl" in settings.kafka_security:
            connection |= {
                "sasl_mechanism": settings.kafka_mechanism,
                "sasl_plain_username": settings.need("kafka_user"),
                "sasl_plain_password": settings.need("kafka_password"),
            }
        topics = {
            "retention.ms": str(settings.kafka_retention_hours * 3_600_000),
            "min.insync.replicas": str(settings.kafka_min_insync),
            "max.message.bytes": str(LARGEST_RECORD_BYTES),
            "cleanup.policy": "delete",
        }
        return cls(connection, settings.kafka_prefix, settings.kafka_replication, topics)

    @property
    def brokers(self) -> list[str]:
        """Where the bus begins to look for brokers, each `host:port`."""
        return list(self._connection["bootstrap_servers"])

    def name(self, topic: str) -> str:
        """The name of the topic among the brokers."""
        return f"{self._prefix}.{topic}"

    # -- publishing -----------------------------------------------------------------------------------------------

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """As the port says. Raises KafkaError, OSError or TimeoutError: how many arrived is not known, send again."""
        if not messages:
            return
        async with self._sending:
            try:
                await within(PUBLISH_SECONDS, self._send(topic, messages))
            except BaseException:
                await self._drop()
                raise

    async def _send(self, topic: str, messages: Sequence[Message]) -> None:
        producer = await self._started(topic)
        name = self.name(topic)
        sent = [await producer.send(name, partition=0, **record_of(topic, m)) for m in messages]
        await asyncio.gather(*sent)

    async def _started(self, topic: str) -> AIOKafkaProducer:
        if topic not in self._made:
            await self._make(topic)
            self._made.add(topic)
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._connection,
                enable_idempotence=True,
                acks="all",
                max_request_size=LARGEST_RECORD_BYTES,
                max_batch_size=BATCH_BYTES,
            )
            try:
                await producer.start()
            except BaseException:
                await abandon(producer)
                raise
            self._producer = producer
        return self._producer

    async def _drop(self) -> None:
        """Give up the sender and what is known of topics: after a failure neither can be trusted."""
        producer, self._producer = self._producer, None
        self._made.clear()
        if producer is not None:
            await abandon(producer)

    async def _make(self, topic: str) -> None:
        """Make the topic, or bring the one that is there to the settings. Raises UnfitTopic."""
        name = self.name(topic)
        admin = AIOKafkaAdminClient(**self._connection)
        try:
            await admin.start()
            wanted = NewTopic(name, 1, self._replication, topic_configs=self._topics)
            answer = await admin.create_topics([wanted], timeout_ms=int(REQUEST_SECONDS * 1000))
            for _, code, *why in answer.topic_errors:
                if code in MAY_EXIST:
                    await self._fit(admin, name)
                elif code:
                    raise for_code(code)(*why)
        finally:
            await closed(admin)

    async def _fit(self, admin: AIOKafkaAdminClient, name: str) -> None:
        """Alter a topic that is there. Partitions and copies are not ours to change."""
        (found,) = await admin.describe_topics([name])
        if found["error_code"]:
            raise for_code(found["error_code"])(name)
        partitions = found["partitions"]
        if len(partitions) != 1:
            raise UnfitTopic(f"{name} has {len(partitions)} partitions, not 1: delete it, it is made anew")
        if (copies := len(partitions[0]["replicas"])) < self._replication:
            raise UnfitTopic(f"{name} has {copies} copies, not {self._replication}: reassign or delete it")
        entries = await _configured(admin, name)
        if self._topics.items() <= {entry[0]: entry[1] for entry in entries}.items():
            return
        # The request replaces all that is set for the topic, so what others set is said again.
        kept = {entry[0]: entry[1] for entry in entries if entry[3] == OF_THE_TOPIC}
        (altered,) = await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, {**kept, **self._topics})]
        )
        for code, why, *_ in altered.resources:
            if code:
                raise UnfitTopic(f"{name} is not set up as the settings say, and may not be altered: {why}")
        log.info("topic altered", topic=name, settings=self._topics)

    async def look(self, topic: str) -> Topic | None:
        """The topic as it is, None where there is none; nothing is made or altered. Raises as `publish`."""
        return await within(REQUEST_SECONDS, self._look(self.name(topic)))

    async def _look(self, name: str) -> Topic | None:
        admin = AIOKafkaAdminClient(**self._connection)
        try:
            await admin.start()
            # Of all topics: asked for one that is not there, brokers may make it.
            found = next((topic for topic in await admin.describe_topics() if topic["topic"] == name), None)
            if found is None or not found["partitions"]:
                return None
            try:
                given = {entry[0]: str(entry[1]) for entry in await _configured(admin, name)}
            except TopicAuthorizationFailedError:
                differing = None
            else:
                differing = {n: (given.get(n, ""), v) for n, v in self._topics.items() if given.get(n) != v}
            parts = found["partitions"]
            return Topic(
                len(parts), min(len(p["replicas"]) for p in parts), min(len(p["isr"]) for p in parts), differing
            )
        finally:
            await closed(admin)

    async def close(self) -> None:
        """Return when nothing of this bus is connected any more."""
        async with self._sending:
            await self._drop()

    # -- reading --------------------------------------------------------------------------------------------------

    async def last(self, topic: str, *, make: bool = True) -> Last | None:
        """As the port says. A record that is none of ours is passed over. make: as the settings say, if need be."""
        return await within(PUBLISH_SECONDS, self._find_last(topic, make))

    async def _find_last(self, topic: str, make: bool) -> Last | None:
        partition = TopicPartition(self.name(topic), 0)
        if make:
            await self._make(topic)
        consumer = self._consumer()
        try:
            await consumer.start()
            consumer.assign([partition])
            begin = (await consumer.beginning_offsets([partition]))[partition]
            end = (await consumer.end_offsets([partition]))[partition]
            return await _last(consumer, partition, begin, end)
        finally:
            await closed(consumer)

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator["_Subscription"]:
        """As the port says."""
        subscription = _Subscription(self, TopicPartition(self.name(topic), 0))
        try:
            await subscription.enter()
            yield subscription
        finally:
            await subscription.close()

    def _consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._connection, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )


class _Subscription:
    """A reader of one topic from where it ended; connected as soon as brokers answer, and again after they were away.

    It goes on behind what it has read. Where that is no longer or not yet there (retention, a topic made anew), it
    goes on with the oldest record: what is read again does no harm.
    """

    def __init__(self, bus: KafkaBus, partition: TopicPartition) -> None:
        self._bus, self._partition = bus, partition
        self._consumer: AIOKafkaConsumer | None = None
        self._reading: asyncio.Task[Sequence[Any]] | None = None
        self._offset: int | None = None
        self._heard = 0.0

    async def enter(self) -> None:
        """Find the end of the topic now; without brokers it is found when they answer."""
        try:
            await within(CONNECT_SECONDS, self._connected())
        except LOST as lost:
            log.warning("no bus", topic=self._partition.topic, error=repr(lost))

    async def next(self, timeout: float) -> list[Message]:
        """As the port says. Silence is told on time whatever the brokers do: what is under way with them goes on, and
        the next call takes what comes of it."""
        now = asyncio.get_running_loop().time
        until = now() + timeout
        while True:
            reading = self._reading = self._reading or asyncio.create_task(self._read())
            await asyncio.wait({reading}, timeout=max(0.0, until - now()))
            if not reading.done():
                return []
            self._reading = None
            if messages := [message for record in reading.result() if (message := message_of(record)) is not None]:
                return messages
            if now() >= until:
                return []

    async def _read(self) -> Sequence[Any]:
        """The records that come within `READ_SECONDS`, none if brokers are lost; then the reader is made anew."""
        try:
            return await within(READ_SECONDS + CONNECT_SECONDS, self._records())
        except LOST as lost:
            log.warning("no bus", topic=self._partition.topic, error=repr(lost))
            await self._disconnect()
            await asyncio.sleep(RETRY_SECONDS)
            return ()

    async def _records(self) -> Sequence[Any]:
        now = asyncio.get_running_loop().time
        consumer = await self._connected()
        if not consumer.assignment():
            await self._place(consumer)
            if not consumer.assignment():
                await asyncio.sleep(RETRY_SECONDS)
                return ()
        batch = await consumer.getmany(
            self._partition, timeout_ms=int(READ_SECONDS * 1000), max_records=RECORDS_AT_ONCE
        )
        records: Sequence[Any] = batch.get(self._partition, ())
        if records:
            self._offset, self._heard = records[-1].offset + 1, now()
        elif now() - self._heard > DOUBT_SECONDS:
            await self._doubt(consumer)
            self._heard = now()
        return records

    async def _doubt(self, consumer: AIOKafkaConsumer) -> None:
        """Whether the silence is true. Raises KafkaError, upon which the reader is made anew."""
        end = (await consumer.end_offsets([self._partition]))[self._partition]
        if end != (position := await consumer.position(self._partition)):
            raise KafkaError(f"nothing comes, although the reader is at {position} and the topic ends at {end}")

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = self._bus._consumer()
            try:
                await consumer.start()
                await self._place(consumer)
            except BaseException:
                await closed(consumer)
                raise
            self._consumer, self._heard = consumer, asyncio.get_running_loop().time()
        return self._consumer

    async def _place(self, consumer: AIOKafkaConsumer) -> None:
        """Begin to read, if the topic is there: asked for one that is not, the library asks brokers without end."""
        if self._partition.topic not in await consumer.topics():
            self._offset = 0  # all that it will hold is yet to come
            return
        consumer.assign([self._partition])
        if self._offset is None:
            await consumer.seek_to_end(self._partition)
            self._offset = await consumer.position(self._partition)
        else:
            consumer.seek(self._partition, self._offset)

    async def close(self) -> None:
        if self._reading is not None:
            await tasks.end([self._reading])
            self._reading = None
        await self._disconnect()

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await closed(consumer)


async def _configured(admin: AIOKafkaAdminClient, name: str) -> list[Any]:
    """The settings of a topic, each (name, value, read only, source, …). Raises KafkaError."""
    (told,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    code, why, _, _, entries = told.resources[0]
    if code:
        raise for_code(code)(why)
    return list(entries)


async def _last(consumer: AIOKafkaConsumer, partition: TopicPartition, begin: int, end: int) -> Last | None:
    """The last of our messages before the offset `end`. Offsets may be empty, of control records, or not ours."""
    width = TAIL
    while begin < end:
        start, found = max(begin, end - width), None
        consumer.seek(partition, start)
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(partition, timeout_ms=1000)).get(partition, ()):
                if record.offset < end and (message := message_of(record)) is not None:
                    found = Last(message.log, message.event.position)
        if found is not None:
            return found
        end, width = start, width * 16
    return None


def _tls(settings: Settings) -> ssl.SSLContext:
    for variable in ("kafka_ca", "kafka_certificate", "kafka_key"):
        path = getattr(settings, variable)
        if path is not None and not path.is_file():
            name = f"ZHURNAL_{variable.upper()}"
            raise CannotStart(f"{name}: нет файла {path}.", f"{name}: there is no file {path}.")
    context = ssl.create_default_context(cafile=settings.kafka_ca and str(settings.kafka_ca))
    if settings.kafka_certificate is not None:
        context.load_cert_chain(settings.kafka_certificate, settings.kafka_key)
    return context
