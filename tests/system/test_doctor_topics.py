"""What `zhurnal doctor` says of Kafka's topics, seen at real brokers; it changes nothing there."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from services.checkup import topics
from services.kit.bus.kafka import KafkaBus
from services.kit.settings import Settings
from services.local.kafka import Broker, Cluster
from services.store import LOGS
from tests.common.kafka import admin, folder
from tests.kit.bus_conformance import messages, recorded

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with folder() as made, Broker(made) as broker:
        yield broker.address


def asked(at: str, **more: Any) -> Settings:
    return Settings.load({}, kafka=at, kafka_prefix=f"t{uuid4().hex[:12]}", **more)


async def published(settings: Settings, events: int = 3) -> KafkaBus:
    """The topics of all logs as relays make them, each with so many events."""
    bus = KafkaBus.of(settings)
    for log in LOGS:
        await bus.publish(log, messages(recorded(events).rows))
    await bus.close()
    return bus


async def states(settings: Settings, **heads: int) -> dict[str, str]:
    return {finding.part: finding.state for finding in await topics.look(settings, heads)}


async def test_topics_as_the_settings_ask_are_well_and_a_late_relay_is_told(address: str) -> None:
    settings = asked(address)
    await published(settings)
    found = await states(settings, identity=3, schedule=200)
    parts = [f"{what} of topic {log}" for what in ("copies", "settings") for log in LOGS]
    assert found == {**dict.fromkeys(parts, "ok"), "topic identity": "ok", "topic schedule": "warn"}


async def test_a_topic_that_others_altered_is_told_and_left_as_it_is(address: str) -> None:
    settings = asked(address)
    bus = await published(settings)
    async with admin(bus) as client:
        own = {"retention.ms": "1000", "min.insync.replicas": "1", "max.message.bytes": "1000000"}
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, bus.name("schedule"), own)])
        await client.create_partitions({bus.name("identity"): NewPartitions(2)})
    for _ in range(2):
        found = await states(settings, schedule=3)
        assert (found["settings of topic schedule"], found["topic schedule"]) == ("warn", "ok")
        assert found["copies of topic identity"] == "fail"
    stricter = settings.model_copy(update={"kafka_replication": 2, "kafka_min_insync": 2})
    found = await states(stricter)
    assert {found[f"{what} of topic gradebook"] for what in ("copies", "settings")} == {"fail"}


async def test_a_topic_that_is_not_there_is_not_made_by_looking(address: str) -> None:
    settings = asked(address)
    for _ in range(2):
        assert await states(settings, gradebook=5) == {
            "topic identity": "ok",
            "topic schedule": "ok",
            "topic gradebook": "warn",
        }


async def test_brokers_that_do_not_answer_are_told() -> None:
    assert await states(asked("127.0.0.1:9")) == {"kafka": "fail"}


async def test_a_broker_that_is_away_is_told_until_it_is_back() -> None:
    with folder() as made, Cluster(made) as cluster:
        settings = asked(cluster.address, kafka_replication=3, kafka_min_insync=2)
        await published(settings)

        async def become(state: str) -> None:
            """Brokers take a moment to notice each other."""
            async with asyncio.timeout(60):
                while set((await states(settings)).values()) != {state, "ok"}:  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(0.2)

        await become("ok")
        await asyncio.to_thread(cluster.brokers[0].kill)
        await become("warn")
        await asyncio.to_thread(cluster.brokers[0].start)
        await become("ok")
