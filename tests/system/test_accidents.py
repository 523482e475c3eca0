"""Accidents of a real journal: kill -9 and a stopped or dead database at bad moments.

It goes on by itself, or ends with one sentence; begun again it completes, and the audit finds everything equal.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from services.demo.accounts import PASSWORD
from services.kit.embedded import EmbeddedServer
from tests.common.process import Journal, data_folder, key, zhurnal, zhurnal_here

LOADED_HALF = 6_000
"""Events of the gradebook that are there when the first load is killed; a class has more than 10,000."""
PATIENCE_SECONDS = 120
"""A machine that runs other tests meanwhile may need that long for what an idle one does in two seconds."""
POOL_PATIENCE_SECONDS = 5
"""So long a request waits for a connection: the database is held longer than that."""


def started(data: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A command of the command line that is still running."""
    command = [sys.executable, "-m", "services", *arguments, "--data", str(data)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(true: Callable[[], bool]) -> None:
    """Return once it holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def asked(data: Path, service: str, query: str) -> Any:
    """The first value that the running database answers; None while there is no such database or table yet."""
    server = EmbeddedServer.attach(data)
    if server is None:
        return None
    try:
        with psycopg.connect(server.dsn(f"zhurnal_{service}")) as conn:
            row = conn.execute(query.encode()).fetchone()
            return None if row is None else row[0]
    except (psycopg.OperationalError, psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        return None


def server_processes(data: Path) -> list[psutil.Process]:
    """The database server and its children."""
    server = EmbeddedServer.attach(data)
    assert server is not None
    main = psutil.Process(server.pid)
    return [main, *main.children()]


def equal(data: Path) -> None:
    replay = zhurnal_here("audit", "replay", data=data)
    assert replay.returncode == 0, replay.stdout + replay.stderr


@contextmanager
def signed_in(journal: Journal, login: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{journal.address}/api", headers={"X-Zhurnal": "1"}, timeout=60) as client:
        answer = client.post("/identity/sessions", json={"login": login, "password": PASSWORD}, headers=key())
        assert answer.status_code == 201, answer.text
        yield client


@pytest.fixture(scope="module")
def loaded() -> Iterator[Path]:
    """The data of a stopped demo class whose first load was killed halfway and taken up again."""
    with data_folder() as data:
        first = started(data, "up", "--port", "0")
        wait_for(lambda: (asked(data, "gradebook", "select count(*) from event") or 0) > LOADED_HALF)
        first.kill()
        first.communicate()
        with Journal(data) as journal:
            assert journal.stop() == 0
        yield data


def test_a_first_load_that_was_killed_is_completed(loaded: Path) -> None:
    equal(loaded)
    with Journal(loaded) as journal:
        doubled = asked(
            loaded,
            "gradebook",
            "select count(*) from (select body::json->>'grade' from event where type = 'GradeRecorded.v1'"
            " group by 1 having count(*) > 1) d",
        )
        assert doubled == 0
        with signed_in(journal, "auditor") as auditor:
            assert auditor.get("/gradebook/pages").json()["total"] > 0, "accounts come last"


def test_a_closing_of_a_period_that_was_killed_is_completed_when_sent_again(loaded: Path) -> None:
    closed = "select count(*) from event where type = 'PeriodClosed.v1'"
    same = key()
    with Journal(loaded) as journal, signed_in(journal, "deputy") as deputy:
        listed = deputy.get("/gradebook/pages", params={"state": "open", "limit": 200}).json()["items"]
        period, pages = Counter(page["period"] for page in listed).most_common(1)[0]
        body = {"period": period, "force": True, "reason": {"code": "input_error"}}
        before = asked(loaded, "gradebook", closed)

        def ask() -> None:
            with suppress(httpx.TransportError):
                deputy.post("/gradebook/closings", json=body, headers=same)

        asking = Thread(target=ask)
        asking.start()
        wait_for(lambda: asked(loaded, "gradebook", closed) > before)
        journal.kill()
        asking.join()
    with Journal(loaded) as journal, signed_in(journal, "deputy") as deputy:
        told = deputy.post("/gradebook/closings", json=body, headers=same)
        assert told.status_code == 200, told.text
        assert told.json()["refused"] == []
        assert asked(loaded, "gradebook", closed) == before + pages, "each page once"
    equal(loaded)


def killed_amid_its_copying(data: Path) -> None:
    """Kill a rebuild that writes its tables; one that had written them before anybody looked is followed by another."""
    copying = "select 1 from pg_stat_activity where query ilike 'copy%' and state <> 'idle'"
    for _ in range(10):
        rebuild = started(data, "rebuild", "card")
        wait_for(lambda r=rebuild: bool(asked(data, "reporting", copying)) or r.poll() is not None)  # type: ignore[misc]
        done = rebuild.poll() is not None
        rebuild.kill()
        rebuild.communicate()
        if not done:
            return
    raise AssertionError("no rebuild was seen writing")


def test_two_rebuilds_at_once_and_one_that_is_killed_leave_the_views_equal(loaded: Path) -> None:
    with Journal(loaded):
        both = [started(loaded, "rebuild") for _ in range(2)]
        for one in both:
            said = "".join(one.communicate(timeout=PATIENCE_SECONDS))
            assert one.returncode == 0, said
        killed_amid_its_copying(loaded)
        again = zhurnal("rebuild", data=loaded)
        assert again.returncode == 0, again.stdout + again.stderr
        equal(loaded)


def test_a_database_that_stands_still_is_waited_for(loaded: Path) -> None:
    with Journal(loaded) as journal, signed_in(journal, "teacher") as teacher:
        stopped = server_processes(loaded)
        for process in stopped:
            process.suspend()
        try:
            time.sleep(POOL_PATIENCE_SECONDS + 1.5)
            refused = teacher.get("/gradebook/pages")
            assert refused.status_code == 503, refused.text
            assert refused.headers["content-type"] == "application/problem+json"
        finally:
            for process in stopped:
                process.resume()
        wait_for(lambda: teacher.get("/gradebook/pages").status_code == 200)
        assert journal.process.poll() is None
        assert journal.stop() == 0


def test_a_database_that_was_killed_ends_the_journal_with_one_sentence() -> None:
    with data_folder() as data:
        with Journal(data, "--demo", "none") as journal:
            server = EmbeddedServer.attach(data)
            assert server is not None
            os.kill(server.pid, 9)
            assert journal.process.wait(PATIENCE_SECONDS) == 2
            said = [line for line in journal.said().splitlines() if line and not line.startswith("{")]
            assert said[-1].startswith("The database server has ended")
            assert "Traceback" not in journal.said()
        with Journal(data, "--demo", "none") as journal:
            assert journal.stop() == 0
        equal(data)


def test_an_import_that_was_killed_is_completed_when_run_again(shared: Path) -> None:
    roster = ("import", "oneroster", str(shared / "data/oneroster/mockroster"), "--source", "killed")
    with data_folder() as data, Journal(data, "--demo", "none") as journal:
        killed = started(data, *roster)
        # Both services have checked it; identity has written its part, schedule perhaps not.
        wait_for(lambda: (asked(data, "identity", "select count(*) from person") or 0) > 100)
        killed.kill()
        killed.communicate()
        first = zhurnal(*roster, data=data)
        assert first.returncode == 0, first.stdout + first.stderr
        counts = "select count(*) from event where type not like 'Session%'"
        heads = [asked(data, service, counts) for service in ("identity", "schedule")]
        assert asked(data, "schedule", "select count(*) from event where type = 'TeachingAssigned.v1'") > 100
        second = zhurnal(*roster, data=data)
        assert second.returncode == 0, second.stdout + second.stderr
        assert [asked(data, service, counts) for service in ("identity", "schedule")] == heads, "nothing twice"
        assert journal.stop() == 0
        equal(data)
