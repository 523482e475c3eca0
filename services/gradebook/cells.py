"""Decisions on lessons, cells and attendance: the difference between what stands and what is wanted, as events."""

from collections.abc import Iterable

from contracts.events import gradebook as e
from contracts.ids import derived
from services.gradebook import commands as c
from services.gradebook import problems as p
from services.gradebook.draft import Draft, each, expect, lesson_of
from services.gradebook.page import Page
from services.gradebook.parts import Grade, Lesson, Missed
from services.gradebook.rules import late_change
from services.kit.problems import NotFound, PreconditionFailed, Problem

MAKEUP = e.Reason(code="makeup")

# -- lessons ----------------------------------------------------------------------------------------------------


def hold(draft: Draft, command: c.HoldLesson) -> None:
    held = draft.page.lessons.get(command.lesson)
    if held is not None:
        raise PreconditionFailed(extra={"etag": str(held.tag), "current": held.shown()})
    draft.add(
        e.LessonHeld(
            lesson=command.lesson,
            assignment=command.assignment,
            taught_by=command.taught_by or draft.ctx.meta.actor,
            date=command.date,
            pair=command.pair,
            number=max((held.number for held in draft.page.lessons.values()), default=0) + 1,
            hours=command.hours,
            kind=command.kind,
            topic=command.topic,
            topic_no=command.topic_no,
            late_by_days=max(0, (draft.ctx.today - command.date).days),
        )
    )


def amend(draft: Draft, command: c.AmendLesson) -> None:
    held = lesson_of(draft.page, command.lesson)
    expect(command.expected, str(held.tag), held.shown())
    wanted = held._replace(
        hours=held.hours if command.hours is None else command.hours,
        kind=command.kind or held.kind,
        topic=held.topic if command.topic is None else command.topic,
        topic_no=held.topic_no if command.topic_no is None else command.topic_no,
    )
    to_lesson(draft, held, wanted)


def assign_homework(draft: Draft, command: c.AssignHomework) -> None:
    held = lesson_of(draft.page, command.lesson)
    expect(command.expected, str(held.tag), held.shown())
    to_lesson(draft, held, held._replace(homework=command.text, due_on=command.due_on))


def to_lesson(draft: Draft, held: Lesson, wanted: Lesson) -> None:
    late = draft.late(held)
    if (wanted.hours, wanted.kind, wanted.topic, wanted.topic_no) != (
        held.hours,
        held.kind,
        held.topic,
        held.topic_no,
    ):
        draft.add(
            e.LessonAmended(
                lesson=held.id,
                hours=wanted.hours,
                kind=wanted.kind,
                topic=wanted.topic,
                topic_no=wanted.topic_no,
                late_by_days=late,
            )
        )
    if (wanted.homework, wanted.due_on) != (held.homework, held.due_on):
        draft.add(e.HomeworkAssigned(lesson=held.id, text=wanted.homework, due_on=wanted.due_on, late_by_days=late))


def attendance(draft: Draft, command: c.MarkAttendance) -> None:
    marked = draft.page.attendance.get(command.lesson)
    current = marked.shown() if marked else None
    stands = marked is not None and marked.marks is not None
    if command.expected is not None or stands:
        expect(command.expected, str(marked.tag) if marked else None, current)
    marks = {mark.student: Missed.of(mark) for mark in command.marks}
    if marked is None or marked.marks != marks or len(marks) != len(command.marks):
        to_attendance(draft, command.lesson, command.marks)


def to_attendance(draft: Draft, lesson: str, marks: Iterable[e.Absence] | None) -> None:
    before = draft.page.attendance.get(lesson)
    draft.add(
        e.AttendanceMarked(
            lesson=lesson,
            marks=tuple(marks or ()),
            corrects=before.event if before else None,
            taken_back=marks is None,
            late_by_days=draft.late(lesson_of(draft.page, lesson)),
        )
    )


# -- grades -----------------------------------------------------------------------------------------------------


def grades(draft: Draft, command: c.SetGrades) -> None:
    cell = draft.page.cell(command.lesson, command.student)
    if command.expected is not None or cell.grades:
        expect(command.expected, cell.etag, cell.shown())
    if command.lesson not in draft.page.lessons:
        raise NotFound
    held = {grade.id: grade for grade in cell.grades}
    wanted: dict[str, Grade] = {}
    for mark in command.marks:
        before = held.get(mark.grade) if mark.grade is not None else None
        if mark.grade is not None and (before is None or mark.grade in wanted):
            raise _unknown(draft.page, command.student, mark.grade)
        moved = before is not None and (
            (mark.makeup_on is not None and mark.makeup_on != before.makeup_on)
            or (mark.retake_of is not None and mark.retake_of != before.retake_of)
        )
        if before is not None and not moved:
            wanted[before.id] = before._replace(value=mark.value, work=mark.work)
        else:
            id_ = derived("grade", draft.ctx.meta.command, str(len(draft.events)), str(len(wanted)))
            wanted[id_] = Grade(id_, mark.value, mark.work, mark.makeup_on, mark.retake_of, 0, "")
    to_cell(draft, command.lesson, command.student, wanted, command.reason)


def _unknown(page: Page, student: str, grade: str) -> Problem:
    carried = page.carried.get(student)
    if carried is not None and any(g.grade == grade for g in carried.grades):
        return p.GradeCarried()
    return p.GradeUnknown(grade=grade)


def to_cell(draft: Draft, lesson: str, student: str, wanted: dict[str, Grade], reason: e.Reason | None) -> None:
    """The difference between the cell and `wanted` as events: annulled, changed, recorded, in this order."""
    held = draft.page.cell(lesson, student).grades
    for grade in held:
        if grade.id not in wanted:
            draft.add(
                e.GradeAnnulled(
                    grade=grade.id,
                    lesson=lesson,
                    student=student,
                    old=grade.value,
                    old_work=grade.work,
                    reason=_why(grade, reason),
                    corrects=grade.event,
                )
            )
    for grade in held:
        new = wanted.get(grade.id)
        if new is not None and (new.value, new.work) != (grade.value, grade.work):
            draft.add(
                e.GradeChanged(
                    grade=grade.id,
                    lesson=lesson,
                    student=student,
                    old=grade.value,
                    value=new.value,
                    old_work=grade.work,
                    work=new.work,
                    reason=_why(grade, reason),
                    corrects=grade.event,
                    late_by_days=late_change(lesson_of(draft.page, lesson), grade, draft.ctx),
                )
            )
    ids = {grade.id for grade in held}
    for new in wanted.values():
        if new.id not in ids:
            draft.add(
                e.GradeRecorded(
                    grade=new.id,
                    lesson=lesson,
                    student=student,
                    value=new.value,
                    work=new.work,
                    makeup_on=new.makeup_on,
                    retake_of=new.retake_of,
                    late_by_days=0 if new.makeup_on else draft.late(lesson_of(draft.page, lesson)),
                )
            )


def _why(grade: Grade, reason: e.Reason | None) -> e.Reason:
    """A dot waits to be replaced, so that needs no reason of its own."""
    if reason is None and grade.value != ".":
        raise p.ReasonNeeded
    return reason or MAKEUP


def bulk_grades(draft: Draft, command: c.SetGradesBulk) -> None:
    items = [({"lesson": cell.lesson, "student": cell.student}, cell) for cell in command.cells]
    each(draft, items, grades)
