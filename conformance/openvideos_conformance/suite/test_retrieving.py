"""What retrieving a job is answered."""

from __future__ import annotations

from functools import partial

import pytest

from .._core.contract import Contract
from .._core.outcomes import NotReachedError
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import VIDEO, expect, fits, shown, violated
from .._probes.concurrently import together
from .._probes.creates import Take, not_busy, path_of
from .._probes.unfinished_job import Unfinished
from .._pytest.marker import Phase, checks
from .._server.jobs import JobPool
from .._server.recording_client import Wire

CLIENTS = 8


@checks("VID-RETRIEVE-001")
def test_a_known_job_is_retrieved(wire: Wire, jobs: JobPool, at_once: list[Take]) -> None:
    fits(wire.get(jobs["plain"].path), VIDEO, "retrieving a job")
    for take in at_once:
        fits(take.retrieved, VIDEO, "retrieving a job that was just created")


@checks("VID-RETRIEVE-001", phase=Phase.LATE)
def test_a_job_that_has_ended_is_retrieved(wire: Wire, jobs: JobPool) -> None:
    fits(wire.get(jobs.ended("plain").path), VIDEO, "retrieving a job that has ended")


@checks("VID-RETRIEVE-003")
@pytest.mark.parametrize("kind", ["like", "other"])
def test_an_id_that_was_never_given_out_is_unknown(wire: Wire, jobs: JobPool, kind: str) -> None:
    unknown = unknown_like(jobs["plain"].id if kind == "like" else "video_000000000000")
    exchange = wire.get(path_of(unknown))
    # Servers with a form of their own for ids may call another one malformed; an id in their form is unknown.
    allowed = {404} if kind == "like" else {404, 400, 422}
    expect(exchange, allowed, "retrieving an id that was never given out")


@checks("VID-RETRIEVE-004", phase=Phase.LATE, jobs=("failing",))
def test_a_failed_job_is_retrieved_as_failed(wire: Wire, jobs: JobPool) -> None:
    job = jobs.ended("failing")
    exchange = expect(wire.get(job.path), 200, "retrieving a job that has failed")
    status = exchange.object.get("status")
    if status == "completed":
        message = "the prompt that was said to make a job fail did not; name another with --failing-prompt"
        raise NotReachedError(message, exchange)
    if status != "failed":
        message = f"the status of a job that has failed is {shown(status)}"
        raise violated(message, exchange)


@checks("VID-RETRIEVE-005")
def test_a_running_job_says_when_to_ask_again(unfinished: Unfinished) -> None:
    exchange = unfinished.retrieved
    if exchange.header("openai-poll-after-ms") is None:
        message = f"retrieving a job that is {unfinished.retrieved.object.get('status')} has no openai-poll-after-ms"
        raise violated(message, exchange)


@checks("VID-RETRIEVE-006", phase=Phase.LATE)
def test_the_pause_is_a_whole_number(wire: Wire) -> None:
    hinted = [exchange for exchange in wire.history if exchange.header("openai-poll-after-ms") is not None]
    for exchange in hinted:
        hint = exchange.header("openai-poll-after-ms") or ""
        if not (hint.isascii() and hint.isdecimal()):
            message = f"openai-poll-after-ms is {shown(hint)}, not a whole number of milliseconds"
            raise violated(message, exchange)
    if not hinted:
        message = "no answer of this run has openai-poll-after-ms"
        raise NotReachedError(message)


@checks("VID-RETRIEVE-007", phase=Phase.LATE)
def test_a_video_has_the_recommended_fields(wire: Wire, jobs: JobPool, contract: Contract) -> None:
    recommended = set(contract.schema("Video")["x-recommended"])
    job = jobs["plain"]
    for what, exchange in (("a create", job.created), ("retrieving a job", wire.get(job.path))):
        absent = sorted(recommended - exchange.object.keys()) if exchange.is_ok else []
        if absent:
            message = f"the Video that {what} is answered with has no {', '.join(absent)}"
            raise violated(message, exchange)


@checks("VID-RETRIEVE-008")
def test_many_clients_at_once_are_each_given_the_job(wire: Wire, jobs: JobPool, at_once: list[Take]) -> None:
    ids = [jobs["plain"].id, at_once[0].id]

    wanted = [ids[number % 2] for number in range(CLIENTS)]
    answers = together([partial(wire.get, path_of(video_id)) for video_id in wanted])
    for video_id, exchange in zip(wanted, answers, strict=True):
        not_busy(exchange)
        what = f"retrieving {video_id}, among {CLIENTS} clients at once,"
        if expect(exchange, 200, what).object.get("id") != video_id:
            message = f"{what} is answered with {shown(exchange.object.get('id'))}"
            raise violated(message, exchange)
