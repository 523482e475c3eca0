"""The event log in memory."""

from datetime import timedelta

import pytest

from services.kit.log.eventlog import NO_STREAM
from services.kit.log.memory import MemoryLog
from tests.common.clock import ManualClock
from tests.kit.log_conformance import DenseConformance, check, event

pytestmark = pytest.mark.anyio


class TestMemoryLog(DenseConformance):
    @pytest.fixture
    def log(self) -> MemoryLog:
        return MemoryLog()

    @pytest.fixture
    def empty_log(self) -> MemoryLog:
        return MemoryLog()


async def test_the_time_follows_the_clock_but_never_goes_back() -> None:
    clock = ManualClock()
    log = MemoryLog(clock)
    start = clock.now()
    for step in (timedelta(0), timedelta(minutes=5), timedelta(hours=-2), timedelta(hours=1)):
        clock.advance(step)
        await log.append("clock", await log.head() - 1, [event()])
    rows = await log.read()
    check(rows)
    assert [row.at - start for row in rows] == [timedelta(minutes=m) for m in (0, 5, 5, 5)]
    assert (await log.append("other", NO_STREAM, [event()])).position == 5
