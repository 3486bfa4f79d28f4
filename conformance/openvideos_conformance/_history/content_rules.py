"""Judge all downloads of a run: the files, and whether the server should have returned them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .._core.exchange import is_past
from .._core.operations import ENDED
from .._judging.assertions import NOT_COMPLETED, shown
from .._judging.media import MEDIA_TYPES
from .rule import Rule, rule
from .traffic import FUZZ, is_unfinished, video_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .._core.exchange import Exchange
    from .rule import Tally
    from .traffic import JobSnapshot, Traffic

_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_DIGITS: Final = 18
_CUT: Final = re.compile(
    r"received [0-9]+ bytes, expected [0-9]+|IncompleteRead\([0-9]+ bytes read, [0-9]+ more expected"
)
"""The messages of HTTP libraries for a connection that closed before Content-Length bytes were received."""


def _variant(traffic: Traffic, content: Exchange) -> str | None:
    """Return the requested variant; None if the contract does not have it, or the query names several."""
    values = traffic.parameters(content).get("variant", ["video"])
    return values[0] if len(values) == 1 and values[0] in MEDIA_TYPES else None


def _files(traffic: Traffic) -> Iterator[tuple[tuple[str, str], Exchange]]:
    """Yield the downloads of files, each with its id and its variant."""
    for content in traffic.of("download_video_content"):
        variant = _variant(traffic, content)
        is_uncut = content.length <= len(content.body)
        if content.is_ok and content.status == 200 and variant is not None and is_uncut:  # noqa: PLR2004 - HTTP's own
            yield (video_id_of(content), variant), content


def _whole_files(traffic: Traffic) -> Iterator[tuple[tuple[str, str], Exchange]]:
    """Yield the downloads of the files of completed jobs."""
    return ((key, content) for key, content in _files(traffic) if not _may_be_another(traffic, content))


def _may_be_another(traffic: Traffic, content: Exchange) -> bool:
    """Tell whether a download may be a part of the file, before its job was completed, or what a deletion has left."""
    ends = _ends(traffic, video_id_of(content))
    is_early = bool(ends) and not any(each.is_before(content) for each in ends)
    return is_early or traffic.deleted_before(video_id_of(content), content) is not None


def _completed(traffic: Traffic, video_id: str) -> list[JobSnapshot]:
    """Return the snapshots in which a job is completed."""
    snapshots = (*traffic.single.get(video_id, ()), *traffic.listed.get(video_id, ()))
    return [each for each in snapshots if each.status == "completed"]


def _ends(traffic: Traffic, video_id: str) -> list[Exchange]:
    """Return the responses in which a job is completed."""
    return [each.exchange for each in _completed(traffic, video_id)]


def _typed(requirement: str, variant: str) -> Rule:
    """Return the rule that a file has the media type of its variant."""
    expected = MEDIA_TYPES[variant]

    @rule(requirement, f"a {variant} is {expected}", needs=f"a {variant} that is downloaded")
    def judge(traffic: Traffic, tally: Tally) -> None:
        for (video_id, downloaded), content in _whole_files(traffic):
            # Content that a job does not have yet, or no longer, is refused, which other requirements judge.
            has_ended = any(each.is_before(content) for each in _ends(traffic, video_id))
            if downloaded == variant and has_ended:
                tally.judged()
                if content.media_type != expected:
                    message = f"{content.summary} has the media type {shown(content.media_type)}, not {expected}"
                    tally.found(message, content, once=content.media_type)
                elif not content.length:
                    tally.found(f"{content.summary} is empty", content, once="")

    return judge


videos_are_mp4 = _typed("VID-CONTENT-001", "video")
thumbnails_are_webp = _typed("VID-CONTENT-005", "thumbnail")
spritesheets_are_jpeg = _typed("VID-CONTENT-006", "spritesheet")


@rule("VID-CONTENT-001", "a completed job has its file", needs="a download after a job was completed")
def completed_jobs_have_their_file(traffic: Traffic, tally: Tally) -> None:
    """Find files that are refused although a response said that the job is completed, and were never returned."""
    returned = [each for (_, variant), each in _files(traffic) if variant == "video"]
    for content in traffic.of("download_video_content"):
        video_id = video_id_of(content)
        is_plain = content.request_header("range") is None and content.layer != FUZZ and content.has_key
        if not is_plain or content.failure or _variant(traffic, content) != "video":
            continue
        before = [each for each in _completed(traffic, video_id) if each.exchange.is_before(content)]
        # That a file is there until it expires is another promise.
        was_there = any(video_id_of(each) == video_id and each.is_before(content) for each in returned)
        has_expired = any(is_past(each.video.get("expires_at"), content) for each in before)
        if not before or was_there or has_expired or traffic.may_be_gone(video_id, content):
            continue
        tally.judged()
        if content.status in NOT_COMPLETED:
            message = f"the job {video_id} was completed, and after that {content.summary}"
            tally.found(message, before[0].exchange, content, once=content.status)


@rule(
    "VID-CONTENT-008",
    "the files of a job are not returned before its end",
    needs="a download of a job that has not ended",
    probes=("unfinished",),
)
def files_are_not_given_out_early(traffic: Traffic, tally: Tally) -> None:
    """Find files that were returned although a later response, or another file, shows that the job had not ended."""
    for content in traffic.of("download_video_content"):
        snapshots = traffic.single.get(video_id_of(content), ())
        running = _running_later(snapshots, content)
        if running is None or content.failure or not content.has_key:
            continue
        tally.judged()
        # A server may look first whether it offers the variant.
        refusals = NOT_COMPLETED if _variant(traffic, content) == "video" else NOT_COMPLETED | {501}
        if _is_not_refused(content, refusals):
            message = f"{content.summary}, and after that the job was {running.status}"
            tally.found(message, content, running.exchange, once=video_id_of(content))
    wholes = dict(_whole_files(traffic))
    for key, content in _files(traffic):
        whole, ends = wholes.get(key), _ends(traffic, key[0])
        is_early = bool(ends) and all(content.is_before(each) for each in ends)
        if whole is not None and is_early and whole.body != content.body:
            message = f"{content.summary} with {content.length} bytes, before a response said that the job is completed"
            tally.found(f"{message}; the file has other bytes, {whole.length}", content, whole, once=key[0])


def _is_not_refused(content: Exchange, statuses: frozenset[int]) -> bool:
    """Tell whether the response is none of these refusals. A generated request may be refused for its flaw."""
    return content.is_ok or (content.layer != FUZZ and content.status not in statuses)


def _running_later(snapshots: Sequence[JobSnapshot], content: Exchange) -> JobSnapshot | None:
    """Return a snapshot which shows that a job had not ended when its content was returned; None without one."""
    running = next(
        (each for each in snapshots if content.is_before(each.exchange) and is_unfinished(each, snapshots)), None
    )
    if running is None or any(each.status in ENDED and each.exchange.is_before(running.exchange) for each in snapshots):
        return None  # another requirement forbids that a job goes on after its end
    return running


@rule(
    "VID-CONTENT-010",
    "a failed job has no files",
    needs="a download of a job that has failed",
    probes=("failed_content",),
    jobs=("failing",),
)
def failed_jobs_have_no_files(traffic: Traffic, tally: Tally) -> None:
    """Find files that were returned after their job had failed."""
    for content in traffic.of("download_video_content"):
        snapshots = traffic.single.get(video_id_of(content), ())
        failed = next(
            (each for each in snapshots if each.status == "failed" and each.exchange.is_before(content)), None
        )
        if failed is None or content.failure or not content.has_key:
            continue
        tally.judged()
        if _is_not_refused(content, NOT_COMPLETED | {410}):
            message = f"the job {video_id_of(content)} had failed, and then {content.summary}"
            tally.found(message, failed.exchange, content, once=video_id_of(content))


@rule(
    "VID-CONTENT-012", "downloads of one file are equal", needs="a file that is downloaded twice", probes=("downloads",)
)
def files_do_not_change(traffic: Traffic, tally: Tally) -> None:
    """Compare the bytes of each download with those of the first download of the same file."""
    first: dict[tuple[str, str], Exchange] = {}
    for key, content in _whole_files(traffic):
        other = first.setdefault(key, content)
        if other is not content:
            tally.judged()
            if other.body != content.body:
                message = f"two downloads of the {key[1]} of {key[0]} differ: {len(other.body)} and {len(content.body)}"
                tally.found(f"{message} bytes", other, content, once=key)


@rule(
    "VID-CONTENT-015",
    "an ETag belongs to one file",
    needs="two downloads that have an ETag",
    probes=("downloads",),
)
def etags_are_those_of_files(traffic: Traffic, tally: Tally) -> None:
    """Compare the ETags of one file over time, and the files that have the same strong ETag."""
    tags: dict[tuple[str, str], Exchange] = {}
    files: dict[str, tuple[tuple[str, str], Exchange]] = {}
    changed = _changed(traffic)
    for content in traffic.of("download_video_content"):
        variant, tag = _variant(traffic, content), content.header("etag")
        if not content.is_ok or content.status not in {200, 206} or variant is None or not tag:
            continue
        if _may_be_another(traffic, content):
            continue
        key = video_id_of(content), variant
        other = tags.setdefault(key, content)
        if other is not content and key not in changed:
            tally.judged()
            if other.header("etag") != tag:
                message = (
                    f"the ETag of the {variant} of {key[0]} was {shown(other.header('etag'))}, and is {shown(tag)}"
                )
                tally.found(message, other, content, once=key)
        if content.status == 200 and not tag.startswith("W/"):  # noqa: PLR2004 - HTTP's own
            known, seen = files.setdefault(tag, (key, content))
            if seen is not content:
                tally.judged()
                if seen.body != content.body:
                    message = f"{shown(tag)} is the ETag of the {known[1]} of {known[0]}, and of a different file"
                    tally.found(message, seen, content, once=tag)


def _changed(traffic: Traffic) -> set[tuple[str, str]]:
    """Return the files whose bytes changed, so that their ETags must change, too."""
    first: dict[tuple[str, str], Exchange] = {}
    return {key for key, content in _whole_files(traffic) if first.setdefault(key, content).body != content.body}


@rule("VID-CONTENT-017", "a range is the part of the file that its Content-Range names", needs="a range of a file")
def ranges_are_parts(traffic: Traffic, tally: Tally) -> None:
    """Compare each single range with its Content-Range, and with the complete file if that was downloaded."""
    wholes = dict(_whole_files(traffic))
    for content in traffic.of("download_video_content"):
        if content.failure or content.status != 206 or content.media_type.startswith("multipart/"):  # noqa: PLR2004 - HTTP's own
            continue
        tally.judged()
        content_range = content.header("content-range") or ""
        found = _RANGE.fullmatch(content_range)
        if found is None:
            tally.found(f"{content.summary} has Content-Range {shown(content_range)}", content, once="form")
            continue
        begin, end = int(found[1]), int(found[2])
        if content.length != end - begin + 1:
            message = f"{content.summary} has Content-Range {content_range}, and {content.length} bytes"
            tally.found(message, content, once="length")
            continue
        variant = _variant(traffic, content)
        file = wholes.get((video_id_of(content), variant)) if variant is not None else None
        if file is None:
            continue
        if found[3] not in {"*", str(file.length)}:
            tally.found(
                f"{content.summary} has Content-Range {content_range}; the file has {file.length} bytes",
                file,
                content,
                once="total",
            )
        elif content.length == len(content.body) and content.body != file.body[begin : end + 1]:
            tally.found(
                f"{content.summary} has Content-Range {content_range}, and other bytes than the file has there",
                file,
                content,
                once="bytes",
            )


@rule(
    "VID-CONTENT-023",
    "Content-Length is the length of the body",
    needs="a response with Content-Length",
    probes=("downloads",),
)
def lengths_are_right(traffic: Traffic, tally: Tally) -> None:
    """Compare the Content-Length of each response with the number of bytes that were received."""
    for exchange in traffic.exchanges:
        content_length = exchange.header("content-length")
        if content_length is None or exchange.method == "HEAD" or exchange.status in {204, 304}:
            continue
        if not content_length.isdecimal() or len(content_length) > _DIGITS:
            continue  # another requirement forbids that
        if exchange.header("transfer-encoding") or exchange.header("content-encoding") not in {None, "identity"}:
            continue
        if exchange.failure and not _CUT.search(exchange.failure):
            continue
        tally.judged()
        if exchange.failure or int(content_length) != exchange.length:
            received = exchange.failure or f"{exchange.length} bytes were received"
            path = f"{exchange.method} {exchange.target} -> {exchange.status}"
            tally.found(f"{path} has Content-Length {content_length}: {received}", exchange, once=exchange.operation)
