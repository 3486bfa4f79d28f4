"""Define the meaning of each status word. Only this module interprets status words.

The contract has five words (openapi.yaml, VideoStatus); servers send more (DESIGN: poll).
"""

from __future__ import annotations

from typing import Final

COMPLETED: Final = frozenset({"completed", "complete", "succeeded", "succeed", "success", "done", "finished"})
FAILED: Final = frozenset(
    {"failed", "failure", "fail", "error", "rejected", "aborted", "timeout", "timed_out"}
    | {"cancelled", "canceled", "expired", "deleted"}
)
# A word that says that a job is about to end, such as "cancelling", is not terminal: polling goes on after it.
RUNNING: Final = frozenset({"queued", "in_progress", "processing"})


def _normalized(status: str) -> str:
    return status.strip().lower()


def is_completed(status: str) -> bool:
    """Return whether a status means that the video exists."""
    return _normalized(status) in COMPLETED


def is_failed(status: str) -> bool:
    """Return whether a status means that the job ended without a video."""
    return _normalized(status) in FAILED


def is_terminal(status: str) -> bool:
    """Return whether the status of a job with this status never changes again."""
    return is_completed(status) or is_failed(status)


def is_known(status: str) -> bool:
    """Return whether the SDK knows the status; polling continues after an unknown one."""
    return _normalized(status) in RUNNING or is_terminal(status)


def contract_status(status: str) -> str:
    """Return the contract's word for a terminal status; return any other status unchanged."""
    if is_completed(status):
        return "completed"
    if is_failed(status):
        return "failed"
    return status
