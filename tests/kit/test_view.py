"""A batch of changes, applied at once, is what the events bring one by one; so is a fold in memory."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from contracts.envelope import Event, UnknownType
from services.kit.projector import install, write
from services.kit.rebuild import rebuild
from services.kit.view import Batch, Fold, Put
from tests.common.views import PRICES, THINGS, VIEW, Counted, Gone, ListFeed, Named, Tagged, contents
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

IDS = st.sampled_from("abc")
TEXT = st.text("aй \t\n\\\"'{},", max_size=4)
EVENTS: st.SearchStrategy[list[Event]] = st.lists(
    st.one_of(
        st.builds(Named, thing=IDS, title=TEXT),
        st.builds(Counted, thing=IDS, amount=st.integers(0, 9)),
        st.builds(Tagged, thing=IDS, tags=st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9))),
        st.builds(Gone, thing=IDS),
    ),
    max_size=12,
)


async def test_a_batch_equals_its_events_one_by_one_and_the_fold(module_database: NewDatabase) -> None:
    """Over random events: one statement per batch, one per event, and COPY of the fold leave equal tables."""
    dsn = (await module_database("things")).owner_dsn
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        await install(conn, VIEW)

        async def empty() -> None:
            for table in VIEW.tables:
                await conn.execute(f"delete from things.{table}")
            await conn.execute("update view_cursor set position = 0, event_id = ''")

        async def check(events: list[Event]) -> None:
            feed = ListFeed(THINGS, events)
            await empty()
            for row in feed.rows:
                batch = Batch(VIEW)
                batch.add("things", [row])
                await write(conn, VIEW, "things", batch)
            one_by_one = await contents(conn, VIEW)
            await empty()
            batch = Batch(VIEW)
            batch.add("things", feed.rows)
            await write(conn, VIEW, "things", batch)
            assert await contents(conn, VIEW) == one_by_one
            await rebuild(VIEW, {"things": feed, "prices": ListFeed(PRICES)}, dsn)
            assert await contents(conn, VIEW) == one_by_one

        await _search(check, EVENTS, 25)


async def _search(check: Any, strategy: st.SearchStrategy[Any], examples: int) -> None:
    """Run an async property inside the running loop: hypothesis draws in a thread, the check runs here."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(strategy)
    def run(value: Any) -> None:
        asyncio.run_coroutine_threadsafe(check(value), loop).result()

    await asyncio.to_thread(run)


def test_an_unknown_type_is_not_passed_over() -> None:
    feed = ListFeed(THINGS, [Named(thing="a", title="A")])
    strange = [feed.rows[0]._replace(type="Renamed.v1")]
    with pytest.raises(UnknownType):
        Batch(VIEW).add("things", strange)
    with pytest.raises(UnknownType):
        Fold(VIEW).add("things", strange)


def test_a_row_dropped_and_put_again_keeps_nothing_of_before() -> None:
    feed = ListFeed(
        THINGS,
        [Named(thing="a", title="A"), Counted(thing="a", amount=1), Gone(thing="a"), Counted(thing="a", amount=2)],
    )
    batch, fold = Batch(VIEW), Fold(VIEW)
    batch.add("things", feed.rows)
    fold.add("things", feed.rows)
    assert dict(batch.drops()) == {"thing": [("a",)]}
    assert list(batch.puts()) == [("thing", ("amount",), [("a", 2)])]
    assert fold.groups("thing") == {("amount",): [("a", 2)]}


def test_columns_put_in_another_order_go_to_the_same_row() -> None:
    batch = Batch(VIEW)
    feed = ListFeed(THINGS, [Counted(thing="a", amount=1), Named(thing="a", title="A")])
    batch.add("things", feed.rows)
    [(table, columns, rows)] = batch.puts()
    assert (table, columns) == ("thing", ("amount", "title", "named_at"))
    assert rows[0][:3] == ("a", 1, "A")


def test_a_put_of_nothing_but_its_key_makes_a_row() -> None:
    batch = Batch(VIEW)
    batch.add("things", ListFeed(THINGS, [Tagged(thing="a", tags={})]).rows)
    assert ("tagging", (), [("a", 1)]) in list(batch.puts())
    assert Put("tagging", ("a", 1), {}).values == {}
