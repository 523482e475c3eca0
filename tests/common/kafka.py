"""A Kafka for tests: that of ZHURNAL_TEST_KAFKA, one in Docker, or one from Maven; else the test is skipped.

A broker that tests may kill is always one from Maven, made for the test.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.kit.bus.kafka import KafkaBus
from services.kit.settings import CannotStart, Settings
from services.local.kafka import jars, java

IMAGE = "apache/kafka:4.1.1"


def unavailable(why: str) -> None:
    """Skip the test, or fail where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a broker of our own. Without Java and Maven the test is skipped."""
    try:
        java()
        jars()
    except CannotStart as missing:
        unavailable(missing.text.en)
    made = Path(tempfile.mkdtemp(prefix="zhurnal-kafka-", dir="/tmp"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def docker() -> bool:
    """Whether a Docker engine answers."""
    if shutil.which("docker") is None:
        return False
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=10).returncode == 0
    return False


def bus_at(address: str, **more: Any) -> KafkaBus:
    """A bus with topics of its own at those brokers."""
    return KafkaBus.of(Settings(kafka=address, kafka_prefix=f"t{uuid4().hex[:12]}", **more))


@asynccontextmanager
async def admin(bus: KafkaBus) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administrator of the brokers of a bus."""
    client = AIOKafkaAdminClient(bootstrap_servers=bus.brokers)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def write(bus: KafkaBus, topic: str, *records: dict[str, Any]) -> None:
    """Put records as they are into a topic: garbage, or what another program would write."""
    producer = AIOKafkaProducer(bootstrap_servers=bus.brokers)
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(bus.name(topic), partition=0, **record)
    finally:
        await producer.stop()


async def contents(bus: KafkaBus, topic: str) -> list[Any]:
    """All records of a topic."""
    partition, found = TopicPartition(bus.name(topic), 0), []
    # By default it begins at the end, and that may happen after it was told to seek the beginning.
    consumer = AIOKafkaConsumer(bootstrap_servers=bus.brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            found += (await consumer.getmany(partition, timeout_ms=500)).get(partition, [])
    finally:
        await consumer.stop()
    return found
