"""Who asks, behind the gateway: it names the client's address, and nobody else is believed.

uvicorn's own middleware does the work. Without it every client would seem to be the gateway; the demo accounts, which
take sign-ins from this machine only, and the throttle of sign-in rest on the address.
"""

from typing import cast

from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


def forwarded(app: ASGIApp, gateway: str) -> ASGIApp:
    """`app`, told the address in X-Forwarded-For when the peer is of `gateway`: addresses or networks by commas."""
    if not gateway:
        return app
    trusted = [part.strip() for part in gateway.split(",")]
    return cast(ASGIApp, ProxyHeadersMiddleware(app, trusted_hosts=trusted))  # type: ignore[arg-type]
