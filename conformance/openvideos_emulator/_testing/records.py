"""Show a test the state of an emulator: its jobs, its planned faults and its webhook events."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

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

FIELDS: Final[Mapping[Operation, frozenset[str]]] = {
    "create_video": frozenset(
        {"prompt", "model", "seconds", "size", "input_reference", "references"}
        | {"seed", "negative_prompt", "fps", "num_frames"}
    ),
    "remix_video": frozenset({"prompt"}),
    "edit_video": frozenset({"prompt", "video"}),
    "extend_video": frozenset({"prompt", "seconds", "video"}),
    "create_character": frozenset({"name", "video"}),
}
"""The fields of each operation that has some; in a form, a key in brackets may follow."""

_ARGUMENTS: Final = {"times": "count", "stall.at": "stall_at", "stall.seconds": "stall_seconds"}

ConnectionReset = Literal["before_request", "before_answer", "before_body", "after_body"]
"""When a connection is reset. With `before_request` the request has no effect; with the others, it has."""

_Record = TypeVar("_Record", bound="DataclassInstance")


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
    duration: int
    url: str | None
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
    """A fault that is still to happen `left` times, to requests that match; None matches all.

    `summary` says what happens, such as `status 503, delay 2 s`.
    """

    left: int
    status: int | None = None
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    prompt: str | None = None
    job: str | None = None
    summary: str = ""


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


def job_of(content: Mapping[str, Any]) -> Job:
    errors = {name: content[name] and record_of(JobError, content[name]) for name in ("error", "fails_with")}
    return record_of(Job, {**content, **errors})


def record_of(kind: type[_Record], content: Mapping[str, Any]) -> _Record:
    """Build a record from the keys that it has fields for; a newer emulator may send more keys."""
    return kind(**{field.name: content[field.name] for field in fields(kind) if field.name in content})


def error_json(error: JobError | str | None) -> dict[str, str] | None:
    """Return why a job fails as the control endpoints take it: a code, or a code and a message."""
    if error is None or isinstance(error, str):
        return None if error is None else {"code": error}
    return {"code": error.code, "message": error.message}


def refusal_of(content: Mapping[str, Any]) -> str:
    """Return why a control endpoint refuses a request, with the names that the methods have for its fields."""
    name, message = content["error"]["param"], str(content["error"]["message"])
    return message.replace(name, _ARGUMENTS[name], 1) if name in _ARGUMENTS else message


def without_none(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}
