"""Say what each status word means. The only place where status words are told apart.

The contract knows five words (openapi.yaml, VideoStatus); servers send more (DESIGN: poll).
"""

from __future__ import annotations

from typing import Final

COMPLETED: Final = frozenset({"completed", "succeeded", "success", "done"})
FAILED: Final = frozenset({"failed", "error", "cancelled", "canceled", "expired", "aborted", "deleted"})
RUNNING: Final = frozenset({"queued", "in_progress", "processing"})


def _word(status: str) -> str:
    return status.strip().lower()


def is_completed(status: str) -> bool:
    """Tell whether a status means that the video exists."""
    return _word(status) in COMPLETED


def is_failed(status: str) -> bool:
    """Tell whether a status means that the job ended without a video."""
    return _word(status) in FAILED


def is_terminal(status: str) -> bool:
    """Tell whether a job in this status never changes again."""
    return is_completed(status) or is_failed(status)


def is_known(status: str) -> bool:
    """Tell whether the status is a word that the SDK understands; a poll goes on at any other."""
    return _word(status) in RUNNING or is_terminal(status)


def in_contract(status: str) -> str:
    """Return the contract's word for a terminal status; any other status as it is."""
    if is_completed(status):
        return "completed"
    if is_failed(status):
        return "failed"
    return status
