"""What is read from the view `card`, as prepared SQL: one round trip for a student's card or two, one for a group."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import namedtuple_row, tuple_row

from services.kit.postgres import Pool
from services.reporting.lessons import Lesson, Lessons

PAGE_COLUMNS = """
  p.page, p.study_group, sg.title as group_title, p.discipline, d.code, d.title, d.kind as discipline_kind,
  p.period, pe.title as period_title, p.year, y.title as year_title, p.kind, p.starts_on, p.ends_on,
  p.weights::text as weights, p.retake, p.subgroups::text as subgroups, p.signed_at is not null as signed,
  p.closed_at is not null as closed, p.lessons_as_of, pr.topics,
  (select json_agg(json_build_array(a.assignment, a.teacher, a.subgroup, a.responsible, a.removed_on))::text
     from card.assignment a where a.page = p.page) as assignments
"""
PAGE_JOINS = """
  left join card.discipline d on d.discipline = p.discipline
  left join card.period pe on pe.period = p.period
  left join card.academic_year y on y.year = p.year
  left join card.study_group sg on sg.study_group = p.study_group
  left join card.programme pr
    on pr.study_group = p.study_group and pr.discipline = p.discipline and pr.period = p.period
"""
LESSON_COLUMNS = """
  l.page, l.lesson, l.assignment, l.taught_by, l.held_on, l.pair, l.number, l.hours, l.kind, l.topic, l.topic_no,
  l.homework, l.due_on
"""

# Parameters: %(student)s.
OF_STUDENT = {
    "pages": f"""
select {PAGE_COLUMNS}, f.value as final, f.mean as final_mean, c.source_page, c.grades::text as carried,
  (select json_agg(json_build_array(m.on_day, m.joined, m.until) order by m.on_day)::text
     from card.move m where m.page = p.page and m.student = %(student)s) as moves,
  (select json_agg(json_build_array(t.source_page, t.value))::text
     from card.taken t where t.page = p.page and t.student = %(student)s and t.value is not null) as taken
from (select distinct page from card.move where student = %(student)s) m join card.page p on p.page = m.page
  {PAGE_JOINS}
  left join card.final f on f.page = p.page and f.student = %(student)s
  left join card.carried c on c.page = p.page and c.student = %(student)s
order by p.starts_on, d.code, d.title, p.page""",  # noqa: S608 - our own texts
    "grades": """
select g.page, g.lesson, g.grade, g.value, g.work, g.makeup_on, g.retake_of
from card.grade g where g.student = %(student)s order by g.position""",
    "classes": """
select starts_on, ends_on, reason_class from card.absence_class where student = %(student)s order by position""",
    "status": "select status, on_day from card.student_status where student = %(student)s",
}

# Parameters: %(pages)s.
LESSONS = f"""
select {LESSON_COLUMNS}, l.marks
from card.lesson l where l.page = any(%(pages)s) and l.held_on is not null
order by l.page, l.held_on, l.pair"""  # noqa: S608

OF_PAGES = {
    "pages": f"select {PAGE_COLUMNS} from card.page p {PAGE_JOINS} where p.page = any(%(pages)s)"  # noqa: S608
    " order by d.code, d.title, p.page",
    "moves": "select page, student, on_day, joined, until from card.move where page = any(%(pages)s) order by on_day",
    "lessons": "select page, lesson, assignment, held_on, hours, marks from card.lesson"
    " where page = any(%(pages)s) and held_on is not null",
    "grades": "select page, student, lesson, grade, value, work, retake_of from card.grade where page = any(%(pages)s)",
    "finals": "select page, student, value from card.final where page = any(%(pages)s)",
    "carried": "select page, student, grades::text as grades from card.carried where page = any(%(pages)s)",
    "taken": "select page, student, value from card.taken where page = any(%(pages)s) and value is not null",
    "classes": "select student, starts_on, ends_on, reason_class from card.absence_class where student in"
    " (select student from card.move where page = any(%(pages)s)) order by position",
}

PERIODS_OF_GROUP = """
select p.page, p.period, pe.title, p.kind, p.year, y.title as year_title, p.starts_on, p.ends_on
from card.page p left join card.period pe on pe.period = p.period left join card.academic_year y on y.year = p.year
where p.study_group = %(group)s order by p.starts_on, p.ends_on, p.period"""

# Planned lessons of the past that are not in the journal; lessons in it without attendance or topic; pages that are
# over and lack finals. Parameters: %(group)s, %(today)s, %(kind)s, %(teacher)s (null: all), %(limit)s, %(offset)s.
GAPS = """
with ours as (select page, discipline, period, ends_on, closed_at, kind from card.page where study_group = %(group)s),
lacking as (
  select 'not_held' as gap, o.page, s.discipline, s.lesson, s.held_on, s.pair, s.teacher, 1 as missing
  from card.planned s left join ours o on o.discipline = s.discipline and o.period = s.period
    left join card.lesson l on l.page = o.page and l.lesson = s.lesson
  where s.study_group = %(group)s and not s.cancelled and s.held_on < %(today)s and l.held_on is null
  union all
  select kind.gap, o.page, o.discipline, l.lesson, l.held_on, l.pair, l.taught_by, 1
  from ours o join card.lesson l on l.page = o.page
    cross join lateral
      (values ('no_attendance', l.marks is null), ('no_topic', coalesce(l.topic, '') = '')) kind(gap, lacks)
  where kind.lacks and l.held_on < %(today)s
  union all
  select 'no_final', o.page, o.discipline, null, o.ends_on, null,
    (select min(a.teacher) from card.assignment a where a.page = o.page and a.responsible and a.removed_on is null),
    count(*)::int
  from ours o join (
      select distinct on (m.page, m.student) m.page, m.student, m.joined, m.until
      from card.move m join ours on ours.page = m.page where m.on_day <= ours.ends_on
      order by m.page, m.student, m.on_day desc
    ) r on r.page = o.page and r.joined and (r.until is null or r.until >= o.ends_on)
    left join card.final f on f.page = r.page and f.student = r.student
  where o.ends_on < %(today)s and o.closed_at is null and f.value is null
  group by o.page, o.discipline, o.ends_on
)
select k.gap, k.page, k.discipline, d.code, d.title, k.lesson, k.held_on, k.pair, k.teacher, k.missing,
  count(*) over () as total
from lacking k left join card.discipline d on d.discipline = k.discipline
where (%(kind)s::text is null or k.gap = %(kind)s) and (%(teacher)s::text is null or k.teacher = %(teacher)s)
order by k.held_on, k.pair, d.code, k.gap, k.page
limit %(limit)s offset %(offset)s"""


PLAIN = frozenset({"grades"})
"""The long list of a card comes as plain tuples."""


async def read_all(pool: Pool, queries: dict[str, str], params: dict[str, Any]) -> dict[str, list[Any]]:
    """The rows of all queries in one round trip, all as of one moment."""
    async with pool.connection() as conn, conn.pipeline(), _moment(conn):
        return await _fetched(conn, queries, params)


async def read_card(pool: Pool, student: str, year: str | None, period: str | None, kept: Lessons) -> dict[str, Any]:
    """What a student's card is made of, all as of one moment. lessons: {page: its lessons}, of the year and period
    asked for; those that `kept` does not hold as they are now cost a second round trip."""
    async with pool.connection() as conn, conn.pipeline(), _moment(conn):
        rows: dict[str, Any] = await _fetched(conn, OF_STUDENT, {"student": student}, PLAIN)
        lessons, lacking = dict[str, tuple[Lesson, ...]](), dict[str, str | None]()
        for page in rows["pages"]:
            if year in (None, page.year) and period in (None, page.period):
                if (known := kept.known(page.page, page.lessons_as_of)) is not None:
                    lessons[page.page] = known
                else:
                    lacking[page.page] = page.lessons_as_of
        if lacking:
            cursor = await _sent(conn, LESSONS, {"pages": list(lacking)}, plain=True)
            lessons |= kept.keep(lacking, await cursor.fetchall())
    return {**rows, "lessons": lessons}


@asynccontextmanager
async def _moment(conn: AsyncConnection[Any]) -> AsyncIterator[None]:
    """A read-only transaction that sees one moment.

    Planning the joins costs more than running them, so the plan is kept whatever the parameters.
    """
    await conn.execute("begin isolation level repeatable read read only")
    await conn.execute("set local plan_cache_mode = force_generic_plan")
    yield
    await conn.execute("commit")


async def _fetched(
    conn: AsyncConnection[Any], queries: dict[str, str], params: dict[str, Any], plain: frozenset[str] = frozenset()
) -> dict[str, list[Any]]:
    """The rows of each query; those of `plain` as tuples, others named."""
    cursors = {name: await _sent(conn, query, params, name in plain) for name, query in queries.items()}
    return {name: await cursor.fetchall() for name, cursor in cursors.items()}


async def read(pool: Pool, query: str, params: dict[str, Any]) -> list[Any]:
    async with pool.connection() as conn:
        return list(await (await _sent(conn, query, params)).fetchall())


async def _sent(conn: AsyncConnection[Any], query: str, params: dict[str, Any], plain: bool = False) -> Any:
    cursor: AsyncCursor[Any] = conn.cursor(binary=True, row_factory=tuple_row if plain else namedtuple_row)
    return await cursor.execute(query.encode(), params, prepare=True)


def gap_params(
    group: str, today: date, kind: str | None, teacher: str | None, limit: int, offset: int
) -> dict[str, Any]:
    return {"group": group, "today": today, "kind": kind, "teacher": teacher, "limit": limit, "offset": offset}


def page_params(pages: Sequence[str]) -> dict[str, Any]:
    return {"pages": list(pages)}
