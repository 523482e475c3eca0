"""Given the lists and a group's calendar, when entries are added, then only what differs is recorded."""

from datetime import date

import pytest

from contracts.events.schedule import AcademicYearOpened, DisciplineAdded, ProgrammeAdopted, RoomAdded, Topic
from services.schedule import catalogue, periods, programmes
from services.schedule.catalogue import Catalogue
from services.schedule.periods import Calendar
from services.schedule.problems import NameTaken, OutsideYear, PeriodElsewhere, ReferenceUnknown
from services.schedule.programmes import Programmes
from tests.common.schedule import DAY, ENDS, STARTS, facts, period

YEAR = AcademicYearOpened(year="year", title="2025/2026", starts_on=STARTS, ends_on=date(2026, 6, 30))
ROOM = RoomAdded(room="r1", title="101", capacity=30)


def test_the_same_entry_again_changes_nothing() -> None:
    state = Catalogue().fold(facts([YEAR, ROOM]))

    assert catalogue.decide(state, [YEAR, ROOM]) == []
    assert catalogue.decide(state, [ROOM.model_copy(update={"capacity": 25})])


@pytest.mark.parametrize(
    "second",
    [ROOM.model_copy(update={"room": "r2"}), YEAR.model_copy(update={"year": "y2"})],
)
def test_a_title_is_given_once(second: RoomAdded | AcademicYearOpened) -> None:
    with pytest.raises(NameTaken):
        catalogue.decide(Catalogue().fold(facts([YEAR, ROOM])), [second])
    with pytest.raises(NameTaken):
        catalogue.decide(Catalogue(), [YEAR, ROOM, second])


def test_disciplines_of_one_title_are_two() -> None:
    one = DisciplineAdded(discipline="d1", code="ОП.01", title="Черчение", kind="discipline")

    assert len(catalogue.decide(Catalogue(), [one, one.model_copy(update={"discipline": "d2"})])) == 2


def test_a_period_lies_in_its_year() -> None:
    years = {"year": YEAR}
    assert periods.decide(Calendar(), [period()], years) == [period()]
    assert periods.decide(Calendar({"semester": period()}), [period()], years) == []
    with pytest.raises(ReferenceUnknown):
        periods.decide(Calendar(), [period()], {})
    with pytest.raises(OutsideYear):
        periods.decide(Calendar(), [period(starts_on=STARTS - DAY)], years)


def test_a_period_is_defined_again_but_stays_in_its_year() -> None:
    state = Calendar().fold(facts([period()]))
    longer = period(ends_on=ENDS + DAY)

    assert periods.decide(state, [longer], {"year": YEAR}) == [longer]
    with pytest.raises(PeriodElsewhere):
        periods.decide(state, [period(year="next")], {"year": YEAR})


def test_a_programme_is_adopted_again_only_when_it_differs() -> None:
    topic = Topic(number=1, title="Введение", hours=2, kind="lecture")
    plan = ProgrammeAdopted(group="group", discipline="maths", period="semester", topics=(topic,))
    state = Programmes().fold(facts([plan]))

    assert programmes.decide(Programmes(), plan) == [plan]
    assert programmes.decide(state, plan) == []
    assert programmes.decide(state, plan.model_copy(update={"topics": (topic, topic)}))
