"""What is hostile, or only looks so, is refused, and the server lives on."""

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
_AT_ONCE = 30
_SERVER_ERROR = 500


@checks("VID-ROBUST-001")
def test_hostile_ids_are_no_videos(client: RecordingClient, jobs: JobPool) -> None:
    known = jobs["plain"]
    for what, step in hostile_ids(quote(known.id, safe="")).items():
        for path in (f"/videos/{step}", f"/videos/{step}/content"):
            exchange = expect(client.get(path), _NO_SUCH_ID, f"an id with {what}, {path[:80]}")
            if exchange.header("x-openvideos-injected") is not None:
                raise violated("an id with a line break puts a header of the client's own into the response", exchange)


@checks("VID-ROBUST-002", jobs=("json",))
def test_hostile_json_is_refused(client: RecordingClient, invalid_requests: InvalidRequests) -> None:
    statuses = _NO_SUCH_BODY if invalid_requests.has_json else _NO_SUCH_BODY | {415}
    for what, body in hostile_json(f"{invalid_requests.marker} must never be made").items():
        exchange = client.post("/videos", content=body, headers={"content-type": "application/json"})
        expect(exchange, statuses, f"a JSON body with {what}")


@checks("VID-ROBUST-003")
def test_parameters_that_are_given_twice_are_no_fault_of_the_server(client: RecordingClient, jobs: JobPool) -> None:
    job = jobs["plain"]
    questions: list[tuple[str, list[tuple[str, str]]]] = [
        ("/videos", [("limit", "1"), ("limit", "2")]),
        ("/videos", [("limit", "1"), ("limit", "ten")]),
        ("/videos", [("order", "asc"), ("order", "desc")]),
        ("/videos", [("after", job.id), ("after", job.id)]),
        (f"{job.path}/content", [("variant", "video"), ("variant", "video")]),
        ("/videos", [("limit[]", "1"), ("limit[]", "2")]),
    ]
    for path, query in questions:
        exchange = expect_response(client.get(path, query=query))
        if (exchange.status or 0) >= _SERVER_ERROR:
            raise violated(f"{exchange.target}: a parameter that is given twice returns {exchange.status}", exchange)


@checks("VID-ROBUST-005", phase=Phase.LATE, jobs=("json", "longest", "unknown_field"))
def test_many_requests_at_once_are_each_given_their_own_answer(client: RecordingClient, jobs: JobPool) -> None:
    known = _ids_that_are_there(client)
    if not known:
        raise NotReachedError("retrieve knows none of the jobs that were started")
    unauthorized = [unknown_like(jobs["plain"].id) for _ in range(4)]
    asked = list(islice(cycle([*known, *unauthorized[:1], *known, *unauthorized]), _AT_ONCE))

    def retrieved(video_id: str) -> Exchange:
        return client.get(video_path(video_id))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        responses = list(pool.map(retrieved, asked))
    for video_id, exchange in zip(asked, responses, strict=True):
        expect(exchange, 200 if video_id in known else 404, f"{video_id}, one of {_AT_ONCE} requests at once")
        if video_id in known and exchange.object.get("id") != video_id:
            raise violated(f"of {_AT_ONCE} requests at once, the one for {video_id} returns {_id(exchange)}", exchange)


@checks("VID-ROBUST-004", phase=Phase.CLOSING)
def test_the_server_still_answers(client: RecordingClient, jobs: JobPool, contract: Contract) -> None:
    # What is the most likely to break a server comes once more, for a run that checks this alone.
    for body in hostile_json("openvideos-conformance must never be made").values():
        client.post("/videos", content=body, headers={"content-type": "application/json"})
    page = expect(client.get("/videos"), 200, "a list, after all that was sent")
    flaws = contract.flaws(page.json, "#/components/schemas/VideoList")
    if flaws:
        raise violated(f"a list, after all that was sent, is no list any more: {flaws[0]}", page)
    expect(client.get(jobs["plain"].path), {200, 404}, "the plain job, after all that was sent")


def _ids_that_are_there(client: RecordingClient) -> list[str]:
    """Return the ids of jobs that the run started and did not delete, as far as retrieve knows them."""
    ids = present_ids(client.history)
    return [each for each in ids if client.get(video_path(each)).is_ok]


def _id(exchange: Exchange) -> str:
    return shown(exchange.object.get("id"))
