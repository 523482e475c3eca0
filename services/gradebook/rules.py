"""The rules of the page, each a named check: `judge` lets an event through or raises the rule that it breaks.

It reads the state before the event, the event and who did it when; nothing else. So the same function judges a
command before it is written and, years later, every recorded event again.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from contracts.envelope import Meta
from contracts.events import gradebook as e
from services.gradebook import problems as p
from services.gradebook.page import Page
from services.gradebook.parts import Action, Grade, Lesson
from services.gradebook.standing import NUMERIC, enough, standing, unfinished, window
from services.kit.problems import NotFound

TEACHERS = frozenset({"teacher", "workshop_instructor"})
DEPUTIES = frozenset({"deputy_director", "director"})
KEEPER = "system:keeper"
MINUTES_PER_HOUR = 45


class Context(NamedTuple):
    """Who, at which instant (`meta`), on which day of the college."""

    meta: Meta
    today: date


def judge(page: Page, event: Any, ctx: Context) -> None:
    """Raise the first rule that `event` breaks on this `page`; return for a lawful one."""
    check = _CHECKS.get(type(event))
    if check is None:
        raise p.Contradiction(what=type(event).__name__)
    if page.opened is None and type(event) is not e.PageOpened:
        raise NotFound
    check(page, event, ctx)


def day(value: date) -> str:
    return f"{value:%d.%m.%Y}"


# -- the named checks -------------------------------------------------------------------------------------------


def g1_lesson(page: Page, assignment: str, lesson: str, ctx: Context) -> None:
    """Only the teacher who holds the assignment today, or the lesson's substitute (R 4.4.1)."""
    meta = ctx.meta
    if meta.role in TEACHERS:
        if page.holds(meta.actor, assignment, ctx.today):
            return
        substitute = page.substitutes.get(lesson)
        if substitute is not None and substitute.teacher == meta.actor and substitute.assignment == assignment:
            return
    raise p.NotYourLesson


def g1_responsible(page: Page, ctx: Context) -> None:
    """Finals and the signature: only a responsible teacher (R 4.4.1)."""
    if ctx.meta.role not in TEACHERS or not page.responsible(ctx.meta.actor, ctx.today):
        raise p.NotResponsible


def g2_open(page: Page) -> None:
    """After the close nothing but correction acts."""
    if page.closed is not None:
        raise p.PageClosed


def g2_not_final(page: Page, student: str) -> None:
    """A student's final freezes his grades (R 4.4.1)."""
    if page.final(student) is not None:
        raise p.FinalStands


def g2_deputy(page: Page, ctx: Context) -> None:
    """Permissions and the close: the deputy, and the director on the deputy's own pages."""
    meta = ctx.meta
    if meta.role not in DEPUTIES:
        raise p.DeputyOnly
    if meta.role != "director" and page.teaches(meta.actor, ctx.today):
        raise p.OwnPage


def g2_finished(page: Page, event: e.PeriodClosed) -> None:
    """Every student of the roster has a final and no dot is open, or the deputy forces it with a reason."""
    if event.forced:
        if event.reason is None:
            raise p.ReasonNeeded
        return
    missing, debts = unfinished(page)
    if missing or debts:
        raise p.PageUnfinished(missing=len(missing), debts=len(debts), extra={"without_final": missing, "open": debts})


def g3_basis(page: Page, event: e.FinalGradeSet) -> None:
    """Enough marks, among them written, laboratory or practical work (R 5.2); the basis is what the page shows."""
    found = standing(page, event.student)
    if event.basis != found.basis:
        raise p.Contradiction(what="basis")
    if event.value in ("exempt", "credited"):
        if not event.order_no or (event.value == "credited" and not event.source):
            raise p.NotInScale
    elif event.value != "na" and found.debts:
        raise p.DebtOpen
    short = not enough(page, found, event.value)
    permission = page.permissions.get(event.student)
    if short and not (permission is not None and permission.fewer_grades):
        numeric = event.value in NUMERIC
        raise p.TooFewGrades(
            count=found.numeric if numeric else found.marks,
            needed=page.rules.min_grades if numeric else page.rules.min_grades_pass,
            substantial=found.substantial,
            substantial_needed=page.rules.min_substantial if numeric else 0,
        )
    if event.waived != short:
        raise p.Contradiction(what="waived")


def g4_window(page: Page, student: str, ctx: Context) -> bool:
    """Within the days of finals (R 5.3, 4.4.5); later only by permission, and then True: it is late."""
    days = window(page)
    if ctx.today < days.opens:
        raise p.FinalTooEarly(opens=day(days.opens), deadline=day(days.deadline))
    if ctx.today <= days.deadline:
        return False
    permission = page.permissions.get(student)
    if permission is None or permission.late_until is None or ctx.today > permission.late_until:
        raise p.FinalTooLate(deadline=day(days.deadline))
    return True


def g5_deviation(page: Page, event: e.FinalGradeSet) -> None:
    """A final that departs from the weighted mean by more than the setting needs a reason (R 5.1)."""
    if event.reason is None:
        found = standing(page, event.student)
        if found.deviates(event.value, page.rules.max_deviation):
            mean = found.mean or 0
            raise p.DeviationUnexplained(mean=f"{mean // 100},{mean % 100:02}", value=event.value)


def g7_in_time(page: Page, lesson: str, due: date, late_by_days: int, ctx: Context) -> None:
    """Entries are due on the day; past the limit the lesson must be unlocked or the limit lifted (R 8.4)."""
    days = (ctx.today - due).days
    if days < 0:
        raise p.InFuture(date=day(due))
    if late_by_days != days:
        raise p.Contradiction(what="late_by_days")
    g7_limit(page, lesson, due, ctx)


def g7_limit(page: Page, lesson: str, due: date, ctx: Context) -> None:
    if (ctx.today - due).days > page.rules.entry_limit_days:
        until = page.unlocked.get(lesson)
        if (until is None or ctx.today > until) and not page.lifted_for(due, ctx.today):
            raise p.EntryLimitPassed(date=day(due), limit=page.rules.entry_limit_days)


def g8_gradable(page: Page, lesson: Lesson, event: e.GradeRecorded, ctx: Context) -> None:
    """Not in the future, enrolled that day, beside an absence only a make-up with its own day (R 8.4, 8.5)."""
    if lesson.day > ctx.today:
        raise p.InFuture(date=day(lesson.day))
    if not page.in_subgroup(event.student, lesson.assignment):
        raise p.NotEnrolled(date=day(lesson.day))
    enrolled, away = page.enrolled(event.student, lesson.day), absent(page, lesson, event.student)
    if event.makeup_on is None:
        if not enrolled:
            raise p.NotEnrolled(date=day(lesson.day))
        if away and event.value != ".":
            raise p.AbsentThen
        return
    if not lesson.day <= event.makeup_on <= ctx.today or not (away or not enrolled or event.retake_of):
        raise p.NotMakeup
    if not page.enrolled(event.student, event.makeup_on):
        raise p.NotEnrolled(date=day(event.makeup_on))


def absent(page: Page, lesson: Lesson, student: str) -> bool:
    """Marked as missing the whole lesson."""
    marked = page.attendance.get(lesson.id)
    mark = marked.marks.get(student) if marked is not None and marked.marks else None
    return mark is not None and 0 < lesson.hours <= mark.hours


def g9_undo(page: Page, reason: e.Reason, place: tuple[str, ...], ctx: Context) -> None:
    """The reason `undo` belongs to the own last action, within its minutes, and to a place that it touched."""
    if reason.code == "undo" and all(touched != place for touched, _, _ in last_action(page, ctx).touched):
        raise p.NothingToUndo(minutes=page.rules.undo_minutes)


def last_action(page: Page, ctx: Context) -> Action:
    """The person's last undoable action before this command. Raises NothingToUndo when there is none or it is old."""
    action = page.last.get(ctx.meta.actor)
    if action is not None and action.command == ctx.meta.command:
        action = action.earlier
    limit = timedelta(minutes=page.rules.undo_minutes)
    if action is None or _since(action.at, ctx.meta.decided_at) > limit:
        raise p.NothingToUndo(minutes=page.rules.undo_minutes)
    return action


def _since(before: str, now: str) -> timedelta:
    return datetime.fromisoformat(now) - datetime.fromisoformat(before)


def g10_own_grade(page: Page, lesson: str, student: str, grade: str) -> Grade:
    """The grade in its cell; a carried one is read-only."""
    for held in page.cell(lesson, student).grades:
        if held.id == grade:
            return held
    carried = page.carried.get(student)
    if carried is not None and any(g.grade == grade for g in carried.grades):
        raise p.GradeCarried
    raise p.GradeUnknown(grade=grade)


# -- what each event must satisfy -------------------------------------------------------------------------------


def _fact(page: Page, event: Any, ctx: Context) -> None:
    if not ctx.meta.actor.startswith("system:"):
        raise p.KeeperOnly


def _opened(page: Page, event: e.PageOpened, ctx: Context) -> None:
    _fact(page, event, ctx)
    if page.opened is not None:
        raise p.Contradiction(what="opened")


def _settings(page: Page, event: e.PageSettingsSet, ctx: Context) -> None:
    if not ctx.meta.actor.startswith("system:"):
        g2_open(page)
        g2_deputy(page, ctx)


def _lesson(page: Page, lesson: str, ctx: Context) -> Lesson:
    """The held lesson, which the person may write now."""
    held = page.lessons.get(lesson)
    if held is None:
        raise NotFound
    g1_lesson(page, held.assignment, lesson, ctx)
    g2_open(page)
    return held


def _held(page: Page, event: e.LessonHeld, ctx: Context) -> None:
    g1_lesson(page, event.assignment, event.lesson, ctx)
    g2_open(page)
    opened, assignment = page.opened, page.assignments.get(event.assignment)
    assert opened is not None, "judge lets only opened pages through"
    if opened.kind == "year":
        raise p.OnlyFinalsHere
    if event.lesson in page.lessons:
        raise p.Contradiction(what="lesson")
    g7_in_time(page, event.lesson, event.date, event.late_by_days, ctx)
    if assignment is None:
        raise p.OutsideAssignment(date=day(event.date))
    substitute = page.substitutes.get(event.lesson)
    taught_by = {s.teacher for s in assignment.spells} | ({substitute.teacher} if substitute else set())
    ends_on = min((s.ends_on or date.max for s in assignment.spells if s.teacher == ctx.meta.actor), default=date.max)
    if (
        not opened.starts_on <= event.date <= min(opened.ends_on, ends_on)
        or (assignment.kinds and event.kind not in assignment.kinds)
        or event.taught_by not in taught_by
    ):
        raise p.OutsideAssignment(date=day(event.date))


def _amended(page: Page, event: e.LessonAmended, ctx: Context) -> None:
    lesson = _lesson(page, event.lesson, ctx)
    g7_in_time(page, lesson.id, lesson.day, event.late_by_days, ctx)
    assignment = page.assignments.get(lesson.assignment)
    kinds = assignment.kinds if assignment is not None else ()
    if kinds and event.kind not in kinds:
        raise p.OutsideAssignment(date=day(lesson.day))
    marked = page.attendance.get(lesson.id)
    if marked is not None and marked.marks and any(m.hours > event.hours for m in marked.marks.values()):
        raise p.HoursWrong


def _homework(page: Page, event: e.HomeworkAssigned, ctx: Context) -> None:
    lesson = _lesson(page, event.lesson, ctx)
    g7_in_time(page, lesson.id, lesson.day, event.late_by_days, ctx)


def _recorded(page: Page, event: e.GradeRecorded, ctx: Context) -> None:
    lesson = _lesson(page, event.lesson, ctx)
    g2_not_final(page, event.student)
    held = page.cell(event.lesson, event.student).grades
    if held and any(g.id == event.grade for g in held):
        raise p.Contradiction(what="grade")
    if event.retake_of is not None and all(g.id != event.retake_of for g in held):
        raise p.GradeUnknown(grade=event.retake_of)
    g8_gradable(page, lesson, event, ctx)
    if event.makeup_on is None:
        g7_in_time(page, lesson.id, lesson.day, event.late_by_days, ctx)
    elif event.late_by_days:
        raise p.Contradiction(what="late_by_days")


def _corrects(page: Page, event: e.GradeChanged | e.GradeAnnulled, ctx: Context) -> tuple[Lesson, Grade]:
    lesson = _lesson(page, event.lesson, ctx)
    g2_not_final(page, event.student)
    grade = g10_own_grade(page, event.lesson, event.student, event.grade)
    if (event.old, event.old_work, event.corrects) != (grade.value, grade.work, grade.event):
        raise p.Contradiction(what="old")
    g9_undo(page, event.reason, ("cell", event.lesson, event.student), ctx)
    return lesson, grade


def _changed(page: Page, event: e.GradeChanged, ctx: Context) -> None:
    lesson, grade = _corrects(page, event, ctx)
    if event.value != "." and grade.makeup_on is None and absent(page, lesson, event.student):
        raise p.AbsentThen
    if event.late_by_days != late_change(lesson, grade, ctx):
        raise p.Contradiction(what="late_by_days")
    if grade.value != ".":
        g7_limit(page, lesson.id, grade.makeup_on or lesson.day, ctx)


def late_change(lesson: Lesson, grade: Grade, ctx: Context) -> int:
    """How late a change of the grade is: never for a dot, which waits for the work; else from the work's day."""
    return 0 if grade.value == "." else (ctx.today - (grade.makeup_on or lesson.day)).days


def _annulled(page: Page, event: e.GradeAnnulled, ctx: Context) -> None:
    lesson, grade = _corrects(page, event, ctx)
    if grade.value != ".":
        g7_limit(page, lesson.id, grade.makeup_on or lesson.day, ctx)


def _marked(page: Page, event: e.AttendanceMarked, ctx: Context) -> None:
    lesson = _lesson(page, event.lesson, ctx)
    g7_in_time(page, lesson.id, lesson.day, event.late_by_days, ctx)
    before = page.attendance.get(lesson.id)
    if event.corrects != (before.event if before else None):
        raise p.Contradiction(what="corrects")
    if event.taken_back and (event.marks or before is None or before.marks is None):
        raise p.Contradiction(what="taken_back")
    for mark in event.marks:
        if not page.enrolled(mark.student, lesson.day) or not page.in_subgroup(mark.student, lesson.assignment):
            raise p.NotEnrolled(date=day(lesson.day), extra={"student": mark.student})
        if mark.hours > lesson.hours or mark.late + mark.left_early > lesson.hours * MINUTES_PER_HOUR:
            raise p.HoursWrong(extra={"student": mark.student})
        if 0 < lesson.hours <= mark.hours and any(
            g.makeup_on is None and g.value != "." for g in page.cell(lesson.id, mark.student).grades
        ):
            raise p.BesideGrade(extra={"student": mark.student})
    if len({mark.student for mark in event.marks}) != len(event.marks):
        raise p.HoursWrong


def _final(page: Page, event: e.FinalGradeSet, ctx: Context) -> None:
    g1_responsible(page, ctx)
    g2_open(page)
    g2_not_final(page, event.student)
    assert page.opened is not None, "judge lets only opened pages through"
    if not (page.enrolled(event.student, ctx.today) or page.enrolled(event.student, page.opened.ends_on)):
        raise p.NotEnrolled(date=day(ctx.today))
    if event.late != g4_window(page, event.student, ctx):
        raise p.Contradiction(what="late")
    g3_basis(page, event)
    g5_deviation(page, event)


def _withdrawn(page: Page, event: e.FinalGradeWithdrawn, ctx: Context) -> None:
    g1_responsible(page, ctx)
    g2_open(page)
    final = page.final(event.student)
    if final is None:
        raise p.NoFinal
    if (event.old, event.corrects) != (final.value, final.event):
        raise p.Contradiction(what="old")
    g9_undo(page, event.reason, ("final", event.student), ctx)
    if ctx.today > window(page).deadline:
        g4_window(page, event.student, ctx)


def _deputys(page: Page, event: Any, ctx: Context) -> None:
    g2_deputy(page, ctx)
    g2_open(page)


def _closed(page: Page, event: e.PeriodClosed, ctx: Context) -> None:
    _deputys(page, event, ctx)
    g2_finished(page, event)


def _signed(page: Page, event: e.PageSigned, ctx: Context) -> None:
    g1_responsible(page, ctx)
    g2_open(page)
    if event.revision != page.revision:
        raise p.Contradiction(what="revision")


_CHECKS: dict[type, Callable[[Page, Any, Context], None]] = {
    **dict.fromkeys(
        (
            e.PageRescheduled,
            e.TeacherAssigned,
            e.TeacherUnassigned,
            e.SubstituteAllowed,
            e.StudentJoined,
            e.StudentLeft,
            e.SubgroupsSet,
            e.GradesCarriedOver,
            e.FinalsTaken,
        ),
        _fact,
    ),
    **dict.fromkeys((e.LessonUnlocked, e.EntryLimitLifted, e.FinalAllowed), _deputys),
    e.PageOpened: _opened,
    e.PageSettingsSet: _settings,
    e.LessonHeld: _held,
    e.LessonAmended: _amended,
    e.HomeworkAssigned: _homework,
    e.GradeRecorded: _recorded,
    e.GradeChanged: _changed,
    e.GradeAnnulled: _annulled,
    e.AttendanceMarked: _marked,
    e.FinalGradeSet: _final,
    e.FinalGradeWithdrawn: _withdrawn,
    e.PageSigned: _signed,
    e.PeriodClosed: _closed,
}
