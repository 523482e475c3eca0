"""With addresses from the environment the journal uses these databases and starts no server of its own."""

import asyncio
import os
from pathlib import Path

import httpx
import pytest

from services.kit.embedded import EmbeddedServer
from services.kit.postgres import prepare
from services.kit.settings import SERVICES
from tests.common.process import Journal, data_folder, zhurnal


@pytest.fixture
def addresses(server: EmbeddedServer) -> dict[str, str]:
    """The five databases on a server that somebody else runs."""

    async def made() -> dict[str, str]:
        found = {}
        for name in SERVICES:
            database = await prepare(server.dsn(), name, server.password, prefix="outside")
            found[f"ZHURNAL_{name.upper()}_DSN"] = database.dsn
            found[f"ZHURNAL_{name.upper()}_OWNER_DSN"] = database.owner_dsn
        return found

    return asyncio.run(made())


def test_the_journal_runs_on_given_databases(addresses: dict[str, str]) -> None:
    with data_folder() as data:
        with Journal(data, "--demo", "none", environment=addresses) as journal:
            assert httpx.get(f"{journal.address}/ready").json()["ready"] is True
            assert "Activation code" in journal.said()
            assert not (data / "postgres").exists()
            replay = zhurnal("audit", "replay", data=data, environment=addresses)
            assert replay.returncode == 0, replay.stdout + replay.stderr
            assert journal.stop() == 0
        some = {name: value for name, value in addresses.items() if "GRADEBOOK" not in name}
        refused = zhurnal("up", data=data, environment=some)
        assert refused.returncode == 2
        assert "ZHURNAL_GRADEBOOK_DSN" in refused.stderr
        assert not any(name.startswith("ZHURNAL_") for name in os.environ)
        assert Path(data / "token-key.pem").stat().st_mode & 0o777 == 0o600
