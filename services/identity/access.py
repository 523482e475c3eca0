"""Who reaches whom: the only way to people and groups for whoever asks over HTTP.

Two depths: *whole* (contacts, birth date, account) and *name*. A foreign person or group answers as a missing one.

| who asks | whole | name |
| --- | --- | --- |
| journal_administrator | everybody | everybody |
| director, deputy_director, study_office, college-wide | everybody | everybody |
| the same for groups; curator of own groups | students of these groups and their guardians | students, staff |
| teacher, workshop_instructor | himself | students, staff |
| student, guardian | himself; own children | staff |
| auditor | himself | nobody (pseudonymous) |
"""

from typing import NamedTuple

from services.kit.authn import Principal
from services.kit.http import Policy
from services.kit.problems import Forbidden, NotFound

PUBLIC = Policy("public", public=True)
SERVICE = Policy("service", service=True)
SIGNED_IN = Policy("signed_in", signed_in=True)
ADMINISTRATOR = Policy("administrator", "journal_administrator")
ROLES = Policy("grant_roles", "journal_administrator", "director")
STUDENTS = Policy("students_by_order", "journal_administrator", "study_office", "deputy_director")
CURATORS = Policy("appoint_curators", "journal_administrator", "deputy_director", "director")
CARE = Policy("students_data", "journal_administrator", "curator")
EXTEND = Policy("extend_guardian", "journal_administrator", "curator", "student")
SPLIT = Policy("subgroups", "curator", "teacher", "workshop_instructor")

LEADERS = ("director", "deputy_director", "study_office")
TEACHING = ("teacher", "workshop_instructor")


class Reach(NamedTuple):
    """Whom somebody reaches: whole everybody or these people, and by name."""

    everybody: bool
    people: list[str]
    names_of_students: bool
    names_of_staff: bool


def reach(principal: Principal) -> Reach:
    roles = principal.roles
    scopes: set[str] = set().union(*(roles.get(role, set()) for role in LEADERS))
    people = {principal.subject} | roles.get("guardian", set())
    for group in (scopes | roles.get("curator", set())) - {""}:
        for student in principal.grants.subjects("member", group, principal.today):
            people |= {student} | principal.grants.subjects("guardian", student, principal.today)
    names = principal.has(*LEADERS, *TEACHING, "curator")
    return Reach(
        "journal_administrator" in roles or "" in scopes,
        sorted(people),
        names,
        names or principal.has("student", "guardian"),
    )


def is_staff(principal: Principal) -> bool:
    return principal.has("journal_administrator", *LEADERS, *TEACHING, "curator", "auditor")


# -- acting -------------------------------------------------------------------------------------------------------


def for_students_of(principal: Principal, *groups: str) -> str:
    """The role under which he enrols, moves or releases students of all these groups. Raises NotFound."""
    if principal.has("journal_administrator"):
        return "journal_administrator"
    for role in ("study_office", "deputy_director"):
        if all(principal.in_scope(role, group) for group in groups):
            return role
    raise NotFound


def for_enrolment(principal: Principal, group: str, person: str) -> str:
    """The role under which he enrols that person in the group. Raises NotFound.

    Whoever is enrolled is seen whole by his group's office. So an office for groups enrols nobody who is already
    somebody beyond them, member of another group, of the staff or a guardian: that takes one for the whole college.
    """
    role = for_students_of(principal, group)
    if role != "journal_administrator" and not principal.in_scope(role, ""):
        held = principal.grants.roles(person, principal.today)
        if held.keys() - {"student", "member"} or not held.get("member", set()) <= principal.roles[role]:
            raise NotFound
    return role


def for_college(principal: Principal) -> str:
    """The role under which he forms groups: only college-wide. Raises Forbidden."""
    try:
        return for_students_of(principal, "")
    except NotFound:
        raise Forbidden from None


def for_group(principal: Principal, group: str) -> str:
    """The role under which he appoints the group's curator. Raises NotFound."""
    if principal.has("journal_administrator"):
        return "journal_administrator"
    for role in ("director", "deputy_director"):
        if principal.in_scope(role, group):
            return role
    raise NotFound


def for_student(principal: Principal, student: str) -> str:
    """The role under which he keeps a student's data and guardians (R 3.3, 4.3.4). Raises NotFound."""
    if principal.has("journal_administrator"):
        return "journal_administrator"
    if principal.roles.get("curator", set()) & principal.grants.objects(student, "member", principal.today):
        return "curator"
    raise NotFound


def for_person(principal: Principal, person: str) -> str:
    """The role under which he corrects a person's data or issues his code: the administrator anybody's; a curator
    that of own students and their guardians, unless they are staff as well. Raises NotFound."""
    if principal.has("journal_administrator"):
        return "journal_administrator"
    children = principal.grants.objects(person, "guardian", principal.today)
    for student in (person, *children):
        try:
            return for_student(principal, student)
        except NotFound:
            continue
    raise NotFound


def for_link(principal: Principal, student: str, guardian: str) -> str:
    """The role under which he links an existing person to a student as guardian. Raises NotFound.

    A guardian of the group is seen whole by its curator, who may also issue his code; so the curator links only whom
    he sees already, and registers others himself.
    """
    role = for_student(principal, student)
    for_person(principal, guardian)
    return role


def for_extension(principal: Principal, student: str, basis: str) -> str:
    """A document is entered by curator or administrator, consent is given by the student himself."""
    if basis == "consent":
        if principal.subject != student:
            raise Forbidden
        return "student"
    return for_student(principal, student)


def sees_group(principal: Principal, group: str) -> bool:
    """Staff see all groups, students those that they ever were in, guardians those of their children."""
    if is_staff(principal):
        return True
    own = principal.roles.get("guardian", set()) | {principal.subject}
    return any(group in principal.grants.ever(person, "member", principal.today) for person in own)


def sees_splits(principal: Principal, group: str) -> bool:
    """All splits of the group: its curator. Not all, but those that he is a side of: who teaches. Raises NotFound."""
    return for_split(principal, group) == "curator"


def for_split(principal: Principal, group: str) -> str:
    """The side on which he proposes a split: "curator" of that group, else "teacher"."""
    if group in principal.roles.get("curator", set()):
        return "curator"
    if principal.has(*TEACHING):
        return "teacher"
    raise NotFound
