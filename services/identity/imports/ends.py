"""What ends by an import, and what the file passes over: inactive and deleted records; absent ones are only counted."""

from contracts.events import identity as e
from services.identity.imports.context import Import
from services.identity.imports.document import KINDS
from services.identity.people import person_stream
from services.identity.rules import DAY


async def inactive(work: Import) -> None:
    """Stored records that the file calls inactive end today."""
    for kind, id_ in work.inactive:
        if not await _end(work, kind, id_):
            work.report.count(kind, "unchanged")


async def deleted(work: Import) -> None:
    """What the file says is deleted ends; with a person end his staff roles, links and enrolments."""
    gone: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for reference in work.doc.deleted:
        if reference.kind in gone:
            gone[reference.kind].append(reference.id)
    people = gone["people"]
    for kind, table, of_them in (
        ("roles", "role_grant", "person = any(%s) and role <> 'student'"),
        ("roles", "curator_appointment", "person = any(%s)"),
        ("guardians", "guardian_link", "%s::text[] && array[guardian, student]::text[]"),
        ("enrolments", "enrolment", "student = any(%s)"),
    ):
        rows = await work.tx.rows(
            f"select id from {table} where (id = any(%s) or {of_them}) and source = %s order by id",  # noqa: S608
            (gone[kind], people, work.doc.source),
        )
        for (id_,) in rows:
            await _end(work, kind, id_)


async def _end(work: Import, kind: str, id_: str) -> bool:
    """End a record today; False if it has ended already, or was changed here by hand."""
    tx = work.tx
    if kind == "enrolments":
        row = await tx.row(
            "update enrolment set ends_on = greatest(%(last)s, starts_on) where id = %(id)s and not by_hand"
            " and (ends_on is null or ends_on > greatest(%(last)s, starts_on))"
            " returning student, group_id, starts_on, ends_on",
            {"last": tx.today - DAY, "id": id_},
        )
        if row is not None:
            student, group, starts_on, ends_on = row
            tx.emit(
                person_stream(student),
                e.StudentEnrolled(enrolment=id_, student=student, group=group, starts_on=starts_on, ends_on=ends_on),
            )
    elif kind == "guardians":
        row = await tx.row(
            "update guardian_link set unlinked_at = %s where id = %s and unlinked_at is null"
            " returning guardian, student",
            (tx.now, id_),
        )
        if row is not None:
            tx.emit(person_stream(row[1]), e.GuardianUnlinked(link=id_, guardian=row[0], student=row[1]))
    else:
        row = await tx.row(
            "update role_grant set revoked_at = %s where id = %s and revoked_at is null returning person", (tx.now, id_)
        ) or await tx.row(
            "update curator_appointment set revoked_at = %s where id = %s and revoked_at is null returning person",
            (tx.now, id_),
        )
        if row is not None:
            tx.emit(person_stream(row[0]), e.RoleRevoked(grant=id_, person=row[0]))
    if row is not None:
        work.report.count(kind, "ended")
    return row is not None


_STORED = {
    "groups": "select id from study_group where source = %(source)s",
    "people": "select id from person where source = %(source)s and erased_at is null",
    "roles": "select id from relation where (ends_on is null or ends_on >= %(today)s) and id in ("
    "select id from role_grant where source = %(source)s"
    " union all select id from curator_appointment where source = %(source)s)",
    "guardians": "select id from guardian_link where source = %(source)s and unlinked_at is null"
    " and (ends_on is null or ends_on >= %(today)s)",
    "enrolments": "select id from enrolment where source = %(source)s and (ends_on is null or ends_on >= %(today)s)",
}


async def absent(work: Import) -> None:
    """Count what is stored from this source and still holds, and of which a bulk file says nothing."""
    said = {(reference.kind, reference.id) for reference in work.doc.deleted}
    for kind, sql in _STORED.items():
        if work.doc.scope.get(kind) != "bulk":
            continue
        named = {record.id for record in getattr(work.doc, kind)}
        rows = await work.tx.rows(sql, {"source": work.doc.source, "today": work.tx.today})
        work.report.absent(kind, sorted(i for (i,) in rows if i not in named and (kind, i) not in said))
