"""Who is asking: EdDSA tokens, the dated relations that make up a person's rights, and the Principal of a request.

Relations come from identity's log by its feed and are compared with today's date on every request, so a dated end
needs no event; a revoked session or role counts as soon as its event is read. If nothing was heard from identity for
`SILENCE_SECONDS`, staff requests are refused rather than judged on old rights.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.envelope import EventTypes
from contracts.grants import Change, Ended, Relation, SessionOver, SubjectOut
from services.kit.clock import Clock
from services.kit.log.eventlog import Feed
from services.kit.problems import RightsUnknown, Unauthenticated

AUDIENCE = "zhurnal"
SERVICE_PREFIX = "service:"
TOKEN_LIFETIME = timedelta(minutes=5)
SILENCE_SECONDS = 5.0
POLL_SECONDS = 1.0
BATCH = 5000
TOKENS_KEPT = 10_000
SHADOWED = frozenset({"role:curator", "role:guardian", "role:member"})

log = structlog.get_logger()


class Claims(NamedTuple):
    """What a token says: subject (person id, or `service:NAME`), SHA-256 of the session, end of validity."""

    subject: str
    session: str
    expires_at: float


class TokenIssuer:
    """Signs tokens; lives in identity only."""

    def __init__(self, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._key, self._clock = key, clock

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self._key.public_key()

    def issue(self, subject: str, session: str) -> str:
        now = self._clock.now()
        claims = {"sub": subject, "sid": session, "aud": AUDIENCE, "iat": now, "exp": now + TOKEN_LIFETIME}
        return jwt.encode(claims, self._key, algorithm="EdDSA")


class TokenVerifier:
    """Verifies tokens against identity's public keys; remembers verified ones until they expire.

    keys: whoever fetches them from identity (`calling.KeyRing`) changes what they hold.
    """

    def __init__(self, keys: Iterable[Ed25519PublicKey], clock: Clock) -> None:
        self._keys, self._clock = keys, clock
        self._known: dict[str, Claims] = {}

    def verify(self, token: str) -> Claims:
        """The claims of a valid token. Raises Unauthenticated for a forged, expired or foreign one."""
        now = self._clock.now().timestamp()
        claims = self._known.get(token)
        if claims is None:
            claims = self._decoded(token)
            if len(self._known) >= TOKENS_KEPT:
                self._known.clear()
            self._known[token] = claims
        if claims.expires_at <= now:
            self._known.pop(token, None)
            raise Unauthenticated
        return claims

    def _decoded(self, token: str) -> Claims:
        wrong: Exception | None = None
        for key in self._keys:
            try:
                body = jwt.decode(
                    token,
                    key,
                    algorithms=["EdDSA"],
                    audience=AUDIENCE,
                    options={"require": ["exp", "sub", "sid"], "verify_exp": False, "verify_iat": False},
                )
                return Claims(body["sub"], body["sid"], float(body["exp"]))
            except (jwt.InvalidTokenError, ValueError, TypeError) as bad:
                wrong = bad
        raise Unauthenticated from wrong


class Grants:
    """The relations of all persons, folded in memory from identity's log."""

    def __init__(self) -> None:
        self._by_id: dict[str, Relation] = {}
        self._of_subject: dict[tuple[str, str], set[str]] = {}
        self._on_object: dict[tuple[str, str], set[str]] = {}
        self._relations_of: dict[str, set[str]] = {}
        self._sessions_over: set[str] = set()
        self._out: set[str] = set()
        self.heard_at = float("-inf")
        self.position = 0

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            match change:
                case Relation():
                    self._remove(change.id)
                    self._add(change)
                case Ended():
                    self._end(change)
                case SessionOver():
                    self._sessions_over.add(change.session)
                case SubjectOut():
                    (self._out.add if change.out else self._out.discard)(change.subject)

    def objects(self, subject: str, relation: str, on: date) -> set[str]:
        """The objects to which `subject` stands in `relation` on that day."""
        return {r.object for r in self._valid(self._of_subject.get((subject, relation), ()), on)}

    def subjects(self, relation: str, object_: str, on: date) -> set[str]:
        """The subjects that stand in `relation` to the object on that day."""
        return {r.subject for r in self._valid(self._on_object.get((relation, object_), ()), on)}

    def ever(self, subject: str, relation: str, on: date) -> set[str]:
        """The objects of `relation` up to that day, also of ended ones (a student's groups over all years)."""
        return {r.object for r in self.terms(subject, relation) if r.starts_on <= on}

    def terms(self, subject: str, relation: str) -> list[Relation]:
        """The relations of that name with their dates, past and future ones too (a student's days in each group)."""
        return [self._by_id[i] for i in self._of_subject.get((subject, relation), ())]

    def roles(self, subject: str, on: date) -> dict[str, set[str]]:
        """What the person is on that day: {role or relation: scopes or objects}; scope "" = the whole college.

        Curator, guardian and member are what relations make of him; a granted role of such a name widens nothing.
        """
        return {
            relation.removeprefix("role:"): objects
            for relation in self._relations_of.get(subject, ())
            if relation not in SHADOWED and (objects := self.objects(subject, relation, on))
        }

    def admits(self, claims: Claims) -> bool:
        """Neither the session nor the account is over."""
        return claims.session not in self._sessions_over and claims.subject not in self._out

    def _valid(self, ids: Iterable[str], on: date) -> Iterator[Relation]:
        for i in ids:
            r = self._by_id[i]
            if r.starts_on <= on and (r.ends_on is None or on <= r.ends_on):
                yield r

    def _add(self, r: Relation) -> None:
        self._by_id[r.id] = r
        self._of_subject.setdefault((r.subject, r.relation), set()).add(r.id)
        self._on_object.setdefault((r.relation, r.object), set()).add(r.id)
        self._relations_of.setdefault(r.subject, set()).add(r.relation)

    def _remove(self, id_: str) -> None:
        r = self._by_id.pop(id_, None)
        if r is not None:
            self._of_subject[r.subject, r.relation].discard(id_)
            self._on_object[r.relation, r.object].discard(id_)

    def _end(self, end: Ended) -> None:
        r = self._by_id.get(end.id)
        if r is None:
            return
        if end.on is None:
            self._remove(end.id)
        elif r.ends_on is None or end.on < r.ends_on:
            self._by_id[end.id] = r._replace(ends_on=end.on)


class GrantsReader:
    """Keeps `Grants` current from identity's feed by long polling."""

    def __init__(
        self, grants: Grants, feed: Feed, types: EventTypes, read: Callable[[Any], Iterable[Change]], clock: Clock
    ) -> None:
        self._grants, self._feed, self._types, self._read, self._clock = grants, feed, types, read, clock

    async def catch_up(self) -> None:
        """Read everything there is."""
        grants = self._grants
        while True:
            asked_at = self._clock.monotonic()
            events = await self._feed.read(grants.position, BATCH)
            if not events:
                break
            for event in events:
                grants.apply(self._read(self._types.decode(event.type, event.body)))
            grants.position = events[-1].position
        grants.heard_at = asked_at  # what an answer holds may be as old as its question

    async def run(self) -> None:
        """Run until cancelled; a feed that fails is asked again, and `heard_at` tells how long it has been silent."""
        while True:
            try:
                await self._feed.wait(self._grants.position, POLL_SECONDS)
                await self.catch_up()
            except Exception as lost:  # whatever the transport raises: rights stay as heard, and age
                log.warning("identity feed lost", error=repr(lost))
                await asyncio.sleep(POLL_SECONDS / 5)


class Principal(NamedTuple):
    """Who asks, on which day of the college.

    roles: {role or relation: scopes or objects} of that day (`curator`: own groups, `guardian`: own children,
    `member`: the student's groups). A service has none; its subject is `service:NAME`.
    """

    subject: str
    session: str
    today: date
    now: datetime
    roles: dict[str, set[str]]
    grants: Grants

    @property
    def is_service(self) -> bool:
        return self.subject.startswith(SERVICE_PREFIX)

    def has(self, *roles: str) -> bool:
        """Any of the roles, in whatever scope."""
        return not self.roles.keys().isdisjoint(roles)

    def in_scope(self, role: str, group: str) -> bool:
        """The role reaches the group: granted for the whole college or for that group."""
        scopes = self.roles.get(role, set())
        return "" in scopes or group in scopes


class Authenticator:
    """From a bearer token to a Principal."""

    def __init__(self, verifier: TokenVerifier, grants: Grants, clock: Clock, zone: ZoneInfo) -> None:
        self._verifier, self._grants, self._clock, self._zone = verifier, grants, clock, zone

    def principal(self, token: str) -> Principal:
        """Raises Unauthenticated, and RightsUnknown when identity has been silent too long.

        A service has no relations that could have aged; it is let in, or identity could never be heard again.
        """
        claims = self._verifier.verify(token)
        if not self._grants.admits(claims):
            raise Unauthenticated
        silent = self._clock.monotonic() - self._grants.heard_at
        if silent > SILENCE_SECONDS and not claims.subject.startswith(SERVICE_PREFIX):
            raise RightsUnknown
        now = self._clock.now()
        today = now.astimezone(self._zone).date()
        roles = self._grants.roles(claims.subject, today)
        return Principal(claims.subject, claims.session, today, now, roles, self._grants)
