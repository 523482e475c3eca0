"""ZIP archives: read in memory, within limits; what would leave the archive or fill the memory is refused."""

import stat
import zipfile
from pathlib import Path

import pytest

from services.importing import archive
from services.importing.oneroster import read
from tests.unit.importing.helpers import GOOD, codes, write_set


def pack(path: Path, prefix: str = "", **extra: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in GOOD.items():
            z.writestr(prefix + name, text)
        for name, text in extra.items():
            z.writestr(name, text)
    return path


def test_an_archive_reads_as_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    plain = read(write_set(folder))
    assert read(pack(tmp_path / "flat.zip")) == plain
    assert read(pack(tmp_path / "nested.zip", prefix="export/")) == plain
    assert read(pack(tmp_path / "mac.zip", **{"__MACOSX/._users.csv": "junk", "readme.txt": "x"})) == plain


@pytest.mark.parametrize("name", ["../users.csv", "/etc/users.csv", "a/../../users.csv", "C:users.csv", "a\\users.csv"])
def test_names_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    reading = read(pack(tmp_path / "bad.zip", **{name: "x"}))
    assert codes(reading) == ["zip_unsafe"]
    assert reading.roster is None


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "link.zip")
    with zipfile.ZipFile(path, "a") as z:
        info = zipfile.ZipInfo("roles.csv")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        z.writestr(info, "/etc/passwd")
    assert codes(read(path)) == ["zip_unsafe"]


def test_a_bomb_is_refused_while_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "bomb.zip", **{"notes.csv": "0" * (archive.MAX_FILE + 1)})
    assert path.stat().st_size < 100_000
    assert codes(read(path)) == ["too_big"]
    monkeypatch.setattr(archive, "MAX_TOTAL", 500)
    assert codes(read(pack(tmp_path / "sum.zip"))) == ["too_big"]
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    assert codes(read(pack(tmp_path / "many.zip"))) == ["too_big"]


def test_folders_have_the_same_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL", 500)
    assert codes(read(write_set(tmp_path))) == ["too_big"]
    monkeypatch.setattr(archive, "MAX_FILE", 100)
    assert set(codes(read(tmp_path))) == {"too_big"}


def test_a_damaged_or_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[60:400] = bytes(340)
    path.write_bytes(data)
    assert codes(read(path)) == ["zip_broken"]
    path = pack(tmp_path / "b.zip")
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    path.write_bytes(data)
    assert "zip_encrypted" in codes(read(path))


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "twice.zip")
    with zipfile.ZipFile(path, "a") as z, pytest.warns(UserWarning, match="Duplicate name"):
        z.writestr("users.csv", "other")
    assert codes(read(path)) == ["duplicate_file"]
