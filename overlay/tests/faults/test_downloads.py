"""A download that breaks off goes on where it broke, begins anew, or leaves what was at the target before."""

from __future__ import annotations

import gzip
import inspect
import json
import tracemalloc
from functools import cache
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from openvideos import APIConnectionError, DownloadError, OpenVideosError
from openvideos._calls import LARGEST_RESPONSE

from .calls import CLIP, COMPLETED, ID, QUEUED, files_in
from .clients import KEY, Against, check_promises
from .flavours import is_blocking
from .server import Behaviour, answers_json, closes, drips, floods, head, message, resets, responses, sends

pytestmark = [pytest.mark.anyio, pytest.mark.product]

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
    assert ID == error.video_id
    assert [] == files_in(tmp_path)


class TestWhatIsNotTheFile:
    """A 200 whose body cannot be the file, or not yet, is an error that says what came; nothing is saved."""

    SAID: Final = {
        "an error page": ("text/html; charset=utf-8", b"<html>Sign in</html>", "text/html: <html>Sign in</html>."),
        "an error": ("application/json", b'{"error": "no key"}', 'application/json: {"error": "no key"}.'),
        "a text": ("text/plain", b"not ready", "text/plain: not ready."),
        "a picture": ("image/webp", b"RIFF", "image/webp: it does not offer this variant, or ignores it."),
    }

    @pytest.mark.parametrize("name", ["download", "download_content"])
    @pytest.mark.parametrize("said", list(SAID.values()), ids=list(SAID))
    async def test_is_shown_and_not_saved(
        self, name: str, said: tuple[str, bytes, str], against: Against, tmp_path: Path
    ) -> None:
        media_type, body, shown = said
        to = {"to": tmp_path / "clip.mp4"} if name == "download" else {}
        async with against(responses(200, body, {"content-type": media_type})) as (server, client):
            error = await client.fails(name, ID, **to)
            assert 1 == len(server.requests)
        assert isinstance(error, DownloadError)
        assert f"The video of {ID} was asked for (video/*), and the server sent {shown}" in str(error)
        assert [] == files_in(tmp_path)

    @pytest.mark.parametrize("name", ["download", "download_content"])
    @pytest.mark.parametrize("variant", ["thumbnail", "spritesheet"])
    async def test_the_video_is_no_picture(self, name: str, variant: str, against: Against, tmp_path: Path) -> None:
        to = {"to": tmp_path / "picture"} if name == "download" else {}
        async with against(responses(200, CLIP, {"content-type": "video/mp4"})) as (_, client):
            error = await client.fails(name, ID, variant=variant, **to)
        assert isinstance(error, DownloadError)
        assert f"The {variant} of {ID} was asked for (image/*), and the server sent video/mp4: it does" in str(error)
        assert [] == files_in(tmp_path)

    @pytest.mark.parametrize("name", ["download", "download_content"])
    @pytest.mark.parametrize("headers", [{}, {"content-type": "application/octet-stream"}], ids=["none", "octets"])
    @pytest.mark.parametrize("variant", ["video", "thumbnail"])
    async def test_a_type_that_is_not_known_passes(
        self, name: str, headers: dict[str, str], variant: str, against: Against, tmp_path: Path
    ) -> None:
        to = {"to": tmp_path / "clip.mp4"} if name == "download" else {}
        async with against(responses(200, CLIP, headers)) as (_, client):
            result = await client.call(name, ID, variant=variant, **to)
        assert CLIP == (result.read_bytes() if to else result.content)

    @pytest.mark.parametrize("name", ["download", "download_content"])
    async def test_a_vendors_own_variant_may_be_any_file(self, name: str, against: Against, tmp_path: Path) -> None:
        to = {"to": tmp_path / "preview"} if name == "download" else {}
        script = [responses(200, b"GIF89a", {"content-type": "image/gif"}), answers_json({"error": "no such variant"})]
        async with against(*script) as (server, client):
            result = await client.call(name, ID, variant="preview_gif", **to)
            assert b"GIF89a" == (result.read_bytes() if to else result.content)
            error = await client.fails(name, ID, variant="preview_gif", **to)
            assert [f"/v1/videos/{ID}/content?variant=preview_gif"] * 2 == [each.target for each in server.requests]
        assert isinstance(error, DownloadError)
        assert f"The preview_gif of {ID} was asked for (a file), and the server sent application/json: " in str(error)

    @pytest.mark.parametrize("name", ["download", "download_content"])
    async def test_nothing(self, name: str, against: Against, tmp_path: Path) -> None:
        to = {"to": tmp_path / "clip.mp4"} if name == "download" else {}
        empty = responses(200, b"", {"content-type": "video/mp4"})
        async with against(empty, empty, max_retries=1) as (server, client):
            error = await client.fails(name, ID, **to)
            assert 1 + len(to) == len(server.requests), "the file may come yet"
        assert isinstance(error, DownloadError)
        assert "0 bytes" in str(error)
        assert [] == files_in(tmp_path)

    async def test_an_endless_page_is_read_to_its_beginning(self, against: Against, tmp_path: Path) -> None:
        page = floods(head(200, {"content-type": "text/html"}), b"<p>busy</p>" * 1000)
        async with against(page) as (_, client):
            error = await client.fails("download", ID, to=tmp_path / "clip.mp4")
        assert "text/html: <p>busy</p>" in str(error)
        assert len(str(error)) < 500

    @pytest.mark.parametrize("broken", [closes, resets], ids=["closed", "reset"])
    async def test_a_page_that_breaks_off_is_no_answer(self, broken: Any, against: Against, tmp_path: Path) -> None:
        page = broken(head(200, {"content-type": "text/html", "content-length": "999"}) + b"<html>busy")
        async with against(page, WHOLE, max_retries=1) as (_, client):
            target = await client.call("download", ID, to=tmp_path / "clip.mp4")
        assert CLIP == target.read_bytes()

    async def test_the_key_is_not_shown(self, against: Against, tmp_path: Path) -> None:
        page = responses(200, f"<html>{KEY} is no key".encode(), {"content-type": f"text/html-{KEY}"})
        async with against(page, page) as (_, client):
            await client.fails("download", ID, to=tmp_path / "clip.mp4")  # which looks for the key
            await client.fails("download_content", ID)

    async def test_a_part_that_is_still_written(self, against: Against, tmp_path: Path) -> None:
        """FastVideo sends the part of the file that it has."""
        target = tmp_path / "clip.mp4"
        half = responses(200, CLIP[:HALF], {"content-type": "video/mp4", "etag": '"1"'})
        async with against(half, answers_json(QUEUED), half, answers_json(COMPLETED)) as (server, client):
            error = await client.fails("download", ID, to=target)
            assert f"The video {ID} is 'queued', and the {HALF} bytes that the server sent are not" in str(error)
            assert ("queued", []) == (error.video.status, files_in(tmp_path))
            await client.call("download", ID, to=target)
            assert ["/v1/videos/video_1/content", "/v1/videos/video_1"] * 2 == [
                request.path for request in server.requests
            ]
        assert CLIP[:HALF] == target.read_bytes(), "the server says that this is the file"


class TestEncodings:
    """A file has no encoding. One is decoded on its way to a disk, in pieces, and never into memory."""

    @staticmethod
    @cache
    def bomb() -> bytes:
        """Return a little that decodes to very much; it takes a second to make."""
        return gzip.compress(bytes(200 << 20), 9)

    @staticmethod
    def encoded(body: bytes, media_type: str = "video/mp4", encoding: str = "gzip") -> Behaviour:
        return responses(200, body, {"content-type": media_type, "content-encoding": encoding})

    @pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, gzip"])
    async def test_is_refused_in_memory(self, encoding: str, against: Against) -> None:
        answer = self.encoded(self.bomb(), encoding=encoding)
        async with against(answer, answer, max_retries=1) as (server, client):
            error = await client.fails("download_content", ID)
            assert {"identity"} == {request.headers["accept-encoding"] for request in server.requests}
        assert isinstance(error, APIConnectionError)
        if encoding == "gzip":
            assert "gzip, which was not asked for; videos.download decodes it into a file" in str(error)

    async def test_is_decoded_on_its_way_to_a_disk(self, against: Against, tmp_path: Path) -> None:
        async with against(self.encoded(gzip.compress(CLIP * 5000))) as (_, client):
            target = await client.call("download", ID, to=tmp_path / "clip.mp4")
        assert CLIP * 5000 == target.read_bytes()

    async def test_of_a_page_is_decoded_as_far_as_it_is_shown(self, against: Against, tmp_path: Path) -> None:
        for body, shown in ((gzip.compress(b"<html>busy"), "text/html: <html>busy. Nothing"), (self.bomb(), "\0\0")):
            async with against(self.encoded(body, "text/html")) as (_, client):
                error = await client.fails("download", ID, to=tmp_path / "clip.mp4")
            assert isinstance(error, DownloadError)
            assert shown in str(error)

    async def test_of_an_error_is_read(self, against: Against) -> None:
        body = gzip.compress(b'{"error": {"message": "no such video"}}')
        async with against(responses(404, body, {"content-encoding": "gzip"})) as (_, client):
            assert "no such video" in str(await client.fails("download_content", ID))

    @pytest.mark.parametrize("name", ["download_content", "retrieve"])
    @pytest.mark.parametrize(
        ("wrapper", "way"),
        [
            ("with_raw_response", "parse"),
            *[("with_streaming_response", way) for way in ("read", "iter_bytes", "iter_lines", "parse")],
        ],
    )
    async def test_a_bomb_does_not_fill_the_memory(
        self, name: str, wrapper: str, way: str, flavour: str, against: Against
    ) -> None:
        bomb = self.encoded(self.bomb())  # to make the first one takes as much memory as it would
        tracemalloc.start()
        try:
            async with against(bomb, max_retries=0) as (_, client):
                method = getattr(getattr(client.sdk.videos, wrapper), name)
                with pytest.raises(OpenVideosError) as caught:
                    await self.used(method(ID), way, streamed=wrapper == "with_streaming_response", flavour=flavour)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        check_promises(caught.value, KEY)
        assert isinstance(caught.value, APIConnectionError)
        assert peak < 3 * LARGEST_RESPONSE

    @staticmethod
    async def used(prepared: Any, way: str, *, streamed: bool, flavour: str) -> None:
        """Read a response in a way, whatever the client."""
        if not streamed:
            response = prepared if is_blocking(flavour) else await prepared
            response.parse()
        elif is_blocking(flavour):
            with prepared as response:
                for _ in getattr(response, way)() or ():
                    pass
        else:
            async with prepared as response:
                result = getattr(response, way)()
                if inspect.isawaitable(result):
                    await result
                else:
                    async for _ in result:
                        pass

    async def test_one_that_was_asked_for_is_decoded_up_to_a_bound(self, against: Against) -> None:
        asked = {"extra_headers": {"Accept-Encoding": "gzip"}}
        async with against(self.encoded(gzip.compress(CLIP)), self.encoded(self.bomb()), max_retries=0) as (_, client):
            assert CLIP == (await client.call("download_content", ID, **asked)).content
            error = await client.fails("download_content", ID, **asked)
        assert f"larger than {LARGEST_RESPONSE} bytes" in str(error)

    @pytest.mark.parametrize("chunk_size", [None, 7])
    async def test_a_streamed_answer_reads_as_if_it_were_not_encoded(
        self, chunk_size: int | None, flavour: str, against: Against
    ) -> None:
        body = json.dumps(COMPLETED).encode()
        answer = self.encoded(gzip.compress(body), "application/json")
        async with against(answer, answer, answer, answer) as (_, client):
            method = client.sdk.videos.with_streaming_response.retrieve
            if is_blocking(flavour):
                with method(ID) as response:
                    assert body == b"".join(response.iter_bytes(chunk_size))
                with method(ID) as response:
                    assert [body.decode()] == list(response.iter_lines())
                with method(ID) as response:
                    assert (ID, body) == (response.parse().id, response.content)
                with method(ID):
                    pass
            else:
                async with method(ID) as response:
                    assert body == b"".join([piece async for piece in response.iter_bytes(chunk_size)])
                async with method(ID) as response:
                    assert [body.decode()] == [line async for line in response.iter_lines()]
                async with method(ID) as response:
                    assert (ID, body) == ((await response.parse()).id, response.content)
                async with method(ID):
                    pass


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
