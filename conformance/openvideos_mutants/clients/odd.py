"""Odd clients, which are right all the same: the judge must not refuse them."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .registry import odd
from .right import Client, FailedError, Json, RefusedError


@odd
class Slow(Client):
    """Pause before each request, and for half a second between polls."""

    def send(self, method: str, path: str, **named: object) -> object:  # type: ignore[override]
        time.sleep(0.4)
        return super().send(method, path, **named)  # type: ignore[arg-type]

    def pause_of(self, headers: Mapping[str, str]) -> float:
        return max(0.5, super().pause_of(headers))


@odd
class TwoJobsAtOnce(Client):
    """Make another video at the same time, with another prompt."""

    def work(self) -> None:
        other = Client()
        other.wanted["prompt"] = "A second boat"
        problems: list[Exception] = []

        def beside() -> None:
            try:
                other.poll(other.create())
            except Exception as problem:
                problems.append(problem)

        thread = threading.Thread(target=beside)
        thread.start()
        try:
            super().work()
        finally:
            thread.join()
        if problems:
            raise problems[0]


@odd
class TwoWatchers(Client):
    """Watch each job in two threads."""

    def poll(self, video: Json) -> Json:
        found: list[Json] = []
        problems: list[Exception] = []

        def watch() -> None:
            try:
                found.append(Client.poll(self, video))
            except Exception as problem:
                problems.append(problem)

        threads = [threading.Thread(target=watch) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            raise problems[0]
        return found[0]


@odd
class VerifiesItsDeletes(Client):
    """Look at what was deleted, to see that it is gone."""

    def work(self) -> None:
        video = self.poll(self.create())
        self.save("video.json", video)
        self.download(video)
        remix = self.poll(self.remix(video))
        self.save("list.json", self.videos())
        for each in (remix, video):
            self.call("DELETE", f"/videos/{each['id']}")
            try:
                self.send("GET", f"/videos/{each['id']}")
            except RefusedError as problem:
                if problem.status != 404:
                    raise
            else:
                raise RefusedError(200, {})


@odd
class DownloadsTheRemixFirst(Client):
    """Download the remix under another name, before the video."""

    def work(self) -> None:
        video = self.poll(self.create())
        self.save("video.json", video)
        remix = self.poll(self.remix(video))
        self.fetch(remix, self.output / "remix.mp4")
        self.download(video)
        self.save("list.json", self.videos())
        self.call("DELETE", f"/videos/{remix['id']}")


@odd
class WalksTwice(Client):
    """Walk the list twice, and at once."""

    def videos(self) -> list[Json]:
        walks: list[list[Json]] = []
        thread = threading.Thread(target=lambda: walks.append(Client.videos(self)))
        thread.start()
        mine = super().videos()
        thread.join()
        return mine


@odd
class RetriesNothing(Client):
    """Give up at the first failure, and say so."""

    attempts = 1


@odd
class AsksForHeads(Client):
    """Ask with HEAD before a list and a download."""

    def page(self, after: str | None) -> Json:
        if after is None:
            with contextlib.suppress(RefusedError):
                self.send("HEAD", "/videos").read()
        return super().page(after)


@odd
class HasKeys(Client):
    """Send starts again under one Idempotency-Key."""

    posted_again = frozenset({500, 502, 503, 504, None})

    def of_start(self) -> dict[str, str]:
        return {"idempotency_key": os.urandom(8).hex()}


@odd
class CreatesAsJson(Client):
    """Create as JSON."""

    def form(self, fields: Mapping[str, str]) -> tuple[str, bytes]:
        if self.upload:
            return super().form(fields)
        return "application/json", json.dumps(dict(fields)).encode()


@odd
class Resumes(Client):
    """Go on after a break if the file is the same."""

    def fetch(self, video: Json, part: Path) -> None:
        """Download the file, from where the part ends, by its ETag."""
        etag = ""
        part.write_bytes(b"")
        for _ in range(self.attempts):
            size = part.stat().st_size
            headers: Any = {"range": f"bytes={size}-", "if_range": etag} if size and etag else {}
            response = self.send("GET", f"/videos/{video['id']}/content", **headers)
            if not (response.headers.get("content-type") or "").startswith("video/"):
                raise RefusedError(response.status, {})
            etag = response.headers.get("etag") or ""
            length = int(response.headers["content-length"])
            with part.open("ab" if response.status == 206 else "wb") as file:
                start = file.tell()
                while piece := response.read(1 << 16):
                    file.write(piece)
                if file.tell() - start == length:
                    return
        raise OSError("the download breaks off")


@odd
class ReadsTheJobAgain(Client):
    """Read a job twice after its end."""

    def after_end(self, video: Json) -> None:
        self.read(video["id"])
        self.read(video["id"])


@odd
class WaitsByTheList(Client):
    """Look for the end of a job in the list."""

    def poll(self, video: Json) -> Json:
        while video.get("status") not in {"completed", "failed"}:
            _, headers = self.read(video["id"])  # which the emulator counts
            time.sleep(self.pause_of(headers))
            video = next(each for each in self.page(None)["data"] if each["id"] == video["id"])
        if video["status"] == "failed":
            self.on_failure(video)
        return video


@odd
class AdoptsItsJob(Client):
    """Look in the list for the job of a create that had no response, by its prompt."""

    def create(self) -> Json:
        try:
            return super().create()
        except FailedError as problem:
            if isinstance(problem, RefusedError) and problem.status < 500:
                raise
            found = [each for each in self.videos() if each.get("prompt") == self.wanted["prompt"]]
            if not found:
                raise
            return found[0]
