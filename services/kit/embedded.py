"""An embedded PostgreSQL server that lives in the data folder and belongs to one process at a time.

`EmbeddedServer.start(data)` makes the cluster on first use, starts the server on a unix socket (no TCP port) with
SCRAM passwords kept in `data/passwords.json`, and `stop` ends it cleanly; `data/up.lock` is held meanwhile. A server
left over by a killed owner is stopped, so that nothing of the dead process can still commit, and started again.
"""

import asyncio
import atexit
import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from psycopg.conninfo import make_conninfo

from services.kit import cluster as clusters
from services.kit.datalock import DataLock, running
from services.kit.settings import CannotStart

SUPERUSER = clusters.SUPERUSER
WATCH_SECONDS = 0.5

MEMORY = {
    "shared_buffers": "64MB",
    "max_connections": "60",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "autovacuum_max_workers": "1",
    "autovacuum_worker_slots": "2",
    "max_logical_replication_workers": "0",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    "huge_pages": "off",
    "jit": "off",
}
"""A college of a thousand students fits into this, on a machine that has other things to do."""

DURABILITY = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "min_wal_size": "64MB",
    "checkpoint_timeout": "15min",
}
"""An acknowledged commit survives a power cut. No replication: a backup of an embedded server is a dump."""

CONDUCT = {
    "listen_addresses": "",
    "unix_socket_permissions": "0600",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Errors of statements go to whoever sent them. Here they would quote rows and input, which hold personal data.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class EmbeddedServer:
    """A running server. Its methods block, so call start and stop in a thread from async code. A context manager."""

    def __init__(self, data: Path, cluster: Path, socket: Path) -> None:
        self.data, self.cluster, self.socket = data, cluster, socket
        self._passwords = data / "passwords.json"
        self._owner: int | None = None
        self._lock: DataLock | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        data: Path,
        address: str = "",
        *,
        settings: Mapping[str, str] | None = None,
        outside: Path = clusters.OUTSIDE,
    ) -> Self:
        """Start the server of the folder `data`, which is made if absent.

        address: told to whoever tries to start a second time. settings: server parameters that differ from ours.
        outside: see `cluster.OUTSIDE`. Raises CannotStart: already running, data of another major version, passwords
        or database lost, no unprivileged user, server does not come up.
        """
        data = data.absolute()
        lock = DataLock.take(data, address)
        try:
            place = clusters.locate(data, outside)
            user = clusters.server_user(place)
            server = cls(data, place, clusters.socket_folder(place, user))
            server._launch(user, clusters.binaries(user, outside), settings or {})
        except BaseException:
            lock.release()
            raise
        server._lock, server._owner = lock, os.getpid()
        atexit.register(server.stop)
        return server

    @classmethod
    def attach(cls, data: Path) -> Self | None:
        """The server that another process runs on this folder, or None; `stop` leaves it alone."""
        place = (data.absolute() / "postgres").resolve()
        lines = clusters.postmaster(place)
        if len(lines) < 8 or lines[7].strip() != "ready" or running(data) is None:
            return None
        return cls(data.absolute(), place, Path(lines[4]))

    def _launch(self, user: clusters.User | None, binaries: Path, settings: Mapping[str, str]) -> None:
        if (self.cluster / "PG_VERSION").exists():
            self._check(clusters.major_of(binaries))
            clusters.end(self.cluster)
        else:
            clusters.initialise(self.cluster, user, binaries, self.password(SUPERUSER))
            if not (self.data / "postgres").exists():
                (self.data / "postgres").symlink_to(self.cluster)
        self._process = clusters.launch(
            self.cluster,
            user,
            binaries,
            self.socket,
            {**MEMORY, **DURABILITY, **CONDUCT, **settings},
            self.data / "postgres.log",
        )

    def _check(self, major: str) -> None:
        found = (self.cluster / "PG_VERSION").read_text().strip()
        if found != major:
            raise CannotStart(
                f"Данные в {self.data} созданы PostgreSQL {found}, а установлен PostgreSQL {major}: "
                f"перенесите их через pg_dump прежней версии.",
                f"The data in {self.data} was made by PostgreSQL {found}, but PostgreSQL {major} is installed: "
                f"carry it over with pg_dump of the former version.",
            )
        if not self._passwords.exists():
            raise CannotStart(
                f"Нет файла {self._passwords} с паролями базы данных: верните его из резервной копии.",
                f"The file {self._passwords} with the database passwords is missing: restore it from a backup.",
            )

    def password(self, role: str) -> str:
        """The password of a role; the owner invents and stores it on first use."""
        known: dict[str, str] = {}
        if self._passwords.exists():
            known = json.loads(self._passwords.read_text())
        if role not in known:
            known[role] = secrets.token_urlsafe(24)
            _write_private(self._passwords, json.dumps(known, indent=1))
        return known[role]

    def dsn(self, dbname: str = SUPERUSER, user: str = SUPERUSER, password: str | None = None) -> str:
        """A connection string for a database as a role; the password defaults to the stored one."""
        return make_conninfo(host=str(self.socket), dbname=dbname, user=user, password=password or self.password(user))

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return int(clusters.postmaster(self.cluster)[0])

    def announce(self, address: str) -> None:
        """Tell a later second start which address this process serves."""
        assert self._lock is not None, "only the owner serves"
        self._lock.announce(address)

    async def watch(self) -> None:
        """Run until cancelled. Raises CannotStart when the server has ended by itself or by somebody else's hand."""
        assert self._process is not None, "only the owner watches"
        while self._process.poll() is None:  # noqa: ASYNC110 - a process tells nobody but who asks
            await asyncio.sleep(WATCH_SECONDS)
        raise CannotStart(
            f"База данных остановилась, причина в {self.data / 'postgres.log'}: запустите журнал снова, "
            f"записанное не потеряно.",
            f"The database server has ended, the reason is in {self.data / 'postgres.log'}: run Zhurnal again, "
            f"nothing recorded is lost.",
        )

    def stop(self) -> None:
        """Stop the server cleanly (open transactions are rolled back) and release the folder. Again: nothing."""
        if self._lock is None or self._owner != os.getpid():  # a forked child inherits the object, not the server
            return
        clusters.end(self.cluster)
        if self._process is not None:
            self._process.wait()
        self._lock.release()
        self._lock = None
        atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
