"""Canonical JSON, the codec, the metadata and the CloudEvents binding."""

from datetime import date
from typing import Any, Literal

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.envelope import CloudEvent, Event, EventTypes, Meta, NotCanonical, UnknownType, canonical

WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEY = st.text(st.characters(max_codepoint=127))
VALUE = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEY, inner, max_size=5),
    max_leaves=20,
)


class Counted(Event):
    """An event for these tests."""

    type: Literal["Counted.v1"] = "Counted.v1"
    by: int
    on: date | None = None


class Emptied(Event):
    """Another one."""

    type: Literal["Emptied.v1"] = "Emptied.v1"


TYPES = EventTypes(Counted, Emptied)


@given(VALUE)
def test_canonical_is_rfc_8785(value: Any) -> None:
    assert canonical(value).encode() == rfc8785.dumps(value)


@given(VALUE)
def test_canonical_text_is_its_own_canonical_form(value: Any) -> None:
    text = canonical(value)
    assert canonical(orjson.loads(text)) == text


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        {"ключ": 1},
        {1: 1},
        [{"a": 0.1}],
        "\ud800",
        {"\udfff": 1},
        {"a": "\ud800"},
        date(2025, 9, 1),
        b"bytes",
        {1},
        object(),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


def test_a_subclass_cannot_slip_past_the_check() -> None:
    class Whole(int):
        pass

    class Keyed(dict[str, Any]):
        pass

    for value in (Whole(2**60), Keyed({"а": 0.5})):
        with pytest.raises(NotCanonical):
            canonical(value)


@given(by=WHOLE, on=st.none() | st.dates())
def test_an_event_comes_back_from_its_body(by: int, on: date | None) -> None:
    event = Counted(by=by, on=on)
    name, body = TYPES.encode(event)
    assert name == "Counted.v1"
    assert "type" not in orjson.loads(body)
    assert TYPES.decode(name, body) == event
    assert TYPES.encode(TYPES.decode(name, body)) == (name, body)


def test_what_is_none_is_left_out_of_the_body() -> None:
    assert TYPES.encode(Counted(by=1))[1] == '{"by":1}'
    assert TYPES.encode(Emptied())[1] == "{}"


def test_the_codec_knows_its_own_types_only() -> None:
    with pytest.raises(UnknownType):
        TYPES.decode("Counted.v2", "{}")
    with pytest.raises(UnknownType):
        EventTypes(Emptied).encode(Counted(by=1))
    with pytest.raises(TypeError):
        EventTypes(Counted, Counted)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"by":"x"}', '{"by":1,"else":2}', '{"by":0.5}'])
def test_a_foreign_body_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        TYPES.decode("Counted.v1", body)


META = st.builds(
    Meta,
    command=st.uuids().map(str),
    request=TEXT,
    actor=TEXT.filter(bool),
    role=TEXT,
    session=TEXT,
    decided_at=st.datetimes().map(lambda at: at.isoformat()),
    via=TEXT,
    cause=TEXT,
)


@given(META)
def test_metadata_comes_back_from_its_text(meta: Meta) -> None:
    text = meta.text()
    assert Meta.of(text) == meta
    assert canonical(orjson.loads(text)) == text


def test_metadata_of_a_newer_writer_is_read() -> None:
    meta = Meta("c", "r", "a", "teacher", "s", "2025-09-01T03:00:00+00:00", "http")
    newer = canonical({**orjson.loads(meta.text()), "added-later": "x"})
    assert Meta.of(newer) == meta


CLOUD_EVENT = st.builds(
    CloudEvent,
    id=st.uuids().map(str),
    source=TEXT,
    type=TEXT,
    subject=TEXT,
    time=st.datetimes().map(lambda at: at.isoformat()),
    position=st.integers(1, 2**63 - 1),
    revision=st.integers(0, 2**63 - 1),
    predecessor=st.integers(0, 2**63 - 1),
    meta=META.map(Meta.text),
)


@given(CLOUD_EVENT)
def test_record_headers_come_back(event: CloudEvent) -> None:
    headers = event.headers()
    assert CloudEvent.of(headers) == event
    assert ("ce_specversion", b"1.0") in headers
    assert all(name.startswith("ce_") and name[3:].isalnum() and name.islower() for name, _ in headers)


@given(CLOUD_EVENT)
def test_foreign_record_headers_are_passed_over(event: CloudEvent) -> None:
    foreign = [("traceparent", b"\xff"), ("ce_later", b"1"), ("content-type", b"application/json")]
    assert CloudEvent.of([*foreign, *reversed(event.headers())]) == event


def test_a_record_without_a_position_is_refused() -> None:
    with pytest.raises(ValidationError):
        CloudEvent.of([("ce_id", b"1")])
