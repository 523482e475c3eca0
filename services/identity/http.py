"""Routes of accounts: signing in and out, sessions, activation, oneself, keys, and who read one's data."""

from typing import TYPE_CHECKING

from fastapi import Request, Response

from services.identity import answers, directory, readlog
from services.identity.access import PUBLIC, SIGNED_IN, Reach
from services.identity.commands import Outcome
from services.identity.keys import jwks
from services.identity.models import Activation, Format, Limit, NewPassword, Offset, SignIn
from services.kit.csvfile import csv_answer
from services.kit.http import Caller, Change, Router, json, position_header

if TYPE_CHECKING:
    from services.identity.app import Identity

LOG = "identity"


def answered(outcome: Outcome, status: int = 200) -> Response:
    """The answer of a change with its position."""
    body = {**outcome.answer, "position": f"{LOG}:{outcome.position}"}
    return json(body, status, position_header(LOG, outcome.position))


def routes(svc: "Identity") -> Router:
    router = Router(tags=["accounts"])

    @router.post("/sessions", policy=PUBLIC, answers=answers.SignedIn, status_code=201)
    async def sign_in(body: SignIn, request: Request) -> Response:
        """Open a session: sets the cookie and answers who signed in."""
        opened = await svc.accounts.sign_in(
            body.login, body.password, _address(request), request.headers.get("user-agent", "")[:200]
        )
        answer = json(
            {**await _me(svc, opened.person), "position": f"{LOG}:{opened.position}"},
            201,
            position_header(LOG, opened.position),
        )
        answer.set_cookie(
            svc.cookie,
            opened.secret,
            max_age=opened.max_age,
            path="/",
            secure=svc.secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    @router.get("/sessions", policy=SIGNED_IN, answers=answers.Sessions)
    async def own_sessions(caller: Caller) -> Response:
        """The caller's live sessions."""
        return json({"sessions": await svc.sessions.of(caller.subject, caller.session)})

    @router.delete("/sessions/current", policy=SIGNED_IN, answers=answers.SessionEnded)
    async def sign_out(change: Change) -> Response:
        """End this session and drop its cookie."""
        principal = change.principal
        outcome = await svc.execute(
            change.command(""), lambda tx: svc.sessions.end(tx, principal.subject, principal.session)
        )
        answer = answered(outcome)
        answer.delete_cookie(svc.cookie, path="/", secure=svc.secure, httponly=True, samesite="lax")
        return answer

    @router.delete("/sessions/{session}", policy=SIGNED_IN, answers=answers.SessionEnded)
    async def end_session(session: str, change: Change) -> Response:
        """End another of the caller's sessions."""
        subject = change.principal.subject
        return answered(await svc.execute(change.command(""), lambda tx: svc.sessions.end(tx, subject, session)))

    @router.post("/activation", policy=PUBLIC, answers=answers.Activated, status_code=201)
    async def activate(body: Activation, request: Request) -> Response:
        """Use a code: set login and password."""
        return answered(await svc.accounts.activate(body.code, body.login, body.password, _address(request)), 201)

    @router.get("/me", policy=SIGNED_IN, answers=answers.Me)
    async def me(caller: Caller) -> Response:
        """The caller: his data, roles, children, groups."""
        return json(await _me(svc, caller.subject))

    @router.post("/me/password", policy=SIGNED_IN, answers=answers.PasswordChanged)
    async def change_password(body: NewPassword, request: Request, change: Change) -> Response:
        """Set another password for oneself. All other sessions of the caller end at once."""
        command, session = change.command(""), change.principal.session
        return answered(
            await svc.accounts.change_password(command, session, body.current, body.password, _address(request))
        )

    @router.get("/keys", policy=PUBLIC, answers=answers.Keys)
    async def keys() -> Response:
        """The public key by which tokens are verified, as a JWKS."""
        return json(jwks(svc.issuer.public_key))

    @router.get("/reads/me", policy=SIGNED_IN, answers=answers.Reads)
    async def reads_of_me(caller: Caller, limit: Limit = 100, offset: Offset = 0, format: Format = "json") -> Response:
        """Which of the staff read the caller's data, or his children's."""
        subjects = [caller.subject, *caller.roles.get("guardian", set())]
        async with svc.commands.reading() as tx:
            total, reads = await readlog.of(tx, subjects, limit, offset)
        if format == "csv":
            header = ("Кто", "Чьи данные", "Что", "Когда")
            return csv_answer("reads", header, ((r["name"], r["subject"], r["route"], r["at"]) for r in reads))
        return json({"total": total, "items": reads})

    return router


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _me(svc: "Identity", person: str) -> dict[str, object]:
    """What a signed-in person needs to begin: himself, today's roles, his children and groups."""
    async with svc.commands.reading() as tx:
        own = Reach(False, [person], False, False)
        himself = await directory.person(tx, own, person)
        children = await directory.children(tx, person)
    return {"person": himself, "children": children}
