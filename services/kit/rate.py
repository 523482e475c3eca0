"""How often one address may ask: a bucket of tokens for each, filled steadily.

Held in memory, so a restart forgives; when more addresses ask than are kept, all begin anew.
"""

from collections.abc import Callable

ADDRESSES = 10_000
SECONDS_OF_BURST = 10
"""An address that was quiet for so long may ask at once for all that it left."""


class Rate:
    """per_second: requests, 0 = without end. monotonic: seconds."""

    def __init__(self, per_second: int, monotonic: Callable[[], float]) -> None:
        self._fill, self._most, self._monotonic = per_second, per_second * SECONDS_OF_BURST, monotonic
        self._buckets: dict[str, tuple[float, float]] = {}

    def takes(self, address: str) -> bool:
        """Whether a request of that address may pass; one that may not costs nothing."""
        if not self._fill:
            return True
        now = self._monotonic()
        tokens, since = self._buckets.get(address, (self._most, now))
        tokens = min(self._most, tokens + (now - since) * self._fill)
        if tokens < 1:
            return False
        if len(self._buckets) >= ADDRESSES and address not in self._buckets:
            self._buckets.clear()
        self._buckets[address] = tokens - 1, now
        return True
