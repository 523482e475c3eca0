"""One run's system: every target in a process of its own, every way between them through Toxiproxy, and a supervisor
that starts again what dies.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Self

import httpx

from services.kit.settings import PREFIX, SERVICES
from services.local.processes import free_port, inherited
from services.targets import FEEDS
from tests.faults.base import Base
from tests.faults.control import Control
from tests.faults.proxy import Toxiproxy

ALL = (
    *(f"{service}.api" for service in SERVICES),
    *(f"{log}.relay" for log in ("identity", "schedule", "gradebook")),
    *(f"{service}.projector" for service in ("schedule", "gradebook", "reporting", "notifications")),
    "gradebook.keeper",
)
START_SECONDS = 150.0
STOP_SECONDS = 40.0
SECRET = "faults-are-injected-here-" + "0123456789"
NO_KAFKA = "127.0.0.1:1"
"""For targets that need no bus in a short run: nothing connects before it is used."""


class Running:
    """A process under test. `control`: its switchboard. `wanted`: whether the supervisor starts it again."""

    def __init__(self, name: str, target: str, port: int, probe_port: int, control: Control) -> None:
        self.name, self.target, self.port, self.probe_port, self.control = name, target, port, probe_port, control
        self.pid = 0
        self.wanted = True
        self.started = asyncio.Event()
        self.ended = asyncio.Event()

    def signal(self, number: int) -> None:
        """Send a signal, unless it has just ended by itself."""
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class World:
    """An async context manager. targets: what runs; `gradebook.api` named twice runs twice, as `gradebook.api-2`."""

    def __init__(
        self, base: Base, targets: Sequence[str] = ALL, kafka: str = NO_KAFKA, kafka_way: int = 0, bug: str = ""
    ) -> None:
        self.base, self.bug, self.kafka, self._kafka_way = base, bug, kafka, kafka_way
        self.processes: dict[str, Running] = {}
        self.deaths: Counter[str] = Counter()
        self.exits: list[tuple[str, int]] = []
        self.proxy = Toxiproxy()
        self._targets = targets
        self._names: dict[int, str] = {}
        self._zygote: asyncio.subprocess.Process | None = None
        self._stack = AsyncExitStack()
        self._client = httpx.AsyncClient(timeout=5)
        self.prefix = ""

    async def __aenter__(self) -> Self:
        self.prefix = await self.base.copy()
        self._stack.push_async_callback(self.base.drop, self.prefix)
        await self._stack.enter_async_context(self.proxy)
        if self.kafka != NO_KAFKA:
            await self.proxy.way("kafka", self.kafka, self._kafka_way)
        self.folder = self.base.folder / self.prefix
        self.folder.mkdir()
        self._zygote = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.zygote",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**inherited(), "LANG": "en_XX.UTF-8"},
        )
        self._listener = asyncio.create_task(self._listen())
        for target in self._targets:
            await self.start(target)
        await self.ready()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        for process in self.processes.values():
            process.wanted = False
        if self._zygote is not None and self._zygote.stdin is not None:
            self._zygote.stdin.close()
            await self._zygote.wait()
            self._listener.cancel()
        await self._stack.aclose()

    # -- processes ----------------------------------------------------------------------------------------------

    async def start(self, target: str) -> Running:
        """Start one more process of the target."""
        number = 1 + sum(p.target == target for p in self.processes.values())
        name = target if number == 1 else f"{target}-{number}"
        control = Control(self.folder / f"{name}.control")
        process = Running(name, target, free_port(), free_port(), control)
        self.processes[name] = process
        await self._spawn(process)
        return process

    async def _spawn(self, process: Running) -> None:
        assert self._zygote is not None
        assert self._zygote.stdin is not None
        process.ended.clear()
        process.started.clear()
        order = {
            "name": process.name,
            "argv": ["serve", "--target", process.target],
            "environment": await self._environment(process),
            "output": str(self.folder / f"{process.name}.log"),
            "control": str(process.control.path),
            "bug": self.bug,
        }
        self._zygote.stdin.write(json.dumps(order).encode() + b"\n")

    async def _listen(self) -> None:
        """What the zygote tells: who was born, who died; the dead that are wanted are born again."""
        assert self._zygote is not None
        assert self._zygote.stdout is not None
        while line := await self._zygote.stdout.readline():
            told = json.loads(line)
            if "name" in told:
                process = self.processes[told["name"]]
                process.pid = told["pid"]
                self._names[told["pid"]] = told["name"]
                process.started.set()
            elif "code" in told:
                name = self._names.pop(told["pid"])
                process = self.processes[name]
                process.pid = 0
                self.exits.append((name, told["code"]))
                if told["code"] == -9:
                    self.deaths[process.target] += 1
                process.ended.set()
                if process.wanted:
                    await self._spawn(process)

    async def end(self, process: Running) -> None:
        """Stop a process for good, in order."""
        process.wanted = False
        await self._gone(process)
        del self.processes[process.name]

    async def again(self, process: Running) -> None:
        """Stop a process in order; the supervisor starts it again."""
        await self._gone(process)

    async def _gone(self, process: Running) -> None:
        """SIGTERM until the process that runs now has ended, by whatever."""
        await process.started.wait()
        pid = process.pid
        async with asyncio.timeout(STOP_SECONDS):
            while process.pid and process.pid == pid:
                process.signal(15)
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.ended.wait(), 5)

    async def ready(self, seconds: float = START_SECONDS) -> None:
        """Return once every process says that it can do its work. Raises TimeoutError naming who does not."""
        waiting = list(self.processes.values())
        try:
            async with asyncio.timeout(seconds):
                while waiting := [p for p in waiting if not await self.is_ready(p)]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError as late:
            raise TimeoutError(f"not ready: {[p.name for p in waiting]}\n{self.said(waiting[0].name)}") from late

    async def is_ready(self, process: Running) -> bool:
        try:
            answer = await self._client.get(f"http://127.0.0.1:{process.probe_port}/ready")
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    def said(self, name: str) -> str:
        """The last words of a process."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def of(self, target: str) -> list[Running]:
        return [p for p in self.processes.values() if p.target == target]

    def url(self, service: str, number: int = 0) -> str:
        """Where clients reach a service."""
        apis = self.of(f"{service}.api")
        return f"http://127.0.0.1:{apis[number % len(apis)].port}/api/{service}"

    # -- addresses ----------------------------------------------------------------------------------------------

    def dsn(self, service: str, user: str = "postgres") -> str:
        """The database of a service for the harness itself, past the proxies."""
        return self.base.address(f"{self.prefix}_{service}", user)

    def owner(self, service: str) -> str:
        return self.dsn(service, f"zhurnal_{service}_owner")

    async def _environment(self, process: Running) -> dict[str, str]:
        service, _, role = process.target.partition(".")
        database = await self.proxy.way(f"{process.name}>postgres", f"127.0.0.1:{self.base.port}")
        given = {
            "data": str(self.base.data),
            "host": "127.0.0.1",
            "port": str(process.port),
            "probe_port": str(process.probe_port),
            f"{service}_dsn": self.base.address(f"{self.prefix}_{service}", f"zhurnal_{service}", database),
            "kafka": self.kafka if self.kafka == NO_KAFKA else f"127.0.0.1:{self.proxy.ways['kafka']}",
            "kafka_prefix": self.prefix,
        }
        if process.target == "identity.api":
            given |= {f"{name}_secret": SECRET for name in SERVICES if name != "identity"}
            given["token_key"] = str(self.base.token_key)
        elif role != "relay":
            given[f"{service}_secret"] = SECRET
            for name in sorted({"identity", *FEEDS[service]}):
                given[f"{name}_url"] = f"http://127.0.0.1:{await self._to(process.name, name)}"
        return {PREFIX + name.upper(): value for name, value in given.items()}

    async def _to(self, name: str, service: str) -> int:
        """The port of the way from a process to an API; a service that does not run is nowhere."""
        apis = self.of(f"{service}.api")
        return await self.proxy.way(f"{name}>{service}", f"127.0.0.1:{apis[0].port}" if apis else "127.0.0.1:1")

    def ways(self, matching: Callable[[str], bool]) -> list[str]:
        """Names of ways, for faults of the network."""
        return sorted(way for way in self.proxy.ways if matching(way))

    async def heal(self) -> None:
        """Take every fault away: ways, stopped processes, armed points, clocks."""
        await self.proxy.heal()
        for process in self.processes.values():
            process.control.disarm()
            process.control.clock = 0
            process.signal(18)  # SIGCONT

    def __repr__(self) -> str:
        return f"World({self.prefix}, {self.bug or 'no bug'}, {Path(self.folder)})"
