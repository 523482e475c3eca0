"""A slow, a broken and no network: pages say so and offer another try, entries on a desk wait and are sent once."""

import asyncio
import re
from contextlib import aclosing
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect

from services.demo.accounts import PASSWORD
from tests.browser.conftest import NewJournal, Opens
from tests.common.browser import Watch
from tests.common.process import Journal

pytestmark = pytest.mark.anyio

SLOW_3G = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
SECTIONS = (
    *(("teacher", path) for path in ("/journal", "/inbox")),
    *(("deputy", path) for path in ("/groups", "/closing", "/changes", "/people")),
    *(("parent", path) for path in ("/card", "/timetable")),
)


@pytest.fixture(scope="module")
def own(new_journal: NewJournal) -> Journal:
    """The demo class of this module: its pages are written on."""
    return new_journal()


class Column:
    """A lesson that is open for entries, on the page of the demo teacher. Students stand in the order of the grid."""

    def __init__(self, spread: Any) -> None:
        own = spread["you"]["assignments"]
        self.page: str = spread["page"]["id"]
        self.number = max(
            n for n, each in enumerate(spread["lessons"]) if each["assignment"] in own and not each["lock"]
        )
        self.lesson: str = spread["lessons"][self.number]["lesson"]

    def cell(self, page: Page, row: int) -> Locator:
        return page.locator(f"td[data-row='{row}'][data-column='{self.number}']")

    async def blanks(self, page: Page) -> list[int]:
        """Rows whose cell is empty."""
        cells = page.locator(f"td[data-column='{self.number}']")
        await expect(cells.first).to_be_visible()
        return [n for n, said in enumerate(await cells.all_inner_texts()) if not said.strip()]


async def spreads(journal: Journal) -> list[Any]:
    async with aclosing(await journal.signed_in("teacher", PASSWORD)) as client:
        person = (await client.get("/identity/me")).json()["person"]["id"]
        listed = (await client.get("/gradebook/pages", params={"teacher": person, "state": "open"})).json()["items"]
        return [(await client.get(f"/gradebook/pages/{line['id']}")).json() for line in listed]


async def column(journal: Journal) -> Column:
    for spread in await spreads(journal):
        try:
            return Column(spread)
        except ValueError:
            continue
    raise AssertionError("the demo teacher has no lesson that is open for entries")


async def recorded(journal: Journal, of: Column) -> int:
    """How many grades the journal's history says were written into that lesson."""
    async with aclosing(await journal.signed_in("teacher", PASSWORD)) as client:
        answer = await client.get(f"/gradebook/pages/{of.page}/history", params={"lesson": of.lesson, "limit": "500"})
    return [line["type"] for line in answer.json()["items"]].count("GradeRecorded.v1")


async def saved(page: Page, cell: Locator, text: str) -> None:
    await expect(cell).to_have_text(text)
    await expect(cell).not_to_have_class(re.compile("pending|trouble"))
    await expect(page.locator(".shell-waiting")).to_have_count(0)


@pytest.mark.clause("R 8.4")
async def test_entries_without_a_network_outlive_the_tab_and_are_sent_once(
    desk: Opens, own: Journal, watch: Watch
) -> None:
    watch.allow(r"^failed: .* net::ERR_(INTERNET_DISCONNECTED|NETWORK_CHANGED)")
    lesson = await column(own)
    page = await desk("teacher", f"/journal/{lesson.page}", own)
    rows = (await lesson.blanks(page))[:3]
    before = await recorded(own, lesson)
    await page.context.set_offline(True)
    for row, value in zip(rows, "543", strict=True):
        await lesson.cell(page, row).focus()
        await page.keyboard.press(value)
        await expect(lesson.cell(page, row)).to_have_text(value)
    await expect(page.locator(".shell-waiting")).to_contain_text("3")
    await page.close()

    later = await page.context.new_page()
    watch.page(later)
    await page.context.set_offline(False)
    await later.goto(f"/journal/{lesson.page}")
    for row, value in zip(rows, "543", strict=True):
        await saved(later, lesson.cell(later, row), value)
    assert await recorded(own, lesson) == before + 3


async def test_what_one_writes_appears_for_the_other_who_keeps_his_place(desk: Opens, own: Journal) -> None:
    lesson = await column(own)
    one, other = [await desk("teacher", f"/journal/{lesson.page}", own) for _ in range(2)]
    here, there = (await lesson.blanks(one))[-2:]
    await lesson.cell(other, there).focus()
    await lesson.cell(one, here).focus()
    await one.keyboard.press("4")
    await saved(other, lesson.cell(other, here), "4")
    await expect(lesson.cell(other, there)).to_be_focused()


async def test_a_slow_network_holds_no_key_up(desk: Opens, own: Journal) -> None:
    """The key is on the page before the journal has answered; then it is saved."""
    lesson = await column(own)
    page = await desk("teacher", f"/journal/{lesson.page}", own)
    row = (await lesson.blanks(page))[0]
    network = await page.context.new_cdp_session(page)
    await network.send("Network.enable")
    await network.send("Network.emulateNetworkConditions", SLOW_3G)
    answered = asyncio.Event()

    async def held(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    await page.route("**/cells/**", held)
    await lesson.cell(page, row).focus()
    await page.keyboard.press("5")
    await expect(lesson.cell(page, row)).to_have_text("5")
    answered.set()
    await saved(page, lesson.cell(page, row), "5")
    await page.reload()
    await saved(page, lesson.cell(page, row), "5")


async def test_a_broken_network_is_told_and_tried_again(desk: Opens, watch: Watch) -> None:
    """No section stays blank: each says what is the matter, and "again" brings it."""
    watch.allow(r"^failed: (GET|POST) /api/")

    needed = re.compile(r"/api/(?!identity/me$)")
    signed_in = {login: (await desk(login)).context for login, _ in SECTIONS}

    async def section(login: str, path: str) -> None:
        page = await signed_in[login].new_page()
        watch.page(page)
        await page.route(needed, lambda route: route.abort("connectionfailed"))
        await page.goto(path)
        again = page.locator("main").get_by_role("alert").get_by_role("button", name="Повторить")
        await expect(again.first).to_be_visible()
        await page.unroute(needed)
        await again.evaluate_all("all => all.forEach(each => each.click())")
        await expect(again).to_have_count(0)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()

    said = await asyncio.gather(*(section(*each) for each in SECTIONS), return_exceptions=True)
    assert [(at, str(wrong)[:300]) for at, wrong in zip(SECTIONS, said, strict=True) if wrong is not None] == []
