"""Groups and people of a roster: inserted, or corrected where the file says something else."""

from datetime import date

from contracts.events import identity as e
from services.identity.groups import group_stream
from services.identity.imports.context import Import
from services.identity.imports.document import Person
from services.identity.people import adjust_guardians, person_stream

Data = tuple[str, str, str, str, str, date | None]


async def groups(work: Import) -> None:
    """The groups; known afterwards are those of the file and the stored ones that it refers to."""
    records = work.once("groups", work.doc.groups)
    wanted = {g.id for g in records} | {n.group_id for n in work.doc.enrolments}
    wanted |= {r.group_id for r in work.doc.roles if r.group_id}
    stored = {
        id_: (title, specialty, year)
        for id_, title, specialty, year in await work.tx.rows(
            "select id, title, specialty, admission_year from study_group where id = any(%s) order by id for update",
            (sorted(wanted),),
        )
    }
    work.known_groups = set(stored) | {g.id for g in records}
    rows = []
    for group in records:
        held = stored.get(group.id)
        if work.differs("groups", None if held is None else held[:1], (group.name,)):
            rows.append((group.id, group.name, work.doc.source))
            specialty, year = held[1:] if held else ("", None)
            work.tx.emit(
                group_stream(group.id),
                e.GroupFormed(group=group.id, title=group.name, specialty=specialty, admission_year=year),
            )
    await work.upsert("study_group", {"id": "text", "title": "text", "source": "text"}, rows)


async def people(work: Import) -> None:
    """The people; known afterwards are those of the file and the stored ones that it refers to, but no erased one."""
    tx, doc = work.tx, work.doc
    records = work.once("people", doc.people)
    wanted = {p.id for p in records} | {r.person_id for r in doc.roles} | {n.person_id for n in doc.enrolments}
    for link in doc.guardians:
        wanted |= {link.guardian_id, link.student_id}
    stored: dict[str, tuple[bool, Data]] = {
        id_: (erased, tuple(data))
        for id_, erased, *data in await tx.rows(
            "select id, erased_at is not null, family_name, given_name, middle_name, email, phone, birth_date"
            " from person where id = any(%s) order by id for update",
            (sorted(wanted),),
        )
    }
    work.known_people = {id_ for id_, (erased, _) in stored.items() if not erased}
    work.born = {id_: data[5] for id_, (_, data) in stored.items()}
    rows, moved = [], []
    for person in records:
        erased, held = stored.get(person.id, (False, None))
        said = _data(person)
        if erased:
            work.report.refuse("people", person.where, "erased-person")
            continue
        if not (said[0] or said[1]):
            work.report.refuse("people", person.where, "nameless")
            continue
        if not person.enabled:
            work.report.not_enabled(person.where, person.id)
        merged = said if held is None else _merged(held, said)
        if work.differs("people", held, merged):
            rows.append((person.id, *merged, work.demo, doc.source, tx.now))
            if held is None:
                tx.emit(person_stream(person.id), e.PersonRegistered(person=person.id, demo=work.demo))
            elif merged[5] != held[5]:
                moved.append((person.id, merged[5]))
        work.known_people.add(person.id)
        work.born[person.id] = merged[5]
    columns = {
        "id": "text",
        "family_name": "text",
        "given_name": "text",
        "middle_name": "text",
        "email": "text",
        "phone": "text",
        "birth_date": "date",
        "demo": "bool",
        "source": "text",
        "registered_at": "timestamptz",
    }
    await work.upsert("person", columns, rows, ("demo", "registered_at"), "version = person.version + 1")
    for id_, born in moved:
        await adjust_guardians(tx, id_, born)


def _merged(held: Data, said: Data) -> Data:
    """An empty cell of the file leaves what is stored."""
    return (
        said[0] or held[0],
        said[1] or held[1],
        said[2] or held[2],
        said[3] or held[3],
        said[4] or held[4],
        said[5] or held[5],
    )


def _data(person: Person) -> Data:
    return (
        person.family_name,
        person.given_name,
        person.middle_name,
        person.email,
        person.phone,
        person.birth_date,
    )
