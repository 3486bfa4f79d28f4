"""Every mistake that a newcomer makes is a typed error whose message says what is wrong and what to do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from attrs import evolve

import openvideos
from openvideos import (
    APIConnectionError,
    APIResponseValidationError,
    AsyncOpenVideos,
    AuthenticationError,
    BadRequestError,
    Character,
    ConfigurationError,
    InvalidArgumentError,
    NotFoundError,
    OpenVideos,
    OpenVideosError,
    UnprocessableEntityError,
    Video,
    omit,
)

METHODS: dict[str, Callable[[Any, Any], Any]] = {
    "retrieve": lambda videos, value: videos.retrieve(value),
    "delete": lambda videos, value: videos.delete(value),
    "poll": lambda videos, value: videos.poll(value),
    "remix": lambda videos, value: videos.remix(value, prompt="x"),
    "download_content": lambda videos, value: videos.download_content(value),
    "download": lambda videos, value: videos.download(value, "out.mp4"),
    "get_character": lambda videos, value: videos.get_character(value),
    "edit": lambda videos, value: videos.edit(prompt="x", video=value),
    "extend": lambda videos, value: videos.extend(prompt="x", seconds=1, video=value),
    "wait_many": lambda videos, value: videos.wait_many(["video_1", value]),
}
VIDEO = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "completed"}
CHARACTER = Character(id="char_1", created_at=1, name="Ada")


def answering(*args: Any, **kwargs: Any) -> OpenVideos:
    """Return a client whose server always gives one response."""
    transport = httpx.MockTransport(lambda request: httpx.Response(*args, **kwargs))
    return OpenVideos(base_url="http://server.test/v1", http_client=httpx.Client(transport=transport), max_retries=0)


class TestConfiguration:
    def test_no_base_url(self) -> None:
        for kind in (OpenVideos, AsyncOpenVideos):
            with pytest.raises(ConfigurationError, match=r"OPENVIDEOS_BASE_URL.*openvideos-emulator"):
                kind()

    @pytest.mark.parametrize(
        "url",
        [
            "server.test/v1",
            "ftp://server.test",
            "http://",
            "http://[",
            "",
            "http://s/v1?k=v",
            "http://s:x",
            "http://s:70000",
        ],
    )
    def test_a_base_url_that_is_none(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="base URL"):
            OpenVideos(base_url=url)

    @pytest.mark.parametrize("key", ["sk-with\nbreak", "sk with space", "sk-é"])
    def test_a_key_that_no_header_carries_and_is_not_shown(self, key: str) -> None:
        with pytest.raises(ConfigurationError, match="API key") as caught:
            OpenVideos(base_url="http://server.test/v1", api_key=key)
        assert key not in str(caught.value)

    @pytest.mark.parametrize("retries", [-1, 1.5, True, "2"])
    def test_a_number_of_retries_that_is_none(self, retries: Any) -> None:
        with pytest.raises(ConfigurationError, match="max_retries"):
            OpenVideos(base_url="http://server.test/v1", max_retries=retries)

    def test_a_closed_client(self) -> None:
        client = OpenVideos(base_url="http://server.test/v1")
        client.close()
        with pytest.raises(ConfigurationError, match="closed"):
            client.videos.retrieve("video_1")


class TestArguments:
    @pytest.mark.parametrize("value", ["", "   ", ".", "..", None, 7, {"id": 7}, CHARACTER])
    @pytest.mark.parametrize("method", METHODS)
    def test_an_id_that_is_none(self, method: str, value: Any) -> None:
        if method == "get_character" and value is CHARACTER:
            value = Video.from_dict(VIDEO)
        with pytest.raises(InvalidArgumentError, match=r"video|character_id"):
            METHODS[method](answering(200).videos, value)

    @pytest.mark.parametrize("id_", ["", ".", ".."])
    def test_an_object_with_an_id_that_is_none(self, id_: str) -> None:
        for method, call in METHODS.items():
            kind = CHARACTER if method == "get_character" else Video.from_dict(VIDEO)
            with pytest.raises(InvalidArgumentError, match=r"(video|video_id|character_id)\.id is "):
                call(answering(200).videos, evolve(kind, id=id_))

    def test_a_path_that_cannot_be_read(self, tmp_path: Path) -> None:
        for path, why in ((tmp_path / "missing.png", "No such file"), (tmp_path, "directory")):
            with pytest.raises(InvalidArgumentError, match=rf"input_reference.*{why}"):
                answering(200).videos.create(prompt="x", input_reference=path)

    def test_an_id_that_no_address_can_hold(self) -> None:
        for value in ("\ud800", "x" * 70_000):
            with pytest.raises(InvalidArgumentError):
                answering(200).videos.retrieve(value)

    @pytest.mark.parametrize("value", ["cat.png", 7, (), ("a",), {"image_url": "x", "file_id": "y"}, {}, {"url": "x"}])
    def test_a_file_that_is_none(self, value: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="input_reference"):
            answering(200).videos.create(prompt="x", input_reference=value)

    def test_a_file_open_as_text(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_text("x")
        with (tmp_path / "a.png").open() as file, pytest.raises(InvalidArgumentError, match="'rb'"):
            answering(200).videos.create(prompt="x", input_reference=file)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "arguments",
        [
            {"prompt": None},
            {"prompt": "\ud800"},
            {"prompt": "x", "model": 7},
            {"prompt": "x", "seconds": 1.5},
            {"prompt": "x", "extra_body": {"a": object()}},
            {"prompt": "x", "extra_body": {"a": float("nan")}},
            {"prompt": "x", "extra_query": {"a": object()}},
            {"prompt": "x", "extra_query": {"a": "\ud800"}},
            {"prompt": "x", "extra_headers": {"X-A": "b\r\nX-C: d"}},
            {"prompt": "x", "extra_headers": {"X-A\r\n": "b"}},
            {"prompt": "x", "extra_headers": {"X-A": 7}},
        ],
    )
    def test_arguments_that_cannot_be_sent(self, arguments: dict[str, Any]) -> None:
        with pytest.raises(InvalidArgumentError):
            answering(200).videos.create(**arguments)

    @pytest.mark.parametrize("name", ["poll_interval_ms", "poll_timeout_ms"])
    @pytest.mark.parametrize("value", [-1, float("inf"), float("nan"), "5", [], True])
    def test_times_that_are_none(self, name: str, value: Any) -> None:
        with pytest.raises(InvalidArgumentError, match=name):
            answering(200).videos.poll("video_1", **{name: value})

    @pytest.mark.parametrize("arguments", [{"limit": "5"}, {"limit": True}, {"after": 7}, {"order": 7}])
    def test_list_arguments_that_are_none(self, arguments: Any) -> None:
        with pytest.raises(InvalidArgumentError):
            answering(200).videos.list(**arguments)

    def test_a_directory_to_download_to(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidArgumentError, match="directory"):
            answering(200).videos.download("video_1", tmp_path)

    @pytest.mark.parametrize("value", [None, 7, "a\0b", "~nobody-of-this-name/a.mp4"])
    def test_a_path_that_is_none(self, value: Any) -> None:
        with pytest.raises(OpenVideosError, match=r"path|written"):
            answering(200).videos.download("video_1", value)

    def test_a_folder_that_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(openvideos.DownloadError, match="cannot be written"):
            answering(200).videos.download("video_1", tmp_path / "no" / "a.mp4")

    @pytest.mark.parametrize("value", ["video_1", Video.from_dict(VIDEO), None, 7])
    def test_ids_that_are_no_list(self, value: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="list of ids"):
            answering(200).videos.wait_many(value)

    def test_what_must_be_given_is_not_left_out(self) -> None:
        for left_out in (None, omit):
            with pytest.raises(InvalidArgumentError, match=r"^seconds is of the type (NoneType|Omit)"):
                answering(200).videos.extend(prompt="x", video="video_1", seconds=left_out)  # type: ignore[arg-type]
            with pytest.raises(InvalidArgumentError, match=r"^prompt is of the type"):
                answering(200).videos.create(prompt=left_out)  # type: ignore[arg-type]

    @pytest.mark.parametrize("value", [0, -1, 1.5, True])
    def test_a_concurrency_that_is_none(self, value: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="max_concurrency"):
            answering(200).videos.wait_many([], max_concurrency=value)

    @pytest.mark.parametrize("name", ["on_update", "on_not_found"])
    def test_a_callback_that_is_none(self, name: str) -> None:
        with pytest.raises(InvalidArgumentError, match=f"^{name} is of the type str; pass a function"):
            answering(200).videos.wait_many(["video_1"], **cast("Any", {name: "print"}))

    def test_an_async_callback_for_a_blocking_client(self) -> None:
        async def on_update(video: openvideos.Video) -> None: ...

        with pytest.raises(InvalidArgumentError, match="AsyncOpenVideos") as caught:
            answering(200, json=VIDEO).videos.poll("video_1", on_update=on_update)
        assert "video_1" == caught.value.video_id


class TestServers:
    def test_a_server_that_is_not_there(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
            with (
                OpenVideos(base_url=url, max_retries=0) as client,
                pytest.raises(APIConnectionError, match="Is the server running") as caught,
            ):
                client.videos.create(prompt="x")
        assert caught.value.never_sent

    @pytest.mark.parametrize("content", [b"<html>Hello</html>", b"", b"\xff\xfe", b"[" * 100_000, b"nul"])
    def test_an_response_that_is_no_json(self, content: bytes) -> None:
        with pytest.raises(APIResponseValidationError, match="not JSON"):
            answering(200, content=content, headers={"content-type": "text/html"}).videos.retrieve("video_1")

    def test_an_error_that_is_no_json(self) -> None:
        with pytest.raises(openvideos.InternalServerError, match=r"502.*Bad Gateway"):
            answering(502, html="<html>Bad Gateway</html>").videos.retrieve("video_1")

    def test_an_response_with_an_empty_id_names_it(self) -> None:
        video = {"id": "", "object": "video", "created_at": 1, "model": "m", "status": "queued"}
        with pytest.raises(APIResponseValidationError, match="'id' is empty"):
            answering(200, json=video).videos.create(prompt="x")

    @pytest.mark.parametrize("key", ["id", "status"])
    def test_an_response_that_lacks_a_key_names_it(self, key: str) -> None:
        video = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "queued"}
        del video[key]
        with pytest.raises(APIResponseValidationError, match=f"'{key}' is missing") as caught:
            answering(200, json=video).videos.create(prompt="x")
        # The job may have been started: what is known of it is kept.
        assert video == caught.value.body
        assert video.get("id") == caught.value.video_id


@pytest.mark.usefixtures("in_environment")
class TestTheEmulator:
    def test_a_wrong_key(self) -> None:
        with (
            OpenVideos(api_key="sk-wrong") as client,
            pytest.raises(AuthenticationError, match="OPENVIDEOS_API_KEY") as caught,
        ):
            client.videos.list()
        assert "sk-wrong" not in f"{caught.value!r}{caught.value.request!r}{caught.value.response!r}"

    @pytest.mark.parametrize("method", ["retrieve", "delete", "remix", "download_content", "get_character", "poll"])
    def test_an_unknown_id(self, client: OpenVideos, method: str) -> None:
        with pytest.raises(NotFoundError, match="unknown_1") as caught:
            METHODS[method](client.videos, "unknown_1")
        assert caught.value.request_id

    @pytest.mark.parametrize(
        ("arguments", "param"),
        [
            ({"prompt": ""}, "prompt"),
            ({"prompt": "x" * 32_001}, "prompt"),
            ({"prompt": "x", "size": "banana"}, "size"),
            ({"prompt": "x", "seconds": "0"}, "seconds"),
            ({"prompt": "x", "model": ""}, "model"),
        ],
    )
    def test_a_value_that_the_contract_forbids(self, client: OpenVideos, arguments: dict[str, Any], param: str) -> None:
        with pytest.raises((BadRequestError, UnprocessableEntityError)) as caught:
            client.videos.create(**arguments)
        assert param == caught.value.param

    def test_content_that_is_not_ready(self, client: OpenVideos) -> None:
        video = client.videos.create(prompt="x")
        with pytest.raises(openvideos.ConflictError) as caught:
            client.videos.download_content(video.id)
        assert video.id == caught.value.video_id

    def test_everything_is_an_openvideos_error(self, client: OpenVideos) -> None:
        with pytest.raises(OpenVideosError):
            client.videos.list(limit=1000)
