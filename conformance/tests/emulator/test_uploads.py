"""However large a body is, little of it is kept in memory, and what lies on disk is gone with the request."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from openvideos_emulator import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
LIMIT = 16 * MIB
FORM = b"--b\r\nContent-Disposition: form-data; name=input_reference; filename=a\r\n\r\n"
CHUNK = bytes(64 << 10)


class Upload:
    """A request whose body comes in chunks, without an end unless one is given, straight into the app."""

    def __init__(
        self, start: bytes, media_type: str, *, chunks: int | None = None, gone_after: int | None = None
    ) -> None:
        self.start, self.media_type = start, media_type
        self.chunks, self.gone_after = chunks, gone_after
        self.requested = 0
        self.largest_on_disk = 0
        self.status: int | None = None
        self.body = b""
        self.peak = 0

    def send_to(self, app: Any) -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/videos",
            "raw_path": b"/v1/videos",
            "query_string": b"",
            "headers": [(b"content-type", self.media_type.encode())],
        }
        tracemalloc.start()
        try:
            asyncio.run(app(scope, self.receive, self.send))
            self.peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    async def receive(self) -> dict[str, Any]:
        self.requested += 1
        self.largest_on_disk = max(self.largest_on_disk, sum(open_files()))
        if self.requested == self.gone_after:
            return {"type": "http.disconnect"}
        body = self.start if self.requested == 1 else CHUNK
        return {"type": "http.request", "body": body, "more_body": self.requested != self.chunks}

    async def send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


def open_files() -> list[int]:
    """Give the sizes of the open files in the directory for temporary ones, also of those that have no name."""
    if sys.platform != "linux":
        return []
    sizes: list[int] = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            if str(link.readlink()).startswith(tempfile.gettempdir()):
                sizes.append(link.stat().st_size)
        except FileNotFoundError:  # the descriptor of the directory itself
            continue
    return sizes


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give an app whose temporary files are in a directory of their own, which must be empty at the end."""
    app = create_app(database=tmp_path / "jobs.db", max_body_bytes=LIMIT)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    Upload(b"{}", "application/json", chunks=1).send_to(app)  # what is imported and built once is no upload
    yield app
    app.close()
    assert [] == list((tmp_path / "uploads").iterdir())
    assert [] == open_files()


def test_an_endless_form_is_refused_while_it_streams(app: Any) -> None:
    upload = Upload(FORM, "multipart/form-data; boundary=b")
    upload.send_to(app)
    assert (413, "body_too_large") == (upload.status, json.loads(upload.body)["error"]["code"])
    # As much again is read and thrown away, so that the client sees the response and no reset.
    assert LIMIT < upload.requested * len(CHUNK) <= 2 * LIMIT + 3 * len(CHUNK)
    assert upload.peak < LIMIT / 2
    if sys.platform == "linux":
        assert LIMIT - 2 * len(CHUNK) <= upload.largest_on_disk <= LIMIT


def test_an_endless_text_is_refused_while_it_streams(app: Any) -> None:
    upload = Upload(b'{"prompt": "', "application/json")
    upload.send_to(app)
    assert (413, 0) == (upload.status, upload.largest_on_disk)
    assert upload.peak < 1.5 * LIMIT


def test_a_large_file_lies_on_disk_until_it_is_judged(app: Any) -> None:
    upload = Upload(FORM, "multipart/form-data; boundary=b", chunks=100)
    upload.send_to(app)
    assert (400, "invalid_form") == (upload.status, json.loads(upload.body)["error"]["code"])
    assert upload.peak < LIMIT / 2
    if sys.platform == "linux":
        assert 98 * len(CHUNK) <= upload.largest_on_disk


def test_a_client_that_goes_away_leaves_nothing(app: Any) -> None:
    upload = Upload(FORM, "multipart/form-data; boundary=b", gone_after=100)
    upload.send_to(app)
    assert (None, b"") == (upload.status, upload.body)
