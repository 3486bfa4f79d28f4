"""Create a remix, an edit, an extension and a character from the completed plain job.

Those that start a job carry an Idempotency-Key, which a server may ignore.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._server.jobs import Job, JobPool
    from .._server.recording_client import RecordingClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Remix:
    """A remix of the completed plain job, with retrieves of its source before and after it."""

    source: Job
    before: Exchange
    created: Exchange
    after: Exchange
    key: str


def remix_plain(client: RecordingClient, jobs: JobPool) -> Remix:
    """Remix the completed plain job; return the exchanges."""
    source = jobs.completed()
    key = _key(client, "remix")
    body = {"prompt": "The boat is a paper boat now, «безмолвный» — 紙の舟"}
    before = client.get(source.path)
    created = client.post(f"{source.path}/remix", json=body, headers={"idempotency-key": key})
    after = client.get(source.path)
    jobs.follow("remix", created)
    return Remix(source=source, before=before, created=created, after=after, key=key)


def edit_plain(client: RecordingClient, jobs: JobPool) -> Exchange:
    """Edit the completed plain job; return the exchange."""
    body = {"prompt": "Make it night, «ночь», 夜", "video": {"id": jobs.completed().id}}
    exchange = client.post("/videos/edits", json=body, headers={"idempotency-key": _key(client, "edit")})
    jobs.follow("edit", exchange)
    return exchange


def extend_plain(client: RecordingClient, jobs: JobPool) -> Exchange:
    """Extend the completed plain job by its own duration, or by one that vendors offer; return the exchange."""
    job = jobs.completed()
    own = client.target.seconds or str(job.video.get("seconds") or "4")
    responses: list[Exchange] = []
    for seconds in dict.fromkeys((own, "4", "8", "5")):
        body = {"prompt": "The boat drifts on", "seconds": seconds, "video": {"id": job.id}}
        headers = {"idempotency-key": _key(client, f"extension-{seconds}")}
        responses.append(client.post("/videos/extensions", json=body, headers=headers))
        if responses[-1].status not in {400, 422}:
            jobs.follow("extension", responses[-1])
            return responses[-1]
    jobs.follow("extension", responses[0])
    return responses[0]


def _key(client: RecordingClient, name: str) -> str:
    # A server that cuts keys would take two for one that differ at their ends alone.
    return f"{name}-{client.run_id}"


def create_character(client: RecordingClient, video: bytes) -> Exchange:
    """Create a character from a video, and return the exchange."""
    form = {"name": "Ada Łovelace, エイダ", "video": ("ada.mp4", video, "video/mp4")}
    return client.post("/videos/characters", form=form)
