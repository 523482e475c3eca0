"""The journal on a desk: by keyboard alone, pasted from a spreadsheet, refused, in conflict, with its history."""

import re
from contextlib import aclosing
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from services.demo.accounts import PASSWORD
from tests.browser.conftest import NewJournal, Opens
from tests.common.browser import Watch, axe, shot
from tests.common.process import Journal, key

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def own(new_journal: NewJournal) -> Journal:
    """The demo class of this module: its pages are written on."""
    return new_journal()


async def spread_of(journal: Journal, login: str, index: int = 0) -> Any:
    """A page of that teacher which is kept and has lessons that are open for entries."""
    async with aclosing(await journal.signed_in(login, PASSWORD)) as client:
        person = (await client.get("/identity/me")).json()["person"]["id"]
        listed = (await client.get("/gradebook/pages", params={"teacher": person, "state": "open"})).json()["items"]
        kept = []
        for line in listed:
            spread = (await client.get(f"/gradebook/pages/{line['id']}")).json()
            if any(writable(spread, lesson) for lesson in spread["lessons"]):
                kept.append(spread)
        return kept[index]


def writable(spread: Any, lesson: Any) -> bool:
    return lesson["assignment"] in spread["you"]["assignments"] and not lesson["lock"]


def column_of(spread: Any) -> int:
    """The newest lesson that is open for entries."""
    return max(n for n, lesson in enumerate(spread["lessons"]) if writable(spread, lesson))


async def blank(page: Page, column: int, skip: int = 0) -> Locator:
    """An empty cell of that column."""
    cells = page.locator(f"td[data-column='{column}']")
    await expect(cells.first).to_be_visible()
    texts = await cells.all_inner_texts()
    rows = [n for n, text in enumerate(texts) if text.strip() == ""]
    return page.locator(f"td[data-row='{rows[skip]}'][data-column='{column}']")


async def saved(cell: Locator, text: str) -> None:
    """The journal has it: nothing of the cell waits any more."""
    await expect(cell).to_have_text(text)
    await expect(cell).not_to_have_class(re.compile("pending|trouble"))


@pytest.mark.clause("R 4.4.1")
async def test_a_teacher_keeps_the_page_by_keyboard_alone(desk: Opens, own: Journal) -> None:
    spread = await spread_of(own, "teacher")
    column = column_of(spread)
    page = await desk("teacher", f"/journal/{spread['page']['id']}", own)
    first = await blank(page, column)
    await shot(page, "journal")
    row = int(await first.get_attribute("data-row") or 0)
    await first.focus()
    await page.keyboard.press("5")
    await expect(first).to_have_text("5")
    await page.keyboard.press("Enter")
    await expect(page.locator("td:focus")).to_have_attribute("data-row", str(row + 1))
    await page.keyboard.press("Shift+Enter")
    await expect(first).to_be_focused()
    await saved(first, "5")
    await page.keyboard.press("/")
    await page.keyboard.press("4")
    await saved(first, "5/4")
    await page.keyboard.press("Control+z")
    await saved(first, "5")
    absent = await blank(page, column)
    await absent.focus()
    await page.keyboard.press("y")  # the key of «н», whichever layout is on
    await saved(absent, "н")
    await absent.dispatch_event("keydown", {"key": "н", "bubbles": True})
    await saved(absent, "")
    await page.keyboard.press("Home")
    await page.keyboard.press("Tab")
    await expect(page.locator("td:focus")).to_have_attribute("data-column", "1")
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator("td:focus")).to_have_attribute("data-column", "0")
    await page.keyboard.press("End")
    await expect(page.locator("td:focus")).to_have_attribute("data-column", str(len(spread["lessons"])))
    await page.keyboard.press("Tab")  # at the end of a row it leaves the grid: nobody is trapped
    await expect(page.locator("td:focus")).to_have_count(0)
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator("td:focus")).to_have_attribute("data-column", str(len(spread["lessons"])))
    await page.keyboard.press("Control+Home")
    await expect(page.locator("td:focus")).to_have_attribute("data-row", "0")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Клавиши журнала")).to_be_visible()
    await axe(page)
    await page.keyboard.press("Escape")
    await page.reload()
    await expect(page.locator(f"td[data-row='{row}'][data-column='{column}']")).to_have_text("5")
    await axe(page)


@pytest.mark.clause("R 8.4")
async def test_a_locked_cell_says_why_and_whom_to_ask_before_anybody_types(desk: Opens, own: Journal) -> None:
    spread = await spread_of(own, "teacher")
    column = next(n for n, lesson in enumerate(spread["lessons"]) if lesson["lock"])
    page = await desk("teacher", f"/journal/{spread['page']['id']}", own)
    cell = await blank(page, column)
    await cell.focus()
    line = page.get_by_label("Строка состояния")
    await expect(line).to_contain_text("заместитель директора")
    await expect(line).to_contain_text("Положение, п. 8.4")
    await page.keyboard.press("5")
    await expect(cell).to_have_text("")
    await expect(cell).to_have_attribute("aria-readonly", "true")
    await page.keyboard.press("End")
    await expect(line).to_contain_text("Итоговые ещё рано")
    await expect(line).to_contain_text("Положение, п. 5.3")
    await expect(page.locator("td:focus")).to_have_attribute("aria-readonly", "true")


async def test_a_column_is_pasted_from_a_spreadsheet_after_a_look(desk: Opens, own: Journal) -> None:
    spread = await spread_of(own, "teacher", 1)
    column = column_of(spread)
    page = await desk("teacher", f"/journal/{spread['page']['id']}", own)
    cell = await blank(page, column)
    row = int(await cell.get_attribute("data-row") or 0)
    await cell.focus()
    await page.evaluate(
        """text => document.activeElement.dispatchEvent(new ClipboardEvent("paste",
            { bubbles: true, cancelable: true,
              clipboardData: (d => (d.setData("text/plain", text), d))(new DataTransfer()) }))""",
        "4\r\nотлично\r\n\r\n",
    )
    dialog = page.get_by_role("dialog", name="Вставка из таблицы")
    await expect(dialog).to_contain_text("«отлично» — не отметка")
    await expect(cell).to_have_text("")
    await shot(page, "paste")
    await axe(page)
    await dialog.get_by_role("button", name="Вставить отметок: 1").click()
    await saved(page.locator(f"td[data-row='{row}'][data-column='{column}']"), "4")


async def test_what_the_journal_refuses_says_why_in_the_cell(desk: Opens, own: Journal, watch: Watch) -> None:
    """A correction without a reason; given the reason, it is taken."""
    watch.allow(r"^4\d\d PUT /api/gradebook/pages/.*/cells/")
    spread = await spread_of(own, "teacher", 1)
    column = column_of(spread)
    page = await desk("teacher", f"/journal/{spread['page']['id']}", own)
    cells = page.locator(f"td[data-column='{column}']")
    await expect(cells.first).to_be_visible()
    texts = await cells.all_inner_texts()
    row = next(n for n, text in enumerate(texts) if text.strip() in ("3", "4", "5"))
    cell = page.locator(f"td[data-row='{row}'][data-column='{column}']")
    other = "5" if texts[row].strip() != "5" else "4"
    await cell.focus()
    await page.keyboard.press(other)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="ошибка ввода").click()
    await saved(cell, other)
    await page.keyboard.press("F2")
    history = page.get_by_role("dialog")
    await history.get_by_role("tab", name="История клетки").click()
    await expect(history).to_contain_text(f"{texts[row].strip()} → {other}")
    await expect(history).to_contain_text("ошибка ввода")
    await shot(page, "cell-history")
    await axe(page)


async def test_an_attendance_that_meets_another_one_shows_in_the_column_and_is_settled_there(
    desk: Opens, own: Journal, watch: Watch
) -> None:
    watch.allow(r"^412 PUT /api/gradebook/pages/.*/attendance/")
    watch.allow(r"^failed: GET /api/gradebook/pages/")
    spread = await spread_of(own, "teacher", 2)
    column = column_of(spread)
    lesson = spread["lessons"][column]
    page = await desk("teacher", f"/journal/{spread['page']['id']}", own)
    cell = await blank(page, column)
    row = await cell.get_attribute("data-row")
    cell = page.locator(f"td[data-row='{row}'][data-column='{column}']")
    await page.route(
        "**/api/gradebook/pages/*", lambda route: route.abort() if route.request.method == "GET" else route.continue_()
    )
    tag = lesson["attendance"]["etag"]
    async with aclosing(await own.signed_in("teacher", PASSWORD)) as other:
        marks = (lesson["attendance"]["marks"] or [])[1:]
        answer = await other.put(
            f"/gradebook/pages/{spread['page']['id']}/attendance/{lesson['lesson']}",
            json={"marks": marks},
            headers={**key(), **({"If-None-Match": "*"} if tag == "none" else {"If-Match": f'"{tag}"'})},
        )
        assert answer.is_success, answer.text
    await cell.focus()
    await page.keyboard.press("y")
    await expect(cell).to_have_class(re.compile("trouble"))
    line = page.get_by_label("Строка состояния")
    await expect(line).to_contain_text("здесь уже другое значение")
    await page.unroute("**/api/gradebook/pages/*")
    await line.get_by_role("button", name="Разобраться").click()
    await page.get_by_role("dialog").get_by_role("button", name=re.compile("Оставить моё")).click()
    await saved(cell, "н")


async def test_two_browsers_on_one_page_meet_in_a_cell(desk: Opens, own: Journal, watch: Watch) -> None:
    """The second one sees both values and chooses; a change of the other appears without taking the focus."""
    watch.allow(r"^412 PUT /api/gradebook/pages/.*/cells/")
    spread = await spread_of(own, "teacher", 2)
    column = column_of(spread)
    page = await desk("teacher", f"/journal/{spread['page']['id']}", own)
    cell = await blank(page, column, 1)
    row = int(await cell.get_attribute("data-row") or 0)
    cell = page.locator(f"td[data-row='{row}'][data-column='{column}']")
    await page.route(
        "**/api/gradebook/pages/*", lambda route: route.abort() if route.request.method == "GET" else route.continue_()
    )
    watch.allow(r"^failed: GET /api/gradebook/pages/")
    lesson = spread["lessons"][column]["lesson"]
    name = (await page.locator("tbody th").nth(row).inner_text()).split("\n")[-1]
    async with aclosing(await own.signed_in("teacher", PASSWORD)) as other:
        ids = [student["student"] for student in spread["students"]]
        names = (await other.post("/identity/names", json={"ids": ids})).json()["names"]
        short = name.replace("\xa0", " ").lstrip("0123456789").strip()
        student = next(id_ for id_ in ids if names[id_]["short_name"] == short)
        answer = await other.put(
            f"/gradebook/pages/{spread['page']['id']}/cells/{lesson}/{student}",
            json={"grades": [{"value": "3", "work": "oral"}]},
            headers={**key(), "If-None-Match": "*"},
        )
        assert answer.is_success, answer.text
    await cell.focus()
    await page.keyboard.press("5")
    line = page.get_by_label("Строка состояния")
    await expect(line).to_contain_text("здесь уже другое значение")
    await line.get_by_role("button", name="Разобраться").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("3")
    await shot(page, "conflict")
    await page.unroute("**/api/gradebook/pages/*")
    await dialog.get_by_role("button", name=re.compile("Оставить то, что в журнале")).click()
    await saved(cell, "3")


async def test_the_history_leads_to_the_page_as_it_was(desk: Opens, own: Journal) -> None:
    spread = await spread_of(own, "teacher")
    page = await desk("teacher", f"/journal/{spread['page']['id']}/history", own)
    rows = page.locator("tbody tr")
    await expect(rows).not_to_have_count(0)
    await shot(page, "history")
    await rows.nth(5).get_by_role("link", name="Показать").click()
    await expect(page.get_by_text("Изменить её здесь нельзя")).to_be_visible()
    await expect(page.locator("td.changed").first).to_be_visible()
    cell = page.locator("td[data-row='0'][data-column='0']")
    before = await cell.inner_text()
    await cell.focus()
    await page.keyboard.press("2")
    await expect(cell).to_have_text(before)
    await shot(page, "as-of")
    await axe(page)
    await page.get_by_role("link", name="Вернуться к нынешней").click()
    await expect(page.get_by_text("Изменить её здесь нельзя")).to_have_count(0)


async def test_a_lesson_of_the_timetable_is_entered_and_everybody_is_present(desk: Opens, own: Journal) -> None:
    """Today's lesson from the timetable stands in the journal after one press; its panel marks all present at once."""
    page = await desk("teacher", "/journal", own)
    links = page.get_by_role("region", name="Страницы").locator("tbody a")
    await expect(links.first).to_be_visible()
    addresses = [await link.get_attribute("href") for link in await links.all()]
    for address in addresses:
        await page.goto(str(address))
        await expect(page.get_by_role("grid")).to_be_visible()
        await page.wait_for_load_state("networkidle")
        enter = page.get_by_role("button", name=re.compile("^Записать "))
        if await enter.count():
            break
    else:
        pytest.fail("today has no lesson of the demo teacher that is not entered yet")
    heads = page.get_by_role("columnheader")
    before = await heads.count()
    await enter.first.click()
    await expect(heads).to_have_count(before + 1)
    await page.locator(".journal-lacks").last.locator("..").click()
    await page.get_by_role("dialog").get_by_role("button", name="Все присутствуют").click()
    await expect(page.get_by_text("посещаемость не отмечена")).to_have_count(0)


async def test_whoever_only_reads_changes_nothing(desk: Opens, own: Journal) -> None:
    spread = await spread_of(own, "teacher")
    for login in ("deputy", "auditor"):
        page = await desk(login, f"/journal/{spread['page']['id']}", own)
        cell = page.locator(f"td[data-row='0'][data-column='{column_of(spread)}']")
        before = await cell.inner_text()
        await cell.focus()
        await page.keyboard.press("2")
        await expect(cell).to_have_text(before)
        await expect(page.get_by_label("Строка состояния")).to_contain_text("Это не ваше занятие")
