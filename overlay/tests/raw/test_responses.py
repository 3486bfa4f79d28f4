"""What the raw client makes of what a server sends: nothing is lost, and nothing surprising is raised."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from openvideos_raw import errors
from openvideos_raw.api.videos import (
    create_video,
    delete_video,
    download_video_content,
    list_videos,
    retrieve_video,
)
from openvideos_raw.models import CreateVideoForm, ErrorResponse, Video, VideoDeleteResponse, VideoError, VideoList
from openvideos_raw.types import UNSET, File

if TYPE_CHECKING:
    from tests.raw.conftest import MockServer

VIDEO = {"id": "video_1", "object": "video", "created_at": 1758941485, "model": "sora-2", "status": "queued"}
ERROR = {"error": {"message": "Overloaded", "type": "server_error", "param": None, "code": None}}
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class TestStatuses:
    @pytest.mark.parametrize("status", [400, 401, 404, 418, 429, 499, 500, 503, 520, 529, 599])
    def test_an_error_is_parsed_under_its_status(self, mock_server: MockServer, status: int) -> None:
        mock_server.response = httpx.Response(status, json=ERROR)
        response = mock_server.call(retrieve_video, "video_1")
        assert status == response.status_code
        assert ErrorResponse.from_dict(ERROR) == response.parsed

    @pytest.mark.parametrize("status", [201, 299])
    def test_a_status_that_the_contract_does_not_name_is_not_parsed(self, mock_server: MockServer, status: int) -> None:
        mock_server.response = httpx.Response(status, content=HTML)
        response = mock_server.call(retrieve_video, "video_1")
        assert (status, HTML, None) == (response.status_code, response.content, response.parsed)

    @pytest.mark.parametrize("status", [201, 299])
    def test_or_is_raised_if_the_caller_wants_it(self, mock_server: MockServer, status: int) -> None:
        mock_server.response = httpx.Response(status, content=HTML)
        with pytest.raises(errors.UnexpectedStatus) as raised:
            mock_server.call(retrieve_video, "video_1", client=mock_server.new_client(raise_on_unexpected_status=True))
        assert status == raised.value.status_code


class TestUnknownWords:
    def test_an_unknown_status_word_is_kept(self, mock_server: MockServer) -> None:
        mock_server.response = httpx.Response(200, json=VIDEO | {"status": "rendering"})
        video = mock_server.call(retrieve_video, "video_1").parsed
        assert isinstance(video, Video)
        assert "rendering" == video.status

    def test_one_odd_item_does_not_spoil_the_list(self, mock_server: MockServer) -> None:
        odd = VIDEO | {"id": "video_2", "status": "rendering", "model": "wan-2.5", "size": "wide", "object": "clip"}
        page = {"object": "list", "data": [VIDEO, odd], "first_id": None, "last_id": None, "has_more": False}
        mock_server.response = httpx.Response(200, json=page)
        videos = mock_server.call(list_videos).parsed
        assert isinstance(videos, VideoList)
        assert [VIDEO, odd] == [video.to_dict() for video in videos.data]

    def test_an_unknown_field_is_kept(self) -> None:
        video = Video.from_dict(VIDEO | {"x_unknown": 24})
        assert 24 == video["x_unknown"]
        assert VIDEO | {"x_unknown": 24} == video.to_dict()

    @pytest.mark.parametrize("error", [{"reason": "oom"}, {"code": None, "message": None}, "oom", ["oom"], 7])
    def test_an_error_of_another_shape_is_kept(self, error: Any) -> None:
        assert error == Video.from_dict(VIDEO | {"error": error}).to_dict()["error"]

    def test_a_constant_of_another_value_is_kept(self) -> None:
        assert "clip" == Video.from_dict(VIDEO | {"object": "clip"}).to_dict()["object"]


class TestAbsentKeys:
    def test_a_nullable_key_that_is_absent_is_none(self) -> None:
        video = Video.from_dict(VIDEO)
        absent = (video.progress, video.completed_at, video.expires_at, video.prompt, video.size, video.seconds)
        assert (None,) * 6 == absent
        assert (None,) * 4 == (video.duration, video.url, video.remixed_from_video_id, video.error)

    def test_and_is_left_out_again(self) -> None:
        assert VIDEO == Video.from_dict(VIDEO).to_dict()

    def test_a_constant_that_is_absent_is_what_the_contract_says(self) -> None:
        bare = {key: value for key, value in VIDEO.items() if key != "object"}
        assert "video" == Video.from_dict(bare).object

    @pytest.mark.parametrize("key", ["id", "created_at", "model", "status"])
    def test_a_required_key_that_is_missing_is_named(self, key: str) -> None:
        bare = {name: value for name, value in VIDEO.items() if name != key}
        with pytest.raises(errors.MalformedModel, match=f"^Video: the key '{key}' is missing$"):
            Video.from_dict(bare)

    @pytest.mark.parametrize(
        ("key", "value", "kind"),
        [("id", 7, "int"), ("id", None, "NoneType"), ("created_at", "now", "str"), ("status", {"a": 1}, "dict")],
    )
    def test_a_required_key_of_another_type_is_named(self, key: str, value: object, kind: str) -> None:
        with pytest.raises(errors.MalformedModel, match=f"^Video: the key '{key}' is of the type {kind}, not "):
            Video.from_dict(VIDEO | {key: value})

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("progress", "half"),
            ("progress", True),
            ("prompt", 7),
            ("url", ["x"]),
            ("error", "oom"),
            ("error", {"code": 1}),
        ],
    )
    def test_an_optional_key_of_another_type_is_absent_and_kept(self, key: str, value: object) -> None:
        """The same rule as for a required one: an attribute never has a value of another type than its own."""
        video = Video.from_dict(VIDEO | {key: value})
        assert getattr(video, key) is None
        assert {key: value} == video.additional_properties
        assert VIDEO | {key: value} == video.to_dict()

    def test_a_list_that_is_none_is_named(self) -> None:
        page = {"object": "list", "data": None, "first_id": None, "last_id": None, "has_more": False}
        with pytest.raises(errors.MalformedModel, match="VideoList: the key 'data'"):
            VideoList.from_dict(page)


class TestUnreadableBodies:
    @pytest.mark.parametrize("status", [200, 404, 502, 529])
    @pytest.mark.parametrize(
        "content",
        [HTML, b"", b"\xff\xfe\x00", b"{", b"null", b"[]", b'"text"', b"7", b"{}", b'{"error": null}', b"[" * 100_000],
        ids=lambda content: repr(content[:16]),
    )
    def test_a_body_of_another_shape_is_one_typed_error(
        self, mock_server: MockServer, status: int, content: bytes
    ) -> None:
        mock_server.response = httpx.Response(status, content=content)
        with pytest.raises(errors.UnreadableBody, match=f"^The body of this {status} cannot be read: .") as raised:
            mock_server.call(retrieve_video, "video_1")
        assert (status, content) == (raised.value.status_code, raised.value.content)

    def test_the_missing_key_is_reported(self, mock_server: MockServer) -> None:
        mock_server.response = httpx.Response(200, json={"id": "video_1"})
        with pytest.raises(errors.UnreadableBody, match="Video: the key 'created_at' is missing"):
            mock_server.call(create_video, body=CreateVideoForm(prompt="A boat"))


class TestReprs:
    """A response may be a whole video; its repr is its beginning."""

    def test_a_response_shows_the_beginning_of_its_body(self, mock_server: MockServer) -> None:
        mock_server.response = httpx.Response(200, content=b"\0" * 504_420, headers={"x-long": "x" * 9999})
        shown = repr(mock_server.call(download_video_content, "video_1"))
        assert len(shown) < 3000
        assert "504420 bytes" in shown
        assert "status_code=200" in shown

    def test_and_of_what_it_means(self, mock_server: MockServer) -> None:
        page = {"object": "list", "data": [VIDEO] * 100, "first_id": None, "last_id": None, "has_more": False}
        mock_server.response = httpx.Response(200, json=page)
        shown = repr(mock_server.call(list_videos))
        assert len(shown) < 3000
        assert "parsed=VideoList(" in shown

    def test_what_is_short_is_shown_whole(self, mock_server: MockServer) -> None:
        mock_server.response = httpx.Response(404, content=b'{"error":{"message":"No","type":"x"}}')
        response = mock_server.call(retrieve_video, "video_1")
        assert repr(response.content) in repr(response)
        assert repr(response.parsed) in repr(response)

    @pytest.mark.parametrize(
        ("content", "end"), [(b"x" * 9999, f"{'x' * 300}… (9999 bytes)"), (b"\xff<html>", "<html>")]
    )
    def test_the_message_of_an_unexpected_status_is_short(self, content: bytes, end: str) -> None:
        error = errors.UnexpectedStatus(299, content)
        assert f"Unexpected status code: 299\n\nResponse content:\n{end}" == str(error)
        assert content == error.content


class TestDownloads:
    @pytest.mark.parametrize("status", [200, 206])
    @pytest.mark.parametrize("media_type", ["video/mp4", "image/webp", "image/jpeg"])
    def test_a_file_is_returned_as_it_is(self, mock_server: MockServer, status: int, media_type: str) -> None:
        content = b"\x00\x00\x00\x18ftypisom\xff\xfe"
        mock_server.response = httpx.Response(status, content=content, headers={"content-type": media_type})
        file = mock_server.call(download_video_content, "video_1").parsed
        assert isinstance(file, File)
        assert content == file.payload.read()

    def test_what_was_not_given_is_not_sent(self, mock_server: MockServer) -> None:
        mock_server.response = httpx.Response(200, content=b"mp4")
        mock_server.call(download_video_content, "video_1")
        assert b"/v1/videos/video_1/content" == mock_server.sent.url.raw_path
        assert not {"range", "if-range"} & set(mock_server.sent.headers)

    def test_what_was_given_is_sent(self, mock_server: MockServer) -> None:
        mock_server.response = httpx.Response(206, content=b"mp4")
        mock_server.call(download_video_content, "video_1", variant="thumbnail", range_="bytes=3-", if_range='"tag"')
        assert b"/v1/videos/video_1/content?variant=thumbnail" == mock_server.sent.url.raw_path
        assert ("bytes=3-", '"tag"') == (mock_server.sent.headers["range"], mock_server.sent.headers["if-range"])

    def test_an_error_is_an_error(self, mock_server: MockServer) -> None:
        mock_server.response = httpx.Response(409, json=ERROR)
        assert ErrorResponse.from_dict(ERROR) == mock_server.call(download_video_content, "video_1").parsed


class TestLists:
    def test_what_was_not_given_is_not_sent(self, mock_server: MockServer) -> None:
        mock_server.response = httpx.Response(500, json=ERROR)
        mock_server.call(list_videos)
        assert b"/v1/videos" == mock_server.sent.url.raw_path

    def test_what_was_given_is_sent(self, mock_server: MockServer) -> None:
        mock_server.response = httpx.Response(500, json=ERROR)
        mock_server.call(list_videos, after="video_1", limit=5, order="asc")
        assert {"after": "video_1", "limit": "5", "order": "asc"} == dict(mock_server.sent.url.params)


def test_a_deletion_is_confirmed(mock_server: MockServer) -> None:
    mock_server.response = httpx.Response(200, json={"id": "video_1", "object": "video.deleted", "deleted": True})
    confirmation = mock_server.call(delete_video, "video_1").parsed
    assert isinstance(confirmation, VideoDeleteResponse)
    assert ("video_1", True) == (confirmation.id, confirmation.deleted)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize(
    "value",
    [
        Video.from_dict(VIDEO | {"x_unknown": 24, "error": {"code": "oom", "message": "Out of memory"}}),
        VideoError(code="oom", message="Out of memory"),
        CreateVideoForm(prompt="A boat"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_model_survives_a_copy(again: Any, value: object) -> None:
    assert value == again(value)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_unset_is_one_object(again: Any) -> None:
    assert again(UNSET) is UNSET
    assert again(CreateVideoForm(prompt="A boat")).model is UNSET


@pytest.mark.parametrize(
    "error",
    [
        errors.UnexpectedStatus(418, HTML),
        errors.UnreadableBody(502, HTML, "Expecting value"),
        errors.MalformedModel("Video", "id", "is missing"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_a_pickle(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(error), str(error), vars(error)) == (type(again), str(again), vars(again))
