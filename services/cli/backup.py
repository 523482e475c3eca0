"""`zhurnal backup` and `zhurnal restore`: copies of everything that was recorded, and their way back."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.backup.make import Made
from services.backup.make import backup as make
from services.backup.manifest import Damaged, Manifest, check
from services.backup.restore import Restored, recovered
from services.backup.restore import restore as bring_back
from services.cli.audit import replayed
from services.cli.terminal import DIFFERENT, Data, Json, command, err, out, print_json, print_table, progress, say
from services.kit.clock import SystemClock
from services.kit.rebuild import Report
from services.kit.settings import SERVICES, CannotStart, Settings
from services.system import reach_system


def register(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


@command
async def backup(
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Куда / where to [ZHURNAL_BACKUPS]")] = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Оставить столько последних копий / keep so many of the newest")
    ] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Без ключа подписи / without the signing key")
    ] = False,
    verify: Annotated[
        Path | None, typer.Option(metavar="BACKUP", help="Проверить готовую копию / check a backup that is there")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Снять резервную копию, не останавливая журнал. / Back up the running journal."""
    if verify is not None:
        return _verify(verify, as_json)
    settings = Settings.load(data=data)
    place = to or settings.backups
    if place is None:
        raise CannotStart(
            "Не сказано, куда класть копии: укажите --to или переменную ZHURNAL_BACKUPS.",
            "It is not said where backups go: give --to or the variable ZHURNAL_BACKUPS.",
        )
    with progress() as bar:
        made = await make(settings, place.absolute(), SystemClock(), keys=not without_keys, keep=keep, report=bar)
    _show_made(made, as_json)
    return 0


@command
async def restore(
    source: Annotated[Path | None, typer.Argument(metavar="BACKUP", help="Папка копии / folder of the backup")] = None,
    drill: Annotated[
        bool,
        typer.Option(
            "--drill",
            help="Учение: восстановить во временную базу и сверить / a drill: restore into a database for the time of "
            "the drill and compare",
        ),
    ] = False,
    after_recovery: Annotated[
        bool,
        typer.Option(
            "--recovered",
            help="Базы вернул к моменту сам PostgreSQL / PostgreSQL itself recovered the databases to a point in time",
        ),
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Восстановить журнал из копии в пустую систему. / Restore a backup into an empty system."""
    if (source is None) != after_recovery or (drill and after_recovery):
        raise CannotStart(
            "Укажите папку копии, или --recovered без неё.", "Give the folder of a backup, or --recovered without one."
        )
    settings = Settings.load(data=data)
    if source is None:
        with progress() as bar:
            adopted = await recovered(settings, bar)
        _show_adopted(adopted.rebuilt, adopted.sessions, as_json)
        return 0
    if drill:
        return await _drill(settings, source.absolute(), as_json)
    with progress() as bar:
        done = await bring_back(settings, source.absolute(), bar)
    if as_json:
        print_json(_figures(done))
        return 0
    _show_restored(settings, done)
    return 0


def _verify(folder: Path, as_json: bool) -> int:
    try:
        manifest = Manifest.read(folder)
        check(folder, manifest)
    except Damaged as damaged:
        if as_json:
            print_json({"whole": False, "why": say(*damaged.text)})
        else:
            err.print(say(*damaged.text), style="red", markup=False, highlight=False)
        return DIFFERENT
    _tell_elsewhere(manifest)
    if as_json:
        print_json({"whole": True, **manifest.model_dump(mode="json")})
        return 0
    _show_files(folder, manifest)
    out.print(say("Копия цела.", "The backup is whole."), style="green")
    return 0


async def _drill(settings: Settings, folder: Path, as_json: bool) -> int:
    """Restore into a server of its own, replay and judge everything, compare the views; 1 for any difference."""
    if elsewhere := Manifest.read(folder).elsewhere:
        names = ", ".join(elsewhere)
        raise CannotStart(
            f"Учение сверяет копию с журналами событий, а {names} хранит KurrentDB: восстановите обе копии в стороне "
            f"(docs/restore.md).",
            f"A drill compares a backup with its logs, and those of {names} are in KurrentDB: restore both backups "
            f"aside (docs/restore.md).",
        )
    began = time.perf_counter()
    with _throw_away() as place:
        here = Settings(data=place, zone=settings.zone)
        with progress() as bar:
            done = await bring_back(here, folder, bar)
        async with reach_system(here) as system:
            figures, findings = await replayed(system)
    told = {**_figures(done), **figures, "seconds": round(time.perf_counter() - began, 1)}
    if as_json:
        print_json({"equal": not findings, **told, "findings": [f._asdict() for f in findings]})
    else:
        print_table(
            say("Учебное восстановление", "Restore drill"),
            [say("Что", "What"), say("Сколько", "How much")],
            told.items(),
            numbers=(1,),
        )
        for finding in findings:
            err.print(f"{finding.part} {finding.where}: {finding.what}", style="red", markup=False, highlight=False)
        if not findings:
            out.print(say("Копия восстанавливается, всё равно.", "The backup restores; all is equal."), style="green")
    return DIFFERENT if findings else 0


@contextmanager
def _throw_away() -> Iterator[Path]:
    """A data folder that the database server's own user can reach, deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="zhurnal-drill-"))
    folder.chmod(0o711)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# -- what is said -------------------------------------------------------------------------------------------------


def _figures(done: Restored) -> dict[str, object]:
    """What a restore did, as data."""
    heads = {f"head {name}": log.head for name, log in done.manifest.logs.items()}
    return {
        "backup": done.manifest.id,
        "made at": done.manifest.made_at.isoformat(),
        **heads,
        "views": len(done.adopted.rebuilt),
        "restore seconds": round(done.seconds, 1),
    }


def _show_made(made: Made, as_json: bool) -> None:
    _tell_elsewhere(made.manifest)
    if as_json:
        pruned = [str(path) for path in made.pruned]
        print_json({"folder": str(made.folder), "pruned": pruned, **made.manifest.model_dump(mode="json")})
        return
    _show_files(made.folder, made.manifest)
    seconds = made.manifest.seconds
    out.print(
        say(f"Готово за {seconds:.1f} с: {made.folder}", f"Done in {seconds:.1f} s: {made.folder}"), soft_wrap=True
    )
    if made.pruned:
        out.print(say(f"Удалено старых копий: {len(made.pruned)}", f"Older backups deleted: {len(made.pruned)}"))
    if made.manifest.token_key is not None:
        out.print(
            say(
                "В копии личные данные и ключ подписи: храните её зашифрованной, на другой машине.",
                "It holds personal data and the signing key: keep it encrypted, on another machine.",
            )
        )


def _tell_elsewhere(manifest: Manifest) -> None:
    """Say beside the figures, whoever reads them, that this alone is not all that was recorded."""
    if manifest.elsewhere:
        names = ", ".join(manifest.elsewhere)
        err.print(
            say(
                f"Копия без журналов событий {names}: они в KurrentDB. Сразу после неё снимите его собственную копию и "
                f"храните обе вместе (docs/restore.md).",
                f"The backup is without the logs of {names}: they are in KurrentDB. Make its own backup right after "
                f"this one and keep both together (docs/restore.md).",
            ),
            style="yellow",
            markup=False,
            highlight=False,
        )


def _show_files(folder: Path, manifest: Manifest) -> None:
    rows = []
    for name in SERVICES:
        file, log = manifest.databases[name].file, manifest.logs.get(name)
        rows.append((file.name, _size(file.bytes), "" if log is None else log.head, file.sha256[:16]))
    if manifest.token_key is not None:
        rows.append((manifest.token_key.name, _size(manifest.token_key.bytes), "", manifest.token_key.sha256[:16]))
    when = f"{manifest.made_at.astimezone():%d.%m.%Y %H:%M:%S}"
    columns = [say("Файл", "File"), say("Размер", "Size"), say("Событий", "Events"), "SHA-256"]
    print_table(say(f"Копия от {when}", f"Backup of {when}"), columns, rows, numbers=(1, 2))


def _size(count: int) -> str:
    units = (" Б", " КБ", " МБ", " ГБ") if say("ru", "en") == "ru" else (" B", " kB", " MB", " GB")
    size, unit = float(count), 0
    while size >= 1000 and unit < len(units) - 1:
        size, unit = size / 1000, unit + 1
    text = f"{size:.0f}" if unit == 0 else f"{size:.1f}"
    return (text.replace(".", ",") if say("ru", "en") == "ru" else text) + units[unit]


def _show_restored(settings: Settings, done: Restored) -> None:
    when = f"{done.manifest.made_at.astimezone():%d.%m.%Y %H:%M:%S}"
    _show_adopted(done.adopted.rebuilt, done.adopted.sessions, as_json=False)
    out.print(
        say(
            f"Восстановлено состояние на {when} за {done.seconds:.1f} с.",
            f"Restored as of {when} in {done.seconds:.1f} s.",
        ),
        style="green",
    )
    out.print(
        say(
            "Что записано позже, нужно внести снова; пароли, блокировки и коды — такими, какими были тогда.",
            "What was recorded later has to be entered again; passwords, disabled accounts and codes are as they were.",
        )
    )
    if done.manifest.zone != settings.zone:
        out.print(
            say(
                f"Внимание: пояс копии {done.manifest.zone}, здесь {settings.zone} (ZHURNAL_ZONE).",
                f"Note: the backup's time zone is {done.manifest.zone}, here it is {settings.zone} (ZHURNAL_ZONE).",
            ),
            style="yellow",
        )
    if done.manifest.elsewhere:
        names = ", ".join(done.manifest.elsewhere)
        out.print(
            say(
                f"Журналы {names} верните средствами KurrentDB, затем: zhurnal rebuild",
                f"Restore the logs of {names} by KurrentDB's own means, then: zhurnal rebuild",
            ),
            style="yellow",
        )


def _show_adopted(rebuilt: list[Report], sessions: int, as_json: bool) -> None:
    if as_json:
        print_json({"rebuilt": [{"view": r.view, "events": r.events, "rows": r.rows} for r in rebuilt]})
        return
    print_table(
        say("Представления построены заново", "Views were folded anew"),
        [say("Представление", "View"), say("Событий", "Events"), say("Строк", "Rows"), say("Секунд", "Seconds")],
        [(r.view, r.events, r.rows, f"{r.seconds:.2f}") for r in rebuilt],
        numbers=(1, 2, 3),
    )
    if sessions:
        out.print(say(f"Закрыто сеансов: {sessions}", f"Sessions ended: {sessions}"))
