"""Identity's part of the roster document: people, groups, roles, guardians, enrolments, as readers of files give it.

The field names are those of the document of the whole import, whose other kinds are passed over here. Days are
inclusive on both ends; `where` is the `file:line` that a record came from.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Key = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(max_length=300)]

KINDS = ("groups", "people", "roles", "guardians", "enrolments")
MOST = 200_000


class Reference(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Words
    id: Key
    external_id: Words
    where: Words


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Key
    external_id: Words
    where: Words
    active: bool = True


class Group(Record):
    name: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    code: Words = ""
    room: Words = ""
    org_id: Key | None = None
    discipline_id: Key | None = None
    period_ids: tuple[Key, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None


class Person(Record):
    """`enabled` opens and closes no account; the report counts those who are not."""

    family_name: Words
    given_name: Words
    middle_name: Words = ""
    username: Words = ""
    email: Words = ""
    phone: Words = ""
    enabled: bool = True
    birth_date: date | None = None


class Role(Record):
    person_id: Key
    role: Literal[
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
    basis: Literal["declared", "enrolment"] = "declared"
    org_id: Key | None = None
    group_id: Key | None = None
    starts_on: date | None = None
    ends_on: date | None = None


class Guardian(Record):
    guardian_id: Key
    student_id: Key


class Enrolment(Record):
    person_id: Key
    group_id: Key
    starts_on: date | None = None
    ends_on: date | None = None


class Roster(BaseModel):
    """The document, as far as identity reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    scope: dict[str, Literal["bulk", "delta", "absent"]] = {}
    groups: Annotated[tuple[Group, ...], Field(max_length=MOST)] = ()
    people: Annotated[tuple[Person, ...], Field(max_length=MOST)] = ()
    roles: Annotated[tuple[Role, ...], Field(max_length=MOST)] = ()
    guardians: Annotated[tuple[Guardian, ...], Field(max_length=MOST)] = ()
    enrolments: Annotated[tuple[Enrolment, ...], Field(max_length=MOST)] = ()
    deleted: Annotated[tuple[Reference, ...], Field(max_length=MOST)] = ()
