"""The pages of a list, blocking and async. `_flows/paging.py` parses a page and finds the next page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from attrs import define, field

from ._flows.paging import ConversationPage, SeenItems, Shared, page_call
from ._flows.retrying import calling

if TYPE_CHECKING:
    from ._session import AsyncSession, SyncSession

T = TypeVar("T")


@define
class SyncConversationCursorPage(ConversationPage[T]):
    """One page of a list; iterating it yields the items of this page and of all pages after it."""

    _session: Shared[SyncSession] = field(repr=False, eq=False, alias="session")

    def get_next_page(self) -> SyncConversationCursorPage[T]:
        """Fetch the next page.

        Raises:
            PaginationError: There is no next page, or no usable cursor for the page after it.
            ConfigurationError: This page was pickled, which leaves its client behind.
        """
        walk = self._next_walk()
        session = cast("SyncSession", self._session.value)
        call = page_call(partial(type(self), session=self._session), session.settings, walk)
        return session.driver.run(calling(call, session.retries))

    def iter_pages(self) -> Iterator[SyncConversationCursorPage[T]]:
        """Yield this page and all pages after it, each fetched when it is needed."""
        page = self
        while True:
            yield page
            if not page.has_next_page():
                return
            page = page.get_next_page()

    def __contains__(self, key: Any) -> bool:
        """Return whether a text is a key of the page's JSON, or something else is an item of this or a later page."""
        return super().__contains__(key) if isinstance(key, str) else any(key == item for item in self)

    def __iter__(self) -> Iterator[T]:
        """Yield the items of this page and of all pages after it, each once."""
        seen = SeenItems[T]()
        for page in self.iter_pages():
            yield from seen.new_items(page)


@define
class AsyncConversationCursorPage(ConversationPage[T]):
    """One page of a list; iterating it asynchronously yields the items of this page and of all pages after it."""

    _session: Shared[AsyncSession] = field(repr=False, eq=False, alias="session")

    async def get_next_page(self) -> AsyncConversationCursorPage[T]:
        """Fetch the next page.

        Raises:
            PaginationError: There is no next page, or no usable cursor for the page after it.
            ConfigurationError: This page was pickled, which leaves its client behind.
        """
        walk = self._next_walk()
        session = cast("AsyncSession", self._session.value)
        call = page_call(partial(type(self), session=self._session), session.settings, walk)
        return await session.driver.run(calling(call, session.retries))

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
