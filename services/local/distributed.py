"""The whole distributed system on this machine: PostgreSQL, Kafka, every target in a process of its own, Envoy.

The same data folder serves `zhurnal up`, one at a time: only the processes differ. Each service is given its own
database and secret and nothing of the others. Everything is supervised and stopped in order.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from services.kit.embedded import EmbeddedServer
from services.kit.postgres import Database
from services.kit.settings import PREFIX, SERVICES, Settings
from services.local.processes import Supervised, free_port
from services.targets import FEEDS, TARGETS

REPLICATED = tuple(f"{service}.api" for service in SERVICES)
"""What runs twice: a stopped one is not missed."""


SERVER = {"max_connections": "200"}
"""Settings of the embedded server: each process has a pool of its own."""


class Place(NamedTuple):
    """Where one process of a target listens, on the loopback. port: 0 for one that only has probes."""

    target: str
    number: int
    port: int
    probe_port: int

    @property
    def name(self) -> str:
        return f"{self.target}-{self.number}"


class Net(NamedTuple):
    """What the processes must know of each other."""

    data: Path
    databases: Mapping[str, Database]
    kafka: str
    urls: Mapping[str, str]
    secrets: Mapping[str, str]
    gateway: str = "127.0.0.1"


def places(replicas: int = 2) -> list[Place]:
    """A place for each process, with `replicas` of each API, on ports that are free now."""
    found = []
    for target in TARGETS:
        answers = target == "web" or target in REPLICATED
        for number in range(1, (replicas if target in REPLICATED else 1) + 1):
            found.append(Place(target, number, free_port() if answers else 0, free_port()))
    return found


def urls(at: list[Place]) -> dict[str, str]:
    """Where services ask each other: the first process of each API."""
    return {
        place.target.partition(".")[0]: f"http://127.0.0.1:{place.port}"
        for place in at
        if place.target in REPLICATED and place.number == 1
    }


def secrets(server: EmbeddedServer) -> dict[str, str]:
    """What services prove themselves by; made once and kept with the passwords of the databases."""
    return {service: server.password(f"service {service}") for service in SERVICES if service != "identity"}


def environment(place: Place, net: Net, settings: Settings) -> dict[str, str]:
    """The settings of one process: what its target needs, and nothing of other services."""
    service, _, role = place.target.partition(".")
    given: dict[str, str] = {
        "data": str(net.data),
        "zone": settings.zone,
        "secure": str(settings.secure).lower(),
        "log_level": settings.log_level,
        "host": "127.0.0.1",
        "port": str(place.port),
        "probe_port": str(place.probe_port),
        "gateway": net.gateway,
    }
    if service == "web":
        given |= {"web": str(settings.web), "identity_url": net.urls["identity"]}
    else:
        given |= {f"{service}_dsn": net.databases[service].dsn, "kafka": net.kafka}
    if place.target == "identity.api":
        given |= {f"{name}_secret": secret for name, secret in net.secrets.items()}
        given["token_key"] = str(net.data / "token-key.pem")
    elif service != "web" and role != "relay":
        given[f"{service}_secret"] = net.secrets[service]
        given |= {f"{name}_url": net.urls[name] for name in {"identity", *FEEDS[service]}}
    if settings.traces:
        given["traces"] = settings.traces
    return {PREFIX + name.upper(): value for name, value in given.items()}


def processes(at: list[Place], net: Net, settings: Settings, logs: Path) -> Iterator[Supervised]:
    """The processes of all places; their output goes to `logs`."""
    logs.mkdir(parents=True, exist_ok=True)
    for place in at:
        output = logs / f"{place.name}.log"
        output.write_bytes(b"")
        yield Supervised(place.name, ("serve", "--target", place.target), environment(place, net, settings), output)
