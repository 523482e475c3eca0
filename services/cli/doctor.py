"""`zhurnal doctor`: a check-up of the installation, beside the running journal; changes nothing.

Exit code: 0 all is well or only worth a look, 1 something must be done.
"""

from typing import Annotated

import httpx
import typer

from services.checkup import machine
from services.checkup.finding import Finding
from services.checkup.stores import Stores
from services.cli.terminal import DIFFERENT, Data, Json, command, language, print_json, print_table, say
from services.kit import datalock, postgres
from services.kit.clock import SystemClock
from services.kit.embedded import EmbeddedServer
from services.kit.postgres import Database
from services.kit.problems import Text
from services.kit.settings import SERVICES, Settings
from services.store import plain_store

STATES = {"ok": Text("хорошо", "ok"), "warn": Text("взгляните", "look"), "fail": Text("исправьте", "mend")}


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


@command
async def doctor(
    data: Data = None,
    address: Annotated[
        str | None, typer.Option(help="Адрес, которым пользуются люди / the address that people use", metavar="URL")
    ] = None,
    as_json: Json = False,
) -> int:
    """Проверить установку. / Check the installation."""
    settings, clock = Settings.load(data=data), SystemClock()
    found = [Finding("settings", "ok", Text("прочитаны без ошибок", "read without errors"))]
    if settings.embedded or settings.token_key is not None:
        found += [*machine.folder(settings), *machine.token_key(settings), *machine.private_files(settings)]
    found += machine.backup(settings, clock.now())
    running = datalock.running(settings.data) if settings.embedded else None
    at = (address or (running.address if running else "")).rstrip("/")
    if at:
        found += await machine.address(at, clock.now())
    if running is not None and running.address:
        found += await _ready(running.address)
    if settings.embedded and EmbeddedServer.attach(settings.data) is None:
        seen = Text("журнал не работает", "the journal is not running")
        found.append(Finding("databases", "fail", seen, Text("Запустите zhurnal up.", "Run zhurnal up.")))
    else:
        found += await Stores(settings, await _databases(settings), clock).look()
    _show(found, as_json)
    return DIFFERENT if any(finding.state == "fail" for finding in found) else 0


async def _databases(settings: Settings) -> dict[str, Database]:
    if not settings.embedded:
        settings.require_databases()
        return {name: postgres.given(*settings.database(name)) for name in SERVICES}
    async with plain_store(settings, beside=True) as store:
        return store.databases


async def _ready(at: str) -> list[Finding]:
    """What the one process itself says of its parts."""
    try:
        async with httpx.AsyncClient(timeout=machine.WAIT_SECONDS, verify=False) as client:  # noqa: S501 - this machine
            failing = (await client.get(f"{at}/ready")).json()["failing"]
    except (httpx.HTTPError, ValueError, KeyError):
        return []  # that it does not answer has been said
    following = Text("Смотрите deploy/runbooks/ZhurnalViewStopped.md.", "See deploy/runbooks/ZhurnalViewStopped.md.")
    return [Finding("parts", "fail", Text(part, part), following) for part in failing]


def _show(found: list[Finding], as_json: bool) -> None:
    n = 1 if language() == "en" else 0
    if as_json:
        print_json([{"part": f.part, "state": f.state, "seen": f.seen[n], "next": f.following[n]} for f in found])
        return
    print_table(
        say("Осмотр журнала", "Check-up of the journal"),
        [say("Что", "Part"), say("Итог", "State"), say("Видно", "Seen"), say("Сделайте", "Do")],
        [(f.part, STATES[f.state][n], f.seen[n], f.following[n]) for f in found],
    )
