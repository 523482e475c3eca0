"""What holds from day to day: roles and curators, guardians, enrolments of a roster."""

from collections.abc import Sequence
from datetime import date

from contracts.events import identity as e
from services.identity.groups import group_stream
from services.identity.imports.context import Held, Import
from services.identity.imports.document import Role
from services.identity.people import person_stream
from services.identity.rules import Span, guardian_until

EnrolmentRow = tuple[str, str, str, date, date | None, str]


async def roles(work: Import) -> None:
    """Roles and curators. A role that follows from an enrolment is needless for a person who holds it already."""
    records = work.once("roles", work.doc.roles)
    ids = [r.id for r in records]
    granted = await work.held("role_grant", ("person", "role"), ids, "revoked_at is not null")
    appointed = await work.held("curator_appointment", ("person", "group_id"), ids, "revoked_at is not null")
    holds = {
        (person, role)
        for person, role in await work.tx.rows(
            "select person, role from role_grant where person = any(%s) and revoked_at is null"
            " and (ends_on is null or ends_on >= %s)",
            ([r.person_id for r in records], work.tx.today),
        )
    }
    holds |= {(r.person_id, r.role) for r in records if r.basis == "declared" and r.active}
    grants, appointments = [], []
    for record in records:
        span = _role_days(work, record, (appointed if record.role == "curator" else granted).get(record.id), holds)
        if span is None:
            continue
        if record.role == "curator":
            assert record.group_id is not None, "a curator without a group is refused"
            appointments.append((record.id, record.group_id, record.person_id, *span, work.doc.source))
            work.tx.emit(
                group_stream(record.group_id),
                e.CuratorAppointed(
                    appointment=record.id,
                    group=record.group_id,
                    person=record.person_id,
                    starts_on=span.starts_on,
                    ends_on=span.ends_on,
                ),
            )
        else:
            holds.add((record.person_id, record.role))
            grants.append((record.id, record.person_id, record.role, *span, work.doc.source))
    await work.grants(grants)
    columns = {
        "id": "text",
        "group_id": "text",
        "person": "text",
        "starts_on": "date",
        "ends_on": "date",
        "source": "text",
    }
    await work.upsert("curator_appointment", columns, appointments)


def _role_days(work: Import, record: Role, held: Held | None, holds: set[tuple[str, str]]) -> Span | None:
    """The days to write for a role, None when there is nothing to write."""
    refuse = work.report.refuse
    if record.person_id not in work.known_people:
        refuse("roles", record.where, "unknown-person", record.person_id)
    elif record.role == "guardian":
        work.report.count("roles", "implied")  # the links tell
    elif record.role == "curator" and record.group_id is None:
        refuse("roles", record.where, "curator-without-group")
    elif record.role == "curator" and record.group_id not in work.known_groups:
        refuse("roles", record.where, "unknown-group", record.group_id or "")
    elif held is None and record.basis == "enrolment" and (record.person_id, record.role) in holds:
        work.report.count("roles", "implied")
    else:
        # A student reads his own data over all years: his role has no end (R 2.4).
        ends_on = None if record.role == "student" else record.ends_on
        of = (record.person_id, record.group_id or "" if record.role == "curator" else record.role)
        return work.days("roles", record, of, held, record.starts_on, ends_on)
    return None


async def guardians(work: Import) -> None:
    """Guardians, each until the student is of age; a pair that is linked already is not linked twice."""
    tx = work.tx
    records = work.once("guardians", work.doc.guardians)
    ids = [g.id for g in records]
    stored = await work.held("guardian_link", ("guardian", "student"), ids, "unlinked_at is not null")
    linked: dict[tuple[str, str], str] = {
        (guardian, student): id_
        for id_, guardian, student in await tx.rows(
            "select id, guardian, student from guardian_link where unlinked_at is null and student = any(%s)"
            " and (ends_on is null or ends_on >= %s)",
            ([g.student_id for g in records], tx.today),
        )
    }
    rows = []
    for record in records:
        pair = (record.guardian_id, record.student_id)
        unknown = next((p for p in pair if p not in work.known_people), None)
        held = stored.get(record.id)
        # Corrections of birth dates and consents have seen to the end of a stored link.
        until = held.span.ends_on if held else guardian_until(work.born.get(record.student_id), "", None)
        of_age = held is None and until is not None and until < tx.today
        if unknown is not None:
            work.report.refuse("guardians", record.where, "unknown-person", unknown)
        elif record.guardian_id == record.student_id:
            work.report.refuse("guardians", record.where, "own-guardian")
        elif of_age or linked.setdefault(pair, record.id) != record.id:
            work.report.count("guardians", "implied")
        elif (span := work.days("guardians", record, pair, held, None, until)) is not None:
            rows.append((record.id, *pair, *span, work.doc.source))
            tx.emit(
                person_stream(record.student_id),
                e.GuardianLinked(
                    link=record.id,
                    guardian=record.guardian_id,
                    student=record.student_id,
                    starts_on=span.starts_on,
                    ends_on=span.ends_on,
                ),
            )
    columns = {
        "id": "text",
        "guardian": "text",
        "student": "text",
        "starts_on": "date",
        "ends_on": "date",
        "source": "text",
    }
    await work.upsert("guardian_link", columns, rows)


async def enrolments(work: Import) -> None:
    """Enrolments; a student is in one group once at a time, and becomes a student by it."""
    tx = work.tx
    records = work.once("enrolments", work.doc.enrolments)
    stored = await work.held("enrolment", ("student", "group_id"), [n.id for n in records], "by_hand")
    spans: dict[tuple[str, str], dict[str, Span]] = {}
    for id_, student, group, *days in await tx.rows(
        "select id, student, group_id, starts_on, ends_on from enrolment where student = any(%s)",
        ([n.person_id for n in records],),
    ):
        spans.setdefault((student, group), {})[id_] = Span(*days)
    rows: list[EnrolmentRow] = []
    for record in records:
        if record.person_id not in work.known_people:
            work.report.refuse("enrolments", record.where, "unknown-person", record.person_id)
            continue
        if record.group_id not in work.known_groups:
            work.report.refuse("enrolments", record.where, "unknown-group", record.group_id)
            continue
        of = (record.person_id, record.group_id)
        others = spans.setdefault(of, {})
        span = work.days("enrolments", record, of, stored.get(record.id), record.starts_on, record.ends_on, others)
        if span is not None:
            others[record.id] = span
            rows.append((record.id, record.person_id, record.group_id, *span, work.doc.source))
            tx.emit(
                person_stream(record.person_id),
                e.StudentEnrolled(
                    enrolment=record.id,
                    student=record.person_id,
                    group=record.group_id,
                    starts_on=span.starts_on,
                    ends_on=span.ends_on,
                ),
            )
    columns = {
        "id": "text",
        "student": "text",
        "group_id": "text",
        "starts_on": "date",
        "ends_on": "date",
        "source": "text",
    }
    await work.upsert("enrolment", columns, rows)
    await _students(work, rows)


async def _students(work: Import, enrolled: Sequence[EnrolmentRow]) -> None:
    """Whoever is enrolled is a student, whether or not the file says so."""
    since: dict[str, date] = {}
    for _, student, _, starts_on, *_ in enrolled:
        since[student] = min(starts_on, since.get(student, starts_on))
    held = {
        person
        for (person,) in await work.tx.rows(
            "select person from role_grant where role = 'student' and revoked_at is null and person = any(%s)",
            (list(since),),
        )
    }
    await work.grants(
        [(work.tx.new_id(), s, "student", starts_on, None, "") for s, starts_on in since.items() if s not in held]
    )
