"""Ids that more than one service must derive alike: uuid5 of the parts under one namespace of this product."""

import hashlib
from typing import Final
from uuid import UUID

NAMESPACE: Final = UUID("6f1d1c5e-9d0c-5b0b-8a53-2f6a4c6f3b11")
_NAMESPACE: Final = NAMESPACE.bytes
_VARIANT: Final = "89ab" * 4


def derived(*parts: str) -> str:
    """The UUID (text) of a tuple of parts, the same in every process.

    RFC 9562 §5.5 spelled out: every event needs some, and `uuid.uuid5` takes more than twice as long.
    """
    h = hashlib.sha1(_NAMESPACE + "\x1f".join(parts).encode(), usedforsecurity=False).hexdigest()
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{_VARIANT[int(h[16], 16)]}{h[17:20]}-{h[20:32]}"


def page_id(group: str, discipline: str, period: str) -> str:
    """The page of a study group × discipline × period."""
    return derived("page", group, discipline, period)
