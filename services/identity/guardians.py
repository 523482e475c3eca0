"""Guardians: who reads whose data, from day to day (R 3.6), until the student is of age or beyond by his consent."""

from datetime import date
from typing import Any

from contracts.events import identity as e
from services.identity import problems
from services.identity.commands import Tx
from services.identity.people import lock, person_stream
from services.identity.rules import Span, guardian_until, not_to_himself, sane
from services.kit.problems import NotFound


async def link(tx: Tx, student: str, guardian: str, span: Span, basis: str = "", document: str = "") -> dict[str, Any]:
    """Link a guardian to a student; `basis` ("", consent, document) says what carries it beyond the 18th birthday."""
    not_to_himself(tx.actor, guardian)
    if student == guardian:
        raise problems.NotToYourself
    await lock(tx, student, guardian)
    if not await tx.row("select 1 from role_grant where person = %s and role = 'student'", (student,)):
        raise NotFound
    born = await tx.row("select birth_date from person where id = %s", (student,))
    assert born is not None
    until = guardian_until(born[0], basis, span.ends_on)
    span = sane(Span(span.starts_on, until), tx.today)
    linked = await tx.row(
        "select 1 from guardian_link where student = %(student)s and guardian = %(guardian)s and unlinked_at is null"
        " and (ends_on is null or ends_on >= %(from)s)",
        {"student": student, "guardian": guardian, "from": span.starts_on},
    )
    if linked:
        raise problems.AlreadyDone
    new = tx.new_id()
    await tx.run(
        "insert into guardian_link (id, guardian, student, starts_on, ends_on, basis, document)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (new, guardian, student, *span, basis, document),
    )
    _say(tx, new, guardian, student, span)
    return {"link": new, "ends_on": None if until is None else until.isoformat()}


async def extend(tx: Tx, student: str, link: str, basis: str, ends_on: date | None, document: str) -> dict[str, Any]:
    """Carry a link beyond the 18th birthday: by the adult student's consent or by a document."""
    await lock(tx, student)
    row = await tx.row(
        "select guardian, starts_on from guardian_link where id = %s and student = %s and unlinked_at is null",
        (link, student),
    )
    if row is None:
        raise NotFound
    guardian, starts_on = row
    not_to_himself(tx.actor, guardian)
    span = sane(Span(starts_on, ends_on), tx.today)
    await tx.run(
        "update guardian_link set basis = %s, document = %s, ends_on = %s where id = %s",
        (basis, document, ends_on, link),
    )
    _say(tx, link, guardian, student, span)
    return {"link": link}


async def unlink(tx: Tx, student: str, link: str) -> dict[str, Any]:
    """End a link at once."""
    row = await tx.row(
        "update guardian_link set unlinked_at = %s where id = %s and student = %s and unlinked_at is null"
        " returning guardian",
        (tx.now, link, student),
    )
    if row is None:
        raise NotFound
    tx.emit(person_stream(student), e.GuardianUnlinked(link=link, guardian=row[0], student=student))
    return {"link": link}


def _say(tx: Tx, link: str, guardian: str, student: str, span: Span) -> None:
    tx.emit(
        person_stream(student),
        e.GuardianLinked(link=link, guardian=guardian, student=student, starts_on=span.starts_on, ends_on=span.ends_on),
    )
