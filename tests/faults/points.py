"""Puts the crash points and the movable clock into the process that this is called in, around the product's own code.

What is installed: every point of `control.POINTS`, and `SystemClock.now` with the offset of the switchboard.
"""

from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection, AsyncCursor

from services.gradebook.keeper import Keeper
from services.kit import projector
from services.kit.bus.bus import Message
from services.kit.bus.kafka import KafkaBus
from services.kit.clock import SystemClock
from services.kit.log.group import GroupCommit, Pending
from services.kit.log.postgres import PostgresLog
from tests.faults.control import Control


def install(control: Control) -> None:
    """Patch this process for good."""
    _log(control)
    _bus(control)
    _projector(control)
    _keeper(control)
    _clock(control)


def _log(control: Control) -> None:
    commit, inside = GroupCommit._commit, PostgresLog.append_all_in

    async def committed(self: GroupCommit, cursor: AsyncCursor[tuple[Any, ...]], group: list[Pending]) -> None:
        control.passing("append.before")
        await commit(self, cursor, group)
        control.passing("append.after")

    async def appended(self: PostgresLog, conn: AsyncConnection[Any], appends: Any) -> Any:
        answer = await inside(self, conn, appends)
        control.passing("identity.before")  # the caller's transaction is still open
        return answer

    GroupCommit._commit = committed  # type: ignore[method-assign]
    PostgresLog.append_all_in = appended  # type: ignore[method-assign]


def _bus(control: Control) -> None:
    publish = KafkaBus.publish

    async def published(self: KafkaBus, topic: str, messages: list[Message]) -> None:
        control.passing("relay.read")
        await publish(self, topic, messages)
        control.passing("relay.published")

    KafkaBus.publish = published  # type: ignore[assignment, method-assign]


def _projector(control: Control) -> None:
    write, apply = projector.write, projector.Projector._apply

    async def written(*args: Any) -> None:
        await write(*args)
        control.passing("projector.rows")

    async def applied(self: projector.Projector, name: str, rows: Any) -> None:
        await apply(self, name, rows)
        control.passing("projector.committed")

    projector.write = written  # type: ignore[assignment]
    projector.Projector._apply = applied  # type: ignore[method-assign]


def _keeper(control: Control) -> None:
    hear, give = Keeper._hear, Keeper._give

    async def heard(self: Keeper, name: str) -> bool:
        found = await hear(self, name)
        if found:
            control.passing("keeper.heard")
        return found

    async def given(self: Keeper, *args: Any) -> bool:
        done = await give(self, *args)
        control.passing("keeper.given")
        return done

    Keeper._hear = heard  # type: ignore[method-assign]
    Keeper._give = given  # type: ignore[assignment, method-assign]


def _clock(control: Control) -> None:
    now = SystemClock.now

    def moved(self: SystemClock) -> datetime:
        return now(self) + timedelta(seconds=control.clock)

    SystemClock.now = moved  # type: ignore[method-assign]
