"""Lessons of pages as cards show them: the same for every student on a page, so they are kept until one is touched.

The view names with each page the event that last touched a lesson of it; what was read as of another event is read
again. So a card costs its own grades, and the lessons of a group are read once for all of its students.
"""

import sys
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import orjson

PAGES_KEPT = 300
"""The pages of some seventeen groups in a year; about 40 kB each."""


class Lesson(NamedTuple):
    """shown: what a card says of it to every student; shared by all cards, so nobody changes it. marks: JSON
    {student: [hours missed, minutes late, minutes before the end]} of who was not simply there."""

    id: str
    assignment: str
    day: date
    hours: int
    topic_no: int | None
    shown: dict[str, Any]
    marks: str

    def mark(self, student: str) -> Sequence[int] | None:
        """The student's entry in the attendance; most have none, and the text is parsed for the others only."""
        return orjson.loads(self.marks).get(student) if student in self.marks else None


class Lessons:
    """The lessons of the pages read last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str | None, tuple[Lesson, ...]]] = OrderedDict()

    def known(self, page: str, as_of: str | None) -> tuple[Lesson, ...] | None:
        """The lessons of a page if they are still as they were then, after the event `as_of`."""
        kept = self._kept.get(page)
        if kept is None or kept[0] != as_of:
            return None
        self._kept.move_to_end(page)
        return kept[1]

    def keep(self, pages: Mapping[str, str | None], rows: Iterable[Sequence[Any]]) -> dict[str, tuple[Lesson, ...]]:
        """The lessons of `pages`, {page: as of which event}, from rows in the order of the card."""
        found: dict[str, list[Lesson]] = {page: [] for page in pages}
        for row in rows:
            found[row[0]].append(_lesson(row))
        made = {page: tuple(lessons) for page, lessons in found.items()}
        for page, lessons in made.items():
            self._kept[page] = pages[page], lessons
            self._kept.move_to_end(page)
        while len(self._kept) > PAGES_KEPT:
            self._kept.popitem(last=False)
        return made


def _lesson(row: Sequence[Any]) -> Lesson:
    _, lesson, assignment, teacher, day, pair, number, hours, kind, topic, topic_no, homework, due_on, marks = row
    shown = {
        "lesson": lesson,
        "date": day,
        "pair": pair,
        "number": number,
        "hours": hours,
        "kind": sys.intern(kind),
        "teacher": sys.intern(teacher),
        "topic": topic,
        "topic_no": topic_no,
        "grades": [],
    }
    if homework:
        shown["homework"] = {"text": homework, "due_on": due_on}
    return Lesson(lesson, sys.intern(assignment), day, hours, topic_no, shown, marks or "")
