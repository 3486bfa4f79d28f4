"""Test the rules for errors, headers and bodies of all responses."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from openvideos_conformance._core.contract import Contract, contract
from openvideos_conformance._history.registry import RULES, Traffic

from .histories import KEY, Log, breaks, broken, error, judged, keeps, page, video


def _refusal(status: int = 400, method: str = "GET", path: str = "/videos", **options: Any) -> Log:
    log = Log()
    log.refused(method, path, status, **options)
    return log


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"json": {"detail": "No."}}, "error is missing"),
        ({"json": error(code=5)}, "error.code is 5, not a text or null"),
        ({"json": error(message="")}, "error.message is empty"),
        ({"json": {"error": {"message": "No.", "type": "x", "code": None}}}, "error.param is missing"),
        ({"json": [error()]}, "the body is not a JSON object"),
        ({"body": b""}, "has no body"),
        ({"body": b"<h1>404</h1>", "headers": {"content-type": "text/html"}}, "the body is text/html, and not JSON"),
    ],
)
def test_errors_have_the_envelope(options: dict[str, Any], expected: str) -> None:
    assert expected in breaks(_refusal(**options), "VID-ERROR-001").message


def test_errors_that_have_it() -> None:
    log = _refusal(json={**error(code="x", extra=1), "extra": 2})
    log.refused("PUT", "/nowhere", 404)
    log.add("HEAD", "/videos/x", 404, body=b"")
    log.add("GET", "/videos", 500, body=b"", failure="ReadTimeout", headers={"x-request-id": None})
    log.listed()
    assert {"VID-ERROR-005"} == set(broken(log))
    assert 2 == judged("VID-ERROR-001", log).instances


def test_a_405_names_the_methods() -> None:
    log = _refusal(405, "PUT", "/videos")
    assert "PUT /videos -> 405 has no Allow" == breaks(log, "VID-ERROR-004").message
    log = Log()
    log.listed()
    log.created()
    log.refused("PUT", "/videos", 405, headers={"allow": "POST"})
    assert "has Allow 'POST', and the path has GET, too" in breaks(log, "VID-ERROR-004").message


def test_a_405_may_name_more_and_less() -> None:
    log = Log()
    log.listed()
    log.refused("PUT", "/videos", 405, headers={"allow": "get, head ,OPTIONS"})
    log.refused("DELETE", "/videos/video_1", 405, headers={"allow": "GET"})
    log.refused("GET", "/nowhere", 405, headers={"allow": ""})
    keeps(log, "VID-ERROR-004")


@pytest.mark.parametrize("status", [500, 502, 504])
def test_nothing_leads_to_a_server_error(status: int) -> None:
    log = Log()
    log.refused("GET", "/videos", status, headers={"retry-after": "1"})
    found = broken(log)
    assert f"GET /videos -> {status} is a server error" in found["VID-ERROR-005"][0].message


@pytest.mark.parametrize(
    ("failure", "is_sent"),
    [
        ("RemoteProtocolError: Server disconnected without sending a response.", True),
        ("ReadError: [Errno 104] Connection reset by peer", True),
        ("ReadTimeout: timed out", True),
        ("ConnectError: [Errno 111] Connection refused", False),
        ("ConnectTimeout: timed out", False),
        ("InvalidURL: Invalid non-printable ASCII character in URL", False),
        ("LocalProtocolError: Illegal header value", False),
    ],
)
@pytest.mark.parametrize("layer", ["scenario", "fuzz"])
def test_a_response_that_never_comes_is_a_server_error(failure: str, layer: str, *, is_sent: bool) -> None:
    log = Log()
    log.listed()
    log.add("POST", "/videos", None, body=b"", headers={"x-request-id": None}, failure=failure, layer=layer)
    if is_sent:
        finding = breaks(log, "VID-ERROR-005")
        assert f"POST /videos has no response: {failure}" == finding.message
        assert finding.exchanges == (log.exchanges[-1],)
    else:
        keeps(log)


def test_what_is_not_offered_or_busy_is_no_server_error() -> None:
    log = _refusal(501, "POST", "/videos/edits")
    log.refused("GET", "/videos/video_1/content", 501, query={"variant": "thumbnail"})
    log.content("video_1")
    log.refused("BREW", "/videos", 501)
    log.refused("GET", "/videos", 503, headers={"retry-after": "2"})
    keeps(log, "VID-ERROR-005")
    log.refused("GET", "/videos", 503)
    assert {"VID-ERROR-010"} == broken(log).keys()


def test_what_is_offered_is_not_to_be_501() -> None:
    log = Log()
    log.listed()
    log.refused("GET", "/videos", 501, query={"limit": "x"})
    assert "501 is a server error" in breaks(log, "VID-ERROR-005").message


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last):\n  File "/app/main.py", line 3, in handle\n    raise',
        '  File "/app/main.py", line 3, in handle',
        "java.lang.NullPointerException\n\tat com.example.Videos.get(Videos.java:42)",
        "TypeError: x is undefined\n    at handle (/app/server.js:10:5)\n    at next",
        "Error\n    at file:///app/server.mjs:10:5",
        "System.Exception: x\n   at App.Get() in C:\\app\\Videos.cs:line 12",
        "panic: runtime error\n\ngoroutine 1 [running]:\nmain.main()",
        "thread 'tokio-runtime-worker' panicked at src/main.rs:1:2:\nx",
        "#0 /var/www/videos.php(12): get()",
        "/app/videos.rb:12:in `get'",
    ],
)
def test_errors_hold_no_stack_trace(text: str) -> None:
    for log in (_refusal(json=error(message=text)), _refusal(headers={"x-debug": text})):
        assert "holds a stack trace" in breaks(log, "VID-ERROR-006").message
    plain = _refusal(body=text.encode(), headers={"content-type": "text/plain"})
    assert {"VID-ERROR-001", "VID-ERROR-006"} == set(broken(plain))


def test_errors_do_not_hold_the_key() -> None:
    assert "holds the API key" in breaks(_refusal(json=error(message=f"Not {KEY}.")), "VID-ERROR-006").message
    breaks(_refusal(headers={"x-key": KEY}), "VID-ERROR-006")


def test_errors_that_hold_neither() -> None:
    for message in (
        "Look at line 3, in the file: at 10:5",
        "No file sk-…tic is there (at /videos).",
        "at " * 2_000,
        " " * 5_000,
        'File "' * 999,
    ):
        keeps(_refusal(json=error(message=message)), "VID-ERROR-006")
    short = Traffic(_refusal(json=error(message="a key is a key")).exchanges, secrets=["key", ""])
    assert [] == judged("VID-ERROR-006", short).findings


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/videos/video_1", 202),
        ("GET", "/videos/video_1/content", 303),
        ("DELETE", "/videos/video_1", 204),
        ("POST", "/videos", 201),
        ("GET", "/videos", 302),
    ],
)
def test_statuses_are_those_of_the_operation(method: str, path: str, status: int) -> None:
    log = Log()
    log.add(method, path, status, json=error())
    found = judged("VID-ERROR-009", log).findings
    assert found[0].message.startswith(f"{method} {path} -> {status}: the contract has no {status} for ")


def test_statuses_that_any_server_may_return() -> None:
    log = Log()
    for method, path, status in (
        ("GET", "/videos/video_1", 422),
        ("DELETE", "/videos/video_1", 405),
        ("GET", "/videos/video_1", 414),
        ("GET", "/videos", 410),
        ("POST", "/videos", 418),
        ("GET", "/nowhere", 201),
    ):
        log.refused(method, path, status, headers={"allow": "GET"})
    log.add("GET", "/videos/video_1/content", 304, body=b"", sent={"if-none-match": '"1"'})
    keeps(log, "VID-ERROR-009")


@pytest.mark.parametrize("status", [429, 503])
def test_busy_servers_say_when(status: int) -> None:
    message = judged("VID-ERROR-010", _refusal(status)).findings[0].message
    assert f"GET /videos -> {status} has no Retry-After" == message
    keeps(_refusal(status, headers={"retry-after": "Fri, 15 Jan 2027 08:00:00 GMT"}), "VID-ERROR-010")


@pytest.mark.parametrize("challenge", [None, "", "Basic realm=x", "Bearers", "x-bearer"])
def test_a_401_names_the_scheme(challenge: str | None) -> None:
    log = _refusal(401, headers={"www-authenticate": challenge})
    assert "does not name Bearer" in breaks(log, "VID-AUTH-005").message


@pytest.mark.parametrize("challenge", ["Bearer", 'bearer realm="x"', 'Basic realm="x", Bearer error="invalid_token"'])
def test_a_401_may_name_more(challenge: str) -> None:
    keeps(_refusal(401, headers={"www-authenticate": challenge}), "VID-AUTH-005")


def test_each_response_has_a_request_id_of_its_own() -> None:
    log = Log()
    log.listed(headers={"x-request-id": None})
    assert "GET /videos -> 200 has no x-request-id" == breaks(log, "VID-HEADER-001").message
    log = Log()
    first = log.listed(headers={"x-request-id": "r"})
    log.refused("GET", "/videos/x", 404)
    second = log.refused("GET", "/videos/x", 404, headers={"x-request-id": "r"})
    finding = breaks(log, "VID-HEADER-002")
    assert finding.message.endswith("have the same x-request-id 'r'")
    assert finding.exchanges == (first, second)
    log = Log()
    for _ in range(2):
        log.listed(headers={"x-request-id": "mine"}, sent={"x-request-id": "mine"})
    keeps(log)


def test_json_is_application_json() -> None:
    log = Log()
    log.listed(headers={"content-type": "text/plain; charset=utf-8"})
    assert "GET /videos -> 200 is JSON of the media type 'text/plain'" == breaks(log, "VID-HEADER-003").message
    breaks(_refusal(headers={"content-type": "application/problem+json"}), "VID-HEADER-003")
    breaks(_refusal(headers={"content-type": None}), "VID-HEADER-003")
    log = Log()
    log.listed(headers={"content-type": "Application/JSON; charset=UTF-8"})
    log.content(body=b"123")
    keeps(log, "VID-HEADER-003")


@pytest.mark.parametrize(
    ("status", "name", "value"),
    [
        (429, "retry-after", "soon"),
        (429, "retry-after", "1.5"),
        (429, "retry-after", ""),
        (200, "accept-ranges", "byte"),
        (200, "content-length", "5 bytes"),
        (200, "etag", "x"),
        (206, "content-range", "bytes=0-4/5"),
        (416, "content-range", "bytes 0-4/5"),
    ],
)
def test_headers_fit(status: int, name: str, value: str) -> None:
    log = Log()
    log.content(status=status, json=None, headers={name: value})
    assert f"has {name} {value!r}, which" in judged("VID-HEADER-004", log).findings[0].message


def test_headers_that_fit() -> None:
    log = Log()
    log.content(headers={"accept-ranges": "Bytes", "retry-after": "0", "content-range": "x"})
    log.content(status=206, headers={"content-range": "bytes 0-4/*"})
    log.refused("GET", "/videos/video_1/content", 416, headers={"content-range": "bytes */5"})
    log.refused("GET", "/videos", 429, headers={"retry-after": "Fri, 15 Jan 2027 08:00:00 GMT"})
    keeps(log, "VID-HEADER-004")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": NaN}', "holds NaN"),
        (b'{"a": [-Infinity]}', "holds -Infinity"),
        (b'{"a": "\xff"}', "is not UTF-8 at byte 7"),
        (b'\xef\xbb\xbf{"a": 1}', "begins with a byte order mark"),
        (b"<html>", "is not JSON: '<html>'"),
        (b'{"a": "NaN", ', "is not JSON"),
    ],
)
def test_json_is_strict(body: bytes, expected: str) -> None:
    log = Log()
    log.add("GET", "/nowhere", 200, body=body)
    assert expected in breaks(log, "VID-HEADER-005").message


def test_json_that_is_strict() -> None:
    log = Log()
    log.add("GET", "/nowhere", 200, body='{"a": "\\ud800 NaN é", "b": 1e999}'.encode())
    log.add("GET", "/nowhere", 200, body=b"")
    log.listed(returned=page(video(prompt="NaN, Infinity")))
    keeps(log, "VID-HEADER-005")


CHARACTER = {"id": "char_1", "created_at": 1_800_000_000, "name": "Ada"}


def test_a_character_that_lacks_what_is_recommended() -> None:
    log = Log()
    log.add("GET", "/videos/characters/char_1", json=CHARACTER)
    found = breaks(log, "VID-RETRIEVE-009")
    assert "GET /videos/characters/char_1 -> 200: $ has no object" == found.message


def test_a_character_that_has_it_and_objects_of_which_nothing_is_recommended() -> None:
    log = Log()
    log.created()
    assert 0 == judged("VID-RETRIEVE-009", log).instances  # a Video has a requirement of its own
    log.add("GET", "/videos/characters/char_1", json={**CHARACTER, "object": "character"})
    keeps(log, "VID-RETRIEVE-009")


def test_new_recommended_fields_inside_a_response_are_judged() -> None:
    document = copy.deepcopy(contract().document)
    document["components"]["schemas"]["VideoError"]["x-recommended"] = ["hint"]
    log = Log()
    log.listed(video("video_1", "failed"), video("video_2"))
    [rule] = [each for each in RULES if each.requirement == "VID-RETRIEVE-009"]
    verdict = rule.judge(Traffic(log.exchanges, contract=Contract(document)))
    assert ["GET /videos -> 200: $.data[0].error has no hint"] == [finding.message for finding in verdict.findings]
