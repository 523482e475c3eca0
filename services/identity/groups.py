"""Groups: students by date, transfer, status, curators, and the split into subgroups that two sides agree on."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from contracts.events import identity as e
from services.identity import problems
from services.identity.commands import Tx
from services.identity.people import ensure_student, lock, person_stream
from services.identity.rules import (
    DAY,
    LEAVING,
    Span,
    last_day_before,
    no_overlap,
    not_to_himself,
    sane,
    split_sane,
)
from services.kit.problems import NotFound

Subgroups = Mapping[str, Sequence[str]]


def group_stream(group: str) -> str:
    return f"group/{group}"


async def form(tx: Tx, title: str, specialty: str, admission_year: int | None) -> dict[str, Any]:
    """A new group."""
    group = tx.new_id()
    await tx.run(
        "insert into study_group (id, title, specialty, admission_year) values (%s, %s, %s, %s)",
        (group, title, specialty, admission_year),
    )
    tx.emit(
        group_stream(group),
        e.GroupFormed(group=group, title=title, specialty=specialty, admission_year=admission_year),
    )
    return {"group": group}


async def rename(tx: Tx, group: str, title: str, specialty: str, admission_year: int | None) -> dict[str, Any]:
    """Another title of a group; the event replaces what was said of it before."""
    await lock_group(tx, group)
    await tx.run(
        "update study_group set title = %s, specialty = %s, admission_year = %s where id = %s",
        (title, specialty, admission_year, group),
    )
    tx.emit(
        group_stream(group),
        e.GroupFormed(group=group, title=title, specialty=specialty, admission_year=admission_year),
    )
    return {"group": group}


async def lock_group(tx: Tx, *groups: str) -> None:
    """Lock these groups in one order. Raises NotFound."""
    wanted = sorted(set(groups))
    if len(await tx.rows("select id from study_group where id = any(%s) order by id for update", (wanted,))) != len(
        wanted
    ):
        raise NotFound


# -- students -----------------------------------------------------------------------------------------------------


async def _enrolments(tx: Tx, student: str, group: str) -> list[tuple[str, Span]]:
    return [
        (id_, Span(starts_on, ends_on))
        for id_, starts_on, ends_on in await tx.rows(
            "select id, starts_on, ends_on from enrolment where student = %s and group_id = %s order by starts_on",
            (student, group),
        )
    ]


async def enrol(tx: Tx, student: str, group: str, span: Span, order_no: str) -> dict[str, Any]:
    """Put a student into a group from day to day; who was none becomes a student by it."""
    not_to_himself(tx.actor, student)
    sane(span, tx.today)
    await lock(tx, student)
    if not await tx.row("select 1 from study_group where id = %s", (group,)):
        raise NotFound
    no_overlap(span, (held for _, held in await _enrolments(tx, student, group)))
    await ensure_student(tx, student, span.starts_on, order_no)
    enrolment = tx.new_id()
    await _insert(tx, enrolment, student, group, span, order_no)
    tx.emit(
        person_stream(student),
        e.StudentEnrolled(
            enrolment=enrolment,
            student=student,
            group=group,
            starts_on=span.starts_on,
            ends_on=span.ends_on,
            order_no=order_no,
        ),
    )
    return {"enrolment": enrolment}


async def _insert(tx: Tx, enrolment: str, student: str, group: str, span: Span, order_no: str) -> None:
    await tx.run(
        "insert into enrolment (id, student, group_id, starts_on, ends_on, order_no) values (%s, %s, %s, %s, %s, %s)",
        (enrolment, student, group, *span, order_no),
    )


async def transfer(tx: Tx, student: str, from_group: str, to_group: str, on: date, order_no: str) -> dict[str, Any]:
    """On day `on` the student is in `to_group`; the day before was his last in `from_group`."""
    if from_group == to_group:
        raise problems.SameGroup
    not_to_himself(tx.actor, student)
    await lock(tx, student)
    if not await tx.row("select 1 from study_group where id = %s", (to_group,)):
        raise NotFound
    left, span = await _enrolled(tx, student, from_group, on)
    new = sane(Span(on, None), tx.today)
    no_overlap(new, (held for _, held in await _enrolments(tx, student, to_group)))
    await tx.run("update enrolment set ends_on = %s, by_hand = true where id = %s", (last_day_before(on, span), left))
    enrolment = tx.new_id()
    await _insert(tx, enrolment, student, to_group, new, order_no)
    tx.emit(
        person_stream(student),
        e.StudentTransferred(
            student=student,
            left=left,
            from_group=from_group,
            enrolment=enrolment,
            to_group=to_group,
            on=on,
            order_no=order_no,
        ),
    )
    return {"enrolment": enrolment, "left": left}


async def _enrolled(tx: Tx, student: str, group: str, on: date) -> tuple[str, Span]:
    """The enrolment that holds on the day before `on`."""
    for id_, span in await _enrolments(tx, student, group):
        if span.holds(on - DAY):
            return id_, span
    raise problems.NotEnrolledThatDay(day=(on - DAY).isoformat())


async def set_status(tx: Tx, student: str, group: str, status: str, on: date, order_no: str) -> dict[str, Any]:
    """From day `on` the student's status in the group; leaving ends the enrolment on the day before."""
    not_to_himself(tx.actor, student)
    sane(Span(on, None), tx.today)
    await lock(tx, student)
    held = await _enrolments(tx, student, group)
    asked = on - DAY if status in LEAVING else on
    found = next(((id_, span) for id_, span in held if span.holds(asked)), None)
    if found is None:
        raise problems.NotEnrolledThatDay(day=asked.isoformat())
    enrolment, span = found
    if status in LEAVING:
        await tx.run(
            "update enrolment set ends_on = %s, by_hand = true where id = %s", (last_day_before(on, span), enrolment)
        )
    await tx.run(
        "insert into student_status (enrolment, on_day, status, order_no) values (%s, %s, %s, %s)"
        " on conflict (enrolment, on_day) do update set status = excluded.status, order_no = excluded.order_no",
        (enrolment, on, status, order_no),
    )
    tx.emit(
        person_stream(student),
        e.StudentStatusChanged.model_validate(
            {
                "student": student,
                "enrolment": enrolment,
                "group": group,
                "status": status,
                "on": on,
                "order_no": order_no,
            }
        ),
    )
    return {"enrolment": enrolment}


# -- curators -----------------------------------------------------------------------------------------------------


async def appoint_curator(tx: Tx, group: str, person: str, span: Span, order_no: str) -> dict[str, Any]:
    """A curator of the group; whoever was curator on the first day ends the day before."""
    not_to_himself(tx.actor, person)
    sane(span, tx.today)
    await lock(tx, person)
    await lock_group(tx, group)
    before = await tx.row(
        "select id, person, starts_on from curator_appointment where group_id = %s and revoked_at is null"
        " and (ends_on is null or ends_on >= %s) order by starts_on desc limit 1",
        (group, span.starts_on),
    )
    replaces = ""
    if before is not None:
        replaces, predecessor, since = before
        if predecessor == person and since <= span.starts_on:
            raise problems.AlreadyDone
        # An appointment that would not have begun by then never was in force.
        await tx.run(
            "update curator_appointment set ends_on = %(last)s,"
            " revoked_at = case when starts_on > %(last)s then %(now)s end where id = %(id)s",
            {"last": span.starts_on - DAY, "now": tx.now, "id": replaces},
        )
    appointment = tx.new_id()
    await tx.run(
        "insert into curator_appointment (id, group_id, person, starts_on, ends_on, order_no)"
        " values (%s, %s, %s, %s, %s, %s)",
        (appointment, group, person, *span, order_no),
    )
    tx.emit(
        group_stream(group),
        e.CuratorAppointed(
            appointment=appointment,
            group=group,
            person=person,
            starts_on=span.starts_on,
            ends_on=span.ends_on,
            replaces=replaces,
            order_no=order_no,
        ),
    )
    return {"appointment": appointment, "replaces": replaces}


# -- subgroups ----------------------------------------------------------------------------------------------------


async def members(tx: Tx, group: str, on: date) -> set[str]:
    """The students of the group on that day."""
    rows = await tx.rows(
        "select student from enrolment where group_id = %(group)s and starts_on <= %(on)s"
        " and (ends_on is null or ends_on >= %(on)s)",
        {"group": group, "on": on},
    )
    return {student for (student,) in rows}


async def propose_split(tx: Tx, group: str, discipline: str, subgroups: Subgroups, awaits: str) -> dict[str, Any]:
    """One side proposes; `awaits` is the teacher asked by the curator, or "" when a teacher asks the curator."""
    await lock_group(tx, group)
    split_sane(subgroups, await members(tx, group, tx.today))
    if awaits == tx.actor:
        raise problems.SplitNotYours
    split = tx.new_id()
    await tx.run(
        "insert into subgroup_split (id, group_id, discipline, subgroups, proposed_by, proposed_at, awaits)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (split, group, discipline, orjson.dumps(subgroups).decode(), tx.actor, tx.now, awaits),
    )
    tx.emit(
        group_stream(group),
        e.SubgroupProposed(
            split=split,
            group=group,
            discipline=discipline,
            subgroups={k: tuple(v) for k, v in subgroups.items()},
            proposed_by=tx.actor,
        ),
    )
    return {"split": split}


async def agree_split(tx: Tx, split: str, starts_on: date, curated: set[str]) -> dict[str, Any]:
    """The other side agrees: the teacher who was asked, or the group's curator (`curated`: the actor's groups).

    Never the side that proposed. Students who left meanwhile make it void: propose anew. Raises NotFound for who is no
    side of it.
    """
    row = await tx.row(
        "select group_id, discipline, subgroups, proposed_by, awaits, agreed_by from subgroup_split"
        " where id = %s for update",
        (split,),
    )
    if row is None:
        raise NotFound
    group, discipline, subgroups, proposed_by, awaits, agreed_by = row
    asked = awaits == tx.actor if awaits else group in curated
    if proposed_by == tx.actor:
        raise problems.SplitNotYours
    if not asked:
        raise NotFound
    if agreed_by is not None:
        raise problems.AlreadyDone
    sane(Span(starts_on, None), tx.today)
    await lock_group(tx, group)
    split_sane(subgroups, await members(tx, group, max(starts_on, tx.today)))
    await tx.run("update subgroup_split set agreed_by = %s, starts_on = %s where id = %s", (tx.actor, starts_on, split))
    tx.emit(
        group_stream(group),
        e.SubgroupAgreed(
            split=split,
            group=group,
            discipline=discipline,
            subgroups={k: tuple(v) for k, v in subgroups.items()},
            starts_on=starts_on,
            agreed_by=tx.actor,
        ),
    )
    return {"split": split, "group": group}
