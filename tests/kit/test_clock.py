"""The clocks and id sources, real and doubled, keep the same promises."""

from datetime import UTC, timedelta
from uuid import UUID

import pytest

from services.kit.clock import Clock, IdSource, RandomIds, SystemClock
from tests.common.clock import CountingIds, ManualClock


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()])
def test_the_instant_is_in_utc_and_the_stopwatch_never_goes_back(clock: Clock) -> None:
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


@pytest.mark.parametrize("ids", [RandomIds(), CountingIds()])
def test_ids_are_uuids_and_differ(ids: IdSource) -> None:
    made = [ids.new() for _ in range(100)]
    assert len(set(made)) == 100
    assert all(str(UUID(one)) == one and UUID(one).version == 4 for one in made)


def test_a_manual_clock_that_is_set_back_keeps_its_stopwatch() -> None:
    clock = ManualClock()
    clock.advance(90)
    began, now = clock.monotonic(), clock.now()
    clock.set(now - timedelta(days=1))
    assert clock.monotonic() == began == 90
    assert clock.now() < now
