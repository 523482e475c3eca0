"""How a run is shared out among processes (`pytest -n auto`): by files, those that take longest first.

Files that start the same large engine stay in one process, one after the other. Written against the scheduler itself,
because xdist's marks for groups have no effect under pytest 9.2.
"""

import os

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/faults/", "tests/kit/test_bus_kafka", "tests/kit/test_edge_envoy")
"""Beginnings of the names of files that stay together."""
FIRST = (
    *("tests/faults/", "tests/browser/test_everywhere.py", "tests/kit/test_bus_kafka"),
    *("tests/system/test_accidents.py", "tests/browser/", "tests/system/", "tests/services/test_demo.py"),
    *("tests/services/", "tests/kit/test_embedded.py", "tests/matrix/", "tests/kit/", "tests/deploy/"),
)
"""Beginnings of names in the order of their turn; what takes long begins early, so that no process is left alone."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands a whole file, or files that stay together, to the next process that has nothing to do."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False  # by number of tests
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((each for each in TOGETHER if file.startswith(each)), file)


def turn(nodeid: str) -> int:
    """The place of a test in the order of a shared run."""
    return next((n for n, each in enumerate(FIRST) if nodeid.startswith(each)), len(FIRST))


def processes() -> int:
    """One more than there are processors: half of their time tests wait for databases and pages."""
    return (os.cpu_count() or 1) + 1
