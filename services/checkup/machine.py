"""This machine's side of an installation: folder, disk, key, backups, and the address that people use."""

import asyncio
import os
import shutil
import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from services.backup.manifest import Damaged, Manifest, backups
from services.checkup.finding import Finding, State, graded
from services.identity.keys import signing_key
from services.kit.problems import Text
from services.kit.settings import CannotStart, Settings

GB = 10**9
LOW_BYTES, LEAST_BYTES = 5 * GB, 1 * GB
BACKUP_OLD_HOURS, BACKUP_LOST_HOURS = 36, 24 * 7
CERTIFICATE_WARN_DAYS, CERTIFICATE_FAIL_DAYS = 21, 3
CLOCK_WARN_SECONDS, CLOCK_FAIL_SECONDS = 2.0, 30.0
WAIT_SECONDS = 10.0


def folder(settings: Settings) -> Iterator[Finding]:
    """The data folder and the space where it is."""
    data = settings.data.absolute()
    if not data.is_dir():
        yield Finding(
            "data",
            "fail",
            Text(f"папки {data} нет", f"there is no folder {data}"),
            Text(
                "Укажите папку через --data или запустите zhurnal up.", "Name the folder by --data, or run zhurnal up."
            ),
        )
        return
    free = shutil.disk_usage(data).free
    yield Finding(
        "disk",
        "fail" if free < LEAST_BYTES else "warn" if free < LOW_BYTES else "ok",
        Text(f"свободно {free / GB:.1f} ГБ", f"{free / GB:.1f} GB are free"),
        Text("", "")
        if free >= LOW_BYTES
        else Text(
            "Освободите место: полный диск останавливает все записи.", "Make room: a full disk stops every change."
        ),
    )


def token_key(settings: Settings) -> Iterator[Finding]:
    """The key that signs tokens, where this installation has it in a file."""
    path = settings.token_key or settings.data / "token-key.pem"
    if not path.exists():
        if settings.token_key is not None:
            yield Finding(
                "token key",
                "fail",
                Text(f"файла {path} нет", f"there is no file {path}"),
                Text("Верните его из резервной копии.", "Restore it from a backup."),
            )
        return
    try:
        signing_key(path)
    except CannotStart as wrong:
        yield Finding("token key", "fail", wrong.text)
        return
    except OSError as denied:
        yield Finding("token key", "warn", Text(f"не читается: {denied.strerror}", f"not readable: {denied.strerror}"))
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield Finding(
            "token key",
            "fail",
            Text(f"{path} открыт другим пользователям ({mode:o})", f"{path} is open to other users ({mode:o})"),
            Text(f"chmod 600 {path}", f"chmod 600 {path}"),
        )
    else:
        yield Finding("token key", "ok", Text("на месте, закрыт от других", "there, closed to others"))


def backup(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The newest complete backup."""
    if settings.backups is None:
        yield Finding(
            "backup",
            "warn",
            Text("папка копий не указана", "no folder of backups is named"),
            Text(
                "Укажите ZHURNAL_BACKUPS и снимайте копии каждую ночь.", "Set ZHURNAL_BACKUPS and back up every night."
            ),
        )
        return
    made = newest(settings.backups)
    if made is None:
        yield Finding(
            "backup",
            "fail",
            Text(f"в {settings.backups} нет ни одной копии", f"there is no backup in {settings.backups}"),
            Text("Снимите: zhurnal backup", "Make one: zhurnal backup"),
        )
        return
    hours = (now - made).total_seconds() / 3600
    state = graded(hours, BACKUP_OLD_HOURS, BACKUP_LOST_HOURS)
    yield Finding(
        "backup",
        state,
        Text(f"последней копии {hours:.0f} ч", f"the newest backup is {hours:.0f} h old"),
        Text("", "") if state == "ok" else Text("Снимите: zhurnal backup", "Make one: zhurnal backup"),
    )


def newest(folder: Path) -> datetime | None:
    """When the newest complete backup of a folder was made."""
    for path in reversed(backups(folder)):
        try:
            return Manifest.read(path).made_at
        except (Damaged, CannotStart):
            continue
    return None


async def address(at: str, now: datetime) -> list[Finding]:
    """The address that people use: does it answer, by which clock, with which certificate. now: by this machine."""
    found = [await _certificate(at, now)] if at.startswith("https:") else []
    try:
        async with httpx.AsyncClient(timeout=WAIT_SECONDS, verify=False) as client:  # noqa: S501 - judged above
            answer = await client.get(f"{at}/start.json")
    except httpx.HTTPError as lost:
        seen = Text(f"{at} не отвечает: {type(lost).__name__}", f"{at} does not answer: {type(lost).__name__}")
        following = Text("Запустите журнал или его шлюз.", "Start the journal or its gateway.")
        return [*found, Finding("address", "fail", seen, following)]
    found.append(
        Finding("address", "ok" if answer.status_code < 500 else "fail", Text(*[f"{at}: {answer.status_code}"] * 2))
    )
    if "date" in answer.headers:
        found.append(clock("clock of the gateway", parsedate_to_datetime(answer.headers["date"]), now, rounded=1.0))
    return found


def clock(part: str, theirs: datetime, ours: datetime, rounded: float = 0.0) -> Finding:
    """Two clocks compared; rounded: seconds by which what we heard may be off."""
    apart = max(0.0, abs((theirs - ours).total_seconds()) - rounded)
    state = graded(apart, CLOCK_WARN_SECONDS, CLOCK_FAIL_SECONDS)
    return Finding(
        part,
        state,
        Text(f"расходится с этой машиной на {apart:.1f} с", f"{apart:.1f} s apart from this machine"),
        Text("", "")
        if state == "ok"
        else Text("Включите синхронизацию времени (NTP) на обеих.", "Turn on time synchronisation (NTP) on both."),
    )


async def _certificate(at: str, now: datetime) -> Finding:
    parts = urlsplit(at)
    host, port = parts.hostname or "", parts.port or 443
    renew = Text("Обновите сертификат на шлюзе.", "Renew the certificate at the gateway.")
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
        told = writer.get_extra_info("peercert")
        writer.close()
    except ssl.SSLCertVerificationError as refused:
        why = refused.verify_message
        return Finding("certificate", "fail", Text(f"не признан: {why}", f"not trusted: {why}"), renew)
    except (OSError, TimeoutError) as lost:
        return Finding("certificate", "fail", Text(f"нет связи: {lost}", f"no connection: {lost}"))
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(told["notAfter"]), UTC)
    days = (until - now).days
    state: State = "fail" if days < CERTIFICATE_FAIL_DAYS else "warn" if days < CERTIFICATE_WARN_DAYS else "ok"
    seen = Text(f"действителен ещё {days} дн.", f"valid for {days} more days")
    return Finding("certificate", state, seen, Text("", "") if state == "ok" else renew)


def private_files(settings: Settings) -> Iterator[Finding]:
    """Files of the data folder that others must not read."""
    path = settings.data / "passwords.json"
    if path.exists() and os.stat(path).st_mode & 0o077:
        seen = Text(f"{path} открыт другим пользователям", f"{path} is open to other users")
        yield Finding("passwords", "fail", seen, Text(f"chmod 600 {path}", f"chmod 600 {path}"))
