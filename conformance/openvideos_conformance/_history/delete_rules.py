"""Judge all deletions of a run, and the responses about deleted jobs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.exchange import json_array, json_object
from .._core.flaws import told
from .._core.operations import DELETED
from .rule import rule
from .traffic import video_id_of

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .rule import Tally
    from .traffic import Traffic

_OF_A_JOB: Final = ("retrieve_video", "download_video_content", "remix_video", "delete_video")
_UNRELATED: Final = frozenset({400, 401, 405, 408, 413, 414, 415, 422, 429, 431})
"""Statuses by which a server may refuse a request before it looks up the job."""


@rule("VID-DELETE-001", "a confirmed deletion is a 200 that fits its schema", needs="a confirmed deletion")
def confirmations_fit(traffic: Traffic, tally: Tally) -> None:
    """Judge the response of each successful deletion."""
    for exchange in traffic.of("delete_video"):
        if not exchange.is_ok:
            continue
        tally.judged()
        flaws = traffic.flaws(exchange.object, DELETED) if exchange.object else ["the body is not a JSON object"]
        if exchange.status != 200:  # noqa: PLR2004 - HTTP's own
            tally.found(f"{exchange.summary}, not 200", exchange, once=exchange.status)
        elif flaws:
            message = f"{exchange.summary} does not fit VideoDeleteResponse: {told(flaws)}"
            tally.found(message, exchange, once=tuple(flaws[:3]))


@rule(
    "VID-DELETE-002",
    "a confirmation names the id",
    needs="a confirmed deletion",
    probes=("deletion",),
    jobs=("doomed",),
)
def confirmations_name_the_id(traffic: Traffic, tally: Tally) -> None:
    """Compare the id of each confirmation with the one in the path."""
    for video_id, deletions in traffic.deletions.items():
        for exchange in deletions:
            confirmed_id = exchange.object.get("id")
            if isinstance(confirmed_id, str):
                tally.judged()
                if confirmed_id != video_id:
                    tally.found(f"{video_id!r} was deleted, and the response confirms {confirmed_id!r}", exchange)


@rule("VID-DELETE-003", "a deleted job is unknown", needs="a request for a job after its deletion was confirmed")
def deleted_jobs_are_unknown(traffic: Traffic, tally: Tally) -> None:
    """Judge the responses about a job after its deletion was confirmed."""
    for exchange in traffic.of(*_OF_A_JOB):
        video_id = video_id_of(exchange)
        deletion = traffic.deleted_before(video_id, exchange)
        if deletion is None or exchange.failure or exchange.status is None or not exchange.has_key:
            continue
        if exchange.status in _UNRELATED or exchange.status >= 500 or _is_repeated(traffic, exchange):  # noqa: PLR2004 - HTTP's own
            continue
        tally.judged()
        if exchange.status != 404:  # noqa: PLR2004 - HTTP's own
            message = f"the job {video_id} was deleted, and then {exchange.summary}, not 404"
            tally.found(message, deletion, exchange, once=(video_id, exchange.operation))


def _is_repeated(traffic: Traffic, exchange: Exchange) -> bool:
    """Tell whether a remix may return the job of an earlier remix with the same Idempotency-Key."""
    has_key = exchange.request_header("idempotency-key") is not None
    return has_key and not any(start.exchange is exchange for start in traffic.new)


@rule(
    "VID-DELETE-004",
    "a deleted job is in no list",
    needs="a list after a deletion was confirmed",
    probes=("lists_after_deletion",),
    jobs=("doomed",),
)
def deleted_jobs_are_not_listed(traffic: Traffic, tally: Tally) -> None:
    """Find deleted jobs in lists that were requested later."""
    first = min((each.ended for deletions in traffic.deletions.values() for each in deletions), default=None)
    if first is None:
        return
    for page in traffic.pages:
        if first >= page.began:
            continue
        tally.judged()
        for item in json_array(page.object["data"]):
            video_id = json_object(item).get("id")
            deletion = traffic.deleted_before(video_id, page) if isinstance(video_id, str) else None
            if deletion is not None:
                message = f"the job {video_id} was deleted, and is in a list that was requested later"
                tally.found(message, deletion, page, once=video_id)
