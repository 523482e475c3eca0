"""Which state of deploy/ the last `make kube-check` passed, so that CI repeats it only when something there changed.

`python -m tests.kube.checked` ends with 0 when that is the state of this tree, with 1 when it is another.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "deploy" / "check" / "CHECKED"
WATCHED = ("deploy", "tests/kube")


def digest() -> str:
    """SHA-256 over names and contents of all that the check depends on, as git knows them."""
    listed = subprocess.run(["git", "ls-files", "-z", *WATCHED], cwd=ROOT, capture_output=True, check=True).stdout
    found = hashlib.sha256()
    for name in sorted(name for name in listed.decode().split("\0") if name):
        path = ROOT / name
        if path != RECORD and path.is_file():
            found.update(f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def passed() -> None:
    """Note that this tree has passed."""
    RECORD.write_text(f"{digest()}\n")


def main() -> int:
    return 0 if RECORD.is_file() and RECORD.read_text().strip() == digest() else 1


if __name__ == "__main__":
    sys.exit(main())
