"""The ground of the browser tests: one running demo journal, one browser, and pages signed in as whom a test asks for.

Every page is watched: what went wrong in one and was not allowed by name fails the test at its end.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, NoReturn, Protocol

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from services.demo.accounts import PASSWORD
from tests.common.browser import DESK, PHONE, ROOT, NoBrowser, Watch, find_browser, launch_flags
from tests.common.process import Journal, data_folder, key
from tests.common.stored import demo_class, one_at_a_time

WAIT_MS = 20_000
"""How long a page may take to show what a test waits for; the tests of a busy machine need it, a good page does not."""

expect.set_options(timeout=WAIT_MS)

NewJournal = Callable[..., Journal]
"""Starts another journal: on the demo class or, given options of `up`, on fresh data."""


class Opens(Protocol):
    """Opens a new context with one page; signed in when a login is named; already on `path` when that is given."""

    async def __call__(self, login: str | None = None, path: str | None = None, at: Journal | None = None) -> Page: ...


def _missing(why: str) -> NoReturn:
    """A test that lacks something is skipped, or fails where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def built() -> None:
    if not (ROOT / "web/dist/index.html").is_file():
        _missing("the web client is not built: make web")


@pytest.fixture(scope="session")
def program() -> Path:
    try:
        with one_at_a_time("browser"):  # it may have to be installed
            return find_browser()
    except NoBrowser as none:
        _missing(str(none))


@pytest.fixture(scope="session")
async def browser(built: None, program: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=launch_flags())
        yield started
        await started.close()


@pytest.fixture(scope="session")
def journal(built: None) -> Iterator[Journal]:
    """The demo class; for tests that change nothing that another one counts on."""
    with demo_class() as data, Journal(data) as running:
        yield running


@pytest.fixture(scope="module")
def new_journal(built: None) -> Iterator[NewJournal]:
    """Journals of their own for tests that change much; each lives as long as the module."""
    with ExitStack() as stack:

        def start(*arguments: str, environment: dict[str, str] | None = None) -> Journal:
            data = stack.enter_context(data_folder() if arguments else demo_class())
            return stack.enter_context(Journal(data, *arguments, environment=environment))

        yield start


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What goes wrong in the pages of this test."""
    watching = Watch()
    yield watching
    assert watching.unexpected() == []


@pytest.fixture
async def contexts(browser: Browser) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def _opens(browser: Browser, contexts: AsyncExitStack, watch: Watch, home: Journal, device: dict[str, Any]) -> Opens:
    async def open_page(login: str | None = None, path: str | None = None, at: Journal | None = None) -> Page:
        address = (at or home).address
        context = await contexts.enter_async_context(await browser.new_context(base_url=address, **device))
        context.set_default_timeout(WAIT_MS)
        if login is not None:
            answer = await context.request.post(
                "/api/identity/sessions",
                data={"login": login, "password": PASSWORD},
                headers={"X-Zhurnal": "1", **key()},
            )
            assert answer.status == 201, await answer.text()
        else:
            watch.allow(r"^401 GET /api/identity/me$")  # how the client learns that nobody is signed in
        page = await context.new_page()
        watch.page(page)
        if path is not None:
            await page.goto(path)
        return page

    return open_page


@pytest.fixture
def desk(browser: Browser, contexts: AsyncExitStack, watch: Watch, journal: Journal) -> Opens:
    """Pages of 1440 × 900 with mouse and keyboard."""
    return _opens(browser, contexts, watch, journal, DESK)


@pytest.fixture
def phone(browser: Browser, contexts: AsyncExitStack, watch: Watch, journal: Journal) -> Opens:
    """Pages of 390 × 844 on a touch screen."""
    return _opens(browser, contexts, watch, journal, PHONE)


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def either(
    request: pytest.FixtureRequest, browser: Browser, contexts: AsyncExitStack, watch: Watch, journal: Journal
) -> Opens:
    """The test runs twice: with pages of a desk, with pages of a phone."""
    return _opens(browser, contexts, watch, journal, request.param)
