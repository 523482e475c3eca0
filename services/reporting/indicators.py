"""The formulas of the reports (R 2.6, 4.5.4, 7.1; domain §5): pure, whole numbers, rounded half up to hundredths.

A percentage of 66.67 % is 6667, a mean of 4.25 is 425. Where the denominator is 0 there is no value: None. Each
formula that has variants in practice names the one used here; the report prints it (`FORMULAS`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

NUMERIC = {"5": 5, "4": 4, "3": 3, "2": 2}
FULL = 100
MOST_NEEDED = 20
"""Beyond that many further grades a mark is called out of reach."""
LEARNING = {"5": 100, "4": 64, "3": 36, "2": 16, "na": 7}
"""The coefficients of СОУ after Симонов; colleges differ in that of н/а."""


class Formula(NamedTuple):
    """What a report prints beside its figures: name, formula and variant."""

    ru: str
    en: str
    text: str


FORMULAS = {
    "success": Formula(
        "Успеваемость, %",
        "Success, %",
        "100·(n5+n4+n3+зачёт+перезачёт)/N; N = все итоговые, включая н/а и незачёт, без «осв»",
    ),
    "quality": Formula("Качество знаний, %", "Quality, %", "100·(n5+n4)/(n5+n4+n3+n2+nа)"),
    "learning": Formula(
        "СОУ (по Симонову)", "Degree of learning (Simonov)", "(100·n5+64·n4+36·n3+16·n2+7·nа)/(n5+n4+n3+n2+nа)"
    ),
    "average": Formula("Средний балл", "Average mark", "(5n5+4n4+3n3+2n2)/(n5+n4+n3+n2); н/а и зачёт не входят"),
    "mean": Formula("Средневзвешенный балл", "Weighted mean", "Σ(w·m)/Σw по числовым отметкам; вес 0 не учитывается"),
    "attendance": Formula(
        "Посещаемость, %",
        "Attendance, %",
        "100·(человеко-часы проведено − пропущено)/проведено; часы проведённых занятий × зачислен в этот день",
    ),
    "group_success": Formula(
        "Успевают, %", "Students without failures, %", "100·(без 2, н/а и незачёта)/(студенты с итоговыми)"
    ),
    "group_quality": Formula(
        "Учатся на 4 и 5, %",
        "Students with 4 and 5 only, %",
        "100·(только 4 и 5; зачёт допускается)/(студенты с итоговыми)",
    ),
}


def share(part: int, whole: int) -> int | None:
    """100·part/whole in hundredths of a percent."""
    return ratio(100 * part, whole)


def ratio(dividend: int, divisor: int) -> int | None:
    """dividend/divisor in hundredths, half up; None when there is nothing to divide by."""
    return (2 * FULL * dividend + divisor) // (2 * divisor) if divisor else None


def weighted_mean(marks: Iterable[tuple[str, int]]) -> int | None:
    """The weighted mean of (value, weight in hundredths) in hundredths. Only numeric values count."""
    total = weight = 0
    for value, w in marks:
        if (number := NUMERIC.get(value)) is not None:
            total, weight = total + w * number, weight + w
    return ratio(total, weight)


def needed(total: int, weight: int, mark: int, of_weight: int = FULL, at_most: int = MOST_NEEDED) -> int | None:
    """How many further grades "5" lift the mean to where `mark` may be the final: mark − 0.5, both ties are free (G5).

    total: Σ(w·m), weight: Σw, both in hundredths; of_weight: the weight of each further grade. 0: reached already;
    None: not within `at_most`. Without any numeric grade one is needed.
    """
    if not weight:
        return 1
    short = (2 * mark - 1) * weight - 2 * total
    more = max(0, -(-short // ((11 - 2 * mark) * of_weight)))
    return more if more <= at_most else None


class Finals(NamedTuple):
    """How many finals of each value: na = н/а, passed = зачёт, failed = незачёт, credited = перезачтено, exempt."""

    n5: int = 0
    n4: int = 0
    n3: int = 0
    n2: int = 0
    na: int = 0
    passed: int = 0
    failed: int = 0
    credited: int = 0
    exempt: int = 0

    @property
    def marked(self) -> int:
        """n5+n4+n3+n2."""
        return self.n5 + self.n4 + self.n3 + self.n2

    @property
    def judged(self) -> int:
        """N: everything but «осв»."""
        return self.marked + self.na + self.passed + self.failed + self.credited


_FIELDS = {
    "5": "n5",
    "4": "n4",
    "3": "n3",
    "2": "n2",
    "na": "na",
    "pass": "passed",
    "fail": "failed",
    "credited": "credited",
    "exempt": "exempt",
}


def count(values: Iterable[str]) -> Finals:
    """Count finals by their value."""
    counts = dict.fromkeys(Finals._fields, 0)
    for value in values:
        counts[_FIELDS[value]] += 1
    return Finals(**counts)


def success(f: Finals) -> int | None:
    """Успеваемость: 100·(n5+n4+n3)/N, зачёт and перезачтено count as passed."""
    return share(f.n5 + f.n4 + f.n3 + f.passed + f.credited, f.judged)


def quality(f: Finals) -> int | None:
    """Качество знаний: 100·(n5+n4)/N over finals that are marks or н/а."""
    return share(f.n5 + f.n4, f.marked + f.na)


def learning(f: Finals, coefficients: Mapping[str, int] = LEARNING) -> int | None:
    """СОУ: (100·n5+64·n4+36·n3+16·n2+7·nа)/N over finals that are marks or н/а."""
    c = coefficients
    total = c["5"] * f.n5 + c["4"] * f.n4 + c["3"] * f.n3 + c["2"] * f.n2 + c["na"] * f.na
    return ratio(total, f.marked + f.na)


def average(f: Finals) -> int | None:
    """Средний балл: (5n5+4n4+3n3+2n2)/(n5+n4+n3+n2)."""
    return ratio(5 * f.n5 + 4 * f.n4 + 3 * f.n3 + 2 * f.n2, f.marked)


def attendance(held: int, missed: int) -> int | None:
    """Посещаемость: 100·(student-hours held − missed)/held."""
    return share(held - missed, held)


class GroupIndicators(NamedTuple):
    """students: with at least one final that is judged. Shares in hundredths of a percent."""

    students: int
    succeed: int
    good: int
    success: int | None
    quality: int | None


def of_group(finals: Iterable[Sequence[str]]) -> GroupIndicators:
    """Over all disciplines, from the finals of each student: who is without 2, н/а, незачёт; who has only 4 and 5."""
    students = succeed = good = 0
    for values in finals:
        judged = [v for v in values if v != "exempt"]
        if not judged:
            continue
        students += 1
        fine = not any(v in ("2", "na", "fail") for v in judged)
        succeed += fine
        good += fine and any(v in NUMERIC for v in judged) and not any(v == "3" for v in judged)
    return GroupIndicators(students, succeed, good, share(succeed, students), share(good, students))
