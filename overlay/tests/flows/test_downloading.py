"""A download's target is whole or absent: bytes of two files never meet in one, and nothing else is left."""

from __future__ import annotations

import errno
import gzip
import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest
from attrs import define, evolve, field, frozen
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import (
    APIConnectionError,
    APIStatusError,
    ConflictError,
    DownloadError,
    GoneError,
    InternalServerError,
    NotFoundError,
    OpenVideosError,
    RateLimitError,
)
from openvideos._calls import Call, Extras
from openvideos._drivers.part_file import PartFile
from openvideos._flows.downloading import BodyPart, _restart, described_body, downloading
from openvideos._flows.effects import Do, Send
from openvideos._operations import download
from openvideos._parsing.media import BEGINNING
from openvideos._types import omit

from .world import (
    CLIP,
    FLOWS,
    SETTINGS,
    Outcome,
    Pieces,
    Reply,
    World,
    connection_errors,
    copied,
    read_call,
    refusal,
    refusals,
    thrown_anywhere,
    video_answer,
)

OLD = b"what stood there before"


def content_call() -> Call[Any]:
    """Return the call of `videos.download`."""
    return download(SETTINGS, Extras(), video_id="video_1", variant=omit, parse=lambda response: response)


@frozen
class Version:
    """A file as the server has it for a while."""

    content: bytes
    etag: str | None


@frozen
class ServerResponse:
    """How the server responds once."""

    version: int = 0
    ranged: bool = True
    """Whether Range is honoured."""
    if_range: bool = True
    """Whether If-Range is honoured, too."""
    shift: int = 0
    """By how many bytes the part begins beside what was requested; the Content-Range tells."""
    short: int = 0
    """By how many bytes the part ends early; the Content-Range tells."""
    total: str = "right"
    """The total in a Content-Range: right, wrong or unknown."""
    etag_on_parts: bool = True
    length: bool = True
    """Whether a Content-Length is sent."""
    cut: int | None = None
    """After how many bytes the body ends, None: it is whole."""
    error: Exception | None = None
    """What a cut looks like; None: the body just ends, too soon for its length."""
    encoding: str | None = None
    piece: int = 1000


@define
class Store:
    """A server of one file that changes, and the world around it."""

    versions: Sequence[Version]
    script: Sequence[ServerResponse | Outcome]
    """The responses in order; the last one is repeated."""
    world: World = field(init=False)
    streams: list[Pieces] = field(factory=list[Pieces])

    def __attrs_post_init__(self) -> None:
        self.world = World(self)

    def __call__(self, send: Send) -> Reply | Outcome:
        assert send.stream
        step = self.script[min(len(self.world.sent), len(self.script) - 1)]
        if not isinstance(step, ServerResponse):
            return copied(step)
        requested = httpx.Headers(send.call.headers)
        version = self.versions[step.version % len(self.versions)]
        position = requested.get("range", "")
        wanted = int(position.removeprefix("bytes=").removesuffix("-")) if position else 0
        matches = not step.if_range or requested.get("if-range", version.etag) == version.etag
        if step.ranged and matches and (position or step.shift):
            return self.part(step, version, wanted)
        headers = {} if version.etag is None else {"etag": version.etag}
        body = version.content
        if step.encoding is not None:
            headers["content-encoding"] = step.encoding
            body = gzip.compress(body) if step.encoding == "gzip" else body
        if step.length:
            headers["content-length"] = str(len(body))
        return self.response(200, headers, step, body)

    def part(self, step: ServerResponse, version: Version, wanted: int) -> httpx.Response:
        """Answer with a part of the file, or that there is none."""
        size = len(version.content)
        start = max(0, wanted + step.shift)
        end = max(start, size - step.short - 1)
        if start >= size:
            return httpx.Response(416, headers={"content-range": f"bytes */{size}"}, content=b"")
        total = {"right": str(size), "wrong": str(size + 1), "unknown": "*"}[step.total]
        headers = {"content-range": f"bytes {start}-{end}/{total}"}
        if step.etag_on_parts and version.etag is not None:
            headers["etag"] = version.etag
        if step.encoding is not None:
            headers["content-encoding"] = step.encoding
        return self.response(206, headers, step, version.content[start : end + 1])

    def response(self, status: int, headers: dict[str, str], step: ServerResponse, body: bytes) -> httpx.Response:
        """Stream a body in pieces, as far as it goes."""
        # A body that ends silently is only seen to be short by its length; without one, transports raise.
        cut_off = step.cut is not None and step.cut <= len(body)
        silent = step.error is None and (step.length or status == 206) and step.encoding is None
        error = None if not cut_off or silent else step.error or httpx.RemoteProtocolError("the peer closed")
        body = body[: step.cut] if cut_off else body
        pieces = [body[begin : begin + step.piece] for begin in range(0, len(body), step.piece)]
        stream = Pieces(pieces, error)
        self.streams.append(stream)
        return httpx.Response(status, headers=headers, stream=stream)

    def served(self) -> list[bytes]:
        """Return every file that the server has ever had."""
        return [version.content for version in self.versions]


@define
class Memory:
    """A sink in memory, which can fail at any call."""

    fail_at: int | None = None
    size: int = 0
    data: bytearray = field(factory=bytearray)
    calls: list[str] = field(factory=list[str])
    committed: bytes | None = None
    discarded: bool = False

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) - 1 == self.fail_at:
            raise DownloadError("the disk is full")

    def open(self) -> None:
        self._called("open")
        assert ["open"] == self.calls

    def write(self, data: bytes) -> None:
        self._called("write")
        self.data += data
        self.size = len(self.data)

    def restart(self) -> None:
        self._called("restart")
        self.data.clear()
        self.size = 0

    def commit(self) -> Path:
        self._called("commit")
        self.committed = bytes(self.data)
        return Path("target")

    def discard(self) -> None:
        self.discarded = True


def fetch(store: Store | Fixed, sink: Any, *, limit: int = 2, on_progress: Any = None) -> Path | OpenVideosError:
    """Download in a store's world, and return the path or the error."""
    flow = downloading(content_call(), read_call(), store.world.retries(limit), sink, on_progress)
    try:
        return store.world.run(flow)
    except OpenVideosError as error:
        return error


etags = st.sampled_from(["strong", "strong", "strong", "weak", "bare", "none"])


def named(etag: str, number: int) -> str | None:
    """Return an ETag of a kind. Strong ones differ where the files differ, as they must (RFC 9110, 8.8.1)."""
    return {"strong": f'"v{number}"', "weak": 'W/"v"', "bare": "v", "none": None}[etag]


contents = st.binary(max_size=40)
versions = st.lists(st.tuples(contents, etags), min_size=1, max_size=3).map(
    lambda pairs: [Version(content, named(etag, number)) for number, (content, etag) in enumerate(pairs)]
)
same_length = st.integers(0, 20).flatmap(
    lambda size: st.lists(st.tuples(st.binary(min_size=size, max_size=size), etags), min_size=1, max_size=3)
)
versions |= same_length.map(
    lambda pairs: [Version(content, named(etag, number)) for number, (content, etag) in enumerate(pairs)]
)
mostly = st.booleans() | st.just(True)  # noqa: FBT003 - a strategy
responses = st.builds(
    ServerResponse,
    version=st.integers(0, 2),
    ranged=mostly,
    if_range=mostly,
    shift=st.just(0) | st.integers(-5, 5),
    short=st.just(0) | st.integers(0, 5),
    total=st.sampled_from(["right", "right", "wrong", "unknown"]),
    etag_on_parts=mostly,
    length=mostly,
    cut=st.none() | st.integers(0, 40),
    error=st.none() | connection_errors,
    encoding=st.none() | st.none() | st.sampled_from(["gzip", "identity"]),
    piece=st.integers(1, 50),
)
others = st.sampled_from([201, 202, 204, 205, 207, 226]).map(lambda status: httpx.Response(status, content=b"{}"))
stores = st.builds(Store, versions, st.lists(responses | responses | refusals | connection_errors | others, min_size=1))


@contextmanager
def folder(*, occupied: bool) -> Generator[Path]:
    """Give the target in a folder of its own, and afterwards see that nothing else is there."""
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "video.mp4"
        if occupied:
            target.write_bytes(OLD)
        yield target
        assert {path.name for path in Path(name).iterdir()} <= {"video.mp4"}


def untouched(target: Path, *, occupied: bool) -> bool:
    """Return whether a target holds what it held before."""
    return target.read_bytes() == OLD if occupied else not target.exists()


class TestAnyServer:
    """The target is whole or absent, whatever the responses are, in any order."""

    @FLOWS
    @given(store=stores, limit=st.integers(0, 6))
    def test_in_memory(self, store: Store, limit: int) -> None:
        sink = Memory()
        outcome = fetch(store, sink, limit=limit)
        assert isinstance(outcome, OpenVideosError) == (sink.committed is None)
        assert sink.committed is None or sink.committed in store.served()
        assert sink.discarded
        assert all(stream.closed for stream in store.streams)

    @FLOWS
    @given(store=stores, limit=st.integers(0, 6), occupied=st.booleans())
    def test_on_disk(self, store: Store, limit: int, occupied: bool) -> None:  # noqa: FBT001 - generated
        with folder(occupied=occupied) as target:
            outcome = fetch(store, PartFile(target), limit=limit)
            if isinstance(outcome, OpenVideosError):
                assert untouched(target, occupied=occupied)
            else:
                assert target == outcome
                assert target.read_bytes() in store.served()

    @FLOWS
    @given(store=stores, limit=st.integers(0, 6))
    def test_what_is_requested_follows_from_what_arrived(self, store: Store, limit: int) -> None:
        """Range + If-Range, by a strong validator alone (RFC 9110, 13.1.5 and 14)."""
        fetch(store, Memory(), limit=limit)
        for sent in store.world.sent:
            requested = sent.request.headers
            assert ("range" in requested) == ("if-range" in requested)
            if "range" in requested:
                assert requested["if-range"].startswith('"v')
                assert "bytes=0-" != requested["range"]
                assert requested["range"].startswith("bytes=")
        assert "range" not in store.world.sent[0].request.headers

    @FLOWS
    @given(store=stores, limit=st.integers(0, 6), fail_at=st.integers(0, 30))
    def test_a_disk_error_at_any_call_is_a_download_error(self, store: Store, limit: int, fail_at: int) -> None:
        sink = Memory(fail_at=fail_at)
        outcome = fetch(store, sink, limit=limit)
        if len(sink.calls) > fail_at:
            assert isinstance(outcome, DownloadError)
            assert sink.committed is None
            # It ends the download: no more is requested, and nothing is left open.
            assert fail_at + 1 == len(sink.calls)
        assert sink.discarded
        assert all(stream.closed for stream in store.streams)

    @FLOWS
    @given(store=stores)
    @example(
        store=Store(
            [Version(b"", '"v0"'), Version(b"\0", '"v1"')],
            [ServerResponse(version=1, shift=-1, total="wrong"), ServerResponse()],
        )
    )
    def test_progress_reports_what_there_is(self, store: Store) -> None:
        """After each write, and after each restart."""
        store = Store(store.versions, store.script)  # the example's own may have been used
        sink, sizes = Memory(), list[int]()
        reported: list[tuple[int, int | None]] = []

        def on_progress(have: int, total: int | None) -> None:
            reported.append((have, total))
            sizes.append(sink.size)

        fetch(store, sink, on_progress=on_progress)
        assert sink.calls.count("write") + sink.calls.count("restart") == len(reported)
        assert sizes == [have for have, _ in reported]
        if sink.committed is not None:
            have, total = reported[-1]
            assert len(sink.committed) == have
            assert total in {None, have}

    def test_a_restart_is_reported(self) -> None:
        reported: list[tuple[int, int | None]] = []
        script = [ServerResponse(cut=4, piece=4), ServerResponse(ranged=False, version=1, piece=5)]
        store = Store([Version(b"0123456789", '"v0"'), Version(b"abcde", '"v1"')], script)
        fetch(store, Memory(), on_progress=lambda have, total: reported.append((have, total)))
        assert [(4, 10), (0, 5), (5, 5)] == reported

    def test_progress_reports_the_total(self) -> None:
        reported: list[tuple[int, int | None]] = []
        script = [ServerResponse(cut=4, piece=2), ServerResponse(total="unknown", piece=5)]
        store = Store([Version(b"0123456789", '"v0"')], script)
        fetch(store, Memory(), on_progress=lambda have, total: reported.append((have, total)))
        assert [(2, 10), (4, 10), (9, 10), (10, 10)] == reported


class TestBreaks:
    """Resumes after a break, restarts if the reply does not match, verifies the length."""

    FILE = Version(bytes(range(100)), '"v0"')

    @pytest.mark.parametrize("cut", [0, 1, 2, 50, 98, 99])
    @pytest.mark.parametrize("error", [None, httpx.ReadError("x"), httpx.ReadTimeout("x")], ids=repr)
    @pytest.mark.parametrize("length", [True, False])
    def test_goes_on_where_it_broke_off(self, cut: int, error: Exception | None, length: bool) -> None:  # noqa: FBT001
        store = Store([self.FILE], [ServerResponse(cut=cut, error=error, length=length), ServerResponse()])
        sink = Memory()
        assert Path("target") == fetch(store, sink)
        assert self.FILE.content == sink.committed
        assert 100 == sum(len(piece) for stream in store.streams for piece in stream.pieces)
        assert (cut == 0) == ("range" not in store.world.sent[1].request.headers)
        if cut:
            assert {"range": f"bytes={cut}-", "if-range": '"v0"'}.items() <= store.world.sent[1].request.headers.items()
        assert "restart" not in sink.calls

    @pytest.mark.parametrize(
        ("response", "reason"),
        [
            (ServerResponse(ranged=False), "the server sends the whole file"),
            (ServerResponse(version=1), "the file has changed"),
            (ServerResponse(version=1, if_range=False), "another file's part"),
            (ServerResponse(version=1, if_range=False, etag_on_parts=False), "a part that does not say of what"),
            (ServerResponse(etag_on_parts=False), "a part that does not say of what"),
            (ServerResponse(shift=1), "a part that begins too late"),
            (ServerResponse(shift=-1), "a part that begins too early"),
            (ServerResponse(total="wrong"), "a part of a longer file"),
            (ServerResponse(encoding="gzip"), "a part of another representation"),
        ],
        ids=str,
    )
    def test_starts_again_where_the_response_does_not_go_on(self, response: ServerResponse, reason: str) -> None:
        other = Version(bytes(reversed(range(100))), '"v1"')
        store = Store(
            [self.FILE, other],
            [ServerResponse(cut=60, error=httpx.ReadError("x")), response, ServerResponse(ranged=False)],
        )
        sink = Memory()
        assert Path("target") == fetch(store, sink, limit=3)
        assert sink.committed in store.served()
        assert 1 == sink.calls.count("restart")
        assert all("range" not in sent.request.headers for sent in store.world.sent[2:])

    def test_a_break_after_the_last_byte_is_none(self) -> None:
        error = httpx.ReadError("x")
        store = Store([self.FILE], [ServerResponse(cut=100, error=error)])
        assert Path("target") == fetch(store, Memory(), limit=0)
        # Unless nobody knows that it was the last.
        store = Store([self.FILE], [ServerResponse(cut=100, error=error, length=False)])
        assert isinstance(fetch(store, Memory(), limit=0), DownloadError)

    def test_starts_again_without_a_strong_validator(self) -> None:
        """A weak validator does not promise the same bytes (RFC 9110, 8.8.1)."""
        for etag in (None, 'W/"v0"', "v0"):
            store = Store([Version(b"x" * 100, etag)], [ServerResponse(cut=60), ServerResponse()])
            sink = Memory()
            fetch(store, sink)
            assert b"x" * 100 == sink.committed
            assert ["open", "write", "restart", "write", "commit"] == sink.calls
            assert "range" not in store.world.sent[1].request.headers

    def test_starts_again_when_the_server_has_less(self) -> None:
        store = Store([self.FILE], [ServerResponse(cut=60), refusal(416), ServerResponse()])
        sink = Memory()
        fetch(store, sink)
        assert (self.FILE.content, 1) == (sink.committed, sink.calls.count("restart"))
        assert [False, True, False] == ["range" in sent.request.headers for sent in store.world.sent]

    def test_an_encoded_body_is_fetched_again(self) -> None:
        """A content encoding hides lengths and positions."""
        store = Store(
            [self.FILE], [ServerResponse(encoding="gzip", cut=60, error=httpx.ReadError("x")), ServerResponse()]
        )
        sink = Memory()
        fetch(store, sink)
        assert self.FILE.content == sink.committed
        assert "range" not in store.world.sent[1].request.headers
        store = Store([self.FILE], [ServerResponse(encoding="gzip")])
        fetch(store, sink := Memory())
        assert (self.FILE.content, 1) == (sink.committed, len(store.world.sent))

    def test_a_part_whose_end_nobody_knows_is_not_taken_for_the_rest(self) -> None:
        store = Store(
            [self.FILE],
            [ServerResponse(cut=60, length=False), ServerResponse(total="unknown", short=20), ServerResponse()],
        )
        sink = Memory()
        fetch(store, sink)
        assert self.FILE.content == sink.committed
        store = Store([self.FILE], [ServerResponse(cut=60, length=False), ServerResponse(cut=20), ServerResponse()])
        fetch(store, sink := Memory())
        assert (self.FILE.content, 3) == (sink.committed, len(store.world.sent))
        # With a length from before, the end is known.
        store = Store([self.FILE], [ServerResponse(cut=60), ServerResponse(total="unknown"), httpx.ReadError("x")])
        fetch(store, sink := Memory())
        assert (self.FILE.content, 2) == (sink.committed, len(store.world.sent))

    def test_a_part_that_nobody_requested_is_not_taken_for_the_file(self) -> None:
        for headers in ({"content-range": f"bytes {span}"} for span in ("0-4/*", "0-4/10", "1-5/10", "5-9/10", "")):
            part = httpx.Response(206, headers=headers, content=b"01234")
            store = Store([Version(b"0123456789", None)], [part, ServerResponse()])
            sink = Memory()
            fetch(store, sink)
            assert b"0123456789" == sink.committed

    def test_parts_add_up(self) -> None:
        store = Store(
            [self.FILE],
            [ServerResponse(cut=10), *[ServerResponse(short=short) for short in (80, 60, 40, 20)], ServerResponse()],
        )
        sink = Memory()
        assert Path("target") == fetch(store, sink)
        assert (self.FILE.content, 6) == (sink.committed, len(store.world.sent))

    @pytest.mark.parametrize("status", [201, 202, 204, 207])
    def test_a_success_without_a_file_is_none(self, status: int) -> None:
        response = httpx.Response(status, content=b'{"status": "in_progress"}')
        store = Store([self.FILE], [response, ServerResponse()])
        sink = Memory()
        fetch(store, sink)
        assert self.FILE.content == sink.committed
        store = Store([self.FILE], [response])
        error = fetch(store, Memory())
        assert isinstance(error, DownloadError)
        assert f"the server returned {status} without a file" in str(error)

    @pytest.mark.parametrize("length", [True, False])
    def test_an_empty_file_is_none(self, length: bool) -> None:  # noqa: FBT001 - a parameter
        store = Store([Version(b"", '"v0"')], [ServerResponse(length=length)])
        sink = Memory()
        error = fetch(store, sink)
        assert "the server sent a file of 0 bytes" in str(error)
        assert (None, 3) == (sink.committed, len(store.world.sent))
        # It may have begun to write the file only now.
        store = Store([Version(b"", '"v0"'), self.FILE], [ServerResponse(length=length), ServerResponse(version=1)])
        fetch(store, sink := Memory())
        assert self.FILE.content == sink.committed


class TestPatience:
    """What brings the file on is not counted against it; the pauses are those of every retry."""

    FILE = TestBreaks.FILE

    @pytest.mark.parametrize("limit", [1, 2, 5])
    def test_a_long_download_may_break_often(self, limit: int) -> None:
        store = Store([self.FILE], [ServerResponse(cut=3)])
        sink = Memory()
        assert Path("target") == fetch(store, sink, limit=limit)
        assert 34 == len(store.world.sent)
        assert [0.5] * 33 == store.world.slept

    @pytest.mark.parametrize("limit", [0, 1, 2, 5])
    def test_one_that_does_not_go_on_is_given_up(self, limit: int) -> None:
        store = Store([self.FILE], [ServerResponse(cut=50), ServerResponse(cut=0)])
        error = fetch(store, Memory(), limit=limit)
        assert isinstance(error, DownloadError)
        # The first break brought bytes, and is the first of the row.
        assert limit + 1 == len(store.world.sent)
        assert [min(8, 0.5 * 2**number) for number in range(limit)] == store.world.slept

    def test_bytes_that_were_had_before_are_no_progress(self) -> None:
        store = Store([Version(b"x" * 100, None)], [ServerResponse(cut=50)])
        assert isinstance(fetch(store, Memory(), limit=3), DownloadError)
        assert 4 == len(store.world.sent)

    def test_the_server_says_how_long(self) -> None:
        busy, slower = refusal(503, {"retry-after": "7"}), refusal(429, {"retry-after-ms": "20"})
        store = Store([self.FILE], [busy, ServerResponse(cut=9), slower, ServerResponse()])
        assert Path("target") == fetch(store, Memory())
        assert [7.0, 0.5, 0.02] == store.world.slept

    @pytest.mark.parametrize(
        ("outcome", "kind"),
        [(refusal(404), NotFoundError), (refusal(410), GoneError), (refusal(409), ConflictError),
         (refusal(416), APIStatusError), (refusal(429, {"retry-after": "61"}), RateLimitError)],
    )  # fmt: skip
    def test_an_response_that_ends_it(self, outcome: Outcome, kind: type[OpenVideosError]) -> None:
        for before in ([], [ServerResponse(cut=50)]):
            store = Store([self.FILE], [*before, refusal(400) if before and kind is APIStatusError else outcome])
            error = fetch(store, Memory())
            assert isinstance(error, kind)
            assert ("video_1", len(before) + 1) == (error.video_id, len(store.world.sent))

    def test_a_conflict_that_may_pass_is_waited_out(self) -> None:
        store = Store([self.FILE], [refusal(409), ServerResponse()])
        call = evolve(content_call(), conflict_may_pass=True)
        store.world.run(downloading(call, read_call(), store.world.retries(), Memory()))
        assert 2 == len(store.world.sent)

    def test_a_conflict_with_a_time_is_waited_for(self) -> None:
        """409 + Retry-After: the content of a job that is not finished (QVAC)."""
        store = Store([self.FILE], [refusal(409, {"retry-after": "5"}), ServerResponse()])
        assert Path("target") == fetch(store, Memory())
        assert [5.0] == store.world.slept

    def test_a_server_that_never_responds(self) -> None:
        for outcome, kind in ((refusal(500), InternalServerError), (httpx.ConnectError("x"), APIConnectionError)):
            store = Store([self.FILE], [outcome])
            error = fetch(store, Memory())
            assert isinstance(error, kind)
            assert not isinstance(error, DownloadError)
            assert 3 == len(store.world.sent)


class TestTheErrorRaised:
    """DownloadError carries what it knows; the job is untouched."""

    FILE = TestBreaks.FILE

    def test_a_break(self) -> None:
        store = Store([self.FILE], [ServerResponse(cut=40, error=httpx.ReadError("reset"))])
        error = fetch(store, Memory(), limit=0)
        assert isinstance(error, DownloadError)
        assert (40, 100, "video_1") == (error.bytes_received, error.bytes_expected, error.video_id)
        assert isinstance(error.__cause__, APIConnectionError)
        assert str(error).startswith(
            "The download of video_1 broke off at 40 of 100 bytes: GET /v1/videos/video_1/content"
        )
        assert str(error).endswith(
            "reset). Nothing was left at the target; the video is untouched, so download it again."
        )

    def test_a_break_of_unknown_length(self) -> None:
        store = Store([self.FILE], [ServerResponse(cut=40, length=False)])
        error = fetch(store, Memory(), limit=0)
        assert isinstance(error, DownloadError)
        assert (40, None) == (error.bytes_received, error.bytes_expected)
        assert str(error).startswith("The download of video_1 broke off at 40 bytes: ")

    def test_a_break_after_a_restart(self) -> None:
        broken = ServerResponse(cut=40, error=httpx.ReadError("x"))
        store = Store([Version(b"x" * 100, None)], [broken, httpx.ReadError("y")])
        error = fetch(store, Memory(), limit=1)
        assert isinstance(error, DownloadError)
        assert 40 == error.bytes_received

    def test_too_few_bytes(self) -> None:
        store = Store([self.FILE], [ServerResponse(cut=40)])
        error = fetch(store, Memory(), limit=0)
        assert "broke off at 40 of 100 bytes: 40 bytes arrived, and the server said 100. Nothing" in str(error)
        assert isinstance(error, DownloadError)
        assert error.__cause__ is None

    def test_too_many_bytes(self) -> None:
        response = httpx.Response(200, headers={"content-length": "3", "etag": '"x"'}, stream=Pieces([b"12345"]))
        error = fetch(Fixed([response]), Memory(), limit=0)
        assert "5 bytes arrived, and the server said 3." in str(error)

    def test_too_many_bytes_are_not_gone_on_from(self) -> None:
        wrong = httpx.Response(200, headers={"content-length": "3", "etag": '"v0"'}, stream=Pieces([b"12345"]))
        fixed = Fixed([wrong, httpx.Response(200, content=b"123")])
        sink = Memory()
        assert Path("target") == fetch(fixed, sink)
        assert b"123" == sink.committed
        assert "range" not in fixed.world.sent[1].request.headers

    @pytest.mark.parametrize("start", [1, 2, 99])
    def test_a_part_that_nobody_requested(self, start: int) -> None:
        headers = {"content-range": f"bytes {start}-99/100", "etag": '"v0"'}
        sink = Memory()
        error = fetch(Fixed([httpx.Response(206, headers=headers, content=b"x" * 100)]), sink, limit=0)
        assert "broke off at 0 bytes: the response is not the part that was requested. Nothing" in str(error)
        assert sink.committed is None

    def test_an_response_that_makes_no_sense(self) -> None:
        store = Store([self.FILE], [ServerResponse(cut=40), httpx.Response(206, content=b"x")])
        error = fetch(store, Memory(), limit=1)
        assert "broke off at 40 of 100 bytes: the response is not the part that was requested. Nothing" in str(error)

    def test_a_server_that_has_less(self) -> None:
        store = Store([self.FILE], [ServerResponse(cut=40), refusal(416)])
        error = fetch(store, Memory(), limit=1)
        assert "broke off at 40 of 100 bytes: the server has fewer bytes than arrived before. Nothing" in str(error)


@define
class Fixed:
    """Answer with responses as they are."""

    responses: list[httpx.Response] | list[Outcome]
    world: World = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.world = World(lambda send: self.responses[len(self.world.sent)])


def answered(content_type: str, content: bytes, error: Exception | None = None) -> httpx.Response:
    """Return a response with a media type, whose body comes as a stream."""
    headers = {"content-type": content_type}
    stream = Pieces([content[start : start + 100] for start in range(0, len(content), 100)], error)
    return httpx.Response(200, headers=headers, stream=stream)


class TestWhatIsNotTheFile:
    """A body that cannot be the file is not saved, and is not asked for again."""

    @pytest.mark.parametrize("before", [0, 1])
    def test_the_server_says_what_it_is(self, before: int) -> None:
        page = b"<html> The site is\n being mended </html>"
        broken = httpx.Response(200, headers={"content-length": "9", "etag": '"v0"'}, stream=Pieces([b"1234"]))
        answers = [broken] * before + [answered("text/html", page)]
        sink = Memory()
        outcome = fetch(Fixed(answers), sink)
        assert isinstance(outcome, DownloadError)
        assert (
            "The video of video_1 was asked for (video/*), and the server sent text/html: <html> The site is being "
            "mended </html>. Nothing was saved, and the video is untouched."
        ) == str(outcome)
        assert "video_1" == outcome.video_id
        assert (None, True, ["open", "write"][: 1 + before]) == (sink.committed, sink.discarded, sink.calls)
        assert all(answer.is_closed for answer in answers)

    def test_a_page_that_breaks_off_is_no_answer(self) -> None:
        broken = answered("text/html", b"<html>", error=httpx.ReadError("x"))
        fixed, sink = Fixed([broken, answered("video/mp4", CLIP)]), Memory()
        assert Path("target") == fetch(fixed, sink)
        assert (CLIP, [0.5], True) == (sink.committed, fixed.world.slept, broken.is_closed)

    def test_no_more_is_read_than_is_shown(self) -> None:
        answer = answered("text/html", b"x" * 100_000)
        fetch(Fixed([answer]), Memory())
        assert answer.num_bytes_downloaded <= BEGINNING + 100

    def test_a_variant_is_not_saved_as_another(self) -> None:
        call = download(SETTINGS, Extras(), video_id="video_1", variant="thumbnail", parse=lambda response: response)
        for media_type, saved in (("video/mp4", False), ("image/png", True), ("application/octet-stream", True)):
            fixed, sink = Fixed([answered(media_type, b"film")]), Memory()
            flow = downloading(call, read_call(), fixed.world.retries(), sink)
            if saved:
                fixed.world.run(flow)
            else:
                with pytest.raises(DownloadError, match=r"The thumbnail of video_1 .* and the server sent video/mp4"):
                    fixed.world.run(flow)
            assert (b"film" if saved else None) == sink.committed

    def test_the_query_of_the_caller_says_the_variant(self) -> None:
        extras = Extras(query={"variant": "thumbnail"})
        call = download(SETTINGS, extras, video_id="video_1", variant=omit, parse=lambda response: response)
        fixed, sink = Fixed([answered("image/webp", b"picture")]), Memory()
        fixed.world.run(downloading(call, read_call(), fixed.world.retries(), sink))
        assert b"picture" == sink.committed


class TestAFileThatIsStillWritten:
    """Where an MP4 lacks its end, the job is read once, and the file is not saved if the job is known to go on."""

    @pytest.mark.parametrize("status", ["queued", "in_progress", "Processing ", "failed", "cancelled"])
    def test_of_a_job_that_is_not_completed(self, status: str) -> None:
        sink, fixed = Memory(), Fixed([answered("video/mp4", CLIP[:-9]), video_answer(status)])
        error = fetch(fixed, sink)
        assert isinstance(error, DownloadError)
        assert (
            f"The video video_1 is {status!r}, and the {len(CLIP) - 9} bytes that the server sent are not its whole "
            "file. Nothing was left at the target; poll the video until it is completed, and download it then."
        ) == str(error)
        assert (len(CLIP) - 9, None, True) == (error.bytes_received, sink.committed, sink.discarded)
        assert error.video is not None
        assert status == error.video.status
        assert ["/v1/videos/video_1/content", "/v1/videos/video_1"] == [s.request.url.path for s in fixed.world.sent]

    @pytest.mark.parametrize(
        "read",
        [video_answer("completed"), video_answer("succeeded"), video_answer("baking"), refusal(500), refusal(404),
         httpx.Response(200, content=b"<html>"), httpx.ReadError("x")],
        ids=["completed", "a synonym", "unknown", "failing", "missing", "no video", "broken"],
    )  # fmt: skip
    def test_of_a_job_that_is_not_known_to_go_on(self, read: Outcome) -> None:
        sink, fixed = Memory(), Fixed([answered("video/mp4", CLIP[:-9]), read])
        assert Path("target") == fetch(fixed, sink)
        assert (CLIP[:-9], 2) == (sink.committed, len(fixed.world.sent))

    @pytest.mark.parametrize("content", [CLIP, b"film", b"\xff\xd8\xff\xe0"])
    def test_a_file_with_its_end_costs_no_read(self, content: bytes) -> None:
        fixed = Fixed([answered("video/mp4", content)])
        assert Path("target") == fetch(fixed, Memory())
        assert 1 == len(fixed.world.sent)

    @pytest.mark.parametrize("ranged", [True, False])
    def test_what_is_followed_is_the_file_at_the_end(self, ranged: bool) -> None:  # noqa: FBT001 - a parameter
        script = [ServerResponse(cut=1000), ServerResponse(ranged=ranged)]
        store = Store([Version(CLIP, '"v0"')], script)
        fetch(store, sink := Memory())
        assert (CLIP, 2) == (sink.committed, len(store.world.sent))


class TestHeaders:
    """What the headers of a good response say of its body; None when they make no sense."""

    @pytest.mark.parametrize(
        ("status", "headers", "body"),
        [
            (200, {}, BodyPart(0, None, None, encoded=False)),
            (200, {"content-length": "7"}, BodyPart(0, 7, None, encoded=False)),
            (200, {"content-length": "0"}, BodyPart(0, 0, None, encoded=False)),
            (200, {"content-length": "-7"}, BodyPart(0, None, None, encoded=False)),
            (200, {"content-length": "7, 7"}, BodyPart(0, None, None, encoded=False)),
            (200, {"content-length": "\u0667"}, BodyPart(0, None, None, encoded=False)),
            (200, {"content-length": "9" * 19}, BodyPart(0, 10**19 - 1, None, encoded=False)),
            (200, {"content-length": "9" * 5000}, BodyPart(0, None, None, encoded=False)),
            (200, {"content-length": "7", "etag": '"e"'}, BodyPart(0, 7, '"e"', encoded=False)),
            (200, {"etag": 'W/"e"'}, BodyPart(0, None, None, encoded=False)),
            (200, {"etag": "e"}, BodyPart(0, None, None, encoded=False)),
            (200, {"etag": ""}, BodyPart(0, None, None, encoded=False)),
            (200, {"content-encoding": "identity", "content-length": "7"}, BodyPart(0, 7, None, encoded=False)),
            (200, {"content-encoding": "", "content-length": "7"}, BodyPart(0, 7, None, encoded=False)),
            (200, {"content-encoding": "Identity", "etag": '"e"'}, BodyPart(0, None, '"e"', encoded=False)),
            (
                200,
                {"content-encoding": "gzip", "content-length": "7", "etag": '"e"'},
                BodyPart(0, None, None, encoded=True),
            ),
            (206, {"content-range": "bytes 2-4/7", "etag": '"e"'}, BodyPart(2, 7, '"e"', encoded=False)),
            (206, {"content-range": "bytes 0-6/7"}, BodyPart(0, 7, None, encoded=False)),
            (206, {"content-range": "bytes 6-6/7"}, BodyPart(6, 7, None, encoded=False)),
            (206, {"content-range": "bytes 2-4/*"}, BodyPart(2, None, None, encoded=False)),
            (206, {"content-range": "bytes 0-4/*"}, None),
            (206, {"content-range": "bytes 2-4/7", "content-encoding": "gzip"}, None),
            (206, {}, None),
            (206, {"content-range": "bytes 4-2/7"}, None),
            (206, {"content-range": "bytes 2-7/7"}, None),
            (206, {"content-range": "bytes 2-8/7"}, None),
            (206, {"content-range": "bytes */7"}, None),
            (206, {"content-range": "bytes 2-/7"}, None),
            (206, {"content-range": "items 2-4/7"}, None),
            (206, {"content-range": "bytes 2-4/7 "}, BodyPart(2, 7, None, encoded=False)),
            (206, {"content-range": "bytes 2-4/7, 5-6/7"}, None),
            (206, {"content-range": "bytes \u0662-\u0664/\u0667"}, None),
            (206, {"content-range": f"bytes 0-4/{'9' * 20}"}, None),
        ],
    )
    def test_these(self, status: int, headers: dict[str, str], body: BodyPart | None) -> None:
        sent = [(name.encode(), value.encode().strip()) for name, value in headers.items()]
        assert body == described_body(httpx.Response(status, headers=sent))

    @FLOWS
    @given(
        length=st.text(),
        content_range=st.text() | st.from_regex(r"bytes [0-9]+-[0-9]+/([0-9]+|\*)"),
        etag=st.text(),
        encoding=st.text(),
        status=st.sampled_from([200, 206]),
    )
    @example(length="²", content_range="bytes ²-³/¹", etag='"', encoding="", status=206)
    def test_any_text_makes_sense_or_none(
        self, length: str, content_range: str, etag: str, encoding: str, status: int
    ) -> None:
        names = ("content-length", "content-range", "etag", "content-encoding")
        values = (length, content_range, etag, encoding)
        raw = [(name.encode(), value.encode()) for name, value in zip(names, values, strict=True)]
        body = described_body(httpx.Response(status, headers=raw))
        assert body is None or (body.start >= 0 and (body.total is None or body.total >= body.start))


DISK = ("open", "write", "ftruncate", "lseek", "fsync", "close", "replace")


class Full:
    """A disk whose calls fail from the nth on, or at the nth alone."""

    def __init__(self, at: int, *, for_good: bool) -> None:
        self.at, self.for_good = at, for_good
        self.calls: list[str] = []

    @contextmanager
    def mounted(self) -> Generator[None]:
        """Let the system's own calls count and fail."""
        with ExitStack() as stack:
            for name in DISK:
                stack.enter_context(mock.patch.object(os, name, self._failing(name, getattr(os, name))))
            yield

    def _failing(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            number = len(self.calls) - 1
            if number == self.at or (self.for_good and number > self.at):
                if name == "close":
                    real(*args)  # a close that fails has closed all the same
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **kwargs)

        return call


class TestTheDisk:
    """A disk error at any call is a DownloadError, and leaves nothing."""

    SCRIPT = (ServerResponse(cut=5, piece=2), ServerResponse(ranged=False, cut=7), ServerResponse())

    @pytest.mark.parametrize("for_good", [True, False])
    @pytest.mark.parametrize("occupied", [True, False])
    def test_at_any_call(self, for_good: bool, occupied: bool) -> None:  # noqa: FBT001 - parameters
        at = 0
        while True:
            store, disk = Store([Version(b"0123456789", '"v0"')], self.SCRIPT), Full(at, for_good=for_good)
            with folder(occupied=occupied) as target:
                with disk.mounted():
                    outcome = fetch(store, PartFile(target))
                if isinstance(outcome, OpenVideosError):
                    assert isinstance(outcome, DownloadError)
                    assert f"{target} cannot be written: No space left on device. Nothing was left there." == str(
                        outcome
                    )
                    assert isinstance(outcome.__cause__, OSError)
                    assert untouched(target, occupied=occupied)
                else:
                    # Only to sync the folder is more than can be asked of every system.
                    assert b"0123456789" == target.read_bytes()
                    assert disk.calls.index("replace") < at
            assert all(stream.closed for stream in store.streams)
            if at >= len(disk.calls):
                break
            at += 1
        assert set(DISK) == set(disk.calls)
        assert at >= 12

    def test_a_restart_that_fails_closes_the_response(self) -> None:
        sink = Memory(fail_at=2)
        store = Store([Version(b"0123456789", '"v0"')], [ServerResponse(cut=5), ServerResponse(ranged=False)])
        assert isinstance(fetch(store, sink), DownloadError)
        assert ["open", "write", "restart"] == sink.calls
        assert all(stream.closed for stream in store.streams)

    def test_a_restart_that_nobody_waits_for_ends(self) -> None:
        flow = _restart(Memory(), httpx.Response(200), None, None)
        assert isinstance(next(flow), Do)
        flow.close()

    def test_an_unforeseen_error_discards_too(self) -> None:
        sink = Memory()
        flow = downloading(content_call(), read_call(), Store([], []).world.retries(), sink)
        assert isinstance(next(flow), Do)
        with pytest.raises(ZeroDivisionError):
            flow.throw(ZeroDivisionError())
        assert sink.discarded


class TestCtrlC:
    """An interrupt anywhere leaves nothing, and what stood there stands."""

    SCRIPT = (
        ServerResponse(cut=4),
        refusal(503),
        ServerResponse(ranged=False, cut=7),
        refusal(416),
        ServerResponse(shift=1),
        ServerResponse(),
    )

    @pytest.mark.parametrize("late", [True, False])
    @pytest.mark.parametrize("occupied", [True, False])
    def test_between_any_two_steps(self, late: bool, occupied: bool) -> None:  # noqa: FBT001 - parameters
        with folder(occupied=occupied) as target:

            def make(throw: tuple[int, BaseException] | None) -> tuple[World, Callable[[], Any]]:
                if occupied:
                    target.write_bytes(OLD)
                else:
                    target.unlink(missing_ok=True)
                store = Store([Version(b"0123456789", '"v0"')], self.SCRIPT)
                store.world.throw, store.world.late = throw, late
                flow = downloading(content_call(), read_call(), store.world.retries(5), PartFile(target))
                return store.world, lambda: store.world.run(flow)

            interrupted = 0
            for world, error in thrown_anywhere(make):
                assert isinstance(error, KeyboardInterrupt)
                # An interrupt after the rename finds the file in its place.
                renamed = late and isinstance(world.effects[-1], Do) and "commit" in repr(world.effects[-1])
                assert renamed or untouched(target, occupied=occupied)
                assert not renamed or b"0123456789" == target.read_bytes()
                assert ["video.mp4"] * target.exists() == [path.name for path in target.parent.iterdir()]
                interrupted += 1
            assert interrupted >= 18

    @pytest.mark.parametrize("at", range(10))
    def test_in_the_middle_of_a_body(self, at: int) -> None:
        reported: list[int] = []

        def interrupt(have: int, total: int | None) -> None:
            reported.append(have)
            if len(reported) == at + 1:
                raise KeyboardInterrupt

        store = Store([Version(b"0123456789", '"v0"')], [ServerResponse(cut=6, piece=1), ServerResponse(piece=1)])
        with folder(occupied=False) as target:
            with pytest.raises(KeyboardInterrupt):
                fetch(store, PartFile(target), on_progress=interrupt)
            assert not target.exists()
        assert all(stream.closed for stream in store.streams)

    def test_when_a_restart_is_reported(self) -> None:
        def stop(have: int, total: int | None) -> None:
            if not have:
                raise KeyboardInterrupt

        store = Store([Version(b"0123456789", '"v0"')], [ServerResponse(cut=5), ServerResponse(ranged=False)])
        with pytest.raises(KeyboardInterrupt):
            fetch(store, Memory(), on_progress=stop)
        assert all(stream.closed for stream in store.streams)

    def test_a_callbacks_own_exception_is_the_callers(self) -> None:
        def explode(have: int, total: int | None) -> None:
            raise ZeroDivisionError

        store = Store([Version(b"0123456789", '"v0"')], [ServerResponse()])
        sink = Memory()
        with pytest.raises(ZeroDivisionError):
            fetch(store, sink, on_progress=explode)
        assert sink.discarded
        assert 1 == len(store.world.sent)


class TestTheLog:
    """Breaks are logged at INFO."""

    def test_each_break_is_one_line(self, caplog: pytest.LogCaptureFixture) -> None:
        store = Store([TestBreaks.FILE], [ServerResponse(cut=40), refusal(503), ServerResponse()])
        with caplog.at_level("INFO", "openvideos"):
            fetch(store, Memory())
        assert [
            "download_video_content: broke off at 40 bytes; the next attempt in 0.50 s",
            "download_video_content: broke off at 40 bytes; the next attempt in 1.00 s",
        ] == caplog.messages
