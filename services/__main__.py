"""`zhurnal`, the command line of the journal."""

import typer

from services.cli import (
    administrator,
    audit,
    backup,
    bench,
    distributed,
    doctor,
    importing,
    migrate,
    openapi,
    rebuild,
    serve,
    up,
)

app = typer.Typer(
    name="zhurnal",
    help="Электронный журнал колледжа. / Electronic journal of a college.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (
    up,
    distributed,
    serve,
    migrate,
    administrator,
    importing,
    backup,
    doctor,
    audit,
    rebuild,
    openapi,
    bench,
):
    module.register(app)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
