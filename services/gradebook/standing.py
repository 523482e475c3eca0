"""How a student stands on a page: the grades that count, their weighted mean, whether a final may rest on them.

Whole numbers only: weights and means are hundredths, the mean is rounded half up for showing and compared exactly.
"""

from datetime import date, timedelta
from typing import NamedTuple

from contracts.events import gradebook as e
from services.gradebook.page import Page
from services.gradebook.parts import DAY

NUMERIC = {"5": 5, "4": 4, "3": 3, "2": 2}
SUBSTANTIAL = frozenset({"written", "laboratory", "practical"})
FULL = 100


class Standing(NamedTuple):
    """grades: ids of the marks that count, in the order of writing. numeric, substantial: numeric marks, and those of
    written, laboratory or practical work (R 5.2). marks: numeric and зачёт marks. total = Σ weight · mark,
    weight = Σ weight (hundredths). passed, failed: зачёт and незачёт. debts: open dots."""

    grades: tuple[str, ...]
    numeric: int
    substantial: int
    marks: int
    total: int
    weight: int
    passed: int
    failed: int
    debts: int

    @property
    def mean(self) -> int | None:
        """The weighted mean in hundredths, rounded half up; None without numeric marks."""
        return (2 * FULL * self.total + self.weight) // (2 * self.weight) if self.weight else None

    @property
    def basis(self) -> e.Basis:
        return e.Basis(grades=self.grades, mean=self.mean)

    def deviates(self, value: str, most: int) -> bool:
        """|value − mean| > most hundredths, exactly; a tie at the limit is free (rule G5)."""
        if value not in NUMERIC or not self.weight:
            return False
        return abs(NUMERIC[value] * self.weight - self.total) * FULL > most * self.weight


class Proposal(NamedTuple):
    """The final that the mean suggests, or the code of what stands against one."""

    value: str | None
    why: str | None


def standing(page: Page, student: str) -> Standing:
    """Count the student's marks: weight 0 does not count, a mark replaced by its retake does not either."""
    grades = [g for cell in page.cells.get(student, {}).values() for g in cell.grades]
    retaken = {g.retake_of for g in grades if g.retake_of}
    replaced = retaken if page.rules.retake == "replaces" else frozenset()
    weights = page.rules.weights
    marks = [(g.id, g.value, g.work, weights.get(g.work, FULL)) for g in grades if g.id not in replaced]  # type: ignore[call-overload]
    if carried := page.carried.get(student):
        marks += [(g.grade, g.value, g.work, g.weight) for g in carried.grades]
    marks += [(t.event, t.value, "", FULL) for t in page.taken.get(student, {}).values() if t.value]
    counted: list[str] = []
    numeric = substantial = total = weight = passed = failed = 0
    for id_, value, work, w in marks:
        number = NUMERIC.get(value)
        if not w or (number is None and value not in ("pass", "fail")):
            continue
        counted.append(id_)
        if number is None:
            passed, failed = passed + (value == "pass"), failed + (value == "fail")
            continue
        numeric, substantial = numeric + 1, substantial + (work in SUBSTANTIAL)
        total, weight = total + w * number, weight + w
    debts = sum(g.value == "." and g.id not in retaken for g in grades)
    return Standing(tuple(counted), numeric, substantial, len(counted), total, weight, passed, failed, debts)


def enough(page: Page, found: Standing, value: str) -> bool:
    """Rule G3: a numeric final and a зачёт each need their number of marks; н/а, осв and перезачтено need none."""
    if value in NUMERIC:
        if page.opened is not None and page.opened.kind == "year":
            return found.numeric > 0
        return found.numeric >= page.rules.min_grades and found.substantial >= page.rules.min_substantial
    return value not in ("pass", "fail") or found.marks >= page.rules.min_grades_pass


def propose(page: Page, student: str) -> Proposal:
    """The rounded mean (a tie goes up), or зачёт where only such marks are; else why not."""
    found = standing(page, student)
    if page.final(student):
        return Proposal(None, "final-stands")
    if found.debts:
        return Proposal(None, "debt-open")
    if found.weight:
        value = str(min(5, max(2, (2 * found.total + found.weight) // (2 * found.weight))))
    elif found.marks:
        value = "fail" if found.failed else "pass"
    else:
        return Proposal(None, "too-few-grades")
    permission = page.permissions.get(student)
    if not enough(page, found, value) and not (permission and permission.fewer_grades):
        return Proposal(None, "too-few-grades")
    return Proposal(value, None)


class Window(NamedTuple):
    """The days of finals, both included (rule G4)."""

    opens: date
    deadline: date


def window(page: Page) -> Window:
    """The last days of the page, up to the last study day that is `final_lead_days` before its end."""
    opened, rules = page.opened, page.rules
    assert opened is not None, "asked only of pages that exist"
    deadline = opened.ends_on - timedelta(days=rules.final_lead_days)
    holidays = frozenset(opened.holidays)
    while deadline > opened.starts_on and (deadline.isoweekday() in opened.weekend or deadline in holidays):
        deadline -= DAY
    opens = opened.ends_on - timedelta(days=rules.final_window_days - 1)
    return Window(min(opens, deadline), deadline)


def unfinished(page: Page) -> tuple[list[str], list[str]]:
    """Students of the roster at the page's end without a final, and those with an open dot that no н/а settles."""
    assert page.opened is not None, "asked only of pages that exist"
    roster = page.roster(page.opened.ends_on)
    missing = [s for s in roster if page.final(s) is None]
    settled = ("na", "exempt", "credited")
    debts = [
        s
        for s in roster
        if standing(page, s).debts and not ((final := page.final(s)) is not None and final.value in settled)
    ]
    return missing, debts
