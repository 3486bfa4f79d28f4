"""The SDK gets through a job's life on servers whose answers were recorded, the odd ones too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from openvideos import (
    APIStatusError,
    BadRequestError,
    DownloadError,
    InternalServerError,
    NotFoundError,
    UnprocessableEntityError,
    VideoFailedError,
)

from ..faults.calls import files_in
from ..faults.clients import Client
from .replay import CLIP, Recording, client, recorded, response

pytestmark = pytest.mark.anyio


class TestLiteLLM:
    """LiteLLM's proxy changes the id between create and retrieve, lacks `prompt`, a list and a deletion."""

    @pytest.fixture
    def server(self) -> Recording:
        server = Recording("litellm-1.106.2")
        # The creation of the job that was followed has the shape of the first one recorded.
        server.responses("POST", "/v1/videos")[0]["json"]["id"] = server.job
        return server

    async def test_a_job_is_followed_under_the_id_that_create_gave(self, server: Recording, flavour: str) -> None:
        seen: list[str] = []
        async with client(flavour, server) as sdk:
            await sdk.fails("download_content", server.job)  # it is not ready
            video = await sdk.call(
                "create_and_poll", prompt="a cat", model="sora-2", on_update=lambda video: seen.append(video.status)
            )
            assert (server.job, "completed", 100) == (video.id, video.status, video.progress)
            assert video["server_id"].startswith("video_bGl0")
            assert ["queued", "in_progress", "completed"] == seen
            assert CLIP == (await sdk.call("download_content", video.id)).content
        paths = [request.url.path for request in server.requests if request.method == "GET"]
        assert all(server.job in path for path in paths)

    async def test_what_is_unknown_to_the_contract_is_kept(self, server: Recording, flavour: str) -> None:
        async with client(flavour, server) as sdk:
            video = await sdk.call("create", prompt="a cat")
        assert ({"duration_seconds": 4.0}, None) == (video["usage"], video.prompt)

    async def test_the_content_of_a_job_that_is_not_ready(
        self, server: Recording, flavour: str, tmp_path: Path
    ) -> None:
        async with client(flavour, server) as sdk:
            error = await sdk.fails("download", server.job, tmp_path / "clip.mp4")
            assert isinstance(error, NotFoundError)
            assert "video_not_ready" in str(error)
            assert [] == files_in(tmp_path)
            await sdk.call("download", server.job, tmp_path / "clip.mp4")
            assert ["clip.mp4"] == files_in(tmp_path)

    async def test_a_list_without_a_database(self, server: Recording, flavour: str) -> None:
        async with client(flavour, server) as sdk:
            error = await sdk.fails("list")
            assert isinstance(error, BadRequestError)
            assert ("400", "no_db_connection", None) == (error.code, error.type, error.param)
            assert "No connected db." in str(error)
            assert isinstance(await sdk.fails("list", limit=1, order="asc"), BadRequestError)

    async def test_a_deletion_is_refused(self, server: Recording, flavour: str) -> None:
        async with client(flavour, server) as sdk:
            error = await sdk.fails("delete", server.job)
        assert type(error) is APIStatusError
        assert (405, server.job) == (error.status_code, error.video_id)
        assert "Method Not Allowed" in str(error)

    async def test_more_jobs_from_one(self, server: Recording, flavour: str) -> None:
        async with client(flavour, server) as sdk:
            assert "queued" == (await sdk.call("remix", server.job, prompt="again")).status
            assert "queued" == (await sdk.call("edit", prompt="e", video=server.job)).status
            assert "queued" == (await sdk.call("extend", prompt="e", seconds="8", video={"id": server.job})).status
            await sdk.fails("create_character", name="x", video=b"mp4")
            error = await sdk.fails("get_character", "char_1")
        assert isinstance(error, InternalServerError)

    async def test_an_unknown_id_is_a_server_error(self, server: Recording, flavour: str) -> None:
        async with client(flavour, server) as sdk:
            error = await sdk.fails("poll", "video_nope")
            assert isinstance(error, InternalServerError)
            assert 10 == len(sdk.pauses), "a server that restarts answers so too"
            assert isinstance(await sdk.fails("download_content", "video_nope"), InternalServerError)


class TestVllmOmni:
    """vLLM-Omni takes forms alone, returns 404 for content that is not ready, and 500 for a job that failed."""

    @pytest.fixture
    def server(self) -> Recording:
        return Recording("vllm-omni-0.30.0")

    async def test_a_job_is_followed_to_its_file(self, server: Recording, flavour: str, tmp_path: Path) -> None:
        async with client(flavour, server) as sdk:
            video = await sdk.call("create", prompt="cat", seconds=4, size="1280x720")
            assert ("queued", 24.0, 96) == (video.status, *(video.to_dict()[name] for name in ("fps", "num_frames")))
            assert b"form-data" in server.requests[0].content
            early = await sdk.fails("download_content", server.job)
            assert isinstance(early, NotFoundError)
            assert "404" == early.code
            video = await sdk.call("poll", server.job)
            assert ("completed", None, {"denoise": 1.0}) == (video.status, video.size, video["stage_durations"])
            # From here on the recording has the file.
            target = await sdk.call("download", server.job, tmp_path / "clip.mp4")
            assert CLIP == target.read_bytes()
            await check_variants(sdk, server, tmp_path)

    @pytest.mark.parametrize("name", ["retrieve", "poll"])
    async def test_a_failed_job_is_a_video_although_its_status_is_500(
        self, server: Recording, flavour: str, name: str
    ) -> None:
        failed: str = recorded("vllm-omni-0.30.0")["failed_job"]
        async with client(flavour, server) as sdk:
            video = await sdk.call(name, failed)
            assert ("failed", "500", "boom: CUDA OOM") == (video.status, video.error.code, video.error.message)
            assert 1 == len(server.requests), "it is not taken for a failure of the server"
            error = await sdk.fails("poll", failed, raise_on_failure=True)
            assert isinstance(error, VideoFailedError)
            assert isinstance(await sdk.fails("download_content", failed), UnprocessableEntityError)

    async def test_a_list(self, server: Recording, flavour: str) -> None:
        async with client(flavour, server) as sdk:
            page = await sdk.call("list", after=server.job, limit=1, order="asc")
            assert (["failed"], False, page.data[0].id) == (
                [video.status for video in page.data],
                page.has_more,
                page.last_id,
            )
            assert [] == (await sdk.call("list", after="nope")).data
            assert isinstance(await sdk.fails("list", limit=1000), BadRequestError)
            assert "query.limit" == (await sdk.fails("list", limit=1000)).param
            error = await sdk.fails("list", limit=0)
        assert "no cursor" in str(error), "an empty page with more behind it leads nowhere"

    async def test_a_deletion(self, server: Recording, flavour: str) -> None:
        async with client(flavour, server) as sdk:
            assert (await sdk.call("delete", server.job)).deleted
            error = await sdk.fails("delete", "video_nope")
        assert isinstance(error, NotFoundError)

    async def test_what_it_does_not_offer(self, server: Recording, flavour: str) -> None:
        failed = recorded("vllm-omni-0.30.0")["failed_job"]
        calls: list[tuple[str, dict[str, Any]]] = [
            ("remix", {"video_id": failed, "prompt": "x"}),
            ("edit", {"prompt": "x", "video": "y"}),
            ("extend", {"prompt": "x", "seconds": "4", "video": "y"}),
            ("get_character", {"character_id": "char_1"}),
        ]
        async with client(flavour, server) as sdk:
            for name, arguments in calls:
                assert (await sdk.fails(name, **arguments)).status_code in {404, 405}


class TestFastVideo:
    """FastVideo has no has_more, returns the deleted video, and 500 for the content of a job that failed."""

    @pytest.fixture
    def server(self) -> Recording:
        server = Recording("fastvideo-0.2.1")
        server.responses("POST", "/v1/videos")[0]["json"]["id"] = server.job
        return server

    async def test_a_job_is_followed_from_its_creation_to_its_deletion(
        self, server: Recording, flavour: str, tmp_path: Path
    ) -> None:
        async with client(flavour, server) as sdk:
            assert isinstance(await sdk.fails("download_content", server.job), NotFoundError)
            video = await sdk.call("create_and_poll", prompt="cat", seconds=4, size="1280x720")
            assert (server.job, "completed", "", 2.0) == (video.id, video.status, video.size, video["inference_time_s"])
            assert CLIP == (await sdk.call("download", server.job, tmp_path / "clip.mp4")).read_bytes()
            await check_variants(sdk, server, tmp_path)
            assert (server.job, True) == _confirmed(await sdk.call("delete", server.job))
            assert isinstance(await sdk.fails("retrieve", server.job), NotFoundError)
            assert "Video not found" in str(await sdk.fails("delete", "video_nope"))

    async def test_a_failed_job(self, server: Recording, flavour: str) -> None:
        failed: str = recorded("fastvideo-0.2.1")["failed_job"]
        async with client(flavour, server) as sdk:
            video = await sdk.call("poll", failed)
            assert ("failed", "", "boom: CUDA OOM") == (video.status, video.error.code, video.error.message)
            assert isinstance(await sdk.fails("poll", failed, raise_on_failure=True), VideoFailedError)
            assert isinstance(await sdk.fails("download_content", failed), InternalServerError)

    async def test_a_list(self, server: Recording, flavour: str) -> None:
        failed: str = recorded("fastvideo-0.2.1")["failed_job"]
        async with client(flavour, server) as sdk:
            page = await sdk.call("list", after=server.job, limit=1, order="asc")
            assert [failed] == [video.id for video in page.data]
            page = await sdk.call("list", after="nope")
            assert ([], False) == (page.data, page.has_next_page())
            for limit in (0, 1000):
                error = await sdk.fails("list", limit=limit)
                assert isinstance(error, UnprocessableEntityError)
                assert "Input should be" in str(error)


def _confirmed(deletion: Any) -> tuple[str, bool]:
    return deletion.id, deletion.deleted


async def check_variants(sdk: Client, server: Recording, folder: Path) -> None:
    """Check that a server which ignores `variant` gives the video, and no picture."""
    for method, to in (("download", {"to": folder / "file"}), ("download_content", {})):
        result = await sdk.call(method, server.job, variant="video", **to)
        assert CLIP == (result.read_bytes() if to else result.content)
        folder.joinpath("file").unlink(missing_ok=True)
        for variant in ("thumbnail", "spritesheet"):
            error = await sdk.fails(method, server.job, variant=variant, **to)
            assert isinstance(error, DownloadError)
            assert f"The {variant} of {server.job} was asked for (image/*), and the server sent video/mp4" in str(error)
            assert not folder.joinpath("file").exists()


@pytest.mark.parametrize("name", ["fastvideo-0.2.1", "litellm-1.106.2", "vllm-omni-0.30.0"])
async def test_every_response_that_was_recorded_can_be_read(name: str, flavour: str) -> None:
    """Each is given to the method that sends such a request, by itself."""

    class Once:
        server_response: dict[str, Any]

        def handle(self, _: Any) -> Any:
            return response(self.server_response)

    server = Once()
    async with client(flavour, server) as sdk:
        for exchange in recorded(name)["exchanges"]:
            server.server_response = exchange["answer"]
            method, target = exchange["request"]["method"], exchange["request"]["target"].partition("?")[0]
            call, arguments = called(method, target)
            good = (
                server.server_response["status"] < 300
                or server.server_response.get("json", {}).get("object") == "video"
            )
            if (
                good
                and "length" not in server.server_response
                and server.server_response["json"].get("has_more") is not True
            ):
                await sdk.call(call, **arguments)
            elif not good:
                error = await sdk.fails(call, **arguments)
                assert server.server_response["status"] == error.status_code
                assert server.server_response["json"] == error.body


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    (r"POST ", "create", {"prompt": "p"}),
    (r"GET ", "list", {}),
    (r"POST /edits", "edit", {"prompt": "p", "video": "v"}),
    (r"POST /extensions", "extend", {"prompt": "p", "seconds": 4, "video": "v"}),
    (r"POST /characters", "create_character", {"name": "n", "video": b"v"}),
    (r"GET /characters/(?P<character_id>\w+)", "get_character", {}),
    (r"POST /(?P<video_id>[\w=]+)/remix", "remix", {"prompt": "p"}),
    (r"GET /(?P<video_id>[\w=]+)/content", "download_content", {}),
    (r"GET /(?P<video_id>[\w=]+)", "retrieve", {}),
    (r"DELETE /(?P<video_id>[\w=]+)", "delete", {}),
]


def called(method: str, target: str) -> tuple[str, dict[str, Any]]:
    """Return the method of the SDK that sends such a request, and arguments for it."""
    request = f"{method} {target.removeprefix('/v1/videos')}"
    for pattern, name, arguments in CALLS:
        if match := re.fullmatch(pattern, request):
            return name, {**arguments, **match.groupdict()}
    raise AssertionError(request)
