"""Check headers before they are sent, and read the media type that they name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ._errors import InvalidArgumentError

CONTENT_TYPE: Final = "content-type"
FORM: Final = "multipart/form-data"
JSON: Final = "application/json"

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def check_header(name: object, value: object) -> None:
    """Check that a header's name and value can be sent unchanged. No message shows the value, which may be a secret.

    Raises:
        InvalidArgumentError: The name or the value cannot be sent.
    """
    if not isinstance(name, str) or _TOKEN.fullmatch(name) is None:
        raise InvalidArgumentError(f"The header name {name!r} is not a token (RFC 9110, 5.6.2).")
    if not isinstance(value, str) or not value.isascii() or any(c in value for c in "\r\n\0"):
        raise InvalidArgumentError(f"The value of the header {name} must be ASCII text without a line break or NUL.")


def media_type(*sources: Mapping[str, str] | None) -> str | None:
    """Return the media type, in lower case, that Content-Type names in the last of these headers that have it."""
    named = [
        str(value)
        for headers in sources
        for name, value in (headers or {}).items()
        if str(name).lower() == CONTENT_TYPE
    ]
    return named[-1].partition(";")[0].strip().lower() if named else None
