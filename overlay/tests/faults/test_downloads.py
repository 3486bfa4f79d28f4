"""A download that breaks off goes on where it broke, begins anew, or leaves what was at the target before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from openvideos import DownloadError

from .calls import CLIP, ID, files_in
from .clients import Against
from .server import Behaviour, closes, drips, head, message, resets, responses, sends

pytestmark = pytest.mark.anyio

HALF = len(CLIP) // 2
BEGUN = {"etag": '"1"', "content-length": str(len(CLIP)), "content-type": "video/mp4"}
BROKEN = head(200, BEGUN) + CLIP[:HALF]


def span(start: int, end: int = len(CLIP), *, total: str = str(len(CLIP)), etag: str = '"1"') -> dict[str, str]:
    """Return the headers of a response that has the bytes from a position to another."""
    return {"content-range": f"bytes {start}-{end - 1}/{total}", "etag": etag, "content-length": str(end - start)}


def rest(start: int = HALF, end: int = len(CLIP), *, total: str = str(len(CLIP)), etag: str = '"1"') -> Behaviour:
    """Answer with the bytes from a position to another."""
    return sends(head(206, span(start, end, total=total, etag=etag)) + CLIP[start:end])


WHOLE = responses(200, CLIP, {"etag": '"1"'})
GOES_ON: dict[str, tuple[Behaviour, ...]] = {
    "the rest": (rest(),),
    "the rest of a length that is not told": (rest(total="*"),),
    "the rest after another break": (closes(head(206, span(HALF)) + CLIP[HALF:-9]), rest(len(CLIP) - 9)),
    "the whole file": (WHOLE,),
    "another part": (rest(HALF + 1), WHOLE),
    "a part of another file": (rest(etag='"2"'), WHOLE),
    "a part of a longer file": (rest(total="99999"), WHOLE),
    "a part without its place": (responses(206, CLIP[HALF:]), WHOLE),
    "a part that ends before it begins": (responses(206, b"", {"content-range": "bytes 9-8/10"}), WHOLE),
    "no part": (responses(416, b"", {"content-range": "bytes */10"}), WHOLE),
    "a part that is too short": (rest(end=len(CLIP) - 5), rest(len(CLIP) - 5)),
}


@pytest.mark.parametrize("afterwards", list(GOES_ON.values()), ids=list(GOES_ON))
@pytest.mark.parametrize("broken", [closes(BROKEN), resets(BROKEN)], ids=["closed", "reset"])
async def test_the_file_is_whole(
    broken: Behaviour, afterwards: tuple[Behaviour, ...], against: Against, tmp_path: Path
) -> None:
    target = tmp_path / "clip.mp4"
    seen: list[tuple[int, int | None]] = []
    async with against(broken, *afterwards, WHOLE, max_retries=2) as (server, client):
        await client.call("download", ID, to=target, on_progress=lambda *so_far: seen.append(so_far))
        ranges = [request.headers.get("range") for request in server.requests]
    assert CLIP == target.read_bytes()
    assert ["clip.mp4"] == files_in(tmp_path)
    assert len(CLIP) == seen[-1][0]
    # A reset may take what was sent before it along.
    assert ranges[1] in {None, f"bytes={HALF}-"}


async def test_without_a_strong_validator_it_starts_again(against: Against, tmp_path: Path) -> None:
    weak = closes(head(200, {**BEGUN, "etag": 'W/"1"'}) + CLIP[:HALF])
    async with against(weak, WHOLE, max_retries=1) as (server, client):
        await client.call("download", ID, to=tmp_path / "clip.mp4")
        assert not any("range" in request.headers for request in server.requests)
    assert CLIP == tmp_path.joinpath("clip.mp4").read_bytes()


async def test_what_brings_the_file_on_is_not_counted_against_it(against: Against, tmp_path: Path) -> None:
    """Far more breaks than retries, each a few bytes further."""
    steps = range(100, len(CLIP), 100)
    breaks = [closes(head(206, span(at)) + CLIP[at : at + 100]) for at in steps]
    async with against(closes(head(200, BEGUN) + CLIP[:100]), *breaks, max_retries=1) as (server, client):
        await client.call("download", ID, to=tmp_path / "clip.mp4")
        assert len(steps) + 1 == len(server.requests)
    assert CLIP == tmp_path.joinpath("clip.mp4").read_bytes()


@pytest.mark.parametrize("max_retries", [0, 1])
async def test_what_was_at_the_target_stays_when_the_file_does_not_arrive(
    max_retries: int, against: Against, flavour: str, tmp_path: Path
) -> None:
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"before")
    async with against(*[closes(BROKEN)] * 4, max_retries=max_retries) as (server, client):
        error = await client.fails("download", ID, to=target)
        assert {"GET"} == set(server.methods), "the job is never touched"
    assert isinstance(error, DownloadError)
    assert (ID, len(CLIP)) == (error.video_id, error.bytes_expected)
    # aiohttp discards what it has not handed on when a connection ends.
    assert HALF == error.bytes_received or flavour == "aiohttp"
    assert b"before" == target.read_bytes()
    assert ["clip.mp4"] == files_in(tmp_path)


async def test_a_callback_that_raises_ends_it(against: Against, tmp_path: Path) -> None:
    """What it raises passes, unchanged and with no connection or file left after it."""

    def stop(*_: Any) -> None:
        raise LookupError("enough")

    long = message(200, CLIP * 2000, {"etag": '"1"'})
    async with against(closes(long)) as (server, client):
        with pytest.raises(LookupError, match="enough"):
            await client.call("download", ID, to=tmp_path / "clip.mp4", on_progress=stop)
        assert 1 == len(server.requests)
    assert [] == files_in(tmp_path)


async def test_a_disk_that_is_full_ends_it(against: Against, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("openvideos._drivers.part_file.os.write", full)
    async with against(closes(message(200, CLIP * 2000))) as (_, client):
        error = await client.fails("download", ID, to=tmp_path / "clip.mp4")
    assert isinstance(error, DownloadError)
    assert "No space left on device" in str(error)
    assert [] == files_in(tmp_path)


class TestCancellation:
    """Of an asynchronous download, in the middle of its body."""

    @pytest.fixture(params=["asyncio", "trio"])
    def flavour(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    async def test_leaves_nothing(self, against: Against, tmp_path: Path) -> None:
        body = head(200, {"etag": '"1"', "content-length": str(1 << 40)})
        async with (
            against(drips(body + b"x" * (4 << 20), b"x")) as (server, client),
            anyio.create_task_group() as group,
        ):

            def begun(*_: Any) -> None:
                group.cancel_scope.cancel()

            await client.call("download", ID, to=tmp_path / "clip.mp4", on_progress=begun)
        assert [] == files_in(tmp_path)
        assert 1 == len(server.requests)
