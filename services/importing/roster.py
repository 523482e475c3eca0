"""The normalised roster: what a file of people, groups and teaching says, in the college's own words.

Readers (`oneroster`, `people_xlsx`) are pure: file in, `Reading` out, nothing stored. A `Roster` is a
plain document; identity takes people, roles, guardians, groups and enrolments from it, schedule takes years, periods,
disciplines, groups and teaching. It states only what the file says: comparing with what is stored belongs to the
services, who also check the references listed in `outside`.

Ids are `uuid5` of source, kind and the id in the file, so the same file read twice gives the same document. Dates are
inclusive on both ends. Every record keeps `where` it came from, as `file:line`.
"""

from datetime import date
from typing import Final, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from services.importing.findings import Finding

Kind = Literal[
    "orgs",
    "years",
    "periods",
    "disciplines",
    "groups",
    "teaching",
    "people",
    "roles",
    "guardians",
    "enrolments",
]
KINDS: Final[tuple[Kind, ...]] = (
    "orgs",
    "years",
    "periods",
    "disciplines",
    "groups",
    "teaching",
    "people",
    "roles",
    "guardians",
    "enrolments",
)

Scope = Literal["bulk", "delta", "absent"]
PeriodKind = Literal["year", "semester", "term", "grading_period"]
RoleName = Literal[
    "student",
    "guardian",
    "teacher",
    "workshop_instructor",
    "curator",
    "study_office",
    "deputy_director",
    "director",
    "journal_administrator",
]

_NAMESPACE: Final = UUID("5f0b5f8e-6a0e-5d52-9a53-0d6a1f6f3c11")


def record_id(source: str, kind: Kind, external_id: str) -> str:
    """The id of a record: the same for the same source, kind and id in the file, on every machine."""
    return str(uuid5(_NAMESPACE, f"{source}:{kind}:{external_id}"))


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reference(_Document):
    """A record named by its id only. `where`: the `file:line` that names it."""

    kind: Kind
    id: str
    external_id: str
    where: str


class Record(_Document):
    """What all records share. `active` False: the file calls it inactive, that is known but not in use."""

    id: str
    external_id: str
    where: str
    active: bool = True


class Org(Record):
    """A part of the college (department, school, district …)."""

    name: str
    kind: str
    parent_id: str | None = None


class AcademicYear(Record):
    """An academic year from its first to its last day. `external_id` is the file's school year, like `2023`.

    `derived`: the dates were concluded from its periods or from a delta, so they never narrow a year already stored.
    """

    title: str
    starts_on: date
    ends_on: date
    derived: bool = False


class Period(Record):
    """A period of a year; `parent_id` is the period above it, None directly under the year.

    `derived`: no row of the file defines it; it was concluded from the year or from dates of enrolments.
    """

    year_id: str
    parent_id: str | None = None
    kind: PeriodKind
    title: str
    starts_on: date
    ends_on: date
    derived: bool = False


class Discipline(Record):
    """A discipline. `derived`: named after a class, its course not being in the file; keep a name already stored."""

    name: str
    code: str = ""
    org_id: str | None = None
    derived: bool = False


class StudyGroup(Record):
    """The students that are taught together. Names may repeat: only the id is unique.

    A OneRoster class is one group with one discipline and its periods; a people list gives neither. `starts_on` and
    `ends_on` span the periods when all of them are in the document.
    """

    name: str
    code: str = ""
    room: str = ""
    org_id: str | None = None
    discipline_id: str | None = None
    period_ids: tuple[str, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None


class Teaching(Record):
    """A teacher of a group's discipline in the group's periods. `responsible` sets the finals; one per group.

    Without `discipline_id` the group is not in this (delta) document: take discipline and periods from what is stored.
    """

    person_id: str
    group_id: str
    discipline_id: str | None = None
    period_ids: tuple[str, ...] = ()
    responsible: bool = False
    starts_on: date | None = None
    ends_on: date | None = None


class Person(Record):
    """A person. `username` is the sign-in name elsewhere, a proposal only; passwords are never taken over."""

    family_name: str
    given_name: str
    middle_name: str = ""
    username: str = ""
    email: str = ""
    phone: str = ""
    enabled: bool = True
    birth_date: date | None = None


class Role(Record):
    """A role of a person, from date to date. `group_id`: the group of a curator.

    `basis` "enrolment": no row grants it, it follows from an enrolment; needless when the person already holds it.
    """

    person_id: str
    role: RoleName
    basis: Literal["declared", "enrolment"] = "declared"
    org_id: str | None = None
    group_id: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class Guardian(Record):
    """`guardian_id` is a guardian of `student_id`."""

    guardian_id: str
    student_id: str


class Enrolment(Record):
    """A student of a group, from date to date. Without `starts_on` the day of import counts."""

    person_id: str
    group_id: str
    starts_on: date | None = None
    ends_on: date | None = None


class Roster(_Document):
    """The document. Lists are in the order of the files.

    `scope` says per kind what silence means: in "bulk" a stored record that is not named here is gone from the source;
    "delta" and "absent" say nothing about it. `deleted`: records that the file says are deleted. `outside`: records
    that rows refer to and that must be stored already (only in deltas).
    """

    source: str
    scope: dict[Kind, Scope]
    orgs: tuple[Org, ...] = ()
    years: tuple[AcademicYear, ...] = ()
    periods: tuple[Period, ...] = ()
    disciplines: tuple[Discipline, ...] = ()
    groups: tuple[StudyGroup, ...] = ()
    teaching: tuple[Teaching, ...] = ()
    people: tuple[Person, ...] = ()
    roles: tuple[Role, ...] = ()
    guardians: tuple[Guardian, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    deleted: tuple[Reference, ...] = ()
    outside: tuple[Reference, ...] = ()

    def records(self, kind: Kind) -> tuple[Record, ...]:
        """The records of one kind."""
        found: tuple[Record, ...] = getattr(self, kind)
        return found


class Reading(_Document):
    """The outcome of reading: findings, and the document of all good rows (None when the whole file is unreadable)."""

    roster: Roster | None
    findings: tuple[Finding, ...] = Field(default=())

    @property
    def errors(self) -> list[Finding]:
        """What refuses the import unless bad rows may be skipped."""
        return [f for f in self.findings if f.severity == "error"]

    def accepted(self, skip_bad: bool = False) -> Roster | None:
        """The document to import: with errors only when `skip_bad`, and then without the refused rows."""
        return self.roster if skip_bad or not self.errors else None
