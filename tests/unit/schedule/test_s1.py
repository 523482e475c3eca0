"""S1 as a property: whatever is published, moved, substituted, cancelled and passed on, nothing is in two places."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import Event
from services.kit.problems import Problem
from services.schedule import lessons as single
from services.schedule import load
from services.schedule.timetable import Publish, publish
from services.schedule.year import Year
from tests.common.schedule import DAY, STARTS, assignment, period, slot, then, year

END = STARTS + 20 * DAY
TEACHERS = st.sampled_from(["t1", "t2", "t3", "t4"])
GROUPS = ("g1", "g2")
LOAD = [
    assignment(f"{group}-{n}", group, teacher, subgroup=subgroup, responsible=False)
    for group, teachers in zip(GROUPS, (("t1", "t2", "t3"), ("t3", "t4", "t1")), strict=True)
    for n, (teacher, subgroup) in enumerate(zip(teachers, ("", "1", "2"), strict=True))
]


def lines(group: str) -> st.SearchStrategy[list[object]]:
    return st.lists(
        st.builds(
            slot,
            weekday=st.integers(1, 2),
            pair=st.just(1),
            assignment=st.sampled_from([f"{group}-{n}" for n in range(3)]),
            room=st.sampled_from(["", "r1"]),
            parity=st.sampled_from(["every", "every", "odd"]),
        ),
        min_size=1,
        max_size=3,
    )


days = st.integers(0, 8).map(lambda n: STARTS + n * DAY)
steps = st.lists(
    st.one_of(
        st.sampled_from(GROUPS).flatmap(lambda g: st.tuples(st.just("publish"), st.just(g), lines(g))),
        st.tuples(st.just("move"), st.integers(0, 99), days, st.just(1), st.sampled_from(["", "r1"])),
        st.tuples(st.just("substitute"), st.integers(0, 99), TEACHERS),
        st.tuples(st.just("cancel"), st.integers(0, 99)),
        st.tuples(st.just("reassign"), st.sampled_from([a.assignment for a in LOAD]), TEACHERS, days),
    ),
    min_size=2,
    max_size=8,
)


def carried_out(state: Year, step: tuple[object, ...], today: date) -> list[Event]:
    match step:
        case ("publish", str(group), list(slots)):
            return publish(state, Publish(group, period(group=group, ends_on=END), tuple(slots)), today)
        case ("reassign", str(id_), str(teacher), date() as on):
            return load.reassign(state, load.Reassign(id_, teacher, on, "leave"))
        case (_, int(), *_) if not state.lessons:
            return []
        case ("move", int(n), date() as day, int(pair), str(room)):
            return single.move(state, single.Move(_nth(state, n), day, pair, room, "event"), period(), today)
        case ("substitute", int(n), str(teacher)):
            return single.substitute(state, single.Substitute(_nth(state, n), teacher, "illness"))
        case ("cancel", int(n)):
            return single.cancel(state, single.Cancel(_nth(state, n), "illness"), today)
    raise AssertionError(step)


def _nth(state: Year, n: int) -> str:
    return sorted(state.lessons)[n % len(state.lessons)]


@settings(max_examples=300)
@given(steps, st.integers(0, 10))
def test_s1_holds_after_whatever_was_accepted(wanted: list[tuple[object, ...]], passed: int) -> None:
    state = year(*LOAD)
    for n, step in enumerate(wanted):
        try:
            state = then(state, carried_out(state, step, STARTS - DAY if n < 2 else STARTS + passed * DAY))
        except Problem:
            continue
        assert [m for lesson in state.lessons.values() if not lesson.cancelled for m in state.meetings(lesson)] == []
        places = [(x.date, x.pair) for x in state.lessons.values() if not x.cancelled]
        assert sum(map(len, state.occupied.values())) == len(places)
        assert set(places) == set(state.occupied)
