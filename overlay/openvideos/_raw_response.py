"""`with_raw_response` and `with_streaming_response`: the methods of `client.videos`, returning the answer itself.

Each wraps the resource in a twin whose `_call` returns the answer, so that how a call is made is not written again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar, cast

import httpx

from ._async_videos import AsyncVideos
from ._calls import Call
from ._flows.retrying import sending
from ._responses import APIResponse, AsyncAPIResponse, AsyncResponseContextManager, ResponseContextManager
from ._session import AsyncSession, SyncSession
from ._videos import Videos

P = ParamSpec("P")
T = TypeVar("T")


class _RawVideos(Videos):
    def _call(self, call: Call[T]) -> T:
        with call.closing():
            response = self._session.driver.run(sending(call, self._session.retries))
        return cast("T", APIResponse(response, call.parse))


class _StreamedVideos(Videos):
    def _call(self, call: Call[T]) -> T:
        def send() -> APIResponse[T]:
            with call.closing():
                response = self._session.driver.run(sending(call, self._session.retries, stream=True))
            return APIResponse(response, call.parse)

        return cast("T", ResponseContextManager(send))


class _RawAsyncVideos(AsyncVideos):
    async def _call(self, call: Call[T]) -> T:
        with call.closing():
            response = await self._session.driver.run(sending(call, self._session.retries))
        return cast("T", APIResponse(response, call.parse))


class _StreamedAsyncVideos(AsyncVideos):
    async def _call(self, call: Call[T]) -> T:
        async def send() -> AsyncAPIResponse[T]:
            with call.closing():
                response: httpx.Response = await self._session.driver.run(
                    sending(call, self._session.retries, stream=True)
                )
            return AsyncAPIResponse(response, call.parse)

        return cast("T", AsyncResponseContextManager[T](send))


def _raw(method: Callable[P, T]) -> Callable[P, APIResponse[T]]:
    return cast("Callable[P, APIResponse[T]]", method)


def _streamed(method: Callable[P, T]) -> Callable[P, ResponseContextManager[T]]:
    return cast("Callable[P, ResponseContextManager[T]]", method)


def _raw_async(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[APIResponse[T]]]:
    return cast("Callable[P, Awaitable[APIResponse[T]]]", method)


def _streamed_async(method: Callable[P, Awaitable[T]]) -> Callable[P, AsyncResponseContextManager[T]]:
    # The methods are coroutine functions that return what `_call` returns, so the manager is taken out at once.
    def prepare(*args: P.args, **kwargs: P.kwargs) -> AsyncResponseContextManager[T]:
        return AsyncResponseContextManager(lambda: _entered(method(*args, **kwargs)))

    return prepare


async def _entered(prepared: Awaitable[Any]) -> Any:
    return await (await prepared).__aenter__()


class VideosWithRawResponse:
    """The methods of `client.videos`, each returning an APIResponse."""

    def __init__(self, session: SyncSession) -> None:
        """Belong to a client, by its session."""
        raw = _RawVideos(session)
        self.create = _raw(raw.create)
        self.retrieve = _raw(raw.retrieve)
        self.list = _raw(raw.list)
        self.delete = _raw(raw.delete)
        self.download_content = _raw(raw.download_content)
        self.remix = _raw(raw.remix)
        self.edit = _raw(raw.edit)
        self.extend = _raw(raw.extend)
        self.create_character = _raw(raw.create_character)
        self.get_character = _raw(raw.get_character)


class VideosWithStreamingResponse:
    """The methods of `client.videos`, each returning a context manager that gives an APIResponse, its body unread."""

    def __init__(self, session: SyncSession) -> None:
        """Belong to a client, by its session."""
        streamed = _StreamedVideos(session)
        self.create = _streamed(streamed.create)
        self.retrieve = _streamed(streamed.retrieve)
        self.list = _streamed(streamed.list)
        self.delete = _streamed(streamed.delete)
        self.download_content = _streamed(streamed.download_content)
        self.remix = _streamed(streamed.remix)
        self.edit = _streamed(streamed.edit)
        self.extend = _streamed(streamed.extend)
        self.create_character = _streamed(streamed.create_character)
        self.get_character = _streamed(streamed.get_character)


class AsyncVideosWithRawResponse:
    """The methods of the async `client.videos`, each returning an APIResponse."""

    def __init__(self, session: AsyncSession) -> None:
        """Belong to a client, by its session."""
        raw = _RawAsyncVideos(session)
        self.create = _raw_async(raw.create)
        self.retrieve = _raw_async(raw.retrieve)
        self.list = cast("Callable[..., Awaitable[APIResponse[Any]]]", raw.list)
        self.delete = _raw_async(raw.delete)
        self.download_content = _raw_async(raw.download_content)
        self.remix = _raw_async(raw.remix)
        self.edit = _raw_async(raw.edit)
        self.extend = _raw_async(raw.extend)
        self.create_character = _raw_async(raw.create_character)
        self.get_character = _raw_async(raw.get_character)


class AsyncVideosWithStreamingResponse:
    """The methods of the async `client.videos`, each an async context manager that gives an AsyncAPIResponse."""

    def __init__(self, session: AsyncSession) -> None:
        """Belong to a client, by its session."""
        streamed = _StreamedAsyncVideos(session)
        self.create = _streamed_async(streamed.create)
        self.retrieve = _streamed_async(streamed.retrieve)
        self.list = _streamed_async(streamed.list)
        self.delete = _streamed_async(streamed.delete)
        self.download_content = _streamed_async(streamed.download_content)
        self.remix = _streamed_async(streamed.remix)
        self.edit = _streamed_async(streamed.edit)
        self.extend = _streamed_async(streamed.extend)
        self.create_character = _streamed_async(streamed.create_character)
        self.get_character = _streamed_async(streamed.get_character)
