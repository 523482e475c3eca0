"""The log of staff reads: batches, retries, nothing lost on the way out."""

import asyncio

import pytest

from services.kit import reads as module
from services.kit.authn import Principal
from services.kit.reads import Read, ReadLog
from tests.common.kit import Desk, until

pytestmark = pytest.mark.anyio


class Sink:
    """Takes batches; refuses or holds them as told."""

    def __init__(self) -> None:
        self.batches: list[list[Read]] = []
        self.refuses = 0
        self.gate: asyncio.Event | None = None
        self.asked = 0

    async def __call__(self, batch: list[Read]) -> None:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.refuses:
            self.refuses -= 1
            raise ConnectionError("gone")
        self.batches.append(batch)

    @property
    def subjects(self) -> list[str]:
        return [read.subject for batch in self.batches for read in batch]


@pytest.fixture
def principal() -> Principal:
    desk = Desk()
    return desk.authenticator.principal(desk.issuer.issue("t1", "s"))


async def test_reads_are_written_in_one_batch(principal: Principal) -> None:
    sink = Sink()
    reads = ReadLog(sink)
    reads.note(principal, ["a", "b"], "/pages/{page}")
    reads.note(principal, (s for s in ["c"]), "/cards/{student}")
    await reads.flush()
    assert sink.batches == [
        [
            Read("t1", "a", "/pages/{page}", principal.now),
            Read("t1", "b", "/pages/{page}", principal.now),
            Read("t1", "c", "/cards/{student}", principal.now),
        ]
    ]
    await reads.flush()
    assert sink.asked == 1, "nothing to write, nothing written"


async def test_reading_oneself_is_not_noted(principal: Principal) -> None:
    sink = Sink()
    reads = ReadLog(sink)
    reads.note(principal, ["t1"], "/me")
    await reads.flush()
    assert sink.asked == 0


async def test_what_the_sink_refuses_is_tried_again_before_what_came_later(principal: Principal) -> None:
    sink = Sink()
    sink.refuses = 2
    reads = ReadLog(sink)
    reads.note(principal, ["a"], "/x")
    await reads.flush()
    reads.note(principal, ["b"], "/x")
    await reads.flush()
    assert sink.batches == []
    await reads.flush()
    assert sink.subjects == ["a", "b"]


async def test_reads_noted_while_a_batch_is_written_wait_for_the_next(principal: Principal) -> None:
    sink = Sink()
    sink.gate = asyncio.Event()
    reads = ReadLog(sink)
    reads.note(principal, ["a"], "/x")
    flushing = asyncio.create_task(reads.flush())
    await until(lambda: sink.asked == 1)
    reads.note(principal, ["b"], "/x")
    sink.gate.set()
    await flushing
    await reads.flush()
    assert [len(batch) for batch in sink.batches] == [1, 1]


async def test_running_writes_from_time_to_time_and_on_the_way_out(
    principal: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)
    sink = Sink()
    reads = ReadLog(sink)
    running = asyncio.create_task(reads.run())
    reads.note(principal, ["a"], "/x")
    await until(lambda: sink.subjects == ["a"])
    reads.note(principal, ["b"], "/x")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sink.subjects == ["a", "b"]


async def test_a_batch_cut_short_on_the_way_out_is_written_after_all(
    principal: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)
    sink = Sink()
    sink.gate = asyncio.Event()
    reads = ReadLog(sink)
    reads.note(principal, ["a"], "/x")
    running = asyncio.create_task(reads.run())
    await until(lambda: sink.asked == 1)
    running.cancel()
    sink.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sink.subjects == ["a"]


async def test_a_sink_away_for_long_does_not_fill_the_memory(
    principal: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEEP_AT_MOST", 3)
    sink = Sink()
    reads = ReadLog(sink)
    for subject in "abcdef":
        reads.note(principal, [subject], "/x")
    await reads.flush()
    assert sink.subjects == ["a", "b", "c"]
    reads.note(principal, ["g"], "/x")
    await reads.flush()
    assert sink.subjects[-1] == "g"
