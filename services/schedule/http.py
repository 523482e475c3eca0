"""The routes of schedule, mounted at /api/schedule. Changes answer their position; lists take `min_position`."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path, Query, Response
from fastapi.params import Depends

from contracts.events.schedule import (
    AcademicYearOpened,
    BellTimesSet,
    DisciplineAdded,
    PeriodDefined,
    ProgrammeAdopted,
    RoomAdded,
    TeachingAssigned,
)
from services.kit.answers import Windowed
from services.kit.handle import Done
from services.kit.http import Caller, Change, Policy, Router, json, position_header
from services.kit.problems import Malformed, NotFound
from services.schedule import access, answers, commands, lessons, load, models
from services.schedule.imports import Document, run_import
from services.schedule.models import Id
from services.schedule.problems import PeriodElsewhere
from services.schedule.views import catalogue as lists
from services.schedule.views import lessons as view
from services.schedule.views.listing import Asked, Filter, answer

if TYPE_CHECKING:
    from services.schedule.app import Schedule

CHANGE = Policy("schedule-change", *access.EDITORS)
PROGRAMME = Policy("schedule-programme", *access.EDITORS, *access.TEACHING)
IMPORT = Policy("schedule-import", "journal_administrator")
READ = Policy("schedule-read", signed_in=True)

DEFAULT_DAYS = timedelta(days=6)

PathId = Annotated[Id, Path()]
Wanted = Annotated[Id | None, Query()]


def _changed(done: Done, status: int = 200, **members: Any) -> Response:
    body = {**members, "position": f"schedule:{done.position}"}
    return json(body, status, position_header("schedule", done.position))


def routes(svc: "Schedule") -> Router:
    """All routes of the service object."""

    async def shown(min_position: Annotated[str, Query(pattern=r"^(schedule:\d{1,18})?$")] = "") -> None:
        if min_position:
            await svc.shown(int(min_position.partition(":")[2]))

    reading = {"policy": READ, "dependencies": [Depends(shown)]}
    router = Router(tags=["schedule"])
    _lists(svc, router, reading)
    _load(svc, router, reading)
    _lessons(svc, router, reading)

    @router.post("/imports", policy=IMPORT, answers=answers.Imported)
    async def import_roster(
        body: Document,
        change: Change,
        check: Annotated[bool, Query()] = False,
        skip_bad: Annotated[bool, Query()] = False,
    ) -> Response:
        """Schedule's part of a roster, in one transaction; `check` rolls it back, `skip_bad` passes bad rows over."""
        role = access.college_editor(change.principal)
        report = await run_import(svc, change.command(role)._replace(via="import"), body, check, skip_bad)
        return json(report, headers={"Zhurnal-Position": report["position"]} if "position" in report else None)

    return router


def _lists(svc: "Schedule", router: Router, reading: dict[str, Any]) -> None:
    """Years, calendars, rooms, bell times, disciplines."""

    @router.post("/years", policy=CHANGE, answers=answers.Changed, status_code=201)
    async def open_year(body: models.NewYear, change: Change) -> Response:
        command = change.command(access.college_editor(change.principal))
        year = commands.new_id(command, "year")
        entry = AcademicYearOpened(year=year, title=body.title, starts_on=body.starts_on, ends_on=body.ends_on)
        return _changed(await commands.add(svc, command, [entry]), 201, id=year)

    @router.get("/years", **reading, answers=Windowed[answers.YearOf])
    async def years(wish: Asked) -> Response:
        return await answer(svc.pool, lists.YEARS, Filter(), wish)

    @router.put("/periods/{period}", policy=CHANGE, answers=answers.Changed)
    async def define_period(period: PathId, body: models.Period, change: Change) -> Response:
        command = change.command(access.editor(change.principal, [body.group]))
        if await _other_group(period, body.group):
            raise PeriodElsewhere(period=period)
        wanted = PeriodDefined(
            period=period,
            **body.model_dump(exclude={"weekend", "holidays"}),
            weekend=tuple(sorted(set(body.weekend))),
            holidays=tuple(sorted(set(body.holidays))),
        )
        return _changed(await commands.define_periods(svc, command, body.group, [wanted]), id=period)

    async def _other_group(period: str, group: str) -> bool:
        """The period is another group's: calendars are streams of their own, so the list of all is asked."""
        async with svc.pool.connection() as conn:
            held = await conn.execute("select study_group from catalogue.period where period = %s", (period,))
            row = await held.fetchone()
        return row is not None and row[0] != group

    @router.get("/periods", **reading, answers=Windowed[answers.PeriodOf])
    async def periods(caller: Caller, wish: Asked, group: Wanted = None, year: Wanted = None) -> Response:
        _group_or_all(caller, group)
        where = Filter()
        where.equal(study_group=group, year=year)
        return await answer(svc.pool, lists.PERIODS, where, wish)

    @router.post("/rooms", policy=CHANGE, answers=answers.Changed, status_code=201)
    async def add_room(body: models.NewRoom, change: Change) -> Response:
        command = change.command(access.college_editor(change.principal))
        room = commands.new_id(command, "room")
        return _changed(await commands.add(svc, command, [RoomAdded(room=room, **body.model_dump())]), 201, id=room)

    @router.get("/rooms", **reading, answers=Windowed[answers.Room])
    async def rooms(wish: Asked) -> Response:
        return await answer(svc.pool, lists.ROOMS, Filter(), wish)

    @router.put("/bells", policy=CHANGE, answers=answers.Changed)
    async def set_bells(body: models.Bells, change: Change) -> Response:
        command = change.command(access.college_editor(change.principal))
        entry = BellTimesSet(starts_on=body.starts_on, bells=body.values())
        return _changed(await commands.add(svc, command, [entry]))

    @router.get("/bells", **reading, answers=Windowed[answers.Bells])
    async def bells(wish: Asked) -> Response:
        """The bell times, the latest first; those of a day are the first with starts_on not after it."""
        return await answer(svc.pool, lists.BELLS, Filter(), wish)

    @router.post("/disciplines", policy=CHANGE, answers=answers.Changed, status_code=201)
    async def add_discipline(body: models.NewDiscipline, change: Change) -> Response:
        command = change.command(access.college_editor(change.principal))
        discipline = commands.new_id(command, "discipline")
        entry = DisciplineAdded(discipline=discipline, **body.model_dump())
        return _changed(await commands.add(svc, command, [entry]), 201, id=discipline)

    @router.get("/disciplines", **reading, answers=Windowed[answers.Discipline])
    async def disciplines(wish: Asked) -> Response:
        return await answer(svc.pool, lists.DISCIPLINES, Filter(), wish)


def _load(svc: "Schedule", router: Router, reading: dict[str, Any]) -> None:
    """Assignments and programmes."""

    @router.post("/assignments", policy=CHANGE, answers=answers.Changed, status_code=201)
    async def assign(body: models.NewAssignment, change: Change) -> Response:
        command = change.command(access.editor(change.principal, [body.group]))
        assignment = commands.new_id(command, "assignment")
        starts_on = body.starts_on or (await commands.period_of(svc, body.group, body.period)).starts_on
        fact = TeachingAssigned(assignment=assignment, starts_on=starts_on, **body.model_dump(exclude={"starts_on"}))
        return _changed(await commands.assign(svc, command, [fact]), 201, id=assignment)

    @router.get("/assignments", **reading, answers=Windowed[answers.Assignment])
    async def assignments(
        caller: Caller, wish: Asked, teacher: Wanted = None, group: Wanted = None, period: Wanted = None
    ) -> Response:
        """`teacher` is whose the assignment is today."""
        if teacher != caller.subject:
            _group_or_all(caller, group)
        where = Filter()
        where.equal(**{"h.teacher": teacher, "a.study_group": group, "a.period": period})
        return await answer(svc.pool, view.ASSIGNMENTS, where, wish, [caller.today])

    @router.post("/assignments/{assignment}/reassignment", policy=CHANGE, answers=answers.Changed)
    async def reassign(assignment: PathId, body: models.Reassignment, change: Change) -> Response:
        place = await commands.place_of_assignment(svc, assignment)
        command = change.command(access.editor(change.principal, [place.group]))
        wish = load.Reassign(assignment, body.teacher, body.on, body.reason)
        return _changed(await commands.reassign(svc, command, place, wish), id=assignment)

    @router.put("/programmes/{group}/{discipline}/{period}", policy=PROGRAMME, answers=answers.Changed)
    async def adopt(
        group: PathId, discipline: PathId, period: PathId, body: models.Programme, change: Change
    ) -> Response:
        principal = change.principal
        try:
            role = access.editor(principal, [group])
        except NotFound:
            role = access.teaching_role(principal)
            if not await commands.teaches(svc, principal.subject, group, discipline, period, principal.today):
                raise
        wanted = ProgrammeAdopted(group=group, discipline=discipline, period=period, topics=body.values())
        return _changed(await commands.adopt(svc, change.command(role), wanted))

    @router.get("/programmes", **reading, answers=Windowed[answers.Programme])
    async def programmes(
        caller: Caller, wish: Asked, group: Wanted = None, discipline: Wanted = None, period: Wanted = None
    ) -> Response:
        _group_or_all(caller, group)
        where = Filter()
        where.equal(**{"p.study_group": group, "p.discipline": discipline, "p.period": period})
        return await answer(svc.pool, lists.PROGRAMMES, where, wish)


def _lessons(svc: "Schedule", router: Router, reading: dict[str, Any]) -> None:
    """Timetables, dated lessons and their changes."""

    @router.post("/timetables", policy=CHANGE, answers=answers.Published, status_code=201)
    async def publish(body: models.Timetable, change: Change) -> Response:
        """Hours beyond an assignment do not refuse the timetable; they are named in `warnings`."""
        command = change.command(access.editor(change.principal, [body.group]))
        published = await commands.publish(
            svc, command, body.group, body.period, body.values(), body.starts_on, body.ends_on
        )
        hours = [
            {"assignment": h.assignment, "planned": h.planned, "timetabled": h.timetabled} for h in published.hours
        ]
        over = [h.assignment for h in published.hours if h.over]
        warnings = [
            {
                "code": "hours-exceeded",
                "assignment": assignment,
                "ru": "В расписании больше часов, чем в нагрузке.",
                "en": "The timetable gives more hours than the assignment has.",
            }
            for assignment in over
        ]
        return _changed(published.done, 201, id=published.timetable, hours=hours, warnings=warnings)

    @router.get("/timetables/{group}", **reading, answers=Windowed[answers.TimetableOf])
    async def timetables(group: PathId, caller: Caller, wish: Asked, period: Wanted = None) -> Response:
        """All publications in order; a day's timetable is the latest that begins not after it."""
        access.read_group(caller, group)
        where = Filter()
        where.equal(study_group=group, period=period)
        return await answer(svc.pool, lists.TIMETABLES, where, wish)

    @router.post("/lessons/{lesson}/substitution", policy=CHANGE, answers=answers.Changed)
    async def substitute(lesson: PathId, body: models.Substitution, change: Change) -> Response:
        place = await commands.place_of_lesson(svc, lesson)
        command = change.command(access.editor(change.principal, [place.group]))
        wish = lessons.Substitute(lesson, body.teacher, body.reason)
        return _changed(await commands.substitute(svc, command, place, wish), id=lesson)

    @router.post("/lessons/{lesson}/move", policy=CHANGE, answers=answers.Changed)
    async def move(lesson: PathId, body: models.Move, change: Change) -> Response:
        place = await commands.place_of_lesson(svc, lesson)
        command = change.command(access.editor(change.principal, [place.group]))
        wish = lessons.Move(lesson, body.date, body.pair, body.room, body.reason)
        return _changed(await commands.move(svc, command, place, wish), id=lesson)

    @router.post("/lessons/{lesson}/cancellation", policy=CHANGE, answers=answers.Changed)
    async def cancel(lesson: PathId, body: models.Cancellation, change: Change) -> Response:
        place = await commands.place_of_lesson(svc, lesson)
        command = change.command(access.editor(change.principal, [place.group]))
        return _changed(await commands.cancel(svc, command, place, lessons.Cancel(lesson, body.reason)), id=lesson)

    @router.get("/lessons", **reading, answers=Windowed[answers.Lesson])
    async def list_lessons(
        caller: Caller,
        wish: Asked,
        mine: Annotated[bool, Query()] = False,
        teacher: Wanted = None,
        group: Wanted = None,
        student: Wanted = None,
        room: Wanted = None,
        discipline: Wanted = None,
        period: Wanted = None,
        since: Annotated[models.Day | None, Query(alias="from")] = None,
        until: Annotated[models.Day | None, Query(alias="to")] = None,
    ) -> Response:
        """Lessons from day to day, seven days from today unless given. `mine`: those he teaches or attends.

        With group, discipline and period: what is planned for one page of the journal.
        """
        first = since or min(caller.today, until or caller.today)
        last = until or first + DEFAULT_DAYS
        if last < first:
            raise Malformed(what="query/to")
        where = Filter()
        where.add("l.day between %s and %s", first, last)
        if mine:
            own = access.memberships(caller, caller.subject)
            attended = [view.of_student(caller.subject, own)] if own else []
            view.any_of(where, view.of_teacher(caller.subject), *attended)
        if student is not None:
            days = access.read_student(caller, student)
            if student not in caller.roles.get("guardian", ()):
                svc.reads.note(caller, [student], "schedule/lessons")
            view.any_of(where, view.of_student(student, days))
        if teacher is not None:
            view.any_of(where, view.of_teacher(teacher))
        where.equal(**{"l.study_group": group, "l.room": room, "l.discipline": discipline, "l.period": period})
        if group is not None:
            access.read_group(caller, group)
        elif not (mine or student is not None or teacher == caller.subject):
            access.read_all(caller)
        return await answer(svc.pool, view.LESSONS, where, wish)


def _group_or_all(caller: Caller, group: str | None) -> None:
    """Raises NotFound unless he may read that group, or, none being named, all."""
    if group is None:
        access.read_all(caller)
    else:
        access.read_group(caller, group)
