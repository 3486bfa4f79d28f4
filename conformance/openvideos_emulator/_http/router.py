"""Find the operation of the contract for a method and a path, and the job that it is about. Pure.

The raw path is split before it is decoded, so that an id may contain an escaped slash. If several paths of the contract
match, the one with more literal segments wins (OpenAPI 3.1, "Paths Object").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from .._contract import contract
from .._model.refusals import Reason, RefusalError, invalid, shown
from .media_urls import id_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .._contract import Operation

PREFIX: Final = "/v1"
"""The prefix of the contract's paths, as in its `servers`."""

CONTROL_PREFIX: Final = "/_emulator"
"""The prefix of the control endpoints' paths; these are not part of the contract."""

_DOWNLOAD: Final = "download_video_content"
_READING: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Match:
    """The operation of a request, and the values in its path.

    `operation` is None for OPTIONS. `allowed` is the value of the Allow header.
    """

    operation: Operation | None
    values: Mapping[str, str]
    allowed: str


class Router:
    """The paths of an OpenAPI document, under a prefix."""

    def __init__(self, operations: Iterable[Operation], *, prefix: str = PREFIX) -> None:
        """Index the operations by path."""
        self._prefix = prefix
        paths: dict[tuple[str, ...], dict[str, Operation]] = {}
        for operation in operations:
            paths.setdefault(tuple(operation.path.strip("/").split("/")), {})[operation.method] = operation
        self._paths: Final = sorted(paths.items(), key=lambda item: [_is_variable(step) for step in item[0]])

    def match(self, method: str, raw_path: str) -> Match:
        """Find the operation with this method and path.

        Raises:
            RefusalError: The path (404) or the method (405) is unknown.
        """
        if not raw_path.startswith(f"{self._prefix}/"):
            raise _unknown(raw_path)
        steps = raw_path.removeprefix(f"{self._prefix}/").split("/")
        for template, methods in self._paths:
            values = _values(template, steps)
            if values is not None:
                return _choose(methods, values, method, raw_path)
        raise _unknown(raw_path)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request to the Videos API is about: the id of its operation, and the id of the job that its path names."""

    operation: str | None
    job: str | None


def subject_of(method: str, raw_path: str) -> Subject:
    """Return what a request is about, also one that is refused; the URL of a file is another path of its download."""
    file_of = id_in(raw_path)
    if file_of is not None:
        return Subject(_DOWNLOAD if method in _READING else None, file_of)
    try:
        job = _videos().match("OPTIONS", raw_path).values.get("video_id")  # which every path of the contract has
    except RefusalError:
        return Subject(None, None)
    try:
        operation = _videos().match(method, raw_path).operation
    except RefusalError:
        return Subject(None, job)
    return Subject(None if operation is None else operation.id, job)


@lru_cache(maxsize=1)
def _videos() -> Router:
    return Router(contract().operations)


def _choose(methods: Mapping[str, Operation], values: Mapping[str, str], method: str, raw_path: str) -> Match:
    names = {*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])}
    allowed = check_method(method, raw_path, sorted(names))
    return Match(methods.get("GET" if method == "HEAD" else method), values, allowed)


def check_method(method: str, raw_path: str, names: Sequence[str]) -> str:
    """Return the value of the Allow header of a path that has these methods.

    Raises:
        RefusalError: The method is not one of them (405).
    """
    allowed = ", ".join(names)
    if method not in names:
        message = f"{shown(method)} is not a method of {shown(raw_path)}; use one of {allowed}."
        headers = {"allow": allowed}
        raise RefusalError(Reason.METHOD_NOT_ALLOWED, message, code="method_not_allowed", headers=headers)
    return allowed


def _values(template: tuple[str, ...], steps: list[str]) -> dict[str, str] | None:
    if len(template) != len(steps):
        return None
    values: dict[str, str] = {}
    for pattern, step in zip(template, steps, strict=True):
        if _is_variable(pattern) and step:
            values[pattern[1:-1]] = _decoded(step, pattern[1:-1])
        elif pattern != unquote(step):
            return None
    return values


def _decoded(step: str, param: str) -> str:
    try:
        return unquote(step, errors="strict")
    except UnicodeDecodeError as error:
        raise invalid(f"{param} is not UTF-8 with percent-encoding.", param=param) from error


def _is_variable(step: str) -> bool:
    return step.startswith("{")


def _unknown(raw_path: str) -> RefusalError:
    others = f"the Videos API begins at {PREFIX}/videos, and the control endpoints at {CONTROL_PREFIX}/state"
    message = f"There is nothing at {shown(raw_path)}; {others}."
    return RefusalError(Reason.NOT_FOUND, message, code="unknown_path")
