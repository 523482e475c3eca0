"""Lessons kept between cards are given out as long as nothing touched them, and no longer."""

from datetime import date
from typing import Any

from services.reporting import lessons
from services.reporting.lessons import Lessons

DAY = date(2025, 9, 2)


def row(page: str, lesson: str, marks: str | None = None) -> tuple[Any, ...]:
    return (page, lesson, "a", "t", DAY, 1, 1, 2, "lecture", "Тема", 1, "", None, marks)


def test_what_was_kept_is_known_as_of_the_same_event_only() -> None:
    kept = Lessons()
    made = kept.keep({"p": "e1", "q": None}, [row("p", "l1"), row("p", "l2")])
    assert [lesson.id for lesson in made["p"]] == ["l1", "l2"]
    assert made["q"] == ()
    assert kept.known("p", "e1") == made["p"]
    assert kept.known("p", "e2") is None
    assert kept.known("q", None) == ()
    assert kept.known("r", None) is None


def test_what_is_read_again_takes_the_place_of_what_was_kept() -> None:
    kept = Lessons()
    kept.keep({"p": "e1"}, [row("p", "l1")])
    kept.keep({"p": "e2"}, [row("p", "l1"), row("p", "l2")])
    assert kept.known("p", "e1") is None
    assert len(kept.known("p", "e2") or ()) == 2


def test_the_pages_read_longest_ago_are_forgotten() -> None:
    kept = Lessons()
    for n in range(lessons.PAGES_KEPT):
        kept.keep({str(n): "e"}, [])
    assert kept.known("0", "e") == ()
    kept.keep({"more": "e"}, [])
    assert kept.known("0", "e") == ()
    assert kept.known("1", "e") is None


def test_the_mark_of_a_student_is_his_own() -> None:
    made = Lessons().keep({"p": "e1"}, [row("p", "l1", '{"s1":[2,0,0],"s12":[0,5,0]}'), row("p", "l2")])["p"]
    assert [made[0].mark(student) for student in ("s1", "s12", "s2", "s")] == [[2, 0, 0], [0, 5, 0], None, None]
    assert made[1].mark("s1") is None
