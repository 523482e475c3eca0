"""Ids that more than one service must derive alike: uuid5 of the parts under one namespace of this product."""

from uuid import UUID, uuid5

NAMESPACE = UUID("6f1d1c5e-9d0c-5b0b-8a53-2f6a4c6f3b11")


def derived(*parts: str) -> str:
    """The UUID (text) of a tuple of parts, the same in every process."""
    return str(uuid5(NAMESPACE, "\x1f".join(parts)))


def page_id(group: str, discipline: str, period: str) -> str:
    """The page of a study group × discipline × period."""
    return derived("page", group, discipline, period)
