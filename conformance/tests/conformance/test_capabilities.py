"""What a server offers is found out, unless the operator has said it, by requests whose responses tell it apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.catalogue import CORE, capabilities
from openvideos_conformance._core.outcomes import NotReachedError, UnsupportedError
from openvideos_conformance._core.profiles import NEED_OPTIONS, profiles, promised
from openvideos_conformance._core.target import Target
from openvideos_conformance._server.capabilities import Capabilities
from openvideos_conformance._server.discovery import EXTENSIONS

from .synthetic_server import MODELS, QUEUED, Answer, SyntheticServer, client_of, refusal, started

ALL: dict[str, Any] = {
    "api_key": "sk-synthetic",
    "other_api_key": "sk-of-another",
    "failing_prompt": "fail",
    "webhook_port": 9,
    "webhook_secret": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
}
"""The options without which some capabilities cannot be used."""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll jobs without a pause: a synthetic server has them ready."""
    monkeypatch.setattr("openvideos_conformance._server.jobs._FIRST_PAUSE", 0.0)


def outcome(name: str, server: SyntheticServer, **target: Any) -> str:
    """Return why a capability is not there, and an empty text if it is."""
    with client_of(server, **{**ALL, **target}) as client, started(client, "plain", "json", "reference") as jobs:
        offered = Capabilities(client, jobs)
        try:
            offered.require(name)
        except UnsupportedError as unsupported:
            reason = str(unsupported)
            assert ([] if "beyond the profile" in reason else [False]) == [
                has for each, has in offered.known().items() if each == name
            ]
            return reason
        return ""


@pytest.mark.parametrize("name", [CORE, *capabilities()])
def test_a_server_that_has_everything_is_believed(name: str) -> None:
    assert "" == outcome(name, SyntheticServer())


def on(method: str, end: str, status: int = 200, *, needs: str = "", **headers: str) -> Answer:
    """Return what refuses the requests whose path ends so, if their query, type or body has a text."""

    def wrong(request: httpx.Request) -> httpx.Response | None:
        said = f"{request.url.query!r} {request.headers.get('content-type')} {request.content!r}"
        is_meant = request.method == method and request.url.path.endswith(end) and needs in said
        return refusal(status, **headers) if is_meant else None

    return wrong


def _silent(request: httpx.Request) -> httpx.Response | None:
    """Name no extension."""
    said = {**MODELS, "contract": {"extensions": None}}
    return httpx.Response(200, json=said) if request.url.path.endswith("/models") else None


def _without_url(request: httpx.Request) -> httpx.Response | None:
    id_ = request.url.path.rpartition("/")[2]
    if request.method != "GET" or not id_.startswith("video_"):
        return None
    return httpx.Response(200, json={**QUEUED, "id": id_, "status": "completed", "progress": 100})


LACKING: list[tuple[str, Answer, str]] = [
    ("json", on("POST", "/videos", 415, needs="application/json"), "a create as JSON is refused with 415"),
    ("json", on("POST", "/videos", 501, needs="application/json"), "a create as JSON is refused with 501"),
    ("image-reference", on("POST", "/videos", 422, needs="input_reference"), "with an image file is refused with 422"),
    ("remix", on("POST", "/remix", 405), "/remix returns 405"),
    ("remix", on("POST", "/remix", 404), "/remix returns 404"),
    ("edits", on("POST", "/edits", 404), "POST /videos/edits returns 404"),
    ("extensions", on("POST", "/extensions", 405), "POST /videos/extensions returns 405"),
    ("characters", on("POST", "/characters", 501), "POST /videos/characters returns 501"),
    ("thumbnail", on("GET", "/content", 400, needs="variant=thumbnail"), "variant=thumbnail is refused with 400"),
    ("thumbnail", on("GET", "/content", 404, needs="variant=thumbnail"), "variant=thumbnail is refused with 404"),
    ("spritesheet", on("GET", "/content", 422, needs="variant=spritesheet"), "variant=spritesheet is refused with 422"),
    ("list", on("GET", "/videos", 404), "GET /videos returns 404"),
    ("list", on("GET", "/videos", 405), "GET /videos returns 405"),
    ("list", on("GET", "/videos", 501), "GET /videos returns 501"),
    ("delete", on("DELETE", "", 405), "returns 405, like a server that has no deletion"),
    ("delete", on("DELETE", "", 501), "returns 501, like a server that has no deletion"),
    ("delete", on("DELETE", "", 404), "returns 404, like a server that has no deletion"),
    ("discovery", on("GET", "/models", 404), "GET /videos/models returns 404"),
    ("sampling", on("GET", "/models", 404), "GET /videos/models does not name the extension sampling"),
    ("references", _silent, "GET /videos/models does not name the extension references"),
    ("sampling", _silent, "GET /videos/models does not name the extension sampling"),
    ("ranges", on("GET", "/content", 200), "a range returns 200 without Accept-Ranges"),
    ("url", _without_url, "a completed job has no url"),
]


@pytest.mark.parametrize(("name", "wrong", "reason"), LACKING)
def test_what_a_server_lacks_is_found_out_with_the_reason(name: str, wrong: Answer, reason: str) -> None:
    assert reason in outcome(name, SyntheticServer(wrong))


def has_unknown(request: httpx.Request) -> bool:
    """Tell whether a request is about a video that was never created, or about a path that does not exist."""
    return len(request.url.path) > len("/v1/videos/video_1234")


def claiming(**account: Any) -> Answer:
    """Return an account of the server that claims this."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        said = {**MODELS, "contract": {"revision": "2026-12-01", **account}}
        return httpx.Response(200, json=said) if request.url.path.endswith("/models") else None

    return answer


@given(
    st.sampled_from(profiles()),
    st.lists(st.sampled_from(capabilities())),
    st.sampled_from(sorted({*capabilities()} - NEED_OPTIONS - {"discovery", "url"})),
)
def test_what_an_account_does_not_claim_is_not_offered(profile: str, more: list[str], name: str) -> None:
    server = SyntheticServer(claiming(profiles=["a-profile-of-tomorrow", profile], extensions=more))
    reason = outcome(name, server)
    is_claimed = name in more or (name in promised(profile) and name not in EXTENSIONS)
    assert is_claimed == (not reason), reason
    assert is_claimed or "GET /videos/models" in reason


@pytest.mark.parametrize("named", [[], ["a-profile-of-tomorrow"], None, "core", [None, {}]])
def test_an_account_without_a_profile_that_is_known_excludes_nothing(named: object) -> None:
    assert "" == outcome("list", SyntheticServer(claiming(profiles=named)))


@given(st.sampled_from(profiles()), st.sampled_from(sorted({*capabilities()} - NEED_OPTIONS)))
def test_a_profile_declares_what_it_has_and_denies_the_rest(profile: str, name: str) -> None:
    target = Target.of({"base_url": "http://server.test/v1", "profile": profile}, {})
    server = SyntheticServer(lambda request: refusal(404) if request.method == "GET" else None)
    reason = outcome(name, server, profile=profile, declared=target.declared, denied=target.denied)
    assert ("" if name in promised(profile) else f"{name} is beyond the profile {profile}") == reason


NOT_LACKING: list[tuple[str, Answer]] = [
    ("json", on("POST", "/videos", 500, needs="application/json")),  # broken is not missing
    ("remix", on("POST", "/remix", 404, needs="nothing of the kind")),
    ("edits", on("POST", "/edits", 422)),
    *(("list", on("GET", "/videos", status)) for status in (400, 401, 422, 500)),
    *(("delete", on("DELETE", "", status)) for status in (200, 400, 403, 409, 500)),
    (
        "delete",
        lambda request: httpx.Response(404) if request.method in {"GET", "DELETE"} and has_unknown(request) else None,
    ),
    ("thumbnail", on("GET", "/content", 409, needs="variant=thumbnail")),
    ("ranges", on("GET", "/content", 200, **{"accept-ranges": "Bytes"})),
]


@pytest.mark.parametrize(("name", "wrong"), NOT_LACKING)
def test_an_error_of_another_kind_says_nothing_against_it(name: str, wrong: Answer) -> None:
    assert "" == outcome(name, SyntheticServer(wrong))


def test_a_remix_of_a_running_video_may_be_a_404() -> None:
    def wrong(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/remix"):
            return None
        return refusal(400) if any("retrieve" in each for each in polled) else refusal(404)

    polled: list[str] = []

    def noting(request: httpx.Request) -> httpx.Response | None:
        polled.extend(["retrieve"] if request.method == "GET" and "/videos/video_" in request.url.path else [])
        return wrong(request)

    assert "" == outcome("remix", SyntheticServer(noting))


def test_a_second_job_under_one_key_tells_that_keys_are_ignored() -> None:
    def wrong(request: httpx.Request) -> httpx.Response | None:
        if "idempotency-key" in request.headers and request.url.path.endswith("/videos"):
            return httpx.Response(200, json=server.add())
        return None

    server = SyntheticServer(wrong)
    assert "started a second job" in outcome("idempotency", server)


def test_a_key_that_makes_the_create_fail_is_no_verdict() -> None:
    def wrong(request: httpx.Request) -> httpx.Response | None:
        return refusal(500) if "idempotency-key" in request.headers else None

    with pytest.raises(NotReachedError, match="Idempotency-Key returned 500"):
        outcome("idempotency", SyntheticServer(wrong))


@pytest.mark.parametrize(
    ("name", "missing"),
    [("failing", "failing_prompt"), ("authentication", "api_key"), ("webhooks", "webhook_port")],
)
def test_what_needs_an_option_is_not_there_without_it(name: str, missing: str) -> None:
    assert outcome(name, SyntheticServer(), **{missing: None})
    with pytest.raises(NotReachedError):  # whoever declares it has to give the option
        outcome(name, SyntheticServer(), declared=frozenset({name}), **{missing: None})


@pytest.fixture
def silent() -> Iterator[SyntheticServer]:
    """Give a server that must not be asked for anything but the jobs of the pool."""
    server = SyntheticServer()
    yield server
    assert {"/v1/videos"} == {each.url.path for each in server.requests if each.method == "POST"}


@pytest.mark.parametrize("name", ["remix", "edits", "characters"])
def test_what_the_operator_says_is_not_asked(name: str, silent: SyntheticServer) -> None:
    assert "" == outcome(name, silent, declared=frozenset({name}))
    assert "as --capabilities says" in outcome(name, silent, denied=frozenset({name}))


def test_each_is_asked_once() -> None:
    server = SyntheticServer(on("POST", "/edits", 405))
    with client_of(server) as client, started(client, "plain") as jobs:
        offered = Capabilities(client, jobs)
        for _ in range(3):
            with pytest.raises(UnsupportedError):
                offered.require("edits")
            offered.require("remix")
        assert {"edits": False, "remix": True} == offered.known()
    assert [1, 1] == [len(server.sent("POST", end)) for end in ("/edits", "/remix")]
