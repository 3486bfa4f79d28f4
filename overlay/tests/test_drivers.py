"""A driver carries out what a flow asks for, and raises inside the flow what goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import httpx
import pytest

from openvideos import APITimeoutError, InvalidArgumentError
from openvideos._calls import Call
from openvideos._drivers import attempt
from openvideos._drivers.async_ import AsyncDriver
from openvideos._drivers.sync import SyncDriver
from openvideos._drivers.transport import AsyncTransport, SyncTransport
from openvideos._flows.effects import Close, Do, Flow, Notify, Send, Sleep
from openvideos._parsing.responses import video

CALL = Call(operation="retrieve_video", method="GET", url="http://server.test/v1/videos/v", headers={}, parse=video)


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces."""

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"a", b"b", b"c")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def response(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=Pieces())


def blocking() -> SyncDriver:
    return SyncDriver(SyncTransport(httpx.Client(transport=httpx.MockTransport(response))), sleep=lambda seconds: None)


def awaiting() -> AsyncDriver:
    return AsyncDriver(AsyncTransport(httpx.AsyncClient(transport=httpx.MockTransport(response))))


def opening_and_closing() -> Flow[httpx.Response]:
    response: httpx.Response = yield Send(CALL, stream=True)
    assert not response.is_closed
    yield Close(response)
    return response


def test_a_response_that_is_not_wanted_is_closed() -> None:
    assert blocking().run(opening_and_closing()).is_closed


@pytest.mark.anyio
async def test_a_response_that_is_not_wanted_is_closed_async() -> None:
    assert (await awaiting().run(opening_and_closing())).is_closed


def test_a_body_that_takes_longer_than_there_is_time_is_cut_off() -> None:
    def sending() -> Flow[Any]:
        return (yield Send(CALL, within=0.0))

    assert isinstance(blocking().run(sending()), APITimeoutError)


def test_what_an_effect_raises_is_raised_in_the_flow() -> None:
    seen: list[BaseException] = []

    def failing() -> Flow[str]:
        yield Sleep(5)
        try:
            yield Do(lambda: vars(video)["nothing"])
        except KeyError as error:
            seen.append(error)
        return "on it goes"

    assert "on it goes" == blocking().run(failing())
    assert ["nothing"] == [error.args[0] for error in seen]


def test_what_can_be_awaited_is_refused_by_the_blocking_driver() -> None:
    class Later:
        def __await__(self) -> Generator[None]:
            yield

    def telling() -> Flow[None]:
        yield Notify(Later)

    with pytest.raises(InvalidArgumentError, match="AsyncOpenVideos"):
        blocking().run(telling())


def test_the_trace_of_a_callers_hook_stays() -> None:
    def own(*_: object) -> None: ...

    def callers(*_: object) -> None: ...

    request = httpx.Request("POST", "http://server.test", extensions={"trace": callers})
    attempt._note(request, own, "http11.send_request_headers.started", {"request": request})
    assert request.extensions[attempt.SENT]
    assert callers is request.extensions["trace"]
