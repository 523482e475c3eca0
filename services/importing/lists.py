"""Rows of a people list → the roster document. Pure; the file format is not its business.

Rows of the same person (same code, else same full name) join; where they contradict each other they are namesakes, and
the later row is refused until codes tell them apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from services.importing import cells
from services.importing.cells import BadCell
from services.importing.findings import Findings
from services.importing.roster import (
    Enrolment,
    Guardian,
    Kind,
    Person,
    Role,
    RoleName,
    Roster,
    Scope,
    StudyGroup,
    record_id,
)

ROLES: Final[dict[str, RoleName]] = {
    "Студент": "student",
    "Родитель": "guardian",
    "Законный представитель": "guardian",
    "Преподаватель": "teacher",
    "Мастер п/о": "workshop_instructor",
    "Куратор": "curator",
    "Учебная часть": "study_office",
    "Заместитель директора": "deputy_director",
    "Директор": "director",
    "Администратор журнала": "journal_administrator",
}
_WORDS: Final[dict[str, RoleName]] = {
    **{word.casefold(): role for word, role in ROLES.items()},
    "обучающийся": "student",
    "студентка": "student",
    "мать": "guardian",
    "отец": "guardian",
    "опекун": "guardian",
    "мастер производственного обучения": "workshop_instructor",
    "классный руководитель": "curator",
    "зам. директора": "deputy_director",
}
_WITH_GROUP: Final = frozenset({"student", "curator"})
_SCOPE: Final[dict[Kind, Scope]] = {
    "orgs": "absent",
    "years": "absent",
    "periods": "absent",
    "disciplines": "absent",
    "teaching": "absent",
    "groups": "delta",
    "people": "delta",
    "roles": "delta",
    "guardians": "delta",
    "enrolments": "delta",
}
# What rows of one person must agree in, with the title of the column.
_AGREED: Final = {
    "family_name": "Фамилия",
    "given_name": "Имя",
    "middle_name": "Отчество",
    "email": "Эл. почта",
    "phone": "Телефон",
    "birth_date": "Дата рождения",
}


class _Refused(Exception):
    """The row is refused; the finding is already noted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A filled row: texts by column name (`code`, `family`, `given` …), dates of `since` and `birth`."""

    file: str
    line: int
    texts: dict[str, str]
    days: dict[str, date]

    @property
    def where(self) -> str:
        """`file:line` of the row."""
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class _List:
    source: str
    findings: Findings
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, StudyGroup] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    guardians: dict[str, Guardian] = field(default_factory=dict)
    rows: dict[tuple[str, ...], int] = field(default_factory=dict)
    wards: list[tuple[Entry, str]] = field(default_factory=list)
    names: dict[str, tuple[str, int]] = field(default_factory=dict)

    def id(self, kind: Kind, key: str) -> str:
        return record_id(self.source, kind, key)


def assemble(source: str, entries: Iterable[Entry], findings: Findings) -> Roster:
    """The document of all good rows."""
    made = _List(source, findings)
    for entry in entries:
        try:
            _take(made, entry)
        except _Refused:
            continue
    named = _students_by_name(made)
    for entry, guardian in made.wards:
        _link(made, entry, guardian, named)
    return Roster(
        source=source,
        scope=_SCOPE,
        groups=tuple(made.groups.values()),
        people=tuple(made.people.values()),
        roles=tuple(made.roles.values()),
        guardians=tuple(made.guardians.values()),
        enrolments=tuple(made.enrolments.values()),
    )


def _take(made: _List, entry: Entry) -> None:
    """One row: everything is judged before anything is kept."""
    texts = entry.texts
    roles = _roles(made, entry)
    key = texts.get("code") or _full_name(texts)
    group = texts.get("group", "")
    child = texts.get("child", "")
    for role in sorted(roles & _WITH_GROUP):
        if not group:
            _refuse(made, entry, "group_missing", value=texts["role"] if len(roles) == 1 else role)
    if child and "guardian" not in roles:
        _refuse(made, entry, "child_without_guardian")
    same = (key, *sorted(roles), group.casefold(), child.casefold())
    if same in made.rows:
        _refuse(made, entry, "row_twice", where=made.rows[same])
    # a student who is taken for somebody else would be shown that person's grades, or be given his powers
    if key in made.people and not texts.get("code") and ("student" in roles or f"{key} student" in made.roles):
        _refuse(made, entry, "namesake_student", where=made.people[key].where.rpartition(":")[2])
    person = _person(made, entry, key)
    made.rows[same] = entry.line
    made.people[key] = person
    if group and not roles & _WITH_GROUP:
        made.findings.add("group_needless", entry.file, entry.line, value=texts["role"])
    if "guardian" in roles:
        made.wards.append((entry, key))
        if not child:
            made.findings.add("guardian_without_child", entry.file, entry.line)
    group_id = _group(made, entry, group) if roles & _WITH_GROUP else None
    for role in sorted(roles):
        _give(made, entry, key, role, group, group_id)


def _refuse(made: _List, entry: Entry, code: str, **words: object) -> None:
    made.findings.add(code, entry.file, entry.line, **words)
    raise _Refused


def _roles(made: _List, entry: Entry) -> set[RoleName]:
    found: set[RoleName] = set()
    for part in entry.texts["role"].replace(",", ";").split(";"):
        word = " ".join(part.split())
        if not word:
            continue
        role = _WORDS.get(word.casefold())
        if role is None:
            _refuse(made, entry, "unknown_role", value=word, allowed=", ".join(ROLES))
        else:
            found.add(role)
    if not found:
        _refuse(made, entry, "missing_value", column="Роль")
    return found


def _full_name(texts: dict[str, str]) -> str:
    name = " ".join(texts.get(part, "") for part in ("family", "given", "middle"))
    return _folded(name)


def _folded(name: str) -> str:
    """A name to compare by: case, ё and runs of blanks do not count."""
    return " ".join(name.split()).casefold().replace("ё", "е")


def _person(made: _List, entry: Entry, key: str) -> Person:
    texts = entry.texts
    try:
        email = cells.email(texts.get("email", ""))
    except BadCell:
        made.findings.add("bad_email", entry.file, entry.line, column="Эл. почта", value=texts["email"])
        email = ""
    new = Person(
        id=made.id("people", key),
        external_id=key,
        where=entry.where,
        family_name=texts["family"],
        given_name=texts["given"],
        middle_name=texts.get("middle", ""),
        email=email,
        phone=texts.get("phone", ""),
        birth_date=entry.days.get("birth"),
    )
    old = made.people.get(key)
    if old is None:
        name = _full_name(texts)
        other, line = made.names.setdefault(name, (key, entry.line))
        if other != key:
            made.findings.add("namesakes", entry.file, entry.line, where=line)
        return new
    return _joined(made, entry, old, new)


def _joined(made: _List, entry: Entry, old: Person, new: Person) -> Person:
    """The person of two rows: what one leaves empty the other fills."""
    filled: dict[str, object] = {}
    for name, title in _AGREED.items():
        before, now = getattr(old, name), getattr(new, name)
        if before and now and before != now and _folded(str(before)) != _folded(str(now)):
            _refuse(made, entry, "person_conflict", column=title, where=old.where.rpartition(":")[2])
        filled[name] = before or now
    return old.model_copy(update=filled)


def _group(made: _List, entry: Entry, name: str) -> str:
    key = _folded(name)
    group = made.groups.setdefault(
        key, StudyGroup(id=made.id("groups", key), external_id=key, where=entry.where, name=name)
    )
    return group.id


def _give(made: _List, entry: Entry, key: str, role: RoleName, group: str, group_id: str | None) -> None:
    """The role, and for a student the enrolment. A curator has the role once per group."""
    curated = group_id if role == "curator" else None
    sid = f"{key} {role}" + (f" {_folded(group)}" if curated else "")
    made.roles.setdefault(
        sid,
        Role(
            id=made.id("roles", sid),
            external_id=sid,
            where=entry.where,
            person_id=made.id("people", key),
            role=role,
            group_id=curated,
        ),
    )
    if role == "student" and group_id is not None:
        sid = f"{key} {_folded(group)}"
        made.enrolments.setdefault(
            sid,
            Enrolment(
                id=made.id("enrolments", sid),
                external_id=sid,
                where=entry.where,
                person_id=made.id("people", key),
                group_id=group_id,
                starts_on=entry.days.get("since"),
            ),
        )


def _link(made: _List, entry: Entry, guardian: str, named: dict[str, list[str]]) -> None:
    """The children of a guardian's row, by code or by name with or without the middle name."""
    for part in entry.texts.get("child", "").split(";"):
        wanted = " ".join(part.split())
        if not wanted:
            continue
        students = [wanted] if f"{wanted} student" in made.roles else named.get(_folded(wanted), [])
        if len(students) != 1:
            code = "child_ambiguous" if students else "child_unknown"
            made.findings.add(code, entry.file, entry.line, value=wanted)
            continue
        sid = f"{guardian} {students[0]}"
        made.guardians.setdefault(
            sid,
            Guardian(
                id=made.id("guardians", sid),
                external_id=sid,
                where=entry.where,
                guardian_id=made.id("people", guardian),
                student_id=made.id("people", students[0]),
            ),
        )


def _students_by_name(made: _List) -> dict[str, list[str]]:
    """Keys of students by full name and by name without the middle name."""
    found: dict[str, list[str]] = {}
    for key, p in made.people.items():
        if f"{key} student" in made.roles:
            short = f"{p.family_name} {p.given_name}"
            for name in {_folded(short), _folded(f"{short} {p.middle_name}")}:
                found.setdefault(name, []).append(key)
    return found
