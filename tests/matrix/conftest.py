"""The college of the permission matrix: founded once for each module that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import NewDatabase
from tests.matrix.founding import found
from tests.matrix.world import World


@pytest.fixture(scope="module")
async def world(module_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    data: Path = tmp_path_factory.mktemp("matrix")
    async with found(module_database, data) as made:
        yield made
