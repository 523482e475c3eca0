"""What the tests of views share: a log as a list that can be tampered with, a small view, and its tables read back."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import AsyncConnection, sql

from contracts.envelope import Event, EventTypes
from services.kit.log.eventlog import Recorded
from services.kit.view import Change, Drop, Put, Table, View

AT = datetime(2025, 9, 1, 3, 0, tzinfo=UTC)


class Named(Event):
    type: Literal["Named.v1"] = "Named.v1"
    thing: str
    title: str


class Counted(Event):
    type: Literal["Counted.v1"] = "Counted.v1"
    thing: str
    amount: int


class Tagged(Event):
    type: Literal["Tagged.v1"] = "Tagged.v1"
    thing: str
    tags: dict[str, int]


class Gone(Event):
    type: Literal["Gone.v1"] = "Gone.v1"
    thing: str


class Priced(Event):
    type: Literal["Priced.v1"] = "Priced.v1"
    thing: str
    price: int


THINGS = EventTypes(Named, Counted, Tagged, Gone)
PRICES = EventTypes(Priced, Gone)


def things(log: str, event: Any, row: Recorded) -> Iterator[Change]:
    if log == "prices":
        match event:
            case Priced():
                yield Put("price", (event.thing,), {"price": event.price})
            case Gone():
                yield Drop("price", (event.thing,))
        return
    match event:
        case Named():
            yield Put("thing", (event.thing,), {"title": event.title, "named_at": row.at})
        case Counted():
            yield Put("thing", (event.thing,), {"amount": event.amount})
        case Tagged():
            tags = "{" + ",".join(f'"{k}": {v}' for k, v in event.tags.items()) + "}"
            yield Put("thing", (event.thing,), {"tags": tags})
            yield Put("tagging", (event.thing, row.position), {})
        case Gone():
            yield Drop("thing", (event.thing,))


VIEW = View(
    "things",
    1,
    {
        "thing": Table(
            {"thing": "text"},
            {"title": "text", "amount": "int not null default 7", "tags": "jsonb", "named_at": "timestamptz"},
            ("amount",),
        ),
        "tagging": Table({"thing": "text", "position": "bigint"}, {}),
        "price": Table({"thing": "text"}, {"price": "int"}),
    },
    {"things": THINGS, "prices": PRICES},
    things,
)


class ListFeed:
    """A log as a list of rows: restored by cutting it, foreign by another id."""

    def __init__(self, types: EventTypes, events: Sequence[Event] = (), log_id: str = "log-1") -> None:
        self._types, self.id = types, log_id
        self.rows: list[Recorded] = []
        self.reads = 0
        self.add(*events)

    def add(self, *events: Event) -> list[Recorded]:
        """Append events, all to one stream; the rows that came of it."""
        added = []
        for event in events:
            n = len(self.rows) + 1
            id_ = str(UUID(int=hash((self.id, n, event.model_dump_json())) % 2**128))
            added.append(Recorded(n, id_, "stream/1", n - 1, *self._encoded(event), "{}"))
            self.rows.append(added[-1])
        return added

    def _encoded(self, event: Event) -> tuple[str, datetime, str]:
        name, body = self._types.encode(event)
        return name, AT, body

    async def log_id(self) -> str:
        return self.id

    async def head(self) -> int:
        return len(self.rows)

    async def at(self, position: int) -> Recorded | None:
        return self.rows[position - 1] if 0 < position <= len(self.rows) else None

    async def read(self, after: int = 0, limit: int = 1000) -> list[Recorded]:
        self.reads += 1
        return self.rows[after : after + limit]

    async def wait(self, after: int, timeout: float) -> int:
        return len(self.rows)


async def contents(conn: AsyncConnection[Any], view: View, schema: str = "") -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables of a view, in the order of their keys."""
    found = {}
    for name, table in view.tables.items():
        cursor = await conn.execute(
            sql.SQL("select to_jsonb(t) from {} t order by {}").format(
                sql.Identifier(schema or view.name, name), sql.SQL(", ").join(map(sql.Identifier, table.key))
            )
        )
        found[name] = [row[0] for row in await cursor.fetchall()]
    return found
