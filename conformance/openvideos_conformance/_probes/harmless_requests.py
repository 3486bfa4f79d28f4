"""Send requests that cost nothing: one for each kind of response, and methods that paths do not have."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .._core.operations import capability_of, video_path
from .._inputs.unknown_ids import unknown_like
from .concurrently import eight_at_a_time
from .unauthorized_requests import other_schemes

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._server.capabilities import Capabilities
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient


def send_one_of_each(client: RecordingClient, jobs: JobPool) -> list[Exchange]:
    """Send a request for each kind of response, and one with each wrong kind of Authorization."""
    job = jobs["plain"]
    unknown = video_path(unknown_like(job.id))
    requests = [
        partial(client.get, job.path),
        partial(client.get, "/videos", query={"limit": 1}),
        partial(client.get, "/videos", query={"limit": "ten"}),
        partial(client.get, unknown),
        partial(client.delete, unknown),
        partial(client.get, f"{job.path}/content"),
        partial(client.get, "/openvideos-no-such-path"),
        partial(client.send, "PUT", "/videos", json={}),
        partial(client.post, "/videos", content=b"{", headers={"content-type": "application/json"}),
    ]
    key = client.target.api_key
    wrong = [None, *other_schemes(key).values()] if key is not None else []
    requests += [partial(client.get, "/videos", authorization=value) for value in wrong]
    return eight_at_a_time(requests)


def unknown_paths(client: RecordingClient, jobs: JobPool) -> list[Exchange]:
    """Send requests with paths that the API does not have."""
    path = jobs["plain"].path
    return eight_at_a_time(
        [
            partial(client.get, "/openvideos-no-such-path"),
            partial(client.get, f"{path}/openvideos-no-such-path"),
            partial(client.get, f"{path}/content/openvideos-no-such-path"),
            partial(client.post, "/openvideos-no-such-path", json={}),
        ]
    )


def send_wrong_methods(client: RecordingClient, jobs: JobPool, offered: Capabilities) -> list[Exchange]:
    """Send harmless methods that paths do not have.

    GET is not sent to /videos/edits and the like, since servers may read that as retrieving a video with that id.
    """
    sent: list[Callable[[], Exchange]] = []
    for template in dict.fromkeys(operation.path for operation in client.contract.operations):
        if "{character_id}" in template or not _is_offered(template, offered, client.contract):
            continue
        path = template.replace("/videos/{video_id}", jobs["plain"].path)
        wrong = {"PUT", "PATCH", "GET", "POST"} if path != template else {"PUT", "PATCH"}
        for method in sorted(wrong - client.contract.methods(template)):
            options: dict[str, Any] = {} if method == "GET" else {"json": {}}
            sent.append(partial(client.send, method, path, **options))
    return eight_at_a_time(sent)


def _is_offered(template: str, offered: Capabilities, contract: Contract) -> bool:
    """Tell whether the server offers any operation of a path."""
    here = (each for each in contract.operations if each.path == template)
    return any(offered.has(capability_of(each.id)) for each in here)
