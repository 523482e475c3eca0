"""What a service hands to the composition root."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from fastapi import FastAPI


class Service(NamedTuple):
    """The app of a service, and the loops that run beside it until cancelled (keepers, projectors)."""

    name: str
    app: FastAPI
    loops: tuple[Callable[[], Awaitable[None]], ...] = ()
