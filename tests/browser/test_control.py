"""Those who run and control the journal: curator, deputy, director, study office, auditor."""

import re
from contextlib import aclosing
from typing import Any

import pytest
from playwright.async_api import expect

from services.demo.accounts import PASSWORD
from tests.browser.conftest import NewJournal, Opens
from tests.common.browser import Watch, shot
from tests.common.process import Journal

pytestmark = pytest.mark.anyio


async def read(journal: Journal, login: str, path: str) -> Any:
    async with aclosing(await journal.signed_in(login, PASSWORD)) as client:
        answer = await client.get(path)
        assert answer.is_success, answer.text
        return answer.json()


async def test_a_curator_sees_the_own_group_and_classifies_an_absence(desk: Opens) -> None:
    page = await desk("curator", "/")
    await page.get_by_role("link", name="Открыть группу").click()
    rows = page.get_by_role("region", name="Сводка").locator("tbody tr")
    await expect(rows).not_to_have_count(0)
    first = await rows.first.inner_text()
    await page.get_by_role("columnheader", name="Студент").get_by_role("button").click()
    await expect(rows.first).not_to_have_text(first)
    await shot(page, "group")
    await page.get_by_role("tab", name="Пропуски").click()
    row = page.get_by_role("region", name="Пропуски").locator("tbody tr").first
    student = await row.locator("td").first.inner_text()
    await row.get_by_role("button", name="Указать причину").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name=re.compile("Причина")).click()
    await page.get_by_role("option", name="уважительная", exact=True).click()
    await dialog.get_by_role("button", name="Сохранить").click()
    await expect(dialog).to_have_count(0)
    classified = page.get_by_role("row").filter(has_text=student)
    await expect(classified).to_contain_text("уважительная")


async def test_the_summary_of_a_foreign_group_is_not_there(desk: Opens, journal: Journal, watch: Watch) -> None:
    me = (await read(journal, "curator", "/identity/me"))["person"]
    own = {role["scope"] for role in me["roles"] if role["role"] == "curator"}
    groups = (await read(journal, "deputy", "/identity/groups"))["items"]
    foreign = next(group["id"] for group in groups if group["id"] not in own)
    watch.allow(rf"^404 GET /api/reporting/groups/{foreign}/summary", r"^404 GET /api/gradebook/")
    page = await desk("curator", f"/groups/{foreign}")
    await expect(page.get_by_role("alert")).to_contain_text("Не найдено")


@pytest.mark.clause("R 4.4.1")
async def test_the_deputy_closes_the_page_that_waits(desk: Opens, new_journal: NewJournal, watch: Watch) -> None:
    journal = new_journal()
    page = await desk("deputy", "/", journal)
    await page.get_by_role("link", name=re.compile("Подписаны и ждут закрытия")).click()
    rows = page.get_by_role("region", name="Страницы").locator("tbody tr")
    await expect(rows).to_have_count(1)
    await rows.first.get_by_role("button", name="Закрыть").click()
    await page.get_by_role("dialog").get_by_role("button", name="Закрыть", exact=True).last.click()
    await expect(page.get_by_text("Страниц нет")).to_be_visible()
    await page.goto("/closing?state=open")
    await rows.first.get_by_role("button", name="Закрыть").click()
    watch.allow(r"^409 POST /api/gradebook/pages/.*/close", r"^422 POST /api/gradebook/pages/.*/close")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Закрыть", exact=True).last.click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Положение, п.")
    await shot(page, "close-refused")


@pytest.mark.parametrize("login", ["director", "office", "deputy"])
async def test_whoever_leads_has_the_groups_at_home(desk: Opens, login: str) -> None:
    page = await desk(login, "/")
    await expect(page.get_by_role("region", name="Группы").locator("tbody tr")).to_have_count(4)
    await shot(page, f"home-{login}")


async def test_the_auditor_finds_a_change_and_the_page_as_it_was(desk: Opens) -> None:
    page = await desk("auditor", "/")
    await page.get_by_role("link", name="История изменений").first.click()
    await page.get_by_role("button", name=re.compile("Вид изменения")).click()
    await page.get_by_role("option", name="отметка изменена").click()
    rows = page.get_by_role("region", name="История изменений").locator("tbody tr")
    await expect(rows.first).to_contain_text("отметка изменена")
    await expect(rows.first).to_contain_text("→")
    assert not re.search(r"[А-ЯЁ][а-яё]+ [А-ЯЁ]\. ", await rows.first.inner_text()), "an auditor sees no names"
    await shot(page, "changes")
    account = rows.first.locator("td").nth(1).get_by_role("link")
    await expect(account).not_to_have_text("…")
    who = await account.inner_text()
    await account.click()
    await expect(page.get_by_role("button", name=f"Кто: {who}")).to_be_visible()
    for text in await rows.locator("td:nth-child(2)").all_inner_texts():
        assert text == who
    await rows.first.locator("a[href*='as_of']").click()
    await expect(page).to_have_url(re.compile(r"/journal/[^?]+\?as_of=\d+"))
    await expect(page.get_by_role("grid")).to_be_visible()
