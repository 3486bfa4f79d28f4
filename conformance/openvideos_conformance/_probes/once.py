"""Send each probe once per run, when a check first needs it, and share its responses among checks.

A probe is not a session fixture, since pytest would send it before the capabilities of the server are known.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from .._core.outcomes import OutcomeError
from .content import download_each, download_failed
from .creates import PROMPTS, ConcurrentCreate, create, create_concurrently
from .deletions import ConcurrentDeletions, Deletion, delete_concurrently, delete_doomed
from .derived_jobs import Remix, create_character, edit_plain, extend_plain, remix_plain
from .harmless_requests import send_one_of_each, send_wrong_methods
from .invalid_requests import InvalidRequests
from .list_walks import FEW, Walks, list_after_deletion, next_page, past_the_end, walk_all_ways
from .unfinished_job import UnfinishedJob, probe_unfinished_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._core.exchange import Exchange
    from .._server.capabilities import Capabilities
    from .._server.downloads import Files
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

T = TypeVar("T")


class Probe(Generic[T]):
    """A descriptor of `Probes` that sends its requests when it is first read. After a failure, they are not sent again.

    `jobs` is how many jobs the probe starts at most; `needs` names a probe that it uses.
    """

    def __init__(self, send: Callable[[Probes], T], jobs: int, needs: str) -> None:
        self.__doc__ = send.__doc__
        self._send, self.jobs, self.needs = send, jobs, needs

    def __set_name__(self, owner: type[Probes], name: str) -> None:
        self.name = name

    def __get__(self, probes: Probes, owner: type[Probes]) -> T:
        if self.name not in probes.sent:
            try:
                probes.sent[self.name] = self._send(probes)
            except OutcomeError as outcome:
                probes.sent[self.name] = outcome
        result = probes.sent[self.name]
        if isinstance(result, OutcomeError):
            raise result
        return cast("T", result)


def probe(*, jobs: int = 0, needs: str = "") -> Callable[[Callable[[Probes], T]], Probe[T]]:
    """Return a decorator that makes a probe of a method, which starts at most `jobs` jobs."""
    return lambda send: Probe(send, jobs, needs)


class Probes:
    """The probes of a run. `sent` holds the results of those that were sent, by their names."""

    def __init__(self, client: RecordingClient, jobs: JobPool, files: Files, offered: Capabilities) -> None:
        """Send nothing yet."""
        self.sent: dict[str, object] = {}
        self._client, self._jobs, self._files, self._offered = client, jobs, files, offered
        self.invalid: Final = InvalidRequests(client, offered, has_form=jobs.refused_form is None)

    @probe()
    def one_of_each(self) -> list[Exchange]:
        """One request for each kind of response."""
        return send_one_of_each(self._client, self._jobs)

    @probe()
    def wrong_methods(self) -> list[Exchange]:
        """Methods that paths do not have."""
        return send_wrong_methods(self._client, self._jobs, self._offered)

    @probe()
    def refusals(self) -> list[Exchange]:
        """The requests that the contract forbids, those of them that were refused."""
        return [exchange for _, exchange in self.invalid.all()]

    @probe()
    def downloads(self) -> list[Exchange]:
        """Downloads of each file of the plain job, one of them twice, and of a part of it."""
        return download_each(self._client, self._jobs)

    @probe()
    def failed_content(self) -> Exchange:
        """A download of the job that was made to fail."""
        return download_failed(self._client, self._jobs)

    @probe(jobs=1)
    def unfinished(self) -> UnfinishedJob:
        """Requests about a job that had not ended, which need a completed one. It is deleted by now if it can be."""
        return probe_unfinished_job(
            self._client, as_json=self._jobs.refused_form is not None, may_delete=self._offered.has("delete")
        )

    @probe(jobs=len(PROMPTS) + 1)
    def concurrent_creates(self) -> list[ConcurrentCreate]:
        """Jobs that were created concurrently."""
        self._page_before_creates = self._client.get("/videos", query={"limit": 2})
        return create_concurrently(self._client, self._jobs)

    @probe(needs="concurrent_creates")
    def late_page(self) -> Exchange:
        """A page after a video of a page that was requested before the concurrent creates."""
        _ = self.concurrent_creates
        return next_page(self._client, self._page_before_creates)

    @probe(jobs=1)
    def remix(self) -> Remix:
        """A remix of the plain job."""
        return remix_plain(self._client, self._jobs)

    @probe(jobs=1)
    def edit(self) -> Exchange:
        """An edit of the plain job."""
        return edit_plain(self._client, self._jobs)

    @probe(jobs=1)
    def extension(self) -> Exchange:
        """An extension of the plain job."""
        return extend_plain(self._client, self._jobs)

    @probe()
    def character(self) -> Exchange:
        """A character that was created from the clip of the plain job."""
        return create_character(self._client, self._files.upload)

    @probe(needs="character")
    def other_objects(self) -> list[Exchange]:
        """Objects that are no Video: models and a character, as far as the server offers them."""
        models = self._jobs.discovery.exchange
        return [models, self.character] if self._offered.has("characters") else [models]

    @probe()
    def deletion(self) -> Deletion:
        """The deletion of a job that had ended."""
        return delete_doomed(self._client, self._jobs)

    @probe(needs="deletion")
    def lists_after_deletion(self) -> list[Exchange]:
        """Lists of the run's videos, some time after the deletion of one."""
        _ = self.deletion
        return list_after_deletion(self._client)

    @probe(needs="concurrent_creates")
    def concurrent_deletions(self) -> ConcurrentDeletions:
        """Concurrent deletions of one job."""
        return delete_concurrently(self._client, self.concurrent_creates)

    @probe(jobs=FEW)
    def walks(self) -> Walks:
        """Walks over all pages of the list."""
        fields = self._client.target.choice(prompt="A clock strikes the next second")
        return walk_all_ways(self._client, partial(create, self._client, self._jobs, fields))

    @probe(needs="walks")
    def empty_page(self) -> Exchange:
        """The page after the last video of a walk."""
        return past_the_end(self._client, self.walks)


def send_all(probes: Probes, names: Iterable[str]) -> None:
    """Send the probes with these names that were not sent yet. What they return, or why they fail, is not judged."""
    for name in dict.fromkeys(names):
        with contextlib.suppress(OutcomeError):
            getattr(probes, name)


def jobs_of(names: Iterable[str]) -> dict[str, int]:
    """Return how many jobs each of these probes, and of the probes that they use, starts at most."""
    costs: dict[str, int] = {}
    for name in names:
        found = vars(Probes).get(name)
        while isinstance(found, Probe):
            costs[found.name] = found.jobs
            found = vars(Probes).get(found.needs)
    return costs
