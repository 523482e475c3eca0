"""`zhurnal distributed`: every target in a process of its own, with PostgreSQL, Kafka and Envoy, until Ctrl-C."""

import asyncio
import signal
from contextlib import AsyncExitStack
from typing import Annotated

import httpx
import typer

from services.cli import welcome
from services.cli.terminal import Data, command, out, say
from services.kit import logging
from services.kit.rebuild import ensure
from services.kit.settings import CannotStart, Settings
from services.kit.tasks import run_together
from services.local import distributed as plan
from services.local.envoy import Gateway
from services.local.kafka import Broker
from services.store import Store, open_store
from services.system import VIEWS, assemble

READY_SECONDS = 90.0
LOOK_SECONDS = 0.2


def register(app: typer.Typer) -> None:
    app.command("distributed")(distributed)


@command
async def distributed(
    data: Data = None,
    port: Annotated[int | None, typer.Option(help="Порт шлюза / port of the gateway [8080]")] = None,
    demo: Annotated[str | None, typer.Option(help="class | college | none, как в / as in `up`")] = None,
    demo_at: Annotated[str | None, typer.Option(help="week | finals | closed, как в / as in `up`")] = None,
    replicas: Annotated[int, typer.Option(min=1, max=4, help="Процессов на каждый API / processes of each API")] = 2,
    log_level: Annotated[str | None, typer.Option(help="debug | info | warning | error [info]")] = None,
) -> int:
    """Запустить распределённую систему на одном компьютере. / Run the distributed system on one machine."""
    settings = Settings.load(data=data, port=port, demo=demo, demo_at=demo_at, log_level=log_level)
    logging.configure(settings.log_level)
    if not settings.embedded:
        raise CannotStart(
            "Команда сама запускает PostgreSQL: уберите переменные ZHURNAL_…_DSN или запускайте части через serve.",
            "The command runs PostgreSQL itself: remove the variables ZHURNAL_…_DSN, or run targets by serve.",
        )
    running = asyncio.current_task()
    assert running is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        await _run(settings, replicas)
    except asyncio.CancelledError:
        out.print(say("Журнал остановлен.", "The journal has stopped."))
    return 0


async def _run(settings: Settings, replicas: int) -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings, VIEWS, plan.SERVER))
        server = store.server
        assert server is not None, "only an embedded server comes here"
        out.print(say("Запускается Kafka …", "Kafka is starting …"))
        broker = Broker(settings.data.absolute() / "kafka")
        stack.push_async_callback(asyncio.to_thread, broker.stop)
        await asyncio.to_thread(broker.start)
        found = await _prepare(settings, store)
        places = plan.places(replicas)
        net = plan.Net(
            settings.data.absolute(),
            store.databases,
            broker.address,
            plan.urls(places),
            plan.secrets(server),
        )
        processes = list(plan.processes(places, net, settings, settings.data / "logs"))
        loops = [server.watch, *(process.run for process in processes)]

        async def begin() -> None:
            await ready(places)
            gateway = Gateway(settings, places)
            try:
                await asyncio.to_thread(gateway.__enter__)
                server.announce(gateway.address)
                welcome.tell(found, gateway.address, (settings.web / "index.html").exists())
                await gateway.watch()
            finally:
                await asyncio.to_thread(gateway.stop)

        await run_together([*loops, begin])


async def _prepare(settings: Settings, store: Store) -> welcome.Found:
    """Views of this version and, in an empty system, the demo college; by the parts of one process, before any other
    runs."""
    async with AsyncExitStack() as stack:
        system = await assemble(settings, store, stack)
        for service, views in VIEWS.items():
            for view in views:
                await ensure(view, system.logs, store.databases[service].owner_dsn)
        await system.rights.catch_up()
        return await welcome.load(system)


async def ready(places: list[plan.Place]) -> None:
    """Return once every process says that it is ready. Raises CannotStart after `READY_SECONDS`."""
    waiting = {place.name: f"http://127.0.0.1:{place.probe_port}/ready" for place in places}
    try:
        async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as client:
            while waiting:
                for name, url in list(waiting.items()):
                    try:
                        if (await client.get(url)).status_code == httpx.codes.OK:
                            del waiting[name]
                    except httpx.TransportError:
                        pass  # not listening yet
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        names = ", ".join(waiting)
        raise CannotStart(
            f"Не готовы за {READY_SECONDS:.0f} с: {names}. Причина в logs/ папки данных.",
            f"Not ready in {READY_SECONDS:.0f} s: {names}. The reason is in logs/ of the data folder.",
        ) from None
