"""`zhurnal up`: all services in one process on one address, until Ctrl-C."""

import gc
from typing import Annotated

import typer

from services.beginning import Beginning
from services.cli import welcome
from services.cli.terminal import Data, command, out, say
from services.kit import logging
from services.kit.forwarded import forwarded
from services.kit.serving import address, listen, serve
from services.kit.settings import Settings
from services.kit.static import Site
from services.system import open_system

YOUNG_OBJECTS = 50_000
"""So many more objects than before make Python look for reference cycles. An answer makes thousands and none of them
is in a cycle; at 700, the default, looking took a fifth of the time, and each full look tens of milliseconds."""


def register(app: typer.Typer) -> None:
    app.command("up")(up)


@command
async def up(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Адрес / address [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Порт / port [8080]")] = None,
    demo: Annotated[
        str | None,
        typer.Option(
            help="class (4 группы / groups, по умолчанию / default) | college (40) | none; "
            "загружается в пустую систему / loaded into an empty system"
        ),
    ] = None,
    demo_at: Annotated[
        str | None,
        typer.Option(
            help="week (обычная неделя / an ordinary week) | finals (выставляют итоговые / finals are being set) | "
            "closed (период закрыт / the period is closed); по умолчанию / default: week"
        ),
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug | info | warning | error [info]")] = None,
) -> int:
    """Запустить журнал. / Run the journal until Ctrl-C."""
    settings = Settings.load(data=data, host=host, port=port, demo=demo, demo_at=demo_at, log_level=log_level)
    logging.configure(settings.log_level)
    with listen(settings.host, settings.port, "--port") as listening:
        async with open_system(settings) as system:
            site = Site.read(settings.web)
            at = address(listening, "https" if settings.secure else "http")
            if system.store.server is not None:
                system.store.server.announce(at)
            found = await welcome.load(system)
            welcome.tell(found, at, site is not None)
            gc.collect()
            gc.freeze()  # what is there now stays: no look for cycles goes over it again
            gc.set_threshold(YOUNG_OBJECTS, 20, 50)
            begin = Beginning(system.identity.begun, system.clock, settings.zoneinfo)
            await serve([(forwarded(system.edge(begin, site), settings.gateway), listening)], system.loops)
            gc.freeze()  # all of it ends with the process; looking for cycles would take longer than all the rest
    out.print(say("Журнал остановлен.", "The journal has stopped."))
    return 0
