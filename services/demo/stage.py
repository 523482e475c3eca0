"""What every part of the loader works with: the plan, the services, and the ids that identity has given."""

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from contracts.ids import derived, page_id
from services.demo.calendar import Period
from services.demo.plan import Plan
from services.demo.shapes import Group, Lesson, Load, Page
from services.gradebook.app import Gradebook
from services.identity.app import Identity
from services.kit.handle import Command
from services.schedule.app import Schedule
from services.schedule.timetable import lesson_id, timetable_id

Report = Callable[[str, int, int], None]
"""Told the name of a piece of work, how much of it is done, and of how much."""

BELLS = (("08:30", "10:00"), ("10:10", "11:40"), ("12:10", "13:40"), ("13:50", "15:20"))
MORNING, AFTERNOON, EVENING = time(8), time(16), time(17, 30)


class Stage(NamedTuple):
    """ids: {key of a person or group in the plan: id}."""

    plan: Plan
    identity: Identity
    schedule: Schedule
    gradebook: Gradebook
    ids: dict[str, str]
    report: Report

    def instant(self, day: date, at: time) -> datetime:
        """That local time in the college."""
        return datetime.combine(day, at, self.identity.zone).astimezone(UTC)

    def after(self, lesson: Lesson) -> datetime:
        """The end of the lesson, when it is entered."""
        return self.instant(lesson.date, time.fromisoformat(BELLS[lesson.pair - 1][1]))

    def command(self, key: str, actor: str, role: str) -> Command:
        """The command of that key, the same in every attempt to load."""
        return command(self.plan.size.name, key, self.ids[actor], role)

    def period(self, group: Group, period: Period) -> str:
        return self.plan.id("period", f"{group.key} {period.key}")

    def discipline(self, load: Load) -> str:
        return self.plan.id("discipline", load.course.key)

    def assignment(self, page: Page, subgroup: str) -> str:
        return self.plan.id("assignment", f"{page.key} {subgroup}")

    def page(self, page: Page) -> str:
        group = page.load.group
        return page_id(self.ids[group.key], self.discipline(page.load), self.period(group, page.period))

    def lesson(self, lesson: Lesson) -> str:
        group = lesson.page.load.group
        timetable = timetable_id(self.ids[group.key], self.period(group, lesson.page.period))
        return lesson_id(timetable, self.assignment(lesson.page, lesson.subgroup), lesson.date, lesson.pair)


def command(size: str, key: str, actor: str, role: str = "") -> Command:
    """A command of the loader; its id and request follow from its key alone."""
    request = hashlib.sha256(f"{size} {key}".encode()).hexdigest()
    return Command(derived("demo", "command", size, key), request, actor, role, via="demo")
