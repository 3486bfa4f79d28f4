"""One divergence fails the requirement that names it: a check whose plain case fails, too, is not exercised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.outcomes import NotReachedError
from openvideos_conformance._probes.creates import create_concurrently
from openvideos_conformance._probes.derived_jobs import remix_plain
from openvideos_conformance._probes.harmless_requests import send_wrong_methods
from openvideos_conformance._probes.invalid_requests import InvalidRequests
from openvideos_conformance._server.capabilities import Capabilities
from openvideos_conformance._server.downloads import Files
from openvideos_conformance._server.jobs import JobPool
from openvideos_conformance._server.recording_client import RecordingClient
from openvideos_conformance.suite import (
    test_content,
    test_creating,
    test_errors,
    test_listing,
    test_remixing,
    test_retrieving,
    test_robustness,
)

from .synthetic_server import Answer, SyntheticServer, client_of, refusal, started

CONTRACT = contract()
JOBS = ("plain", "json", "doomed", "longest", "reference", "jpeg", "webp", "unknown_field")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll jobs without a pause: a synthetic server has them ready."""
    monkeypatch.setattr("openvideos_conformance._server.jobs._FIRST_PAUSE", 0.0)


def _is_list(request: httpx.Request) -> bool:
    return request.method == "GET" and request.url.path.endswith("/videos")


def _is_retrieve(request: httpx.Request) -> bool:
    return request.method == "GET" and request.url.path.rpartition("/")[2].startswith("video_")


def _is_content(request: httpx.Request) -> bool:
    return request.url.path.endswith("/content")


def _is_create(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path.endswith("/videos")


def _refusing(is_meant: Callable[[httpx.Request], bool], status: int) -> Answer:
    return lambda request: refusal(status) if is_meant(request) else None


class Run:
    """What the checks of a run are given."""

    def __init__(self, client: RecordingClient, jobs: JobPool) -> None:
        self.client, self.jobs = client, jobs
        self.creates = create_concurrently(client, jobs)
        self.files = Files(client, jobs)
        self.offered = Capabilities(client, jobs)
        self.invalid = InvalidRequests(client, self.offered)


LISTS: dict[str, Callable[[Run], Any]] = {
    "an unknown cursor": lambda run: test_listing.test_an_unknown_cursor_is_refused(run.client, run.jobs),
    "an illegal limit": lambda run: test_listing.test_a_limit_that_the_contract_does_not_allow_is_refused(
        run.client, CONTRACT, "ten"
    ),
    "an illegal order": lambda run: test_listing.test_an_order_that_the_contract_does_not_have_is_refused(
        run.client, CONTRACT
    ),
    "a legal limit": lambda run: test_listing.test_each_limit_that_the_contract_allows_is_accepted(
        run.client, CONTRACT
    ),
}
CONTENT: dict[str, Callable[[Run], Any]] = {
    "the default": lambda run: test_content.test_the_variant_video_is_the_default(run.client, run.jobs, run.files),
    "a variant": lambda run: test_content.test_a_variant_that_the_contract_does_not_have_is_refused(
        run.client, run.jobs, run.files, CONTRACT
    ),
    "twice": lambda run: test_content.test_concurrent_downloads_are_alike(run.client, run.jobs, run.files),
    "ranges": lambda run: test_content.test_byte_ranges_are_supported(run.client, run.jobs, run.files),
}
RETRIEVES: dict[str, Callable[[Run], Any]] = {
    "a known job": lambda run: test_retrieving.test_a_known_job_is_retrieved(run.client, run.jobs),
    "at once": lambda run: test_retrieving.test_concurrent_retrieves_each_return_their_job(
        run.client, run.jobs, run.creates
    ),
    "the end": lambda run: test_retrieving.test_the_plain_job_completes(run.jobs),
}


def _run(wrong: Answer, check: Callable[[Run], Any]) -> None:
    server = SyntheticServer(wrong)
    with client_of(server, size="64x48", seconds="4", max_videos=90) as client, started(client, *JOBS) as jobs:
        jobs.ended("plain")
        check(Run(client, jobs))


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("name", LISTS)
def test_what_needs_a_list_is_not_exercised_where_none_is_returned(name: str, status: int) -> None:
    with pytest.raises(NotReachedError):
        _run(_refusing(_is_list, status), LISTS[name])


@pytest.mark.parametrize("name", CONTENT)
def test_what_needs_content_is_not_exercised_where_none_is_returned(name: str) -> None:
    with pytest.raises(NotReachedError):
        _run(_refusing(_is_content, 404), CONTENT[name])


@pytest.mark.parametrize("name", RETRIEVES)
def test_what_needs_a_retrieve_is_not_exercised_where_each_id_is_unknown(name: str) -> None:
    with pytest.raises(NotReachedError):
        _run(_refusing(_is_retrieve, 404), RETRIEVES[name])


def _accepted_as_202(request: httpx.Request) -> httpx.Response | None:
    return httpx.Response(202, json=RIGHT._right(request).json()) if _is_create(request) else None


def _without_model(request: httpx.Request) -> httpx.Response | None:
    if not _is_retrieve(request) or _is_content(request):
        return None
    return httpx.Response(200, json={"id": request.url.path.rpartition("/")[2], "object": "video", "created_at": 1,
                                     "status": "completed", "prompt": None, "size": None, "seconds": None})  # fmt: skip


def _detailed(request: httpx.Request) -> httpx.Response | None:
    path = request.url.path.removeprefix("/v1")
    if CONTRACT.match(request.method, path)[0] is not None:
        return None
    return httpx.Response(405, json={"detail": "Method Not Allowed"})


RIGHT = SyntheticServer()
"""The server behind the one whose creates are 202."""

KEPT: dict[str, tuple[Answer, Callable[[Run], Any]]] = {
    "a form is accepted with 202": (
        _accepted_as_202, lambda run: test_creating.test_a_create_as_a_form_is_accepted(run.jobs),
    ),
    "the longest prompt is accepted with 202": (
        _accepted_as_202, lambda run: test_creating.test_the_longest_legal_prompt_is_accepted(run.jobs),
    ),
    "an image is accepted with 202": (
        _accepted_as_202, lambda run: test_creating.test_an_image_file_as_a_reference_is_accepted(run.jobs),
    ),
    "an unknown field is accepted with 202": (
        _accepted_as_202, lambda run: test_creating.test_an_unknown_field_is_ignored(run.jobs),
    ),
    "the server goes on without lists": (
        _refusing(_is_list, 400), lambda run: test_robustness.test_the_server_still_responds(run.client, run.jobs),
    ),
    "the server goes on without a model": (
        _without_model, lambda run: test_robustness.test_the_server_still_responds(run.client, run.jobs),
    ),
    "a repeated parameter is not the reason": (
        _refusing(_is_list, 500),
        lambda run: test_robustness.test_repeated_parameters_are_no_server_error(run.client, run.jobs, run.offered),
    ),
    "a method is a 405 without the envelope": (
        _detailed,
        lambda run: test_errors.test_a_method_that_a_path_does_not_have_is_a_405(
            send_wrong_methods(run.client, run.jobs, run.offered)
        ),
    ),
    "a remix is new, and its retrieve has no model": (
        _without_model,
        lambda run: test_remixing.test_remixing_a_completed_video_starts_a_new_job(
            run.client, remix_plain(run.client, run.jobs)
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_a_requirement_that_is_kept_passes_beside_one_that_is_broken(name: str) -> None:
    wrong, check = KEPT[name]
    _run(wrong, check)


def test_an_error_without_the_envelope_names_no_wrong_field() -> None:
    with pytest.raises(NotReachedError, match="with a param in the envelope"):
        _run(
            lambda request: httpx.Response(400, json={"detail": "no"}) if _is_broken(request) else None,
            lambda run: test_errors.test_the_param_of_an_error_names_what_is_wrong(run.invalid),
        )


def _is_broken(request: httpx.Request) -> bool:
    return b"must never be made" in request.content or (_is_create(request) and b"prompt" not in request.content)
