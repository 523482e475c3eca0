"""`zhurnal openapi FOLDER`: the OpenAPI documents of all services, as committed under contracts/openapi."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.cli.terminal import DIFFERENT, command, err, out, say
from services.kit.openapi import openapi
from services.kit.settings import Settings
from services.system import open_system


def register(app: typer.Typer) -> None:
    app.command("openapi")(write_openapi)


@command
async def write_openapi(
    folder: Annotated[Path, typer.Argument(help="Куда записать / where to write")],
    check: Annotated[bool, typer.Option("--check", help="Только сравнить / compare only")] = False,
) -> int:
    """Описания API всех служб. / The API descriptions of all services."""
    stale = []
    for name, text in (await documents()).items():
        file = folder / f"{name}.json"
        if check and (not file.exists() or file.read_bytes() != text):
            stale.append(str(file))
        elif not check:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
            out.print(str(file), highlight=False)
    for each in stale:
        err.print(say(f"{each} устарел", f"{each} is not current"), highlight=False)
    return DIFFERENT if stale else 0


async def documents() -> dict[str, bytes]:
    """{service: its OpenAPI document}, from a system of its own that is thrown away."""
    with _folder() as data:
        async with open_system(Settings.load({}, data=data, demo="none")) as system:
            return {service.name: openapi(service.app) for service in system.services.values()}


@contextmanager
def _folder() -> Iterator[Path]:
    """A data folder that is thrown away; the server's own user may pass through it."""
    with tempfile.TemporaryDirectory(prefix="zhurnal-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name) / "data"
