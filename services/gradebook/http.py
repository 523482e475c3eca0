"""The routes that read: list of pages, spread, history, commands, proposals; and the absences of students."""

import csv
import hashlib
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
from fastapi import Header, Query, Response

from services.gradebook import access, answers, history
from services.gradebook import requests as r
from services.gradebook.absences import Announce, Classify
from services.gradebook.access import ABSENCE_ANNOUNCE, ABSENCE_CLASSIFY, ABSENCE_READ, MAKEUPS, READ
from services.gradebook.answers_spread import Spread
from services.gradebook.known import makeups
from services.gradebook.page import Page
from services.gradebook.rules import TEACHERS
from services.gradebook.search import aware
from services.gradebook.spread import you
from services.gradebook.standing import propose, standing, window
from services.gradebook.views import pages
from services.gradebook.writing import ItemId, PageId, reason_of
from services.kit.answers import Listed, Positioned
from services.kit.authn import Principal
from services.kit.handle import Fact, Folded, command_id
from services.kit.http import Caller, Change, MinPosition, Router, json, known_tags, position_header
from services.kit.log.eventlog import Recorded
from services.kit.problems import Malformed, NotFound

if TYPE_CHECKING:
    from services.gradebook.app import Gradebook

READ_NOTED = timedelta(minutes=1)
"""A page that is read again and again is noted once in that time."""
NOTED_AT_MOST = 10_000
OptionalId = Annotated[str | None, Query(max_length=64)]
Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
COLUMNS = {
    "id": "Страница",
    "group": "Группа",
    "discipline": "Дисциплина",
    "period": "Период",
    "starts_on": "Начало",
    "ends_on": "Окончание",
    "lessons": "Занятий",
    "hours": "Часов",
    "without_attendance": "Без посещаемости",
    "without_grades": "Без отметок",
    "finals": "Итоговых",
    "closed": "Закрыта",
}


def routes(svc: "Gradebook") -> Router:
    """The routes on `svc`."""
    router = Router(tags=["pages"])
    noted: dict[tuple[str, str], datetime] = {}

    def note(principal: Principal, page: str, state: Page, route: str) -> None:
        last = noted.get((principal.subject, page))
        if last is None or not timedelta(0) <= principal.now - last < READ_NOTED:
            if len(noted) >= NOTED_AT_MOST:
                noted.clear()
            noted[principal.subject, page] = principal.now
            svc.reads.note(principal, state.members, route)

    async def readable(page: str, principal: Principal) -> Folded[Page]:
        folded = await svc.page(page)
        access.read(folded.state, principal)
        return folded

    async def recorded(page: str, principal: Principal) -> tuple[list[Recorded], list[Fact]]:
        await readable(page, principal)
        rows = await svc.log.read_stream(f"page/{page}")
        return rows, list(svc.pages.facts(rows))

    @router.get("/pages", policy=READ, answers=Listed[answers.PageLine])
    async def list_pages(
        principal: Caller,
        group: OptionalId = None,
        discipline: OptionalId = None,
        period: OptionalId = None,
        teacher: OptionalId = None,
        state: Literal["open", "closed"] | None = None,
        sort: Literal["discipline", "group", "period", "state"] = "discipline",
        limit: Limit = 100,
        offset: Offset = 0,
        min_position: MinPosition = None,
        format: Literal["json", "csv"] = "json",
    ) -> Response:
        """The pages within reach, with how far each is filled."""
        await svc.projector.shown(min_position)
        async with svc.pool.connection() as conn:
            total, rows = await pages.listed(
                conn,
                _reader(principal),
                group=group,
                discipline=discipline,
                period=period,
                teacher=teacher,
                closed=None if state is None else state == "closed",
                sort=sort,
                limit=limit,
                offset=offset,
            )
        if format == "csv":
            return _csv(rows)
        return json({"total": total, "items": rows})

    @router.get("/pages/{page}", policy=READ, answers=Spread)
    async def get_page(
        page: PageId,
        principal: Caller,
        as_of: Annotated[str | None, Query(max_length=40)] = None,
        if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
    ) -> Response:
        """The whole spread. as_of: a position (`gradebook:123` or 123) or an ISO instant shows it as it was then.

        If-None-Match with the tag of what the reader has: 304 while it is still the same to him.
        """
        folded = await readable(page, principal)
        note(principal, page, folded.state, "pages/{page}")
        if as_of is not None:
            folded = await svc.pages.state_at(f"page/{page}", _until(as_of))
            access.group_of(folded.state)
        mine = {
            "position": f"gradebook:{folded.position}",
            "as_of": as_of,
            "you": you(folded.state, principal.subject, principal.now, principal.today),
        }
        head = orjson.dumps(mine)
        tag = _tag(folded, principal.today, head)
        headers = {**position_header("gradebook", folded.position), "ETag": tag, "Cache-Control": "private, no-cache"}
        if if_none_match is not None and tag in known_tags(if_none_match):
            return Response(status_code=304, headers=headers)
        whole = head[:-1] + b"," + svc.spread(folded, principal.today)[1:]
        return Response(whole, headers=headers, media_type="application/json")

    @router.get("/pages/{page}/history", policy=READ, answers=Listed[answers.Entry])
    async def get_history(
        page: PageId,
        principal: Caller,
        student: OptionalId = None,
        lesson: OptionalId = None,
        actor: OptionalId = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: Limit = 200,
        offset: Offset = 0,
    ) -> Response:
        """What happened on the page, newest first."""
        rows, facts = await recorded(page, principal)
        wanted = history.Filter(student or "", lesson or "", actor or "", aware(since), aware(until))
        kept = history.entries(rows, facts, wanted)[::-1]
        piece = kept[offset : offset + limit]
        texts = await svc.texts.read(history.text_ids(piece))
        return json({"total": len(kept), "items": [history.shown(entry, texts) for entry in piece]})

    @router.get("/pages/{page}/cells/{lesson}/{student}/history", policy=READ, answers=answers.CellHistory)
    async def get_cell_history(page: PageId, lesson: ItemId, student: ItemId, principal: Caller) -> Response:
        """Every change of a cell: who, when, old, new, reason, command."""
        rows, facts = await recorded(page, principal)
        svc.reads.note(principal, (student,), "pages/{page}/cells/{lesson}/{student}/history")
        kept = history.of_cell(rows, facts, lesson, student)
        texts = await svc.texts.read(history.text_ids(kept))
        return json({"items": [history.change(entry, texts) for entry in kept]})

    @router.get("/pages/{page}/commands/{key}", policy=READ, answers=answers.CommandState)
    async def get_command(page: PageId, key: Annotated[str, ItemId], principal: Caller) -> Response:
        """Whether the own command sent under that Idempotency-Key is done."""
        folded = await readable(page, principal)
        receipt = folded.receipts.get(command_id(principal.subject, key))
        if receipt is None:
            return json({"done": False})
        return json({"done": True, "position": f"gradebook:{receipt.position}", "revision": receipt.revision})

    @router.get("/pages/{page}/proposals", policy=READ, answers=answers.Proposals)
    async def get_proposals(page: PageId, principal: Caller) -> Response:
        """The final that each student's mean suggests, or what stands against one. Means are hundredths."""
        state = (await readable(page, principal)).state
        note(principal, page, state, "pages/{page}/proposals")
        opened, days = state.opened, window(state)
        assert opened is not None, "access has let the reader through"
        items = []
        for student in state.roster(opened.ends_on):
            found, proposal = standing(state, student), propose(state, student)
            items.append({"student": student, "mean": found.mean, "grades": found.grades, **proposal._asdict()})
        return json({"opens": days.opens, "deadline": days.deadline, "items": items})

    @router.get("/groups/{group}/makeups", policy=MAKEUPS, answers=answers.Makeups)
    async def get_makeups(group: ItemId, principal: Caller) -> Response:
        """Disciplines that students moved into the group must make up."""
        if not access.reaches_group(principal, group):
            raise NotFound
        async with svc.pool.connection() as conn:
            items = await makeups(conn, group)
        svc.reads.note(principal, {item["student"] for item in items}, "groups/{group}/makeups")
        return json({"items": items})

    # -- absences ---------------------------------------------------------------------------------------------

    @router.post("/absences", policy=ABSENCE_ANNOUNCE, answers=Positioned, status_code=201)
    async def announce(asked: Change, body: r.AnnouncedIn) -> Response:
        """A guardian, or a student whom nobody is guardian of, announces an absence."""
        by = asked.command(access.announces(asked.principal, body.student))
        done = await svc.absence(body.student, Announce(body.student, body.starts_on, body.ends_on), by)
        return json({"position": f"gradebook:{done.position}"}, 201, position_header("gradebook", done.position))

    @router.post("/absences/classes", policy=ABSENCE_CLASSIFY, answers=Positioned, status_code=201)
    async def classify(asked: Change, body: r.ClassifiedIn) -> Response:
        """The curator's class of a student's absences in these days, whatever page is closed."""
        access.classifies(asked.principal, body.student)
        by = asked.command("curator")
        async with reason_of(svc, by, body.reason, (body.student,)) as reason:
            command = Classify(body.student, body.starts_on, body.ends_on, body.reason_class, reason)
            done = await svc.absence(body.student, command, by)
        return json({"position": f"gradebook:{done.position}"}, 201, position_header("gradebook", done.position))

    @router.get("/absences", policy=ABSENCE_READ, answers=answers.Absences)
    async def get_absences(principal: Caller, student: OptionalId = None, group: OptionalId = None) -> Response:
        """What was announced and classified for one student, or for a group within reach today."""
        if (student is None) == (group is None):
            raise Malformed(what="student | group")
        students = [student] if student is not None else []
        if student is not None:
            access.reads_absences(principal, student)
        elif group is not None:
            if not access.reaches_group(principal, group):
                raise NotFound
            students = sorted(principal.grants.subjects("member", group, principal.today))
        svc.reads.note(principal, students, "absences")
        states = [(await svc.absences.state(f"absence/{s}")).state for s in students]
        return json({"items": [state.shown(s) for s, state in zip(students, states, strict=True)]})

    return router


def _reader(principal: Principal) -> pages.Reader:
    scopes = set().union(*(principal.roles.get(role, set()) for role in access.OFFICES))
    groups = scopes | principal.roles.get("curator", set())
    teacher = principal.subject if principal.has(*TEACHERS) else ""
    since = principal.today - timedelta(days=access.SUBSTITUTE_READS_DAYS)
    return pages.Reader("" in scopes, sorted(groups), teacher, principal.today, since)


def _tag(page: Folded[Page], today: date, head: bytes) -> str:
    """The tag of a spread: its locks depend on the day as well, and `head` on who asks and when."""
    seen = hashlib.blake2s(f"{today}".encode() + head, digest_size=8).hexdigest()
    return f'"{page.revision}-{seen}"'


def _until(as_of: str) -> Callable[[Recorded], bool]:
    """The leading events up to a position or an instant (inclusive)."""
    if found := re.fullmatch(r"(?:gradebook:)?(\d{1,18})", as_of):
        position = int(found[1])
        return lambda row: row.position <= position
    try:
        instant = datetime.fromisoformat(as_of.replace(" ", "+"))
    except ValueError as wrong:
        raise Malformed(what="as_of") from wrong
    moment = aware(instant)
    assert moment is not None, "an instant was given"
    return lambda row: row.at <= moment


def _csv(rows: list[dict[str, Any]]) -> Response:
    """A list for spreadsheets: UTF-8 with BOM, semicolons, Russian headers."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(COLUMNS.values())
    for row in rows:
        cells = [row[name] for name in COLUMNS]
        writer.writerow(["да" if cell is True else "нет" if cell is False else cell for cell in cells])
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8")
