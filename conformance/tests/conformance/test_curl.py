"""Test that the command of a report sends the same request again, in a shell, and that it does not hold the key."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openvideos_conformance._core.curl import credential, curl
from openvideos_conformance._core.evidence import evidence
from openvideos_conformance._core.exchange import RECORDED, Exchange
from openvideos_conformance._core.redaction import secrets_of
from openvideos_conformance._core.target import KEY_VARIABLE, Target
from openvideos_conformance._probes.unauthorized_requests import other_schemes, wrong_keys
from openvideos_conformance._server.recording_client import RecordingClient

from .runs import BASE_URL, exchange

KEY = "sk-openvideos-Repeat-0123456789"
NEEDED = ("sh", "curl", "base64", "gunzip", "rev", "tr")
MISSING = [name for name in NEEDED if shutil.which(name) is None]
in_a_shell = pytest.mark.skipif(bool(MISSING), reason=f"not on this machine: {', '.join(MISSING)}")


@dataclass
class Received:
    """What a server received, as far as it matters."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Server:
    """A server that keeps what it receives."""

    base_url: str
    client: RecordingClient
    received: list[Received] = field(default_factory=list[Received])


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = [(name.lower(), value) for name, value in self.headers.items()]
            kept.received.append(Received(self.command, self.path, headers, body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST = do_DELETE = do_PATCH = do_HEAD = handle_any  # noqa: N815 - the names of http.server

        def log_message(self, format: str, *_: object) -> None:
            """Write nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        base_url = f"http://127.0.0.1:{listening.server_address[1]}/v1"
        client = RecordingClient(Target.of({"base_url": base_url, "api_key": KEY, "max_videos": "10000"}, {}))
        kept = Server(base_url, client)
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        with client:
            yield kept
        listening.shutdown()
        thread.join()


def repeated(line: str, server: Server) -> Received:
    """Return what the server receives when a shell runs the line."""
    count = len(server.received)
    environment = {"PATH": os.environ["PATH"], "OPENVIDEOS_API_KEY": KEY, "LC_ALL": "C", "HOME": "/nonexistent"}
    subprocess.run(["sh", "-c", line], env=environment, check=True, capture_output=True, timeout=30)
    assert count + 1 == len(server.received)
    return server.received[-1]


def sent(server: Server, method: str, path: str, **options: Any) -> tuple[Exchange, Received]:
    """Send a request as the suite does; return its exchange, and what the server received."""
    made = server.client.send(method, path, **options)
    return made, server.received[-1]


def matters(received: Received) -> tuple[object, ...]:
    """Return what must be equal in a repeated request."""
    own = {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}
    headers = sorted(pair for pair in received.headers if pair[0] not in own)
    return received.method, received.target, headers, received.body


TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)
BODIES = st.one_of(st.none(), st.binary(max_size=200), TEXTS.map(str.encode), st.sampled_from([b"@x", b"\r\n", b"-d"]))
MEDIA_TYPES = ["application/json", "text/plain", "multipart/form-data; boundary=cut", "multipart/form-data", None]


@in_a_shell
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PATCH", "HEAD"]),
    path=st.sampled_from(["/videos", "/videos/..%2f..%2fetc", "/videos/%E9%9D%99", "/videos/[1-3]$HOME'"]),
    query=st.sampled_from(["", "limit=1&limit=2", "after=%00", "order=%27"]),
    media_type=st.sampled_from(MEDIA_TYPES),
    body=BODIES,
)
def test_the_line_sends_the_same_request(
    server: Server, method: str, path: str, query: str, media_type: str | None, body: bytes | None
) -> None:
    content = None if method in {"GET", "HEAD"} else body
    headers = {} if media_type is None else {"content-type": media_type}
    made, first = sent(server, method, path, query=query, content=content, headers=headers)
    assert matters(first) == matters(repeated(evidence(made, server.base_url)["curl"], server))


@in_a_shell
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(form=st.dictionaries(st.sampled_from(["prompt", "size", "input_reference[file_id]"]), TEXTS, min_size=1))
def test_the_line_sends_the_same_fields_of_a_form(server: Server, form: dict[str, str]) -> None:
    made, first = sent(server, "POST", "/videos", form=form)
    again = repeated(evidence(made, server.base_url)["curl"], server)

    def pieces(received: Received) -> list[bytes]:
        boundary = dict(received.headers)["content-type"].partition("boundary=")[2].encode()
        return [piece.lower() for piece in received.body.split(boundary)[1:-1]]

    assert pieces(first) == pieces(again)


@in_a_shell
def test_a_long_body_is_in_the_line(server: Server) -> None:
    made, first = sent(server, "POST", "/videos", content=b"[" * 100_000, headers={"content-type": "application/json"})
    assert matters(first) == matters(repeated(evidence(made, server.base_url)["curl"], server))


@in_a_shell
def test_a_file_of_a_form_is_in_the_line(server: Server) -> None:
    file = ("a.png", bytes(range(256)) * 40, "image/png")
    made, first = sent(server, "POST", "/videos", form={"prompt": "A boat", "input_reference": file})
    assert matters(first) == matters(repeated(evidence(made, server.base_url)["curl"], server))


@in_a_shell
@pytest.mark.parametrize(
    "value",
    [
        *(f"Bearer {key}" for key in wrong_keys(KEY)),
        *other_schemes(KEY).values(),
        f"bearer {KEY}",
        'Bearer "$HOME`id`\\"',
        "Bearer cl\xe9",
    ],
)
def test_the_line_has_the_key_that_was_sent(server: Server, value: str) -> None:
    made, first = sent(server, "GET", "/videos", authorization=value)
    line = evidence(made, server.base_url)["curl"]
    assert matters(first) == matters(repeated(line, server))
    assert KEY[5:-5].lower() not in line.lower()
    assert KEY[::-1][5:-5] not in line


@given(key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=40))
def test_no_wrong_key_tells_the_right_one(key: str) -> None:
    for value in [*wrong_keys(key), *other_schemes(key).values()]:
        assert key[:12] not in credential(value, {KEY_VARIABLE: key})


def test_a_request_without_a_key_is_repeated_without() -> None:
    assert "Authorization" not in curl(exchange(request_headers=()), "http://127.0.0.1/v1", b"")


def test_the_url_of_a_file_is_named_without_its_query() -> None:
    """That holds the right to the file, and no variable of the reader's has it."""
    place = "http://127.0.0.1:8000/files/video_1.mp4"
    line = curl(exchange(method="GET", operation=None, path="/files/video_1.mp4", elsewhere=place), BASE_URL, b"")
    assert f"curl -i -g --path-as-is --location {place}  # with the query of the Video's url" == line


def test_a_secret_in_a_body_is_not_packed_into_the_line() -> None:
    target = Target.of({"base_url": "http://127.0.0.1/v1", "api_key": KEY}, {})
    lines = [
        evidence(exchange(request_body=body), "http://127.0.0.1/v1", secrets_of(target))["curl"]
        for body in (b"\x00***", b"\x00" + KEY.encode())
    ]
    assert lines[0] == lines[1]


def test_a_body_that_no_line_can_hold_is_named() -> None:
    noise = os.urandom(1 << 16)
    whole = curl(exchange(request_headers=(), request_body=noise), "http://127.0.0.1/v1", noise)
    assert whole.endswith(f"# BODY is a file of the {1 << 16} bytes, which are too many for a line")
    cut = curl(exchange(request_headers=(("content-length", str(RECORDED + 9)),)), "http://127.0.0.1/v1", b"\x00")
    assert f"the {RECORDED + 9} bytes" in cut
    assert len(json.dumps([whole, cut])) < 1000
