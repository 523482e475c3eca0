"""Sessions: an opaque cookie for the browser, exchanged for a short-lived token that the services understand.

The cookie is 32 random bytes; only its SHA-256 is stored and named in events. Staff sessions end after 30 minutes
without use or 12 hours, those of students and guardians after 8 hours or 30 days. `exchange` is asked on every request
of a browser, so a session is judged against the tables once a minute and remembered between; uses are written in
batches. A revocation is remembered against at once here, and within a second elsewhere by way of identity's log.
"""

import asyncio
import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog
from psycopg import InterfaceError, OperationalError

from contracts.events import identity as e
from services.identity import problems
from services.identity.commands import Commands, Tx
from services.identity.people import account_stream, is_staff, lock
from services.identity.rules import STAFF as ROLES_OF_STAFF
from services.kit.authn import Claims, Grants, TokenIssuer
from services.kit.handle import Command
from services.kit.problems import NotFound, StoreUnavailable

REMEMBERED_SECONDS: Final = 60.0
SESSIONS_REMEMBERED: Final = 20_000
FLUSH_SECONDS: Final = 20.0
SWEEP_EVERY: Final = 180
"""Every so many flushes dead sessions, codes and throttles are deleted: about hourly."""

log = structlog.get_logger()


class Limits(NamedTuple):
    """How long a session lives without use, and at all."""

    idle: timedelta
    absolute: timedelta


STAFF: Final = Limits(timedelta(minutes=30), timedelta(hours=12))
FAMILY: Final = Limits(timedelta(hours=8), timedelta(days=30))


class Opened(NamedTuple):
    """A session just opened: the secret for the cookie, how long the cookie may be kept, who signed in."""

    secret: str
    max_age: int
    person: str
    position: int


class Remembered(NamedTuple):
    token: str
    person: str
    until: float


def digest(secret: str) -> str:
    """The id of the session with this secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def alive(family: bool, opened_at: datetime, used_at: datetime, now: datetime) -> bool:
    """Neither limit has passed."""
    limits = FAMILY if family else STAFF
    return now < used_at + limits.idle and now < opened_at + limits.absolute


class Sessions:
    """All sessions of this process."""

    def __init__(self, commands: Commands, issuer: TokenIssuer, grants: Grants) -> None:
        self._commands, self._issuer, self._grants = commands, issuer, grants
        self._remembered: dict[str, Remembered] = {}
        self._used: dict[str, datetime] = {}

    async def exchange(self, secret: str) -> str | None:
        """The token of the session with this cookie; None if there is none, or it is over."""
        session = digest(secret)
        clock = self._commands.clock
        held = self._remembered.get(session)
        if held is None or held.until <= clock.monotonic():
            held = await self._look_up(session)
            if held is None:
                return None
        if not self._grants.admits(Claims(held.person, session, 0)):
            self._forget(session)
            return None
        self._used[session] = clock.now()
        return held.token

    async def _look_up(self, session: str) -> Remembered | None:
        clock = self._commands.clock
        self._remembered.pop(session, None)
        try:
            row = await self._stored(session)
        except (OperationalError, InterfaceError) as lost:  # the edge asks, which knows no database
            raise StoreUnavailable from lost
        if row is None:
            return None
        person, family, opened_at, used_at = row
        # Who became staff meanwhile has a staff session from then on.
        family = family and ROLES_OF_STAFF.isdisjoint(self._grants.roles(person, self._commands.today()))
        if not alive(family, opened_at, max(used_at, self._used.get(session, used_at)), clock.now()):
            return None
        if len(self._remembered) >= SESSIONS_REMEMBERED:
            self._remembered.clear()
        held = Remembered(self._issuer.issue(person, session), person, clock.monotonic() + REMEMBERED_SECONDS)
        self._remembered[session] = held
        return held

    async def _stored(self, session: str) -> tuple[Any, ...] | None:
        """Person, kind, opening and last use of a session whose account is not closed."""
        async with self._commands.reading() as tx:
            return await tx.row(
                "select s.person, s.family, s.opened_at, s.used_at from session s join account a on a.person = s.person"
                " where s.id = %s and a.disabled_at is null",
                (session,),
            )

    def _forget(self, *sessions: str) -> None:
        for session in sessions:
            self._remembered.pop(session, None)
            self._used.pop(session, None)

    # -- opening and ending -------------------------------------------------------------------------------------

    async def open(self, command: Command, kept: str, rehashed: str | None, address: str, agent: str) -> Opened:
        """A session of `command.actor`, whose password was just verified against the hash `kept`."""
        secret = secrets.token_urlsafe(32)
        session, person, family = digest(secret), command.actor, False

        async def do(tx: Tx) -> dict[str, Any]:
            nonlocal family
            await lock(tx, person)
            row = await tx.row(
                "update account set password_hash = coalesce(%s, password_hash)"
                " where person = %s and password_hash = %s and disabled_at is null returning person",
                (rehashed, person, kept),
            )
            if row is None:  # disabled, or given another password, while this one was verified
                raise problems.SignInRefused
            family = not await is_staff(tx, person)
            await tx.run(
                "insert into session (id, person, family, opened_at, used_at, address, agent)"
                " values (%s, %s, %s, %s, %s, %s, %s)",
                (session, person, family, tx.now, tx.now, address, agent),
            )
            tx.emit(account_stream(person), e.SessionOpened(session=session, person=person))
            return {}

        outcome = await self._commands.execute(command, do)
        limits = FAMILY if family else STAFF
        return Opened(secret, int(limits.absolute.total_seconds()), person, outcome.position)

    async def end(self, tx: Tx, person: str, session: str) -> dict[str, Any]:
        """End one session of a person. Raises NotFound for another's."""
        if not await tx.run("delete from session where id = %s and person = %s", (session, person)):
            raise NotFound
        tx.emit(account_stream(person), e.SessionRevoked(session=session, person=person))
        tx.later(lambda: self._forget(session))
        return {"session": session}

    async def end_all(self, tx: Tx, person: str, keep: str = "") -> int:
        """End every session of a person but the one to `keep`; answers how many."""
        rows = await tx.rows("delete from session where person = %s and id <> %s returning id", (person, keep))
        ended = [id_ for (id_,) in rows]
        for session in ended:
            tx.emit(account_stream(person), e.SessionRevoked(session=session, person=person))
        tx.later(lambda: self._forget(*ended))
        return len(ended)

    async def of(self, person: str, current: str) -> list[dict[str, Any]]:
        """The live sessions of a person, the latest used first."""
        async with self._commands.reading() as tx:
            rows = await tx.rows(
                "select id, family, opened_at, used_at, address, agent from session where person = %s", (person,)
            )
        found = [(r[0], r[1], r[2], max(r[3], self._used.get(r[0], r[3])), r[4], r[5]) for r in rows]
        return [
            {
                "id": id_,
                "current": id_ == current,
                "opened_at": opened_at.isoformat(),
                "used_at": used_at.isoformat(),
                "address": address,
                "agent": agent,
            }
            for id_, family, opened_at, used_at, address, agent in sorted(found, key=lambda r: r[3], reverse=True)
            if alive(family, opened_at, used_at, tx.now)
        ]

    # -- beside the requests ------------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Write when sessions were last used."""
        used = dict(self._used)
        if not used:
            return
        async with self._commands.reading() as tx:
            await tx.run(
                "update session set used_at = greatest(used_at, u.at)"
                " from unnest(%s::text[], %s::timestamptz[]) u (id, at) where session.id = u.id",
                (list(used), list(used.values())),
            )
        for session, at in used.items():  # kept until written, and longer if used meanwhile
            if self._used.get(session) == at:
                del self._used[session]

    async def sweep(self) -> None:
        """Delete what has expired; nothing of it is needed any more."""
        async with self._commands.reading() as tx:
            await tx.run(
                "delete from session where opened_at <= %(now)s - case when family then %(fa)s else %(sa)s end"
                " or used_at <= %(now)s - case when family then %(fi)s else %(si)s end",
                {
                    "now": tx.now,
                    "fa": FAMILY.absolute,
                    "sa": STAFF.absolute,
                    "fi": FAMILY.idle,
                    "si": STAFF.idle,
                },
            )
            await tx.run("delete from activation_code where expires_at < %s", (tx.now,))
            await tx.run("delete from throttle where last_at < %s", (tx.now - timedelta(hours=1),))

    async def run(self) -> None:
        """Run until cancelled; the last uses are written on the way out."""
        flushes = 0
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                flushes += 1
                try:
                    await self.flush()
                    if flushes % SWEEP_EVERY == 1:
                        await self.sweep()
                except Exception as failed:  # the database may be away: the uses wait for the next round
                    log.warning("sessions not written", error=repr(failed))
        finally:
            await self.flush()
