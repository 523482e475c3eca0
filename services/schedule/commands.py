"""Every change of the schedule, callable without HTTP: each takes the service, a command and the wish.

What a decision needs from another stream (the years of a period, the calendar of a timetable) is read here, caught
up, and handed to the pure decision. New ids follow from the command, so a command sent again makes nothing new.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from contracts.events.schedule import PeriodDefined, ProgrammeAdopted, Slot, TeachingAssigned
from contracts.ids import derived
from services.kit.handle import Command, Done
from services.kit.problems import NotFound
from services.schedule import catalogue as lists
from services.schedule import lessons, load, periods, programmes, timetable, year
from services.schedule.catalogue import Catalogue
from services.schedule.problems import OwnPage, ReferenceUnknown
from services.schedule.year import Lesson, Year

if TYPE_CHECKING:
    from services.schedule.app import Schedule


class Place(NamedTuple):
    """Where a lesson or an assignment is: its year as folded, and the group."""

    year: str
    state: Year
    group: str


def new_id(command: Command, kind: str, n: int = 0) -> str:
    """The id of the n-th new thing that a command makes."""
    return derived("schedule", kind, command.id, str(n))


# -- the college's lists -------------------------------------------------------------------------------------------


async def add(svc: "Schedule", command: Command, entries: Sequence[lists.Entry]) -> Done:
    """Add years, rooms, bell times or disciplines, or replace those of the same id. Raises NameTaken."""
    return await svc.catalogue.execute(lists.STREAM, command, lambda state, _: lists.decide(state, entries))


async def catalogue_of(svc: "Schedule") -> Catalogue:
    return (await svc.catalogue.state(lists.STREAM)).state


# -- calendars -----------------------------------------------------------------------------------------------------


async def define_periods(svc: "Schedule", command: Command, group: str, wanted: Sequence[PeriodDefined]) -> Done:
    """Define periods of one group. Raises ReferenceUnknown, OutsideYear, PeriodElsewhere."""
    years = (await catalogue_of(svc)).years
    return await svc.calendars.execute(
        periods.stream(group), command, lambda state, _: periods.decide(state, wanted, years)
    )


async def period_of(svc: "Schedule", group: str, period: str) -> PeriodDefined:
    """A period of the group. Raises ReferenceUnknown."""
    found = (await svc.calendars.state(periods.stream(group))).state.periods.get(period)
    if found is None:
        raise ReferenceUnknown(what="period", id=period)
    return found


# -- load ----------------------------------------------------------------------------------------------------------


async def assign(svc: "Schedule", command: Command, wanted: Sequence[TeachingAssigned]) -> Done:
    """Assign teaching, of any groups, in periods of one academic year.

    Raises OwnPage, ReferenceUnknown, OutsidePeriod, ResponsibleTaken, and ValueError for periods of several years.
    """
    _refuse_own(command, *(fact.teacher for fact in wanted))
    known = (await catalogue_of(svc)).disciplines
    its: dict[str, PeriodDefined] = {}
    for fact in wanted:
        if fact.discipline not in known:
            raise ReferenceUnknown(what="discipline", id=fact.discipline)
        if fact.period not in its:
            its[fact.period] = await period_of(svc, fact.group, fact.period)
    years = {period.year for period in its.values()}
    if len(years) != 1:
        raise ValueError("assignments of one academic year at a time")
    return await svc.years.execute(year.stream(years.pop()), command, lambda state, _: load.assign(state, wanted, its))


async def reassign(svc: "Schedule", command: Command, place: Place, wish: load.Reassign) -> Done:
    """Pass an assignment on to another teacher. Raises OwnPage and the problems of `load.reassign`."""
    _refuse_own(command, wish.teacher)
    return await svc.years.execute(year.stream(place.year), command, lambda state, _: load.reassign(state, wish))


async def adopt(svc: "Schedule", command: Command, wanted: ProgrammeAdopted) -> Done:
    """Adopt the thematic plan of a discipline in a period. Raises ReferenceUnknown."""
    await period_of(svc, wanted.group, wanted.period)
    if wanted.discipline not in (await catalogue_of(svc)).disciplines:
        raise ReferenceUnknown(what="discipline", id=wanted.discipline)
    return await svc.programmes.execute(
        programmes.stream(wanted.group), command, lambda state, _: programmes.decide(state, wanted)
    )


async def teaches(svc: "Schedule", person: str, group: str, discipline: str, period: str, on: date) -> bool:
    """Whether the person teaches that page (later assignments of the period count from the day they begin)."""
    found = (await svc.calendars.state(periods.stream(group))).state.periods.get(period)
    if found is None:
        return False
    state = (await svc.years.state(year.stream(found.year))).state
    return load.teaches(state, person, group, discipline, period, on)


# -- timetables and lessons ----------------------------------------------------------------------------------------


class Published(NamedTuple):
    """Where a publication landed, and the hours of its assignments as they now stand."""

    done: Done
    timetable: str
    hours: list[timetable.Hours]


async def publish(
    svc: "Schedule",
    command: Command,
    group: str,
    period: str,
    slots: Iterable[Slot],
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> Published:
    """Publish the weekly timetable of a group. Raises ReferenceUnknown and the problems of `timetable.publish`."""
    lines = tuple(slots)
    rooms = (await catalogue_of(svc)).rooms
    for slot in lines:
        if slot.room and slot.room not in rooms:
            raise ReferenceUnknown(what="room", id=slot.room)
    its = await period_of(svc, group, period)
    wish = timetable.Publish(group, its, lines, starts_on, ends_on)
    stream, id_ = year.stream(its.year), timetable.timetable_id(group, period)
    done = await svc.years.execute(stream, command, lambda state, now: timetable.publish(state, wish, svc.day(now)))
    return Published(done, id_, timetable.hours((await svc.years.state(stream)).state, id_))


async def place_of_lesson(svc: "Schedule", lesson: str) -> Place:
    """Where a lesson is, as of now. Raises NotFound."""
    async for year_id, state in _years(svc):
        if (held := state.lessons.get(lesson)) is not None:
            return Place(year_id, state, _group(state, held))
    raise NotFound


async def place_of_assignment(svc: "Schedule", assignment: str) -> Place:
    """Where an assignment is, as of now. Raises NotFound."""
    async for year_id, state in _years(svc):
        if (held := state.assignments.get(assignment)) is not None:
            return Place(year_id, state, held.fact.group)
    raise NotFound


async def move(svc: "Schedule", command: Command, place: Place, wish: lessons.Move) -> Done:
    """Move a lesson. Raises ReferenceUnknown for its room, and the problems of `lessons.move`."""
    if wish.room and wish.room not in (await catalogue_of(svc)).rooms:
        raise ReferenceUnknown(what="room", id=wish.room)
    held = place.state.lessons[wish.lesson]
    period = await period_of(svc, place.group, place.state.assignments[held.assignment].fact.period)
    return await svc.years.execute(
        year.stream(place.year), command, lambda state, now: lessons.move(state, wish, period, svc.day(now))
    )


async def cancel(svc: "Schedule", command: Command, place: Place, wish: lessons.Cancel) -> Done:
    """Call a lesson off. Raises the problems of `lessons.cancel`."""
    return await svc.years.execute(
        year.stream(place.year), command, lambda state, now: lessons.cancel(state, wish, svc.day(now))
    )


async def substitute(svc: "Schedule", command: Command, place: Place, wish: lessons.Substitute) -> Done:
    """Let another teacher hold a lesson. Raises OwnPage and the problems of `lessons.substitute`."""
    _refuse_own(command, wish.teacher)
    return await svc.years.execute(year.stream(place.year), command, lambda state, _: lessons.substitute(state, wish))


async def _years(svc: "Schedule") -> AsyncIterator[tuple[str, Year]]:
    """The academic years as of now, the one that begins last going first."""
    known = (await catalogue_of(svc)).years.values()
    for entry in sorted(known, key=lambda y: y.starts_on, reverse=True):
        yield entry.year, (await svc.years.state(year.stream(entry.year))).state


def _group(state: Year, lesson: Lesson) -> str:
    return state.assignments[lesson.assignment].fact.group


def _refuse_own(command: Command, *teachers: str) -> None:
    """Nobody gives a page to himself."""
    if command.actor in teachers:
        raise OwnPage
