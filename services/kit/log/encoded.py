"""What every adapter asks of an append before it touches the log, and the bytes that it sends."""

from collections.abc import Sequence
from typing import NamedTuple

from services.kit.log.eventlog import MAX_EVENT_BYTES, EventTooLarge, NewEvent

MAX_STREAM_BYTES = 1000
"""A longer name would not fit into an index entry."""


class Encoded(NamedTuple):
    """An event to append: the 16 bytes of its id, the rest in UTF-8."""

    id: bytes
    type: bytes
    body: bytes
    meta: bytes


def encoded(events: Sequence[NewEvent]) -> list[Encoded]:
    """The bytes of the events of one append.

    Raises EventTooLarge; ValueError for no events, an id that is no UUID or occurs twice, text that is not UTF-8.
    """
    ready = [Encoded(_uuid(e.id), text(e.type), text(e.body), text(e.meta)) for e in events]
    if not ready:
        raise ValueError("an append needs at least one event")
    if len(ready) > 1 and len({e.id for e in ready}) < len(ready):
        raise ValueError("an event id occurs twice in one append")
    for event in ready:
        if (size := len(event.body) + len(event.meta)) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"an event of {size} bytes; the most is {MAX_EVENT_BYTES}")
    return ready


def stream_name(stream: str) -> bytes:
    """The bytes of a stream's name. Raises ValueError if it is empty or too long."""
    name = text(stream)
    if not 0 < len(name) <= MAX_STREAM_BYTES:
        raise ValueError(f"a stream's name has 1 to {MAX_STREAM_BYTES} bytes")
    return name


def text(value: str) -> bytes:
    """UTF-8. Raises ValueError for lone surrogates and for U+0000, which PostgreSQL cannot store."""
    data = value.encode()
    if b"\0" in data:
        raise ValueError("U+0000 cannot be stored")
    return data


def _uuid(value: str) -> bytes:
    data = bytes.fromhex(value.replace("-", ""))
    if len(data) != 16:
        raise ValueError(f"an event id is a UUID, not {value!r}")
    return data
