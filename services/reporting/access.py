"""Who reads which card and which group; the only way to their data. What is not his answers as if it were not there.

A student reads his own card over all years, also after graduation (R 2.4); a guardian that of his own child, as of
today (R 3.6); a curator those of his own group (R 4.3.1, 4.3.2); deputy, study office and director within their
scope; an auditor too, in ids only. A teacher has his pages, not cards; the journal administrator sees no grades.
"""

from services.kit.authn import Principal
from services.kit.http import Policy
from services.kit.problems import NotFound

SUPERVISORS = ("deputy_director", "study_office", "director", "auditor")

CARD = Policy("card", signed_in=True)
OWN_CARD = Policy("own card", signed_in=True)
GROUP = Policy("group report", "curator", *SUPERVISORS)
GAPS = Policy("gap list", "curator", "journal_administrator", *SUPERVISORS)


def card(principal: Principal, student: str) -> bool:
    """Whether this is a staff read, to be noted. Raises NotFound."""
    if student == principal.subject:
        if principal.grants.ever(student, "member", principal.today):
            return False
        raise NotFound
    if student in principal.roles.get("guardian", ()):
        return False
    groups = principal.grants.objects(student, "member", principal.today)
    if groups & principal.roles.get("curator", set()):
        return True
    for role in SUPERVISORS:
        scopes = principal.roles.get(role, set())
        if groups & scopes or ("" in scopes and principal.grants.ever(student, "member", principal.today)):
            return True
    raise NotFound


def group(principal: Principal, group_id: str, *more: str) -> None:
    """The caller may read reports of the group, by the roles above or by one of `more`. Raises NotFound."""
    if group_id in principal.roles.get("curator", ()):
        return
    if not any(principal.in_scope(role, group_id) for role in (*SUPERVISORS, *more)):
        raise NotFound
