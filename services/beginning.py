"""What `/start.json` tells everybody before signing in: the college's day, and the demo accounts on this machine.

The start page of the web client needs it to offer one click per demo role, or to lead the first administrator in.
"""

from importlib.metadata import version
from typing import Any

from services.demo.accounts import PASSWORD
from services.demo.load import Loaded
from services.kit.problems import Text
from services.system import System


class Beginning:
    """Answers for a running system and the demo college that it holds, if any."""

    def __init__(self, system: System, demo: Loaded | None) -> None:
        self._system = system
        self._version = version("zhurnal")
        self._demo = None if demo is None else _described(demo)
        self._first = demo is None

    async def __call__(self, on_this_machine: bool) -> dict[str, Any]:
        """Accounts of the demo take nobody in from another machine, so they are told on this one only.

        `first`: nobody has an account yet, so the one who reads this makes the first administrator.
        """
        now = self._system.clock.now().astimezone(self._system.settings.zoneinfo)
        return {
            "zone": self._system.settings.zone,
            "today": now.date().isoformat(),
            "version": self._version,
            "first": await self._nobody_yet(),
            "demo": self._demo if on_this_machine else None,
        }

    async def _nobody_yet(self) -> bool:
        if self._first:
            async with self._system.identity.commands.reading() as tx:
                self._first = await tx.row("select 1 from account limit 1") is None
        return self._first


def _described(demo: Loaded) -> dict[str, Any]:
    accounts = [
        {"login": account.login, "role": _both(account.role), "name": account.name, "hint": _both(account.hint)}
        for account in demo.accounts
    ]
    return {"size": demo.plan.size.name, "password": PASSWORD, "accounts": accounts}


def _both(text: Text) -> dict[str, str]:
    return {"ru": text.ru, "en": text.en}
