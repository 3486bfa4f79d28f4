"""The plain case with which a check compares its own, and the end of a job that should not have been started."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from openvideos_conformance._core.outcomes import NotReachedError, OverdueError, ViolationError
from openvideos_conformance._probes.baselines import plain_list
from openvideos_conformance._probes.creates import end_of, is_known

from .synthetic_server import SyntheticServer, client_of, refusal


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Take no time to sleep, and keep how long it would have been."""
    seconds: list[float] = []
    monkeypatch.setattr("openvideos_conformance._probes.creates.time.sleep", seconds.append)
    return seconds


def test_a_plain_list_is_that_of_the_run_or_a_new_one() -> None:
    with client_of(SyntheticServer()) as client:
        client.get("/videos", query={"limit": 1})
        first = plain_list(client)
        assert "" == first.query
        assert first is plain_list(client)


@pytest.mark.parametrize("status", [400, 500])
def test_nothing_is_judged_by_lists_where_a_plain_one_is_refused(status: int) -> None:
    with client_of(SyntheticServer(lambda _: refusal(status))) as client, pytest.raises(NotReachedError) as caught:
        plain_list(client)
    assert [status] == [each.status for each in caught.value.exchanges]


def test_the_end_of_a_job_is_waited_for(slept: list[float]) -> None:
    reads = iter(["queued", "in_progress", "failed"])

    def wrong(request: httpx.Request) -> httpx.Response | None:
        is_read = request.method == "GET" and request.url.path.endswith("video_1")
        return httpx.Response(200, json={**server.jobs["video_1"], "status": next(reads)}) if is_read else None

    server = SyntheticServer(wrong)
    with client_of(server) as client:
        assert "failed" == end_of(client, client.post("/videos", form={"prompt": "x"})).object["status"]
    assert [0.1, 0.2] == slept


def test_a_job_without_an_end_is_not_judged() -> None:
    def wrong(request: httpx.Request) -> httpx.Response | None:
        is_read = request.method == "GET" and request.url.path.endswith("video_1")
        return httpx.Response(200, json=server.jobs["video_1"]) if is_read else None

    server = SyntheticServer(wrong)
    with client_of(server, deadline=0.0) as client, pytest.raises(OverdueError, match="did not end"):
        end_of(client, client.post("/videos", form={"prompt": "x"}))


@pytest.mark.parametrize(("is_any_known", "is_violated"), [(True, True), (False, False)])
def test_a_new_job_that_is_unknown_counts_where_another_is_known(*, is_any_known: bool, is_violated: bool) -> None:
    def wrong(request: httpx.Request) -> httpx.Response | None:
        is_read = request.method == "GET" and "video_" in request.url.path
        return refusal(404) if is_read and not (is_any_known and request.url.path.endswith("video_1")) else None

    with client_of(SyntheticServer(wrong)) as client:
        created: list[Any] = [client.post("/videos", form={"prompt": "x"}) for _ in range(2)]
        client.get("/videos/video_1")
        if is_violated:
            with pytest.raises(ViolationError, match="unknown right after it"):
                is_known(client, created[1], "a remix")
        else:
            is_known(client, created[1], "a remix")
