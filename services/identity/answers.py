"""What identity answers, for the contract: one model per document. They describe; the bytes are built by hand."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from contracts.events.identity import Role, StudentStatus
from services.identity.directory import State
from services.kit.answers import Listed, Positioned, Shown, absent

Relation = Annotated[
    Role | Literal["member"], Field(description="A role; `member`: a student of the group that `scope` names.")
]
Kind = Literal["groups", "people", "roles", "guardians", "enrolments"]
LastDay = Annotated[date | None, Field(description="The last day, included; null: open.")]

# -- people -------------------------------------------------------------------------------------------------------


class Name(Shown):
    name: str
    short_name: Annotated[str, Field(description="«Фамилия И. О.»")]


class Names(Shown):
    """By id; ids that the caller may not see by name are left out like unknown ones."""

    names: dict[str, Name]


class HeldRole(Shown):
    """A role of today. scope: the group, "" = the whole college; title: of that group. id: of the grant."""

    role: Relation
    scope: str
    id: str
    title: str | None
    starts_on: date
    ends_on: LastDay


class PersonShown(Name):
    """A person; the members beyond `demo` are there when the caller sees him whole.

    state: of his account; `code`: an activation code is out, `none`: no account.
    """

    id: str
    erased: bool
    demo: bool
    family_name: str = absent()
    given_name: str = absent()
    middle_name: str = absent()
    email: str | None = absent()
    phone: str | None = absent()
    birth_date: date | None = absent()
    state: State = absent()
    login: str | None = absent()
    etag: str = absent()
    roles: tuple[HeldRole, ...] = absent()


class ChildGroup(Shown):
    group: str
    title: str


class Child(Name):
    """A child whose data a guardian reads today. until: the last day of that."""

    id: str
    until: LastDay
    groups: tuple[ChildGroup, ...]


class StatusOn(Shown):
    status: StudentStatus
    on: date
    order_no: str


class Enrolment(Shown):
    enrolment: str
    group: str
    title: str
    starts_on: date
    ends_on: LastDay
    order_no: str
    statuses: tuple[StatusOn, ...]


class GuardianLink(Shown):
    """basis: what carries it beyond the 18th birthday. unlinked: ended before its time."""

    link: str
    guardian: str
    name: str
    phone: str | None
    starts_on: date
    ends_on: LastDay
    basis: Literal["", "consent", "document"]
    unlinked: bool


class PersonWhole(PersonShown):
    """One person; what hangs on him is there when the caller sees him whole."""

    enrolments: tuple[Enrolment, ...] = absent()
    guardians: tuple[GuardianLink, ...] = absent()
    children: tuple[Child, ...] = absent()


People = Listed[PersonShown]


class Myself(PersonShown):
    """The caller, who always sees himself whole; with the roles of today (`member`: his own groups)."""

    family_name: str
    given_name: str
    middle_name: str
    email: str | None
    phone: str | None
    birth_date: date | None
    state: State
    login: str | None
    etag: str
    roles: tuple[HeldRole, ...]


class Me(Shown):
    """The caller and his children."""

    person: Myself
    children: tuple[Child, ...]


class SignedIn(Me):
    position: str


class Read(Shown):
    """Somebody of the staff read the data of `subject`."""

    reader: str
    name: str
    subject: str
    route: str
    at: datetime


Reads = Listed[Read]

# -- groups -------------------------------------------------------------------------------------------------------


class GroupLine(Shown):
    """students: how many, and curator: who, today."""

    id: str
    title: str
    specialty: str
    admission_year: int | None
    students: int
    curator: str | None


Groups = Listed[GroupLine]


class Member(Name):
    """A student of the group on the day asked for, with the status of that day."""

    id: str
    enrolment: str
    starts_on: date
    ends_on: LastDay
    status: StudentStatus


class GroupWhole(GroupLine):
    members: tuple[Member, ...]


class Split(Shown):
    """awaits: the teacher who is asked; null: the curator is, or nobody any more. starts_on: null until agreed."""

    split: str
    discipline: str
    subgroups: Annotated[dict[str, tuple[str, ...]], Field(description="Students by subgroup.")]
    proposed_by: str
    awaits: str | None
    agreed_by: str | None
    starts_on: date | None


class Splits(Shown):
    splits: tuple[Split, ...]


# -- accounts -----------------------------------------------------------------------------------------------------


class SessionShown(Shown):
    id: str
    current: bool
    opened_at: datetime
    used_at: datetime
    address: str
    agent: str


class Sessions(Shown):
    sessions: tuple[SessionShown, ...]


class PublicKey(Shown):
    """RFC 8037."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    use: Literal["sig"]
    alg: Literal["EdDSA"]
    x: str


class Keys(Shown):
    keys: tuple[PublicKey, ...]


class Begun(Shown):
    """first: nobody has an account yet. demo: what the start page shows of the demo college, null without one."""

    first: bool
    demo: dict[str, Any] | None


class ServiceToken(Shown):
    token: str
    expires_in: int


class ReadsTaken(Shown):
    taken: int


# -- changes ------------------------------------------------------------------------------------------------------


class SessionEnded(Positioned):
    session: str


class Activated(Positioned):
    login: str
    person: str


class PasswordChanged(Positioned):
    person: str
    sessions_ended: int


class Registered(Positioned):
    """link and ends_on: of the guardian's link, when one was asked for."""

    person: str
    link: str = absent()
    ends_on: LastDay = absent()


class Corrected(Positioned):
    person: str
    etag: str


class OfPerson(Positioned):
    person: str


class OfGrant(Positioned):
    grant: str


class OfEnrolment(Positioned):
    enrolment: str


class Transferred(OfEnrolment):
    left: str


class OfLink(Positioned):
    link: str


class Linked(OfLink):
    ends_on: LastDay


class CodeIssued(Positioned):
    """secret: the code as it is written, given once; absent when the same request is answered again."""

    code: str
    person: str
    expires_at: datetime
    reissued: bool
    secret: str = absent()


class OfGroup(Positioned):
    group: str


class Appointed(Positioned):
    """replaces: the appointment that ended by it."""

    appointment: str
    replaces: str | None


class Proposed(Positioned):
    split: str


class Agreed(Proposed):
    group: str


# -- imports ------------------------------------------------------------------------------------------------------


class Outcomes(Shown):
    """How many records. kept: changed here by hand since. implied: another record says it already. absent: stored
    from this source, but not in the file."""

    created: int
    changed: int
    unchanged: int
    kept: int
    ended: int
    implied: int
    refused: int
    absent: int


class RefusedRow(Shown):
    where: str
    kind: Kind
    code: str
    ru: str
    en: str


class ImportFinding(RefusedRow):
    severity: Literal["warning"]


class NotEnabled(Shown):
    count: int
    people: tuple[str, ...]


class Trial(Shown):
    check: Literal[True] = absent()
    refused: bool = absent()


class Imported(Trial):
    """check and refused: of a trial, after which position is null."""

    kinds: dict[Kind, Outcomes]
    problems: tuple[RefusedRow, ...]
    absent: dict[Kind, tuple[str, ...]]
    not_enabled: NotEnabled
    findings: tuple[ImportFinding, ...]
    position: str | None
