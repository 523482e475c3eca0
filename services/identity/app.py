"""The identity service: people, groups, roles and links by date, accounts and sessions, and who read whose data.

`Identity` is the service object: commands work on it without HTTP as well (`execute`). `build` makes its app;
`admission` judges requests from outside, turning a session cookie into a token by `exchange`; `read_sink` takes the
staff reads of every service.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from services.identity import (
    beginning,
    http,
    http_exchange,
    http_groups,
    http_imports,
    http_internal,
    http_people,
    readlog,
)
from services.identity.accounts import Accounts, issue_code
from services.identity.commands import Commands, Do, Log, Outcome, Tx
from services.identity.passwords import Passwords
from services.identity.people import PersonData, lock, make_administrator, register
from services.identity.sessions import Sessions
from services.kit import feed, status
from services.kit.admission import Admission
from services.kit.authn import Authenticator, Grants, TokenIssuer
from services.kit.clock import Clock, IdSource
from services.kit.handle import Command
from services.kit.http import create_app
from services.kit.postgres import Pool
from services.kit.reads import Read, ReadLog
from services.kit.service import Service
from services.kit.status import Health

NAME = "identity"
SYSTEM = "system:identity"


class Identity:
    """The service object. `secure`: served over TLS, so the cookie is Secure and carries the `__Host-` prefix.

    callers: {service: the secret that it proves itself by}, where services are processes of their own.
    """

    def __init__(
        self,
        pool: Pool,
        log: Log,
        issuer: TokenIssuer,
        grants: Grants,
        clock: Clock,
        ids: IdSource,
        zone: ZoneInfo,
        *,
        secure: bool,
        passwords: Passwords | None = None,
        callers: Mapping[str, str] | None = None,
    ) -> None:
        self.pool, self.log, self.issuer, self.clock, self.ids, self.zone = pool, log, issuer, clock, ids, zone
        self.secure, self.callers = secure, dict(callers or {})
        self.cookie = "__Host-zhurnal" if secure else "zhurnal"
        self.admission = Admission(self.exchange, self.cookie, secure)
        self.passwords = passwords or Passwords()
        self.commands = Commands(pool, log, clock, zone)
        self.sessions = Sessions(self.commands, issuer, grants)
        self.accounts = Accounts(self.commands, self.sessions, self.passwords, ids, secure=secure)
        self.reads = ReadLog(self.read_sink)

    async def exchange(self, cookie: str) -> str | None:
        """The token of the session with this cookie value, None when there is none or it is over."""
        return await self.sessions.exchange(cookie)

    async def read_sink(self, reads: list[Read]) -> None:
        """Take staff reads, of this service and of the others."""
        await readlog.record(self.pool, reads)

    async def begun(self) -> dict[str, Any]:
        """What the start page must know, see `beginning.begun`."""
        async with self.commands.reading() as tx:
            return await beginning.begun(tx)

    async def tell_of_demo(self, about: dict[str, Any]) -> None:
        """Keep what the start page shows of the demo college."""
        async with self.commands.reading() as tx:
            await beginning.tell_of_demo(tx, about)

    async def execute(self, command: Command, do: Do, *, secret: bool = False) -> Outcome:
        """Carry a change out, see `Commands.execute`."""
        return await self.commands.execute(command, do, secret=secret)

    def as_system(self, via: str = "cli") -> Command:
        """A new command that no person gave."""
        return Command(self.ids.new(), "", SYSTEM, via=via)


async def first_code(commands: Commands, command: Command) -> str | None:
    """A one-time code for the first administrator, who is made if the system has none.

    A code given before and not used is void then. None when an administrator has an account already. Needs the
    database of identity only; safe beside running processes and other calls at once.
    """

    async def do(tx: Tx) -> dict[str, object]:
        await tx.run("select pg_advisory_xact_lock(hashtext('identity: administrators'))")
        rows = await tx.rows(
            "select subject from relation where relation = 'journal_administrator' and starts_on <= %(today)s"
            " and (ends_on is null or ends_on >= %(today)s) order by starts_on, subject",
            {"today": tx.today},
        )
        people = [row[0] for row in rows]
        if not people:
            people = [await register(tx, PersonData("Администратор", "журнала"))]
            await make_administrator(tx, people[0])
        await lock(tx, *people)  # an activation under way holds him: it counts, once it has ended
        if await tx.row("select 1 from account where person = any(%s)", (people,)):
            return {}
        return await issue_code(tx, people[0])

    outcome = await commands.execute(command, do, secret=True)
    code = outcome.answer.get("secret")
    return None if code is None else str(code)


def build(svc: Identity, authenticator: Authenticator) -> Service:
    """The app of identity, mounted at /api/identity, and its loops."""
    # The gateway asks for an exchange with every request, so that route is the first to be looked at.
    parts = (http_exchange, http, http_people, http_groups, http_imports, http_internal, beginning)
    routers = [part.routes(svc) for part in parts]
    health = Health(NAME, svc.pool, {NAME: svc.log})
    app = create_app(NAME, [*routers, feed.routes(svc.log), status.routes(health)], authenticator)
    return Service(NAME, app, health, (svc.sessions.run, svc.reads.run))
