"""A body without a declared length is passed on as it came: whole, or cut where its client has gone."""

from collections.abc import Sequence

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from services.kit.bodies import limited

pytestmark = pytest.mark.anyio

CHUNKED = [(b"transfer-encoding", b"chunked")]


def coming(messages: Sequence[Message]) -> Receive:
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0)

    return receive


def part(body: bytes, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def read(messages: Sequence[Message]) -> bytes:
    receive = await limited("/api/x", CHUNKED, coming(messages))
    return await Request({"type": "http", "method": "PUT", "headers": CHUNKED}, receive).body()


async def test_the_parts_make_the_body() -> None:
    assert await read([part(b"ab", True), part(b"", True), part(b"c", False)]) == b"abc"


async def test_a_body_whose_client_has_gone_before_its_end_is_no_whole_one() -> None:
    """What came of it may well make sense: a table of people cut behind a line would be imported by half."""
    with pytest.raises(ClientDisconnect):
        await read([part(b'{"grades": []}', True), {"type": "http.disconnect"}])
