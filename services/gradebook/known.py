"""The keeper's tables: what identity and schedule have said about groups, load and calendars, and which pages wait.

`Heard` collects a batch of outside events in order; `write` puts it down and names the pages that it touches. One
reading of a log per table, so the order in which the two logs are heard does not matter.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from psycopg import AsyncConnection

from contracts.events import identity as i
from contracts.events import schedule as s
from contracts.ids import page_id
from services.gradebook.facts import Load, Member, Period, Substitution
from services.gradebook.parts import DAY

Key = tuple[str, str, str]
"""Group, discipline, period."""

IDENTITY = frozenset(
    ("StudentEnrolled.v1", "StudentTransferred.v1", "StudentStatusChanged.v1", "SubgroupAgreed.v1", "PersonErased.v1")
)
SCHEDULE = frozenset(
    ("PeriodDefined.v1", "TeachingAssigned.v1", "TeachingReassigned.v1", "LessonSubstituted.v1", "LessonMoved.v1")
)


class Heard:
    """A batch as statements in order (runs of the same statement go as one) and what it touches."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, list[tuple[Any, ...]]]] = []
        self.groups: dict[str, str] = {}
        self.splits: dict[tuple[str, str], str] = {}
        self.periods: dict[str, str] = {}
        self.keys: dict[Key, str] = {}

    def _do(self, statement: str, *values: Any) -> None:
        if not self.statements or self.statements[-1][0] != statement:
            self.statements.append((statement, []))
        self.statements[-1][1].append(values)

    def take(self, event: Any, cause: str) -> None:
        """Note one event; `cause` is its `log:position`."""
        match event:
            case i.StudentEnrolled():
                self._enrolled(event.enrolment, event.student, event.group, event.starts_on, event.ends_on, None)
                self.groups[event.group] = cause
            case i.StudentTransferred():
                self._do(_ENDED, event.on - DAY, event.left, event.on - DAY)
                self._enrolled(event.enrolment, event.student, event.to_group, event.on, None, event.from_group)
                self.groups[event.from_group] = self.groups[event.to_group] = cause
            case i.StudentStatusChanged() if event.status in ("withdrawn", "graduated"):
                self._do(_ENDED, event.on - DAY, event.enrolment, event.on - DAY)
                self.groups[event.group] = cause
            case i.SubgroupAgreed():
                split = orjson.dumps(event.subgroups).decode()
                self._do(_SPLIT, event.group, event.discipline, split)
                self.splits[event.group, event.discipline] = cause
            case i.PersonErased():
                self._do("delete from reason_text where about @> array[%s::text]", event.person)
            case s.PeriodDefined():
                self._do(
                    _PERIOD,
                    event.period,
                    event.group,
                    event.year,
                    event.kind,
                    event.starts_on,
                    event.ends_on,
                    list(event.weekend),
                    list(event.holidays),
                )
                self.periods[event.period] = cause
                if event.kind == "year":
                    self.groups[event.group] = cause
            case s.TeachingAssigned():
                self._assigned(event)
                self.keys[event.group, event.discipline, event.period] = cause
            case s.TeachingReassigned():
                self._do(_REMOVED, event.on, event.assignment, event.previous, event.on)
                self._do(_TAKEN_ON, event.teacher, event.on, event.assignment)
                self.keys[event.group, event.discipline, event.period] = cause
            case s.LessonSubstituted():
                self._do(
                    _SUBSTITUTE,
                    event.lesson,
                    event.group,
                    event.discipline,
                    event.period,
                    event.assignment,
                    event.teacher,
                    event.date,
                )
                self.keys[event.group, event.discipline, event.period] = cause
            case s.LessonMoved():
                self._do("update known_substitute set date = %s where lesson = %s", event.date, event.lesson)
                self.groups[event.group] = cause

    def _enrolled(self, *values: Any) -> None:
        self._do(_MEMBER, *values)

    def _assigned(self, event: s.TeachingAssigned) -> None:
        """Assigned again, it replaces the first spell and what all spells share."""
        shared = (event.group, event.discipline, event.period, event.subgroup, list(event.kinds), event.responsible)
        self._do(_SHARED, *shared, event.ends_on, event.assignment)
        self._do(_FIRST, event.teacher, event.starts_on, event.assignment)
        self._do(_LOAD, event.assignment, event.teacher, event.starts_on, *shared, event.ends_on, event.assignment)


_MEMBER = """insert into known_member values (%s, %s, %s, %s, %s, %s) on conflict (enrolment) do update set
  student = excluded.student, group_id = excluded.group_id, starts_on = excluded.starts_on, ends_on = excluded.ends_on,
  moved_from = excluded.moved_from"""
_ENDED = "update known_member set ends_on = %s where enrolment = %s and (ends_on is null or ends_on > %s)"
_SPLIT = """insert into known_split values (%s, %s, %s)
  on conflict (group_id, discipline) do update set subgroups = excluded.subgroups"""
_PERIOD = """insert into known_period values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (period) do update set
  group_id = excluded.group_id, year = excluded.year, kind = excluded.kind, starts_on = excluded.starts_on,
  ends_on = excluded.ends_on, weekend = excluded.weekend, holidays = excluded.holidays"""
_SHARED = """update known_load set group_id = %s, discipline = %s, period = %s, subgroup = %s, kinds = %s,
  responsible = %s, ends_on = %s where assignment = %s"""
_FIRST = """update known_load set teacher = %s, starts_on = %s where (assignment, starts_on) in
  (select assignment, min(starts_on) from known_load where assignment = %s group by assignment)"""
_LOAD = """insert into known_load (assignment, teacher, starts_on, group_id, discipline, period, subgroup, kinds,
  responsible, ends_on) select %s, %s, %s, %s, %s, %s, %s, %s, %s, %s
  where not exists (select from known_load where assignment = %s)"""
_REMOVED = """update known_load set removed_on = %s where assignment = %s and teacher = %s
  and (removed_on is null or removed_on > %s)"""
_TAKEN_ON = """insert into known_load (assignment, teacher, starts_on, group_id, discipline, period, subgroup, kinds,
  responsible, ends_on) select assignment, %s, %s, group_id, discipline, period, subgroup, kinds, responsible, ends_on
  from known_load where assignment = %s limit 1
  on conflict (assignment, teacher, starts_on) do update set removed_on = null"""
_SUBSTITUTE = """insert into known_substitute values (%s, %s, %s, %s, %s, %s, %s) on conflict (lesson) do update set
  group_id = excluded.group_id, discipline = excluded.discipline, period = excluded.period,
  assignment = excluded.assignment, teacher = excluded.teacher, date = excluded.date"""

_PAGES_OF = """select group_id, discipline, period from known_load where group_id = any(%(groups)s)
  or period = any(%(periods)s)
  or (group_id, discipline) in (select * from unnest(%(split_groups)s::text[], %(split_disciplines)s::text[]))"""
_YEAR_PAGES = """select distinct l.group_id, l.discipline, y.period from known_load l
  join known_period p on p.period = l.period join known_period y on y.year = p.year and y.group_id = l.group_id
  where y.kind = 'year' and p.kind <> 'year' and l.group_id = any(%s)"""


_LOADS = """select assignment, teacher, starts_on, group_id, discipline, period, subgroup, kinds, responsible, ends_on,
  removed_on from known_load where group_id = any(%s)"""
_MEMBERS = "select group_id, student, starts_on, ends_on, moved_from from known_member where group_id = any(%s)"


_MAKEUPS = """select m.student, m.moved_from, m.starts_on, l.discipline, array_agg(distinct l.period)
  from known_member m join known_load l on l.group_id = m.group_id join known_period p on p.period = l.period
  where m.group_id = any(%s) and m.moved_from is not null and (m.ends_on is null or m.ends_on >= m.starts_on)
    and p.kind <> 'year' and p.starts_on < m.starts_on
    and not exists (select from known_load o where o.group_id = m.moved_from and o.discipline = l.discipline)
  group by m.student, m.moved_from, m.starts_on, l.discipline order by m.starts_on, m.student, l.discipline"""


async def makeups(conn: AsyncConnection[Any], group: str) -> list[dict[str, Any]]:
    """What students moved into the group must make up: disciplines begun there before, unknown to their old group."""
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for *who, discipline, periods in await _rows(conn, _MAKEUPS, [group]):
        found.setdefault(tuple(who), []).append({"discipline": discipline, "periods": sorted(periods)})
    return [
        {"student": student, "from_group": origin, "on": on, "disciplines": disciplines}
        for (student, origin, on), disciplines in found.items()
    ]


async def pages_known(conn: AsyncConnection[Any], period: str) -> list[str]:
    """The pages of a period that the keeper has opened, or is to look at. To be asked under the keeper's lock."""
    cursor = await conn.execute(
        "select page from known_page where period = %(period)s"
        " union select page from dirty_page where period = %(period)s",
        {"period": period},
    )
    return [row[0] for row in await cursor.fetchall()]


async def write(conn: AsyncConnection[Any], heard: Heard) -> None:
    """Put a batch down and mark the pages that it touches as waiting."""
    async with conn.cursor() as cursor:
        for statement, rows in heard.statements:
            await cursor.executemany(statement.encode(), rows)
        await cursor.execute(
            _PAGES_OF.encode(),
            {
                "groups": list(heard.groups),
                "periods": list(heard.periods),
                "split_groups": [group for group, _ in heard.splits],
                "split_disciplines": [discipline for _, discipline in heard.splits],
            },
        )
        touched = dict(heard.keys)
        for key in await cursor.fetchall():
            group, discipline, period = key
            causes_here = (
                heard.keys.get(key),
                heard.groups.get(group),
                heard.periods.get(period),
                heard.splits.get((group, discipline)),
            )
            touched[key] = max(filter(None, causes_here), key=_position)
        causes = {group: cause for (group, _, _), cause in touched.items()}
        await cursor.execute(_YEAR_PAGES.encode(), (list(causes),))
        touched |= {key: causes[key[0]] for key in await cursor.fetchall()}
        await mark(conn, touched)


def _position(cause: str) -> int:
    return int(cause.rpartition(":")[2])


async def mark(conn: AsyncConnection[Any], touched: dict[Key, str]) -> None:
    """Let these pages wait for the keeper."""
    rows = [(page_id(*key), *key, cause) for key, cause in touched.items()]
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "insert into dirty_page values (%s, %s, %s, %s, %s)"
            " on conflict (page) do update set cause = excluded.cause",
            rows,
        )


class Snapshot:
    """The rows about the groups of some pages, read at once."""

    def __init__(self) -> None:
        self.periods: dict[str, Period] = {}
        self.load: dict[tuple[str, str], list[Load]] = {}
        self.members: dict[str, list[Member]] = {}
        self.splits: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
        self.substitutions: dict[Key, list[Substitution]] = {}
        self.closed: set[str] = set()

    @classmethod
    async def read(cls, conn: AsyncConnection[Any], groups: Iterable[str]) -> "Snapshot":
        """Everything about these groups, and about those that students of theirs came from."""
        found, wanted = cls(), list(groups)
        origins = "select moved_from from known_member where group_id = any(%s) and moved_from is not null"
        wanted = sorted({*wanted, *(row[0] for row in await _rows(conn, origins, wanted))})
        for row in await _rows(conn, "select * from known_period where group_id = any(%s)", wanted):
            found.periods[row[0]] = Period._make((*row[:6], tuple(row[6]), tuple(row[7])))
        for row in await _rows(conn, _LOADS, wanted):
            load = Load._make((*row[:7], tuple(row[7]), *row[8:]))
            found.load.setdefault((load.group, load.discipline), []).append(load)
        for row in await _rows(conn, _MEMBERS, wanted):
            found.members.setdefault(row[0], []).append(Member._make(row[1:]))
        for group, discipline, split in await _rows(conn, "select * from known_split where group_id = any(%s)", wanted):
            found.splits[group, discipline] = {name: tuple(students) for name, students in split.items()}
        for row in await _rows(conn, "select * from known_substitute where group_id = any(%s)", wanted):
            found.substitutions.setdefault(row[1:4], []).append(Substitution(row[0], *row[4:]))
        periods = list(found.periods)
        found.closed = {
            row[0] for row in await _rows(conn, "select period from closed_period where period = any(%s)", periods)
        }
        return found

    def load_of(self, key: Key) -> list[Load]:
        """The load of a page; a year page has that of all periods of its year."""
        group, discipline, period = key
        own = self.periods.get(period)
        return [
            load
            for load in self.load.get((group, discipline), [])
            if load.period == period
            or (
                own is not None
                and own.kind == "year"
                and (other := self.periods.get(load.period)) is not None
                and other.year == own.year
            )
        ]

    def periods_of(self, key: Key) -> Iterator[Key]:
        """The period pages whose finals a year page takes."""
        group, discipline, period = key
        own = self.periods.get(period)
        if own is not None and own.kind == "year":
            yield from sorted({(group, discipline, x.period) for x in self.load_of(key) if x.period != period})

    def origin_of(self, key: Key, member: Member) -> Key | None:
        """The page of the moved student's old group: same discipline and kind of period, around the day."""
        own = self.periods.get(key[2])
        if member.moved_from is None or own is None or own.kind == "year":
            return None
        day = member.starts_on
        if not own.starts_on <= day <= own.ends_on:
            return None
        for load in self.load.get((member.moved_from, key[1]), []):
            other = self.periods.get(load.period)
            if other is not None and other.kind == own.kind and other.starts_on <= day <= other.ends_on + DAY:
                return member.moved_from, key[1], other.period
        return None


async def _rows(conn: AsyncConnection[Any], query: str, wanted: list[str]) -> list[tuple[Any, ...]]:
    cursor = await conn.execute(query.encode(), (wanted,))
    return await cursor.fetchall()
