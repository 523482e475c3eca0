"""`zhurnal up`: starts once, stops cleanly, survives kill -9, and says in one sentence why it cannot start."""

import json
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from services.kit.datalock import running
from services.kit.embedded import EmbeddedServer
from tests.common.process import Journal, data_folder, zhurnal

pytestmark = pytest.mark.anyio


def sentence(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    return lines[0]


async def start_page(journal: Journal) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=journal.address) as client:
        answer = await client.get("/start.json")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


async def test_the_start_page_tells_of_accounts_that_sign_in(demo: Journal) -> None:
    beginning = await start_page(demo)
    assert set(beginning) == {"zone", "today", "version", "first", "demo"}
    assert (beginning["zone"], beginning["first"]) == ("Asia/Barnaul", False)
    told = beginning["demo"]
    assert {"admin", "teacher", "parent", "student"} <= {account["login"] for account in told["accounts"]}
    for account in told["accounts"]:
        assert account["name"]
        assert all(account[text][language] for text in ("role", "hint") for language in ("ru", "en"))
        assert account["login"] in demo.said()
        await (await demo.signed_in(account["login"], told["password"])).aclose()


async def test_first_start_without_demo_prints_a_code_that_makes_the_administrator() -> None:
    with data_folder() as data:
        with Journal(data, "--demo", "none") as journal:
            beginning = await start_page(journal)
            assert (beginning["first"], beginning["demo"]) == (True, None)
            said = journal.said()
            code = next(line.rsplit(" ", 1)[1] for line in said.splitlines() if "Activation code" in line)
            async with journal.client() as client:
                account = {"code": code, "login": "first", "password": "a long enough sentence"}
                made = await client.post(
                    "/identity/activation", json=account, headers={"Idempotency-Key": "activate-1"}
                )
                assert made.status_code in (200, 201), made.text
                again = await client.post(
                    "/identity/activation", json=account, headers={"Idempotency-Key": "activate-2"}
                )
                assert again.status_code >= 400, "a code works once"
            client = await journal.signed_in("first", "a long enough sentence")
            me = (await client.get("/identity/me")).json()
            assert "journal_administrator" in json.dumps(me)
            await client.aclose()
            assert not (await start_page(journal))["first"]
            assert journal.stop() == 0
        with Journal(data, "--demo", "none") as journal:
            assert "Activation code" not in journal.said(), "there is an administrator"
            await (await journal.signed_in("first", "a long enough sentence")).aclose()


def test_a_second_start_on_the_same_data_says_so_and_where(demo: Journal) -> None:
    second = zhurnal("up", "--port", "0", data=demo.data)
    assert second.returncode == 2
    assert demo.address in sentence(second.stderr)


def test_a_taken_port_is_one_sentence() -> None:
    with data_folder() as data, Journal(data, "--demo", "none") as journal, data_folder() as other:
        port = journal.address.rsplit(":", 1)[1]
        refused = zhurnal("up", "--port", port, data=other)
        assert refused.returncode == 2
        assert port in sentence(refused.stderr)


async def test_after_kill_9_the_next_start_takes_the_server_over() -> None:
    with data_folder() as data:
        with Journal(data, "--demo", "none") as journal:
            orphan = EmbeddedServer.attach(data)
            assert orphan is not None
            journal.kill()
        with Journal(data, "--demo", "none") as journal:
            assert journal.stop() == 0
        assert running(data) is None
        assert not (data / "postgres/postmaster.pid").exists()


def test_data_of_a_newer_program_is_refused_in_one_sentence() -> None:
    with data_folder() as data:
        with EmbeddedServer.start(data) as server:
            prepared = zhurnal("rebuild", data=data)
            assert prepared.returncode == 2, "not migrated yet"
            assert server.pid
        with Journal(data, "--demo", "none") as journal:
            journal.stop()
        with EmbeddedServer.start(data) as server, psycopg.connect(server.dsn("zhurnal_identity")) as conn:
            conn.execute(
                "insert into schema_version (version, digest, needs)"
                " select max(version) + 1, 'x', max(version) + 1 from schema_version"
            )
        refused = zhurnal("up", "--port", "0", data=data)
        assert refused.returncode == 2
        assert "newer program" in sentence(refused.stderr)


def test_data_of_another_postgresql_is_refused_in_one_sentence() -> None:
    with data_folder() as data:
        EmbeddedServer.start(data).stop()
        (data / "postgres/PG_VERSION").write_text("11\n")
        refused = zhurnal("up", "--port", "0", data=data)
        assert refused.returncode == 2
        assert "PostgreSQL 11" in sentence(refused.stderr)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(("up", "--port", "99999"), "ZHURNAL_PORT"), (("up", "--demo", "town"), "ZHURNAL_DEMO")],
)
def test_a_wrong_setting_is_named(arguments: tuple[str, ...], named: str, tmp_path: Path) -> None:
    refused = zhurnal(*arguments, data=tmp_path / "none")
    assert refused.returncode == 2
    assert named in sentence(refused.stderr)
    assert not (tmp_path / "none").exists(), "nothing was started"


def test_commands_without_a_journal_say_what_to_do(tmp_path: Path) -> None:
    for command in (("rebuild",), ("audit", "replay"), ("import", "oneroster", str(tmp_path), "--source", "x")):
        refused = zhurnal(*command, data=tmp_path / "none")
        assert refused.returncode in (1, 2)
        assert "Traceback" not in refused.stderr + refused.stdout


def test_services_connect_under_their_own_roles(demo: Journal) -> None:
    server = EmbeddedServer.attach(demo.data)
    assert server is not None
    with psycopg.connect(server.dsn()) as admin:
        rows = admin.execute(
            "select a.usename, a.datname, r.rolsuper from pg_stat_activity a join pg_roles r on r.rolname = a.usename"
            " where a.datname like 'zhurnal%'"
        ).fetchall()
    assert rows
    assert {(user == database, superuser) for user, database, superuser in rows} == {(True, False)}
