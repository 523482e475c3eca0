"""The bus on Apache Kafka: one topic of one partition per log, CloudEvents in binary mode, the stream as key.

Kafka is transport and may be wiped: whoever reads keeps his own cursor and fills holes from the feed. So there are no
consumer groups, no committed offsets and no transactions: a reader is assigned the partition and begins at its end.
Nothing connects before it is used. A sender that dies or hangs while brokers are away is thrown away and made anew; a
reader without brokers hears silence, which sends him to the feed.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, Self

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from pydantic import ValidationError

from contracts.envelope import CloudEvent, Meta
from services.kit.bus.bus import Last, Message
from services.kit.log.eventlog import Recorded
from services.kit.settings import CannotStart, Settings

LARGEST_RECORD_BYTES = 1_000_000
BATCH_BYTES = 262_144
PUBLISH_SECONDS = 20.0
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 3.0
RETRY_SECONDS = 0.5
RECORDS_AT_ONCE = 5000
SECURITY = {"plaintext": "PLAINTEXT", "tls": "SSL", "sasl": "SASL_PLAINTEXT", "sasl_tls": "SASL_SSL"}
LOST = (KafkaError, OSError, TimeoutError)

log = structlog.get_logger()


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
        connection = {
            "bootstrap_servers": settings.need("kafka").split(","),
            "security_protocol": SECURITY[settings.kafka_security],
            "request_timeout_ms": 10_000,
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
                async with asyncio.timeout(PUBLISH_SECONDS):
                    producer = await self._started(topic)
                    name = self.name(topic)
                    sent = [await producer.send(name, partition=0, **_record(topic, m)) for m in messages]
                    await asyncio.gather(*sent)
            except BaseException:
                await self._drop()
                raise

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
                await _closed(producer)
                raise
            self._producer = producer
        return self._producer

    async def _drop(self) -> None:
        """Give up the sender and what is known of topics: after a failure neither can be trusted."""
        producer, self._producer = self._producer, None
        self._made.clear()
        if producer is not None:
            await _closed(producer)

    async def _make(self, topic: str) -> None:
        """Make the topic if it is not there."""
        admin = AIOKafkaAdminClient(**self._connection)
        try:
            await admin.start()
            wanted = NewTopic(self.name(topic), 1, self._replication, topic_configs=self._topics)
            answer = await admin.create_topics([wanted], timeout_ms=int(CONNECT_SECONDS * 1000))
            for _, code, *why in answer.topic_errors:
                if code and code != TopicAlreadyExistsError.errno:
                    raise for_code(code)(*why)
        finally:
            await _closed(admin)

    async def close(self) -> None:
        """Return when nothing of this bus is connected any more."""
        async with self._sending:
            await self._drop()

    # -- reading --------------------------------------------------------------------------------------------------

    async def last(self, topic: str) -> Last | None:
        """As the port says. A record that is none of ours is passed over."""
        partition = TopicPartition(self.name(topic), 0)
        await self._make(topic)
        consumer = self._consumer()
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await consumer.start()
                consumer.assign([partition])
                begin = (await consumer.beginning_offsets([partition]))[partition]
                end = (await consumer.end_offsets([partition]))[partition]
                for offset in range(end - 1, begin - 1, -1):
                    consumer.seek(partition, offset)
                    message = _message(await consumer.getone(partition))
                    if message is not None:
                        return Last(message.log, message.event.position)
                return None
        finally:
            await _closed(consumer)

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator["_Subscription"]:
        """As the port says."""
        subscription = _Subscription(self, TopicPartition(self.name(topic), 0))
        try:
            yield subscription
        finally:
            await subscription.close()

    def _consumer(self) -> AIOKafkaConsumer:
        # After a topic was made anew an offset may be beyond its end. What is read again does no harm.
        return AIOKafkaConsumer(
            **self._connection, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
        )


class _Subscription:
    """A reader of one topic from its end; connected as soon as brokers answer, and again after they were away."""

    def __init__(self, bus: KafkaBus, partition: TopicPartition) -> None:
        self._bus, self._partition = bus, partition
        self._consumer: AIOKafkaConsumer | None = None

    async def next(self, timeout: float) -> list[Message]:
        """As the port says; silence too while no broker answers."""
        until = asyncio.get_running_loop().time() + timeout
        try:
            consumer = await self._connected()
            batch = await consumer.getmany(self._partition, timeout_ms=int(timeout * 1000), max_records=RECORDS_AT_ONCE)
        except LOST as lost:
            log.warning("no bus", topic=self._partition.topic, error=repr(lost))
            await self.close()
            await asyncio.sleep(max(RETRY_SECONDS, until - asyncio.get_running_loop().time()))
            return []
        return [message for record in batch.get(self._partition, ()) if (message := _message(record)) is not None]

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = self._bus._consumer()
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    await consumer.start()
                    consumer.assign([self._partition])
                    await consumer.seek_to_end(self._partition)
            except BaseException:
                await _closed(consumer)
                raise
            self._consumer = consumer
        return self._consumer

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _closed(consumer)


async def _closed(client: Any) -> None:
    """Close a client that may hang or fail at that."""
    close = client.stop if hasattr(client, "stop") else client.close
    with suppress(*LOST):
        async with asyncio.timeout(CLOSE_SECONDS):
            await close()


# -- records ------------------------------------------------------------------------------------------------------


def _record(topic: str, message: Message) -> dict[str, Any]:
    event = message.event
    attributes = CloudEvent(
        id=event.id,
        source=f"/{topic}/{message.log}",
        type=event.type,
        subject=event.stream,
        time=event.at.isoformat(),
        position=event.position,
        revision=event.revision,
        predecessor=message.predecessor,
        meta=event.meta,
    )
    headers = attributes.headers()
    if '"trace"' in event.meta and (trace := Meta.of(event.meta).trace):
        headers.append(("traceparent", trace.encode()))
    headers.append(("content-type", b"application/json"))
    return {"key": event.stream.encode(), "value": event.body.encode(), "headers": headers}


def _message(record: Any) -> Message | None:
    """The message of a record; None for one that is none of ours, which the reader notices as a hole."""
    try:
        told = CloudEvent.of(record.headers)
        return Message(
            told.predecessor,
            Recorded(
                told.position,
                told.id,
                told.subject,
                told.revision,
                told.type,
                datetime.fromisoformat(told.time),
                record.value.decode(),
                told.meta,
            ),
            told.source.rpartition("/")[2],
        )
    except (ValidationError, ValueError, AttributeError) as foreign:
        log.warning("foreign record", topic=record.topic, offset=record.offset, error=type(foreign).__name__)
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
