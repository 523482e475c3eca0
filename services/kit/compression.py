"""Answers to reading made small for slow lines: a journal page is tens of kilobytes of JSON and a tenth of that packed.

Only whole answers to GET are packed. Codes and other secrets are told in answers to changes only, so nobody can learn
one from the packed length of an answer that also repeats what he sent.
"""

import gzip

from starlette.types import Message, Scope, Send

from services.kit.static import accepted

SMALLEST = 2_000
"""Bytes below which an answer fits in a packet or two anyway."""
LEVEL = 4
PACKED = (b"application/json", b"text/csv")


def compressing(scope: Scope, send: Send) -> Send:
    """`send` that packs what is worth it where the client takes gzip, else `send` itself.

    The entity tag stays: it names the version of the thing, and changes are made under it whichever way it was sent.
    """
    asked = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"").decode("latin-1")
    if scope["method"] != "GET" or "gzip" not in accepted(asked):
        return send
    held: Message | None = None

    async def send_packed(message: Message) -> None:
        nonlocal held
        if message["type"] == "http.response.start" and _worth(message):
            held = message
            return
        if held is not None:
            start, held = held, None
            body: bytes = message.get("body", b"")
            if not message.get("more_body", False) and len(body) >= SMALLEST:
                body = gzip.compress(body, LEVEL, mtime=0)
                kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
                packed = [(b"content-encoding", b"gzip"), (b"content-length", str(len(body)).encode())]
                start = {**start, "headers": [*kept, *packed, (b"vary", b"accept-encoding")]}
                message = {**message, "body": body}
            await send(start)
        await send(message)

    return send_packed


def _worth(start: Message) -> bool:
    headers = dict(start.get("headers", ()))
    return (
        start["status"] == 200
        and b"content-encoding" not in headers
        and headers.get(b"content-type", b"").startswith(PACKED)
    )
