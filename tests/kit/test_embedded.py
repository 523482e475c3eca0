"""The embedded server through a life: first start, restart, second start, killed owner, foreign data, root's modes."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from services.kit import cluster
from services.kit.datalock import DataLock, running
from services.kit.embedded import DURABILITY, EmbeddedServer
from services.kit.settings import CannotStart

ROOT = os.geteuid() == 0
FAST = {"fsync": "off"}

OWNER = """
import sys, time
from pathlib import Path
from services.kit.embedded import EmbeddedServer
server = EmbeddedServer.start(Path(sys.argv[1]), "http://127.0.0.1:8080", settings={"fsync": "off"})
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user can reach, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="zhurnal-tests-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def _ask(server: EmbeddedServer, statement: str) -> object:
    with psycopg.connect(server.dsn(), autocommit=True) as conn:
        cursor = conn.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def _owned_by_another(data: Path) -> tuple["subprocess.Popen[str]", int]:
    """Another process that owns a server on `data`: itself and the server's pid."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(data)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline())


def _serves(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"


def _memory(process: psutil.Process) -> int:
    """Bytes, shared memory counted once; 0 for a process that has ended meanwhile."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0


def test_data_survives_a_restart(folder: Path) -> None:
    with EmbeddedServer.start(folder / "data") as server:
        _ask(server, "create table kept as select 42 as value")
        pid = server.pid
    assert not _serves(pid)
    with EmbeddedServer.start(folder / "data") as server:
        assert _ask(server, "select value from kept") == 42


def test_it_runs_lean_durable_and_without_a_port(folder: Path) -> None:
    with EmbeddedServer.start(folder / "data") as server:
        for name, value in DURABILITY.items():
            assert _ask(server, f"select current_setting('{name}')") == value
        assert _ask(server, "select current_setting('listen_addresses')") == ""
        assert _ask(server, "select count(*) from pg_hba_file_rules where auth_method <> 'scram-sha-256'") == 0
        main = psutil.Process(server.pid)
        assert sum(_memory(process) for process in (main, *main.children())) < 100_000_000


def test_passwords_and_the_log_are_private(folder: Path) -> None:
    with EmbeddedServer.start(folder / "data", settings=FAST) as server:
        assert server.password("someone") == server.password("someone")
        for name in ("passwords.json", "postgres.log", "up.lock"):
            assert stat.S_IMODE((folder / "data" / name).stat().st_mode) == 0o600
        assert stat.S_IMODE(server.cluster.stat().st_mode) == 0o700
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.dsn(password="guessed"))


def test_a_second_start_names_the_first(folder: Path) -> None:
    assert running(folder / "data") is None
    with EmbeddedServer.start(folder / "data", settings=FAST) as server:
        server.announce("http://127.0.0.1:4321")
        assert running(folder / "data") == (os.getpid(), "http://127.0.0.1:4321")
        with pytest.raises(CannotStart) as refused:
            EmbeddedServer.start(folder / "data")
        for text in refused.value.text:
            assert f"{os.getpid()}, http://127.0.0.1:4321" in text
        assert _ask(server, "select 1") == 1
    assert running(folder / "data") is None


def test_another_process_may_attach_but_not_stop(folder: Path) -> None:
    assert EmbeddedServer.attach(folder / "data") is None
    with EmbeddedServer.start(folder / "data", settings=FAST) as server:
        guest = EmbeddedServer.attach(folder / "data")
        assert guest is not None
        guest.stop()
        assert _ask(guest, "select 1") == 1
        assert guest.pid == server.pid


def test_the_server_of_a_killed_owner_is_taken_over_and_its_transactions_end(folder: Path) -> None:
    owner, orphan = _owned_by_another(folder / "data")
    guest = EmbeddedServer.attach(folder / "data")
    assert guest is not None
    _ask(guest, "create table kept as select 1 as value")
    with psycopg.connect(guest.dsn()) as unfinished:
        unfinished.execute("insert into kept values (2)")
        owner.kill()
        owner.wait()
        assert _serves(orphan)
        assert running(folder / "data") is None
        with EmbeddedServer.start(folder / "data", settings=FAST) as server:
            assert not _serves(orphan)
            assert _ask(server, "select count(*) from kept") == 1
            with pytest.raises(psycopg.OperationalError):
                unfinished.execute("select 1")


def test_a_server_that_was_killed_too_recovers(folder: Path) -> None:
    owner, orphan = _owned_by_another(folder / "data")
    guest = EmbeddedServer.attach(folder / "data")
    assert guest is not None
    _ask(guest, "create table kept as select 7 as value")
    os.kill(orphan, signal.SIGKILL)
    owner.kill()
    owner.wait()
    with EmbeddedServer.start(folder / "data", settings=FAST) as server:
        assert _ask(server, "select value from kept") == 7


def test_the_folder_of_a_socket_elsewhere_does_not_outlive_the_takeover(folder: Path) -> None:
    data = folder / ("x" * 100)
    owner, _ = _owned_by_another(data)
    guest = EmbeddedServer.attach(data)
    assert guest is not None
    owner.kill()
    owner.wait()
    EmbeddedServer.start(data, settings=FAST).stop()
    assert not guest.socket.exists()


def test_a_stranger_with_a_dead_servers_pid_is_let_alone(folder: Path) -> None:
    with EmbeddedServer.start(folder / "data", settings=FAST) as server:
        pid_file = server.cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with EmbeddedServer.start(folder / "data", settings=FAST) as server:
            assert _ask(server, "select 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_start_cut_short_in_the_middle_of_making_the_cluster_is_begun_anew(folder: Path) -> None:
    half = folder / "data" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (folder / "data").chmod(0o711)
    with EmbeddedServer.start(folder / "data", settings=FAST) as server:
        assert _ask(server, "select 1") == 1
    assert not half.exists()


def test_data_of_another_major_version_is_refused_with_one_sentence_and_left_alone(folder: Path) -> None:
    with EmbeddedServer.start(folder / "data", settings=FAST) as server:
        place = server.cluster
    (place / "PG_VERSION").write_text("12\n")
    with pytest.raises(CannotStart) as refused:
        EmbeddedServer.start(folder / "data", settings=FAST)
    assert "made by PostgreSQL 12" in refused.value.text.en
    assert "PostgreSQL 12" in refused.value.text.ru
    assert running(folder / "data") is None
    (place / "PG_VERSION").write_text("18\n")
    with EmbeddedServer.start(folder / "data", settings=FAST) as server:
        assert _ask(server, "select 1") == 1


def test_lost_passwords_are_named(folder: Path) -> None:
    EmbeddedServer.start(folder / "data", settings=FAST).stop()
    (folder / "data" / "passwords.json").unlink()
    with pytest.raises(CannotStart, match=r"passwords\.json .* is missing"):
        EmbeddedServer.start(folder / "data", settings=FAST)


def test_a_server_that_does_not_come_up_says_why_and_frees_the_folder(folder: Path) -> None:
    with pytest.raises(CannotStart, match="shared_buffers"):
        EmbeddedServer.start(folder / "data", settings={"shared_buffers": "nonsense"})
    assert running(folder / "data") is None
    EmbeddedServer.start(folder / "data", settings=FAST).stop()


def test_a_long_path_gets_a_socket_elsewhere_and_takes_it_away(folder: Path) -> None:
    data = folder / ("x" * 100) / "data"
    with EmbeddedServer.start(data, settings=FAST) as server:
        socket = server.socket
        assert _ask(server, "select 1") == 1
        assert data not in socket.parents
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert not socket.exists()


def test_the_database_log_quotes_no_rows(folder: Path) -> None:
    with EmbeddedServer.start(folder / "data", settings=FAST) as server:
        _ask(server, "create table person (email text primary key)")
        _ask(server, "insert into person values ('artificial@example.test')")
        with pytest.raises(psycopg.Error):
            _ask(server, "insert into person values ('artificial@example.test')")
        with pytest.raises(psycopg.Error):
            _ask(server, "select 'artificial'::int")
    assert "artificial" not in (folder / "data" / "postgres.log").read_text()


def test_a_folder_that_cannot_be_used_is_named(folder: Path) -> None:
    (folder / "data").write_text("a file")
    with pytest.raises(CannotStart, match="cannot be used"):
        DataLock.take(folder / "data")


def test_the_lock_of_a_lost_half_written_file_is_still_a_lock(folder: Path) -> None:
    lock = DataLock.take(folder / "data")
    (folder / "data" / "up.lock").write_text("{")
    with pytest.raises(CannotStart, match="already running"):
        DataLock.take(folder / "data")
    lock.release()
    lock.release()
    again = DataLock.take(folder / "data", "http://127.0.0.1:1")
    assert json.loads((folder / "data" / "up.lock").read_text())["address"] == "http://127.0.0.1:1"
    again.release()


# -- as root ------------------------------------------------------------------------------------------------------


def _modes(*leaves: Path) -> dict[Path, tuple[int, int, int]]:
    found = {}
    for leaf in leaves:
        for path in (leaf, *leaf.parents):
            status = path.stat()
            found[path] = (status.st_mode, status.st_uid, status.st_gid)
    return found


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
@pytest.mark.parametrize("mode", [0o700, 0o711, 0o755])
def test_as_root_no_folder_above_the_data_or_the_programs_changes(folder: Path, mode: int) -> None:
    private = folder / "private"
    private.mkdir(mode=mode)
    programs = cluster.binaries(None, folder / "outside")
    before = _modes(private, programs)
    with EmbeddedServer.start(private / "data", settings=FAST, outside=folder / "outside") as server:
        assert psutil.Process(server.pid).uids().effective != 0
        assert _modes(private, programs) == before
    assert _modes(private, programs) == before


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
def test_as_root_data_that_nobody_else_can_reach_lives_outside_and_is_found_again(folder: Path) -> None:
    private, outside = folder / "private", folder / "outside"
    private.mkdir(mode=0o700)
    with EmbeddedServer.start(private / "data", settings=FAST, outside=outside) as server:
        assert server.cluster.parent == outside
        _ask(server, "create table kept as select 5 as value")
    private.rename(folder / "moved")
    with EmbeddedServer.start(folder / "moved" / "data", settings=FAST, outside=outside) as server:
        assert _ask(server, "select value from kept") == 5
    shutil.rmtree(server.cluster)
    with pytest.raises(CannotStart, match="The database is not in its place"):
        EmbeddedServer.start(folder / "moved" / "data", settings=FAST, outside=outside)


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
def test_as_root_homes_are_not_used_even_if_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "HOMES", (folder / "home",))
    (folder / "home").mkdir()
    with EmbeddedServer.start(folder / "home" / "data", settings=FAST, outside=folder / "outside") as server:
        assert server.cluster.parent == folder / "outside"


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
def test_as_root_programs_that_nobody_else_can_reach_are_copied_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable = cluster.reachable
    installed = cluster.binaries(None, folder)
    monkeypatch.setattr(cluster, "reachable", lambda path: path != installed and reachable(path))
    for _ in range(2):
        with EmbeddedServer.start(folder / "data", settings=FAST, outside=folder / "outside") as server:
            program = Path(psutil.Process(server.pid).exe())
            assert folder / "outside" in program.parents
    assert len(list((folder / "outside").iterdir())) == 1


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
def test_as_root_two_first_starts_at_once_share_one_copy_of_the_programs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable, copytree = cluster.reachable, shutil.copytree
    installed = cluster.binaries(None, folder)
    monkeypatch.setattr(cluster, "reachable", lambda path: path != installed and reachable(path))
    user, outside = cluster.server_user(folder / "data"), folder / "outside"

    def overtaken(source: Path, target: Path) -> None:
        """In the midst of the copy another process makes its own from beginning to end."""
        monkeypatch.setattr(shutil, "copytree", copytree)
        cluster.binaries(user, outside)
        copytree(source, target)

    monkeypatch.setattr(shutil, "copytree", overtaken)
    programs = cluster.binaries(user, outside)
    assert (programs / "postgres").is_file()
    assert len(list(outside.iterdir())) == 1


@pytest.mark.skipif(not ROOT, reason="only root runs the server as somebody else")
def test_as_root_a_server_whose_data_folder_was_deleted_is_ended_and_its_data_not_reused(folder: Path) -> None:
    (folder / "private").mkdir(mode=0o700)
    data, outside = folder / "private" / "data", folder / "outside"
    first = EmbeddedServer.start(data, settings=FAST, outside=outside)
    shutil.rmtree(data)
    with EmbeddedServer.start(data, settings=FAST, outside=outside) as second:
        assert second.cluster != first.cluster
        assert first.cluster.exists()
        assert not cluster.postmaster(first.cluster)
    first.stop()


@pytest.mark.skipif(not ROOT, reason="only root becomes somebody else")
def test_without_root_and_without_a_user_to_become_it_still_refuses_plainly(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(name: str) -> object:
        raise KeyError(name)

    monkeypatch.setattr("pwd.getpwnam", unknown)
    with pytest.raises(CannotStart, match="start Zhurnal as an ordinary user"):
        EmbeddedServer.start(folder / "data", settings=FAST)


@pytest.mark.skipif(not ROOT, reason="root can try what an ordinary user sees")
def test_an_ordinary_user_keeps_everything_in_the_data_folder(folder: Path) -> None:
    nobody = cluster.server_user(folder / "absent")
    assert nobody is not None
    home = folder / "ordinary"
    home.mkdir(mode=0o700)
    os.chown(home, nobody.uid, nobody.gid)
    script = OWNER.replace("time.sleep(600)", "server.stop(); print(server.cluster)")
    python = Path(sys.executable)
    if not cluster.reachable(python.resolve().parent):
        pytest.skip("an ordinary user cannot reach this Python")
    said = subprocess.run(
        [python, "-c", script, str(home / "data")],
        user=nobody.uid, group=nobody.gid, extra_groups=[], env={"PATH": "/usr/bin"}, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert said.stdout.splitlines()[-1:] == [str(home / "data" / "postgres")], said.stderr
    assert stat.S_IMODE((home / "data").stat().st_mode) == 0o700
