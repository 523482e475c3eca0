"""The API of all services on one page, and as one OpenAPI document.

Both are made of the documents under contracts/openapi, which a test keeps equal to the running services, so any process
can show them. The page is plain HTML with a stylesheet of its own: no script, and nothing from elsewhere.
"""

import html
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

import contracts
from services.kit.admission import is_internal

FOLDER = Path(contracts.__file__).parent / "openapi"
METHODS = ("get", "post", "put", "patch", "delete")
REF = "#/components/schemas/"
STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
body { color: #1b1b1f; background: #fff }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #c9c9d1 }
details { margin: .25rem 0; padding: .25rem .5rem; border: 1px solid #e2e2e8; border-radius: .25rem }
summary { cursor: pointer; overflow-wrap: anywhere }
summary b { display: inline-block; min-width: 4.5rem; font-family: ui-monospace, monospace }
code { font-family: ui-monospace, monospace }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-top: 1px solid #e2e2e8 }
td { overflow-wrap: anywhere }
.status td { overflow-wrap: normal }
.status th[scope=row] { font-weight: normal }
a { color: #0b57d0 }
@media (prefers-color-scheme: dark) {
  body { color: #e4e4ea; background: #1b1b1f }
  h2, details, th, td { border-color: #45454f }
  a { color: #a8c7fa }
}
"""
WORDS = {
    "title": ("API журнала", "The journal's API"),
    "told": (
        "Адреса всех служб. Изменения несут заголовки X-Zhurnal: 1 и Idempotency-Key; отказ — документ application/"
        "problem+json. Описания — на английском.",
        "The addresses of all services. Changes carry the headers X-Zhurnal: 1 and Idempotency-Key; a refusal is a "
        "document application/problem+json.",
    ),
    "whole": ("Всё одним документом OpenAPI", "All as one OpenAPI document"),
    "problems": ("Что значит отказ", "What a refusal means"),
    "status": ("Состояние журнала", "Status of the journal"),
    "may": ("Кому можно", "Who may"),
    "parameters": ("Параметры", "Parameters"),
    "body": ("Тело", "Body"),
    "answers": ("Ответы", "Answers"),
    "models": ("Документы", "Documents"),
    "needed": ("обязательно", "required"),
}


class Reference:
    """The page and the document for these services; one without a document is left out."""

    def __init__(self, services: Iterable[str], folder: Path = FOLDER) -> None:
        self._files = {name: folder / f"{name}.json" for name in services}

    @cached_property
    def document(self) -> dict[str, Any]:
        """OpenAPI of everything that may be reached from outside; names of models carry their service's."""
        paths: dict[str, Any] = {}
        schemas: dict[str, Any] = {}
        for name, file in self._files.items():
            if not file.exists():
                continue
            own = _renamed(orjson.loads(file.read_bytes()), name)
            for path, operations in own["paths"].items():
                if not is_internal(path):
                    tagged = {
                        m: {**o, "tags": [name], "operationId": f"{name}_{o['operationId']}"}
                        for m, o in operations.items()
                    }
                    paths[f"/api/{name}{path}"] = tagged
            schemas |= {f"{name}.{model}": schema for model, schema in own["components"]["schemas"].items()}
        return {
            "openapi": "3.1.0",
            "info": {"title": "Zhurnal", "version": version("zhurnal")},
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            },
        }

    def page(self, spoken: str) -> str:
        """The page in `spoken` ("ru" or "en"), a whole HTML document."""
        said = {name: html.escape(texts[spoken == "en"]) for name, texts in WORDS.items()}
        body = "".join(self._parts(said))
        return (
            f'<!doctype html><html lang="{spoken}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width"><title>{said["title"]}</title>'
            f'<link rel="stylesheet" href="/api/style.css"><h1>{said["title"]}</h1><p>{said["told"]}</p>'
            f'<p><a href="/api/openapi.json">{said["whole"]}</a> · <a href="/problems">{said["problems"]}</a>'
            f' · <a href="/status">{said["status"]}</a></p>{body}'
        )

    def _parts(self, said: dict[str, str]) -> Iterator[str]:
        for name in self._files:
            yield f'<h2 id="{name}">{name}</h2>'
            for path, operations in self.document["paths"].items():
                if path.startswith(f"/api/{name}/"):
                    for method in METHODS:
                        if method in operations:
                            yield _operation(method, path, operations[method], said)
        yield f"<h2>{said['models']}</h2>"
        for model, schema in sorted(self.document["components"]["schemas"].items()):
            yield _model(model, schema, said)


def _renamed(node: Any, service: str) -> Any:
    """The document with every reference to a model in the service's name."""
    if isinstance(node, dict):
        return {
            key: REF + f"{service}." + value.removeprefix(REF)
            if key == "$ref" and isinstance(value, str)
            else _renamed(value, service)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_renamed(item, service) for item in node]
    return node


def _operation(method: str, path: str, operation: dict[str, Any], said: dict[str, str]) -> str:
    told = html.escape(operation.get("description", ""))
    allowed = ", ".join(html.escape(who) for who in operation["x-policy"]["allows"])
    rows = "".join(
        f"<tr><td><code>{html.escape(p['name'])}</code><td>{html.escape(p['in'])}<td>{_type(p['schema'])}"
        f"<td>{said['needed'] if p.get('required') else ''}<td>{html.escape(p.get('description', ''))}"
        for p in operation.get("parameters", ())
    )
    parameters = f"<h4>{said['parameters']}</h4><table>{rows}</table>" if rows else ""
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    body = f"<p>{said['body']}: {_type(sent)}" if sent else ""
    answers = "".join(
        f"<tr><td>{code}<td><code>{html.escape(media)}</code><td>{_type(content.get('schema', {}))}"
        for code, response in operation["responses"].items()
        for media, content in response.get("content", {}).items()
    )
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{html.escape(path)}</code></summary><p>{told}"
        f"<p>{said['may']}: {allowed}{parameters}{body}<h4>{said['answers']}</h4><table>{answers}</table></details>"
    )


def _model(name: str, schema: dict[str, Any], said: dict[str, str]) -> str:
    needed = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{html.escape(field)}</code><td>{_type(of)}<td>{said['needed'] if field in needed else ''}"
        f"<td>{html.escape(of.get('description', ''))}"
        for field, of in schema.get("properties", {}).items()
    )
    told = html.escape(schema.get("description", ""))
    fields = f"<table>{rows}</table>" if rows else f"<p>{_type(schema)}"
    shown = html.escape(name)
    return f'<details id="{shown}"><summary><code>{shown}</code></summary><p>{told}{fields}</details>'


def _type(schema: dict[str, Any]) -> str:
    """What a value is, as HTML: models are links."""
    if "$ref" in schema:
        name = html.escape(schema["$ref"].removeprefix(REF))
        return f'<a href="#{name}">{name.partition(".")[2]}</a>'
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(_type(one) for one in schema[several])
    if "enum" in schema or "const" in schema:
        return " | ".join(f"<code>{html.escape(str(v))}</code>" for v in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "")
    if kind == "array":
        return f"[{_type(schema.get('items', {}))}]"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{{…: {_type(schema['additionalProperties'])}}}"
    written = schema.get("format") or (kind if isinstance(kind, str) else " | ".join(kind))
    return html.escape(written or "…")
