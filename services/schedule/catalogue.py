"""The college's lists: academic years, rooms, bell times, disciplines. One stream, `catalogue`; pure."""

from collections.abc import Iterable, Sequence
from datetime import date

from contracts.envelope import Event
from contracts.events.schedule import AcademicYearOpened, BellTimesSet, DisciplineAdded, RoomAdded
from services.kit.handle import Fact
from services.schedule.problems import NameTaken

STREAM = "catalogue"

Entry = AcademicYearOpened | RoomAdded | BellTimesSet | DisciplineAdded


class Catalogue:
    """The lists as folded: the latest event under each id, bell times by the day from which they ring."""

    __slots__ = ("bells", "disciplines", "rooms", "years")

    def __init__(self) -> None:
        self.years: dict[str, AcademicYearOpened] = {}
        self.rooms: dict[str, RoomAdded] = {}
        self.bells: dict[date, BellTimesSet] = {}
        self.disciplines: dict[str, DisciplineAdded] = {}

    def fold(self, facts: Sequence[Fact]) -> "Catalogue":
        new = self.copy()
        for fact in facts:
            new.take(fact.event)
        return new

    def copy(self) -> "Catalogue":
        new = Catalogue()
        new.years, new.rooms = dict(self.years), dict(self.rooms)
        new.bells, new.disciplines = dict(self.bells), dict(self.disciplines)
        return new

    def take(self, event: Event) -> None:
        match event:
            case AcademicYearOpened():
                self.years[event.year] = event
            case RoomAdded():
                self.rooms[event.room] = event
            case BellTimesSet():
                self.bells[event.starts_on] = event
            case DisciplineAdded():
                self.disciplines[event.discipline] = event

    def held(self, entry: Entry) -> Entry | None:
        """What stands where `entry` would go."""
        match entry:
            case AcademicYearOpened():
                return self.years.get(entry.year)
            case RoomAdded():
                return self.rooms.get(entry.room)
            case BellTimesSet():
                return self.bells.get(entry.starts_on)
            case DisciplineAdded():
                return self.disciplines.get(entry.discipline)


def decide(state: Catalogue, wanted: Iterable[Entry]) -> list[Event]:
    """The entries that differ from what is there. Raises NameTaken for a second year or room of one title."""
    new = state.copy()
    events: list[Event] = []
    for entry in wanted:
        if new.held(entry) == entry:
            continue
        if isinstance(entry, RoomAdded):
            _refuse_second(entry.title, (r.title for r in new.rooms.values() if r.room != entry.room))
        elif isinstance(entry, AcademicYearOpened):
            _refuse_second(entry.title, (y.title for y in new.years.values() if y.year != entry.year))
        new.take(entry)
        events.append(entry)
    return events


def _refuse_second(title: str, others: Iterable[str]) -> None:
    if title.casefold() in (other.casefold() for other in others):
        raise NameTaken(name=title)
