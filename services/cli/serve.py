"""`zhurnal serve --target T`: one target of the distributed system in a process of its own, until SIGTERM."""

from typing import Annotated

import typer
from starlette.types import ASGIApp

from services.cli.terminal import Data, command
from services.kit import logging
from services.kit.forwarded import forwarded
from services.kit.probes import probes
from services.kit.serving import listen, serve
from services.kit.settings import Settings
from services.targets import TARGETS, open_target


def register(app: typer.Typer) -> None:
    app.command("serve")(serve_target)


@command
async def serve_target(
    target: Annotated[str, typer.Option(help="Что запустить / what to run: " + ", ".join(TARGETS))],
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Адрес / address [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Порт / port [8080]")] = None,
    probe_port: Annotated[
        int | None, typer.Option(help="Порт /live, /ready, /metrics / port of /live, /ready, /metrics [9100]")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug | info | warning | error [info]")] = None,
) -> int:
    """Запустить одну часть распределённой системы. / Run one target of the distributed system."""
    settings = Settings.load(data=data, host=host, port=port, probe_port=probe_port, log_level=log_level)
    logging.configure(settings.log_level)
    async with open_target(settings, target) as opened:
        inside = probes(opened.failing, opened.metrics.render)
        apps: list[tuple[ASGIApp, int, str]] = [(inside, settings.probe_port, "PROBE_PORT")]
        if opened.app is not None:
            apps.append((forwarded(opened.app, settings.gateway), settings.port, "PORT"))
        sockets = [(app, listen(settings.host, number, f"ZHURNAL_{name}")) for app, number, name in apps]
        await serve(sockets, opened.loops)
    return 0
