# ruff: noqa: S608 - the texts are ours; values are parameters
"""The inbox as SQL: one query for a page of it, one for the counter, one for marking.

Parameters of all: %(named)s and %(teacher)s (`access.Audiences`), %(person)s and %(today)s. An item is unread while it
is beyond the person's mark of its log, not marked by itself, not withdrawn and not his own doing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.rows import namedtuple_row

from services.kit.postgres import Pool
from services.kit.problems import NotFound
from services.kit.projector import Projector

LOGS = ("gradebook", "schedule", "identity")
COUNT_AT_MOST = 1000
"""A counter beyond this shows "1000+"; nobody reads further, and no query counts further."""

AUDIENCES = f"""
audience as materialized (
  select unnest(%(named)s::text[]) as audience
  union
  select 'page:' || t.page from inbox.page_teacher t
  where t.teacher = %(teacher)s and t.starts_on <= %(today)s and (t.removed_on is null or t.removed_on > %(today)s)
  union
  select 'lesson:' || p.lesson from inbox.planned p where p.teacher = %(teacher)s and %(teacher)s <> ''
  union
  select 'teaching:' || a.study_group || '/' || a.period
  from inbox.holder h join inbox.assignment a on a.assignment = h.assignment
  where h.teacher = %(teacher)s and (a.ends_on is null or a.ends_on >= %(today)s)
    and not exists (
      select 1 from inbox.holder l
      where l.assignment = h.assignment and l.starts_on > h.starts_on and l.starts_on <= %(today)s)),
mark as materialized (
  select l.log, coalesce(r.position, 0) as position
  from (values {", ".join(f"('{log}')" for log in LOGS)}) l(log)
  left join read_up_to r on r.log = l.log and r.person = %(person)s)
"""

UNREAD = """n.position > (select position from mark where mark.log = '{log}') and n.actor <> %(person)s
  and not exists (
    select 1 from read_notice r where r.person = %(person)s and r.log = '{log}' and r.slot = n.slot)"""
STANDS = """(n.slot not like 'a.%%' or exists (
    select 1 from inbox.page_lesson pl
    where pl.page = n.page and pl.lesson = n.lesson and pl.marks ? n.student))"""
"""An absence stands as long as the attendance of its lesson, marked anew, still says so."""

UNREAD_IN = {
    "gradebook": UNREAD.format(log="gradebook") + " and " + STANDS,
    "schedule": UNREAD.format(log="schedule"),
    "identity": UNREAD.format(log="identity"),
}


def _each_log(query: str) -> str:
    """The query once for every log, as one UNION ALL."""
    return " union all ".join(query.replace("<log>", log).replace("<unread>", UNREAD_IN[log]) for log in LOGS)


NEWEST = _each_log("""
    select '<log>' as log, n.*, <unread> as unread
    from audience a cross join lateral (
      select * from inbox.<log>_notice n
      where n.audience = a.audience and (%(kind)s::text is null or n.kind = %(kind)s)
        and (%(before_at)s::timestamptz is null
          or (n.at, '<log>', n.position, n.slot)
            < (%(before_at)s::timestamptz, %(before_log)s, %(before_position)s, %(before_slot)s))
        and (not %(unread)s or (<unread>))
      order by n.position desc, n.slot desc limit %(limit)s) n""")
"""The newest of every audience; somebody may belong to two audiences of one event."""

PAGE = f"""
with {AUDIENCES},
item as (
  select distinct on (at, log, position, slot) * from ({NEWEST}) found
  order by at desc, log desc, position desc, slot desc limit %(limit)s)
select i.log, i.slot, i.position, i.at, i.kind, i.actor, i.page, i.lesson, i.student, i.data::text as data, i.unread,
  coalesce(pg.study_group, i.data ->> 'group') as study_group,
  coalesce(pg.discipline, pl.discipline, i.data ->> 'discipline') as discipline, d.code, d.title,
  coalesce(le.held_on, (i.data ->> 'date')::date) as held_on, coalesce(le.pair, (i.data ->> 'pair')::int) as pair,
  i.slot like 'a.%%' and not coalesce(le.marks ? i.student, false) as withdrawn
from item i
  left join inbox.page pg on pg.page = i.page
  left join inbox.planned pl on i.log = 'schedule' and pl.lesson = i.lesson
  left join inbox.discipline d on d.discipline = coalesce(pg.discipline, pl.discipline, i.data ->> 'discipline')
  left join inbox.page_lesson le on le.page = i.page and le.lesson = i.lesson
order by i.at desc, i.log desc, i.position desc, i.slot desc"""

FOUND = _each_log("""
  (select '<log>' as log, n.slot from audience a join inbox.<log>_notice n on n.audience = a.audience
   where <unread> limit %(limit)s)""")
COUNT = f"""
with {AUDIENCES}
select count(*) from (select distinct log, slot from ({FOUND}) found limit %(limit)s) distinct_found"""

HIS = _each_log("""
  select 1 from audience a join inbox.<log>_notice n on n.audience = a.audience and n.slot = w.slot
  where w.log = '<log>'""")
OWNED = f"""
with {AUDIENCES}
select count(distinct (w.log, w.slot)) from unnest(%(logs)s::text[], %(slots)s::text[]) w(log, slot)
where exists ({HIS})"""

MARK_UP_TO = """
insert into read_up_to select %(person)s, * from unnest(%(logs)s::text[], %(positions)s::bigint[])
on conflict (person, log) do update set position = greatest(read_up_to.position, excluded.position)"""
MARK_EACH = """
insert into read_notice select %(person)s, * from unnest(%(logs)s::text[], %(slots)s::text[]) on conflict do nothing"""


class After(NamedTuple):
    """The item that the page before ended with."""

    at: datetime
    log: str
    position: int
    slot: str


async def page(
    pool: Pool, who: dict[str, Any], kind: str | None, unread: bool, after: After | None, limit: int
) -> Sequence[Any]:
    params = {
        **who,
        "kind": kind,
        "unread": unread,
        "limit": limit,
        "before_at": after.at if after else None,
        "before_log": after.log if after else "",
        "before_position": after.position if after else 0,
        "before_slot": after.slot if after else "",
    }
    async with pool.connection() as conn, conn.cursor(binary=True, row_factory=namedtuple_row) as cursor:
        await cursor.execute(PAGE.encode(), params, prepare=True)
        return await cursor.fetchall()


async def count(pool: Pool, who: dict[str, Any]) -> int:
    """Unread notices, at most `COUNT_AT_MOST`."""
    async with pool.connection() as conn:
        cursor = await conn.execute(COUNT.encode(), {**who, "limit": COUNT_AT_MOST}, prepare=True)
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def mark_each(pool: Pool, who: dict[str, Any], items: Sequence[tuple[str, str]]) -> None:
    """Mark notices (log, slot) as read, all or none. Raises NotFound if one of them is not the person's."""
    params = {**who, "logs": [log for log, _ in items], "slots": [slot for _, slot in items]}
    async with pool.connection() as conn, conn.transaction():
        found = await (await conn.execute(OWNED.encode(), params)).fetchone()
        if found is None or found[0] != len(set(items)):
            raise NotFound
        await conn.execute(MARK_EACH, params)


async def mark_up_to(pool: Pool, who: dict[str, Any], positions: Mapping[Any, int], view: Projector) -> None:
    """Mark everything up to these positions as read, but nothing that the view does not show yet."""
    come = await view.come()
    shown = {log: min(position, come[log]) for log, position in positions.items()}
    params = {**who, "logs": list(shown), "positions": list(shown.values())}
    async with pool.connection() as conn:
        await conn.execute(MARK_UP_TO, params)
