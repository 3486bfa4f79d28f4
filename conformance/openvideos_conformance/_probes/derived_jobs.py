"""Create a remix, an extension and a character from the completed plain job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    fields: Mapping[str, str]


def remix_plain(client: RecordingClient, jobs: JobPool) -> Remix:
    """Remix the completed plain job, with an Idempotency-Key that a server may ignore; return the exchanges."""
    source = jobs.completed()
    key = f"openvideos-conformance-{client.run_id}-remix"
    fields = {"prompt": "The boat is a paper boat now, «безмолвный» — 紙の舟"}
    before = client.get(source.path)
    created = client.post(f"{source.path}/remix", json=fields, headers={"idempotency-key": key})
    after = client.get(source.path)
    return Remix(source=source, before=before, created=created, after=after, key=key, fields=fields)


def extend_plain(client: RecordingClient, jobs: JobPool) -> Exchange:
    """Extend the completed plain job by its own duration, or by one that vendors offer; return the exchange."""
    job = jobs.completed()
    own = client.target.seconds or str(job.video.get("seconds") or "4")
    responses: list[Exchange] = []
    for seconds in dict.fromkeys((own, "4", "8", "5")):
        body = {"prompt": "The boat drifts on", "seconds": seconds, "video": {"id": job.id}}
        responses.append(client.post("/videos/extensions", json=body))
        if responses[-1].status not in {400, 422}:
            return responses[-1]
    return responses[0]


def create_character(client: RecordingClient, video: bytes) -> Exchange:
    """Create a character from a video, and return the exchange."""
    form = {"name": "Ada Łovelace, エイダ", "video": ("ada.mp4", video, "video/mp4")}
    return client.post("/videos/characters", form=form)
