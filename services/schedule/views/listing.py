"""Lists as answers: filtered, sorted, paged as JSON, or whole as CSV with Russian headers (UTF-8 with BOM, `;`)."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import orjson
from fastapi import Depends, Query, Response
from psycopg.rows import tuple_row

from contracts.ids import page_id
from services.kit.csvfile import csv_answer
from services.kit.http import json
from services.kit.postgres import Pool
from services.kit.problems import Malformed

LONGEST_CSV = 50_000


class Column(NamedTuple):
    """A member of the items. expression: its SQL; header: in CSV, "" = not in CSV; raw: the value is JSON text."""

    name: str
    expression: str
    header: str = ""
    raw: bool = False


class Listing(NamedTuple):
    """columns; source: the FROM clause; order: the default sort, one or more expressions; file: name of the CSV.

    page: items have group, discipline and period, and are shown with the id of that page of the journal.
    """

    columns: tuple[Column, ...]
    source: str
    order: str
    file: str
    page: bool = False


class Filter:
    """Conditions of a query with their parameters, joined by AND."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self.params: list[Any] = []

    def add(self, condition: str, *params: Any) -> None:
        self.conditions.append(condition)
        self.params += params

    def equal(self, **values: str | None) -> None:
        """column = value for every value that is given."""
        for column, value in values.items():
            if value is not None:
                self.add(f"{column} = %s", value)

    def sql(self) -> str:
        return " where " + " and ".join(f"({c})" for c in self.conditions) if self.conditions else ""


class Ask(NamedTuple):
    """What part of a list, in which order and form. sort: a member of the items, with `-` descending."""

    limit: int
    offset: int
    sort: str
    form: str


def ask(
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    sort: Annotated[str, Query(max_length=40)] = "",
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Ask:
    return Ask(limit, offset, sort, form)


Asked = Annotated[Ask, Depends(ask)]


async def answer(pool: Pool, listing: Listing, where: Filter, wish: Ask, params: Sequence[Any] = ()) -> Response:
    """{"items", "total", "limit", "offset"}, or the CSV. `params`: those of the FROM clause.

    Raises Malformed for an unknown sort.
    """
    as_csv = wish.form == "csv"
    limit, offset = (LONGEST_CSV, 0) if as_csv else (wish.limit, wish.offset)
    columns = ", ".join(f"{c.expression} as {c.name}" for c in listing.columns)
    order = _order(listing, wish.sort)
    # All of the text is ours; values are parameters.
    text = f"select {columns}, count(*) over () {listing.source}{where.sql()} order by {order} limit %s offset %s"
    async with pool.connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(text.encode(), [*params, *where.params, limit, offset])
        rows = await cursor.fetchall()
    if as_csv:
        return _csv(listing, rows)
    names = [c.name for c in listing.columns]
    raw = [n for n, c in enumerate(listing.columns) if c.raw]
    items = [dict(zip(names, _items(row, raw), strict=False)) for row in rows]
    if listing.page:
        for item in items:
            item["page"] = page_id(item["group"], item["discipline"], item["period"])
    return json({"items": items, "total": rows[0][-1] if rows else 0, "limit": limit, "offset": offset})


def _items(row: tuple[Any, ...], raw: Sequence[int]) -> Sequence[Any]:
    if not raw:
        return row
    values = list(row)
    for n in raw:
        values[n] = orjson.Fragment(values[n])
    return values


def _order(listing: Listing, sort: str) -> str:
    if not sort:
        return listing.order
    name = sort.removeprefix("-")
    found = next((c for c in listing.columns if c.name == name and not c.raw), None)
    if found is None:
        raise Malformed(what="query/sort")
    return f"{found.expression} {'desc' if sort.startswith('-') else 'asc'} nulls last, {listing.order}"


def _csv(listing: Listing, rows: Sequence[tuple[Any, ...]]) -> Response:
    shown = [(n, c.header) for n, c in enumerate(listing.columns) if c.header]
    return csv_answer(listing.file, [header for _, header in shown], ([row[n] for n, _ in shown] for row in rows))
