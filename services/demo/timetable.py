"""A weekly timetable without clashes for every group, found by moving lessons that clash. Pure and seeded.

A group has a day of practice and, on the other days, three pairs without a window. Rooms follow from teachers: each
has his own, so that only teachers can clash.
"""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

DAYS = range(1, 7)
PAIRS_A_DAY = 3
SWAPS = 200_000


class Place(NamedTuple):
    weekday: int
    pair: int


class Unit(NamedTuple):
    """One pair of the week of a group: `load` says of what, `team` who is busy meanwhile."""

    load: str
    team: str
    practice: bool
    nth: int


def places(group: int, practice_day: int) -> list[Place]:
    """The group's places of theory: the first or the second shift."""
    first = first_pair(group)
    return [Place(day, first + n) for day in DAYS if day != practice_day for n in range(PAIRS_A_DAY)]


def first_pair(group: int) -> int:
    """Two groups come early, two come late; neighbours often share teachers, who would be short of places."""
    return 1 + group // 2 % 2


def arrange(groups: Sequence[Sequence[Unit]], practice_days: Sequence[int], random: Random) -> list[dict[Place, Unit]]:
    """The place of every unit. Raises RuntimeError where it finds none: too few teachers for the load."""
    found: list[dict[Place, Unit]] = []
    busy: Counter[tuple[str, Place]] = Counter()
    theory: list[dict[Place, Unit]] = []
    for number, units in enumerate(groups):
        day = practice_days[number]
        practice = [u for u in units if u.practice]
        fixed = {Place(day, first_pair(number) + n): unit for n, unit in enumerate(practice)}
        free = places(number, day)
        lessons = [u for u in units if not u.practice]
        random.shuffle(lessons)
        moving = dict(zip(free, lessons, strict=True))
        busy.update((unit.team, place) for place, unit in (*fixed.items(), *moving.items()))
        theory.append(moving)
        found.append(fixed)
    _untangle(theory, busy, random)
    for fixed, moving in zip(found, theory, strict=True):
        fixed.update(moving)
    return found


def _untangle(groups: list[dict[Place, Unit]], busy: Counter[tuple[str, Place]], random: Random) -> None:
    """Swap lessons within a group, the best swap for a clash at a time, until nobody is in two places."""
    for _ in range(SWAPS):
        clashes = [
            (number, place)
            for number, group in enumerate(groups)
            for place, unit in group.items()
            if busy[unit.team, place] > 1
        ]
        if not clashes:
            return
        number, place = random.choice(clashes)
        group = groups[number]
        best = min(
            (other for other in group if other != place),
            key=lambda other: (_gain(busy, group, place, other), random.random()),
        )
        one, two = group[place], group[best]
        busy.subtract([(one.team, place), (two.team, best)])
        busy.update([(one.team, best), (two.team, place)])
        group[place], group[best] = two, one
    raise RuntimeError("no timetable without clashes was found")


def _gain(busy: Counter[tuple[str, Place]], group: dict[Place, Unit], place: Place, other: Place) -> int:
    """How many clashes the swap adds; negative: how many it takes away."""
    one, two = group[place].team, group[other].team
    if one == two:
        return 1
    before = (busy[one, place] > 1) + (busy[two, other] > 1)
    after = (busy[one, other] > 0) + (busy[two, place] > 0)
    return after - before
