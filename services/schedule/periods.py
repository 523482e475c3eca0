"""The academic calendar of one group: its periods. Stream `calendar/{group}`; pure."""

from collections.abc import Iterable, Mapping, Sequence

from contracts.envelope import Event
from contracts.events.schedule import AcademicYearOpened, PeriodDefined
from services.kit.handle import Fact
from services.schedule.problems import OutsideYear, PeriodElsewhere, ReferenceUnknown


def stream(group: str) -> str:
    return f"calendar/{group}"


class Calendar:
    """The periods of a group by id."""

    __slots__ = ("periods",)

    def __init__(self, periods: dict[str, PeriodDefined] | None = None) -> None:
        self.periods = periods or {}

    def fold(self, facts: Sequence[Fact]) -> "Calendar":
        events = (fact.event for fact in facts)
        return Calendar(self.periods | {e.period: e for e in events if isinstance(e, PeriodDefined)})


def decide(state: Calendar, wanted: Iterable[PeriodDefined], years: Mapping[str, AcademicYearOpened]) -> list[Event]:
    """The periods that differ from what is there. `years`: those of the catalogue.

    Raises ReferenceUnknown for a year that is not there, OutsideYear, and PeriodElsewhere for a period that is
    already in another year: its lessons are judged there.
    """
    events: list[Event] = []
    for period in wanted:
        held = state.periods.get(period.period)
        if held == period:
            continue
        if held is not None and held.year != period.year:
            raise PeriodElsewhere(period=period.period)
        year = years.get(period.year)
        if year is None:
            raise ReferenceUnknown(what="academic_year", id=period.year)
        if period.starts_on < year.starts_on or period.ends_on > year.ends_on:
            raise OutsideYear(starts_on=year.starts_on, ends_on=year.ends_on)
        events.append(period)
    return events
