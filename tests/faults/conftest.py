"""One base and one broker for all tests of faults."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.base import Base, base
from tests.faults.broker import ProxiedBroker
from tests.faults.proxy import program


@pytest.fixture(scope="session")
async def filled() -> AsyncIterator[Base]:
    program()
    async with base() as made:
        yield made


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxiedBroker]:
    folder: Path = tmp_path_factory.mktemp("kafka")
    with ProxiedBroker(folder) as started:
        yield started
