"""The read log: which member of staff read whose data, by which route, when. Its subject may see it (domain §2)."""

from typing import Any

from services.identity.commands import Tx
from services.identity.directory import full_name
from services.kit.postgres import Pool
from services.kit.reads import Read


async def record(pool: Pool, reads: list[Read]) -> None:
    """Write a batch."""
    async with (
        pool.connection() as conn,
        conn.cursor() as cursor,
        cursor.copy("copy read_log (reader, subject, route, at) from stdin") as copy,
    ):
        for read in reads:
            await copy.write_row(read)


async def of(tx: Tx, subjects: list[str], limit: int, offset: int) -> tuple[int, list[dict[str, Any]]]:
    """How many reads of these people there are, and a page of them, the latest first."""
    total = await tx.row("select count(*) from read_log where subject = any(%s)", (subjects,))
    rows = await tx.rows(
        "select l.reader, p.family_name, p.given_name, p.middle_name, l.subject, l.route, l.at from read_log l"
        " left join person p on p.id = l.reader where l.subject = any(%s) order by l.at desc, l.reader, l.route"
        " limit %s offset %s",
        (subjects, limit, offset),
    )
    assert total is not None
    return total[0], [
        {
            "reader": r[0],
            "name": full_name(*(part or "" for part in r[1:4])),
            "subject": r[4],
            "route": r[5],
            "at": r[6].isoformat(),
        }
        for r in rows
    ]
