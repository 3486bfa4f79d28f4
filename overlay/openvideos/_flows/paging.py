"""Decide how to walk a list page by page. Only `Walk.cursor` decides how the next page is found. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import httpx
from attrs import define, evolve, field, frozen

from .. import _operations as operations
from .._calls import Call, Extras, Settings
from .._errors import PaginationError
from .._json import is_array, is_object
from .._parsing import decoded, invalid, read_video

T = TypeVar("T")


@frozen
class Walk:
    """The request of a page, from which the request of the next page is made."""

    settings: Settings
    options: operations.ListOptions
    extras: Extras
    visited: frozenset[str] = frozenset()
    """The cursors of all earlier pages."""

    def cursor(self, page: ConversationPage[Any]) -> str | None:
        """Return the cursor of the next page: `last_id`, else the last item's id; None if this is the last page.

        Raises:
            PaginationError: The page has more items after it but no cursor, or a cursor that the walk has used already,
                so that the walk would stop early, or never.
        """
        if not page.has_more:
            return None
        cursor = page.last_id or (getattr(page.data[-1], "id", None) if page.data else None)
        if not cursor:
            raise PaginationError(
                "The server says that there are more items, but sends no cursor for the next page (last_id is missing)."
            )
        if cursor in self.visited:
            raise PaginationError(
                f"The server sends the cursor {cursor!r} a second time, so the list would never end. "
                "It may ignore `after`."
            )
        return str(cursor)

    def after(self, page: ConversationPage[Any]) -> Walk:
        """Return the walk that requests the next page.

        Raises:
            PaginationError: There is no next page, or no usable cursor for it.
        """
        cursor = self.cursor(page)
        if cursor is None:
            raise PaginationError("This is the last page; check has_next_page() first.")
        return evolve(self, options=evolve(self.options, after=cursor), visited=self.visited | {cursor})


@define
class ConversationPage(Generic[T]):
    """One page of a list, and the request of the next page."""

    data: list[T]
    """The items of this page."""
    has_more: bool
    """Whether the server has a next page."""
    first_id: str | None
    """The id of the first item, if the server sends it."""
    last_id: str | None
    """The id of the last item, which is the cursor of the next page, if the server sends it."""
    additional_properties: dict[str, Any] = field(repr=False)
    """The page's other keys."""
    _walk: Walk = field(repr=False, eq=False, alias="walk")

    @property
    def object(self) -> str:
        """The type of this object, always `list`."""
        return "list"

    def __getitem__(self, key: str) -> Any:
        """Return the value of a key that is not in the contract."""
        return self.additional_properties[key]

    def has_next_page(self) -> bool:
        """Return whether there is a next page.

        Raises:
            PaginationError: The server says that there is one, but sends no usable cursor for it.
        """
        return self._walk.cursor(self) is not None


P = TypeVar("P", bound=ConversationPage[Any])


def page_call(make: Callable[..., P], walk: Walk) -> Call[P]:
    """Build the call that fetches one page; `make` makes a page of its fields, such as a partial of its class."""
    return operations.list_(
        walk.settings,
        walk.extras,
        options=walk.options,
        parse=lambda response: read_page(make, response, walk),
    )


def read_page(make: Callable[..., P], response: httpx.Response, walk: Walk) -> P:
    """Parse a response as a page. The paging keys may be missing; unknown keys are kept.

    Raises:
        APIResponseValidationError: The body is not a page; the message names the key that is wrong.
        PaginationError: The page's cursor is missing, or was used already.
    """
    body = decoded(response)
    if not is_object(body):
        raise invalid(response, f"a page is expected, and the body is of the type {type(body).__name__}")
    rest = dict(body)
    rest.pop("object", None)
    items = rest.pop("data", None)
    if not is_array(items):
        raise invalid(response, "the page's key 'data' is missing or not a list")
    has_more = rest.pop("has_more", None)
    if not (has_more is None or isinstance(has_more, bool)):
        raise invalid(response, "the page's key 'has_more' is not a boolean")
    ids: dict[str, str | None] = {}
    for key in ("first_id", "last_id"):
        ids[key] = rest.pop(key, None)
        if not (ids[key] is None or isinstance(ids[key], str)):
            raise invalid(response, f"the page's key '{key}' is neither text nor null")
    page = make(
        data=[read_video(item, response) for item in items],
        has_more=bool(has_more),
        first_id=ids["first_id"],
        last_id=ids["last_id"],
        additional_properties=rest,
        walk=walk,
    )
    # A page that repeats a cursor is refused here, before its items are returned a second time.
    page.has_next_page()
    return page


class SeenItems(Generic[T]):
    """The items that a walk has seen. If a list changes during a walk, an item can be on two pages."""

    def __init__(self) -> None:
        """Start without items."""
        self._seen: set[Any] = set()

    def new_items(self, page: ConversationPage[T]) -> Iterator[T]:
        """Yield the items of a page that were not on an earlier page."""
        for item in page.data:
            key = getattr(item, "id", id(item))
            if key not in self._seen:
                self._seen.add(key)
                yield item
