"""What every adapter of the event log must do: `LogConformance`, a test class for subclasses that give a `log`, and
`DenseConformance` with what those promise beyond it whose positions count 1, 2, 3 …

A log may hold events of earlier tests: everything is judged from the head at the test's beginning. `Account` keeps
what callers were told and reconciles it with what a reader finds; `check` judges a stretch of the log by itself.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple, Protocol
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kit.log.eventlog import (
    CLOCK_SLACK,
    MAX_EVENT_BYTES,
    NO_STREAM,
    Appended,
    Conflict,
    EventLog,
    EventTooLarge,
    NewEvent,
    OutcomeUnknown,
    Recorded,
)


class ScannedLog(EventLog, Protocol):
    """A log with the fast way through all of it."""

    def scan(self, after: int = 0, chunk: int = 5000) -> AsyncIterator[list[Recorded]]: ...


def event(event_id: str | None = None, body: str = '{"n":1}') -> NewEvent:
    return NewEvent(event_id or str(uuid4()), "Noted.v1", body, '{"via":"cli"}')


def events(count: int) -> list[NewEvent]:
    return [event(body=f'{{"n":{n}}}') for n in range(count)]


def fresh() -> str:
    """A stream that nobody has written to."""
    return f"test-{uuid4()}"


def check(rows: Sequence[Recorded], after: int = 0, dense: bool = True) -> None:
    """The invariants of a stretch of the log that begins after position `after`."""
    positions = [after, *(row.position for row in rows)]
    assert all(a < b for a, b in pairwise(positions)), "positions do not rise"
    assert not dense or positions == list(range(after, after + len(positions))), "positions have holes"
    slack = timedelta(0) if dense else CLOCK_SLACK
    assert all(a.at <= b.at + slack for a, b in pairwise(rows)), "the time goes back"
    assert not [i for i, times in Counter(row.id for row in rows).items() if times > 1], "an event id occurs twice"
    streams: dict[str, list[int]] = {}
    for row in rows:
        streams.setdefault(row.stream, []).append(row.revision)
    for stream, revisions in streams.items():
        first = revisions[0]
        assert revisions == list(range(first, first + len(revisions))), f"revisions of {stream} have holes"


class Told(NamedTuple):
    """What a caller was told of an append. position None: refused."""

    stream: str
    ids: list[str]
    position: int | None
    revision: int


class Account:
    """What callers were told, to be reconciled with the log."""

    def __init__(self) -> None:
        self.landed: list[Told] = []
        self.refused: list[list[str]] = []
        self.unknown: list[list[str]] = []

    async def append(self, log: EventLog, stream: str, expected: int, batch: Sequence[NewEvent]) -> Appended:
        """Append and note the answer."""
        ids = [e.id for e in batch]
        try:
            landed = await log.append(stream, expected, batch)
        except Conflict:
            self.refused.append(ids)
            raise
        except BaseException:
            self.unknown.append(ids)
            raise
        self.landed.append(Told(stream, ids, landed.position, landed.revision))
        return landed

    def reconcile(self, rows: Sequence[Recorded]) -> None:
        """Whatever was acknowledged is there where it was said to be, whole; what was refused is not there."""
        found = {row.id: row for row in rows}
        known: set[str] = set()
        for told in self.landed:
            assert told.position is not None
            for back, event_id in enumerate(reversed(told.ids)):
                row = found.get(event_id)
                assert row is not None, "an acknowledged event is lost"
                assert (row.stream, row.revision) == (told.stream, told.revision - back), "not where he was told"
                assert back or row.position == told.position, "not at the position that he was told"
            known.update(told.ids)
        for ids in self.refused:
            if ids[0] not in known:
                assert not found.keys() & set(ids), "a refused append left events"
        for ids in self.unknown:
            assert len(found.keys() & set(ids)) in (0, len(ids)), "half an append landed"
            known.update(ids)
        assert found.keys() <= known, "events from nowhere"


class Reader:
    """Follows a log by polling, as a projector does: it never looks back."""

    def __init__(self, log: EventLog, after: int) -> None:
        self._log, self.after, self.rows = log, after, list[Recorded]()

    async def read(self) -> None:
        rows = await self._log.read(self.rows[-1].position if self.rows else self.after, 50)
        self.rows += rows

    async def follow(self, busy: Callable[[], bool]) -> None:
        """Poll as long as `busy` and then to the head."""
        while busy():
            await self.read()
            await asyncio.sleep(0)
        while (self.rows[-1].position if self.rows else self.after) < await self._log.head():
            before = len(self.rows)
            await self.read()
            assert len(self.rows) > before, "the head is beyond what can be read"


async def write_much(log: EventLog, account: Account, shared: Sequence[str], seed: int, appends: int) -> None:
    """One caller: appends to a stream of its own and to shared ones, loses races, repeats itself, tries again."""
    dice = random.Random(seed)
    own, revisions = fresh(), dict[str, int]()
    for _ in range(appends):
        stream = dice.choice(shared) if dice.random() < 0.3 else own
        batch = events(dice.choice((1, 1, 1, 2, 5)))
        for _ in range(1000):
            try:
                landed = await account.append(log, stream, revisions.get(stream, NO_STREAM), batch)
            except Conflict as lost:
                revisions[stream] = lost.actual
                continue
            except OutcomeUnknown:
                continue  # asking again by the same ids makes it known
            revisions[stream] = landed.revision
            break
        else:
            raise AssertionError("an append never lands")
        if dice.random() < 0.1:
            assert (await account.append(log, stream, NO_STREAM, batch)).duplicate


async def writers_and_reader(
    logs: Sequence[EventLog], callers: int = 12, appends: int = 10, seed: int = 0
) -> tuple[Account, Reader]:
    """Many callers over several logs of one database, one reader meanwhile; judges everything afterwards."""
    account, after = Account(), await logs[0].head()
    shared = [fresh() for _ in range(3)]
    work = [
        asyncio.create_task(write_much(logs[n % len(logs)], account, shared, seed + n, appends)) for n in range(callers)
    ]
    reader = Reader(logs[-1], after)
    await reader.follow(lambda: not all(task.done() for task in work))
    await asyncio.gather(*work)
    check(reader.rows, after, logs[-1].dense)
    account.reconcile(reader.rows)
    return account, reader


class Step(NamedTuple):
    """An append of the model: its stream, how wrong its expectation, how many events, which earlier one it repeats."""

    stream: int
    off: int
    size: int
    repeats: int | None


STEPS = st.lists(
    st.builds(
        Step,
        stream=st.integers(0, 2),
        off=st.sampled_from([0, 0, 0, 0, -1, 1, 5]),
        size=st.integers(1, 4),
        repeats=st.none() | st.integers(0, 10),
    ),
    max_size=15,
)


class LogConformance:
    """The suite. A subclass gives the async fixtures `log` and `empty_log`."""

    async def test_an_empty_log(self, empty_log: ScannedLog) -> None:
        assert await empty_log.head() == 0
        assert await empty_log.read() == []
        assert [rows async for rows in empty_log.scan()] == []
        assert str(UUID(await empty_log.log_id())) == await empty_log.log_id()
        assert await empty_log.read_back(None, 5) == []
        assert await empty_log.at(1) is None
        landed = await empty_log.append("first", NO_STREAM, events(2))
        assert landed == Appended(await empty_log.head(), 1)
        check(await empty_log.read(), 0, empty_log.dense)

    async def test_the_id_of_a_log_stays(self, log: ScannedLog, empty_log: ScannedLog) -> None:
        assert await log.log_id() == await log.log_id() != await empty_log.log_id()

    async def test_what_is_appended_is_read_as_it_was(self, log: ScannedLog) -> None:
        stream, after = fresh(), await log.head()
        batch = [event(body='{"тема":"Сечения \\u0000 \U0001f600","n":1}'), event(body="")]
        landed = await log.append(stream, NO_STREAM, batch)
        rows = await log.read(after)
        assert landed == Appended(rows[-1].position, 1)
        assert [NewEvent(row.id, row.type, row.body, row.meta) for row in rows] == batch
        assert [(row.stream, row.revision) for row in rows] == [(stream, 0), (stream, 1)]
        check(rows, after, log.dense)
        assert all(row.at.utcoffset() is not None and not row.at.utcoffset() for row in rows)
        assert await log.read_stream(stream) == rows
        assert [await log.at(row.position) for row in rows] == rows
        assert await log.at(landed.position + 1) is None

    async def test_a_stream_is_read_from_any_revision(self, log: ScannedLog) -> None:
        stream, other = fresh(), fresh()
        for n in range(3):
            await log.append(stream, n - 1, [event()])
            await log.append(other, n - 1, [event()])
        rows = await log.read_stream(stream)
        assert [row.revision for row in rows] == [0, 1, 2]
        assert await log.read_stream(stream, 0) == rows[1:]
        assert await log.read_stream(stream, 2) == []
        assert await log.read_stream(fresh()) == []

    async def test_reading_in_pages_and_scanning_give_the_same(self, log: ScannedLog) -> None:
        after, stream = await log.head(), fresh()
        for n in range(7):
            await log.append(stream, 3 * n - 1, events(3))
        whole = await log.read(after)
        check(whole, after, log.dense)
        assert len(whole) == 21
        for limit in (1, 4, 21, 100):
            paged: list[Recorded] = []
            while rows := await log.read(paged[-1].position if paged else after, limit):
                assert len(rows) <= limit
                paged += rows
            assert paged == whole
            chunks = [rows async for rows in log.scan(after, limit)]
            assert [row for rows in chunks for row in rows] == whole
            assert all(0 < len(rows) <= limit for rows in chunks)

    async def test_a_scan_may_be_left_half_way(self, log: ScannedLog) -> None:
        after, stream = await log.head(), fresh()
        await log.append(stream, NO_STREAM, events(20))
        async for rows in log.scan(after, 5):
            assert len(rows) == 5
            break
        assert len(await log.read(after)) == 20

    async def test_reading_back_is_reading_reversed(self, log: ScannedLog) -> None:
        after, stream = await log.head(), fresh()
        for n in range(4):
            await log.append(stream, 3 * n - 1, events(3))
        whole = (await log.read(after))[::-1]
        assert await log.read_back(None, 12) == whole
        for limit in (1, 5, 12):
            before, paged = None, list[Recorded]()
            while len(paged) < 12:
                rows = await log.read_back(before, min(limit, 12 - len(paged)))
                assert 0 < len(rows) <= limit
                before = rows[-1].position
                paged += rows
            assert paged == whole
        first = (await log.read(0, 1))[0]
        assert await log.read_back(first.position, 5) == []

    async def test_a_moment_is_never_passed_over(self, log: ScannedLog) -> None:
        await log.append(fresh(), NO_STREAM, events(3))
        last = (await log.read_back(None, 1))[0]
        assert await log.first_at(last.at + timedelta(days=1)) is None
        for row in (last, (await log.read(0, 1))[0]):
            found = await log.first_at(row.at)
            assert found is None or found <= row.position

    async def test_a_wrong_expectation_is_a_conflict_that_writes_nothing(self, log: ScannedLog) -> None:
        stream, after = fresh(), await log.head()
        with pytest.raises(Conflict) as unborn:
            await log.append(stream, 0, [event()])
        assert (unborn.value.stream, unborn.value.expected, unborn.value.actual) == (stream, 0, NO_STREAM)
        await log.append(stream, NO_STREAM, events(3))
        for wrong in (NO_STREAM, 0, 1, 3):
            with pytest.raises(Conflict) as refused:
                await log.append(stream, wrong, events(2))
            assert refused.value.actual == 2
        assert len(await log.read(after)) == 3
        assert await log.append(stream, 2, [event()]) == Appended(await log.head(), 3)

    async def test_a_repeated_append_answers_where_it_landed(self, log: ScannedLog) -> None:
        stream, batch = fresh(), events(3)
        landed = await log.append(stream, NO_STREAM, batch)
        await log.append(stream, landed.revision, [event()])
        for expected in (NO_STREAM, 2, 3, 99):
            assert await log.append(stream, expected, batch) == landed._replace(duplicate=True)
        # the first id decides; where the append ended is known as far as its ids are
        first = (await log.read_stream(stream))[0]
        assert await log.append(stream, 3, [batch[0]]) == Appended(first.position, 0, duplicate=True)
        assert await log.append(stream, 3, [batch[0], event()]) == Appended(first.position, 0, duplicate=True)
        assert len(await log.read_stream(stream)) == 4

    async def test_an_id_is_never_used_again(self, log: ScannedLog) -> None:
        stream, batch, after = fresh(), events(2), await log.head()
        await log.append(stream, NO_STREAM, batch)
        with pytest.raises(ValueError, match=r"\w"):
            await log.append(stream, 1, [event(), batch[1]])
        same = event()
        with pytest.raises(ValueError, match=r"\w"):
            await log.append(stream, 1, [same, same])
        assert len(await log.read(after)) == 2

    async def test_what_cannot_be_an_event_is_refused(self, log: ScannedLog) -> None:
        after = await log.head()
        bad = [
            [],
            [event("no uuid")],
            [event("00")],
            [event(body="\0")],
            [event(body="\ud800")],
            [event(), event()._replace(type="\0")],
        ]
        for batch in bad:
            with pytest.raises(ValueError, match=r"\w"):
                await log.append(fresh(), NO_STREAM, batch)
        for stream in ("", "x" * 1001, "\0"):
            with pytest.raises(ValueError, match=r"\w"):
                await log.append(stream, NO_STREAM, [event()])
        assert await log.head() == after

    async def test_the_largest_event(self, log: ScannedLog) -> None:
        stream = fresh()
        cyrillic = "ж" * ((MAX_EVENT_BYTES - 2) // 2)
        largest = NewEvent(str(uuid4()), "Noted.v1", cyrillic, "{}")
        await log.append(stream, NO_STREAM, [largest])
        assert [row.body for row in await log.read_stream(stream)] == [cyrillic]
        for body, meta in ((cyrillic + "x", "{}"), (cyrillic, "{ }")):
            with pytest.raises(EventTooLarge):
                await log.append(stream, 0, [event(), NewEvent(str(uuid4()), "Noted.v1", body, meta)])
        assert len(await log.read_stream(stream)) == 1

    async def test_a_thousand_events_in_one_append(self, log: ScannedLog) -> None:
        stream, after = fresh(), await log.head()
        landed = await log.append(stream, NO_STREAM, events(1500))
        rows = await log.read(after, 2000)
        assert landed == Appended(rows[-1].position, 1499)
        assert len(rows) == 1500
        check(rows, after, log.dense)

    async def test_concurrent_appends_all_land(self, log: ScannedLog) -> None:
        after = await log.head()
        landed = await asyncio.gather(*(log.append(fresh(), NO_STREAM, events(2)) for _ in range(40)))
        rows = await log.read(after)
        check(rows, after, log.dense)
        assert sorted(a.position for a in landed) == [row.position for row in rows[1::2]]

    async def test_of_those_who_expect_the_same_one_wins(self, log: ScannedLog) -> None:
        stream, account, after = fresh(), Account(), await log.head()
        answers = await asyncio.gather(
            *(account.append(log, stream, NO_STREAM, events(2)) for _ in range(20)), return_exceptions=True
        )
        assert Counter(type(answer) for answer in answers) == {Appended: 1, Conflict: 19}
        rows = await log.read(after)
        check(rows, after, log.dense)
        account.reconcile(rows)

    async def test_a_retry_storm_lands_once(self, log: ScannedLog) -> None:
        stream, batch, after = fresh(), events(2), await log.head()
        answers = await asyncio.gather(*(log.append(stream, NO_STREAM, batch) for _ in range(20)))
        assert {answer[:2] for answer in answers} == {(await log.head(), 1)}
        assert sum(not answer.duplicate for answer in answers) == 1
        assert len(await log.read(after)) == 2

    async def test_a_bad_append_spoils_no_other(self, log: ScannedLog) -> None:
        used, stream, after = event(), fresh(), await log.head()
        await log.append(stream, NO_STREAM, [used])
        answers = await asyncio.gather(
            *(
                log.append(stream, 0, [event(), used]) if n == 5 else log.append(fresh(), NO_STREAM, events(2))
                for n in range(10)
            ),
            return_exceptions=True,
        )
        assert [isinstance(answer, ValueError) for answer in answers] == [n == 5 for n in range(10)]
        rows = await log.read(after)
        check(rows, after, log.dense)
        assert len(rows) == 19

    async def test_a_cancelled_caller_breaks_nobody(self, log: ScannedLog) -> None:
        account, after = Account(), await log.head()
        tasks: list[asyncio.Task[Appended]] = []
        for n in range(60):
            tasks.append(asyncio.create_task(account.append(log, fresh(), NO_STREAM, events(2))))
            if n % 3 == 0:  # some before they were sent, some under way
                tasks[n // 2].cancel()
                await asyncio.sleep(0)
                tasks[-1].cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers} <= {Appended, asyncio.CancelledError}
        await log.append(fresh(), NO_STREAM, [last := event()])  # what the cancelled sent has settled by now
        rows = await log.read(after)
        check(rows, after, log.dense)
        account.reconcile([row for row in rows if row.id != last.id])

    async def test_many_callers_and_a_reader(self, log: ScannedLog) -> None:
        account, _ = await writers_and_reader([log])
        assert account.refused
        assert account.landed

    @given(steps=STEPS)
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    async def test_one_caller_agrees_with_the_model(self, log: ScannedLog, steps: list[Step]) -> None:
        """Every answer is the one that a list in memory gives."""
        after = await log.head()
        names = [fresh() for _ in range(3)]
        stands = dict.fromkeys(names, NO_STREAM)
        landed: list[tuple[Appended, str, list[NewEvent]]] = []
        for step in steps:
            stream = names[step.stream]
            if step.repeats is not None and step.repeats < len(landed):
                before, its, batch = landed[step.repeats]
                stream = stream if log.dense else its
                assert await log.append(stream, stands[stream] + step.off, batch) == before._replace(duplicate=True)
                continue
            batch = events(step.size)
            if step.off:
                with pytest.raises(Conflict) as refused:
                    await log.append(stream, stands[stream] + step.off, batch)
                assert refused.value.actual == stands[stream]
                continue
            stands[stream] += step.size
            answer = await log.append(stream, stands[stream] - step.size, batch)
            assert answer == Appended(await log.head(), stands[stream])
            landed.append((answer, stream, batch))
        rows = await log.read(after)
        check(rows, after, log.dense)
        assert [row.id for row in rows] == [e.id for _, _, batch in landed for e in batch]
        for name in names:
            assert await log.read_stream(name) == [row for row in rows if row.stream == name]

    @given(seed=st.integers(0, 2**32), callers=st.integers(1, 12))
    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    async def test_any_interleaving_keeps_the_order(self, log: ScannedLog, seed: int, callers: int) -> None:
        await writers_and_reader([log], callers=callers, appends=4, seed=seed)

    async def test_waiting_ends_at_once_if_there_is_more(self, log: ScannedLog) -> None:
        before = await log.head()
        head = (await log.append(fresh(), NO_STREAM, events(2))).position
        assert await log.wait(before, 60) == head
        assert await log.wait(0, 0) == head

    async def test_waiting_ends_without_news(self, log: ScannedLog) -> None:
        head = await log.head()
        assert await log.wait(head, 0) == head
        assert await log.wait(head, 0.01) == head
        assert await log.wait(head + 10, 0.01) == head

    async def test_waiting_ends_with_an_append(self, log: ScannedLog) -> None:
        head = await log.head()
        waiting = [asyncio.create_task(log.wait(head + n, 60)) for n in (0, 0, 1)]
        await asyncio.sleep(0.01)
        landed = await log.append(fresh(), NO_STREAM, events(2))
        # a log that tells of events one by one may say so at the first of them
        assert all(head < answer <= landed.position for answer in await asyncio.gather(*waiting))

    async def test_a_waiter_may_be_cancelled(self, log: ScannedLog) -> None:
        waiting = asyncio.create_task(log.wait(await log.head(), 60))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await log.append(fresh(), NO_STREAM, events(1))


class DenseConformance(LogConformance):
    """The suite of a log that keeps its positions without holes and knows an event id in whatever stream."""

    async def test_positions_count(self, empty_log: ScannedLog) -> None:
        assert await empty_log.append("first", NO_STREAM, events(2)) == Appended(2, 1)
        with pytest.raises(Conflict):
            await empty_log.append("first", NO_STREAM, [event()])
        assert await empty_log.append("second", NO_STREAM, events(3)) == Appended(5, 2)

    async def test_an_id_is_known_in_every_stream(self, log: ScannedLog) -> None:
        batch, after = events(2), await log.head()
        landed = await log.append(fresh(), NO_STREAM, batch)
        assert await log.append(fresh(), NO_STREAM, batch) == landed._replace(duplicate=True)
        with pytest.raises(ValueError, match=r"\w"):
            await log.append(fresh(), NO_STREAM, [event(), batch[0]])
        assert await log.head() == after + 2

    async def test_a_moment_is_found(self, log: ScannedLog) -> None:
        for _ in range(3):
            await log.append(fresh(), NO_STREAM, events(2))
        rows = await log.read(0, 100_000)
        for row in (rows[0], rows[len(rows) // 2], rows[-1]):
            assert await log.first_at(row.at) == next(r.position for r in rows if r.at >= row.at)
