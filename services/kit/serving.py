"""Serving ASGI apps with uvicorn until SIGINT or SIGTERM, beside loops that must not end.

Requests under way are finished; a loop that fails ends the process with what it raised.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from services.kit.settings import CannotStart
from services.kit.tasks import Loop, run_together

STOP_SECONDS = 5
REQUESTS_AT_ONCE = 1000


def listen(host: str, port: int, variable: str = "ZHURNAL_PORT") -> socket.socket:
    """A bound socket. Raises CannotStart, naming the variable that chooses another port."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as taken:
        listening.close()
        raise CannotStart(
            f"Адрес {host}:{port} занят или недоступен: укажите другой порт через {variable}.",
            f"The address {host}:{port} is taken or not available: choose another by {variable}.",
        ) from taken
    return listening


def address(listening: socket.socket, scheme: str = "http") -> str:
    """Where the socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


async def serve(apps: Sequence[tuple[ASGIApp, socket.socket]], loops: Sequence[Loop]) -> None:
    """Serve each app on its socket until SIGINT, SIGTERM, or the end of the loops."""
    servers = [_Server(config(app)) for app, _ in apps]
    running = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(number, stopping.set)
    beside = asyncio.create_task(run_together(loops or (_nothing,)))
    beside.add_done_callback(lambda _: stopping.set())
    serving = [asyncio.create_task(s.serve([at])) for s, (_, at) in zip(servers, apps, strict=True)]
    for task in serving:
        task.add_done_callback(lambda _: stopping.set())
    try:
        await stopping.wait()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving)
    finally:
        beside.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beside


async def _nothing() -> None:
    await asyncio.Event().wait()


def config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        limit_concurrency=REQUESTS_AT_ONCE,
    )


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn would raise them again after it has stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
