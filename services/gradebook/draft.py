"""A decision in the making: events so far, each judged on the page as the ones before it leave it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from contracts.envelope import Event, Meta
from contracts.ids import derived
from services.gradebook import problems as p
from services.gradebook.commands import UNCHECKED
from services.gradebook.page import Page
from services.gradebook.parts import Lesson
from services.gradebook.rules import Context, judge
from services.kit.problems import NotFound, PreconditionFailed, Problem


class Drafted(NamedTuple):
    """An event that is not recorded yet, as the fold needs it."""

    event: Event
    meta: Meta
    id: str
    revision: int


class Draft:
    """The events decided so far and the page as they leave it. The page is copied only when a second event comes."""

    def __init__(self, page: Page, ctx: Context) -> None:
        self._page, self.ctx = page, ctx
        self._owned = False
        self._waiting: Event | None = None
        self.events: list[Event] = []

    @property
    def page(self) -> Page:
        if self._waiting is not None:
            if not self._owned:
                self._page, self._owned = self._page.copy(), True
            event, self._waiting = self._waiting, None
            # its id as the handler will give it: a later event of the same command may correct this one
            id_ = derived("event", self.ctx.meta.command, str(len(self.events) - 1))
            self._page.apply(Drafted(event, self.ctx.meta, id_, self._page.revision + 1))
        return self._page

    def add(self, *events: Event) -> None:
        """Judge and take in; raises what the rules raise."""
        for event in events:
            judge(self.page, event, self.ctx)
            self.events.append(event)
            self._waiting = event

    def late(self, lesson: Lesson) -> int:
        return max(0, (self.ctx.today - lesson.day).days)


def expect(expected: str | None, current: str | None, shown: Any) -> None:
    """The version that the command replaces is the current one (None: nothing there)."""
    if expected != UNCHECKED and expected != current:
        raise PreconditionFailed(extra={"etag": current, "current": shown})


def lesson_of(page: Page, lesson: str) -> Lesson:
    """The held lesson of that id; raises NotFound."""
    held = page.lessons.get(lesson)
    if held is None:
        raise NotFound
    return held


def each(draft: Draft, items: Sequence[tuple[dict[str, Any], Any]], one: Callable[[Draft, Any], None]) -> None:
    """Decide every item; raises one BulkRefused that lists all refused ones."""
    refused: list[tuple[dict[str, Any], Problem]] = []
    for named, item in items:
        try:
            one(draft, item)
        except Problem as problem:
            refused.append((named, problem))
    if refused:
        raise p.BulkRefused(refused, len(items))
