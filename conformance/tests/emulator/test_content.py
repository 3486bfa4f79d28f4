"""Content is a real file in three variants, which a client can fetch whole or in ranges."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from openvideos_emulator._ranges import Span, UnsatisfiableError, wanted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import Server


class TestRanges:
    @given(start=st.integers(0, 120), last=st.integers(0, 120), length=st.integers(1, 100))
    def test_a_range_is_cut_at_the_end_of_the_file(self, start: int, last: int, length: int) -> None:
        header = f"bytes={start}-{last}"
        if last < start:
            assert wanted(header, None, etag='"e"', length=length) is None
        elif start >= length:
            with pytest.raises(UnsatisfiableError):
                wanted(header, None, etag='"e"', length=length)
        else:
            assert Span(start, min(last + 1, length)) == wanted(header, None, etag='"e"', length=length)

    @given(count=st.integers(1, 200), length=st.integers(1, 100))
    def test_a_suffix_counts_from_the_end(self, count: int, length: int) -> None:
        assert Span(max(0, length - count), length) == wanted(f"bytes=-{count}", None, etag="", length=length)

    @given(header=st.text(alphabet="bytes=-0123456789, \t;x", max_size=30), length=st.integers(0, 10**9))
    def test_no_header_breaks_it(self, header: str, length: int) -> None:
        try:
            span = wanted(header, None, etag='"e"', length=length)
        except UnsatisfiableError:
            return
        assert span is None or 0 <= span.start < span.end <= length

    @pytest.mark.parametrize("header", ["", "bytes", "bytes=", "bytes=-", "bytes=2-1", "items=0-1", "bytes=0-1,3-4"])
    def test_a_form_that_is_not_known_is_ignored(self, header: str) -> None:
        assert wanted(header, None, etag='"e"', length=10) is None

    @pytest.mark.parametrize("header", ["bytes=10-", "bytes=-0", f"bytes={'9' * 5000}-"])
    def test_a_range_behind_the_end_is_unsatisfiable(self, header: str) -> None:
        with pytest.raises(UnsatisfiableError):
            wanted(header, None, etag='"e"', length=10)

    @pytest.mark.parametrize("validator", ['W/"e"', '"other"', "Wed, 21 Oct 2015 07:28:00 GMT"])
    def test_a_range_holds_for_the_very_same_file_only(self, validator: str) -> None:
        assert wanted("bytes=0-1", validator, etag='"e"', length=10) is None
        assert Span(0, 2) == wanted("bytes=0-1", '"e"', etag='"e"', length=10)


@pytest.mark.parametrize(
    ("query", "media_type"),
    [("", "video/mp4"), ("video", "video/mp4"), ("thumbnail", "image/webp"), ("spritesheet", "image/jpeg")],
)
def test_each_variant_is_a_file_of_its_type(serve: type[Server], query: str, media_type: str) -> None:
    with serve() as server:
        id_ = server.create()["id"]
        params = {"variant": query} if query else {}
        answer = server.get(f"videos/{id_}/content", params=params)
        assert (200, media_type) == (answer.status_code, answer.headers["content-type"])
        assert str(len(answer.content)) == answer.headers["content-length"]
        assert "bytes" == answer.headers["accept-ranges"]
        if media_type == "video/mp4":
            with av.open(io.BytesIO(answer.content)) as container:
                stream = container.streams.video[0]
                assert ("h264", 64, 48) == (stream.codec_context.name, stream.width, stream.height)
        else:
            with Image.open(io.BytesIO(answer.content)) as image:
                assert media_type == image.get_format_mimetype()


def test_an_unknown_variant_names_its_parameter(serve: type[Server]) -> None:
    with serve() as server:
        id_ = server.create()["id"]
        assert "variant" == server.refused(400, "GET", f"videos/{id_}/content", params={"variant": "poster"})["param"]


def test_parts_add_up_to_the_whole(serve: type[Server]) -> None:
    with serve() as server:
        path = f"videos/{server.create()['id']}/content"
        whole = server.get(path)
        etag, length = whole.headers["etag"], len(whole.content)
        first = server.get(path, headers={"Range": "bytes=0-99"})
        assert (206, f"bytes 0-99/{length}") == (first.status_code, first.headers["content-range"])
        rest = server.get(path, headers={"Range": "bytes=100-", "If-Range": etag})
        assert (206, etag) == (rest.status_code, rest.headers["etag"])
        assert whole.content == first.content + rest.content
        stale = server.get(path, headers={"Range": "bytes=100-", "If-Range": '"stale"'})
        assert (200, whole.content) == (stale.status_code, stale.content)


def test_a_range_behind_the_end_is_a_416_that_tells_the_length(serve: type[Server]) -> None:
    with serve() as server:
        path = f"videos/{server.create()['id']}/content"
        length = len(server.get(path).content)
        answer = server.get(path, headers={"Range": f"bytes={length}-"})
        assert (416, f"bytes */{length}") == (answer.status_code, answer.headers["content-range"])
        assert "Range" == answer.json()["error"]["param"]


def test_head_tells_what_get_would_send(serve: type[Server]) -> None:
    with serve() as server:
        path = f"videos/{server.create()['id']}/content"
        head, got = server.request("HEAD", path, headers={"Range": "bytes=0-1"}), server.get(path)
        assert 200 == head.status_code
        for name in ("content-length", "etag", "content-type", "accept-ranges"):
            assert got.headers[name] == head.headers[name]


def test_equal_jobs_give_equal_bytes_and_others_do_not(serve: type[Server]) -> None:
    with serve() as server:
        ids = [server.create(prompt)["id"] for prompt in ("A cat", "A cat", "A dog")]
        answers = [server.get(f"videos/{id_}/content") for id_ in ids]
        assert answers[0].content == answers[1].content
        assert answers[0].headers["etag"] == answers[1].headers["etag"]
        assert answers[0].headers["etag"] != answers[2].headers["etag"]


def test_a_file_is_made_once_however_many_ask(serve: type[Server], tmp_path: Path) -> None:
    with serve(database=tmp_path / "jobs.db") as server:
        id_ = server.create()["id"]
        answers = server.together(*[("GET", f"videos/{id_}/content")] * 8)
        assert 1 == len({answer.content for answer in answers})
        assert 1 == len(list((tmp_path / "jobs.db-media").iterdir()))


def test_files_go_with_the_last_job_that_has_them(serve: type[Server], tmp_path: Path) -> None:
    media = tmp_path / "jobs.db-media"
    with serve(database=tmp_path / "jobs.db") as server:
        first, second = (server.create()["id"] for _ in range(2))
        server.get(f"videos/{first}/content")
        server.ok("DELETE", f"videos/{first}")
        assert 200 == server.get(f"videos/{second}/content").status_code
        server.ok("DELETE", f"videos/{second}")
        assert [] == list(media.iterdir())


def test_a_lost_file_is_made_again(serve: type[Server], tmp_path: Path) -> None:
    with serve(database=tmp_path / "jobs.db") as server:
        path = f"videos/{server.create()['id']}/content"
        before = server.get(path)
        for file in (tmp_path / "jobs.db-media").iterdir():
            file.unlink()
        after = server.get(path)
        assert (before.content, before.headers["etag"]) == (after.content, after.headers["etag"])
