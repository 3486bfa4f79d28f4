"""What is written is harmless, whatever a server sends."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import Video, VideoError
from openvideos._cli.jobs import LONGEST_NAME, target_of
from openvideos._cli.text import age, age_of, harmless, json_line, moment, reason_of

any_text = st.text() | st.text(st.characters(codec=None, categories=["Cc", "Cf", "Cs", "Zl", "Zp"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
numbers: st.SearchStrategy[Any] = st.integers() | st.floats() | st.none() | st.text()


def video(**more: Any) -> Video:
    return Video(id="video_1", object_="video", created_at=1, model="m", status="failed", **more)


@given(any_text)
@example("\x1b[31mred\x07\u202e\n\ud800")
def test_a_text_is_one_line_without_control_characters(text: str) -> None:
    shown = harmless(text)
    assert shown.replace("\u200d", "").isprintable()
    assert [shown] == (shown.splitlines() or [""])
    shown.encode()


@given(any_text, st.integers(1, 20))
@example("00", 1)
def test_a_text_that_is_cut_says_so(text: str, most: int) -> None:
    shown = harmless(text, most)
    assert len(shown) <= most
    assert shown == harmless(text) or shown.endswith("…")


def test_words_of_all_languages_stay() -> None:
    assert "Ein Fähnchen, 旗, 🏳\ufe0f\u200d🌈" == harmless("Ein Fähnchen, 旗, 🏳\ufe0f\u200d🌈")


@given(json_values)
def test_a_line_of_json_is_printable_ascii_and_means_the_same(value: Any) -> None:
    line = json_line(value)
    assert line.isascii()
    assert line.isprintable()
    assert repr(value) == repr(json.loads(line))


@given(any_text)
def test_half_a_surrogate_pair_is_written_as_json_too(text: str) -> None:
    line = json_line(text)
    assert line.isascii()
    assert line.isprintable()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "0 s"), (0.9, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86_400 * 400, "400 d")],
)
def test_an_age(seconds: float, expected: str) -> None:
    assert expected == age(seconds)


@given(numbers)
def test_a_moment_is_a_date_or_nothing(seconds: Any) -> None:
    assert re.fullmatch(r"-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment(seconds))


@given(numbers)
def test_an_age_is_known_if_the_creation_is(created: Any) -> None:
    job = video()
    job.created_at = created
    assert (age_of(job, 1e12) == "-") == (moment(created) == "-" or not created)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, "the server gives no reason"),
        (VideoError(code="no_gpu", message="busy"), "no_gpu: busy"),
        (VideoError(code="", message="bu\nsy"), r"bu\nsy"),
    ],
)
def test_a_reason(error: VideoError | None, expected: str) -> None:
    assert expected == reason_of(video(error=error))


@given(st.text(), st.sampled_from(["video", "thumbnail", "new"]))
@example("../../etc/passwd", "video")
def test_a_file_that_is_named_by_an_id_is_in_this_folder(video_id: str, variant: str) -> None:
    path = target_of(None, video_id, variant)
    assert 1 == len(path.parts)
    assert not path.name.startswith(".")
    assert len(path.name) <= LONGEST_NAME + 5
