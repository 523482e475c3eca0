"""What is generated from the code is committed as it is now: the page of the regulation, the API descriptions."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_of_the_regulation_is_current() -> None:
    run("docs/regulation.py", "--check")


def test_the_api_descriptions_are_current() -> None:
    """Mend by `zhurnal openapi contracts/openapi`."""
    run("-m", "services", "openapi", "contracts/openapi", "--check")
