"""The absences of one student (`absence/{student}`): what his family announces, how the curator classifies it.

A stream of its own, which the close of a page does not block: certificates come later. Only the class is kept.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from contracts.envelope import Event
from contracts.events import gradebook as e
from contracts.ids import derived
from services.gradebook import problems as p
from services.gradebook.parts import Fact
from services.gradebook.rules import Context

LONGEST = timedelta(days=366)
AHEAD = timedelta(days=92)
"""An absence is announced at most that long before it begins."""


class Announced(NamedTuple):
    absence: str
    starts_on: date
    ends_on: date
    by: str


class Classified(NamedTuple):
    starts_on: date
    ends_on: date
    reason_class: str
    by: str


class Absences:
    """The folded stream."""

    def __init__(self, announced: tuple[Announced, ...] = (), classified: tuple[Classified, ...] = ()) -> None:
        self.announced, self.classified = announced, classified

    def fold(self, facts: Sequence[Fact]) -> "Absences":
        announced, classified = list(self.announced), list(self.classified)
        for fact in facts:
            match fact.event:
                case e.AbsenceAnnounced() as a:
                    announced.append(Announced(a.absence, a.starts_on, a.ends_on, fact.meta.actor))
                case e.AbsenceClassified() as c:
                    classified.append(Classified(c.starts_on, c.ends_on, c.reason_class, fact.meta.actor))
        return Absences(tuple(announced), tuple(classified))

    def shown(self, student: str) -> dict[str, Any]:
        return {
            "student": student,
            "announced": [a._asdict() for a in self.announced],
            "classified": [c._asdict() for c in self.classified],
        }


class Announce(NamedTuple):
    student: str
    starts_on: date
    ends_on: date


class Classify(NamedTuple):
    student: str
    starts_on: date
    ends_on: date
    reason_class: Any
    reason: e.Reason | None = None


def decide(state: Absences, command: Announce | Classify, ctx: Context) -> list[Event]:
    """The event of the command, none when it stands already. Raises DatesWrong and NotYourStudent."""
    event: Event
    if isinstance(command, Announce):
        if any((a.starts_on, a.ends_on) == (command.starts_on, command.ends_on) for a in state.announced):
            return []
        event = e.AbsenceAnnounced(
            absence=derived("absence", ctx.meta.command),
            student=command.student,
            starts_on=command.starts_on,
            ends_on=command.ends_on,
        )
    else:
        last = state.classified[-1] if state.classified else None
        if last is not None and last[:3] == (command.starts_on, command.ends_on, command.reason_class):
            return []
        event = e.AbsenceClassified(
            student=command.student,
            starts_on=command.starts_on,
            ends_on=command.ends_on,
            reason_class=command.reason_class,
            reason=command.reason,
        )
    judge(state, event, ctx)
    return [event]


def judge(state: Absences, event: Any, ctx: Context) -> None:
    """Raise what an event of this stream breaks."""
    if not event.starts_on <= event.ends_on <= event.starts_on + LONGEST:
        raise p.DatesWrong
    if isinstance(event, e.AbsenceAnnounced):
        if ctx.meta.role not in ("guardian", "student") or (
            ctx.meta.role == "student" and ctx.meta.actor != event.student
        ):
            raise p.NotYourStudent
        if event.ends_on < ctx.today or event.starts_on > ctx.today + AHEAD:
            raise p.DatesWrong
    elif ctx.meta.role != "curator":
        raise p.NotYourStudent
