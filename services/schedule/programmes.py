"""The thematic plans (КТП) of one group: one per discipline × period. Stream `programme/{group}`; pure."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.events.schedule import ProgrammeAdopted
from services.kit.handle import Fact


def stream(group: str) -> str:
    return f"programme/{group}"


class Programmes:
    """The latest plan of each (discipline, period)."""

    __slots__ = ("adopted",)

    def __init__(self, adopted: dict[tuple[str, str], ProgrammeAdopted] | None = None) -> None:
        self.adopted = adopted or {}

    def fold(self, facts: Sequence[Fact]) -> "Programmes":
        events = (fact.event for fact in facts)
        return Programmes(
            self.adopted | {(e.discipline, e.period): e for e in events if isinstance(e, ProgrammeAdopted)}
        )


def decide(state: Programmes, wanted: ProgrammeAdopted) -> list[Event]:
    """The plan, unless it is the one in force."""
    return [] if state.adopted.get((wanted.discipline, wanted.period)) == wanted else [wanted]
