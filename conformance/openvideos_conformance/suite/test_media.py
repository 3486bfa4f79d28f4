"""Check that the files of a completed job are valid media, by decoding them."""

from __future__ import annotations

from .._core.exchange import Exchange
from .._core.outcomes import NotReachedError
from .._core.target import Target
from .._history.traffic import number
from .._judging.assertions import expect, shown, violated
from .._judging.media import Clip, MediaError, clip, is_as_long, picture
from .._pytest.marker import Phase, checks
from .._server.downloads import Files
from .._server.jobs import Job, JobPool
from .._server.recording_client import RecordingClient


@checks("VID-CONTENT-001", phase=Phase.LATE)
def test_the_content_of_a_completed_job_is_a_whole_mp4(files: Files) -> None:
    exchange = _returned(files, "video")
    try:
        clip(exchange.body)
    except MediaError as error:
        raise violated(
            f"the content of the completed job has {exchange.length} bytes, and {error}", exchange
        ) from error


@checks("VID-CONTENT-002", phase=Phase.LATE)
def test_the_clip_is_as_long_as_the_job_says(files: Files, jobs: JobPool, target: Target) -> None:
    job = jobs.completed()
    _is_as_long_as(job, files.video, _stated(job, "seconds", target.seconds))


def _is_as_long_as(job: Job, exchange: Exchange, stated: str) -> None:
    found, seconds = _readable(exchange), number(stated)
    if found.seconds is None or seconds is None:
        raise NotReachedError(f"the clip says that it is {found.seconds} s long, and the job {stated!r}", exchange)
    if not is_as_long(found.seconds, seconds):
        raise violated(
            f"the job {job.id} has {stated} seconds, and its clip is {found.seconds:.2f} s long", *_shown(job, exchange)
        )


@checks("VID-CONTENT-002", phase=Phase.LATE, capability="extensions")
def test_the_clip_of_an_extension_is_as_long_as_it_says(
    client: RecordingClient, jobs: JobPool, extension: Exchange
) -> None:
    del extension  # the job that is waited for is that of the probe
    job = jobs.completed("extension")
    exchange = client.get(f"{job.path}/content")
    if not exchange.is_ok:
        raise NotReachedError(f"the content of a completed extension is not returned: {exchange.summary}", exchange)
    _is_as_long_as(job, exchange, _stated(job, "seconds", None))


@checks("VID-CONTENT-003", phase=Phase.LATE)
def test_the_picture_has_the_size_that_the_job_says(files: Files, jobs: JobPool, target: Target) -> None:
    exchange, job = files.video, jobs.completed()
    found, stated = _readable(exchange), _stated(job, "size", target.size)
    size = f"{found.width}x{found.height}"
    if size != stated:
        raise violated(
            f"the job {job.id} has the size {stated}, and the picture of its clip is {size}", *_shown(job, exchange)
        )


@checks("VID-CONTENT-005", phase=Phase.LATE)
def test_the_thumbnail_is_a_webp_that_decodes(files: Files) -> None:
    _decodes(_returned(files, "thumbnail"), "WEBP")


@checks("VID-CONTENT-006", phase=Phase.LATE)
def test_the_spritesheet_is_a_jpeg_that_decodes(files: Files) -> None:
    _decodes(_returned(files, "spritesheet"), "JPEG")


def _returned(files: Files, variant: str) -> Exchange:
    """Return the download of a file that is a 200. A rule judges its media type."""
    return expect(files.response(variant), 200, f"the {variant} of a completed job")


def _decodes(exchange: Exchange, kind: str) -> None:
    try:
        picture(exchange.body, kind)
    except MediaError as error:
        raise violated(f"{exchange.summary} has {exchange.length} bytes, and {error}", exchange) from error


def _readable(exchange: Exchange) -> Clip:
    """Return the properties of the clip; another requirement judges whether it is valid."""
    if not exchange.is_ok:
        raise NotReachedError(f"there is no clip to measure: {exchange.summary}", exchange)
    try:
        return clip(exchange.body)
    except MediaError as error:
        raise NotReachedError(f"the clip cannot be measured: {error}", exchange) from error


def _stated(job: Job, field: str, requested: str | None) -> str:
    """Return a field of the job, or the requested value if the job does not have it."""
    value = job.video.get(field)
    if not isinstance(value, str) or not value:
        value = job.created.object.get(field) or requested
    if not isinstance(value, str) or not value:
        found = f"has no {field}" if value is None else f"has {field} {shown(value)}, which is no text"
        raise NotReachedError(f"the job {job.id} {found}", job.created)
    return value


def _shown(job: Job, content: Exchange) -> tuple[Exchange, ...]:
    return (*([job.last] if job.last is not None else []), content)
