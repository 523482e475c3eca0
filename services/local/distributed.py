"""The whole distributed system on this machine: PostgreSQL, Kafka, every target in a process of its own, Envoy.

The same data folder serves `zhurnal up`, one at a time: only the processes differ. Each service is given its own
database and secret and nothing of the others. Everything is supervised and stopped in order.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import structlog

from services.kit.embedded import EmbeddedServer
from services.kit.postgres import Database
from services.kit.rebuild import ensure
from services.kit.settings import PREFIX, SERVICES, CannotStart, Settings
from services.kit.tasks import run_together
from services.local.envoy import Gateway
from services.local.kafka import Broker
from services.local.processes import Supervised, free_ports
from services.store import Store, open_store
from services.system import VIEWS, System, assemble
from services.targets import FEEDS, TARGETS

log = structlog.get_logger()

READY_SECONDS = 90.0
LOOK_SECONDS = 0.2

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
    named = [(t, n) for t in TARGETS for n in range(1, (replicas if t in REPLICATED else 1) + 1)]
    ports = iter(free_ports(2 * len(named)))
    found = []
    for target, number in named:
        answers = target == "web" or target in REPLICATED
        found.append(Place(target, number, next(ports) if answers else 0, next(ports)))
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
        given |= {"web": str(settings.web), **{f"{name}_url": url for name, url in net.urls.items()}}
        if settings.notice:
            given["notice"] = str(settings.notice.absolute())
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


# -- running all of it ----------------------------------------------------------------------------------------------


class Running(NamedTuple):
    """The system as it runs. address: of the gateway. ended: raises when a part ends that cannot go on."""

    address: str
    server: EmbeddedServer
    broker: Broker
    net: Net
    places: list[Place]
    processes: dict[str, Supervised]
    ended: "asyncio.Task[None]"


@asynccontextmanager
async def running(
    settings: Settings, replicas: int, first: Callable[[System], Awaitable[None]]
) -> AsyncIterator[Running]:
    """Everything started and ready. first: what is done with the parts of one process before any other runs.

    Raises CannotStart.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings, VIEWS, SERVER))
        server = store.server
        assert server is not None, "only an embedded server comes here"
        broker = Broker(settings.data.absolute() / "kafka")
        stack.push_async_callback(asyncio.to_thread, broker.stop)
        await asyncio.to_thread(broker.start)
        await _prepare(settings, store, first)
        at = places(replicas)
        net = Net(settings.data.absolute(), store.databases, broker.address, urls(at), secrets(server))
        members = list(processes(at, net, settings, settings.data / "logs"))
        ended = asyncio.create_task(
            run_together([server.watch, partial(_kept, broker), *(member.run for member in members)])
        )
        stack.push_async_callback(_cancelled, ended)
        await _unless(ended, ready(at))
        gateway = Gateway(settings, at)
        stack.push_async_callback(asyncio.to_thread, gateway.stop)
        await asyncio.to_thread(gateway.__enter__)
        yield Running(gateway.address, server, broker, net, at, {m.name: m for m in members}, ended)


async def _prepare(settings: Settings, store: Store, first: Callable[[System], Awaitable[None]]) -> None:
    """Views of this version, then what the caller does with the parts of one process."""
    async with AsyncExitStack() as stack:
        system = await assemble(settings, store, stack)
        for service, views in VIEWS.items():
            for view in views:
                await ensure(view, system.logs, store.databases[service].owner_dsn)
        await system.rights.catch_up()
        await first(system)


async def ready(at: list[Place]) -> None:
    """Return once every process says that it is ready. Raises CannotStart after `READY_SECONDS`."""
    waiting = {place.name: f"http://127.0.0.1:{place.probe_port}/ready" for place in at}
    try:
        async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as client:
            while waiting:
                for name, url in list(waiting.items()):
                    with suppress(httpx.TransportError):  # not listening yet
                        if (await client.get(url)).status_code == httpx.codes.OK:
                            del waiting[name]
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        names = ", ".join(waiting)
        raise CannotStart(
            f"Не готовы за {READY_SECONDS:.0f} с: {names}. Причина в logs/ папки данных.",
            f"Not ready in {READY_SECONDS:.0f} s: {names}. The reason is in logs/ of the data folder.",
        ) from None


async def _kept(broker: Broker) -> None:
    """Run until cancelled: a broker that has died is started again, and everybody goes on by the feeds meanwhile."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if broker.lost:
            log.warning("started again", target="kafka")
            await asyncio.to_thread(broker.start)


async def _unless(ended: "asyncio.Task[None]", waiting: Awaitable[None]) -> None:
    """Wait, unless the processes end before: then raise why."""
    task = asyncio.ensure_future(waiting)
    try:
        await asyncio.wait([task, ended], return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            await ended
        await task
    finally:
        task.cancel()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, CannotStart):
        await task
