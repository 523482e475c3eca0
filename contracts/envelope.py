"""The envelope of an event: canonical JSON, the metadata beside every body, and the CloudEvents 1.0 binding.

The log keeps the exact canonical bytes of body and metadata. Canonical is RFC 8785 for the values that contracts
allow: text, whole numbers, booleans, null, lists, objects with ASCII keys. Numbers with a fraction are refused;
money-like quantities travel as hundredths.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Final, NamedTuple, Self

import orjson
from pydantic import BaseModel, ConfigDict

SPEC_VERSION: Final = "1.0"


class NotCanonical(ValueError):
    """The value has no canonical form here: a fraction, a non-ASCII key, a number beyond 2**53, half a character."""


def canonical(value: Any) -> str:
    """Canonical JSON text of `value` (RFC 8785, restricted as the module says). Raises `NotCanonical`."""
    _check(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError as bad:  # half a surrogate pair, nesting without end
        raise NotCanonical(str(bad)) from bad


def _check(value: Any) -> None:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return
    if kind is dict:
        for key, item in value.items():
            if not (type(key) is str and key.isascii()):
                raise NotCanonical(f"key {key!r} is not ASCII text")
            _check(item)
    elif kind is list or kind is tuple:
        for item in value:
            _check(item)
    elif kind is int:
        if not -(2**53) < value < 2**53:
            raise NotCanonical(f"{value} is beyond the exact whole numbers of JSON")
    elif kind is float:
        raise NotCanonical(f"{value} has a fraction; write hundredths")
    else:
        raise NotCanonical(f"{kind.__name__} is not a value of JSON")


class Event(BaseModel):
    """Something that happened. Subclasses add `type: Literal["Name.v1"]` and ids, dates and whole numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str


class Meta(NamedTuple):
    """What the log keeps beside a body.

    command: UUID of the command, one command may append several events. request: SHA-256 (hex) of its canonical
    request. actor: id of the person, or `system:…`. role: the role it was done under. session: SHA-256 of the session
    id, or "". decided_at: ISO instant of the decision by the injected clock. via: http, import, keeper, demo, cli.
    cause: `log:position` of the outside event that led to it, or "". trace: W3C traceparent of the request, or "".
    """

    command: str
    request: str
    actor: str
    role: str
    session: str
    decided_at: str
    via: str
    cause: str = ""
    trace: str = ""

    def text(self) -> str:
        """The canonical JSON text; empty members are left out."""
        return orjson.dumps(
            {k: v for k, v in zip(self._fields, self, strict=True) if v}, option=orjson.OPT_SORT_KEYS
        ).decode()

    @classmethod
    def of(cls, text: str) -> Self:
        """The metadata of a recorded event. Keys that this version does not know are passed over."""
        d = orjson.loads(text)
        return cls(
            d["command"],
            d.get("request", ""),
            d["actor"],
            d.get("role", ""),
            d.get("session", ""),
            d["decided_at"],
            d.get("via", ""),
            d.get("cause", ""),
            d.get("trace", ""),
        )


class UnknownType(LookupError):
    """No contract of this log knows that event type: a newer writer or a foreign log."""


class EventTypes:
    """The codec of one log: from the classes of its events to type name and canonical body, and back."""

    def __init__(self, *classes: type[Event]) -> None:
        self.by_name: dict[str, type[Event]] = {c.model_fields["type"].default: c for c in classes}
        if len(self.by_name) != len(classes):
            raise TypeError("two events share one type name")
        self._read = {name: c.__pydantic_validator__.validate_json for name, c in self.by_name.items()}

    def encode(self, event: Event) -> tuple[str, str]:
        """Type name and canonical body. The body leaves out the type and fields that are None."""
        if event.type not in self.by_name:
            raise UnknownType(event.type)
        data = event.model_dump(mode="json", exclude_none=True)
        del data["type"]
        return event.type, canonical(data)

    def decode(self, type_name: str, body: str) -> Any:
        """The event of a recorded row. Raises `UnknownType`, and pydantic's ValidationError for a foreign body."""
        read = self._read.get(type_name)
        if read is None:
            raise UnknownType(type_name)
        return read(body)


class CloudEvent(BaseModel):
    """CloudEvents 1.0 attributes in binary mode: header names are `ce_` + attribute, the value is the body."""

    model_config = ConfigDict(frozen=True)
    _prefix: ClassVar[str] = "ce_"

    id: str
    source: str
    type: str
    subject: str
    time: str
    position: int
    revision: int
    predecessor: int
    meta: str

    def headers(self) -> list[tuple[str, bytes]]:
        """The record headers, in a fixed order."""
        pairs = [("specversion", SPEC_VERSION), *((k, str(v)) for k, v in self)]
        return [(self._prefix + k, v.encode()) for k, v in pairs]

    @classmethod
    def of(cls, headers: Iterable[tuple[str, bytes]]) -> Self:
        """Read record headers; unknown ones are passed over. Raises pydantic's ValidationError."""
        prefix = cls._prefix
        return cls.model_validate({k.removeprefix(prefix): v.decode() for k, v in headers if k.startswith(prefix)})
