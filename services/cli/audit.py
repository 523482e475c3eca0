"""`zhurnal audit`: the history of a page, and the replay of the logs against their rules and their views."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import typer

from contracts.events import gradebook, identity, schedule
from services.cli.rebuild import All, compare
from services.cli.terminal import (
    DIFFERENT,
    Data,
    Json,
    command,
    err,
    out,
    print_json,
    print_table,
    progress,
    say,
)
from services.gradebook.audit.replay import replay as replay_pages
from services.gradebook.audit.rights import rights
from services.gradebook.audit.story import story
from services.kit.log.eventlog import Feed
from services.kit.log.soundness import check
from services.kit.settings import CannotStart, Settings
from services.system import System, reach_system

TYPES = {"identity": identity.EVENTS, "schedule": schedule.EVENTS, "gradebook": gradebook.EVENTS}


class Finding(NamedTuple):
    """Something that is not as the logs and rules say.

    part: a log, `rules`, `rights` or a view; where: `log:position` or "".
    """

    part: str
    where: str
    what: str


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Проверка истории. / Audit of the history.", no_args_is_help=True)
    group.command("history")(history)
    group.command("replay")(replay)
    app.add_typer(group, name="audit")


@command
async def history(
    page: Annotated[str, typer.Argument(help="Страница / page id")],
    student: Annotated[str, typer.Option(help="Только этот студент / this student only")] = "",
    as_of: Annotated[str | None, typer.Option(help="Позиция или время ISO / position or ISO time")] = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """История страницы: кто, когда, что, почему. / Who changed what on a page, when and why."""
    until = _until(as_of)
    async with reach_system(Settings.load(data=data)) as system:
        told = await story(system.logs["gradebook"], page, student, until)
        zone = system.settings.zoneinfo
    if not told.page.opened:
        raise CannotStart(f"Страницы {page} нет (к этому моменту).", f"There is no page {page} (by then).")
    if as_json:
        print_json(list(told.lines))
        return 0
    names = (
        "Позиция Время Событие Кто Роль Что Причина"
        if say("ru", "en") == "ru"
        else "Position Time Event Who Role What Reason"
    )
    print_table(
        say(f"История страницы {page}", f"History of page {page}"),
        names.split(),
        [_line(line, zone) for line in told.lines],
        numbers=(0,),
    )
    return 0


@command
async def replay(data: Data = None, as_json: Json = False) -> int:
    """Сложить журналы заново, проверить правила и представления. / Fold the logs, judge, compare the views."""
    async with reach_system(Settings.load(data=data)) as system:
        figures, findings = await replayed(system)
    if as_json:
        print_json({"equal": not findings, **figures, "findings": [f._asdict() for f in findings]})
        return DIFFERENT if findings else 0
    print_table(
        say("Повтор журналов", "Replay of the logs"),
        [say("Что", "What"), say("Сколько", "How much")],
        figures.items(),
        numbers=(1,),
    )
    for finding in findings:
        err.print(f"{finding.part} {finding.where}: {finding.what}", style="red", markup=False, highlight=False)
    if findings:
        return DIFFERENT
    out.print(say("Всё равно: журналы, правила, представления.", "Equal: logs, rules, views."), style="green")
    return 0


async def replayed(system: System) -> tuple[dict[str, Any], list[Finding]]:
    """Figures of the replay, and everything that is not as it should be: the first finding is the first difference."""
    figures: dict[str, Any] = {}
    findings: list[Finding] = []
    with progress() as bar:
        for name, types in TYPES.items():
            log = system.logs[name]
            head = await log.head()
            sound = await check(log, types, lambda done, n=name, of=head: bar(n, done, of))  # type: ignore[misc]
            figures[f"events {name}"] = sound.events
            findings += [Finding(name, f"{name}:{f.position}", f"{f.type} {f.code}: {f.why}") for f in sound.faults]
        log = system.logs["gradebook"]
        head = await log.head()
        judged = await replay_pages(log, system.settings.zoneinfo, system.clock, lambda done: bar("rules", done, head))
        figures |= {
            "pages": judged.pages,
            "events judged": judged.events,
            "events judged per second": round(judged.rate),
        }
        findings += [
            Finding("rules", f"gradebook:{f.position}", f"{f.type} by {f.actor}: {f.rule} {f.why}")
            for f in judged.findings
        ]
        held = await rights(
            log, system.logs["identity"], system.settings.zoneinfo, lambda done: bar("rights", done, head)
        )
        figures["rights judged"] = held.judged
        findings += [
            Finding("rights", f"gradebook:{f.position}", f"{f.type} by {f.actor}: {f.why}") for f in held.findings
        ]
        for service, view in All.values():
            feeds: dict[str, Feed] = {n: system.logs[n] for n in view.logs}
            wrong = await compare(view, feeds, system.store.databases[service].owner_dsn, bar)
            if wrong:
                findings.append(Finding(view.name, "", wrong))
    figures["views compared"] = len(All)
    return figures, findings


def _until(as_of: str | None) -> int | datetime | None:
    if as_of is None:
        return None
    text = as_of.removeprefix("gradebook:")
    if text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError as wrong:
        raise CannotStart(
            f"--as-of {as_of}: нужна позиция или время ISO.", f"--as-of {as_of}: a position or an ISO time is needed."
        ) from wrong
    return moment if moment.tzinfo else moment.astimezone()


def _line(line: dict[str, Any], zone: ZoneInfo) -> list[object]:
    moment = line["at"].astimezone(zone)
    told = "; ".join(f"{k}={v}" for k, v in line["data"].items() if v not in (None, "", 0, [], {}))
    reason = line["reason"] or {}
    return [
        line["position"],
        f"{moment:%d.%m.%Y %H:%M:%S}",
        line["type"],
        line["actor"],
        line["role"],
        told,
        reason.get("code", ""),
    ]
