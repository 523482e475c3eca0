"""What all tests share: asyncio, one embedded PostgreSQL server per run, fresh databases, the shared data sets."""

import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from xdist.remote import Producer

from services.kit.embedded import EmbeddedServer
from services.kit.postgres import Database, prepare
from tests.common.parallel import ByFile, processes, turn
from tests.common.stored import RUN, new_run_folder

NewDatabase = Callable[[str], Awaitable[Database]]
"""Makes a fresh, prepared, empty database for the service of that name."""

_numbers = count(1)

# A slow machine is no failure.
settings.register_profile("zhurnal", deadline=None)
settings.load_profile("zhurnal")


def pytest_configure(config: pytest.Config) -> None:
    if not _is_worker(config):
        os.environ[RUN] = str(new_run_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_worker(config):
        shutil.rmtree(os.environ.pop(RUN))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _is_worker(config):
        items.sort(key=lambda item: turn(item.nodeid))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    return processes()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def _is_worker(config: pytest.Config) -> bool:
    """Whether this is one of several processes of a run (`pytest -n auto`)."""
    return hasattr(config, "workerinput")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A server for the whole run, in a folder outside homes; it may forget commits in a power cut, for speed."""
    folder = Path(tempfile.mkdtemp(prefix="zhurnal-tests-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        with EmbeddedServer.start(folder / "data", settings={"fsync": "off"}) as started:
            yield started
    finally:
        shutil.rmtree(folder)


@contextmanager
def _databases(server: EmbeddedServer) -> Iterator[NewDatabase]:
    made: list[Database] = []

    async def new(service: str = "gradebook") -> Database:
        database = await prepare(server.dsn(), service, server.password, prefix=f"t{next(_numbers)}")
        made.append(database)
        return database

    yield new
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        for database in made:
            admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database.name)))
            for role in (database.role, f"{database.role}_owner"):
                admin.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


@pytest.fixture
def database(server: EmbeddedServer) -> Iterator[NewDatabase]:
    """Factory of databases that live as long as the test."""
    with _databases(server) as new:
        yield new


@pytest.fixture(scope="module")
def module_database(server: EmbeddedServer) -> Iterator[NewDatabase]:
    """Factory of databases that live as long as the module."""
    with _databases(server) as new:
        yield new


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` beside the repository. Absent: the test is skipped, or fails where CI is set."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        why = f"the shared data sets are not at {folder}"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return folder
