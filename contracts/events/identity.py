"""Events of identity: who is who, in ids only. Names, contacts and birth dates stay in identity's own tables."""

from datetime import date
from typing import Literal

from contracts.envelope import Event, EventTypes

Role = Literal[
    "teacher",
    "workshop_instructor",
    "curator",
    "study_office",
    "deputy_director",
    "journal_administrator",
    "director",
    "student",
    "guardian",
    "auditor",
]
StudentStatus = Literal[
    "studying", "academic_leave", "individual_plan", "extramural", "extern", "withdrawn", "graduated"
]


class PersonRegistered(Event):
    type: Literal["PersonRegistered.v1"] = "PersonRegistered.v1"
    person: str
    demo: bool = False


class RoleGranted(Event):
    """A role from `starts_on` to `ends_on` (both days included; None: open). `scope`: a group id, "" = college."""

    type: Literal["RoleGranted.v1"] = "RoleGranted.v1"
    grant: str
    person: str
    role: Role
    scope: str = ""
    starts_on: date
    ends_on: date | None = None
    order_no: str = ""


class RoleRevoked(Event):
    """The grant ends at once."""

    type: Literal["RoleRevoked.v1"] = "RoleRevoked.v1"
    grant: str
    person: str


class GroupFormed(Event):
    type: Literal["GroupFormed.v1"] = "GroupFormed.v1"
    group: str
    title: str
    specialty: str = ""
    admission_year: int | None = None


class StudentEnrolled(Event):
    """The student belongs to the group from `starts_on` to `ends_on` (both included; None: open)."""

    type: Literal["StudentEnrolled.v1"] = "StudentEnrolled.v1"
    enrolment: str
    student: str
    group: str
    starts_on: date
    ends_on: date | None = None
    order_no: str = ""


class StudentTransferred(Event):
    """On day `on` the student is in `to_group` under `enrolment`; the enrolment `left` ended the day before."""

    type: Literal["StudentTransferred.v1"] = "StudentTransferred.v1"
    student: str
    left: str
    from_group: str
    enrolment: str
    to_group: str
    on: date
    order_no: str = ""


class StudentStatusChanged(Event):
    """From day `on`. `withdrawn` and `graduated` end the enrolment: its last day is the day before `on`."""

    type: Literal["StudentStatusChanged.v1"] = "StudentStatusChanged.v1"
    student: str
    enrolment: str
    group: str
    status: StudentStatus
    on: date
    order_no: str = ""


class CuratorAppointed(Event):
    """A curator of the group from `starts_on` to `ends_on`; the appointment `replaces` ends the day before."""

    type: Literal["CuratorAppointed.v1"] = "CuratorAppointed.v1"
    appointment: str
    group: str
    person: str
    starts_on: date
    ends_on: date | None = None
    replaces: str = ""
    order_no: str = ""


class SubgroupProposed(Event):
    """A split of a group for one discipline; waits for the other side's agreement (R 4.3.3, 4.4.4)."""

    type: Literal["SubgroupProposed.v1"] = "SubgroupProposed.v1"
    split: str
    group: str
    discipline: str
    subgroups: dict[str, tuple[str, ...]]
    proposed_by: str


class SubgroupAgreed(Event):
    """The split is in force from `starts_on`: {subgroup number: students}."""

    type: Literal["SubgroupAgreed.v1"] = "SubgroupAgreed.v1"
    split: str
    group: str
    discipline: str
    subgroups: dict[str, tuple[str, ...]]
    starts_on: date
    agreed_by: str


class GuardianLinked(Event):
    """The guardian reads that student's data from `starts_on` to `ends_on` (R 3.6)."""

    type: Literal["GuardianLinked.v1"] = "GuardianLinked.v1"
    link: str
    guardian: str
    student: str
    starts_on: date
    ends_on: date | None = None


class GuardianUnlinked(Event):
    """The link ends at once."""

    type: Literal["GuardianUnlinked.v1"] = "GuardianUnlinked.v1"
    link: str
    guardian: str
    student: str


class ActivationCodeIssued(Event):
    """`reissued`: the person had an account already, so its owner is to hear of it; of a code for somebody of the
    `staff` the deputy as well."""

    type: Literal["ActivationCodeIssued.v1"] = "ActivationCodeIssued.v1"
    code: str
    person: str
    issued_by: str
    reissued: bool = False
    staff: bool = False


class AccountActivated(Event):
    type: Literal["AccountActivated.v1"] = "AccountActivated.v1"
    person: str
    code: str


class AccountDisabled(Event):
    """The person cannot sign in, and every session of his is over."""

    type: Literal["AccountDisabled.v1"] = "AccountDisabled.v1"
    person: str


class AccountEnabled(Event):
    type: Literal["AccountEnabled.v1"] = "AccountEnabled.v1"
    person: str


class SessionOpened(Event):
    """`session` is the SHA-256 (hex) of the session's secret."""

    type: Literal["SessionOpened.v1"] = "SessionOpened.v1"
    session: str
    person: str


class SessionRevoked(Event):
    type: Literal["SessionRevoked.v1"] = "SessionRevoked.v1"
    session: str
    person: str


class PersonErased(Event):
    type: Literal["PersonErased.v1"] = "PersonErased.v1"
    person: str


EVENTS = EventTypes(
    PersonRegistered,
    RoleGranted,
    RoleRevoked,
    GroupFormed,
    StudentEnrolled,
    StudentTransferred,
    StudentStatusChanged,
    CuratorAppointed,
    SubgroupProposed,
    SubgroupAgreed,
    GuardianLinked,
    GuardianUnlinked,
    ActivationCodeIssued,
    AccountActivated,
    AccountDisabled,
    AccountEnabled,
    SessionOpened,
    SessionRevoked,
    PersonErased,
)
