"""Writes docs/settings.md and docs/metrics.md from the code that they describe.

`--check` writes nothing and fails when a committed page differs.
"""

import sys
from pathlib import Path

from services.kit.settings import WEB, Settings
from services.kit.telemetry import FIGURES

DOCS = Path(__file__).resolve().parent
WRITTEN = "Written by `python docs/reference.py` from the code; do not edit."


def settings() -> str:
    """The page of the variables."""
    lines = [
        "# Settings",
        "",
        WRITTEN + " A wrong, missing or unknown variable",
        "refuses the start with one sentence that names it, and exit status 2. Empty counts as not set.",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, default, text in Settings.variables():
        shown = "`web/dist`" if default == str(WEB) else f"`{default}`" if default else ""
        lines.append(f"| `{name}` | {shown} | {_cell(text)} |")
    return "\n".join(lines) + "\n"


def metrics() -> str:
    """The page of the figures."""
    lines = [
        "# Metrics",
        "",
        WRITTEN + " Every process tells them at `/metrics` of its",
        "probe port; `zhurnal up` at `/metrics` to programs on its own machine. Those of the process and of Python",
        "(`process_…`, `python_gc_…`) come besides. No label names a person.",
        "",
        "| metric | kind | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for figure in sorted(FIGURES):
        labels = ", ".join(f"`{label}`" for label in figure.labels)
        lines.append(f"| `{figure.name}` | {figure.kind} | {labels} | {_cell(figure.text)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> int:
    wrong = []
    for name, text in (("settings.md", settings()), ("metrics.md", metrics())):
        page = DOCS / name
        if "--check" not in sys.argv:
            page.write_text(text, encoding="utf-8")
        elif not page.exists() or page.read_text(encoding="utf-8") != text:
            wrong.append(f"docs/{name} is not current: run python docs/reference.py\n")
    sys.stderr.writelines(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
