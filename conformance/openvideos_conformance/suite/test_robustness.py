"""Check that hostile requests are refused, and that the server keeps working."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from .._core.operations import video_path
from .._core.outcomes import NotReachedError
from .._core.own_jobs import present_ids
from .._inputs.hostile import hostile_ids, hostile_json
from .._inputs.unknown_ids import unknown_like
from .._judging.assertions import expect, expect_response, shown, violated
from .._probes.concurrently import eight_at_a_time
from .._pytest.marker import Phase, checks

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._probes.invalid_requests import InvalidRequests
    from .._server.capabilities import Capabilities
    from .._server.jobs import JobPool
    from .._server.recording_client import RecordingClient

_NO_SUCH_ID = {404, 400, 414, 422, 431}
_NO_SUCH_BODY = {400, 413, 422}
_CONCURRENT = 30
_SERVER_ERROR = 500


@checks("VID-ROBUST-001")
def test_hostile_ids_are_refused(client: RecordingClient, jobs: JobPool) -> None:
    known = jobs["plain"]
    hostile = hostile_ids(quote(known.id, safe="")).items()
    named = [(what, path) for what, step in hostile for path in (f"/videos/{step}", f"/videos/{step}/content")]
    exchanges = eight_at_a_time([partial(client.get, path) for _, path in named])
    for (what, path), exchange in zip(named, exchanges, strict=True):
        expect(exchange, _NO_SUCH_ID, f"an id with {what}, {path[:80]}")
        if exchange.header("x-openvideos-injected") is not None:
            raise violated("an id with a line break adds a header to the response", exchange)


# It comes last, since a server that breaks down would fail all other checks.
@checks("VID-ROBUST-002", phase=Phase.CLOSING, jobs=("json",))
def test_hostile_json_is_refused(client: RecordingClient, invalid_requests: InvalidRequests) -> None:
    statuses = _NO_SUCH_BODY if invalid_requests.has_json else _NO_SUCH_BODY | {415}
    for what, body in hostile_json(f"{invalid_requests.marker} must never be made", client.target.choice()).items():
        exchange = client.post("/videos", content=body, headers={"content-type": "application/json"})
        expect(exchange, statuses, f"a JSON body with {what}")


@checks("VID-ROBUST-003")
def test_repeated_parameters_are_no_server_error(client: RecordingClient, jobs: JobPool, offered: Capabilities) -> None:
    job = jobs["plain"]
    requests: list[tuple[str, list[tuple[str, str]]]] = [
        ("/videos", [("limit", "1"), ("limit", "2")]),
        ("/videos", [("limit", "1"), ("limit", "ten")]),
        ("/videos", [("order", "asc"), ("order", "desc")]),
        ("/videos", [("after", job.id), ("after", job.id)]),
        (f"{job.path}/content", [("variant", "video"), ("variant", "video")]),
        ("/videos", [("limit[]", "1"), ("limit[]", "2")]),
    ]
    judged = 0
    for path, query in [each for each in requests if each[0] != "/videos" or offered.has("list")]:
        once = client.get(path, query=dict(query))
        if once.failure or (once.status or 0) >= _SERVER_ERROR:
            continue  # the repetition is not the reason
        judged += 1
        exchange = expect_response(client.get(path, query=query))
        if (exchange.status or 0) >= _SERVER_ERROR:
            raise violated(f"{exchange.target}: a repeated parameter returns {exchange.status}", once, exchange)
    if not judged:
        raise NotReachedError("each request fails without a repeated parameter, too")


@checks("VID-ROBUST-005", phase=Phase.LATE, jobs=("json", "longest", "unknown_field"))
def test_concurrent_requests_each_return_their_own_response(client: RecordingClient, jobs: JobPool) -> None:
    known = _ids_that_are_there(client)
    if not known:
        raise NotReachedError("none of the jobs that were started can be retrieved")
    plain = client.get(video_path(unknown_like(jobs["plain"].id))).status
    unknown = [unknown_like(jobs["plain"].id) for _ in range(4)]
    requested = list(islice(cycle([*known, *unknown[:1], *known, *unknown]), _CONCURRENT))

    def retrieved(video_id: str) -> Exchange:
        return client.get(video_path(video_id))

    with ThreadPoolExecutor(_CONCURRENT) as pool:
        responses = list(pool.map(retrieved, requested))
    for video_id, exchange in zip(requested, responses, strict=True):
        expected = 200 if video_id in known else plain or 404
        expect(exchange, expected, f"{video_id}, one of {_CONCURRENT} concurrent requests")
        if video_id in known and str(exchange.object.get("id")) in {*known, *unknown} - {video_id}:
            raise violated(
                f"of {_CONCURRENT} concurrent requests, the one for {video_id} returns {_id(exchange)}", exchange
            )


@checks("VID-ROBUST-004", phase=Phase.CLOSING)
def test_the_server_still_responds(client: RecordingClient, jobs: JobPool) -> None:
    paths = ["/videos", jobs["plain"].path]
    answered = {each.path for each in client.history if each.method == "GET" and each.is_ok and not each.query}
    if "/videos" not in answered and client.get("/videos").is_ok:
        answered.add("/videos")
    first, *rest = hostile_json(f"{client.mark.text} must never be made", client.target.choice()).values()
    # The check of hostile JSON has sent them, unless this one runs alone.
    if all(each.request_body != first for each in client.history):
        headers = {"content-type": "application/json"}
        client.post("/videos", content=first, headers=headers)
        # One after the other: each counts as a start until it is refused, so that few may be left.
        with suppress(NotReachedError):
            for body in rest:
                client.post("/videos", content=body, headers=headers)
    before = [path for path in paths if path in answered]
    if not before:
        raise NotReachedError("neither a list nor the plain job was returned before")
    for path in before:
        after = expect_response(client.get(path))
        if (after.status or 0) >= _SERVER_ERROR:
            raise violated(f"GET {path}, after all that was sent: returned {after.status}, unlike before", after)


def _ids_that_are_there(client: RecordingClient) -> list[str]:
    """Return the ids of the run's own jobs that can be retrieved."""
    ids = present_ids(client.history)
    reads = eight_at_a_time([partial(client.get, video_path(each)) for each in ids])
    return [each for each, read in zip(ids, reads, strict=True) if read.is_ok]


def _id(exchange: Exchange) -> str:
    return shown(exchange.object.get("id"))
