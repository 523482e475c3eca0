"""`zhurnal up`: all services in one process on one address, until Ctrl-C."""

import gc
from typing import Annotated

import typer

from services.beginning import Beginning
from services.cli.terminal import Data, command, language, out, print_table, progress, say
from services.demo import load as demo_load
from services.demo.accounts import PASSWORD
from services.demo.load import Loaded
from services.identity.app import first_code
from services.kit import logging
from services.kit.serving import address, listen, serve
from services.kit.settings import Settings
from services.kit.static import Site
from services.system import System, open_system

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
            loaded = await _welcome(system, at, site is not None)
            gc.collect()
            gc.freeze()  # what is there now stays: no look for cycles goes over it again
            gc.set_threshold(YOUNG_OBJECTS, 20, 50)
            edge = system.edge(Beginning(system, loaded), site)
            await serve([(edge, listening)], system.loops)
            gc.freeze()  # all of it ends with the process; looking for cycles would take longer than all the rest
    out.print(say("Журнал остановлен.", "The journal has stopped."))
    return 0


async def _welcome(system: System, at: str, client: bool) -> Loaded | None:
    """Load what the first start asks for and say where the journal is; the demo college, if there is one.

    client: whether the web client is built.
    """
    if system.store.server is not None:
        system.store.server.announce(at)
    with progress() as report:
        loaded = await demo_load.ensure(system, report)
    out.print(say(f"Журнал работает: {at}", f"The journal is running: {at}"), highlight=False)
    if not client:
        out.print(
            say(
                "Веб-клиент не собран: по адресу отвечает только API. Собрать: make web",
                "The web client is not built: only the API answers there. To build it: make web",
            ),
            highlight=False,
        )
    if loaded is not None:
        print_table(
            say("Демонстрационные учётные записи (только с этого компьютера)", "Demo accounts (this machine only)"),
            [
                say("Роль", "Role"),
                say("Имя", "Name"),
                say("Логин", "Login"),
                say("Начните с", "Try first"),
            ],
            [account.row(language()) for account in loaded.accounts],
        )
        out.print(say(f"Пароль у всех: {PASSWORD}", f"Their password: {PASSWORD}"), highlight=False)
    elif code := await first_code(system.identity):
        out.print(
            say(
                f"Код активации первого администратора (один раз, 14 дней): {code}",
                f"Activation code of the first administrator (one use, 14 days): {code}",
            ),
            highlight=False,
        )
    out.print(say("Остановить: Ctrl-C", "Stop: Ctrl-C"))
    return loaded
