"""What the client library of Kafka needs around it: it may hang, die inside, or never come back from closing."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

CLOSE_SECONDS = 1.0
LOST = (KafkaError, OSError, TimeoutError)
"""What it raises when brokers are away."""

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of work in the client library. Raises TimeoutError.

    The library hangs at times, and lets cancellations of its own inner tasks out. In a task of its own neither reaches
    the loop that asked, which takes a cancellation for its own end.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be left to hear of it
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
    if not task.done():
        raise TimeoutError(f"no answer of Kafka within {seconds:.0f} s")
    if task.cancelled():
        raise KafkaError("the client of Kafka gave up")
    return task.result()


async def abandon(producer: AIOKafkaProducer) -> None:
    """Close a sender without what it still holds: to flush it would wait for brokers, and send once more later."""
    sender = producer._sender.sender_task
    while sender is not None and not sender.done():
        sender.cancel()  # the first one makes it wait for its requests
        await asyncio.sleep(0)
    producer._message_accumulator.fail_all(KafkaError("the sender was given up"))
    await closed(producer)


async def closed(client: Any) -> None:
    """Close a client that may hang or fail at that."""
    close = client.stop if hasattr(client, "stop") else client.close
    with suppress(*LOST):
        await within(CLOSE_SECONDS, close())
