"""Who reads and who changes which part of the schedule. A foreign object answers exactly as a missing one.

Changes: deputy director and study office within their scope, the journal administrator (R 4.2.7, 4.5.2); a programme
also by who teaches it (R 3.4). Reading: staff everything; a student his own groups; a guardian those of his children.
"""

from collections.abc import Iterable

from services.kit.authn import Principal
from services.kit.problems import Forbidden, NotFound
from services.schedule.views.lessons import Membership

EDITORS = ("deputy_director", "study_office", "journal_administrator")
TEACHING = ("teacher", "workshop_instructor")
STAFF = (*EDITORS, *TEACHING, "curator", "director", "auditor")


def college_editor(principal: Principal) -> str:
    """The role under which he changes what belongs to the whole college. Raises Forbidden."""
    for role in EDITORS:
        if "" in principal.roles.get(role, ()):
            return role
    raise Forbidden


def editor(principal: Principal, groups: Iterable[str]) -> str:
    """The role under which he changes the schedule of all these groups. Raises NotFound."""
    wanted = list(groups)
    for role in EDITORS:
        if all(principal.in_scope(role, group) for group in wanted):
            return role
    raise NotFound


def teaching_role(principal: Principal) -> str:
    """The role under which he teaches. Raises NotFound for one who does not."""
    for role in TEACHING:
        if principal.has(role):
            return role
    raise NotFound


def is_staff(principal: Principal) -> bool:
    return principal.has(*STAFF)


def read_group(principal: Principal, group: str) -> None:
    """Raises NotFound unless he may read the schedule of that group today."""
    if not is_staff(principal) and group not in _groups(principal):
        raise NotFound


def read_all(principal: Principal) -> None:
    """Raises NotFound for one who may read some groups only."""
    if not is_staff(principal):
        raise NotFound


def read_student(principal: Principal, student: str) -> list[Membership]:
    """The student's days in his groups. Raises NotFound unless they are his own, his child's or he is staff."""
    own = student == principal.subject or student in principal.roles.get("guardian", ())
    terms = memberships(principal, student)
    if not (own or is_staff(principal)) or (not terms and student != principal.subject):
        raise NotFound
    return terms


def memberships(principal: Principal, student: str) -> list[Membership]:
    return [Membership(r.object, r.starts_on, r.ends_on) for r in principal.grants.terms(student, "member")]


def _groups(principal: Principal) -> set[str]:
    """The groups of a student, and those of a guardian's children, today."""
    own = set(principal.roles.get("member", ()))
    for child in principal.roles.get("guardian", ()):
        own |= principal.grants.objects(child, "member", principal.today)
    return own
