"""Check remixes: a new prompt, the other fields of the source, and an unchanged source."""

from __future__ import annotations

from typing import Any

import pytest

from .._core.contract import Contract
from .._core.operations import CREATING, ENDED, video_path
from .._core.outcomes import NotReachedError
from .._core.own_jobs import job_id
from .._history.lifecycle_rules import CONSTANT
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import BAD_INPUT, NOT_COMPLETED, accepted, expect, shown, violated
from .._probes.creates import is_known, not_busy
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
    # The rule of this requirement judges whether it fits its schema.
    accepted(not_busy(remix.created), "remixing a completed video")
    video_id = _accepted(remix)["id"]
    for exchange in client.history:
        is_before = exchange.number < remix.created.number and exchange.operation in CREATING and exchange.is_ok
        if is_before and exchange.object.get("id") == video_id:
            raise violated(
                f"a remix returns the id of an earlier job, {video_id!r}",
                exchange,
                remix.created,
            )
    is_known(client, remix.created, "a remix")


@checks("VID-REMIX-004", phase=Phase.LATE)
def test_a_remix_does_not_change_its_source(client: RecordingClient, remix: Remix, contract: Contract) -> None:
    _accepted(remix)
    after = expect(remix.after, 200, "retrieving the source of a remix")
    # A url that is signed anew for each response is not a change.
    fields = contract.schema("Video")["properties"].keys() - {"url"}
    moving: set[str] = set()  # those that move by themselves, which another requirement judges
    for each in client.history:
        if each.number < remix.before.number and each.is_ok and each.object.get("id") == remix.source.id:
            still = fields if each.object.get("status") in ENDED else CONSTANT
            moving |= {name for name in still if each.object.get(name) not in (None, remix.before.object.get(name))}
    for field in sorted(fields):
        before, now = remix.before.object.get(field), after.object.get(field)
        if before != now and field not in moving:
            raise violated(
                f"the {field} of the source was {shown(before)} before it was remixed, and is {shown(now)} now",
                remix.before,
                remix.created,
                after,
            )


@checks("VID-DELETE-007", phase=Phase.CLOSING, capability="remix")
def test_deleting_a_source_leaves_its_remix(client: RecordingClient, remix: Remix) -> None:
    # At the very end, since other checks need the source.
    path = video_path(str(_accepted(remix)["id"]))
    before, deleted, after = client.get(path), client.delete(remix.source.path), client.get(path)
    if not before.is_ok or not deleted.is_ok:
        raise NotReachedError("the remix or its source was gone, or could not be deleted", before, deleted)
    expect(not_busy(after), 200, f"retrieving a remix after its source, {remix.source.id}, was deleted")


@checks("VID-REMIX-005")
def test_remixing_an_unfinished_job_is_refused(unfinished: UnfinishedJob) -> None:
    status = shown(unfinished.retrieved.object.get("status"))
    expect(unfinished.remix, NOT_COMPLETED, f"remixing a job that is {status}")


@checks("VID-REMIX-005", phase=Phase.LATE, jobs=("failing",), capability="failing")
def test_remixing_a_failed_job_is_refused(client: RecordingClient, jobs: JobPool) -> None:
    job = jobs.ended("failing")
    if job.status != "failed":
        raise NotReachedError(f"the job that should fail is {shown(job.status)}")
    expect(
        client.post(f"{job.path}/remix", json={"prompt": "Once more"}), NOT_COMPLETED, "remixing a job that has failed"
    )


@checks("VID-REMIX-006")
def test_remixing_an_unfinished_job_is_a_conflict(unfinished: UnfinishedJob) -> None:
    status = shown(unfinished.retrieved.object.get("status"))
    if unfinished.remix.is_ok:
        raise NotReachedError("the remix was not refused", unfinished.remix)
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
