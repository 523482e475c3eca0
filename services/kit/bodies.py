"""How large the body of a request may be, to the byte, whether its length is declared or not.

The edge of the one-process mode asks, and so does every service in a process of its own: the filter of the gateway
before it lets a last part that carries the end of the request through whole.
"""

from collections import deque

from starlette.types import Message, Receive

from services.kit import problems
from services.kit.admission import Headers

BODY_LIMIT = 1_000_000
IMPORT_LIMIT = 32_000_000


async def limited(path: str, headers: Headers, receive: Receive) -> Receive:
    """`receive` for a body within the limit of that path; one without a declared length is read here first.

    Raises TooLarge, and BadRequest for a length that is no number.
    """
    limit = IMPORT_LIMIT if path.endswith("/imports") else BODY_LIMIT
    named = dict(headers)
    length = named.get(b"content-length")
    if length is not None:
        if not length.isdigit():
            raise problems.BadRequest
        if int(length) > limit:
            raise problems.TooLarge(limit=limit)
        return receive
    if b"transfer-encoding" not in named:
        return receive
    messages = deque[Message]()
    size, more = 0, True
    while more:
        messages.append(message := await receive())
        size += len(message.get("body", b""))
        if size > limit:
            raise problems.TooLarge(limit=limit)
        more = message.get("more_body", False)

    async def replay() -> Message:
        """As they came: a body whose client has gone before its end must not pass for a whole one."""
        return messages.popleft() if messages else await receive()

    return replay
