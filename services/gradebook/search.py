"""What happened on all pages within reach, newest first: "all changes by an account or session between two moments".

The log itself is walked backwards in slices, so nothing has to be kept for the rare search. One request walks a
bounded piece; `next` says where to go on. It begins at the end of the time asked for where the log can find that.
"""

import sys
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from fastapi import Query, Response

from contracts.events.gradebook import EVENTS
from services.gradebook import access, answers, history
from services.gradebook.access import SEARCH
from services.kit.authn import Principal
from services.kit.csvfile import csv_answer
from services.kit.http import Caller, Router, json
from services.kit.log.eventlog import EventLog, Recorded
from services.kit.problems import Malformed

if TYPE_CHECKING:
    from services.gradebook.app import Gradebook

SLICE = 1000
WALKED_AT_ONCE = 100_000
"""Events that one request looks at, a second or so; a table for a spreadsheet walks on to its end."""
LONGEST_CSV = 50_000
HEADER = (
    "Когда", "Событие", "Кто", "Роль", "Сеанс", "Группа", "Дисциплина", "Период", "Студент", "Занятие", "Было", "Стало",
    "Причина", "Пояснение", "Позиция",
)  # fmt: skip
Wanted = Annotated[str, Query(pattern=r"^[A-Za-z0-9_.:\-]{0,64}$")]


class Place(NamedTuple):
    """The page of an entry; without one, the entry is of a student's own stream of absences."""

    page: str | None = None
    group: str | None = None
    discipline: str | None = None
    period: str | None = None


class Wish(NamedTuple):
    """What is searched for; "" is anything."""

    actor: str
    session: str
    student: str
    type: str

    def may_be(self, row: Recorded) -> bool:
        """Told from the texts as they are stored, canonical JSON: most of a log need not be decoded."""
        return (
            (not self.type or row.type == self.type)
            and (not self.actor or f'"actor":"{self.actor}"' in row.meta)
            and (not self.session or f'"session":"{self.session}"' in row.meta)
            and (not self.student or f'"{self.student}"' in row.body)
        )


def routes(svc: "Gradebook") -> Router:
    """The route on `svc`."""
    router = Router(tags=["history"])

    @router.get("/history", policy=SEARCH, answers=answers.Found)
    async def search(
        principal: Caller,
        actor: Wanted = "",
        session: Wanted = "",
        student: Wanted = "",
        type: Wanted = "",
        since: datetime | None = None,
        until: datetime | None = None,
        before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        format: Literal["json", "csv"] = "json",
    ) -> Response:
        """All changes by account, session, student or kind, in the log's own time: since ≤ t < until.

        `before`: only positions below it, as `next` of the last answer says. An answer may be empty and yet go on.
        """
        if type and type not in EVENTS.by_name:
            raise Malformed(what="query/type")
        wish = Wish(actor, session, student, type)
        reach = await _Reach.of(svc, principal)
        since, until = aware(since), aware(until)
        as_csv = format == "csv"
        most, walk = (LONGEST_CSV, sys.maxsize) if as_csv else (limit, WALKED_AT_ONCE)
        found: list[tuple[history.Entry, Place]] = []
        walked, above, bottom = 0, 0, None
        async for row in _backwards(svc.log, await _below(svc.log, before, until)):
            if walked == walk or len(found) == most:
                bottom = above
                break
            walked, above = walked + 1, row.position
            if since is not None and row.at < since:
                break
            if (until is not None and row.at >= until) or not wish.may_be(row):
                continue
            if (place := await reach.place(row)) is None:
                continue
            handler = svc.pages if place.page else svc.absences
            entry = (row, next(iter(handler.facts([row]))))
            if student and not history.concerns(entry[1].event, student):
                continue
            found.append((entry, place))
        svc.reads.note(principal, _students(entry for entry, _ in found), "history")
        texts = await svc.texts.read(history.text_ids(entry for entry, _ in found))
        items = [
            {**history.shown(entry, texts), "session": entry[1].meta.session, **place._asdict()}
            for entry, place in found
        ]
        if as_csv:
            return csv_answer("history", HEADER, (_line(item, svc.zone) for item in items))
        return json({"items": items, "next": bottom})

    return router


class _Reach:
    """Which streams the person may search."""

    def __init__(self, svc: "Gradebook", principal: Principal, pages: dict[str, Place]) -> None:
        self._svc, self._principal, self._pages = svc, principal, pages

    @classmethod
    async def of(cls, svc: "Gradebook", principal: Principal) -> "_Reach":
        async with svc.pool.connection() as conn:
            cursor = await conn.execute(
                "select page, group_id, discipline, period from pages.page where group_id is not null"
            )
            return cls(svc, principal, {row[0]: Place(*row) for row in await cursor.fetchall()})

    async def place(self, row: Recorded) -> Place | None:
        """Where the event happened; None out of reach."""
        kind, _, id_ = row.stream.partition("/")
        if kind == "absence":
            groups = self._principal.grants.objects(id_, "member", self._principal.today)
            return Place() if access.searches_student(self._principal, groups) else None
        if id_ not in self._pages:  # opened after the list of pages was written
            opened = (await self._svc.page(id_)).state.opened
            self._pages[id_] = Place(id_, opened.group, opened.discipline, opened.period) if opened else Place(id_)
        place = self._pages[id_]
        return place if place.group is not None and access.searches(self._principal, place.group) else None


async def _below(log: EventLog, before: int | None, until: datetime | None) -> int | None:
    """The position below which the walk begins, None for the log's end."""
    beyond = None if until is None else await log.first_at(until)
    return min((p for p in (before, beyond) if p is not None), default=None)


async def _backwards(log: EventLog, before: int | None) -> AsyncIterator[Recorded]:
    """The events below a position, from there to the log's beginning."""
    while rows := await log.read_back(before, SLICE):
        for row in rows:
            yield row
        before = rows[-1].position


def aware(instant: datetime | None) -> datetime | None:
    """An instant without a zone is UTC."""
    return instant if instant is None or instant.tzinfo else instant.replace(tzinfo=UTC)


def _students(entries: Iterable[history.Entry]) -> set[str]:
    """Those whom the entries show, of whom the read is noted."""
    found = set()
    for _, fact in entries:
        if student := getattr(fact.event, "student", ""):
            found.add(student)
        found.update(mark.student for mark in getattr(fact.event, "marks", ()))
    return found


def _line(item: dict[str, Any], zone: Any) -> tuple[Any, ...]:
    data, reason = item["data"], item["reason"] or {}
    return (
        item["at"].astimezone(zone), item["type"], item["actor"], item["role"], item["session"], item["group"],
        item["discipline"], item["period"], data.get("student"), data.get("lesson"), data.get("old"), data.get("value"),
        reason.get("code"), reason.get("text"), item["position"],
    )  # fmt: skip
