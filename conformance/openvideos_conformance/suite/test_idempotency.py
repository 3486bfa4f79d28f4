"""Check requests that are repeated with the same Idempotency-Key, and with another one."""

from __future__ import annotations

from functools import partial

from .._core.exchange import Exchange
from .._core.outcomes import NotReachedError
from .._core.own_jobs import job_id
from .._inputs.media_files import image
from .._judging.assertions import shown, violated
from .._judging.list_walks import videos_on
from .._probes.concurrently import concurrently
from .._probes.creates import ConcurrentCreate, create, not_busy
from .._probes.derived_jobs import Remix
from .._probes.list_walks import largest
from .._probes.other_caller import ask_as_another
from .._pytest.marker import Phase, checks
from .._server.capabilities import Capabilities
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient

CLIENTS = 4
_CONFLICT = 409
HEADER = "idempotency-key"


def _again(client: RecordingClient, jobs: JobPool, first: Exchange, **changes: str) -> Exchange:
    """Repeat a create with its Idempotency-Key, with the fields in `changes`, and return the exchange."""
    return create(client, jobs, {**first.request_fields, **changes}, {HEADER: first.request_header(HEADER) or ""})


def _is_a_conflict(first: Exchange, other: Exchange, what: str) -> None:
    if not_busy(other).status != _CONFLICT:
        same_job = other.is_ok and job_id(other) == job_id(first)
        seen = "the job of the first body" if same_job else str(other.status)
        raise violated(f"a create with {what} and a used Idempotency-Key returns {seen}, not 409", first, other)


def _is_the_same(first: Exchange, repeated: Exchange, what: str) -> None:
    not_busy(repeated)
    if not repeated.is_ok:
        raise violated(
            f"{what} with its Idempotency-Key returns {repeated.status}, not the job that it started",
            first,
            repeated,
        )
    if job_id(repeated) != job_id(first):
        raise violated(
            f"{what} with its Idempotency-Key started a second job, {job_id(repeated)!r} beside {job_id(first)!r}",
            first,
            repeated,
        )


@checks("VID-IDEM-001")
def test_a_repeated_create_returns_the_job_of_the_first(offered: Capabilities) -> None:
    _is_the_same(*offered.repeated(), "a create that was repeated")


@checks("VID-IDEM-002")
def test_a_key_that_was_used_with_another_body_is_a_conflict(
    client: RecordingClient, jobs: JobPool, offered: Capabilities
) -> None:
    first, _ = offered.repeated()
    _is_a_conflict(first, _again(client, jobs, first, prompt="A lighthouse in the sun"), "another prompt")


@checks("VID-IDEM-002", capability="image-reference")
def test_a_key_that_was_used_without_this_file_is_a_conflict(
    client: RecordingClient, jobs: JobPool, offered: Capabilities
) -> None:
    first, _ = offered.repeated()
    if jobs.refused_form is not None:
        raise NotReachedError("the server accepts no files, since it refuses forms", jobs.refused_form)
    fields = {**first.request_fields, "input_reference": image(client.target.size)}
    again = create(client, jobs, fields, {HEADER: first.request_header(HEADER) or ""})
    if again.status in range(400, 500) and again.status != _CONFLICT:
        raise NotReachedError(f"the server may refuse the file itself: {again.summary}", again)
    _is_a_conflict(first, again, "a file more")


@checks("VID-IDEM-002", phase=Phase.LATE)
def test_a_conflict_leaves_the_key_to_the_first_body(
    client: RecordingClient, jobs: JobPool, offered: Capabilities
) -> None:
    first, _ = offered.repeated()
    _is_the_same(first, _again(client, jobs, first), "a create that was repeated later")


@checks("VID-IDEM-003", starts=1)
def test_concurrent_repeats_start_one_job(client: RecordingClient, jobs: JobPool, offered: Capabilities) -> None:
    offered.require("idempotency")
    fields = client.target.choice(prompt="One of several clocks strikes at once")
    headers = {HEADER: f"openvideos-conformance-{client.run_id}-concurrent"}
    responses = concurrently([partial(create, client, jobs, fields, headers)] * CLIENTS)
    started = {job_id(exchange): exchange for exchange in responses if exchange.is_ok}
    if len(started) > 1:
        raise violated(
            f"{CLIENTS} concurrent creates with one Idempotency-Key started {len(started)} jobs",
            *started.values(),
        )
    if not started:
        raise NotReachedError(f"none of {CLIENTS} concurrent creates was accepted", *responses)
    # A server may return one job to all, and still have started others, which are in the list.
    page = client.get("/videos", query={"limit": largest(client.contract)})
    prompt = responses[0].request_fields["prompt"]
    jobs_of = [video.get("id") for video in videos_on(page) if video.get("prompt") == prompt]
    if len(jobs_of) > 1:
        raise violated(
            f"{CLIENTS} concurrent creates with one Idempotency-Key made {len(jobs_of)} jobs: {jobs_of}",
            *started.values(),
            page,
        )


@checks("VID-IDEM-004", phase=Phase.LATE, capability="remix")
def test_a_repeated_remix_returns_the_job_of_the_first(client: RecordingClient, remix: Remix) -> None:
    if not remix.created.is_ok:
        raise NotReachedError(f"the remix was not accepted: {remix.created.summary}", remix.created)
    again = client.post(
        f"{remix.source.path}/remix", json=dict(remix.created.request_fields), headers={HEADER: remix.key}
    )
    _is_the_same(remix.created, again, "a remix that was repeated")


@checks("VID-IDEM-006", phase=Phase.LATE, capability="edits")
def test_a_repeated_edit_returns_the_job_of_the_first(client: RecordingClient, edit: Exchange) -> None:
    _repeats(client, edit, "an edit that was repeated")


@checks("VID-IDEM-006", phase=Phase.LATE, capability="extensions")
def test_a_repeated_extension_returns_the_job_of_the_first(client: RecordingClient, extension: Exchange) -> None:
    _repeats(client, extension, "an extension that was repeated")


@checks("VID-IDEM-007", capability="idempotency", starts=1)
def test_a_key_is_that_of_its_caller(client: RecordingClient, jobs: JobPool, offered: Capabilities) -> None:
    first, _ = offered.repeated()
    body = {"json": dict(first.request_fields)} if jobs.refused_form is not None else {"form": first.request_fields}
    headers = {HEADER: first.request_header(HEADER) or ""}
    other = not_busy(ask_as_another(client, "POST", "/videos", headers=headers, **body))
    if not other.is_ok and other.status != _CONFLICT:
        raise NotReachedError(f"another caller may not create such a video: {other.summary}", other)
    if not other.is_ok:
        raise violated(f"a create with the Idempotency-Key of another caller returns {other.status}", first, other)
    if job_id(other) == job_id(first):
        raise violated(f"a create with the Idempotency-Key of another caller returns its job, {job_id(other)!r}", other)


def _repeats(client: RecordingClient, first: Exchange, what: str) -> None:
    if not first.is_ok:
        raise NotReachedError(f"the first request was not accepted: {first.summary}", first)
    headers = {HEADER: first.request_header(HEADER) or ""}
    _is_the_same(first, client.post(first.path, json=dict(first.request_fields), headers=headers), what)


@checks("VID-IDEM-005", starts=1)
def test_creates_under_other_keys_start_jobs_of_their_own(
    client: RecordingClient, jobs: JobPool, offered: Capabilities
) -> None:
    first, _ = offered.repeated()
    # The keys have a common beginning, like those that a program numbers.
    key = f"{first.request_header(HEADER)}-other"
    other = not_busy(create(client, jobs, first.request_fields, {HEADER: key}))
    if not other.is_ok and other.status != _CONFLICT:
        raise NotReachedError(f"another caller may not create such a video: {other.summary}", other)
    if not other.is_ok:
        raise violated(f"the same create with another Idempotency-Key returns {shown(other.status)}", first, other)
    if job_id(other) == job_id(first):
        raise violated(f"two creates with different Idempotency-Keys returned one job, {job_id(first)!r}", first, other)


@checks("VID-IDEM-005")
def test_equal_creates_without_a_key_start_jobs_of_their_own(concurrent_creates: list[ConcurrentCreate]) -> None:
    first, last = concurrent_creates[0], concurrent_creates[-1]
    if first.created.request_fields["prompt"] != last.created.request_fields["prompt"]:
        raise NotReachedError("one of two equal creates was not accepted")
    if first.id == last.id:
        raise violated(
            f"two equal creates without an Idempotency-Key returned one job, {first.id!r}",
            first.created,
            last.created,
        )
