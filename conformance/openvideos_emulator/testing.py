"""Control an emulator from tests: the object that the pytest fixture `openvideos_server` returns, and its records.

It uses the control endpoints over HTTP with only the standard library, so that libraries that mock HTTP clients in
tests do not affect it.
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
    "list_models",
]
"""The operations of the Videos API, by their ids in `openapi.yaml`."""

Reset = Literal["before_request", "before_answer", "before_body", "after_body"]
"""When a connection is reset. With `before_request` the request has no effect; with the others, it has."""

_Record = TypeVar("_Record", bound="DataclassInstance")
_TIMEOUT: Final = 60.0
_BAD: Final = 400


class EmulatorError(Exception):
    """The emulator does not start, does not respond, or refuses a request of a test."""


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed or will fail: `code` for programs, `message` for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job snapshot, with the fields of the Videos API. Times are Unix seconds.

    Only the emulator has `pace` (the job speed), `polls` (how often the job was polled) and `fails_with` (the error
    that the job has or will have).
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
    """A fault that is still to happen `left` times, to requests that match; None matches all."""

    left: int
    status: int | None = None
    operation: str | None = None
    method: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """The end of a job, which a webhook reports, and the state of its delivery. Times are Unix seconds.

    `status` and `problem` describe the last attempt: the status of the response, or the reason why there was none.
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
    """A running emulator, and the methods that control it.

    A client needs `base_url`, which ends in `/v1`, and `api_key`. Each method raises EmulatorError if the emulator
    refuses the request or does not respond.
    """

    def __init__(self, base_url: str, api_key: str) -> None:
        """Control the emulator at this URL, which was started with this key."""
        self.base_url: Final = base_url
        self.api_key: Final = api_key
        self._sends_webhooks = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment variables that point clients here: openvideos, and clients of OpenAI's API."""
        return {
            "OPENVIDEOS_BASE_URL": self.base_url,
            "OPENVIDEOS_API_KEY": self.api_key,
            "OPENAI_BASE_URL": self.base_url,
            "OPENAI_API_KEY": self.api_key,
        }

    @property
    def jobs(self) -> list[Job]:
        """Return all jobs, the oldest first. This does not count as a poll."""
        return [_job(each) for each in self._request("GET", "state")["jobs"]]

    @property
    def events(self) -> list[Event]:
        """Return the webhook events, the oldest first, delivered or not."""
        return [_record(Event, each) for each in self._request("GET", "state")["events"]]

    @property
    def faults(self) -> list[PlannedFault]:
        """Return the faults that are still to happen, in the order in which they were planned."""
        return [_record(PlannedFault, each) for each in self._request("GET", "faults")["faults"]]

    def advance(
        self,
        seconds: float | None = None,
        *,
        polls: int | None = None,
        to: Literal["completed", "failed"] | None = None,
        jobs: Iterable[Job | str] | None = None,
        error: JobError | None = None,
    ) -> list[Job]:
        """Advance jobs, and return those that have changed. Without arguments, advance every job to its end.

        Args:
            seconds: Move the clock by this many seconds, for jobs and for the expiry of files.
            polls: Count this many polls of each job.
            to: End jobs with this status, whatever their prompts say.
            jobs: Advance only these jobs, or the jobs with these ids; the clock does not move.
            error: Why jobs fail, with `to="failed"`.

        """
        ids = None if jobs is None else [job if isinstance(job, str) else job.id for job in jobs]
        body = _without_none(seconds=seconds, polls=polls, to=to, jobs=ids, error=_error_json(error))
        return [_job(each) for each in self._request("POST", "advance", body)["jobs"]]

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
        """Plan a fault for the next `count` requests that match; a response with status 500 if no other fault is given.

        Args:
            status: Respond with this status. The request is then not carried out.
            count: How many requests the fault happens to.
            operation: Only requests of this operation match.
            method: Only requests with this HTTP method match.
            path: Only requests with this path match, such as `/v1/videos/*/content`; `*` stands for any characters.
            headers: Headers to set on the response, such as `Retry-After`; they replace headers of the same name.
            body: With `status`, the body of the response: JSON or, if it is a string, text. The default is the usual
                error envelope.
            carried_out: With `status`, carry the request out as well: the job is created, but its response is lost.
            delay: Wait this many seconds first.
            reset: Reset the connection at this moment.
            truncate: Close the connection after this many bytes of the body.
            content_length: Send this Content-Length instead of the right one.
            stall_at: Stop sending after this many bytes of the body, until the client disconnects.
            stall_seconds: Continue after a stall of this many seconds.

        """
        stall = _without_none(at=stall_at, seconds=stall_seconds)
        kinds = (status, headers, delay, reset, truncate, content_length, stall or None)
        fault = _without_none(
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
        self._request("POST", "faults", fault)

    def clear_faults(self) -> None:
        """Remove all planned faults."""
        self._request("DELETE", "faults")

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
        """Add a job in any state, and return it.

        A job that has not ended runs with the speed `pace`; without it, the job stands still until it is advanced. If
        `completed_at` is more than a day ago, the job's files have expired.
        """
        body = _without_none(
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
        return _job(self._request("POST", "jobs", body))

    def send_webhooks(self, url: str, *, secret: str | None = None) -> str:
        """Send a webhook to this URL at the end of each job from now on, and return the secret that signs the webhooks.

        If `secret` is None, a new one is made. With the fixture, webhooks stop after the test; otherwise, call
        `stop_webhooks`.
        """
        secret = secret or f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        self._request("PUT", "webhook", {"url": url, "secret": secret})
        self._sends_webhooks = True
        return secret

    def stop_webhooks(self) -> None:
        """Stop the webhooks that `send_webhooks` started."""
        if self._sends_webhooks:
            self._request("DELETE", "webhook")
            self._sends_webhooks = False

    def reset(self, *, pace: str | None = None, profile: str | None = None) -> None:
        """Forget all jobs, characters, idempotency keys and faults, and set the clock back to the real time.

        `pace`, the job speed (`instant`, `polls:N`, `seconds:S`, `manual`), and `profile` (`default`, `sora`) apply
        from then on; None keeps the current one.
        """
        self._request("POST", "reset", _without_none(pace=pace, profile=profile))

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        where = urlsplit(self.base_url)
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=_TIMEOUT)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/_emulator/{path}", body=data, headers=headers)
            response = connection.getresponse()
            content: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EmulatorError(f"the emulator at {self.base_url} does not respond as it should: {error!r}") from error
        finally:
            connection.close()
        if response.status >= _BAD:
            raise EmulatorError(str(content["error"]["message"]))
        return content


def _without_none(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def _error_json(error: JobError | None) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "message": error.message}


def _job(content: Mapping[str, Any]) -> Job:
    errors = {name: content[name] and _record(JobError, content[name]) for name in ("error", "fails_with")}
    return _record(Job, {**content, **errors})


def _record(kind: type[_Record], content: Mapping[str, Any]) -> _Record:
    """Build a record from the keys that it has fields for; a newer emulator may send more keys."""
    return kind(**{field.name: content[field.name] for field in fields(kind) if field.name in content})
