"""The page: study group × discipline × period, folded from its stream. Everything that a rule or the spread reads.

`fold` copies once and never raises: an event that does not fit is taken as far as it can be, because what is recorded
is recorded; `rules.judge` says whether it was right. Students' rows of cells are copied only when they are touched.
`apply` changes the page in place, for whoever owns it alone (the audit, a draft of a decision).
"""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from contracts.events import gradebook as e
from services.gradebook.parts import (
    DAY,
    EMPTY,
    Action,
    Assignment,
    Attendance,
    Cell,
    Fact,
    Final,
    Grade,
    Lesson,
    Missed,
    Permission,
    Span,
    Spell,
    Substitute,
)


class Page:
    """The folded state. An empty one (`opened` is None) is a page that does not exist."""

    __slots__ = (
        "_own",
        "assignments",
        "attendance",
        "carried",
        "cells",
        "closed",
        "finals",
        "last",
        "lessons",
        "lifted",
        "members",
        "opened",
        "permissions",
        "revision",
        "rules",
        "rules_set",
        "signed",
        "subgroups",
        "substitutes",
        "taken",
        "unlocked",
    )

    def __init__(self) -> None:
        self.opened: e.PageOpened | None = None
        self.revision = -1
        self.rules, self.rules_set = e.Rules(), False
        self.assignments: dict[str, Assignment] = {}
        self.substitutes: dict[str, Substitute] = {}
        self.members: dict[str, tuple[Span, ...]] = {}
        self.subgroups: dict[str, tuple[str, ...]] = {}
        self.lessons: dict[str, Lesson] = {}
        self.unlocked: dict[str, date] = {}
        self.lifted: tuple[e.EntryLimitLifted, ...] = ()
        self.cells: dict[str, dict[str, Cell]] = {}
        self.attendance: dict[str, Attendance] = {}
        self.finals: dict[str, Final] = {}
        self.permissions: dict[str, Permission] = {}
        self.carried: dict[str, e.GradesCarriedOver] = {}
        self.taken: dict[str, dict[str, e.TakenFinal]] = {}
        self.signed: tuple[str, str, int] | None = None
        self.closed: tuple[str, str] | None = None
        self.last: dict[str, Action] = {}
        self._own: set[str] | None = None

    # -- folding ----------------------------------------------------------------------------------------------

    def fold(self, facts: Iterable[Fact]) -> "Page":
        """A new page with `facts` taken in; this one stays as it was."""
        page = self.copy()
        for fact in facts:
            page.apply(fact)
        return page

    def copy(self) -> "Page":
        """A copy to be changed by `apply`; rows of cells are shared until touched."""
        page = Page.__new__(Page)
        for name in _PLAIN:
            setattr(page, name, getattr(self, name))
        for name in _DICTS:
            setattr(page, name, dict(getattr(self, name)))
        page._own = set()
        return page

    def apply(self, fact: Fact) -> None:
        """Take one event in, in place."""
        self.revision = fact.revision
        take = _TAKE.get(type(fact.event))
        if take is not None:
            take(self, fact.event, fact)

    def _row(self, student: str) -> dict[str, Cell]:
        """The student's row of cells, to be changed."""
        row = self.cells.get(student)
        if row is None:
            row = self.cells[student] = {}
        elif self._own is None or student in self._own:
            return row
        else:
            row = self.cells[student] = dict(row)
        if self._own is not None:
            self._own.add(student)
        return row

    def _touch(self, fact: Fact, place: tuple[str, ...], before: Any) -> None:
        meta = fact.meta
        action = self.last.get(meta.actor)
        if action is None or action.command != meta.command:
            if action is not None:
                action.earlier = None  # nobody looks further back than one action
            action = self.last[meta.actor] = Action(meta.command, meta.decided_at, action)
        action.touched.append((place, before, fact.revision))

    # -- facts copied by the keeper ---------------------------------------------------------------------------

    def _opened(self, event: e.PageOpened, fact: Fact) -> None:
        self.opened = event
        if event.closed:
            self.closed = (fact.meta.actor, fact.meta.decided_at)

    def _rescheduled(self, event: e.PageRescheduled, fact: Fact) -> None:
        if self.opened is not None:
            self.opened = self.opened.model_copy(
                update={
                    "starts_on": event.starts_on,
                    "ends_on": event.ends_on,
                    "weekend": event.weekend,
                    "holidays": event.holidays,
                }
            )

    def _assigned(self, event: e.TeacherAssigned, fact: Fact) -> None:
        held = self.assignments.get(event.assignment)
        spell = Spell(event.teacher, event.responsible, event.starts_on, event.ends_on)
        spells = tuple(s for s in held.spells if not _replaced(s, spell)) if held else ()
        self.assignments[event.assignment] = Assignment(event.assignment, event.subgroup, event.kinds, (*spells, spell))

    def _unassigned(self, event: e.TeacherUnassigned, fact: Fact) -> None:
        held = self.assignments.get(event.assignment)
        if held is not None:
            ends = (event.teacher, event.on)
            spells = tuple(s._replace(removed_on=event.on) if _ended(s, *ends) else s for s in held.spells)
            self.assignments[event.assignment] = held._replace(spells=spells)

    def _substituted(self, event: e.SubstituteAllowed, fact: Fact) -> None:
        self.substitutes[event.lesson] = Substitute(event.teacher, event.assignment, event.date)

    def _joined(self, event: e.StudentJoined, fact: Fact) -> None:
        spans = tuple(s for s in self.members.get(event.student, ()) if s.on != event.on)
        self.members[event.student] = tuple(sorted((*spans, Span(event.on, event.until))))

    def _left(self, event: e.StudentLeft, fact: Fact) -> None:
        """Ends the span of that day; one that begins on it never was."""
        spans = []
        for span in self.members.get(event.student, ()):
            if span.on < event.on:
                ends = span.until is not None and span.until < event.on
                spans.append(span if ends else Span(span.on, event.on - DAY))
            elif span.on > event.on:
                spans.append(span)
        self.members[event.student] = tuple(spans)

    def _split(self, event: e.SubgroupsSet, fact: Fact) -> None:
        self.subgroups = dict(event.subgroups)

    def _ruled(self, event: e.PageSettingsSet, fact: Fact) -> None:
        self.rules, self.rules_set = event.rules, True

    def _carried(self, event: e.GradesCarriedOver, fact: Fact) -> None:
        self.carried[event.student] = event

    def _taken(self, event: e.FinalsTaken, fact: Fact) -> None:
        for final in event.finals:
            self.taken[final.student] = {**self.taken.get(final.student, {}), final.page: final}

    # -- lessons, grades, attendance --------------------------------------------------------------------------

    def _held(self, event: e.LessonHeld, fact: Fact) -> None:
        self.lessons[event.lesson] = Lesson(
            event.lesson,
            event.assignment,
            event.taught_by,
            event.date,
            event.pair,
            event.number,
            event.hours,
            event.kind,
            event.topic,
            event.topic_no,
            event.late_by_days,
            fact.revision,
        )

    def _amended(self, event: e.LessonAmended, fact: Fact) -> None:
        held = self.lessons.get(event.lesson)
        if held is not None:
            self._touch(fact, ("lesson", event.lesson), held)
            self.lessons[event.lesson] = held._replace(
                hours=event.hours, kind=event.kind, topic=event.topic, topic_no=event.topic_no, tag=fact.revision
            )

    def _homework(self, event: e.HomeworkAssigned, fact: Fact) -> None:
        held = self.lessons.get(event.lesson)
        if held is not None:
            self._touch(fact, ("lesson", event.lesson), held)
            self.lessons[event.lesson] = held._replace(homework=event.text, due_on=event.due_on, tag=fact.revision)

    def _unlocked(self, event: e.LessonUnlocked, fact: Fact) -> None:
        self.unlocked[event.lesson] = event.until

    def _lifted(self, event: e.EntryLimitLifted, fact: Fact) -> None:
        self.lifted = (*self.lifted, event)

    def _recorded(self, event: e.GradeRecorded, fact: Fact) -> None:
        row = self._row(event.student)
        before = row.get(event.lesson, EMPTY)
        self._touch(fact, ("cell", event.lesson, event.student), before)
        grade = Grade(
            event.grade, event.value, event.work, event.makeup_on, event.retake_of, event.late_by_days, fact.id
        )
        row[event.lesson] = Cell(fact.revision, (*before.grades, grade))

    def _changed(self, event: e.GradeChanged, fact: Fact) -> None:
        row = self._row(event.student)
        before = row.get(event.lesson, EMPTY)
        self._touch(fact, ("cell", event.lesson, event.student), before)
        grades = tuple(
            g._replace(value=event.value, work=event.work, late_by_days=event.late_by_days, event=fact.id)
            if g.id == event.grade
            else g
            for g in before.grades
        )
        row[event.lesson] = Cell(fact.revision, grades)

    def _annulled(self, event: e.GradeAnnulled, fact: Fact) -> None:
        row = self._row(event.student)
        before = row.get(event.lesson, EMPTY)
        self._touch(fact, ("cell", event.lesson, event.student), before)
        row[event.lesson] = Cell(fact.revision, tuple(g for g in before.grades if g.id != event.grade))

    def _marked(self, event: e.AttendanceMarked, fact: Fact) -> None:
        self._touch(fact, ("attendance", event.lesson), self.attendance.get(event.lesson))
        marks = None if event.taken_back else {missed.student: missed for missed in map(Missed.of, event.marks)}
        self.attendance[event.lesson] = Attendance(fact.revision, fact.id, marks, event.late_by_days)

    # -- finals, signature, close -----------------------------------------------------------------------------

    def _final(self, event: e.FinalGradeSet, fact: Fact) -> None:
        self._touch(fact, ("final", event.student), self.finals.get(event.student))
        self.finals[event.student] = Final(
            fact.revision,
            fact.id,
            event.value,
            event.basis,
            event.reason,
            event.order_no,
            event.source,
            event.late,
            event.waived,
        )

    def _withdrawn(self, event: e.FinalGradeWithdrawn, fact: Fact) -> None:
        before = self.finals.get(event.student)
        self._touch(fact, ("final", event.student), before)
        if before is not None:
            self.finals[event.student] = before._replace(tag=fact.revision, event=fact.id, value=None)

    def _allowed(self, event: e.FinalAllowed, fact: Fact) -> None:
        before = self.permissions.get(event.student, Permission())
        self.permissions[event.student] = Permission(
            event.late_until or before.late_until, event.fewer_grades or before.fewer_grades
        )

    def _signed(self, event: e.PageSigned, fact: Fact) -> None:
        self.signed = (fact.meta.actor, fact.meta.decided_at, event.revision)

    def _closed(self, event: e.PeriodClosed, fact: Fact) -> None:
        self.closed = (fact.meta.actor, fact.meta.decided_at)

    # -- questions --------------------------------------------------------------------------------------------

    def cell(self, lesson: str, student: str) -> Cell:
        row = self.cells.get(student)
        return EMPTY if row is None else row.get(lesson, EMPTY)

    def final(self, student: str) -> Final | None:
        """The student's final that stands."""
        final = self.finals.get(student)
        return None if final is None or final.value is None else final

    def enrolled(self, student: str, day: date) -> bool:
        # a loop, no generator: the replay asks this for every grade
        for on, until in self.members.get(student, ()):  # noqa: SIM110
            if on <= day and (until is None or day <= until):
                return True
        return False

    def roster(self, day: date) -> list[str]:
        """Who is enrolled on that day."""
        return [student for student in self.members if self.enrolled(student, day)]

    def in_subgroup(self, student: str, assignment: str) -> bool:
        """The assignment takes the whole group, its subgroup is not agreed yet, or the student is in it."""
        held = self.assignments.get(assignment)
        students = self.subgroups.get(held.subgroup) if held and held.subgroup else None
        return students is None or student in students

    def holds(self, teacher: str, assignment: str, today: date) -> bool:
        """The teacher holds the assignment today."""
        held = self.assignments.get(assignment)
        if held is not None:
            for spell in held.spells:
                if spell.teacher == teacher and spell.holds(today):
                    return True
        return False

    def teaches(self, teacher: str, today: date) -> bool:
        """The teacher holds any assignment of the page today."""
        return any(self.holds(teacher, a, today) for a in self.assignments)

    def responsible(self, teacher: str, today: date) -> bool:
        return any(
            s.responsible and s.teacher == teacher and s.holds(today)
            for a in self.assignments.values()
            for s in a.spells
        )

    def unlocked_for(self, lesson: Lesson, today: date) -> bool:
        """The deputy lets entries of the lesson through today, one by one or after an outage."""
        until = self.unlocked.get(lesson.id)
        return (until is not None and today <= until) or self.lifted_for(lesson.day, today)

    def lifted_for(self, day: date, today: date) -> bool:
        return any(x.starts_on <= day <= x.ends_on and today <= x.until for x in self.lifted)


def _replaced(spell: Spell, by: Spell) -> bool:
    """A teacher stands once on an assignment at a time."""
    return spell.teacher == by.teacher and (spell.removed_on is None or spell.starts_on == by.starts_on)


def _ended(spell: Spell, teacher: str, on: date) -> bool:
    """The spell is the teacher's, has begun before that day and has not ended before it."""
    return spell.teacher == teacher and spell.starts_on < on and (spell.removed_on is None or spell.removed_on > on)


_DICTS = (
    "assignments", "attendance", "carried", "cells", "finals", "last", "lessons", "members", "permissions",
    "substitutes", "taken", "unlocked",
)  # fmt: skip
_PLAIN = ("closed", "lifted", "opened", "revision", "rules", "rules_set", "signed", "subgroups")

_TAKE: dict[type, Callable[[Page, Any, Fact], None]] = {
    e.PageOpened: Page._opened,
    e.PageRescheduled: Page._rescheduled,
    e.TeacherAssigned: Page._assigned,
    e.TeacherUnassigned: Page._unassigned,
    e.SubstituteAllowed: Page._substituted,
    e.StudentJoined: Page._joined,
    e.StudentLeft: Page._left,
    e.SubgroupsSet: Page._split,
    e.PageSettingsSet: Page._ruled,
    e.GradesCarriedOver: Page._carried,
    e.FinalsTaken: Page._taken,
    e.LessonHeld: Page._held,
    e.LessonAmended: Page._amended,
    e.LessonUnlocked: Page._unlocked,
    e.EntryLimitLifted: Page._lifted,
    e.HomeworkAssigned: Page._homework,
    e.GradeRecorded: Page._recorded,
    e.GradeChanged: Page._changed,
    e.GradeAnnulled: Page._annulled,
    e.AttendanceMarked: Page._marked,
    e.FinalGradeSet: Page._final,
    e.FinalGradeWithdrawn: Page._withdrawn,
    e.FinalAllowed: Page._allowed,
    e.PageSigned: Page._signed,
    e.PeriodClosed: Page._closed,
}
