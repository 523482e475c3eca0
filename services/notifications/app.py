"""The composition of notifications: its pool, the view `inbox` and what follows it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from services.kit import status
from services.kit.authn import Authenticator
from services.kit.bus.bus import Bus
from services.kit.http import create_app
from services.kit.log.eventlog import Feed
from services.kit.projector import Projector
from services.kit.service import Service
from services.kit.status import Health
from services.notifications.http import routes
from services.notifications.views import inbox

NAME = "notifications"
VIEWS = (inbox.VIEW,)
"""Made and, when their version changed, rebuilt by `services.kit.rebuild.ensure` before the service starts."""


class Notifications(NamedTuple):
    """The service object: what its routes work with."""

    pool: AsyncConnectionPool[AsyncConnection[Any]]
    inbox: Projector


def build(
    pool: AsyncConnectionPool[AsyncConnection[Any]],
    feeds: Mapping[str, Feed],
    bus: Bus,
    authenticator: Authenticator,
) -> Service:
    """feeds: of the logs gradebook, schedule and identity."""
    view = inbox.VIEW
    projector = Projector(view, pool, {name: feeds[name] for name in view.logs}, bus)
    service = Notifications(pool, projector)
    health = Health(NAME, pool, {name: feeds[name] for name in view.logs}, (projector,))
    app = create_app("Zhurnal: notifications", [routes(service), status.routes(health)], authenticator)
    return Service(NAME, app, health, projectors=(projector,))
