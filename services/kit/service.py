"""What a service hands to the composition root."""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from fastapi import FastAPI

from services.kit.projector import Projector


class Service(NamedTuple):
    """The app of a service, its projectors, and the other loops that run beside it until cancelled (keepers)."""

    name: str
    app: FastAPI
    loops: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    projectors: tuple[Projector, ...] = ()
