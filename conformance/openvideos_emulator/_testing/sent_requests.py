"""Show a test what its application sent: the requests that an emulator has recorded, and what it answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, overload
from urllib.parse import parse_qsl

from .records import FIELDS, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOST_SHOWN: Final = 20
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file in a form: its name, its media type, and how many bytes it has."""

    filename: str
    media_type: str | None
    length: int


@dataclass(frozen=True, slots=True)
class SentResponse:
    """What was answered. `body` is the text of a body, at most 64 KiB; None if it is no text, as a file."""

    status: int
    headers: Mapping[str, str]
    body: str | None
    length: int

    @property
    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            ValueError: The body is not JSON, or was longer than what is kept.
        """
        return json.loads(self.body or "")


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request that was sent to the emulator. The key, and what a URL is signed with, are `***`.

    `fields` are those of a JSON body, with their types, or of a form, as texts; where they take more than 64 KiB, a
    long text is its first 100 characters and an ellipsis. `files` are those of a form, by the names of their fields.
    `query` has the last value of each parameter, `headers` have lower-case names. `video_id` is the job that the
    request started, also if its response was lost, or that it is about; `error` says what was wrong, in the words of
    the response; `fault` is what was planned for it. `response` is None as long as there is none. `curl` sends it
    again.
    """

    number: int
    at: float
    operation: str | None
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    fields: Mapping[str, Any]
    files: Mapping[str, SentFile]
    body: str | None
    video_id: str | None
    error: str | None
    fault: str | None
    response: SentResponse | None
    curl: str

    def __str__(self) -> str:
        """Return a line: what was sent, and what was answered."""
        kind = f"{self.operation}: " if self.operation is not None else ""
        answered = "no response" if self.response is None else str(self.response.status)
        sent = {**self.fields, **{name: f"({file.length} bytes)" for name, file in self.files.items()}}
        texts = " ".join(f"{name}={value!r}" for name, value in sent.items())
        line = f"{kind}{self.method} {self.path} {answered}{f' {texts}' if texts else ''}"
        line = line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
        return f"{line} - {self.error}" if self.error else line


class SentRequests(Sequence[SentRequest]):
    """Requests, the oldest first. Those to the control endpoints are not among them.

    Example:
        >>> openvideos_server.requests.assert_sent("create_video", prompt="A boat")
        >>> openvideos_server.requests.of("retrieve_video").last.response.status
        200

    """

    def __init__(self, requests: Iterable[SentRequest]) -> None:
        """Hold these requests."""
        self._requests = tuple(requests)

    def __len__(self) -> int:
        return len(self._requests)

    @overload
    def __getitem__(self, index: int) -> SentRequest: ...
    @overload
    def __getitem__(self, index: slice) -> SentRequests: ...
    def __getitem__(self, index: int | slice) -> SentRequest | SentRequests:
        found = self._requests[index]
        return SentRequests(found) if isinstance(found, tuple) else found

    def __repr__(self) -> str:
        return f"<{len(self)} requests>"

    @property
    def last(self) -> SentRequest:
        """Return the request that was sent last.

        Raises:
            AssertionError: There is none.
        """
        if not self._requests:
            raise AssertionError("no request was sent")
        return self._requests[-1]

    def of(self, operation: Operation) -> SentRequests:
        """Return the requests of an operation, such as `create_video`.

        Raises:
            ValueError: The Videos API has no such operation.
        """
        if operation not in get_args(Operation):
            raise ValueError(
                f"{operation!r} is not an operation of the Videos API; use one of {', '.join(get_args(Operation))}"
            )
        return SentRequests(each for each in self._requests if each.operation == operation)

    @overload
    def assert_sent(  # pyright: ignore[reportOverlappingOverload] - of none, none is the last
        self, operation: Operation, *, count: Literal[0], **fields: Any
    ) -> None: ...
    @overload
    def assert_sent(self, operation: Operation, *, count: int | None = None, **fields: Any) -> SentRequest: ...
    def assert_sent(self, operation: Operation, *, count: int | None = None, **fields: Any) -> SentRequest | None:
        """Fail unless requests of this operation with these fields were sent; return the last of them.

        Args:
            operation: The operation, such as `create_video`.
            count: How many there have to be, 0 for none at all; None for at least one.
            fields: Fields that the request must have with these values; in a form, every value is a text. One that
                the operation does not have, and no request had, is refused: it would always be "not sent".

        Raises:
            AssertionError: There are none, or not so many. The message shows what was sent.
            ValueError: The Videos API has no such operation, or the operation no such field.

        """
        __tracebackhide__ = True  # pytest shows the line of the test
        of = self.of(operation)
        known = sorted(FIELDS.get(operation, ()))
        for name in fields:
            if name.partition("[")[0] not in known and not any(name in each.fields for each in of):
                has = ", ".join(known) or "none"
                raise ValueError(f"{name!r} is not a field of {operation}, and no request had it; it has {has}")
        found = [each for each in of if _has(each, fields)]
        if count == len(found) or (found and count is None):
            return found[-1] if found else None
        wanted = " ".join([operation, *(f"{name}={value!r}" for name, value in fields.items())])
        wish = "at least once" if count is None else f"{count} time(s)"
        shown = [f"  {each}" for each in self._requests[-_MOST_SHOWN:]] or ["  (nothing)"]
        more = [f"  ({len(self) - _MOST_SHOWN} earlier ones)"] if len(self) > _MOST_SHOWN else []
        raise AssertionError(
            "\n".join([f"{wanted} was sent {len(found)} time(s), not {wish}; sent were:", *more, *shown])
        )


def sent_request(content: Mapping[str, Any]) -> SentRequest:
    """Build a request from what the control endpoint tells."""
    status = content["status"]
    response = None
    if status is not None:
        headers = dict(content["response_headers"])
        response = SentResponse(status, headers, content["response_body"], content["response_length"])
    files = {each["name"]: SentFile(each["filename"], each["media_type"], each["length"]) for each in content["files"]}
    same = ("number", "at", "operation", "method", "path", "fields", "body", "video_id", "error", "fault", "curl")
    return SentRequest(
        query=dict(parse_qsl(content["query"], keep_blank_values=True)),
        headers=dict(content["headers"]),
        files=files,
        response=response,
        **{name: content[name] for name in same},
    )


def _has(request: SentRequest, fields: Mapping[str, Any]) -> bool:
    return all(name in request.fields and request.fields[name] == value for name, value in fields.items())
