"""The handler of commands: conflicts, refusals, replays, unknown outcomes, many writers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection

from services.kit import handle
from services.kit.handle import Command, Fact, Folded, Handler, command_id
from services.kit.log.eventlog import MAX_EVENT_BYTES, Appended, Conflict, EventLog, NewEvent, OutcomeUnknown
from services.kit.log.memory import MemoryLog
from services.kit.log.postgres import PostgresLog, install
from services.kit.postgres import open_pool
from services.kit.problems import Busy, KeyReused, OutcomeUnclear, TooLarge
from tests.common.clock import START, ManualClock
from tests.common.kit import TYPES, Add, Counted, Counter, Padded, Raise, TooMuch, command, new_event
from tests.conftest import NewDatabase

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def postgres_log(module_database: NewDatabase) -> AsyncIterator[EventLog]:
    database = await module_database("gradebook")
    async with await AsyncConnection.connect(database.owner_dsn, autocommit=True) as owner:
        await install(owner, database.role)
    pool = await open_pool(database.dsn, name="handle")
    log = PostgresLog(pool)
    yield log
    await log.close()
    await pool.close()


@pytest.fixture(params=["memory", "postgres"])
def log(request: pytest.FixtureRequest) -> EventLog:
    if request.param == "memory":
        return MemoryLog(ManualClock())
    stored: EventLog = request.getfixturevalue("postgres_log")
    return stored


@pytest.fixture
def stream(request: pytest.FixtureRequest) -> str:
    """A stream of the test's own: the log on PostgreSQL is the same for all."""
    return f"counter/{request.node.name}"


@pytest.fixture
def key(request: pytest.FixtureRequest) -> Callable[[str, str], Command]:
    """Commands under keys of the test's own."""

    def make(name: str, body: str = "r") -> Command:
        return command(f"{request.node.name}/{name}", body)

    return make


Key = Callable[..., Command]


def handler(log: EventLog, keep: int = 128) -> Handler[Counter]:
    """A handler with a cache of its own: one process."""
    return Handler(log, TYPES, Counter, ManualClock(), keep)


# -- one process ------------------------------------------------------------------------------------------------


async def test_a_command_lands_with_its_metadata(log: EventLog, stream: str, key: Key) -> None:
    asked = key("a")._replace(session="s" * 64, via="import", cause="schedule:9")
    done = await handler(log).execute(stream, asked, Add(1, 2))
    rows = await log.read_stream(stream)
    assert [row.id for row in rows] == [asked.event_id(0), asked.event_id(1)]
    assert (done.position, done.revision, done.replayed) == (rows[-1].position, 1, False)
    facts = handler(log).facts(rows)
    assert tuple(fact._replace(position=done.position) for fact in facts) == done.facts
    assert {fact.meta for fact in facts} == {
        (asked.id, "r", "person-1", "teacher", "s" * 64, START.isoformat(), "import", "schedule:9", "")
    }


async def test_the_cached_state_is_the_fold_of_the_log(log: EventLog, stream: str, key: Key) -> None:
    cached = handler(log)
    for n in range(5):
        await cached.execute(stream, key(str(n)), Add(n, n))
    folded = await handler(log).state(stream)
    assert cached._cache[stream] == folded == await cached.state(stream)
    assert folded.state == Counter(20, (0, 0, 1, 1, 2, 2, 3, 3, 4, 4))
    assert folded.exists


async def test_a_stream_that_does_not_exist_is_empty_and_not_kept(log: EventLog, stream: str) -> None:
    one = handler(log)
    folded = await one.state(stream)
    assert folded == Folded(Counter(), -1, 0, {})
    assert not folded.exists
    assert not one._cache


async def test_the_state_as_it_was(log: EventLog, stream: str, key: Key) -> None:
    one = handler(log)
    dones = [await one.execute(stream, key(str(n)), Add(1)) for n in range(3)]
    as_of = await one.state_at(stream, lambda row: row.position <= dones[1].position)
    assert (as_of.state.total, as_of.revision) == (2, 1)
    assert (await one.state_at(stream, lambda row: False)).exists is False
    assert (await one.state(stream)).state.total == 3


async def test_the_same_command_again_answers_as_before(log: EventLog, stream: str, key: Key) -> None:
    one = handler(log)
    first = await one.execute(stream, key("a"), Add(1, 1))
    await one.execute(stream, key("b"), Add(1))
    for process in (one, handler(log)):
        again = await process.execute(stream, key("a"), Add(1, 1))
        assert again == (first.position, first.revision, (), True)
    assert (await one.state(stream)).state.total == 3


async def test_a_replay_answers_even_where_the_rules_would_now_refuse(log: EventLog, stream: str, key: Key) -> None:
    await handler(log).execute(stream, key("a"), Add(9, limit=10))
    again = await handler(log).execute(stream, key("a"), Add(9, limit=10))
    assert again.replayed


async def test_the_same_key_with_another_request_is_refused(log: EventLog, stream: str, key: Key) -> None:
    one = handler(log)
    await one.execute(stream, key("a", "r1"), Add(1))
    for process in (one, handler(log)):
        with pytest.raises(KeyReused):
            await process.execute(stream, key("a", "r2"), Add(5))
    assert len(await log.read_stream(stream)) == 1


async def test_the_same_key_on_another_stream_is_refused(log: EventLog, stream: str, key: Key) -> None:
    one = handler(log)
    await one.execute(stream, key("a", "r1"), Add(1))
    await one.execute(stream + "/other", key("b"), Add(1))
    for other in ("/other", "/new"):
        with pytest.raises(KeyReused):
            await one.execute(stream + other, key("a", "r2"), Add(1))
    assert len(await log.read_stream(stream + "/other")) == 1
    assert await log.read_stream(stream + "/new") == []


async def test_keys_belong_to_their_senders(log: EventLog, stream: str, key: Key) -> None:
    one = handler(log)
    await one.execute(stream, key("a", "r1"), Add(1))
    stranger = Command(command_id("person-2", f"{stream}/a"), "r2", "person-2")
    await one.execute(stream, stranger, Add(1))
    assert (await one.state(stream)).state.total == 2


async def test_a_command_that_appends_nothing_leaves_no_trace(log: EventLog, stream: str, key: Key) -> None:
    one = handler(log)
    nothing = await one.execute(stream, key("a", "r1"), Raise(0))
    assert nothing == (0, -1, (), False)
    assert await log.read_stream(stream) == []
    assert not one._cache
    assert not one._locks
    with pytest.raises(TooMuch):
        await one.execute(stream, key("a", "r2"), Add(5, limit=1))
    done = await one.execute(stream, key("a", "r3"), Add(1))
    assert not done.replayed


async def test_an_event_beyond_the_limit_is_refused_as_the_senders_fault(log: EventLog, stream: str, key: Key) -> None:
    def decide(state: Counter, now: datetime) -> Sequence[Any]:
        return [Counted(by=1), Padded(padding="x" * MAX_EVENT_BYTES)]

    with pytest.raises(TooLarge):
        await handler(log).execute(stream, key("a"), decide)
    assert await log.read_stream(stream) == []


async def test_a_bug_in_a_decision_appends_nothing_and_blocks_nobody(log: EventLog, stream: str, key: Key) -> None:
    def broken(state: Counter, now: datetime) -> Sequence[Any]:
        raise ZeroDivisionError

    one = handler(log)
    with pytest.raises(ZeroDivisionError):
        await one.execute(stream, key("a"), broken)
    assert not one._locks
    await one.execute(stream, key("a"), Add(1))
    assert len(await log.read_stream(stream)) == 1


# -- a second process -------------------------------------------------------------------------------------------


async def test_a_stale_state_is_found_by_the_append_and_judged_anew(log: EventLog, stream: str, key: Key) -> None:
    one, two = handler(log), handler(log)
    await one.execute(stream, key("a"), Add(1))
    await two.execute(stream, key("b"), Add(1))
    add = Add(1)
    done = await one.execute(stream, key("c"), add)
    assert add.seen == [1, 2]
    assert done.revision == 2


async def test_a_conflict_can_end_in_a_refusal(log: EventLog, stream: str, key: Key) -> None:
    one, two = handler(log), handler(log)
    await one.execute(stream, key("a"), Add(1))
    await two.execute(stream, key("b"), Add(8))
    with pytest.raises(TooMuch) as refused:
        await one.execute(stream, key("c"), Add(2, limit=10))
    assert refused.value.params == {"total": 9}
    assert len(await log.read_stream(stream)) == 2


async def test_nobody_is_refused_on_a_stale_state(log: EventLog, stream: str, key: Key) -> None:
    one, two = handler(log), handler(log)
    await one.execute(stream, key("a"), Add(9))
    await two.execute(stream, key("b"), Add(-9))
    add = Add(5, limit=10)
    done = await one.execute(stream, key("c"), add)
    assert add.seen == [9, 0]
    assert done.revision == 2


async def test_nothing_to_change_is_not_said_on_a_stale_state(log: EventLog, stream: str, key: Key) -> None:
    one, two = handler(log), handler(log)
    await one.execute(stream, key("a"), Raise(5))
    await two.execute(stream, key("b"), Raise(4))
    done = await one.execute(stream, key("c"), Raise(5))
    assert len(done.facts) == 1
    assert (await two.state(stream)).state.total == 5


async def test_a_replay_in_another_process_is_not_taken_for_nothing_to_change(
    log: EventLog, stream: str, key: Key
) -> None:
    one, two = handler(log), handler(log)
    await one.execute(stream, key("a"), Raise(5))
    landed = await two.execute(stream, key("b"), Raise(4))
    assert await one.execute(stream, key("b"), Raise(5)) == (landed.position, landed.revision, (), True)


async def test_processes_that_interleave_lose_nothing_and_repeat_nothing(
    log: EventLog, stream: str, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "JITTER_SECONDS", 0.002)
    monkeypatch.setattr(handle, "ATTEMPTS", 200)
    processes = [handler(log), handler(log)]
    commands = [(n, process) for n in range(25) for process in processes for _ in range(2)]
    dones = await asyncio.gather(*(p.execute(stream, key(str(n)), Add(1, 1)) for n, p in commands))
    folded = await handler(log).state(stream)
    assert folded.state.total == 50
    assert sum(not done.replayed for done in dones) == 25
    for (n, _), done in zip(commands, dones, strict=True):
        assert folded.receipts[key(str(n)).id] == ("r", done.position, done.revision)
    for process in processes:
        assert await process.state(stream) == folded
        assert not process._locks


async def test_a_limit_holds_against_writers_in_two_processes(
    log: EventLog, stream: str, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "JITTER_SECONDS", 0.002)
    monkeypatch.setattr(handle, "ATTEMPTS", 200)
    processes = [handler(log), handler(log)]
    answers = await asyncio.gather(
        *(processes[n % 2].execute(stream, key(str(n)), Add(1, limit=7)) for n in range(20)), return_exceptions=True
    )
    assert sum(isinstance(answer, TooMuch) for answer in answers) == 13
    assert (await handler(log).state(stream)).state.total == 7


async def test_commands_of_one_stream_queue_in_one_process(log: EventLog, stream: str, key: Key) -> None:
    one = handler(log)
    await one.execute(stream, key("first"), Add(1))
    adds = [Add(1) for _ in range(20)]
    await asyncio.gather(*(one.execute(stream, key(str(n)), add) for n, add in enumerate(adds)))
    assert sorted(add.seen[0] for add in adds) == list(range(1, 21))
    assert all(len(add.seen) == 1 for add in adds), "no conflict within one process"
    assert not one._locks


async def test_a_reader_meanwhile_does_not_disturb_the_cache(log: EventLog, stream: str, key: Key) -> None:
    one = handler(log)

    async def read() -> list[int]:
        return [(await one.state(stream)).state.total for _ in range(30)]

    seen, *_ = await asyncio.gather(read(), *(one.execute(stream, key(str(n)), Add(1)) for n in range(30)))
    assert seen == sorted(seen)
    assert one._cache[stream] == await handler(log).state(stream)


async def test_a_caller_who_leaves_while_waiting_blocks_nobody(log: EventLog, stream: str, key: Key) -> None:
    one = handler(log)
    running = [asyncio.create_task(one.execute(stream, key(str(n)), Add(1))) for n in range(6)]
    await asyncio.sleep(0)
    running[0].cancel()
    running[3].cancel()
    answers = await asyncio.gather(*running, return_exceptions=True)
    assert not any(isinstance(answer, Exception) for answer in answers)
    assert not one._locks
    # he who left may find his command done or not done, and once he asks again it is done once
    for n in (0, 3):
        await one.execute(stream, key(str(n)), Add(1))
    assert (await handler(log).state(stream)).state.total == 6


# -- the cache --------------------------------------------------------------------------------------------------


async def test_the_cache_keeps_the_latest_streams(key: Key) -> None:
    one = handler(MemoryLog(), keep=3)
    for n in range(5):
        await one.execute(f"c{n}", key(str(n)), Add(n))
    assert list(one._cache) == ["c2", "c3", "c4"]
    await one.state("c2")
    await one.execute("c0", key("again"), Add(1))
    assert list(one._cache) == ["c4", "c2", "c0"]
    for n in range(5):
        assert (await one.state(f"c{n}")).state.total == n + (n == 0)
        assert len(one._cache) == 3


async def test_an_older_state_never_replaces_a_newer_one() -> None:
    one = handler(MemoryLog())
    newer = Folded(Counter(2, (1, 1)), 1, 2, {})
    one._hold("c", newer)
    assert one._hold("c", Folded(Counter(1, (1,)), 0, 1, {})) is newer
    assert one._cache["c"] is newer


async def test_folding_leaves_the_old_state_as_it_was(key: Key) -> None:
    one = handler(MemoryLog())
    await one.execute("c", key("a"), Add(1))
    before = await one.state("c")
    frozen = Folded(before.state, before.revision, before.position, dict(before.receipts))
    await one.execute("c", key("b"), Add(1))
    assert before == frozen


# -- a log that fails -------------------------------------------------------------------------------------------


class FailingLog(MemoryLog):
    """Fails the next appends as told: before they land, or after."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: list[tuple[bool, Exception]] = []
        self.appends = 0

    async def append(self, stream: str, expected: int, events: Sequence[NewEvent]) -> Appended:
        self.appends += 1
        lands, failure = self.fails.pop(0) if self.fails else (True, None)
        landed = await super().append(stream, expected, events) if lands else None
        if failure is not None:
            raise failure
        assert landed is not None
        return landed


@pytest.mark.parametrize("lands", [True, False])
async def test_an_unknown_outcome_resolves_by_sending_again(lands: bool, key: Key) -> None:
    log = FailingLog()
    one = handler(log)
    await one.execute("c", key("a"), Add(1))
    log.fails = [(lands, OutcomeUnknown("gone"))]
    with pytest.raises(OutcomeUnclear):
        await one.execute("c", key("b"), Add(1))
    assert not one._locks
    done = await one.execute("c", key("b"), Add(1))
    assert done.replayed is lands
    assert (await one.state("c")).state.total == 2


async def test_an_unknown_outcome_shows_in_the_state(key: Key) -> None:
    log = FailingLog()
    one = handler(log)
    log.fails = [(True, OutcomeUnknown("gone"))]
    with pytest.raises(OutcomeUnclear):
        await one.execute("c", key("a"), Add(1))
    assert (await one.state("c")).receipts.keys() == {key("a").id}


async def test_conflicts_without_end_are_given_up(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "JITTER_SECONDS", 0)
    log = FailingLog()
    log.fails = [(False, Conflict("c", -1, 0))] * 100
    with pytest.raises(Busy):
        await handler(log).execute("c", key("a"), Add(1))
    assert log.appends == handle.ATTEMPTS
    assert await log.read_stream("c") == []


# -- any history ------------------------------------------------------------------------------------------------

STEP = st.tuples(
    st.integers(0, 1),  # which process
    st.sampled_from("abcdef"),  # which key
    st.integers(-3, 5),  # how much
    st.sampled_from(["add", "raise"]),
)


@given(st.lists(STEP, max_size=25))
def test_any_history_in_two_processes_is_that_of_one_plain_counter(history: list[tuple[int, str, int, str]]) -> None:
    async def run() -> None:
        log = MemoryLog()
        processes = [handler(log, keep=1), handler(log, keep=1)]
        total, known = 0, dict[str, str]()
        for process, name, amount, verb in history:
            request = f"{verb} {amount}"
            decide: Callable[..., Any] = Add(amount, limit=10) if verb == "add" else Raise(amount)
            asked = processes[process].execute("c", command(name, request), decide)
            if name in known:
                if known[name] == request:
                    assert (await asked).replayed
                else:
                    await raises(KeyReused, asked)
            elif verb == "add" and total + amount > 10:
                await raises(TooMuch, asked)
            else:
                done = await asked
                step = amount if verb == "add" else amount - total
                assert [f.event.by for f in done.facts if isinstance(f.event, Counted)] == (
                    [step] if verb == "add" or step else []
                )
                if done.facts:
                    known[name] = request
                total += step
            assert {(await p.state("c")).state.total for p in processes} == {total}

    asyncio.run(run())


async def raises(problem: type[Exception], asked: Awaitable[Any]) -> None:
    with pytest.raises(problem):
        await asked


def test_a_command_id_tells_subject_and_key_apart() -> None:
    ids = {command_id(*pair) for pair in (("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc"), ("a", "b"))}
    assert len(ids) == 5


async def test_events_written_by_others_are_folded_too(log: EventLog, stream: str) -> None:
    rows = [new_event(f"{stream}/1", Counted(by=7)), new_event(f"{stream}/2", Padded(padding="x"))]
    await log.append(stream, -1, rows)
    assert (await handler(log).state(stream)).state == Counter(7, (7,))


def test_a_fact_is_plain_data() -> None:
    assert Fact._fields == ("event", "meta", "id", "position", "revision")
    assert datetime.fromisoformat(command("a").meta(START).decided_at) == START.astimezone(UTC)
