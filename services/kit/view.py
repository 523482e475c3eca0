"""A view: tables that are a fold of one or more logs, stated as data and one pure function.

`changes(log, event, row)` names, for one event, the rows that it puts (only the columns given are overwritten) or
drops, by key. It reads nothing, so one function serves catching up (batched upserts), rebuilding (fold in memory,
COPY) and verifying. Rows of different logs stay in different tables and are joined on read; then the order in which
the logs arrive does not matter.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from contracts.envelope import EventTypes
from services.kit.log.eventlog import Recorded

Key = tuple[Any, ...]


class Put(NamedTuple):
    """Insert the row or overwrite these columns of it. `values` is a fresh dict: the receiver keeps it and adds to it.

    A jsonb value is JSON text.
    """

    table: str
    key: Key
    values: dict[str, Any]


class Drop(NamedTuple):
    """Delete the row if it is there."""

    table: str
    key: Key


Change = Put | Drop


class Table(NamedTuple):
    """key and columns: {name: SQL type, first word is the base type}; columns are nullable or have a default."""

    key: dict[str, str]
    columns: dict[str, str]
    indexes: tuple[str, ...] = ()


class View(NamedTuple):
    """name: also the database schema of its tables. version: raise it whenever tables or changes differ.

    While a new version is installed the APIs of the release before still read its tables: they must find there all that
    they found before, with its meaning. What nobody reads any more goes one release later.

    logs: {log name: its event types}; events of types that `changes` ignores are decoded all the same, so that an
    unknown type stops the view instead of being lost.
    """

    name: str
    version: int
    tables: dict[str, Table]
    logs: dict[str, EventTypes]
    changes: Callable[[str, Any, Recorded], Iterable[Change]]

    def ddl(self, schema: str) -> list[str]:
        """The statements that create the empty tables in `schema`, without keys and indexes."""
        return [
            f"create table {schema}.{name} ("
            + ", ".join(f"{c} {t}" for c, t in {**table.key, **table.columns}.items())
            + ")"
            for name, table in self.tables.items()
        ]

    def indexes(self, schema: str) -> list[str]:
        """The statements that add keys and indexes; after a COPY they are built in one go."""
        return [
            f"alter table {schema}.{name} add primary key ({', '.join(table.key)})"
            for name, table in self.tables.items()
        ] + [f"create index on {schema}.{name} ({i})" for name, t in self.tables.items() for i in t.indexes]


class Patch:
    """What a batch does to one row: drop it first or not, then put these columns or none."""

    __slots__ = ("drop", "values")

    def __init__(self) -> None:
        self.drop = False
        self.values: dict[str, Any] | None = None


class Batch:
    """The changes of consecutive events, merged to one patch per row."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.patches: dict[str, dict[Key, Patch]] = {name: {} for name in view.tables}

    def add(self, log: str, rows: Iterable[Recorded]) -> None:
        decode, changes, patches = self._view.logs[log].decode, self._view.changes, self.patches
        for row in rows:
            for change in changes(log, decode(row.type, row.body), row):
                table = patches[change.table]
                patch = table.get(change.key)
                if patch is None:
                    patch = table[change.key] = Patch()
                if isinstance(change, Drop):
                    patch.drop, patch.values = True, None
                elif patch.values is None:
                    patch.values = change.values
                else:
                    patch.values.update(change.values)

    def drops(self) -> Iterable[tuple[str, list[Key]]]:
        """Per table the keys to delete before anything is put."""
        for name, patches in self.patches.items():
            if keys := [key for key, patch in patches.items() if patch.drop]:
                yield name, keys

    def puts(self) -> Iterable[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]:
        """Per table and set of columns the rows (key columns, then these columns) to upsert."""
        for name, patches in self.patches.items():
            groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
            for key, patch in patches.items():
                if patch.values is not None:
                    groups.setdefault(tuple(patch.values), []).append((*key, *patch.values.values()))
            for columns, rows in groups.items():
                yield name, columns, rows


class Fold:
    """All rows of a view, folded in memory from the beginning of its logs."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.rows: dict[str, dict[Key, dict[str, Any]]] = {name: {} for name in view.tables}

    def add(self, log: str, rows: Iterable[Recorded]) -> None:
        decode, changes, tables = self.view.logs[log].decode, self.view.changes, self.rows
        for row in rows:
            for change in changes(log, decode(row.type, row.body), row):
                table = tables[change.table]
                if type(change) is Drop:
                    table.pop(change.key, None)
                elif (known := table.get(change.key)) is None:
                    table[change.key] = change.values  # type: ignore[union-attr]
                else:
                    known.update(change.values)  # type: ignore[union-attr]

    def groups(self, table: str) -> dict[tuple[str, ...], list[tuple[Any, ...]]]:
        """{columns that were put: rows of key columns and these}; a column never put keeps its default."""
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for key, values in self.rows[table].items():
            groups.setdefault(tuple(values), []).append((*key, *values.values()))
        return groups


def base_type(sql_type: str) -> str:
    """The type without `not null`, `default …`, under a name that the driver knows too."""
    first = sql_type.split()[0]
    return "integer" if first == "int" else first


def types_of(table: Table, columns: Iterable[str]) -> Mapping[str, str]:
    """{column: base SQL type} of the key columns and these columns, in that order."""
    return {c: base_type(t) for c, t in table.key.items()} | {c: base_type(table.columns[c]) for c in columns}
