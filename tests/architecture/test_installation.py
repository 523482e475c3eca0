"""What a fresh machine installs: everything locked by hash, from whichever registry it is told to use."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def _name(requirement: str) -> str:
    return re.split(r"[\[=<>~;\s]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _locked(lock: Path) -> list[str]:
    """The requirements of a lock, continuation lines joined."""
    text = lock.read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_and_hashed_and_no_registry_is_named(lock: Path) -> None:
    for line in _locked(lock):
        assert re.match(r"[a-z0-9._-]+==\S+ ", line), line
        assert "--hash=sha256:" in line, line
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_all_that_was_asked_for(lock: Path) -> None:
    wanted = [line for line in lock.with_suffix(".in").read_text().split("\n") if line and not line.startswith("-r")]
    assert {_name(line) for line in wanted} <= {_name(line) for line in _locked(lock)}


def test_what_is_installed_for_development_agrees_with_what_runs() -> None:
    main, dev = (
        {_name(line): line for line in _locked(ROOT / "requirements" / f"{kind}.txt")} for kind in ("main", "dev")
    )
    assert {name: dev[name].split()[0] for name in main} == {name: line.split()[0] for name, line in main.items()}


def test_every_target_of_the_makefile_explains_itself() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split()
    assert {"help", "up", "test", "check", "bench"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:.*## \w", text, re.MULTILINE), target
