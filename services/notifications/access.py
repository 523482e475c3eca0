"""Whose notices a person reads: the audiences that he belongs to today. There is no other way to a notice.

Everybody: what is addressed to him. A student: his own and his group's. A guardian: those of his own children and
their groups, as of today (R 3.6). A curator: his group's timetable. A teacher: his pages, his lessons, the timetables
of the groups that he teaches. A deputy, in whatever scope: what is addressed to that role.
"""

from typing import NamedTuple

from services.kit.authn import Principal
from services.kit.http import Policy

INBOX = Policy("inbox", signed_in=True)
TEACHING = ("teacher", "workshop_instructor")
ADDRESSED = ("deputy_director",)
"""Roles that notices are addressed to."""


class Audiences(NamedTuple):
    """named: audiences known from the grants. teacher: the person whose pages and lessons add to them, "" = none."""

    named: list[str]
    teacher: str


def audiences(principal: Principal) -> Audiences:
    """The audiences of the asking person on his day."""
    subject, today = principal.subject, principal.today
    named = {f"person:{subject}"}
    if principal.grants.ever(subject, "member", today):
        named.add(f"student:{subject}")
    groups = principal.roles.get("member", set()) | principal.roles.get("curator", set())
    for child in principal.roles.get("guardian", ()):
        named.add(f"student:{child}")
        groups = groups | principal.grants.objects(child, "member", today)
    named |= {f"group:{group}" for group in groups}
    named |= {f"role:{role}" for role in ADDRESSED if principal.has(role)}
    return Audiences(sorted(named), subject if principal.has(*TEACHING) else "")
