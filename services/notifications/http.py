"""The routes of notifications, mounted at /api/notifications."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import orjson
from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.kit.authn import Principal
from services.kit.csvfile import csv_answer
from services.kit.http import Caller, Change, MinPosition, Router, json, language
from services.kit.problems import Malformed
from services.notifications import access, queries
from services.notifications.answers import Inbox, Kind, LogName, Unread
from services.notifications.rules import TEXTS

if TYPE_CHECKING:
    from services.notifications.app import Notifications

assert set(get_args(Kind)) == set(TEXTS)
assert get_args(LogName) == queries.LOGS
LONGEST_CSV = 10_000


class Read(BaseModel):
    """Either single notices by id, or everything up to a position per log (as `positions` of the inbox named them)."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Annotated[str, Field(min_length=3, max_length=200)]] | None = Field(None, min_length=1, max_length=500)
    up_to: dict[LogName, Annotated[int, Field(ge=0, le=2**53)]] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> "Read":
        if (self.ids is None) == (self.up_to is None):
            raise ValueError("either ids or up_to")
        return self


def routes(svc: "Notifications") -> Router:
    router = Router(tags=["notifications"])

    @router.get("/inbox", policy=access.INBOX, answers=Inbox)
    async def inbox(
        request: Request,
        caller: Caller,
        kind: Annotated[Kind | None, Query()] = None,
        unread: Annotated[bool, Query()] = False,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        min_position: MinPosition = None,
        form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    ) -> Response:
        """The caller's notices, newest first; `next` is the cursor of the following page, null on the last one."""
        await svc.inbox.shown(min_position)
        positions = await svc.inbox.come()
        after = _decoded(cursor) if cursor else None
        spoken = language(request)
        if form == "csv":
            rows = await queries.page(svc.pool, _who(caller), kind, unread, after, LONGEST_CSV)
            return _csv(rows)
        rows = await queries.page(svc.pool, _who(caller), kind, unread, after, limit + 1)
        more = len(rows) > limit
        items = [_item(row, caller.subject, spoken) for row in rows[:limit]]
        return json({"items": items, "next": _encoded(rows[limit - 1]) if more else None, "positions": positions})

    @router.get("/inbox/unread", policy=access.INBOX, answers=Unread)
    async def unread(caller: Caller, min_position: MinPosition = None) -> Response:
        """How many notices the caller has not read; `more` when there are more than that."""
        await svc.inbox.shown(min_position)
        count = await queries.count(svc.pool, _who(caller))
        return json({"unread": count, "more": count == queries.COUNT_AT_MOST})

    @router.post("/inbox/read", policy=access.INBOX, answers=Unread)
    async def read(body: Read, change: Change) -> Response:
        """Mark notices as read. Doing it again changes nothing, so the key is only checked for its form."""
        who = _who(change.principal)
        if body.ids is not None:
            await queries.mark_each(svc.pool, who, [_split(id_) for id_ in body.ids])
        elif body.up_to is not None:
            await queries.mark_up_to(svc.pool, who, body.up_to, svc.inbox)
        count = await queries.count(svc.pool, who)
        return json({"unread": count, "more": count == queries.COUNT_AT_MOST})

    return router


def _who(principal: Principal) -> dict[str, Any]:
    found = access.audiences(principal)
    return {
        "named": found.named,
        "teacher": found.teacher,
        "person": principal.subject,
        "today": principal.today,
    }


def _item(row: Any, subject: str, spoken: str) -> dict[str, Any]:
    """`text` is what may be shown outside; the value is in `data`. own: the reader did it himself."""
    return {
        "id": f"{row.log}.{row.slot}",
        "position": f"{row.log}:{row.position}",
        "at": row.at,
        "kind": row.kind,
        "text": getattr(TEXTS[row.kind], spoken),
        "unread": row.unread,
        "own": row.actor == subject,
        "withdrawn": row.withdrawn,
        "student": row.student,
        "page": row.page,
        "group": row.study_group,
        "discipline": {"id": row.discipline, "code": row.code, "title": row.title} if row.discipline else None,
        "lesson": {"id": row.lesson, "date": row.held_on, "pair": row.pair} if row.lesson else None,
        "data": orjson.Fragment(row.data),
    }


def _csv(rows: Sequence[Any]) -> Response:
    return csv_answer(
        "inbox",
        ("Время", "Событие", "Код", "Дисциплина", "Дата занятия", "Студент", "Было", "Стало", "Не прочитано"),
        (
            (
                row.at,
                TEXTS[row.kind].ru + (" (снято)" if row.withdrawn else ""),
                row.code,
                row.title,
                row.held_on,
                row.student,
                (data := orjson.loads(row.data)).get("old"),
                data.get("value"),
                row.unread,
            )
            for row in rows
        ),
    )


def _split(id_: str) -> tuple[str, str]:
    log, dot, slot = id_.partition(".")
    if not dot or log not in queries.LOGS:
        raise Malformed(what="body/ids")
    return log, slot


def _encoded(row: Any) -> str:
    text = orjson.dumps([row.at.isoformat(), row.log, row.position, row.slot])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _decoded(cursor: str) -> queries.After:
    try:
        at, log, position, slot = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return queries.After(datetime.fromisoformat(at), str(log), int(position), str(slot))
    except (ValueError, TypeError, binascii.Error) as bad:
        raise Malformed(what="query/cursor") from bad
