"""What the commands share: language, tables, JSON, progress bars, and errors as exit codes.

Exit codes: 0 done · 1 done and something is wrong (a difference, refused rows) · 2 could not start.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import orjson
import structlog
import typer
import uvloop
from psycopg import OperationalError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.kit.problems import Problem, Text
from services.kit.settings import CannotStart

DIFFERENT, CANNOT_START = 1, 2

P = ParamSpec("P")

log = structlog.get_logger()

out = Console()
err = Console(stderr=True, soft_wrap=True)
"""What goes wrong is told in sentences, each on a line of its own however long it is."""

Data = Annotated[Path | None, typer.Option(help="Папка данных / data folder [./.zhurnal]", metavar="DIR")]
Json = Annotated[bool, typer.Option("--json", help="Числа в JSON / figures as JSON")]


def language() -> str:
    """ "en" where the terminal's locale is English and was chosen, else "ru"."""
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if chosen.startswith("en") else "ru"


def say(ru: str, en: str) -> str:
    """The sentence in the terminal's language."""
    return Text(ru, en)[1 if language() == "en" else 0]


def command(run: Callable[P, Coroutine[Any, Any, int]]) -> Callable[P, None]:
    """An async command as typer calls it; its result is the exit code, refusals are one sentence each."""

    @wraps(run)
    def called(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                code = runner.run(run(*args, **kwargs))
        except CannotStart as refused:
            err.print(say(*refused.text), style="red", markup=False, highlight=False)
            code = CANNOT_START
        except OperationalError as lost:
            log.error("database lost", error=repr(lost))
            err.print(
                say(
                    "Связь с базой данных прервалась: повторите команду, начатое она продолжит.",
                    "The connection to the database was lost: run the command again, it takes up what was begun.",
                ),
                style="red",
                highlight=False,
            )
            code = CANNOT_START
        except Problem as problem:
            document = problem.document(language())
            err.print(f"{document['detail']} {document['next']}", style="red", markup=False, highlight=False)
            code = DIFFERENT
        except KeyboardInterrupt:
            code = 130
        sys.exit(code)

    return called


def print_json(figures: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.flush()


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()
) -> None:
    """A table; the columns of these `numbers` are aligned right."""
    table = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar per named piece of work: call with (name, done, total)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield report
