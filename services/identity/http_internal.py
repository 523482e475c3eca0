"""Routes for the other services only; the gateway never forwards them.

A service proves itself by its secret and gets a token, with which it may read feeds and hand over staff reads.
"""

import hmac
from typing import TYPE_CHECKING

from fastapi import Response

from services.identity import answers
from services.identity.access import PUBLIC, SERVICE
from services.identity.models import ServiceSecret, StaffReads
from services.kit.authn import SERVICE_PREFIX, TOKEN_LIFETIME
from services.kit.http import Router, json
from services.kit.problems import Unauthenticated
from services.kit.reads import Read

if TYPE_CHECKING:
    from services.identity.app import Identity


def routes(svc: "Identity") -> Router:
    router = Router(tags=["internal"])

    @router.post("/tokens", policy=PUBLIC, answers=answers.ServiceToken, status_code=201)
    async def service_token(body: ServiceSecret) -> Response:
        """A token for a service that knows its secret."""
        known = svc.callers.get(body.service, "")
        if not known or not hmac.compare_digest(known.encode(), body.secret.encode()):
            raise Unauthenticated
        token = svc.issuer.issue(SERVICE_PREFIX + body.service, "")
        return json({"token": token, "expires_in": int(TOKEN_LIFETIME.total_seconds())}, 201)

    @router.post("/reads", policy=SERVICE, answers=answers.ReadsTaken, status_code=201)
    async def take_reads(body: StaffReads) -> Response:
        """Keep the staff reads that happened in another service."""
        await svc.read_sink([Read(*row) for row in body.reads])
        return json({"taken": len(body.reads)}, 201)

    return router
