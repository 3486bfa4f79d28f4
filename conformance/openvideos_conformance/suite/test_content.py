"""Check downloads and their ranges. `test_media.py` checks the files themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

from .._core.operations import video_path
from .._core.outcomes import NotReachedError, ViolationError
from .._inputs.unknown_ids import neighbours_of, unknown_like
from .._judging.assertions import BAD_INPUT, expect, expect_response, shown, violated
from .._judging.byte_ranges import flaw_of, read_content_range, read_pieces
from .._probes.concurrently import concurrently
from .._probes.creates import not_busy
from .._pytest.marker import Phase, checks
from .._server.redirects import is_absolute

if TYPE_CHECKING:
    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._probes.unfinished_job import UnfinishedJob
    from .._server.downloads import Files
    from .._server.jobs import Job, JobPool
    from .._server.recording_client import RecordingClient

CLIENTS = 4

_OK = 200
_PARTIAL = 206
_UNSATISFIABLE = 416
NO_SUCH_VARIANT = BAD_INPUT | {404, 501}


@checks("VID-CONTENT-004", phase=Phase.LATE)
def test_the_variant_video_is_the_default(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    whole = files.video.body
    exchange = expect(_content(client, jobs.completed(), query={"variant": "video"}), _OK, "variant=video")
    if exchange.body != whole:
        raise violated(
            f"variant=video returns {exchange.length} bytes, and no variant {files.video.length} different ones",
            files.video,
            exchange,
        )


@checks("VID-CONTENT-025", phase=Phase.LATE)
def test_the_url_of_a_completed_job_returns_its_content(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    whole = files.video
    seen = client.get(jobs.completed().path)
    url = seen.object.get("url")
    if not isinstance(url, str) or not is_absolute(url):
        raise violated(f"the url of a completed job is {shown(url)}, which is no absolute URL of http or https", seen)
    exchange = expect(client.fetch(url), _OK, "the url of a completed job, without a key")
    if exchange.body != whole.body:
        raise violated(
            f"the url returns {exchange.length} bytes, and the content has {whole.length} different ones",
            whole,
            exchange,
        )


@checks("VID-CONTENT-007", phase=Phase.LATE)
def test_a_variant_that_the_contract_does_not_have_is_refused(
    client: RecordingClient, jobs: JobPool, files: Files, contract: Contract
) -> None:
    _ = files.video  # content that is never there is refused for another reason
    known = contract.schema("VideoVariant")["enum"]
    for variant in ("poster", "mp4", f"{known[0]}s", f"{known[0]},{known[1]}"):
        expect(_content(client, jobs.completed(), query={"variant": variant}), NO_SUCH_VARIANT, f"variant={variant}")


@checks("VID-CONTENT-009")
def test_the_content_of_an_unfinished_job_is_a_conflict(unfinished: UnfinishedJob) -> None:
    if unfinished.content.is_ok:
        raise NotReachedError("the content was not refused", unfinished.content)
    expect(unfinished.content, 409, "the content of a job that has not ended")


@checks("VID-CONTENT-011")
def test_the_content_of_an_unknown_id_is_unknown(client: RecordingClient, jobs: JobPool) -> None:
    known = jobs["plain"].id
    unknown = unknown_like(known)
    expect(client.get(f"{video_path(unknown)}/content"), 404, f"the content of the unknown id {unknown}")
    for near in neighbours_of(known):  # a server whose ids have a fixed form may refuse these as malformed
        exchange = client.get(f"{video_path(near)}/content")
        expect(exchange, {404, *BAD_INPUT}, f"the content of the unknown id {near}")
    for variant in client.contract.schema("VideoVariant")["enum"]:  # a server may look at the variant first
        exchange = client.get(f"{video_path(unknown)}/content", query={"variant": variant})
        expect(exchange, NO_SUCH_VARIANT, f"the {variant} of the unknown id {unknown}")


@checks("VID-CONTENT-012", phase=Phase.LATE)
def test_concurrent_downloads_are_alike(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    whole, job = files.video.body, jobs.completed()
    for exchange in concurrently([partial(_content, client, job)] * CLIENTS):
        _is_whole(not_busy(exchange), whole, f"one of {CLIENTS} concurrent downloads")


@checks("VID-CONTENT-024", phase=Phase.LATE, jobs=("doomed", "longest"))
def test_jobs_with_different_prompts_have_different_files(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    seen = [(jobs.completed(), files.video)]
    for name in ("doomed", "longest"):
        with contextlib.suppress(NotReachedError):  # one other file is enough
            job = jobs.completed(name)
            exchange = _content(client, job)
            if exchange.status == _OK and not exchange.failure:
                seen.append((job, exchange))
    _differ(seen, "file")
    if len(seen) == 1:
        raise NotReachedError("no file of a job with another prompt could be downloaded", files.video)


@checks("VID-CONTENT-024", phase=Phase.LATE, jobs=("doomed",), capability="thumbnail")
def test_jobs_with_different_prompts_have_different_thumbnails(
    client: RecordingClient, jobs: JobPool, files: Files
) -> None:
    other = jobs.completed("doomed")
    exchange = client.get(f"{other.path}/content", query={"variant": "thumbnail"})
    if not exchange.is_ok:
        raise NotReachedError(f"the thumbnail of another job is not returned: {exchange.summary}", exchange)
    _differ([(jobs.completed(), files.thumbnail), (other, exchange)], "thumbnail")


def _differ(seen: Sequence[tuple[Job, Exchange]], what: str) -> None:
    """Expect that the files of jobs with different prompts differ."""
    for (one, first), (other, second) in combinations(seen, 2):
        if first.body == second.body:
            raise violated(
                f"the jobs {one.id} and {other.id} have different prompts, and the same {what} of {first.length} bytes",
                first,
                second,
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


@checks("VID-CONTENT-016", phase=Phase.LATE)
def test_byte_ranges_are_supported(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    _ = files.video
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


@checks("VID-CONTENT-017", phase=Phase.LATE, capability="thumbnail")
def test_a_range_of_a_thumbnail_is_a_part_of_it(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    whole = files.thumbnail.body
    exchange = _content(client, jobs.completed(), query={"variant": "thumbnail"}, headers={"range": "bytes=3-12"})
    if exchange.status == _OK and (exchange.header("accept-ranges") or "").lower() != "bytes":
        _is_whole(exchange, whole, "a range of a thumbnail, of which no ranges are offered")  # the video alone may be
    else:
        _is_part(exchange, whole, 3, 12)


@checks("VID-CONTENT-018", phase=Phase.LATE)
def test_a_range_to_the_end_is_the_end(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    _plain_range_is_right(client, jobs, files)
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
    _plain_range_is_right(client, jobs, files)
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
    _plain_range_is_right(client, jobs, files)
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


def _content(client: RecordingClient, job: Job, **options: object) -> Exchange:
    return client.get(f"{job.path}/content", **options)


def _ranged(client: RecordingClient, jobs: JobPool, text: str, **headers: str) -> Exchange:
    return expect_response(_content(client, jobs.completed(), headers={"range": text, **headers}))


def _plain_range_is_right(client: RecordingClient, jobs: JobPool, files: Files) -> None:
    """Expect that a plain range is right; if it is not, the ranges that are harder say nothing.

    Raises:
        NotReachedError: It is wrong, which another requirement judges.

    """
    exchange = _ranged(client, jobs, "bytes=10-19")
    try:
        _is_part(exchange, files.video.body, 10, 19)
    except ViolationError as wrong:
        raise NotReachedError(f"a plain range is wrong: {wrong.message}", exchange) from wrong


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


def _is_strong(etag: str) -> bool:
    return len(etag) > 1 and etag[0] == etag[-1] == '"'
