"""The history of a page for the command line: its lines, and the page as it stood at a position or an instant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from contracts.envelope import Meta
from contracts.events.gradebook import PAGE_EVENTS
from services.gradebook import history
from services.gradebook.page import Page
from services.kit.handle import Fact
from services.kit.log.eventlog import EventLog, Recorded


class Story(NamedTuple):
    """lines: what happened, oldest first, as `history.shown` gives it; page: the state after the last of them."""

    lines: Sequence[dict[str, Any]]
    page: Page


async def story(log: EventLog, page: str, student: str = "", as_of: int | datetime | None = None) -> Story:
    """What happened on `page` (to one student), up to and including a position or an instant; empty if unknown.

    Texts of reasons are not in the log; a line carries their code.
    """
    rows = [row for row in await log.read_stream(f"page/{page}") if _reached(row, as_of)]
    facts = [Fact(PAGE_EVENTS.decode(r.type, r.body), Meta.of(r.meta), r.id, r.position, r.revision) for r in rows]
    kept = history.entries(rows, facts, history.Filter(student=student))
    return Story([history.shown(entry, {}) for entry in kept], Page().fold(facts))


def _reached(row: Recorded, as_of: int | datetime | None) -> bool:
    if as_of is None:
        return True
    return row.position <= as_of if isinstance(as_of, int) else row.at <= as_of
