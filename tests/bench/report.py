"""What every benchmark says and how: rows of figures as a table or as JSON, and the arguments of its command line.

A row is {name, unit, median, low, high} over rounds, {limit, ratio, ratio_low, ratio_high} against what the same
machine did at the same time without us, and {target}, the figure that was asked for, with its sense: "≤ 6" or "≥ 500".
"""

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

Row = dict[str, Any]


def arguments(description: str) -> argparse.Namespace:
    """json, rounds, and data: the folder that keeps the college between benchmarks."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--data", type=Path, help="folder that keeps the college of the day between benchmarks")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds")
    return parser.parse_args()


def row(name: str, unit: str, figures: Sequence[float], limits: Sequence[float] = (), target: str = "") -> Row:
    """Median and range of a figure per round; limits: what the limit was in the same rounds."""
    found: Row = {"name": name, "unit": unit, **_spread(figures)}
    if limits:
        ratios = _spread([mine / limit for mine, limit in zip(figures, limits, strict=True)], 3)
        found |= {
            "limit": _rounded(statistics.median(limits)),
            "ratio": ratios["median"],
            "ratio_low": ratios["low"],
            "ratio_high": ratios["high"],
        }
    return found | ({"target": target} if target else {})


def _spread(figures: Sequence[float], digits: int | None = None) -> dict[str, float]:
    named = {"median": statistics.median(figures), "low": min(figures), "high": max(figures)}
    return {name: _rounded(figure) if digits is None else round(figure, digits) for name, figure in named.items()}


def _rounded(figure: float) -> float:
    return round(figure) if figure >= 100 else round(figure, 2)


def show(title: str, rows: Sequence[Row], json: bool, limit: str = "") -> None:
    """Print the rows. limit: what the limits of this benchmark are."""
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    if json:
        said = {"bench": title, **machine, "limit": limit, "rows": rows}
        sys.stdout.write(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    table = Table("", "median", "range", "limit", "ratio", "target", title=f"{title}, {os.cpu_count()} cores")
    for each in rows:
        against = ["", ""]
        if "ratio" in each:
            against = [f"{each['limit']:,}", f"{each['ratio']} ({each['ratio_low']}–{each['ratio_high']})"]
        figures = [f"{each['median']:,} {each['unit']}", f"{each['low']:,}–{each['high']:,}"]
        table.add_row(each["name"], *figures, *against, each.get("target", ""))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    if limit:
        console.print(f"limit: {limit}", highlight=False)
