"""Processes of ours under supervision: what ends by itself is started again, what cannot start ends everything.

Output goes to one file per process. On the way out each gets SIGTERM and some seconds to finish.
"""

import asyncio
import contextlib
import os
import random
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from services.kit.settings import CannotStart

STOP_SECONDS = 15.0
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
SETTLED_SECONDS = 30.0
"""A process that lived so long did not fail at its start."""
REFUSED = 2
"""The exit code of `zhurnal` for a configuration that cannot work: trying again would not help."""

PORTS = (15_000, 32_000)
"""Linux gives ports from 32,768 on to connections, others from 49,152 on."""

log = structlog.get_logger()


def free_ports(count: int) -> list[int]:
    """Different TCP ports of the loopback that nobody listens on now, none of those that systems give to connections.

    Between this answer and its use nobody takes one but by the same lot, which is a small one.
    """
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            probe, port = held.enter_context(socket.socket()), random.randrange(*PORTS)  # noqa: S311 - a lot, no secret
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
        return found


def free_port() -> int:
    """One of `free_ports`."""
    return free_ports(1)[0]


def inherited() -> dict[str, str]:
    """The environment for a process of ours: what this one has, without its own settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ZHURNAL_")}


class Supervised:
    """One process. `zhurnal` arguments, its whole environment, the file of its output."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], output: Path) -> None:
        self.name, self._output = name, output
        self._command = (sys.executable, "-m", "services", *arguments)
        self._environment = {**inherited(), **environment}
        self.process: Process | None = None
        self.starts = 0

    async def run(self) -> None:
        """Keep it running until cancelled. Raises CannotStart when it refuses its configuration."""
        pause = SHORTEST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                code = await self._once()
                if code == REFUSED:
                    said = self._last_line()
                    raise CannotStart(f"{self.name}: {said}", f"{self.name}: {said}")
                pause = (
                    SHORTEST_PAUSE_SECONDS
                    if loop.time() - began > SETTLED_SECONDS
                    else min(pause * 2, LONGEST_PAUSE_SECONDS)
                )
                log.warning("started again", target=self.name, code=code, pause=pause)
                await asyncio.sleep(pause)
        finally:
            await self.stop()

    async def _once(self) -> int:
        with self._output.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                start_new_session=True,  # Ctrl-C of the terminal is for the supervisor, which stops the others in order
            )
        self.starts += 1
        return await self.process.wait()

    async def stop(self) -> None:
        """End the process, by force after `STOP_SECONDS`."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            log.error("killed", target=self.name)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _last_line(self) -> str:
        lines = self._output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "?"
