"""Hold the table of operations: the capability that each needs, what it returns, and whether it starts a job. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from .catalogue import CORE

if TYPE_CHECKING:
    from collections.abc import Mapping

VIDEO: Final = "#/components/schemas/Video"
VIDEO_LIST: Final = "#/components/schemas/VideoList"
DELETED: Final = "#/components/schemas/VideoDeleteResponse"
CHARACTER: Final = "#/components/schemas/Character"
ERROR: Final = "#/components/schemas/ErrorResponse"
MODEL_LIST: Final = "#/components/schemas/ModelList"

ENDED: Final = ("completed", "failed")
"""The statuses of a job that has ended. The suite waits for a job with any other, known or not."""

RUNNING: Final = ("queued", "in_progress", "processing")
"""The statuses that the contract knows of a job that has not ended."""


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """What the suite knows of an operation beyond the contract.

    `requirement` is the id of the requirement that a 200 fits `schema`; `schema` is None for a file.
    """

    requirement: str
    schema: str | None
    capability: str = CORE
    starts_job: bool = False


OPERATIONS: Final[Mapping[str, OperationFacts]] = {
    "create_video": OperationFacts("VID-CREATE-001", VIDEO, starts_job=True),
    "retrieve_video": OperationFacts("VID-RETRIEVE-001", VIDEO),
    "list_videos": OperationFacts("VID-LIST-001", VIDEO_LIST, "list"),
    "list_models": OperationFacts("VID-MODELS-001", MODEL_LIST, "discovery"),
    "delete_video": OperationFacts("VID-DELETE-001", DELETED, "delete"),
    "download_video_content": OperationFacts("VID-CONTENT-001", None),
    "remix_video": OperationFacts("VID-REMIX-001", VIDEO, "remix", starts_job=True),
    "edit_video": OperationFacts("VID-EDIT-001", VIDEO, "edits", starts_job=True),
    "extend_video": OperationFacts("VID-EXTEND-001", VIDEO, "extensions", starts_job=True),
    "create_character": OperationFacts("VID-CHAR-001", CHARACTER, "characters"),
    "retrieve_character": OperationFacts("VID-CHAR-002", CHARACTER, "characters"),
}
"""All known operations by their ids. An operation that is added to the contract later is not here."""

CREATING: Final = frozenset(name for name, each in OPERATIONS.items() if each.starts_job)
"""The operations that start a job, which costs money."""

RETURNING_VIDEO: Final = frozenset(name for name, each in OPERATIONS.items() if each.schema == VIDEO)
"""The operations whose 200 holds one Video."""


_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


def may_start_job(method: str, operation: str | None) -> bool:
    """Return whether a request may start a job: a create, and what a server may take for one by mistake."""
    return method.upper() not in _SAFE and operation != "create_character"


def capability_of(operation: str) -> str:
    """Return the capability that an operation needs."""
    return OPERATIONS[operation].capability if operation in OPERATIONS else CORE


def video_path(video_id: str) -> str:
    """Return the path of a video below the base URL."""
    return f"/videos/{quote(video_id, safe='')}"
