"""`zhurnal rebuild`: build views anew from the logs, or prove that they equal the fold of the logs."""

from typing import Annotated

import typer

from services.cli.terminal import DIFFERENT, Data, Json, command, print_json, print_table, progress, say
from services.kit.log.eventlog import Feed
from services.kit.projector import ForeignLog, OtherVersion
from services.kit.rebuild import Progress, Report, rebuild, verify
from services.kit.settings import CannotStart, Settings
from services.kit.view import View
from services.system import VIEWS, reach_system

All = {view.name: (service, view) for service, views in VIEWS.items() for view in views}


def register(app: typer.Typer) -> None:
    app.command("rebuild")(rebuild_views)


@command
async def rebuild_views(
    view: Annotated[str | None, typer.Argument(help="Представление / view: " + ", ".join(All))] = None,
    check: Annotated[
        bool, typer.Option("--verify", help="Сравнить и ничего не менять / compare, change nothing")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Перестроить представления из журнала событий. / Rebuild views from the event logs."""
    if view is not None and view not in All:
        names = ", ".join(All)
        raise CannotStart(f"Нет представления {view}; есть: {names}.", f"There is no view {view}; there are: {names}.")
    chosen = [All[view]] if view else list(All.values())
    settings = Settings.load(data=data)
    reports: list[Report] = []
    findings: dict[str, str] = {}
    async with reach_system(settings) as system:
        for service, each in chosen:
            feeds: dict[str, Feed] = {name: system.logs[name] for name in each.logs}
            owner = system.store.databases[service].owner_dsn
            with progress() as bar:
                if check:
                    findings[each.name] = await compare(each, feeds, owner, bar)
                else:
                    reports.append(await rebuild(each, feeds, owner, bar))
    if check:
        _show_findings(findings, as_json)
    else:
        _show_reports(reports, as_json)
    return DIFFERENT if any(findings.values()) else 0


async def compare(view: View, feeds: dict[str, Feed], owner_dsn: str, progress: Progress | None = None) -> str:
    """What is wrong with the live view, one sentence; "" when it equals the fold of its logs."""
    try:
        found = await verify(view, feeds, owner_dsn, progress)
    except (ForeignLog, OtherVersion) as wrong:
        return str(wrong)
    if found is None:
        return ""
    return f"{found.table} {found.key}: live {found.live}, rebuilt {found.rebuilt}"


def _show_findings(findings: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json({name: {"equal": not wrong, "difference": wrong or None} for name, wrong in findings.items()})
        return
    print_table(
        say("Представления против журнала событий", "Views against the logs"),
        [say("Представление", "View"), say("Итог", "Outcome")],
        [(name, wrong or say("равно", "equal")) for name, wrong in findings.items()],
    )


def _show_reports(reports: list[Report], as_json: bool) -> None:
    if as_json:
        fields = ("view", "events", "rows", "seconds")
        print_json([{f: getattr(r, f) for f in fields} for r in reports])
        return
    print_table(
        say("Перестроено", "Rebuilt"),
        [say("Представление", "View"), say("Событий", "Events"), say("Строк", "Rows"), say("Секунд", "Seconds")],
        [(r.view, r.events, r.rows, f"{r.seconds:.2f}") for r in reports],
        numbers=(1, 2, 3),
    )
