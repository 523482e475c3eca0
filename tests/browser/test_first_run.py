"""The first run: a college without anything is set up by clicking until a teacher sees his lesson; and the ways in.

The start page of the demo takes everybody to a home with content by one click; wrong passwords and codes are told.
"""

import re
from collections.abc import Callable

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import NewJournal, Opens
from tests.common.browser import Watch, axe, shot
from tests.common.process import Journal

pytestmark = pytest.mark.anyio

CODE = re.compile(r"[0-9A-Z]{5}(?:-[0-9A-Z]{5}){3}-[0-9A-Z*~$=]")
PASSWORD = "пять снежных зим подряд"
PEOPLE = """Фамилия\tИмя\tОтчество\tРоль\tГруппа\tЗачислен с\tДата рождения\tРебёнок
Зимина\tАнна\tЛьвовна\tстудент\tИСП-21\t01.09.2026\t17.04.2009\t
Ким\tОлег\t\tстудент\tИСП-21\t01.09.2026\t31.02.2009\t
Юдин\tПётр\tИльич\tстудент\tИСП-21\t01.09.2026\t05.11.2008\t
Зимина\tОльга\tПавловна\tродитель\t\t\t\tЗимина Анна"""
DISCIPLINES = "ОП.04\tОсновы алгоритмизации\nМДК.01.01\tРазработка модулей"
TOPICS = "Алгоритмы и их свойства\t4\tлекция\nСортировки\t6\tпрактическое занятие"

ROLES = 14
"""So many accounts the demo class has."""


async def pick(page: Page | Locator, label: str, option: str | re.Pattern[str]) -> None:
    """Choose an option of a list by its words."""
    await page.get_by_role("button", name=label).click()
    whole = page if isinstance(page, Page) else page.page
    await whole.get_by_role("option", name=option).click()


async def fill(within: Page | Locator, **fields: str) -> None:
    """Fill fields by their labels, underscores standing for blanks."""
    for label, value in fields.items():
        await within.get_by_label(label.replace("_", " "), exact=True).fill(value)


async def paste(page: Page, table: str) -> None:
    await page.get_by_label("Таблица из Excel").fill(table)


async def closed(page: Page) -> None:
    """The dialog is gone: its change was accepted."""
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def activate(page: Page, code: str, login: str) -> None:
    """From the start page to a home by an activation code, typed in lower case and without dashes."""
    await page.get_by_label("Код активации").fill(code.lower().replace("-", " "))
    await fill(page, Логин=login, Новый_пароль=PASSWORD, Пароль_ещё_раз=PASSWORD)
    await page.get_by_role("button", name="Создать учётную запись и войти").click()
    await expect(page.get_by_role("navigation").first).to_be_visible()


async def step(page: Page, name: str) -> None:
    """From wherever one is to a step of the setup, by the checklist of the first page."""
    await page.get_by_role("link", name="Главная").first.click()
    await page.get_by_role("link", name=re.compile(f"(Начать|Открыть) {name}")).click()
    await expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


@pytest.mark.clause("R 3.1")
@pytest.mark.clause("R 4.2.5")
async def test_the_first_administrator_sets_a_college_up(desk: Opens, new_journal: NewJournal, watch: Watch) -> None:
    empty = new_journal("--demo", "none")
    watch.allow(r"^401 GET /api/identity/me")
    found = CODE.search(empty.said())
    assert found, empty.said()
    page = await desk(path="/", at=empty)
    await shot(page, "first-start")
    await page.get_by_role("link", name="Начать: ввести код администратора").click()
    await expect(page.get_by_role("heading", level=1, name="Активация")).to_be_visible()
    await shot(page, "activation")
    await axe(page)
    await activate(page, found[0], "admin")
    await expect(page.get_by_text("Готово шагов: 0 из 6")).to_be_visible()
    await shot(page, "first-run")
    await axe(page)

    await year(page)
    await people(page)
    await lists(page)
    await timetable(page)
    code = await staff_code(page)

    await page.get_by_role("link", name="Главная").first.click()
    await expect(page.get_by_role("heading", name="Колледж в журнале")).to_be_visible()
    await shot(page, "college-ready")
    await axe(page)

    teacher = await desk(path="/activation", at=empty)
    await activate(teacher, code, "orlova")
    await teacher.get_by_role("link", name="Расписание").first.click()
    await expect(teacher.get_by_text("Основы алгоритмизации").first).to_be_visible()
    await shot(teacher, "first-lesson")


async def year(page: Page) -> None:
    await step(page, "Год и звонки")
    await page.get_by_role("button", name="Завести год").click()
    await expect(page.get_by_role("cell", name="01.09.2026")).to_be_visible()
    await page.get_by_role("button", name="Задать звонки").click()
    await page.get_by_role("dialog").get_by_role("button", name="Задать звонки").click()
    await closed(page)
    await expect(page.get_by_role("cell", name="5 пар")).to_be_visible()
    await page.get_by_role("button", name="Вставить таблицу").click()
    await paste(page, "Кабинет;Мест;Вид\n214;30;лаборатория\n215;;")
    await expect(page.get_by_text("не заполнено: Мест")).to_be_visible()
    await page.get_by_role("button", name="Принять 1 строку").click()
    await expect(page.get_by_role("cell", name="214")).to_be_visible()
    await shot(page, "setup-year")
    await axe(page)


async def people(page: Page) -> None:
    await step(page, "Люди и группы")
    await page.get_by_role("button", name="Вставить список").click()
    await paste(page, PEOPLE)
    await expect(page.get_by_text("не понято (Дата рождения): «31.02.2009»")).to_be_visible()
    await shot(page, "setup-paste")
    await axe(page)
    await page.get_by_role("button", name="Принять 3 строки").click()
    await expect(page.get_by_text("новых — 3")).to_be_visible()
    await page.get_by_role("button", name="Записать").click()
    await expect(page.get_by_role("link", name="Юдин Пётр Ильич")).to_be_visible()
    await page.get_by_role("button", name="Добавить человека").click()
    dialog = page.get_by_role("dialog")
    await fill(dialog, Фамилия="Орлова", Имя="Вера", Отчество="Сергеевна")
    await pick(dialog, "Роль", "преподаватель")
    await dialog.get_by_role("button", name="Добавить человека").click()
    await closed(page)
    await expect(page.get_by_role("link", name="Орлова Вера Сергеевна")).to_be_visible()
    await page.get_by_role("button", name="Завести полугодия").click()
    await page.get_by_role("dialog").get_by_role("button", name="Завести полугодия").click()
    await closed(page)
    await expect(page.get_by_role("cell", name="2-е полугодие")).to_be_visible()
    await shot(page, "setup-people")
    await axe(page)


async def lists(page: Page) -> None:
    """Disciplines, load and a programme."""
    await step(page, "Дисциплины")
    await page.get_by_role("button", name="Вставить таблицу").click()
    await paste(page, DISCIPLINES)
    await page.get_by_role("button", name="Принять 2 строки").click()
    await expect(page.get_by_role("cell", name="МДК", exact=True)).to_be_visible()
    await shot(page, "setup-disciplines")
    await step(page, "Нагрузка")
    await page.get_by_role("button", name="Назначить").click()
    dialog = page.get_by_role("dialog")
    await pick(dialog, "Дисциплина", re.compile("ОП.04"))
    await pick(dialog, "Преподаватель", re.compile("Орлова"))
    await shot(page, "setup-assignment")
    await dialog.get_by_role("button", name="Назначить").click()
    await closed(page)
    await expect(page.get_by_role("cell", name="Орлова В. С.")).to_be_visible()
    await axe(page)
    await page.get_by_role("link", name="КТП", exact=True).click()
    await pick(page, "Группа, дисциплина, период", re.compile("ИСП-21"))
    await page.get_by_role("button", name="Таблица из Excel").click()
    await paste(page, TOPICS)
    await page.get_by_role("button", name="Принять 2 строки").click()
    await expect(page.get_by_text("2 темы, 10 ч")).to_be_visible()
    await shot(page, "setup-programme")


async def timetable(page: Page) -> None:
    await step(page, "Расписание")
    for day in ("понедельник", "вторник", "среда", "четверг", "пятница", "суббота"):
        await page.get_by_role("button", name=f"Поставить занятие: {day}, 1 пара").click()
        dialog = page.get_by_role("dialog")
        await pick(dialog, "Кабинет", re.compile("214"))
        await dialog.get_by_role("button", name="Поставить").click()
        await closed(page)
    await page.get_by_role("button", name="Опубликовать").click()
    await expect(page.get_by_text("Они уже видны преподавателям и студентам")).to_be_visible()
    await shot(page, "setup-timetable")
    await axe(page)


async def staff_code(page: Page) -> str:
    """A code for the teacher, shown once."""
    await step(page, "Коды доступа")
    await page.get_by_role("button", name="Выдать коды всем (1)").click()
    slip = page.locator(".setup-slip code")
    await expect(slip).to_have_count(1)
    await shot(page, "setup-codes")
    await axe(page)
    code = await slip.inner_text()
    await page.reload()
    await expect(page.get_by_text("выдан код")).to_be_visible()
    await expect(page.get_by_text(code)).to_have_count(0)
    return code


async def test_one_click_takes_every_demo_role_to_a_home_with_content(desk: Opens, watch: Watch) -> None:
    watch.allow(r"^401 GET ")
    page = await desk(path="/")
    await expect(page.locator(".start-role")).to_have_count(ROLES)
    for n in range(ROLES):
        await page.locator(".start-role").nth(n).click()
        await expect(page.locator(".shell-banner")).to_be_visible()
        content = page.locator("#content")
        await expect(content.get_by_role("heading", level=1)).to_be_visible()
        await expect(content.locator("h2, h3, .empty a").first).to_be_visible()
        await expect(content.locator(".skeleton")).to_have_count(0)
        await shot(page, f"home-{n}")
        await page.get_by_role("button", name="Войти под другой ролью").click()


@pytest.mark.clause("R 3.1")
async def test_a_wrong_password_is_told_and_too_many_must_wait(phone: Opens, watch: Watch) -> None:
    watch.allow(r"^(401|429) ")
    page = await phone(path="/")
    await fill(page, Логин="nobody-known", Пароль="not the one at all")
    for _ in range(6):
        async with page.expect_response("**/identity/sessions"):
            await page.get_by_role("button", name="Войти", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("Слишком много попыток")
    await expect(page.get_by_role("button", name="Войти", exact=True)).to_be_disabled()
    await axe(page)


@pytest.mark.clause("R 3.1")
async def test_a_bad_code_is_told_before_and_after_sending(phone: Opens, watch: Watch) -> None:
    watch.allow(r"^(401|403|404|422) ")
    page = await phone(path="/activation")
    code = page.get_by_label("Код активации")
    await code.fill("00000-00000-00000-00001-2")
    await expect(page.get_by_text("последний знак не сходится")).to_be_visible()
    await shot(page, "activation-mistyped")
    await code.fill("ooooo ooooo ooooo ooool 1")
    await expect(code).to_have_value("00000-00000-00000-00001-1")
    await fill(page, Логин="new.login", Новый_пароль="short", Пароль_ещё_раз="shorter")
    submit: Callable[[], Locator] = lambda: page.get_by_role("button", name="Создать учётную запись и войти")  # noqa: E731
    await submit().click()
    await expect(page.get_by_text("нужно не меньше 15")).to_be_visible()
    await expect(page.get_by_text("Пароли не совпадают")).to_be_visible()
    await fill(page, Новый_пароль=PASSWORD, Пароль_ещё_раз=PASSWORD)
    await submit().click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await shot(page, "activation-refused")
    await axe(page)


PAGES = {
    "admin": {
        "/people": "Роли и группы",
        "/setup/people": "Учебные периоды групп",
        "/setup/year": "Звонки",
        "/setup/load": "План / расписание",
        "/setup/disciplines": "МДК",
        "/setup/codes": "Выдать код",
        "/account": "этот сеанс",
    },
    "office": {"/people": "Роли и группы"},
    "deputy": {"/setup/timetable": "недельную сетку"},
    "curator": {"/people": "Роли и группы"},
    "student": {"/account": "Кто смотрел мои данные"},
}


@pytest.mark.parametrize("login", PAGES)
async def test_pages_of_people_and_setup(login: str, either: Opens) -> None:
    page = await either(login)
    for path, said in PAGES[login].items():
        await page.goto(path)
        await expect(page.locator("#content").get_by_text(said).first).to_be_visible()
        await expect(page.locator("#content .skeleton")).to_have_count(0)
        await shot(page, f"{login}{path.replace('/', '-')}")
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is wider than the screen"
        await axe(page)


@pytest.mark.clause("R 4.3.4")
async def test_a_curator_opens_a_student_and_issues_a_code(desk: Opens, journal: Journal, watch: Watch) -> None:
    page = await desk("curator", "/people")
    await page.locator("#content tbody a").first.click()
    await expect(page.get_by_role("heading", name="Родители и законные представители")).to_be_visible()
    await shot(page, "curator-student")
    await axe(page)
    await page.get_by_role("button", name=re.compile("Выдать (код|новый код)")).click()
    await expect(page.locator(".setup-slip code")).to_have_text(CODE)


@pytest.mark.clause("R 4.5.2")
async def test_a_clash_in_the_timetable_is_named_and_can_be_taken_back(desk: Opens, watch: Watch) -> None:
    watch.allow(r"^409 POST /api/schedule/timetables")
    page = await desk("admin", "/setup/timetable")
    await pick(page, "Группа", "ИСП-21")
    slots = page.locator(".setup-slot")
    await expect(slots.first).to_be_visible()
    before = await slots.count()
    await page.get_by_role("button", name="Поставить занятие: вторник, 1 пара").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Дисциплина и преподаватель").click()
    await page.get_by_role("option").first.click()
    await dialog.get_by_role("button", name="Поставить").click()
    await expect(slots).to_have_count(before + 1)
    await page.get_by_role("button", name="Опубликовать").click()
    await expect(page.get_by_role("alert")).to_contain_text("Накладка в расписании")
    await expect(page.get_by_text("1 пара: занята группа").first).to_be_visible()
    await shot(page, "setup-clash")
    await axe(page)
    await page.get_by_role("button", name="Вернуть опубликованное").click()
    await expect(slots).to_have_count(before)
