"""Rebuilding puts the fold in the live view's place; verifying finds the first row that is not the fold."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from services.kit import rebuild as module
from services.kit.postgres import open_pool
from services.kit.projector import ForeignLog, OtherVersion, cursors, install
from services.kit.rebuild import Difference, ensure, rebuild, verify
from services.kit.settings import CannotStart
from services.kit.view import Table
from tests.common.views import PRICES, THINGS, VIEW, Counted, ListFeed, Named, Priced, Tagged, contents
from tests.conftest import NewDatabase
from tests.kit.test_projector import World, running, subscribed

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(database: NewDatabase) -> AsyncIterator[World]:
    prepared = await database("things")
    pool = await open_pool(prepared.dsn, name="things", largest=4)
    made = World(prepared.owner_dsn, pool)
    assert await ensure(VIEW, made.feeds, made.owner_dsn) is None
    made.feeds["things"].add(
        *(Named(thing=str(n), title=f"№ {n}\t\\") for n in range(30)), Tagged(thing="3", tags={"x": 1})
    )
    made.feeds["prices"].add(*(Priced(thing=str(n), price=n) for n in range(30)))
    yield made
    await pool.close()


async def change(world: World, statement: str) -> None:
    async with await AsyncConnection.connect(world.owner_dsn, autocommit=True) as conn:
        await conn.execute(statement.encode())


async def schemas(world: World) -> set[str]:
    async with await AsyncConnection.connect(world.owner_dsn, autocommit=True) as conn:
        found = await conn.execute("select nspname from pg_namespace where nspname like 'things%'")
        return {row[0] for row in await found.fetchall()}


async def test_a_caught_up_view_is_the_fold(world: World) -> None:
    await world.projector().catch_up()
    assert await verify(VIEW, world.feeds, world.owner_dsn) is None
    assert await schemas(world) == {"things"}


async def test_a_view_that_lags_is_compared_at_its_own_cursor(world: World) -> None:
    await world.projector().catch_up()
    world.feeds["things"].add(Counted(thing="3", amount=5))
    assert await verify(VIEW, world.feeds, world.owner_dsn) is None


@pytest.mark.parametrize(
    ("tampering", "table", "key"),
    [
        ("update things.thing set title = 'x' where thing = '12'", "thing", ("12",)),
        ("delete from things.price where thing in ('5', '7')", "price", ("5",)),
        ("insert into things.price values ('99', 1)", "price", ("99",)),
        ("""update things.thing set tags = '{"x": 2}' where thing = '3'""", "thing", ("3",)),
    ],
)
async def test_verify_names_the_first_row_that_differs(
    world: World, tampering: str, table: str, key: tuple[str, ...]
) -> None:
    await world.projector().catch_up()
    await change(world, tampering)
    found = await verify(VIEW, world.feeds, world.owner_dsn)
    assert isinstance(found, Difference)
    assert (found.table, found.key) == (table, key)
    assert found.live != found.rebuilt
    assert await verify(VIEW, world.feeds, world.owner_dsn) == found  # verifying repairs nothing


async def test_rebuild_repairs_and_the_projector_goes_on(world: World) -> None:
    projector = world.projector()
    async with running(projector):
        await subscribed(world)
        await projector.reached("things", 31)
        await change(world, "delete from things.thing")
        report = await rebuild(VIEW, world.feeds, world.owner_dsn, verify=True)
        assert report.difference is not None
        assert (report.events, report.rows) == (61, 61)
        await world.say("things", Counted(thing="3", amount=5))
        await projector.reached("things", 32)
        tables = await world.tables()
    assert projector.stopped is None
    assert len(tables["thing"]) == 30
    assert await verify(VIEW, world.feeds, world.owner_dsn) is None
    assert await schemas(world) == {"things"}


async def test_rebuilding_under_load_loses_nothing(world: World) -> None:
    projector = world.projector()

    async def write() -> None:
        for n in range(150):
            await world.say("things", Tagged(thing=str(n % 5), tags={"n": n}))
            await asyncio.sleep(0.002)

    async def read() -> None:
        while not writing.done():
            await world.tables()

    async with running(projector):
        await subscribed(world)
        writing = asyncio.create_task(write())
        reading = asyncio.create_task(read())
        for _ in range(3):
            await rebuild(VIEW, world.feeds, world.owner_dsn)
        assert await verify(VIEW, world.feeds, world.owner_dsn) is None
        await asyncio.gather(writing, reading)
        await projector.reached("things", 181)
        assert projector.stopped is None
    assert len((await world.tables())["tagging"]) == 151
    assert await verify(VIEW, world.feeds, world.owner_dsn) is None


async def test_another_version_is_rebuilt_at_the_start(world: World) -> None:
    await world.projector().catch_up()
    wider = VIEW._replace(
        version=2, tables={**VIEW.tables, "price": Table({"thing": "text"}, {"price": "int", "note": "text"})}
    )
    with pytest.raises(OtherVersion):
        await verify(wider, world.feeds, world.owner_dsn)
    report = await ensure(wider, world.feeds, world.owner_dsn)
    assert report is not None
    assert report.rows == 61
    await world.projector(wider).catch_up()
    async with world.pool.connection() as conn:
        assert (await contents(conn, wider))["price"][0] == {"thing": "0", "price": 0, "note": None}


async def test_an_empty_log_that_has_been_read_is_kept_somewhere_else(world: World) -> None:
    """Started with the address of another store, a system must not begin a second history."""
    await world.projector().catch_up()
    elsewhere = {**world.feeds, "prices": ListFeed(PRICES, log_id="log-3")}
    with pytest.raises(CannotStart, match="ZHURNAL_KURRENT_URI"):
        await ensure(VIEW, elsewhere, world.owner_dsn)
    with pytest.raises(CannotStart):
        await ensure(VIEW._replace(version=2), elsewhere, world.owner_dsn)
    assert await verify(VIEW, world.feeds, world.owner_dsn) is None


async def test_a_log_that_is_away_at_the_start_is_waited_for_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.projector().catch_up()

    async def away() -> int:
        raise ConnectionError("the log prices does not answer")

    monkeypatch.setattr(world.feeds["prices"], "head", away)
    assert await ensure(VIEW, world.feeds, world.owner_dsn) is None


async def test_a_log_that_a_version_no_longer_reads_loses_its_cursor(world: World) -> None:
    await world.projector().catch_up()
    narrow = VIEW._replace(version=2, logs={"things": THINGS})
    await ensure(narrow, {"things": world.feeds["things"]}, world.owner_dsn)
    async with world.pool.connection() as conn:
        assert set(await cursors(conn, narrow)) == {"things"}


async def test_a_log_that_a_version_reads_for_the_first_time_gets_a_cursor(world: World) -> None:
    narrow = VIEW._replace(version=2, logs={"things": THINGS})
    await ensure(narrow, {"things": world.feeds["things"]}, world.owner_dsn)
    wide = VIEW._replace(version=3)
    assert await ensure(wide, world.feeds, world.owner_dsn) is not None
    async with world.pool.connection() as conn:
        found = await cursors(conn, wide)
    assert {name: cursor.position for name, cursor in found.items()} == {"things": 31, "prices": 30}


async def test_a_crash_in_the_middle_leaves_the_live_view(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.projector().catch_up()
    before = await world.tables()

    async def crash(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(module, "_set_cursors", crash)
        with pytest.raises(RuntimeError, match="killed"):
            await rebuild(VIEW, world.feeds, world.owner_dsn)
    assert await world.tables() == before
    assert await schemas(world) == {"things"}
    await rebuild(VIEW, world.feeds, world.owner_dsn)


async def test_leftovers_of_a_killed_rebuild_are_cleared(world: World) -> None:
    await change(world, "create schema things__old")
    await change(world, "create table things__old.thing (thing text)")
    await rebuild(VIEW, world.feeds, world.owner_dsn)
    assert await schemas(world) == {"things"}


async def test_a_restored_log_is_refused_by_verify_and_followed_by_rebuild(world: World) -> None:
    await world.projector().catch_up()
    world.feeds["things"] = ListFeed(THINGS, [Named(thing="a", title="A")], log_id="log-9")
    with pytest.raises(ForeignLog):
        await verify(VIEW, world.feeds, world.owner_dsn)
    await rebuild(VIEW, world.feeds, world.owner_dsn)
    await world.projector().catch_up()
    assert [r["thing"] for r in (await world.tables())["thing"]] == ["a"]


async def test_the_services_role_may_change_rows_and_no_tables(world: World) -> None:
    await rebuild(VIEW, world.feeds, world.owner_dsn)
    async with world.pool.connection() as conn:
        await conn.execute("delete from things.thing")
        with pytest.raises(Exception, match="must be owner"):
            await conn.execute("drop table things.thing")


async def test_installing_twice_changes_nothing(world: World) -> None:
    await world.projector().catch_up()
    before = await world.tables()
    async with await AsyncConnection.connect(world.owner_dsn, autocommit=True) as conn:
        await install(conn, VIEW)
    assert await world.tables() == before


async def test_progress_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 10)
    told: list[tuple[str, int, int]] = []
    await rebuild(VIEW, world.feeds, world.owner_dsn, lambda *p: told.append(p))
    assert told[:4] == [("things", 10, 31), ("things", 20, 31), ("things", 30, 31), ("things", 31, 31)]
    assert PRICES is VIEW.logs["prices"]
