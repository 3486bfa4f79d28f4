"""A download that is redirected is followed to its file, within bounds and without the key for another origin."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.evidence import evidence
from openvideos_conformance._core.exchange import Exchange
from openvideos_conformance._core.target import Target
from openvideos_conformance._history.registry import RULES, Traffic
from openvideos_conformance._server.recording_client import RecordingClient
from openvideos_conformance._server.redirects import MOST_REDIRECTS, next_request

from .histories import NOW, Log

KEY = "sk-a-synthetic-key"
BASE = "https://api.test/v1"
PATH = "/videos/video_1/content"
FILE = b"\0\0\0\x18ftypmp42"
Server = Callable[[httpx.Request], httpx.Response]


def redirecting(*locations: str, status: int = 302) -> Server:
    """Return a server that redirects a download to each of these in turn, and the last one to the file."""
    ways = dict(zip([f"{BASE}{PATH}", *locations], locations, strict=False))

    def answer(request: httpx.Request) -> httpx.Response:
        where = ways.get(str(request.url))
        if where is None:
            return httpx.Response(200, content=FILE, headers={"content-type": "video/mp4"})
        first = str(request.url) == f"{BASE}{PATH}"
        return httpx.Response(status if first else 301, headers={"location": where, "x-request-id": "req_1"})

    return answer


def downloaded(
    server: Server, path: str = PATH, **options: str
) -> tuple[Exchange, tuple[Exchange, ...], list[httpx.Request]]:
    """Download a file; return the exchange that is returned, all exchanges, and all requests."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return server(request)

    with RecordingClient(Target(base_url=BASE, api_key=KEY), httpx.MockTransport(answer)) as client:
        return client.get(path, headers=options), client.history, sent


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_followed_to_the_file_as_an_exchange_of_its_own(status: int) -> None:
    server = redirecting("https://files.test/a.mp4?signature=hush", status=status)
    found, history, sent = downloaded(server, range="bytes=0-9")
    assert (200, FILE, "https://files.test/a.mp4") == (found.status, found.body, found.elsewhere)
    assert [(status, ""), (200, found.elsewhere)] == [(each.status, each.elsewhere) for each in history]
    assert {("download_video_content", PATH)} == {(each.operation, each.path) for each in history}
    assert ["bytes=0-9"] * 2 == [each.headers["range"] for each in sent]
    assert "hush" not in found.summary


@given(
    st.sampled_from(["https://api.test", "https://api.test:443", "https://api.test:8443", "http://api.test"])
    | st.sampled_from(["https://files.test", "https://user:pass@api.test.evil", "//files.test"])
)
def test_the_key_goes_to_the_origin_of_the_api_alone(origin: str) -> None:
    _, _, sent = downloaded(redirecting(f"{origin}/a.mp4"))
    is_own = origin in {"https://api.test", "https://api.test:443"}
    assert [True, is_own] == ["authorization" in each.headers for each in sent]
    assert sent[-1].headers["host"] == sent[-1].url.netloc.decode()


@given(st.integers(1, 12))
def test_a_few_redirects_are_followed_and_no_more(number: int) -> None:
    found, history, _ = downloaded(redirecting(*(f"https://files.test/{each}" for each in range(number))))
    assert len(history) == 1 + min(number, MOST_REDIRECTS)
    assert (200 if number <= MOST_REDIRECTS else 301) == found.status


@given(
    st.sampled_from(
        ["file:///etc/passwd", "ftp://files.test/a", "javascript:1", "http://", "https:///a", "", "http://[", "\x00"]
    )
    | st.text(max_size=20)
)
def test_a_location_leads_to_http_alone(location: str) -> None:
    exchange = Exchange(
        number=1,
        layer="scenario",
        began=0,
        ended=1,
        at=1,
        method="GET",
        path=PATH,
        operation="download_video_content",
        status=302,
        headers=(("location", location),),
    )
    following = next_request(exchange, httpx.Request("GET", f"{BASE}{PATH}"), contract())
    assert following is None or (following.url.scheme in {"http", "https"} and following.url.host)


@pytest.mark.parametrize(
    ("path", "status"), [("/videos", 302), ("/videos/video_1", 307), (PATH, 301), (PATH, 303), (PATH, 308), (PATH, 200)]
)
def test_what_the_contract_does_not_redirect_is_not_followed(path: str, status: int) -> None:
    _, history, _ = downloaded(lambda _: httpx.Response(status, headers={"location": "https://files.test/a"}), path)
    assert [status] == [each.status for each in history]


def test_rules_hold_the_file_elsewhere_to_those_of_files_alone() -> None:
    plain = {"content-length": "11", "x-request-id": "req_1", "content-type": "text/plain"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "api.test":
            return httpx.Response(302, headers={"location": "https://files.test/a", "x-request-id": "req_1"})
        return httpx.Response(500, text="Slow down.", headers={"x-request-id": "req_1"})

    _, refused, _ = downloaded(answer)
    found, whole, _ = downloaded(
        lambda request: (
            answer(request) if request.url.host == "api.test" else httpx.Response(200, content=FILE, headers=plain)
        )
    )
    assert 200 == found.status
    log = Log()
    log.created()
    completed = log.retrieved("video_1", "completed", progress=100, completed_at=NOW + 9, began=-2.0, ended=-1.0)
    broken = {
        rule.requirement
        for rule in RULES
        for history in (refused, whole)
        if rule.judge(Traffic([completed, *history])).findings
    }
    assert {"VID-CONTENT-001"} <= broken
    assert broken <= {"VID-CONTENT-001", "VID-CONTENT-023"}


def test_the_evidence_names_the_place_and_repeats_the_request_from_the_api() -> None:
    found, _, _ = downloaded(redirecting("https://files.test/a.mp4?signature=hush"))
    shown = evidence(found, BASE)
    assert "https://files.test/a.mp4" == shown["request"]["url"]
    assert "--location" in shown["curl"]
    assert shown["curl"].endswith(f'{BASE}{PATH} -H "Authorization: Bearer $OPENVIDEOS_API_KEY"')
    assert "hush" not in str(shown)
