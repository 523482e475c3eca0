"""The routes by which teachers write: lessons, homework, cells, attendance, finals, signature, undo.

The route of one cell reads its body itself: it is the one that a class of teachers calls all day.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Path, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from contracts.events import gradebook as e
from services.gradebook import access, answers
from services.gradebook import commands as c
from services.gradebook import requests as r
from services.gradebook.access import WRITE
from services.kit.handle import Command, Fact
from services.kit.http import Change, ChangeRequest, Router, change, json, position_header
from services.kit.problems import NotFound

if TYPE_CHECKING:
    from services.gradebook.app import Gradebook, Outcome

PageId = Annotated[str, Path(max_length=64)]
ItemId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:\-]{1,64}$")]
ID_LENGTH = 64


def routes(svc: "Gradebook") -> Router:
    """The routes on `svc`."""
    router = Router(tags=["writing"])

    async def write(page: str, asked: ChangeRequest, command: c.PageCommand, by: Command) -> "Outcome":
        return await svc.change(page, command, by, lambda state: access.read(state, asked.principal))

    cell = r.schema(r.CellIn, "page", "lesson", "student")

    @router.put("/pages/{page}/cells/{lesson}/{student}", policy=WRITE, answers=answers.WrittenCell, openapi_extra=cell)
    async def set_cell(request: Request) -> Response:
        """All marks of one cell. If-Match: its tag; If-None-Match: * for an empty one."""
        path = request.path_params
        page, lesson, student = path["page"], path["lesson"], path["student"]
        if max(len(page), len(lesson), len(student)) > ID_LENGTH:
            raise NotFound
        asked = await change(request)
        body = await _body(request, r.CellIn)
        by, expected = asked.command(access.teacher_role(asked.principal)), expected_tag(asked)
        marks = tuple(mark.mark() for mark in body.grades)
        async with reason_of(svc, by, body.reason, (student,)) as reason:
            outcome = await write(page, asked, c.SetGrades(lesson, student, marks, reason, expected), by)
        tag = str(outcome.facts[-1].revision) if outcome.facts else outcome.page.cell(lesson, student).etag
        return written(outcome, tag, grades=_grades(outcome.facts))

    @router.post("/pages/{page}/cells", policy=WRITE, answers=answers.WrittenCells)
    async def set_cells(page: PageId, asked: Change, body: r.CellsIn) -> Response:
        """Many cells, all or nothing; every refused item is listed."""
        by = asked.command(access.teacher_role(asked.principal))
        students = sorted({item.student for item in body.items})
        async with reason_of(svc, by, body.reason, students) as reason:
            cells = tuple(
                c.SetGrades(i.lesson, i.student, tuple(m.mark() for m in i.grades), reason, i.expected)
                for i in body.items
            )
            outcome = await write(page, asked, c.SetGradesBulk(cells), by)
        tags: dict[tuple[str, str], tuple[int, list[Fact]]] = {}
        for fact in outcome.facts:
            key = (fact.event.lesson, fact.event.student)  # type: ignore[attr-defined]
            tags[key] = (fact.revision, [*tags.get(key, (0, []))[1], fact])
        items = [
            {"lesson": lesson, "student": student, "etag": str(tag), "grades": _grades(facts)}
            for (lesson, student), (tag, facts) in tags.items()
        ]
        return written(outcome, None, items=items)

    @router.put("/pages/{page}/lessons/{lesson}", policy=WRITE, answers=answers.Written, status_code=201)
    async def hold_lesson(page: PageId, lesson: ItemId, asked: Change, body: r.LessonIn) -> Response:
        """Enter a lesson that was held."""
        by = asked.command(access.teacher_role(asked.principal))
        outcome = await write(page, asked, c.HoldLesson(lesson, **body.model_dump()), by)
        return written(outcome, _tag(outcome), status=201)

    @router.patch("/pages/{page}/lessons/{lesson}", policy=WRITE, answers=answers.Written)
    async def amend_lesson(page: PageId, lesson: ItemId, asked: Change, body: r.LessonPatch) -> Response:
        """Change topic, kind or hours. If-Match: the lesson's tag."""
        by = asked.command(access.teacher_role(asked.principal))
        command = c.AmendLesson(lesson, **body.model_dump(), expected=expected_tag(asked))
        outcome = await write(page, asked, command, by)
        return written(outcome, _tag(outcome) or str(outcome.page.lessons[lesson].tag))

    @router.put("/pages/{page}/lessons/{lesson}/homework", policy=WRITE, answers=answers.Written)
    async def assign_homework(page: PageId, lesson: ItemId, asked: Change, body: r.HomeworkIn) -> Response:
        """Replace the homework. If-Match: the lesson's tag."""
        by = asked.command(access.teacher_role(asked.principal))
        command = c.AssignHomework(lesson, body.text, body.due_on, expected_tag(asked))
        outcome = await write(page, asked, command, by)
        return written(outcome, _tag(outcome) or str(outcome.page.lessons[lesson].tag))

    @router.put("/pages/{page}/attendance/{lesson}", policy=WRITE, answers=answers.Written)
    async def mark_attendance(page: PageId, lesson: ItemId, asked: Change, body: r.AttendanceIn) -> Response:
        """The attendance of the whole lesson. If-Match: its tag; If-None-Match: * when it is not marked."""
        by = asked.command(access.teacher_role(asked.principal))
        outcome = await write(page, asked, c.MarkAttendance(lesson, body.absences(), expected_tag(asked)), by)
        tag = _tag(outcome)
        return written(outcome, tag or str(outcome.page.attendance[lesson].tag))

    @router.put("/pages/{page}/finals/{student}", policy=WRITE, answers=answers.Written)
    async def set_final(page: PageId, student: ItemId, asked: Change, body: r.FinalIn) -> Response:
        """Set a final, or replace one with a reason. If-Match: its tag; If-None-Match: * when there is none."""
        by = asked.command(access.teacher_role(asked.principal))
        async with reason_of(svc, by, body.reason, (student,)) as reason:
            command = c.SetFinal(student, body.value, reason, body.order_no, body.source, expected_tag(asked))
            outcome = await write(page, asked, command, by)
        return written(outcome, _tag(outcome) or str(outcome.page.finals[student].tag))

    @router.delete("/pages/{page}/finals/{student}", policy=WRITE, answers=answers.Written)
    async def withdraw_final(page: PageId, student: ItemId, asked: Change, body: r.WithdrawalIn) -> Response:
        """Withdraw a final with a reason, before the deadline. If-Match: its tag."""
        by = asked.command(access.teacher_role(asked.principal))
        async with reason_of(svc, by, body.reason, (student,)) as reason:
            assert reason is not None, "the body has one"
            outcome = await write(page, asked, c.WithdrawFinal(student, reason, expected_tag(asked)), by)
        return written(outcome, _tag(outcome))

    @router.post("/pages/{page}/finals", policy=WRITE, answers=answers.WrittenFinals)
    async def set_finals(page: PageId, asked: Change, body: r.FinalsIn) -> Response:
        """Many finals, all or nothing; `accept` takes every proposed one."""
        by = asked.command(access.teacher_role(asked.principal))
        async with reason_of(svc, by, body.reason, sorted({i.student for i in body.items})) as reason:
            finals = tuple(c.SetFinal(i.student, i.value, reason, i.order_no, i.source, i.expected) for i in body.items)
            outcome = await write(page, asked, c.SetFinals(finals, body.accept), by)
        items = [
            {"student": fact.event.student, "value": fact.event.value, "etag": str(fact.revision)}
            for fact in outcome.facts
            if isinstance(fact.event, e.FinalGradeSet)
        ]
        return written(outcome, None, items=items)

    @router.post("/pages/{page}/signature", policy=WRITE, answers=answers.Written)
    async def sign(page: PageId, asked: Change, body: r.Empty) -> Response:
        """The responsible teacher confirms the page as it stands."""
        by = asked.command(access.teacher_role(asked.principal))
        return written(await write(page, asked, c.SignPage(), by), None)

    @router.post("/pages/{page}/undo", policy=WRITE, answers=answers.Written)
    async def undo(page: PageId, asked: Change, body: r.Empty) -> Response:
        """Take back the own last action on this page, within ten minutes."""
        by = asked.command(access.teacher_role(asked.principal))
        return written(await write(page, asked, c.Undo(), by), None)

    return router


async def _body(request: Request, model: type[r.CellIn]) -> r.CellIn:
    """The body as FastAPI would read it, without its detours."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as wrong:
        errors = [{**error, "loc": ("body", *error["loc"])} for error in wrong.errors(include_url=False)]
        raise RequestValidationError(errors) from wrong


def expected_tag(asked: ChangeRequest) -> str | None:
    """The version that is replaced; `*` is no strong tag, and a weak one never matches."""
    expected = asked.expected()
    return "" if expected == c.UNCHECKED else expected


def reason_of(
    svc: "Gradebook", by: Command, given: r.ReasonIn | None, about: Sequence[str]
) -> AbstractAsyncContextManager[e.Reason | None]:
    """The reason of a command, its text set aside for as long as the command is not refused."""
    if given is None:
        return nullcontext(None)
    return svc.texts.kept(by.id, given.code, given.text, about)


def written(outcome: "Outcome", tag: str | None, status: int = 200, **more: Any) -> Response:
    """The answer of a change: its position in body and header, and the new tag of what was written."""
    headers = position_header("gradebook", outcome.position)
    body: dict[str, Any] = {"position": f"gradebook:{outcome.position}", "events": len(outcome.facts), **more}
    if tag is not None:
        headers["ETag"] = f'"{tag}"'
        body["etag"] = tag
    return json(body, status, headers)


def _tag(outcome: "Outcome") -> str | None:
    return str(outcome.facts[-1].revision) if outcome.facts else None


def _grades(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    """What became of each grade; value None: annulled."""
    return [{"grade": f.event.grade, "value": getattr(f.event, "value", None)} for f in facts]  # type: ignore[attr-defined]
