"""What a run downloads once, and what it reads at its end, over a transport that needs no socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from email.utils import formatdate

import httpx
import pytest

from openvideos_conformance._core.outcomes import NotReachedError
from openvideos_conformance._core.target import Target
from openvideos_conformance._probes.final_reads import read_jobs_again
from openvideos_conformance._server.downloads import Files
from openvideos_conformance._server.jobs import JobPool
from openvideos_conformance._server.recording_client import RecordingClient

from .histories import NOW, error, page, video

Response = Callable[[httpx.Request], httpx.Response]


def _client(response: Response) -> RecordingClient:
    return RecordingClient(
        Target(base_url="http://127.0.0.1:1/v1", api_key="sk-a-synthetic-key"), httpx.MockTransport(response)
    )


def _server(status: str, content: int = 200) -> Response:
    def response(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/content"):
            variant = request.url.params.get("variant", "video")
            return httpx.Response(content, content=variant.encode() if content == 200 else json.dumps(error()).encode())
        if request.url.path.endswith("/videos") and request.method == "GET":
            return httpx.Response(200, json=page(video("video_1", status)))
        return httpx.Response(200, json=video("video_1", status))

    return response


@pytest.fixture
def completed() -> Iterator[tuple[RecordingClient, JobPool]]:
    with _client(_server("completed")) as client:
        pool = JobPool(client)
        pool.start(["plain"])
        yield client, pool
        pool.stop()


def _downloads(client: RecordingClient) -> list[str]:
    return [each.target for each in client.history if each.operation == "download_video_content"]


def test_each_file_is_downloaded_once_when_it_is_needed(completed: tuple[RecordingClient, JobPool]) -> None:
    client, pool = completed
    files = Files(client, pool)
    assert [] == _downloads(client)
    assert b"thumbnail" == files.thumbnail.body
    assert files.video is files.video is files.response("video")
    assert b"spritesheet" == files.spritesheet.body
    path = "/videos/video_1/content"
    assert _downloads(client) == [f"{path}?variant=thumbnail", path, f"{path}?variant=spritesheet"]


def test_a_file_that_is_refused_is_not_reached() -> None:
    with _client(_server("completed", 404)) as client:
        pool = JobPool(client)
        pool.start(["plain"])
        files = Files(client, pool)
        assert 404 == files.response("video").status
        with pytest.raises(NotReachedError, match="the video of the completed job could not be downloaded"):
            _ = files.video
        pool.stop()
        assert 1 == len(_downloads(client))


@pytest.mark.parametrize(
    ("status", "expires", "is_excused"),
    [(410, -1, True), (410, 4, True), (410, 3600, False), (410, None, False), (404, -1, False)],
)
def test_content_whose_time_is_up_is_not_judged(status: int, expires: int | None, *, is_excused: bool) -> None:
    def response(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/content"):
            return httpx.Response(status, json=error(), headers={"date": formatdate(NOW, usegmt=True)})
        job = video("video_1", "completed", expires_at=None if expires is None else NOW + expires)
        return httpx.Response(200, json=job)

    with _client(response) as client:
        pool = JobPool(client)
        pool.start(["plain"])
        files = Files(client, pool)
        if is_excused:
            with pytest.raises(NotReachedError, match=r"the video of the job video_1 expired at \d+, before it was"):
                files.response("video")
        else:
            assert status == files.response("video").status
        pool.stop()


def test_a_job_that_failed_has_no_files() -> None:
    with _client(_server("failed")) as client:
        pool = JobPool(client)
        pool.start(["plain"])
        with pytest.raises(NotReachedError, match="ended as 'failed'"):
            _ = Files(client, pool).video
        pool.stop()


def test_ended_jobs_are_read_again_later(
    completed: tuple[RecordingClient, JobPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, pool = completed
    slept: list[float] = []
    monkeypatch.setattr("openvideos_conformance._probes.final_reads.time.sleep", slept.append)
    read_jobs_again(client, pool)
    last = [each for each in client.history if each.layer == "closing"]
    read = ["retrieve_video"] * 3 + ["list_videos"]
    assert [each.operation for each in last] == ["download_video_content", *read]
    read_jobs_again(client, pool)
    assert [each.operation for each in client.history if each.layer == "closing"][len(last) :] == read
    assert 2 == len(slept)
    assert 0 < slept[0] <= 1.1
