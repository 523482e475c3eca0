"""Every page that anybody can reach, in both sizes, on a journal whose every text field holds scripts.

One walk per role; each test asks one question of what the walks found.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser

from services.demo.accounts import PASSWORD
from tests.browser.conftest import WAIT_MS
from tests.common.browser import DESK, Watch
from tests.common.planted import PLANTED, plant
from tests.common.process import Journal, data_folder, key
from tests.common.tour import Walk, routes, walk

pytestmark = pytest.mark.anyio

LOGINS = (
    *("admin", "deputy", "director", "office", "teacher", "curator", "master"),
    *("student", "adult", "parent", "parent2", "auditor"),
)
NOBODY = "nobody"
WALKED: dict[str, set[str]] = {}
"""The routes that each walk of this run has reached."""
# What people write in Latin letters in a Russian journal, and no more than that.
WORDS = ("CSV", "Excel", "LibreOffice", "Ctrl", "Enter", "Tab", "Esc", "Shift", "Delete", "Backspace", "Home", "End")
# The switch of languages speaks the other one; a session names its browser; commands are what they are.
NAMED = ("Switch to English", "Chrome", "Linux", "zhurnal audit replay")


class Went(NamedTuple):
    """One person's walk, what its browser complained of, and the scripts that ran."""

    login: str
    walk: Walk
    watch: Watch
    ran: list[str]


@pytest.fixture(scope="module")
async def planted(built: None) -> AsyncIterator[Journal]:
    with data_folder() as data, Journal(data, "--demo-at", "finals") as journal:
        await plant(journal)
        yield journal


@pytest.fixture(scope="module")
async def words(planted: Journal) -> list[str]:
    """Latin that is data: what was planted, and the logins and the password of the demo that the start page names."""
    async with planted.client() as client:
        start = (await client.get(f"{planted.address}/start.json")).json()
    demo = [PASSWORD, *(account["login"] for account in start["demo"]["accounts"])]
    return [*WORDS, *NAMED, *demo, *(text for _, text in PLANTED)]


@pytest.fixture(scope="module", params=(NOBODY, *LOGINS))
async def went(
    request: pytest.FixtureRequest, browser: Browser, planted: Journal, words: list[str]
) -> AsyncIterator[Went]:
    login: str = request.param
    context = await browser.new_context(base_url=planted.address, **DESK)
    context.set_default_timeout(WAIT_MS)
    ran: list[str] = []
    await context.expose_function("ran", lambda: ran.append("ran"))
    also = ["/activation"]
    if login != NOBODY:
        body = {"login": login, "password": PASSWORD}
        answer = await context.request.post("/api/identity/sessions", data=body, headers={"X-Zhurnal": "1", **key()})
        assert answer.status == 201, await answer.text()
        also = ["/nowhere", *await _unlinked(planted, login)]
    page = await context.new_page()
    watch = Watch()
    watch.page(page)
    if login == NOBODY:
        watch.allow(r"^401 GET /api/identity/me$")
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    found = await walk(page, words, also=also)
    WALKED[login] = found.reached
    yield Went(login, found, watch, ran)
    await context.close()


async def _unlinked(journal: Journal, login: str) -> list[str]:
    """Addresses that only other pages than those in the frame lead to: a lesson of the newest page, if there is one."""
    async with aclosing(await journal.signed_in(login, PASSWORD)) as client:
        answer = await client.get("/gradebook/pages")
        pages: list[Any] = (
            [page for page in answer.json().get("items", []) if page["lessons"]] if answer.is_success else []
        )
        if not pages:
            return []
        spread = (await client.get(f"/gradebook/pages/{pages[0]['id']}")).json()
    at = f"/journal/{pages[0]['id']}"
    return [at, f"{at}/history", f"{at}/lessons/{spread['lessons'][-1]['lesson']}"]


async def test_accessible(went: Went) -> None:
    """axe finds nothing, at 1440 and at 390 px."""
    assert went.walk.inaccessible == []


async def test_said_in_russian(went: Went) -> None:
    assert went.walk.foreign == []


async def test_stored_scripts_run_nowhere(went: Went) -> None:
    assert went.ran == []


async def test_nothing_goes_wrong(went: Went) -> None:
    """No error in the console (breaches of the content security policy are told there), no failed request."""
    assert went.watch.unexpected() == []


async def test_every_page_comes_to_rest_and_fits(went: Went) -> None:
    assert went.walk.unsettled == []
    assert went.walk.wide == []


async def test_no_link_leads_nowhere(went: Went) -> None:
    assert went.walk.dead == []


def test_every_route_was_visited_by_somebody() -> None:
    """A route that no link leads to from anybody's home is either forgotten or needs an address in `_unlinked`."""
    if WALKED.keys() != {NOBODY, *LOGINS}:
        pytest.skip("only after the walks of all roles")
    assert set(routes()) - set().union(*WALKED.values()) == set()
