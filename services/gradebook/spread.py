"""The whole spread of a page as one document: students × lessons with marks, absences, finals, means, locks.

`shared` is the same for every reader on one day, so it is rendered once per revision and kept as bytes; `you` is what
depends on who asks.
"""

from datetime import date, datetime, timedelta
from typing import Any

from services.gradebook import problems as p
from services.gradebook.page import Page
from services.gradebook.parts import Lesson
from services.gradebook.standing import propose, standing, unfinished, window


def shared(page: Page, today: date) -> dict[str, Any]:
    """Everything on the page but the reader's own rights. Means are hundredths; empty cells are left out."""
    opened, days = page.opened, window(page)
    assert opened is not None, "only pages that exist are shown"
    students = sorted(page.members, key=lambda s: ([span.on for span in page.members[s][:1]], s))
    lessons = sorted(page.lessons.values(), key=lambda x: (x.day, x.pair, x.number))
    missing, debts = unfinished(page)
    return {
        "page": {
            "id": opened.page,
            "group": opened.group,
            "discipline": opened.discipline,
            "period": opened.period,
            "year": opened.year,
            "kind": opened.kind,
            "starts_on": opened.starts_on,
            "ends_on": opened.ends_on,
            "revision": page.revision,
            "closed": None if page.closed is None else {"by": page.closed[0], "at": page.closed[1]},
            "signed": _signed(page),
            "rules": page.rules.model_dump(),
            "finals": {
                "opens": days.opens,
                "deadline": days.deadline,
                "state": "early" if today < days.opens else "open" if today <= days.deadline else "late",
            },
            "unfinished": {"without_final": missing, "open_debts": debts},
            "lock": _lock(p.PageClosed, None) if page.closed else None,
        },
        "assignments": [
            {
                "assignment": a.id,
                "subgroup": a.subgroup,
                "kinds": a.kinds,
                "teachers": [s._asdict() for s in a.spells],
            }
            for a in page.assignments.values()
        ],
        "substitutes": [{"lesson": lesson, **s._asdict()} for lesson, s in page.substitutes.items()],
        "subgroups": page.subgroups,
        "lessons": [_lesson(page, lesson, today) for lesson in lessons],
        "students": [_student(page, student, lessons, today) for student in students],
    }


def _lock(why: type[p.Refused], by: str | None) -> dict[str, Any]:
    """What an attempt would be refused with, and who can help."""
    return {"code": why.code, "rule": why.rule, "clause": why.clause, "by": by}


def _signed(page: Page) -> dict[str, Any] | None:
    if page.signed is None:
        return None
    by, at, revision = page.signed
    return {"by": by, "at": at, "revision": revision, "current": page.revision <= revision + 1}


def _lesson(page: Page, lesson: Lesson, today: date) -> dict[str, Any]:
    attendance = page.attendance.get(lesson.id)
    late = (today - lesson.day).days
    locked = late > page.rules.entry_limit_days and not page.unlocked_for(lesson, today)
    return {
        **lesson.shown(),
        "attendance": attendance.shown() if attendance else {"etag": "none", "marks": None},
        "unlocked_until": page.unlocked.get(lesson.id),
        "lock": _lock(p.EntryLimitPassed, "deputy_director") if locked else None,
    }


def _student(page: Page, student: str, lessons: list[Lesson], today: date) -> dict[str, Any]:
    away, hours = _presence(page, student, lessons)
    found, proposal, final = standing(page, student), propose(page, student), page.finals.get(student)
    permission, carried = page.permissions.get(student), page.carried.get(student)
    stands = final is not None and final.value is not None
    return {
        "student": student,
        "spans": [span._asdict() for span in page.members[student]],
        "enrolled": page.enrolled(student, today),
        "cells": {lesson: cell.shown() for lesson, cell in page.cells.get(student, {}).items()},
        "away": away,
        "mean": found.mean,
        "counts": {"grades": found.numeric, "substantial": found.substantial, "debts": found.debts},
        "hours": hours,
        "final": final.shown() if final else None,
        "proposal": {"value": proposal.value, "why": proposal.why},
        "permission": permission._asdict() if permission else None,
        "carried": {"source_page": carried.source_page, "grades": [g.model_dump() for g in carried.grades]}
        if carried
        else None,
        "taken": [t.model_dump(exclude={"student"}) for t in page.taken.get(student, {}).values()],
        "lock": _lock(p.FinalStands, _withdraws(page, student, today)) if stands else None,
    }


def _presence(page: Page, student: str, lessons: list[Lesson]) -> tuple[list[str], dict[str, int]]:
    """Lessons that were not his; hours held for him, hours missed, times late, where attendance is marked."""
    away: list[str] = []
    held = missed = late = 0
    for lesson in lessons:
        if not (page.enrolled(student, lesson.day) and page.in_subgroup(student, lesson.assignment)):
            away.append(lesson.id)
            continue
        marked = page.attendance.get(lesson.id)
        if marked is None or marked.marks is None:
            continue
        held += lesson.hours
        if mark := marked.marks.get(student):
            missed, late = missed + mark.hours, late + (mark.late > 0)
    return away, {"held": held, "missed": missed, "late": late}


def _withdraws(page: Page, student: str, today: date) -> str:
    """Who opens a student's grades again: the teacher until the deadline of finals, after it the deputy (rule G2)."""
    permission = page.permissions.get(student)
    allowed = permission is not None and permission.late_until is not None and today <= permission.late_until
    return "teacher" if today <= window(page).deadline or allowed else "deputy_director"


def you(page: Page, subject: str, now: datetime, today: date) -> dict[str, Any]:
    """What the reader may write here: assignments, single lessons, finals; until when his last action can be undone."""
    action = page.last.get(subject)
    until = None
    if action is not None and page.closed is None:
        ends = datetime.fromisoformat(action.at) + timedelta(minutes=page.rules.undo_minutes)
        until = ends if now <= ends else None
    return {
        "id": subject,
        "assignments": [a for a in page.assignments if page.holds(subject, a, today)],
        "lessons": [lesson for lesson, s in page.substitutes.items() if s.teacher == subject],
        "finals": page.responsible(subject, today),
        "undo_until": until,
    }
