"""Decide which event the end of a job is, when it is delivered, and what an attempt comes to.

Pure: no clock, no store, no HTTP. A job ends once, so it has one event at most, and the events of one job cannot
overtake each other. An event is delivered at least once: its first attempt is due at the job's end, and each that fails
is repeated after a pause that doubles, until one succeeds or MAX_ATTEMPTS have failed, five minutes later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from .jobs import end_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .jobs import Job

MAX_ATTEMPTS: Final = 12
"""How often a delivery is attempted before it is given up."""

LONGEST_PAUSE: Final = 60.0
"""The longest pause between two attempts, in seconds."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_REST: Final = 1.0
_GONE: Final = 410


class Delivery(Enum):
    """How far the delivery of an event is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Event:
    """The end of a job, and how far its delivery is. Times are Unix seconds, as jobs see them.

    `happens_at` may lie ahead. `next_at` is when the next attempt is due, None once there is none. `status` and
    `problem` tell of the last attempt: the answer's HTTP status, or why there was no answer.
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

    @property
    def delivery(self) -> Delivery:
        """Tell how far the delivery is."""
        if self.next_at is not None:
            return Delivery.PENDING
        return Delivery.DELIVERED if _is_success(self.status) else Delivery.GIVEN_UP


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to: the `status` of the answer and the pause that it asked for, or why there was none."""

    status: int | None = None
    problem: str | None = None
    retry_after: float = 0.0


def event_of(job: Job, *, id_: str) -> Event | None:
    """Give the event of a job's end, also of one that lies ahead; None as long as nobody knows when that is."""
    ends_at = end_of(job)
    if ends_at is None:
        return None
    kind = "video.failed" if job.failure else "video.completed"
    return Event(id=id_, video_id=job.id, type=kind, happens_at=ends_at, next_at=ends_at)


def payload(event: Event) -> str:
    """Write the body of an event, as the contract says; the same on every attempt."""
    body = {
        "id": event.id,
        "object": "event",
        "created_at": int(event.happens_at),
        "type": event.type,
        "data": {"id": event.video_id},
    }
    return json.dumps(body, separators=(",", ":"))


def attempted(event: Event, outcome: Outcome, *, now: float) -> Event:
    """Give the record of an event after an attempt: delivered, given up, or due again after a pause.

    Only a 2XX is a success. A 410 says that nobody wants this event any more: it is given up at once.
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
    )


def pause_after(attempts: int) -> float:
    """Tell how many seconds to wait after so many attempts have failed: half a second, doubled up to a minute."""
    return min(LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 32))


def chosen(due: Iterable[Event], *, busy: Collection[str], slots: int) -> list[Event]:
    """Choose what to attempt now, when so many attempts may run at once, of these that are due.

    `busy` names the videos of which an attempt is running. Events that failed least go first, so that those of a
    receiver's broken part do not hold up the others.
    """
    waiting = (event for event in due if event.video_id not in busy)
    first = sorted(waiting, key=lambda event: (event.attempts, event.happens_at))
    return first[: max(0, slots - len(busy))]


def rest(next_at: float | None, *, now: float) -> float:
    """Tell how many seconds to wait before looking again: until the next is due, at most one.

    More might be wrong: the clock can be set, and a machine that slept does not tell.
    """
    return _LONGEST_REST if next_at is None else min(_LONGEST_REST, max(0.0, next_at - now))


def _is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - 2XX
