"""Every view of the services against every sample of its logs: columns that exist, each table filled by one log."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from contracts.envelope import canonical
from services.gradebook import app as gradebook
from services.kit.log.eventlog import Recorded
from services.kit.view import Put, View
from services.notifications import app as notifications
from services.reporting import app as reporting
from services.schedule import app as schedule

SAMPLES = Path(__file__).resolve().parents[2] / "contracts" / "samples"
VIEWS = [*gradebook.VIEWS, *schedule.VIEWS, *reporting.VIEWS, *notifications.VIEWS]


def rows(log: str) -> list[Recorded]:
    """The samples of a log as recorded rows."""
    found = []
    for n, file in enumerate(sorted((SAMPLES / log).glob("*.json")), 1):
        body, meta = (canonical(orjson.loads(file.read_bytes())[part]) for part in ("body", "meta"))
        stream = "absence/s" if file.name.startswith("Absence") else "page/p"
        found.append(Recorded(n, str(n), stream, n - 1, file.stem, datetime(2025, 9, 1, tzinfo=UTC), body, meta))
    return found


@pytest.mark.parametrize("view", VIEWS, ids=lambda v: v.name)
def test_changes_name_columns_that_exist_and_tables_of_one_log(view: View) -> None:
    owner: dict[str, str] = {}
    for log, types in view.logs.items():
        for row in rows(log):
            for change in view.changes(log, types.decode(row.type, row.body), row):
                table = view.tables[change.table]
                assert owner.setdefault(change.table, log) == log, f"{change.table} is filled by two logs"
                assert len(change.key) == len(table.key)
                assert None not in change.key
                if isinstance(change, Put):
                    assert change.values.keys() <= table.columns.keys()
    assert set(owner) == set(view.tables), "a table that no event fills"
