"""Do what a person decides about rows that have ended without a video: try them again, or tell which job is theirs."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from .. import BatchError
from . import ledger as states
from .ledger import Ledger
from .server import is_of_the_prompt
from .sights import is_like

if TYPE_CHECKING:
    from .. import OpenVideos


def retry(ledger: Ledger, names: Collection[str], code: str | None = None) -> list[str]:
    """Let rows that have failed begin anew, under new keys; return their names.

    These are the rows that are named, or those of a code, or all but those whose prompts were refused.

    Raises:
        BatchError: A row that is named has not failed.
    """
    for name in names:
        state = ledger.row(name)["state"]
        if state != states.FAILED:
            hint = "; see `openvideos batch resolve`" if state == states.AMBIGUOUS else ""
            raise BatchError(f"the row {name!r} is {state}, and only one that has failed is tried again{hint}.")
    failed = [row for row in ledger.rows(states=(states.FAILED,)) if not names or row["name"] in names]
    is_for_all = not names and code is None
    chosen = [
        row["name"]
        for row in failed
        if code in {None, row["code"]} and not (is_for_all and is_of_the_prompt(row["code"] or ""))
    ]
    for name in chosen:
        ledger.renew(name, of=(states.FAILED,))
    return chosen


def adopt(ledger: Ledger, name: str, video_id: str, client: OpenVideos) -> None:
    """Take a job for that of a row whose create is in doubt.

    Raises:
        BatchError: The row is not ambiguous, or another row has the job.
        NotFoundError: The server has no such job.
    """
    row = _ambiguous(ledger, name)
    if str(client.base_url) != ledger.batch.base_url:
        raise BatchError(f"the batch belongs to {ledger.batch.base_url}; give it as the base URL.")
    video = client.videos.retrieve(video_id)
    if video.prompt and not is_like(row["sent"]["prompt"], video.prompt):
        raise BatchError(f"the job {video_id} has another prompt than the row {name!r}; nothing was changed.")
    if not ledger.place(name, video_id):
        raise BatchError(f"the job {video_id} is that of another row; nothing was changed.")


def send(ledger: Ledger, name: str) -> None:
    """Let a row whose create is in doubt be sent once more, under a new key; it may be billed twice.

    Raises:
        BatchError: The row is not ambiguous.
    """
    _ambiguous(ledger, name)
    ledger.renew(name, of=(states.AMBIGUOUS,))


def _ambiguous(ledger: Ledger, name: str) -> dict[str, Any]:
    row = ledger.row(name)
    if row["state"] != states.AMBIGUOUS:
        raise BatchError(f"the row {name!r} is {row['state']}; only one that is ambiguous needs a decision.")
    return row
