"""What every source file keeps to: a promise in its docstring, a size, injected time and ids, guarded routes."""

import ast
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.common.sources import ROOT, SERVICES, below, sources

LONGEST = 450

EVERY_SERVICE_HAS = ("__init__.py", "app.py", "http.py", "access.py", "README.md")

CLOCK_CALLS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
}
MAY_ASK_THE_MACHINE = {
    "services/kit/clock.py": {"datetime.now", "uuid4"},
    # Ids of a request's trace and of a log that ends with its process: no rule and no stored fact rests on them.
    "services/kit/edge.py": {"uuid4"},
    "services/kit/logging.py": {"uuid4"},
    "services/kit/log/memory.py": {"uuid4"},
    # The names of a new log and of a backup, which must be new in the world.
    "services/kit/log/kurrent.py": {"uuid4"},
    "services/backup/make.py": {"uuid4"},
}

SQL_NOW = re.compile(
    r"\b(now\s*\(\s*\)|current_(date|time|timestamp)|local(time|timestamp)\b|clock_timestamp\s*\()", re.I
)

MAKES_ROUTES = {
    "FastAPI",
    "APIRouter",
    "add_api_route",
    "add_route",
    "include_router",
    "mount",
    "api_route",
    "websocket",
}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_files(service: str) -> None:
    folder = ROOT / "services" / service
    assert [name for name in EVERY_SERVICE_HAS if not (folder / name).is_file()] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [s.label for s in sources() if not ast.get_docstring(s.tree)] == []


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    long = {s.label: n for s in sources() if (n := len(s.path.read_text().splitlines())) > LONGEST}
    assert long == {}


# -- time and ids -----------------------------------------------------------------------------------------------


def asks_the_machine(tree: ast.Module) -> Iterator[str]:
    """The calls in a module that take the time or an id from the machine."""
    taken = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
                owner = taken.get(owner, owner).rpartition(".")[2]
                if (owner, name) in CLOCK_CALLS:
                    yield name if owner == "uuid" else f"{owner}.{name}"
            case ast.Name(id=name):
                module, _, original = taken.get(name, "").rpartition(".")
                if (module, original) in CLOCK_CALLS:
                    yield original


def test_time_and_ids_are_injected() -> None:
    found = {s.label: set(asks_the_machine(s.tree)) for s in sources()}
    asking = {label: calls - MAY_ASK_THE_MACHINE.get(label, set()) for label, calls in found.items()}
    assert {label: calls for label, calls in asking.items() if calls} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from datetime import datetime\ndatetime.now()", ["datetime.now"]),
        ("import datetime\ndatetime.datetime.now(datetime.UTC)", ["datetime.now"]),
        ("import datetime as dt\ndt.date.today()", ["date.today"]),
        ("from datetime import date as day\nday.today()", ["date.today"]),
        ("import time\ntime.time()", ["time.time"]),
        ("from time import time as t\nt()", ["time"]),
        ("from uuid import uuid4\nuuid4()", ["uuid4"]),
        ("import uuid\nuuid.uuid4()", ["uuid4"]),
        ("import time\ntime.monotonic()", []),
        ("self.clock.now()", []),
    ],
)
def test_the_search_for_clocks_sees_through_imports(text: str, found: list[str]) -> None:
    assert list(asks_the_machine(ast.parse(text))) == found


@pytest.mark.parametrize("service", SERVICES)
def test_no_statement_of_a_service_asks_the_database_for_the_time(service: str) -> None:
    in_code = [
        f"{s.label}:{node.lineno}"
        for s in below(f"services.{service}")
        for node in texts(s.tree)
        if SQL_NOW.search(node.value)
    ]
    in_sql = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "services" / service).rglob("*.sql")
        if SQL_NOW.search(re.sub(r"--.*", "", path.read_text()))
    ]
    assert in_code + in_sql == []


def texts(tree: ast.Module) -> list[Any]:
    """The text constants of a module, without docstrings."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
    ]


# -- routes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_routes_are_made_by_the_kit_only(service: str) -> None:
    """Its Router asks for a policy, and its create_app refuses what has none; nothing may go round them."""
    assert [
        f"{s.label}:{node.lineno} {called}"
        for s in below(f"services.{service}")
        for node in ast.walk(s.tree)
        if isinstance(node, ast.Call)
        if (called := getattr(node.func, "id", getattr(node.func, "attr", ""))) in MAKES_ROUTES
    ] == []


# -- what is tracked --------------------------------------------------------------------------------------------

HOSTS = [
    *("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "docker" + ".io", "ghcr" + ".io"),
    *("crates" + ".io", "conda" + ".anaconda.org", "proxy.golang" + ".org", "artifact" + "ory"),
]
HOME = re.compile(r"(?<![\w.])/(home|root|Users)/\w")


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [name for name in listing.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_a_registry_or_a_home() -> None:
    found = []
    for name in tracked():
        text = (ROOT / name).read_bytes().decode(errors="replace")
        found += [f"{name}: {host}" for host in HOSTS if host in text]
        found += [f"{name}: {match[0]}" for match in HOME.finditer(text)]
    assert found == []


LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_every_link_between_documents_leads_somewhere() -> None:
    documents = [ROOT / name for name in tracked() if name.endswith(".md")]
    links = [(path, target) for path in documents for target in LINK.findall(path.read_text(encoding="utf-8"))]
    inside = [(path, target) for path, target in links if not re.match(r"\w+:", target)]
    assert inside
    assert [(str(p.relative_to(ROOT)), target) for p, target in inside if not (p.parent / target).exists()] == []
