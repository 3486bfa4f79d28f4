"""Call each operation with four clients: the overlay and the raw client, each blocking and async.

How an operation is called is found out, not written down: the overlay's method names it in its docstring, and takes as
arguments what the contract has under the same names; what it has no argument for goes by `extra_headers`,
`extra_query` and `extra_body`.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import inspect
import io
import re
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self, cast

import httpx
import pytest
from attrs import define, evolve, field, frozen

from openvideos import AsyncOpenVideos, OpenVideos
from openvideos._async_videos import AsyncVideos
from openvideos._videos import Videos
from openvideos_raw import AuthenticatedClient, models
from openvideos_raw.types import File, Response

from .contract import Operation
from .mock_server import BASE_URL, KEY

Server = Callable[[httpx.Request], httpx.Response]

_KEY: Final = re.compile(r"(\w+)\[(\w+)\]")
_NAMES_OPERATION: Final = re.compile(r"\(openapi\.yaml, (\w+)\)")


@frozen
class Upload:
    """A file, and the way in which a caller gives it: content, name and type, or less."""

    content: bytes
    file_name: str | None
    media_type: str | None
    how: str

    def argument(self, directory: Path) -> Any:
        """Return it as a caller passes it."""
        match self.how:
            case "bytes":
                return self.content
            case "path":
                # A call may have several files of one name.
                path = directory / hashlib.sha256(self.content).hexdigest() / "upload.bin"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(self.content)
                return path
            case "open":
                return io.BytesIO(self.content)
            case "named":
                return self.file_name, self.content
            case _:
                return self.file_name, io.BytesIO(self.content), self.media_type

    @property
    def given_name(self) -> str | None:
        """The file name, if the caller gives one."""
        return {"path": "upload.bin", "named": self.file_name, "typed": self.file_name}.get(self.how)

    @property
    def given_type(self) -> str | None:
        """The media type, if the caller gives one."""
        return self.media_type if self.how == "typed" else None


@frozen
class Given:
    """What an operation is called with: the contract's parameters by place, the body's fields, and what is beside."""

    path: dict[str, Any] = field(factory=dict[str, Any])
    query: dict[str, Any] = field(factory=dict[str, Any])
    header: dict[str, Any] = field(factory=dict[str, Any])
    media_type: str | None = None
    body: dict[str, Any] = field(factory=dict[str, Any])
    more_headers: dict[str, str] = field(factory=dict[str, str])
    more_query: dict[str, Any] = field(factory=dict[str, Any])
    more_body: dict[str, Any] = field(factory=dict[str, Any])


def method_of(operation: Operation) -> str:
    """Return the name of the overlay's method for an operation."""
    for name, function in inspect.getmembers(Videos, inspect.isfunction):
        found = _NAMES_OPERATION.search(function.__doc__ or "")
        if found and found[1] == operation.id and not name.startswith("_"):
            assert _NAMES_OPERATION.search(getattr(AsyncVideos, name).__doc__ or "")
            return name
    raise AssertionError(f"no method of client.videos says in its docstring that it is (openapi.yaml, {operation.id})")


def annotation_of(operation: Operation, name: str) -> str:
    """Return how the overlay's method annotates an argument, nothing if it has none of that name."""
    parameter = inspect.signature(getattr(Videos, method_of(operation))).parameters.get(name)
    return "" if parameter is None else str(parameter.annotation)


def in_overlay(given: Given) -> Given:
    """Return the same in the overlay's words: an object for a form's fields that are its keys, as `video[id]`.

    The overlay sends an object in a JSON body, which carries no bytes.
    """
    body: dict[str, Any] = {}
    for name, value in given.body.items():
        key = _KEY.fullmatch(name)
        if key is None or isinstance(value, Upload):
            body[name] = value
        else:
            body[key[1]] = {key[2]: value}
    if body == given.body:
        return given
    texts = {name: value for name, value in given.more_body.items() if not isinstance(value, bytes)}
    return evolve(given, media_type="application/json", body=body, more_body=texts)


def overlay_arguments(operation: Operation, given: Given, directory: Path) -> dict[str, Any]:
    """Return the arguments of the overlay's method."""
    given = in_overlay(given)
    known = inspect.signature(getattr(Videos, method_of(operation))).parameters
    arguments = dict(given.path)
    extras: dict[str, dict[str, Any]] = {
        "extra_headers": {**given.header, **given.more_headers},
        "extra_query": dict(given.more_query),
        "extra_body": dict(given.more_body),
    }
    for place, values in (("extra_query", given.query), ("extra_body", given.body)):
        for name, value in values.items():
            passed = value.argument(directory) if isinstance(value, Upload) else value
            key = _KEY.fullmatch(name)
            if key and isinstance(value, Upload):  # one of several files, such as `references[first_frame]`
                others: list[Any] | dict[str, Any] = arguments.setdefault(key[1], [])
                if isinstance(others, list):  # else the contract forbids what is there, and the SDK refuses it
                    others.append({"role": key[2], "image": passed})
                continue
            (arguments if name in known else extras[place])[name] = passed
    return arguments | {name: values for name, values in extras.items() if values}


def raw_arguments(operation: Operation, given: Given) -> dict[str, Any]:
    """Return the arguments of the raw client's function."""
    known = inspect.signature(raw_module(operation).build_request).parameters
    arguments: dict[str, Any] = {}
    for name, value in {**given.path, **given.query, **given.header}.items():
        word = name.replace("-", "_").lower()
        arguments[word if word in known else f"{word}_"] = value
    if given.media_type is not None:
        arguments["body"] = _raw_body(operation, given)
    return arguments


def _raw_body(operation: Operation, given: Given) -> Any:
    body = operation.bodies[given.media_type or ""]
    kind = getattr(models, body.model)
    uploads = {name: value for name, value in given.body.items() if isinstance(value, Upload)}
    plain = {name: value.content if name in uploads else value for name, value in given.body.items()}
    model = kind.from_dict(plain)
    for name, value in uploads.items():
        setattr(
            model, re.sub(r"\W", "", name), File(io.BytesIO(value.content), value.given_name or None, value.given_type)
        )
    return model


def raw_module(operation: Operation) -> Any:
    """Return the raw client's module of an operation."""
    return importlib.import_module(f"openvideos_raw.api.{operation.tag}.{operation.id}")


class Client(Protocol):
    """One of the four."""

    name: str

    def call(self, operation: Operation, given: Given) -> Any: ...


@define
class Stage:
    """Where clients are run: an event loop, a directory, and a record of what was reached of the contract."""

    reached: set[str] = field(factory=set[str])
    _open: ExitStack = field(factory=ExitStack)
    _runner: asyncio.Runner = field(factory=asyncio.Runner)
    _server: Server | None = None
    _made: dict[tuple[Any, ...], list[Client]] = field(factory=dict[tuple[Any, ...], "list[Client]"])
    directory: Path = field(factory=Path)

    def __enter__(self) -> Self:
        """Begin."""
        self._open.enter_context(self._runner)
        self.directory = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the loop, and remove the directory."""
        self._open.close()

    def awaited(self, value: Awaitable[Any]) -> Any:
        """Return what an awaitable comes to."""

        async def wait() -> Any:
            return await value

        return self._runner.run(wait())

    def overlays(self, server: Server, **options: Any) -> list[Blocking | Awaited]:
        """Return the overlay's two clients, for a server in memory."""
        return cast("list[Blocking | Awaited]", self.clients(server, **options)[:2])

    def clients(self, server: Server, **options: Any) -> list[Client]:
        """Return all four, for a server in memory. They are made once: that takes longer than a call."""
        self._server = server
        key = tuple(sorted(options.items()))
        if key not in self._made:
            overlays: list[Client] = [Blocking(self, self._serve, **options), Awaited(self, self._serve, **options)]
            self._made[key] = [*overlays, RawBlocking(self._serve), RawAwaited(self, self._serve)]
        return self._made[key]

    def _serve(self, request: httpx.Request) -> httpx.Response:
        assert self._server is not None
        try:
            return self._server(request)
        except AssertionError as error:
            pytest.fail(str(error))  # which the SDK does not take for a failed exchange


class Blocking:
    """The overlay, blocking. It waits for nothing between two attempts."""

    name = "overlay"

    def __init__(self, stage: Stage, server: Server, **options: Any) -> None:
        http = httpx.Client(transport=httpx.MockTransport(server))
        options = {"max_retries": 0, "base_url": BASE_URL, "api_key": KEY, **options}
        self._stage = stage
        self.client = OpenVideos(http_client=http, **options)
        self.client._session.driver.sleep = lambda seconds: None

    def call(self, operation: Operation, given: Given, *, within: str = "") -> Any:
        """Call the method of an operation, `within` its raw form if so named."""
        videos: Any = getattr(self.client.videos, within) if within else self.client.videos
        arguments = overlay_arguments(operation, given, self._stage.directory)
        return getattr(videos, method_of(operation))(**arguments)

    def run(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Call any method of `client.videos`."""
        return getattr(self.client.videos, name)(*arguments, **named)

    def collect(self, items: Any) -> list[Any]:
        """Return all items of an iterable."""
        return list(items)


class Awaited:
    """The overlay, async. It waits for nothing between two attempts."""

    name = "async overlay"

    def __init__(self, stage: Stage, server: Server, **options: Any) -> None:
        http = httpx.AsyncClient(transport=httpx.MockTransport(server))
        options = {"max_retries": 0, "base_url": BASE_URL, "api_key": KEY, **options}
        self._stage = stage
        self.client = AsyncOpenVideos(http_client=http, **options)
        self.client._session.driver.sleep = _no_sleep

    def call(self, operation: Operation, given: Given, *, within: str = "") -> Any:
        """Call the method of an operation, `within` its raw form if so named."""
        videos: Any = getattr(self.client.videos, within) if within else self.client.videos
        arguments = overlay_arguments(operation, given, self._stage.directory)

        async def call() -> Any:
            return await getattr(videos, method_of(operation))(**arguments)

        return self._stage.awaited(call())

    def run(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Call any method of `client.videos`."""

        async def call() -> Any:
            return await getattr(self.client.videos, name)(*arguments, **named)

        return self._stage.awaited(call())

    def collect(self, items: Any) -> list[Any]:
        """Return all items of an asynchronous iterable."""

        async def gather() -> list[Any]:
            return [item async for item in items]

        found: list[Any] = self._stage.awaited(gather())
        return found


async def _no_sleep(seconds: float) -> None:
    """Wait for nothing."""


def _raw_client(server: Server) -> AuthenticatedClient:
    return AuthenticatedClient(base_url=BASE_URL, token=KEY, httpx_args={"transport": httpx.MockTransport(server)})


class RawBlocking:
    """The raw client, blocking."""

    name = "raw client"

    def __init__(self, server: Server) -> None:
        self._client = _raw_client(server)

    def call(self, operation: Operation, given: Given) -> Response[Any]:
        """Call the function of an operation."""
        arguments = raw_arguments(operation, given)
        response: Response[Any] = raw_module(operation).sync_detailed(client=self._client, **arguments)
        return response


class RawAwaited:
    """The raw client, async."""

    name = "async raw client"

    def __init__(self, stage: Stage, server: Server) -> None:
        self._stage = stage
        self._client = _raw_client(server)

    def call(self, operation: Operation, given: Given) -> Response[Any]:
        """Call the function of an operation."""
        arguments = raw_arguments(operation, given)
        response: Response[Any] = self._stage.awaited(
            raw_module(operation).asyncio_detailed(client=self._client, **arguments)
        )
        return response
