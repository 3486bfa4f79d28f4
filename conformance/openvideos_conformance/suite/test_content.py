"""Check downloads and their ranges. `test_media.py` checks the files themselves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from .._core.operations import video_path
from .._core.outcomes import NotReachedError
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import BAD_INPUT, NOT_COMPLETED, expect, expect_response, shown, violated
from .._judging.byte_ranges import flaw_of, read_content_range, read_pieces
from .._pytest.marker import Phase, checks

if TYPE_CHECKING:
    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._probes.unfinished_job import UnfinishedJob
    from .._server.downloads import Files
    from .._server.jobs import Job, JobPool
    from .._server.recording_client import RecordingClient

_OK = 200
_PARTIAL = 206
_UNSATISFIABLE = 416


@checks("VID-CONTENT-004", phase=Phase.LATE)
def test_the_variant_video_is_the_default(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    exchange = expect(_content(client, jobs.completed(), query={"variant": "video"}), _OK, "variant=video")
    if exchange.body != files.video.body:
        raise violated(
            f"variant=video returns {exchange.length} bytes, and no variant {files.video.length} different ones",
            files.video,
            exchange,
        )


@checks("VID-CONTENT-007", phase=Phase.LATE)
def test_a_variant_that_the_contract_does_not_have_is_refused(
    client: RecordingClient, jobs: JobPool, contract: Contract
) -> None:
    known = contract.schema("VideoVariant")["enum"]
    for variant in ("poster", "mp4", f"{known[0]}s", f"{known[0]},{known[1]}"):
        expect(_content(client, jobs.completed(), query={"variant": variant}), BAD_INPUT, f"variant={variant}")


@checks("VID-CONTENT-008")
def test_the_content_of_an_unfinished_job_is_refused(unfinished: UnfinishedJob) -> None:
    expect(unfinished.content, NOT_COMPLETED, "the content of a job that has not ended")


@checks("VID-CONTENT-009")
def test_the_content_of_an_unfinished_job_is_a_conflict(unfinished: UnfinishedJob) -> None:
    expect(unfinished.content, 409, "the content of a job that has not ended")


@checks("VID-CONTENT-010", phase=Phase.LATE, jobs=("failing",))
def test_the_content_of_a_failed_job_is_refused(client: RecordingClient, jobs: JobPool) -> None:
    job = jobs.ended("failing")
    if job.status != "failed":
        raise NotReachedError(
            f"the job {job.id} was to fail, and ended as {job.status!r}", *([job.last] if job.last else [])
        )
    expect(_content(client, job), NOT_COMPLETED | {410}, "the content of a failed job")


@checks("VID-CONTENT-011")
def test_the_content_of_an_unknown_id_is_unknown(client: RecordingClient, jobs: JobPool) -> None:
    known = jobs["plain"].id
    unknown = unknown_like(known)
    expect(client.get(f"{video_path(unknown)}/content"), 404, f"the content of the unknown id {unknown}")
    for unknown in (f"{known}0", known[:-1]):  # a server whose ids have a fixed form may refuse these as malformed
        exchange = client.get(f"{video_path(unknown)}/content")
        expect(exchange, {404, *BAD_INPUT}, f"the content of the unknown id {unknown}")


@checks("VID-CONTENT-012", phase=Phase.LATE)
def test_two_downloads_are_alike(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    again = expect(_content(client, jobs.completed()), _OK, "a second download")
    if again.body != files.video.body:
        raise violated(
            f"the first download has {files.video.length} bytes, the second {again.length}, and they differ",
            files.video,
            again,
        )


@checks("VID-CONTENT-013", phase=Phase.LATE)
def test_content_has_a_length(files: Files) -> None:
    if files.video.header("content-length") is None:
        raise violated("the content has no Content-Length", files.video)


@checks("VID-CONTENT-014", phase=Phase.LATE)
def test_content_has_a_strong_etag(files: Files) -> None:
    etag = files.video.header("etag")
    if etag is None or not _is_strong(etag):
        raise violated(
            f"the content has {'no ETag' if etag is None else f'the ETag {shown(etag)}, which is not a strong one'}",
            files.video,
        )


@checks("VID-CONTENT-015", phase=Phase.LATE, jobs=("doomed",))
def test_an_etag_stands_for_one_file(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    job = jobs.completed()
    path = f"{job.path}/content"
    first = files.video
    if first.header("etag") is None:
        raise NotReachedError("the content has no ETag", first)
    again = expect(client.get(path), _OK, "a second download")
    if again.body == first.body and again.header("etag") != first.header("etag"):
        raise violated(
            f"the same file has the ETag {first.header('etag')}, and then {again.header('etag')}", first, again
        )
    seen = [first, *_other_files(client, jobs)]
    for index, one in enumerate(seen):
        for other in seen[index + 1 :]:
            if one.body != other.body and one.header("etag") == other.header("etag") is not None:
                raise violated(
                    f"{one.target} and {other.target} differ, and have one ETag, {one.header('etag')}", one, other
                )


@checks("VID-CONTENT-016", phase=Phase.LATE)
def test_byte_ranges_are_supported(client: RecordingClient, jobs: JobPool) -> None:
    expect(_content(client, jobs.completed(), headers={"range": "bytes=0-0"}), _PARTIAL, "the range bytes=0-0")


@checks("VID-CONTENT-017", phase=Phase.LATE)
def test_a_range_is_exactly_what_was_requested(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    size = files.video.length
    middle = size // 2
    wanted = {(0, 0), (0, 99), (1, 1), (middle, middle + 999), (size - 1, size - 1), (size - 10, size + 999)}
    for first, last in sorted(wanted):
        if 0 <= first < size:
            exchange = _ranged(client, jobs, f"bytes={first}-{last}")
            _is_part(exchange, files.video.body, first, min(last, size - 1))


@checks("VID-CONTENT-018", phase=Phase.LATE)
def test_a_range_to_the_end_is_the_end(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    size = files.video.length
    for start in (size // 2, size - 1):
        _is_part(_ranged(client, jobs, f"bytes={start}-"), files.video.body, start, size - 1)
    for count in (1, min(500, size)):
        _is_part(_ranged(client, jobs, f"bytes=-{count}"), files.video.body, size - count, size - 1)
    for everything in ("bytes=0-", f"bytes=-{size + 1000}"):
        exchange = _ranged(client, jobs, everything)
        if exchange.status == _OK:  # a server may return the complete file as a 200
            _is_whole(exchange, files.video.body, f"the range {everything}")
        else:
            _is_part(exchange, files.video.body, 0, size - 1)


@checks("VID-CONTENT-019", phase=Phase.LATE)
def test_a_range_after_the_end_is_not_satisfiable(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    size = files.video.length
    for text in (f"bytes={size}-", f"bytes={size}-{size + 9}", f"bytes={size * 10}-"):
        exchange = expect(_ranged(client, jobs, text), _UNSATISFIABLE, f"the range {text} of a file of {size} bytes")
        content_range = exchange.header("content-range")
        if content_range is not None and content_range.strip().lower() != f"bytes */{size}":
            raise violated(
                f"the range {text}: the 416 has the Content-Range {shown(content_range)}, not 'bytes */{size}'",
                exchange,
            )


@checks("VID-CONTENT-020", phase=Phase.LATE)
def test_if_range_holds_only_for_this_file(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    whole, etag = files.video.body, files.video.header("etag")
    stale = ['"openvideos-no-such-etag"', "Thu, 01 Jan 1970 00:00:01 GMT"]
    if etag is not None and _is_strong(etag):
        exchange = _ranged(client, jobs, "bytes=10-19", **{"if-range": etag})
        _is_part(exchange, whole, 10, 19)
        stale.append(f"W/{etag}")  # a weak validator never holds for a range (RFC 9110, section 13.1.5)
    for validator in stale:
        exchange = _ranged(client, jobs, "bytes=10-19", **{"if-range": validator})
        _is_whole(exchange, whole, f"a range with the If-Range {validator}, which does not hold")


@checks("VID-CONTENT-021", phase=Phase.LATE)
def test_a_range_that_cannot_be_understood_is_ignored(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    for text in ("items=0-5", "seconds=1-2", "bytes=abc", "nonsense"):
        _is_whole(_ranged(client, jobs, text), files.video.body, f"the Range {text!r}, which cannot be understood")


@checks("VID-CONTENT-022", phase=Phase.LATE)
def test_the_response_to_several_ranges_is_legal(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    whole = files.video.body
    wanted = ((0, 9), (20, 29), (len(whole) - 5, len(whole) - 1))
    text = "bytes=" + ",".join(f"{first}-{last}" for first, last in wanted)
    exchange = expect(_ranged(client, jobs, text), {_OK, _PARTIAL}, f"the range {text}")
    if exchange.status == _OK:
        _is_whole(exchange, whole, f"the range {text}")
    elif exchange.media_type == "multipart/byteranges":
        _are_parts(exchange, whole, wanted)
    else:
        span = read_content_range(exchange.header("content-range"))
        flaw = "it has no Content-Range" if span is None else flaw_of(span, exchange.body, whole)
        if span is not None and not any(span.first <= first and last <= span.last for first, last in wanted):
            flaw = f"it is the bytes {span.first}-{span.last}, which is none of the requested ranges"
        if flaw:
            raise violated(f"the range {text}: returned 206, but {flaw}", exchange)


@checks("VID-CONTENT-023", phase=Phase.LATE)
def test_content_length_is_the_number_of_bytes(client: RecordingClient, jobs: JobPool, contract: Contract) -> None:
    job = jobs.completed()
    seen = [_content(client, job), _content(client, job, headers={"range": "bytes=3-12"})]
    variants = contract.schema("VideoVariant")["enum"]
    seen += [_content(client, job, query={"variant": variant}) for variant in variants]
    stated = [exchange for exchange in seen if exchange.header("content-length") is not None]
    for exchange in stated:
        length = exchange.header("content-length")
        if exchange.failure or length != str(exchange.length):
            how = f" ({exchange.failure})" if exchange.failure else ""
            raise violated(
                f"{exchange.target}: the Content-Length is {length}, and {exchange.length} bytes followed{how}",
                exchange,
            )
    if not stated:
        raise NotReachedError("no content has a Content-Length", *seen)


def _content(client: RecordingClient, job: Job, **options: object) -> Exchange:
    return client.get(f"{job.path}/content", **options)


def _ranged(client: RecordingClient, jobs: JobPool, text: str, **headers: str) -> Exchange:
    return expect_response(_content(client, jobs.completed(), headers={"range": text, **headers}))


def _is_whole(exchange: Exchange, whole: bytes, what: str) -> None:
    expect(exchange, _OK, what)
    if exchange.body != whole:
        raise violated(
            f"{what}: the response has {exchange.length} bytes that are not the file's {len(whole)}", exchange
        )


def _is_part(exchange: Exchange, whole: bytes, first: int, last: int) -> None:
    text = exchange.request_header("range")
    expect(exchange, _PARTIAL, f"the range {text} of a file of {len(whole)} bytes")
    content_range = exchange.header("content-range")
    span = read_content_range(content_range)
    if span is None or (span.first, span.last) != (first, last):
        expected = f"bytes {first}-{last}/{len(whole)}"
        raise violated(
            f"the range {text}: the Content-Range is {shown(content_range)}, not {shown(expected)}", exchange
        )
    flaw = flaw_of(span, exchange.body, whole)
    if flaw:
        raise violated(f"the range {text}: {flaw}", exchange)


def _are_parts(exchange: Exchange, whole: bytes, wanted: tuple[tuple[int, int], ...]) -> None:
    try:
        pieces = read_pieces(exchange.header("content-type") or "", exchange.body)
    except ValueError as error:
        raise violated(f"several ranges: the multipart/byteranges response cannot be read: {error}", exchange) from None
    for piece in pieces:
        flaw = flaw_of(piece.span, piece.content, whole)
        if flaw:
            raise violated(f"several ranges: a part is wrong: {flaw}", exchange)
    for first, last in wanted:
        if not any(piece.span.first <= first and last <= piece.span.last for piece in pieces):
            raise violated(f"several ranges: no part holds the requested bytes {first}-{last}", exchange)


def _other_files(client: RecordingClient, jobs: JobPool) -> list[Exchange]:
    """Return successful downloads of the other files of the job, and of the video of another job."""
    job = jobs.completed()
    seen = [_content(client, job, query={"variant": variant}) for variant in ("thumbnail", "spritesheet")]
    with contextlib.suppress(NotReachedError):  # the other files are enough
        seen.append(_content(client, jobs.completed("doomed")))
    return [exchange for exchange in seen if exchange.status == _OK and not exchange.failure]


def _is_strong(etag: str) -> bool:
    return len(etag) > 1 and etag[0] == etag[-1] == '"'
