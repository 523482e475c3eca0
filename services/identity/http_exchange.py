"""The gateway's question: may this request pass, and with which token. Never forwarded from outside.

The gateway sends the request's own method, path (behind /exchange) and headers, without its body. 200 lets it pass:
under the Authorization of the answer, or as nobody; anything else goes to the client as it is.
"""

from typing import TYPE_CHECKING

from fastapi import Request, Response

from services.identity.access import PUBLIC
from services.kit.http import Router

if TYPE_CHECKING:
    from services.identity.app import Identity

NOBODY = {"x-envoy-auth-headers-to-remove": "authorization"}
"""Tells the gateway to take away whatever the client itself put there."""


def routes(svc: "Identity") -> Router:
    router = Router(tags=["internal"])

    @router.any("/exchange/{path:path}", policy=PUBLIC, include_in_schema=False)
    async def exchange(request: Request) -> Response:
        """Let a request pass, or refuse it."""
        authorization = await svc.admission(request.method, request.scope["headers"])
        return Response(headers=NOBODY if authorization is None else {"authorization": authorization.decode("latin-1")})

    return router
