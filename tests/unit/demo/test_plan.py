"""The plan of a demo college: the same every time, without clashes, with every special case, on any first day."""

from collections import Counter
from datetime import date, timedelta
from itertools import chain, islice
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from contracts.events.gradebook import Rules
from services.demo.accounts import PASSWORD, accounts
from services.demo.calendar import Moment, calendar
from services.demo.marks import HOURS, entry
from services.demo.people import FAMILIES
from services.demo.plan import Plan
from services.demo.shapes import SIZES, Lesson
from services.identity import passwords
from services.identity.rules import guardian_until

TUESDAY, SUNDAY, NEW_YEAR = date(2026, 3, 17), date(2026, 3, 15), date(2027, 1, 3)
DAYS = st.dates(date(2025, 1, 1), date(2032, 12, 31))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(SIZES["class"], TUESDAY)


@pytest.fixture(scope="module")
def college() -> Plan:
    return Plan(SIZES["college"], TUESDAY)


def places(plan: Plan) -> Counter[tuple[object, ...]]:
    """How often each teacher, and each group or subgroup, is somewhere at one time."""
    taught = (("teacher", x.teacher, x.date, x.pair) for x in plan.lessons)
    attended = (("group", x.page.load.group.key, x.subgroup, x.date, x.pair) for x in plan.lessons)
    return Counter(chain(taught, attended))


def test_class_is_four_groups_of_a_hundred_students(plan: Plan) -> None:
    assert len(plan.groups) == 4
    assert sum(len(group.students) for group in plan.groups) == 100


def test_college_is_forty_groups_a_thousand_students_sixty_teachers(college: Plan) -> None:
    assert len(college.groups) == 40
    assert sum(len(group.students) for group in college.groups) == 1000
    assert sum(s.role in ("teacher", "workshop_instructor") for s in college.staff) == 60


def test_college_has_as_many_marks_as_promised(college: Plan) -> None:
    part = 20  # a sample is quicker and near enough
    made = [entry(college, lesson, None) for lesson in islice(college.entered(), 0, None, part)]
    grades = part * sum(len(marks) for one in made for marks in one.grades.values())
    assert 305_000 <= grades <= 335_000
    assert 190_000 <= part * sum(len(one.missed) for one in made) <= 220_000


@pytest.mark.parametrize("size", sorted(SIZES))
def test_nobody_is_in_two_places(size: str) -> None:
    assert set(places(Plan(SIZES[size], TUESDAY)).values()) == {1}


def test_same_day_gives_the_same_plan() -> None:
    one, two = Plan(SIZES["class"], TUESDAY), Plan(SIZES["class"], TUESDAY)
    assert one.people == two.people
    assert one.weeks == two.weeks
    assert one.lessons == two.lessons
    made, again = ([entry(p, x, None) for x in p.entered()] for p in (one, two))
    assert made == again


@given(today=DAYS)
def test_periods_lie_around_today(today: date) -> None:
    found = calendar(today, 10, 5, 16)
    assert found.past.ends_on < found.running.starts_on
    assert found.running.starts_on <= today - timedelta(weeks=3)
    assert today < found.running.ends_on
    assert found.starts_on <= found.past.starts_on
    assert found.running.ends_on <= found.ends_on
    assert found.school_day - today <= timedelta(days=1)
    assert found.past.studies(found.past.finals_on)
    assert timedelta(days=2) <= found.past.ends_on - found.past.finals_on


@pytest.mark.parametrize("today", [TUESDAY, SUNDAY, NEW_YEAR, date(2028, 2, 29), date(2026, 5, 9)])
def test_lessons_exist_on_the_first_day_or_the_next_one(today: date) -> None:
    plan = Plan(SIZES["class"], today)
    day = plan.calendar.school_day
    assert day == today or today.isoweekday() == 7
    groups = {lesson.page.load.group.key for lesson in plan.lessons if lesson.date == day}
    assert groups == {group.key for group in plan.groups}


@profile(max_examples=25)
@given(today=DAYS)
def test_every_first_day_has_all_special_cases(today: date) -> None:
    plan = Plan(SIZES["class"], today)
    running = plan.calendar.running
    assert plan.split_groups
    now, past = plan.substitutions
    assert now.lesson.date == plan.calendar.school_day
    assert past.lesson.date < today
    assert {now.teacher, past.teacher}.isdisjoint({now.lesson.teacher, past.lesson.teacher})
    assert running.starts_on < plan.transfer.on < today
    assert running.studies(plan.transfer.on)
    assert plan.gaps
    assert past.lesson.key not in plan.gaps
    dot = entry(plan, plan.dot, None)
    assert [marks[0].value for marks in dot.grades.values()].count(".") >= 1
    assert any(page.load.course.kind == "training_practice" for page in plan.pages)
    assert accounts(plan)


@profile(max_examples=40)
@given(today=DAYS)
def test_finals_are_due_within_two_days(today: date) -> None:
    plan = Plan(SIZES["class"], today, "finals")
    running = plan.calendar.running
    assert today < running.finals_on <= today + timedelta(days=2)
    for page in plan.pages:
        if page.period == running:
            assert today - timedelta(days=3) <= plan.finals_on(page) < today
            assert (running.ends_on - plan.finals_on(page)).days < Rules().final_window_days
            assert not plan.signed(page)
    assert plan.transfer.on < plan.calendar.last_study_day
    assert plan.dot.date < today
    assert plan.finals(plan.dot.page) == "half"
    assert plan.finals(plan.neglected) == "none"
    assert accounts(plan)


@profile(max_examples=40)
@given(today=DAYS)
def test_a_closed_period_is_over_and_the_year_is_not(today: date) -> None:
    plan = Plan(SIZES["class"], today, "closed")
    running = plan.calendar.running
    assert running.ends_on.isoweekday() == 6
    assert running.ends_on + timedelta(days=2) < today <= plan.calendar.ends_on
    assert plan.transfer.on <= running.finals_on
    assert plan.dot.date <= running.finals_on
    assert any(marks[0].value == "." for marks in entry(plan, plan.dot, None).grades.values())
    assert all(s.lesson.date < today for s in plan.substitutions)
    left = {page.key for page in plan.pages if not plan.signed(page)}
    assert left == {plan.dot.page.key, plan.neglected.key}
    assert plan.signed(plan.unclosed)
    assert accounts(plan)


def test_the_plan_shows_families_of_two_and_of_an_adult(plan: Plan) -> None:
    children = Counter(link.guardian for link in plan.links)
    assert max(children.values()) == 2
    adult = plan.people[plan.groups[0].students[1]]
    until = guardian_until(adult.born, "", None)
    assert until is not None
    assert plan.calendar.starts_on < until < plan.calendar.today
    for link in plan.links:
        ends_on = guardian_until(plan.people[link.student].born, "", None)
        assert ends_on is None or ends_on >= plan.calendar.starts_on


def test_curators_teach_their_own_group(plan: Plan) -> None:
    for group in plan.groups:
        assert plan.curators[group.key] in {teacher for load in plan.loads_of(group) for teacher in load.teachers}


def test_one_person_teaches_and_studies_elsewhere(plan: Plan) -> None:
    person, group = plan.teacher_student
    assert person not in {teacher for load in plan.loads_of(group) for teacher in load.teachers}
    assert person in plan.roster(list(plan.lessons_of[f"{group.key} УП.01 running"])[-1])


def test_a_moved_student_changes_the_roster_on_the_day(plan: Plan) -> None:
    moved = plan.transfer

    def there(group: str, day: date) -> bool:
        lesson = next(x for x in plan.lessons if x.page.load.group.key == group and not x.subgroup and x.date >= day)
        return moved.student in plan.roster(lesson._replace(date=day))

    before = moved.on - timedelta(days=1)
    assert (there(moved.left.key, before), there(moved.joined.key, before)) == (True, False)
    assert (there(moved.left.key, moved.on), there(moved.joined.key, moved.on)) == (False, True)


@pytest.mark.parametrize("today", [TUESDAY, date(2026, 1, 20)], ids=["spring", "after New Year"])
def test_entries_keep_the_rules(today: date) -> None:
    plan = Plan(SIZES["class"], today)
    for lesson in plan.entered():
        made = entry(plan, lesson, None)
        roster = plan.roster(lesson)
        away = {m.student for m in made.missed if m.hours == HOURS}
        assert {m.student for m in made.missed} | made.grades.keys() <= set(roster)
        assert all(marks[0].value == "." for student, marks in made.grades.items() if student in away)
        assert all(lesson.date < later.day < plan.calendar.today for later in made.later)
        assert all(later.day <= lesson.page.period.finals_on for later in made.later)
        assert all((x.day - lesson.date).days <= 7 for x in made.later if x.reason is not None)
        assert not made.grades or lesson.date <= lesson.page.period.finals_on


def test_every_dot_but_one_is_replaced(plan: Plan) -> None:
    open_dots = []
    for lesson in plan.entered():
        made = entry(plan, lesson, None)
        replaced = {later.student for later in made.later}
        open_dots += [
            (lesson.key, s) for s, marks in made.grades.items() if marks[0].value == "." and s not in replaced
        ]
    assert [key for key, _ in open_dots] == [plan.dot.key]


def test_people_can_be_told_apart_and_reached_by_nobody(college: Plan) -> None:
    assert len(FAMILIES) == len(set(FAMILIES))
    assert all(person.email.endswith("@example.org") for person in college.people.values())
    phones = [person.phone for person in college.people.values()]
    assert len(set(phones)) == len(phones)
    assert all(phone.startswith("+7 000 ") for phone in phones)
    assert len({person.key for person in college.people.values()}) == len(college.people)


@pytest.mark.parametrize("at", get_args(Moment))
@pytest.mark.parametrize("size", sorted(SIZES))
def test_accounts_are_one_per_person_with_a_lawful_password(size: str, at: Moment) -> None:
    rows = accounts(Plan(SIZES[size], TUESDAY, at))
    assert len({row.login for row in rows}) == len({row.person for row in rows}) == len(rows)
    for row in rows:
        passwords.check(PASSWORD, row.login)
        assert all(row.row("ru"))
        assert all(row.row("en"))
        assert all(sentence.endswith(".") and len(sentence) <= 100 for sentence in row.hint)


def test_codes_of_a_group_are_different(college: Plan) -> None:
    for group in college.groups:
        codes = [load.course.code for load in college.loads_of(group)]
        assert len(set(codes)) == len(codes)


def test_lessons_of_a_page_are_in_order(plan: Plan) -> None:
    def when(lesson: Lesson) -> tuple[date, int]:
        return lesson.date, lesson.pair

    for own in plan.lessons_of.values():
        assert [when(x) for x in own] == sorted(map(when, own))
        assert {x.topic for x in own} == set(range(1, own[0].of + 1))
