"""What answers look like, for the contract and the clients that are generated from it.

A route names the model of its answer (`@router.get(…, answers=Model)`). The model only describes: answers are built as
bytes by hand, and the tests of the services hold every answer against its model, in which no member may be unknown.
"""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Shown(BaseModel):
    """A document or a part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Positioned(Shown):
    """The answer to a change: `position`, such as `gradebook:123`, may be given back as `min_position`."""

    position: str


class Listed(Shown, Generic[T]):
    """A piece of a list. total: how many there are in all."""

    total: int
    items: tuple[T, ...]


class Windowed(Listed[T], Generic[T]):
    """A piece of a list that also says which piece it is."""

    limit: int
    offset: int


def absent() -> Any:
    """The default of a member that may be missing, which is not the same as null."""
    return Field(default_factory=lambda: None)
