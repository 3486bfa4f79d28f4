"""Model a right server: make a history of its responses to overlapping requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st

from .histories import NOW, Log, error, page, video

Word = Literal[
    "create",
    "retrieve",
    "list",
    "delete",
    "content",
    "remix",
    "work",
    "other creates",
    "other deletes",
    "wrong",
    "lose",
]
WORDS: tuple[Word, ...] = (
    *("create", "retrieve", "list", "delete", "content", "remix", "work"),
    *("other creates", "other deletes", "wrong", "lose"),
)


Job = dict[str, Any]
Span = dict[str, Any]
"""When a request began, and when it ended."""


@dataclass(frozen=True)
class Step:
    """A request or another event. It begins `before` seconds before it takes effect, and ends `after` seconds after."""

    word: Word
    pick: int
    wait: float
    before: float
    after: float


steps = st.lists(
    st.builds(
        Step,
        word=st.sampled_from([*WORDS, "create", "retrieve", "list", "list", "work", "work"]),
        pick=st.integers(0, 1_000),
        wait=st.floats(0, 2),
        before=st.floats(0, 3),
        after=st.floats(0, 3),
    ),
    max_size=60,
)


@dataclass
class ModelServer:
    """Executes steps one after another, and logs each request as an exchange that overlaps with its neighbours."""

    log: Log = field(default_factory=Log)
    now: float = 10.0
    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    """The jobs that exist, the oldest first."""
    known: list[str] = field(default_factory=lambda: ["video_never"])
    """The ids that a client may request."""
    count: int = 0

    def run(self, plan: list[Step]) -> Log:
        """Execute all steps, and return the log."""
        for step in plan:
            self.now += step.wait
            self._carry_out(step)
        return self.log

    def _carry_out(self, step: Step) -> None:
        by_itself = {"work": self._work, "other creates": self._other_creates, "other deletes": self._other_deletes}
        at_large = {"create": self._created, "list": self._listed, "wrong": self._refused}
        of_a_job = {
            "retrieve": self._retrieved,
            "delete": self._deleted,
            "content": self._downloaded,
            "remix": self._remixed,
            "lose": self._lost,
        }
        span: Span = {"began": self.now - step.before, "ended": self.now + step.after}
        if step.word in by_itself:
            by_itself[step.word](step.pick)
        elif step.word in at_large:
            at_large[step.word](step.pick, span)
        else:
            video_id = self.known[step.pick % len(self.known)]
            of_a_job[step.word](video_id, self.jobs.get(video_id), step.pick, span)

    # ---------------------------------------------------------------- requests about a job
    def _retrieved(self, video_id: str, job: Job | None, _: int, span: Span) -> None:
        if job is None:
            self.log.refused("GET", f"/videos/{video_id}", 404, **span)
        else:
            hint = {"openai-poll-after-ms": "100"}
            self.log.add("GET", f"/videos/{video_id}", json=dict(job), headers=hint, **span)

    def _deleted(self, video_id: str, job: Job | None, pick: int, span: Span) -> None:
        if job is None or (job["status"] == "in_progress" and pick % 3 == 0):
            self.log.refused("DELETE", f"/videos/{video_id}", 404 if job is None else 409, **span)
        else:
            del self.jobs[video_id]
            self.log.deleted(video_id, **span)

    def _lost(self, video_id: str, _: Job | None, __: int, span: Span) -> None:
        """Delete a job, and let the network lose the response, which no server is to blame for."""
        nothing: dict[str, str | None] = dict.fromkeys(("x-request-id", "content-length", "date", "content-type"))
        self.jobs.pop(video_id, None)
        path = f"/videos/{video_id}"
        self.log.add("DELETE", path, None, body=b"", headers=nothing, failure="ProxyError", **span)

    def _downloaded(self, video_id: str, job: Job | None, pick: int, span: Span) -> None:
        if job is None or job["status"] != "completed":
            status = 404 if job is None else (404, 409)[pick % 2]
            self.log.refused("GET", f"/videos/{video_id}/content", status, **span)
        else:
            self.log.content(video_id, body=video_id.encode(), headers={"etag": f'"{video_id}"'}, **span)

    def _remixed(self, video_id: str, source: Job | None, _: int, span: Span) -> None:
        path = f"/videos/{video_id}/remix"
        if source is None or source["status"] != "completed":
            self.log.refused("POST", path, 404 if source is None else 409, **span)
            return
        like = {name: source[name] for name in ("model", "size", "seconds")}
        job = self._new(**like, prompt="Night", remixed_from_video_id=video_id)
        self.known.append(job["id"])
        self.log.add("POST", path, json=dict(job), request_fields={"prompt": "Night"}, **span)

    # ---------------------------------------------------------------- other requests and events
    def _refused(self, pick: int, span: Span) -> None:
        self.log.refused("GET", "/videos", (400, 422)[pick % 2], query={"limit": "0"}, **span)

    def _created(self, pick: int, span: Span) -> None:
        request_fields = {"prompt": f"Take {pick}", "size": "64x48", "seconds": "2"}
        job = self._new(**request_fields)
        self.known.append(job["id"])
        if pick % 5 == 0:
            self._end(job, "completed")
        self.log.add("POST", "/videos", json=dict(job), request_fields=request_fields, **span)

    def _new(self, **fields: Any) -> dict[str, Any]:
        self.count += 1
        video_id = f"video_{self.count}"
        self.jobs[video_id] = video(video_id, created_at=int(NOW + self.now), **fields)
        return self.jobs[video_id]

    def _other_creates(self, _: int) -> None:
        self._new(prompt="Another's")

    def _other_deletes(self, pick: int) -> None:
        others = [each for each in self.jobs if each not in self.known]
        self.jobs.pop(others[pick % len(others)] if others else "", None)

    def _work(self, pick: int) -> None:
        running = [job for job in self.jobs.values() if job["completed_at"] is None]
        if not running:
            return
        job = running[pick % len(running)]
        if pick % 4 == 0:
            self._end(job, "failed" if pick % 8 else "completed")
            return
        progress = job["progress"] + pick % 30
        job.update(status=("in_progress", "processing")[pick % 2], progress=min(99, progress))

    def _end(self, job: dict[str, Any], status: str) -> None:
        returned = video(job["id"], status)
        job.update(status=status, completed_at=int(NOW + self.now), error=returned["error"])
        if status == "completed":
            job.update(progress=100, expires_at=int(NOW + self.now) + 86_400)

    def _listed(self, pick: int, span: Span) -> None:
        limit, order = pick % 4 + 1, ("desc", "asc")[pick % 2]
        every = list(self.jobs.values())
        every = every[::-1] if order == "desc" else every
        query: dict[str, Any] = {"limit": limit, "order": order}
        if pick % 3 == 0:
            cursor = self.known[pick % len(self.known)]
            if cursor == "video_never":
                self.log.refused("GET", "/videos", 404, query={"after": cursor}, json=error(param="after"), **span)
                return
            query["after"] = cursor
            number = int(cursor.removeprefix("video_"))
            numbers = [int(job["id"].removeprefix("video_")) for job in every]
            every = [
                job
                for job, other in zip(every, numbers, strict=True)
                if (other < number if order == "desc" else other > number)
            ]
        shown = [dict(job) for job in every[:limit]]
        self.log.listed(returned=page(*shown, has_more=len(every) > limit), query=query, **span)
