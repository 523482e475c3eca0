"""People and their roles: registering, correcting, granting and revoking by date.

Names, contacts and birth dates are rows of `person`; the log hears of ids, roles and days only. A person is locked
while anything about him changes, so the rules are judged on what is true at the commit.
"""

from datetime import date
from typing import Any, NamedTuple

from contracts.events import identity as e
from services.identity import problems
from services.identity.commands import Tx
from services.identity.rules import STAFF, Span, grantable, guardian_until, not_to_himself, sane
from services.kit.problems import NotFound, PreconditionFailed


def person_stream(person: str) -> str:
    return f"person/{person}"


def account_stream(person: str) -> str:
    return f"account/{person}"


class PersonData(NamedTuple):
    """What is known of a person; empty text: not known."""

    family_name: str
    given_name: str
    middle_name: str = ""
    email: str = ""
    phone: str = ""
    birth_date: date | None = None


async def lock(tx: Tx, *people: str) -> None:
    """Lock these people in one order. Raises NotFound, and ErasedPerson for one whose data is gone."""
    wanted = sorted(set(people))
    rows = await tx.rows(
        "select id, erased_at is not null from person where id = any(%s) order by id for update", (wanted,)
    )
    if len(rows) != len(wanted):
        raise NotFound
    if any(erased for _, erased in rows):
        raise problems.ErasedPerson


async def register(tx: Tx, data: PersonData, *, demo: bool = False) -> str:
    """A new person; answers his id."""
    person = tx.new_id()
    await tx.run(
        "insert into person (id, family_name, given_name, middle_name, email, phone, birth_date, demo, registered_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (person, *data, demo, tx.now),
    )
    tx.emit(person_stream(person), e.PersonRegistered(person=person, demo=demo))
    return person


async def correct(tx: Tx, person: str, changes: dict[str, Any], version: str | None) -> dict[str, Any]:
    """Overwrite the given columns of version `version` of a person; a new birth date moves the ends of guardians.

    Raises PreconditionFailed with the current values when somebody corrected meanwhile.
    """
    await lock(tx, person)
    row = await tx.row("select version, birth_date from person where id = %s", (person,))
    assert row is not None
    if version != str(row[0]):
        raise PreconditionFailed(extra={"etag": str(row[0])})
    columns = [name for name in PersonData._fields if name in changes]
    if columns:
        await tx.run(
            f"update person set {', '.join(f'{c} = %s' for c in columns)}, version = version + 1 where id = %s",  # noqa: S608 - names of PersonData
            (*(changes[c] for c in columns), person),
        )
    if "birth_date" in changes and changes["birth_date"] != row[1]:
        await adjust_guardians(tx, person, changes["birth_date"])
    return {"person": person, "etag": str(row[0] + bool(columns))}


async def adjust_guardians(tx: Tx, student: str, born: date | None) -> None:
    """Give the student's links the end that follows from the birth date."""
    links = await tx.rows(
        "select id, guardian, starts_on, ends_on, basis from guardian_link where student = %s and unlinked_at is null",
        (student,),
    )
    for link, guardian, starts_on, ends_on, basis in links:
        until = guardian_until(born, basis, ends_on if basis else None)
        if until != ends_on:
            await tx.run("update guardian_link set ends_on = %s where id = %s", (until, link))
            tx.emit(
                person_stream(student),
                e.GuardianLinked(link=link, guardian=guardian, student=student, starts_on=starts_on, ends_on=until),
            )


# -- roles --------------------------------------------------------------------------------------------------------


async def grant(tx: Tx, person: str, role: str, scope: str, span: Span, order_no: str) -> dict[str, Any]:
    """Grant a staff role in a scope (a group, "" = the college) from day to day."""
    if role not in STAFF - {"curator"}:
        raise problems.RoleElsewhere
    not_to_himself(tx.actor, person)
    sane(span, tx.today)
    grantable(role, span, order_no)
    await lock(tx, person)
    if scope and not await tx.row("select 1 from study_group where id = %s", (scope,)):
        raise NotFound
    granted = await _grant(tx, person, role, scope, span, order_no)
    return {"grant": granted}


async def _grant(tx: Tx, person: str, role: str, scope: str, span: Span, order_no: str) -> str:
    granted = tx.new_id()
    await tx.run(
        "insert into role_grant (id, person, role, scope, starts_on, ends_on, order_no, granted_by)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (granted, person, role, scope, *span, order_no, tx.actor),
    )
    tx.emit(
        person_stream(person),
        e.RoleGranted.model_validate(
            {
                "grant": granted,
                "person": person,
                "role": role,
                "scope": scope,
                "starts_on": span.starts_on,
                "ends_on": span.ends_on,
                "order_no": order_no,
            }
        ),
    )
    return granted


async def make_administrator(tx: Tx, person: str) -> None:
    """The role that grants the others, from today on: for the first of his kind, whom nobody else can appoint."""
    await _grant(tx, person, "journal_administrator", "", Span(tx.today, None), "")


async def ensure_student(tx: Tx, person: str, starts_on: date, order_no: str) -> None:
    """The role of a student never ends by itself: he reads his own data over all years (R 2.4)."""
    held = await tx.row(
        "select 1 from role_grant where person = %s and role = 'student' and revoked_at is null and ends_on is null"
        " and starts_on <= %s",
        (person, starts_on),
    )
    if not held:
        await _grant(tx, person, "student", "", Span(starts_on, None), order_no)


async def revoke(tx: Tx, person: str, granted: str) -> dict[str, Any]:
    """End a grant at once."""
    await lock(tx, person)
    row = await tx.row(
        "update role_grant set revoked_at = %s where id = %s and person = %s and revoked_at is null returning role",
        (tx.now, granted, person),
    )
    if row is None:
        raise NotFound
    if row[0] == "student":
        raise problems.RoleElsewhere
    if row[0] == "journal_administrator":
        await keep_an_administrator(tx)
    tx.emit(person_stream(person), e.RoleRevoked(grant=granted, person=person))
    return {"grant": granted}


async def keep_an_administrator(tx: Tx) -> None:
    """Raises LastAdministrator if after this change nobody would be left to grant rights.

    The table is locked against its like: of two administrators that revoke each other, one is refused.
    """
    await tx.run("select pg_advisory_xact_lock(hashtext('identity: administrators'))")
    left = await tx.row(
        "select 1 from relation r join person p on p.id = r.subject left join account a on a.person = p.id"
        " where r.relation = 'journal_administrator' and r.starts_on <= %(today)s"
        " and (r.ends_on is null or r.ends_on >= %(today)s) and p.erased_at is null and a.disabled_at is null limit 1",
        {"today": tx.today},
    )
    if left is None:
        raise problems.LastAdministrator


async def is_staff(tx: Tx, person: str) -> bool:
    """He holds a staff role today or will."""
    row = await tx.row(
        "select 1 from relation where subject = %s and relation = any(%s) and (ends_on is null or ends_on >= %s)",
        (person, list(STAFF), tx.today),
    )
    return row is not None
