"""The stores of an installation: databases, their versions and clocks, logs, views, the keeper, and Kafka."""

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import AsyncConnection, Error, errors

from services.checkup import topics
from services.checkup.finding import LAG_FAIL, LAG_WARN, Finding, graded
from services.checkup.machine import clock
from services.kit.clock import Clock
from services.kit.postgres import CONNECT_SECONDS, Database, check_version, migrations_of
from services.kit.problems import Text
from services.kit.settings import CannotStart, Settings
from services.store import LOGS
from services.system import VIEWS

Positions = dict[str, dict[str, int]]


class Stores:
    """Looks at the databases one after another; `heads` and what follows them are compared at the end."""

    def __init__(self, settings: Settings, databases: Mapping[str, Database], clock: Clock) -> None:
        self._settings, self._databases, self._clock = settings, databases, clock
        self.heads: dict[str, int] = {}
        self._views: Positions = {}
        self._keeper: dict[str, int] = {}

    async def look(self) -> list[Finding]:
        """All findings about stores."""
        found: list[Finding] = []
        for name, database in self._databases.items():
            try:
                async with await AsyncConnection.connect(
                    database.dsn, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="doctor"
                ) as conn:
                    found += await self._database(name, conn)
            except (Error, OSError) as lost:
                seen = Text(f"нет связи: {type(lost).__name__}", f"cannot be reached: {type(lost).__name__}")
                following = Text(
                    f"Проверьте сервер и ZHURNAL_{name.upper()}_DSN.",
                    f"Check the server and ZHURNAL_{name.upper()}_DSN.",
                )
                found.append(Finding(f"database {name}", "fail", seen, following))
        found += self._lags()
        if self._settings.kafka is not None:
            found += await topics.look(self._settings, self.heads)
        return found

    async def _database(self, name: str, conn: AsyncConnection[Any]) -> list[Finding]:
        asked = self._clock.now()
        row = await (await conn.execute("select clock_timestamp(), pg_database_size(current_database())")).fetchone()
        assert row is not None, "one row was asked for"
        now = self._clock.now()
        found = [clock(f"clock of {name}", row[0], asked + (now - asked) / 2)]
        try:
            await check_version(conn, migrations_of(f"services.{name}"))
        except CannotStart as other:
            return [*found, Finding(f"database {name}", "fail", other.text)]
        megabytes = row[1] / 10**6
        seen = Text(f"отвечает, версия верна, {megabytes:.0f} МБ", f"answers, version is right, {megabytes:.0f} MB")
        found.append(Finding(f"database {name}", "ok", seen))
        elsewhere = self._settings.kurrent_logs.split(",") if self._settings.kurrent_uri else []
        if name in LOGS and name not in elsewhere:
            head = await (await conn.execute("select coalesce(max(position), 0) from public.event")).fetchone()
            self.heads[name] = head[0] if head else 0
        found += [finding async for finding in self._cursors(name, conn)]
        return found

    async def _cursors(self, name: str, conn: AsyncConnection[Any]) -> Any:
        versions = {view.name: view.version for view in VIEWS.get(name, ())}
        if versions:
            rows = await (await conn.execute("select view, log, version, position from view_cursor")).fetchall()
            for view, log, version, position in rows:
                self._views.setdefault(view, {})[log] = position
                if version != versions.get(view, version):
                    seen = Text(
                        f"таблицы версии {version}, а не {versions[view]}",
                        f"tables of version {version}, not {versions[view]}",
                    )
                    following = Text(f"zhurnal rebuild {view}", f"zhurnal rebuild {view}")
                    yield Finding(f"view {view}", "fail", seen, following)
        if name == "gradebook":
            try:
                rows = await (await conn.execute("select log, position from keeper_cursor")).fetchall()
            except errors.UndefinedTable:
                return
            self._keeper = dict(rows)

    def _lags(self) -> Iterator[Finding]:
        followers = {f"view {view}": logs for view, logs in self._views.items()}
        if self._keeper:
            followers["keeper"] = self._keeper
        for part, logs in sorted(followers.items()):
            known = {log: self.heads[log] - position for log, position in logs.items() if log in self.heads}
            if any(lag < 0 for lag in known.values()):
                seen = Text("прочитал больше, чем есть в журнале событий", "has read more than the log holds")
                following = Text(
                    "Журнал событий восстановлен из копии без этой части: docs/operations.md, Restore.",
                    "The log was restored without this part: docs/operations.md, Restore.",
                )
                yield Finding(part, "fail", seen, following)
                continue
            lag = max(known.values(), default=0)
            state = graded(lag, LAG_WARN, LAG_FAIL)
            yield Finding(
                part,
                state,
                Text(f"отстаёт на {lag} событий", f"{lag} events behind"),
                Text("", "")
                if state == "ok"
                else Text(
                    "Повторите через минуту; если не убывает, смотрите журнал работы этой части.",
                    "Look again in a minute; if it does not shrink, read that part's log.",
                ),
            )
