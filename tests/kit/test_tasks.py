"""Loops side by side end when one fails or when they are cancelled, also those that swallow a cancellation."""

import asyncio

import pytest

from services.kit.tasks import run_together

pytestmark = pytest.mark.anyio


async def forever() -> None:
    await asyncio.Event().wait()


async def test_the_first_failure_ends_all_and_is_raised() -> None:
    ended = asyncio.Event()

    async def other() -> None:
        try:
            await forever()
        finally:
            ended.set()

    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError("this one")

    with pytest.raises(LookupError, match="this one"):
        await run_together([other, fails, forever])
    assert ended.is_set()


@pytest.mark.parametrize("nested", [False, True])
async def test_a_loop_that_swallows_a_cancellation_ends_all_the_same(nested: bool) -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed += 1

    async def inner() -> None:
        await run_together([stubborn, forever])

    running = asyncio.create_task(run_together([inner if nested else stubborn, forever]))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert swallowed == 1


async def test_loops_that_return_are_no_failure() -> None:
    async def returns() -> None:
        return

    await run_together([returns, returns])
