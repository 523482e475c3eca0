"""The student's card from the rows of the view: over all disciplines and years (R 2.4, 2.8). Pure.

Per page (discipline × period): lessons that are the student's with grades, absence, topic and homework; the weighted
mean; hours held and missed; the final; topics passed against plan (R 2.2, 2.8); grades carried over. Names are not
here: the card speaks in ids of people. Means and percentages are hundredths.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from services.kit.csvfile import hundredths
from services.reporting.indicators import FULL, attendance
from services.reporting.lessons import Lesson
from services.reporting.standing import Hours, Mark, Rules, Subgroups, always, class_on, enrolled, marks, moves_of

Rows = Mapping[str, Any]

VALUE_NAMES = {"pass": "зачёт", "fail": "незачёт", "na": "н/а", "exempt": "осв", "credited": "перезачтено"}
CLASS_NAMES = {"ill": "болезнь", "excused": "уважительная", "unexcused": "неуважительная"}
CSV_HEADER = (
    "Год",
    "Период",
    "Код",
    "Дисциплина",
    "Дата",
    "Пара",
    "Часы",
    "Тема",
    "Отметки",
    "Пропущено часов",
    "Причина",
    "Опоздание, мин",
    "Домашнее задание",
    "Средневзвешенный балл",
    "Итоговая",
)


def card(student: str, rows: Rows, year: str | None, period: str | None) -> dict[str, Any]:
    """The document. `year` and `period` narrow the disciplines; the list of years for switching is always whole."""
    lessons: Mapping[str, Sequence[Lesson]] = rows["lessons"]
    grades = _by_page(rows["grades"])
    classes = [tuple(row) for row in rows["classes"]]
    total = Hours()
    disciplines = []
    for page in rows["pages"]:
        if year in (None, page.year) and period in (None, page.period):
            shown, hours = _page(student, page, lessons.get(page.page, ()), grades.get(page.page, ()), classes)
            disciplines.append(shown)
            total.include(hours)
    status = rows["status"][0].status if rows["status"] else "studying"
    return {
        "student": student,
        "status": status,
        "years": _years(rows["pages"]),
        "hours": total.shown(),
        "attendance": attendance(total.held, total.missed),
        "disciplines": disciplines,
    }


def _by_page(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Rows by their first column."""
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _years(pages: Iterable[Any]) -> list[dict[str, Any]]:
    """Years with their periods, as they began."""
    years: dict[str, dict[str, Any]] = {}
    for page in pages:
        year = years.setdefault(page.year, {"year": page.year, "title": page.year_title, "periods": {}})
        year["periods"].setdefault(
            page.period,
            {
                "period": page.period,
                "title": page.period_title,
                "kind": page.kind,
                "starts_on": page.starts_on,
                "ends_on": page.ends_on,
            },
        )
    return [{**year, "periods": list(year["periods"].values())} for year in years.values()]


def _page(
    student: str, page: Any, lessons: Sequence[Lesson], grades: Sequence[Any], classes: Sequence[Any]
) -> tuple[dict[str, Any], Hours]:
    moves = moves_of(page.moves)
    rules = Rules.of(page.weights, page.retake)
    assignments = orjson.loads(page.assignments or "[]")
    subgroups = Subgroups.of(assignments, page.subgroups)
    carried = orjson.loads(page.carried or "[]")
    taken = orjson.loads(page.taken or "[]")
    found = marks(
        rules, [Mark(id_, v, w, again) for _, _, id_, v, w, _, again in grades], carried, (v for _, v in taken)
    )
    of_lesson = _cells(grades, rules, found.replaced)
    hours = Hours()
    shown = []
    given: dict[int, int] = defaultdict(int)
    # Most students are on the page from its first lesson to its last, in a group that is not split.
    all_his = bool(lessons) and subgroups.whole and always(moves, lessons[0].day, lessons[-1].day)
    for lesson in lessons:
        cell = of_lesson.get(lesson.id)
        his = all_his or (enrolled(moves, lesson.day) and subgroups.has(student, lesson.assignment))
        if not his and cell is None:
            continue
        item = {**lesson.shown, "grades": cell} if cell else lesson.shown
        if his:
            mark = lesson.mark(student)
            if mark is not None:
                reason = class_on(classes, lesson.day) if mark[0] else None
                hours.add(lesson.hours, mark, reason)
                missed = {"hours": mark[0], "late": mark[1], "left_early": mark[2], "class": reason}
                item = {**item, "absence": missed}
            else:
                hours.held += lesson.hours
            if lesson.topic_no is not None:
                given[lesson.topic_no] += lesson.hours
        shown.append(item)
    return {
        "page": page.page,
        "group": {"id": page.study_group, "title": page.group_title},
        "discipline": {
            "id": page.discipline,
            "code": page.code,
            "title": page.title,
            "kind": page.discipline_kind,
        },
        "period": page.period,
        "year": page.year,
        "state": "closed" if page.closed else "signed" if page.signed else "open",
        "teachers": sorted({row[1] for row in assignments if row[4] is None and subgroups.has(student, row[0])}),
        "mean": found.mean,
        "counted": found.counted,
        "needed": None if page.closed or page.final is not None else found.needed,
        "final": page.final,
        "final_mean": page.final_mean,
        "hours": hours.shown(),
        "attendance": attendance(hours.held, hours.missed),
        "programme": _programme(page.topics, frozenset(given.items()), hours.held),
        "lessons": shown,
        "carried": [{**grade, "source_page": page.source_page} for grade in carried],
        "taken": [{"page": source, "value": value} for source, value in taken],
    }, hours


def _cells(grades: Iterable[Any], rules: Rules, replaced: frozenset[str]) -> dict[str, list[dict[str, Any]]]:
    """The grades of each lesson as they are shown; what is empty is left out."""
    cells: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, lesson, grade, value, work, makeup_on, retake_of in grades:
        shown = {"grade": grade, "value": value, "work": work, "weight": rules.weights.get(work, FULL)}
        if makeup_on is not None:
            shown["makeup_on"] = makeup_on
        if retake_of is not None:
            shown["retake_of"] = retake_of
        if grade in replaced:
            shown["replaced"] = True
        cells[lesson].append(shown)
    return cells


@lru_cache(maxsize=512)
def _programme(topics: str | None, given: frozenset[tuple[int, int]], held: int) -> dict[str, Any] | None:
    """Hours given and topics passed against the adopted plan; a topic is passed once its hours were given.

    given: (topic, hours). Most students of a group had the same lessons, so they share the answer; nobody changes it.
    """
    if topics is None:
        return None
    hours_of = dict(given)
    shown = [
        {"number": number, "title": title, "hours": hours, "given": hours_of.get(number, 0)}
        for number, title, hours, _ in orjson.loads(topics)
    ]
    return {
        "hours": sum(t["hours"] for t in shown),
        "given": held,
        "topics": len(shown),
        "passed": sum(t["given"] >= t["hours"] > 0 for t in shown),
        "plan": shown,
    }


def csv_rows(document: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The card as lines: one per lesson; a page without lessons has one line of its own."""
    years = {y["year"]: y["title"] or y["year"] for y in document["years"]}
    periods = {p["period"]: p["title"] or p["period"] for y in document["years"] for p in y["periods"]}
    for page in document["disciplines"]:
        head = (years[page["year"]], periods[page["period"]], page["discipline"]["code"], page["discipline"]["title"])
        tail = (hundredths(page["mean"]), VALUE_NAMES.get(page["final"], page["final"]))
        for lesson in page["lessons"]:
            absence = lesson.get("absence", {})
            yield (
                *head,
                lesson["date"],
                lesson["pair"],
                lesson["hours"],
                lesson["topic"],
                "/".join(VALUE_NAMES.get(g["value"], g["value"]) for g in lesson["grades"]),
                absence.get("hours") or None,
                CLASS_NAMES.get(absence.get("class")),
                absence.get("late") or None,
                lesson.get("homework", {}).get("text"),
                *tail,
            )
        if not page["lessons"]:
            yield (*head, *(None,) * 9, *tail)
