"""A real `zhurnal up` in a process of its own, on a data folder outside homes and a free port."""

import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from uuid import uuid4

import httpx
import structlog
from typer.testing import CliRunner

from services.__main__ import app

ADDRESS = re.compile(r"(http://[\d.]+:\d+)")
READY_SECONDS = 300
STOP_SECONDS = 60
DISTRIBUTED = "TESTS_DISTRIBUTED"
COMMAND = "distributed" if os.environ.get(DISTRIBUTED) else "up"


class Said(NamedTuple):
    """What a command said and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def zhurnal(*arguments: str, data: Path | None = None, environment: dict[str, str] | None = None) -> Said:
    """Run one command of the command line to its end."""
    at = ["--data", str(data)] if data is not None else []
    command = [sys.executable, "-m", "services", *arguments, *at]
    done = subprocess.run(
        command, capture_output=True, text=True, env=_environment(environment), check=False, timeout=300
    )
    return Said(done.returncode, done.stdout, done.stderr)


def zhurnal_here(*arguments: str, data: Path | None = None) -> Said:
    """The same in this process, which saves the start of an interpreter; from a test without a running loop only."""
    at = ["--data", str(data)] if data is not None else []
    with _logging_kept():
        result = CliRunner().invoke(app, [*arguments, *at], env={"LC_ALL": "en_XX.UTF-8", "COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


@contextmanager
def _logging_kept() -> Iterator[None]:
    """A command sets logging up for its process, onto streams that are closed after it; the tests go on."""
    root, kept = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**kept)


class Served:
    """A journal that answers at `address`, whoever runs it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def client(self) -> httpx.AsyncClient:
        """A client with a cookie jar of its own and the journal's CSRF header."""
        return httpx.AsyncClient(base_url=f"{self.address}/api", headers={"X-Zhurnal": "1"}, timeout=60)

    async def signed_in(self, login: str, password: str) -> httpx.AsyncClient:
        """The client of that person."""
        client = self.client()
        answer = await client.post("/identity/sessions", json={"login": login, "password": password}, headers=key())
        assert answer.status_code == 201, answer.text
        return client


class Journal(Served):
    """A running journal. `address`: where it answers. A context manager that stops it.

    With the variable `DISTRIBUTED` set it is the distributed system behind its gateway, else one process.
    """

    def __init__(
        self, data: Path, *arguments: str, environment: dict[str, str] | None = None, command: str = COMMAND
    ) -> None:
        self.data = data
        self._said = tempfile.NamedTemporaryFile(prefix="zhurnal-said-")  # noqa: SIM115 - closed in __exit__
        started = [sys.executable, "-m", "services", command, "--data", str(data), "--port", "0", *arguments]
        self.process = subprocess.Popen(
            started, stdout=self._said, stderr=subprocess.STDOUT, text=True, env=_environment(environment)
        )
        super().__init__(self._wait())

    def said(self) -> str:
        """Everything it has printed, read by a handle of our own: the process writes at the offset of its own."""
        return Path(self._said.name).read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """kill -9: nothing is tidied up."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()
        self._said.close()

    def _wait(self) -> str:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if found := ADDRESS.search(self.said()):
                try:
                    if httpx.get(f"{found[1]}/start.json").status_code == 200:
                        return found[1]
                except httpx.TransportError:
                    pass  # bound, and not yet listening
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"not ready after {READY_SECONDS} s:\n{self.said()}")


def key() -> dict[str, str]:
    """The header that makes a change one of its own."""
    return {"Idempotency-Key": uuid4().hex}


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder for the data of one journal; what a test left running there is stopped."""
    with tempfile.TemporaryDirectory(prefix="zhurnal-system-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder / "data"


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZHURNAL_", "LC_", "LANG"))}
    return {**kept, "LANG": "en_XX.UTF-8", "COLUMNS": "200", **(more or {})}
