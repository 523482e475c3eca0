"""Writes docs/regulation.md: clause → feature → test, from docs/clauses.toml and the `clause` markers of the tests.

`--check` writes nothing and fails when the committed page differs, when a marker names an unknown clause, or when a
clause that is called a feature has no test.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/regulation.md"
KINDS = {"feature": "есть", "later": "ещё не сделано", "organisational": "организационное"}


def marked() -> Iterator[tuple[str, str]]:
    """(clause, test) for every marker `@pytest.mark.clause("R 4.4.1", …)`; a `pytestmark` names the file."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = str(path.relative_to(ROOT))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for decorator in node.decorator_list:
                    yield from ((clause, f"{where}::{node.name}") for clause in _clauses(decorator))
            elif isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "pytestmark" for t in node.targets):
                yield from ((clause, where) for call in ast.walk(node.value) for clause in _clauses(call))


def _clauses(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "clause":
        return [str(a.value).removeprefix("R ") for a in node.args if isinstance(a, ast.Constant)]
    return []


def page() -> tuple[str, list[str]]:
    """The text of the page, and what is wrong with the markers."""
    clauses = tomllib.loads((ROOT / "docs/clauses.toml").read_text(encoding="utf-8"))["clause"]
    tests: dict[str, list[str]] = {}
    for clause, test in marked():
        tests.setdefault(clause, []).append(test)
    known = {c["id"] for c in clauses}
    wrong = [
        f"{tests[c][0]} names clause {c}, which docs/clauses.toml does not list" for c in sorted(tests.keys() - known)
    ]
    lines = [
        "# Положение → журнал → тесты",
        "",
        "Составлено `python docs/regulation.py` из `docs/clauses.toml` и меток тестов; руками не править.",
        "«Организационное» обращено к людям: программой оно не проверяется.",
        "",
        "| пункт | о чём | состояние | где | тесты |",
        "| --- | --- | --- | --- | --- |",
    ]
    for c in clauses:
        found = sorted(set(tests.get(c["id"], [])))
        if c["kind"] == "feature" and not found:
            wrong.append(f"clause {c['id']} is called a feature and no test is marked with it")
        if c["kind"] != "feature" and found:
            wrong.append(f"clause {c['id']} is {c['kind']}, yet {found[0]} is marked with it")
        shown = "<br>".join(f"`{t.removeprefix('tests/')}`" for t in found)
        lines.append(f"| R {c['id']} | {c['asks']} | {KINDS[c['kind']]} | {c.get('where', '')} | {shown} |")
    return "\n".join(lines) + "\n", wrong


def main() -> int:
    text, wrong = page()
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            wrong.append("docs/regulation.md is not current: run python docs/regulation.py")
    else:
        PAGE.write_text(text, encoding="utf-8")
    for line in wrong:
        sys.stderr.write(line + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
