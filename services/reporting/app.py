"""The composition of reporting: its pool, its view and what follows it."""

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
from services.kit.reads import ReadLog
from services.kit.service import Service
from services.kit.status import Health
from services.reporting.http import routes
from services.reporting.lessons import Lessons
from services.reporting.views import card

NAME = "reporting"
VIEWS = (card.VIEW,)
"""Made and, when their version changed, rebuilt by `services.kit.rebuild.ensure` before the service starts."""


class Reporting(NamedTuple):
    """The service object: what its routes work with."""

    pool: AsyncConnectionPool[AsyncConnection[Any]]
    card: Projector
    reads: ReadLog
    lessons: Lessons


def build(
    pool: AsyncConnectionPool[AsyncConnection[Any]],
    feeds: Mapping[str, Feed],
    bus: Bus,
    authenticator: Authenticator,
    reads: ReadLog,
) -> Service:
    """feeds: of the logs gradebook, schedule and identity; reads: where staff reads are noted."""
    view = card.VIEW
    projector = Projector(view, pool, {name: feeds[name] for name in view.logs}, bus)
    service = Reporting(pool, projector, reads, Lessons())
    health = Health(NAME, pool, {name: feeds[name] for name in view.logs}, (projector,))
    app = create_app("Zhurnal: reporting", [routes(service), status.routes(health)], authenticator)
    return Service(NAME, app, health, projectors=(projector,))
