"""The OpenAPI document of a service, with what the kit adds to every route.

FastAPI describes addresses and bodies; this adds who may call a route (`x-policy`), the headers of a change, and that
every failure is a problem document. The same document is served at /openapi.json and committed under
contracts/openapi, where a test fails when it is out of date.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import FastAPI

from services.kit.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from services.kit.http import GuardedRoute

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `type` is the address of the problem's page; `next` says what to do; in Russian, or in "
    "English where Accept-Language prefers it.",
    "properties": {
        **{name: {"type": "string"} for name in ("type", "code", "title", "detail", "next", "clause")},
        "status": {"type": "integer"},
    },
    "required": ["type", "code", "status", "title", "detail", "next"],
    "additionalProperties": True,
}

CHANGE_HEADERS: tuple[tuple[str, bool, str], ...] = (
    ("Idempotency-Key", True, "8 to 128 printable characters; the same key is carried out once."),
    ("If-Match", False, "The tag of the version that is to be replaced."),
    ("If-None-Match", False, "`*`: there must be nothing yet."),
)


def openapi(app: FastAPI) -> bytes:
    """The document as it is committed: indented, keys sorted, the same bytes for the same routes."""
    return orjson.dumps(app.openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def describe(document: dict[str, Any], routes: Iterable["GuardedRoute"], change: Callable[..., Any]) -> dict[str, Any]:
    """Add policies, headers and problems to FastAPI's document, in place. `change`: the dependency of changes."""
    for route in routes:
        if not route.include_in_schema:
            continue
        for method in route.methods or ():
            _operation(document["paths"][route.path_format][method.lower()], route, change)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    return document


def _operation(operation: dict[str, Any], route: "GuardedRoute", change: Callable[..., Any]) -> None:
    policy = route.policy
    allowed = "everybody" if policy.public else "signed-in" if policy.signed_in else "services"
    operation["x-policy"] = {"name": policy.name, "allows": sorted(policy.roles) or [allowed]}
    operation["security"] = [] if policy.public else [{"bearer": []}]
    operation["responses"].pop("422", None)
    if any(parameter.get("name") == "format" for parameter in operation.get("parameters", ())):
        operation["responses"]["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}
    operation["responses"]["default"] = {
        "description": "A problem",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if any(dependency.call is change for dependency in route.dependant.dependencies):
        operation.setdefault("parameters", []).extend(
            {"name": name, "in": "header", "required": needed, "description": what, "schema": {"type": "string"}}
            for name, needed, what in CHANGE_HEADERS
        )
