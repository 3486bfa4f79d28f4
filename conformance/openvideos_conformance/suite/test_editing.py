"""Check edits and extensions."""

from __future__ import annotations

from typing import Any

import pytest

from .._core.exchange import Exchange
from .._core.outcomes import NotReachedError
from .._core.own_jobs import job_id
from .._core.target import Target
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import BAD_INPUT, NOT_COMPLETED, accepted, expect, shown, violated
from .._probes.creates import is_known, not_busy
from .._probes.unfinished_job import UnfinishedJob
from .._pytest.marker import Phase, checks
from .._server.downloads import Files
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient

EDIT, EXTEND = "/videos/edits", "/videos/extensions"
PROMPT = "Make it night, «ночь», 夜"
NO_SOURCE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("no prompt", {"prompt": ...}),
    ("an empty prompt", {"prompt": ""}),
    ("a number as its prompt", {"prompt": 7}),
    ("no video", {"video": ...}),
    ("a video without an id", {"video": {}}),
    ("null as its video", {"video": None}),
    ("a number as the id of its video", {"video": {"id": 7}}),
    ("an empty id of its video", {"video": {"id": ""}}),
)
"""Changes of a legal body that break its schema; `...` means that the field is removed."""

NO_SECONDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("no seconds", {"seconds": ...}),
    ("0 seconds", {"seconds": "0"}),
    ("-4 seconds", {"seconds": "-4"}),
    ("seconds that are a word", {"seconds": "four"}),
    ("empty seconds", {"seconds": ""}),
)


def _changed(body: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (body | change).items() if value is not ...}


def _is_new(exchange: Exchange, source: str, client: RecordingClient, what: str) -> None:
    """Expect a new job, which is known immediately. A rule judges whether it fits its schema and has its prompt."""
    _is_another(exchange, source, what)
    if job_id(exchange):
        is_known(client, exchange, what)


def _is_another(exchange: Exchange, source: str, what: str) -> None:
    """Expect that a job other than its source was accepted."""
    accepted(not_busy(exchange), what)
    if job_id(exchange) == source:
        raise violated(f"{what} returns the id of its source, {source!r}", exchange)


# ---------------------------------------------------------------- edits
@checks("VID-EDIT-001", phase=Phase.LATE)
def test_editing_a_completed_video_starts_a_new_job(client: RecordingClient, jobs: JobPool, edit: Exchange) -> None:
    _is_new(edit, jobs.completed().id, client, "editing a completed video")


@checks("VID-EDIT-002", phase=Phase.LATE, starts=1)
def test_editing_a_file_starts_a_new_job(client: RecordingClient, files: Files) -> None:
    form = {"prompt": PROMPT, "video": ("video.mp4", files.upload, "video/mp4")}
    exchange = client.post(EDIT, form=form)
    _is_new(exchange, "", client, "editing an uploaded MP4")


@checks("VID-EDIT-005", phase=Phase.LATE, starts=1)
def test_editing_a_completed_video_by_a_form_starts_a_new_job(client: RecordingClient, jobs: JobPool) -> None:
    source = jobs.completed().id
    exchange = client.post(EDIT, form={"prompt": PROMPT, "video[id]": source})
    _is_another(exchange, source, "editing a completed video by a form")


@checks("VID-EDIT-003")
def test_editing_an_unknown_id_is_refused(client: RecordingClient, jobs: JobPool) -> None:
    body = {"prompt": PROMPT, "video": {"id": unknown_like(jobs["plain"].id)}}
    expect(client.post(EDIT, json=body), NOT_COMPLETED, "editing an unknown id")


@checks("VID-EDIT-003")
def test_editing_an_unfinished_job_is_refused(unfinished: UnfinishedJob) -> None:
    status = shown(unfinished.retrieved.object.get("status"))
    expect(unfinished.edit, NOT_COMPLETED, f"editing a job that is {status}")


@checks("VID-EDIT-003", phase=Phase.LATE, jobs=("failing",), capability="failing")
def test_editing_a_failed_job_is_refused(client: RecordingClient, jobs: JobPool) -> None:
    body = {"prompt": PROMPT, "video": {"id": _failed(jobs)}}
    expect(client.post(EDIT, json=body), NOT_COMPLETED, "editing a job that has failed")


@checks("VID-EDIT-004", phase=Phase.LATE)
@pytest.mark.parametrize(("what", "change"), NO_SOURCE, ids=[what for what, _ in NO_SOURCE])
def test_an_edit_that_breaks_its_schema_is_refused(
    client: RecordingClient, jobs: JobPool, what: str, change: dict[str, Any]
) -> None:
    body = {"prompt": PROMPT, "video": {"id": jobs.completed().id}}
    expect(client.post(EDIT, json=_changed(body, change)), BAD_INPUT, f"an edit with {what}")


@checks("VID-EDIT-004")
def test_an_edit_as_a_form_without_a_file_is_refused(client: RecordingClient) -> None:
    expect(client.post(EDIT, form={"prompt": PROMPT}), BAD_INPUT, "an edit as a form without a video")


# ---------------------------------------------------------------- extensions
@checks("VID-EXTEND-001", phase=Phase.LATE)
def test_extending_a_completed_video_starts_a_new_job(
    client: RecordingClient, jobs: JobPool, extension: Exchange
) -> None:
    _is_new(extension, jobs.completed().id, client, "extending a completed video")


@checks("VID-EXTEND-005", phase=Phase.LATE, starts=1)
def test_extending_a_completed_video_by_a_form_starts_a_new_job(
    client: RecordingClient, jobs: JobPool, extension: Exchange
) -> None:
    source = jobs.completed().id
    form = {"prompt": PROMPT, "seconds": extension.request_fields["seconds"], "video[id]": source}
    _is_another(client.post(EXTEND, form=form), source, "extending a completed video by a form")


@checks("VID-EXTEND-003")
def test_extending_an_unknown_id_is_refused(client: RecordingClient, jobs: JobPool, target: Target) -> None:
    body = {"prompt": PROMPT, "seconds": target.seconds or "4", "video": {"id": unknown_like(jobs["plain"].id)}}
    expect(client.post(EXTEND, json=body), NOT_COMPLETED, "extending an unknown id")


@checks("VID-EXTEND-003")
def test_extending_an_unfinished_job_is_refused(unfinished: UnfinishedJob) -> None:
    status = shown(unfinished.retrieved.object.get("status"))
    expect(unfinished.extend, NOT_COMPLETED, f"extending a job that is {status}")


@checks("VID-EXTEND-003", phase=Phase.LATE, jobs=("failing",), capability="failing")
def test_extending_a_failed_job_is_refused(client: RecordingClient, jobs: JobPool, target: Target) -> None:
    body = {"prompt": PROMPT, "seconds": target.seconds or "4", "video": {"id": _failed(jobs)}}
    expect(client.post(EXTEND, json=body), NOT_COMPLETED, "extending a job that has failed")


@checks("VID-EXTEND-004", phase=Phase.LATE)
@pytest.mark.parametrize(("what", "change"), NO_SOURCE + NO_SECONDS, ids=[what for what, _ in NO_SOURCE + NO_SECONDS])
def test_an_extension_that_breaks_its_schema_is_refused(
    client: RecordingClient, jobs: JobPool, extension: Exchange, what: str, change: dict[str, Any]
) -> None:
    body = {"prompt": PROMPT, "seconds": extension.request_fields["seconds"], "video": {"id": jobs.completed().id}}
    expect(client.post(EXTEND, json=_changed(body, change)), BAD_INPUT, f"an extension with {what}")


@checks("VID-EXTEND-004")
def test_an_extension_as_a_form_without_a_file_is_refused(client: RecordingClient, target: Target) -> None:
    form = {"prompt": PROMPT, "seconds": target.seconds or "4"}
    expect(client.post(EXTEND, form=form), BAD_INPUT, "an extension as a form without a video")


def _failed(jobs: JobPool) -> str:
    job = jobs.ended("failing")
    if job.status != "failed":
        raise NotReachedError(f"the job that should fail is {shown(job.status)}")
    return job.id
