"""Decide which event a job's end causes, when it is delivered, and how an attempt changes its delivery.

Pure: no clock, no store, no HTTP. A job ends once, so it has at most one event. An event is delivered at least once.
Its first attempt is due at the job's end. A failed attempt is repeated after a pause, which doubles each time, until
one succeeds or MAX_ATTEMPTS have failed, which takes about five minutes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from .jobs import end_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .jobs import Job

MAX_ATTEMPTS: Final = 12
"""The number of failed attempts after which a delivery is given up."""

LONGEST_PAUSE: Final = 60.0
"""The longest pause between two attempts, in seconds."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_WAIT: Final = 1.0
_GONE: Final = 410


class Delivery(Enum):
    """The state of an event's delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Attempt(NamedTuple):
    """When an attempt ended, the HTTP status of the response, and the reason if there was no response."""

    at: float
    status: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """The end of a job, and the state of its delivery. Times are Unix seconds, as jobs see them.

    `happens_at` may be in the future. `next_at` is when the next attempt is due; None if there will be none. `status`
    and `problem` describe the last attempt: the HTTP status of the response, or the reason why there was no response.
    `history` has all attempts, the oldest first; those of an emulator that kept only the last are not in it.
    """

    id: str
    video_id: str
    type: str
    happens_at: float
    next_at: float | None
    attempts: int = 0
    attempted_at: float | None = None
    status: int | None = None
    problem: str | None = None
    history: tuple[Attempt, ...] = ()

    @property
    def delivery(self) -> Delivery:
        """Return the state of the delivery."""
        if self.next_at is not None:
            return Delivery.PENDING
        return Delivery.DELIVERED if _is_success(self.status) else Delivery.GIVEN_UP


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an attempt: the response's status and Retry-After in seconds, or why there was no response."""

    status: int | None = None
    problem: str | None = None
    retry_after: float = 0.0


def event_of(job: Job, *, id_: str) -> Event | None:
    """Return the event of a job's end, which may be in the future; None as long as the time of the end is unknown."""
    ends_at = end_of(job)
    if ends_at is None:
        return None
    kind = "video.failed" if job.failure else "video.completed"
    return Event(id=id_, video_id=job.id, type=kind, happens_at=ends_at, next_at=ends_at)


def payload(event: Event) -> str:
    """Return the body of an event, as the contract defines it; it is the same on every attempt."""
    body = {
        "id": event.id,
        "object": "event",
        "created_at": int(event.happens_at),
        "type": event.type,
        "data": {"id": event.video_id},
    }
    return json.dumps(body, separators=(",", ":"))


def attempted(event: Event, outcome: Outcome, *, now: float) -> Event:
    """Return the record of an event after an attempt: delivered, given up, or due again after a pause.

    Only a 2XX is a success. After a 410 the delivery is given up at once: the receiver does not want this event.
    """
    attempts = event.attempts + 1
    is_over = _is_success(outcome.status) or outcome.status == _GONE or attempts >= MAX_ATTEMPTS
    pause = max(pause_after(attempts), min(outcome.retry_after, LONGEST_PAUSE))
    return replace(
        event,
        attempts=attempts,
        attempted_at=now,
        next_at=None if is_over else now + pause,
        status=outcome.status,
        problem=outcome.problem,
        history=(*event.history, Attempt(now, outcome.status, outcome.problem)),
    )


def pause_after(attempts: int) -> float:
    """Return how many seconds to wait after this many failed attempts: half a second, then doubled, up to a minute."""
    return min(LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 32))


def to_attempt(due: Iterable[Event], *, busy: Collection[str], slots: int) -> list[Event]:
    """Choose the events to attempt now among those that are due; at most `slots` attempts run at once.

    `busy` has the ids of the videos whose events are being attempted. Events with the fewest failed attempts come
    first, so that events that the receiver keeps rejecting do not delay the others.
    """
    waiting = (event for event in due if event.video_id not in busy)
    first = sorted(waiting, key=lambda event: (event.attempts, event.happens_at))
    return first[: max(0, slots - len(busy))]


def seconds_to_wait(next_at: float | None, *, now: float) -> float:
    """Return how many seconds to wait before the next check for due events: until `next_at`, but at most one second.

    A longer wait could be too long, because the clock can be set and the machine can sleep.
    """
    return _LONGEST_WAIT if next_at is None else min(_LONGEST_WAIT, max(0.0, next_at - now))


def _is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - 2XX
