"""The bus on a real Kafka: the suite of every bus, and what brokers do to it."""

import asyncio
import ipaddress
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.kit.bus.bus import Message
from services.kit.bus.clients import LOST
from services.kit.bus.kafka import KafkaBus, UnfitTopic
from services.kit.settings import CannotStart, Settings
from services.local.kafka import Broker, Cluster
from services.local.processes import free_port
from tests.common.kafka import IMAGE, admin, bus_at, contents, docker, folder, write
from tests.conftest import NewDatabase
from tests.kit.bus_conformance import BusConformance, messages, read, recorded, running, world_on

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def own() -> Iterator[Broker]:
    """A broker that tests may kill."""
    with folder() as made, Broker(made) as broker:
        yield broker


@pytest.fixture(scope="module")
def brokers(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of brokers that tests leave alone."""
    if given := os.environ.get("ZHURNAL_TEST_KAFKA"):
        yield given
    elif docker():
        from testcontainers.kafka import KafkaContainer

        with KafkaContainer(IMAGE).with_kraft() as container:
            yield container.get_bootstrap_server()
    else:
        yield request.getfixturevalue("own").address


@pytest.fixture
async def bus(brokers: str) -> AsyncIterator[KafkaBus]:
    made = bus_at(brokers)
    yield made
    await made.close()


@pytest.fixture
async def mortal(own: Broker) -> AsyncIterator[KafkaBus]:
    """A bus at the broker that may be killed."""
    made = bus_at(own.address)
    yield made
    await made.close()


async def published(bus: KafkaBus, topic: str, sent: list[Message]) -> None:
    """Publish as a relay does: again and again until it is acknowledged."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await bus.publish(topic, sent)
            except LOST:
                await asyncio.sleep(0.2)


async def soon(condition: Callable[[], bool]) -> None:
    """Return once it holds; a minute without that fails the test."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - brokers tell nobody
            await asyncio.sleep(0.05)


async def ends_with(bus: KafkaBus, topic: str, position: int) -> None:
    """Return once the topic's last message is that position of the log."""
    async with asyncio.timeout(60):
        while True:
            try:
                if await bus.last(topic) == ("log-1", position):
                    return
            except LOST:
                pass
            await asyncio.sleep(0.1)


class TestKafkaBus(BusConformance):
    """The suite."""


# -- topics ---------------------------------------------------------------------------------------------------------


async def test_a_topic_is_made_as_the_settings_say_and_later_altered(brokers: str) -> None:
    prefix, sent = "settings", messages(recorded(1).rows)
    for hours, size in ((100, "7"), (200, "7")):
        bus = KafkaBus.of(Settings(kafka=brokers, kafka_prefix=prefix, kafka_retention_hours=hours))
        await bus.publish("t", sent)
        async with admin(bus) as client:
            topic = ConfigResource(ConfigResourceType.TOPIC, bus.name("t"))
            (told,) = await client.describe_configs([topic])
            found = {entry[0]: entry[1] for entry in told.resources[0][4]}
            assert found["retention.ms"] == str(hours * 3_600_000)
            assert (found["min.insync.replicas"], found["max.message.bytes"]) == ("1", "1000000")
            if hours == 200:
                assert found["segment.bytes"] == "77777777", "what the operator had set is kept"
            own = {entry[0]: entry[1] for entry in told.resources[0][4] if entry[3] == 1}
            await client.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, bus.name("t"), {**own, "segment.bytes": size * 8})]
            )
        await bus.close()


async def test_a_topic_of_several_partitions_is_refused(bus: KafkaBus) -> None:
    async with admin(bus) as client:
        await client.create_topics([NewTopic(bus.name("t"), 2, 1)])
    with pytest.raises(UnfitTopic, match="2 partitions"):
        await bus.publish("t", messages(recorded(1).rows))


async def test_a_topic_with_too_few_copies_is_refused(bus: KafkaBus, brokers: str) -> None:
    await bus.publish("t", messages(recorded(1).rows))
    stricter = KafkaBus.of(Settings(kafka=brokers, kafka_prefix=bus.name("t")[:-2], kafka_replication=2))
    with pytest.raises(UnfitTopic, match="1 copies, not 2"):
        await stricter.publish("t", messages(recorded(1).rows))
    await stricter.close()


async def test_a_message_above_a_megabyte_is_refused_and_the_bus_goes_on(bus: KafkaBus) -> None:
    (row,) = recorded(1).rows
    with pytest.raises(MessageSizeTooLargeError):
        await bus.publish("t", messages([row._replace(body="x" * 1_000_000)]))
    assert await bus.last("t") is None
    await bus.publish("t", messages([row]))
    assert await bus.last("t") == ("log-1", 1)


# -- what else may be in a topic --------------------------------------------------------------------------------------

GARBAGE = (
    {"value": b"hello"},
    {"value": b"{}", "headers": [("ce_specversion", b"1.0"), ("ce_position", b"many")]},
    {"key": b"k", "value": None, "headers": [("ce_id", b"\xff\xfe")]},
)


async def test_poison_is_passed_over_and_the_hole_filled_from_the_feed(bus: KafkaBus, database: NewDatabase) -> None:
    async with world_on(bus, database) as world, running(world.projector):
        rows = world.add(1, 2, 3)
        await bus.publish("things", messages(rows[:1]))
        await write(bus, "things", *GARBAGE)
        await bus.publish("things", messages(rows[2:]))
        await world.caught_up()
        assert len(await world.shown()) == 3
    assert world.projector.stopped is None


async def test_the_last_message_is_found_before_any_poison(bus: KafkaBus) -> None:
    await bus.publish("t", messages(recorded(5).rows))
    await write(bus, "t", *GARBAGE * 30)
    assert await bus.last("t") == ("log-1", 5)


async def test_a_topic_of_poison_only_is_an_empty_one(bus: KafkaBus) -> None:
    assert await bus.last("t") is None
    await write(bus, "t", *GARBAGE)
    assert await bus.last("t") is None


async def test_headers_are_those_of_cloud_events(bus: KafkaBus) -> None:
    (row,) = recorded(1).rows
    await bus.publish("t", messages([row]))
    (record,) = await contents(bus, "t")
    headers = dict(record.headers)
    assert (record.key.decode(), record.value.decode()) == (row.stream, row.body)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"].decode() == row.id
    assert headers["ce_source"] == b"/t/log-1"
    assert headers["content-type"] == b"application/json"


# -- brokers come and go ----------------------------------------------------------------------------------------------


async def test_nothing_connects_before_it_is_used() -> None:
    bus = bus_at(f"127.0.0.1:{free_port()}")
    await bus.close()
    await bus.publish("t", [])


async def test_without_brokers_a_reader_hears_silence_and_a_writer_is_told(database: NewDatabase) -> None:
    bus = bus_at(f"127.0.0.1:{free_port()}")
    with pytest.raises(KafkaError):
        await bus.publish("t", messages(recorded(1).rows))
    with pytest.raises(KafkaError):
        await bus.last("t")
    async with world_on(bus, database) as world, running(world.relay, world.projector):
        world.add(1, 2)
        await world.caught_up()
    assert world.projector.stopped is None
    await bus.close()


async def test_silence_is_told_while_a_connection_takes_long_and_that_goes_on(
    mortal: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the bus turns to the feed meanwhile, and hears what comes once there is a connection."""
    sent = messages(recorded(2).rows)
    await mortal.publish("t", sent[:1])
    async with mortal.subscribe("t") as subscription:
        await subscription.close()
        begun, may = list[str](), asyncio.Event()
        start = AIOKafkaConsumer.start

        async def slow(self: AIOKafkaConsumer) -> None:
            begun.append("once")
            await may.wait()
            await start(self)

        monkeypatch.setattr(AIOKafkaConsumer, "start", slow)
        for _ in range(5):
            assert await subscription.next(0.01) == []
        assert begun == ["once"]
        may.set()
        await mortal.publish("t", sent[1:])
        assert await read(subscription, 1) == sent[1:]


async def test_a_killed_broker_loses_nothing(own: Broker, mortal: KafkaBus, database: NewDatabase) -> None:
    """The relay and the view go on by themselves; what happened meanwhile is in the view even before that."""
    async with world_on(mortal, database) as world, running(world.relay, world.projector):
        await world.started()
        world.add(1, 2)
        await world.caught_up()
        await asyncio.to_thread(own.kill)
        world.add(*range(3, 30))
        await world.caught_up()
        await asyncio.to_thread(own.start)
        world.add(30)
        await ends_with(mortal, "things", 30)
        await world.caught_up()
        assert len(await world.shown()) == 30
    assert world.projector.stopped is None


async def test_a_reader_goes_on_behind_what_it_had_after_a_restart(own: Broker, mortal: KafkaBus) -> None:
    sent = messages(recorded(9).rows)
    async with mortal.subscribe("t") as subscription:
        await mortal.publish("t", sent[:4])
        assert await read(subscription, 4) == sent[:4]
        await asyncio.to_thread(own.stop)
        assert await subscription.next(0.1) == []
        await asyncio.to_thread(own.start)
        await published(mortal, "t", sent[4:])
        assert await read(subscription, 5) == sent[4:]


async def test_a_topic_deleted_and_made_anew_is_read_on(mortal: KafkaBus, database: NewDatabase) -> None:
    sent = messages(recorded(9).rows)
    async with mortal.subscribe("t") as subscription:
        await mortal.publish("t", sent[:6])
        await read(subscription, 6)
        async with admin(mortal) as client:
            await client.delete_topics([mortal.name("t")])
        fresh = KafkaBus.of(Settings(kafka=mortal.brokers[0], kafka_prefix=mortal.name("t")[:-2]))
        await published(fresh, "t", sent[6:])
        await fresh.close()
        assert await read(subscription, 3) == sent[6:]


async def test_a_wiped_broker_is_filled_again(own: Broker, mortal: KafkaBus, database: NewDatabase) -> None:
    async with world_on(mortal, database) as world, running(world.relay, world.projector):
        await world.started()
        world.add(1, 2)
        await ends_with(mortal, "things", 2)
        await asyncio.to_thread(own.wipe)
        world.add(3)
        await world.caught_up()
        await ends_with(mortal, "things", 3)
    assert world.projector.stopped is None


async def test_a_reader_behind_the_retention_goes_on_with_the_oldest(mortal: KafkaBus) -> None:
    sent = messages(recorded(30).rows)
    async with mortal.subscribe("t") as slow:
        await mortal.publish("t", sent[:2])
        assert await read(slow, 2) == sent[:2]
        await slow.close()  # as after a lost connection; what comes now it has not read
        await mortal.publish("t", sent[2:20])
        async with admin(mortal) as client:
            await client.delete_records({TopicPartition(mortal.name("t"), 0): RecordsToDelete(15)})
        assert await mortal.last("t") == ("log-1", 20)
        assert await read(slow, 5) == sent[15:20]


async def test_a_topic_whose_retention_took_all_is_an_empty_one(mortal: KafkaBus) -> None:
    sent = messages(recorded(4).rows)
    await mortal.publish("t", sent)
    async with admin(mortal) as client:
        await client.delete_records({TopicPartition(mortal.name("t"), 0): RecordsToDelete(4)})
    assert await mortal.last("t") is None
    async with mortal.subscribe("t") as subscription:
        await mortal.publish("t", sent[:1])
        assert await read(subscription, 1) == sent[:1]


async def test_a_broker_that_stands_still_is_given_up(
    own: Broker, mortal: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half-open: connections stay and nobody answers. The sender is made anew afterwards."""
    monkeypatch.setattr("services.kit.bus.kafka.PUBLISH_SECONDS", 1.0)
    sent = messages(recorded(2).rows)
    await mortal.publish("t", sent[:1])
    own.pause()
    try:
        with pytest.raises(TimeoutError):
            await mortal.publish("t", sent[1:])
    finally:
        own.resume()
    monkeypatch.undo()
    await published(mortal, "t", sent[1:])
    assert await mortal.last("t") == ("log-1", 2)


async def test_three_brokers_lose_nothing_acknowledged_while_each_is_killed_in_turn() -> None:
    rows = recorded(20_000).rows
    with folder() as made, Cluster(made) as cluster:
        bus = bus_at(cluster.address, kafka_replication=3, kafka_min_insync=2)
        done = asyncio.Event()
        acknowledged: list[int] = []

        async def publish() -> None:
            start = 0
            while not done.is_set():
                await published(bus, "t", messages(rows[start : start + 10]))
                start += 10
                acknowledged.append(start)
                await asyncio.sleep(0.1)

        def further(than: int) -> bool:
            return len(acknowledged) >= than + 3

        writing = asyncio.create_task(publish())
        try:
            for broker in cluster.brokers:
                await soon(partial(further, len(acknowledged)))
                await asyncio.to_thread(broker.kill)
                await soon(partial(further, len(acknowledged)))
                await asyncio.to_thread(broker.start)
        finally:
            done.set()
            await writing
        await bus.close()
        wanted, found = set(range(1, acknowledged[-1] + 1)), list[int]()
        # A leader of a moment ago may tell an end that is too early, until the others have asked it for more.
        for _ in range(30):
            found = [int(dict(record.headers)["ce_position"]) for record in await contents(bus, "t")]
            if wanted <= set(found):
                break
            await asyncio.sleep(1)
        assert wanted <= set(found)
        first = list(dict.fromkeys(found))
        assert all(earlier < later for earlier, later in pairwise(first)), "what comes anew is in order"


# -- TLS and SASL -----------------------------------------------------------------------------------------------------


def certificate(at: Path) -> Path:
    """A certificate of 127.0.0.1 that signs itself, for the broker; the file for clients is returned."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (at / "broker.pem").write_bytes(private + public)
    (at / "ca.pem").write_bytes(public)
    return at / "ca.pem"


async def test_tls_and_sasl() -> None:
    with folder() as made:
        ca, port = certificate(made), free_port()
        listener = "listener.name.sasl_ssl"
        properties = {
            "listeners": f"SASL_SSL://127.0.0.1:{port}",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            f"{listener}.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            f"{listener}.ssl.keystore.type": "PEM",
            f"{listener}.ssl.keystore.location": str(made / "broker.pem"),
        }
        with Broker(made / "broker", properties=properties, users={"zhurnal": "secret-of-zhurnal"}):
            given = {"kafka": f"127.0.0.1:{port}", "kafka_security": "sasl_tls", "kafka_user": "zhurnal"}
            bus = KafkaBus.of(Settings(**given, kafka_password="secret-of-zhurnal", kafka_ca=ca))
            sent = messages(recorded(3).rows)
            async with bus.subscribe("t") as subscription:
                await bus.publish("t", sent)
                assert await read(subscription, 3) == sent
            assert await bus.last("t") == ("log-1", 3)
            await bus.close()

            for wrong in ({"kafka_password": "another", "kafka_ca": ca}, {"kafka_password": "secret-of-zhurnal"}):
                refused = KafkaBus.of(Settings(**given, **wrong))
                with pytest.raises(KafkaError):
                    await refused.publish("t", sent)
                await refused.close()


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({}, "ZHURNAL_KAFKA "),
        ({"kafka": "k:1", "kafka_security": "sasl"}, "ZHURNAL_KAFKA_USER"),
        ({"kafka": "k:1", "kafka_security": "sasl", "kafka_user": "u"}, "ZHURNAL_KAFKA_PASSWORD"),
        ({"kafka": "k:1", "kafka_security": "tls", "kafka_ca": Path("/nowhere")}, "ZHURNAL_KAFKA_CA"),
        ({"kafka": "k:1", "kafka_min_insync": 2}, "ZHURNAL_KAFKA_MIN_INSYNC"),
    ],
)
def test_a_setting_that_is_missing_is_named(given: dict[str, object], variable: str) -> None:
    with pytest.raises(CannotStart, match=re.escape(variable)):
        KafkaBus.of(Settings(**given))
