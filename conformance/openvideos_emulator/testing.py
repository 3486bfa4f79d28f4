"""Steer an emulator from tests: what the pytest fixture `openvideos_server` gives, and what its methods answer.

It speaks to the control endpoints over HTTP, with nothing but the standard library: libraries that put themselves in
the place of an HTTP client in tests leave it alone.
"""

from __future__ import annotations

import base64
import http.client
import json
import secrets
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed import DataclassInstance

__all__ = [
    "EmulatorError",
    "Event",
    "Job",
    "JobError",
    "OpenVideosServer",
    "Operation",
    "PlannedFault",
    "Reset",
    "Status",
]

Status = Literal["queued", "in_progress", "completed", "failed"]
"""The statuses that the emulator sends."""

Operation = Literal[
    "create_video",
    "list_videos",
    "retrieve_video",
    "delete_video",
    "download_video_content",
    "remix_video",
    "edit_video",
    "extend_video",
    "create_character",
    "retrieve_character",
]
"""The operations of the Videos API, by their ids in `openapi.yaml`."""

Reset = Literal["before_request", "before_answer", "before_body", "after_body"]
"""When a connection is reset: `before_request` the request has no effect, from `before_answer` on it has."""

_Record = TypeVar("_Record", bound="DataclassInstance")
_TIMEOUT: Final = 60.0
_BAD: Final = 400


class EmulatorError(Exception):
    """The emulator does not start, does not answer, or refuses what a test tells it."""


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, or is going to: `code` for programs, `message` for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stood when it was read, in the words of the Videos API. Times are Unix seconds.

    `pace`, `polls` (how often its status was read) and `fails_with` (the error that it will have, or has) are known to
    the emulator alone.
    """

    id: str
    status: Status
    progress: int
    model: str
    prompt: str
    size: str
    seconds: str
    created_at: int
    completed_at: int | None
    expires_at: int | None
    remixed_from_video_id: str | None
    error: JobError | None
    pace: str
    polls: int
    fails_with: JobError | None


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault that is still to happen, `left` times, to requests that match; None matches all."""

    left: int
    status: int | None = None
    operation: str | None = None
    method: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """The end of a job that a webhook tells of, and how far its delivery is. Times are Unix seconds.

    Of the last attempt there is the `status` of its answer, or the `problem` why there was none.
    """

    id: str
    type: Literal["video.completed", "video.failed"]
    created_at: int
    video_id: str
    delivery: Literal["pending", "delivered", "given_up"]
    attempts: int
    next_attempt_at: float | None
    status: int | None
    problem: str | None


class OpenVideosServer:
    """A running emulator, and the ways to steer it.

    `base_url`, which ends in `/v1`, and `api_key` are what a client needs. Each method raises EmulatorError if the
    emulator refuses, or does not answer.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        """Steer the emulator at this URL, with the key that it was started with."""
        self.base_url: Final = base_url
        self.api_key: Final = api_key
        self._sends_webhooks = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    @property
    def environ(self) -> dict[str, str]:
        """Give the environment variables that point a client here: openvideos, and others that speak this API."""
        return {
            "OPENVIDEOS_BASE_URL": self.base_url,
            "OPENVIDEOS_API_KEY": self.api_key,
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": self.api_key,
        }

    @property
    def jobs(self) -> list[Job]:
        """Give all jobs, the oldest first. That counts as no poll."""
        return [_job(each) for each in self._ask("GET", "state")["jobs"]]

    @property
    def events(self) -> list[Event]:
        """Give the ends of jobs that webhooks tell of, the oldest first, delivered or not."""
        return [_chosen(Event, each) for each in self._ask("GET", "state")["events"]]

    @property
    def faults(self) -> list[PlannedFault]:
        """Give the faults that are still to happen, in the order in which they were planned."""
        return [_chosen(PlannedFault, each) for each in self._ask("GET", "faults")["faults"]]

    def advance(
        self,
        seconds: float | None = None,
        *,
        polls: int | None = None,
        to: Literal["completed", "failed"] | None = None,
        jobs: Iterable[Job | str] | None = None,
        error: JobError | None = None,
    ) -> list[Job]:
        """Move jobs forward, and give those that have moved; with nothing said, bring every job to its end.

        Args:
            seconds: Move the clock by that much, for jobs and for the expiry of files.
            polls: Count that many polls of each job.
            to: End jobs so, whatever their prompts say.
            jobs: The only jobs to move, or their ids; the clock then stands.
            error: Why jobs fail, with `to="failed"`.

        """
        ids = None if jobs is None else [job if isinstance(job, str) else job.id for job in jobs]
        body = _said(seconds=seconds, polls=polls, to=to, jobs=ids, error=_error_json(error))
        return [_job(each) for each in self._ask("POST", "advance", body)["jobs"]]

    def fail_next(
        self,
        status: int | None = None,
        *,
        count: int = 1,
        operation: Operation | None = None,
        method: str | None = None,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        carried_out: bool = False,
        delay: float | None = None,
        reset: Reset | None = None,
        truncate: int | None = None,
        content_length: int | None = None,
        stall_at: int | None = None,
        stall_seconds: float | None = None,
    ) -> None:
        """Let something go wrong with the next `count` requests that match, a 500 if nothing else is said.

        Args:
            status: Answer with this status. The request is then not carried out.
            count: How many requests it happens to.
            operation: The only operation that it happens to.
            method: The only HTTP method.
            path: The only path, such as `/v1/videos/*/content`; `*` stands for any letters.
            headers: Headers of that answer, such as `Retry-After`, or, without `status`, in place of the right ones.
            body: The body of that answer, JSON or, if it is a string, text. An error has the usual envelope.
            carried_out: With `status`, carry the request out all the same: the answer is lost, the job is there.
            delay: Wait so many seconds first.
            reset: Reset the connection.
            truncate: End the connection behind that many bytes of the body.
            content_length: Send this Content-Length in place of the right one.
            stall_at: Send nothing more behind that many bytes of the body, until the client goes away.
            stall_seconds: Go on after so many seconds.

        """
        stall = _said(at=stall_at, seconds=stall_seconds)
        kinds = (status, headers, delay, reset, truncate, content_length, stall or None)
        fault = _said(
            status=500 if all(kind is None for kind in kinds) else status,
            times=count,
            operation=operation,
            method=method,
            path=path,
            headers=None if headers is None else dict(headers),
            body=body,
            carried_out=carried_out or None,
            delay=delay,
            reset=reset,
            truncate=truncate,
            content_length=content_length,
            stall=stall or None,
        )
        self._ask("POST", "faults", fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._ask("DELETE", "faults")

    def seed(
        self,
        *,
        status: Status = "completed",
        prompt: str | None = None,
        model: str | None = None,
        size: str | None = None,
        seconds: str | None = None,
        progress: int | None = None,
        id: str | None = None,
        created_at: int | None = None,
        completed_at: int | None = None,
        remixed_from_video_id: str | None = None,
        error: JobError | None = None,
        pace: str | None = None,
    ) -> Job:
        """Add a job that stands in any state, and give it.

        One that has not ended stands still until it is advanced, or runs at `pace`. With a `completed_at` that is more
        than a day ago its files are expired.
        """
        body = _said(
            status=status,
            prompt=prompt,
            model=model,
            size=size,
            seconds=seconds,
            progress=progress,
            id=id,
            created_at=created_at,
            completed_at=completed_at,
            remixed_from_video_id=remixed_from_video_id,
            error=_error_json(error),
            pace=pace,
        )
        return _job(self._ask("POST", "jobs", body))

    def send_webhooks(self, url: str, *, secret: str | None = None) -> str:
        """Post the end of each job to this URL from now on, and give the secret that signs it, a new one if it is None.

        With the fixture it holds for the test; else until `stop_webhooks`.
        """
        secret = secret or f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        self._ask("PUT", "webhook", {"url": url, "secret": secret})
        self._sends_webhooks = True
        return secret

    def stop_webhooks(self) -> None:
        """Post no more of what `send_webhooks` asked for."""
        if self._sends_webhooks:
            self._ask("DELETE", "webhook")
            self._sends_webhooks = False

    def reset(self, *, pace: str | None = None, profile: str | None = None) -> None:
        """Forget all jobs, characters, idempotency keys and faults, and set the clock right again.

        `pace` (`instant`, `polls:N`, `seconds:S`, `manual`) and `profile` (`default`, `sora`) hold from then on.
        """
        self._ask("POST", "reset", _said(pace=pace, profile=profile))

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        where = urlsplit(self.base_url)
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=_TIMEOUT)
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/_emulator/{path}", body=content, headers=headers)
            answer = connection.getresponse()
            said: dict[str, Any] = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EmulatorError(f"the emulator at {self.base_url} does not answer as it should: {error!r}") from error
        finally:
            connection.close()
        if answer.status >= _BAD:
            raise EmulatorError(str(said["error"]["message"]))
        return said


def _said(**values: Any) -> dict[str, Any]:
    """Leave out what is not said."""
    return {name: value for name, value in values.items() if value is not None}


def _error_json(error: JobError | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "message": error.message}


def _job(said: Mapping[str, Any]) -> Job:
    errors = {name: said[name] and _chosen(JobError, said[name]) for name in ("error", "fails_with")}
    return _chosen(Job, {**said, **errors})


def _chosen(kind: type[_Record], said: Mapping[str, Any]) -> _Record:
    """Make a record of what it has a field for; a newer emulator may say more."""
    return kind(**{field.name: said[field.name] for field in fields(kind) if field.name in said})
