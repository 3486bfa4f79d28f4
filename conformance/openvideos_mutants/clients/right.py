"""A right client on the standard library, whose decisions are methods and attributes that a defect replaces."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

Json = dict[str, Any]

_PIECE: Final = 1 << 16
_OK: Final = 200
_PARTIAL: Final = 206


class FailedError(Exception):
    """The work could not be done."""


class RefusedError(FailedError):
    """A response with an error status."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep the status and the headers."""
        super().__init__(f"the server returned {status}")
        self.status, self.headers = status, headers


class LostError(FailedError):
    """There is no complete response."""


class Client:
    """Does the work that a judged program does. Each attribute is a decision."""

    attempts = 4
    pause = 0.05
    timeout = 30.0
    posted_again: frozenset[object] = frozenset()
    """After which statuses a POST without Retry-After is sent again; None means no response."""
    read_again: frozenset[object] = frozenset({429, 500, 502, 503, 504, None})
    redirects = False

    def __init__(self) -> None:
        """Read what is to be done from the environment."""
        self.base = os.environ["OPENVIDEOS_BASE_URL"]
        self.key = os.environ["OPENVIDEOS_API_KEY"]
        self.wanted = {name: os.environ[f"OPENVIDEOS_{name.upper()}"] for name in ("prompt", "size", "seconds")}
        self.output = Path(os.environ["OPENVIDEOS_OUTPUT"])
        self.upload = os.environ.get("OPENVIDEOS_INPUT_REFERENCE")

    # ---------------------------------------------------------------- requests
    def headers(self) -> dict[str, str]:
        """Return the headers of each request."""
        return {"authorization": f"Bearer {self.key}"}

    def after_redirect(self, headers: dict[str, str]) -> dict[str, str]:
        """Return the headers for another origin."""
        return {name: value for name, value in headers.items() if name != "authorization"}

    def send(
        self, method: str, path: str, *, body: bytes | None = None, base: str | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Send a request once, follow a redirect, and return the response, whose body is not read."""
        named = {**self.headers(), **{name.replace("_", "-"): value for name, value in headers.items()}}
        response = self.on_wire(method, (base or self.base) + path, body, named)
        if response.status in {301, 302, 307, 308} and (method == "GET" or self.redirects):
            location = response.headers["location"]
            response.read()
            response = self.on_wire(method, location, body, self.after_redirect(named))
        if response.status >= 300:
            response.read()
            raise RefusedError(response.status, dict(response.headers.items()))
        return response

    def on_wire(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Send a request over a connection of its own."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=self.timeout)
        try:
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers)
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as problem:
            raise LostError(str(problem)) from problem

    def call(self, method: str, path: str, *, body: bytes | None = None, **headers: str) -> Any:
        """Send a request, again where that is right, and return the JSON of its response."""
        for turn in range(self.attempts):
            try:
                response = self.send(method, path, body=body, **headers)
                return self.parsed(response.read())
            except (LostError, RefusedError, OSError, http.client.HTTPException) as problem:
                if turn + 1 == self.attempts or not self.may_repeat(method, path, problem):
                    raise
                time.sleep(self.wait_before_repeat(problem))
                headers = self.headers_of_repeat(headers)
        raise AssertionError

    def may_repeat(self, method: str, path: str, problem: Exception) -> bool:
        """Decide whether a request is sent again."""
        del path
        status = problem.status if isinstance(problem, RefusedError) else None
        if method == "POST":
            has_time = (
                isinstance(problem, RefusedError) and status in {429, 503} and self.retry_after(problem) is not None
            )
            return has_time or status in self.posted_again
        return status in self.read_again

    def headers_of_repeat(self, headers: dict[str, str]) -> dict[str, str]:
        """Return the headers of a request that is sent again."""
        return headers

    def wait_before_repeat(self, problem: Exception) -> float:
        """Return the seconds before a request is sent again."""
        after = self.retry_after(problem) if isinstance(problem, RefusedError) else None
        return self.pause if after is None else after

    def retry_after(self, problem: RefusedError) -> float | None:
        """Return the seconds that a response asks to wait."""
        text = next((value for name, value in problem.headers.items() if name.lower() == "retry-after"), None)
        if text is None:
            return None
        return float(text) if text.isdecimal() else max(0.0, parsedate_to_datetime(text).timestamp() - time.time())

    def parsed(self, body: bytes) -> Any:
        """Parse the body of a response."""
        return json.loads(body)

    # ---------------------------------------------------------------- jobs
    def form(self, fields: Mapping[str, str]) -> tuple[str, bytes]:
        """Return the media type and the body of a form."""
        boundary = os.urandom(16).hex()
        parts = [self.part(name, value) for name, value in fields.items()]
        if self.upload:
            parts.append(self.file_part(self.upload))
        line = f"--{boundary}\r\n".encode()
        body = b"".join(line + part for part in parts) + f"--{boundary}--\r\n".encode()
        return f"multipart/form-data; boundary={boundary}", body

    def part(self, name: str, value: str) -> bytes:
        """Return a field of a form."""
        return f'content-disposition: form-data; name="{name}"\r\n\r\n'.encode() + value.encode() + b"\r\n"

    def file_part(self, path: str) -> bytes:
        """Return a file of a form."""
        name = Path(path).name.replace('"', "%22")
        head = f'content-disposition: form-data; name="input_reference"; filename="{name}"\r\n'
        return head.encode() + b"content-type: image/png\r\n\r\n" + self.file_content(path) + b"\r\n"

    def file_content(self, path: str) -> bytes:
        """Return the bytes of the file to send."""
        return Path(path).read_bytes()

    def create(self) -> Json:
        """Start the job."""
        media_type, body = self.form(self.wanted)
        return dict(self.call("POST", "/videos", body=body, content_type=media_type, **self.of_start()))

    def of_start(self) -> dict[str, str]:
        """Return more headers of a start."""
        return {}

    def remix(self, video: Json) -> Json:
        """Start a remix."""
        body = json.dumps({"prompt": "The same by night"}).encode()
        path = f"/videos/{video['id']}/remix"
        return dict(self.call("POST", path, body=body, content_type="application/json", **self.of_start()))

    def read(self, video_id: str) -> tuple[Json, Mapping[str, str]]:
        """Read a job once, and return it with the headers of the response."""
        for turn in range(self.attempts):
            try:
                response = self.send("GET", f"/videos/{video_id}")
                return dict(self.parsed(response.read())), dict(response.headers.items())
            except (LostError, RefusedError, OSError) as problem:
                if turn + 1 == self.attempts or not self.may_repeat("GET", "/videos", problem):
                    raise
                time.sleep(self.wait_before_repeat(problem))
        raise AssertionError

    def has_ended(self, video: Json, polls: int) -> bool:
        """Decide whether polling ends."""
        del polls
        return video.get("status") in {"completed", "failed"}

    def pause_of(self, headers: Mapping[str, str]) -> float:
        """Return the seconds until the next poll."""
        hint = next((value for name, value in headers.items() if name.lower() == "openai-poll-after-ms"), None)
        return self.pause if hint is None else int(hint) / 1000

    def poll(self, video: Json) -> Json:
        """Poll a job until it has ended."""
        polls, headers = 0, dict[str, str]()
        while not self.has_ended(video, polls):
            time.sleep(self.pause_of(headers) if polls else self.pause)
            video, named = self.read(video["id"])
            headers = dict(named)
            polls += 1
        self.after_end(video)
        if video.get("status") == "failed":
            self.on_failure(video)
        return video

    def after_end(self, video: Json) -> None:
        """Do what comes after the end of a job."""

    def on_failure(self, video: Json) -> None:
        """Report that a job has failed."""
        raise FailedError(f"the job {video['id']} failed")

    # ---------------------------------------------------------------- files
    def download(self, video: Json) -> None:
        """Write the file under its final name once it is whole; after a break, start again."""
        part = self.output / "video.mp4.part"
        for turn in range(self.attempts):
            try:
                self.fetch(video, part)
                break
            except (LostError, RefusedError, OSError, http.client.HTTPException) as problem:
                part.unlink(missing_ok=True)
                if turn + 1 == self.attempts or not self.may_repeat("GET", "/content", problem):
                    raise
                time.sleep(self.wait_before_repeat(problem))
        part.rename(self.output / "video.mp4")

    def fetch(self, video: Json, part: Path) -> None:
        """Download the file once."""
        response = self.send("GET", f"/videos/{self.downloaded(video)}/content")
        if not (response.headers.get("content-type") or "").startswith("video/"):
            raise FailedError("the response is no video")
        with part.open("wb") as file:
            while piece := response.read(_PIECE):
                file.write(piece)
            size = file.tell()
        if size != int(response.headers.get("content-length") or size):
            raise LostError("the download broke off")

    def downloaded(self, video: Json) -> str:
        """Return the id of the video whose file is wanted."""
        return str(video["id"])

    # ---------------------------------------------------------------- lists
    limit = 20

    def pages(self) -> Iterator[Json]:
        """Yield the pages of the list."""
        after: str | None = None
        seen: set[str] = set()
        while True:
            page = self.page(after)
            yield page
            after = self.next_cursor(page, after)
            if after is None:
                return
            if after in seen:
                raise FailedError("the cursor repeats")
            seen.add(after)

    def page(self, after: str | None) -> Json:
        """Request a page."""
        query = {"limit": str(self.limit), **({} if after is None else {"after": after})}
        return dict(self.call("GET", f"/videos?{urlencode(query)}"))

    def next_cursor(self, page: Json, after: str | None) -> str | None:
        """Return where the walk goes on; None where it ends."""
        del after
        has_more = page.get("has_more", len(page["data"]) >= self.limit)
        return page.get("last_id") if has_more else None

    def videos(self) -> list[Json]:
        """Return all videos."""
        return [video for page in self.pages() for video in page["data"]]

    # ---------------------------------------------------------------- the work
    def work(self) -> None:
        """Do the work that a judged program does."""
        video = self.poll(self.create())
        self.save("video.json", video)
        self.download(video)
        remix = self.remix(video)
        self.poll(remix)
        self.save("list.json", self.videos())
        self.call("DELETE", f"/videos/{quote(remix['id'])}")

    def save(self, name: str, value: Any) -> None:
        """Write what the client gives to the application."""
        (self.output / name).write_text(json.dumps(value), encoding="utf-8")

    def main(self) -> int:
        """Do the work, and report how it ended."""
        try:
            self.work()
        except (FailedError, OSError, http.client.HTTPException, ValueError) as problem:
            sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
            return 1
        return 0
