"""Name the requirement that forbids an illegal request which a server accepted. Pure.

One that a requirement of its own forbids is not also a violation of the general one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .._core.exchange import Exchange
    from .._core.request_validation import Legality

GENERAL: Final = "VID-VALID-014"
"""The requirement that a server refuses what the schemas forbid, and accepts what they allow."""

_OF_OPERATION: Final = {
    ("remix_video", "prompt"): "VID-REMIX-008",
    ("edit_video", "prompt"): "VID-EDIT-004",
    ("edit_video", "video"): "VID-EDIT-004",
    ("extend_video", "prompt"): "VID-EXTEND-004",
    ("extend_video", "video"): "VID-EXTEND-004",
    ("extend_video", "seconds"): "VID-EXTEND-004",
    ("create_character", "name"): "VID-CHAR-004",
    ("create_character", "video"): "VID-CHAR-004",
    ("list_videos", "after"): "VID-LIST-009",
    ("list_videos", "limit"): "VID-LIST-012",
    ("list_videos", "order"): "VID-LIST-013",
    ("download_video_content", "variant"): "VID-CONTENT-007",
}
"""The requirements that forbid any illegal value of a field or a parameter."""

_OF_TEXT: Final = {"size": "VID-VALID-004", "seconds": "VID-VALID-005"}
"""The requirements that forbid a text of another form in a create."""

_WRONG_TYPE: Final = "VID-VALID-006"
_OF_CREATE: Final = frozenset({"prompt", "model", "size", "seconds"})
_BODIES: Final = {"the body is not JSON": "VID-VALID-008", "the body is missing": "VID-VALID-012"}
_MEDIA_TYPE: Final = "VID-VALID-010"

_NO_PROMPT, _EMPTY_PROMPT, _REFERENCE = "VID-VALID-001", "VID-VALID-002", "VID-VALID-007"

FORBIDDING: Final = (
    *(_NO_PROMPT, _EMPTY_PROMPT, *_OF_TEXT.values(), _WRONG_TYPE, _REFERENCE, *_BODIES.values(), _MEDIA_TYPE, GENERAL),
    *dict.fromkeys(_OF_OPERATION.values()),
)
"""All requirements that forbid requests."""


def forbidding(exchange: Exchange, legality: Legality) -> str:
    """Return the requirement that forbids a request, by its first flaw; the general one if none has the flaw."""
    flaw = legality.flaws[0]
    found = re.match(r"(?:\$\.)?(\w+)", flaw)
    field = found[1] if found is not None else ""
    if flaw.startswith("the body is ") and flaw not in _BODIES:
        return _MEDIA_TYPE
    if exchange.operation == "create_video":
        return _BODIES.get(flaw) or _of_create(field, legality)
    return _OF_OPERATION.get((exchange.operation or "", field), GENERAL)


def _of_create(field: str, legality: Legality) -> str:
    if field not in _OF_CREATE:
        return _REFERENCE if field == "input_reference" else GENERAL
    if field not in legality.fields:
        return _NO_PROMPT
    value = legality.fields[field]
    if field in _OF_TEXT and isinstance(value, int) and not isinstance(value, bool):
        return _OF_TEXT[field]  # a server may take a whole number for its text, and then the number is the flaw
    if not isinstance(value, str):
        return _WRONG_TYPE
    return _EMPTY_PROMPT if field == "prompt" else _OF_TEXT.get(field, GENERAL)
