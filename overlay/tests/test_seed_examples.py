"""The usage examples of the API that the overlay offers run unchanged but for the import, blocking and async.

`seed/*.txt` and tools/sunset_and_storm.py are those examples, word by word. What they leave to the reader comes from
here: the `time` module, and a video to put in the place of the id `video_abc123`.
"""

from __future__ import annotations

import gc
import io
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest

from openvideos import AsyncOpenVideos, OpenVideos, Video, VideoDeleteResponse

HERE = Path(__file__).parent
REMIX = (HERE.parents[1] / "tools" / "sunset_and_storm.py").read_text("utf-8").removeprefix("import time\n")
STEPS = (HERE / "seed" / "steps.txt").read_text("utf-8")
ASYNCHRONOUS = (HERE / "seed" / "asynchronous.txt").read_text("utf-8")

pytestmark = [pytest.mark.usefixtures("in_environment"), pytest.mark.slow]


def run(code: str, **given: Any) -> dict[str, Any]:
    """Run an example and return its variables."""
    names: dict[str, Any] = {"__name__": "__main__", **given}
    # The examples never close their client. The async one's is gone by now, and its loop grumbles about the socket.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        exec(compile(code, "example", "exec"), names)  # noqa: S102 - running the example is the test
        gc.collect()
    if "client" in names:
        names["client"].close()
    return names


def described(content: bytes) -> tuple[str, int, int, float]:
    """Return the codec, width, height and seconds of an MP4."""
    with av.open(io.BytesIO(content), "r") as file:
        stream = file.streams.video[0]
        assert file.duration is not None
        return stream.codec_context.name, stream.width, stream.height, round(file.duration / av.time_base, 1)


@pytest.fixture
def waits() -> SimpleNamespace:
    """Stand in for the `time` module, so that nobody waits."""
    return SimpleNamespace(sleep=lambda seconds: None)


class TestTheRemixExample:
    def test_saves_both_videos(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: SimpleNamespace) -> None:
        monkeypatch.chdir(tmp_path)
        names = run(REMIX, time=waits)
        expected = ("h264", 720, 1280, 4.0)
        assert expected == described((tmp_path / "sunset.mp4").read_bytes())
        assert expected == described((tmp_path / "storm.mp4").read_bytes())
        assert names["video"].id == names["remix"].remixed_from_video_id
        assert (tmp_path / "sunset.mp4").read_bytes() != (tmp_path / "storm.mp4").read_bytes()

    @pytest.mark.anyio
    async def test_runs_async(self, tmp_path: Path) -> None:
        async with AsyncOpenVideos() as client:
            video = await client.videos.create_and_poll(prompt="A serene sunset over mountains")
            content = await client.videos.download_content(video.id)
            remix = await client.videos.remix(video.id, prompt="Transform the sunset to a dramatic thunderstorm")
            while remix.status != "completed":
                remix = await client.videos.retrieve(remix.id)
            remix_content = await client.videos.download_content(remix.id)
        expected = ("h264", 720, 1280, 4.0)
        assert [expected, expected] == [described(content.content), described(remix_content.content)]


class TestTheStepsExample:
    def test_runs(self, client: OpenVideos, capsys: pytest.CaptureFixture[str]) -> None:
        mine = client.videos.create(prompt="The video of the example").id
        names = run(STEPS.replace("video_abc123", mine))
        printed = capsys.readouterr().out.splitlines()
        assert "Status: queued" == printed[1]
        assert "Final status: completed" in printed
        assert f"{mine}: " in "\n".join(printed)
        assert "Deleted: True" == printed[-1]
        assert isinstance(names["result"], VideoDeleteResponse)
        assert mine not in [video.id for video in client.videos.list()]

    @pytest.mark.anyio
    async def test_runs_async(self) -> None:
        async with AsyncOpenVideos() as client:
            video = await client.videos.create(
                prompt="A serene mountain landscape at sunset", model="sora-2", seconds=5, size="720x1280"
            )
            assert ("queued", "5", "720x1280") == (video.status, video.seconds, video.size)
            done = await client.videos.create_and_poll(prompt="Waves crashing on a beach", model="sora-2")
            assert "completed" == done.status
            assert video.id == (await client.videos.retrieve(video.id)).id
            videos = await client.videos.list(limit=10)
            assert {video.id, done.id} <= {item.id for item in videos.data}
            assert (await client.videos.delete(video.id)).deleted


def test_the_async_example_runs() -> None:
    names = run(ASYNCHRONOUS)
    with OpenVideos() as client:
        video = client.videos.retrieve(names["video_id"])
    assert isinstance(video, Video)
    assert ("video-gen-1", "A futuristic city") == (video.model, video.prompt)


class TestTheRestOfTheApi:
    """What the examples do not show works too, blocking and async."""

    def test_every_variant_downloads(self, client: OpenVideos, tmp_path: Path) -> None:
        video = client.videos.create_and_poll(prompt="A fox in the snow", seconds="1", size="64x64")
        kinds = {"video": (b"ftyp", 4), "thumbnail": (b"WEBP", 8), "spritesheet": (b"\xff\xd8\xff", 0)}
        for variant, (magic, offset) in kinds.items():
            content = client.videos.download_content(video.id, variant=variant)  # type: ignore[arg-type]
            path = client.videos.download(video.id, tmp_path / variant, variant=variant)  # type: ignore[arg-type]
            assert content.content[offset:].startswith(magic)
            assert content.content == path.read_bytes()

    def test_jobs_are_made_of_others(self, client: OpenVideos) -> None:
        video = client.videos.create_and_poll(prompt="A fox in the snow", seconds="1", size="64x64")
        file = client.videos.download_content(video.id).content
        assert "queued" == client.videos.edit(prompt="At night", video=video).status
        assert "queued" == client.videos.edit(prompt="At night", video=("fox.mp4", file)).status
        assert "3" == client.videos.extend(prompt="It runs", seconds=2, video={"id": video.id}).seconds
        assert "3" == client.videos.extend(prompt="It runs", seconds="2", video=file).seconds
        character = client.videos.create_character(name="Reynard", video=file)
        assert character == client.videos.get_character(character.id)

    @pytest.mark.anyio
    async def test_jobs_are_made_of_others_async(self) -> None:
        async with AsyncOpenVideos() as client:
            video = await client.videos.create_and_poll(prompt="A fox in the snow", seconds="1", size="64x64")
            file = (await client.videos.download_content(video.id)).content
            assert "queued" == (await client.videos.edit(prompt="At night", video=video.id)).status
            assert "3" == (await client.videos.extend(prompt="It runs", seconds=2, video=file)).seconds
            character = await client.videos.create_character(name="Reynard", video=file)
            assert character == await client.videos.get_character(character.id)

    def test_an_image_goes_along(self, client: OpenVideos, tmp_path: Path) -> None:
        picture = tmp_path / "start.png"
        client.videos.download(
            client.videos.create_and_poll(prompt="A start", seconds="1", size="64x64").id,
            picture,
            variant="spritesheet",
        )
        assert "queued" == client.videos.create(prompt="From here", input_reference=picture).status
        with picture.open("rb") as file:
            assert "queued" == client.videos.create(prompt="From here", input_reference=file).status
        reference = {"image_url": "https://images.example.org/start.png"}
        assert "queued" == client.videos.create(prompt="From here", input_reference=reference).status  # type: ignore[arg-type]

    def test_many_are_waited_for(self, client: OpenVideos) -> None:
        ids = {client.videos.create(prompt=f"Number {number}", seconds="1", size="64x64").id for number in range(5)}
        assert ids == {video.id for video in client.videos.wait_many(ids, poll_interval_ms=0)}
