"""The right of one process to use a data folder.

The kernel keeps it (flock on `data/up.lock`), so a killed owner loses it at once. The file tells who owns the folder
and which address it serves, for a second start that is refused and for commands that work on a running system.
"""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import IO, NamedTuple, Self

from services.kit.settings import CannotStart

PATIENCE_SECONDS = 0.3
"""How long a start waits for the lock: a command that only asks (`running`) holds it for a moment."""


class Running(NamedTuple):
    """The process that owns a data folder at present, and the address that it serves (may be empty)."""

    pid: int
    address: str


class DataLock:
    """The held lock of a data folder."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    @classmethod
    def take(cls, data: Path, address: str = "") -> Self:
        """Take the lock, creating the folder if need be. Raises CannotStart naming the owner and its address."""
        try:
            make_folder(data)
            file = open(os.open(data / "up.lock", os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")  # noqa: SIM115
        except (PermissionError, NotADirectoryError, FileExistsError) as denied:
            raise _unusable(data) from denied
        if not _locked(file):
            owner = _owner(file)
            file.close()
            where = f", {owner.address}" if owner.address else ""
            raise CannotStart(
                f"Журнал с данными {data} уже работает (процесс {owner.pid}{where}).",
                f"Zhurnal is already running on {data} (process {owner.pid}{where}).",
            )
        lock = cls(file)
        lock.announce(address)
        return lock

    def announce(self, address: str) -> None:
        """Write down the address that this process serves."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"pid": os.getpid(), "address": address}))
        self._file.flush()

    def release(self) -> None:
        """Give the folder back. A second call does nothing."""
        if not self._file.closed:
            self._file.seek(0)
            self._file.truncate()
            self._file.close()


def running(data: Path) -> Running | None:
    """Who owns the data folder, or None. Changes nothing. Raises CannotStart if this user may not look."""
    try:
        file = (data / "up.lock").open("r", encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as denied:
        raise _unusable(data) from denied
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _owner(file)
    return None


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, without touching those that exist."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    # As root the database server's user must pass through; what is secret inside is in files of mode 0600.
    folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)


def _unusable(data: Path) -> CannotStart:
    return CannotStart(
        f"Папка данных {data} недоступна этому пользователю.", f"The data folder {data} cannot be used by this user."
    )


def _locked(file: IO[str]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _owner(file: IO[str]) -> Running:
    file.seek(0)
    try:
        told = json.loads(file.read())
        return Running(int(told["pid"]), str(told["address"]))
    except (ValueError, KeyError, TypeError):
        return Running(0, "")  # between taking the lock and writing into it
