"""How large the body of a request may be, to the byte, whether its length is declared or not.

The edge of the one-process mode asks, and so does every service in a process of its own: the filter of the gateway
before it lets a last part that carries the end of the request through whole.
"""

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
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise problems.TooLarge(limit=limit)
        more = message.get("more_body", False)
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": b"".join(parts), "more_body": False}

    return replay
