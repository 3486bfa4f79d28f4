"""What a run does without a list or a deletion, where it would only use them, against a server in memory."""

from __future__ import annotations

import httpx
import pytest

from openvideos_conformance._core.outcomes import CannotJudgeError, NotReachedError, UnsupportedError
from openvideos_conformance._probes.invalid_requests import newest
from openvideos_conformance._probes.once import Probes
from openvideos_conformance._server.capabilities import Capabilities
from openvideos_conformance._server.cleanup import clean_up
from openvideos_conformance._server.downloads import Files
from openvideos_conformance._server.preflight import preflight

from .synthetic_server import Answer, SyntheticServer, client_of, refusal, started


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing: a synthetic server is ready."""
    monkeypatch.setattr("openvideos_conformance._server.jobs._FIRST_PAUSE", 0.0)


def without(method: str, end: str, status: int, *, text: str = "") -> Answer:
    """Return the refusal of what a server does not have: in the envelope, or as this text."""

    def wrong(request: httpx.Request) -> httpx.Response | None:
        is_meant = request.method == method and request.url.path.endswith(end)
        return (httpx.Response(status, text=text) if text else refusal(status)) if is_meant else None

    return wrong


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("text", ["", "Cannot GET /v1/videos"])
def test_a_server_without_a_list_has_the_api_if_it_answers_about_a_video(status: int, text: str) -> None:
    with client_of(SyntheticServer(without("GET", "/videos", status, text=text))) as client:
        preflight(client)


def test_a_server_without_any_path_of_the_api_does_not_have_it() -> None:
    with (
        client_of(SyntheticServer(lambda _: httpx.Response(404, text="<h1>Not found</h1>"))) as client,
        pytest.raises(CannotJudgeError, match="this is not the Videos API"),
    ):
        preflight(client)


def test_a_wrong_key_is_noticed_without_a_list() -> None:
    with (
        client_of(SyntheticServer(lambda each: refusal(404 if each.url.path.endswith("/videos") else 401))) as client,
        pytest.raises(CannotJudgeError, match="the key is wrong or missing"),
    ):
        preflight(client)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_jobs_that_cannot_be_deleted_are_left_over(status: int) -> None:
    server = SyntheticServer(without("DELETE", "", status))
    with client_of(server) as client, started(client, "plain", "longest") as jobs:
        jobs.completed()
        assert [*server.jobs] == sorted(clean_up(client, sleep=lambda _: None).left_over)


def test_a_job_that_somebody_else_has_deleted_is_not_left_over() -> None:
    server = SyntheticServer()
    with client_of(server) as client, started(client, "plain") as jobs:
        jobs.completed()
        server.jobs.clear()
        assert [] == clean_up(client, sleep=lambda _: None).left_over


@pytest.mark.parametrize("is_offered", [True, False])
def test_an_unfinished_job_is_deleted_only_where_that_is_offered(*, is_offered: bool) -> None:
    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith(("/content", "/remix", "/edits", "/extensions")):
            return refusal(409)
        id_ = request.url.path.rpartition("/")[2]
        if request.method == "GET" and id_ in server.jobs and b"long train" in prompts[id_]:
            return httpx.Response(200, json={**server.jobs[id_], "status": "queued"})
        return None

    def remember(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST" and request.url.path.endswith("/videos"):
            prompts[f"video_{len(prompts) + 1}"] = request.content
        return answer(request)

    prompts: dict[str, bytes] = {}
    server = SyntheticServer(remember)
    known = {} if is_offered else {"denied": frozenset({"delete"})}
    with client_of(server, **known) as client, started(client, "plain") as jobs:
        offered = Capabilities(client, jobs)
        unfinished = Probes(client, jobs, Files(client, jobs), offered).unfinished
        if is_offered:
            assert (200, 404) == (unfinished.deleted.status, unfinished.after.status)
        else:
            with pytest.raises(NotReachedError, match="the deletion of the unfinished job"):
                _ = unfinished.deleted
            assert [] == server.sent("DELETE", "")
        assert is_offered == (unfinished.id not in server.jobs)


def test_the_newest_videos_are_not_known_without_a_list() -> None:
    server = SyntheticServer()
    with client_of(server, denied=frozenset({"list"})) as client, started(client, "plain") as jobs:
        with pytest.raises(NotReachedError, match="the server offers no list"):
            newest(client, Capabilities(client, jobs))
        with pytest.raises(UnsupportedError):
            Capabilities(client, jobs).require("list")
    assert [] == server.sent("GET", "/videos")


def test_jobs_of_what_a_server_does_not_claim_are_not_started() -> None:
    def claims_core(request: httpx.Request) -> httpx.Response | None:
        said = {"object": "list", "data": [], "contract": {"revision": "2026-12-01", "profiles": ["core"]}}
        return httpx.Response(200, json=said) if request.url.path.endswith("/models") else None

    server = SyntheticServer(claims_core)
    with client_of(server) as client, started(client, "plain", "json", "reference") as jobs:
        for name in ("json", "reference"):
            with pytest.raises(UnsupportedError, match="names no profile or extension that has"):
                _ = jobs[name]
    assert 1 == len(server.sent("POST", "/videos"))
