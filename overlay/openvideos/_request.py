"""`client.request`: a request of an endpoint that the contract does not have, by the rules of those that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, overload
from urllib.parse import unquote

import httpx

from openvideos_raw.models.character import Character
from openvideos_raw.models.model_list import ModelList
from openvideos_raw.models.video import Video

from ._calls import Call, Extras, make_call
from ._errors import InvalidArgumentError, repr_of
from ._flows.retrying import calling
from ._json import is_object
from ._parsing import responses as parsing
from ._responses.file_content import HttpxBinaryResponseContent
from ._session import AsyncSession, SyncSession
from ._settings import Settings, Timeout, checked_mapping
from ._types import NOT_GIVEN, NotGiven

T = TypeVar("T")

METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def _json(response: httpx.Response) -> Any:
    """Decode a body as JSON; None if there is no body, as after a 204."""
    return parsing.decoded(response) if response.content else None


def _object(response: httpx.Response) -> dict[str, Any]:
    data = parsing.decoded(response)
    if not is_object(data):
        raise parsing.invalid(response, f"an object is expected, and the body is of the type {type(data).__name__}")
    return data


READERS: Final[dict[Any, Callable[[httpx.Response], Any]]] = {
    Any: _json,
    dict: _object,
    bytes: lambda response: response.content,
    httpx.Response: lambda response: response,
    HttpxBinaryResponseContent: HttpxBinaryResponseContent,
    Video: parsing.video,
    Character: parsing.character,
    ModelList: parsing.model_list,
}
"""How a response is read as each of the types that may be asked for."""


def _call(
    settings: Settings,
    method: object,
    path: object,
    *,
    json: object,
    files: Mapping[str, object] | None,
    query: Mapping[str, object] | None,
    cast_to: Any,
    extra_headers: Mapping[str, str] | None,
    timeout: Timeout | NotGiven,
) -> Call[Any]:
    """Build the call. The fields and files of a form are those of an `extra_body`.

    Raises:
        InvalidArgumentError: An argument cannot be sent.
    """
    word = method.upper() if isinstance(method, str) else None
    if word not in METHODS:
        raise InvalidArgumentError(f"method is {repr_of(method)}; it is one of {', '.join(METHODS)}.")
    read = READERS.get(cast_to) if isinstance(cast_to, type) or cast_to is Any else None
    if read is None:
        known = ", ".join(kind.__name__ for kind in READERS)
        raise InvalidArgumentError(f"cast_to is {repr_of(cast_to)}; a response is read as one of {known}.")
    if json is not None and files is not None:
        raise InvalidArgumentError("json and files exclude each other; pass the fields of a form in files, too.")
    arguments: dict[str, Any] = {
        "method": word,
        "url": _checked_path(path),
        "json": json,
        "files": None if files is None else [],
    }
    # Extras would check them, too, and call them extra_body and extra_query.
    for name, value in (("files", files), ("query", query)):
        checked_mapping(name, value or {}, InvalidArgumentError)
    return make_call(settings, "request", arguments, read, Extras(extra_headers, query, files, timeout))


def _checked_path(path: object) -> str:
    """Return a path with a slash before it, to be put behind the base URL.

    Raises:
        InvalidArgumentError: The path is empty, names a server or its own query, or would leave the base URL.
    """
    if not isinstance(path, str) or not path.strip("/ "):
        raise InvalidArgumentError(f"path is {repr_of(path)}; pass one such as '/videos/sync'.")
    if "://" in path or path.startswith(("//", "\\")):
        raise InvalidArgumentError(
            f"path is {repr_of(path)}, which names a server; pass the path behind the base URL, such as "
            "'/videos/sync'. For another server, use another client, since the API key belongs to this one."
        )
    if "?" in path or "#" in path:
        raise InvalidArgumentError(
            f"path is {repr_of(path)}, which has a query or a fragment; pass parameters as query=."
        )
    if {".", ".."} & {*unquote(path).replace("\\", "/").split("/")}:
        raise InvalidArgumentError(f"path is {repr_of(path)}, whose '.' or '..' names another path; write that path.")
    return "/" + path.removeprefix("/")


class SyncRequests:
    """The method `request` of the blocking client."""

    _session: SyncSession

    @overload
    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        files: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        cast_to: type[T],
        extra_headers: Mapping[str, str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> T: ...
    @overload
    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        files: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Any: ...
    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        files: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        cast_to: Any = Any,
        extra_headers: Mapping[str, str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Any:
        """Send a request to an endpoint that the contract does not have, such as a vendor's "/videos/sync".

        It is sent with the client's key and settings, and fails with the same errors. A GET, HEAD, OPTIONS, PUT or
        DELETE is retried; a POST or PATCH, only if the server provably did not accept it.

        Args:
            method: "GET", "POST" and so on.
            path: The path behind the base URL, such as "/videos/sync"; the key is sent to no other server.
            json: The body, as JSON.
            files: The body, as a form: texts, numbers and files by their names, each or a list of them.
            query: Query parameters; a list is a repeated one.
            cast_to: What the response is read as: Video, Character, ModelList, HttpxBinaryResponseContent, dict, bytes
                or httpx.Response; by default whatever its JSON is, and None if it has no body. At most 64 MiB are read.
            extra_headers: Headers that override those that are sent.
            timeout: The timeout in seconds, which overrides the client's.

        Raises:
            APIStatusError: The response has an error status, for which there are subclasses.
            APIConnectionError: No complete response arrived (APITimeoutError: in time).
            APIResponseValidationError: The response cannot be read as `cast_to`.
            InvalidArgumentError: An argument cannot be sent, or the path leaves the base URL.

        """
        call = _call(
            self._session.settings,
            method,
            path,
            json=json,
            files=files,
            query=query,
            cast_to=cast_to,
            extra_headers=extra_headers,
            timeout=timeout,
        )
        return self._session.driver.run(calling(call, self._session.retries))


class AsyncRequests:
    """The method `request` of the async client."""

    _session: AsyncSession

    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        files: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        cast_to: type[T],
        extra_headers: Mapping[str, str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> T: ...
    @overload
    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        files: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        extra_headers: Mapping[str, str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Any: ...
    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        files: Mapping[str, object] | None = None,
        query: Mapping[str, object] | None = None,
        cast_to: Any = Any,
        extra_headers: Mapping[str, str] | None = None,
        timeout: Timeout | NotGiven = NOT_GIVEN,
    ) -> Any:
        """Send a request to an endpoint that the contract does not have, such as a vendor's "/videos/sync".

        It is sent with the client's key and settings, and fails with the same errors. A GET, HEAD, OPTIONS, PUT or
        DELETE is retried; a POST or PATCH, only if the server provably did not accept it.

        Args:
            method: "GET", "POST" and so on.
            path: The path behind the base URL, such as "/videos/sync"; the key is sent to no other server.
            json: The body, as JSON.
            files: The body, as a form: texts, numbers and files by their names, each or a list of them.
            query: Query parameters; a list is a repeated one.
            cast_to: What the response is read as: Video, Character, ModelList, HttpxBinaryResponseContent, dict, bytes
                or httpx.Response; by default whatever its JSON is, and None if it has no body. At most 64 MiB are read.
            extra_headers: Headers that override those that are sent.
            timeout: The timeout in seconds, which overrides the client's.

        Raises:
            APIStatusError: The response has an error status, for which there are subclasses.
            APIConnectionError: No complete response arrived (APITimeoutError: in time).
            APIResponseValidationError: The response cannot be read as `cast_to`.
            InvalidArgumentError: An argument cannot be sent, or the path leaves the base URL.

        """
        call = _call(
            self._session.settings,
            method,
            path,
            json=json,
            files=files,
            query=query,
            cast_to=cast_to,
            extra_headers=extra_headers,
            timeout=timeout,
        )
        return await self._session.driver.run(calling(call, self._session.retries))
