"""What HTTP asks for holds for every path: keys, methods, media types, lengths, and one envelope for each refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import CONTROL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.emulator.conftest import Server


def test_any_key_and_none_is_taken_unless_one_was_set(serve: type[Server]) -> None:
    with serve() as server:
        assert 200 == server.get("videos").status_code
        assert 200 == server.get("videos", headers={"Authorization": "Bearer whatever"}).status_code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "invalid_api_key"),
        ("Bearer", "invalid_api_key"),
        ("Bearer wrong", "invalid_api_key"),
        ("Basic right", "invalid_api_key"),
        ("Bearer right2", "invalid_api_key"),
        ("Bearer righ\u00fc", "invalid_api_key"),
    ],
)
def test_another_key_than_the_one_that_was_set_is_refused(serve: type[Server], header: str | None, code: str) -> None:
    with serve(api_key="right") as server:
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        for method, path in (("GET", "videos"), ("POST", "videos"), ("DELETE", "videos/video_1")):
            response = server.request(method, path, headers=headers)
            assert (401, "Bearer") == (response.status_code, response.headers["www-authenticate"])
            assert ("authentication_error", code) == tuple(response.json()["error"][key] for key in ("type", "code"))


def test_the_right_key_is_taken(serve: type[Server]) -> None:
    with serve(api_key="right") as server:
        for scheme in ("Bearer", "bearer"):
            assert 200 == server.get("videos", headers={"Authorization": f"{scheme} right"}).status_code


@pytest.mark.parametrize(
    ("site", "taken"), [("cross-site", False), ("same-site", True), ("same-origin", True), ("none", True)]
)
def test_a_page_of_another_site_may_change_nothing_where_no_key_is_needed(
    serve: type[Server], site: str, *, taken: bool
) -> None:
    headers = {"Sec-Fetch-Site": site}
    with serve() as server:
        made = server.request("POST", "videos", headers=headers, files={"prompt": (None, "A cat")})
        reset = server.request("POST", f"{CONTROL}/reset", headers=headers)
        assert {200 if taken else 403} == {made.status_code, reset.status_code}
        assert taken or "cross_site" == made.json()["error"]["code"]
        assert (200 if taken else 403) == server.get("videos", headers=headers).status_code  # a poll changes something
        assert 200 == server.get(f"{CONTROL}/jobs", headers=headers).status_code
    with serve(api_key="right") as server:
        headers["Authorization"] = "Bearer right"
        assert 200 == server.request("POST", f"{CONTROL}/reset", headers=headers).status_code


@pytest.mark.parametrize(
    "path", ["/index.html", "/v1", "/v1/", "/v1/models", "/v1/videos/", "/v1/videos/a/b", "/v2/videos", "/docs"]
)
def test_an_unknown_path_is_not_found(serve: type[Server], path: str) -> None:
    with serve() as server:
        error = server.refused(404, "GET", f"http://emulator{path}")
        assert "unknown_path" == error["code"]
        assert "at /v1/videos, and the control endpoints at /_emulator/state" in error["message"]


def test_an_id_may_hold_an_escaped_slash(serve: type[Server]) -> None:
    with serve() as server:
        error = server.refused(404, "GET", "videos/a%2Fb")
        assert ("video_id", "No video has the id a/b.") == (error["param"], error["message"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "videos", "GET, HEAD, OPTIONS, POST"),
        ("POST", "videos/video_1", "DELETE, GET, HEAD, OPTIONS"),
        ("DELETE", "videos/video_1/content", "GET, HEAD, OPTIONS"),
        ("GET", "videos/video_1/remix", "OPTIONS, POST"),
        ("GET", "videos/edits", "OPTIONS, POST"),
        ("HEAD", "videos/edits", "OPTIONS, POST"),
    ],
)
def test_a_wrong_method_reports_the_right_ones(serve: type[Server], method: str, path: str, allowed: str) -> None:
    with serve() as server:
        response = server.request(method, path)
        assert (405, allowed) == (response.status_code, response.headers["allow"])
        response = server.request("OPTIONS", path)
        assert (204, allowed) == (response.status_code, response.headers["allow"])


def test_head_is_get_without_the_body(serve: type[Server]) -> None:
    with serve() as server:
        id_ = server.create()["id"]
        for path in ("videos", f"videos/{id_}", "videos/video_unknown"):
            head, got = server.request("HEAD", path), server.get(path)
            assert (got.status_code, got.headers["content-length"]) == (
                head.status_code,
                head.headers["content-length"],
            )


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", ";"]
)
def test_another_media_type_is_unsupported(serve: type[Server], media_type: str) -> None:
    with serve() as server:
        for path in ("videos", "videos/video_1/remix", "videos/characters"):
            error = server.refused(415, "POST", path, content=b"prompt=x", headers={"content-type": media_type})
            assert "unsupported_media_type" == error["code"]


def test_a_form_is_no_remix(serve: type[Server]) -> None:
    with serve() as server:
        server.refused(415, "POST", "videos/video_1/remix", files={"prompt": (None, "x")})


def test_a_missing_body_is_reported(serve: type[Server]) -> None:
    with serve() as server:
        assert "missing_body" == server.refused(400, "POST", "videos")["code"]


def test_a_body_past_the_limit_is_refused_while_it_streams(serve: type[Server]) -> None:
    sent = 0

    async def endless_form() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b"--b\r\nContent-Disposition: form-data; name=input_reference\r\n\r\n"
        while True:
            sent += 1000
            yield b"x" * 1000

    with serve(max_body_bytes=10_000) as server:
        for media_type in ("application/json", "multipart/form-data; boundary=b"):
            sent = 0
            headers = {"content-type": media_type}
            error = server.refused(413, "POST", "videos", content=endless_form(), headers=headers)
            assert "body_too_large" == error["code"]
            assert sent < 50_000


def test_a_body_of_a_declared_length_past_the_limit_is_refused(serve: type[Server]) -> None:
    with serve(max_body_bytes=10_000) as server:
        for declared in ("10001", "9" * 30):
            headers = {"content-type": "application/json", "content-length": declared}
            server.refused(413, "POST", "videos", content=b"{}", headers=headers)
        server.ok("POST", "videos", json={"prompt": "x", "unknown": "x" * 9_000})


def test_each_response_has_a_request_id_of_its_own(serve: type[Server]) -> None:
    with serve() as server:
        ids = [server.get(path).headers["x-request-id"] for path in ("videos", "videos", "nowhere")]
        assert 3 == len(set(ids))
