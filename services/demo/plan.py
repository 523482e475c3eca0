"""The plan of a demo college: who is there, what is taught by whom, when, and the special cases that it shows.

Pure and seeded: the same size and first day give the same plan in every process, so that a load that broke off goes
on where it was. People, groups and pages have keys here; identity gives people and groups their ids when it is loaded.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Final, Literal

from contracts.ids import derived
from services.demo.calendar import DAY, Calendar, Moment, Period, calendar
from services.demo.curriculum import SPECIALTIES
from services.demo.people import Registry
from services.demo.shapes import Group, Lesson, Link, Load, Page, Size, Staff, Substitution, Transfer, seeded
from services.demo.timetable import DAYS, Place, Unit, arrange

YEAR: Final = timedelta(days=365, hours=6)
SECOND_YEAR_AGE: Final = 16
MOST_PAIRS: Final = {"sport": 20}
PAIRS: Final = 16
"""Pairs a week that one teacher takes, or a team of two, where MOST_PAIRS says nothing of his area."""


Finals = Literal["all", "half", "none"]
"""How many finals of a page are set."""


class Plan:
    """Everything of a demo college but its marks (`marks.py`)."""

    def __init__(self, size: Size, today: date, at: Moment = "week") -> None:
        self.size, self.at = size, at
        gone = size.gone_weeks if at == "week" else size.late_weeks
        self.calendar: Calendar = calendar(today, size.past_weeks, gone, size.running_weeks, at)
        self._registry = Registry(seeded("people"))
        self.people = self._registry.people
        self.staff: list[Staff] = []
        self.links: list[Link] = []
        self._administration()
        self._teachers: dict[str, list[str]] = self._hire()
        self.groups = [self._group(n, specialty, title) for n, (specialty, title) in enumerate(size.groups)]
        self.loads = [load for group in self.groups for load in self._loads(group)]
        self.curators = self._curators()
        self._families()
        self.split_groups = (*self.groups[2:], self.groups[1])[: size.splits]
        self.weeks = self._weeks()

    @property
    def periods(self) -> tuple[Period, Period]:
        return self.calendar.past, self.calendar.running

    # -- people ------------------------------------------------------------------------------------------------

    def _administration(self) -> None:
        today = self.calendar.today
        for key, role, order in (
            ("administrator", "journal_administrator", ""),
            ("director", "director", "1-к"),
            ("deputy", "deputy_director", "2-к"),
            ("office", "study_office", "3-к"),
            ("auditor", "auditor", "4-к"),
        ):
            self._registry.adult(key, today)
            self.staff.append(Staff(key, role, order))

    def _hire(self) -> dict[str, list[str]]:
        """{area: teachers}, as many as the load needs; a team of two for languages."""
        pairs: dict[str, int] = defaultdict(int)
        for specialty, _ in self.size.groups:
            for course in SPECIALTIES[specialty].courses:
                pairs[course.area] += len(course.kinds)
        hired: dict[str, list[str]] = {}
        number = 0
        for area, load in pairs.items():
            practice = area.endswith(" practice")
            teams = -(-load // MOST_PAIRS.get(area, PAIRS))
            hired[area] = []
            for _ in range(teams * (2 if area == "language" else 1)):
                number += 1
                key = f"{'instructor' if practice else 'teacher'}{number}"
                self._registry.adult(key, self.calendar.today)
                self.staff.append(Staff(key, "workshop_instructor" if practice else "teacher"))
                hired[area].append(key)
        return hired

    def _group(self, number: int, specialty: int, title: str) -> Group:
        kind = SPECIALTIES[specialty]
        key = f"{kind.short}-{title}"
        first = number * self.size.students + 1
        random = seeded(key)
        youngest = self.calendar.today - (SECOND_YEAR_AGE - 2 + int(title[0])) * YEAR
        students = []
        for n in range(self.size.students):
            born = youngest - timedelta(days=random.randint(20, 600))
            family = father = None
            if (number, n) == (0, 1):  # came of age three weeks ago
                born = self.calendar.today - 18 * YEAR - 20 * DAY
            elif number and (number, n) == (len(self.size.groups) - 1, 0):  # brother or sister of the very first one
                sibling = self.people["student0001"]
                family, father = sibling.family.removesuffix("а") if sibling.female else sibling.family, sibling.father
            students.append(f"student{first + n:04}")
            self._registry.student(students[-1], born, family, father)
        return Group(key, kind, tuple(students), number, int(title[0]))

    def _families(self) -> None:
        """A mother for each, a father for every third; the first and the last group share one family."""
        today = self.calendar.today
        first, sibling = self.groups[0].students[0], self.groups[-1].students[0]
        for group in self.groups:
            for n, student in enumerate(group.students):
                if self.people[student].born + 18 * YEAR <= self.calendar.starts_on + 3 * DAY:
                    continue  # of age when the year begins
                mother = f"parent{student.removeprefix('student')}"
                if student == sibling and student != first:
                    self.links.append(Link(f"parent{first.removeprefix('student')}", student))
                    continue
                self._registry.parent(mother, self.people[student], today, female=True)
                self.links.append(Link(mother, student))
                if n % 3 == 2:
                    father = f"{mother}b"
                    self._registry.parent(father, self.people[student], today, female=False)
                    self.links.append(Link(father, student))

    def _curators(self) -> dict[str, str]:
        """{key of the group: its curator}, one of its own teachers, another for each where there are enough."""
        found: dict[str, str] = {}
        for group in self.groups:
            own = [load.teachers[0] for load in self.loads_of(group) if load.teachers[0].startswith("teacher")]
            found[group.key] = next((t for t in reversed(own) if t not in found.values()), own[-1])
        return found

    # -- load and timetable ------------------------------------------------------------------------------------

    def _loads(self, group: Group) -> Iterator[Load]:
        for course in group.specialty.courses:
            teams = self._teachers[course.area]
            if course.area == "language":
                n = group.number % (len(teams) // 2)
                yield Load(group, course, (teams[2 * n], teams[2 * n + 1]))
            else:
                yield Load(group, course, (self._least_loaded(teams, len(course.kinds)),))

    @cached_property
    def _pairs_taken(self) -> dict[str, int]:
        return defaultdict(int)

    def _least_loaded(self, teachers: Sequence[str], pairs: int) -> str:
        chosen = min(teachers, key=lambda t: self._pairs_taken[t])
        self._pairs_taken[chosen] += pairs
        return chosen

    def _weeks(self) -> list[dict[Place, Unit]]:
        """The weekly timetable of each group, the same in both periods."""
        units = [
            [
                Unit(load.key, load.teachers[0], load.course.kind == "training_practice", n)
                for load in self.loads_of(group)
                for n in range(len(load.course.kinds))
            ]
            for group in self.groups
        ]
        practising: dict[str, int] = defaultdict(int)
        days = []
        for group in self.groups:
            instructor = self.loads_of(group)[-1].teachers[0]
            days.append(DAYS[-1 - practising[instructor] % len(DAYS)])
            practising[instructor] += 1
        return arrange(units, days, seeded("timetable"))

    def loads_of(self, group: Group) -> list[Load]:
        return self._loads_by_group[group.key]

    @cached_property
    def _loads_by_group(self) -> dict[str, list[Load]]:
        found: dict[str, list[Load]] = defaultdict(list)
        for load in self.loads:
            found[load.group.key].append(load)
        return found

    def teaching(self, load: Load) -> list[tuple[str, str]]:
        """(subgroup, teacher) of the load: its assignments; the first one is responsible."""
        if len(load.teachers) > 1 and load.group.key in {g.key for g in self.split_groups}:
            return [("1", load.teachers[0]), ("2", load.teachers[1])]
        return [("", load.teachers[0])]

    def subgroups(self, group: Group) -> dict[str, tuple[str, ...]]:
        half = (len(group.students) + 1) // 2
        return {"1": group.students[:half], "2": group.students[half:]}

    @cached_property
    def pages(self) -> list[Page]:
        return [Page(load, period) for period in self.periods for load in self.loads]

    @cached_property
    def lessons(self) -> list[Lesson]:
        """Every dated lesson of both periods, in order of time within its page."""
        found: list[Lesson] = []
        for period in self.periods:
            span = range((period.ends_on - period.starts_on).days + 1)
            days = [day for n in span if period.studies(day := period.starts_on + n * DAY)]
            for group, week in zip(self.groups, self.weeks, strict=True):
                dated: dict[str, list[tuple[date, Place, Unit]]] = defaultdict(list)
                for day in days:
                    for place, unit in sorted(week.items()):
                        if place.weekday == day.isoweekday():
                            dated[unit.load].append((day, place, unit))
                for load in self.loads_of(group):
                    found += self._dated(Page(load, period), dated[load.key])
        return found

    def _dated(self, page: Page, dated: list[tuple[date, Place, Unit]]) -> Iterator[Lesson]:
        for number, (day, place, unit) in enumerate(dated, 1):
            for subgroup, teacher in self.teaching(page.load):
                kind = page.load.course.kinds[unit.nth]
                yield Lesson(page, subgroup, teacher, day, place.pair, kind, number, len(dated))

    @cached_property
    def lessons_of(self) -> dict[str, list[Lesson]]:
        """{key of the page: its lessons}."""
        found: dict[str, list[Lesson]] = defaultdict(list)
        for lesson in self.lessons:
            found[lesson.page.key].append(lesson)
        return found

    # -- the special cases -------------------------------------------------------------------------------------

    @cached_property
    def transfer(self) -> Transfer:
        """A student of the second group is in the first one since about ten days ago, before the finals."""
        day = self.calendar.latest - 10 * DAY
        while not self.calendar.running.studies(day):
            day -= DAY
        return Transfer(self.groups[1].students[-1], self.groups[1], self.groups[0], day)

    @cached_property
    def teacher_student(self) -> tuple[str, Group]:
        """A teacher who studies in the last group from the running period on, by an individual plan."""
        group = self.groups[-1]
        own = {t for load in self.loads_of(group) for t in load.teachers}
        return next(t for area in self._teachers.values() for t in area if t not in own and "teacher" in t), group

    @cached_property
    def substitutions(self) -> list[Substitution]:
        """In the first two groups: one today (or on the next study day, if there is one), last one a week ago."""
        past = self.calendar.latest - 6 * DAY
        while not self.calendar.running.studies(past):
            past -= DAY
        found = [self._substitution(self.groups[1], past)]
        if self.at != "closed":
            found.insert(0, self._substitution(self.groups[0], self.calendar.school_day))
        return found

    def _substitution(self, group: Group, day: date) -> Substitution:
        lesson = min(
            (
                x
                for x in self.lessons
                if x.page.load.group.key == group.key and x.date == day and not x.subgroup and x.key not in self.gaps
            ),
            key=lambda x: x.pair,
        )
        busy = {x.teacher for x in self.lessons if (x.date, x.pair) == (day, lesson.pair)}
        own = lesson.page.load.teachers
        free = [t for area in self._teachers.values() for t in area if t not in busy and t not in own]
        return Substitution(lesson, next(t for t in reversed(free) if t.startswith("teacher")))

    @cached_property
    def substitutes(self) -> dict[str, str]:
        """{key of the lesson: who holds it instead}."""
        return {s.lesson.key: s.teacher for s in self.substitutions}

    @cached_property
    def gaps(self) -> frozenset[str]:
        """Lessons that nobody entered: the latest two of mathematics in the second group."""
        lessons = self.lessons_of[self.neglected.key]
        return frozenset([x.key for x in lessons if x.date < self.calendar.today][-2:])

    @cached_property
    def neglected(self) -> Page:
        """The page with lessons that nobody entered; no final is set there in time."""
        return next(
            p for p in self.pages if p.period.key == "running" and p.load.group.number == 1
            and p.load.course.area == "mathematics"
        )  # fmt: skip

    @cached_property
    def dot(self) -> Lesson:
        """The lesson with an open dot: the latest one of the first group's first discipline of its own."""
        page = next(
            p for p in self.pages if p.period.key == "running" and p.load.group.number == 0
            and p.load.course.code == p.load.group.specialty.courses[4].code
        )  # fmt: skip
        last = min(self.calendar.last_study_day, page.period.finals_on)
        return [x for x in self.lessons_of[page.key] if x.date <= last][-1]

    @cached_property
    def unclosed(self) -> Page:
        """The page of the latest period that has ended which has been signed but not closed yet."""
        ended = "running" if self.at == "closed" else "past"
        return next(p for p in self.pages if p.period.key == ended and p.load.group.number == 0)

    def finals(self, page: Page) -> Finals:
        """How many of the page's finals are set; who has an open dot has none in any case."""
        if page.period.key == "past":
            return "all"
        if self.at == "week" or page.key == self.neglected.key:
            return "none"
        if self.at == "closed":
            return "all"
        if page.key == self.dot.page.key:
            return "half"
        group = page.load.group
        turn: tuple[Finals, ...] = ("all", "half", "none")
        return turn[(self.loads_of(group).index(page.load) + group.number) % len(turn)]

    def finals_on(self, page: Page) -> date:
        """The day on which finals of the page are set: the last one for it, or the latest one so far."""
        return min(page.period.finals_on, self.calendar.last_study_day)

    def signed(self, page: Page) -> bool:
        """The page is signed after its end: nothing is missing there."""
        ended = page.period.key == "past" or self.at == "closed"
        return ended and self.finals(page) == "all" and page.key != self.dot.page.key

    def entered(self) -> Iterator[Lesson]:
        """The lessons that are in the journal: all past ones but the gaps; today's wait for their teachers."""
        return (x for x in self.lessons if x.date < self.calendar.today and x.key not in self.gaps)

    def roster(self, lesson: Lesson) -> list[str]:
        """The students of the lesson on its day. Who came later is in no subgroup."""
        group, moved = lesson.page.load.group, self.transfer
        students = list(self.subgroups(group)[lesson.subgroup] if lesson.subgroup else group.students)
        if lesson.date >= moved.on and moved.student in students:
            students.remove(moved.student)
        if lesson.subgroup:
            return students
        if lesson.date >= moved.on and group.key == moved.joined.key:
            students.append(moved.student)
        teacher, studied = self.teacher_student
        if group.key == studied.key and lesson.page.period.key == "running":
            students.append(teacher)
        return students

    def teaches_then(self, person: str, lesson: Lesson) -> bool:
        """The person, a teacher who studies, holds a lesson of his own meanwhile."""
        return person == self.teacher_student[0] and (lesson.date, lesson.pair) in self._teaching_hours

    @cached_property
    def _teaching_hours(self) -> frozenset[tuple[date, int]]:
        teacher = self.teacher_student[0]
        return frozenset((x.date, x.pair) for x in self.lessons if self.substitutes.get(x.key, x.teacher) == teacher)

    # -- ids that the loader chooses ---------------------------------------------------------------------------

    def id(self, kind: str, key: str) -> str:
        return derived("demo", self.size.name, kind, key)
