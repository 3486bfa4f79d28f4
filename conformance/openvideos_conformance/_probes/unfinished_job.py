"""Send requests that need a completed job about one that has not ended. All checks share this job.

Its status is read only after these requests, since on some servers each read brings a job closer to its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._core.flaws import shown
from .._core.operations import ENDED, video_path
from .._core.outcomes import NotReachedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.exchange import Exchange
    from .._server.recording_client import RecordingClient


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedJob:
    """A job that had not ended while these requests were sent."""

    id: str
    created: Exchange
    responses: dict[str, Exchange]
    retrieved: Exchange
    """The retrieve after these requests, which shows that the job had not ended before."""

    @property
    def content(self) -> Exchange:
        """The exchange that requested the content of the job."""
        return self._response("content")

    @property
    def remix(self) -> Exchange:
        """The exchange that requested a remix of the job."""
        return self._response("remix")

    @property
    def edit(self) -> Exchange:
        """The exchange that requested an edit of the job."""
        return self._response("edit")

    @property
    def extend(self) -> Exchange:
        """The exchange that requested an extension of the job."""
        return self._response("extend")

    @property
    def deleted(self) -> Exchange:
        """The exchange that deleted the job."""
        return self._response("deletion")

    @property
    def after(self) -> Exchange:
        """The retrieve after the deletion."""
        return self._response("retrieve after the deletion")

    def _response(self, name: str) -> Exchange:
        if name not in self.responses:
            raise NotReachedError(f"the {name} of the unfinished job {self.id} was not requested", self.retrieved)
        return self.responses[name]


def probe_unfinished_job(client: RecordingClient, *, as_json: bool = False, may_delete: bool = True) -> UnfinishedJob:
    """Create a job, send requests that need a completed one, read its status once, and delete it if `may_delete`.

    `as_json` is for servers that do not accept forms.

    Raises:
        NotReachedError: The job was not accepted, or it had ended by the time its status was read.

    """
    fields = client.target.choice(prompt="A long train crosses the plain")
    created = client.post("/videos", json=fields) if as_json else client.post("/videos", form=fields)
    video_id = created.object.get("id")
    if not created.is_ok or not isinstance(video_id, str) or not video_id:
        raise NotReachedError(f"the job for requests while it runs was not accepted: {created.summary}", created)
    path = video_path(video_id)
    responses: dict[str, Exchange] = {}
    for name, send in _requests(client, path, video_id).items():
        responses[name] = send()
        if responses[name].is_ok:
            break  # the job may have ended; then the other requests would start jobs, which cost money
    retrieved = client.get(path)
    status = retrieved.object.get("status")
    if may_delete:
        responses["deletion"] = client.delete(path)
        responses["retrieve after the deletion"] = client.get(path)
    if not retrieved.is_ok or status in ENDED:
        raise NotReachedError(
            f"the job {video_id} was {shown(status)} right after its create, so no request was sent before its end",
            created,
            retrieved,
        )
    return UnfinishedJob(id=video_id, created=created, responses=responses, retrieved=retrieved)


def _requests(client: RecordingClient, path: str, video_id: str) -> dict[str, Callable[[], Exchange]]:
    prompt = {"prompt": "The train enters a tunnel"}
    source = {"video": {"id": video_id}}
    seconds = client.target.duration(client.contract)
    requests: dict[str, tuple[str, Callable[[], Exchange]]] = {
        "content": ("core", lambda: client.get(f"{path}/content")),
        "remix": ("remix", lambda: client.post(f"{path}/remix", json=prompt)),
        "edit": ("edits", lambda: client.post("/videos/edits", json={**prompt, **source})),
        "extend": (
            "extensions",
            lambda: client.post("/videos/extensions", json={**prompt, **source, "seconds": seconds}),
        ),
        "thumbnail": ("thumbnail", lambda: client.get(f"{path}/content", query={"variant": "thumbnail"})),
    }
    return {name: send for name, (capability, send) in requests.items() if capability not in client.target.denied}
