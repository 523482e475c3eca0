"""The check-up of this machine: each finding can be good and bad, and a bad one says what to do."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from services.backup.manifest import Manifest
from services.checkup import machine, topics
from services.checkup.finding import Finding, graded
from services.checkup.stores import Stores
from services.identity.keys import signing_key
from services.kit.bus.kafka import Topic
from services.kit.clock import SystemClock
from services.kit.settings import Settings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Space(NamedTuple):
    free: float


def settings(**given: Any) -> Settings:
    return Settings.load({}, **given)


def one(found: Any) -> Finding:
    (finding,) = list(found)
    assert isinstance(finding, Finding)
    assert (finding.state == "ok") == (finding.following.en == ""), "what to do is said when there is something to do"
    return finding


@pytest.mark.parametrize(("gigabytes", "state"), [(100, "ok"), (3, "warn"), (0.5, "fail")])
def test_a_disk_that_fills_is_told_before_it_is_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gigabytes: float, state: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Space(gigabytes * 10**9))
    assert one(machine.folder(settings(data=tmp_path))).state == state


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert one(machine.folder(settings(data=tmp_path / "absent"))).state == "fail"


def test_a_key_that_others_can_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "token-key.pem"
    signing_key(path)
    assert one(machine.token_key(settings(data=tmp_path))).state == "ok"
    path.chmod(0o644)
    assert one(machine.token_key(settings(data=tmp_path))).state == "fail"
    path.unlink()
    assert list(machine.token_key(settings(data=tmp_path))) == [], "the first start makes it"
    assert one(machine.token_key(settings(data=tmp_path, token_key=path))).state == "fail"


def test_a_file_that_is_no_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "token-key.pem").write_text("no key")
    (finding,) = machine.token_key(settings(data=tmp_path))
    assert finding.state == "fail"


def test_passwords_that_others_can_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    path.write_text("{}")
    path.chmod(0o600)
    assert list(machine.private_files(settings(data=tmp_path))) == []
    path.chmod(0o640)
    assert one(machine.private_files(settings(data=tmp_path))).state == "fail"


@pytest.mark.parametrize(("hours", "state"), [(3, "ok"), (40, "warn"), (24 * 8, "fail")])
def test_the_newest_backup_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hours: float, state: str) -> None:
    ages = {tmp_path / "old": 24 * 30, tmp_path / "new": hours}

    def read(folder: Path) -> Manifest:
        return Manifest(
            id="b",
            made_at=NOW - timedelta(hours=ages[folder]),
            seconds=1,
            program="1",
            postgres="18",
            zone="UTC",
            databases={},
            logs={},
        )

    monkeypatch.setattr(machine, "backups", lambda _: list(ages))
    monkeypatch.setattr(Manifest, "read", read)
    assert one(machine.backup(settings(backups=tmp_path), NOW)).state == state


def test_no_backup_is_worse_than_none_asked_for(tmp_path: Path) -> None:
    assert one(machine.backup(settings(), NOW)).state == "warn"
    assert one(machine.backup(settings(backups=tmp_path), NOW)).state == "fail"


@pytest.mark.parametrize(("seconds", "state"), [(0.5, "ok"), (-5, "warn"), (31, "fail")])
def test_clocks_that_run_apart_are_told(seconds: float, state: str) -> None:
    assert one([machine.clock("clock", NOW + timedelta(seconds=seconds), NOW)]).state == state


@pytest.mark.anyio
async def test_an_address_where_nobody_answers_is_told() -> None:
    found = await machine.address("https://127.0.0.1:9", NOW)
    assert [(f.part, f.state) for f in found] == [("certificate", "fail"), ("address", "fail")]


@pytest.mark.anyio
@pytest.mark.parametrize(("days", "state"), [(90, "ok"), (10, "warn"), (1, "fail"), (-1, "fail")])
async def test_a_certificate_that_ends_is_told(monkeypatch: pytest.MonkeyPatch, days: int, state: str) -> None:
    until = (NOW + timedelta(days=days, minutes=1)).strftime("%b %d %H:%M:%S %Y GMT")

    class Writer:
        def get_extra_info(self, name: str) -> dict[str, str]:
            return {"notAfter": until}

        def close(self) -> None:
            pass

    async def connect(host: str, port: int, ssl: ssl.SSLContext) -> tuple[None, Writer]:
        assert ssl.check_hostname
        return None, Writer()

    monkeypatch.setattr("asyncio.open_connection", connect)
    found = await machine.address("https://127.0.0.1:9", NOW)
    assert found[0].state == state


@pytest.mark.anyio
async def test_databases_that_are_away_are_told_one_by_one() -> None:
    from services.kit.postgres import given

    away = {name: given("postgresql://nobody@127.0.0.1:9/none", None) for name in ("identity", "schedule")}
    found = await Stores(settings(), away, SystemClock()).look()
    assert [(f.part, f.state) for f in found] == [("database identity", "fail"), ("database schedule", "fail")]
    assert "ZHURNAL_IDENTITY_DSN" in found[0].following.en
    assert "nobody" not in json.dumps([f.seen for f in found]), "an address may hold a password"


KAFKA = {"kafka": "broker:9092", "kafka_replication": 3, "kafka_min_insync": 2}


@pytest.mark.parametrize(
    ("partitions", "kept", "in_sync", "state"),
    [(1, 3, 3, "ok"), (1, 4, 4, "ok"), (1, 3, 2, "warn"), (1, 3, 1, "fail"), (1, 2, 2, "fail"), (2, 3, 3, "fail")],
)
def test_copies_of_a_topic_are_told_when_they_are_too_few(partitions: int, kept: int, in_sync: int, state: str) -> None:
    found = topics.copies("gradebook", Topic(partitions, kept, in_sync, {}), settings(**KAFKA))
    assert one([found]).state == state


@pytest.mark.parametrize(
    ("differing", "state"),
    [
        ({}, "ok"),
        (None, "warn"),
        ({"retention.ms": ("1", "604800000")}, "warn"),
        ({"min.insync.replicas": ("1", "2")}, "fail"),
    ],
)
def test_a_topic_that_is_set_up_otherwise_is_told(differing: dict[str, tuple[str, str]] | None, state: str) -> None:
    found = one([topics.configuration("gradebook", Topic(1, 3, 3, differing))])
    assert found.state == state
    assert all(name in found.seen.en and name in found.seen.ru for name in differing or ())


def test_lag_is_graded() -> None:
    assert [graded(n, 10, 100) for n in (9, 10, 99, 100)] == ["ok", "warn", "warn", "fail"]
