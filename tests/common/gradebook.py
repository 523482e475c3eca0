"""Builders of the grade book: a page with invented ids, and a journal that takes commands on a chosen day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from contracts.envelope import Event, Meta
from contracts.events import gradebook as e
from contracts.ids import derived, page_id
from services.gradebook import commands as c
from services.gradebook.decide import decide
from services.gradebook.page import Page
from services.gradebook.rules import KEEPER, Context, judge

ZONE = ZoneInfo("Asia/Barnaul")
GROUP, DISCIPLINE, PERIOD, YEAR = "group-1", "discipline-1", "period-1", "year-1"
PAGE = page_id(GROUP, DISCIPLINE, PERIOD)
TEACHER, SECOND, SUBSTITUTE, STRANGER = "teacher-1", "teacher-2", "teacher-3", "teacher-9"
DEPUTY, DIRECTOR, CURATOR = "deputy-1", "director-1", "curator-1"
ANNA, BORIS, VERA = "student-1", "student-2", "student-3"
STUDENTS = (ANNA, BORIS, VERA)
MAIN, LABS = "assignment-1", "assignment-2"
STARTS, ENDS = date(2025, 9, 1), date(2025, 12, 26)
"""A semester from a Monday to a Friday; Sundays are free."""
DEADLINE = date(2025, 12, 24)
BECAUSE = e.Reason(code="input_error")


class Recorded(NamedTuple):
    event: Event
    meta: Meta
    id: str
    position: int
    revision: int


def instant(day: date, hour: int = 12) -> datetime:
    """That local hour of the day."""
    return datetime.combine(day, time(hour), ZONE).astimezone(UTC)


def context(actor: str, role: str, now: datetime, command: str = "command") -> Context:
    meta = Meta(command, "0" * 64, actor, role, "", now.isoformat(), "http")
    return Context(meta, now.astimezone(ZONE).date())


def facts() -> list[Event]:
    """What the keeper copies onto a page of three students: a teacher, and a second one for the labs."""
    return [
        e.PageOpened(
            page=PAGE,
            group=GROUP,
            discipline=DISCIPLINE,
            period=PERIOD,
            year=YEAR,
            kind="semester",
            starts_on=STARTS,
            ends_on=ENDS,
        ),
        e.PageSettingsSet(rules=e.Rules()),
        e.TeacherAssigned(assignment=MAIN, teacher=TEACHER, starts_on=STARTS, ends_on=ENDS),
        e.TeacherAssigned(
            assignment=LABS, teacher=SECOND, kinds=("laboratory",), responsible=False, starts_on=STARTS, ends_on=ENDS
        ),
        *(e.StudentJoined(student=student, on=STARTS) for student in STUDENTS),
    ]


class Journal:
    """A page in memory, with a day, an hour and a person at the keyboard."""

    def __init__(self, *more: Event, opened: Sequence[Event] | None = None) -> None:
        self.page, self.now = Page(), instant(STARTS)
        self.events: list[Recorded] = []
        self.actor, self.role = TEACHER, "teacher"
        self.commands = 0
        self.record([*(facts() if opened is None else opened), *more], KEEPER, "keeper")

    def on(self, day: date, hour: int = 12) -> "Journal":
        self.now = instant(day, hour)
        return self

    def later(self, **by: float) -> "Journal":
        self.now += timedelta(**by)
        return self

    def by(self, actor: str, role: str = "teacher") -> "Journal":
        self.actor, self.role = actor, role
        return self

    def record(self, events: Sequence[Event], actor: str, role: str) -> list[Recorded]:
        """Write events as they are, without asking the rules."""
        self.commands += 1
        ctx = context(actor, role, self.now, f"command-{self.commands}")
        return self._write(events, ctx)

    def do(self, command: c.PageCommand) -> list[Any]:
        """Carry a command out: its events; raises the problem."""
        self.commands += 1
        ctx = context(self.actor, self.role, self.now, f"command-{self.commands}")
        before = self.page
        events = decide(before, command, ctx)
        written = self._write(events, ctx)
        for fact in written:  # what decide lets through, the auditor lets through
            judge(before, fact.event, ctx)
            before = before.fold([fact])
        return events

    def _write(self, events: Sequence[Event], ctx: Context) -> list[Recorded]:
        written = [
            Recorded(
                event,
                ctx.meta,
                derived("event", ctx.meta.command, str(n)),
                len(self.events) + n + 1,
                len(self.events) + n,
            )
            for n, event in enumerate(events)
        ]
        self.events += written
        self.page = self.page.fold(written)
        return written

    # -- shorthands -------------------------------------------------------------------------------------------

    def lesson(self, day: date, lesson: str = "", assignment: str = MAIN, kind: str = "lecture", **more: Any) -> str:
        """Hold a lesson on `day`, entered that day unless the journal already stands on a later one."""
        lesson = lesson or f"lesson-{day}"
        if self.now < instant(day):
            self.on(day)
        self.do(c.HoldLesson(lesson, assignment, day, 1, 2, kind, "Topic", **more))
        return lesson

    def grade(self, lesson: str, student: str, *values: str, work: str = "written", **more: Any) -> list[Any]:
        """Put new marks into an empty cell."""
        marks = tuple(c.Mark(value, work, **more) for value in values)
        return self.do(c.SetGrades(lesson, student, marks))

    def graded(self, *values: str, student: str = ANNA, work: str = "written", first: date = STARTS) -> None:
        """One lesson a week from `first`, each with one of the marks, entered on its day."""
        for week, value in enumerate(values):
            day = first + timedelta(weeks=week)
            lesson = f"lesson-{day}"
            if lesson not in self.page.lessons:
                self.on(day).lesson(day)
            self.on(day).grade(lesson, student, value, work=work)
