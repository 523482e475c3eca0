"""A process that appends: `python -m tests.kit.log_writer DSN SEED CALLERS APPENDS STREAM…`, the DSN's password in
the environment. It prints what its callers were told, as JSON."""

import asyncio
import json
import sys

from services.kit.log.postgres import PostgresLog
from services.kit.postgres import open_pool
from tests.kit.log_conformance import Account, write_much


async def run(dsn: str, seed: int, callers: int, appends: int, shared: list[str]) -> Account:
    account = Account()
    pool = await open_pool(dsn, name=f"writer-{seed}")
    log = PostgresLog(pool)
    try:
        await asyncio.gather(*(write_much(log, account, shared, seed * 1000 + n, appends) for n in range(callers)))
    finally:
        await log.close()
        await pool.close()
    return account


if __name__ == "__main__":
    dsn, seed, callers, appends, *shared = sys.argv[1:]
    told = asyncio.run(run(dsn, int(seed), int(callers), int(appends), shared))
    json.dump({"landed": told.landed, "refused": told.refused, "unknown": told.unknown}, sys.stdout)
