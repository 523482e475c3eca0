"""What requests to identity may say: closed models with bounds on every text and list."""

from datetime import date
from typing import Annotated, Literal

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\w.:-]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Optional = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^$|^[^@\s]+@[^@\s]+$")]
Phone = Annotated[str, StringConstraints(max_length=32, pattern=r"^[0-9+() .-]*$")]
OrderNo = Annotated[str, StringConstraints(max_length=50, strip_whitespace=True)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]
Year = Annotated[int, Field(ge=1990, le=2100)]


Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=1_000_000)]
Format = Literal["json", "csv"]
Filter = Annotated[str, Query(max_length=100)]


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignIn(Closed):
    login: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Activation(Closed):
    code: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    login: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class NewPassword(Closed):
    """`current`: the one that it takes the place of."""

    current: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class NewPerson(Closed):
    """`guardian_of`: the student whose guardian he is from today on; needed when a curator registers him."""

    family_name: Name
    given_name: Name
    middle_name: Optional = ""
    email: Email = ""
    phone: Phone = ""
    birth_date: date | None = None
    guardian_of: Id | None = None


class Correction(Closed):
    """Only what is sent is overwritten; a birth date of null is removed."""

    family_name: Name | None = None
    given_name: Name | None = None
    middle_name: Optional | None = None
    email: Email | None = None
    phone: Phone | None = None
    birth_date: date | None = None

    @model_validator(mode="after")
    def no_nulls(self) -> "Correction":
        for name in self.model_fields_set - {"birth_date"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name} must not be null")
        return self


class Dated(Closed):
    """From day to day, both included; `starts_on` defaults to today."""

    starts_on: date | None = None
    ends_on: date | None = None
    order_no: OrderNo = ""


class NewRole(Dated):
    role: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    scope: Annotated[str, StringConstraints(max_length=64)] = ""


class NewGroup(Closed):
    title: Title
    specialty: Optional = ""
    admission_year: Year | None = None


class NewStudent(Dated):
    student: Id


class NewCurator(Dated):
    person: Id


class Transfer(Closed):
    from_group: Id
    to_group: Id
    on: date
    order_no: OrderNo = ""


class NewStatus(Closed):
    group: Id
    status: Literal["studying", "academic_leave", "individual_plan", "extramural", "extern", "withdrawn", "graduated"]
    on: date
    order_no: OrderNo = ""


class NewGuardian(Closed):
    """`basis` says what carries the right beyond the 18th birthday."""

    guardian: Id
    starts_on: date | None = None
    ends_on: date | None = None
    basis: Literal["", "consent", "document"] = ""
    document: Annotated[str, StringConstraints(max_length=200)] = ""


class Extension(Closed):
    basis: Literal["consent", "document"]
    ends_on: date | None = None
    document: Annotated[str, StringConstraints(max_length=200)] = ""


class NewSplit(Closed):
    """`teacher`: whom a curator asks to agree; a teacher's proposal goes to the curator."""

    discipline: Id
    subgroups: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[1-9]$")], Annotated[list[Id], Field(max_length=60)]],
        Field(min_length=2, max_length=6),
    ]
    teacher: Id | None = None


class Agreement(Closed):
    starts_on: date | None = None


class Names(Closed):
    ids: Annotated[list[Id], Field(max_length=500)]


class ServiceSecret(Closed):
    service: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}$")]
    secret: Annotated[str, StringConstraints(max_length=500)]


class StaffReads(Closed):
    """Each (reader, subject, route, at)."""

    reads: Annotated[
        list[tuple[Id, Id, Annotated[str, StringConstraints(max_length=200)], AwareDatetime]], Field(max_length=5000)
    ]
