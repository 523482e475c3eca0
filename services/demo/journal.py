"""The journal of the demo college, through the grade book's commands, day by day in the order of time.

Every entry is made by the lesson's teacher on its day, under a clock that stands there, so that each is judged as it
would have been. The pages of a day are written at once, a page's entries one after another.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from contracts.events.gradebook import Absence, Reason
from services.demo.calendar import DAY
from services.demo.clock import staged
from services.demo.curriculum import topic
from services.demo.marks import HOURS, Later, entry
from services.demo.shapes import Lesson, Page
from services.demo.stage import AFTERNOON, EVENING, MORNING, Stage
from services.gradebook import commands as c
from services.gradebook.absences import Announce, Classify
from services.gradebook.standing import NUMERIC, propose

TITLE = "Занятия и отметки"
WORDS = {"input_error": "Описка при вводе", "appeal": "Пересмотрено по просьбе студента"}
CLASSES = ("ill", "excused", "unexcused")


class Step(NamedTuple):
    """Something that a teacher does on a page at an instant."""

    at: datetime
    page: Page
    teacher: str
    key: str
    do: Callable[["Writer"], Awaitable[object]]


class Writer:
    """A person at a page: sends his command of a step under its key."""

    def __init__(self, stage: Stage, page: Page, actor: str, role: str, key: str) -> None:
        self.stage, self.page, self.page_id = stage, page, stage.page(page)
        self._actor, self._role, self._key = actor, role, key

    async def send(self, command: c.PageCommand) -> None:
        by = self.stage.command(self._key, self._actor, self._role)
        await self.stage.gradebook.change(self.page_id, command, by)

    async def send_with(self, code: str, text: str, make: Callable[[Reason], c.PageCommand]) -> None:
        """Send a command with a reason in words, which are kept beside the log."""
        by = self.stage.command(self._key, self._actor, self._role)
        async with self.stage.gradebook.texts.kept(by.id, code, text) as reason:
            await self.stage.gradebook.change(self.page_id, make(reason), by)


async def write(stage: Stage, before: dict[date, Callable[[], Awaitable[None]]]) -> None:
    """Everything up to yesterday. before: what happens in the morning of a day, before its lessons."""
    steps: dict[date, dict[str, list[Step]]] = defaultdict(lambda: defaultdict(list))
    lessons: dict[date, int] = defaultdict(int)
    for day, step in _steps(stage):
        steps[day][step.page.key].append(step)
        lessons[day] += step.key.startswith("lesson ")
    done, total = 0, sum(lessons.values())
    for day in sorted(steps.keys() | before.keys()):
        if (first := before.get(day)) is not None:
            await first()
        async with asyncio.TaskGroup() as pages:
            for own in steps[day].values():
                pages.create_task(_page(stage, sorted(own, key=lambda s: s.at)))
                await asyncio.sleep(0)  # else all pages would be decided first and the database idle meanwhile
        done += lessons[day]
        stage.report(TITLE, done, total)


async def _page(stage: Stage, steps: list[Step]) -> None:
    for step in steps:
        with staged(step.at):
            await step.do(Writer(stage, step.page, step.teacher, _role(step.teacher), step.key))


def _role(person: str) -> str:
    return "workshop_instructor" if person.startswith("instructor") else "teacher"


def _steps(stage: Stage) -> list[tuple[date, Step]]:
    plan = stage.plan
    found: list[tuple[date, Step]] = []
    entered = {lesson.key for lesson in plan.entered()}
    for page in plan.pages:
        own = plan.lessons_of[page.key]
        days = sorted({lesson.date for lesson in own})
        following = dict(pairwise(days))
        for lesson in own:
            if lesson.key not in entered:
                continue
            teacher = plan.substitutes.get(lesson.key, lesson.teacher)
            made = entry(plan, lesson, following.get(lesson.date))
            do = partial(_enter, lesson=lesson, made=made)
            found.append((lesson.date, Step(stage.after(lesson), page, teacher, f"lesson {lesson.key}", do)))
            for later in made.later:
                at, key = stage.instant(later.day, AFTERNOON), f"later {lesson.key} {later.student}"
                put_right = partial(_put_right, lesson=lesson, later=later)
                found.append((later.day, Step(at, page, teacher, key, put_right)))
        found += _finish(stage, page)
    return found


# -- lessons ----------------------------------------------------------------------------------------------------


async def _enter(writer: Writer, lesson: Lesson, made: Any) -> None:
    """Topic, attendance, grades, homework."""
    stage, id_ = writer.stage, writer.stage.lesson(lesson)
    ids = stage.ids
    title = topic(lesson.page.load.course, lesson.topic, lesson.of, lesson.kind)
    missed = tuple(
        Absence(student=ids[m.student], hours=m.hours, late=m.late, left_early=m.left_early) for m in made.missed
    )
    cells = tuple(
        c.SetGrades(id_, ids[student], tuple(c.Mark(given.value, given.work) for given in marks))
        for student, marks in made.grades.items()
    )
    assignment = stage.assignment(lesson.page, lesson.subgroup)
    held = c.HoldLesson(id_, assignment, lesson.date, lesson.pair, HOURS, lesson.kind, title, lesson.topic)
    wanted: list[c.PageCommand] = [held, c.MarkAttendance(id_, missed)]
    if cells:
        wanted.append(c.SetGradesBulk(cells))
    if made.homework:
        wanted.append(c.AssignHomework(id_, made.homework, made.due_on))
    await writer.send(c.Several(tuple(wanted)))


async def _put_right(writer: Writer, lesson: Lesson, later: Later) -> None:
    """A make-up in place of a dot, or another mark for a reason."""
    stage, id_ = writer.stage, writer.stage.lesson(lesson)
    student = stage.ids[later.student]
    if later.reason is None:
        await writer.send(c.SetGrades(id_, student, (c.Mark(later.value, later.work, makeup_on=later.day),)))
        return
    page = (await stage.gradebook.page(writer.page_id)).state
    first, *rest = page.cell(id_, student).grades
    marks = (c.Mark(later.value, first.work, first.id), *(c.Mark(g.value, g.work, g.id) for g in rest))
    await writer.send_with(later.reason, WORDS[later.reason], lambda reason: c.SetGrades(id_, student, marks, reason))


# -- the end of a period ---------------------------------------------------------------------------------------


def _finish(stage: Stage, page: Page) -> list[tuple[date, Step]]:
    """Finals on their day, the signature on the page's last day, the deputy's close on the next working day."""
    plan, period, (teacher, *_) = stage.plan, page.period, page.load.teachers
    steps: list[tuple[date, Step]] = []
    if (many := plan.finals(page)) != "none":
        day, do = plan.finals_on(page), partial(_finals, half=many == "half")
        steps.append((day, Step(stage.instant(day, EVENING), page, teacher, f"finals {page.key}", do)))
    if plan.signed(page):
        day = period.ends_on
        steps.append((day, Step(stage.instant(day, EVENING), page, teacher, f"sign {page.key}", _sign)))
    if plan.signed(page) and page.key != plan.unclosed.key:
        day = period.ends_on + 2 * DAY
        steps.append((day, Step(stage.instant(day, MORNING), page, teacher, f"close {page.key}", _close)))
    return steps


async def _finals(writer: Writer, half: bool) -> None:
    """What the means propose; н/а where no final can rest; one of each group departs from its mean, with a reason.

    An open dot is waited for. half: every other proposal only, so that what is left needs a decision.
    """
    state = (await writer.stage.gradebook.page(writer.page_id)).state
    opened = state.opened
    assert opened is not None, "the keeper has opened the page"
    proposals = {student: propose(state, student) for student in state.roster(opened.ends_on)}
    proposed = {student: p.value for student, p in proposals.items() if p.why != "debt-open"}
    if half:
        some = [c.SetFinal(student, value) for student, value in proposed.items() if value is not None][::2]
        await writer.send(c.SetFinals(tuple(some)))
        return
    finals = [c.SetFinal(student, "na") for student, value in proposed.items() if value is None]
    if writer.page.load.course.key == writer.page.load.group.specialty.courses[4].key:
        better = next(((s, v) for s, v in proposed.items() if v in ("3", "4")), None)
        if better is not None:
            student, value = better
            finals.append(c.SetFinal(student, str(NUMERIC[str(value)] + 1), Reason(code="reassessed")))
    await writer.send(c.SetFinals(tuple(finals), accept=True))


async def _sign(writer: Writer) -> None:
    await writer.send(c.SignPage())


async def _close(writer: Writer) -> None:
    stage = writer.stage
    await Writer(stage, writer.page, "deputy", "deputy_director", f"close {writer.page.key}").send(c.ClosePage())


# -- absences ---------------------------------------------------------------------------------------------------


async def classify(stage: Stage) -> None:
    """Curators class the absences of the last two whole weeks; a guardian announces one for tomorrow."""
    plan, today = stage.plan, stage.plan.calendar.today
    monday = today - timedelta(days=today.isoweekday() + 13)
    saturday = monday + 12 * DAY
    with staged(stage.instant(saturday, EVENING)):
        for group in plan.groups:
            await asyncio.gather(
                *(
                    stage.gradebook.absence(
                        stage.ids[student],
                        Classify(stage.ids[student], monday, saturday, CLASSES[n % len(CLASSES)]),
                        stage.command(f"absence {student}", plan.curators[group.key], "curator"),
                    )
                    for n, student in enumerate(group.students)
                    if n % 3 == 0 and student != plan.transfer.student
                )
            )
    link = plan.links[0]
    student = stage.ids[link.student]
    with staged(stage.instant(today, MORNING)):
        await stage.gradebook.absence(
            student,
            Announce(student, today + DAY, today + 2 * DAY),
            stage.command("absence announced", link.guardian, "guardian"),
        )
