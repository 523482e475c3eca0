"""May a request from outside pass, and as whom: the one judgement behind every entrance.

The edge of the one-process mode calls it; the gateway asks identity, whose internal route calls it too. It reads the
method and the headers of the request only. Services behind it see a bearer token or none, never a cookie.
"""

from collections.abc import Awaitable, Callable

from services.kit import problems

Headers = list[tuple[bytes, bytes]]
"""As in ASGI: names in lower case."""

Exchange = Callable[[str], Awaitable[str | None]]
"""From the value of a session cookie to a token, None when there is no such session."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
STRIPPED = (b"cookie", b"authorization", b"forwarded")
TRACES = (b"traceparent", b"tracestate", b"baggage", b"x-request-id")
"""Whoever is let to name his trace may write into that of another, or have all of his requests recorded."""
STRIPPED_PREFIXES = (b"x-zhurnal-", b"x-forwarded-", b"x-auth-", *TRACES)
INTERNAL_PATHS = frozenset({"log", "exchange", "tokens", "reads", "beginning"})
"""What services offer to each other only, below /api/{service}/: for anybody else it does not exist."""
INTERNAL_FOLDERS = ("exchange/",)


def is_internal(rest: str) -> bool:
    """Whether what follows /api/{service}/ is for the other services only."""
    bare = rest.strip("/")
    return bare in INTERNAL_PATHS or bare.startswith(INTERNAL_FOLDERS)


def passed_on(headers: Headers) -> Headers:
    """The headers that go on to a service: none that says who asks, where from, or within which trace."""
    return [(name, value) for name, value in headers if name not in STRIPPED and not name.startswith(STRIPPED_PREFIXES)]


class Admission:
    """The judgement. cookie: the name of the session's. secure: the journal is served over TLS."""

    def __init__(self, exchange: Exchange, cookie: str, secure: bool) -> None:
        self._exchange, self._cookie = exchange, cookie.encode() + b"="
        self._scheme = b"https://" if secure else b"http://"

    async def __call__(self, method: str, headers: Headers) -> bytes | None:
        """The value of Authorization under which the request goes on, None: as nobody.

        A session goes before a token that the client sent itself. Raises ForeignOrigin for a change that may come from
        another site, StoreUnavailable when the session cannot be looked up.
        """
        cookies, bearer = b"", None
        for name, value in headers:
            if name == b"cookie":
                cookies += value + b";"
            elif name == b"authorization" and value[:7].lower() == b"bearer ":
                bearer = value
        session = self._session(cookies)
        if method not in SAFE_METHODS and (bearer is None or session):
            self._check_origin(headers)
        if not session:
            return bearer
        token = await self._exchange(session)
        return None if token is None else b"Bearer " + token.encode()

    def _session(self, cookies: bytes) -> str | None:
        for part in cookies.split(b";"):
            part = part.strip()
            if part.startswith(self._cookie):
                return part[len(self._cookie) :].decode("latin-1")
        return None

    def _check_origin(self, headers: Headers) -> None:
        """A change needs the header that no foreign form can send, and the journal's own origin where one is named."""
        named = dict(headers)
        origin, own = named.get(b"origin"), self._scheme + named.get(b"host", b"")
        if named.get(b"x-zhurnal") != b"1" or (origin is not None and origin != own):
            raise problems.ForeignOrigin
