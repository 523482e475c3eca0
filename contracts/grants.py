"""What identity's events say about rights, as dated relations: the one reading of them for every service.

A relation is (subject, relation, object) from day to day, both included. Relations: `role:NAME` (object = scope,
"" = college), `curator` (object = group), `member` (object = group, subject = student), `guardian` (object = student).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from contracts.events import identity as e

DAY = timedelta(days=1)


class Relation(NamedTuple):
    """`id` is unique among relations; the same id again replaces."""

    id: str
    subject: str
    relation: str
    object: str
    starts_on: date
    ends_on: date | None


class Ended(NamedTuple):
    """The relation `id` ends: its last day is `on`, or at once and without a trace of it when `on` is None."""

    id: str
    on: date | None


class SessionOver(NamedTuple):
    """The session (SHA-256 hex) is over at once."""

    session: str


class SubjectOut(NamedTuple):
    """Every session of the person is over at once and none is accepted; `out` False lets him in again."""

    subject: str
    out: bool


Change = Relation | Ended | SessionOver | SubjectOut


def changes(event: Any) -> Iterator[Change]:
    """The changes of rights that an identity event brings; nothing for events that bring none."""
    match event:
        case e.RoleGranted():
            yield Relation(event.grant, event.person, f"role:{event.role}", event.scope, event.starts_on, event.ends_on)
        case e.RoleRevoked():
            yield Ended(event.grant, None)
        case e.CuratorAppointed():
            if event.replaces:
                yield Ended(event.replaces, event.starts_on - DAY)
            yield Relation(event.appointment, event.person, "curator", event.group, event.starts_on, event.ends_on)
        case e.StudentEnrolled():
            yield Relation(event.enrolment, event.student, "member", event.group, event.starts_on, event.ends_on)
        case e.StudentTransferred():
            yield Ended(event.left, event.on - DAY)
            yield Relation(event.enrolment, event.student, "member", event.to_group, event.on, None)
        case e.StudentStatusChanged() if event.status in ("withdrawn", "graduated"):
            yield Ended(event.enrolment, event.on - DAY)
        case e.GuardianLinked():
            yield Relation(event.link, event.guardian, "guardian", event.student, event.starts_on, event.ends_on)
        case e.GuardianUnlinked():
            yield Ended(event.link, None)
        case e.SessionRevoked():
            yield SessionOver(event.session)
        case e.AccountDisabled() | e.AccountEnabled():
            yield SubjectOut(event.person, isinstance(event, e.AccountDisabled))
        case e.PersonErased():
            yield SubjectOut(event.person, True)
