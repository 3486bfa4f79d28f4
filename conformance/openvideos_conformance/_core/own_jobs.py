"""Find the run's own jobs in its recorded exchanges. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .operations import CREATING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .exchange import Exchange


def job_id(created: Exchange) -> str:
    """Return the id in the response to a create; an empty text if there is none."""
    value = created.object.get("id")
    return value if isinstance(value, str) else ""


def created_ids(history: Iterable[Exchange]) -> set[str]:
    """Return the ids of all jobs that this run has created."""
    return set(_left(history, is_gone=lambda _: False))


def undeleted_ids(history: Iterable[Exchange]) -> list[str]:
    """Return the ids of this run's jobs whose deletion was not confirmed, the newest first: remixes before sources."""
    return _left(history, is_gone=lambda deletion: deletion.is_ok)[::-1]


def present_ids(history: Iterable[Exchange]) -> list[str]:
    """Return the ids of the run's own jobs that must still exist, the oldest first.

    Jobs whose deletion was not clearly refused are left out, since it may have happened.
    """
    return _left(history, is_gone=lambda deletion: not _is_refused(deletion))


def deleted_ids(history: Iterable[Exchange]) -> set[str]:
    """Return the ids of the videos whose deletion was confirmed."""
    deletions = (each for each in history if each.operation == "delete_video" and each.is_ok)
    return {each.ids["video_id"] for each in deletions if "video_id" in each.ids}


def _left(history: Iterable[Exchange], *, is_gone: Callable[[Exchange], bool]) -> list[str]:
    ids: dict[str, None] = {}
    for exchange in history:
        if exchange.operation in CREATING and exchange.is_ok and job_id(exchange):
            ids[job_id(exchange)] = None
        elif exchange.operation == "delete_video" and is_gone(exchange):
            ids.pop(exchange.ids.get("video_id", ""), None)
    return list(ids)


def _is_refused(deletion: Exchange) -> bool:
    status = deletion.status
    return not deletion.failure and status is not None and 400 <= status < 500  # noqa: PLR2004 - HTTP's own
