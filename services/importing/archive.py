"""A folder or a ZIP archive as a set of named files in memory, within limits.

An archive is never unpacked to disk. Refused: names that leave the archive, links, encryption, and more bytes than a
roster can have, counted while unpacking and not believed from the directory.
"""

import lzma
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from services.importing.findings import Findings

MAX_FILE: Final = 32 * 2**20
MAX_TOTAL: Final = 128 * 2**20
MAX_MEMBERS: Final = 2_000
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)


def open_set(path: Path, findings: Findings) -> dict[str, bytes]:
    """The `.csv` files of a folder or archive: name as written → content. Empty after a fatal finding."""
    try:
        if path.is_dir():
            return _folder(path, findings)
        if not path.is_file():
            findings.add("no_such_path", str(path))
            return {}
        if not zipfile.is_zipfile(path):
            findings.add("not_a_roster", path.name)
            return {}
        return _archive(path, findings)
    except (OSError, ValueError):
        # ValueError: a path with a NUL character
        findings.add("no_such_path", str(path))
        return {}


def read_limited(path: Path, findings: Findings) -> bytes | None:
    """The bytes of one ordinary file, or None after a fatal finding."""
    try:
        with path.open("rb") as f:
            data = f.read(MAX_FILE + 1)
    except (OSError, ValueError):
        findings.add("no_such_path", str(path))
        return None
    if len(data) > MAX_FILE:
        findings.add("too_big", path.name, value=_size(MAX_FILE))
        return None
    return data


def _folder(path: Path, findings: Findings) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for entry in sorted(path.iterdir()):
        if entry.suffix.lower() != ".csv" or not entry.is_file():
            continue
        data = read_limited(entry, findings)
        total += len(data or b"")
        if total > MAX_TOTAL:
            findings.add("too_big", path.name, value=_size(MAX_TOTAL))
            return {}
        if data is not None:
            files[entry.name] = data
    return files


def _archive(path: Path, findings: Findings) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path.name, findings)
            return {} if findings.fatal else _unpack(archive, members, findings)
    except _BROKEN as broken:
        findings.add("zip_broken", path.name, value=broken)
        return {}


def _members(archive: zipfile.ZipFile, name: str, findings: Findings) -> list[zipfile.ZipInfo]:
    """The `.csv` members at the top, or inside the single folder that holds everything."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        findings.add("too_big", name, value=MAX_MEMBERS)
        return []
    found: list[tuple[PurePosixPath, zipfile.ZipInfo]] = []
    for info in infos:
        member = PurePosixPath(info.filename)
        if (
            info.filename != info.orig_filename  # the standard library cut the name at a NUL
            or "\\" in info.filename
            or ":" in info.filename
            or member.is_absolute()
            or ".." in member.parts
            or stat.S_ISLNK(info.external_attr >> 16)
        ):
            findings.add("zip_unsafe", name, value=info.orig_filename)
        elif not info.is_dir() and member.suffix.lower() == ".csv" and member.parts[0] != "__MACOSX":
            found.append((member, info))
    depth = min((len(member.parts) for member, _ in found), default=0)
    return [info for member, info in found if len(member.parts) == depth]


def _unpack(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], findings: Findings) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for info in members:
        name = PurePosixPath(info.filename).name
        if info.flag_bits & 0x1:
            findings.add("zip_encrypted", name)
            continue
        if name in files:
            findings.add("duplicate_file", name, value=name)
            continue
        with archive.open(info) as f:
            files[name] = f.read(MAX_FILE + 1)
        total += len(files[name])
        if len(files[name]) > MAX_FILE or total > MAX_TOTAL:
            findings.add("too_big", name, value=_size(MAX_FILE if len(files[name]) > MAX_FILE else MAX_TOTAL))
            return {}
    return files


def _size(limit: int) -> str:
    return f"{limit // 2**20} MiB"
