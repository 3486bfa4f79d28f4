"""Check remixes: a new prompt, the other fields of the source, and an unchanged source."""

from __future__ import annotations

from typing import Any

import pytest

from .._core.contract import Contract
from .._core.operations import CREATING, VIDEO, video_path
from .._core.outcomes import NotReachedError
from .._core.own_jobs import job_id
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import BAD_INPUT, NOT_COMPLETED, expect, fits, same, shown, violated
from .._probes.creates import not_busy
from .._probes.derived_jobs import Remix
from .._probes.unfinished_job import UnfinishedJob
from .._pytest.marker import Phase, checks
from .._server.jobs import JobPool
from .._server.recording_client import RecordingClient


def _accepted(remix: Remix) -> dict[str, Any]:
    """Return the Video of a remix that was accepted.

    Raises:
        NotReachedError: The remix was not accepted.

    """
    if not remix.created.is_ok or not job_id(remix.created):
        raise NotReachedError(f"the remix was not accepted: {remix.created.summary}", remix.created)
    return remix.created.object


@checks("VID-REMIX-001", phase=Phase.LATE)
def test_remixing_a_completed_video_starts_a_new_job(client: RecordingClient, remix: Remix) -> None:
    video = fits(not_busy(remix.created), VIDEO, "remixing a completed video")
    for exchange in client.history:
        is_before = exchange.number < remix.created.number and exchange.operation in CREATING and exchange.is_ok
        if is_before and exchange.object.get("id") == video["id"]:
            raise violated(
                f"a remix returns the id of an earlier job, {video['id']!r}",
                exchange,
                remix.created,
            )
    what = "retrieving a remix right after its create"
    seen = fits(client.get(video_path(video["id"])), VIDEO, what).get("id")
    same(seen, video["id"], f"the id in the response to {what}")


@checks("VID-REMIX-002", phase=Phase.LATE)
def test_a_remix_names_its_source(client: RecordingClient, remix: Remix) -> None:
    path = video_path(str(_accepted(remix)["id"]))
    for exchange in (remix.created, client.get(path)):
        seen = exchange.object.get("remixed_from_video_id")
        if exchange.is_ok and seen != remix.source.id:
            raise violated(
                f"the remixed_from_video_id of a remix is {shown(seen)}, not its source, {remix.source.id!r}", exchange
            )


@checks("VID-REMIX-003", phase=Phase.LATE)
def test_a_remix_changes_the_prompt_alone(client: RecordingClient, remix: Remix) -> None:
    path = video_path(str(_accepted(remix)["id"]))
    for exchange in (remix.created, client.get(path)):
        same(exchange.object.get("prompt"), remix.fields["prompt"], "the prompt of a remix", exchange)
        for field in ("model", "seconds", "size"):
            expected = remix.before.object.get(field)
            if expected is not None:
                what = f"the {field} of a remix, whose source has another,"
                same(exchange.object.get(field), expected, what, remix.before, exchange)


@checks("VID-REMIX-004", phase=Phase.LATE)
def test_a_remix_does_not_change_its_source(remix: Remix, contract: Contract) -> None:
    _accepted(remix)
    after = expect(remix.after, 200, "retrieving the source of a remix")
    # A url that is signed anew for each response is not a change.
    for field in sorted(contract.schema("Video")["properties"].keys() - {"url"}):
        before, now = remix.before.object.get(field), after.object.get(field)
        if before != now:
            raise violated(
                f"the {field} of the source was {shown(before)} before it was remixed, and is {shown(now)} now",
                remix.before,
                remix.created,
                after,
            )


@checks("VID-REMIX-005")
def test_remixing_an_unfinished_job_is_refused(unfinished: UnfinishedJob) -> None:
    status = unfinished.retrieved.object.get("status")
    expect(unfinished.remix, NOT_COMPLETED, f"remixing a job that is {status}")


@checks("VID-REMIX-005", phase=Phase.LATE, jobs=("failing",), capability="failing")
def test_remixing_a_failed_job_is_refused(client: RecordingClient, jobs: JobPool) -> None:
    job = jobs.ended("failing")
    if job.status != "failed":
        raise NotReachedError(f"the job that should fail is {job.status!r}")
    expect(
        client.post(f"{job.path}/remix", json={"prompt": "Once more"}), NOT_COMPLETED, "remixing a job that has failed"
    )


@checks("VID-REMIX-006")
def test_remixing_an_unfinished_job_is_a_conflict(unfinished: UnfinishedJob) -> None:
    status = unfinished.retrieved.object.get("status")
    expect(unfinished.remix, 409, f"remixing a job that is {status}")


@checks("VID-REMIX-007")
def test_remixing_an_unknown_id_is_refused(client: RecordingClient, jobs: JobPool) -> None:
    path = video_path(unknown_like(jobs["plain"].id))
    expect(client.post(f"{path}/remix", json={"prompt": "Once more"}), 404, "remixing an unknown id")


@checks("VID-REMIX-008", phase=Phase.LATE)
@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("no prompt", {}),
        ("an empty prompt", {"prompt": ""}),
        ("a number as its prompt", {"prompt": 7}),
        ("null as its prompt", {"prompt": None}),
        ("a list as its prompt", {"prompt": ["A storm"]}),
        ("a list as its body", ["A storm"]),
    ],
    ids=["missing", "empty", "number", "null", "list", "body"],
)
def test_a_remix_without_a_legal_prompt_is_refused(
    client: RecordingClient, jobs: JobPool, what: str, body: object
) -> None:
    expect(client.post(f"{jobs.completed().path}/remix", json=body), BAD_INPUT, f"a remix with {what}")


@checks("VID-REMIX-008", phase=Phase.LATE)
def test_a_remix_with_a_prompt_that_is_too_long_is_refused(
    client: RecordingClient, jobs: JobPool, contract: Contract
) -> None:
    prompt = "a" * (int(contract.schema("Prompt")["maxLength"]) + 1)
    exchange = client.post(f"{jobs.completed().path}/remix", json={"prompt": prompt})
    expect(exchange, BAD_INPUT | {413}, f"a remix with a prompt of {len(prompt)} characters")
