"""Throttling of sign-in and activation, per account and per source; the same for accounts that do not exist.

A try is counted before it is judged, so that many at once do not slip through, and taken back when it succeeds. After
some free tries each further one must wait twice as long as the one before, up to a quarter of an hour.
"""

import hashlib
from datetime import datetime, timedelta
from math import ceil
from typing import Final, NamedTuple

from services.identity import problems
from services.identity.commands import Conn

LONGEST: Final = timedelta(minutes=15)
FORGOTTEN: Final = timedelta(hours=1)


class Limit(NamedTuple):
    """The key of what is limited and the number of free tries."""

    key: str
    free: int


def account(login: str) -> Limit:
    """The limit of one login; its hash is the key, since somebody may type a password into that field."""
    return Limit("account:" + hashlib.sha256(login.encode()).hexdigest(), 5)


def source(address: str) -> Limit:
    """The limit of one address; a whole college may sit behind it."""
    return Limit("source:" + address, 50)


def pause(failures: int, free: int) -> timedelta:
    """How long the next try waits after so many failed ones."""
    if failures < free:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - free, 20)), LONGEST)


async def count(conn: Conn, limits: list[Limit], now: datetime) -> None:
    """Count a try against all limits. Raises TooManyTries, counting nothing, while one of them is to be waited for."""
    keys = [limit.key for limit in limits]
    async with conn.transaction():
        await conn.execute(
            "insert into throttle (key, failures, last_at) select k, 0, %s from unnest(%s::text[]) k order by k"
            " on conflict do nothing",
            (now, keys),
        )
        rows = await conn.execute(
            "select key, failures, last_at from throttle where key = any(%s) order by key for update", (keys,)
        )
        held = {key: (failures, last_at) for key, failures, last_at in await rows.fetchall()}
        wait = timedelta(0)
        for limit in limits:
            failures, last_at = held[limit.key]
            if now - last_at < FORGOTTEN:
                wait = max(wait, last_at + pause(failures, limit.free) - now)
        if wait > timedelta(0):
            seconds = ceil(wait.total_seconds())
            raise problems.TooManyTries(seconds=seconds, extra={"retry_after": seconds})
        await conn.execute(
            "update throttle set failures = case when last_at < %s then 1 else failures + 1 end, last_at = %s"
            " where key = any(%s)",
            (now - FORGOTTEN, now, keys),
        )


async def succeeded(conn: Conn, account_key: str, source_key: str) -> None:
    """The try that was counted went well: the account begins anew, the source gets its try back."""
    await conn.execute("delete from throttle where key = %s", (account_key,))
    await conn.execute("update throttle set failures = greatest(failures - 1, 0) where key = %s", (source_key,))
