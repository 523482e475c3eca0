"""`zhurnal administrator`: the code by which the first administrator comes in, for whoever did not see it printed.

Works beside any number of running processes, and in a container of identity, which knows no other database. A new call
makes the code of the former one void. Once an administrator has an account it gives none: exit code 1.
"""

import typer

from services.cli.terminal import DIFFERENT, Data, command, err, out, say
from services.cli.welcome import tell_code
from services.identity.app import NAME, SYSTEM, first_code
from services.identity.commands import Commands
from services.kit import logging
from services.kit.clock import RandomIds, SystemClock
from services.kit.handle import Command
from services.kit.log.postgres import PostgresLog
from services.kit.postgres import check_version, migrations_of, open_pool
from services.kit.settings import Settings
from services.store import reach_database


def register(app: typer.Typer) -> None:
    app.command("administrator")(administrator)


@command
async def administrator(data: Data = None) -> int:
    """Выдать код первому администратору. / Give the first administrator a code."""
    settings = Settings.load(data=data)
    logging.configure(settings.log_level)
    async with reach_database(settings, NAME) as database:
        pool = await open_pool(database.dsn, name=NAME, largest=1)
        try:
            async with pool.connection() as conn:
                await check_version(conn, migrations_of(f"services.{NAME}"))
            commands = Commands(pool, PostgresLog(pool), SystemClock(), settings.zoneinfo)
            code = await first_code(commands, Command(RandomIds().new(), "", SYSTEM, via="cli"))
        finally:
            await pool.close()
    if code is None:
        refused = say(
            "У администратора журнала уже есть учётная запись: коды остальным выдаёт он.",
            "An administrator of the journal has an account already: he gives the others their codes.",
        )
        err.print(refused, style="red", markup=False, highlight=False)
        return DIFFERENT
    tell_code(code)
    out.print(
        say(
            "Введите его на стартовой странице журнала. Коды, выданные раньше, больше не действуют.",
            "Enter it on the journal's start page. Codes given before are void.",
        ),
        soft_wrap=True,
    )
    return 0
