"""`zhurnal bench NAME`: the benchmarks of the source tree (`tests/bench`), as tables or JSON."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.terminal import CANNOT_START, Json, err, say

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "bench"


def register(app: typer.Typer) -> None:
    app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench)


def names() -> list[str]:
    """The benchmarks that this source tree has."""
    return sorted(p.stem for p in FOLDER.glob("*.py") if "def main(" in p.read_text(encoding="utf-8"))


def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Что измерить; без имени — список / what to measure; none: a list")] = "",
    as_json: Json = False,
) -> None:
    """Измерить скорость. / Measure speed; run from a source tree."""
    if name not in names():
        listed = ", ".join(names()) or "-"
        err.print(say(f"Измерения: {listed}", f"Benchmarks: {listed}"), highlight=False)
        sys.exit(0 if not name else CANNOT_START)
    command = [sys.executable, "-m", f"tests.bench.{name}", *(["--json"] if as_json else []), *context.args]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)
