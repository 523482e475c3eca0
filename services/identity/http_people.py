"""Routes of people: the directory, corrections, roles, guardians, codes, disabling and erasing."""

from datetime import date
from typing import TYPE_CHECKING, Any

from fastapi import Response

from services.identity import access, accounts, answers, directory, erasing, groups, guardians, people
from services.identity.commands import Tx
from services.identity.directory import Sort, State
from services.identity.http import answered
from services.identity.models import (
    Correction,
    Dated,
    Extension,
    Filter,
    Format,
    Limit,
    Names,
    NewGuardian,
    NewPerson,
    NewRole,
    NewStatus,
    Offset,
    Transfer,
)
from services.identity.rules import Span
from services.kit.authn import Principal
from services.kit.csvfile import csv_answer
from services.kit.http import Caller, Change, Policy, Router, json
from services.kit.problems import Forbidden, Malformed, NotFound

if TYPE_CHECKING:
    from services.identity.app import Identity

REGISTER = Policy("register_people", "journal_administrator", "study_office", "curator")

LONGEST_CSV = 50_000
STATES = {"active": "открыта", "none": "нет", "disabled": "закрыта", "erased": "удалена", "code": "выдан код"}
HEADER = ("Фамилия", "Имя", "Отчество", "Роли", "Группы", "Эл. почта", "Телефон", "Дата рождения", "Учётная запись")


def span_of(body: Dated, today: date) -> Span:
    """The days that a request names."""
    return Span(body.starts_on or today, body.ends_on)


def routes(svc: "Identity") -> Router:
    router = Router(tags=["people"])

    # -- reading ------------------------------------------------------------------------------------------------

    @router.get("/people", policy=access.SIGNED_IN, answers=answers.People)
    async def find(
        caller: Caller,
        text: Filter = "",
        group: Filter = "",
        role: Filter = "",
        state: State | None = None,
        sort: Sort = "name",
        limit: Limit = 50,
        offset: Offset = 0,
        format: Format = "json",
    ) -> Response:
        """People as far as the caller reaches: contacts of those whom he sees whole, names of the others.

        A CSV holds all that match, whatever the page.
        """
        first, most = (0, LONGEST_CSV) if format == "csv" else (offset, limit)
        async with svc.commands.reading() as tx:
            total, found = await directory.people(
                tx,
                access.reach(caller),
                text=text,
                group=group,
                role=role,
                state=state,
                sort=sort,
                limit=most,
                offset=first,
            )
        _note(svc, caller, [p["id"] for p in found], "GET /people")
        if format == "csv":
            return csv_answer("people", HEADER, map(_line, found))
        return json({"total": total, "items": found})

    @router.get("/people/{person}", policy=access.SIGNED_IN, answers=answers.PersonWhole)
    async def show(person: str, caller: Caller) -> Response:
        """One person; a student seen whole with enrolments and guardians."""
        async with svc.commands.reading() as tx:
            found = await directory.person(tx, access.reach(caller), person)
            if found is None:
                raise NotFound
            if "etag" in found:
                found["enrolments"] = await directory.enrolments(tx, person)
                found["guardians"] = await directory.guardians(tx, person)
                found["children"] = await directory.children(tx, person)
        _note(svc, caller, [person], "GET /people/{person}")
        headers = {"ETag": f'"{found["etag"]}"'} if "etag" in found else None
        return json(found, headers=headers)

    @router.post("/names", policy=access.SIGNED_IN, answers=answers.Names)
    async def names(body: Names, caller: Caller) -> Response:
        """{id: name, short_name} of those ids that the caller may see by name; it changes nothing."""
        async with svc.commands.reading() as tx:
            found = await directory.names(tx, access.reach(caller), body.ids)
        _note(svc, caller, found, "POST /names")
        return json({"names": found})

    # -- registering and correcting -----------------------------------------------------------------------------

    @router.post("/people", policy=REGISTER, answers=answers.Registered, status_code=201)
    async def register(body: NewPerson, change: Change) -> Response:
        """A new person; with `guardian_of` a guardian of that student from today on."""
        principal = change.principal
        if body.guardian_of is not None:
            role = access.for_student(principal, body.guardian_of)
        elif principal.has("journal_administrator", "study_office"):
            role = "journal_administrator" if principal.has("journal_administrator") else "study_office"
        else:
            raise Forbidden

        async def do(tx: Tx) -> dict[str, Any]:
            data = people.PersonData(**body.model_dump(exclude={"guardian_of"}))
            person = await people.register(tx, data)
            if body.guardian_of is None:
                return {"person": person}
            linked = await guardians.link(tx, body.guardian_of, person, Span(tx.today, None))
            return {"person": person, **linked}

        return answered(await svc.execute(change.command(role), do), 201)

    @router.patch("/people/{person}", policy=access.CARE, answers=answers.Corrected)
    async def correct(person: str, body: Correction, change: Change) -> Response:
        """Correct names, contacts, birth date; needs If-Match."""
        role = access.for_person(change.principal, person)
        version = change.expected()
        changes = body.model_dump(exclude_unset=True)

        async def do(tx: Tx) -> dict[str, Any]:
            await _not_staff(tx, person, role)
            return await people.correct(tx, person, changes, version)

        return answered(await svc.execute(change.command(role), do))

    @router.post("/people/{person}/erasure", policy=access.ADMINISTRATOR, answers=answers.OfPerson)
    async def erase(person: str, change: Change) -> Response:
        """Erase a person's data; refused with its ground while it must be kept."""
        return answered(
            await svc.execute(
                change.command("journal_administrator"), lambda tx: erasing.erase(tx, svc.sessions, person)
            )
        )

    # -- roles --------------------------------------------------------------------------------------------------

    @router.post("/people/{person}/roles", policy=access.ROLES, answers=answers.OfGrant, status_code=201)
    async def grant(person: str, body: NewRole, change: Change) -> Response:
        """Grant a staff role by date, with the order's number."""
        role = _granting(change.principal)
        return answered(
            await svc.execute(
                change.command(role),
                lambda tx: people.grant(tx, person, body.role, body.scope, span_of(body, tx.today), body.order_no),
            ),
            201,
        )

    @router.delete("/people/{person}/roles/{grant}", policy=access.ROLES, answers=answers.OfGrant)
    async def revoke(person: str, grant: str, change: Change) -> Response:
        """End a grant at once."""
        role = _granting(change.principal)
        return answered(await svc.execute(change.command(role), lambda tx: people.revoke(tx, person, grant)))

    # -- students -----------------------------------------------------------------------------------------------

    @router.post("/people/{student}/transfers", policy=access.STUDENTS, answers=answers.Transferred, status_code=201)
    async def transfer(student: str, body: Transfer, change: Change) -> Response:
        """Move a student to another group from a day on."""
        role = access.for_students_of(change.principal, body.from_group, body.to_group)
        return answered(
            await svc.execute(
                change.command(role),
                lambda tx: groups.transfer(tx, student, body.from_group, body.to_group, body.on, body.order_no),
            ),
            201,
        )

    @router.post("/people/{student}/statuses", policy=access.STUDENTS, answers=answers.OfEnrolment, status_code=201)
    async def status(student: str, body: NewStatus, change: Change) -> Response:
        """Change a student's status from a day on; leaving ends the enrolment."""
        role = access.for_students_of(change.principal, body.group)
        return answered(
            await svc.execute(
                change.command(role),
                lambda tx: groups.set_status(tx, student, body.group, body.status, body.on, body.order_no),
            ),
            201,
        )

    # -- guardians ----------------------------------------------------------------------------------------------

    @router.post("/people/{student}/guardians", policy=access.CARE, answers=answers.Linked, status_code=201)
    async def link(student: str, body: NewGuardian, change: Change) -> Response:
        """Link a guardian; ends with the day before the 18th birthday unless a basis carries it beyond."""
        role = access.for_link(change.principal, student, body.guardian)
        if body.basis == "consent":
            raise Malformed(what="basis: consent is given by the student himself")

        async def do(tx: Tx) -> dict[str, Any]:
            span = Span(body.starts_on or tx.today, body.ends_on)
            return await guardians.link(tx, student, body.guardian, span, body.basis, body.document)

        return answered(await svc.execute(change.command(role), do), 201)

    @router.patch("/people/{student}/guardians/{link}", policy=access.EXTEND, answers=answers.OfLink)
    async def extend(student: str, link: str, body: Extension, change: Change) -> Response:
        """Carry a link beyond the 18th birthday: the student's consent, or a document."""
        role = access.for_extension(change.principal, student, body.basis)
        return answered(
            await svc.execute(
                change.command(role),
                lambda tx: guardians.extend(tx, student, link, body.basis, body.ends_on, body.document),
            )
        )

    @router.delete("/people/{student}/guardians/{link}", policy=access.CARE, answers=answers.OfLink)
    async def unlink(student: str, link: str, change: Change) -> Response:
        """End a guardian's link at once."""
        role = access.for_student(change.principal, student)
        return answered(await svc.execute(change.command(role), lambda tx: guardians.unlink(tx, student, link)))

    # -- accounts -----------------------------------------------------------------------------------------------

    @router.post("/people/{person}/codes", policy=access.CARE, answers=answers.CodeIssued, status_code=201)
    async def issue(person: str, change: Change) -> Response:
        """An activation code: `secret` is shown this once; the same request again answers without it."""
        role = _issuing(change.principal, person)

        async def do(tx: Tx) -> dict[str, Any]:
            await accounts.may_issue(tx, person, role)
            return await accounts.issue_code(tx, person)

        return answered(await svc.execute(change.command(role), do, secret=True), 201)

    @router.post("/people/{person}/disabling", policy=access.ADMINISTRATOR, answers=answers.OfPerson)
    async def disable(person: str, change: Change) -> Response:
        """Close an account: its sessions end at once."""
        return answered(
            await svc.execute(
                change.command("journal_administrator"), lambda tx: accounts.disable(tx, svc.sessions, person)
            )
        )

    @router.post("/people/{person}/enabling", policy=access.ADMINISTRATOR, answers=answers.OfPerson)
    async def enable(person: str, change: Change) -> Response:
        """Open a closed account again."""
        return answered(
            await svc.execute(change.command("journal_administrator"), lambda tx: accounts.enable(tx, person))
        )

    return router


def _note(svc: "Identity", caller: Principal, subjects: Any, route: str) -> None:
    """Staff reads are seen by their subjects; a family's own reads are nobody's business."""
    if access.is_staff(caller):
        svc.reads.note(caller, subjects, route)


def _granting(principal: Principal) -> str:
    return "journal_administrator" if principal.has("journal_administrator") else "director"


def _issuing(principal: Principal, person: str) -> str:
    """The role under which he issues that person's code: a curator who is administrator as well may be either."""
    own = principal._replace(roles={k: v for k, v in principal.roles.items() if k != "journal_administrator"})
    try:
        return access.for_person(own, person)
    except NotFound:
        return access.for_person(principal, person)


async def _not_staff(tx: Tx, person: str, role: str) -> None:
    """A curator corrects no colleague's data, though he be a guardian."""
    if role == "curator" and await people.is_staff(tx, person):
        raise NotFound


def _line(person: dict[str, Any]) -> list[Any]:
    roles = person.get("roles", [])
    born = person.get("birth_date")
    return [
        person.get("family_name", person["name"]),
        person.get("given_name"),
        person.get("middle_name"),
        ", ".join(sorted({ROLE_NAMES[r["role"]] for r in roles if r["role"] in ROLE_NAMES})),
        ", ".join(r["title"] or "" for r in roles if r["role"] == "member"),
        person.get("email"),
        person.get("phone"),
        date.fromisoformat(born) if born else None,
        STATES.get(person.get("state", ""), ""),
    ]


ROLE_NAMES = {
    "teacher": "преподаватель",
    "workshop_instructor": "мастер п/о",
    "curator": "куратор",
    "study_office": "учебная часть",
    "deputy_director": "заместитель директора",
    "journal_administrator": "администратор журнала",
    "director": "директор",
    "student": "обучающийся",
    "auditor": "проверяющий",
}
