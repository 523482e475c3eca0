"""The demo college in real databases: under rules that hold, with its special cases, once whatever happens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from contracts.events import gradebook as e
from services.demo import shapes
from services.demo.accounts import PASSWORD, Account
from services.demo.load import Loaded, NotEmpty, ensure, load
from services.demo.plan import Plan
from services.demo.shapes import Size
from services.demo.stage import Stage
from services.gradebook.audit.replay import replay
from services.gradebook.page import Page
from services.gradebook.standing import standing
from services.identity import people, problems
from services.identity.people import PersonData
from services.kit.clock import SystemClock
from services.kit.settings import SERVICES, Settings
from services.system import System, open_system
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio

TINY = Size("tiny", ((0, "21"), (0, "22"), (1, "21"), (2, "21")), 6, 4, 3, 4, 8, 60, 9, 4, 1)


class Stopped(Exception):
    """Thrown into a load in its midst."""


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(shapes.SIZES, "tiny", TINY)
    return "tiny"


@asynccontextmanager
async def opened(new: NewDatabase, data: Path) -> AsyncIterator[System]:
    databases = {name: await new(name) for name in SERVICES}
    addresses = {f"{name}_dsn": db.dsn for name, db in databases.items()}
    addresses |= {f"{name}_owner_dsn": db.owner_dsn for name, db in databases.items()}
    async with open_system(Settings.load({}, data=data, **addresses)) as system:
        yield system


async def heads(system: System) -> dict[str, int]:
    return {name: await log.head() for name, log in system.logs.items()}


class College(NamedTuple):
    """A loaded system."""

    system: System
    loaded: Loaded
    ids: dict[str, str]

    @property
    def plan(self) -> Plan:
        return self.loaded.plan

    @property
    def stage(self) -> Stage:
        s = self.system
        return Stage(self.plan, s.identity, s.schedule, s.gradebook, self.ids, lambda *_: None)

    def account(self, login: str) -> Account:
        return next(a for a in self.loaded.accounts if a.login == login)

    async def page(self, key: str) -> Page:
        page = next(p for p in self.plan.pages if p.key == key)
        return (await self.system.gradebook.page(self.stage.page(page))).state

    async def client(self, login: str, service: str) -> httpx.AsyncClient:
        """A client of that service, signed in as that account."""
        signed_in = await self.system.identity.accounts.sign_in(login, PASSWORD, "127.0.0.1", "test")
        await self.system.rights.catch_up()
        token = await self.system.identity.exchange(signed_in.secret)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.system.services[service].app),
            base_url="http://test",
            headers={"Authorization": f"Bearer {token}"},
        )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
async def college(module_database: NewDatabase, data: Path) -> AsyncIterator[College]:
    async with opened(module_database, data) as system:
        loaded = await load(system)
        await system.caught_up()
        yield College(system, loaded, await _ids(system, loaded.plan))


async def _ids(system: System, plan: Plan) -> dict[str, str]:
    """{key in the plan: id}, by what identity keeps."""
    async with system.identity.commands.reading() as tx:
        mails = {person.email: key for key, person in plan.people.items()}
        found = {mails[email]: id_ for id_, email in await tx.rows("select id::text, email from person")}
        found |= {title: id_ for id_, title in await tx.rows("select id::text, title from study_group")}
    return found


async def test_every_event_keeps_the_rules_on_the_day_it_was_decided(college: College) -> None:
    gradebook = college.system.gradebook
    report = await replay(gradebook.log, gradebook.zone, SystemClock())
    assert report.findings == ()
    assert report.pages == len(college.plan.pages)


async def test_entries_were_made_on_the_day_of_the_lesson(college: College) -> None:
    page = await college.page(college.plan.dot.page.key)
    assert page.lessons
    assert {lesson.late_by_days for lesson in page.lessons.values()} == {0}


async def test_everybody_is_marked_as_demo(college: College) -> None:
    async with college.system.identity.commands.reading() as tx:
        assert await tx.rows("select count(*) from person where not demo") == [(0,)]
        assert await tx.rows("select count(*) from person") == [(len(college.plan.people),)]


async def test_accounts_open_from_this_machine_only(college: College) -> None:
    sign_in = college.system.identity.accounts.sign_in
    for account in college.loaded.accounts:
        assert (await sign_in(account.login, PASSWORD, "127.0.0.1", "test")).person == college.ids[account.person]
    with pytest.raises(problems.DemoFromElsewhere):
        await sign_in("teacher", PASSWORD, "192.0.2.7", "test")


async def test_past_pages_are_signed_and_closed_but_one(college: College) -> None:
    for page in college.plan.pages:
        state = await college.page(page.key)
        past = page.period.key == "past"
        assert (state.signed is not None) is past
        assert (state.closed is not None) is (past and page.key != college.plan.unclosed.key)
        assert bool(state.finals) is past


async def test_a_final_departs_from_its_mean_with_a_reason(college: College) -> None:
    states = [await college.page(p.key) for p in college.plan.pages if p.period.key == "past"]
    assert any(f.reason is not None for state in states for f in state.finals.values())
    assert any(f.value == "na" for state in states for f in state.finals.values())


async def test_one_dot_is_open(college: College) -> None:
    state = await college.page(college.plan.dot.page.key)
    assert sum(standing(state, student).debts for student in state.members) == 1


async def test_gaps_and_lessons_of_today_are_not_entered(college: College) -> None:
    plan, stage = college.plan, college.stage
    wanted = [x for x in plan.lessons if x.key in plan.gaps or x.date == plan.calendar.school_day]
    assert wanted
    for lesson in wanted:
        assert stage.lesson(lesson) not in (await college.page(lesson.page.key)).lessons


async def test_schedule_has_the_planned_lessons_under_the_same_ids(college: College) -> None:
    plan, stage = college.plan, college.stage
    year = (await college.system.schedule.years.state(f"timetable/{plan.id('year', '')}")).state
    assert year.lessons.keys() == {stage.lesson(lesson) for lesson in plan.lessons}


async def test_the_language_is_split(college: College) -> None:
    group = college.plan.split_groups[0]
    state = await college.page(f"{group.key} СГ.02 running")
    assert {n: len(students) for n, students in state.subgroups.items()} == {"1": 13, "2": 12}
    assert len({a.subgroup for a in state.assignments.values()}) == 2


async def test_a_moved_student_brings_his_grades(college: College) -> None:
    moved, pages = college.plan.transfer, college.plan.pages
    student = college.ids[moved.student]
    for page in pages:
        if page.load.group.key != moved.joined.key or page.period.key != "running":
            continue
        new = await college.page(page.key)
        old = await college.page(page.key.replace(moved.joined.key, moved.left.key))
        own = {g.id for cell in old.cells.get(student, {}).values() for g in cell.grades}
        assert own == {g.grade for g in (new.carried[student].grades if student in new.carried else ())}
        assert new.enrolled(student, college.plan.calendar.today)
        assert not old.enrolled(student, moved.on)


async def test_substitutes_write_their_lessons(college: College) -> None:
    now, past = college.plan.substitutions
    held = (await college.page(past.lesson.page.key)).lessons[college.stage.lesson(past.lesson)]
    assert held.taught_by == college.ids[past.teacher]
    allowed = (await college.page(now.lesson.page.key)).substitutes[college.stage.lesson(now.lesson)]
    assert (allowed.teacher, allowed.day) == (college.ids[now.teacher], college.plan.calendar.school_day)


async def test_guardians_have_two_children_or_no_access_any_more(college: College) -> None:
    grants, today = college.system.grants, college.plan.calendar.today
    await college.system.rights.catch_up()
    two, ended = (college.ids[college.account(login).person] for login in ("parent", "parent2"))
    assert len(grants.objects(two, "guardian", today)) == 2
    assert grants.objects(ended, "guardian", today) == set()
    assert len(grants.objects(ended, "guardian", college.plan.calendar.starts_on)) == 1


async def test_one_person_is_teacher_and_student(college: College) -> None:
    person, group = college.plan.teacher_student
    roles = college.system.grants.roles(college.ids[person], college.plan.calendar.today)
    assert {"teacher", "student"} <= roles.keys()
    assert roles["member"] == {college.ids[group.key]}


async def test_changes_have_reasons_and_make_ups_their_day(college: College) -> None:
    log, changed, made_up, after = college.system.logs["gradebook"], 0, 0, 0
    while rows := await log.read(after, 5000):
        for fact in college.system.gradebook.pages.facts([r for r in rows if r.stream.startswith("page/")]):
            changed += isinstance(fact.event, e.GradeChanged)
            made_up += isinstance(fact.event, e.GradeRecorded) and fact.event.makeup_on is not None
        after = rows[-1].position
    assert changed > 10
    assert made_up > 10


async def test_a_guardian_reads_the_cards_of_both_children(college: College) -> None:
    own = college.system.grants.objects(
        college.ids[college.account("parent").person], "guardian", college.plan.calendar.today
    )
    async with await college.client("parent", "reporting") as client:
        for child in own:
            card = await client.get(f"/students/{child}/card")
            assert card.status_code == 200
            assert len(card.json()["disciplines"]) >= 9


async def test_a_second_start_recognises_it(college: College) -> None:
    before = await heads(college.system)
    for size in ("class", "college"):
        again = await load(college.system, size)
        assert (again.fresh, again.accounts) == (False, college.loaded.accounts)
    assert await heads(college.system) == before


async def test_a_later_start_keeps_the_first_day(college: College, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.clock.SystemClock.now", lambda self: datetime(2035, 5, 5, tzinfo=UTC))
    assert (await load(college.system)).plan.calendar == college.plan.calendar


@pytest.mark.parametrize("day", [date(2026, 3, 15), date(2027, 1, 3)], ids=["Sunday", "New Year"])
async def test_it_loads_on_a_day_without_study(
    database: NewDatabase, tmp_path: Path, tiny: str, monkeypatch: pytest.MonkeyPatch, day: date
) -> None:
    noon = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    monkeypatch.setattr("services.kit.clock.SystemClock.now", lambda self: noon)
    async with opened(database, tmp_path) as system:
        assert (await load(system, tiny)).fresh
        report = await replay(system.logs["gradebook"], system.gradebook.zone, SystemClock())
    assert report.findings == ()


async def _finals(system: System, plan: Plan) -> dict[str, tuple[int, int, int, bool, bool]]:
    """{page of the running period: (students at its end, their finals, open dots, signed, closed)}."""
    stage = Stage(plan, system.identity, system.schedule, system.gradebook, await _ids(system, plan), lambda *_: None)
    found = {}
    for page in plan.pages:
        if page.period.key == "running":
            state = (await system.gradebook.page(stage.page(page))).state
            roster = state.roster(page.period.ends_on)
            finals = sum(state.final(student) is not None for student in roster)
            dots = sum(standing(state, student).debts for student in roster)
            found[page.key] = (len(roster), finals, dots, state.signed is not None, state.closed is not None)
    return found


async def test_finals_are_being_set(database: NewDatabase, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as system:
        plan = (await load(system, at="finals")).plan
        report = await replay(system.logs["gradebook"], system.gradebook.zone, SystemClock())
        found = await _finals(system, plan)
        kept = (await load(system, at="week")).plan
    assert report.findings == ()
    for page in plan.pages:
        if page.period.key == "running":
            students, finals, dots, signed, closed = found[page.key]
            assert not signed
            assert not closed
            assert dots == (page.key == plan.dot.page.key)
            match plan.finals(page):
                case "all":
                    assert finals == students
                case "half":
                    assert 0 < finals < students
                case "none":
                    assert finals == 0
    assert {plan.finals(page) for page in plan.pages if page.period.key == "running"} == {"all", "half", "none"}
    assert (kept.at, kept.calendar) == ("finals", plan.calendar)


async def test_the_period_is_closed_but_for_three_pages(database: NewDatabase, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as system:
        plan = (await load(system, at="closed")).plan
        report = await replay(system.logs["gradebook"], system.gradebook.zone, SystemClock())
        found = await _finals(system, plan)
    assert report.findings == ()
    students, finals, dots, signed, closed = found.pop(plan.dot.page.key)
    assert (finals, dots, signed, closed) == (students - 1, 1, False, False)
    _, finals, _, signed, closed = found.pop(plan.neglected.key)
    assert (finals, signed, closed) == (0, False, False)
    students, finals, dots, signed, closed = found.pop(plan.unclosed.key)
    assert (finals, dots, signed, closed) == (students, 0, True, False)
    for students, finals, dots, signed, closed in found.values():
        assert (finals, dots, signed, closed) == (students, 0, True, True)


async def test_a_load_that_broke_off_is_completed(database: NewDatabase, tmp_path: Path, tiny: str) -> None:
    def stop_at(name: str, part: int) -> Any:
        def report(title: str, done: int, total: int) -> None:
            if title == name and done * part >= total:
                raise Stopped

        return report

    async with opened(database, tmp_path) as whole:
        await load(whole, tiny)
        wanted = await heads(whole)
    async with opened(database, tmp_path) as broken:
        for name, part in (("Расписание", 2), ("Занятия и отметки", 3), ("Занятия и отметки", 1)):
            with pytest.raises(Stopped):
                await load(broken, tiny, stop_at(name, part))
        assert (await load(broken, tiny)).fresh
        assert await heads(broken) == wanted
        assert not (await load(broken, tiny)).fresh


async def test_a_system_with_other_data_is_left_alone(database: NewDatabase, tmp_path: Path) -> None:
    async with opened(database, tmp_path) as system:
        await system.identity.execute(system.identity.as_system(), _register)
        with pytest.raises(NotEmpty):
            await load(system)
        assert await ensure(system) is None
        assert await heads(system) == {"identity": 1, "schedule": 0, "gradebook": 0}


async def _register(tx: Any) -> dict[str, Any]:
    return {"person": await people.register(tx, PersonData("Образцов", "Образец", birth_date=date(1980, 1, 1)))}
