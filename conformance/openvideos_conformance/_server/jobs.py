"""Start the jobs that the scenarios need, side by side, and follow them until they end.

A job costs money and minutes, so all are started at once, one of each kind, and every scenario that can share one does.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .._core.operations import RUNNING, video_path
from .._core.outcomes import CannotJudgeError, NotReachedError, OutcomeError, OverdueError, UnsupportedError
from .._core.own_jobs import job_id
from .._inputs.media_files import image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .._core.exchange import Exchange
    from .._core.target import Target
    from .recording_client import RecordingClient

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_GROWTH: Final = 1.5
_MOST_REFUSALS: Final = 12
"""After how many errors in a row a job is given up; with the pauses between them, that takes about half a minute."""

PROMPT: Final = "A red boat drifts over a quiet lake at dawn, “seen” from above — 静かな湖、лодка, قارب 🚤"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One kind of job: how it is asked for, and why the suite needs it. Those that matter most are started first."""

    name: str
    why: str
    fields: Callable[[Target], Mapping[str, Any]]
    is_json: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    capability: str = "core"
    is_followed: bool = True
    """Whether its status is read until it ends."""


def _longest(target: Target) -> dict[str, Any]:
    from .._core.contract import contract

    # Two bytes of UTF-8, and four: a server that counts bytes, or the units of UTF-16, finds it too long.
    length = int(contract().schema("Prompt")["maxLength"])
    return target.choice(prompt=("é🚤" * length)[:length])


PLANS: Final = (
    Plan(name="plain", why="a form, whose job is followed to its end", fields=lambda t: t.choice(prompt=PROMPT)),
    Plan(
        name="failing",
        why="a job that fails",
        fields=lambda t: t.choice(prompt=t.failing_prompt or ""),
        capability="failing",
    ),
    Plan(
        name="json", why="the same as JSON", fields=lambda t: t.choice(prompt=PROMPT), is_json=True, capability="json"
    ),
    Plan(
        name="doomed",
        why="a job that is deleted once it has ended",
        fields=lambda t: t.choice(prompt="A candle that is about to go out"),
    ),
    Plan(
        name="defaults",
        why="a prompt alone, for the contract's defaults",
        fields=lambda t: {"prompt": "A paper plane over a field"} | ({"model": t.model} if t.model else {}),
        is_followed=False,
    ),
    Plan(
        name="reference",
        why="an image as a reference",
        fields=lambda t: {**t.choice(prompt="The picture comes to life"), "input_reference": image(t.size)},
        capability="image-reference",
        is_followed=False,
    ),
    Plan(name="longest", why="the longest legal prompt", fields=_longest, is_followed=False),
    Plan(
        name="unknown_field",
        why="a field that no contract has",
        fields=lambda t: t.choice(prompt="A kite in the wind", x_openvideos_unknown="1"),
        is_followed=False,
    ),
)


@dataclass(slots=True)
class Job:
    """A job that was asked for: its create, and what was last seen of it."""

    plan: Plan
    created: Exchange
    last: Exchange | None = None
    due: float = 0.0
    pause: float = _FIRST_PAUSE
    is_over: bool = False
    failed_reads: int = 0
    """How often in a row its status was not told."""

    @property
    def id(self) -> str:
        """The id that the create gave."""
        return job_id(self.created)

    @property
    def path(self) -> str:
        """The path of the job."""
        return video_path(self.id)

    @property
    def video(self) -> dict[str, Any]:
        """The Video as it was last seen."""
        seen = self.last if self.last is not None and self.last.is_ok else self.created
        return seen.object

    @property
    def status(self) -> object:
        """The status as it was last seen."""
        return self.video.get("status")


class JobPool:
    """The jobs of a run, started side by side, with a thread that follows them."""

    def __init__(self, client: RecordingClient) -> None:
        """Start nothing yet."""
        self._client, self._target = client, client.target
        self._jobs: dict[str, Job] = {}
        self._missing: dict[str, OutcomeError] = {}
        self.refused_form: Exchange | None = None
        """The plain create as a form, if the server refused it and took the same as JSON."""
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._follower = threading.Thread(target=self._follow, name="openvideos-conformance-jobs", daemon=True)

    def start(self, names: Iterable[str]) -> None:
        """Start these kinds of jobs, and follow those that are to be followed."""
        wanted = set(names)
        for plan in PLANS:
            if plan.name in wanted:
                try:
                    self._jobs[plan.name] = self._created(plan)
                except OutcomeError as outcome:
                    self._missing[plan.name] = outcome
        if not self._follower.is_alive():
            self._follower.start()

    @property
    def has_ended(self) -> bool:
        """Whether any of the jobs that are followed has ended."""
        return any(job.is_over and job.plan.is_followed for job in self._jobs.values())

    def stop(self) -> None:
        """Stop following."""
        self._stopped.set()
        if self._follower.is_alive():
            self._follower.join(timeout=2 * self._target.timeout)

    def __getitem__(self, name: str) -> Job:
        """Return a job that was accepted.

        Raises:
            OutcomeError: It was not, and why.

        """
        if name in self._missing:
            raise self._missing[name]
        return self._jobs[name]

    def ended(self, name: str) -> Job:
        """Return a job once it has ended.

        Raises:
            OutcomeError: It was not accepted, or did not end within the deadline.

        """
        job = self[name]
        with self._changed:
            self._changed.wait_for(
                lambda: job.is_over or self._stopped.is_set(), self._target.deadline - self._client.now()
            )
        if not job.is_over:
            raise OverdueError(
                f"the job {job.id} did not end within {self._target.deadline:g} s; give it longer with --deadline",
                *([job.last] if job.last else []),
            )
        return job

    def completed(self, name: str = "plain") -> Job:
        """Return a job once it has completed.

        Raises:
            OutcomeError: It did not.

        """
        job = self.ended(name)
        if job.status != "completed":
            raise NotReachedError(
                f"the job {job.id} ended as {job.status!r}, not as completed", *([job.last] if job.last else [])
            )
        return job

    def _created(self, plan: Plan) -> Job:
        """Ask for one job.

        Raises:
            OutcomeError: It was not accepted.
            CannotJudgeError: It is the plain one, and the server refuses it as such: nothing can be judged without it.

        """
        if plan.capability in self._target.denied:
            raise UnsupportedError(f"the server does not offer {plan.capability}, as --capabilities says")
        if plan.name == "failing" and self._target.failing_prompt is None:
            raise UnsupportedError("no prompt is known that makes a job fail; name one with --failing-prompt")
        exchange = self._create(plan)
        job = Job(plan, exchange)
        if not exchange.is_ok or not job.id:
            if plan.name == "plain" and exchange.status in {400, 401, 402, 403, 404, 405, 415, 422}:
                response = exchange.body[:500].decode(errors="replace")
                raise CannotJudgeError(
                    f"the server refuses a plain create: {exchange.summary}: {response} -- "
                    "name what it offers with --model, --size and --seconds"
                )
            raise NotReachedError(f"{plan.why}: {exchange.summary}, and no job", exchange)
        job.is_over = not plan.is_followed
        job.due = self._client.now() + _FIRST_PAUSE
        return job

    def _create(self, plan: Plan) -> Exchange:
        if plan.is_json:
            return self._client.post("/videos", json=dict(plan.fields(self._target)), headers=plan.headers)
        exchange = self._client.post("/videos", form=dict(plan.fields(self._target)), headers=plan.headers)
        if plan.name == "plain" and exchange.status in {400, 415, 422}:
            # A server that takes JSON alone breaks one promise; the others can still be judged.
            as_json = self._client.post("/videos", json=dict(plan.fields(self._target)), headers=plan.headers)
            if as_json.is_ok:
                self.refused_form = exchange
                return as_json
        return exchange

    def _follow(self) -> None:
        while not self._stopped.is_set():
            following = [job for job in self._jobs.values() if not job.is_over]
            if not following:
                return
            job = min(following, key=lambda each: each.due)
            if self._stopped.wait(max(0.0, job.due - self._client.now())):
                return
            self._read(job)

    def _read(self, job: Job) -> None:
        exchange = self._client.get(job.path, layer="following")
        with self._changed:
            if exchange.is_ok and isinstance(exchange.json, dict):
                job.last, job.failed_reads = exchange, 0
                job.is_over = exchange.object.get("status") not in RUNNING
            else:
                # Some servers tell a failed job as an error of their own; there is nothing more to wait for then.
                job.failed_reads += 1
                is_told = isinstance(exchange.object.get("status"), str) and exchange.object["status"] not in RUNNING
                if is_told or exchange.status in {404, 410} or job.failed_reads >= _MOST_REFUSALS:
                    job.last, job.is_over = exchange, True
            job.pause = min(job.pause * _GROWTH, _LONGEST_PAUSE)
            job.due = self._client.now() + max(job.pause, _hint(exchange))
            self._changed.notify_all()


def _hint(exchange: Exchange) -> float:
    """Return the pause that the server asks for, in seconds, if it is a sane one."""
    hint = exchange.header("openai-poll-after-ms") or ""
    return min(int(hint) / 1000, _LONGEST_PAUSE) if hint.isdecimal() and len(hint) < 9 else 0.0  # noqa: PLR2004
