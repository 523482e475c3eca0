"""What a service hands to the composition root."""

from typing import NamedTuple

from fastapi import FastAPI

from services.kit.projector import Projector
from services.kit.tasks import Loop


class Service(NamedTuple):
    """The app of a service, its projectors, and the other loops that run beside it until cancelled (keepers)."""

    name: str
    app: FastAPI
    loops: tuple[Loop, ...] = ()
    projectors: tuple[Projector, ...] = ()
