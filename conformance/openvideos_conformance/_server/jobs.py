"""Start the jobs that the checks need, all at once, and poll them until they end.

A job may cost money and minutes. So there is one job of each kind, which all checks share.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .._core.operations import ENDED, video_path
from .._core.outcomes import CannotJudgeError, NotReachedError, OutcomeError, OverdueError, UnsupportedError
from .._core.own_jobs import job_id
from .._inputs.media_files import image
from .discovery import EXTENSIONS, REFERENCES, SAMPLING, Discovery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .._core.exchange import Exchange
    from .._core.target import Target
    from .recording_client import RecordingClient

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_GROWTH: Final = 1.5
_MOST_FAILED_READS: Final = 12
"""After how many failed polls in a row a job counts as ended; with the pauses, that takes about half a minute."""

FPS: Final = 16
"""The frames per second of a job with a number of frames; many models have no other."""

PROMPT: Final = "A red boat drifts over a quiet lake at dawn, “seen” from above — 静かな湖、лодка, قارب 🚤"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One kind of job: how it is created, and why the suite needs it. The most important kinds come first."""

    name: str
    why: str
    fields: Callable[[Target], Mapping[str, Any]]
    is_json: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    capability: str = "core"
    is_polled: bool = True
    """Whether it is polled until it ends."""


def _longest(target: Target) -> dict[str, Any]:
    from .._core.contract import contract

    # The characters have two and four bytes in UTF-8: a server that counts bytes or UTF-16 units finds it too long.
    length = int(contract().schema("Prompt")["maxLength"])
    return target.choice(prompt=("é🚤" * length)[:length])


def _sampled(target: Target) -> dict[str, Any]:
    from .._core.contract import contract

    fields = target.choice(prompt="A spinning top on a wooden table")
    seconds = int(fields.pop("seconds", contract().example("VideoSeconds")))
    return {**fields, "seed": "7", "fps": str(FPS), "num_frames": str(FPS * seconds), "negative_prompt": "blur"}


PLANS: Final = (
    Plan(
        name="plain",
        why="a create as a form, whose job is polled until it ends",
        fields=lambda t: t.choice(prompt=PROMPT),
    ),
    Plan(
        name="failing",
        why="a job that fails",
        fields=lambda t: t.choice(prompt=t.failing_prompt or ""),
        capability="failing",
    ),
    Plan(
        name="json",
        why="the same create as JSON",
        fields=lambda t: t.choice(prompt=PROMPT),
        is_json=True,
        capability="json",
    ),
    Plan(
        name="doomed",
        why="a job that is deleted once it has ended",
        fields=lambda t: t.choice(prompt="A candle that is about to go out"),
    ),
    Plan(
        name="defaults",
        why="only a prompt, for what the server chooses",
        fields=lambda t: {"prompt": "A paper plane over a field"} | ({"model": t.model} if t.model else {}),
        is_polled=False,
    ),
    Plan(
        name="reference",
        why="an image as a reference",
        fields=lambda t: {**t.choice(prompt="The picture comes to life"), "input_reference": image(t.size)},
        capability="image-reference",
        is_polled=False,
    ),
    *(
        Plan(
            name=name,
            why="a job with a seed and a number of frames",
            fields=_sampled,
            capability=SAMPLING,
        )
        for name in ("sampled", "sampled_again")
    ),
    Plan(
        name="references",
        why="a job with a first and a last frame",
        fields=lambda t: {
            **t.choice(prompt="The sun rises, and sets"),
            **{f"references[{role}]": image(t.size) for role in ("first_frame", "last_frame")},
        },
        capability=REFERENCES,
        is_polled=False,
    ),
    Plan(name="longest", why="the longest legal prompt", fields=_longest, is_polled=False),
    Plan(
        name="unknown_field",
        why="a field that the contract does not have",
        fields=lambda t: t.choice(prompt="A kite in the wind", x_openvideos_unknown="1"),
        is_polled=False,
    ),
)


@dataclass(slots=True)
class Job:
    """A job that was created: its create, and the last exchange about it."""

    plan: Plan
    created: Exchange
    last: Exchange | None = None
    due: float = 0.0
    pause: float = _FIRST_PAUSE
    is_over: bool = False
    failed_reads: int = 0
    """How many polls in a row had no status."""

    @property
    def id(self) -> str:
        """The id in the response to the create."""
        return job_id(self.created)

    @property
    def path(self) -> str:
        """The path of the job."""
        return video_path(self.id)

    @property
    def video(self) -> dict[str, Any]:
        """The latest Video."""
        seen = self.last if self.last is not None and self.last.is_ok else self.created
        return seen.object

    @property
    def status(self) -> object:
        """The latest status."""
        return self.video.get("status")


class JobPool:
    """The jobs of a run, and a thread that polls them."""

    def __init__(self, client: RecordingClient) -> None:
        """Start nothing yet."""
        self._client, self._target = client, client.target
        self.discovery = Discovery(client)
        self._jobs: dict[str, Job] = {}
        self._missing: dict[str, OutcomeError] = {}
        self.refused_form: Exchange | None = None
        """The plain create as a form, if the server refused it and accepted the same as JSON; else None."""
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._poller = threading.Thread(target=self._poll_all, name="openvideos-conformance-jobs", daemon=True)

    def start(self, names: Iterable[str]) -> None:
        """Start these kinds of jobs, and begin to poll them."""
        wanted = set(names)
        for plan in PLANS:
            if plan.name in wanted:
                try:
                    self._jobs[plan.name] = self._start_job(plan)
                except OutcomeError as outcome:
                    self._missing[plan.name] = outcome
        if not self._poller.is_alive():
            self._poller.start()

    @property
    def has_ended(self) -> bool:
        """Whether any job that is polled has ended."""
        return any(job.is_over and job.plan.is_polled for job in self._jobs.values())

    def stop(self) -> None:
        """Stop polling."""
        self._stopped.set()
        if self._poller.is_alive():
            self._poller.join(timeout=2 * self._target.timeout)

    def __getitem__(self, name: str) -> Job:
        """Return a job that was accepted.

        Raises:
            OutcomeError: The job was not accepted.

        """
        if name in self._missing:
            raise self._missing[name]
        return self._jobs[name]

    def ended(self, name: str) -> Job:
        """Wait until a job has ended, and return it.

        Raises:
            OutcomeError: The job was not accepted, or did not end within the deadline.

        """
        job = self[name]
        with self._changed:
            self._changed.wait_for(
                lambda: job.is_over or self._stopped.is_set(), self._target.deadline - self._client.now()
            )
        if not job.is_over:
            raise OverdueError(
                f"the job {job.id} did not end within {self._target.deadline:g} s; allow more time with --deadline",
                *([job.last] if job.last else []),
            )
        return job

    def completed(self, name: str = "plain") -> Job:
        """Wait until a job has completed, and return it.

        Raises:
            OutcomeError: The job was not accepted, or did not complete.

        """
        job = self.ended(name)
        if job.status != "completed":
            raise NotReachedError(
                f"the job {job.id} ended as {job.status!r}, not as 'completed'", *([job.last] if job.last else [])
            )
        return job

    def _start_job(self, plan: Plan) -> Job:
        """Create one job, and return it.

        Raises:
            OutcomeError: The job was not accepted.
            CannotJudgeError: The server refuses the plain job, without which nothing can be judged.

        """
        if plan.capability in self._target.denied:
            raise UnsupportedError(f"the server does not offer {plan.capability}, as --capabilities says")
        if plan.capability in EXTENSIONS and plan.capability not in self._target.declared:
            reason = self.discovery.silence(plan.capability)
            if reason is not None:
                raise UnsupportedError(reason)
        if plan.name == "failing" and self._target.failing_prompt is None:
            raise UnsupportedError("no prompt is known that makes a job fail; give one with --failing-prompt")
        exchange = self._create(plan)
        job = Job(plan, exchange)
        if not exchange.is_ok or not job.id:
            if plan.name == "plain" and exchange.status in {400, 401, 402, 403, 404, 405, 415, 422}:
                response = exchange.body[:500].decode(errors="replace")
                raise CannotJudgeError(
                    f"the server refuses a plain create: {exchange.summary}: {response} -- "
                    "name values that it offers with --model, --size and --seconds"
                )
            raise NotReachedError(f"the create was not accepted ({plan.why}): {exchange.summary}", exchange)
        job.is_over = not plan.is_polled
        job.due = self._client.now() + _FIRST_PAUSE
        return job

    def _create(self, plan: Plan) -> Exchange:
        if plan.is_json:
            return self._client.post("/videos", json=dict(plan.fields(self._target)), headers=plan.headers)
        exchange = self._client.post("/videos", form=dict(plan.fields(self._target)), headers=plan.headers)
        if plan.name == "plain" and exchange.status in {400, 415, 422}:
            # A server that accepts only JSON violates one requirement; the others can still be judged.
            as_json = self._client.post("/videos", json=dict(plan.fields(self._target)), headers=plan.headers)
            if as_json.is_ok:
                self.refused_form = exchange
                return as_json
        return exchange

    def _poll_all(self) -> None:
        while not self._stopped.is_set():
            running = [job for job in self._jobs.values() if not job.is_over]
            if not running:
                return
            job = min(running, key=lambda each: each.due)
            if self._stopped.wait(max(0.0, job.due - self._client.now())):
                return
            self._poll(job)

    def _poll(self, job: Job) -> None:
        exchange = self._client.get(job.path, layer="following")
        with self._changed:
            if exchange.is_ok and isinstance(exchange.json, dict):
                job.last, job.failed_reads = exchange, 0
                status = exchange.object.get("status")
                job.is_over = status in ENDED or not isinstance(status, str)
            else:
                # Some servers return an error for a failed job. Then there is nothing more to wait for.
                job.failed_reads += 1
                is_final = exchange.object.get("status") in ENDED
                if is_final or exchange.status in {404, 410} or job.failed_reads >= _MOST_FAILED_READS:
                    job.last, job.is_over = exchange, True
            job.pause = min(job.pause * _GROWTH, _LONGEST_PAUSE)
            job.due = self._client.now() + max(job.pause, _hint(exchange))
            self._changed.notify_all()


def _hint(exchange: Exchange) -> float:
    """Return the pause in seconds that the poll hint requests, up to a limit; 0 if there is no valid hint."""
    hint = exchange.header("openai-poll-after-ms") or ""
    return min(int(hint) / 1000, _LONGEST_PAUSE) if hint.isdecimal() and len(hint) < 9 else 0.0  # noqa: PLR2004
