"""A lean HTTP/1.1 load client: each connection sends its own prepared requests one after another.

It is a client for measuring, run in a process of its own so that the server's loop is not shared. Latency is from the
write of a request to the last byte of its answer.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True)
class Outcome:
    """latencies: seconds per request, in no order. statuses: {HTTP status: count}. seconds: of the whole run."""

    latencies: list[float]
    statuses: dict[int, int]
    seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, p: float) -> float:
        """The p-th percentile of the latencies, milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))] * 1000


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._need = -1
        self._status = 0
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class is none

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._need < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            self._status = int(head[9:12])
            at = head.find(b"\r\ncontent-length:")
            length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            self._need = end + 4 + length
        if len(self._buffer) >= self._need and self._answer is not None:
            self._buffer.clear()
            self._need = -1
            self._answer.set_result(self._status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    def send(self, request: bytes) -> "asyncio.Future[int]":
        assert self.transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer


async def drive(host: str, port: int, connections: Sequence[Sequence[bytes]]) -> Outcome:
    """Send each connection's requests in order, all connections at once."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    statuses: dict[int, int] = {}

    async def one(requests: Sequence[bytes]) -> None:
        transport, connection = await loop.create_connection(_Connection, host, port)
        try:
            for request in requests:
                began = time.perf_counter()
                status = await connection.send(request)
                latencies.append(time.perf_counter() - began)
                statuses[status] = statuses.get(status, 0) + 1
        finally:
            transport.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(requests) for requests in connections))
    return Outcome(latencies, statuses, time.perf_counter() - began)


def request(
    method: str, path: str, host: str, cookie: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    """The bytes of a request with a session cookie and the journal's CSRF header."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Cookie: {cookie}", "X-Zhurnal: 1"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    elif method != "GET":
        lines.append("Content-Length: 0")
    lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
