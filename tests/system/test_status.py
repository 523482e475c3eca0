"""The public status of a real journal whose parts fail: what does not work is named, and why is not."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from services.kit.embedded import EmbeddedServer
from services.kit.settings import Settings
from services.targets import open_target
from tests.common.process import Journal, data_folder, key
from tests.kit.edge_conformance import served

PATIENCE_SECONDS = 60
CAUSES = ("zhurnal_", "psycopg", "127.0.0.1", "Error", "view_cursor", "connection")


def status(journal: Journal) -> dict[str, Any]:
    """What the page and the document say together; neither may name a cause."""
    with httpx.Client(base_url=journal.address, timeout=60) as anybody:
        page, told = anybody.get("/status"), anybody.get("/status.json")
    assert (page.status_code, told.status_code) == (200, 200)
    assert not [cause for cause in CAUSES if cause in page.text + told.text]
    return dict(told.json())


def until(journal: Journal, true: Callable[[dict[str, bool]], bool]) -> dict[str, Any]:
    """The status once that holds of {part: works}."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        told = status(journal)
        if true({part["part"]: part["works"] for part in told["parts"]}):
            return told
        assert time.monotonic() < deadline, told
        time.sleep(0.2)


def test_a_dead_database_and_a_stopped_view_are_told_without_a_cause() -> None:
    with data_folder() as data, Journal(data, "--demo", "none", command="up") as journal:
        server = EmbeddedServer.attach(data)
        assert server is not None
        sound = until(journal, lambda works: all(works.values()))
        assert [part["part"] for part in sound["parts"]] == [
            "identity",
            "gradebook",
            "schedule",
            "reporting",
            "notifications",
        ]
        assert sound["parts"][0]["current"] is None, "it has no view"
        assert (sound["state"], sound["notice"]) == ("works", "")

        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            name = "zhurnal_notifications"
            admin.execute(f"alter database {name} with allow_connections false".encode())
            admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
            broken = until(journal, lambda works: not works["notifications"])
            assert broken["state"] == "partly"
            assert [part["works"] for part in broken["parts"]] == [True, True, True, True, False]
            admin.execute(f"alter database {name} with allow_connections true".encode())
        until(journal, lambda works: all(works.values()))

        with psycopg.connect(server.dsn("zhurnal_reporting"), autocommit=True) as admin:
            admin.execute("alter table view_cursor rename to nothing")
        code = next(line.rsplit(" ", 1)[1] for line in journal.said().splitlines() if "Activation code" in line)
        account = {"code": code, "login": "first", "password": "a long enough sentence"}
        with httpx.Client(base_url=f"{journal.address}/api", headers={"X-Zhurnal": "1", **key()}, timeout=60) as first:
            assert first.post("/identity/activation", json=account).status_code == 201
            stopped = until(journal, lambda works: not works["reporting"])
            assert [part["works"] for part in stopped["parts"]] == [True, True, True, False, True]
            told = first.get("/reporting/status")
        assert (told.status_code, told.json()) == (200, {"works": False, "current": None})
        ready = httpx.get(f"{journal.address}/ready")
        assert (ready.status_code, ready.json()["failing"][0].partition(":")[0]) == (503, "card")


@pytest.mark.anyio
async def test_the_client_s_process_asks_each_service_at_the_address_that_it_is_given(tmp_path: Path) -> None:
    notice = tmp_path / "notice.txt"
    notice.write_text("Суббота: обновление", encoding="utf-8")
    asked = []

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        path = Request(scope).url.path
        asked.append(path)
        await JSONResponse({"works": "schedule" not in path, "current": False})(scope, receive, send)

    with served(service) as port:
        here = f"http://127.0.0.1:{port}"
        given = {"ZHURNAL_SCHEDULE_URL": here, "ZHURNAL_NOTIFICATIONS_URL": here, "ZHURNAL_NOTICE": str(notice)}
        settings = Settings.load({**given, "ZHURNAL_IDENTITY_URL": "http://127.0.0.1:1"})
        async with open_target(settings, "web") as web:
            assert web.app is not None
            transport = httpx.ASGITransport(web.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://journal.test") as anybody:
                told = (await anybody.get("/status.json")).json()
    assert sorted(asked) == ["/api/notifications/status", "/api/schedule/status"]
    assert (told["state"], told["notice"]) == ("partly", "Суббота: обновление")
    assert told["parts"] == [
        {"part": "identity", "works": False, "current": None},
        {"part": "schedule", "works": False, "current": False},
        {"part": "notifications", "works": True, "current": False},
    ]
