"""What is wrong with a value is said by field, by what it is, and by what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.flaws import shown, told
from openvideos_conformance._core.operations import VIDEO, VIDEO_LIST

from .histories import CALM, error, page, video

ERROR = "#/components/schemas/ErrorResponse"
JSON = "#/components/schemas/CreateVideoJson"

SAID: dict[str, tuple[str, Any, str]] = {
    "missing": (ERROR, {"detail": "no"}, "error is missing"),
    "missing within": (ERROR, {"error": {"message": "x", "type": "x", "code": None}}, "error.param is missing"),
    "type": (VIDEO, video(created_at="7"), "created_at is '7', not a whole number"),
    "types": (VIDEO, video(seconds=4), "seconds is 4, not a text or null"),
    "null": (VIDEO, video(model=None), "model is null, not a text"),
    "const": (VIDEO, video(object="job"), "object is 'job', not 'video'"),
    "enum": ("#/components/schemas/ListOrder", "up", "the body is 'up', not 'asc' or 'desc'"),
    "form": (VIDEO, video(size="wide"), "size is 'wide', which does not have the form ^[1-9][0-9]*x[1-9][0-9]*$"),
    "empty": (JSON, {"prompt": ""}, "prompt is empty"),
    "long": (JSON, {"prompt": "x" * 32_001}, "prompt has 32001 characters, more than 32000"),
    "small": (VIDEO, video(created_at=-1), "created_at is -1, less than 0"),
    "large": (VIDEO, video(progress=101), "progress is 101, more than 100"),
    "nullable object": (VIDEO, video(error="broken"), "error is 'broken', not an object or null"),
    "in a nullable object": (VIDEO, video(error={"code": "x"}), "error.message is missing"),
    "in a list": (VIDEO_LIST, page(video(), video(model=7)), "data[1].model is 7, not a text"),
    "fields": ("#/components/schemas/ImageReference", {}, "the body has 0 fields, fewer than 1"),
}


@pytest.mark.parametrize("name", SAID)
def test_each_kind_of_flaw_has_a_sentence(name: str) -> None:
    address, value, said = SAID[name]
    assert said == told(contract().flaws(value, address))


def test_a_value_that_fits_has_no_flaw() -> None:
    assert "" == told(contract().flaws(video(), VIDEO))
    assert "" == told(contract().flaws(error(), ERROR))


@CALM
@given(
    st.sampled_from([VIDEO, VIDEO_LIST, ERROR, JSON]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*video(), "data", "error", "x"]), inner),
        max_leaves=12,
    ),
)
def test_no_sentence_is_that_of_a_validator(address: str, value: Any) -> None:
    for flaw in contract().flaws(value, address):
        assert flaw.startswith("$")
        said = told([flaw])
        assert not any(words in said for words in ("is not valid under", "required property", "is not of type", "None"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), ("a", "'a'"), ({"a": None}, '{"a": null}'), ([1, "é"], '[1, "é"]'), (4.5, "4.5")],
)
def test_values_are_shown_as_in_json(value: object, text: str) -> None:
    assert text == shown(value)


@pytest.mark.parametrize("value", [b"\xff", "\ud800", {"x": "\ud800"}, {1: object()}, "x" * 999])
def test_any_value_can_be_shown_in_a_line(value: object) -> None:
    text = shown(value)
    assert len(text) < 150
    assert text.encode()
