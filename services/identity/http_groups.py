"""Routes of groups: the list, the students of a day, enrolling, curators, and the split into subgroups."""

from datetime import date
from typing import TYPE_CHECKING, Any

from fastapi import Response

from services.identity import access, answers, directory, groups
from services.identity.commands import Tx
from services.identity.http import answered
from services.identity.models import (
    Agreement,
    Filter,
    Format,
    Limit,
    NewCurator,
    NewGroup,
    NewSplit,
    NewStudent,
    Offset,
)
from services.identity.problems import SplitNotYours
from services.identity.rules import Span
from services.kit.authn import Principal
from services.kit.csvfile import csv_answer
from services.kit.http import Caller, Change, Policy, Router, json
from services.kit.problems import NotFound

if TYPE_CHECKING:
    from services.identity.app import Identity

FORM = Policy("form_groups", "journal_administrator", "study_office", "deputy_director")


def routes(svc: "Identity") -> Router:
    router = Router(tags=["groups"])

    @router.get("/groups", policy=access.SIGNED_IN, answers=answers.Groups)
    async def find(
        caller: Caller, text: Filter = "", limit: Limit = 100, offset: Offset = 0, format: Format = "json"
    ) -> Response:
        """Groups: staff see all, students and guardians those of their own."""
        async with svc.commands.reading() as tx:
            total, found = await directory.groups(tx, _seen(caller), text, limit, offset)
        if format == "csv":
            header = ("Группа", "Специальность", "Год набора", "Обучающихся")
            rows = ((g["title"], g["specialty"], g["admission_year"], g["students"]) for g in found)
            return csv_answer("groups", header, rows)
        return json({"total": total, "items": found})

    @router.get("/groups/{group}", policy=access.SIGNED_IN, answers=answers.GroupWhole)
    async def show(group: str, caller: Caller, on: date | None = None, format: Format = "json") -> Response:
        """A group with its students on a day (default today); a student or guardian sees only his own among them."""
        if not access.sees_group(caller, group):
            raise NotFound
        async with svc.commands.reading() as tx:
            _, found = await directory.groups(tx, [group], "", 1, 0)
            if not found:
                raise NotFound
            students = await directory.students(tx, group, on or tx.today)
        reach = access.reach(caller)
        if not (reach.everybody or reach.names_of_students):
            students = [s for s in students if s["id"] in reach.people]
        if access.is_staff(caller):
            svc.reads.note(caller, [s["id"] for s in students], "GET /groups/{group}")
        if format == "csv":
            rows = ((n, s["name"], s["status"]) for n, s in enumerate(students, 1))
            return csv_answer("group", ("№", "Обучающийся", "Состояние"), rows)
        return json({**found[0], "members": students})

    @router.post("/groups", policy=FORM, answers=answers.OfGroup, status_code=201)
    async def form(body: NewGroup, change: Change) -> Response:
        """A new group."""
        role = access.for_college(change.principal)
        return answered(
            await svc.execute(
                change.command(role), lambda tx: groups.form(tx, body.title, body.specialty, body.admission_year)
            ),
            201,
        )

    @router.put("/groups/{group}", policy=FORM, answers=answers.OfGroup)
    async def rename(group: str, body: NewGroup, change: Change) -> Response:
        """Another title, specialty or year of a group."""
        role = access.for_students_of(change.principal, group)
        return answered(
            await svc.execute(
                change.command(role),
                lambda tx: groups.rename(tx, group, body.title, body.specialty, body.admission_year),
            )
        )

    @router.post("/groups/{group}/students", policy=access.STUDENTS, answers=answers.OfEnrolment, status_code=201)
    async def enrol(group: str, body: NewStudent, change: Change) -> Response:
        """Enrol a student from day to day."""
        role = access.for_enrolment(change.principal, group, body.student)
        return answered(
            await svc.execute(
                change.command(role),
                lambda tx: groups.enrol(
                    tx, body.student, group, Span(body.starts_on or tx.today, body.ends_on), body.order_no
                ),
            ),
            201,
        )

    @router.post("/groups/{group}/curators", policy=access.CURATORS, answers=answers.Appointed, status_code=201)
    async def appoint(group: str, body: NewCurator, change: Change) -> Response:
        """Appoint a curator; the former one ends the day before."""
        role = access.for_group(change.principal, group)
        return answered(
            await svc.execute(
                change.command(role),
                lambda tx: groups.appoint_curator(
                    tx, group, body.person, Span(body.starts_on or tx.today, body.ends_on), body.order_no
                ),
            ),
            201,
        )

    # -- subgroups ----------------------------------------------------------------------------------------------

    @router.get("/groups/{group}/subgroups", policy=access.SPLIT, answers=answers.Splits)
    async def splits(group: str, caller: Caller) -> Response:
        """The splits of a group, proposed and agreed: all for its curator, those that he is a side of for a teacher."""
        side = None if access.sees_splits(caller, group) else caller.subject
        async with svc.commands.reading() as tx:
            return json({"splits": await directory.splits(tx, group, side)})

    @router.post("/groups/{group}/subgroups", policy=access.SPLIT, answers=answers.Proposed, status_code=201)
    async def propose(group: str, body: NewSplit, change: Change) -> Response:
        """Propose a split for one discipline: the curator asks a teacher, a teacher asks the curator."""
        role = access.for_split(change.principal, group)
        if (role == "curator") is (body.teacher is None):
            raise SplitNotYours

        async def do(tx: Tx) -> dict[str, Any]:
            if body.teacher is not None and not _teaches(change.principal, body.teacher):
                raise NotFound
            return await groups.propose_split(tx, group, body.discipline, body.subgroups, body.teacher or "")

        return answered(await svc.execute(change.command(role), do), 201)

    @router.post("/subgroups/{split}/agreement", policy=access.SPLIT, answers=answers.Agreed, status_code=201)
    async def agree(split: str, body: Agreement, change: Change) -> Response:
        """The other side agrees; the split is in force from `starts_on` (default today)."""
        principal = change.principal
        role = "curator" if principal.has("curator") else "teacher"
        curated = principal.roles.get("curator", set())
        return answered(
            await svc.execute(
                change.command(role),
                lambda tx: groups.agree_split(tx, split, body.starts_on or tx.today, curated),
            ),
            201,
        )

    return router


def _seen(caller: Principal) -> list[str] | None:
    """The groups that he sees; None: all."""
    if access.is_staff(caller):
        return None
    own = caller.roles.get("guardian", set()) | {caller.subject}
    return sorted(set().union(*(caller.grants.ever(person, "member", caller.today) for person in own)))


def _teaches(principal: Principal, person: str) -> bool:
    return any(principal.grants.objects(person, f"role:{role}", principal.today) for role in access.TEACHING)
