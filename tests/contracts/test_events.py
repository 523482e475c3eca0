"""What events may hold: ids, dates and whole numbers; never a person's data, never a fraction."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from contracts.envelope import Event
from contracts.events import identity
from contracts.generate import logs, types
from contracts.grants import changes

ALL = [pytest.param(log, cls, id=f"{log}/{name}") for log, name, cls in types()]

PERSONAL = re.compile(
    r"(^|_)(name|surname|patronymic|first|last|middle|given|family|full|email|mail|phone|tel|mobile|contact|contacts"
    r"|birth|birthday|born|age|sex|gender|address|street|passport|snils|inn|photo|login|username|password|citizenship"
    r"|diagnosis|health|remark|remarks|comment|comments|note|notes|message|description|characteristic)(_|$)"
)
"""Words that no field may carry: what they hold is a person's data or free text about him."""

FREE_TEXT = {
    "LessonHeld.topic",
    "LessonAmended.topic",
    "HomeworkAssigned.text",
    "GroupFormed.title",
    "GroupFormed.specialty",
    "AcademicYearOpened.title",
    "PeriodDefined.title",
    "DisciplineAdded.title",
    "RoomAdded.title",
    "Topic.title",
}
"""The only free texts: of teaching and of the college's order, not of a person."""

TEXT_LIKE = re.compile(r"(^|_)(text|title|topic|specialty|label|caption|subject|summary|body|content|wording)(_|$)")
TEXT_IDS = {"Reason.text"}
"""Ids of texts that stand in an erasable table."""

PAST = """
    Activated Added Adopted Agreed Allowed Amended Announced Annulled Appointed Assigned Cancelled Carried
    Changed Classified Closed Defined Disabled Enabled Enrolled Erased Formed Granted Held Issued Joined
    Left Lifted Linked Marked Moved Opened Planned Proposed Published Reassigned Recorded Registered
    Rescheduled Revoked Set Signed Substituted Taken Transferred Unassigned Unlinked Unlocked Withdrawn
"""
"""Past participles of the types; a new one is added here on purpose."""


class Found(NamedTuple):
    owner: str
    name: str
    kind: Any

    @property
    def label(self) -> str:
        return f"{self.owner}.{self.name}"


def fields(cls: type[BaseModel]) -> Iterator[Found]:
    """The fields of a class and of the values inside it, with their innermost kinds."""
    for name, field in cls.model_fields.items():
        for kind in kinds(field.annotation):
            yield Found(cls.__name__, name, kind)
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from fields(kind)


def kinds(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is None or origin is Literal:
        yield annotation
    elif origin is Annotated:
        yield from kinds(get_args(annotation)[0])
    else:
        for inner in get_args(annotation):
            if inner is not Ellipsis:
                yield from kinds(inner)


EVERY_FIELD = sorted({(f.label, str(f.kind)): f for _, _, cls in types() for f in fields(cls)}.items())


def test_no_field_carries_personal_data() -> None:
    assert [label for (label, _), f in EVERY_FIELD if PERSONAL.search(f.name)] == []


def test_free_text_stands_only_where_it_is_allowed() -> None:
    texts = {f.label for _, f in EVERY_FIELD if f.kind is str and TEXT_LIKE.search(f.name)}
    assert texts - TEXT_IDS <= FREE_TEXT
    assert {f.label for _, f in EVERY_FIELD} >= FREE_TEXT | TEXT_IDS, "the list names a field that is gone"


def test_fields_are_ids_dates_whole_numbers_flags_choices_and_values_made_of_them() -> None:
    def allowed(kind: Any) -> bool:
        if get_origin(kind) is Literal:
            return True
        return kind in (str, int, bool, date, type(None)) or (isinstance(kind, type) and issubclass(kind, BaseModel))

    assert [(label, f.kind) for (label, _), f in EVERY_FIELD if not allowed(f.kind)] == []
    assert not [label for (label, _), f in EVERY_FIELD if f.kind in (float, datetime)]


def test_the_search_looks_into_nested_values() -> None:
    class Inner(BaseModel):
        email: str
        share: float

    class Outer(BaseModel):
        parts: tuple[Inner, ...] | None = None

    found = {(f.label, f.kind) for f in fields(Outer)}
    assert {("Inner.email", str), ("Inner.share", float)} <= found
    assert PERSONAL.search("email")


def test_type_names_are_unique_past_tense_and_versioned() -> None:
    names = [name for events in logs().values() for name in events.by_name]
    assert len(names) == len(set(names)), "a type name belongs to one log"
    for name in names:
        stem, version = name.split(".")
        assert re.fullmatch(r"v[1-9]\d*", version), name
        words = re.findall(r"[A-Z][a-z]+", stem)
        assert "".join(words) == stem
        assert not set(words).isdisjoint(PAST.split()), f"{name} is not in the past tense, or its verb is not listed"


@pytest.mark.parametrize(("log", "cls"), ALL)
def test_a_class_is_named_like_its_type(log: str, cls: type[Event]) -> None:
    name = cls.model_fields["type"].default
    assert name in (f"{cls.__name__}.v1", cls.__name__.replace("V", ".v"))
    assert get_args(cls.model_fields["type"].annotation) == (name,)
    assert cls.model_config.get("frozen")
    assert cls.model_config.get("extra") == "forbid"


@pytest.mark.parametrize(("log", "cls"), ALL)
def test_a_field_that_may_be_none_is_none_by_default(log: str, cls: type[Event]) -> None:
    """A body leaves out what is None, so it must come back as None."""
    for owner in {cls, *(f.kind for f in fields(cls) if isinstance(f.kind, type) and issubclass(f.kind, BaseModel))}:
        for name, field in owner.model_fields.items():
            if type(None) in get_args(field.annotation):
                assert field.default is None, f"{owner.__name__}.{name}"
            assert field.default_factory is None


def _any(kind: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Arbitrary values of a field, within its bounds."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return st.integers(1, 7) if inner[0] is int else _any(inner[0])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (Union, UnionType):
        return st.one_of(*map(_any, inner))
    if origin is tuple:
        return st.lists(_any(inner[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(_any(inner[0]), _any(inner[1]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return events_of(kind)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: st.text(st.characters(max_codepoint=127)),
        int: st.integers(0, 10_000),
        bool: st.booleans(),
        date: st.dates(),
        type(None): st.none(),
    }
    return simple[kind]


def events_of(cls: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Arbitrary events of a class."""
    given_fields = {}
    for name, field in cls.model_fields.items():
        if name != "type":
            bounded = field.annotation is int and field.metadata
            given_fields[name] = st.integers(1, 7) if bounded else _any(field.annotation)
    return st.fixed_dictionaries(given_fields).map(cls.model_validate)


@pytest.mark.parametrize(("log", "cls"), ALL)
def test_any_event_comes_back_from_its_body(log: str, cls: type[Event]) -> None:
    codec = logs()[log]

    @settings(max_examples=15)
    @given(events_of(cls))
    def comes_back(event: Event) -> None:
        name, body = codec.encode(event)
        assert codec.decode(name, body) == event
        assert codec.encode(codec.decode(name, body)) == (name, body)

    comes_back()


def test_rights_come_of_these_events_and_of_no_other() -> None:
    """A new identity event must say here whether it changes rights."""
    silent = {
        identity.PersonRegistered,
        identity.GroupFormed,
        identity.SubgroupProposed,
        identity.SubgroupAgreed,
        identity.ActivationCodeIssued,
        identity.AccountActivated,
        identity.SessionOpened,
    }

    def speaks(cls: type[Event]) -> bool:
        example: list[bool] = []

        @settings(max_examples=30, database=None)
        @given(events_of(cls))
        def look(event: Event) -> None:
            example.append(bool(list(changes(event))))

        look()
        return any(example)

    unsaid = {cls for cls in identity.EVENTS.by_name.values() if not speaks(cls)} ^ silent
    assert {cls.__name__ for cls in unsaid} == set()
