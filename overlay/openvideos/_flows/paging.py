"""Decide how a list is walked page by page. How the next page is found is decided once, in `Walk.cursor`. Pure."""

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
    """How a page is requested, so that the next page is requested alike."""

    settings: Settings
    options: operations.ListOptions
    extras: Extras
    visited: frozenset[str] = frozenset()
    """The cursors that were used to get here."""

    def cursor(self, page: ConversationPage[Any]) -> str | None:
        """Return the cursor of the next page, None when this is the last (openapi.yaml, list_videos).

        It is `last_id`, else the last item's id. Raises PaginationError when more is said to come and there is no
        cursor, or one that the walk has used already: the walk would stop early, or never.
        """
        if not page.has_more:
            return None
        cursor = page.last_id or (getattr(page.data[-1], "id", None) if page.data else None)
        if not cursor:
            raise PaginationError(
                "The server says that there are more items and gives no cursor to them (last_id is missing)."
            )
        if cursor in self.visited:
            raise PaginationError(
                f"The server gives the cursor {cursor!r} a second time, so the list would never end. "
                "It may ignore `after`."
            )
        return str(cursor)

    def after(self, page: ConversationPage[Any]) -> Walk:
        """Return how to request the next page.

        Raises PaginationError when there is none.
        """
        cursor = self.cursor(page)
        if cursor is None:
            raise PaginationError("This is the last page; has_next_page() tells so beforehand.")
        return evolve(self, options=evolve(self.options, after=cursor), visited=self.visited | {cursor})


@define
class ConversationPage(Generic[T]):
    """One page, and the way to the next."""

    data: list[T]
    """The items of this page."""
    has_more: bool
    """Whether the server has a next page."""
    first_id: str | None
    """The id of the first item, if the server gives it."""
    last_id: str | None
    """The id of the last item, the cursor of the next page, if the server gives it."""
    additional_properties: dict[str, Any] = field(repr=False)
    """What else the server sends in a page."""
    _walk: Walk = field(repr=False, eq=False, alias="walk")

    @property
    def object(self) -> str:
        """The type of this object, always `list`."""
        return "list"

    def __getitem__(self, key: str) -> Any:
        """Return the value of a key that the contract does not know."""
        return self.additional_properties[key]

    def has_next_page(self) -> bool:
        """Tell whether there is a next page.

        Raises PaginationError when the server says so and gives no way to it.
        """
        return self._walk.cursor(self) is not None


P = TypeVar("P", bound=ConversationPage[Any])


def page_call(make: Callable[..., P], walk: Walk) -> Call[P]:
    """Return the call that fetches one page; `make` is the class of the page, or a partial of it."""
    return operations.list_(
        walk.settings,
        walk.extras,
        options=walk.options,
        parse=lambda response: read_page(make, response, walk),
    )


def read_page(make: Callable[..., P], response: httpx.Response, walk: Walk) -> P:
    """Return the page that a response holds. The paging keys may be missing; an unknown key is kept.

    Raises APIResponseValidationError, naming the key, when it is not a page; PaginationError when it repeats a page.
    """
    body = decoded(response)
    if not is_object(body):
        raise invalid(response, f"a page is expected, and the body is of the type {type(body).__name__}")
    rest = dict(body)
    rest.pop("object", None)
    items = rest.pop("data", None)
    if not is_array(items):
        raise invalid(response, "the page's key 'data' is missing or no list")
    has_more = rest.pop("has_more", None)
    if not (has_more is None or isinstance(has_more, bool)):
        raise invalid(response, "the page's key 'has_more' is no boolean")
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
    # A page that leads back is seen before its items are handed out a second time.
    page.has_next_page()
    return page


class Once(Generic[T]):
    """Let each item of a walk through once: a list that shifts under a walk repeats items at the pages' edges."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: set[Any] = set()

    def fresh(self, page: ConversationPage[T]) -> Iterator[T]:
        """Yield the items of a page that no page before held."""
        for item in page.data:
            key = getattr(item, "id", id(item))
            if key not in self._seen:
                self._seen.add(key)
                yield item
