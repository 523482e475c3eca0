"""What the start page must know before anybody signs in: is there an account yet, and is this a demo college."""

from typing import TYPE_CHECKING, Any

import orjson
from fastapi import Response

from services.identity.access import PUBLIC
from services.identity.answers import Begun
from services.identity.commands import Tx
from services.kit.http import Router, json

if TYPE_CHECKING:
    from services.identity.app import Identity


async def tell_of_demo(tx: Tx, about: dict[str, Any]) -> None:
    """Keep what the start page shows of the demo college, instead of what it showed before."""
    await tx.run(
        "insert into demo_college (about) values (%s) on conflict (one) do update set about = excluded.about",
        (orjson.dumps(about).decode(),),
    )


async def begun(tx: Tx) -> dict[str, Any]:
    """{first, demo}: whether nobody has an account yet, and what was told of the demo college, None without one."""
    row = await tx.row("select not exists (select from account), (select about from demo_college)")
    assert row is not None
    return {"first": row[0], "demo": row[1]}


def routes(svc: "Identity") -> Router:
    router = Router(tags=["internal"])

    @router.get("/beginning", policy=PUBLIC, answers=Begun)
    async def beginning() -> Response:
        """For the process that shows the start page; never forwarded from outside."""
        return json(await svc.begun())

    return router
