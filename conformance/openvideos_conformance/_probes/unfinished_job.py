"""Ask of one job, while it runs, all that needs a completed one. One job serves every check of that kind.

Nothing reads the job's status before the end: on servers that count reads, reading it would finish it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._core.operations import RUNNING, video_path
from .._core.outcomes import NotReachedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.exchange import Exchange
    from .._server.recording_client import RecordingClient


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedJob:
    """A job that had not ended while all this was asked of it."""

    id: str
    created: Exchange
    responses: dict[str, Exchange]
    retrieved: Exchange
    """The status, read after all else was asked: what shows that the job had not ended before."""
    deleted: Exchange
    after: Exchange
    """Retrieving it once it was deleted."""

    @property
    def content(self) -> Exchange:
        """What its content was answered."""
        return self._response("content")

    @property
    def remix(self) -> Exchange:
        """What a remix of it was answered."""
        return self._response("remix")

    @property
    def edit(self) -> Exchange:
        """What an edit of it was answered."""
        return self._response("edit")

    @property
    def extend(self) -> Exchange:
        """What an extension of it was answered."""
        return self._response("extend")

    def _response(self, name: str) -> Exchange:
        if name not in self.responses:
            raise NotReachedError(f"the {name} of the unfinished job {self.id} was not asked for", self.retrieved)
        return self.responses[name]


def probe_unfinished_job(client: RecordingClient, *, as_json: bool = False) -> UnfinishedJob:
    """Start a job, ask for what only a completed one has, read its status once, and delete it.

    `as_json` is for servers that take no form.

    Raises:
        NotReachedError: No job was started, or it had ended by the time its status was read.

    """
    fields = client.target.choice(prompt="A long train crosses the plain")
    created = client.post("/videos", json=fields) if as_json else client.post("/videos", form=fields)
    video_id = created.object.get("id")
    if not created.is_ok or not isinstance(video_id, str) or not video_id:
        raise NotReachedError(f"a job to be asked while it runs: {created.summary}, and no job", created)
    path = video_path(video_id)
    responses: dict[str, Exchange] = {}
    for name, send in _requests(client, path, video_id).items():
        responses[name] = send()
        if responses[name].is_ok:
            break  # it has ended, or the server does not look; in both cases the rest would start jobs, which cost
    retrieved = client.get(path)
    status = retrieved.object.get("status")
    deleted = client.delete(path)
    after = client.get(path)
    if not retrieved.is_ok or status not in RUNNING:
        raise NotReachedError(
            f"the job {video_id} is {status!r} as soon as it was created, so nothing could be asked before its end",
            created,
            retrieved,
        )
    return UnfinishedJob(
        id=video_id, created=created, responses=responses, retrieved=retrieved, deleted=deleted, after=after
    )


def _requests(client: RecordingClient, path: str, video_id: str) -> dict[str, Callable[[], Exchange]]:
    wish = {"prompt": "The train enters a tunnel"}
    source = {"video": {"id": video_id}}
    seconds = client.target.duration(client.contract)
    questions: dict[str, tuple[str, Callable[[], Exchange]]] = {
        "content": ("core", lambda: client.get(f"{path}/content")),
        "remix": ("remix", lambda: client.post(f"{path}/remix", json=wish)),
        "edit": ("edits", lambda: client.post("/videos/edits", json={**wish, **source})),
        "extend": (
            "extensions",
            lambda: client.post("/videos/extensions", json={**wish, **source, "seconds": seconds}),
        ),
    }
    return {name: send for name, (capability, send) in questions.items() if capability not in client.target.denied}
