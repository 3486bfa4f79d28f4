"""Define the reasons for which a request is refused, independently of HTTP.

The engine and the validator raise `RefusalError`; `_http/responses.py` maps each `Reason` to an HTTP status.
"""

from __future__ import annotations

import errno
import sqlite3
from enum import Enum
from typing import Final

_NO_SPACE: Final = frozenset(getattr(errno, name) for name in ("ENOSPC", "EFBIG", "EDQUOT") if hasattr(errno, name))


class Reason(Enum):
    """Why a request is refused; each reason has a status in `_http/responses.py`."""

    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    UNPROCESSABLE = "unprocessable"
    INTERNAL = "internal"
    NOT_IMPLEMENTED = "not_implemented"
    NO_SPACE = "no_space"


class RefusalError(Exception):
    """A request is refused: the reason, a message for people, a code for programs, and the field that is wrong."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        code: str,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Store the parts; `headers` are added to the response."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.code = code
        self.param = param
        self.headers = headers or {}


class StartError(Exception):
    """The emulator cannot start, for example because its database is invalid or in use."""


def is_no_space(error: BaseException) -> bool:
    """Return whether an error means that the disk is full, or that a quota or a limit for files is reached."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        return code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_WRITE
    return isinstance(error, OSError) and error.errno in _NO_SPACE


def invalid(message: str, *, param: str | None = None, code: str = "invalid_value") -> RefusalError:
    """Build the refusal of a bad value; `param` is the name of its field."""
    return RefusalError(Reason.INVALID, message, code=code, param=param)


def stale() -> RefusalError:
    """Build the refusal of a request that was under way when the emulator was reset."""
    # A client must not send it again by itself, as it may after a 503 or on a connection that was cut.
    return RefusalError(
        Reason.CONFLICT,
        "The emulator was reset while this request was under way, so the request was not carried out.",
        code="emulator_was_reset",
    )


def shown(value: object, *, limit: int = 60) -> str:
    """Return a value from a request in a form that is safe in a message: printable, with at most `limit` characters."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: limit + 1])
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
