"""Who chose English reads the shell, sign-in and every refusal in English; data stays as it was written."""

import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.conftest import Opens
from tests.common.browser import Watch

pytestmark = pytest.mark.anyio

CYRILLIC = re.compile("[А-Яа-яЁё]")
ENGLISH = "localStorage.setItem('zhurnal.language', 'en')"


async def said(place: Locator) -> list[str]:
    """The lines of a place, without what is marked as Russian."""
    lines: list[str] = await place.evaluate(
        """place => {
          const copy = place.cloneNode(true);
          copy.querySelectorAll('[lang=ru]').forEach(each => each.remove());
          return [...copy.querySelectorAll('*')].map(each => each.children.length ? '' : each.textContent.trim());
        }"""
    )
    return [line for line in lines if line]


async def test_sign_in_and_its_refusal(desk: Opens, watch: Watch) -> None:
    watch.allow(r"^401 ")
    page = await desk()
    await page.add_init_script(ENGLISH)
    await page.goto("/")
    form = page.locator("form")
    await form.get_by_role("textbox").first.fill("nobody")
    await form.locator("input[type=password]").fill("wrong-password")
    await page.keyboard.press("Enter")
    await expect(form.get_by_role("alert")).to_be_visible()
    lines = await said(page.locator(".start-sign"))
    assert lines
    assert [line for line in lines if CYRILLIC.search(line)] == []


async def test_the_shell_and_a_page_that_is_not_there(desk: Opens, watch: Watch) -> None:
    watch.allow(r"^404 GET /api/gradebook/pages/none")
    page = await desk("teacher")
    await page.add_init_script(ENGLISH)
    await page.goto("/journal/none")
    alert = page.locator("main").get_by_role("alert")
    await expect(alert).to_be_visible()
    who = await page.locator(".shell-who span").inner_text()
    for place in (page.locator(".shell-banner"), page.locator(".shell-side"), alert):
        lines = await said(place)
        assert lines
        assert [line for line in lines if CYRILLIC.search(line) and line != who] == []
    await page.goto("/nowhere")
    assert not CYRILLIC.search(await page.get_by_role("heading", level=1).inner_text())
