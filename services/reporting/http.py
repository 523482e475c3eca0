"""The routes of reporting, mounted at /api/reporting."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Path, Query, Response

from services.kit.authn import Principal
from services.kit.csvfile import csv_answer
from services.kit.http import Caller, MinPosition, Router, json
from services.kit.problems import NotFound
from services.reporting import access, queries
from services.reporting import card as cards
from services.reporting import summary as summaries
from services.reporting.answers import Card, Gap, Gaps, Summary

if TYPE_CHECKING:
    from services.reporting.app import Reporting

Id = Annotated[str, Path(min_length=1, max_length=64)]
OptionalId = Annotated[str | None, Query(min_length=1, max_length=64)]
Format = Annotated[Literal["json", "csv"], Query(alias="format")]
GAP_NAMES = {
    "not_held": "занятие не записано",
    "no_attendance": "не отмечена посещаемость",
    "no_topic": "не указана тема",
    "no_final": "нет итоговых",
}


def routes(svc: "Reporting") -> Router:
    router = Router(tags=["reporting"])

    async def answer_card(
        principal: Principal, student: str, year: str | None, period: str | None, form: str
    ) -> Response:
        if access.card(principal, student):
            svc.reads.note(principal, [student], "GET /api/reporting/students/{id}/card")
        positions = await svc.card.come()
        rows = await queries.read_card(svc.pool, student, year, period, svc.lessons)
        document = cards.card(student, rows, year, period)
        if form == "csv":
            return csv_answer("card", cards.CSV_HEADER, cards.csv_rows(document))
        return json({**document, "positions": positions})

    @router.get("/students/me/card", policy=access.OWN_CARD, answers=Card)
    async def own_card(
        caller: Caller,
        year: OptionalId = None,
        period: OptionalId = None,
        min_position: MinPosition = None,
        form: Format = "json",
    ) -> Response:
        """The caller's own card."""
        await svc.card.shown(min_position)
        return await answer_card(caller, caller.subject, year, period, form)

    @router.get("/students/{student}/card", policy=access.CARD, answers=Card)
    async def student_card(
        student: Id,
        caller: Caller,
        year: OptionalId = None,
        period: OptionalId = None,
        min_position: MinPosition = None,
        form: Format = "json",
    ) -> Response:
        """A student's card over all disciplines and years."""
        await svc.card.shown(min_position)
        return await answer_card(caller, student, year, period, form)

    @router.get("/groups/{group}/summary", policy=access.GROUP, answers=Summary)
    async def group_summary(
        group: Id,
        caller: Caller,
        period: OptionalId = None,
        min_position: MinPosition = None,
        form: Format = "json",
    ) -> Response:
        """Students × disciplines of a period with the indicators of the group."""
        access.group(caller, group)
        await svc.card.shown(min_position)
        positions = await svc.card.come()
        found = summaries.periods(await queries.read(svc.pool, queries.PERIODS_OF_GROUP, {"group": group}))
        chosen = summaries.choose(found, period, caller.today)
        if chosen is None:
            raise NotFound
        rows = await queries.read_all(svc.pool, queries.OF_PAGES, queries.page_params(chosen["pages"]))
        document = summaries.summary(group, chosen, rows, caller.today)
        students = [entry["student"] for entry in document["students"]]
        svc.reads.note(caller, students, "GET /api/reporting/groups/{id}/summary")
        if form == "csv":
            return csv_answer("summary", summaries.csv_header(document), summaries.csv_rows(document))
        shown: list[dict[str, Any]] = [{k: v for k, v in p.items() if k != "pages"} for p in found]
        return json({**document, "periods": shown, "positions": positions})

    @router.get("/groups/{group}/gaps", policy=access.GAPS, answers=Gaps)
    async def group_gaps(
        group: Id,
        caller: Caller,
        gap: Annotated[Gap | None, Query()] = None,
        teacher: OptionalId = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        min_position: MinPosition = None,
        form: Format = "json",
    ) -> Response:
        """What the group's journal lacks up to yesterday: lessons, attendance, topics, finals (R 3.5, 4.3.2)."""
        access.group(caller, group, "journal_administrator")
        await svc.card.shown(min_position)
        if form == "csv":
            limit, offset = 100_000, 0
        params = queries.gap_params(group, caller.today, gap, teacher, limit, offset)
        rows = await queries.read(svc.pool, queries.GAPS, params)
        if form == "csv":
            return csv_answer(
                "gaps",
                ("Дата", "Пара", "Код", "Дисциплина", "Чего нет", "Сколько", "Преподаватель", "Занятие"),
                ((r.held_on, r.pair, r.code, r.title, GAP_NAMES[r.gap], r.missing, r.teacher, r.lesson) for r in rows),
            )
        items = [
            {
                "gap": r.gap,
                "page": r.page,
                "discipline": {"id": r.discipline, "code": r.code, "title": r.title},
                "lesson": r.lesson,
                "date": r.held_on,
                "pair": r.pair,
                "teacher": r.teacher,
                "missing": r.missing,
            }
            for r in rows
        ]
        return json({"items": items, "total": rows[0].total if rows else 0, "limit": limit, "offset": offset})

    return router
