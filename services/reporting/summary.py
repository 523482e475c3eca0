"""The summary of a group for one period: students × disciplines, and the indicators (R 2.6, 4.5.4, 7.1). Pure.

The roster of a page is who is enrolled at its end, or today while it runs. Every indicator comes with its formula.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from services.kit.csvfile import hundredths
from services.reporting import indicators as i
from services.reporting.card import VALUE_NAMES
from services.reporting.standing import Hours, Mark, Move, Rules, Subgroups, class_on, enrolled, marks

Rows = Mapping[str, Sequence[Any]]
Key = tuple[str, str]


def periods(pages: Iterable[Any]) -> list[dict[str, Any]]:
    """The periods of a group's pages, in the order in which they began."""
    found: dict[str, dict[str, Any]] = {}
    for page in pages:
        shown = found.setdefault(
            page.period,
            {
                "period": page.period,
                "title": page.title,
                "kind": page.kind,
                "year": page.year,
                "year_title": page.year_title,
                "starts_on": page.starts_on,
                "ends_on": page.ends_on,
                "pages": [],
            },
        )
        shown["pages"].append(page.page)
    return list(found.values())


def choose(found: Sequence[dict[str, Any]], period: str | None, today: date) -> dict[str, Any] | None:
    """The period asked for; without one, the latest that has begun, or else the first."""
    if period is not None:
        return next((p for p in found if p["period"] == period), None)
    begun = [p for p in found if p["starts_on"] <= today]
    return begun[-1] if begun else (found[0] if found else None)


def summary(group: str, period: dict[str, Any], rows: Rows, today: date) -> dict[str, Any]:
    """The document. Means and percentages are hundredths; hours of 45 minutes."""
    moves: dict[Key, list[Move]] = defaultdict(list)
    for row in rows["moves"]:
        moves[row.page, row.student].append(Move(row.on_day, row.joined, row.until))
    cells = _cells(rows)
    lessons: dict[str, list[Any]] = defaultdict(list)
    for row in rows["lessons"]:
        lessons[row.page].append(row)
    classes: dict[str, list[tuple[date, date, str]]] = defaultdict(list)
    for row in rows["classes"]:
        classes[row.student].append((row.starts_on, row.ends_on, row.reason_class))
    pages = []
    students: dict[str, dict[str, Any]] = {}
    totals: dict[str, Hours] = defaultdict(Hours)
    for page in rows["pages"]:
        on = min(today, page.ends_on)
        roster = sorted(s for (p, s), moved in moves.items() if p == page.page and enrolled(moved, on))
        rules = Rules.of(page.weights, page.retake)
        subgroups = Subgroups.of(orjson.loads(page.assignments or "[]"), page.subgroups)
        held = [(x, orjson.loads(x.marks) if x.marks else {}) for x in lessons[page.page]]
        of_page = Hours()
        finals = []
        for student in roster:
            cell = cells.get((page.page, student), _Cell())
            hours = _hours(student, held, moves[page.page, student], subgroups, classes[student])
            found = marks(rules, cell.grades, cell.carried, cell.taken)
            entry = students.setdefault(student, {"student": student, "cells": {}})
            entry["cells"][page.page] = {
                "mean": found.mean,
                "grades": len(cell.grades),
                "counted": found.counted,
                "debts": sum(g.value == "." for g in cell.grades),
                "final": cell.final,
                "missed": hours.missed,
                "held": hours.held,
            }
            if cell.final is not None:
                finals.append(cell.final)
            of_page.include(hours)
            totals[student].include(hours)
        counts = i.count(finals)
        pages.append(
            {
                "page": page.page,
                "discipline": {"id": page.discipline, "code": page.code, "title": page.title},
                "state": "closed" if page.closed else "signed" if page.signed else "open",
                "students": len(roster),
                "without_final": len(roster) - len(finals),
                "finals": counts._asdict(),
                "success": i.success(counts),
                "quality": i.quality(counts),
                "learning": i.learning(counts),
                "average": i.average(counts),
                "held": sum(x.hours for x, _ in held),
                "attendance": i.attendance(of_page.held, of_page.missed),
            }
        )
    whole = Hours()
    for student, entry in students.items():
        finals = [c["final"] for c in entry["cells"].values() if c["final"] is not None]
        entry["average"] = i.average(i.count(finals))
        entry["hours"] = totals[student].shown()
        entry["attendance"] = i.attendance(totals[student].held, totals[student].missed)
        whole.include(totals[student])
    all_finals = [[c["final"] for c in s["cells"].values() if c["final"] is not None] for s in students.values()]
    together = i.count(v for values in all_finals for v in values)
    return {
        "group": group,
        "period": {k: v for k, v in period.items() if k != "pages"},
        "pages": pages,
        "students": [students[s] for s in sorted(students)],
        "indicators": {
            **i.of_group(all_finals)._asdict(),
            "learning": i.learning(together),
            "average": i.average(together),
            "hours": whole.shown(),
            "attendance": i.attendance(whole.held, whole.missed),
        },
        "formulas": {name: formula._asdict() for name, formula in i.FORMULAS.items()},
    }


class _Cell:
    __slots__ = ("carried", "final", "grades", "taken")

    def __init__(self) -> None:
        self.grades: list[Mark] = []
        self.carried: list[dict[str, Any]] = []
        self.taken: list[str] = []
        self.final: str | None = None


def _cells(rows: Rows) -> dict[Key, _Cell]:
    """What each student has on each page."""
    cells: dict[Key, _Cell] = defaultdict(_Cell)
    for row in rows["grades"]:
        cells[row.page, row.student].grades.append(Mark(row.grade, row.value, row.work, row.retake_of))
    for row in rows["carried"]:
        cells[row.page, row.student].carried = orjson.loads(row.grades)
    for row in rows["taken"]:
        cells[row.page, row.student].taken.append(row.value)
    for row in rows["finals"]:
        cells[row.page, row.student].final = row.value
    return cells


def _hours(
    student: str,
    held: Sequence[tuple[Any, Mapping[str, Sequence[int]]]],
    moves: Sequence[Move],
    subgroups: Subgroups,
    classes: Sequence[tuple[date, date, str]],
) -> Hours:
    hours = Hours()
    for lesson, absent in held:
        if enrolled(moves, lesson.held_on) and subgroups.has(student, lesson.assignment):
            mark = absent.get(student)
            hours.add(lesson.hours, mark, class_on(classes, lesson.held_on) if mark and mark[0] else None)
    return hours


def csv_header(document: Mapping[str, Any]) -> list[str]:
    titles = [p["discipline"]["title"] or p["discipline"]["id"] for p in document["pages"]]
    return [
        "Студент",
        *(f"{title}: {what}" for title in titles for what in ("средневзвешенный", "итоговая")),
        "Средний балл",
        "Часов проведено",
        "Пропущено",
        "по болезни",
        "по уважительной",
        "без уважительной",
        "Посещаемость, %",
    ]


def csv_rows(document: Mapping[str, Any]) -> Iterator[list[Any]]:
    """A line per student, then a line per indicator."""
    pages = [p["page"] for p in document["pages"]]
    for entry in document["students"]:
        line: list[Any] = [entry["student"]]
        for page in pages:
            cell = entry["cells"].get(page, {})
            line += [hundredths(cell.get("mean")), VALUE_NAMES.get(cell.get("final"), cell.get("final"))]
        hours = entry["hours"]
        yield [
            *line,
            hundredths(entry["average"]),
            hours["held"],
            hours["missed"],
            hours["ill"],
            hours["excused"],
            hours["unexcused"],
            hundredths(entry["attendance"]),
        ]
    for name in ("success", "quality", "learning", "average", "attendance"):
        formula = i.FORMULAS[name]
        values = (hundredths(p[name]) for p in document["pages"])
        yield [f"{formula.ru} = {formula.text}", *(x for v in values for x in ("", v))]
