"""Test how scenarios change responses, without a client and without a socket."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._client import changes
from openvideos_conformance._client.app_runner import Request, Response
from openvideos_conformance._client.changes import ScenarioState
from openvideos_conformance._client.command import files_in
from openvideos_conformance._client.command_run import File
from openvideos_conformance._client.har import to_har
from openvideos_conformance._client.large_file import LargeFile, digest_of
from openvideos_conformance._client.recording_server import RecordingServer
from openvideos_conformance._client.scenarios import SCENARIOS

from .runs import exchange

MIB = 1 << 20
CONTENT = bytes(range(256)) * 4


def emulator(request: Request) -> Response:
    """Answer as an emulator that has completed the job `v`."""
    if request.operation == "download_video_content":
        whole = Response(200, (("content-type", "video/mp4"), ("etag", '"e"')), CONTENT, is_changed=False)
        return changes.ranged(request, whole)
    known: dict[str, Any] = {"id": "v", "status": "in_progress" if request.operation == "retrieve_video" else "queued"}
    if request.operation == "list_videos":
        known = {"object": "list", "data": [{"id": "a"}, {"id": "b"}], "last_id": "b", "has_more": True}
    return Response(200, (("content-type", "application/json"),), json.dumps(known).encode(), is_changed=False)


def ask(operation: str, **known: Any) -> Request:
    method = "POST" if operation in {"create_video", "remix_video"} else "GET"
    return Request(method, "/v1/videos", operation=operation, ids={"video_id": "v"}, **known)


def create() -> Request:
    body = json.dumps({"prompt": "A boat"}).encode()
    return ask("create_video", headers=(("content-type", "application/json"),), body=body)


def state() -> ScenarioState:
    return ScenarioState(send=emulator, prompt="A boat", other_origin="http://elsewhere.test")


@given(
    head=st.binary(max_size=64),
    size=st.integers(1, 3 * MIB + 5),
    start=st.integers(0, 3 * MIB),
    most=st.none() | st.integers(0, MIB),
)
def test_a_large_file_is_the_same_from_wherever_it_is_read(
    head: bytes, size: int, start: int, most: int | None
) -> None:
    whole = b"".join(LargeFile(head, size).pieces())
    assert size == len(whole)
    assert whole.startswith(head[:size])
    start = min(start, size)
    part = LargeFile(head, size, start)
    assert whole[start:][:most] == b"".join(part.pieces(most))
    assert size - start == len(part)
    assert hashlib.sha256(whole).digest() == digest_of(LargeFile(head, size))


@given(st.integers(0, 2000), st.sampled_from([None, '"e"', '"other"']))
def test_a_range_is_the_end_of_the_same_file(begin: int, condition: str | None) -> None:
    headers = (("range", f"bytes={begin}-"), *([("if-range", condition)] if condition else []))
    response = emulator(ask("download_video_content", headers=headers))
    is_part = condition != '"other"' and begin < len(CONTENT)
    assert (206, CONTENT[begin:]) == (response.status, response.body) if is_part else response.status == 200


def test_a_range_of_a_huge_file_reaches_beyond_the_small_one() -> None:
    given_state = state()
    changes.plain(given_state, create())
    part = changes.huge_file(given_state, ask("download_video_content", headers=(("range", "bytes=104857600-"),)))
    assert (206, changes.HUGE_FILE - 104857600) == (part.status, len(part.body))


def test_a_lost_start_is_carried_out_and_not_told() -> None:
    for status in (None, 500, 502, 503, 504):
        given_state, change = state(), changes.lost("create_video", status)
        first, second = change(given_state, create()), change(given_state, create())
        assert (True, False) == (first.is_lost, second.is_lost)
        assert (status is None) == first.is_reset
        assert b"queued" in (second.body if isinstance(second.body, bytes) else b"")


def test_only_the_first_request_of_an_operation_is_refused() -> None:
    change, given_state = changes.refused_first({"list_videos": (503, 2)}), state()
    refused = change(given_state, ask("list_videos"))
    assert (503, "2") == (refused.status, refused.header("retry-after"))
    assert 200 == change(given_state, ask("list_videos")).status
    assert 200 == change(given_state, ask("retrieve_video")).status


def test_the_hints_are_given_one_after_the_other_to_each_job() -> None:
    change, given_state = changes.hinted(3000, 40), state()
    hints = [change(given_state, ask("retrieve_video")).header("openai-poll-after-ms") for _ in range(3)]
    assert ["3000", "40", "40"] == hints
    assert changes.plain(given_state, ask("list_videos")).header("openai-poll-after-ms") is None


def test_the_second_half_of_a_changed_file_does_not_fit_the_first() -> None:
    given_state = state()
    first = changes.changed_content(given_state, ask("download_video_content"))
    again = changes.changed_content(given_state, ask("download_video_content", headers=(("range", "bytes=512-"),)))
    assert isinstance(again.body, bytes)
    joined = CONTENT[: first.cut] + again.body
    assert joined not in {CONTENT, given_state.files["v"]}
    whole = changes.changed_content(
        given_state, ask("download_video_content", headers=(("range", "bytes=512-"), ("if-range", '"first"')))
    )
    assert (200, given_state.files["v"]) == (whole.status, whole.body)


def test_an_empty_page_is_always_the_same_one() -> None:
    given_state = state()
    pages = [changes.empty_page(given_state, ask("list_videos", query=f"after={after}")) for after in "xyx"]
    assert [0, 2, 0] == [len(changes.video_of(page)["data"]) for page in pages]


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_answers_every_request(name: str) -> None:
    given_state = state()
    for request in (create(), *map(ask, ("retrieve_video", "list_videos", "download_video_content", "remix_video"))):
        for _ in range(3):
            assert isinstance(SCENARIOS[name].change(given_state, request), Response)
    assert isinstance(SCENARIOS[name].change(given_state, Request("GET", "/health")), Response)


# ---------------------------------------------------------------- what is kept
def _served(headers: tuple[tuple[str, str], ...], respond: Any = emulator) -> RecordingServer:
    server = RecordingServer(respond, key="sk-of-the-run")
    with server:
        _, record = server.handle(Request("GET", "/v1/videos", headers=headers))
        record("")
    return server


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (("Authorization", "Bearer sk-of-the-run"), "Bearer sk-of-the-run"),
        (("Authorization", "Bearer sk-somebodys-real-one"), "Bearer ***"),
        (("Authorization", "sk-somebodys-real-one"), "***"),
        (("X-Api-Key", "sk-somebodys-real-one"), "***"),
    ],
)
def test_no_key_but_that_of_the_run_is_recorded(header: tuple[str, str], kept: str) -> None:
    (recorded,) = _served((header,)).exchanges
    assert kept == recorded.request_header(header[0])
    assert "real-one" not in recorded.credential


def test_what_goes_wrong_in_the_judge_is_not_blamed_on_the_client() -> None:
    def fail(_: Request) -> Response:
        raise TimeoutError("the emulator does not answer")

    assert ["TimeoutError: the emulator does not answer"] == _served((), fail).problems


def test_traffic_is_kept_without_the_key_in_any_spelling() -> None:
    key = "sk-openvideos-0123456789"
    sent = exchange(path="/videos", query=f"key={key}", request_body=key.encode().hex().encode())
    text = to_har([sent], "http://127.0.0.1/v1", key)
    assert key not in text
    assert key.encode().hex() not in text
    assert "POST" == json.loads(text)["log"]["entries"][0]["request"]["method"]


def test_files_are_read_wherever_they_can_be(tmp_path: Any) -> None:
    (tmp_path / "video.mp4").write_bytes(b"x" * 10)
    (tmp_path / "link").symlink_to(tmp_path / "video.mp4")
    (tmp_path / "foreign").symlink_to("/etc/hostname")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.txt").write_bytes(b"y")
    (tmp_path / "out").symlink_to(tmp_path / "logs")
    whole = File.of(b"x" * 10)
    assert {"video.mp4": whole, "link": whole, "logs/a.txt": File.of(b"y")} == files_in(tmp_path)
    assert {} == files_in(tmp_path / "gone")
    assert {} == files_in(tmp_path / "video.mp4")
    assert {} == files_in(tmp_path / "out")


def test_a_file_without_an_end_is_not_read(tmp_path: Any) -> None:
    with (tmp_path / "video.mp4").open("wb") as file:
        file.truncate(1 << 40)
    (found,) = files_in(tmp_path).values()
    assert (1 << 40, b"") == (found.size, found.digest)


def test_only_videos_are_made_bare() -> None:
    models = Response(200, (), b'{"object": "list", "data": [], "contract": {}}', is_changed=False)
    given_state = ScenarioState(send=lambda _: models)
    assert models.body == changes.with_videos(changes.bare)(given_state, ask("list_models")).body
