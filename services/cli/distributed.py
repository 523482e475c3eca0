"""`zhurnal distributed`: every target in a process of its own, with PostgreSQL, Kafka and Envoy, until Ctrl-C."""

import asyncio
import signal
from typing import Annotated

import typer

from services.cli import welcome
from services.cli.terminal import Data, command, out, say
from services.kit import logging
from services.kit.settings import CannotStart, Settings
from services.local.distributed import running
from services.system import System


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
    this = asyncio.current_task()
    assert this is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, this.cancel)
    try:
        await _run(settings, replicas)
    except asyncio.CancelledError:
        out.print(say("Журнал остановлен.", "The journal has stopped."))
    return 0


async def _run(settings: Settings, replicas: int) -> None:
    found: list[welcome.Found] = []

    async def load(system: System) -> None:
        found.append(await welcome.load(system))
        out.print(say("Запускаются процессы …", "The processes are starting …"))

    out.print(say("Запускаются PostgreSQL и Kafka …", "PostgreSQL and Kafka are starting …"))
    async with running(settings, replicas, load) as system:
        system.server.announce(system.address)
        welcome.tell(found[0], system.address, (settings.web / "index.html").exists())
        await system.ended
