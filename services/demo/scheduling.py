"""The year of the demo college, through schedule's commands: lists, calendars, load, thematic plans, timetables."""

import asyncio

from contracts.events import schedule as e
from services.demo.calendar import WEEKEND
from services.demo.clock import staged
from services.demo.curriculum import topic
from services.demo.shapes import Group, Page, Substitution
from services.demo.stage import BELLS, MORNING, Stage
from services.schedule import commands
from services.schedule.catalogue import Entry
from services.schedule.lessons import Substitute

OFFICE, ROLE = "office", "study_office"
ROOM_CAPACITY = 30
HOURS = 2


async def schedule(stage: Stage) -> None:
    """Everything up to the published timetables, as of the first day of the year."""
    plan = stage.plan
    with staged(stage.instant(plan.calendar.starts_on, MORNING)):
        await commands.add(stage.schedule, stage.command("catalogue", OFFICE, ROLE), _catalogue(stage))
        for group in plan.groups:
            await commands.define_periods(
                stage.schedule,
                stage.command(f"periods {group.key}", OFFICE, ROLE),
                stage.ids[group.key],
                [_period(stage, group, n) for n in range(len(plan.periods))],
            )
        assigned = [fact for page in plan.pages for fact in _assignments(stage, page)]
        await commands.assign(stage.schedule, stage.command("load", OFFICE, ROLE), assigned)
        await asyncio.gather(*(_adopt(stage, page) for page in plan.pages))
        done, total = 0, len(plan.groups) * len(plan.periods)
        for group in plan.groups:
            for period in plan.periods:
                await commands.publish(
                    stage.schedule,
                    stage.command(f"timetable {group.key} {period.key}", OFFICE, ROLE),
                    stage.ids[group.key],
                    stage.period(group, period),
                    _slots(stage, group, period.key),
                )
                done += 1
                stage.report("Расписание", done, total)


async def substitute(stage: Stage, wanted: Substitution) -> None:
    """Another teacher holds a lesson; decided in the morning of its day, or today for one that is still to come."""
    lesson = wanted.lesson
    with staged(stage.instant(min(lesson.date, stage.plan.calendar.today), MORNING)):
        place = await commands.place_of_lesson(stage.schedule, stage.lesson(lesson))
        await commands.substitute(
            stage.schedule,
            stage.command(f"substitution {lesson.key}", OFFICE, ROLE),
            place,
            Substitute(stage.lesson(lesson), stage.ids[wanted.teacher], "illness"),
        )


def _catalogue(stage: Stage) -> list[Entry]:
    plan, calendar = stage.plan, stage.plan.calendar
    teachers = [s.person for s in plan.staff if s.role in ("teacher", "workshop_instructor")]
    courses = {load.course.key: load for load in plan.loads}
    return [
        e.AcademicYearOpened(
            year=plan.id("year", ""), title=calendar.title, starts_on=calendar.starts_on, ends_on=calendar.ends_on
        ),
        e.BellTimesSet(
            bells=tuple(e.Bell(pair=n, starts=starts, ends=ends) for n, (starts, ends) in enumerate(BELLS, 1)),
            starts_on=calendar.starts_on,
        ),
        *(
            e.RoomAdded(
                room=plan.id("room", teacher),
                title=f"{'Мастерская' if teacher.startswith('instructor') else 'Кабинет'} {100 + n}",
                capacity=ROOM_CAPACITY,
                kind="мастерская" if teacher.startswith("instructor") else "",
            )
            for n, teacher in enumerate(teachers, 1)
        ),
        *(
            e.DisciplineAdded(
                discipline=stage.discipline(load),
                code=load.course.code,
                title=load.course.title,
                kind=load.course.kind,
            )
            for load in courses.values()
        ),
    ]


def _period(stage: Stage, group: Group, n: int) -> e.PeriodDefined:
    period = stage.plan.periods[n]
    return e.PeriodDefined(
        period=stage.period(group, period),
        year=stage.plan.id("year", ""),
        group=stage.ids[group.key],
        title=period.title,
        kind="semester",
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        weekend=WEEKEND,
        holidays=period.holidays,
    )


def _assignments(stage: Stage, page: Page) -> list[e.TeachingAssigned]:
    load, period = page.load, page.period
    topics = {lesson.topic for lesson in stage.plan.lessons_of[page.key]}
    return [
        e.TeachingAssigned(
            assignment=stage.assignment(page, subgroup),
            group=stage.ids[load.group.key],
            discipline=stage.discipline(load),
            period=stage.period(load.group, period),
            teacher=stage.ids[teacher],
            subgroup=subgroup,
            hours=HOURS * len(topics),
            responsible=n == 0,
            starts_on=period.starts_on,
            ends_on=period.ends_on,
        )
        for n, (subgroup, teacher) in enumerate(stage.plan.teaching(load))
    ]


async def _adopt(stage: Stage, page: Page) -> None:
    load = page.load
    numbered = {lesson.topic: lesson for lesson in stage.plan.lessons_of[page.key]}
    topics = tuple(
        e.Topic(number=n, title=topic(load.course, n, x.of, x.kind), hours=HOURS, kind=x.kind)
        for n, x in sorted(numbered.items())
    )
    await commands.adopt(
        stage.schedule,
        stage.command(f"programme {page.key}", OFFICE, ROLE),
        e.ProgrammeAdopted(
            group=stage.ids[load.group.key],
            discipline=stage.discipline(load),
            period=stage.period(load.group, page.period),
            topics=topics,
        ),
    )


def _slots(stage: Stage, group: Group, period: str) -> list[e.Slot]:
    plan = stage.plan
    pages = {page.load.key: page for page in plan.pages if page.period.key == period}
    return [
        e.Slot(
            weekday=place.weekday,
            pair=place.pair,
            assignment=stage.assignment(pages[unit.load], subgroup),
            room=plan.id("room", teacher),
            kind=pages[unit.load].load.course.kinds[unit.nth],
        )
        for place, unit in sorted(plan.weeks[group.number].items())
        for subgroup, teacher in plan.teaching(pages[unit.load].load)
    ]
