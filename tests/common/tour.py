"""A walk through the whole client as one person: every page that links lead to, each looked at in both sizes.

The walk starts at home and follows the links that pages show, one address for each route and each named step. What is
found is kept by kind, so that one visit answers several tests.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from playwright.async_api import Page
from playwright.async_api import TimeoutError as TooLong

from tests.common.browser import DESK, PHONE, ROOT, axe

ROUTE = re.compile(r'\[\s*"(/[^"]*)",\s*lazy\(|<Route path="(/[^"]*)"')
LATIN = re.compile(r"[A-Za-z]{2,}")
ROMAN = re.compile(r"\b[IVXLC]+\b")
EMAIL = re.compile(r"\S+@\S+")
# What an auditor knows people and sessions by.
SHORTENED = re.compile(r"\b[0-9a-f]{8}\b")
SETTLE_MS = 15_000

# Counts requests under way, so that a page is looked at when it has everything, not after some time.
COUNTING = """
  window.underWay = 0;
  const asked = window.fetch;
  window.fetch = (...all) => { window.underWay++; return asked(...all).finally(() => window.underWay--); };
"""
CALM_FRAMES = 4
CALM = """frames => {
  const calm = window.underWay === 0 && document.querySelector('h1') && !document.querySelector('.skeleton');
  window.calmFor = calm ? (window.calmFor ?? 0) + 1 : 0;
  return window.calmFor > frames;
}"""
# Everything a person reads or hears, with what is marked as another language left out.
SAID = """() => {
  const said = [];
  const foreign = each => each.closest('[lang]:not(html)') !== null;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const of = node.parentElement;
    if (node.data.trim() && !foreign(of) && !of.closest('script, style, noscript')) said.push(node.data.trim());
  }
  for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'aria-description', 'aria-roledescription'])
    for (const each of document.querySelectorAll(`[${name}]`))
      if (!foreign(each) && each.getAttribute(name).trim()) said.push(each.getAttribute(name).trim());
  said.push(document.title);
  return [...new Set(said)];
}"""
LINKS = "() => [...document.querySelectorAll('a[href^=\"/\"]:not([download])')].map(each => each.getAttribute('href'))"
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


BESIDE = ("/status",)
"""Pages of the server that the client leads to: not its own, so they are asked for and not walked through."""


def routes() -> list[str]:
    """All routes, as the client itself states them."""
    found = [one or other for one, other in ROUTE.findall((ROOT / "web/src/app.tsx").read_text(encoding="utf-8"))]
    assert len(found) > 10, "web/src/app.tsx states its routes in another way now"
    return found


def matches(route: str, path: str) -> bool:
    """Whether the address is one of that route: `/card/:student?`."""
    parts = (
        "(?:/[^/]+)?" if part.endswith("?") else "/[^/]+" if part.startswith(":") else "/" + re.escape(part)
        for part in route.strip("/").split("/")
        if part
    )
    return re.fullmatch("".join(parts) or "/", path) is not None


def route_of(path: str) -> str | None:
    return next((route for route in routes() if matches(route, path)), None)


@dataclass
class Walk:
    """What one person's walk found. Problems: one line each, with the address; `reached`: routes; `said`: all texts."""

    reached: set[str] = field(default_factory=set)
    inaccessible: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    wide: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    said: set[str] = field(default_factory=set)


async def prepare(page: Page) -> None:
    """Once, before the first address of a page that walks."""
    await page.add_init_script(COUNTING)


async def settled(page: Page) -> bool:
    """Wait until the page has its heading and everything it asked for; whether that came."""
    await page.evaluate("window.calmFor = 0")
    try:
        await page.wait_for_function(CALM, arg=CALM_FRAMES, timeout=SETTLE_MS)
    except TooLong:
        return False
    return True


async def go(page: Page, path: str) -> bool:
    """To an address as a link of the client goes there, without loading it anew; whether the page settled."""
    await page.evaluate("path => history.pushState(null, '', path)", path)
    return await settled(page)


async def walk(page: Page, known: Iterable[str], *, start: str = "/", also: Iterable[str] = ()) -> Walk:
    """Follow every link from `start`, which is loaded here. `known`: words and texts of the data; `also`: addresses."""
    found = Walk()
    await prepare(page)
    await page.set_viewport_size(DESK["viewport"])
    await page.goto(start)
    await settled(page)
    waiting = [start, *also]
    seen = set[tuple[str, str]]().union(*map(_kinds, waiting))
    texts = sorted(known, key=len, reverse=True)
    for path in waiting:  # which grows on the way
        found.reached.add(route_of(path.partition("?")[0]) or path)
        await look(page, path, found, texts)
        for link in await page.evaluate(LINKS):
            bare = re.split(r"[?#]", link)[0]
            there = (await page.request.get(bare)).ok if bare in BESIDE else route_of(bare) is not None
            if not there:
                found.dead.append(f"{path} → {link}")
            elif bare not in BESIDE and not _kinds(link) <= seen:
                seen |= _kinds(link)
                waiting.append(link.partition("#")[0])
    return found


async def look(page: Page, path: str, found: Walk, texts: list[str]) -> None:
    """One address in both sizes."""
    await page.set_viewport_size(DESK["viewport"])
    if not await go(page, path):
        found.unsettled.append(f"{path}: {await page.inner_text('body')}")
        return
    for device in (DESK, PHONE):
        width = device["viewport"]["width"]
        await page.set_viewport_size(device["viewport"])
        if not await settled(page):
            found.unsettled.append(f"{path} at {width} px: {await page.inner_text('body')}")
        try:
            await axe(page)
        except AssertionError as refused:
            found.inaccessible.append(f"{width} px {refused}")
        if (over := await page.evaluate(SIDEWAYS)) > 0:
            found.wide.append(f"{path}: {over} px more than {width}")
        said = await page.evaluate(SAID)
        found.said.update(said)
        told = [f"{path}: {text}" for text in said if any(latin(text, texts))]
        found.foreign += [line for line in told if line not in found.foreign]


def latin(text: str, known: Iterable[str]) -> Iterator[str]:
    """Latin words of a text that are none of the data's; centuries and the like are Russian."""
    text = EMAIL.sub(" ", text.replace("\xa0", " "))
    for data in known:
        text = text.replace(data, " ")
    yield from LATIN.findall(SHORTENED.sub(" ", ROMAN.sub(" ", text)))


def _kinds(link: str) -> set[tuple[str, str]]:
    """What a visit stands for: a route with its ids, each section and named step, each of the query's names."""
    path, _, query = link.partition("#")[0].partition("?")
    place = path if re.fullmatch(r"(/[a-z]+)+", path) else route_of(path) or path
    return {(place, ""), *((place, part.partition("=")[0]) for part in query.split("&") if part)}
