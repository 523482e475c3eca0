"""What a backup consists of: a folder of dumps and `manifest.json`, which is written last and names them all.

A folder without a manifest is no backup. Checksums show damage, not forgery: encrypting, signing and carrying backups
away is for the operator's own tools.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.kit.settings import CannotStart

FORMAT = 1
MANIFEST = "manifest.json"
TOKEN_KEY = "token-key.pem"  # noqa: S105 - the name of a file
NAME = re.compile(r"zhurnal-\d{8}T\d{6}\.\d{3}Z$")
"""The folders that `zhurnal backup` makes, named by their time (UTC), so that names sort by age."""
FileName = Annotated[str, Field(pattern=r"^[a-z-]+\.(dump|pem)$")]


class Damaged(CannotStart):
    """A backup is not whole."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Part):
    """A file of the backup's folder. sha256: of its content, hexadecimal."""

    name: FileName
    bytes: int
    sha256: str


class Dump(_Part):
    """A database. migrations: the digests of those that had been run, in order (`kit.postgres`)."""

    file: File
    migrations: tuple[str, ...]


class LogState(_Part):
    """A log at the moment of the backup. id: of the log; event: id of the event at its head, "" for an empty log."""

    id: str
    head: int
    event: str


class Manifest(_Part):
    """id: of this backup. made_at: the moment that it shows. seconds: it took. postgres: version of the server.

    logs: those in the databases; elsewhere: those kept in KurrentDB, which has backups of its own. token_key: absent
    where it was left out or is kept elsewhere.
    """

    format: Literal[1] = 1
    id: str
    made_at: datetime
    seconds: float
    program: str
    postgres: str
    zone: str
    databases: dict[str, Dump]
    logs: dict[str, LogState]
    elsewhere: tuple[str, ...] = ()
    token_key: File | None = None

    def files(self) -> list[File]:
        """All files of the folder except the manifest."""
        return [dump.file for dump in self.databases.values()] + ([self.token_key] if self.token_key else [])

    def write(self, folder: Path) -> None:
        """Write it into the folder, whole or not at all."""
        fresh = folder / f"{MANIFEST}.new"
        with private(fresh) as file:
            file.write(self.model_dump_json(indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / MANIFEST)
        sync_folder(folder)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of a backup. Raises Damaged, and CannotStart for one of a newer program."""
        path = folder / MANIFEST
        try:
            told = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise _no_backup(folder) from None
        except OSError as failed:
            raise unusable(path, failed) from None
        except ValueError:
            raise _unreadable(path) from None
        number = told.get("format") if isinstance(told, dict) else None
        if isinstance(number, int) and number > FORMAT:
            raise CannotStart(
                f"Копия {folder} сделана более новой программой (формат {number}, эта знает {FORMAT}): установите её.",
                f"The backup {folder} was made by a newer program (format {number}, this one knows {FORMAT}): "
                f"install that.",
            )
        try:
            return cls.model_validate(told)
        except ValidationError:
            raise _unreadable(path) from None


def check(folder: Path, manifest: Manifest) -> None:
    """Read every file of a backup and compare it with the manifest. Raises Damaged naming the first that differs."""
    for file in manifest.files():
        path = folder / file.name
        try:
            size = path.stat().st_size
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        except FileNotFoundError:
            raise Damaged(
                f"Копия повреждена: файла {path} нет. Возьмите другую копию.",
                f"The backup is damaged: the file {path} is missing. Take another backup.",
            ) from None
        except OSError as failed:
            raise unusable(path, failed) from None
        if size != file.bytes:
            raise Damaged(
                f"Копия повреждена: в файле {path} {size} байт вместо {file.bytes}. Возьмите другую копию.",
                f"The backup is damaged: {path} has {size} bytes instead of {file.bytes}. Take another backup.",
            )
        if digest != file.sha256:
            raise Damaged(
                f"Копия повреждена: содержимое {path} не то, что было записано. Возьмите другую копию.",
                f"The backup is damaged: the content of {path} is not what was written. Take another backup.",
            )


def backups(folder: Path) -> list[Path]:
    """The complete backups in a folder, oldest first."""
    try:
        found = [path for path in folder.iterdir() if NAME.match(path.name) and (path / MANIFEST).is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.name)


def prune(folder: Path, keep: int) -> list[Path]:
    """Delete all but the `keep` newest complete backups of a folder; those deleted."""
    old = backups(folder)[:-keep]
    for path in old:
        # Without its manifest it is no backup any more, however far the deletion gets.
        (path / MANIFEST).unlink()
        shutil.rmtree(path)
    return old


def leftovers(folder: Path) -> Iterator[Path]:
    """Folders of backups that were broken off, and of deletions that were."""
    for path in folder.iterdir():
        unfinished = NAME.match(path.name) and not (path / MANIFEST).exists()
        if path.is_dir() and (unfinished or (path.suffix == ".part" and NAME.match(path.stem))):
            yield path


# -- files --------------------------------------------------------------------------------------------------------


def private(path: Path) -> BinaryIO:
    """A new file that only its owner may read, open for writing."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sync_folder(folder: Path) -> None:
    """Have the disk write the names in a folder."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def unusable(path: Path, failed: OSError) -> CannotStart:
    """The refusal for a file or folder that cannot be read or written."""
    why = failed.strerror or str(failed)
    return CannotStart(
        f"{path}: {why}. Освободите место или исправьте права и повторите.",
        f"{path}: {why}. Free space or mend its permissions, then run it again.",
    )


def _unreadable(path: Path) -> Damaged:
    return Damaged(
        f"Копия повреждена: {path} не читается. Возьмите другую копию.",
        f"The backup is damaged: {path} cannot be read. Take another backup.",
    )


def _no_backup(folder: Path) -> CannotStart:
    there: Sequence[Path] = backups(folder)
    if there:
        return CannotStart(
            f"В {folder} копий: {len(there)}. Назовите одну из них, последняя — {there[-1]}.",
            f"There are {len(there)} backups in {folder}. Name one of them, the newest is {there[-1]}.",
        )
    return Damaged(
        f"{folder} — не резервная копия: нет файла {MANIFEST}, который пишется последним.",
        f"{folder} is no backup: it lacks the file {MANIFEST}, which is written last.",
    )
