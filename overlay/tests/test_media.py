"""What can be the file that was asked for is told by its media type, and whether its end is missing by its boxes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import DownloadError
from openvideos._parsing.media import Boxes, WantedFile

from .faults.calls import CLIP
from .spec.contract import document

VARIANTS = document()["components"]["schemas"]["VideoVariant"]
KEY = "sk-Media-0123456789"


def response(content_type: str | None, content: bytes = b"film", status: int = 200) -> httpx.Response:
    """Return the response to a download."""
    request = httpx.Request("GET", "http://server.test/v1/videos/video_1/content", headers={"x-api-key": KEY})
    headers = {} if content_type is None else {"content-type": content_type}
    return httpx.Response(status, headers=headers, content=content, request=request)


def content_of(answer: httpx.Response) -> bytes:
    """Return what a download in memory returns."""
    return answer.content


def refused(variant: str, answer: httpx.Response) -> str:
    """Return why a response is no file."""
    with pytest.raises(DownloadError) as caught:
        WantedFile("video_1", variant).parse(content_of, answer)
    assert "video_1" == caught.value.video_id
    assert KEY not in str(caught.value)
    return str(caught.value)


class TestTheMediaType:
    """The kind of a media type decides; a server that does not know it sends octet-stream or none."""

    @pytest.mark.parametrize("variant", VARIANTS["enum"])
    def test_what_the_contract_promises_is_taken(self, variant: str) -> None:
        promised = re.search(rf"variant={variant} MUST return a \w+ picture that decodes, as (\S+)\.", _prose())
        media_type = promised[1] if promised else "video/mp4"
        assert (variant == "video") == (promised is None)
        assert b"film" == WantedFile("video_1", variant).parse(content_of, response(media_type))
        others = {"video/mp4", "image/webp", "image/jpeg"} - {media_type}
        for other in others if variant == "video" else {"video/mp4"}:
            assert f"The {variant} of video_1 was asked for" in refused(variant, response(other))

    @pytest.mark.parametrize(
        ("variant", "media_type"),
        [
            ("video", "video/webm"),
            ("video", "VIDEO/MP4; codecs=avc1"),
            ("video", "application/mp4"),
            ("thumbnail", "image/png"),
            ("spritesheet", "image/webp"),
            ("0", "video/mp4"),
            ("0", "image/png"),
            *[(variant, name) for variant in VARIANTS["enum"]
              for name in (None, "", ";", "application/octet-stream", "binary/octet-stream")],
        ],
    )  # fmt: skip
    def test_what_can_be_meant_is_taken(self, variant: str, media_type: str | None) -> None:
        assert b"film" == WantedFile("video_1", variant).parse(content_of, response(media_type))

    def test_several_parts_are_taken_where_a_part_is(self) -> None:
        parts = response("multipart/byteranges; boundary=x", status=206)
        assert b"film" == WantedFile("video_1", "video").parse(content_of, parts)
        refused("video", response("multipart/byteranges; boundary=x"))

    def test_both_types_are_named(self) -> None:
        assert (
            "The thumbnail of video_1 was asked for (image/*), and the server sent video/mp4: it does not offer this "
            "variant, or ignores it. Nothing was saved, and the video is untouched."
        ) == refused("thumbnail", response("video/mp4"))

    @pytest.mark.parametrize("variant", [*VARIANTS["enum"], "0"])
    @pytest.mark.parametrize(
        ("media_type", "text"),
        [
            ("text/html", "<html>\n  <h1>Sign in</h1>"),
            ("application/json", '{"error": {"message": "Incorrect API key"}}'),
            ("application/problem+json", '{"title": "busy"}'),
            ("text/plain; charset=utf-8", "not ready"),
            ("application/xml", "<Error><Code>ExpiredToken</Code></Error>"),
        ],
    )
    def test_what_the_server_says_instead_is_shown(self, variant: str, media_type: str, text: str) -> None:
        shown = refused(variant, response(media_type, text.encode()))
        assert f"and the server sent {media_type.partition(';')[0]}: {' '.join(text.split())}. Nothing" in shown

    @given(
        before=st.text(" \nx", max_size=300),
        fill=st.sampled_from([" ", "x"]),
        at=st.integers(0, 5000),
        spelled=st.sampled_from([KEY, KEY * 300]),
    )
    @example(before="", fill=" ", at=4096 - 9, spelled=KEY)
    @example(before="", fill="x", at=200 - 9, spelled=KEY)
    def test_it_is_short_and_never_a_part_of_a_secret(self, before: str, fill: str, at: int, spelled: str) -> None:
        body = (before + fill * (at - len(before)) + spelled + "x" * 9000).encode()
        shown = refused("video", response("text/plain", body))
        assert KEY[:7] not in shown
        assert len(shown) < 500

    def test_a_secret_in_the_media_type(self) -> None:
        shown = refused("video", response(f"text/{KEY}" + "x" * 9000))
        assert KEY.lower() not in shown.lower()
        assert len(shown) < 500

    @given(
        media_type=st.builds("{}/{}".format, st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.text(max_size=9)),
        variant=st.sampled_from([*VARIANTS["enum"], "0"]),
        content=st.binary(max_size=50),
        status=st.sampled_from([200, 203, 206]),
    )
    def test_anything_is_the_file_or_a_download_error(
        self, media_type: str, variant: str, content: bytes, status: int
    ) -> None:
        answer = httpx.Response(status, headers=[(b"content-type", media_type.encode("utf-8", "replace"))])
        answer = httpx.Response(status, headers=answer.headers, content=content, request=response(None).request)
        try:
            assert WantedFile("video_1", variant).parse(content_of, answer) == content != b""
        except DownloadError as error:
            assert "video_1" in str(error)  # noqa: PT017 - either is right

    @pytest.mark.parametrize("variant", VARIANTS["enum"])
    def test_nothing_is_no_file(self, variant: str) -> None:
        assert f"The server sent 0 bytes as the {variant} of video_1." in refused(variant, response("video/mp4", b"")
            if variant == "video" else response("image/webp", b""))  # fmt: skip


def _prose() -> str:
    return " ".join(VARIANTS["description"].split())


FTYP = b"\0\0\0\x10ftypmp42\0\0\0\0"


def box(name: bytes, size: int, *, wide: bool = False) -> bytes:
    """Return a box with as many bytes in it."""
    if wide:
        return b"\0\0\0\1" + name + (16 + size).to_bytes(8, "big") + b"\1" * size
    return (8 + size).to_bytes(4, "big") + name + b"\1" * size


boxes = st.lists(
    st.builds(box, st.sampled_from([b"moov", b"mdat", b"free", b"meta"]), st.integers(0, 40), wide=st.booleans()),
    max_size=6,
)


def lacks_end(content: bytes, cuts: Sequence[int] = ()) -> bool:
    """Return what is said of a file whose bytes come in pieces."""
    followed = Boxes()
    places = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    for start, end in pairwise(places):
        followed.feed(content[start:end])
    return followed.lacks_end


class TestBoxes:
    """An MP4 whose boxes do not add up, or that has no index, lacks its end; nothing is said of other files."""

    @given(after=boxes, endless=st.booleans(), cuts=st.lists(st.integers(0, 400), max_size=8))
    def test_a_whole_file(self, after: list[bytes], endless: bool, cuts: list[int]) -> None:  # noqa: FBT001 - generated
        content = FTYP + b"".join(after) + (b"\0\0\0\0mdat" + b"\1" * 9 if endless else b"")
        assert (b"moov" not in content and b"meta" not in content) == lacks_end(content, cuts)

    @given(after=boxes, keep=st.floats(0, 1), cuts=st.lists(st.integers(0, 400), max_size=8))
    def test_a_cut_file(self, after: list[bytes], keep: float, cuts: list[int]) -> None:
        parts = [FTYP, *after, box(b"moov", 20)]
        content = b"".join(parts)
        cut = int(len(content) * keep)
        whole, at = set[int](), 0
        for number, part in enumerate(parts):
            at += len(part)
            if any(each[4:8] in {b"moov", b"meta"} for each in parts[: number + 1]):
                whole.add(at)
        # Until its first box has a name, it could be anything.
        assert (cut >= 8 and cut not in whole) == lacks_end(content[:cut], cuts)

    @given(content=st.binary(max_size=60), prefix=st.sampled_from([b"", FTYP]), cuts=st.lists(st.integers(0, 99)))
    @example(content=b"\0\0\0\7moov", prefix=FTYP, cuts=[])
    @example(content=b"\0\0\0\1moov\0\0\0\0\0\0\0\x0f", prefix=FTYP, cuts=[])
    def test_any_bytes_in_any_pieces(self, content: bytes, prefix: bytes, cuts: list[int]) -> None:
        assert lacks_end(prefix + content) == lacks_end(prefix + content, cuts)
        assert not lacks_end(content) or b"ftyp" == content[4:8]

    @pytest.mark.parametrize("length", [b"\0\0\0\7", b"\0\0\0\2"])
    def test_a_box_shorter_than_its_head(self, length: bytes) -> None:
        assert lacks_end(FTYP + box(b"moov", 3) + length + b"free")

    @pytest.mark.parametrize("content", [b"", b"film", b"RIFF\0\0\0\0WEBP", b"\xff\xd8\xff\xe0" * 9, b"\0\0\0\x10moov"])
    def test_what_is_no_mp4(self, content: bytes) -> None:
        assert not lacks_end(content)

    def test_the_clip_of_these_tests(self) -> None:
        assert not lacks_end(CLIP)
        assert lacks_end(CLIP[:-1])
