"""Loops that run side by side until one fails or all are cancelled, and that surely end.

A TaskGroup cancels its tasks once. Under Python 3.11 `asyncio.wait_for`, which libraries use, may swallow just that
cancellation when what it waits for is done in the same turn of the loop; the task then runs on for ever.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

AGAIN_SECONDS = 0.5

Loop = Callable[[], Coroutine[Any, Any, None]]


async def run_together(loops: Iterable[Loop]) -> None:
    """Run the loops; the first failure ends all of them and is raised. Cancelling ends all of them."""
    tasks = [asyncio.ensure_future(loop()) for loop in loops]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        await end(tasks)
    for task in done:
        if not task.cancelled() and (failed := task.exception()) is not None:
            raise failed


async def end(tasks: Iterable["asyncio.Future[Any]"]) -> None:
    """Cancel until nothing is left; a cancellation of this wait itself changes nothing about that."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        with suppress(asyncio.CancelledError):  # we are on the way out already
            await asyncio.wait(left, timeout=AGAIN_SECONDS)
        left = {task for task in left if not task.done()}
