"""From a command to events: what differs from the page as it stands, every event judged on the page as the ones
before it leave it. Pure: state, command and context in, events out, or a problem.
"""

from collections.abc import Callable
from typing import Any

from contracts.envelope import Event
from contracts.events import gradebook as e
from services.gradebook import cells
from services.gradebook import commands as c
from services.gradebook import problems as p
from services.gradebook.draft import Draft, each, expect, lesson_of
from services.gradebook.page import Page
from services.gradebook.parts import EMPTY, Cell, Final, Lesson
from services.gradebook.rules import Context, last_action
from services.gradebook.standing import enough, propose, standing, window
from services.kit.problems import NotFound

UNDO = e.Reason(code="undo")


def decide(page: Page, command: c.PageCommand, ctx: Context) -> list[Event]:
    """The events of `command`, none when everything stands as asked. Raises the first problem found; a bulk command
    raises one BulkRefused that lists every refused item."""
    if page.opened is None:
        raise NotFound
    draft = Draft(page, ctx)
    _DECIDE[type(command)](draft, command)
    return draft.events


def _several(draft: Draft, command: c.Several) -> None:
    for one in command.commands:
        _DECIDE[type(one)](draft, one)


# -- finals -----------------------------------------------------------------------------------------------------


def _final(draft: Draft, command: c.SetFinal) -> None:
    final = draft.page.finals.get(command.student)
    stands = draft.page.final(command.student)
    if command.expected is not None or stands:
        expect(command.expected, str(final.tag) if final else None, final.shown() if final else None)
    if stands is not None:
        if (stands.value, stands.order_no, stands.source) == (command.value, command.order_no, command.source):
            return
        if command.reason is None:
            raise p.ReasonNeeded
        _withdraw_final(draft, command.student, stands, command.reason)
    found = standing(draft.page, command.student)
    draft.add(
        e.FinalGradeSet(
            student=command.student,
            value=command.value,
            basis=found.basis,
            reason=command.reason,
            order_no=command.order_no,
            source=command.source,
            late=draft.ctx.today > window(draft.page).deadline,
            waived=not enough(draft.page, found, command.value),
        )
    )


def _finals(draft: Draft, command: c.SetFinals) -> None:
    wanted = list(command.finals)
    if command.accept:
        opened = draft.page.opened
        assert opened is not None, "decide lets only opened pages through"
        named = {final.student for final in wanted}
        for student in draft.page.roster(opened.ends_on):
            if student not in named and (value := propose(draft.page, student).value) is not None:
                wanted.append(c.SetFinal(student, value))
    each(draft, [({"student": final.student}, final) for final in wanted], _final)


def _withdraw(draft: Draft, command: c.WithdrawFinal) -> None:
    final, stands = draft.page.finals.get(command.student), draft.page.final(command.student)
    expect(command.expected, str(final.tag) if final else None, final.shown() if final else None)
    if stands is None:
        raise p.NoFinal
    _withdraw_final(draft, command.student, stands, command.reason)


def _withdraw_final(draft: Draft, student: str, stands: Final, reason: e.Reason) -> None:
    assert stands.value is not None, "only a final that stands is withdrawn"
    draft.add(e.FinalGradeWithdrawn(student=student, old=stands.value, reason=reason, corrects=stands.event))


# -- the deputy, the signature, the close, undo -----------------------------------------------------------------


def _allow(draft: Draft, command: c.AllowFinal) -> None:
    if command.late_until is None and not command.fewer_grades:
        raise p.DatesWrong
    if command.student not in draft.page.members:
        raise NotFound
    draft.add(
        e.FinalAllowed(
            student=command.student,
            late_until=command.late_until,
            fewer_grades=command.fewer_grades,
            reason=command.reason,
        )
    )


def _unlock(draft: Draft, command: c.Unlock) -> None:
    if command.until < draft.ctx.today:
        raise p.DatesWrong
    draft.add(e.LessonUnlocked(lesson=command.lesson, until=command.until, reason=command.reason))


def _lift(draft: Draft, command: c.LiftEntryLimit) -> None:
    if not command.starts_on <= command.ends_on <= draft.ctx.today <= command.until:
        raise p.DatesWrong
    draft.add(
        e.EntryLimitLifted(
            starts_on=command.starts_on, ends_on=command.ends_on, until=command.until, reason=command.reason
        )
    )


def _rule(draft: Draft, command: c.SetRules) -> None:
    if command.rules != draft.page.rules:
        draft.add(e.PageSettingsSet(rules=command.rules))


def _sign(draft: Draft, command: c.SignPage) -> None:
    draft.add(e.PageSigned(revision=draft.page.revision))


def _close(draft: Draft, command: c.ClosePage) -> None:
    if draft.page.closed is not None:
        return
    try:
        draft.add(e.PeriodClosed())
    except p.PageUnfinished:
        if not command.force:
            raise
        draft.add(e.PeriodClosed(forced=True, reason=command.reason))


def _undo(draft: Draft, command: c.Undo) -> None:
    """Every place that the action touched goes back to what it was before it, unless somebody wrote there since."""
    before: dict[tuple[str, ...], Any] = {}
    put: dict[tuple[str, ...], int] = {}
    for place, was, revision in last_action(draft.page, draft.ctx).touched:
        before.setdefault(place, was)
        put[place] = revision
    if any(_tag(draft.page, place) != revision for place, revision in put.items()):
        raise p.UndoOvertaken
    for (kind, *ids), was in before.items():
        if kind == "cell":
            grades = (was or EMPTY).grades
            cells.to_cell(draft, ids[0], ids[1], {grade.id: grade for grade in grades}, UNDO)
        elif kind == "attendance":
            marks = was.marks if was is not None else None
            cells.to_attendance(draft, ids[0], None if marks is None else [missed.mark() for missed in marks.values()])
        elif kind == "lesson":
            cells.to_lesson(draft, lesson_of(draft.page, ids[0]), was)
        else:
            _to_final(draft, ids[0], was)


def _to_final(draft: Draft, student: str, was: Final | None) -> None:
    if (stands := draft.page.final(student)) is not None:
        _withdraw_final(draft, student, stands, UNDO)
    if was is not None and was.value is not None:
        draft.add(
            e.FinalGradeSet(
                student=student,
                value=was.value,
                basis=standing(draft.page, student).basis,
                reason=was.reason,
                order_no=was.order_no,
                source=was.source,
                late=draft.ctx.today > window(draft.page).deadline,
                waived=was.waived,
            )
        )


def _tag(page: Page, place: tuple[str, ...]) -> int | None:
    kind, *ids = place
    held: Cell | Lesson | Any
    if kind == "cell":
        held = page.cell(ids[0], ids[1])
    else:
        held = {"attendance": page.attendance, "lesson": page.lessons, "final": page.finals}[kind].get(ids[0])  # type: ignore[attr-defined]
    return held.tag if held is not None else None


_DECIDE: dict[type, Callable[[Draft, Any], None]] = {
    c.HoldLesson: cells.hold,
    c.AmendLesson: cells.amend,
    c.AssignHomework: cells.assign_homework,
    c.SetGrades: cells.grades,
    c.SetGradesBulk: cells.bulk_grades,
    c.MarkAttendance: cells.attendance,
    c.SetFinal: _final,
    c.SetFinals: _finals,
    c.WithdrawFinal: _withdraw,
    c.AllowFinal: _allow,
    c.Unlock: _unlock,
    c.LiftEntryLimit: _lift,
    c.SetRules: _rule,
    c.SignPage: _sign,
    c.ClosePage: _close,
    c.Undo: _undo,
    c.Several: _several,
}
