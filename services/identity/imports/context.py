"""What the steps of an import share: the document, the report, what is known so far, and writing in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

from contracts.events import identity as e
from services.identity.commands import Tx
from services.identity.imports.document import Record, Roster
from services.identity.imports.report import Report
from services.identity.people import person_stream
from services.identity.rules import EARLIEST, Span

R = TypeVar("R", bound=Record)


class Held(NamedTuple):
    """The days of a stored record; `by_hand`: they were changed here since, and no file changes them again.

    of: whose right it is, and to what.
    """

    span: Span
    by_hand: bool
    of: tuple[str, ...]


class Import:
    """One import under way. `inactive`: the records that the file calls so, and that end at the end."""

    def __init__(self, tx: Tx, document: Roster, report: Report, demo: bool) -> None:
        self.tx, self.doc, self.report, self.demo = tx, document, report, demo
        self.known_groups: set[str] = set()
        self.known_people: set[str] = set()
        self.born: dict[str, date | None] = {}
        self.inactive: list[tuple[str, str]] = []

    def once(self, kind: str, records: Iterable[R]) -> list[R]:
        """The records, the first of each id."""
        seen: dict[str, R] = {}
        for record in records:
            if seen.setdefault(record.id, record) is not record:
                self.report.refuse(kind, record.where, "id-twice", record.id)
        return list(seen.values())

    def differs(self, kind: str, held: tuple[Any, ...] | None, said: tuple[Any, ...]) -> bool:
        """Whether there is something to write; counts it."""
        outcome = "created" if held is None else "unchanged" if held == said else "changed"
        self.report.count(kind, outcome)
        return outcome != "unchanged"

    def days(
        self,
        kind: str,
        record: Record,
        of: tuple[str, ...],
        held: Held | None,
        starts_on: date | None,
        ends_on: date | None,
        others: Mapping[str, Span] | None = None,
    ) -> Span | None:
        """The days to write for a record, None when nothing is to be written. `others`: what it may not overlap.

        A file makes no right of one person that of another, by naming its id, and gives or extends none to whoever
        imports it.
        """
        if held is not None and held.of != of:
            self.report.refuse(kind, record.where, "of-another", record.id)
            return None
        if held is not None and held.by_hand:
            self.report.count(kind, "kept")
            return None
        if not record.active:
            if held is None:
                self.report.count(kind, "implied")
            else:
                self.inactive.append((kind, record.id))
            return None
        span = Span(starts_on or (held.span.starts_on if held else self.tx.today), ends_on)
        if span.starts_on < EARLIEST or (span.ends_on is not None and span.ends_on < span.starts_on):
            self.report.refuse(kind, record.where, "dates-not-sane", f"{span.starts_on} – {span.ends_on}")
            return None
        if of[0] == self.tx.actor and (held is None or not held.span.covers(span)):
            self.report.refuse(kind, record.where, "not-to-yourself")
            return None
        for id_, other in (others or {}).items():
            if id_ != record.id and span.overlaps(other):
                self.report.refuse(kind, record.where, "enrolment-overlaps", id_)
                return None
        return span if self.differs(kind, held.span if held else None, span) else None

    async def held(self, table: str, of: Sequence[str], ids: Sequence[str], by_hand: str) -> dict[str, Held]:
        """The days of the stored records with these ids. of: the columns that say whose right it is, and to what."""
        return {
            id_: Held(Span(starts_on, ends_on), touched, tuple(its))
            for id_, starts_on, ends_on, touched, *its in await self.tx.rows(
                f"select id, starts_on, ends_on, {by_hand}, {', '.join(of)} from {table}"  # noqa: S608 - fixed names
                " where id = any(%s)",
                (list(ids),),
            )
        }

    async def upsert(
        self,
        table: str,
        columns: Mapping[str, str],
        rows: Sequence[tuple[Any, ...]],
        keep: Sequence[str] = (),
        more: str = "",
    ) -> None:
        """Insert the rows or overwrite their columns, except those to `keep`. columns: {name: SQL type}, id first."""
        if not rows:
            return
        sets = [f"{c} = excluded.{c}" for c in columns if c != "id" and c not in keep] + ([more] if more else [])
        await self.tx.run(
            f"insert into {table} ({', '.join(columns)})"  # noqa: S608 - names of this package
            f" select * from unnest({', '.join(f'%s::{t}[]' for t in columns.values())})"
            f" on conflict (id) do update set {', '.join(sets)}",
            [list(column) for column in zip(*rows, strict=True)],
        )

    # -- events that two steps say ------------------------------------------------------------------------------

    async def grants(self, rows: Sequence[tuple[str, str, str, date, date | None, str]]) -> None:
        """Write grants and say them: id, person, role, first and last day, source."""
        columns = {
            "id": "text",
            "person": "text",
            "role": "text",
            "starts_on": "date",
            "ends_on": "date",
            "source": "text",
            "granted_by": "text",
        }
        await self.upsert("role_grant", columns, [(*row, self.tx.actor) for row in rows], keep=("granted_by",))
        for id_, person, role, starts_on, ends_on, _ in rows:
            self.tx.emit(
                person_stream(person),
                e.RoleGranted.model_validate(
                    {"grant": id_, "person": person, "role": role, "starts_on": starts_on, "ends_on": ends_on}
                ),
            )
