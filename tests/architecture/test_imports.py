"""Who may import whom. The rules are few, so that any service can be read, tested and run without the others."""

import ast
import re
from collections.abc import Callable, Iterable

import pytest

from tests.common.sources import SERVICES, Source, below, names, sources

KIT_READS = {"contracts", "contracts.envelope", "contracts.ids", "contracts.grants"}
"""The contracts that carry no words of the college."""

PURE = ("page", "rules", "decide", "indicators")
"""Modules of this name, and what they import of their own service, compute and nothing else."""

IMPURE = {
    *("asyncio", "anyio", "concurrent", "contextvars", "httpx", "io", "logging", "multiprocessing", "os", "pathlib"),
    *("psycopg", "psycopg_pool", "random", "requests", "secrets", "selectors", "shutil", "socket", "starlette"),
    *("fastapi", "structlog", "subprocess", "tempfile", "threading", "time", "urllib", "uvicorn"),
}


def violations(checked: Iterable[Source], allowed: Callable[[Source, str], bool]) -> list[str]:
    return [f"{s.label} imports {i}" for s in checked for i in sorted(s.imports()) if not allowed(s, i)]


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def test_contracts_import_nothing_of_ours() -> None:
    assert violations(below("contracts"), lambda _, name: within(name, "contracts")) == []


def test_the_kit_imports_no_service_and_no_events() -> None:
    assert violations(below("services.kit"), lambda _, name: within(name, "services.kit") or name in KIT_READS) == []


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_imports_another(service: str) -> None:
    package = f"services.{service}"
    allowed = ("contracts", "services.kit", package)
    assert violations(below(package), lambda _, name: within(name, *allowed)) == []


def test_nothing_imports_the_tests() -> None:
    assert violations(sources(), lambda _, name: not within(name, "tests")) == []


def pure_modules() -> dict[str, Source]:
    """The modules that must be pure, with all that they import of their own service."""
    by_name = {s.name: s for s in sources()}
    waiting = [f"services.{service}.{name}" for service in SERVICES for name in PURE]
    found: dict[str, Source] = {}
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in found and by_name[name].service:
            found[name] = by_name[name]
            waiting += by_name[name].imports()
    return found


def test_views_import_contracts_kit_and_the_pure_rules_of_their_service_only() -> None:
    """A view is a fold: what it calls must answer the same tomorrow."""
    views = [s for s in sources() if s.service and within(s.name, f"services.{s.service}.views")]
    pure = pure_modules()

    def allowed(view: Source, name: str) -> bool:
        return within(name, "contracts", "services.kit", f"services.{view.service}.views") or name in pure

    assert violations(views, allowed) == []


def test_rules_import_contracts_problems_and_each_other_only() -> None:
    pure = pure_modules()
    assert (
        violations(
            pure.values(), lambda _, name: within(name, "contracts") or name in pure or name == "services.kit.problems"
        )
        == []
    )


def test_rules_touch_nothing_outside() -> None:
    assert [
        f"{s.label} imports {name}" for s in pure_modules().values() for name in sorted(s.foreign_imports() & IMPURE)
    ] == []


def test_rules_take_nothing_of_sys_but_interned_ids() -> None:
    """One copy of an id instead of thousands is no effect that an answer could depend on."""
    used = {
        name
        for s in pure_modules().values()
        for name in re.findall(r"\bsys\.(\w+)", s.path.read_text(encoding="utf-8"))
    }
    assert used <= {"intern"}


def test_imports_are_read_as_python_reads_them() -> None:
    text = """
from . import rules
from .views import card
from .. import kit
from services.kit.http import Router
def late():
    import contracts.ids
"""
    here = next(s for s in sources() if s.name == "services.gradebook.page")
    found = Source("services.gradebook.page", here.path, ast.parse(text)).imports()
    assert {"services.gradebook.rules", "services.kit", "services.kit.http", "contracts.ids"} <= found
    assert names() >= {"contracts.envelope", "services.kit.http"}
