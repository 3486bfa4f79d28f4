"""Create jobs as the scenarios need them: one, or several concurrently. The checks decide what the responses mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .._core.operations import video_path
from .._core.outcomes import NotReachedError
from .._core.own_jobs import job_id
from .concurrently import concurrently
from .list_walks import largest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._core.exchange import Exchange
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

BUSY: Final = frozenset({429, 503})
"""How a server says that it has too much to do just now, which says nothing about the request."""

NOT_OFFERED: Final = frozenset({400, 404, 422})
"""How a create is refused whose model, size or duration the server does not offer."""

PROMPTS: Final = (
    'Half full & half "empty": a <b>glass</b>, 50%25 of it, C:\\new',
    "A door opens.\nA cat comes in;\tit sits  down.",
    "Cafe\u0301, café, 👩‍🚀, 👨‍👩‍👧, 𠜎, עברית, ไทย, Ελληνικά",
)
"""What forms, databases and templates garble."""


def create(
    client: RecordingClient, jobs: JobPool, fields: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Exchange:
    """Ask for a job as a form, or as JSON where the server was seen to take no form."""
    if jobs.refused_form is not None:
        return client.post("/videos", json=dict(fields), headers=headers)
    return client.post("/videos", form=dict(fields), headers=headers)


def create_of(jobs: JobPool, name: str) -> Exchange:
    """Return what the create of a kind of job was answered, also if that was a refusal.

    Raises:
        OutcomeError: It was never asked for, or the server has too much to do.

    """
    try:
        exchange = jobs[name].created
    except NotReachedError as outcome:
        if not outcome.exchanges:
            raise
        exchange = outcome.exchanges[0]
    return not_busy(exchange)


def not_busy(exchange: Exchange) -> Exchange:
    """Return an exchange, unless the server says that it has too much to do.

    Raises:
        NotReachedError: It says so.

    """
    if exchange.status in BUSY:
        raise NotReachedError(f"the server is too busy: {exchange.summary}", exchange)
    return exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrentCreate:
    """One of several concurrent creates, and what was read right after it."""

    created: Exchange
    retrieved: Exchange
    listed: Exchange

    @property
    def id(self) -> str:
        """The id that the create gave."""
        return job_id(self.created)

    @property
    def path(self) -> str:
        """The path of the job."""
        return video_path(self.id)


def create_concurrently(client: RecordingClient, jobs: JobPool) -> list[ConcurrentCreate]:
    """Start several jobs concurrently, and then the first once more; return those that were accepted.

    Each asks for a model, a size and a duration by name: the contract's defaults, where the operator has named none.

    Raises:
        NotReachedError: Fewer than two were accepted.

    """
    schemas = {"model": "VideoModel", "size": "VideoSize", "seconds": "VideoSeconds"}
    defaults = {field: client.contract.default(name) for field, name in schemas.items()}
    named = {field: default for field, default in defaults.items() if default is not None}

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
        takes = concurrently([partial(start, choice) for choice in choices])
        return [*takes, start(choices[0])] if isinstance(takes[0], ConcurrentCreate) else takes

    results = start_all(named)
    if all(not isinstance(each, ConcurrentCreate) and each.status in NOT_OFFERED for each in results):
        results = start_all({})
    takes = [each for each in results if isinstance(each, ConcurrentCreate)]
    if len(takes) < 2:  # noqa: PLR2004 - at once means two at least
        refused = [each for each in results if not isinstance(each, ConcurrentCreate)]
        responses = "; ".join(each.summary for each in refused)
        raise NotReachedError(
            f"of {len(PROMPTS)} concurrent creates, {len(takes)} were accepted: {responses}", *refused
        )
    return takes
