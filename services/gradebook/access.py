"""Who reaches which page. A page that is not one's own answers exactly as a missing one.

Teachers by the page's own facts and dates, curators by their groups, offices by their scope. The administrator of the
journal reaches no page, students and guardians read in reporting.
"""

from datetime import timedelta

from services.gradebook.page import Page
from services.gradebook.rules import TEACHERS
from services.kit.authn import Principal
from services.kit.http import Policy
from services.kit.problems import NotFound

OFFICES = ("study_office", "deputy_director", "director", "auditor")
DEPUTIES = ("director", "deputy_director")
SUBSTITUTE_READS_DAYS = 14
"""A substitute reads the page from the day he is named until so many days after his lesson."""

READ = Policy("pages.read", *TEACHERS, "curator", *OFFICES)
WRITE = Policy("pages.write", *TEACHERS)
PERMIT = Policy("pages.permit", *DEPUTIES)
SEARCHERS = (*DEPUTIES, "auditor")
SEARCH = Policy("history.search", *SEARCHERS)
MAKEUPS = Policy("makeups.read", "curator", "study_office", "deputy_director", "director")
ABSENCE_READ = Policy("absences.read", "student", "guardian", "curator", "study_office", "deputy_director", "director")
ABSENCE_ANNOUNCE = Policy("absences.announce", "student", "guardian")
ABSENCE_CLASSIFY = Policy("absences.classify", "curator")


def group_of(page: Page) -> str:
    """The group of a page that exists; raises NotFound."""
    if page.opened is None:
        raise NotFound
    return page.opened.group


def read(page: Page, principal: Principal) -> None:
    """The person may read the page today; raises NotFound."""
    group = group_of(page)
    if reaches_group(principal, group) or (principal.has(*TEACHERS) and taught_by(page, principal)):
        return
    raise NotFound


def reaches_group(principal: Principal, group: str) -> bool:
    """By an office in scope, or as the group's curator."""
    return group in principal.roles.get("curator", ()) or any(principal.in_scope(role, group) for role in OFFICES)


def searches(principal: Principal, group: str) -> bool:
    """Whether he searches the history of the group's pages."""
    return any(principal.in_scope(role, group) for role in SEARCHERS)


def searches_student(principal: Principal, groups: set[str]) -> bool:
    """Whether he searches what a student of these groups announced and what was classified, today."""
    scopes = set().union(*(principal.roles.get(role, set()) for role in SEARCHERS))
    return "" in scopes or not scopes.isdisjoint(groups)


def taught_by(page: Page, principal: Principal) -> bool:
    """A teacher of the page today, or a substitute around his lesson."""
    since = principal.today - timedelta(days=SUBSTITUTE_READS_DAYS)
    return page.teaches(principal.subject, principal.today) or any(
        s.teacher == principal.subject and s.day >= since for s in page.substitutes.values()
    )


def teacher_role(principal: Principal) -> str:
    """The role under which a teacher writes; which lessons, is for rule G1 to say."""
    return "teacher" if "teacher" in principal.roles else "workshop_instructor"


def deputy_role(page: Page, principal: Principal) -> str:
    """The role that may permit and close on this page; raises NotFound out of scope."""
    role = closing_role(principal, group_of(page))
    if role is None:
        raise NotFound
    return role


def closing_role(principal: Principal, group: str) -> str | None:
    """The role under which the person closes pages of the group; None for who only reads there by another one."""
    return next((role for role in DEPUTIES if principal.in_scope(role, group)), None)


def closes_group(principal: Principal, group: str) -> bool:
    """A deputy of the group."""
    return closing_role(principal, group) is not None


def announces(principal: Principal, student: str) -> str:
    """The role under which the person announces the student's absence: guardian today, or the student himself when
    nobody is his guardian today. Raises NotFound."""
    if student in principal.roles.get("guardian", ()):
        return "guardian"
    if (
        principal.subject == student
        and principal.has("student")
        and not principal.grants.subjects("guardian", student, principal.today)
    ):
        return "student"
    raise NotFound


def reads_absences(principal: Principal, student: str) -> None:
    """The student, his guardian, his curator, an office in scope of his group; raises NotFound."""
    groups = principal.grants.objects(student, "member", principal.today)
    if (
        (principal.subject == student and principal.has("student"))
        or student in principal.roles.get("guardian", ())
        or any(reaches_group(principal, group) for group in groups if not principal.has("auditor"))
    ):
        return
    raise NotFound


def classifies(principal: Principal, student: str) -> None:
    """The curator of the student's group today; raises NotFound."""
    if principal.roles.get("curator", set()).isdisjoint(principal.grants.objects(student, "member", principal.today)):
        raise NotFound
