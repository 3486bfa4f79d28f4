"""Check that creates are accepted, and that their responses have the requested values."""

from __future__ import annotations

import base64
from collections.abc import Collection

import pytest

from .._core.exchange import Exchange
from .._core.operations import CREATING
from .._core.outcomes import NotReachedError
from .._core.own_jobs import created_ids, job_id
from .._core.target import Target
from .._inputs.media_files import NO_PICTURE
from .._judging.assertions import BAD_INPUT, accepted, expect, shown, violated
from .._probes.creates import create_of, end_of, not_busy
from .._probes.invalid_requests import newest
from .._pytest.marker import Phase, checks
from .._server.capabilities import Capabilities
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient

ECHOED = ("model", "prompt", "size", "seconds", "remixed_from_video_id", "error")
"""The fields that are equal in the responses to two equal creates."""

NO_PICTURE_URL = f"data:image/png;base64,{base64.b64encode(NO_PICTURE[1]).decode()}"
_UNKNOWN = 404
REFUSED_REFERENCE = BAD_INPUT | {413, 415, 501}
"""The statuses for a reference that the server does not offer, or cannot use."""


@checks("VID-CREATE-002", jobs=("doomed",))
def test_a_create_as_a_form_is_accepted(jobs: JobPool) -> None:
    plain = create_of(jobs, "plain")
    if jobs.refused_form is not None:
        raise violated(
            f"a create as multipart/form-data returns {jobs.refused_form.status}; the same as JSON is accepted",
            jobs.refused_form,
            plain,
        )
    accepted(plain, "a create as multipart/form-data")
    accepted(create_of(jobs, "doomed"), "another create as multipart/form-data")


@checks("VID-CREATE-003", jobs=("json", "json_utf8"))
def test_a_create_as_json_returns_the_same_as_a_form(jobs: JobPool) -> None:
    form, as_json = create_of(jobs, "plain"), create_of(jobs, "json")
    if not form.is_ok:
        raise NotReachedError("the create as a form was not accepted, so there is nothing to compare with", form)
    expect(as_json, form.status or 200, "the create as JSON of a form that was accepted")
    for field in ECHOED:
        one, other = form.object.get(field), as_json.object.get(field)
        if one != other:
            raise violated(
                f"the {field} of the response to a create is {shown(other)} as JSON, and {shown(one)} as a form",
                form,
                as_json,
            )
    accepted(create_of(jobs, "json_utf8"), "a create as JSON of the media type application/json; charset=utf-8")


@checks("VID-CREATE-017", phase=Phase.LATE, jobs=("json", "doomed"))
def test_a_create_starts_one_job(client: RecordingClient, offered: Capabilities) -> None:
    videos, pages = newest(client, offered)
    creates = [each for each in client.history if each.operation in CREATING]
    given = created_ids(creates)
    if not given & {str(video.get("id")) for video in videos}:
        raise NotReachedError("the list has no job of this run, so it might lack others, too", *pages)
    # A create whose response was lost may have started a job, and one that was refused; others judge that.
    unclear = {str(each.request_fields.get("prompt")) for each in creates if not each.is_ok}
    accepted_by = {each.request_fields.get("prompt"): each for each in creates if each.is_ok}
    for video in videos:
        prompt = video.get("prompt")
        is_ours = isinstance(prompt, str) and client.run_id in prompt and video.get("id") not in given
        if is_ours and prompt in accepted_by and prompt not in unclear:
            raise violated(
                f"the list has the job {shown(video.get('id'))}, which no create of this run returned; its prompt is "
                "that of an accepted create",
                accepted_by[prompt],
                *pages[:1],
            )


@checks("VID-CREATE-008", jobs=("defaults",))
@pytest.mark.parametrize("field", ["seconds", "size"])
def test_what_the_server_chose_is_named(jobs: JobPool, field: str) -> None:
    exchange = create_of(jobs, "defaults")
    if not exchange.is_ok:
        raise NotReachedError("a create without seconds and size was not accepted", exchange)
    if exchange.object.get(field) is None:
        raise violated(f"a create without {field} is accepted, and the response does not say which it has", exchange)


@checks("VID-CREATE-011", jobs=("longest",))
def test_the_longest_legal_prompt_is_accepted(jobs: JobPool) -> None:
    exchange = create_of(jobs, "longest")
    prompt = str(exchange.request_fields.get("prompt", ""))
    length = f"{len(prompt)} characters, {len(prompt.encode())} bytes"
    accepted(exchange, f"a create with the longest legal prompt ({length})")


@checks("VID-CREATE-012", jobs=("reference", "jpeg", "webp"))
def test_an_image_file_as_a_reference_is_accepted(jobs: JobPool) -> None:
    accepted(create_of(jobs, "reference"), "a create with a PNG file as its input_reference")
    accepted(create_of(jobs, "jpeg"), "a create with a JPEG file as its input_reference, before the other fields,")
    accepted(create_of(jobs, "webp"), "a create with a WebP file as its input_reference")


@checks("VID-CREATE-013", phase=Phase.LATE, jobs=("reference",))
def test_a_reference_that_is_no_image_is_refused(client: RecordingClient, target: Target) -> None:
    files = {
        "text that says it is a PNG": NO_PICTURE,
        "text that says it is text": ("reference.txt", NO_PICTURE[1], "text/plain"),
        "an empty file": ("reference.png", b"", "image/png"),
    }
    fields = target.choice(prompt="The picture comes to life")
    sent = {
        f"a create whose input_reference is {what}": not_busy(
            client.post("/videos", form={**fields, "input_reference": file})
        )
        for what, file in files.items()
    }
    for what, exchange in sent.items():
        _makes_no_video(client, exchange, BAD_INPUT | {415}, what)


@checks("VID-CREATE-016", phase=Phase.LATE)
def test_a_reference_in_a_form_that_leads_to_no_image_is_refused(client: RecordingClient, target: Target) -> None:
    form = {**target.choice(prompt="The picture comes to life"), "input_reference[image_url]": NO_PICTURE_URL}
    what = "a create in a form whose input_reference[image_url] leads to no image"
    _makes_no_video(client, not_busy(client.post("/videos", form=form)), REFUSED_REFERENCE, what)


@checks("VID-CREATE-016", phase=Phase.LATE, jobs=("json",), capability="json")
def test_a_reference_by_url_that_leads_to_no_image_is_refused(client: RecordingClient, target: Target) -> None:
    body = {**target.choice(prompt="The picture comes to life"), "input_reference": {"image_url": NO_PICTURE_URL}}
    what = "a create as JSON whose image_url leads to no image"
    _makes_no_video(client, not_busy(client.post("/videos", json=body)), REFUSED_REFERENCE, what)


def _makes_no_video(client: RecordingClient, created: Exchange, refused: Collection[int], what: str) -> None:
    """Expect that a create is refused, or that its job fails with an error."""
    if not created.is_ok or not job_id(created):
        expect(created, refused, what)
        return
    last = end_of(client, created)
    status = last.object.get("status")
    if status != "failed" or not last.object.get("error"):
        how = "failed without an error" if status == "failed" else f"ended as {shown(status)}"
        raise violated(f"{what}: was accepted, and its job {how}", created, last)


@checks("VID-CREATE-016", jobs=("json", "image_url"), capability="json")
def test_a_reference_by_url_is_used_or_refused(jobs: JobPool) -> None:
    exchange = create_of(jobs, "image_url")
    if not exchange.is_ok:
        expect(exchange, REFUSED_REFERENCE, "a create as JSON with an image_url, which was not accepted")


@checks("VID-CREATE-015", jobs=("unknown_field",))
def test_an_unknown_field_is_ignored(jobs: JobPool) -> None:
    accepted(create_of(jobs, "unknown_field"), "a create with a field that the contract does not have")
