"""Free text of reasons, kept beside the log so that it can be erased: the event holds its id and a digest only."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from contracts.events.gradebook import Reason
from contracts.ids import derived
from services.kit.postgres import Pool
from services.kit.problems import Busy, KeyReused, OutcomeUnclear, Problem

NONCE_BYTES = 16
ERASED = "удалено"


class Texts:
    """The table `reason_text`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def kept(self, command: str, code: Any, text: str | None, about: Iterable[str] = ()) -> AsyncIterator[Reason]:
        """The reason of a command, its text written before the append; refused with it, the text goes again."""
        if not text:
            yield Reason(code=code)
            return
        id_ = derived("text", command)
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "insert into reason_text values (%s, %s, %s, %s) on conflict do nothing returning nonce",
                (id_, secrets.token_bytes(NONCE_BYTES), text, list(about)),
            )
            fresh = await cursor.fetchone()
            if fresh is None:
                cursor = await conn.execute("select nonce from reason_text where id = %s", (id_,))
                row = await cursor.fetchone()
                nonce = bytes(row[0]) if row else b""
            else:
                nonce = bytes(fresh[0])
        try:
            yield Reason(code=code, text=id_, digest=hashlib.sha256(nonce + text.encode()).hexdigest())
        except (KeyReused, Busy, OutcomeUnclear):
            raise
        except Problem:
            if fresh is not None:
                async with self._pool.connection() as conn:
                    await conn.execute("delete from reason_text where id = %s", (id_,))
            raise

    async def read(self, ids: Iterable[str]) -> dict[str, str]:
        """{id: text}, `ERASED` for one that is gone."""
        wanted = list(ids)
        if not wanted:
            return {}
        async with self._pool.connection() as conn:
            cursor = await conn.execute("select id::text, text from reason_text where id = any(%s::uuid[])", (wanted,))
            found = dict(await cursor.fetchall())
        return {id_: found.get(id_, ERASED) for id_ in wanted}
