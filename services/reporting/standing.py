"""How a student stands on one page: his days on it, the lessons that are his, the grades that count. Pure.

The counting is the gradebook's (a retake replaces or joins the first mark by the page's setting, weight 0 does not
count, carried-over grades keep their own weight, finals taken from period pages weigh 1).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import orjson

from services.reporting.indicators import FULL, NUMERIC, needed, weighted_mean


class Move(NamedTuple):
    """The student joined (up to and including `until`, when that is known) or left on that day."""

    on: date
    joined: bool
    until: date | None


def moves_of(text: str | None) -> list[Move]:
    """Moves, in order, from JSON rows [day, joined, until]."""
    parse = date.fromisoformat
    return [Move(parse(on), joined, parse(u) if u else None) for on, joined, u in orjson.loads(text or "[]")]


def enrolled(moves: Sequence[Move], day: date) -> bool:
    """On the page that day, both ends included; the latest move up to that day decides."""
    for move in reversed(moves):
        if move.on <= day:
            return move.joined and (move.until is None or day <= move.until)
    return False


def always(moves: Sequence[Move], first: date, last: date) -> bool:
    """On the page on every day from `first` to `last`: the usual case, told without looking at each day."""
    return len(moves) == 1 and moves[0].joined and moves[0].on <= first and (moves[0].until or last) >= last


class Rules(NamedTuple):
    """The settings of a page that its means depend on. weights: hundredths by work kind."""

    weights: Mapping[str, int]
    replaces: bool

    @classmethod
    def of(cls, weights: str | None, retake: str | None) -> "Rules":
        return cls(orjson.loads(weights) if weights else {}, retake != "joins")


class Subgroups(NamedTuple):
    """of_assignment: its subgroup, "" = whole group. members: students by subgroup, as agreed."""

    of_assignment: Mapping[str, str]
    members: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, assignments: Iterable[Sequence[Any]], members: str | None) -> "Subgroups":
        return cls({row[0]: row[2] or "" for row in assignments}, orjson.loads(members) if members else {})

    @property
    def whole(self) -> bool:
        """No assignment of the page is for a subgroup."""
        return not any(self.of_assignment.values())

    def has(self, student: str, assignment: str) -> bool:
        """The student takes part: the whole group does, the split is not agreed yet, or he is in that subgroup."""
        students = self.members.get(self.of_assignment.get(assignment, ""))
        return students is None or student in students


class Marks(NamedTuple):
    """mean: hundredths, None without numeric marks. counted: how many count; replaced: ids set aside by a retake.

    needed: how many further grades "5" lead to a 5, 4 and 3 (`indicators.needed`).
    """

    mean: int | None
    counted: int
    replaced: frozenset[str]
    needed: Mapping[str, int | None]


class Mark(NamedTuple):
    """A grade as far as the mean goes."""

    grade: str
    value: str
    work: str
    retake_of: str | None


def marks(rules: Rules, grades: Sequence[Mark], carried: Iterable[Mapping[str, Any]], taken: Iterable[str]) -> Marks:
    """The weighted mean of a page; taken: values of period finals."""
    retaken = frozenset(g.retake_of for g in grades if g.retake_of)
    replaced = retaken if rules.replaces else frozenset()
    weight = rules.weights.get
    weighed = [(value, weight(work, FULL)) for grade, value, work, _ in grades if grade not in replaced]
    weighed += [(g["value"], g["weight"]) for g in carried]
    weighed += [(value, FULL) for value in taken]
    counted = sum(w > 0 and (v in NUMERIC or v in ("pass", "fail")) for v, w in weighed)
    total = sum(w * NUMERIC[v] for v, w in weighed if v in NUMERIC)
    weight_of_all = sum(w for v, w in weighed if v in NUMERIC)
    further = {str(mark): needed(total, weight_of_all, mark) for mark in (5, 4, 3)}
    return Marks(weighted_mean(weighed), counted, replaced, further)


class Hours:
    """Hours held for a student and hours that he missed, by class; how often he was late."""

    __slots__ = ("excused", "held", "ill", "late", "late_minutes", "left_early", "missed", "unclassified", "unexcused")

    def __init__(self) -> None:
        self.held = self.missed = self.ill = self.excused = self.unexcused = self.unclassified = 0
        self.late = self.late_minutes = self.left_early = 0

    def add(self, held: int, mark: Sequence[int] | None, reason: str | None) -> None:
        """One lesson: its hours, [hours missed, minutes late, minutes before the end] or None, the absence's class."""
        self.held += held
        if mark is None:
            return
        missed, late, left_early = mark
        if missed:
            self.missed += missed
            name = reason or "unclassified"
            setattr(self, name, getattr(self, name) + missed)
        self.late += late > 0
        self.late_minutes += late
        self.left_early += left_early > 0

    def include(self, other: "Hours") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def shown(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


Spans = Sequence[tuple[date, date, str]]


def class_on(classes: Spans, day: date) -> str | None:
    """The class of an absence on that day: the latest classification that covers it."""
    for starts_on, ends_on, reason in reversed(classes):
        if starts_on <= day <= ends_on:
            return reason
    return None
