"""The public status: which parts of the journal work, whether they show everything, what work is planned.

It is for people who cannot sign in just now, so it asks for no session and tells no names, addresses, causes or counts.
`Health` is one service's own answer, told at `/api/SERVICE/status`; `Board` puts those of all services on one page.
Parts are looked at when somebody asks, at most every `KEEP_SECONDS`, so asking often costs nothing.
"""

import asyncio
import html
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import httpx
import structlog
from psycopg import AsyncConnection, OperationalError
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel
from starlette.responses import Response

from services.kit.clock import Clock
from services.kit.http import Policy, Router, json
from services.kit.log.eventlog import Feed
from services.kit.problems import Behind, Text
from services.kit.projector import REACHED_LIMIT_SECONDS, Projector

KEEP_SECONDS = 5.0
ANSWER_SECONDS = 2.0
"""A database or a log that needs longer than that for nothing at all is not answering."""
SHOWN_SECONDS = REACHED_LIMIT_SECONDS + 1
WAIT_SECONDS = 2 * ANSWER_SECONDS + SHOWN_SECONDS + 2
"""More than a service itself takes at most, so that what is slow to tell is told and not guessed."""
LONGEST_NOTICE = 2000

PARTS = {
    "identity": Text("Вход и учётные записи", "Sign-in and accounts"),
    "gradebook": Text("Журнал: оценки и посещаемость", "Journal: grades and attendance"),
    "schedule": Text("Расписание", "Timetable"),
    "reporting": Text("Карточки и сводки", "Cards and summaries"),
    "notifications": Text("Уведомления", "Notices"),
}
"""By service, in the order of the page."""

log = structlog.get_logger()

T = TypeVar("T")


class Seen(NamedTuple):
    """A part as it was found. current: whether it shows everything; None: it shows no log, or that cannot be told."""

    works: bool
    current: bool | None = None


Look = Callable[[], Awaitable[Seen]]
"""Looks at one part; what it raises or takes longer than `WAIT_SECONDS` for means that the part does not work."""


class _Kept(Generic[T]):
    """What `find` found, kept for `KEEP_SECONDS`; whoever asks while it looks waits for the same answer."""

    def __init__(self, find: Callable[[], Awaitable[T]], now: Callable[[], float]) -> None:
        self._find, self._now = find, now
        self._found: tuple[T, float] | None = None
        self._looking = asyncio.Lock()

    async def get(self) -> T:
        async with self._looking:
            if self._found is None or self._now() - self._found[1] >= KEEP_SECONDS:
                self._found = (await self._find(), self._now())
            return self._found[0]


# -- one service --------------------------------------------------------------------------------------------------


class Health:
    """How a service fares.

    It works when its database and its own log answer and none of its projectors in this process has stopped. It is
    current when every view shows what the heads of its logs were when asked, within the time that a reader would wait.
    feeds: the logs of `projectors` and, where it has one, that of the service itself, `name`. now: seconds.
    """

    def __init__(
        self,
        name: str,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        feeds: Mapping[str, Feed],
        projectors: Iterable[Projector] = (),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._pool, self._feeds, self._projectors = name, pool, dict(feeds), tuple(projectors)
        self._logs = sorted({name for projector in self._projectors for name in projector.view.logs})
        self._kept = _Kept(self._look, now)

    async def look(self) -> Seen:
        """As found now or less than `KEEP_SECONDS` ago; raises nothing."""
        return await self._kept.get()

    async def _look(self) -> Seen:
        try:
            if not await self._works():
                return Seen(False)
            return Seen(True, await self._current())
        except Exception as failed:  # whatever it is, the service does not work
            log.warning("does not work", service=self._name, error=repr(failed))
            return Seen(False)

    async def _works(self) -> bool:
        async with asyncio.timeout(ANSWER_SECONDS):
            async with self._pool.connection() as conn:
                await conn.execute("select 1")
            if own := self._feeds.get(self._name):
                await own.head()
        return not any(projector.stopped for projector in self._projectors)

    async def _current(self) -> bool | None:
        """None when a log of another service cannot be asked: what it holds by now is not known then."""
        if not self._projectors:
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                heads = await asyncio.gather(*(self._feeds[name].head() for name in self._logs))
        except (OSError, OperationalError, httpx.HTTPError) as away:
            log.warning("cannot tell whether views are current", service=self._name, error=repr(away))
            return None
        at = dict(zip(self._logs, heads, strict=True))
        try:
            async with asyncio.timeout(SHOWN_SECONDS):
                for projector in self._projectors:
                    for name in projector.view.logs:
                        await projector.reached(name, at[name])
        except (Behind, TimeoutError):
            return False
        return True


class Status(BaseModel):
    """How a service fares. current: whether its views show everything; null: it has none, or it cannot be told."""

    works: bool
    current: bool | None


def routes(health: Health) -> Router:
    """GET /status → {works, current}, for everybody; 200 whatever is told."""
    router = Router(tags=["status"])

    @router.get("/status", policy=Policy("status", public=True), answers=Status)
    async def read_status() -> Response:
        """Whether this service works and shows everything."""
        return json((await health.look())._asdict())

    return router


def asking(client: httpx.AsyncClient, service: str) -> Look:
    """The look at a service of another process. client: with the address of its processes."""

    async def look() -> Seen:
        answer = await client.get(f"/api/{service}/status", timeout=WAIT_SECONDS)
        answer.raise_for_status()
        told = Status.model_validate_json(answer.content)
        return Seen(told.works, told.current)

    return look


# -- all of them --------------------------------------------------------------------------------------------------


class _Found(NamedTuple):
    """at: when all parts were looked at."""

    at: datetime
    parts: dict[str, Seen]

    @property
    def state(self) -> str:
        working = [seen for seen in self.parts.values() if seen.works]
        if self.parts and not working:
            return "down"
        whole = len(working) == len(self.parts) and not any(seen.current is False for seen in working)
        return "works" if whole else "partly"


class Board:
    """looks: by service, see `PARTS`. notice: a file whose text tells planned work, read each time; without: none."""

    def __init__(self, looks: Mapping[str, Look], clock: Clock, zone: ZoneInfo, notice: Path | None = None) -> None:
        self._looks = {part: looks[part] for part in PARTS if part in looks}
        self._clock, self._zone, self._notice = clock, zone, notice
        self._kept = _Kept(self._look, clock.monotonic)

    async def told(self) -> dict[str, Any]:
        """{state: works | partly | down, at, notice, parts: [{part, works, current}]}."""
        found = await self._kept.get()
        parts = [{"part": part, **seen._asdict()} for part, seen in found.parts.items()]
        return {"state": found.state, "at": found.at.isoformat(), "notice": self._planned(), "parts": parts}

    async def page(self, spoken: str) -> str:
        """The same for people, as HTML. spoken: ru or en."""
        n, found, notice = int(spoken == "en"), await self._kept.get(), self._planned()
        title = f"{_TITLE[n]}: {_STATES[found.state][n]}"
        rows = "".join(
            f'<tr><th scope="row">{PARTS[part][n]}</th>'
            f"<td>{_WORKS[seen.works][n]}</td><td>{_SHOWN[seen.current][n]}</td></tr>"
            for part, seen in found.parts.items()
        )
        head = "".join(f'<th scope="col">{column[n]}</th>' for column in _COLUMNS)
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in notice.splitlines() if line.strip())
        planned = f"<h2>{_PLANNED[n]}</h2>{lines}" if lines else ""
        late = f"<p>{_LATE[n]}</p>" if any(seen.current is False for seen in found.parts.values()) else ""
        at = found.at.astimezone(self._zone).strftime(("%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M")[n])
        return (
            f'<!doctype html><html lang="{spoken}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
            f'<link rel="stylesheet" href="/api/style.css"><main><h1>{title}</h1>'
            f'<table class="status"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{late}'
            f'<p><small>{_LOOKED[n].format(at)}</small></p>{planned}<p><a href="/">{_OPEN[n]}</a></p></main>'
        )

    async def _look(self) -> _Found:
        found = await asyncio.gather(*(_looked(part, look) for part, look in self._looks.items()))
        return _Found(self._clock.now(), dict(zip(self._looks, found, strict=True)))

    def _planned(self) -> str:
        try:
            if self._notice is not None:
                with self._notice.open(encoding="utf-8", errors="replace") as file:
                    return file.read(LONGEST_NOTICE).strip()
        except OSError:
            pass  # a file that is not there tells nothing
        return ""


async def _looked(part: str, look: Look) -> Seen:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await look()
    except Exception as failed:  # whatever a part raises, it does not work; why is in the log and not on the page
        log.warning("does not answer", service=part, error=repr(failed))
        return Seen(False)


_TITLE = Text("Состояние журнала", "Status of the journal")
_STATES = {
    "works": Text("работает", "works"),
    "partly": Text("работает частично", "works in part"),
    "down": Text("не работает", "does not work"),
}
_WORKS = {True: Text("работает", "works"), False: Text("не работает", "does not work")}
_SHOWN = {
    True: Text("всё показано", "everything is shown"),
    False: Text("показывает с задержкой", "shows with a delay"),
    None: Text("—", "—"),
}
_COLUMNS = (Text("Часть", "Part"), Text("Состояние", "State"), Text("Показано", "Shown"))
_PLANNED = Text("Плановые работы", "Planned work")
_LATE = Text(
    "С задержкой: внесённое сохранено, но видно ещё не всё. Повторно вносить не нужно.",
    "With a delay: what was entered is kept, but not all of it is seen yet. There is no need to enter it again.",
)
_LOOKED = Text("Проверено {} по времени колледжа", "Looked at {} by the time of the college")
_OPEN = Text("Открыть журнал", "Open the journal")
