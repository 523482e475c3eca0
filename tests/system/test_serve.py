"""Targets as processes of their own: what they refuse to start with, and two of a kind beside each other."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from services.kit.postgres import Database
from services.kit.settings import Settings
from services.local import distributed as plan
from services.local.processes import inherited
from services.store import open_store
from services.system import VIEWS
from services.targets import TARGETS
from tests.common.process import Said, data_folder, zhurnal, zhurnal_here

pytestmark = pytest.mark.anyio

DSN = "postgresql://nobody@127.0.0.1:1/nothing"
SECRET = "s" * 40
READY_SECONDS = 60

NEEDED = [
    ("identity.api", "IDENTITY_DSN"),
    ("gradebook.relay", "GRADEBOOK_DSN"),
    ("reporting.projector", "REPORTING_DSN"),
    ("web", "IDENTITY_URL"),
]


@pytest.mark.parametrize(("target", "variable"), NEEDED)
def test_what_is_missing_is_one_sentence_that_names_the_variable(target: str, variable: str) -> None:
    refused = zhurnal_here("serve", "--target", target)
    assert refused.returncode == 2
    assert f"ZHURNAL_{variable} is not set" in refused.stderr.replace("\n", " ")
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "eighty"), ("IDENTITY_URL", "identity"), ("KAFKA_SECURITY", "some"), ("KAFAK", "x")],
)
def test_what_is_wrong_is_named_too(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ZHURNAL_{variable}", value)
    refused = zhurnal_here("serve", "--target", "identity.api")
    assert refused.returncode == 2
    assert f"ZHURNAL_{variable}" in refused.stderr


def test_an_unknown_target_is_told_which_ones_there_are() -> None:
    refused = zhurnal_here("serve", "--target", "gradebook.apo")
    assert refused.returncode == 2
    assert all(target in refused.stderr for target in TARGETS)


def test_a_database_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHURNAL_IDENTITY_DSN", DSN)
    refused = zhurnal_here("serve", "--target", "identity.api")
    assert refused.returncode == 2
    assert "identity" in refused.stderr


# -- processes ----------------------------------------------------------------------------------------------------


class Running:
    """An identity of two processes."""

    def __init__(self, places: list[plan.Place], net: plan.Net) -> None:
        self.places, self.net = places, net
        self.processes: list[subprocess.Popen[bytes]] = []

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.places[number].port}/api/identity"

    async def token(self, client: httpx.AsyncClient, number: int) -> str:
        body = {"service": "gradebook", "secret": self.net.secrets["gradebook"]}
        answer = await client.post(f"{self.url(number)}/tokens", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])


@contextmanager
def started(place: plan.Place, net: plan.Net, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "services", "serve", "--target", place.target]
    process = subprocess.Popen(command, env={**inherited(), **plan.environment(place, net, settings)})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def identities() -> AsyncIterator[Running]:
    with data_folder() as data:
        settings = Settings.load({}, data=data, demo="none")
        async with open_store(settings, VIEWS) as store:
            assert store.server is not None
            at = [place for place in plan.places(2) if place.target == "identity.api"]
            urls = {"schedule": "http://127.0.0.1:1", "gradebook": "http://127.0.0.1:1", **plan.urls(at)}
            net = plan.Net(data, store.databases, "127.0.0.1:1", urls, plan.secrets(store.server))
            running = Running(at, net)
            with started(at[0], net, settings) as one, started(at[1], net, settings) as two:
                running.processes = [one, two]
                await ready(at)
                yield running


async def ready(places: list[plan.Place]) -> None:
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as client:
        for place in places:
            while True:
                try:
                    if (await client.get(f"http://127.0.0.1:{place.probe_port}/ready")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass  # not listening yet
                await asyncio.sleep(0.05)


async def test_two_processes_of_one_service_are_one_service_and_end_when_told() -> None:
    async with identities() as running, httpx.AsyncClient() as client:
        token = await running.token(client, 0)
        asked = {"authorization": f"Bearer {token}"}
        heads = [await client.get(f"{running.url(n)}/log", headers=asked) for n in (0, 1)]
        assert [answer.status_code for answer in heads] == [200, 200]
        assert heads[0].json() == heads[1].json()
        for place in running.places:
            probe = f"http://127.0.0.1:{place.probe_port}"
            assert (await client.get(f"{probe}/live")).json() == {"live": True}
            assert b"process_" in (await client.get(f"{probe}/metrics")).content
            missing = await client.get(f"http://127.0.0.1:{place.port}/api/gradebook/log", headers=asked)
            assert (missing.status_code, missing.json()["code"]) == (404, "not-found")
            assert (await client.get(f"http://127.0.0.1:{place.port}/ready")).status_code == 404
        for process in running.processes:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(30) for process in running.processes] == [0, 0]


async def test_the_first_administrator_gets_a_code_beside_them_by_the_settings_of_identity_alone() -> None:
    async with identities() as running, httpx.AsyncClient() as client:
        given = {"ZHURNAL_IDENTITY_DSN": running.net.databases["identity"].dsn}

        async def asked() -> Said:
            return await asyncio.to_thread(zhurnal, "administrator", environment=given)

        async def used(code: str, n: int) -> int:
            body = {"code": code, "login": f"first{n}", "password": "a long enough sentence"}
            headers = {"Idempotency-Key": f"activate-{n}", "x-forwarded-for": f"10.0.0.{n}"}
            return (await client.post(f"{running.url(n % 2)}/activation", json=body, headers=headers)).status_code

        said = await asyncio.gather(asked(), asked(), asked())
        assert [one.returncode for one in said] == [0, 0, 0], said
        codes = [line.rsplit(" ", 1)[1] for one in said for line in one.stdout.splitlines() if "Activation" in line]
        assert sorted([await used(code, n) for n, code in enumerate(codes)]) == [201, 403, 403], "the last one counts"
        late = await asked()
        assert (late.returncode, late.stdout) == (1, "")
        assert "has an account already" in late.stderr


def test_each_process_is_told_what_it_needs_and_no_secret_of_others(tmp_path: Path) -> None:
    settings = Settings.load({}, data=tmp_path)
    at = plan.places(1)
    databases = {s: Database(f"zhurnal_{s}", s, f"postgresql://{s}/x", f"postgresql://o{s}/x") for s in VIEWS}
    databases["identity"] = Database("zhurnal_identity", "identity", "postgresql://identity/x", "")
    secrets = {s: f"{s}{SECRET}" for s in VIEWS}
    net = plan.Net(tmp_path, databases, "broker:1", plan.urls(at), secrets)
    for place in at:
        given = plan.environment(place, net, settings)
        told = Settings.load(given)
        service = place.target.partition(".")[0]
        others = [value for name, value in secrets.items() if name != service and place.target != "identity.api"]
        others += [d.dsn for name, d in databases.items() if name != service]
        others += [d.owner_dsn for d in databases.values() if d.owner_dsn]
        assert not set(given.values()) & set(others), place.target
        assert told.probe_port == place.probe_port
