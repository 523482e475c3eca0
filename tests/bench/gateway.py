"""What the gateway adds to an answer: Envoy with its question to identity, against the same process asked directly.

A signed-in browser's reads of identity (`GET /me`, `GET /groups`) over kept connections, one after the other, in turns:
through Envoy with the session cookie, straight to the process with the token that the cookie stands for, and
`GET /live` through Envoy, which is answered there. Identity answers both the question and the request here, so one
process carries what two carry elsewhere. `zhurnal bench gateway [--json] [--rounds N]`
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx

from services.demo.accounts import PASSWORD
from services.kit.settings import Settings
from services.local import distributed as plan
from services.local.envoy import Gateway
from services.local.processes import Supervised
from services.store import open_store
from services.system import VIEWS
from tests.bench.report import Row, arguments, row, show
from tests.common.process import Journal, data_folder

REQUESTS = 200
WARM = 50
PATHS = ("/me", "/groups?limit=100")
READY_SECONDS = 60


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[tuple[str, str]]:
    """An identity on that data and a gateway before it: the addresses of both."""
    settings = Settings.load({}, data=data, port=0)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings, VIEWS, plan.SERVER))
        assert store.server is not None
        places = [
            place for place in plan.places(replicas=1) if place.target in plan.REPLICATED or place.target == "web"
        ]
        place = next(place for place in places if place.target == "identity.api")
        net = plan.Net(data, store.databases, "127.0.0.1:1", plan.urls(places), plan.secrets(store.server))
        logs = data / "logs"
        logs.mkdir(exist_ok=True)
        output = logs / "identity.log"
        environment = plan.environment(place, net, settings)
        process = Supervised(place.name, ("serve", "--target", place.target), environment, output)
        task = asyncio.create_task(process.run())
        stack.push_async_callback(process.stop)
        stack.callback(task.cancel)
        await _ready(f"http://127.0.0.1:{place.probe_port}/ready")
        with Gateway(settings, [place]) as gateway:
            yield f"http://127.0.0.1:{place.port}", gateway.address


async def _ready(url: str) -> None:
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            await asyncio.sleep(0.1)


async def times(client: httpx.AsyncClient, path: str) -> list[float]:
    """Milliseconds of each request."""
    found = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        answer = await client.get(path)
        found.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == httpx.codes.OK, answer.text
    return found


async def bench(data: Path, rounds: int) -> list[Row]:
    async with running(data) as (direct, through), httpx.AsyncClient(base_url=through) as browser:
        own = {"X-Zhurnal": "1", "Idempotency-Key": "bench-gateway"}
        signing_in = {"login": "teacher", "password": PASSWORD}
        opened = await browser.post("/api/identity/sessions", json=signing_in, headers=own)
        opened.raise_for_status()
        asked = await browser.get(f"{direct}/api/identity/exchange/x", headers={"cookie": opened.headers["set-cookie"]})
        token = {"authorization": asked.headers["authorization"]}
        p50: dict[str, list[float]] = {name: [] for name in ("direct", "through", "added", "p99", "live")}
        async with httpx.AsyncClient(base_url=direct, headers=token) as program:
            for _ in range(WARM):
                for path in PATHS:
                    await asyncio.gather(browser.get(f"/api/identity{path}"), program.get(f"/api/identity{path}"))
            for _ in range(rounds):
                straight = [ms for path in PATHS for ms in await times(program, f"/api/identity{path}")]
                gated = [ms for path in PATHS for ms in await times(browser, f"/api/identity{path}")]
                p50["direct"].append(statistics.median(straight))
                p50["through"].append(statistics.median(gated))
                p50["added"].append(statistics.median(gated) - statistics.median(straight))
                p50["p99"].append(statistics.quantiles(gated, n=100)[98] - statistics.quantiles(straight, n=100)[98])
                p50["live"].append(statistics.median(await times(browser, "/live")))
    return [
        row("identity asked directly, p50", "ms", p50["direct"]),
        row("through the gateway with a session, p50", "ms", p50["through"], p50["direct"]),
        row("added by the gateway, p50", "ms", p50["added"], target="≤ 3 ms"),
        row("added at p99", "ms", p50["p99"]),
        row("GET /live of the gateway itself, p50", "ms", p50["live"]),
    ]


def main() -> None:
    asked = arguments(__doc__ or "")
    with data_folder() as data:
        with Journal(data, "--demo", "class", command="up") as journal:
            journal.stop()
        rows = asyncio.run(bench(data, asked.rounds))
    show("gateway", rows, asked.json, "the same process asked directly with a token")


if __name__ == "__main__":
    main()
