"""What the index of a run keeps of the values of fields: equal ones once, and no more than there is room for."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._history.lasting import LastingValues

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@given(st.lists(VALUES, max_size=8))
def test_a_value_is_kept_as_it_is_while_there_is_room(values: list[Any]) -> None:
    lasting = LastingValues()
    assert values == [lasting.kept(value) for value in values]


@given(st.lists(st.text("ab", min_size=257, max_size=300), min_size=2, max_size=8), st.integers(0, 900))
def test_two_values_are_equal_only_if_they_were_however_little_room_there_is(texts: list[str], most: int) -> None:
    lasting = LastingValues(most)
    kept = [lasting.kept(text) for text in texts]
    again = [lasting.kept(text) for text in texts]
    assert kept == again
    assert len({*texts}) == len({*kept})
    assert sum(len(text) for text in {*kept} & {*texts}) <= most


def test_what_is_nested_deeply_is_not_kept() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert ["… (nested too deeply)"] == LastingValues().kept(deep)


@given(VALUES, st.integers(0, 400))
def test_what_is_left_out_keeps_its_type(value: Any, most: int) -> None:
    """A large error of a failed job is an error all the same."""
    assert type(value) is type(LastingValues(most).kept(value))


def test_a_large_object_is_an_object() -> None:
    assert isinstance(LastingValues().kept({"message": "字" * 4000}), dict)
