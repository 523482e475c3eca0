"""Undocumented means unfinished: every problem explains itself, and is given all that it needs for that."""

import ast
import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest

from services.kit.problems import Problem, Text, catalogue
from tests.common.sources import sources

MODULES: dict[str, ModuleType] = {}
BROKEN: dict[str, str] = {}
for name in (source.name for source in sources()):
    if name != "services.__main__":
        try:
            MODULES[name] = import_module(name)
        except Exception as failed:  # told by a test of its own, so that the others still run
            BROKEN[name] = repr(failed)

PROBLEMS = sorted(
    (cls for cls in catalogue() if cls.__module__.startswith("services.")), key=lambda c: (c.code, c.__module__)
)
TEXTS = ("title", "detail", "next")


def test_every_module_can_be_imported() -> None:
    assert BROKEN == {}


def parameters(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def spoken(text: str) -> set[str]:
    """The parameters of a text; `ground` and `ground_en` are one thing in two languages."""
    return {name.removesuffix("_en") for name in parameters(text)}


@pytest.mark.parametrize("cls", PROBLEMS, ids=lambda cls: cls.code)
def test_a_problem_is_explained_in_two_languages(cls: type[Problem]) -> None:
    for name in TEXTS:
        text = getattr(cls, name)
        assert isinstance(text, Text)
        assert re.search("[А-Яа-яЁё]", text.ru), f"{name} is not Russian"
        assert not re.search("[А-Яа-яЁё]", re.sub(r"«.*?»", "", text.en)), f"{name} is not English"
        assert text.ru != text.en
        assert spoken(text.ru) == spoken(text.en), f"{name} says different things"
    assert cls.next.ru.endswith((".", "!"))
    assert cls.next.en.endswith((".", "!"))
    assert cls.next.ru != cls.detail.ru, "the next step repeats the reason"


@pytest.mark.parametrize("cls", PROBLEMS, ids=lambda cls: cls.code)
def test_a_problem_has_one_code_and_one_status(cls: type[Problem]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", cls.code)
    assert {"code", "status", "title", "detail", "next"} <= vars(cls).keys() | inherited(cls)
    assert 400 <= HTTPStatus(cls.status) < 600
    assert cls.status != 500 or cls.code == "internal"
    assert not cls.clause or re.fullmatch(r"[RGM] ?\d[\d.]*(, ?[RGM]? ?\d[\d.]*)*", cls.clause), cls.clause


def inherited(cls: type[Problem]) -> set[str]:
    """What bases between `Problem` and the class state for their subclasses."""
    return {
        name for base in cls.__mro__[1:] if issubclass(base, Problem) and base is not Problem for name in vars(base)
    }


def test_codes_are_unique() -> None:
    codes = [cls.code for cls in PROBLEMS]
    assert [code for code in codes if codes.count(code) > 1] == []


# -- a problem that lacks a parameter would end as an internal error -----------------------------------------------


def named(module: ModuleType, node: ast.expr) -> type[Problem] | None:
    """The problem class that an expression names in a module."""
    found: object = None
    if isinstance(node, ast.Name):
        found = getattr(module, node.id, None)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        found = getattr(getattr(module, node.value.id, None), node.attr, None)
    return found if isinstance(found, type) and issubclass(found, Problem) else None


def lacking(module: ModuleType, tree: ast.Module) -> Iterator[str]:
    """Where a problem is made without a parameter that its texts name."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func, keywords=keywords):
                given = {keyword.arg for keyword in keywords}
            case ast.Raise(exc=ast.Name() | ast.Attribute() as func):
                given = set()
            case _:
                continue
        cls = named(module, func)
        if cls is None or not hasattr(cls, "code") or None in given or "__init__" in vars(cls):
            continue
        needed = {p for name in TEXTS for text in getattr(cls, name) for p in parameters(text)}
        if needed - given:
            yield f"{node.lineno}: {cls.__name__} lacks {', '.join(sorted(needed - given))}"


def test_problems_are_made_with_all_that_their_texts_name() -> None:
    trees = {source.name: source.tree for source in sources()}
    assert [f"{name}:{found}" for name, module in MODULES.items() for found in lacking(module, trees[name])] == []


def test_the_search_for_lacking_parameters_finds_them() -> None:
    text = """
raise problems.TooLarge
raise problems.TooLarge(limit=5)
raise problems.TooLarge()
make = problems.Malformed(extra={})
problems.Malformed(**given)
raise problems.NotFound
"""
    module = import_module("services.kit.http")
    assert [found.split(":")[0] for found in lacking(module, ast.parse(text))] == ["2", "4", "5"]


@pytest.mark.parametrize(
    "contract", sorted((Path(__file__).parents[2] / "contracts/openapi").glob("*.json")), ids=lambda p: p.stem
)
def test_every_answer_has_a_model(contract: Path) -> None:
    """The types of the web client come of it (`answers=` of the route). The feed is for services, which know it."""
    paths = json.loads(contract.read_text(encoding="utf-8"))["paths"]
    without = [
        f"{method.upper()} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        for status, response in operation["responses"].items()
        if status.startswith("2") and not response.get("content", {}).get("application/json", {}).get("schema")
    ]
    assert [route for route in without if route != "GET /log"] == []
