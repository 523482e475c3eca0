"""The view `pages`: what the list of pages shows, so that listing folds nothing.

Whose pages they are stands in `teacher` and `substitute`; counts come from the rows of lessons and finals.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from contracts.events import gradebook as e
from services.kit.log.eventlog import Recorded
from services.kit.view import Change, Put, Table, View

STREAM = "page/"


def changes(log: str, event: Any, row: Recorded) -> Iterable[Change]:
    """The rows that an event of a page puts; absences are no business of this view."""
    return _changes(row.stream.removeprefix(STREAM), event, row) if row.stream.startswith(STREAM) else ()


def _changes(page: str, event: Any, row: Recorded) -> Iterator[Change]:
    match event:
        case e.GradeRecorded():
            yield Put("lesson", (page, event.lesson), {"graded": True})
        case e.AttendanceMarked():
            yield Put("lesson", (page, event.lesson), {"attendance": not event.taken_back})
        case e.LessonHeld():
            yield Put("lesson", (page, event.lesson), {"day": event.date, "hours": event.hours})
        case e.LessonAmended():
            yield Put("lesson", (page, event.lesson), {"hours": event.hours})
        case e.FinalGradeSet():
            yield Put("final", (page, event.student), {"value": event.value})
        case e.FinalGradeWithdrawn():
            yield Put("final", (page, event.student), {"value": None})
        case e.PageOpened():
            yield Put(
                "page",
                (page,),
                {
                    "group_id": event.group,
                    "discipline": event.discipline,
                    "period": event.period,
                    "year": event.year,
                    "kind": event.kind,
                    "starts_on": event.starts_on,
                    "ends_on": event.ends_on,
                    "closed": event.closed,
                },
            )
        case e.PageRescheduled():
            yield Put("page", (page,), {"starts_on": event.starts_on, "ends_on": event.ends_on})
        case e.PageSigned():
            yield Put("page", (page,), {"signed_at": row.at})
        case e.PeriodClosed():
            yield Put("page", (page,), {"closed": True})
        case e.TeacherAssigned():
            yield Put(
                "teacher",
                (page, event.assignment, event.teacher),
                {"responsible": event.responsible, "starts_on": event.starts_on, "removed_on": None},
            )
        case e.TeacherUnassigned():
            yield Put("teacher", (page, event.assignment, event.teacher), {"removed_on": event.on})
        case e.SubstituteAllowed():
            yield Put("substitute", (page, event.lesson), {"teacher": event.teacher, "day": event.date})


VIEW = View(
    "pages",
    1,
    {
        "page": Table(
            {"page": "text"},
            {
                "group_id": "text",
                "discipline": "text",
                "period": "text",
                "year": "text",
                "kind": "text",
                "starts_on": "date",
                "ends_on": "date",
                "closed": "boolean not null default false",
                "signed_at": "timestamptz",
            },
            ("group_id", "period"),
        ),
        "teacher": Table(
            {"page": "text", "assignment": "text", "teacher": "text"},
            {"responsible": "boolean", "starts_on": "date", "removed_on": "date"},
            ("teacher",),
        ),
        "substitute": Table({"page": "text", "lesson": "text"}, {"teacher": "text", "day": "date"}, ("teacher",)),
        "lesson": Table(
            {"page": "text", "lesson": "text"},
            {
                "day": "date",
                "hours": "integer",
                "attendance": "boolean not null default false",
                "graded": "boolean not null default false",
            },
        ),
        "final": Table({"page": "text", "student": "text"}, {"value": "text"}),
    },
    {"gradebook": e.EVENTS},
    changes,
)

SORTS = {
    "discipline": "p.discipline, p.group_id, p.starts_on",
    "group": "p.group_id, p.discipline, p.starts_on",
    "period": "p.starts_on, p.group_id, p.discipline",
    "state": "p.closed, p.ends_on, p.group_id, p.discipline",
}


class Reader(NamedTuple):
    """Whose list: all pages, those of these groups, and those where `teacher` ("" = nobody) teaches on `today`."""

    all: bool
    groups: list[str]
    teacher: str
    today: date
    substitute_since: date


_TEACHES = """exists (select from pages.teacher t where t.page = p.page and t.teacher = {who}
    and t.starts_on <= %(today)s and (t.removed_on is null or t.removed_on > %(today)s))
  or exists (select from pages.substitute s where s.page = p.page and s.teacher = {who} and s.day >= %(since)s)"""

_WHERE = f"""from pages.page p where p.group_id is not null
  and (%(all)s or p.group_id = any(%(groups)s) or (%(me)s <> '' and ({_TEACHES.format(who="%(me)s")})))
  and (%(group)s::text is null or p.group_id = %(group)s)
  and (%(discipline)s::text is null or p.discipline = %(discipline)s)
  and (%(period)s::text is null or p.period = %(period)s)
  and (%(closed)s::boolean is null or p.closed = %(closed)s)
  and (%(teacher)s::text is null or {_TEACHES.format(who="%(teacher)s")})"""

_LIST = f"""select p.page as id, p.group_id as "group", p.discipline, p.period, p.year, p.kind, p.starts_on, p.ends_on,
    p.closed, p.signed_at, count(*) over () as total {_WHERE}"""

_COUNTS = """select p.*, l.lessons, l.hours, l.without_attendance, l.without_grades, f.finals, t.teachers from p
  cross join lateral (select count(*) as lessons, coalesce(sum(hours), 0)::int as hours,
    count(*) filter (where not attendance) as without_attendance, count(*) filter (where not graded) as without_grades
    from pages.lesson where page = p.id) l
  cross join lateral (select count(value) as finals from pages.final where page = p.id) f
  cross join lateral (select coalesce(json_agg(json_build_object('teacher', teacher, 'assignment', assignment,
      'responsible', responsible) order by responsible desc, assignment), '[]') as teachers
    from pages.teacher where page = p.id and (removed_on is null or removed_on > %(today)s)) t"""


async def listed(
    conn: AsyncConnection[Any],
    reader: Reader,
    *,
    group: str | None,
    discipline: str | None,
    period: str | None,
    teacher: str | None,
    closed: bool | None,
    sort: str,
    limit: int,
    offset: int,
) -> tuple[int, list[dict[str, Any]]]:
    """How many pages there are in all, and those of this piece of the list, with their counts."""
    query = f"with p as ({_LIST} order by {SORTS[sort]} limit %(limit)s offset %(offset)s) {_COUNTS}"
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            query.encode(),
            {
                "all": reader.all,
                "groups": reader.groups,
                "me": reader.teacher,
                "today": reader.today,
                "since": reader.substitute_since,
                "group": group,
                "discipline": discipline,
                "period": period,
                "teacher": teacher,
                "closed": closed,
                "limit": limit,
                "offset": offset,
            },
        )
        rows = await cursor.fetchall()
    total = rows[0]["total"] if rows else 0
    for row in rows:
        del row["total"]
    return total, rows


async def of_period(conn: AsyncConnection[Any], period: str) -> list[tuple[str, str, bool]]:
    """(page, group, closed) of all pages of a period."""
    cursor = await conn.execute(
        "select page, group_id, closed from pages.page where period = %s and group_id is not null order by page",
        (period,),
    )
    return await cursor.fetchall()
