"""The product's own source files as the architecture tests read them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("gradebook", "identity", "notifications", "reporting", "schedule")


class Source(NamedTuple):
    """A module: its dotted name, its file, its parsed text."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def label(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def service(self) -> str | None:
        """The service that it belongs to."""
        parts = self.name.split(".")
        return parts[1] if parts[0] == "services" and len(parts) > 1 and parts[1] in SERVICES else None

    def imports(self) -> set[str]:
        """The modules of ours that it imports, wherever in the file; a name taken from a module counts as its module
        unless that name is a module itself."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                found |= {inner if (inner := f"{base}.{alias.name}") in names() else base for alias in node.names}
        return {name for name in found if name.split(".")[0] in ("contracts", "services", "tests")}

    def foreign_imports(self) -> set[str]:
        """The top packages that it imports and that are not ours."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add(node.module.split(".")[0])
        return found - {"contracts", "services", "tests"}

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        base = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*base, *([node.module] if node.module else [])])


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _files() -> list[Path]:
    return sorted(path for top in ("contracts", "services") for path in (ROOT / top).rglob("*.py"))


@cache
def names() -> frozenset[str]:
    """The dotted names of all modules."""
    return frozenset(_name(path) for path in _files())


@cache
def sources() -> tuple[Source, ...]:
    """Every module of `contracts` and `services`."""
    return tuple(Source(_name(path), path, ast.parse(path.read_text())) for path in _files())


def below(*packages: str) -> Iterator[Source]:
    """The modules in these packages."""
    for source in sources():
        if any(source.name == package or source.name.startswith(package + ".") for package in packages):
            yield source
