"""A right server in memory, under a RecordingClient: its jobs have completed when they are first read."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from typing import Any

import httpx

from openvideos_conformance._core.target import Target
from openvideos_conformance._server.jobs import JobPool
from openvideos_conformance._server.recording_client import RecordingClient

from .histories import NOW, video

BASE_URL = "http://server.test/v1"
QUEUED = video()
CLIP = b"\0\0\0\x18ftypmp42" * 4

Answer = Callable[[httpx.Request], httpx.Response | None]
"""What a wrong server returns in place of the right response; None for the right one."""


def refusal(status: int, code: str | None = None, **headers: str) -> httpx.Response:
    """Return an error in the envelope."""
    error = {"message": "no", "type": "invalid_request_error", "param": None, "code": code}
    return httpx.Response(status, json={"error": error}, headers=headers)


MODELS = {
    "object": "list",
    "contract": {"revision": "2026-12-01", "profiles": ["full"], "extensions": ["sampling", "references"]},
    "data": [],
}
"""What the server says of itself."""


class SyntheticServer:
    """Answers requests. `wrong` is asked first, for a response that differs."""

    def __init__(self, wrong: Answer = lambda _: None) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        """The jobs, the oldest first."""
        self.requests: list[httpx.Request] = []
        self.now = NOW
        self.wrong = wrong
        self._keys: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Respond."""
        answer = self.wrong(request)  # outside of the lock: it may wait for other requests
        with self._lock:
            self.requests.append(request)
            return answer if answer is not None else self._right(request)

    def sent(self, method: str, path: str) -> list[httpx.Request]:
        """Return the requests with this method whose path ends so."""
        return [each for each in self.requests if each.method == method and each.url.path.endswith(path)]

    def add(self, **fields: Any) -> dict[str, Any]:
        """Create a job, as somebody else may do."""
        id_ = f"video_{next(self._numbers)}"
        self.jobs[id_] = {**QUEUED, "id": id_, "created_at": self.now, **fields}
        return self.jobs[id_]

    def _right(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1/videos").strip("/")
        if not path:
            return self._create(request) if request.method == "POST" else self._list(request.url.params)
        if path in {"edits", "extensions", "characters"}:
            return httpx.Response(200, json=self.add()) if len(request.content) > 2 else refusal(400)
        if path == "models":
            return httpx.Response(200, json=MODELS)
        id_, _, rest = path.partition("/")
        if rest not in {"", "content", "remix"}:
            return httpx.Response(404, text="there is no such path")
        return self._about(id_, rest, request) if id_ in self.jobs else refusal(404, "video_not_found")

    def _about(self, id_: str, rest: str, request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            del self.jobs[id_]
            return httpx.Response(200, json={"id": id_, "object": "video.deleted", "deleted": True})
        if rest == "remix":
            wanted = json.loads(request.content)
            return httpx.Response(200, json=self.add(remixed_from_video_id=id_)) if wanted else refusal(400)
        if rest == "content":
            is_part = "range" in request.headers
            return httpx.Response(206 if is_part else 200, content=CLIP[:1] if is_part else CLIP)
        self.jobs[id_].update(status="completed", progress=100, completed_at=NOW + 9, url=f"{request.url}/content")
        return httpx.Response(200, json=self.jobs[id_])

    def _create(self, request: httpx.Request) -> httpx.Response:
        key = request.headers.get("idempotency-key")
        if key in self._keys:
            return httpx.Response(200, json=self._keys[key])
        job = self.add()
        if key is not None:
            self._keys[key] = job
        return httpx.Response(200, json=job)

    def _list(self, query: httpx.QueryParams) -> httpx.Response:
        ids = list(self.jobs) if query.get("order") == "asc" else list(self.jobs)[::-1]
        after, limit = query.get("after"), int(query.get("limit", "20"))
        if after is not None and after in ids:
            ids = ids[ids.index(after) + 1 :]
        page = [self.jobs[each] for each in ids[:limit]]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
        return httpx.Response(200, json={"object": "list", "data": page, "has_more": len(ids) > limit, **ends})


@contextmanager
def client_of(server: SyntheticServer, **target: Any) -> Generator[RecordingClient]:
    """Give a recording client of a server, which sends nothing over a network."""
    with RecordingClient(Target(base_url=BASE_URL, **target), httpx.MockTransport(server)) as client:
        yield client


@contextmanager
def started(client: RecordingClient, *names: str) -> Generator[JobPool]:
    """Give a pool whose jobs of these kinds are started, and polled until they end."""
    jobs = JobPool(client)
    jobs.start(names)
    try:
        yield jobs
    finally:
        jobs.stop()
