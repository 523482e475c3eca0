"""One at a time: a loop that runs in whichever process holds an advisory lock; the others stand by.

The lock belongs to a connection of its own, so it ends with the process that is killed. A connection that dies takes
the lock with it: the loop is then cancelled and the process stands by again. What it did meanwhile twice must be
harmless, since a cut connection is noticed after a while only; relays, projectors and the keeper are made so.
"""

import asyncio

import structlog
from psycopg import AsyncConnection, Error
from psycopg.conninfo import make_conninfo

from services.kit.tasks import Loop, run_together

LOOK_SECONDS = 1.0
"""How often the lock is tried by who stands by, and the connection looked at by who holds it."""
ANSWER_SECONDS = 5.0
LOCK_SPACE = 7_316_020

log = structlog.get_logger()


class Standby:
    """Runs `loop` while this process holds the lock `name` in the database of `dsn`."""

    def __init__(self, dsn: str, name: str, loop: Loop) -> None:
        self._dsn = make_conninfo(
            dsn, application_name=f"standby {name}", connect_timeout=5, keepalives_idle=5, tcp_user_timeout=10_000
        )
        self._name, self._loop = name, loop
        self.active = False

    async def run(self) -> None:
        """Run until cancelled, or until the loop fails."""
        while True:
            try:
                async with await AsyncConnection.connect(self._dsn, autocommit=True) as conn:
                    await self._take(conn)
                    log.info("active", target=self._name)
                    self.active = True
                    await run_together((self._loop, lambda: self._hold(conn)))
            except (Error, TimeoutError, OSError) as lost:
                log.warning("stands by", target=self._name, error=repr(lost))
                await asyncio.sleep(LOOK_SECONDS)
            finally:
                self.active = False

    async def _take(self, conn: AsyncConnection[object]) -> None:
        while True:
            found = await conn.execute("select pg_try_advisory_lock(%s, hashtext(%s))", (LOCK_SPACE, self._name))
            row = await found.fetchone()
            if row == (True,):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _hold(self, conn: AsyncConnection[object]) -> None:
        """Look at the connection; raises when it is lost, which cancels the loop."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            async with asyncio.timeout(ANSWER_SECONDS):
                await conn.execute("select 1")
