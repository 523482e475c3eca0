"""The audit of rights: whoever did something on a page or about a student's absences held the role that he names.

A page cannot tell whether a deputy, curator or guardian was one; identity's log can. Both logs are read in step by
`at`: an event is judged by what identity had said until then, on the day of its decision, as the service itself judged
it. Whose lesson it was stays with the rules of the page, so for teachers any scope of the role will do.
"""

from collections import deque
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import orjson
from pydantic import ValidationError

from contracts import grants
from contracts.envelope import Meta, UnknownType
from contracts.events import identity as i
from services.gradebook.audit.replay import FINDINGS_KEPT, Finding, chunks
from services.gradebook.rules import DEPUTIES, TEACHERS
from services.kit.authn import SILENCE_SECONDS, Grants
from services.kit.log.eventlog import Feed, Recorded

LATE = timedelta(seconds=10 + SILENCE_SECONDS)
"""A right that ended so shortly before an event may still have been known: the service hears of identity up to
`SILENCE_SECONDS` later, and what is decided waits up to 10 s for the log."""

Change = grants.Relation | grants.Ended


class Report(NamedTuple):
    """judged: events done by persons. findings: the first ones, in log order; `broken` counts all."""

    judged: int
    broken: int
    findings: tuple[Finding, ...]


class _Known:
    """The relations as identity had told them until an instant that only moves on."""

    def __init__(self, said: list[tuple[datetime, list[Change]]]) -> None:
        self.grants, self._waiting = Grants(), deque(said)
        self._held: dict[tuple[str, str, date, str], bool] = {}

    def until(self, instant: datetime) -> None:
        """Take in what was said up to and including the instant."""
        while self._waiting and self._waiting[0][0] <= instant:
            self.grants.apply(self._waiting.popleft()[1])
            self._held.clear()

    def held(self, actor: str, role: str, day: date, about: str) -> bool:
        """`actor` was `role` on that day, with reach of the group, or student, that `about` names."""
        key = (actor, role, day, about)
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = self._look(actor, role, day, about)
        return held

    def _look(self, actor: str, role: str, day: date, about: str) -> bool:
        objects = self.grants.objects
        kind, _, id_ = about.partition("/")
        if kind == "page":
            if role in TEACHERS:
                return bool(objects(actor, f"role:{role}", day))
            return role in DEPUTIES and not objects(actor, f"role:{role}", day).isdisjoint(("", id_))
        match role:
            case "guardian":
                return id_ in objects(actor, "guardian", day)
            case "curator":
                return not objects(actor, "curator", day).isdisjoint(objects(id_, "member", day))
            case "student":  # announces himself when nobody is his guardian
                himself = actor == id_ and bool(objects(actor, "role:student", day))
                return himself and not self.grants.subjects("guardian", id_, day)
        return False


class Rights:
    """The state of the audit; `take` rows of the grade book in log order. said: identity's changes, oldest first."""

    def __init__(self, said: list[tuple[datetime, list[Change]]], zone: ZoneInfo) -> None:
        self._now, self._before, self._zone = _Known(said), _Known(said), zone
        self._groups: dict[str, str] = {}
        self._meta, self._day, self._day_before = Meta("", "", "", "", "", "", ""), date.min, date.min
        self._meta_text = ""
        self.judged = self.broken = 0
        self.findings: list[Finding] = []

    def take(self, rows: list[Recorded]) -> None:
        """Judge consecutive rows. What cannot be read is for the replay to name."""
        for row in rows:
            try:
                self._take(row)
            except (ValueError, KeyError, TypeError, OverflowError):
                continue

    def _take(self, row: Recorded) -> None:
        if row.meta != self._meta_text:
            self._read(row.meta)
        meta = self._meta
        if row.type == "PageOpened.v1":
            self._groups[row.stream] = orjson.loads(row.body)["group"]
        if meta.actor.startswith("system:"):
            return
        self.judged += 1
        about = self._about(row)
        self._now.until(row.at)
        if self._now.held(meta.actor, meta.role, self._day, about):
            return
        self._before.until(row.at - LATE)
        if not self._before.held(meta.actor, meta.role, self._day_before, about):
            self._find(row, about)

    def _read(self, text: str) -> None:
        meta = Meta.of(text)
        decided_at = datetime.fromisoformat(meta.decided_at)
        self._day = decided_at.astimezone(self._zone).date()
        self._day_before = (decided_at - LATE).astimezone(self._zone).date()
        self._meta, self._meta_text = meta, text

    def _about(self, row: Recorded) -> str:
        if row.stream.startswith("page/"):
            return f"page/{self._groups.get(row.stream, '')}"
        return f"student/{orjson.loads(row.body)['student']}"

    def _find(self, row: Recorded, about: str) -> None:
        self.broken += 1
        if len(self.findings) < FINDINGS_KEPT:
            kind, _, id_ = about.partition("/")
            reach = f"group {id_}" if kind == "page" else f"student {id_}"
            why = f"was not {self._meta.role or 'of any role'} for {reach} on {self._day}"
            found = Finding(row.position, row.stream, row.type, self._meta.actor, "right", "not-held", why)
            self.findings.append(found)


async def rights(log: Feed, identity: Feed, zone: ZoneInfo, progress: Callable[[int], None] | None = None) -> Report:
    """Judge the whole log of the grade book by identity's. `progress` gets the position after every chunk."""
    state = Rights([change async for rows in chunks(identity) for change in _said(rows)], zone)
    async for rows in chunks(log):
        state.take(rows)
        if progress is not None:
            progress(rows[-1].position)
    return Report(state.judged, state.broken, tuple(state.findings))


def _said(rows: list[Recorded]) -> list[tuple[datetime, list[Change]]]:
    """When which relations began or ended; an unreadable row says nothing here."""
    said = []
    for row in rows:
        try:
            event = i.EVENTS.decode(row.type, row.body)
        except (UnknownType, ValidationError):
            continue
        if changes := [c for c in grants.changes(event) if isinstance(c, grants.Relation | grants.Ended)]:
            said.append((row.at, changes))
    return said
