"""The load and the lessons of one academic year: what S1 is judged by. Stream `timetable/{year}`; pure.

S1: a group (by subgroup), a teacher and a room are in one place at a time. So that one stream can judge it, the
teaching assignments and every dated lesson of the year are folded here. Who holds a lesson is resolved by its date:
the substitute, else whose the assignment is on that day; a reassignment thereby reaches all lessons from its day on.
Subgroups of one group with different numbers may meet at one time; whether two splits of a group share students is
identity's to know and is not judged.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from contracts.events import schedule as e
from contracts.events.schedule import TeachingAssigned
from services.kit.handle import Fact
from services.schedule.problems import Clash

CLASHES_SHOWN = 50


def stream(year: str) -> str:
    return f"timetable/{year}"


class Assignment(NamedTuple):
    """A teaching assignment and who took it over, in order: (from day, teacher)."""

    fact: TeachingAssigned
    passed_on: tuple[tuple[date, str], ...] = ()

    def teacher_on(self, day: date) -> str:
        for since, teacher in reversed(self.passed_on):
            if since <= day:
                return teacher
        return self.fact.teacher

    def covers(self, day: date) -> bool:
        return self.fact.starts_on <= day and (self.fact.ends_on is None or day <= self.fact.ends_on)


class Lesson(NamedTuple):
    """A dated lesson. origin: the day that the timetable put it on. touched: moved, cancelled or substituted by hand,
    which the timetable published again leaves alone. substitute: who holds it instead, "" for nobody."""

    id: str
    timetable: str
    assignment: str
    origin: date
    date: date
    pair: int
    hours: int
    kind: e.LessonKind
    room: str = ""
    joint: str = ""
    substitute: str = ""
    cancelled: bool = False
    touched: bool = False


class Meeting(NamedTuple):
    """Two lessons that cannot both be: what is in two places (group, teacher or room)."""

    what: str
    lesson: Lesson
    other: Lesson


class Year:
    """The folded year. `occupied`: the lessons that take place at (date, pair); cancelled ones do not.

    `published`: the latest publication of each timetable; `of_timetable`: its lessons. Methods in the imperative
    change this object and are for private copies only.
    """

    __slots__ = ("_fresh", "assignments", "lessons", "occupied", "of_timetable", "published")

    def __init__(self) -> None:
        self.assignments: dict[str, Assignment] = {}
        self.lessons: dict[str, Lesson] = {}
        self.occupied: dict[tuple[date, int], tuple[str, ...]] = {}
        self.published: dict[str, e.TimetablePublished] = {}
        self.of_timetable: dict[str, set[str]] = {}
        self._fresh: set[str] = set()

    def copy(self) -> "Year":
        """A private copy: a copy of the dictionaries, the values are shared until changed."""
        new = Year()
        new.assignments, new.lessons = dict(self.assignments), dict(self.lessons)
        new.occupied, new.published = dict(self.occupied), dict(self.published)
        new.of_timetable = dict(self.of_timetable)
        return new

    def fold(self, facts: Sequence[Fact]) -> "Year":
        new = self.copy()
        for fact in facts:
            new.take(fact.event)
        return new

    def take(self, event: Any) -> None:
        """Fold one event into this copy. An event about a lesson or assignment that is not here changes nothing."""
        match event:
            case e.LessonPlanned() if event.assignment in self.assignments:
                held = self.lessons.get(event.lesson)
                self.put(planned(event, held.origin if held else event.date))
            case e.TeachingAssigned():
                passed_on = self.assignments[event.assignment].passed_on if event.assignment in self.assignments else ()
                self.assignments[event.assignment] = Assignment(event, passed_on)
            case e.TeachingReassigned() if event.assignment in self.assignments:
                a = self.assignments[event.assignment]
                self.assignments[event.assignment] = a._replace(passed_on=(*a.passed_on, (event.on, event.teacher)))
            case e.TimetablePublished():
                self.published[event.timetable] = event
            case e.LessonMoved() if event.lesson in self.lessons:
                self.put(
                    self.lessons[event.lesson]._replace(date=event.date, pair=event.pair, room=event.room, touched=True)
                )
            case e.LessonSubstituted() if event.lesson in self.lessons:
                lesson = self.lessons[event.lesson]
                own = self.assignments[lesson.assignment].teacher_on(lesson.date) == event.teacher
                self.put(lesson._replace(substitute="" if own else event.teacher, touched=True))
            case e.LessonCancelled() if event.lesson in self.lessons:
                if event.reason == "timetable":
                    self.remove(event.lesson)
                else:
                    self.put(self.lessons[event.lesson]._replace(cancelled=True, touched=True))

    def put(self, lesson: Lesson) -> None:
        """Set a lesson in its place; it leaves the place where it was."""
        held = self.lessons.get(lesson.id)
        if held is not None:
            self._leave(held)
        self.lessons[lesson.id] = lesson
        self._lessons_of(lesson.timetable).add(lesson.id)
        if not lesson.cancelled:
            place = (lesson.date, lesson.pair)
            self.occupied[place] = (*self.occupied.get(place, ()), lesson.id)

    def remove(self, lesson_id: str) -> None:
        """Take a lesson out altogether."""
        lesson = self.lessons.pop(lesson_id)
        self._leave(lesson)
        self._lessons_of(lesson.timetable).discard(lesson_id)

    def _leave(self, lesson: Lesson) -> None:
        place = (lesson.date, lesson.pair)
        left = tuple(i for i in self.occupied.get(place, ()) if i != lesson.id)
        if left:
            self.occupied[place] = left
        else:
            self.occupied.pop(place, None)

    def _lessons_of(self, timetable: str) -> set[str]:
        """The set of a timetable's lessons, copied before its first change."""
        if timetable not in self._fresh:
            self._fresh.add(timetable)
            self.of_timetable[timetable] = set(self.of_timetable.get(timetable, ()))
        return self.of_timetable[timetable]

    # -- what decisions ask -------------------------------------------------------------------------------------

    def holder(self, lesson: Lesson) -> str:
        """Who holds the lesson."""
        return lesson.substitute or self.assignments[lesson.assignment].teacher_on(lesson.date)

    def meetings(self, lesson: Lesson) -> Iterator[Meeting]:
        """What stands against holding `lesson` in its place (S1)."""
        own, holder = self.assignments[lesson.assignment].fact, self.holder(lesson)
        for other_id in self.occupied.get((lesson.date, lesson.pair), ()):
            if other_id == lesson.id:
                continue
            other = self.lessons[other_id]
            its, its_holder = self.assignments[other.assignment].fact, self.holder(other)
            apart = own.subgroup and its.subgroup and own.subgroup != its.subgroup
            if own.group == its.group and not apart:
                yield Meeting("group", lesson, other)
            if lesson.joint and lesson.joint == other.joint and holder == its_holder and lesson.room == other.room:
                continue  # a joint lesson is one place
            if holder == its_holder:
                yield Meeting("teacher", lesson, other)
            if lesson.room and lesson.room == other.room:
                yield Meeting("room", lesson, other)

    def refuse(self, meetings: Sequence[Meeting]) -> None:
        """Raises Clash naming them, if there are any."""
        if meetings:
            shown = [
                {
                    "date": m.lesson.date.isoformat(),
                    "pair": m.lesson.pair,
                    "what": m.what,
                    "assignment": m.lesson.assignment,
                    "with": {
                        "lesson": m.other.id,
                        "group": self.assignments[m.other.assignment].fact.group,
                        "assignment": m.other.assignment,
                        "teacher": self.holder(m.other),
                        "room": m.other.room,
                    },
                }
                for m in meetings[:CLASHES_SHOWN]
            ]
            raise Clash(count=len(meetings), extra={"clashes": shown})

    def timetabled(self, timetable: str) -> dict[str, int]:
        """{assignment: hours of the lessons that a timetable gives it}, cancelled ones not counted."""
        hours: dict[str, int] = {}
        for lesson_id in self.of_timetable.get(timetable, ()):
            lesson = self.lessons[lesson_id]
            if not lesson.cancelled:
                hours[lesson.assignment] = hours.get(lesson.assignment, 0) + lesson.hours
        return hours


def planned(event: e.LessonPlanned, origin: date) -> Lesson:
    """The lesson as an event plans it."""
    return Lesson(
        event.lesson,
        event.timetable,
        event.assignment,
        origin,
        event.date,
        event.pair,
        event.hours,
        event.kind,
        event.room,
        event.joint,
    )
