"""The people of the demo college, through identity's commands: staff, groups, students, guardians, curators, splits."""

from typing import Any

from services.demo.clock import staged
from services.demo.people import Person
from services.demo.shapes import Group
from services.demo.stage import MORNING, Stage
from services.identity import groups, guardians, people
from services.identity.commands import Tx
from services.identity.people import PersonData
from services.identity.rules import Span
from services.kit.handle import Command

ADMINISTRATOR, OFFICE = "administrator", "office"
ORDER = "12-у"


def data(person: Person) -> PersonData:
    return PersonData(person.family, person.given, person.middle, person.email, person.phone, person.born)


async def enlist(stage: Stage) -> None:
    """Everybody, as of the first day of the year. Fills `stage.ids`."""
    plan = stage.plan
    with staged(stage.instant(plan.calendar.starts_on, MORNING)):
        stage.ids.update(await _do(stage, "staff", _staff))
        for n, group in enumerate(plan.groups, 1):
            stage.ids.update(await _do(stage, f"group {group.key}", _group, group))
            stage.report("Группы и студенты", n, len(plan.groups))
        for n, group in enumerate(plan.groups, 1):  # when all are there: brothers and sisters share a guardian
            stage.ids.update(await _do(stage, f"guardians {group.key}", _guardians, group))
            stage.report("Родители", n, len(plan.groups))
        for group in plan.split_groups:
            await _split(stage, group)
    teacher, group = plan.teacher_student
    with staged(stage.instant(plan.calendar.running.starts_on, MORNING)):
        await _do(stage, "teacher who studies", _teacher_student, teacher, group)


async def move(stage: Stage) -> None:
    """The transfer of one student, on its day."""
    moved = stage.plan.transfer

    async def do(tx: Tx) -> dict[str, Any]:
        left, joined = stage.ids[moved.left.key], stage.ids[moved.joined.key]
        return await groups.transfer(tx, stage.ids[moved.student], left, joined, moved.on, "31-у")

    with staged(stage.instant(moved.on, MORNING)):
        await stage.identity.execute(stage.command("transfer", OFFICE, "study_office"), do)


async def _do(stage: Stage, key: str, step: Any, *more: Any) -> dict[str, str]:
    command: Command = stage.command(key, ADMINISTRATOR, "journal_administrator")
    return (await stage.identity.execute(command, lambda tx: step(stage, tx, *more))).answer


async def _staff(stage: Stage, tx: Tx) -> dict[str, str]:
    """Staff with their roles; an auditor's ends."""
    plan, ids = stage.plan, dict[str, str]()
    for staff in plan.staff:
        if staff.person == ADMINISTRATOR:
            continue
        ids[staff.person] = person = await people.register(tx, data(plan.people[staff.person]), demo=True)
        ends_on = plan.calendar.ends_on if staff.role == "auditor" else None
        await people.grant(tx, person, staff.role, "", Span(plan.calendar.starts_on, ends_on), staff.order)
    return ids


async def _group(stage: Stage, tx: Tx, group: Group) -> dict[str, str]:
    """A group with its students and its curator."""
    plan, ids = stage.plan, dict[str, str]()
    specialty = f"{group.specialty.code} {group.specialty.title}"
    admitted = plan.calendar.starts_on.year - group.year + 1
    ids[group.key] = formed = (await groups.form(tx, group.key, specialty, admitted))["group"]
    for student in group.students:
        ids[student] = await people.register(tx, data(plan.people[student]), demo=True)
        await groups.enrol(tx, ids[student], formed, Span(plan.calendar.starts_on, None), ORDER)
    await groups.appoint_curator(
        tx, formed, stage.ids[plan.curators[group.key]], Span(plan.calendar.starts_on, None), "5-к"
    )
    return ids


async def _guardians(stage: Stage, tx: Tx, group: Group) -> dict[str, str]:
    plan, ids = stage.plan, dict[str, str]()
    for link in plan.links:
        if link.student not in group.students:
            continue
        guardian = stage.ids.get(link.guardian) or ids.get(link.guardian)
        if guardian is None:
            guardian = ids[link.guardian] = await people.register(tx, data(plan.people[link.guardian]), demo=True)
        await guardians.link(tx, stage.ids[link.student], guardian, Span(plan.calendar.starts_on, None))
    return ids


async def _split(stage: Stage, group: Group) -> None:
    """The curator proposes the split for the language, the teacher agrees (R 4.3.3, 4.4.4)."""
    plan = stage.plan
    load = next(load for load in plan.loads_of(group) if load.course.area == "language")
    teacher = next(t for t in load.teachers if t != plan.curators[group.key])
    subgroups = {number: [stage.ids[s] for s in students] for number, students in plan.subgroups(group).items()}
    proposed = await stage.identity.execute(
        stage.command(f"split {group.key}", plan.curators[group.key], "curator"),
        lambda tx: groups.propose_split(
            tx, stage.ids[group.key], stage.discipline(load), subgroups, stage.ids[teacher]
        ),
    )
    await stage.identity.execute(
        stage.command(f"agreed {group.key}", teacher, "teacher"),
        lambda tx: groups.agree_split(tx, proposed.answer["split"], plan.calendar.starts_on, set()),
    )


async def _teacher_student(stage: Stage, tx: Tx, teacher: str, group: Group) -> dict[str, str]:
    """A teacher studies by an individual plan in a group that he does not teach."""
    on, person, its = stage.plan.calendar.running.starts_on, stage.ids[teacher], stage.ids[group.key]
    await groups.enrol(tx, person, its, Span(on, None), "24-у")
    await groups.set_status(tx, person, its, "individual_plan", on, "24-у")
    return {}
