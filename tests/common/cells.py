"""Cells of the demo class that its teachers may fill today."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import httpx


class Cell(NamedTuple):
    """A student at a lesson of a page, and the login of who may write there."""

    login: str
    page: str
    lesson: str
    student: str


async def cells_of(login: str, client: httpx.AsyncClient) -> list[Cell]:
    """The cells that the teacher may write today on his open pages."""
    me = (await client.get("/identity/me")).json()["person"]["id"]
    pages = (await client.get("/gradebook/pages", params={"teacher": me, "state": "open"})).json()["items"]
    found = []
    for listed in pages:
        page = (await client.get(f"/gradebook/pages/{listed['id']}")).json()
        for lesson in page["lessons"]:
            if lesson["lock"] is None and lesson["assignment"] in page["you"]["assignments"]:
                absent = {mark["student"] for mark in (lesson["attendance"] or {}).get("marks", ())}
                found += [
                    Cell(login, listed["id"], lesson["lesson"], s["student"])
                    for s in page["students"]
                    if s["enrolled"]
                    and not s["lock"]
                    and s["student"] not in absent
                    and lesson["lesson"] not in s["cells"]
                ]
    return found


def marks(values: Sequence[str]) -> dict[str, Any]:
    """The body of a cell."""
    return {"grades": [{"value": v, "work": "written"} for v in values]}
