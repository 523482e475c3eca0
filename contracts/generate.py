"""What follows from the event classes: a JSON Schema per type, one AsyncAPI document, and a first sample per type.

`python -m contracts.generate` writes them; `--check` writes nothing and exits with 1, naming each file that differs.
`--release` freezes every type that is not frozen yet: `samples/RELEASED` then lists its schema and its sample with
their SHA-256. A frozen file is never written again; a change of such a type needs a new version beside it.
"""

import hashlib
import sys
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin

import orjson
from pydantic import BaseModel

import contracts.events
from contracts.envelope import SPEC_VERSION, CloudEvent, Event, EventTypes, Meta, canonical
from contracts.ids import derived

FOLDER: Final = Path(__file__).parent
RELEASED: Final = "samples/RELEASED"
ASYNCAPI: Final = "asyncapi/zhurnal.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

SAMPLE_TEXTS: Final = {
    "title": "Образец названия",
    "topic": "Образец темы занятия",
    "HomeworkAssigned.text": "Образец домашнего задания",
    "order_no": "12-у",
    "DisciplineAdded.code": "ОП.01",
    "starts": "08:30",
    "ends": "10:00",
    "digest": hashlib.sha256(b"text").hexdigest(),
    "session": hashlib.sha256(b"session").hexdigest(),
}
"""Field, or class and field, to what a sample says there; every other text is an id."""


class Frozen(RuntimeError):
    """A released schema or sample would change."""


def logs() -> dict[str, EventTypes]:
    """{log: its event types}, a log per module of `contracts.events`."""
    return {
        module.name: import_module(f"contracts.events.{module.name}").EVENTS
        for module in iter_modules(contracts.events.__path__)
    }


def types() -> Iterator[tuple[str, str, type[Event]]]:
    """Every (log, type name, class)."""
    for log, events in logs().items():
        for name, cls in events.by_name.items():
            yield log, name, cls


# -- schemas and the AsyncAPI document --------------------------------------------------------------------------


def schema(cls: type[Event]) -> dict[str, Any]:
    """The JSON Schema of the body of an event: its fields without `type`, which travels in the header."""
    found = cls.model_json_schema(mode="serialization")
    found["properties"].pop("type")
    # A body leaves out what is None, so no field that may be None is required.
    required = [name for name, field in cls.model_fields.items() if field.is_required()]
    return {"$schema": DIALECT, **found, "required": required}


def asyncapi() -> dict[str, Any]:
    """One channel per log; a message per type, in CloudEvents binary mode."""
    headers = {f"ce_{name}": {"type": "string"} for name in CloudEvent.model_fields}
    headers["ce_specversion"] = {"type": "string", "const": SPEC_VERSION}
    for number in ("position", "revision", "predecessor"):
        headers[f"ce_{number}"]["pattern"] = "^(0|[1-9][0-9]*)$"
    messages = {
        f"{log}.{name}": {
            "name": name,
            "summary": (cls.__doc__ or "").split("\n")[0] if "__doc__" in vars(cls) else "",
            "headers": {"allOf": [{"$ref": "#/components/schemas/Headers"}, _typed(name)]},
            "payload": {
                "schemaFormat": "application/schema+json;version=draft-2020-12",
                "schema": {"$ref": f"../schemas/{log}/{name}.json"},
            },
        }
        for log, name, cls in types()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Zhurnal",
            "version": "1",
            "description": "One channel per log. The key of a record is its stream; ce_position and ce_predecessor "
            "show a reader every hole, which it fills from GET /log.",
        },
        "defaultContentType": "application/json",
        "channels": {
            log: {
                "address": log,
                "messages": {name: {"$ref": f"#/components/messages/{log}.{name}"} for name in events.by_name},
            }
            for log, events in logs().items()
        },
        "operations": {
            f"publish-{log}": {"action": "send", "channel": {"$ref": f"#/channels/{log}"}} for log in logs()
        },
        "components": {
            "messages": messages,
            "schemas": {"Headers": {"type": "object", "properties": headers, "required": sorted(headers)}},
        },
    }


def _typed(name: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"ce_type": {"const": name}}}


# -- samples ----------------------------------------------------------------------------------------------------


def sample(log: str, cls: type[Event]) -> dict[str, Any]:
    """A body with every field filled, and metadata, the same on every run."""
    name, body = logs()[log].encode(cls.model_validate(_values(cls)))
    command = derived("sample", log, name)
    meta = Meta(
        command,
        hashlib.sha256(name.encode()).hexdigest(),
        derived("sample", "actor"),
        "teacher",
        SAMPLE_TEXTS["session"],
        "2025-09-01T03:00:00+00:00",
        "http",
        "schedule:17",
    )
    return {"body": orjson.loads(body), "meta": orjson.loads(meta.text())}


def _values(cls: type[BaseModel]) -> dict[str, Any]:
    return {
        name: _value(f"{cls.__name__}.{name}", field.annotation)
        for name, field in cls.model_fields.items()
        if name != "type"
    }


def _value(name: str, kind: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return inner[0]
    if type(None) in inner:
        return _value(name, next(a for a in inner if a is not type(None)))
    if origin is Annotated:
        return _value(name, inner[0])
    if origin is tuple:
        return (_value(name, inner[0]),)
    if origin is dict:
        return {_value(name, inner[0]): _value(name, inner[1])}
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _values(kind)
    if kind is bool:
        return True
    if kind is int:
        return 2
    if kind is date:
        return date(2025, 9, 1)
    field = name.rpartition(".")[2]
    return SAMPLE_TEXTS.get(name) or SAMPLE_TEXTS.get(field) or derived("sample", field)


# -- files ------------------------------------------------------------------------------------------------------


class File(NamedTuple):
    """A generated file: its path below `contracts` and its bytes."""

    path: str
    content: bytes


def pretty(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def released(folder: Path = FOLDER) -> dict[str, str]:
    """{path below `contracts`: SHA-256 (hex)} of everything frozen."""
    lines = (folder / RELEASED).read_text().splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {path: digest for digest, path in pairs}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files(folder: Path = FOLDER) -> Iterator[File]:
    """Every generated file as it should be. A sample that is there stays as long as the codec gives back its bytes,
    and whatever happens once it is released."""
    frozen = released(folder)
    for log, name, cls in types():
        yield File(f"schemas/{log}/{name}.json", pretty(schema(cls)))
        path = f"samples/{log}/{name}.json"
        held = (folder / path).read_bytes() if (folder / path).exists() else None
        stays = held is not None and (path in frozen or gives_back(log, name, orjson.loads(held)))
        yield File(path, held if held is not None and stays else pretty(sample(log, cls)))
    yield File(ASYNCAPI, pretty(asyncapi()))


def gives_back(log: str, name: str, document: dict[str, Any]) -> bool:
    """Decoding and encoding the sample yields its own canonical bytes, and so does reading its metadata."""
    body, meta = canonical(document["body"]), canonical(document["meta"])
    codec = logs()[log]
    try:
        return codec.encode(codec.decode(name, body)) == (name, body) and Meta.of(meta).text() == meta
    except (ValueError, LookupError):
        return False


def stale(folder: Path = FOLDER) -> list[str]:
    """The paths that are missing, differ, or belong to no type any more."""
    wanted = {file.path: file.content for file in files(folder)}
    present = {
        str(path.relative_to(folder))
        for part in ("schemas", "samples", "asyncapi")
        for path in (folder / part).rglob("*.json")
    }
    differs = {p for p, content in wanted.items() if p in present and (folder / p).read_bytes() != content}
    return sorted(differs | (wanted.keys() ^ present))


def write(folder: Path = FOLDER) -> list[str]:
    """Bring every file up to date and remove what belongs to no type. Raises `Frozen` before writing anything."""
    wanted = {file.path: file.content for file in files(folder)}
    for path, known in released(folder).items():
        if path not in wanted or digest(wanted[path]) != known:
            raise Frozen(f"{path} is released; add a new version of the type beside it")
    changed = stale(folder)
    for path in changed:
        target = folder / path
        if path in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wanted[path])
        else:
            target.unlink()
    return changed


def release(folder: Path = FOLDER) -> list[str]:
    """Freeze the schemas and samples that are not frozen yet; returns their paths."""
    frozen = released(folder)
    fresh = [f for f in files(folder) if f.path != ASYNCAPI and f.path not in frozen]
    with (folder / RELEASED).open("a") as listing:
        listing.writelines(f"{digest(file.content)}  {file.path}\n" for file in fresh)
    return [file.path for file in fresh]


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    changed = stale() if check else write()
    for path in changed:
        sys.stdout.write(f"{'differs' if check else 'wrote'} {path}\n")
    if "--release" in arguments and not check:
        for path in release():
            sys.stdout.write(f"released {path}\n")
    return 1 if check and changed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
