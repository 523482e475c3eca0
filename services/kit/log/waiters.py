"""Those who wait for a log to grow, woken together."""

import asyncio
from contextlib import suppress


class Waiters:
    """`head` is the highest position heard of in this process; it never goes back."""

    def __init__(self) -> None:
        self.head = 0
        self.count = 0
        self._grown = asyncio.Event()

    def grew(self, head: int) -> None:
        """Note that the log has reached `head`; wake everybody if that is news."""
        if head > self.head:
            self.head = head
            self._grown.set()
            self._grown = asyncio.Event()

    async def beyond(self, after: int, seconds: float) -> int:
        """`head` as soon as it is beyond `after`, or after `seconds`."""
        self.count += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while self.head <= after:
                        await self._grown.wait()
        finally:
            self.count -= 1
        return self.head
