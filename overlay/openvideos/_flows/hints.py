"""Read the waiting times that servers send. A header with an unusable value counts as absent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_POLL_PAUSE_S: Final = 3600.0
"""The longest pause between two polls that a server may ask for; a longer one counts as nonsense, and is ignored."""
LONGEST_RETRY_PAUSE_S: Final = 60.0
"""The longest pause before a call is sent again; if a server asks for a longer one, the call fails instead."""
LONGEST_NUMBER: Final = 32
"""The most characters of a number."""


def _number(text: str | None) -> float | None:
    """Parse a header's value as a finite decimal number; None if it is not one.

    Underscores and other forms that only float() accepts are not numbers here.
    """
    if text is None or not text.isascii() or len(text) > LONGEST_NUMBER:
        return None
    # A value may be surrounded only by these (RFC 9110, 5.5); str.strip() would remove more.
    digits = text.strip(" \t")
    return float(digits) if digits.replace(".", "", 1).isdecimal() else None


def poll_after(headers: Mapping[str, str]) -> float | None:
    """Return the poll interval in `openai-poll-after-ms`, in seconds; None if there is no usable value."""
    value = _number(headers.get("openai-poll-after-ms"))
    if value is None or not 0 < value <= LONGEST_POLL_PAUSE_S * 1000:
        return None
    return value / 1000


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return the pause in `retry-after-ms` or `Retry-After`, in seconds from `now` (Unix seconds).

    A date in the past means no pause (0.0). Return None if there is no usable value.
    """
    value = _number(headers.get("retry-after-ms"))
    if value is not None:
        return value / 1000
    text = headers.get("retry-after")
    value = _number(text)
    if value is not None or text is None:
        return value
    try:
        date = parsedate_to_datetime(text)
        # Dates without a zone are in GMT, not in this machine's zone (RFC 9110, 5.6.7).
        at = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, at - now)
