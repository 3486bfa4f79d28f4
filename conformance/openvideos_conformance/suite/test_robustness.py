"""Check that hostile requests are refused, and that the server keeps working."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from .._core.operations import video_path
from .._core.outcomes import NotReachedError
from .._core.own_jobs import present_ids
from .._inputs.hostile import hostile_ids, hostile_json
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import expect, expect_response, shown, violated
from .._pytest.marker import Phase, checks

if TYPE_CHECKING:
    from .._core.contract import Contract
    from .._core.exchange import Exchange
    from .._probes.invalid_requests import InvalidRequests
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

_NO_SUCH_ID = {404, 400, 414, 422, 431}
_NO_SUCH_BODY = {400, 413, 422}
_CONCURRENT = 30
_SERVER_ERROR = 500


@checks("VID-ROBUST-001")
def test_hostile_ids_are_refused(client: RecordingClient, jobs: JobPool) -> None:
    known = jobs["plain"]
    for what, step in hostile_ids(quote(known.id, safe="")).items():
        for path in (f"/videos/{step}", f"/videos/{step}/content"):
            exchange = expect(client.get(path), _NO_SUCH_ID, f"an id with {what}, {path[:80]}")
            if exchange.header("x-openvideos-injected") is not None:
                raise violated("an id with a line break adds a header to the response", exchange)


@checks("VID-ROBUST-002", jobs=("json",))
def test_hostile_json_is_refused(client: RecordingClient, invalid_requests: InvalidRequests) -> None:
    statuses = _NO_SUCH_BODY if invalid_requests.has_json else _NO_SUCH_BODY | {415}
    for what, body in hostile_json(f"{invalid_requests.marker} must never be made").items():
        exchange = client.post("/videos", content=body, headers={"content-type": "application/json"})
        expect(exchange, statuses, f"a JSON body with {what}")


@checks("VID-ROBUST-003")
def test_repeated_parameters_are_no_server_error(client: RecordingClient, jobs: JobPool) -> None:
    job = jobs["plain"]
    requests: list[tuple[str, list[tuple[str, str]]]] = [
        ("/videos", [("limit", "1"), ("limit", "2")]),
        ("/videos", [("limit", "1"), ("limit", "ten")]),
        ("/videos", [("order", "asc"), ("order", "desc")]),
        ("/videos", [("after", job.id), ("after", job.id)]),
        (f"{job.path}/content", [("variant", "video"), ("variant", "video")]),
        ("/videos", [("limit[]", "1"), ("limit[]", "2")]),
    ]
    for path, query in requests:
        exchange = expect_response(client.get(path, query=query))
        if (exchange.status or 0) >= _SERVER_ERROR:
            raise violated(f"{exchange.target}: a repeated parameter returns {exchange.status}", exchange)


@checks("VID-ROBUST-005", phase=Phase.LATE, jobs=("json", "longest", "unknown_field"))
def test_concurrent_requests_each_return_their_own_response(client: RecordingClient, jobs: JobPool) -> None:
    known = _ids_that_are_there(client)
    if not known:
        raise NotReachedError("none of the jobs that were started can be retrieved")
    unknown = [unknown_like(jobs["plain"].id) for _ in range(4)]
    requested = list(islice(cycle([*known, *unknown[:1], *known, *unknown]), _CONCURRENT))

    def retrieved(video_id: str) -> Exchange:
        return client.get(video_path(video_id))

    with ThreadPoolExecutor(_CONCURRENT) as pool:
        responses = list(pool.map(retrieved, requested))
    for video_id, exchange in zip(requested, responses, strict=True):
        expect(exchange, 200 if video_id in known else 404, f"{video_id}, one of {_CONCURRENT} concurrent requests")
        if video_id in known and exchange.object.get("id") != video_id:
            raise violated(
                f"of {_CONCURRENT} concurrent requests, the one for {video_id} returns {_id(exchange)}", exchange
            )


@checks("VID-ROBUST-004", phase=Phase.CLOSING)
def test_the_server_still_responds(client: RecordingClient, jobs: JobPool, contract: Contract) -> None:
    # The hostile bodies are sent again, for a run of this check alone.
    for body in hostile_json("openvideos-conformance must never be made").values():
        client.post("/videos", content=body, headers={"content-type": "application/json"})
    page = expect(client.get("/videos"), 200, "a list, after all that was sent")
    flaws = contract.flaws(page.json, "#/components/schemas/VideoList")
    if flaws:
        raise violated(f"a list, after all that was sent, does not fit its schema: {flaws[0]}", page)
    expect(client.get(jobs["plain"].path), {200, 404}, "the plain job, after all that was sent")


def _ids_that_are_there(client: RecordingClient) -> list[str]:
    """Return the ids of the run's own jobs that can be retrieved."""
    ids = present_ids(client.history)
    return [each for each in ids if client.get(video_path(each)).is_ok]


def _id(exchange: Exchange) -> str:
    return shown(exchange.object.get("id"))
