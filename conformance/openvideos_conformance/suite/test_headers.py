"""Check the headers of one response of each kind. The rules of `_history` check those of all responses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .._core.exchange import MISSING
from .._core.outcomes import NotReachedError
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import expect_response, shown, violated
from .._pytest.marker import checks

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

_REQUEST_ID = "x-request-id"


@checks("VID-HEADER-001")
def test_every_response_has_a_request_id(client: RecordingClient, jobs: JobPool) -> None:
    for exchange in _one_of_each(client, jobs):
        if not exchange.header(_REQUEST_ID):
            raise violated(f"{exchange.summary} has no {_REQUEST_ID}", exchange)


@checks("VID-HEADER-002")
def test_no_two_responses_have_the_same_request_id(client: RecordingClient, jobs: JobPool) -> None:
    seen: dict[str, Exchange] = {}
    for exchange in [*_one_of_each(client, jobs), *_one_of_each(client, jobs)]:
        request_id = exchange.header(_REQUEST_ID)
        if request_id is None:
            continue
        if request_id in seen and seen[request_id] is not exchange:
            raise violated(f"two responses have the {_REQUEST_ID} {shown(request_id)}", seen[request_id], exchange)
        seen[request_id] = exchange
    if not seen:
        raise NotReachedError(f"no response has an {_REQUEST_ID}")


@checks("VID-HEADER-003")
def test_json_has_the_media_type_of_json(client: RecordingClient, jobs: JobPool) -> None:
    for exchange in _one_of_each(client, jobs):
        if isinstance(exchange.json, dict | list) and exchange.media_type != "application/json":
            media_type = shown(exchange.header("content-type"))
            raise violated(f"{exchange.summary} is JSON, and its Content-Type is {media_type}", exchange)


@checks("VID-HEADER-006")
def test_head_is_get_without_a_body(client: RecordingClient, jobs: JobPool) -> None:
    for path in ("/videos", jobs["plain"].path):
        got, head = client.get(path), client.send("HEAD", path)
        if got.is_ok and expect_response(head).status != got.status:
            raise violated(f"HEAD {path}: returned {head.status}, and GET {got.status}", got, head)


@checks("VID-HEADER-005")
def test_json_is_utf_8_without_nan(client: RecordingClient, jobs: JobPool) -> None:
    for exchange in _one_of_each(client, jobs):
        if exchange.media_type != "application/json" or exchange.json is not MISSING:
            continue
        try:
            json.loads(exchange.body)  # this accepts other encodings of JSON, and NaN
        except (ValueError, RecursionError):
            continue  # not JSON at all, which other checks judge
        raise violated(
            f"the JSON of {exchange.method} {exchange.target} is not UTF-8, or contains NaN or Infinity", exchange
        )


def _one_of_each(client: RecordingClient, jobs: JobPool) -> list[Exchange]:
    """Return one exchange of each kind of response that costs nothing."""
    job = jobs["plain"]
    exchanges = [
        job.created,
        client.get(job.path),
        client.get("/videos", query={"limit": 1}),
        client.get("/videos", query={"limit": 0}),
        client.get(f"/videos/{unknown_like(job.id)}"),
        client.delete(f"/videos/{unknown_like(job.id)}"),
        client.get(f"{job.path}/content"),
        client.get("/openvideos-no-such-path"),
        client.send("PUT", "/videos", json={}),
        client.post("/videos", content=b"{", headers={"content-type": "application/json"}),
    ]
    if client.target.api_key is not None:
        exchanges.append(client.get("/videos", authorization=None))
    return [expect_response(exchange) for exchange in exchanges]
