"""The directory: people, groups and names as far as somebody's `Reach` goes. One statement per question."""

# ruff: noqa: S608 - statements are put together from the fixed pieces of this module only

from datetime import date
from typing import Any, Literal

from services.identity.access import Reach
from services.identity.commands import Tx
from services.identity.rules import STAFF

ERASED = "удалено"

Sort = Literal["name", "-name", "registered", "-registered"]
State = Literal["active", "none", "disabled", "erased", "code"]

_ORDER: dict[str, str] = {
    "name": "p.family_name, p.given_name, p.middle_name, p.id",
    "-name": "p.family_name desc, p.given_name desc, p.middle_name desc, p.id",
    "registered": "p.registered_at, p.id",
    "-registered": "p.registered_at desc, p.id",
}

_TODAY = "starts_on <= %(today)s and (ends_on is null or ends_on >= %(today)s)"


def _holds(alias: str) -> str:
    return f"{alias}.starts_on <= %(today)s and ({alias}.ends_on is null or {alias}.ends_on >= %(today)s)"


_WHOLE = "(%(everybody)s or p.id = any(%(people)s))"

# Whom he sees by name: whoever ever was staff or student, for history names them.
_NAMED = """(
  (%(names_of_staff)s and (exists (select from role_grant r where r.person = p.id and r.role = any(%(staff)s))
     or exists (select from curator_appointment c where c.person = p.id)))
  or (%(names_of_students)s and (exists (select from enrolment n where n.student = p.id)
     or exists (select from role_grant r where r.person = p.id and r.role = 'student'))))"""

_STATE = """case when p.erased_at is not null then 'erased' when a.disabled_at is not null then 'disabled'
  when a.person is not null then 'active'
  when exists (select from activation_code k where k.person = p.id and k.expires_at > %(now)s) then 'code'
  else 'none' end"""

_PEOPLE = f"""
select p.id, p.family_name, p.given_name, p.middle_name, p.erased_at is not null, p.demo, {_WHOLE} as whole,
  p.email, p.phone, p.birth_date, p.version, {_STATE} as state, a.login,
  coalesce((select json_agg(json_build_object('role', r.relation, 'scope', r.object, 'id', r.id,
      'title', g.title, 'starts_on', r.starts_on, 'ends_on', r.ends_on) order by r.relation, g.title, r.object)
    from relation r left join study_group g on g.id = r.object
    where r.subject = p.id and r.relation <> 'guardian' and {_TODAY}), '[]') as roles,
  count(*) over ()
from person p left join account a on a.person = p.id"""


def _params(tx: Tx, reach: Reach, **more: Any) -> dict[str, Any]:
    return {**reach._asdict(), "today": tx.today, "now": tx.now, "staff": list(STAFF), **more}


def full_name(family: str, given: str, middle: str) -> str:
    """«Фамилия Имя Отчество»; an erased person has none and shows as «удалено»."""
    return " ".join(part for part in (family, given, middle) if part) or ERASED


def short_name(family: str, given: str, middle: str) -> str:
    """«Фамилия И. О.»"""
    initials = " ".join(f"{part[0]}." for part in (given, middle) if part)
    return f"{family} {initials}".strip() or ERASED


def _person(row: tuple[Any, ...]) -> dict[str, Any]:
    id_, family, given, middle, erased, demo, whole, email, phone, born, version, state, login, roles, _ = row
    shown: dict[str, Any] = {
        "id": id_,
        "name": full_name(family, given, middle),
        "short_name": short_name(family, given, middle),
        "erased": erased,
        "demo": demo,
    }
    if whole:
        shown |= {
            "family_name": family,
            "given_name": given,
            "middle_name": middle,
            "email": email,
            "phone": phone,
            "birth_date": None if born is None else born.isoformat(),
            "state": state,
            "login": login,
            "etag": str(version),
            "roles": roles,
        }
    return shown


async def person(tx: Tx, reach: Reach, id_: str) -> dict[str, Any] | None:
    """One person as far as he is reached, None for one that is not."""
    row = await tx.row(
        f"{_PEOPLE} where p.id = %(id)s and ({_WHOLE} or {_NAMED})",
        _params(tx, reach, id=id_),
    )
    return None if row is None else _person(row)


async def people(
    tx: Tx,
    reach: Reach,
    *,
    text: str = "",
    group: str = "",
    role: str = "",
    state: State | None = None,
    sort: Sort = "name",
    limit: int,
    offset: int,
) -> tuple[int, list[dict[str, Any]]]:
    """How many people match, and a page of them. Erased ones are listed only when asked for by state.

    group: members of today. Filters on what is not reached whole (role, state) match only whole people.
    """
    where = [f"({_WHOLE} or {_NAMED})"]
    where.append("p.erased_at is not null" if state == "erased" else "p.erased_at is null")
    if text:
        where.append("(p.family_name || ' ' || p.given_name || ' ' || p.middle_name) ilike %(text)s")
    if group:
        where.append(
            "exists (select from relation m where m.subject = p.id and m.relation = 'member' and m.object = %(group)s"
            f" and {_TODAY})"
        )
    if role:
        where.append(f"exists (select from relation r where r.subject = p.id and r.relation = %(role)s and {_TODAY})")
    if state:
        where.append(f"{_WHOLE} and {_STATE} = %(state)s")
    pattern = "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    rows = await tx.rows(
        f"{_PEOPLE} where {' and '.join(where)} order by {_ORDER[sort]} limit %(limit)s offset %(offset)s",
        _params(tx, reach, text=pattern, group=group, role=role, state=state, limit=limit, offset=offset),
    )
    return (rows[0][-1] if rows else 0), [_person(row) for row in rows]


async def names(tx: Tx, reach: Reach, ids: list[str]) -> dict[str, dict[str, str]]:
    """{id: name and short name} of those that are reached; the others are left out like unknown ids."""
    rows = await tx.rows(
        "select p.id, p.family_name, p.given_name, p.middle_name from person p"
        f" where p.id = any(%(ids)s) and ({_WHOLE} or {_NAMED})",
        _params(tx, reach, ids=ids),
    )
    return {id_: {"name": full_name(*n), "short_name": short_name(*n)} for id_, *n in rows}


# -- guardians ----------------------------------------------------------------------------------------------------


async def guardians(tx: Tx, student: str) -> list[dict[str, Any]]:
    """The guardians of a student, the ended links too."""
    rows = await tx.rows(
        "select l.id, l.guardian, p.family_name, p.given_name, p.middle_name, p.phone, l.starts_on, l.ends_on, l.basis,"
        " l.unlinked_at is not null from guardian_link l join person p on p.id = l.guardian where l.student = %s"
        " order by l.starts_on, l.id",
        (student,),
    )
    return [
        {
            "link": r[0],
            "guardian": r[1],
            "name": full_name(*r[2:5]),
            "phone": r[5],
            "starts_on": r[6].isoformat(),
            "ends_on": _iso(r[7]),
            "basis": r[8],
            "unlinked": r[9],
        }
        for r in rows
    ]


async def children(tx: Tx, guardian: str) -> list[dict[str, Any]]:
    """The children whose data a guardian reads today, with their groups."""
    rows = await tx.rows(
        "select l.student, p.family_name, p.given_name, p.middle_name, l.ends_on, coalesce((select json_agg("
        " json_build_object('group', g.id, 'title', g.title) order by g.title) from enrolment n"
        f" join study_group g on g.id = n.group_id where n.student = l.student and {_holds('n')}), '[]')"
        " from guardian_link l join person p on p.id = l.student where l.guardian = %(guardian)s"
        f" and l.unlinked_at is null and {_holds('l')} order by p.family_name, p.given_name, l.id",
        {"guardian": guardian, "today": tx.today},
    )
    return [
        {"id": r[0], "name": full_name(*r[1:4]), "short_name": short_name(*r[1:4]), "until": _iso(r[4]), "groups": r[5]}
        for r in rows
    ]


async def enrolments(tx: Tx, student: str) -> list[dict[str, Any]]:
    """The enrolments of a student over all years, each with its statuses by date."""
    rows = await tx.rows(
        "select n.id, n.group_id, g.title, n.starts_on, n.ends_on, n.order_no, coalesce((select json_agg("
        " json_build_object('status', s.status, 'on', s.on_day, 'order_no', s.order_no) order by s.on_day)"
        " from student_status s where s.enrolment = n.id), '[]')"
        " from enrolment n join study_group g on g.id = n.group_id where n.student = %s order by n.starts_on, n.id",
        (student,),
    )
    return [
        {
            "enrolment": r[0],
            "group": r[1],
            "title": r[2],
            "starts_on": r[3].isoformat(),
            "ends_on": _iso(r[4]),
            "order_no": r[5],
            "statuses": r[6],
        }
        for r in rows
    ]


# -- groups -------------------------------------------------------------------------------------------------------


async def groups(tx: Tx, ids: list[str] | None, text: str, limit: int, offset: int) -> tuple[int, list[dict[str, Any]]]:
    """How many groups match, and a page of them with the number of students and the curator of today.

    ids: only these, None for all.
    """
    pattern = "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    rows = await tx.rows(
        "select g.id, g.title, g.specialty, g.admission_year,"
        f" (select count(*) from enrolment n where n.group_id = g.id and {_TODAY}),"
        f" (select c.person from curator_appointment c where c.group_id = g.id and c.revoked_at is null and {_TODAY}"
        " order by c.starts_on desc limit 1), count(*) over ()"
        " from study_group g where (%(ids)s::text[] is null or g.id = any(%(ids)s)) and g.title ilike %(text)s"
        " order by g.title, g.id limit %(limit)s offset %(offset)s",
        {"today": tx.today, "ids": ids, "text": pattern, "limit": limit, "offset": offset},
    )
    found = [
        {
            "id": r[0],
            "title": r[1],
            "specialty": r[2],
            "admission_year": r[3],
            "students": r[4],
            "curator": r[5],
        }
        for r in rows
    ]
    return (rows[0][-1] if rows else 0), found


async def students(tx: Tx, group: str, on: date) -> list[dict[str, Any]]:
    """The students of a group on a day, by name, with the status of that day."""
    rows = await tx.rows(
        "select p.id, p.family_name, p.given_name, p.middle_name, n.id, n.starts_on, n.ends_on,"
        " coalesce((select s.status from student_status s where s.enrolment = n.id and s.on_day <= %(on)s"
        " order by s.on_day desc limit 1), 'studying')"
        " from enrolment n join person p on p.id = n.student where n.group_id = %(group)s and n.starts_on <= %(on)s"
        " and (n.ends_on is null or n.ends_on >= %(on)s) order by p.family_name, p.given_name, p.middle_name, p.id",
        {"group": group, "on": on},
    )
    return [
        {
            "id": r[0],
            "name": full_name(*r[1:4]),
            "short_name": short_name(*r[1:4]),
            "enrolment": r[4],
            "starts_on": r[5].isoformat(),
            "ends_on": _iso(r[6]),
            "status": r[7],
        }
        for r in rows
    ]


async def splits(tx: Tx, group: str, side: str | None) -> list[dict[str, Any]]:
    """The splits of a group, proposed and agreed, the latest first. side: only those that he proposed or is asked."""
    rows = await tx.rows(
        "select id, discipline, subgroups, proposed_by, awaits, agreed_by, starts_on from subgroup_split"
        " where group_id = %(group)s and (%(side)s::text is null or %(side)s in (proposed_by, awaits))"
        " order by proposed_at desc, id",
        {"group": group, "side": side},
    )
    return [
        {
            "split": r[0],
            "discipline": r[1],
            "subgroups": r[2],
            "proposed_by": r[3],
            "awaits": r[4] or None,
            "agreed_by": r[5],
            "starts_on": _iso(r[6]),
        }
        for r in rows
    ]


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
