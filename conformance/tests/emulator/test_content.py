"""Content is a real file in three variants, which a client can fetch whole or in ranges."""

from __future__ import annotations

import io
import itertools
from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from openvideos_emulator._http.byte_ranges import MAX_RANGES, Span, UnsatisfiableError, requested_spans

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from tests.emulator.conftest import Server


class TestRanges:
    @given(start=st.integers(0, 120), last=st.integers(0, 120), length=st.integers(1, 100))
    def test_a_range_is_cut_at_the_end_of_the_file(self, start: int, last: int, length: int) -> None:
        header = f"bytes={start}-{last}"
        if last < start:
            assert requested_spans(header, None, etag='"e"', length=length) is None
        elif start >= length:
            with pytest.raises(UnsatisfiableError):
                requested_spans(header, None, etag='"e"', length=length)
        else:
            assert (Span(start, min(last + 1, length)),) == requested_spans(header, None, etag='"e"', length=length)

    @given(count=st.integers(1, 200), length=st.integers(1, 100))
    def test_a_suffix_counts_from_the_end(self, count: int, length: int) -> None:
        assert (Span(max(0, length - count), length),) == requested_spans(
            f"bytes=-{count}", None, etag="", length=length
        )

    @given(header=st.text(alphabet="bytes=-0123456789, \t;x", max_size=30), length=st.integers(0, 10**9))
    def test_no_header_breaks_it(self, header: str, length: int) -> None:
        try:
            spans = requested_spans(header, None, etag='"e"', length=length)
        except UnsatisfiableError:
            return
        assert spans is None or spans
        assert all(0 <= span.start < span.end <= length for span in spans or ())

    @pytest.mark.parametrize(
        "header",
        ["", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=2-1", "b=0-1", "bytes=0-1,x", "bytes=0-1,3-2"],
    )
    def test_a_form_that_is_not_known_is_ignored(self, header: str) -> None:
        assert requested_spans(header, None, etag='"e"', length=10) is None

    @pytest.mark.parametrize("header", ["bytes=10-", "bytes=-0", f"bytes={'9' * 5000}-", "bytes=10-11, 12-"])
    def test_a_range_after_the_end_is_unsatisfiable(self, header: str) -> None:
        with pytest.raises(UnsatisfiableError):
            requested_spans(header, None, etag='"e"', length=10)

    @pytest.mark.parametrize("validator", ['W/"e"', '"other"', "Wed, 21 Oct 2015 07:28:00 GMT"])
    def test_a_range_holds_for_the_very_same_file_only(self, validator: str) -> None:
        for header in ("bytes=0-1", "bytes=0-1,5-6"):
            assert requested_spans(header, validator, etag='"e"', length=10) is None
            assert requested_spans(header, '"e"', etag='"e"', length=10) is not None

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("bytes=0-1,4-5", [(0, 2), (4, 6)]),
            ("BYTES = 4-5 ,\t, 0-1,", [(4, 6), (0, 2)]),  # in the order of the ranges
            ("bytes=0-1,10-,-2", [(0, 2), (8, 10)]),  # what is after the end is left out
            ("bytes=0-3,2-5", [(0, 6)]),
            ("bytes=0-1,2-3", [(0, 4)]),  # they touch
            ("bytes=6-7,0-1,2-6", [(0, 8)]),
            ("bytes=0-,-1,3-4", [(0, 10)]),
            ("bytes=8-8,1-2,5-5,2-3", [(8, 9), (1, 4), (5, 6)]),
        ],
    )
    def test_several_ranges_are_several_parts_unless_they_overlap(
        self, header: str, expected: list[tuple[int, int]]
    ) -> None:
        assert tuple(Span(*each) for each in expected) == requested_spans(header, None, etag='"e"', length=10)

    @given(
        ranges=st.lists(
            st.tuples(st.none(), st.integers(0, 60))
            | st.tuples(st.integers(0, 60), st.none())
            | st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda each: (min(each), max(each))),
            min_size=1,
            max_size=MAX_RANGES,
        ),
        length=st.integers(1, 50),
    )
    def test_they_hold_the_bytes_that_were_requested_and_none_twice(
        self, ranges: list[tuple[int | None, int | None]], length: int
    ) -> None:
        file = range(length)
        requested: set[int] = set()
        for first, last in ranges:
            if first is None:
                requested.update(file[max(0, length - (last or 0)) :])
            else:
                requested.update(file[first:] if last is None else file[first : last + 1])
        header = "bytes=" + ", ".join(f"{'' if a is None else a}-{'' if b is None else b}" for a, b in ranges)
        try:
            spans = requested_spans(header, None, etag="", length=length) or ()
        except UnsatisfiableError:
            spans = ()
        got = [place for span in spans for place in file[span.start : span.end]]
        assert sorted(requested) == sorted(got)

    def test_very_many_ranges_are_ignored(self) -> None:
        def spans_of(count: int) -> tuple[Span, ...] | None:
            return requested_spans(
                "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(count)), None, etag="", length=10**6
            )

        assert MAX_RANGES == len(spans_of(MAX_RANGES) or ())
        assert spans_of(MAX_RANGES + 1) is None
        assert requested_spans("bytes=" + "0-," * 100_000, None, etag="", length=10**6) is None


@pytest.fixture(scope="module")
def sent(serve: type[Server]) -> Iterator[tuple[Server, str, bytes]]:
    """Give a server, the path of a clip, and its bytes."""
    with serve() as server:
        path = f"videos/{server.create()['id']}/content"
        yield server, path, server.get(path).content


@pytest.mark.parametrize(
    ("query", "media_type"),
    [("", "video/mp4"), ("video", "video/mp4"), ("thumbnail", "image/webp"), ("spritesheet", "image/jpeg")],
)
def test_each_variant_is_a_file_of_its_type(serve: type[Server], query: str, media_type: str) -> None:
    with serve() as server:
        id_ = server.create()["id"]
        params = {"variant": query} if query else {}
        response = server.get(f"videos/{id_}/content", params=params)
        assert (200, media_type) == (response.status_code, response.headers["content-type"])
        assert str(len(response.content)) == response.headers["content-length"]
        assert "bytes" == response.headers["accept-ranges"]
        if media_type == "video/mp4":
            with av.open(io.BytesIO(response.content)) as container:
                stream = container.streams.video[0]
                assert ("h264", 64, 48) == (stream.codec_context.name, stream.width, stream.height)
        else:
            with Image.open(io.BytesIO(response.content)) as image:
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


def parts_of(response: httpx.Response) -> dict[str, tuple[str, bytes]]:
    """Read a multipart/byteranges response with a parser that is not ours: Content-Range to media type and bytes."""
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + response.content)
    assert not message.defects
    assert "multipart/byteranges" == message.get_content_type()
    parts: dict[str, tuple[str, bytes]] = {}
    for part in message.iter_parts():
        assert not part.defects
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        parts[part["content-range"]] = (part.get_content_type(), payload)
    return parts


@given(cuts=st.lists(st.integers(0, 3000), min_size=2, max_size=6, unique=True))
def test_the_parts_of_one_response_add_up_to_the_whole(sent: tuple[Server, str, bytes], cuts: list[int]) -> None:
    server, path, whole = sent
    places = [0, *sorted(cut + 1 for cut in cuts), len(whole)]
    spans = list(itertools.pairwise(places))
    # Two requests for every other piece: what touches would be one part.
    pieces: dict[int, bytes] = {}
    for half in (spans[::2], spans[1::2]):
        header = "bytes=" + ",".join(f"{start}-{end - 1}" for start, end in half)
        response = server.get(path, headers={"Range": header})
        assert 206 == response.status_code
        if len(half) == 1:
            pieces[half[0][0]] = response.content
            continue
        assert "content-range" not in response.headers
        assert str(len(response.content)) == response.headers["content-length"]
        parts = parts_of(response)
        assert [f"bytes {start}-{end - 1}/{len(whole)}" for start, end in half] == list(parts)
        assert {"video/mp4"} == {media_type for media_type, _ in parts.values()}
        pieces |= {start: content for (start, _), (_, content) in zip(half, parts.values(), strict=True)}
    assert whole == b"".join(pieces[start] for start, _ in spans)


def test_several_ranges_that_are_one_get_a_plain_response(sent: tuple[Server, str, bytes]) -> None:
    server, path, whole = sent
    for header, expected in (("bytes=0-9,5-19", whole[:20]), (f"bytes=0-9,{len(whole)}-", whole[:10])):
        response = server.get(path, headers={"Range": header})
        span = f"bytes 0-{len(expected) - 1}/{len(whole)}"
        assert (206, "video/mp4", span) == (
            response.status_code,
            response.headers["content-type"],
            response.headers["content-range"],
        )
        assert expected == response.content


def test_several_ranges_hold_for_the_very_same_file_only(sent: tuple[Server, str, bytes]) -> None:
    server, path, whole = sent
    headers = {"Range": "bytes=0-9,20-29", "If-Range": '"stale"'}
    response = server.get(path, headers=headers)
    assert (200, whole) == (response.status_code, response.content)
    response = server.get(path, headers={**headers, "If-Range": response.headers["etag"]})
    assert [whole[:10], whole[20:30]] == [content for _, content in parts_of(response).values()]


def test_a_range_after_the_end_is_a_416_that_reports_the_length(serve: type[Server]) -> None:
    with serve() as server:
        path = f"videos/{server.create()['id']}/content"
        length = len(server.get(path).content)
        response = server.get(path, headers={"Range": f"bytes={length}-"})
        assert (416, f"bytes */{length}") == (response.status_code, response.headers["content-range"])
        assert "Range" == response.json()["error"]["param"]


def test_head_reports_what_get_would_send(serve: type[Server]) -> None:
    with serve() as server:
        path = f"videos/{server.create()['id']}/content"
        head, got = server.request("HEAD", path, headers={"Range": "bytes=0-1"}), server.get(path)
        assert 200 == head.status_code
        for name in ("content-length", "etag", "content-type", "accept-ranges"):
            assert got.headers[name] == head.headers[name]


def test_equal_jobs_give_equal_bytes_and_others_do_not(serve: type[Server]) -> None:
    with serve() as server:
        ids = [server.create(prompt)["id"] for prompt in ("A cat", "A cat", "A dog")]
        responses = [server.get(f"videos/{id_}/content") for id_ in ids]
        assert responses[0].content == responses[1].content
        assert responses[0].headers["etag"] == responses[1].headers["etag"]
        assert responses[0].headers["etag"] != responses[2].headers["etag"]


def test_a_file_is_made_once_however_many_ask(serve: type[Server], tmp_path: Path) -> None:
    with serve(database=tmp_path / "jobs.db") as server:
        id_ = server.create()["id"]
        responses = server.together(*[("GET", f"videos/{id_}/content")] * 8)
        assert 1 == len({response.content for response in responses})
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
