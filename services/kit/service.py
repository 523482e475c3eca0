"""What a service hands to the composition root."""

from typing import NamedTuple

from fastapi import FastAPI

from services.kit.projector import Projector
from services.kit.status import Health
from services.kit.tasks import Loop


class Service(NamedTuple):
    """The app of a service, how it fares, its projectors, and the other loops that run beside it until cancelled
    (keepers)."""

    name: str
    app: FastAPI
    health: Health
    loops: tuple[Loop, ...] = ()
    projectors: tuple[Projector, ...] = ()
