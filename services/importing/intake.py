"""The common desk of the OneRoster reader: tables at hand, ids seen so far, and the helpers every step uses.

Steps run in the order orgs, sessions, courses, classes, users, roles, enrolments, guardians; each asks the desk what a
reference leads to and reports with file and line. The desk decides nothing about a roster.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Final, Literal, NoReturn

from services.importing import cells
from services.importing.cells import BadCell, DayOrder
from services.importing.columns import FILES, REFERENCES, FileName
from services.importing.findings import Findings
from services.importing.roster import Kind, Reference, Scope, record_id
from services.importing.tables import Row, Table

State = Literal["active", "inactive", "deleted", "refused"]
Fate = Literal["known", "deleted", "refused", "outside", "unknown"]

KIND: Final[dict[FileName, Kind]] = {
    "orgs": "orgs",
    "academicSessions": "periods",
    "courses": "disciplines",
    "classes": "groups",
    "users": "people",
}
_STATES: Final[dict[str, State]] = {
    "": "active",
    "active": "active",
    "inactive": "inactive",
    "tobedeleted": "deleted",
}


class Refused(Exception):
    """The row is refused; the finding is already noted."""


class Desk:
    """See the module. `seen`: per file, what became of each sourcedId."""

    def __init__(
        self, source: str, tables: dict[FileName, Table], scope: dict[FileName, Scope], findings: Findings
    ) -> None:
        self.source = source
        self.tables = tables
        self.scope = scope
        self.findings = findings
        self.seen: dict[FileName, dict[str, State]] = {name: {} for name in FILES}
        self.spoilt: set[FileName] = {name for name, table in tables.items() if table.spoilt}
        self.deleted: dict[tuple[Kind, str], Reference] = {}
        self.outside: dict[tuple[Kind, str], Reference] = {}
        self._orders = {name: self._proven(name) for name in tables}
        proofs = {order for order in self._orders.values() if order}
        self._set_order: DayOrder | None = proofs.pop() if len(proofs) == 1 else None
        self._keys = {name: table.keys for name, table in tables.items() if table.keys}

    # --- rows

    def rows(self, name: FileName, deletes: Callable[[Row], None]) -> Iterator[tuple[Row, bool]]:
        """The live rows of a file with their activity. Deleted rows go to `deletes`; bad ones are noted and skipped.

        The caller handles each row inside `careful`, so that a refusal there is remembered as well.
        """
        table = self.tables.get(name)
        if table is None:
            return
        lines: dict[str, int] = {}
        required = [c for c in FILES[name].required if c in table.headers]
        for row in table.rows:
            sid = row["sourcedId"]
            with self.careful(name, row):
                if not sid:
                    self.refuse(row, "missing_value", column="sourcedId")
                if sid in lines:
                    self.note(row, "duplicate_id", value=sid, where=lines[sid])
                    self.spoilt.add(name)
                    continue
                lines[sid] = row.line
                state = self._state(row)
                self.seen[name][sid] = state
                self._check_modified(row, name)
                if state == "deleted":
                    deletes(row)
                    continue
                for column in required:
                    if not row[column]:
                        self.refuse(row, "missing_value", column=column)
                yield row, state == "active"

    @contextmanager
    def careful(self, name: FileName, row: Row) -> Iterator[None]:
        """Within, a refusal ends this row only."""
        try:
            yield
        except Refused:
            self.lose(name, row["sourcedId"])

    def lose(self, name: FileName, sid: str) -> None:
        """Remember that a row was refused."""
        self.spoilt.add(name)
        if sid:
            self.seen[name][sid] = "refused"

    def note(self, row: Row, code: str, **words: object) -> None:
        """A finding at the row."""
        self.findings.add(code, row.file, row.line, **words)

    def refuse(self, row: Row, code: str, **words: object) -> NoReturn:
        """A finding at the row, which ends its reading."""
        self.note(row, code, **words)
        raise Refused

    # --- cells

    def day(self, row: Row, name: FileName, column: str) -> date | None:
        """The day in a cell, None when it is empty."""
        text = row[column]
        if not text:
            return None
        try:
            return cells.day(text, self.order(name))
        except BadCell as bad:
            self.refuse(row, bad.code, column=column, value=text)

    def span(self, row: Row, name: FileName, start: str, end: str) -> tuple[date | None, date | None]:
        """The days of two cells, in order.

        The standard calls an end date exclusive, while exports write the last day itself (`12/20/2018`, `5/31/2019`):
        it is taken as the last day, because a day too few would refuse lessons that were really held.
        """
        first, last = self.day(row, name, start), self.day(row, name, end)
        if first and last and last < first:
            self.refuse(row, "inverted_dates", start=first, end=last)
        return first, last

    def flag(self, row: Row, column: str, default: bool) -> bool:
        """Yes or no in a cell."""
        try:
            found = cells.flag(row[column])
        except BadCell as bad:
            self.refuse(row, bad.code, column=column, value=row[column])
        return default if found is None else found

    def word(self, row: Row, column: str, allowed: Collection[str]) -> str:
        """The cell in lower case, one of the allowed words."""
        word = row[column].lower()
        if word not in allowed:
            self.refuse(row, "bad_value", column=column, value=row[column], allowed=", ".join(allowed))
        return word

    # --- references

    def id(self, kind: Kind, sid: str) -> str:
        """The record id of a sourcedId."""
        return record_id(self.source, kind, sid)

    def target(self, row: Row, column: str) -> list[str]:
        """The sourcedIds that a reference cell names (translated from the keys of a layout)."""
        keys = self._keys.get(REFERENCES[column], {}) if column in REFERENCES else {}
        items = cells.listed(row[column]) if column.endswith("Ids") else (row[column],)
        return [keys.get(item, item) for item in items if item]

    def fate(self, name: FileName, target: FileName, sid: str) -> Fate:
        """What a reference from a row of `name` leads to.

        "outside": it may be stored already, because the target's file is a delta, or is not in the set at all and
        either the row's file is a delta or the target is one that the reader cannot conclude.
        """
        state = self.seen[target].get(sid)
        if state == "deleted" or state == "refused":
            return state
        if state is not None:
            return "known"
        scope = self.scope[target]
        if scope == "delta" or (scope == "absent" and (self.scope[name] == "delta" or target in ("users", "classes"))):
            return "outside"
        return "unknown"

    def expect(self, row: Row, kind: Kind, sid: str) -> str:
        """Note that the record must be stored already; its id."""
        found = self.id(kind, sid)
        reference = Reference(kind=kind, id=found, external_id=sid, where=row.where)
        self.outside.setdefault((kind, found), reference)
        return found

    def delete(self, row: Row, kind: Kind, sid: str) -> None:
        """Note that the file deletes the record."""
        found = self.id(kind, sid)
        reference = Reference(kind=kind, id=found, external_id=sid, where=row.where)
        self.deleted.setdefault((kind, found), reference)

    def needed(self, row: Row, name: FileName, column: str) -> tuple[str, Fate]:
        """A reference without which the row means nothing: its sourcedId and fate (known, outside or deleted)."""
        target = REFERENCES[column]
        sid = next(iter(self.target(row, column)), "")
        fate = self.fate(name, target, sid)
        if fate == "unknown":
            self.refuse(row, "dangling", column=column, value=sid, target=self.file_of(target))
        if fate == "refused":
            self.refuse(row, "refers_to_refused", column=column, value=sid, target=self.file_of(target))
        if fate == "deleted":
            self.note(row, "refers_to_deleted", column=column, value=sid, target=self.file_of(target))
        if fate == "outside":
            self.expect(row, KIND[target], sid)
        return sid, fate

    def file_of(self, name: FileName) -> str:
        """The file's name as the operator knows it."""
        return self.tables[name].file if name in self.tables else f"{name}.csv"

    def order(self, name: FileName) -> DayOrder | None:
        """Whether the day or the month comes first in a file's slashed dates, as far as the set proves it."""
        return self._orders[name] or self._set_order

    # --- inner

    def _state(self, row: Row) -> State:
        state = _STATES.get(row["status"].lower())
        if state is None:
            self.refuse(row, "bad_value", column="status", value=row["status"], allowed="active, inactive, tobedeleted")
        return state

    def _check_modified(self, row: Row, name: FileName) -> None:
        try:
            if row["dateLastModified"]:
                cells.day(row["dateLastModified"], self.order(name))
        except BadCell:
            self.note(row, "bad_modified", column="dateLastModified", value=row["dateLastModified"])

    def _proven(self, name: FileName) -> DayOrder | None:
        columns = (*FILES[name].dates, "dateLastModified")
        return cells.day_order(row[c] for row in self.tables[name].rows for c in columns)
