"""One running demo journal for all tests that only use it."""

from collections.abc import Iterator

import pytest

from tests.common.process import Journal, data_folder


@pytest.fixture(scope="session")
def demo() -> Iterator[Journal]:
    with data_folder() as data, Journal(data) as journal:
        yield journal
