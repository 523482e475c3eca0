"""The routes of deputy and director: permissions, settings of the rules, the close of a page and of a period."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import Path, Request, Response

from contracts.events import gradebook as e
from contracts.events.gradebook import Reason
from contracts.ids import derived
from services.gradebook import access, answers
from services.gradebook import commands as c
from services.gradebook import requests as r
from services.gradebook.access import PERMIT, READ
from services.gradebook.keeper import LOCK as KEEPER_LOCK
from services.gradebook.known import pages_known
from services.gradebook.problems import PageClosed
from services.gradebook.rules import Context, judge
from services.gradebook.views import pages
from services.gradebook.writing import PageId, reason_of, written
from services.kit.authn import Principal
from services.kit.handle import Command
from services.kit.http import Caller, Change, ChangeRequest, Router, json, language, position_header
from services.kit.problems import NotFound, Problem

if TYPE_CHECKING:
    from services.gradebook.app import Gradebook


def routes(svc: "Gradebook") -> Router:
    """The routes on `svc`."""
    router = Router(tags=["permits"])
    completing = asyncio.Lock()  # who waits for the keeper holds a connection, so one at a time

    async def permit(
        page: str,
        asked: ChangeRequest,
        given: r.ReasonIn | None,
        about: tuple[str, ...],
        command: Callable[[Reason | None], c.PageCommand],
    ) -> Response:
        """Carry a deputy's command out under the role whose scope reaches the page."""
        state = (await svc.page(page)).state
        by = asked.command(access.deputy_role(state, asked.principal))
        async with reason_of(svc, by, given, about) as reason:
            allow = lambda page: access.deputy_role(page, asked.principal)  # noqa: E731 - asked again of what is decided on
            outcome = await svc.change(page, command(reason), by, allow)
        return written(outcome, None)

    @router.post("/pages/{page}/permissions", policy=PERMIT, answers=answers.Written)
    async def allow_final(page: PageId, asked: Change, body: r.PermissionIn) -> Response:
        """Allow one student's final after the deadline, or on fewer grades."""
        return await permit(
            page,
            asked,
            body.reason,
            (body.student,),
            lambda why: c.AllowFinal(body.student, _given(why), body.late_until, body.fewer_grades),
        )

    @router.post("/pages/{page}/unlocks", policy=PERMIT, answers=answers.Written)
    async def unlock(page: PageId, asked: Change, body: r.UnlockIn) -> Response:
        """Let entries for one lesson through up to and including a day."""
        return await permit(page, asked, body.reason, (), lambda why: c.Unlock(body.lesson, body.until, _given(why)))

    @router.post("/pages/{page}/entry-limit", policy=PERMIT, answers=answers.Written)
    async def lift_entry_limit(page: PageId, asked: Change, body: r.EntryLimitIn) -> Response:
        """After an outage: take entries due in these days up to and including `until`."""
        return await permit(
            page,
            asked,
            body.reason,
            (),
            lambda why: c.LiftEntryLimit(body.starts_on, body.ends_on, body.until, _given(why)),
        )

    @router.put("/pages/{page}/rules", policy=PERMIT, answers=answers.Written)
    async def set_rules(page: PageId, asked: Change, body: r.RulesIn) -> Response:
        """The settings of the rules from now on, such as the number of grades of a short course."""
        return await permit(page, asked, None, (), lambda why: c.SetRules(body.rules()))

    @router.post("/pages/{page}/close", policy=PERMIT, answers=answers.Written)
    async def close(page: PageId, asked: Change, body: r.CloseIn) -> Response:
        """Close the page; `force` with a reason though finals are missing or dots open."""
        return await permit(page, asked, body.reason, (), lambda why: c.ClosePage(body.force, why))

    @router.post("/closings", policy=PERMIT, answers=answers.Closed)
    async def close_period(asked: Change, body: r.ClosingIn, request: Request) -> Response:
        """Close every page of a period, one by one; sent again, it goes on where it stopped.

        Once none of them is open, the period counts as closed: a page of it that is opened later is born closed.
        """
        listed = await _pages(svc, body.period, asked.principal, access.closes_group)
        closed, refused, position = 0, [], 0
        async with reason_of(svc, asked.command(""), body.reason, ()) as reason:
            for page, _, _ in listed:
                state = (await svc.page(page)).state
                by = asked.command(access.deputy_role(state, asked.principal))
                by = by._replace(id=derived("closing", by.id, page))
                try:
                    outcome = await svc.change(page, c.ClosePage(body.force, reason), by)
                except Problem as problem:
                    refused.append({"page": page, "problem": problem.document(language(request))})
                else:
                    closed, position = closed + 1, max(position, outcome.position)
        answer: dict[str, object] = {"position": f"gradebook:{position}", "pages": len(listed), "closed": closed}
        answer["period_closed"] = not refused and await complete(body.period, asked.principal)
        answer["refused"] = refused
        return json(answer, headers=position_header("gradebook", position))

    async def complete(period: str, principal: Principal) -> bool:
        """Count the period as closed unless a page of it is open, such as one opened during the loop.

        The keeper opens pages under its lock, so none is opened between the look and the mark.
        """
        async with completing, svc.pool.connection() as conn, conn.transaction():
            await conn.execute("select pg_advisory_xact_lock(%s)", (KEEPER_LOCK,))
            for page in await pages_known(conn, period):
                state = (await svc.page(page)).state
                opened = state.opened
                if opened is not None and state.closed is None and access.closes_group(principal, opened.group):
                    return False
            await conn.execute(
                "insert into closed_period values (%s, %s, %s) on conflict do nothing",
                (period, principal.subject, principal.now),
            )
            return True

    @router.get("/closings/{period}", policy=READ, answers=answers.Closing)
    async def closing(period: Annotated[str, Path(max_length=64)], principal: Caller, request: Request) -> Response:
        """How far the close of a period is. refused: the open pages whose close would be refused now, and why.

        A deputy is told what stands against his own close, any other reader what the page lacks.
        """
        listed = await _pages(svc, period, principal, access.reaches_group)
        refused = []
        for page, group, closed in listed:
            if closed:
                continue
            role = access.closing_role(principal, group) or "director"
            meta = Command("", "", principal.subject, role).meta(principal.now)
            try:
                judge((await svc.page(page)).state, e.PeriodClosed(), Context(meta, principal.today))
            except PageClosed:  # since the list was read
                continue
            except Problem as problem:
                told = problem.document(language(request))
                refused.append({"page": page, "problem": {k: v for k, v in told.items() if k not in problem.extra}})
        async with svc.pool.connection() as conn:
            cursor = await conn.execute("select from closed_period where period = %s", (period,))
            counts = await cursor.fetchone() is not None
        done = sum(closed for _, _, closed in listed)
        answer = {"period": period, "pages": len(listed), "closed": done, "period_closed": counts, "refused": refused}
        return json(answer)

    return router


def _given(reason: Reason | None) -> Reason:
    assert reason is not None, "the body has one"
    return reason


async def _pages(
    svc: "Gradebook", period: str, principal: Principal, reaches: Callable[[Principal, str], bool]
) -> list[tuple[str, str, bool]]:
    """The pages of a period in groups that the person `reaches`, as of now. Raises NotFound when there are none."""
    await svc.projector.reached("gradebook", await svc.log.head())
    async with svc.pool.connection() as conn:
        listed = await pages.of_period(conn, period)
    reached = [row for row in listed if reaches(principal, row[1])]
    if not reached:
        raise NotFound
    return reached
