"""Import of schedule's part of a roster: academic years, periods of groups, disciplines, teaching.

One transaction writes everything or nothing; `check` is the same, rolled back. A log outside of this database takes
the streams one by one before the rest is committed: a command sent again, after a crash or a conflict on the way, goes
on with the streams that it has not written yet. What is in the file already changes
nothing, so a file sent twice changes nothing. What a full export passes over is reported as absent and never deleted;
what a file deletes ends with yesterday. Ids: those of the document for years and disciplines, derived ones per group
for periods and assignments, since the calendar of each group is its own.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import orjson
from psycopg import AsyncConnection
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.envelope import Event
from contracts.events.schedule import EVENTS
from contracts.ids import derived
from services.kit.handle import Command
from services.kit.log.eventlog import NO_STREAM, Conflict, NewEvent
from services.kit.problems import Busy, KeyReused
from services.schedule import catalogue as lists
from services.schedule import periods, year
from services.schedule.merging import Merge, Stored
from services.schedule.models import Day
from services.schedule.problems import BadRows

if TYPE_CHECKING:
    from services.schedule.app import Schedule

ATTEMPTS = 5
MOST = 100_000
Scope = Literal["bulk", "delta", "absent"]
Text = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Record(BaseModel):
    """Members that every record of a roster has; `where` is its file:line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id
    external_id: Text
    where: Text
    active: bool = True


class YearOf(_Record):
    title: Text
    starts_on: Day
    ends_on: Day
    derived: bool = False


class PeriodOf(_Record):
    year_id: Id
    parent_id: Id | None = None
    kind: Literal["year", "semester", "term", "grading_period"]
    title: Text
    starts_on: Day
    ends_on: Day
    derived: bool = False


class DisciplineOf(_Record):
    name: Text
    code: Text = ""
    org_id: Id | None = None
    derived: bool = False


class GroupOf(_Record):
    name: Text
    code: Text = ""
    room: Text = ""
    org_id: Id | None = None
    discipline_id: Id | None = None
    period_ids: Annotated[tuple[Id, ...], Field(max_length=100)] = ()
    starts_on: Day | None = None
    ends_on: Day | None = None


class TeachingOf(_Record):
    person_id: Id
    group_id: Id
    discipline_id: Id | None = None
    period_ids: Annotated[tuple[Id, ...], Field(max_length=100)] = ()
    responsible: bool = False
    starts_on: Day | None = None
    ends_on: Day | None = None


class Reference(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Text
    id: Id
    external_id: Text
    where: Text


class Document(BaseModel):
    """The members of a roster that schedule takes (`PART`), under the roster's own names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Text = Field(min_length=1)
    scope: Annotated[dict[str, Scope], Field(max_length=20)]
    years: tuple[YearOf, ...] = Field((), max_length=MOST)
    periods: tuple[PeriodOf, ...] = Field((), max_length=MOST)
    disciplines: tuple[DisciplineOf, ...] = Field((), max_length=MOST)
    groups: tuple[GroupOf, ...] = Field((), max_length=MOST)
    teaching: tuple[TeachingOf, ...] = Field((), max_length=MOST)
    deleted: tuple[Reference, ...] = Field((), max_length=MOST)


PART = frozenset(Document.model_fields)
"""The members of a roster to send here."""


async def run_import(
    svc: "Schedule", command: Command, document: Document, check: bool, skip_bad: bool
) -> dict[str, Any]:
    """Import, and say what happened: {source, check, position, kinds: {kind: counts}, absent, findings}.

    Raises BadRows (unless `skip_bad`), KeyReused, Busy. The command sent again is answered as before.
    """
    async with svc.importing:  # each holds a connection while it reads through others: two might starve the pool
        for attempt in range(ATTEMPTS):
            try:
                return await _attempt(svc, command, document, check, skip_bad)
            except Conflict:
                await asyncio.sleep(0.05 * attempt)
    raise Busy


async def _attempt(
    svc: "Schedule", command: Command, document: Document, check: bool, skip_bad: bool
) -> dict[str, Any]:
    async with svc.pool.connection() as conn, conn.transaction(force_rollback=check):
        claimed = await conn.execute(
            "insert into import_run (command, request) values (%s, %s) on conflict do nothing",
            (command.id, command.request),
        )
        if not claimed.rowcount:
            return await _answered(svc, conn, command)
        folded = await _folded(svc, command, await _known(conn, document.source), document)
        merge = Merge(document, folded.stored, svc.day(svc.clock.now()), command.actor)
        bad = sum(1 for finding in merge.findings if finding["severity"] == "error")
        if bad and not skip_bad:
            raise BadRows(count=bad, extra={"findings": merge.findings})
        await _remember(conn, document.source, merge)
        appends = _appends(svc, command, merge, folded)
        report = merge.report(check) | {"events": sum(len(events) for _, _, events in appends)}
        await conn.execute(
            "update import_run set report = %s where command = %s", (orjson.dumps(report).decode(), command.id)
        )
        # last, since it holds the log's lock until the commit
        position = 0 if check else await svc.log.append_together(conn, appends)
    if check:
        return report
    svc.log.grew(position)
    return report | {"position": f"schedule:{position or await svc.log.head()}"}


async def _answered(svc: "Schedule", conn: AsyncConnection[Any], command: Command) -> dict[str, Any]:
    """The answer that this command had."""
    held = await conn.execute("select request, report from import_run where command = %s", (command.id,))
    row = await held.fetchone()
    assert row is not None, "somebody else claimed it and committed"
    if row[0] != command.request:
        raise KeyReused
    report: dict[str, Any] = row[1]
    return report | {"position": f"schedule:{await svc.log.head()}"}


class _Folded(NamedTuple):
    """What is stored, the revisions of the streams that it was folded from, and those that the command has written."""

    stored: Stored
    revisions: dict[str, int]
    written: set[str]


async def _known(conn: AsyncConnection[Any], source: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What was noted of the source. Two imports of one source go one after the other."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('import ' || %s, 0))", (source,))
    cursor = await conn.execute("select kind, id, data from imported where source = %s", (source,))
    known: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, id_, data in await cursor.fetchall():
        known.setdefault(kind, {})[id_] = data
    return known


async def _folded(
    svc: "Schedule", command: Command, known: dict[str, dict[str, dict[str, Any]]], document: Document
) -> _Folded:
    catalogue = await svc.catalogue.state(lists.STREAM)
    revisions = {lists.STREAM: catalogue.revision}
    written = {lists.STREAM} if command.id in catalogue.receipts else set[str]()
    calendars, years = {}, {}
    for group in {*known.get("groups", ()), *(g.id for g in document.groups), *(t.group_id for t in document.teaching)}:
        calendar = await svc.calendars.state(periods.stream(group))
        revisions[periods.stream(group)] = calendar.revision
        written |= {periods.stream(group)} if command.id in calendar.receipts else set()
        calendars[group] = calendar.state.periods
    for id_ in catalogue.state.years:
        folded = await svc.years.state(year.stream(id_))
        revisions[year.stream(id_)] = folded.revision
        written |= {year.stream(id_)} if command.id in folded.receipts else set()
        years[id_] = folded.state
    return _Folded(Stored(catalogue.state, calendars, years, known), revisions, written)


def _appends(svc: "Schedule", command: Command, merge: Merge, folded: _Folded) -> list[tuple[str, int, list[NewEvent]]]:
    """The events per stream not written yet; their ids are counted in each stream, whatever the others hold."""
    streams: list[tuple[str, Sequence[Event]]] = [(lists.STREAM, merge.entries)]
    streams += [(periods.stream(group), events) for group, events in merge.periods.items()]
    streams += [(year.stream(id_), events) for id_, events in merge.load.items()]
    meta = command.meta(svc.clock.now()).text()
    return [
        (
            stream,
            folded.revisions.get(stream, NO_STREAM),
            [
                NewEvent(derived("event", command.id, stream, str(n)), *EVENTS.encode(event), meta)
                for n, event in enumerate(events)
            ],
        )
        for stream, events in streams
        if events and stream not in folded.written
    ]


async def _remember(conn: AsyncConnection[Any], source: str, merge: Merge) -> None:
    rows = [(kind, id_, data) for kind, records in merge.remembered.items() for id_, data in records.items()]
    await conn.execute(
        "insert into imported select %s, * from unnest(%s::text[], %s::text[], %s::jsonb[])"
        " on conflict (source, kind, id) do update set data = excluded.data",
        (source, [r[0] for r in rows], [r[1] for r in rows], [orjson.dumps(r[2]).decode() for r in rows]),
    )
    gone = [(kind, id_) for kind, ids in merge.forgotten.items() for id_ in ids]
    await conn.execute(
        "delete from imported where source = %s and (kind, id) in (select * from unnest(%s::text[], %s::text[]))",
        (source, [g[0] for g in gone], [g[1] for g in gone]),
    )
