"""Start the jobs that the checks need, all at once, and poll them until they end.

A job may cost money and minutes. So there is one job of each kind, which all checks share.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .._core.flaws import shown
from .._core.operations import ENDED, video_path
from .._core.outcomes import CannotJudgeError, NotReachedError, OutcomeError, OverdueError, UnsupportedError
from .._core.own_jobs import LOST, job_id
from .._core.redaction import redacted, secrets_of
from .._inputs.media_files import image, image_url
from .discovery import REFERENCES, SAMPLING, Discovery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .._core.exchange import Exchange
    from .._core.target import Target
    from .recording_client import RecordingClient

FOLLOWING: Final = "following"
"""The layer of the requests that follow a job until it ends."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_LONGEST_WATCH: Final = 1.0
"""The longest pause of the job whose content is asked for at each poll: some servers write a file for a second only."""
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
        # It begins as another prompt does: some servers name their files by the beginning.
        fields=lambda t: t.choice(prompt=f"{PROMPT}, with a candle that is about to go out"),
    ),
    Plan(
        name="defaults",
        why="only a prompt, for what the server chooses; no other create leaves out what the operator has chosen",
        fields=lambda t: {"prompt": "A paper plane over a field"} | ({"model": t.model} if t.model else {}),
    ),
    Plan(
        name="reference",
        why="an image as a reference",
        fields=lambda t: {**t.choice(prompt="The picture comes to life"), "input_reference": image(t.size)},
        capability="image-reference",
    ),
    Plan(
        name="jpeg",
        why="a JPEG as a reference, before the other fields",
        fields=lambda t: {"input_reference": image(t.size, "JPEG"), **t.choice(prompt="The photograph moves")},
        capability="image-reference",
    ),
    Plan(
        name="webp",
        why="a WebP as a reference",
        fields=lambda t: {**t.choice(prompt="The drawing moves"), "input_reference": image(t.size, "WEBP")},
        capability="image-reference",
    ),
    Plan(
        name="json_utf8",
        why="a create as JSON whose media type names its charset",
        fields=lambda t: t.choice(prompt="A boat of letters"),
        is_json=True,
        headers={"content-type": "application/json; charset=utf-8"},
        capability="json",
    ),
    Plan(
        name="image_url",
        why="an image by its URL, as JSON",
        fields=lambda t: {
            **t.choice(prompt="The picture wakes up"),
            "input_reference": {"image_url": image_url(t.size)},
        },
        is_json=True,
        capability="json",
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
        name="seed_zero",
        why="the least seed, which is not the same as none",
        fields=lambda t: {**t.choice(prompt="A die falls on a table"), "seed": 0},
        is_json=True,
        capability=SAMPLING,
    ),
    Plan(
        name="references",
        why="a job with a first and a last frame",
        fields=lambda t: {
            **t.choice(prompt="The sun rises, and sets"),
            **{f"references[{role}]": image(t.size) for role in ("first_frame", "last_frame")},
        },
        capability=REFERENCES,
    ),
    Plan(name="longest", why="the longest legal prompt", fields=_longest),
    Plan(
        name="unknown_field",
        why="a field that the contract does not have",
        fields=lambda t: t.choice(prompt="A kite in the wind", x_openvideos_unknown="1"),
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
    is_watched: bool = False
    """Whether its content is asked for before each poll, until it is returned, and as soon as the job is completed."""
    failed_reads: int = 0
    """How many polls in a row returned no Video."""

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
        """The latest Video; also the one with which some servers answer an error for a job that has failed."""
        last = self.last
        is_video = last is not None and (last.is_ok or last.object.get("status") in ENDED)
        return last.object if last is not None and is_video else self.created.object

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
        self._pollers: list[threading.Thread] = []

    def start(self, names: Iterable[str]) -> None:
        """Start these kinds of jobs, and begin to poll them."""
        wanted = set(names)
        for plan in PLANS:
            if plan.name in wanted:
                try:
                    self._jobs[plan.name] = self._start_job(plan)
                except OutcomeError as outcome:
                    self._missing[plan.name] = outcome
        self._begin_to_poll(list(self._jobs.values()))

    def follow(self, name: str, created: Exchange) -> None:
        """Begin to poll a job that a probe has started, such as a remix, under a name; a refused one is no job."""
        if not created.is_ok or not job_id(created):
            self._missing[name] = NotReachedError(f"the {name} was not accepted: {created.summary}", created)
            return
        job = Job(Plan(name=name, why=f"the {name} of a job", fields=lambda _: {}), created)
        self._jobs[name] = job
        self._begin_to_poll([job])

    def _begin_to_poll(self, jobs: list[Job]) -> None:
        name = f"openvideos-conformance-jobs-{len(self._pollers)}"
        self._pollers.append(threading.Thread(target=self._poll_all, args=(jobs,), name=name, daemon=True))
        self._pollers[-1].start()

    @property
    def has_ended(self) -> bool:
        """Whether any job has ended."""
        return any(job.is_over for job in self._jobs.values())

    def stop(self) -> None:
        """Stop polling."""
        self._stopped.set()
        for poller in self._pollers:
            poller.join(timeout=2 * self._target.timeout)

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
                f"the job {job.id} ended as {shown(job.status)}, not as 'completed'", *([job.last] if job.last else [])
            )
        return job

    def _start_job(self, plan: Plan) -> Job:
        """Create one job, and return it.

        Raises:
            OutcomeError: The job was not accepted.
            CannotJudgeError: There is no plain job, without which nothing can be judged.

        """
        reason = self._target.denial(plan.capability)
        if reason is None and plan.capability not in self._target.declared:
            reason = self.discovery.silence(plan.capability)
        if reason is not None:
            raise UnsupportedError(reason)
        if plan.name == "failing" and self._target.failing_prompt is None:
            raise UnsupportedError("no prompt is known that makes a job fail; give one with --failing-prompt")
        exchange = self._create(plan)
        job = Job(plan, exchange)
        if not exchange.is_ok or not job.id:
            reason = _why_nothing_can_be_judged(exchange, secrets_of(self._target)) if plan.name == "plain" else ""
            if reason:
                raise CannotJudgeError(reason)
            raise NotReachedError(f"the create was not accepted ({plan.why}): {exchange.summary}", exchange)
        job.is_watched = plan.name == "plain" and job.status not in ENDED
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

    def _poll_all(self, jobs: list[Job]) -> None:
        while not self._stopped.is_set():
            running = [job for job in jobs if not job.is_over]
            if not running:
                return
            job = min(running, key=lambda each: each.due)
            if self._stopped.wait(max(0.0, job.due - self._client.now())):
                return
            self._poll(job)

    def _poll(self, job: Job) -> None:
        if job.is_watched:
            # The read that follows shows whether the job had ended when its content was returned.
            job.is_watched = not self._client.get(f"{job.path}/content", layer=FOLLOWING).is_ok
        exchange = self._client.get(job.path, layer=FOLLOWING)
        if job.is_watched and exchange.is_ok and exchange.object.get("status") == "completed":
            # Clients download at once. Some servers say so before the file is there.
            self._client.get(f"{job.path}/content", layer=FOLLOWING)
        with self._changed:
            if exchange.is_ok and isinstance(exchange.json, dict):
                job.last, job.failed_reads = exchange, 0
                status = exchange.object.get("status")
                job.is_over = status in ENDED or not isinstance(status, str)
            elif not exchange.is_busy:
                # Some servers return an error for a failed job. Then there is nothing more to wait for.
                job.failed_reads += 1
                is_final = exchange.object.get("status") in ENDED
                if is_final or exchange.status in {404, 410} or job.failed_reads >= _MOST_FAILED_READS:
                    job.last, job.is_over = exchange, True
            job.pause = min(job.pause * _GROWTH, _LONGEST_WATCH if job.is_watched else _LONGEST_PAUSE)
            job.due = self._client.now() + max(job.pause, _hint(exchange))
            self._changed.notify_all()


def _why_nothing_can_be_judged(plain: Exchange, secrets: tuple[str, ...]) -> str:
    """Return what the operator can do about a plain create that was refused or had no response; empty if nothing."""
    if plain.status is None or plain.status in LOST:
        remedy = "Give the server more time with --timeout, and a gateway before it as much"
        if plain.status is None and "Timeout" not in plain.failure:
            remedy = "The server's log may say why"
        return f"a plain create has no response: {plain.summary.rstrip('.')}. Its job may run all the same. {remedy}"
    if plain.status not in {400, 401, 402, 403, 404, 405, 415, 422}:
        return ""
    remedy = "name values that it offers with --model, --size and --seconds"
    if plain.status in {404, 405}:
        remedy = f"check that the base URL ends where the API begins, usually with /v1, or {remedy}"
    response = redacted(plain.body[:5000].decode(errors="replace"), secrets)[:500]  # half a key would not be found
    return f"the server refuses a plain create: {plain.summary}: {response} -- {remedy}"


def _hint(exchange: Exchange) -> float:
    """Return the pause in seconds that the poll hint requests, up to a limit; 0 if there is no valid hint."""
    hint = exchange.header("openai-poll-after-ms") or ""
    return min(int(hint) / 1000, _LONGEST_PAUSE) if hint.isdecimal() and len(hint) < 9 else 0.0  # noqa: PLR2004
