"""An id is one segment of the path, whatever is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_raw.api.characters import retrieve_character
from openvideos_raw.api.videos import delete_video, download_video_content, retrieve_video

if TYPE_CHECKING:
    from types import ModuleType

    from tests.raw.conftest import MockServer


@pytest.mark.parametrize("operation", [delete_video, download_video_content, retrieve_character, retrieve_video])
@pytest.mark.parametrize("id", ["", ".", "..", None])
def test_an_id_that_would_lead_elsewhere_is_refused(mock_server: MockServer, operation: ModuleType, id: Any) -> None:
    with pytest.raises(ValueError, match=r"(video|character)_id is "):
        mock_server.call(operation, id)
    assert [] == mock_server.requests


@pytest.mark.parametrize("id", ["a/b", "../videos", "a?b=c", "a#b", "%2e%2e", "a b", "é"])
def test_an_id_stays_one_segment(mock_server: MockServer, id: str) -> None:
    mock_server.call(delete_video, id)
    head, segment = mock_server.sent.url.raw_path.decode().rsplit("/", 1)
    assert ("/v1/videos", id) == (head, unquote(segment))


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda id: id not in {".", ".."}))
def test_every_id_stays_one_segment(id: str) -> None:
    url = retrieve_video.build_request(id)["url"]
    assert ["", "videos", id] == [unquote(segment) for segment in url.split("/")]
