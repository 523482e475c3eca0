"""Accounts: activation codes, activation, signing in, disabling (R 3.1, 4.2.5, 4.3.4; rule I1).

Whoever issues a code never learns the secret that its owner sets. Answers to a wrong login and to a wrong password
are the same, and take the same time.
"""

import ipaddress
import re
import unicodedata
from typing import Any, Final

from psycopg.errors import UniqueViolation

from contracts.events import identity as e
from services.identity import codes, passwords, problems, throttle
from services.identity.commands import Commands, Outcome, Tx
from services.identity.passwords import Passwords
from services.identity.people import account_stream, is_staff, keep_an_administrator, lock
from services.identity.rules import not_to_himself
from services.identity.sessions import Opened, Sessions
from services.kit.clock import IdSource
from services.kit.handle import Command
from services.kit.problems import KeyReused

LOGIN: Final = re.compile(r"[a-zа-яё0-9][a-zа-яё0-9._@+-]{2,63}")


def login_of(typed: str) -> str:
    """The form in which logins are kept and compared."""
    return unicodedata.normalize("NFKC", typed).strip().casefold()


# -- codes --------------------------------------------------------------------------------------------------------


async def issue_code(tx: Tx, person: str) -> dict[str, Any]:
    """A code for a person; his former ones are void. The answer's "secret" is the code, told this once.

    A code for somebody who has an account lets its bearer set a new password, so its owner is to hear of it, and of
    one for staff the deputy: the event says `reissued` and `staff`.
    """
    not_to_himself(tx.actor, person)
    await lock(tx, person)
    issued = tx.new_id()
    await tx.run("delete from activation_code where person = %s", (person,))
    code = codes.fresh()
    while not await tx.run(
        "insert into activation_code (id, person, selector, digest, issued_by, issued_at, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s) on conflict (selector) do nothing",
        (issued, person, code.selector, code.digest, tx.actor, tx.now, tx.now + codes.LIFETIME),
    ):
        code = codes.fresh()  # another open code begins alike
    reissued = await tx.row("select 1 from account where person = %s", (person,)) is not None
    tx.emit(
        account_stream(person),
        e.ActivationCodeIssued(
            code=issued, person=person, issued_by=tx.actor, reissued=reissued, staff=await is_staff(tx, person)
        ),
    )
    expires = (tx.now + codes.LIFETIME).isoformat()
    return {"code": issued, "person": person, "expires_at": expires, "reissued": reissued, "secret": code.written}


async def may_issue(tx: Tx, person: str, role: str) -> None:
    """Staff get codes from the administrator, everybody else from the curator (I1). Raises CodeNotYours.

    Somebody who is both staff and a guardian is staff here: a curator must not reach an account with wider rights.
    """
    if (role == "journal_administrator") is not await is_staff(tx, person):
        raise problems.CodeNotYours


# -- activating and signing in ------------------------------------------------------------------------------------


class Accounts:
    """Sign-in and activation, which nobody signed in asks for, and the change of one's own password."""

    def __init__(
        self, commands: Commands, sessions: Sessions, keeper: Passwords, ids: IdSource, *, secure: bool = False
    ) -> None:
        self._commands, self._sessions, self._passwords, self._ids = commands, sessions, keeper, ids
        self._secure = secure

    async def activate(self, typed: str, login: str, password: str, address: str) -> Outcome:
        """The person of the code gets that login and password; his open sessions end, the code is used up."""
        code = codes.read(typed)
        login = _new_login(login)
        passwords.check(password, login)
        limit = throttle.source(address)
        async with self._commands.pool.connection() as conn:
            await throttle.count(conn, [limit], self._commands.clock.now())
            person = await self._person_of(conn, code)
        # Hashed before the transaction, which would otherwise hold its locks meanwhile.
        kept = await self._passwords.hash(password)
        try:
            outcome = await self._commands.execute(
                Command(self._ids.new(), "", person), lambda tx: self._activate(tx, code, login, kept)
            )
        except problems.LoginTaken:
            async with self._commands.pool.connection() as conn:  # a code must not be a means of listing logins
                await conn.execute("update activation_code set tries = tries + 1 where digest = %s", (code.digest,))
            raise
        async with self._commands.pool.connection() as conn:
            await throttle.succeeded(conn, "", limit.key)
        return outcome

    async def _person_of(self, conn: Any, code: codes.Code) -> str:
        """Whose code it is. A wrong one counts against the code that begins alike. Raises CodeRefused."""
        cursor = await conn.execute(
            "update activation_code set tries = tries + (digest <> %s)::int where selector = %s"
            " and expires_at > %s and tries < %s returning person, digest",
            (code.digest, code.selector, self._commands.clock.now(), codes.TRIES),
        )
        row = await cursor.fetchone()
        if row is None or row[1] != code.digest:
            raise problems.CodeRefused
        return str(row[0])

    async def _activate(self, tx: Tx, code: codes.Code, login: str, kept: str) -> dict[str, Any]:
        row = await tx.row("select id, person from activation_code where digest = %s for update", (code.digest,))
        if row is None:
            raise problems.CodeRefused
        issued, person = row
        await lock(tx, person)
        await tx.run("delete from activation_code where id = %s", (issued,))
        try:
            await tx.run(
                "insert into account (person, login, password_hash, activated_at) values (%s, %s, %s, %s)"
                " on conflict (person) do update set login = excluded.login, password_hash = excluded.password_hash,"
                " activated_at = excluded.activated_at",
                (person, login, kept, tx.now),
            )
        except UniqueViolation as taken:
            raise problems.LoginTaken from taken
        tx.emit(account_stream(person), e.AccountActivated(person=person, code=issued))
        await self._sessions.end_all(tx, person)
        return {"login": login, "person": person}

    async def sign_in(self, typed: str, password: str, address: str, agent: str) -> Opened:
        """A session for the right login and password. Raises SignInRefused, TooManyTries, DemoFromElsewhere."""
        login = login_of(typed)
        limits = [throttle.account(login), throttle.source(address)]
        async with self._commands.pool.connection() as conn:
            await throttle.count(conn, limits, self._commands.clock.now())
            cursor = await conn.execute(
                "select a.person, a.password_hash, a.disabled_at is not null, p.demo"
                " from account a join person p on p.id = a.person where a.login = %s",
                (login,),
            )
            row = await cursor.fetchone()
        verified = await self._passwords.verify(row[1] if row else None, password)
        if row is None or not verified or row[2]:
            raise problems.SignInRefused
        person, kept, _, demo = row
        # Behind a TLS proxy every client seems to be on this machine.
        if demo and (self._secure or not _loopback(address)):
            raise problems.DemoFromElsewhere
        rehashed = await self._passwords.hash(password) if self._passwords.outdated(kept) else None
        opened = await self._sessions.open(Command(self._ids.new(), "", person), kept, rehashed, address, agent)
        async with self._commands.pool.connection() as conn:
            await throttle.succeeded(conn, limits[0].key, limits[1].key)
        return opened

    async def change_password(
        self, command: Command, session: str, current: str, password: str, address: str
    ) -> Outcome:
        """The person of `command` gets another password; his sessions end, except the one that asks.

        Tries count together with those of signing in. Raises PasswordWeak, PasswordNotChanged, TooManyTries, KeyReused.
        """
        person = command.actor
        login, kept, done = await self._account_of(person, command.id)
        passwords.check(password, login)
        limits = [throttle.account(login or person), throttle.source(address)]
        async with self._commands.pool.connection() as conn:
            await throttle.count(conn, limits, self._commands.clock.now())
        # Once the change is made, the password given as the current one is not that any more; a repetition of the
        # command is told by the new one, below.
        if not done and not await self._passwords.verify(kept, current):
            raise problems.PasswordNotChanged
        fresh = await self._passwords.hash(password)

        async def do(tx: Tx) -> dict[str, Any]:
            await lock(tx, person)
            if not await tx.run(
                "update account set password_hash = %s where person = %s and password_hash = %s"
                " and disabled_at is null",
                (fresh, person, kept),
            ):  # disabled, or given another password, while this one was verified
                raise problems.PasswordNotChanged
            return {"person": person, "sessions_ended": await self._sessions.end_all(tx, person, keep=session)}

        # No digest of the request: it would be a hash of the passwords that is quick to guess, in the log for good.
        outcome = await self._commands.execute(command._replace(request=""), do)
        if outcome.replayed:
            _, kept, _ = await self._account_of(person, command.id)
            if not await self._passwords.verify(kept, password):
                raise KeyReused
        async with self._commands.pool.connection() as conn:
            await throttle.succeeded(conn, limits[0].key, limits[1].key)
        return outcome

    async def _account_of(self, person: str, command: str) -> tuple[str, str | None, bool]:
        """Login and hash of a person, "" and None without an account; whether the command was carried out before."""
        async with self._commands.reading() as tx:
            row = await tx.row(
                "select a.login, a.password_hash, exists (select 1 from command where id = %s)"
                " from (values (%s)) p (id) left join account a on a.person = p.id",
                (command, person),
            )
        assert row is not None
        return row[0] or "", row[1], row[2]


def _new_login(typed: str) -> str:
    login = login_of(typed)
    if not LOGIN.fullmatch(login):
        raise problems.LoginNotSane
    return login


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


# -- disabling ----------------------------------------------------------------------------------------------------


async def disable(tx: Tx, sessions: Sessions, person: str) -> dict[str, Any]:
    """Nobody signs in by this account, and whoever is in is out at once."""
    not_to_himself(tx.actor, person)
    await lock(tx, person)
    if not await tx.run(
        "update account set disabled_at = %s where person = %s and disabled_at is null", (tx.now, person)
    ):
        raise problems.AlreadyDone
    await keep_an_administrator(tx)
    await sessions.end_all(tx, person)
    tx.emit(account_stream(person), e.AccountDisabled(person=person))
    return {"person": person}


async def enable(tx: Tx, person: str) -> dict[str, Any]:
    """The account is good again."""
    await lock(tx, person)
    if not await tx.run(
        "update account set disabled_at = null where person = %s and disabled_at is not null", (person,)
    ):
        raise problems.AlreadyDone
    tx.emit(account_stream(person), e.AccountEnabled(person=person))
    return {"person": person}
