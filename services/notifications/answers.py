"""What notifications answer, for the contract: one model per document. They describe; the bytes are built by hand."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from services.kit.answers import Shown

Day = date  # a member called `date` would hide the type
Kind = Literal[
    "grade",
    "grade_changed",
    "grade_annulled",
    "absence",
    "late",
    "left_early",
    "final",
    "final_withdrawn",
    "period_closed",
    "substituted",
    "moved",
    "cancelled",
    "timetable",
    "code_reissued",
]
LogName = Literal["gradebook", "schedule", "identity"]
Positions = Annotated[dict[str, int], Field(description="How far the view has come: the position by log.")]


class NoticeDiscipline(Shown):
    id: str
    code: str | None
    title: str | None


class NoticeLesson(Shown):
    id: str
    date: Day | None
    pair: int | None


class Notice(Shown):
    """`text` may be shown outside; values are in `data`. own: the reader did it himself. withdrawn: an absence that
    was taken back."""

    id: str
    position: Annotated[str, Field(description="Of the event it tells of, such as gradebook:123.")]
    at: datetime
    kind: Kind
    text: str
    unread: bool
    own: bool
    withdrawn: bool
    student: str | None
    page: str | None
    group: str | None
    discipline: NoticeDiscipline | None
    lesson: NoticeLesson | None
    data: Annotated[dict[str, Any], Field(description="What the kind has besides, such as `value` and `old`.")]


class Inbox(Shown):
    """next: the cursor of the following page, null on the last one."""

    items: tuple[Notice, ...]
    next: str | None
    positions: Positions


class Unread(Shown):
    """more: there are more than `unread`, which is as far as they are counted."""

    unread: int
    more: bool
