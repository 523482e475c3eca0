"""Backup beside the working journal, and restore into an empty system: nothing acknowledged before it is lost.

Whatever is wrong with a backup or its target is one sentence, and then nothing has been written.
"""

import asyncio
import fcntl
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import psycopg
import pytest

from services.backup.manifest import Manifest, backups, leftovers
from services.demo.accounts import PASSWORD
from services.kit.embedded import EmbeddedServer
from services.kit.postgres import prepare
from services.kit.settings import SERVICES
from services.store import LOGS
from tests.common.cells import cells_of, marks
from tests.common.process import Journal, Said, data_folder, key, zhurnal, zhurnal_here

BEFORE = 25
"""Commands acknowledged before the backup begins; others go on while it is made."""
HISTORY = (
    "select count(*), md5(string_agg(concat_ws('|', position, event_id, stream, revision, type, at, body, meta), ''"
    " order by position)) from event where position <= {head}"
)


class Made(NamedTuple):
    """A backup made under load. before: positions acknowledged before it. source: digests of the logs up to it."""

    folder: Path
    manifest: Manifest
    before: list[int]
    after: list[int]
    source: dict[str, Any]


@contextmanager
def superuser(data: Path, service: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the database of a running or a resting journal."""
    running = EmbeddedServer.attach(data)
    server = running or EmbeddedServer.start(data)
    try:
        with psycopg.connect(server.dsn(f"zhurnal_{service}")) as conn:
            yield conn
    finally:
        if running is None:
            server.stop()


def one(data: Path, service: str, query: str) -> Any:
    with superuser(data, service) as conn:
        return conn.execute(query.encode()).fetchone()


def histories(data: Path, manifest: Manifest) -> dict[str, Any]:
    """What the logs hold up to the heads of the backup."""
    return {name: one(data, name, HISTORY.format(head=manifest.logs[name].head)) for name in LOGS}


def wait_for(true: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def equal(said: Said) -> None:
    assert said.returncode == 0, said.stdout + said.stderr


async def under_load(demo: Journal, to: Path) -> tuple[list[int], list[int]]:
    """Fill cells one after another; begin a backup after `BEFORE` of them and go on until it is there."""
    teacher = await demo.signed_in("teacher", PASSWORD)
    before: list[int] = []
    after: list[int] = []
    backup: asyncio.Task[Said] | None = None
    try:
        cells = await cells_of("teacher", teacher)
        for cell in cells:
            answer = await teacher.put(
                f"/gradebook/pages/{cell.page}/cells/{cell.lesson}/{cell.student}",
                json=marks(["5"]),
                headers={"Idempotency-Key": uuid4().hex, "If-None-Match": "*"},
            )
            assert answer.status_code == 200, answer.text
            (before if backup is None else after).append(int(answer.json()["position"].split(":")[1]))
            if len(before) == BEFORE and backup is None:
                arguments = ("backup", "--to", str(to), "--keep", "2")
                backup = asyncio.create_task(asyncio.to_thread(zhurnal, *arguments, data=demo.data))
            if backup is not None and backup.done():
                break
        assert backup is not None, f"only {len(cells)} cells to write"
        equal(await backup)
    finally:
        await teacher.aclose()
    return before, after


@pytest.fixture(scope="module")
def made(demo: Journal) -> Iterator[Made]:
    with data_folder() as place:
        before, after = asyncio.run(under_load(demo, place))
        (folder,) = backups(place)
        manifest = Manifest.read(folder)
        yield Made(folder, manifest, before, after, histories(demo.data, manifest))


@pytest.fixture(scope="module")
def restored(made: Made) -> Iterator[Path]:
    """The backup restored into a folder of its own."""
    with data_folder() as data:
        equal(zhurnal_here("restore", str(made.folder), data=data))
        yield data


@pytest.fixture
def copy(made: Made) -> Iterator[Path]:
    """The backup once more, to be damaged."""
    with data_folder() as place:
        shutil.copytree(made.folder, place)
        yield place


# -- the way back -------------------------------------------------------------------------------------------------


def test_everything_acknowledged_before_the_backup_is_there_after_the_restore(made: Made, restored: Path) -> None:
    assert max(made.before) <= made.manifest.logs["gradebook"].head
    assert made.after, "commands went on while it was made"
    assert histories(restored, made.manifest) == made.source
    for name in LOGS:
        head, log_id = one(restored, name, "select max(position), (select log_id::text from log) from event")
        assert head == made.manifest.logs[name].head, "and nothing beyond"
        assert log_id != made.manifest.logs[name].id, "whoever knows the former history recognises another"


def test_a_restored_journal_replays_equal_and_goes_on(made: Made, restored: Path) -> None:
    assert one(restored, "identity", "select count(*) from session") == (0,), "who was signed in signs in again"
    assert (restored / "token-key.pem").read_bytes() == (made.folder / "token-key.pem").read_bytes()
    assert (restored / "token-key.pem").stat().st_mode & 0o777 == 0o600
    with Journal(restored) as journal:
        assert httpx.get(f"{journal.address}/ready").json()["ready"] is True

        async def write() -> int:
            teacher = await journal.signed_in("curator", PASSWORD)
            cell = (await cells_of("curator", teacher))[-1]
            answer = await teacher.put(
                f"/gradebook/pages/{cell.page}/cells/{cell.lesson}/{cell.student}",
                json=marks(["4"]),
                headers={**key(), "If-None-Match": "*"},
            )
            await teacher.aclose()
            return int(answer.json()["position"].split(":")[1])

        assert asyncio.run(write()) > made.manifest.logs["gradebook"].head
        assert journal.stop() == 0
    equal(zhurnal_here("audit", "replay", data=restored))


def test_after_recovery_by_postgresql_everybody_follows_the_logs(restored: Path) -> None:
    """PostgreSQL has gone back further than views and sessions: as if the last events had never been."""
    former = one(restored, "gradebook", "select log_id::text from log")
    with superuser(restored, "gradebook") as conn:
        conn.execute("alter table event disable trigger append_only")
        conn.execute("delete from event where position > (select max(position) - 3 from event)")
        conn.execute("alter table event enable always trigger append_only")
        (head,) = conn.execute("select max(position) from event").fetchone() or (0,)
    ahead = zhurnal_here("restore", "--recovered", data=restored)
    assert ahead.returncode == 2, ahead.stdout
    assert "to an earlier time than zhurnal_gradebook" in ahead.stderr
    with superuser(restored, "gradebook") as conn:
        conn.execute("update keeper_cursor set position = least(position, %s) where log = 'gradebook'", (head,))
    equal(zhurnal_here("restore", "--recovered", data=restored))
    assert one(restored, "gradebook", "select log_id::text from log") != former
    equal(zhurnal_here("audit", "replay", data=restored))


def test_a_drill_restores_aside_and_compares(made: Made) -> None:
    said = zhurnal_here("restore", str(made.folder), "--drill", "--json")
    equal(said)
    told = json.loads(said.stdout)
    assert told["equal"]
    assert told["head gradebook"] == told["events gradebook"] == made.manifest.logs["gradebook"].head
    assert told["views compared"] == told["views"] == 5


def test_databases_of_other_names_are_restored_with_the_rights_of_their_roles(
    made: Made, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def prepared() -> None:
        for name in SERVICES:
            database = await prepare(server.dsn(), name, server.password, prefix="restored")
            monkeypatch.setenv(f"ZHURNAL_{name.upper()}_DSN", database.dsn)
            monkeypatch.setenv(f"ZHURNAL_{name.upper()}_OWNER_DSN", database.owner_dsn)

    asyncio.run(prepared())
    with data_folder() as data:
        with psycopg.connect(os.environ["ZHURNAL_REPORTING_DSN"]):
            used = zhurnal_here("restore", str(made.folder), data=data)
            assert used.returncode == 2
            assert "still connected to the database restored_reporting" in used.stderr
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            there = "select from pg_stat_activity where usename = 'restored_reporting'"
            wait_for(lambda: admin.execute(there).rowcount == 0)
        equal(zhurnal_here("restore", str(made.folder), data=data))
        equal(zhurnal_here("audit", "replay", data=data))
        with psycopg.connect(os.environ["ZHURNAL_GRADEBOOK_DSN"], autocommit=True) as role:
            for statement in (
                "insert into schema_version values (99, '')",
                "insert into event select * from event limit 1",
                "update log set log_id = gen_random_uuid()",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    role.execute(statement.encode())
        again = zhurnal("backup", "--to", str(data / "again"), data=data, environment=_addresses())
        equal(again)
        assert backups(data / "again")


def _addresses() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("ZHURNAL_")}


def test_a_restore_that_was_killed_is_refused_by_everybody_and_completed_when_run_again(made: Made, copy: Path) -> None:
    with data_folder() as data:
        command = [sys.executable, "-m", "services", "restore", str(made.folder), "--data", str(data)]
        killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: _begun(data) or killed.poll() is not None)
        killed.kill()
        killed.wait()
        refused = zhurnal("up", "--port", "0", data=data)
        assert refused.returncode == 2, refused.stdout
        assert "is half restored: run zhurnal restore" in refused.stderr
        told = json.loads((copy / "manifest.json").read_text())
        (copy / "manifest.json").write_text(json.dumps({**told, "id": str(uuid4())}))
        other = zhurnal_here("restore", str(copy), data=data)
        assert other.returncode == 2
        assert "another backup into the database" in other.stderr
        equal(zhurnal_here("restore", str(made.folder), data=data))
        assert histories(data, made.manifest) == made.source
        equal(zhurnal_here("rebuild", "--verify", data=data))
        with superuser(data, "identity") as conn:  # as if it had been killed between two marks that it takes away
            conn.execute("set role zhurnal_identity_owner")
            conn.execute("create table restoring as select %s as backup, 'done' as step", (made.manifest.id,))
        equal(zhurnal_here("restore", str(made.folder), data=data))
        assert one(data, "identity", "select to_regclass('public.restoring')") == (None,)


def _begun(data: Path) -> bool:
    """The grade book, third database of five, is restored: others are, and others are not."""
    server = EmbeddedServer.attach(data)
    if server is None:
        return False
    try:
        with psycopg.connect(server.dsn("zhurnal_gradebook")) as conn:
            return conn.execute("select to_regclass('public.event') is not null").fetchone() == (True,)
    except psycopg.OperationalError:
        return False


# -- what is refused ----------------------------------------------------------------------------------------------


def _flip(folder: Path) -> None:
    content = bytearray((folder / "gradebook.dump").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "gradebook.dump").write_bytes(content)


def _cut(folder: Path) -> None:
    os.truncate(folder / "gradebook.dump", 1000)


def _changed(folder: Path, **members: Any) -> None:
    told = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**told, **members}))


def _migrated(folder: Path) -> None:
    databases = json.loads((folder / "manifest.json").read_text())["databases"]
    databases["identity"]["migrations"] += ["0" * 64] * 50
    _changed(folder, databases=databases)


WRONG: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a damaged file": (_flip, "gradebook.dump is not what was written"),
    "a cut file": (_cut, "gradebook.dump has 1000 bytes instead of"),
    "a lost file": (lambda folder: (folder / "identity.dump").unlink(), "identity.dump is missing"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "it lacks the file manifest.json"),
    "half a manifest": (lambda folder: os.truncate(folder / "manifest.json", 500), "manifest.json cannot be read"),
    "a manifest of lies": (lambda folder: _changed(folder, databases=5), "manifest.json cannot be read"),
    "a newer format": (lambda folder: _changed(folder, format=2), "made by a newer program (format 2"),
    "newer data": (_migrated, "install a newer program"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_backup_that_is_not_right_is_refused_before_anything_is_written(copy: Path, what: str) -> None:
    spoil, sentence = WRONG[what]
    spoil(copy)
    target = copy.parent / "target"
    refused = zhurnal_here("restore", str(copy), data=target)
    assert refused.returncode == 2, refused.stdout
    assert sentence in refused.stderr.replace("\n", " ")
    assert not target.exists()
    checked = zhurnal_here("backup", "--verify", str(copy))
    assert checked.returncode == (0 if what == "newer data" else 2 if what == "a newer format" else 1)


def test_a_whole_backup_is_told_to_be_so(made: Made) -> None:
    equal(zhurnal_here("backup", "--verify", str(made.folder)))
    above = zhurnal_here("restore", str(made.folder.parent), data=made.folder.parent / "target")
    assert above.returncode == 2
    assert made.folder.name in above.stderr.replace("\n", ""), "the newest one there is named"


def test_a_system_that_is_not_empty_is_left_alone(made: Made, demo: Journal) -> None:
    running = zhurnal_here("restore", str(made.folder), data=demo.data)
    assert running.returncode == 2
    assert "already running" in running.stderr
    with data_folder() as data:
        with Journal(data, "--demo", "none") as journal:
            assert journal.stop() == 0
        former = one(data, "gradebook", "select log_id from log")
        filled = zhurnal_here("restore", str(made.folder), data=data)
        assert filled.returncode == 2
        assert "is not empty" in filled.stderr
        assert one(data, "gradebook", "select log_id, to_regclass('public.restoring') from log") == (*former, None)


def test_settings_that_do_not_say_where_are_refused(demo: Journal) -> None:
    for arguments, sentence in (
        (("backup",), "ZHURNAL_BACKUPS"),
        (("restore",), "--recovered"),
        (("restore", "/nowhere"), "/nowhere is no backup"),
    ):
        refused = zhurnal_here(*arguments, data=demo.data)
        assert refused.returncode == 2, refused.stdout
        assert sentence in refused.stderr


# -- making one ---------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_nothing_behind(demo: Journal) -> None:
    with data_folder() as place:
        done = subprocess.run(
            [sys.executable, "-m", "services", "backup", "--to", str(place), "--data", str(demo.data)],
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "en_XX.UTF-8"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
            check=False,
        )
        assert done.returncode == 2, done.stdout
        assert "File too large. Free space" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(place.iterdir()) == []


def test_a_killed_backup_is_none_and_the_next_one_clears_it_away(demo: Journal, made: Made) -> None:
    place = made.folder.parent
    command = [sys.executable, "-m", "services", "backup", "--to", str(place), "--data", str(demo.data)]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: list(place.glob("*.part/*.dump")))
    killed.kill()
    killed.wait()
    assert backups(place) == [made.folder]
    assert len(list(leftovers(place))) == 1
    equal(zhurnal_here("backup", "--to", str(place), "--keep", "2", "--without-keys", data=demo.data))
    second = backups(place)[-1]
    assert [p.name for p in place.iterdir()] == [p.name for p in place.iterdir() if p in (made.folder, second)]
    assert not (second / "token-key.pem").exists()
    assert second.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in second.iterdir()} == {0o600}
    number = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        at_once = zhurnal_here("backup", "--to", str(place), data=demo.data)
        assert at_once.returncode == 2
        assert "being written" in at_once.stderr
    finally:
        os.close(number)


def test_logs_kept_elsewhere_are_told_and_their_views_left_to_a_rebuild(
    demo: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHURNAL_KURRENT_URI", "esdb://localhost:2113")
    with data_folder() as place, data_folder() as data:
        said = zhurnal_here("backup", "--to", str(place), data=demo.data)
        equal(said)
        assert "without the logs of gradebook, schedule: they are in KurrentDB" in said.stderr
        (folder,) = backups(place)
        assert set(Manifest.read(folder).logs) == {"identity"}
        said = zhurnal_here("restore", str(folder), data=data)
        equal(said)
        told = " ".join(said.stdout.split())  # however wide the lines are
        assert "Restore the logs of gradebook, schedule by KurrentDB's own means, then: zhurnal rebuild" in told


def test_the_oldest_backups_go(demo: Journal) -> None:
    with data_folder() as place:
        for _ in range(3):
            equal(zhurnal_here("backup", "--to", str(place), "--keep", "2", data=demo.data))
        kept = backups(place)
        assert len(kept) == 2
        assert Manifest.read(kept[0]).made_at < Manifest.read(kept[1]).made_at
