"""What happened on a page, from its recorded events: who, when, old, new, reason, under which command."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from contracts.events import gradebook as e
from services.gradebook.parts import Fact
from services.kit.log.eventlog import Recorded

Entry = tuple[Recorded, Fact]


class Filter(NamedTuple):
    """What to keep; None or "" keeps everything. since, until: of the log's own time, until not included."""

    student: str = ""
    lesson: str = ""
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def keeps(self, entry: Entry) -> bool:
        row, fact = entry
        return (
            (not self.actor or fact.meta.actor == self.actor)
            and (not self.lesson or getattr(fact.event, "lesson", "") == self.lesson)
            and (self.since is None or row.at >= self.since)
            and (self.until is None or row.at < self.until)
            and (not self.student or concerns(fact.event, self.student))
        )


def concerns(event: Any, student: str) -> bool:
    """The event speaks of that student."""
    match event:
        case e.AttendanceMarked():
            return any(mark.student == student for mark in event.marks)
        case e.FinalsTaken():
            return any(final.student == student for final in event.finals)
        case e.SubgroupsSet():
            return any(student in students for students in event.subgroups.values())
        case _:
            return bool(getattr(event, "student", "") == student)


def entries(rows: Sequence[Recorded], facts: Sequence[Fact], wanted: Filter) -> list[Entry]:
    return [entry for entry in zip(rows, facts, strict=True) if wanted.keeps(entry)]


def text_ids(kept: Iterable[Entry]) -> list[str]:
    """The ids of the free texts that the entries' reasons name."""
    reasons = (getattr(fact.event, "reason", None) for _, fact in kept)
    return [reason.text for reason in reasons if reason is not None and reason.text]


def shown(entry: Entry, texts: dict[str, str]) -> dict[str, Any]:
    """One line of the history: the event's own members beside who did it, when and why."""
    row, fact = entry
    data = fact.event.model_dump(mode="json", exclude={"type", "reason"}, exclude_none=True)
    reason = getattr(fact.event, "reason", None)
    return {
        "position": row.position,
        "revision": row.revision,
        "event": row.id,
        "type": row.type,
        "at": row.at,
        "decided_at": fact.meta.decided_at,
        "actor": fact.meta.actor,
        "role": fact.meta.role,
        "via": fact.meta.via,
        "cause": fact.meta.cause,
        "command": fact.meta.command,
        "reason": None if reason is None else {"code": reason.code, "text": texts.get(reason.text or "")},
        "data": data,
    }


def of_cell(rows: Sequence[Recorded], facts: Sequence[Fact], lesson: str, student: str) -> list[Entry]:
    """The entries of one cell: recorded, changed, annulled."""
    kinds = (e.GradeRecorded, e.GradeChanged, e.GradeAnnulled)
    return [
        (row, fact)
        for row, fact in zip(rows, facts, strict=True)
        if isinstance(fact.event, kinds) and fact.event.lesson == lesson and fact.event.student == student
    ]


def change(entry: Entry, texts: dict[str, str]) -> dict[str, Any]:
    """A line of a cell's history with the old and the new value side by side."""
    _, fact = entry
    event = fact.event
    old = None if isinstance(event, e.GradeRecorded) else {"value": event.old, "work": event.old_work}
    new = None if isinstance(event, e.GradeAnnulled) else {"value": event.value, "work": event.work}
    line = shown(entry, texts)
    return {"grade": event.grade, "old": old, "new": new, **line}
