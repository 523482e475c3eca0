"""The suite of the event log can fail: logs with known faults are each caught by it, the sound one by nothing."""

from collections.abc import Callable
from importlib.resources import files
from typing import NamedTuple

import pytest
from psycopg import AsyncConnection

from services.kit.log.postgres import install
from services.kit.postgres import Database
from tests.conftest import NewDatabase
from tests.kit.log_races import RACES

pytestmark = pytest.mark.anyio

CREATE = "create or replace function public.log_append("
LOCK = "  perform pg_advisory_xact_lock(7316002);"
BASE = "  base := coalesce(base, 0);\n"
LATEST = "  now_at := greatest(now_at, clock_timestamp());\n"

ONE_STATEMENT = """
create table public.counter (position bigint not null, at timestamptz not null);
insert into public.counter values (0, now());
create or replace function public.log_append(
  streams text[], expected bigint[], counts int[], appends int[], ids uuid[], types text[], bodies text[], metas text[])
returns table (verdict text, last_position bigint, last_revision bigint)
language sql volatile security definer as $$
  with asked as (
    select u.i, u.stream, u.expected, u.n, sum(u.n) over (order by u.i rows unbounded preceding) as ends
      from unnest(streams, expected, counts) with ordinality u (stream, expected, n, i)
  ), judged as (
    select a.*, l.position, l.revision, coalesce(h.revision, -1) as head,
           case when f.position is not null then 'duplicate'
                when coalesce(h.revision, -1) = a.expected then 'ok' else 'conflict' end as verdict
      from asked a
      left join lateral (
        select e.revision from public.event e where e.stream = a.stream order by e.revision desc limit 1) h on true
      left join public.event f on f.event_id = ids[a.ends - a.n + 1]
      left join public.event l on l.event_id = ids[a.ends]
  ), placed as (
    select j.*, sum(j.n) filter (where j.verdict = 'ok') over (order by j.i rows unbounded preceding) as room
      from judged j
  ), counter as (
    update public.counter c set position = c.position + (select coalesce(max(p.room), 0) from placed p),
           at = greatest(c.at, clock_timestamp())
    returning c.position - (select coalesce(max(p.room), 0) from placed p) as base, c.at
  ), written as (
    insert into public.event (position, event_id, stream, revision, type, at, body, meta)
    select c.base + p.room - (p.ends - u.j), u.id, p.stream, p.expected + p.n - (p.ends - u.j), u.type, c.at,
           u.body, u.meta
      from unnest(appends, ids, types, bodies, metas) with ordinality u (a, id, type, body, meta, j)
      join placed p on p.i = u.a cross join counter c
     where p.verdict = 'ok'
  )
  select p.verdict, case p.verdict when 'ok' then c.base + p.room else p.position end,
         case p.verdict when 'ok' then p.expected + p.n when 'conflict' then p.head else p.revision end
    from placed p cross join counter c order by p.i
$$;
"""


def _changed(*changes: tuple[str, str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        for old, new in changes:
            assert old in text, "postgres.sql has changed: this fault must be planted elsewhere"
            text = text.replace(old, new)
        return text

    return change


class Fault(NamedTuple):
    """A way to break postgres.sql, and the races of which at least these must catch it every time."""

    name: str
    sql: Callable[[str], str]
    caught_by: frozenset[str]


FAULTS = (
    Fault(
        "a bare sequence instead of the lock",
        _changed(
            (CREATE, f"create sequence public.position;\n{CREATE}"),
            (LOCK, "  --"),
            (BASE, "  select min(nextval('public.position')) - 1 into base from unnest(ids);\n"),
        ),
        frozenset({"late_committer", "rolled_back", "refusals"}),
    ),
    Fault("one statement with a counter row", lambda text: text + ONE_STATEMENT, frozenset({"judged_after_the_wait"})),
    Fault("no lock", _changed((LOCK, "  --")), frozenset({"late_committer", "judged_after_the_wait"})),
    Fault(
        "no look for duplicates",
        _changed(("when f.position is not null then 'duplicate'", "when false then 'duplicate'")),
        frozenset({"retries", "judged_after_the_wait"}),
    ),
    Fault("any expectation will do", _changed(("= a.expected then 'ok'", ">= -1 then 'ok'")), frozenset({"refusals"})),
    Fault("the time of the transaction", _changed((LATEST, "  now_at := now();\n")), frozenset({"older_transaction"})),
    Fault(
        "positions for the refused",
        _changed(("sum(v.n) filter (where v.verdict = 'ok')", "sum(v.n + 1)")),
        frozenset({"refusals", "crowd"}),
    ),
)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Broken logs make broken transactions, of which the pool tells."""
    caplog.set_level("ERROR", logger="psycopg.pool")


async def _verdicts(database: Database) -> set[str]:
    """The races that this log fails."""
    failed: set[str] = set()
    for race in RACES:
        try:
            await race(database)
        except Exception:
            failed.add(race.__name__)
    return failed


async def _installed(new: NewDatabase) -> Database:
    made = await new("gradebook")
    async with await AsyncConnection.connect(made.owner_dsn) as owner:
        await install(owner, made.role)
    return made


async def test_the_sound_log_fails_nothing(database: NewDatabase) -> None:
    assert await _verdicts(await _installed(database)) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_caught(database: NewDatabase, fault: Fault) -> None:
    made = await _installed(database)
    text = files("services.kit.log").joinpath("postgres.sql").read_text(encoding="utf-8")
    async with await AsyncConnection.connect(made.owner_dsn) as owner:
        await owner.execute(fault.sql(text).encode())
    assert await _verdicts(made) >= fault.caught_by
