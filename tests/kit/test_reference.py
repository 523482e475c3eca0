"""The page and the document of the whole API: nothing is missing, nothing internal is told, nothing leads nowhere."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from services.kit.admission import is_internal
from services.kit.reference import FOLDER, METHODS, REF, Reference
from services.kit.settings import SERVICES

REFERENCE = Reference(SERVICES)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_every_route_of_every_service_is_there_but_the_internal_ones() -> None:
    for service in SERVICES:
        own = orjson.loads((FOLDER / f"{service}.json").read_bytes())["paths"]
        shown = {path for path in own if not is_internal(path)}
        assert shown
        assert {f"/api/{service}{path}" for path in shown} == {
            path for path in REFERENCE.document["paths"] if path.startswith(f"/api/{service}/")
        }
    assert not any(path.endswith(("/log", "/tokens", "/beginning")) for path in REFERENCE.document["paths"])
    ids = [o["operationId"] for p in REFERENCE.document["paths"].values() for o in p.values()]
    assert len(ids) == len(set(ids))


def test_every_reference_of_the_document_leads_to_a_model() -> None:
    known = {REF + name for name in REFERENCE.document["components"]["schemas"]}
    found = set(references(REFERENCE.document))
    assert found
    assert found <= known


@pytest.mark.parametrize("spoken", ["ru", "en"])
def test_the_page_shows_every_route_and_every_link_leads_somewhere(spoken: str) -> None:
    page = REFERENCE.page(spoken)
    assert f'<html lang="{spoken}">' in page
    for path, operations in REFERENCE.document["paths"].items():
        for method in METHODS:
            assert (f"<b>{method.upper()}</b> <code>{path}</code>" in page) == (method in operations)
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    assert not re.search(r"<script|style=|https?://", page), "nothing that the security policy of pages refuses"


def test_a_service_without_a_document_is_left_out() -> None:
    assert Reference(["echo"]).document["paths"] == {}
