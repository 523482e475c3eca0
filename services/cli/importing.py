"""`zhurnal import`: rosters of others into identity and schedule, row by row judged, all or nothing.

Reading (`services.importing`) is pure; each service then takes its part in one transaction.
`--check` is the real import of both, rolled back. An import is first checked in both services and only then written,
so a refusal by one leaves the other untouched.
"""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from services.cli.terminal import DIFFERENT, Data, Json, command, err, language, out, print_json, print_table, say
from services.identity.commands import Tx
from services.identity.imports import take
from services.identity.imports.document import Roster as IdentityPart
from services.importing import oneroster
from services.importing.roster import Reading, Roster
from services.kit.handle import Command
from services.kit.problems import Problem
from services.kit.settings import Settings
from services.schedule.imports import Document as SchedulePart
from services.schedule.imports import run_import
from services.system import System, reach_system

SHOWN = 200

KINDS = {
    "orgs": "организации",
    "years": "учебные годы",
    "periods": "учебные периоды",
    "disciplines": "дисциплины",
    "groups": "группы",
    "teaching": "нагрузка",
    "people": "люди",
    "roles": "роли",
    "guardians": "законные представители",
    "enrolments": "зачисления",
}
"""The kinds of a roster, as the Russian table names them."""

Check = Annotated[bool, typer.Option("--check", help="Настоящий импорт с откатом / the real import, rolled back")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Без негодных строк / leave bad rows out")]
Source = Annotated[str | None, typer.Option(help="Имя источника / name of the source of the ids")]


class Outcome(NamedTuple):
    """What an import did. findings: {where, severity, code, ru, en} of reading and of both services.

    kinds: {kind: {created, changed, unchanged, ended, absent, refused}}. absent: {kind: ids} that a full export passes
    over and that were left as they are.
    """

    done: bool
    check: bool
    findings: list[dict[str, str]]
    kinds: dict[str, dict[str, int]]
    absent: dict[str, list[str]]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Импорт списков. / Import of rosters.", no_args_is_help=True)
    group.command("oneroster")(import_oneroster)
    group.command("people")(import_people)
    app.add_typer(group, name="import")


@command
async def import_oneroster(
    path: Annotated[Path, typer.Argument(exists=True, help="Папка или zip / folder or zip")],
    check: Check = False,
    skip_bad: SkipBad = False,
    source: Source = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """OneRoster 1.1 и 1.2 CSV. / OneRoster 1.1 and 1.2 CSV, bulk or delta."""
    return await _run(oneroster.read(path, source), Settings.load(data=data), check, skip_bad, as_json)


@command
async def import_people(
    file: Annotated[Path | None, typer.Argument(help="Файл xlsx / xlsx file")] = None,
    template: Annotated[Path | None, typer.Option(help="Записать образец и выйти / write a template and exit")] = None,
    check: Check = False,
    skip_bad: SkipBad = False,
    source: Annotated[str, typer.Option(help="Имя источника / name of the source of the ids")] = "people",
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Список людей в XLSX. / A list of people in XLSX."""
    from services.importing import (
        people_xlsx,  # here, because openpyxl takes a third of a second that no other command needs
    )

    if template is not None:
        template.write_bytes(people_xlsx.template())
        out.print(say(f"Образец записан: {template}", f"Template written: {template}"), highlight=False)
        return 0
    if file is None or not file.exists():
        raise typer.BadParameter(say("укажите файл .xlsx", "name an .xlsx file"))
    return await _run(people_xlsx.read(file, source), Settings.load(data=data), check, skip_bad, as_json)


async def _run(reading: Reading, settings: Settings, check: bool, skip_bad: bool, as_json: bool) -> int:
    findings = [
        {"where": f.where, "severity": f.severity, "code": f.code, "ru": f.text_ru, "en": f.text_en}
        for f in reading.findings
    ]
    roster = reading.accepted(skip_bad)
    outcome = Outcome(False, check, findings, {}, {})
    if roster is not None:
        async with reach_system(settings) as system:
            outcome = await carry(system, roster, check, skip_bad)
        outcome = outcome._replace(findings=findings + outcome.findings)
    if as_json:
        print_json(outcome._asdict())
    else:
        _show(outcome)
    return 0 if outcome.done else DIFFERENT


async def carry(system: System, roster: Roster, check: bool, skip_bad: bool, via: str = "import") -> Outcome:
    """Import the roster into identity and schedule, or only check it there."""
    reports: list[dict[str, Any]] = []
    for checking in (True,) if check else (True, False):
        try:
            reports = await _both(system, roster, checking, skip_bad, via)
        except Problem as refused:
            if "problems" not in refused.extra and "findings" not in refused.extra:
                raise
            return _outcome(False, check, [refused.extra])
    return _outcome(True, check, reports)


async def _both(system: System, roster: Roster, check: bool, skip_bad: bool, via: str) -> list[dict[str, Any]]:
    document = roster.model_dump(mode="json")
    people = IdentityPart.model_validate({k: v for k, v in document.items() if k in IdentityPart.model_fields})
    lessons = SchedulePart.model_validate({k: v for k, v in document.items() if k in SchedulePart.model_fields})

    async def do(tx: Tx) -> dict[str, Any]:
        return await take(tx, people, skip_bad=skip_bad)

    taken = await system.identity.commands.execute(_command(system, via), do, dry=check)
    return [taken.answer, await run_import(system.schedule, _command(system, via), lessons, check, skip_bad)]


def _command(system: System, via: str) -> Command:
    return Command(system.identity.ids.new(), "", "system:import", via=via)


def _outcome(done: bool, check: bool, reports: list[dict[str, Any]]) -> Outcome:
    findings: list[dict[str, str]] = []
    kinds: dict[str, dict[str, int]] = {}
    absent: dict[str, list[str]] = {}
    for report in reports:
        findings += [{"severity": "error", **p} for p in report.get("problems", ())] + list(report.get("findings", ()))
        kinds |= report.get("kinds", {})
        absent |= report.get("absent", {})
    return Outcome(done, check, findings, kinds, absent)


def _show(outcome: Outcome) -> None:
    colours = {"error": "red", "warning": "yellow"}
    for finding in outcome.findings[:SHOWN]:
        err.print(
            ": ".join(part for part in (finding["where"], finding[language()]) if part),
            style=colours.get(finding["severity"]),
            markup=False,
            highlight=False,
        )
    if len(outcome.findings) > SHOWN:
        rest = len(outcome.findings) - SHOWN
        err.print(say(f"… и ещё {rest} (все: --json)", f"… and {rest} more (all: --json)"))
    if not outcome.done:
        err.print(
            say(
                "Ничего не записано: исправьте строки или повторите с --skip-bad.",
                "Nothing was written: correct the rows, or repeat with --skip-bad.",
            ),
            style="red",
        )
        return
    names = ("created", "changed", "unchanged", "ended", "absent", "refused")
    heads = say(
        "Вид Новых Изменено Прежних Завершено Нет_в_файле Отказано", "Kind New Changed Same Ended Absent Refused"
    )
    print_table(
        say("Проверка импорта (ничего не записано)", "Import checked (nothing written)")
        if outcome.check
        else say("Импорт", "Import"),
        [head.replace("_", " ") for head in heads.split()],
        [
            (say(KINDS.get(kind, kind), kind), *(counts.get(n, 0) for n in names))
            for kind, counts in outcome.kinds.items()
        ],
        numbers=range(1, 7),
    )
    if outcome.absent:
        err.print(
            say("Чего нет в файле, осталось как было.", "What the file does not name was left as it was."),
            style="yellow",
        )
