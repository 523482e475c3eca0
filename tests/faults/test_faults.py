"""The distributed system under every kind of fault, with at least sixty deaths by kill -9, loses nothing.

The seed is fixed, so that a change of the product is judged by the same faults; `make faults` draws others.
"""

import pytest
from rich.console import Console

from tests.faults.base import Base
from tests.faults.broker import ProxiedBroker
from tests.faults.campaign import KILLS, once
from tests.faults.faults import FAULTS
from tests.faults.invariants import NAMES

pytestmark = pytest.mark.anyio

SEED = 20261


async def test_no_fault_loses_doubles_or_tells_anything(filled: Base, broker: ProxiedBroker) -> None:
    record = await once(filled, broker, SEED)
    Console(width=200).print(record.table())
    assert not record.violations, f"seed {SEED}: {record.violations}"
    assert set(record.faults) == set(FAULTS), "each kind once"
    assert sum(record.kills.values()) >= min(KILLS, 60)
    assert record.commands["acknowledged"] > 100
    assert record.probes > 10
    assert len(record.lags) > 1
    assert set(NAMES) >= set(record.violations)
