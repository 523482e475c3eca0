"""What `/start.json` tells everybody before signing in: the college's day, and the demo accounts on this machine.

The start page of the web client needs it to offer one click per demo role, or to lead the first administrator in.
Identity knows what is particular to the college; it is asked in this process, or over HTTP where it is another one.
"""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson

from services.kit.clock import Clock
from services.kit.problems import Unavailable

Begun = Callable[[], Awaitable[dict[str, Any]]]
"""What identity knows: {first: nobody has an account yet, demo: what to show of the demo college or None}."""


class Beginning:
    """Answers for a running system."""

    def __init__(self, begun: Begun, clock: Clock, zone: ZoneInfo) -> None:
        self._begun, self._clock, self._zone = begun, clock, zone
        self._version = version("zhurnal")
        self._known: dict[str, Any] | None = None

    async def __call__(self, on_this_machine: bool) -> dict[str, Any]:
        """Accounts of the demo take nobody in from another machine, so they are told on this one only.

        `first`: nobody has an account yet, so the one who reads this makes the first administrator. Raises Unavailable
        when identity does not answer.
        """
        now = self._clock.now().astimezone(self._zone)
        known = self._known or await self._begun()
        if not known["first"]:
            self._known = known
        return {
            "zone": self._zone.key,
            "today": now.date().isoformat(),
            "version": self._version,
            "first": known["first"],
            "demo": known["demo"] if on_this_machine else None,
        }


class FarBeginning:
    """Asks identity at its address. Close it at the end."""

    def __init__(self, identity: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{identity}/api/identity", timeout=5.0)

    async def __call__(self) -> dict[str, Any]:
        try:
            answer = await self._client.get("/beginning")
            answer.raise_for_status()
        except httpx.HTTPError as lost:
            raise Unavailable from lost
        told: dict[str, Any] = orjson.loads(answer.content)
        return told

    async def close(self) -> None:
        await self._client.aclose()
