"""A teacher's phone: a whole lesson by the thumb, entries that outlive a bad network, locks told before any tap."""

import asyncio
import re
from contextlib import aclosing
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Locator, Page, Route, expect

from services.demo.accounts import PASSWORD
from tests.browser.conftest import NewJournal, Opens
from tests.common.browser import Watch, axe, shot
from tests.common.process import Journal, key

pytestmark = pytest.mark.anyio

TEACHER = "teacher2"
"""Two past lessons of this teacher are in the timetable and not in the journal."""
TARGET_PX = 48
BEHIND = ("landmark-one-main", "page-has-heading-one")
"""What axe misses while a dialog hides the page behind it."""
WRITES = re.compile(r"/api/gradebook/pages/.+/")


class Gap(NamedTuple):
    page: str
    lesson: str
    date: str

    @property
    def path(self) -> str:
        return f"/journal/{self.page}/lessons/{self.lesson}?date={self.date}"


@pytest.fixture(scope="module")
def kept(new_journal: NewJournal) -> Journal:
    return new_journal()


async def read(journal: Journal, path: str, login: str = TEACHER) -> Any:
    async with aclosing(await journal.signed_in(login, PASSWORD)) as client:
        answer = await client.get(path)
        assert answer.is_success, answer.text
        return answer.json()


async def change(journal: Journal, login: str, method: str, path: str, body: Any, **headers: str) -> None:
    async with aclosing(await journal.signed_in(login, PASSWORD)) as client:
        answer = await client.request(method, path, json=body, headers={**key(), **headers})
        assert answer.is_success, answer.text


async def gaps(journal: Journal) -> list[Gap]:
    """The lessons that are not in the journal, the latest first."""
    groups = (await read(journal, "/identity/groups", "deputy"))["items"]
    found = [
        Gap(item["page"], item["lesson"], item["date"])
        for group in groups
        for item in (await read(journal, f"/reporting/groups/{group['id']}/gaps?gap=not_held", "deputy"))["items"]
    ]
    return sorted(found, key=lambda gap: gap.date, reverse=True)


async def let_in(journal: Journal, page: str, date: str) -> None:
    """Entries of that day are taken, whatever day these tests run on."""
    body = {"starts_on": date, "ends_on": date, "until": "2099-12-31", "reason": {"code": "outage"}}
    await change(journal, "deputy", "POST", f"/gradebook/pages/{page}/entry-limit", body)


async def saved(page: Page) -> None:
    """Nothing waits any more."""
    await expect(page.locator(".shell-waiting")).to_have_count(0)


def row(page: Page, n: int) -> Locator:
    return page.locator(".lesson-row").nth(n)


async def tap_grade(page: Page, value: str) -> None:
    await page.locator(".lesson-pad").get_by_role("button", name=value, exact=True).tap()


async def lesson_of(journal: Journal, gap: Gap) -> tuple[dict[str, Any], list[str]]:
    """The lesson as the journal has it, and the values of its cells."""
    spread = await read(journal, f"/gradebook/pages/{gap.page}")
    lesson = next(each for each in spread["lessons"] if each["lesson"] == gap.lesson)
    cells = [student["cells"].get(gap.lesson, {"grades": []}) for student in spread["students"]]
    return lesson, sorted(grade["value"] for cell in cells for grade in cell["grades"])


async def events_of(journal: Journal, gap: Gap) -> list[str]:
    history = await read(journal, f"/gradebook/pages/{gap.page}/history?lesson={gap.lesson}")
    return sorted(item["type"] for item in history["items"])


@pytest.mark.clause("R 8.4")
async def test_a_whole_lesson_is_kept_by_the_thumb(phone: Opens, kept: Journal) -> None:
    gap = (await gaps(kept))[0]
    await let_in(kept, gap.page, gap.date)
    page = await phone(TEACHER, "/", kept)
    await expect(page.locator(".lesson-card, .empty").first).to_be_visible()
    await shot(page, "teacher-home")
    await axe(page)
    await page.get_by_role("region", name="Не заполнено").get_by_role("link").filter(has_text="не записано").first.tap()
    await page.get_by_role("button", name="Начать занятие").tap()
    await expect(row(page, 0)).to_be_visible()

    await row(page, 0).get_by_role("button", name="отсутствует").tap()
    await row(page, 1).get_by_role("button", name="опоздание").tap()
    await row(page, 2).get_by_role("button", name="отсутствует").tap()
    await row(page, 2).get_by_role("button", name="отсутствует").tap()
    await page.get_by_role("button", name="Отметки", exact=True).tap()
    pad = page.locator(".lesson-pad")
    await expect(row(page, 1).get_by_role("button", pressed=True).first).to_be_visible()
    for value in "543":
        await tap_grade(page, value)
    await expect(row(page, 4).locator(".name")).to_have_attribute("aria-pressed", "true")
    await pad.get_by_role("button", name="Дальше").tap()
    await tap_grade(page, "2")
    await pad.get_by_role("button", name="Отменить").tap()
    await saved(page)
    await shot(page, "lesson")
    await axe(page)
    await small(page)
    top = (await pad.bounding_box() or {"y": 0})["y"]
    assert top > 844 / 2, f"the pad begins at {top}, out of reach of the thumb"

    await pad.get_by_role("button", name="Закрыть").tap()
    await page.get_by_role("button", name="Задать: Домашнее задание").tap()
    await page.get_by_role("textbox", name="Домашнее задание").fill("Решить № 15–18")
    await page.get_by_role("button", name="Сохранить").tap()
    await saved(page)

    lesson, values = await lesson_of(kept, gap)
    marks = lesson["attendance"]["marks"]
    assert sorted((m.get("hours", 0), m.get("late", 0)) for m in marks) == [(0, 10), (lesson["hours"], 0)]
    assert values == ["3", "4", "5"]
    assert lesson["topic"]
    assert lesson["homework"] == "Решить № 15–18"
    await page.goto("/")
    await expect(
        page.get_by_role("link").filter(has_text="не записано").filter(has_text=_short(gap.date))
    ).to_have_count(0)


async def small(page: Page) -> None:
    """Fails if anything to be tapped on the page itself is smaller than a thumb needs."""
    found = await page.evaluate(
        """least => [...document.querySelectorAll('main button, main a, main input')]
          .map(each => [each, each.getBoundingClientRect()])
          .filter(([each, box]) => box.width > 0 && (box.width < least || box.height < least))
          .map(([each, box]) => `${each.textContent || each.ariaLabel}: ${box.width} × ${box.height}`)""",
        TARGET_PX,
    )
    assert found == []


def _short(day: str) -> str:
    return f"{day[8:]}.{day[5:7]}"


@pytest.mark.clause("R 8.4")
async def test_entries_survive_a_reload_and_are_sent_once(phone: Opens, kept: Journal, watch: Watch) -> None:
    """The network swallows answers, then breaks; the page is reloaded; the journal has each entry once."""
    watch.allow(r"^failed: PUT .* net::ERR_(FAILED|CONNECTION_ABORTED)")
    gap = (await gaps(kept))[-1]
    await let_in(kept, gap.page, gap.date)
    page = await phone(TEACHER, gap.path, kept)
    await page.get_by_role("button", name="Начать занятие").tap()
    await page.get_by_role("button", name="Все присутствуют").tap()
    await saved(page)
    before = await events_of(kept, gap)

    async def swallowed(route: Route) -> None:
        """The journal carries it out; the answer never arrives."""
        if route.request.method == "GET":
            await route.continue_()
            return
        await route.fetch()
        await route.abort()

    async def broken(route: Route) -> None:
        await (route.continue_() if route.request.method == "GET" else route.abort())

    await page.route(WRITES, swallowed)
    await page.get_by_role("button", name="Отметки", exact=True).tap()
    async with page.expect_event("requestfailed"):
        await tap_grade(page, "5")
    await page.unroute(WRITES)
    await page.route(WRITES, broken)
    await tap_grade(page, "4")
    await tap_grade(page, "3")
    await expect(page.locator(".shell-waiting")).to_contain_text("Ждут отправки: 3")
    await shot(page, "lesson-offline")

    await page.reload()
    await expect(page.locator(".shell-waiting")).to_contain_text("Ждут отправки: 3")
    for n, value in enumerate("543"):
        await expect(row(page, n).locator(".lesson-mark")).to_have_text(value)
        await expect(row(page, n).locator(".lesson-fares")).to_have_count(1)
    await page.get_by_role("button", name="Показать").tap()
    await expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(3)
    await shot(page, "waiting")
    await axe(page, without=BEHIND)
    await page.keyboard.press("Escape")

    await page.unroute(WRITES)
    await page.evaluate("dispatchEvent(new Event('online'))")
    await saved(page)
    _, values = await lesson_of(kept, gap)
    assert values == ["3", "4", "5"]
    after = await events_of(kept, gap)
    assert [each for each in after if each == "GradeRecorded.v1"] == ["GradeRecorded.v1"] * 3
    assert len(after) == len(before) + 3


async def test_a_slow_network_holds_nobody_up(phone: Opens, kept: Journal) -> None:
    """No answer has come yet, and every tap is on the page already."""
    page = await phone("teacher", await latest_own(kept, "teacher"), kept)
    free = page.locator(".lesson-row:not(:has(.lesson-mark)):not(.away)")
    answers = asyncio.Event()

    async def slow(route: Route) -> None:
        if route.request.method != "GET":
            await answers.wait()
        await route.continue_()

    await expect(page.locator(".lesson-row").first).to_be_visible()
    names = [await free.nth(n).locator(".who").inner_text() for n in range(2)]
    await page.route(WRITES, slow)
    for name in names:
        await page.get_by_role("button", name=name).first.tap()
        await tap_grade(page, "5")
        marked = page.locator(".lesson-row").filter(has=page.get_by_text(name, exact=True))
        await expect(marked.locator(".lesson-mark")).to_have_text("5")
    await expect(page.locator(".shell-waiting")).to_contain_text("Ждут отправки: 2")
    answers.set()
    await saved(page)


async def test_entries_outlive_the_session_and_belong_to_their_person(
    phone: Opens, kept: Journal, watch: Watch
) -> None:
    """The session ends in the middle of a lesson; whoever signs in next sends nothing of another; its owner does."""
    watch.allow(r"^401 ", r"^404 GET /api/gradebook/pages/")
    path = await latest_own(kept, "teacher")
    page = await phone("teacher", path, kept)
    free = page.locator(".lesson-row:not(:has(.lesson-mark)):not(.away)").first
    name = await free.locator(".who").inner_text()
    await page.context.clear_cookies()
    await free.locator(".name").tap()
    await tap_grade(page, "4")
    await expect(page.locator(".shell-waiting")).to_contain_text("Сеанс закончился")
    await page.locator(".shell-waiting").get_by_role("button", name="Войти").tap()

    for login in (TEACHER, "teacher"):
        await page.get_by_label("Логин", exact=True).fill(login)
        await page.get_by_label("Пароль", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Войти", exact=True).tap()
        await expect(page.get_by_role("navigation").first).to_be_visible()
        await saved(page)
        if login == TEACHER:
            before = await read(kept, f"/gradebook/pages/{path.split('/')[2]}", "teacher")
            await page.get_by_role("button", name="Войти под другой ролью").tap()

    await page.goto(path)
    mine = page.locator(".lesson-row").filter(has=page.get_by_text(name, exact=True))
    await expect(mine.locator(".lesson-mark")).to_have_text("4")
    after = await read(kept, f"/gradebook/pages/{path.split('/')[2]}", "teacher")
    assert after["page"]["revision"] == before["page"]["revision"] + 1


async def latest_own(journal: Journal, login: str) -> str:
    """The page of the latest lesson that the teacher has held, its entries let through today."""
    me = (await read(journal, "/identity/me", login))["person"]["id"]
    pages = (await read(journal, f"/gradebook/pages?teacher={me}&state=open", login))["items"]
    spreads = [await read(journal, f"/gradebook/pages/{page['id']}", login) for page in pages]
    own = [(each["date"], spread["page"]["id"], each["lesson"]) for spread in spreads for each in spread["lessons"]]
    date, page, lesson = max(own)
    await let_in(journal, page, date)
    return f"/journal/{page}/lessons/{lesson}"


async def test_two_phones_on_one_cell_choose(phone: Opens, kept: Journal, watch: Watch) -> None:
    """What the other wrote in the meantime is shown beside the own value, and the teacher chooses."""
    watch.allow(r"^412 PUT .*/cells/")
    path = await latest_own(kept, "teacher")
    page_id, lesson = path.split("/")[2], path.split("/")[4]
    page = await phone("teacher", path, kept)
    free = page.locator(".lesson-row:not(:has(.lesson-mark)):not(.away)").last
    name = await free.locator(".who").inner_text()
    spread = await read(kept, f"/gradebook/pages/{page_id}", "teacher")
    students = [each["student"] for each in spread["students"] if lesson not in each["cells"]]
    async with aclosing(await kept.signed_in("teacher", PASSWORD)) as client:
        names = (await client.post("/identity/names", json={"ids": students}, headers=key())).json()["names"]
    student = next(id_ for id_, said in names.items() if said["short_name"] == name.replace("\xa0", " "))
    cell = f"/gradebook/pages/{page_id}/cells/{lesson}/{student}"
    body = {"grades": [{"value": "4", "work": "oral"}]}
    await change(kept, "teacher", "PUT", cell, body, **{"If-None-Match": "*"})

    await free.locator(".name").tap()
    await tap_grade(page, "5")
    mine = page.locator(".lesson-row").filter(has=page.get_by_text(name, exact=True))
    await mine.get_by_role("button", name="здесь уже другое").tap()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Оставить моё: 5")).to_be_visible()
    await shot(page, "conflict")
    await axe(page, without=BEHIND)
    await dialog.get_by_role("button", name="Оставить то, что в журнале: 4").tap()
    await expect(mine.locator(".lesson-mark")).to_have_text("4")
    await saved(page)


async def test_a_correction_asks_for_its_reason_and_every_sheet_is_accessible(phone: Opens, kept: Journal) -> None:
    path = await latest_own(kept, "teacher")
    page = await phone("teacher", path, kept)
    dialog = page.get_by_role("dialog")
    for name in ("Изменить: Тема", re.compile("(Задать|Изменить): Домашнее задание")):
        await page.get_by_role("button", name=name).tap()
        await expect(dialog).to_be_visible()
        await axe(page, without=BEHIND)
        await dialog.get_by_role("button", name="Не сохранять").tap()
        await expect(dialog).to_have_count(0)

    marked = page.locator(".lesson-row:not(.away):has(.lesson-mark.good)").first
    name = await marked.locator(".who").inner_text()
    before = await marked.locator(".lesson-mark").inner_text()
    mine = page.locator(".lesson-row").filter(has=page.get_by_text(name, exact=True))
    await marked.get_by_role("button", name="отсутствует").tap(force=True)  # it says that it is disabled, and why
    await expect(page.get_by_text("сначала уберите её")).to_be_visible()
    await marked.locator(".name").tap()
    await page.locator(".lesson-pad").get_by_role("button", name="Как ставить отметки").tap()
    await axe(page, without=BEHIND)
    await dialog.get_by_role("button", name="Посещаемость:").tap()
    await expect(dialog.get_by_label("Опоздание, минут")).to_be_visible()
    await axe(page, without=BEHIND)
    await dialog.get_by_role("button", name="Не сохранять").tap()
    await tap_grade(page, "3")
    await expect(dialog.get_by_role("heading")).to_have_text(f"В клетке уже стоит {before}")
    await axe(page, without=BEHIND)
    await dialog.get_by_role("button", name="ошибка ввода").tap()
    await expect(mine.locator(".lesson-mark")).to_have_text("3")
    await saved(page)
    history = await read(kept, f"/gradebook/pages/{path.split('/')[2]}/history?limit=1", "teacher")
    assert history["items"][0]["type"] == "GradeChanged.v1"
    assert history["items"][0]["reason"]["code"] == "input_error"


@pytest.mark.clause("R 4.4.1")
async def test_a_colleagues_lesson_says_why_it_is_locked(phone: Opens, kept: Journal) -> None:
    """A curator reads the pages of the own group; nothing there invites to a tap that would be refused."""
    me = (await read(kept, "/identity/me", "curator"))["person"]
    group = next(role["scope"] for role in me["roles"] if role["role"] == "curator")
    pages = (await read(kept, f"/gradebook/pages?group={group}&state=open", "curator"))["items"]
    foreign = next(p for p in pages if p["lessons"] and me["id"] not in {t["teacher"] for t in p["teachers"]})
    spread = await read(kept, f"/gradebook/pages/{foreign['id']}", "curator")
    page = await phone("curator", f"/journal/{foreign['id']}/lessons/{spread['lessons'][-1]['lesson']}", kept)
    await expect(page.get_by_text("Это не ваше занятие")).to_be_visible()
    await expect(page.get_by_text("Замену оформляет учебная часть.")).to_be_visible()
    await expect(page.locator(".lesson-row button:enabled")).to_have_count(0)
    await expect(page.locator(".lesson-bottom")).to_have_count(0)
    await shot(page, "lesson-locked")
    await axe(page)


async def test_gaps_lead_the_deputy_to_the_page(desk: Opens, journal: Journal) -> None:
    page = await desk("deputy", "/gaps")
    rows = page.get_by_role("region", name="Не заполнено").locator("tbody tr")
    await expect(rows).not_to_have_count(0)
    await shot(page, "gaps")
    await axe(page)
    gap = (await gaps(journal))[0]
    await rows.first.get_by_role("link").click()
    await expect(page).to_have_url(re.compile(f"/journal/{gap.page}$"))
