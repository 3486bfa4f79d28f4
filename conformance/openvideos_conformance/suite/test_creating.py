"""Check that creates are accepted, and that their responses have the requested values."""

from __future__ import annotations

import base64

import pytest

from .._core.exchange import Exchange
from .._core.operations import VIDEO
from .._core.outcomes import NotReachedError
from .._core.target import Target
from .._inputs.media_files import NO_PICTURE
from .._judging.assertions import BAD_INPUT, expect, fits, same, shown, violated
from .._probes.creates import ConcurrentCreate, create_of, not_busy
from .._pytest.marker import Phase, checks
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient

ECHOED = ("model", "prompt", "size", "seconds", "remixed_from_video_id", "error")
"""The fields that are equal in the responses to two equal creates."""

NO_PICTURE_URL = f"data:image/png;base64,{base64.b64encode(NO_PICTURE[1]).decode()}"
REFUSED_REFERENCE = BAD_INPUT | {413, 415, 501}
"""The statuses for a reference that the server does not offer, or cannot use."""


def _echoes(field: str, *exchanges: Exchange) -> None:
    """Expect that each create returns the value of a field that it requested."""
    seen = 0
    for exchange in exchanges:
        value = exchange.object.get(field)
        if field in exchange.request_fields and exchange.is_ok:
            same(value, exchange.request_fields[field], f"the {field} of the response to a create", exchange)
            seen += value is not None
    if not seen:
        raise NotReachedError(f"no create requested a {field}, or no response has it", *exchanges[:1])


@checks("VID-CREATE-001", jobs=("doomed",))
@pytest.mark.parametrize("name", ["plain", "doomed"])
def test_a_legal_create_returns_a_video(jobs: JobPool, name: str) -> None:
    fits(create_of(jobs, name), VIDEO, "a legal create")


@checks("VID-CREATE-001")
def test_concurrent_creates_return_videos(concurrent_creates: list[ConcurrentCreate]) -> None:
    for each in concurrent_creates:
        fits(each.created, VIDEO, "a legal create among others")


@checks("VID-CREATE-002")
def test_a_create_as_a_form_is_accepted(jobs: JobPool) -> None:
    plain = create_of(jobs, "plain")
    if jobs.refused_form is not None:
        raise violated(
            f"a create as multipart/form-data returns {jobs.refused_form.status}; the same as JSON is accepted",
            jobs.refused_form,
            plain,
        )
    expect(plain, 200, "a create as multipart/form-data")


@checks("VID-CREATE-003", jobs=("json",))
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


@checks("VID-CREATE-004")
def test_the_prompt_comes_back_to_the_letter(jobs: JobPool, concurrent_creates: list[ConcurrentCreate]) -> None:
    _echoes("prompt", jobs["plain"].created, *(each.created for each in concurrent_creates))


@checks("VID-CREATE-004", jobs=("longest",))
def test_the_longest_prompt_comes_back_to_the_letter(jobs: JobPool) -> None:
    _echoes("prompt", create_of(jobs, "longest"))


@checks("VID-CREATE-004", jobs=("json",), capability="json")
def test_the_prompt_of_a_json_create_comes_back_to_the_letter(jobs: JobPool) -> None:
    _echoes("prompt", jobs["json"].created)


@checks("VID-CREATE-005")
def test_the_size_comes_back(jobs: JobPool, concurrent_creates: list[ConcurrentCreate]) -> None:
    _echoes("size", jobs["plain"].created, *(each.created for each in concurrent_creates))


@checks("VID-CREATE-006")
def test_the_seconds_come_back(jobs: JobPool, concurrent_creates: list[ConcurrentCreate]) -> None:
    _echoes("seconds", jobs["plain"].created, *(each.created for each in concurrent_creates))


@checks("VID-CREATE-007")
def test_the_model_comes_back(jobs: JobPool, concurrent_creates: list[ConcurrentCreate]) -> None:
    _echoes("model", jobs["plain"].created, *(each.created for each in concurrent_creates))


@checks("VID-CREATE-008", jobs=("defaults",))
@pytest.mark.parametrize("field", ["seconds", "size"])
def test_what_the_server_chose_is_named(jobs: JobPool, field: str) -> None:
    exchange = expect(create_of(jobs, "defaults"), 200, "a create without seconds and size")
    if exchange.object.get(field) is None:
        raise violated(f"a create without {field} is accepted, and the response does not say which it has", exchange)


@checks("VID-CREATE-009")
def test_concurrent_creates_have_ids_of_their_own(concurrent_creates: list[ConcurrentCreate]) -> None:
    taken: dict[str, ConcurrentCreate] = {}
    for each in concurrent_creates:
        if each.id in taken:
            raise violated(
                f"two concurrent creates returned one id, {each.id!r}",
                taken[each.id].created,
                each.created,
            )
        taken[each.id] = each
        known = each.retrieved.object.get("prompt") if each.retrieved.is_ok else None
        what = f"the prompt of the job {each.id}, retrieved after its create among concurrent ones,"
        same(known, each.created.request_fields["prompt"], what, each.created, each.retrieved)


@checks("VID-CREATE-009", phase=Phase.LATE)
def test_no_two_creates_of_the_run_have_one_id(client: RecordingClient) -> None:
    taken: dict[str, Exchange] = {}
    for exchange in client.history:
        # Two creates with one Idempotency-Key return one id on purpose.
        if exchange.operation != "create_video" or not exchange.is_ok or exchange.request_header("idempotency-key"):
            continue
        video_id = str(exchange.object.get("id"))
        if video_id in taken:
            raise violated(f"two creates returned one id, {video_id!r}", taken[video_id], exchange)
        taken[video_id] = exchange


@checks("VID-CREATE-010")
def test_a_job_is_known_as_soon_as_it_was_created(concurrent_creates: list[ConcurrentCreate]) -> None:
    for each in concurrent_creates:
        expect(each.retrieved, 200, f"retrieving the job {each.id} as soon as its create has returned")


@checks("VID-CREATE-011", jobs=("longest",))
def test_the_longest_legal_prompt_is_accepted(jobs: JobPool) -> None:
    exchange = create_of(jobs, "longest")
    prompt = str(exchange.request_fields.get("prompt", ""))
    length = f"{len(prompt)} characters, {len(prompt.encode())} bytes"
    fits(exchange, VIDEO, f"a create with the longest legal prompt ({length})")


@checks("VID-CREATE-012", jobs=("reference",))
def test_an_image_file_as_a_reference_is_accepted(jobs: JobPool) -> None:
    fits(create_of(jobs, "reference"), VIDEO, "a create with a PNG file as its input_reference")


@checks("VID-CREATE-013", jobs=("reference",))
@pytest.mark.parametrize(
    ("what", "file"),
    [
        ("text that says it is a PNG", NO_PICTURE),
        ("text that says it is text", ("reference.txt", NO_PICTURE[1], "text/plain")),
        ("an empty file", ("reference.png", b"", "image/png")),
    ],
    ids=["no-picture", "text", "empty"],
)
def test_a_reference_that_is_no_image_is_refused(
    client: RecordingClient, target: Target, what: str, file: tuple[str, bytes, str]
) -> None:
    form = {**target.choice(prompt="The picture comes to life"), "input_reference": file}
    exchange = not_busy(client.post("/videos", form=form))
    expect(exchange, BAD_INPUT | {415}, f"a create whose input_reference is {what}")


@checks("VID-CREATE-016")
def test_a_reference_in_a_form_that_leads_to_no_image_is_refused(client: RecordingClient, target: Target) -> None:
    form = {**target.choice(prompt="The picture comes to life"), "input_reference[image_url]": NO_PICTURE_URL}
    exchange = not_busy(client.post("/videos", form=form))
    expect(exchange, REFUSED_REFERENCE, "a create in a form whose input_reference[image_url] leads to no image")


@checks("VID-CREATE-016", capability="json")
def test_a_reference_by_url_that_leads_to_no_image_is_refused(client: RecordingClient, target: Target) -> None:
    body = {**target.choice(prompt="The picture comes to life"), "input_reference": {"image_url": NO_PICTURE_URL}}
    exchange = not_busy(client.post("/videos", json=body))
    expect(exchange, REFUSED_REFERENCE, "a create as JSON whose image_url leads to no image")


@checks("VID-CREATE-014")
def test_a_new_job_is_no_remix_and_has_no_error(jobs: JobPool, concurrent_creates: list[ConcurrentCreate]) -> None:
    created = [jobs["plain"].created, *(each.created for each in concurrent_creates)]
    for exchange in [*created, *(each.retrieved for each in concurrent_creates)]:
        video = exchange.object
        if video.get("remixed_from_video_id") is not None:
            source = shown(video["remixed_from_video_id"])
            raise violated(f"a new job has the remixed_from_video_id {source}, but is not a remix", exchange)
        if video.get("error") is not None and video.get("status") != "failed":
            raise violated(f"a new job that is {video.get('status')!r} has the error {shown(video['error'])}", exchange)


@checks("VID-CREATE-015", jobs=("unknown_field",))
def test_an_unknown_field_is_ignored(jobs: JobPool) -> None:
    fits(create_of(jobs, "unknown_field"), VIDEO, "a create with a field that the contract does not have")
