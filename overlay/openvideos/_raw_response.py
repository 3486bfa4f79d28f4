"""Declare the types of the methods of `with_raw_response` and `with_streaming_response`.

Each is a method of a subclass of `Videos` whose `_call` returns the response, so that the methods are not implemented
twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from ._responses import APIResponse, AsyncResponseContextManager, ResponseContextManager

P = ParamSpec("P")
T = TypeVar("T")


def raw(method: Callable[P, T]) -> Callable[P, APIResponse[T]]:
    """Declare the type of a method whose `_call` returns the response."""
    return cast("Callable[P, APIResponse[T]]", method)


def streamed(method: Callable[P, T]) -> Callable[P, ResponseContextManager[T]]:
    """Declare the type of a method whose `_call` returns a context manager."""
    return cast("Callable[P, ResponseContextManager[T]]", method)


def raw_async(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[APIResponse[T]]]:
    """Declare the type of an async method whose `_call` returns the response."""
    return cast("Callable[P, Awaitable[APIResponse[T]]]", method)


def streamed_async(method: Callable[P, Awaitable[T]]) -> Callable[P, AsyncResponseContextManager[T]]:
    """Convert an async method whose `_call` returns a context manager to one that returns it without `await`."""

    # The methods are coroutine functions that return the result of `_call`, so they are awaited when it is entered.
    @wraps(method)
    def prepare(*args: P.args, **kwargs: P.kwargs) -> AsyncResponseContextManager[T]:
        return AsyncResponseContextManager(lambda: _entered(method(*args, **kwargs)))

    return prepare


async def _entered(prepared: Awaitable[Any]) -> Any:
    return await (await prepared).__aenter__()
