"""Read the waiting times that servers give. Pure. Nonsense is no hint: such a header counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_HINT_S: Final = 3600.0
LONGEST_NUMBER: Final = 32


def _number(text: str | None) -> float | None:
    """Return a header's number, None if it is not a finite one.

    Underscores and the like, which float() takes, are nonsense.
    """
    if text is None or not text.isascii() or len(text) > LONGEST_NUMBER:
        return None
    # Only these blanks stand around a value (RFC 9110, 5.5); str.strip() takes more than float() does.
    digits = text.strip(" \t")
    return float(digits) if digits.replace(".", "", 1).isdecimal() else None


def poll_after(headers: Mapping[str, str]) -> float | None:
    """Return the pause that `openai-poll-after-ms` asks for, in seconds; None if there is no usable one."""
    value = _number(headers.get("openai-poll-after-ms"))
    if value is None or not 0 < value <= LONGEST_HINT_S * 1000:
        return None
    return value / 1000


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Return the pause that `retry-after-ms` or `Retry-After` asks for, in seconds from `now` (Unix seconds).

    A date in the past asks for no pause (0.0). None if there is no usable hint.
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
        # Dates are in GMT, also in the form that does not say so (RFC 9110, 5.6.7): not in this machine's zone.
        at = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, at - now)
