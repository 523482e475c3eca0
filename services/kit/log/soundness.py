"""Whether a log is sound in itself: positions in order and revisions without holes, time that does not go back
(`EventLog.dense` says how strictly), readable events.

It looks at every row and at nothing else; what events mean is judged by the services.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from contracts.envelope import EventTypes, Meta, NotCanonical, UnknownType, canonical
from services.kit.log.eventlog import CLOCK_SLACK, EventLog, Recorded

CHUNK = 5000
KEPT = 100


class Fault(NamedTuple):
    """What is wrong with the row at `position`. code: hole, time, revision, type, body, meta or canonical."""

    position: int
    stream: str
    type: str
    code: str
    why: str


class Soundness(NamedTuple):
    """events: read. faults: the first ones, in log order; `broken` counts all."""

    events: int
    broken: int
    faults: tuple[Fault, ...]


async def check(log: EventLog, types: EventTypes, progress: Callable[[int], None] | None = None) -> Soundness:
    """Read the whole log and judge its form. `progress` gets the position after every chunk."""
    faults: list[Fault] = []
    broken = events = position = 0
    at: datetime | None = None
    revisions: dict[str, int] = {}
    while rows := await log.read(position, CHUNK):
        for row in rows:
            for code, why in _faults(row, position, at, revisions.get(row.stream, -1), types, log.dense):
                broken += 1
                if len(faults) < KEPT:
                    faults.append(Fault(row.position, row.stream, row.type, code, why))
            position, at, revisions[row.stream] = row.position, row.at, row.revision
        events += len(rows)
        if progress is not None:
            progress(position)
    return Soundness(events, broken, tuple(faults))


def _faults(
    row: Recorded, position: int, at: datetime | None, revision: int, types: EventTypes, dense: bool
) -> list[tuple[str, str]]:
    found = []
    if row.position <= position or (dense and row.position != position + 1):
        found.append(("hole", f"follows position {position}"))
    if at is not None and at - row.at > (timedelta(0) if dense else CLOCK_SLACK):
        found.append(("time", f"{row.at} is before {at}"))
    if row.revision != revision + 1:
        found.append(("revision", f"revision {row.revision} follows {revision}"))
    try:
        types.decode(row.type, row.body)
    except UnknownType:
        found.append(("type", "no event of this log"))
    except ValidationError:
        found.append(("body", "does not fit its type"))
    try:
        Meta.of(row.meta)
    except (ValueError, KeyError, TypeError):
        found.append(("meta", "is not metadata"))
    for name, text in (("body", row.body), ("meta", row.meta)):
        try:
            if canonical(orjson.loads(text)) != text:
                found.append(("canonical", f"{name} is not in canonical form"))
        except (ValueError, NotCanonical):
            found.append(("canonical", f"{name} has no canonical form"))
    return found
