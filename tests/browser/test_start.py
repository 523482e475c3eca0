"""The start page: it opens at once, on a desk and on a phone, and leads a signed-in person home."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Opens
from tests.common.browser import Watch, axe, shot

pytestmark = pytest.mark.anyio


async def test_the_start_page_opens_and_keeps_to_accessibility(either: Opens) -> None:
    page = await either(path="/")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await shot(page, "start")
    await axe(page)


async def test_it_leads_to_the_status_that_keeps_to_accessibility_too(either: Opens) -> None:
    page = await either(path="/")
    await page.get_by_role("link", name="Состояние журнала").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Состояние журнала: ")
    await expect(page.get_by_role("row")).to_have_count(6)
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert await page.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse") == "collapse"
    await shot(page, "status")
    await axe(page)
    await page.get_by_role("link", name="Открыть журнал").click()
    await expect(page.get_by_role("button", name="Войти")).to_be_visible()


async def test_a_signed_in_teacher_comes_home(either: Opens) -> None:
    page = await either("teacher", "/")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_role("navigation").first).to_be_visible()
    await shot(page, "home-teacher")
    await axe(page)


async def test_a_script_inside_the_page_is_refused(desk: Opens, watch: Watch) -> None:
    page = await desk(path="/")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    watch.allow("Content Security Policy")
    await page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'window.ran = true';"
        " document.head.append(script); }"
    )
    assert not await page.evaluate("'ran' in window")
    assert any("Content Security Policy" in line for line in watch.seen), watch.seen
