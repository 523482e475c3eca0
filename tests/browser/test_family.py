"""A guardian reads on a phone, a student on a desk: cards, timetable, notices that arrive while the page is open."""

import re
from contextlib import aclosing
from typing import Any

import pytest
from playwright.async_api import expect

from services.demo.accounts import PASSWORD
from tests.browser.conftest import Opens
from tests.common.browser import Watch, shot
from tests.common.process import Journal, key

pytestmark = pytest.mark.anyio

MARK = ".family-mark"


async def me(journal: Journal, login: str) -> Any:
    async with aclosing(await journal.signed_in(login, PASSWORD)) as client:
        return (await client.get("/identity/me")).json()


@pytest.mark.clause("R 2.4")
async def test_a_guardian_goes_from_child_to_child(phone: Opens, journal: Journal) -> None:
    first, second = (await me(journal, "parent"))["children"]
    page = await phone("parent", "/")
    await expect(page.get_by_role("heading", name=first["name"])).to_be_visible()
    await expect(page.locator(MARK).first).to_be_visible()
    await shot(page, "guardian")
    await page.get_by_role("button", name="Чья успеваемость").click()
    await page.get_by_role("option", name=second["short_name"]).click()
    await expect(page.get_by_role("heading", name=second["name"])).to_be_visible()
    await page.get_by_role("link", name="Вся успеваемость").click()
    await expect(page.get_by_role("heading", level=1, name=second["name"])).to_be_visible()
    discipline = page.locator("details").first
    await discipline.locator("summary").click()
    await expect(discipline.locator("li").first).to_be_visible()
    await shot(page, "card")
    for part in ("Лента", "Пропуски", "Домашние задания"):
        await page.get_by_role("tab", name=part).click()
        await expect(page.get_by_role("tabpanel")).not_to_be_empty()


@pytest.mark.clause("R 3.6")
async def test_a_foreign_child_is_not_there(phone: Opens, journal: Journal, watch: Watch) -> None:
    foreign = (await me(journal, "student"))["person"]["id"]
    watch.allow(rf"^404 GET /api/reporting/students/{foreign}/card")
    page = await phone("parent", f"/card/{foreign}")
    await expect(page.get_by_role("alert")).to_contain_text("Не найдено")
    await expect(page.locator(MARK)).to_have_count(0)


@pytest.mark.clause("R 3.6")
async def test_a_guardian_whose_access_has_ended_is_told_whom_to_ask(phone: Opens) -> None:
    page = await phone("parent2", "/card")
    await expect(page.get_by_text("Обратитесь к куратору группы.")).to_be_visible()


async def test_the_timetable_by_day_and_week(desk: Opens) -> None:
    page = await desk("student", "/timetable")
    await page.get_by_role("button", name="Неделя").click()
    await expect(page.locator("h2")).not_to_have_count(0)
    shown = await page.locator("h2").all_inner_texts()
    assert len(shown) > 1, "a week of lessons has several days"
    await page.get_by_role("button", name="Позже").click()
    await expect(page.locator("h2").first).not_to_have_text(shown[0])


async def test_an_absence_is_announced_and_refused_with_a_reason(phone: Opens, watch: Watch) -> None:
    watch.allow(r"^4\d\d POST /api/gradebook/absences")
    page = await phone("parent", "/")
    await page.get_by_role("button", name="Сообщить об отсутствии").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("С какого дня").fill("2001-01-01")
    await dialog.get_by_label("По какой день").fill("2001-01-02")
    await dialog.get_by_role("button", name="Сообщить").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Что делать")
    tomorrow = await page.evaluate("new Date(Date.now() + 864e5).toISOString().slice(0, 10)")
    await dialog.get_by_label("По какой день").fill(tomorrow)
    await dialog.get_by_label("С какого дня").fill(tomorrow)
    await dialog.get_by_role("button", name="Сообщить").click()
    await expect(dialog).to_have_count(0)
    day = ".".join(reversed(tomorrow.split("-")))
    await expect(page.get_by_text(day).first).to_be_visible()


async def test_a_new_grade_arrives_while_the_page_is_open(phone: Opens, journal: Journal) -> None:
    """The counter moves by itself; the notice names the grade; read, it counts no more."""
    child = (await me(journal, "parent"))["children"][-1]
    page = await phone("parent", "/inbox")
    await page.get_by_role("button", name="Отметить всё прочитанным").click()
    await expect(page.locator(".shell-count:visible")).to_have_count(0)
    async with aclosing(await journal.signed_in("teacher", PASSWORD)) as teacher:
        await graded(teacher, child)
    await expect(page.locator(".shell-count:visible")).to_contain_text("1", timeout=30_000)
    await page.reload()
    newest = page.locator("article").first
    await expect(newest).to_contain_text("Новая отметка: отметка 5")
    await newest.get_by_role("button", name="Прочитано").click()
    await expect(page.locator(".shell-count:visible")).to_have_count(0)
    await newest.get_by_role("link", name="Новая отметка").click()
    await expect(page).to_have_url(re.compile(f"/card/{child['id']}$"))


async def graded(teacher: Any, child: Any) -> None:
    """One more grade into a lesson of the child's that is open for entries."""
    person = (await teacher.get("/identity/me")).json()["person"]["id"]
    query = {"teacher": person, "group": child["groups"][0]["group"], "state": "open"}
    listed = (await teacher.get("/gradebook/pages", params=query)).json()["items"]
    for line in listed:
        spread = (await teacher.get(f"/gradebook/pages/{line['id']}")).json()
        row = next(s for s in spread["students"] if s["student"] == child["id"])
        for lesson in reversed(spread["lessons"]):
            marks = lesson["attendance"]["marks"] or []
            if lesson["lock"] or any(mark["student"] == child["id"] for mark in marks):
                continue
            cell = row["cells"].get(lesson["lesson"])
            grades = [*(cell["grades"] if cell else []), {"value": "5", "work": "written"}]
            tag = {"If-Match": f'"{cell["etag"]}"'} if cell else {"If-None-Match": "*"}
            at = f"/gradebook/pages/{line['id']}/cells/{lesson['lesson']}/{child['id']}"
            answer = await teacher.put(at, json={"grades": grades}, headers={**key(), **tag})
            assert answer.is_success, answer.text
            return
    raise AssertionError("the demo teacher has no open lesson with that child")
