"""Derived ids are uuid5 as the standard library makes them."""

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import NAMESPACE, derived


@given(parts=st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_derived_id_is_a_uuid5(parts: list[str]) -> None:
    assert derived(*parts) == str(uuid5(NAMESPACE, "\x1f".join(parts)))
