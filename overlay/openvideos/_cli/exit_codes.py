"""Decide with which code the command ends. docs/cli.md has the same table."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from .. import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    BatchError,
    ConfigurationError,
    ConflictError,
    DownloadError,
    GoneError,
    InternalServerError,
    InvalidArgumentError,
    NotFoundError,
    OpenVideosError,
    PaginationError,
    PermissionDeniedError,
    PollTimeoutError,
    RateLimitError,
    UnprocessableEntityError,
    VideoFailedError,
    WebhookVerificationError,
)


class ExitCode(IntEnum):
    """The exit codes. Scripts depend on them, so that none changes its meaning."""

    DONE = 0
    PROBLEM = 1
    MISUSE = 2
    CONFIGURATION = 3
    NO_ACCESS = 4
    NOT_FOUND = 5
    REFUSED = 6
    UNREACHABLE = 7
    SERVER_FAILED = 8
    JOB_FAILED = 9
    STILL_RUNNING = 10
    NO_FILE = 11
    HUNG_UP = 129
    INTERRUPTED = 130
    READER_GONE = 141
    TERMINATED = 143


MEANINGS: Final = {
    ExitCode.DONE: "It is done.",
    ExitCode.PROBLEM: "Anything else: a mistake of the command itself, or you said no.",
    ExitCode.MISUSE: "An option, an argument or a file that it names is wrong, or an extra is missing.",
    ExitCode.CONFIGURATION: "A setting is missing or wrong: the base URL, the key, a proxy, the certificates.",
    ExitCode.NO_ACCESS: "The key is missing or wrong, or may not do this (401, 403); of a batch also 402, 404, 405.",
    ExitCode.NOT_FOUND: "The server has no such video, or its files have expired (404, 410).",
    ExitCode.REFUSED: "The server refuses the request (400, 402, 409, 422 and the like).",
    ExitCode.UNREACHABLE: "No complete response arrived. A create may have started its job all the same.",
    ExitCode.SERVER_FAILED: "The server failed or is overloaded (5XX, 429), or its response breaks the contract.",
    ExitCode.JOB_FAILED: "A job that was waited for has failed; or a row of a batch has, or is ambiguous.",
    ExitCode.STILL_RUNNING: "A job did not end within `--timeout`; it goes on at the server. Or a batch has rows left.",
    ExitCode.NO_FILE: "A file did not arrive completely, or it or the output cannot be written.",
    ExitCode.HUNG_UP: "SIGHUP, the terminal was closed; otherwise as Ctrl-C.",
    ExitCode.INTERRUPTED: "Ctrl-C. A job that was started goes on at the server.",
    ExitCode.READER_GONE: "What reads the output has gone, as `head` does.",
    ExitCode.TERMINATED: "SIGTERM, otherwise as Ctrl-C.",
}
"""What each exit code says."""

BY_ERROR: Final[dict[type[OpenVideosError], ExitCode]] = {
    OpenVideosError: ExitCode.PROBLEM,
    WebhookVerificationError: ExitCode.PROBLEM,
    InvalidArgumentError: ExitCode.MISUSE,
    BatchError: ExitCode.MISUSE,
    ConfigurationError: ExitCode.CONFIGURATION,
    AuthenticationError: ExitCode.NO_ACCESS,
    PermissionDeniedError: ExitCode.NO_ACCESS,
    NotFoundError: ExitCode.NOT_FOUND,
    GoneError: ExitCode.NOT_FOUND,
    APIStatusError: ExitCode.REFUSED,
    BadRequestError: ExitCode.REFUSED,
    ConflictError: ExitCode.REFUSED,
    UnprocessableEntityError: ExitCode.REFUSED,
    APIConnectionError: ExitCode.UNREACHABLE,
    APITimeoutError: ExitCode.UNREACHABLE,
    APIError: ExitCode.SERVER_FAILED,
    APIResponseValidationError: ExitCode.SERVER_FAILED,
    InternalServerError: ExitCode.SERVER_FAILED,
    PaginationError: ExitCode.SERVER_FAILED,
    RateLimitError: ExitCode.SERVER_FAILED,
    VideoFailedError: ExitCode.JOB_FAILED,
    PollTimeoutError: ExitCode.STILL_RUNNING,
    DownloadError: ExitCode.NO_FILE,
}
"""The exit code of each exception of the SDK."""


def exit_code_of(error: OpenVideosError) -> ExitCode:
    """Return the exit code of an exception, by its nearest class that has one."""
    return next(BY_ERROR[kind] for kind in type(error).__mro__ if kind in BY_ERROR)
