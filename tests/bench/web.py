"""The web client in a real browser: what a first visit loads, how soon a page can be typed on, keys, and Lighthouse.

Cold: a new browser profile, from navigation until the last cell of the page can be focused and is painted. Warm: the
same page from the list with its data at hand, and by a reload. A key: from the event to the frame that shows it.
`python -m tests.bench.web [--json]`; Lighthouse is installed by `make web-report`.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
from contextlib import AsyncExitStack, aclosing
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import httpx
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from services.demo.accounts import PASSWORD
from tests.bench.report import Row, arguments, row, show
from tests.common.browser import DESK, ROOT, find_browser, launch_flags
from tests.common.process import Journal, data_folder, key

LIGHTHOUSE = ROOT / "web/report/node_modules/lighthouse/cli/index.js"
KEYS = 240
FREE_COLUMNS = 6
"""Columns without grades, to type into."""

# Resolves after the frame in which the cell first stands in the document has been painted.
SHOWN = """([row, column]) => new Promise(done => {
  const look = () => {
    const cell = document.querySelector(`td[data-row="${row}"][data-column="${column}"]`);
    if (!cell) return requestAnimationFrame(look);
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => done(performance.now());
      port2.postMessage(0);
    });
  };
  look();
})"""
FOLLOW = "path => { history.pushState(null, '', path); return performance.now(); }"
LISTEN = """() => {
  window.keysShown = [];
  addEventListener('keydown', event => {
    if (!/^[0-9]$/.test(event.key)) return;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.keysShown.push(performance.now() - event.timeStamp);
      port2.postMessage(0);
    });
  }, true);
}"""


class Made:
    """A page of the demo teacher, grown to so many students and lessons."""

    def __init__(self, page: str, students: int, lessons: int) -> None:
        self.path = f"/journal/{page}"
        self.students = students
        self.lessons = lessons

    @property
    def last(self) -> list[int]:
        return [self.students - 1, self.lessons - 1]


async def made(journal: Journal, index: int, students: int, lessons: int) -> Made:
    """Grow a page through the API: new people in its group, lessons in pairs that the timetable leaves free, grades."""
    async with AsyncExitStack() as stack:

        async def login(name: str) -> httpx.AsyncClient:
            return await stack.enter_async_context(aclosing(await journal.signed_in(name, PASSWORD)))

        admin, deputy, teacher = [await login(name) for name in ("admin", "deputy", "teacher")]
        me = _ok(await teacher.get("/identity/me"))["person"]["id"]
        listed = _ok(await teacher.get("/gradebook/pages", params={"teacher": me, "state": "open"}))["items"]
        groups = sorted({line["group"] for line in listed})
        line = next(line for line in listed if line["group"] == groups[index])
        at = f"/gradebook/pages/{line['id']}"
        spread = _ok(await teacher.get(at))
        for n in range(students - len(spread["students"])):
            new = {"family_name": f"Новикова{n}", "given_name": "Анна", "middle_name": "Олеговна"}
            person = _ok(await admin.post("/identity/people", json=new, headers=key()))["person"]
            joins = {"student": person, "starts_on": spread["page"]["starts_on"]}
            _ok(await admin.post(f"/identity/groups/{line['group']}/students", json=joins, headers=key()))
        while len((spread := _ok(await teacher.get(at)))["students"]) < students:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.2)
        today = date.today().isoformat()
        open_to = {"starts_on": spread["page"]["starts_on"], "ends_on": today, "until": "2099-12-31"}
        _ok(await deputy.post(f"{at}/entry-limit", json={**open_to, "reason": {"code": "outage"}}, headers=key()))
        for n in range(lessons - len(spread["lessons"])):
            on = date.fromisoformat(spread["page"]["starts_on"]) + timedelta(days=n % 60)
            while on.isoweekday() == 7 or on.isoformat() > today:
                on -= timedelta(days=1)
            lesson = {"assignment": spread["you"]["assignments"][0], "date": on.isoformat(), "pair": 6 + n % 7}
            body = {**lesson, "kind": "lecture", "topic": f"Повторение {n + 1}"}
            headers = {**key(), "If-None-Match": "*"}
            answer = await teacher.put(f"{at}/lessons/{uuid4()}", json=body, headers=headers)
            if answer.status_code == 409:  # two of one day fell on the same pair
                body["pair"] = 5
                answer = await teacher.put(f"{at}/lessons/{uuid4()}", json=body, headers=headers | key())
            _ok(answer)
        spread = _ok(await teacher.get(at))
        for lesson in spread["lessons"][:-FREE_COLUMNS]:
            away = {mark["student"] for mark in lesson["attendance"]["marks"] or []}
            ids = [s["student"] for s in spread["students"] if lesson["lesson"] not in s["cells"]]
            cells = [
                {"lesson": lesson["lesson"], "student": s, "grades": [{"value": "4", "work": "oral"}], "expected": None}
                for s in ids
                if s not in away
            ]
            if cells:
                # A lesson of the timetable may refuse some student; the page is wide enough without.
                await teacher.post(f"{at}/cells", json={"items": cells}, headers=key())
        return Made(line["id"], len(spread["students"]), len(spread["lessons"]))


def _ok(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json() if answer.content else None


async def signed_in(browser: Browser, journal: Journal, login: str) -> BrowserContext:
    context = await browser.new_context(base_url=journal.address, **DESK)
    body = {"login": login, "password": PASSWORD}
    answer = await context.request.post("/api/identity/sessions", data=body, headers={"X-Zhurnal": "1", **key()})
    assert answer.status == 201, await answer.text()
    return context


async def scripts(browser: Browser, journal: Journal) -> float:
    """KB of JavaScript, as gzip sends it, that the first visit of a teacher's home loads."""
    context = await signed_in(browser, journal, "teacher")
    page = await context.new_page()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url) if request.resource_type == "script" else None)
    await page.goto("/")
    await page.wait_for_load_state("networkidle")
    await context.close()
    total = 0
    async with httpx.AsyncClient(headers={"Accept-Encoding": "gzip"}) as client:
        for url in asked:
            async with client.stream("GET", url) as answer:
                total += sum([len(part) async for part in answer.aiter_raw()])
    return total / 1000


async def opening(browser: Browser, journal: Journal, target: Made) -> tuple[float, float, float]:
    """Milliseconds until the page can be typed on: cold, by a link with its data at hand, by a reload."""
    context = await signed_in(browser, journal, "teacher")
    page = await context.new_page()
    await page.goto(target.path, wait_until="commit")
    cold = float(await page.evaluate(SHOWN, target.last))
    await page.wait_for_load_state("networkidle")
    await page.evaluate(FOLLOW, "/journal")
    await page.locator("tbody a").first.wait_for()
    await page.wait_for_load_state("networkidle")
    began = float(await page.evaluate(FOLLOW, target.path))
    linked = float(await page.evaluate(SHOWN, target.last)) - began
    await page.wait_for_load_state("networkidle")
    await page.reload(wait_until="commit")
    reloaded = float(await page.evaluate(SHOWN, target.last))
    await context.close()
    return cold, linked, reloaded


async def typing(browser: Browser, journal: Journal, target: Made, keys: int) -> list[float]:
    """Milliseconds from each of so many grades typed, down the free columns, to the frame that shows it."""
    context = await signed_in(browser, journal, "teacher")
    page = await context.new_page()
    await page.goto(target.path)
    await page.evaluate(SHOWN, target.last)
    await page.wait_for_load_state("networkidle")
    await page.evaluate(LISTEN)
    for n in range(keys):
        if n % target.students == 0:
            column = target.lessons - 1 - n // target.students
            await page.locator(f"td[data-row='0'][data-column='{column}']").focus()
        await page.keyboard.press(str(3 + n % 3))
        await page.keyboard.press("ArrowDown")
        await page.wait_for_function("n => window.keysShown.length > n", arg=n)
    shown: list[float] = await page.evaluate("window.keysShown")
    await _sent(page)
    await context.close()
    return shown


async def _sent(page: Page) -> None:
    """Until nothing waits any more."""
    await page.locator(".shell-waiting").wait_for(state="detached", timeout=120_000)


async def lighthouse(journal: Journal, login: str | None, path: str) -> tuple[float, float]:
    """Performance and accessibility of 100, on Lighthouse's own phone and network."""
    node = shutil.which("node")
    assert node, "node is not on PATH: make web-report"
    command = [node, str(LIGHTHOUSE), f"{journal.address}{path}", "--quiet", "--output=json"]
    command += ["--only-categories=performance,accessibility", f"--chrome-flags=--headless {' '.join(launch_flags())}"]
    if login is not None:
        async with aclosing(await journal.signed_in(login, PASSWORD)) as client:
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        command.append(f"--extra-headers={json.dumps({'Cookie': cookie})}")
    environment = {**os.environ, "CHROME_PATH": str(find_browser())}
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, env=environment, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    categories = json.loads(done.stdout)["categories"]
    return categories["performance"]["score"] * 100, categories["accessibility"]["score"] * 100


async def bench(journal: Journal, rounds: int) -> list[Row]:
    usual = await made(journal, 0, 30, 30)
    large = await made(journal, 1, 40, 80)
    loaded, opened, typed = [], [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=launch_flags())
        for n in range(rounds):
            loaded.append(await scripts(browser, journal))
            opened.append(await opening(browser, journal, usual))
            if n * KEYS < FREE_COLUMNS * large.students:
                typed.append(await typing(browser, journal, large, KEYS))
        await browser.close()
    cold, linked, reloaded = zip(*opened, strict=True)
    size = f"{usual.students} × {usual.lessons}"
    rows = [
        row("JavaScript of a teacher's home, gzip", "KB", loaded, target="≤ 200 KB"),
        row(f"page of {size}, cold", "ms", cold, target="≤ 1,000 ms"),
        row(f"page of {size}, by a link", "ms", linked, target="≤ 200 ms"),
        row(f"page of {size}, reloaded", "ms", reloaded, target="≤ 200 ms"),
    ]
    keys = [statistics.quantiles(shown, n=100) for shown in typed]
    for p in (50, 95, 99):
        name = f"key to paint on {large.students} × {large.lessons}, p{p}"
        rows.append(row(name, "ms", [q[p - 1] for q in keys], target="≤ 50 ms" if p == 95 else ""))
    return rows + await visits(journal, usual, rounds)


async def visits(journal: Journal, page: Made, rounds: int) -> list[Row]:
    """Rows of Lighthouse; none where it is not installed."""
    if not LIGHTHOUSE.is_file():
        return []
    rows = []
    for name, login, path in (
        ("start page", None, "/"),
        ("teacher's home", "teacher", "/"),
        ("journal page", "teacher", page.path),
        ("card", "parent", "/card"),
    ):
        scores = [await lighthouse(journal, login, path) for _ in range(rounds)]
        rows.append(row(f"Lighthouse, {name}: performance", "", [score for score, _ in scores], target="≥ 90"))
        rows.append(row(f"Lighthouse, {name}: accessibility", "", [score for _, score in scores], target="100"))
    return rows


def main() -> None:
    given = arguments("the web client in a real browser")
    with data_folder() as data, Journal(data) as journal:
        rows = asyncio.run(bench(journal, given.rounds))
    show("web client", rows, given.json)


if __name__ == "__main__":
    main()
