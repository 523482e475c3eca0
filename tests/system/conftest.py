"""One running demo journal for all tests that only use it."""

from collections.abc import Iterator

import pytest

from tests.common.process import Journal
from tests.common.stored import demo_class


@pytest.fixture(scope="session")
def demo() -> Iterator[Journal]:
    with demo_class() as data, Journal(data) as journal:
        yield journal
