"""The pages of a list, blocking and async. `_flows/paging.py` parses a page and finds the next page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define, field

from ._flows.paging import ConversationPage, SeenItems, page_call
from ._flows.retrying import calling

if TYPE_CHECKING:
    from ._session import AsyncSession, SyncSession

T = TypeVar("T")


@define
class SyncConversationCursorPage(ConversationPage[T]):
    """One page of a list; iterating it yields the items of this page and of all pages after it."""

    _session: SyncSession = field(repr=False, eq=False, alias="session")

    def get_next_page(self) -> SyncConversationCursorPage[T]:
        """Fetch the next page.

        Raises:
            PaginationError: There is no next page, or no usable cursor for it.
        """
        call = page_call(partial(type(self), session=self._session), self._walk.after(self))
        return self._session.driver.run(calling(call, self._session.retries))

    def iter_pages(self) -> Iterator[SyncConversationCursorPage[T]]:
        """Yield this page and all pages after it, each fetched when it is needed."""
        page = self
        while True:
            yield page
            if not page.has_next_page():
                return
            page = page.get_next_page()

    def __iter__(self) -> Iterator[T]:
        """Yield the items of this page and of all pages after it, each once."""
        seen = SeenItems[T]()
        for page in self.iter_pages():
            yield from seen.new_items(page)


@define
class AsyncConversationCursorPage(ConversationPage[T]):
    """One page of a list; iterating it asynchronously yields the items of this page and of all pages after it."""

    _session: AsyncSession = field(repr=False, eq=False, alias="session")

    async def get_next_page(self) -> AsyncConversationCursorPage[T]:
        """Fetch the next page.

        Raises:
            PaginationError: There is no next page, or no usable cursor for it.
        """
        call = page_call(partial(type(self), session=self._session), self._walk.after(self))
        return await self._session.driver.run(calling(call, self._session.retries))

    async def iter_pages(self) -> AsyncIterator[AsyncConversationCursorPage[T]]:
        """Yield this page and all pages after it, each fetched when it is needed."""
        page = self
        while True:
            yield page
            if not page.has_next_page():
                return
            page = await page.get_next_page()

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield the items of this page and of all pages after it, each once."""
        seen = SeenItems[T]()
        async for page in self.iter_pages():
            for item in seen.new_items(page):
                yield item


class AsyncPaginator(Generic[T]):
    """A list that is not fetched yet: await it to get its first page, or iterate it to get all items."""

    def __init__(self, fetch: Callable[[], Awaitable[AsyncConversationCursorPage[T]]]) -> None:
        """Store the function that fetches the first page; nothing is sent yet."""
        self._fetch = fetch

    def __await__(self) -> Generator[Any, Any, AsyncConversationCursorPage[T]]:
        """Fetch the first page."""
        return self._fetch().__await__()

    async def iter_pages(self) -> AsyncIterator[AsyncConversationCursorPage[T]]:
        """Yield all pages, each fetched when it is needed."""
        async for page in (await self).iter_pages():
            yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        """Yield the items of all pages, each once."""
        async for item in await self:
            yield item
