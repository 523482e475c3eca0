"""Which adapter keeps a service's log: KurrentDB where an address is given and the log is named, else PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from psycopg import AsyncConnection

from services.kit.log.eventlog import EventLog, NewEvent, Recorded
from services.kit.log.postgres import POLL_SECONDS, PostgresLog
from services.kit.postgres import Pool
from services.kit.settings import Settings


class StoredLog(EventLog, Protocol):
    """A log that outlives the process."""

    def scan(self, after: int = 0, chunk: int = 5000) -> AsyncIterator[list[Recorded]]:
        """All events with position > `after`, in lists of up to `chunk`, until the head is reached."""
        ...

    async def append_together(
        self, conn: AsyncConnection[Any], appends: Sequence[tuple[str, int, Sequence[NewEvent]]]
    ) -> int:
        """Append to several streams, each (stream, expected, events); the position of the last one, 0 for none.

        Where the log is in the database of `conn`, all or none with its transaction. Raises Conflict.
        """
        ...

    def grew(self, head: int) -> None:
        """Tell that an `append_together` up to that position has been committed."""
        ...

    async def close(self) -> None:
        """Return when no append is on its way."""
        ...


def open_log(settings: Settings, name: str, pool: Pool, poll: float = POLL_SECONDS) -> StoredLog:
    """The log of service `name`, whose database `pool` reaches. Raises CannotStart for an address that is none."""
    if settings.kurrent_uri is None or name not in settings.kurrent_logs.split(","):
        return PostgresLog(pool, poll)
    from services.kit.log.kurrent import KurrentLog, connected  # gRPC is loaded only where it is used

    return KurrentLog(connected(settings.kurrent_uri.get_secret_value()), name)
