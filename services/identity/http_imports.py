"""The route of imports: identity's part of a roster document, checked or carried out."""

from typing import TYPE_CHECKING, Any

from fastapi import Response

from services.identity import access, answers
from services.identity.commands import Tx
from services.identity.http import answered
from services.identity.imports import take
from services.identity.imports.document import Roster
from services.kit.http import Change, Router, json

if TYPE_CHECKING:
    from services.identity.app import Identity


def routes(svc: "Identity") -> Router:
    router = Router(tags=["imports"])

    @router.post("/imports", policy=access.ADMINISTRATOR, answers=answers.Imported)
    async def import_roster(body: Roster, change: Change, check: bool = False, skip_bad: bool = False) -> Response:
        """Import a roster: all of it, or nothing and the bad rows named by file:line.

        check: the real import, rolled back; its report also tells of bad rows. skip_bad: without the bad rows.
        """
        command = change.command("journal_administrator")._replace(via="import")

        async def do(tx: Tx) -> dict[str, Any]:
            return await take(tx, body, skip_bad=skip_bad or check)

        outcome = await svc.commands.execute(command, do, dry=check)
        if not check:
            return answered(outcome)
        refused = bool(outcome.answer["problems"]) and not skip_bad
        return json({**outcome.answer, "check": True, "refused": refused, "position": None})

    return router
