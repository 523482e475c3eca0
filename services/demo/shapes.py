"""What a plan is made of: sizes, groups, load, pages, lessons, and the special cases."""

from datetime import date
from random import Random
from typing import Final, NamedTuple

from contracts.events.schedule import LessonKind
from services.demo.calendar import Period
from services.demo.curriculum import SPECIALTIES, Course, Specialty

SEED: Final = "zhurnal demo 1"


def seeded(*key: str) -> Random:
    """A source of chance that is the same for the same key in every process."""
    return Random(" ".join((SEED, *key)))  # noqa: S311 - nothing secret comes of it


class Size(NamedTuple):
    """How much. groups: (specialty, course and number of the group), in order; the first two are of one specialty.

    graded, absent, late: per hundred students in a lesson (graded: of those present, in an ordinary lesson).
    gone_weeks: of running_weeks are over in an ordinary week, late_weeks when finals are set and later.
    splits: how many groups are split for the language, never the one that a student is moved to.
    """

    name: str
    groups: tuple[tuple[int, str], ...]
    students: int
    past_weeks: int
    gone_weeks: int
    late_weeks: int
    running_weeks: int
    graded: int
    absent: int
    late: int
    splits: int


SIZES: Final = {
    "class": Size("class", ((0, "21"), (0, "22"), (1, "21"), (2, "21")), 25, 10, 5, 10, 16, 35, 9, 4, 1),
    "college": Size(
        "college",
        tuple((n, title) for n in range(len(SPECIALTIES)) for title in ("21", "22", "31", "32")),
        25, 18, 15, 15, 18, 61, 23, 12, 39,
    ),
}  # fmt: skip


class Group(NamedTuple):
    """`key` is its title as well. number: from 0. year: of study."""

    key: str
    specialty: Specialty
    students: tuple[str, ...]
    number: int
    year: int


class Load(NamedTuple):
    """A course as taught to a group: by one teacher, or by two in subgroups 1 and 2."""

    group: Group
    course: Course
    teachers: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.group.key} {self.course.code}"


class Page(NamedTuple):
    """A page of the journal: a load in a period."""

    load: Load
    period: Period

    @property
    def key(self) -> str:
        return f"{self.load.key} {self.period.key}"


class Lesson(NamedTuple):
    """A dated lesson. topic: its number in the thematic plan. subgroup: "1", "2" or "" for the whole group."""

    page: Page
    subgroup: str
    teacher: str
    date: date
    pair: int
    kind: LessonKind
    topic: int
    of: int

    @property
    def key(self) -> str:
        return f"{self.page.key} {self.subgroup} {self.date} {self.pair}"


class Link(NamedTuple):
    guardian: str
    student: str


class Transfer(NamedTuple):
    student: str
    left: Group
    joined: Group
    on: date


class Substitution(NamedTuple):
    lesson: Lesson
    teacher: str


class Staff(NamedTuple):
    """A person with a role that is granted to him. order: number of the order, where the role needs one."""

    person: str
    role: str
    order: str = ""
