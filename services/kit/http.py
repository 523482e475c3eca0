"""HTTP for every service: routes that carry a policy, problems as answers, conditional requests and positions.

A route states its `policy`; `create_app` refuses an app with a route that has none. Handlers get the asking person
as `Caller`, a change as `Change` (with its Idempotency-Key) and answer bytes through `json`.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, NamedTuple

import orjson
import structlog
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from psycopg import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Lifespan

from contracts.envelope import canonical
from services.kit import problems
from services.kit.authn import Authenticator, Principal
from services.kit.handle import Command, command_id
from services.kit.openapi import describe
from services.kit.problems import MEDIA_TYPE, Problem

KEY = re.compile(r"[\x21-\x7e]{8,128}")
ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
NO_STORE = (OperationalError, InterfaceError, ConnectionError)
"""What a lost database, a pool without connections, an aborted pipeline and a log that is away raise."""
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
LONGEST_ECHO = 200
"""Characters of a client's own words that a problem gives back."""

log = structlog.get_logger()


class Policy:
    """Who may call a route at all: any of `roles` (see `Principal.roles`), everybody (`public`), any signed-in
    person (`signed_in`) or only other services (`service`). Which objects he reaches there is `access.py`'s say."""

    def __init__(
        self, name: str, *roles: str, public: bool = False, signed_in: bool = False, service: bool = False
    ) -> None:
        self.name, self.roles = name, frozenset(roles)
        self.public, self.signed_in, self.service = public, signed_in, service
        if sum((bool(roles), public, signed_in, service)) != 1:
            raise TypeError(f"policy {name} must be one of: roles, public, signed_in, service")

    def admits(self, principal: Principal) -> bool:
        if self.service:
            return principal.is_service
        if self.signed_in:
            return not principal.is_service
        return not self.roles.isdisjoint(principal.roles)


class GuardedRoute(APIRoute):
    """Checks the route's policy before anything else of the request is read."""

    policy: Policy

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            policy = self.policy
            if not policy.public:
                principal = _authenticate(request)
                if not policy.admits(principal):
                    raise problems.Forbidden
                request.state.principal = principal
            _check_media_type(request)
            await _refuse_nul(request)
            return await handle(request)

        return guarded


def _authenticate(request: Request) -> Principal:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise problems.Unauthenticated
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator.principal(token)


def _check_media_type(request: Request) -> None:
    """A body is JSON; what browsers send from a foreign page without asking first is never that."""
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise problems.WrongMediaType


async def _refuse_nul(request: Request) -> None:
    """No text here holds the character NUL, which PostgreSQL cannot store; better said once than in every model."""
    if "\0" in request.scope["path"]:
        raise problems.NotFound
    if "%00" in request.url.query:
        raise problems.Malformed(what="U+0000")
    if request.method != "GET" and "json" in request.headers.get("content-type", ""):
        body = await request.body()
        # The first also finds JSON in UTF-16, which would slip past the second.
        if b"\0" in body or ESCAPED_NUL.search(body):
            raise problems.Malformed(what="U+0000")


class Router(APIRouter):
    """An APIRouter whose routes cannot be declared without a policy."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=GuardedRoute, **options)

    def _declare(
        self, methods: list[str], path: str, policy: Policy, answers: Any, options: dict[str, Any]
    ) -> Callable[..., Any]:
        """`answers`: the model of what is answered. Handlers answer bytes, so it documents and is never applied."""

        def declare(endpoint: Callable[..., Any]) -> Callable[..., Any]:
            super(Router, self).add_api_route(path, endpoint, methods=methods, response_model=answers, **options)
            route = self.routes[-1]
            assert isinstance(route, GuardedRoute)
            route.policy = policy
            return endpoint

        return declare

    def get(  # type: ignore[override]
        self, path: str, *, policy: Policy, answers: Any = None, **options: Any
    ) -> Callable[..., Any]:
        return self._declare(["GET"], path, policy, answers, options)

    def post(  # type: ignore[override]
        self, path: str, *, policy: Policy, answers: Any = None, **options: Any
    ) -> Callable[..., Any]:
        return self._declare(["POST"], path, policy, answers, options)

    def put(  # type: ignore[override]
        self, path: str, *, policy: Policy, answers: Any = None, **options: Any
    ) -> Callable[..., Any]:
        return self._declare(["PUT"], path, policy, answers, options)

    def patch(  # type: ignore[override]
        self, path: str, *, policy: Policy, answers: Any = None, **options: Any
    ) -> Callable[..., Any]:
        return self._declare(["PATCH"], path, policy, answers, options)

    def delete(  # type: ignore[override]
        self, path: str, *, policy: Policy, answers: Any = None, **options: Any
    ) -> Callable[..., Any]:
        return self._declare(["DELETE"], path, policy, answers, options)

    def any(self, path: str, *, policy: Policy, answers: Any = None, **options: Any) -> Callable[..., Any]:
        """One route for every method that the journal takes from outside."""
        return self._declare(list(METHODS), path, policy, answers, options)


class UnguardedRoute(RuntimeError):
    """An app has a route without a policy."""


def create_app(
    title: str, routers: Iterable[APIRouter], authenticator: Authenticator, lifespan: Lifespan[FastAPI] | None = None
) -> FastAPI:
    """The app of a service. Raises `UnguardedRoute` when a route carries no policy."""
    app = FastAPI(title=title, openapi_url="/openapi.json", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.router.redirect_slashes = False
    app.state.authenticator = authenticator
    for router in routers:
        for route in router.routes:
            if not isinstance(getattr(route, "policy", None), Policy):
                raise UnguardedRoute(f"{title}: {getattr(route, 'path', route)}")
            app.router.routes.append(route)
    app.openapi = partial(_described, app)  # type: ignore[method-assign]
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_malformed)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(ClientDisconnect, _answer_cut_short)
    for lost in NO_STORE:
        app.add_exception_handler(lost, _answer_no_store)
    app.add_exception_handler(ExceptionGroup, _answer_group)
    app.add_exception_handler(Exception, _answer_bug)
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = describe(FastAPI.openapi(app), guarded_routes(app), change)
    return app.openapi_schema


def guarded_routes(app: FastAPI) -> list[GuardedRoute]:
    """The routes of an app with their policies, for the permission matrix."""
    return [route for route in app.routes if isinstance(route, GuardedRoute)]


# -- what handlers take and give --------------------------------------------------------------------------------


def caller(request: Request) -> Principal:
    """The principal that the route's policy admitted."""
    principal: Principal = request.state.principal
    return principal


Caller = Annotated[Principal, Depends(caller)]


class ChangeRequest(NamedTuple):
    """A change asked for over HTTP: who, under which key, on which versions.

    if_match: the tag that is to be replaced, without quotes; None: not sent. if_none_match: `*` was sent.
    """

    principal: Principal
    command_id: str
    request: str
    if_match: str | None
    if_none_match: bool

    def command(self, role: str) -> Command:
        """The command as done under `role`."""
        return Command(self.command_id, self.request, self.principal.subject, role, self.principal.session)

    def expected(self) -> str | None:
        """The version that this change replaces: its tag, or None for "there is nothing yet".

        Raises PreconditionRequired when neither If-Match nor If-None-Match: * was sent.
        """
        if self.if_match is not None:
            return self.if_match
        if self.if_none_match:
            return None
        raise problems.PreconditionRequired


def known_tags(if_none_match: str) -> set[str]:
    """The tags that a reader has. A weak one counts: whoever packs an answer on its way marks its tag so, while ours
    name versions of things and not their bytes."""
    return {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}


async def change(request: Request) -> ChangeRequest:
    """Reads Idempotency-Key, the conditional headers and the digest of the canonical request."""
    key = request.headers.get("idempotency-key", "")
    if not KEY.fullmatch(key):
        raise problems.KeyMissing
    body = await request.body()
    try:
        content = canonical(orjson.loads(body)) if body else ""
    except (ValueError, RecursionError):
        content = body.decode(errors="replace")
    address = f"{request.url.path}?{request.url.query}"
    digest = hashlib.sha256(f"{request.method} {address}\n{content}".encode()).hexdigest()
    principal = caller(request)
    if_match = request.headers.get("if-match")
    return ChangeRequest(
        principal,
        command_id(principal.subject, key),
        digest,
        None if if_match is None else if_match.strip().strip('"'),
        request.headers.get("if-none-match", "").strip() == "*",
    )


Change = Annotated[ChangeRequest, Depends(change)]


MinPosition = Annotated[str | None, Query(pattern=r"^[a-z]{1,20}:[0-9]{1,15}$")]
"""The query parameter `min_position`: a position that the answer must show, as a change's answer named it."""


def json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`body` as JSON bytes."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


def position_header(log_name: str, position: int) -> dict[str, str]:
    """The header by which an answer names the position of a change: `Zhurnal-Position: gradebook:123`."""
    return {"Zhurnal-Position": f"{log_name}:{position}"}


# -- problems as answers ----------------------------------------------------------------------------------------


def language(request: Request) -> str:
    """ "en" when the client prefers English to Russian, else "ru"."""
    liked = {"ru": 0.0, "en": 0.0}
    for part in request.headers.get("accept-language", "").lower().split(","):
        tag, _, weight = part.partition(";")
        spoken = tag.strip().split("-")[0]
        if spoken in liked:
            liked[spoken] = max(liked[spoken], _weight(weight))
    return "en" if liked["en"] > liked["ru"] else "ru"


def _weight(text: str) -> float:
    """The q of an Accept-Language item; 1 when there is none."""
    found = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", text)
    return float(found[1]) if found else 1.0


def answer(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as the answer to a request."""
    spoken = language(request)
    document = orjson.dumps(problem.document(spoken))
    headers = {**(headers or {}), "Content-Language": spoken}
    if problem.status in (429, 503):
        headers["Retry-After"] = str(problem.extra.get("retry_after", 1))
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(document, problem.status, headers, media_type=MEDIA_TYPE)


Handler = Callable[[Request, Exception], Awaitable[Response]]


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(request, error)


async def _answer_malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    findings = [
        {"at": "/".join(str(p) for p in e["loc"])[:LONGEST_ECHO], "rule": e["type"], "message": e["msg"][:LONGEST_ECHO]}
        for e in error.errors()
    ]
    if any(f["rule"] == "json_invalid" for f in findings):
        findings = [{"at": "body", "rule": "json_invalid", "message": "JSON"}]
    what = "; ".join(f"{f['at']} ({f['rule']})" for f in findings[:5])
    return answer(request, problems.Malformed(what=what, extra={"errors": findings[:50]}))


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known: dict[int, type[Problem]] = {404: problems.NotFound, 405: problems.MethodNotAllowed}
    if error.status_code in known:
        return answer(request, known[error.status_code](), error.headers)
    return answer(request, problems.Malformed(what=f"HTTP {error.status_code}"))


async def _answer_cut_short(request: Request, error: Exception) -> Response:
    """Nobody reads it; without it a client that leaves in the middle of its body would be reported as our fault."""
    return answer(request, problems.Malformed(what="Content-Length"))


async def _answer_no_store(request: Request, error: Exception) -> Response:
    log.error("store unavailable", error=type(error).__name__, path=request.url.path)
    return answer(request, problems.StoreUnavailable())


async def _answer_group(request: Request, error: Exception) -> Response:
    """What tasks of one request raised together: a problem that they agree on is the answer, anything else a bug."""
    assert isinstance(error, ExceptionGroup)
    _, others = error.split((*NO_STORE, Problem))
    if others is not None:
        return await _answer_bug(request, error)
    if (refused := error.subgroup(Problem)) is not None:
        return await _answer_problem(request, _first(refused))
    return await _answer_no_store(request, _first(error))


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


async def _answer_bug(request: Request, error: Exception) -> Response:
    trace = str(structlog.contextvars.get_contextvars().get("trace", "-"))
    log.error("unhandled", exc_info=error, path=request.url.path)
    return answer(request, problems.Internal(trace=trace))
