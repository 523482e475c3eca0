"""What a check-up says of one part: how it is, what was seen, and what to do."""

from typing import Literal, NamedTuple

from services.kit.problems import Text

State = Literal["ok", "warn", "fail"]
NOTHING = Text("", "")
LAG_WARN, LAG_FAIL = 100, 10_000
"""Positions. Who is behind for a moment is no news."""


class Finding(NamedTuple):
    """part: whom it is about. following: what to do, nothing when all is well."""

    part: str
    state: State
    seen: Text
    following: Text = NOTHING


def graded(value: float, warn: float, fail: float) -> State:
    """The state of a figure that grows worse as it grows."""
    return "fail" if value >= fail else "warn" if value >= warn else "ok"
