"""Create jobs for checks: one, or several concurrently. The checks judge the responses."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .._core.operations import ENDED, video_path
from .._core.outcomes import NotReachedError, OverdueError
from .._core.own_jobs import job_id
from .._judging.assertions import violated
from .concurrently import concurrently
from .list_walks import largest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._core.exchange import Exchange
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

_VALUES_REFUSED: Final = frozenset({400, 404, 422})
"""The statuses of a create whose model, size or duration the server does not offer."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
"""How many seconds are between two retrieves of a job that goes on."""

PROMPTS: Final = (
    'Half full & half "empty": a <b>glass</b>, 50%25 of it, C:\\new',
    "A door opens.\nA cat comes in;\tit sits  down.",
    "Cafe\u0301, café, 👩‍🚀, 👨‍👩‍👧, 𠜎, עברית, ไทย, Ελληνικά",
)
"""Prompts that forms, databases and templates may garble."""


def create(
    client: RecordingClient, jobs: JobPool, fields: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Exchange:
    """Send a create as a form, or as JSON if the server has refused a form, and return the exchange."""
    if jobs.refused_form is not None:
        return client.post("/videos", json=dict(fields), headers=headers)
    return client.post("/videos", form=dict(fields), headers=headers)


def create_of(jobs: JobPool, name: str) -> Exchange:
    """Return the exchange of the create of a kind of job, also if it was refused.

    Raises:
        OutcomeError: The create was never sent, or the server is overloaded.

    """
    try:
        exchange = jobs[name].created
    except NotReachedError as outcome:
        if not outcome.exchanges:
            raise
        exchange = outcome.exchanges[0]
    return not_busy(exchange)


def not_busy(exchange: Exchange) -> Exchange:
    """Return an exchange, unless the server is overloaded.

    Raises:
        NotReachedError: The server is overloaded.

    """
    if exchange.is_busy:
        raise NotReachedError(f"the server is overloaded: {exchange.summary}", exchange)
    return exchange


def end_of(client: RecordingClient, created: Exchange) -> Exchange:
    """Retrieve an accepted job until it has ended, and return the last retrieve.

    Raises:
        OverdueError: It did not end within the deadline.

    """
    pause = _FIRST_PAUSE
    while True:
        seen = client.get(video_path(job_id(created)))
        if not seen.is_ok or seen.object.get("status") in ENDED:
            return seen
        if client.now() >= client.target.deadline:
            raise OverdueError(f"the job {job_id(created)} did not end within {client.target.deadline:g} s", seen)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def is_known(client: RecordingClient, created: Exchange, what: str) -> None:
    """Expect that a new job is known, if any job was; other requirements judge what a retrieve returns.

    Raises:
        ViolationError: The job is unknown.

    """
    retrieved = client.get(video_path(job_id(created)))
    was_any = any(each.operation == "retrieve_video" and each.is_ok for each in client.history)
    if was_any and retrieved.status == 404:  # noqa: PLR2004 - HTTP's own
        raise violated(f"the new job of {what} is unknown right after it", created, retrieved)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrentCreate:
    """One of several concurrent creates, and a retrieve and a list right after it."""

    created: Exchange
    retrieved: Exchange
    listed: Exchange

    @property
    def id(self) -> str:
        """The id in the response to the create."""
        return job_id(self.created)

    @property
    def path(self) -> str:
        """The path of the job."""
        return video_path(self.id)


def create_concurrently(client: RecordingClient, jobs: JobPool) -> list[ConcurrentCreate]:
    """Send several creates concurrently, and then the first one again; return those that were accepted.

    Each names a model, a size and a duration: those of the operator, or of the contract's examples.

    Raises:
        NotReachedError: Fewer than two creates were accepted.

    """
    schemas = {"model": "VideoModel", "size": "VideoSize", "seconds": "VideoSeconds"}
    examples = {field: client.contract.example(name) for field, name in schemas.items()}

    def start(fields: Mapping[str, str]) -> ConcurrentCreate | Exchange:
        created = create(client, jobs, fields)
        if not created.is_ok or not job_id(created):
            return created
        path = video_path(job_id(created))
        retrieved = client.get(path)
        return ConcurrentCreate(
            created=created,
            retrieved=retrieved,
            listed=client.get("/videos", query={"limit": largest(client.contract)}),
        )

    def start_all(named: Mapping[str, str]) -> list[ConcurrentCreate | Exchange]:
        choices = [{**named, **client.target.choice(prompt=prompt)} for prompt in PROMPTS]
        results = concurrently([partial(start, choice) for choice in choices])
        return [*results, start(choices[0])] if isinstance(results[0], ConcurrentCreate) else results

    results = start_all(examples)
    if all(not isinstance(each, ConcurrentCreate) and each.status in _VALUES_REFUSED for each in results):
        results = start_all({})
    accepted = [each for each in results if isinstance(each, ConcurrentCreate)]
    if len(accepted) < 2:  # noqa: PLR2004 - fewer are not concurrent
        refused = [each for each in results if not isinstance(each, ConcurrentCreate)]
        reasons = "; ".join(each.summary for each in refused)
        raise NotReachedError(
            f"of {len(PROMPTS)} concurrent creates, {len(accepted)} were accepted: {reasons}", *refused
        )
    return accepted
