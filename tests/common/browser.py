"""A real browser for tests: where it comes from, a watch over its pages, and how one looks at them.

The browser is the first of `$CHROME`, an installed Chromium, Chrome or Edge, Debian's package when we are root, and
Playwright's own download.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Page, Request, Response

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/snap/bin/chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
FLAGS = [
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--lang=ru-RU"),
]
INSTALL_SECONDS = 600

PHONE_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile"
    " Safari/537.36"
)
EVERYBODY: dict[str, Any] = {"locale": "ru-RU", "timezone_id": "Asia/Barnaul", "reduced_motion": "reduce"}
DESK: dict[str, Any] = {**EVERYBODY, "viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    **EVERYBODY,
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "user_agent": PHONE_AGENT,
}


class NoBrowser(Exception):
    """There is no browser and none could be installed; the message says why."""


def find_browser() -> Path:
    """The browser's program, installed first where that is possible. Raises NoBrowser."""
    if named := os.environ.get("CHROME"):
        if chosen := shutil.which(named):
            return Path(chosen)
        raise NoBrowser(f"$CHROME names no program: {named}")
    if found := _installed():
        return found
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        _run("apt-get", "update", "-qq")
        _run("apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium")
        if found := _installed():
            return found
    return _downloaded()


def launch_flags() -> list[str]:
    """The flags to start it with; root has no sandbox."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*FLAGS, *(["--no-sandbox"] if root else [])]


def _installed() -> Path | None:
    found = [path for name in NAMES if (path := shutil.which(name))]
    found += [place for place in PLACES if Path(place).is_file()]
    return Path(found[0]) if found else None


def _downloaded() -> Path:
    """Playwright's own browser, downloaded unless it is there."""
    said = _run(sys.executable, "-m", "playwright", "install", "chromium")
    asking = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    path = Path(_run(sys.executable, "-c", asking).strip())
    if path.is_file():
        return path
    raise NoBrowser(f"no Chromium, Chrome or Edge is installed, and none could be downloaded: {said[-300:]}")


def _run(*command: str) -> str:
    """What the command says; it may fail, its caller looks for what it should have made."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"{command[0]} did not end in {INSTALL_SECONDS} s"
    return done.stdout or done.stderr


class Watch:
    """What went wrong in the pages that it watches, in the order of events, each as one line.

    Lines: `console: …` (violations of the content security policy are told there too), `error: …` (uncaught),
    `failed: GET /path net::ERR_…`, `409 PUT /path` (every answer of 400 and more).
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def allow(self, *patterns: str) -> None:
        """Lines that a pattern is found in are expected: `watch.allow(r"^412 PUT .*/cells/")`."""
        self._allowed += [re.compile(pattern) for pattern in patterns]

    def unexpected(self) -> list[str]:
        """The lines that no pattern allows."""
        return [line for line in self.seen if not any(pattern.search(line) for pattern in self._allowed)]

    def page(self, page: Page) -> None:
        """Watch this page to its end."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.seen.append(f"error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        # Answers and failures of the network are lines of their own.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.seen.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        # Aborted: by the client itself, or by leaving the page.
        if request.failure != "net::ERR_ABORTED":
            self.seen.append(f"failed: {request.method} {_path(request.url)} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.seen.append(f"{response.status} {response.request.method} {_path(response.url)}")


def _path(url: str) -> str:
    return re.sub(r"^\w+://[^/]+", "", url)


async def axe(page: Page, *, without: Sequence[str] = ()) -> None:
    """Assert that axe-core finds nothing on the page as it stands now, contrast of colours included.

    without: rules to leave out, by their axe id.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    rules = {rule: {"enabled": False} for rule in without}
    # Style sheets are fetched and read again for one rule only, which axe leaves out by itself.
    options = {"resultTypes": ["violations"], "preload": {"assets": ["media"]}, "rules": rules}
    found: dict[str, Any] = await page.evaluate("options => axe.run(document, options)", options)
    assert not found["violations"], f"{_path(page.url)}:\n" + "\n".join(_told(found["violations"]))


def _told(violations: Iterable[dict[str, Any]]) -> Iterable[str]:
    for violation in violations:
        yield f"{violation['id']} ({violation['impact']}): {violation['help']}"
        for node in violation["nodes"]:
            why = " ".join(str(node["failureSummary"]).split())
            yield f"    {' '.join(map(str, node['target']))}\n        {node['html'][:200]}\n        {why}"


async def shot(page: Page, name: str) -> None:
    """The whole page as `$ZHURNAL_SHOTS/<name>-<width>.png`; nothing where that variable is not set."""
    folder = os.environ.get("ZHURNAL_SHOTS")
    if folder:
        width = page.viewport_size["width"] if page.viewport_size else 0
        await page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
