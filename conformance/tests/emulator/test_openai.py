"""An independent client of the same API, openai-python, works with the emulator, blocking and async."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import av
import openai
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.emulator.conftest import Run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its vendor gave the methods up
KEY = "sk-emulator"


@pytest.fixture(scope="module")
def base_url(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("openai")
    with run("--pace", "polls:2", "--api-key", KEY, cwd=directory) as (_, base_url):
        yield base_url


class Blocking:
    """An async client's `videos`, called as the blocking client's are."""

    def __init__(self, videos: Any, runner: asyncio.Runner) -> None:
        self._videos, self._runner = videos, runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments, **options: self._runner.run(
            _awaited(getattr(self._videos, name)(*arguments, **options))
        )


async def _awaited(result: Any) -> Any:
    """Await a call, or walk over all pages of a list."""
    return [item async for item in result] if hasattr(result, "__aiter__") else await result


@pytest.fixture(params=["blocking", "async"])
def videos(request: pytest.FixtureRequest, base_url: str) -> Iterator[Any]:
    """Give the `videos` of a client."""
    options: dict[str, Any] = {"base_url": base_url, "api_key": KEY, "max_retries": 0}
    if request.param == "blocking":
        http = openai.DefaultHttpxClient(trust_env=False)
        with openai.OpenAI(http_client=http, **options) as client:
            yield client.videos
        return
    with asyncio.Runner() as runner:
        asynchronous = openai.AsyncOpenAI(http_client=openai.DefaultAsyncHttpxClient(trust_env=False), **options)
        yield Blocking(asynchronous.videos, runner)
        runner.run(asynchronous.close())


def made(videos: Any, prompt: str = "A cat", **options: Any) -> Any:
    return videos.create_and_poll(prompt=prompt, size="720x1280", seconds="4", poll_interval_ms=1, **options)


def test_create_and_poll(videos: Any) -> None:
    video = made(videos, model="sora-2-pro")
    assert ("completed", 100, "sora-2-pro", "4") == (video.status, video.progress, video.model, video.seconds)
    assert video == videos.retrieve(video.id)


def test_create_and_poll_gives_a_failed_job_too(videos: Any) -> None:
    video = made(videos, "[fail:content_policy_violation]")
    assert ("failed", "content_policy_violation") == (video.status, video.error.code)
    with pytest.raises(openai.ConflictError) as caught:
        videos.download_content(video.id)
    assert "video_failed" == caught.value.code


def test_download_all_variants(videos: Any) -> None:
    id_ = made(videos).id
    with av.open(io.BytesIO(videos.download_content(id_).content)) as clip:
        assert (720, 1280) == (clip.streams.video[0].width, clip.streams.video[0].height)
    for variant, kind, size in (("thumbnail", "WEBP", (720, 1280)), ("spritesheet", "JPEG", None)):
        with Image.open(io.BytesIO(videos.download_content(id_, variant=variant).content)) as picture:
            assert kind == picture.format
            assert size is None or size == picture.size


def test_list_walks_over_pages(videos: Any) -> None:
    made_ids = [videos.create(prompt="A cat").id for _ in range(5)]
    listed = [video.id for video in videos.list(limit=2, order="asc")]
    assert made_ids == listed[-5:]
    assert listed[::-1] == [video.id for video in videos.list(limit=3)]


def test_remix_and_delete(videos: Any) -> None:
    source = made(videos)
    remix = videos.remix(source.id, prompt="Now at night")
    assert (source.id, source.size) == (remix.remixed_from_video_id, remix.size)
    deleted = videos.delete(source.id)
    assert (source.id, True, "video.deleted") == (deleted.id, deleted.deleted, deleted.object)
    with pytest.raises(openai.NotFoundError):
        videos.retrieve(source.id)
    assert "completed" == videos.poll(remix.id, poll_interval_ms=1).status


def test_files_are_uploaded(videos: Any, png: bytes) -> None:
    video = made(videos, input_reference=("start.png", png, "image/png"))
    clip = videos.download_content(video.id).content
    assert "queued" == videos.edit(prompt="Night", video=("clip.mp4", clip, "video/mp4")).status
    # Its types allow the id of a video, too; its code refuses that (3.54).
    assert "8" == videos.extend(prompt="On", seconds="4", video=("clip.mp4", clip, "video/mp4")).seconds
    character = videos.create_character(name="Ada", video=("clip.mp4", clip, "video/mp4"))
    assert "Ada" == videos.get_character(character.id).name


def test_refusals_are_its_errors(videos: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        videos.create(prompt="A cat", size="1x1")
    assert "size" == caught.value.param
    with pytest.raises(openai.NotFoundError):
        videos.retrieve("video_unknown")
