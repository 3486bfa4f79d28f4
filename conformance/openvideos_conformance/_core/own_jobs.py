"""Find the run's own jobs in its recorded exchanges. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .exchange import CLEANUP, OTHER_CALLER
from .operations import CREATING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from .exchange import Exchange


LOST: Final = frozenset({502, 504, 524})
"""The statuses with which a gateway says that it has lost the response of the server."""


def job_id(created: Exchange) -> str:
    """Return the id in the response to a create; an empty text if there is none."""
    value = created.object.get("id")
    return value if isinstance(value, str) else ""


def lost_creates(history: Iterable[Exchange]) -> list[Exchange]:
    """Return the creates that may have started jobs whose ids are unknown: their responses were lost, or had no id."""
    creates = [each for each in history if each.operation in CREATING]
    return [
        each
        for each in creates
        if each.status is None or each.status in LOST or (200 <= each.status < 300 and not job_id(each))  # noqa: PLR2004
    ]


def created_ids(history: Iterable[Exchange]) -> set[str]:
    """Return the ids of all jobs that this run has created."""
    return set(_left(history, is_gone=lambda _: False))


def undeleted_ids(history: Iterable[Exchange]) -> list[str]:
    """Return the ids of this run's jobs whose deletion was not confirmed, the newest first: remixes before sources."""
    others = other_callers_ids(history := tuple(history))
    return _left(history, is_gone=lambda deletion: is_confirmed(deletion, others))[::-1]


def present_ids(history: Iterable[Exchange]) -> list[str]:
    """Return the ids of the run's own jobs that must still exist, the oldest first.

    Jobs whose deletion was not clearly refused are left out, since it may have happened, whoever asked for it.
    """
    own = [each for each in history if each.layer != OTHER_CALLER or each.operation == "delete_video"]
    return _left(own, is_gone=lambda deletion: not _is_refused(deletion))


def other_callers_ids(history: Iterable[Exchange]) -> set[str]:
    """Return the ids of the jobs that this run has started with the key of another caller."""
    return created_ids(each for each in history if each.layer == OTHER_CALLER)


def deleted_ids(history: Iterable[Exchange]) -> set[str]:
    """Return the ids of the videos whose deletion was confirmed."""
    others = other_callers_ids(history := tuple(history))
    return {each.ids["video_id"] for each in history if is_confirmed(each, others) and "video_id" in each.ids}


def is_confirmed(exchange: Exchange, others: Collection[str] = ()) -> bool:
    """Tell whether an exchange is a deletion that was confirmed to whom the job belongs to.

    A confirmation without the right key may be a mistake that deletes nothing. `others` are the ids of the jobs that
    the run has started with the key of another caller.
    """
    if exchange.operation != "delete_video" or not exchange.is_ok or exchange.object.get("deleted") is False:
        return False
    of_other = exchange.layer == OTHER_CALLER and exchange.ids.get("video_id") in others
    return exchange.has_key or of_other or exchange.layer == CLEANUP


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
