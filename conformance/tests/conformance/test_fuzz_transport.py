"""Test that generated requests are recorded, and that costly ones receive a local response."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests
from hypothesis.configuration import storage_directory

from openvideos_conformance._core.contract import contract
from openvideos_conformance._core.target import Target
from openvideos_conformance._fuzz.document import adapted
from openvideos_conformance._fuzz.engine import _storage
from openvideos_conformance._fuzz.transport import RecordingTransport
from openvideos_conformance._inputs.media_files import clip, image
from openvideos_conformance._server.recording_client import RecordingClient
from openvideos_conformance._server.wire import Received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "sk-test"
BASE = "http://server.invalid/v1"
LEGAL = {"prompt": "A boat"}


@pytest.fixture
def client() -> Iterator[RecordingClient]:
    target = Target(base_url=BASE, api_key=KEY, max_videos=20)
    with RecordingClient(target, httpx.MockTransport(lambda _: httpx.Response(500))) as client:
        yield client


def _request(method: str, path: str, value: Any = None, key: str | None = KEY) -> requests.PreparedRequest:
    headers = {"X-Schemathesis-TestCaseId": "case_1"} | ({"Authorization": f"Bearer {key}"} if key else {})
    return requests.Request(method, BASE + path, headers=headers, json=value).prepare()


class Server:
    """Returns a new job for each request, and counts the requests."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.requests_received = status, 0

    def __call__(self) -> Received:
        self.requests_received += 1
        body = json.dumps({"id": f"video_{self.requests_received}"}).encode()
        return Received(status=self.status, headers=(("x-request-id", "r"),), body=body, length=len(body))


def test_an_exchange_is_recorded_as_it_was(client: RecordingClient) -> None:
    fuzz = RecordingTransport(client, 12)
    response = fuzz.exchange(_request("POST", "/videos?x=1", LEGAL), Server())
    (exchange,) = client.history
    assert response.json() == exchange.object == {"id": "video_1"}
    assert ("POST", "/videos", "x=1") == (exchange.method, exchange.path, exchange.query)
    assert ("create_video", "fuzz", 200) == (exchange.operation, exchange.layer, exchange.status)
    assert {"x": "1", **client.mark.on_fields(LEGAL)} == exchange.request_fields
    assert "r" == exchange.header("x-request-id")
    assert "***" == exchange.request_header("authorization")
    assert exchange.has_key
    assert fuzz.by_case["case_1"] is exchange
    assert 1 == client.videos_started


@pytest.mark.parametrize(
    ("url", "elsewhere"),
    [
        (f"{BASE}/videos/v/content", ""),
        (f"{BASE}-files/a?signature=hush", f"{BASE}-files/a"),
        ("http://files.invalid/v1/videos/v/content", "http://files.invalid/v1/videos/v/content"),
    ],
)
def test_where_a_redirect_has_led_is_no_response_of_the_api(client: RecordingClient, url: str, elsewhere: str) -> None:
    RecordingTransport(client, 12).exchange(requests.Request("GET", url).prepare(), Server())
    assert [elsewhere] == [each.elsewhere for each in client.history]


def test_legal_creates_are_bounded_by_phase(client: RecordingClient) -> None:
    fuzz, server = RecordingTransport(client, 12), Server()
    for phase, most in {"examples": 2, "coverage": 7, "fuzzing": 8, "stateful": 10}.items():
        fuzz.phase = phase
        responses = [fuzz.exchange(_request("POST", "/videos", LEGAL), server) for _ in range(12)]
        assert server.requests_received == most
        assert 429 == responses[-1].status_code
    assert "case_1" in fuzz.local_cases
    assert 10 == len(client.history)


def test_creates_whose_refusal_proves_nothing_leave_place_for_the_others(client: RecordingClient) -> None:
    fuzz, server = RecordingTransport(client, 12), Server()
    fuzz.phase = "stateful"
    for _ in range(12):
        fuzz.exchange(_request("POST", "/videos", {**LEGAL, "unknown": 1}), server)
    assert 4 == server.requests_received
    for _ in range(12):
        fuzz.exchange(_request("POST", "/videos", LEGAL), server)
    assert 10 == server.requests_received


@pytest.mark.parametrize("left_out", [{}, {"size": None}, {"size": "1280x720"}])
def test_creates_without_the_chosen_values_are_not_sent(left_out: dict[str, Any]) -> None:
    target = Target(base_url=BASE, api_key=KEY, size="64x48", max_videos=20)
    with RecordingClient(target, httpx.MockTransport(lambda _: httpx.Response(500))) as client:
        fuzz, server = RecordingTransport(client, 12), Server()
        assert 429 == fuzz.exchange(_request("POST", "/videos", {**LEGAL, **left_out}), server).status_code
        assert 0 == server.requests_received
        fuzz.exchange(_request("POST", "/videos", {**LEGAL, "size": "64x48"}), server)
        fuzz.exchange(_request("POST", "/videos", {**LEGAL, "size": "banana"}), server)
        assert 2 == server.requests_received


@pytest.mark.parametrize("status", [200, 500])
def test_forbidden_creates_are_sent_until_two_may_have_started_a_job(client: RecordingClient, status: int) -> None:
    fuzz, server = RecordingTransport(client, 12), Server(400)
    for _ in range(30):
        fuzz.exchange(_request("POST", "/videos", {"prompt": ""}), server)
    assert 30 == server.requests_received
    server.status = status
    responses = [fuzz.exchange(_request("POST", "/videos", {"prompt": ""}), server) for _ in range(5)]
    assert [status, status, 400, 400, 400] == [response.status_code for response in responses]
    assert 401 == fuzz.exchange(_request("POST", "/videos", LEGAL, key=None), server).status_code


def test_nothing_is_started_beyond_the_bound_of_the_run(client: RecordingClient) -> None:
    fuzz, server = RecordingTransport(client, 100), Server()
    fuzz.phase = "stateful"
    for _ in range(40):
        fuzz.exchange(_request("POST", "/videos", LEGAL), server)
        fuzz.exchange(_request("POST", "/videos", {"prompt": ""}), server)
    assert server.requests_received == client.target.max_videos


def test_what_others_have_made_is_not_touched(client: RecordingClient) -> None:
    page = json.dumps({"object": "list", "data": [{"id": "video_others"}]}).encode()
    fuzz, server = RecordingTransport(client, 12), Server()
    fuzz.exchange(_request("GET", "/videos"), _responding(page))
    edit = {"prompt": "Make it night", "video": {"id": "video_others"}}
    for method, path, value in (
        ("DELETE", "/videos/video_others", None),
        ("GET", "/videos/video_others/content", None),
        ("POST", "/videos/edits", edit),
    ):
        assert 404 == fuzz.exchange(_request(method, path, value), server).status_code
    form = requests.Request("POST", f"{BASE}/videos/edits", headers={"Authorization": f"Bearer {KEY}"})
    form.files = {"prompt": (None, "Make it night"), "video[id]": (None, "video_others")}
    prepared = form.prepare()
    prepared.headers["X-Schemathesis-TestCaseId"] = "case_1"
    assert 404 == fuzz.exchange(prepared, server).status_code
    assert 0 == server.requests_received
    fuzz.exchange(_request("POST", "/videos", LEGAL), server)
    assert 200 == fuzz.exchange(_request("DELETE", "/videos/video_1"), server).status_code
    assert 200 == fuzz.exchange(_request("DELETE", "/videos/video_nobody"), server).status_code


def test_what_a_scenario_has_made_is_looked_at_and_not_deleted(client: RecordingClient) -> None:
    RecordingTransport(client, 12).exchange(_request("POST", "/videos", LEGAL), Server())
    fuzz, server = RecordingTransport(client, 12), Server()
    assert 200 == fuzz.exchange(_request("GET", "/videos/video_1"), server).status_code
    assert 404 == fuzz.exchange(_request("DELETE", "/videos/video_1"), server).status_code
    assert 1 == server.requests_received


def test_a_request_without_the_key_is_known_as_one(client: RecordingClient) -> None:
    fuzz = RecordingTransport(client, 12)
    fuzz.exchange(_request("GET", "/videos", key=None), Server(401))
    fuzz.exchange(_request("GET", "/videos", key="wrong"), Server(401))
    assert [False, False] == [exchange.has_key for exchange in client.history]


def test_a_missing_response_is_recorded_and_raised(client: RecordingClient) -> None:
    def fail() -> Received:
        return Received(failure="the connection was reset")

    with pytest.raises(requests.ConnectionError, match="reset"):
        RecordingTransport(client, 12).exchange(_request("GET", "/videos"), fail)
    (exchange,) = client.history
    assert "the connection was reset" in exchange.failure
    assert exchange.status is None


def test_sessions_of_schemathesis_record_and_others_do_not(client: RecordingClient) -> None:
    from schemathesis.transport.requests import ManagedCookiesSession

    original = ManagedCookiesSession().get_adapter(BASE)
    with RecordingTransport(client, 12).installed():
        assert type(ManagedCookiesSession().get_adapter(BASE)) is not type(original)
        assert type(requests.Session().get_adapter(BASE)) is type(original)
    assert type(ManagedCookiesSession().get_adapter(BASE)) is type(original)


def _responding(body: bytes) -> Callable[[], Received]:
    return lambda: Received(status=200, body=body, length=len(body))


def _adapted(**options: Any) -> dict[str, Any]:
    every = {"json", "sampling", "references"} | {operation.id for operation in contract().operations}
    offered = options.pop("offered", every)
    target = Target(base_url=BASE, **options)
    return adapted(contract(), target, offered=offered, picture=b"PNG")


def test_the_contract_itself_is_left_as_it_is() -> None:
    before = json.dumps(contract().document)
    _adapted(api_key=KEY, size="64x48")
    assert json.dumps(contract().document) == before


def test_what_the_server_offers_is_pinned_and_the_rest_left_out() -> None:
    document = _adapted(api_key=KEY, size="64x48", seconds="1")
    schemas = document["components"]["schemas"]
    assert ["64x48"] == schemas["VideoSize"]["enum"]
    assert ["1"] == schemas["ExtensionSeconds"]["enum"]
    assert [16] == schemas["FrameCount"]["enum"] == schemas["FramesPerSecond"]["enum"]
    assert "model" not in schemas["CreateVideoForm"]["properties"]
    assert contract().schema("CreateVideoJson")["properties"].keys() - {"model"} == (
        schemas["CreateVideoJson"]["properties"].keys()
    )
    value = document["paths"]["/videos"]["post"]["requestBody"]["content"]["application/json"]["examples"]["reference"]
    assert "64x48" == value["value"]["size"]
    assert value["value"]["input_reference"]["image_url"].startswith("data:image/png;base64,")


def test_a_create_must_name_what_the_operator_has_chosen() -> None:
    every = {operation.id for operation in contract().operations}
    for options, required in (
        ({}, {"prompt"}),
        ({"size": "64x48", "model": "m"}, {"prompt", "size", "model"}),
        ({"seconds": "1", "offered": {"json", *every}}, {"prompt", "seconds"}),
        ({"seconds": "1"}, {"prompt"}),  # a number of frames takes the place of the seconds
    ):
        schemas = _adapted(**options)["components"]["schemas"]
        assert [required, required] == [{*schemas[name]["required"]} for name in ("CreateVideoForm", "CreateVideoJson")]


@pytest.mark.parametrize(
    ("fields", "is_sent"),
    [
        ({"prompt": "A boat", "size": "64x48", "seconds": "1"}, True),
        ({"prompt": "A boat", "size": "64x48", "num_frames": 16}, True),
        ({"prompt": "", "size": "64x48", "seconds": "1"}, True),
        ({"prompt": "A boat", "size": "banana", "seconds": "1"}, True),
        ({"prompt": "A boat", "size": 7, "seconds": "1"}, True),
        ([], True),
        ({"prompt": "A boat"}, False),
        ({"prompt": "A boat", "size": "64x48"}, False),
        ({"prompt": "A boat", "size": "1920x1080", "seconds": "1"}, False),
        ({"prompt": "", "size": "1920x1080", "seconds": "1"}, False),
        ({"size": "64x48"}, False),
    ],
)
def test_a_create_at_another_price_than_the_chosen_one_is_not_sent(fields: Any, *, is_sent: bool) -> None:
    target = Target(base_url=BASE, api_key=KEY, size="64x48", seconds="1")
    with RecordingClient(target, httpx.MockTransport(lambda _: httpx.Response(500))) as client:
        fuzz, server = RecordingTransport(client, 12), Server()
        fuzz.phase = "stateful"
        fuzz.exchange(_request("POST", "/videos", fields), server)
        assert is_sent == bool(server.requests_received)
        assert is_sent == ("case_1" not in fuzz.local_cases)


def test_operations_that_are_not_offered_and_links_to_them_are_left_out() -> None:
    target = Target(base_url=BASE, api_key=KEY)
    offered = {operation.id for operation in contract().operations} - {"remix_video", "edit_video"}
    document = adapted(contract(), target, offered=offered, picture=b"PNG")
    assert {"multipart/form-data"} == set(document["paths"]["/videos"]["post"]["requestBody"]["content"])
    assert "/videos/edits" not in document["paths"]
    assert "/videos/{video_id}/remix" not in document["paths"]
    links = document["paths"]["/videos"]["post"]["responses"]["200"]["links"]
    assert {"RetrieveCreatedVideo", "DownloadCreatedVideo", "DeleteCreatedVideo"} == set(links)


def test_optional_headers_are_not_generated_and_files_have_their_types() -> None:
    document = _adapted(api_key=KEY)
    assert [] == document["paths"]["/videos"]["post"]["parameters"]
    content = document["paths"]["/videos/{video_id}/content"]["get"]["parameters"]
    assert ["variant"] == [parameter["name"] for parameter in content]
    form = document["paths"]["/videos/edits"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert {"video": {"contentType": "video/mp4"}} == form["encoding"]
    create = document["paths"]["/videos"]["post"]["requestBody"]["content"]["multipart/form-data"]
    roles = {f"references[{role}]" for role in ("first_frame", "last_frame", "reference")}
    assert {key: {"contentType": "image/png"} for key in {"input_reference", *roles}} == create["encoding"]


def test_without_a_key_the_document_requires_no_security() -> None:
    assert [] == _adapted()["paths"]["/videos"]["get"]["security"]
    assert [{"bearerAuth": []}] == _adapted(api_key=KEY)["paths"]["/videos"]["get"]["security"]


def test_an_extension_that_is_not_offered_is_left_out() -> None:
    document = _adapted(offered={operation.id for operation in contract().operations})
    for name in ("CreateVideoForm", "CreateVideoJson"):
        properties = document["components"]["schemas"][name]["properties"]
        assert not any(name.partition("[")[0] in {"seed", "fps", "num_frames", "references"} for name in properties)


def test_the_files_that_are_sent_are_what_they_say() -> None:
    assert image("64x48")[1].startswith(b"\x89PNG")
    name, content, media_type = clip("64x48", "1")
    assert b"ftyp" == content[4:8]
    assert ("video.mp4", "video/mp4") == (name, media_type)


def test_http_probes_of_schemathesis_are_not_sent(client: RecordingClient) -> None:
    fuzz, server = RecordingTransport(client, 12), Server()
    probe = requests.Request("GET", BASE, headers={"X-Schemathesis-Probe": "NULL"}).prepare()
    assert 400 == fuzz.exchange(probe, server).status_code
    assert (0, []) == (server.requests_received, fuzz.exchanges)


def test_the_netrc_of_the_user_is_not_read(
    client: RecordingClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schemathesis.transport.requests import ManagedCookiesSession

    (tmp_path / "netrc").write_text("machine server.invalid login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    request = requests.Request("GET", f"{BASE}/videos")
    assert "Authorization" in ManagedCookiesSession().prepare_request(request).headers
    with RecordingTransport(client, 12).installed():
        assert "Authorization" not in ManagedCookiesSession().prepare_request(request).headers


def test_hypothesis_keeps_its_tables_where_the_user_says_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)
    with _storage():
        elsewhere = storage_directory("tables", intent_to_write=False).path
        assert not elsewhere.is_relative_to(tmp_path)
    assert not elsewhere.parent.exists()
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(tmp_path / "kept"))
    with _storage():
        assert tmp_path / "kept" / "tables" == storage_directory("tables", intent_to_write=False).path
