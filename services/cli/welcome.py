"""What the first start loads, and what every start tells: where the journal is and how to get in."""

from typing import NamedTuple

from services.cli.terminal import language, out, print_table, progress, say
from services.demo import load as demo_load
from services.demo.accounts import PASSWORD
from services.demo.load import Loaded
from services.identity.app import first_code
from services.system import System


class Found(NamedTuple):
    """The demo college, if there is one; without one the code of the first administrator while nobody has used it."""

    demo: Loaded | None
    code: str | None


async def load(system: System) -> Found:
    """Load what the settings ask for into an empty system."""
    with progress() as report:
        demo = await demo_load.ensure(system, report)
    if demo is not None:
        return Found(demo, None)
    return Found(None, await first_code(system.identity.commands, system.identity.as_system()))


def tell(found: Found, at: str, client: bool) -> None:
    """Say where the journal is and who may come in. client: whether the web client is built."""
    out.print(say(f"Журнал работает: {at}", f"The journal is running: {at}"), highlight=False)
    if not client:
        out.print(
            say(
                "Веб-клиент не собран: по адресу отвечает только API. Собрать: make web",
                "The web client is not built: only the API answers there. To build it: make web",
            ),
            highlight=False,
        )
    if found.demo is not None:
        print_table(
            say("Демонстрационные учётные записи (только с этого компьютера)", "Demo accounts (this machine only)"),
            [say("Роль", "Role"), say("Имя", "Name"), say("Логин", "Login"), say("Начните с", "Try first")],
            [account.row(language()) for account in found.demo.accounts],
        )
        out.print(say(f"Пароль у всех: {PASSWORD}", f"Their password: {PASSWORD}"), highlight=False)
    elif found.code:
        tell_code(found.code)
    out.print(say("Остановить: Ctrl-C", "Stop: Ctrl-C"))


def tell_code(code: str) -> None:
    """Say the code of the first administrator."""
    out.print(
        say(
            f"Код активации первого администратора (один раз, 14 дней): {code}",
            f"Activation code of the first administrator (one use, 14 days): {code}",
        ),
        highlight=False,
        soft_wrap=True,
    )
