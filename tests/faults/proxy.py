"""Toxiproxy between the parts: one proxy per way (`gradebook.api>postgres`), on which faults of the network are put.

The program is built once from its Go module into the user's cache; without Go the tests are skipped, in CI they fail.
"""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.local.processes import free_port

MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "zhurnal" / "toxiproxy"
START_SECONDS = 10.0
ANSWER_SECONDS = 30.0
"""A fault is put on a connection between two pieces of what it carries: one that nobody reads from keeps us waiting."""

NETWORK: dict[str, dict[str, Any] | None] = {
    "latency": {"type": "latency", "attributes": {"latency": 150, "jitter": 100}},
    "slow": {"type": "bandwidth", "attributes": {"rate": 20}},
    "sliced": {"type": "slicer", "attributes": {"average_size": 200, "size_variation": 150, "delay": 2000}},
    "half-open": {"type": "timeout", "attributes": {"timeout": 0}},
    "reset": {"type": "reset_peer", "attributes": {"timeout": 0}},
    "cut": None,
}
"""Faults of a way. half-open: connections stay and nothing comes through. cut: closed and refused."""


def program() -> Path:
    """The built program. Skips, in CI fails, where Go cannot build it."""
    built = CACHE / MODULE.rpartition("@")[2] / "server"
    if built.exists():
        return built
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    why = "Toxiproxy is built with Go, which is not installed"
    if go is not None:
        built.parent.mkdir(parents=True, exist_ok=True)
        fresh = built.parent / f"new-{os.getpid()}"
        done = subprocess.run(
            [go, "install", MODULE],
            env={**os.environ, "GOBIN": str(fresh)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            (fresh / "server").replace(built)
            return built
        why = f"Toxiproxy was not built: {done.stderr.strip()[-300:]}"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


class Toxiproxy:
    """The running program. Use as an async context manager."""

    def __init__(self) -> None:
        self.port = free_port()
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=ANSWER_SECONDS)
        self._process: subprocess.Popen[bytes] | None = None
        self.ways: dict[str, int] = {}

    async def __aenter__(self) -> "Toxiproxy":
        command = [str(program()), "-host", "127.0.0.1", "-port", str(self.port)]
        environment = {**os.environ, "LOG_LEVEL": "error"}
        self._process = subprocess.Popen(  # noqa: ASYNC220 - forks at once
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    (await self._client.get("/version")).raise_for_status()
                    return self
                except httpx.TransportError:
                    await asyncio.sleep(0.02)

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def way(self, name: str, to: str, port: int | None = None) -> int:
        """The port that leads to `to` (host:port) under that name, made at the first call."""
        if name not in self.ways:
            listen = port or free_port()
            body = {"name": name, "listen": f"127.0.0.1:{listen}", "upstream": to, "enabled": True}
            (await self._client.post("/proxies", json=body)).raise_for_status()
            self.ways[name] = listen
        return self.ways[name]

    async def spoil(self, name: str, fault: str) -> None:
        """Put a fault of `NETWORK` on a way."""
        toxic = NETWORK[fault]
        if toxic is None:
            (await self._client.post(f"/proxies/{name}", json={"enabled": False})).raise_for_status()
            return
        for stream in ("upstream", "downstream"):
            body = {**toxic, "name": f"{fault}-{stream}", "stream": stream, "toxicity": 1.0}
            (await self._client.post(f"/proxies/{name}/toxics", json=body)).raise_for_status()

    async def heal(self) -> None:
        """Take every fault off every way."""
        (await self._client.post("/reset")).raise_for_status()
