"""OneRoster's people: users, their roles, teaching and enrolments per class, guardians.

Powers are given sparingly: nobody becomes staff by an enrolment alone, roles of administrators are not taken over, and
a guardian link needs a guardian on one side and a student on the other, in whichever direction the file writes it.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, NamedTuple

from services.importing import cells
from services.importing.cells import BadCell
from services.importing.columns import ROLES
from services.importing.intake import Desk
from services.importing.roster import Enrolment, Guardian, Person, Role, RoleName, StudyGroup, Teaching
from services.importing.structure import Frame, org_of
from services.importing.tables import Row

Part = Literal["teacher", "student"]
_STAFF: Final = "staff without a role here"


@dataclass(slots=True)
class Members:
    """What was read. `held`: declared roles by user, `_STAFF` for one that is not taken; `concluded`: by enrolment."""

    people: dict[str, Person] = field(default_factory=dict)
    roles: list[Role] = field(default_factory=list)
    held: dict[str, set[str]] = field(default_factory=dict)
    concluded: dict[tuple[str, Part], Role] = field(default_factory=dict)
    teaching: list[Teaching] = field(default_factory=list)
    enrolments: list[Enrolment] = field(default_factory=list)
    guardians: dict[tuple[str, str], Guardian] = field(default_factory=dict)
    agents: list[Row] = field(default_factory=list)


def read_users(desk: Desk, frame: Frame, members: Members) -> None:
    """Users: a person each; in OneRoster 1.1 with a role."""
    births = _birth_dates(desk)
    for row, active in desk.rows("users", lambda row: desk.delete(row, "people", row["sourcedId"])):
        sid = row["sourcedId"]
        with desk.careful("users", row):
            column = "orgSourcedIds" if row["orgSourcedIds"] else "primaryOrgSourcedId"
            org_id = org_of(desk, frame, row, "users", column)
            person = Person(
                id=desk.id("people", sid),
                external_id=sid,
                where=row.where,
                active=active,
                family_name=row["familyName"],
                given_name=row["givenName"],
                middle_name=row["middleName"],
                username=row["username"],
                email=_email(desk, row),
                phone=row["phone"] or row["sms"],
                enabled=desk.flag(row, "enabledUser", True),
                birth_date=births.get(sid),
            )
            if "role" in desk.tables["users"].headers:
                if not row["role"]:
                    desk.refuse(row, "missing_value", column="role")
                _take_role(desk, members, row, sid, f"{sid} {row['role'].lower()}", org_id, None, None, active)
            members.people[sid] = person
            if row["agentSourcedIds"]:
                members.agents.append(row)


def read_roles(desk: Desk, frame: Frame, members: Members) -> None:
    """roles.csv of OneRoster 1.2."""
    for row, active in desk.rows("roles", lambda row: desk.delete(row, "roles", row["sourcedId"])):
        with desk.careful("roles", row):
            user, fate = desk.needed(row, "roles", "userSourcedId")
            start, end = desk.span(row, "roles", "beginDate", "endDate")
            org_id = org_of(desk, frame, row, "roles", "orgSourcedId")
            if fate == "deleted":
                desk.delete(row, "roles", row["sourcedId"])
                continue
            _take_role(desk, members, row, user, row["sourcedId"], org_id, start, end, active)


def read_enrolments(desk: Desk, frame: Frame, members: Members) -> None:
    """Enrolments: teachers' become teaching, students' become enrolments; other roles are left out."""
    taken: dict[tuple[str, str, Part], list[_Span]] = {}
    leads: dict[str, list[tuple[bool, int]]] = {}
    for row, active in desk.rows("enrollments", lambda row: _delete_enrolment(desk, row)):
        with desk.careful("enrollments", row):
            user, user_fate = desk.needed(row, "enrollments", "userSourcedId")
            class_, class_fate = desk.needed(row, "enrollments", "classSourcedId")
            start, end = desk.span(row, "enrollments", "beginDate", "endDate")
            primary = desk.flag(row, "primary", False)
            part = _part(desk, members, row, user)
            if part is None:
                continue
            if "deleted" in (user_fate, class_fate):
                desk.delete(row, "teaching" if part == "teacher" else "enrolments", row["sourcedId"])
                continue
            span = _Span(start or date.min, end or date.max, row.line)
            others = taken.setdefault((user, class_, part), [])
            before = next((o for o in others if o.start <= span.end and span.start <= o.end), None)
            if before is not None:
                desk.note(row, "enrolment_twice", where=before.line)
                continue
            others.append(span)
            group = frame.groups.get(class_)
            _check_span(desk, row, group, start, end)
            if active:
                _conclude(desk, members, row, user, part)
            if part == "teacher":
                members.teaching.append(_teaching(desk, row, user, class_, group, primary, start, end, active))
                leads.setdefault(class_, []).append((primary, len(members.teaching) - 1))
            else:
                members.enrolments.append(
                    Enrolment(
                        id=desk.id("enrolments", row["sourcedId"]),
                        external_id=row["sourcedId"],
                        where=row.where,
                        active=active,
                        person_id=desk.id("people", user),
                        group_id=desk.id("groups", class_),
                        starts_on=start or (group.starts_on if group else None),
                        ends_on=end,
                    )
                )
    if desk.scope["enrollments"] == "bulk":
        _choose_responsible(desk, members, leads)
        _report_untaught(desk, frame, leads)


def read_guardians(desk: Desk, members: Members) -> None:
    """Agents: the file may write the guardian at the student or the student at the guardian; both are met."""
    for row in members.agents:
        own = _roles_of(members, row["sourcedId"])
        for agent in cells.listed(row["agentSourcedIds"]):
            fate = desk.fate("users", "users", agent)
            if fate == "outside":
                # of a person that is not here only the row's own role can tell which side he is on
                others = {"guardian"} if "student" in own else {"student"}
            elif fate == "known":
                others = _roles_of(members, agent)
            else:
                desk.note(row, "agent_unknown", column="agentSourcedIds", value=agent)
                continue
            if "student" in own and "guardian" in others:
                _link(desk, members, row, agent, row["sourcedId"])
            elif "guardian" in own and "student" in others:
                _link(desk, members, row, row["sourcedId"], agent)
            else:
                desk.note(row, "agent_not_guardian", column="agentSourcedIds", value=agent)


# --- people and roles


class _Birth(NamedTuple):
    on: date
    row: Row


def _birth_dates(desk: Desk) -> dict[str, date]:
    """Birth dates of demographics.csv by user; nothing else of that file is taken."""
    found: dict[str, _Birth] = {}
    for row, _ in desk.rows("demographics", lambda row: None):
        with desk.careful("demographics", row):
            born = desk.day(row, "demographics", "birthDate")
            if born is not None:
                found[row["sourcedId"]] = _Birth(born, row)
    users = {row["sourcedId"] for row in desk.tables["users"].rows} if "users" in desk.tables else set()
    for sid, birth in found.items():
        if sid not in users:
            desk.note(birth.row, "birth_date_of_nobody", value=sid)
    return {sid: birth.on for sid, birth in found.items()}


def _email(desk: Desk, row: Row) -> str:
    try:
        return cells.email(row["email"])
    except BadCell:
        desk.note(row, "bad_email", column="email", value=row["email"])
        return ""


def _take_role(
    desk: Desk,
    members: Members,
    row: Row,
    user: str,
    sid: str,
    org_id: str | None,
    start: date | None,
    end: date | None,
    active: bool,
) -> None:
    word = row["role"].lower()
    if not word.startswith("ext:"):
        desk.word(row, "role", ROLES)
    role = ROLES.get(word)
    held = members.held.setdefault(user, set())
    if role is None:
        desk.note(row, "role_not_taken", value=row["role"])
        held.add(_STAFF)
        return
    if active:
        held.add(role)
    members.roles.append(
        Role(
            id=desk.id("roles", sid),
            external_id=sid,
            where=row.where,
            active=active,
            person_id=desk.id("people", user),
            role=role,
            org_id=org_id,
            starts_on=start,
            ends_on=end,
        )
    )


def _roles_of(members: Members, user: str) -> set[str]:
    parts: tuple[Part, ...] = ("teacher", "student")
    return members.held.get(user, set()) | {p for p in parts if (user, p) in members.concluded}


def _conclude(desk: Desk, members: Members, row: Row, user: str, part: Part) -> None:
    """A role that only the enrolment gives. A teacher whose roles the file does not state is left to what is stored."""
    held = members.held.get(user, set())
    if part in held:
        return
    stated = user in members.people and (
        "bulk" in (desk.scope["roles"], desk.scope["users"]) or "role" in desk.tables["users"].headers
    )
    if part == "teacher" and not stated:
        return
    declared = ", ".join(sorted(held)) or "—"
    if part == "teacher" and not held - {"student", "guardian"}:
        desk.refuse(row, "teacher_not_staff", value=user, role=declared)
    if stated and held:
        desk.note(row, "role_differs", value=user, role=part, declared=declared)
    elif stated:
        desk.note(row, "role_assumed", value=user, role=part)
    role: RoleName = part
    sid = f"{user} {role}"
    members.concluded.setdefault(
        (user, part),
        Role(
            id=desk.id("roles", sid),
            external_id=sid,
            where=row.where,
            person_id=desk.id("people", user),
            role=role,
            basis="enrolment",
        ),
    )


# --- enrolments


class _Span(NamedTuple):
    start: date
    end: date
    line: int


def _part(desk: Desk, members: Members, row: Row, user: str) -> Part | None:
    """The part that the enrolment gives; in an export without the column, the part that the user's role allows."""
    if "role" in desk.tables["enrollments"].headers:
        word = row["role"].lower()
        if not word.startswith("ext:"):
            desk.word(row, "role", ROLES)
    else:
        word = next(iter(sorted(members.held.get(user, set()) & {"student", "teacher"}, reverse=True)), "")
    if word == "teacher":
        return "teacher"
    if word == "student":
        return "student"
    desk.note(row, "enrolment_not_taken", value=word or "—")
    return None


def _delete_enrolment(desk: Desk, row: Row) -> None:
    """A deleted enrolment; without a role it may have been either."""
    word = row["role"].lower()
    if word != "student":
        desk.delete(row, "teaching", row["sourcedId"])
    if word != "teacher":
        desk.delete(row, "enrolments", row["sourcedId"])


def _check_span(desk: Desk, row: Row, group: StudyGroup | None, start: date | None, end: date | None) -> None:
    if group is None or group.starts_on is None or group.ends_on is None:
        return
    if (start and start > group.ends_on) or (end and end < group.starts_on):
        desk.note(row, "outside_period", start=start or "…", end=end or "…")


def _teaching(
    desk: Desk,
    row: Row,
    user: str,
    class_: str,
    group: StudyGroup | None,
    primary: bool,
    start: date | None,
    end: date | None,
    active: bool,
) -> Teaching:
    return Teaching(
        id=desk.id("teaching", row["sourcedId"]),
        external_id=row["sourcedId"],
        where=row.where,
        active=active,
        person_id=desk.id("people", user),
        group_id=desk.id("groups", class_),
        discipline_id=group.discipline_id if group else None,
        period_ids=group.period_ids if group else (),
        responsible=primary,
        starts_on=start,
        ends_on=end,
    )


def _choose_responsible(desk: Desk, members: Members, leads: dict[str, list[tuple[bool, int]]]) -> None:
    """Exactly one responsible teacher per group: the primary one, of several the one whose id comes first.

    By id and not by line, so that another order of the same export does not move the right to set finals.
    """
    for teachers in leads.values():
        here = [n for _, n in teachers if members.teaching[n].active]
        primary = [n for n in here if members.teaching[n].responsible]
        chosen = min(primary or here, key=lambda n: members.teaching[n].external_id, default=None)
        for n in here:
            members.teaching[n] = members.teaching[n].model_copy(update={"responsible": n == chosen})
        if chosen is not None and len(primary or here) > 1:
            t = members.teaching[chosen]
            file, _, line = t.where.rpartition(":")
            desk.findings.add("several_responsible", file, int(line), count=len(primary or here), value=t.external_id)


def _report_untaught(desk: Desk, frame: Frame, leads: dict[str, list[tuple[bool, int]]]) -> None:
    untaught = [sid for sid, group in frame.groups.items() if group.active and sid not in leads]
    if untaught:
        shown = ", ".join(untaught[:5]) + (" …" if len(untaught) > 5 else "")
        desk.findings.add("no_teacher", desk.file_of("classes"), count=len(untaught), value=shown)


# --- guardians


def _link(desk: Desk, members: Members, row: Row, guardian: str, student: str) -> None:
    for sid in (guardian, student):
        if sid not in members.people:
            desk.expect(row, "people", sid)
    sid = f"{guardian} {student}"
    members.guardians.setdefault(
        (guardian, student),
        Guardian(
            id=desk.id("guardians", sid),
            external_id=sid,
            where=row.where,
            guardian_id=desk.id("people", guardian),
            student_id=desk.id("people", student),
        ),
    )
