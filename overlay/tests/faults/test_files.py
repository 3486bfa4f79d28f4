"""Whatever a file is, the server gets exactly its bytes, or the caller gets an InvalidArgumentError."""

from __future__ import annotations

import contextlib
import tempfile
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openvideos import InvalidArgumentError

from . import file_kinds as kinds
from .clients import KEY, Client, check_promises
from .flavours import BACKENDS, OVER_OTHERS, is_blocking
from .server import FaultServer, Received, answers_json

QUEUED: Final = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "queued"}

contents = st.builds(lambda content, times: content * times, st.binary(max_size=200), st.sampled_from([1, 1, 1_000]))
errors = st.sampled_from(
    [
        OSError(5, "Input/output error"),
        OSError(),
        ValueError("no"),
        KeyError("x"),
        StopIteration(),
        TimeoutError(),
        ConnectionResetError(),
        EOFError(),
        httpx.ReadError("of another server"),
        httpx.ConnectError("of another server"),
        ExceptionGroup("several", [OSError()]),
    ]
)
shapes = st.sampled_from(
    [
        lambda file: file,
        lambda file: (None, file),
        lambda file: ("cat.png", file),
        lambda file: ("cat.png", file, "image/x-odd"),
        lambda file: ("cat.png", file, None, {"X-Part": "1"}),
    ]
)
places = st.sampled_from(
    [
        ("create", "input_reference", lambda file: {"input_reference": file}),
        ("create", "references[style]", lambda file: {"references": [{"role": "style", "image": file}]}),
        ("create", "image", lambda file: {"extra_body": {"image": [file]}}),
        ("edit", "video", lambda file: {"video": file}),
    ]
)
flavours = st.sampled_from([*BACKENDS, *OVER_OTHERS])


def parts(request: Received) -> list[tuple[str, bytes]]:
    """Return the names and contents of a form's parts."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message: Any = BytesParser(policy=HTTP).parsebytes(head + request.body)
    return [
        (str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True))
        for part in message.iter_parts()
    ]


def sent(flavour: str, kind: kinds.Kind, shape: Any, place: Any, **of: Any) -> list[Received] | InvalidArgumentError:
    """Return what the server got of a file, in the one attempt that there may be, or the exception of the call."""
    method, _, arguments = place

    async def call() -> None:
        # Even where POSTs are sent again, an error of the file's is raised at once.
        async with Client(flavour, server.base_url, idempotent_posts=True) as client:
            await client.call(method, prompt="x", **arguments(shape(file)))

    with (
        tempfile.TemporaryDirectory() as folder,
        FaultServer(answers_json(QUEUED)) as server,
        contextlib.ExitStack() as closing,
    ):
        file = kind(kinds.Given(folder=Path(folder), closing=closing, **of))
        try:
            anyio.run(call, backend=(BACKENDS | OVER_OTHERS)[flavour])
        except InvalidArgumentError as error:
            check_promises(error, KEY)
            assert [] == server.requests
            assert server.connections <= 1
            return error
    return server.requests


FEWER: Final = settings(
    max_examples=settings().max_examples // 4, suppress_health_check=[HealthCheck.too_slow], deadline=None
)


@pytest.mark.parametrize("name", kinds.WHOLE | kinds.STREAMS)
@FEWER
@given(content=contents, position=st.integers(0, 300), shape=shapes, place=places, flavour=flavours)
def test_a_file_arrives_whole(name: str, content: bytes, position: int, shape: Any, place: Any, flavour: str) -> None:
    kind = (kinds.WHOLE | kinds.STREAMS)[name]
    result = sent(flavour, kind, shape, place, content=content, position=position, error=OSError())
    assert isinstance(result, list)
    [request] = result
    assert [("prompt", b"x"), (place[1], content)] == parts(request)


@pytest.mark.parametrize("name", kinds.ASYNC)
@pytest.mark.parametrize("flavour", BACKENDS)
def test_an_async_file_is_awaited_or_refused(name: str, flavour: str) -> None:
    place = ("create", "input_reference", lambda file: {"input_reference": file})
    content = bytes(range(256)) * 300
    result = sent(flavour, kinds.ASYNC[name], lambda file: file, place, content=content, position=9, error=OSError())
    if is_blocking(flavour):
        assert isinstance(result, InvalidArgumentError)
        assert "AsyncOpenVideos" in str(result)
    else:
        assert isinstance(result, list)
        assert [[("prompt", b"x"), ("input_reference", content)]] == [parts(request) for request in result]


@pytest.mark.parametrize("name", kinds.REFUSED)
@FEWER
@given(content=contents, shape=shapes, flavour=flavours, error=errors)
def test_nothing_but_our_error_escapes(name: str, content: bytes, shape: Any, flavour: str, error: Exception) -> None:
    place = ("create", "input_reference", lambda file: {"input_reference": file})
    result = sent(flavour, kinds.REFUSED[name], shape, place, content=content, position=0, error=error)
    assert isinstance(result, InvalidArgumentError)
    assert "input_reference" in str(result)
