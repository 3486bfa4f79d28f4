"""Decide how to walk a list page by page. Only `_next` decides how the next page is found. Pure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Generic, NoReturn, Self, TypeVar, cast

import httpx
from attrs import define, evolve, field, frozen

from openvideos_raw.types import JsonObject

from .. import _operations as operations
from .._calls import Call, Extras
from .._errors import ConfigurationError, PaginationError
from .._json import is_object
from .._parsing.responses import decoded, identified, invalid, items_of, read_video
from .._settings import Settings

T = TypeVar("T")

_NO_SEQUENCE: Final = (
    "A page is no sequence, since iterating it goes on to the items of all pages. Its own items are page.data: use "
    "page.data[0] and len(page.data)."
)


class Trail:
    """The cursors of a walk, in their order. All of its walks share it, so that a page costs the same everywhere."""

    def __init__(self, cursors: Iterable[str] = ()) -> None:
        """Start with these cursors."""
        self._cursors = list(cursors)
        self._place = {cursor: place for place, cursor in enumerate(self._cursors)}
        self._lock = threading.Lock()

    def has(self, cursor: str, length: int) -> bool:
        """Return whether a cursor is among the first `length`."""
        return self._place.get(cursor, length) < length

    def extended(self, cursor: str, length: int) -> Trail:
        """Return the trail of a walk that goes on from the first `length` cursors with this one.

        It is a copy only if another walk went another way from there, so that neither disturbs the other.
        """
        with self._lock:
            if length == len(self._cursors):
                self._cursors.append(cursor)
                self._place[cursor] = length
            if self._cursors[length] == cursor:
                return self
            return Trail([*self._cursors[:length], cursor])


@frozen
class Walk:
    """The request of a page, from which the request of the next page is made."""

    options: operations.ListOptions
    extras: Extras
    trail: Trail = field(factory=Trail, eq=False, repr=False)
    length: int = 0
    """How many cursors of the trail are those of earlier pages."""
    previous: frozenset[object] = frozenset()
    """The ids of the items on the page before, which a server that ignores `after` sends again."""

    def visited(self, cursor: str) -> bool:
        """Return whether a cursor was used for this page or an earlier one."""
        return self.trail.has(cursor, self.length)

    def after(self, page: ConversationPage[Any]) -> Walk:
        """Return the walk that requests the next page.

        Raises:
            PaginationError: There is no next page.
        """
        cursor = page.next_after
        if cursor is None:
            raise PaginationError("This is the last page; check has_next_page() first.")
        return evolve(
            self,
            options=evolve(self.options, after=cursor),
            trail=self.trail.extended(cursor, self.length),
            length=self.length + 1,
            previous=frozenset(getattr(item, "id", None) for item in page.data),
        )


class Shared(Generic[T]):
    """A page's hold on its client. Copies of the page share it; pickles and `attrs.asdict` have no secret of it."""

    __slots__ = ("value",)

    def __init__(self, value: T | None = None) -> None:
        """Hold a value; None is what a pickle has in its place."""
        self.value = value

    def __deepcopy__(self, memo: object) -> Self:
        """Share the value, which has connections and locks."""
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """Leave the value behind."""
        return type(self), ()


@define
class ConversationPage(JsonObject, Generic[T]):
    """One page of a list, and the request of the next page."""

    data: list[T]
    """The items of this page."""
    has_more: bool
    """Whether there is a next page; if the server does not say, whether there may be one, since this one is full."""
    first_id: str | None
    """The id of the first item, if the server sends it."""
    last_id: str | None
    """The id of the last item, if the server sends it."""
    next_after: str | None
    """The `after` of the next page: `last_id`, else the last item's id; None if this is the last page."""
    additional_properties: dict[str, Any] = field(repr=False)
    """The page's other keys."""
    _walk: Shared[Walk] = field(repr=False, eq=False, alias="walk")
    _request_id: str | None = field(default=None, init=False, repr=False, eq=False)

    @property
    def object(self) -> str:
        """The type of this object, `list`."""
        return str(self.additional_properties.get("object", "list"))

    def _keys(self) -> dict[str, Any]:
        return {
            "object": "list",
            "data": self.data,
            "has_more": self.has_more,
            "first_id": self.first_id,
            "last_id": self.last_id,
            **self.additional_properties,
        }

    def __getitem__(self, key: str) -> Any:
        """Return the value of a key of the page's JSON.

        Raises:
            KeyError: The server sent no such key.
            TypeError: The key is a number; see `__len__`.
        """
        if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance] - a page looks like a sequence
            raise TypeError(_NO_SEQUENCE)
        return self._keys()[key]

    def __contains__(self, key: Any) -> bool:
        """Return whether a text is a key of the page's JSON."""
        if not isinstance(key, str):
            raise TypeError(_NO_SEQUENCE)
        return key in self._keys()

    def __len__(self) -> NoReturn:
        """Refuse to count: a page's iterator goes on to all pages, so its length would not be that of `list(page)`.

        Raises:
            TypeError: Always.
        """
        raise TypeError(_NO_SEQUENCE)

    def __bool__(self) -> bool:
        """Be true, with items or without."""
        return True

    def has_next_page(self) -> bool:
        """Return whether there is a next page."""
        return self.next_after is not None

    def _next_walk(self) -> Walk:
        walk = self._walk.value
        if walk is None:
            way = "It is the last page." if self.next_after is None else f"List again with after={self.next_after!r}."
            raise ConfigurationError(f"This page was pickled, and a pickle leaves the client behind. {way}")
        return walk.after(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the page as JSON: `object`, `data`, `has_more`, `first_id`, `last_id` and others."""
        return {**self._keys(), "data": [item.to_dict() for item in cast("list[Any]", self.data)]}

    def _to_full_dict(self) -> dict[str, Any]:
        return {**self._keys(), "data": [item.model_dump() for item in cast("list[Any]", self.data)]}


P = TypeVar("P", bound=ConversationPage[Any])


def page_call(make: Callable[..., P], settings: Settings, walk: Walk) -> Call[P]:
    """Build the call that fetches one page; `make` makes a page of its fields, such as a partial of its class."""
    return operations.list_(
        settings,
        walk.extras,
        options=walk.options,
        parse=lambda response: read_page(make, response, walk),
    )


def read_page(make: Callable[..., P], response: httpx.Response, walk: Walk) -> P:
    """Parse a response as a page. Only `data`, and the id and status of each item, must be right.

    Raises:
        APIResponseValidationError: The body is not a page, or an item is not a video; the message names which.
        PaginationError: The page's cursor is missing, or was used already.
    """
    body = decoded(response)
    if not is_object(body):
        raise invalid(response, f"a page is expected, and the body is of the type {type(body).__name__}")
    items = items_of(body, response)
    videos = [read_video(item, response, "the page's data", place) for place, item in enumerate(items)]
    rest = {key: value for key, value in body.items() if key != "data"}
    if rest.get("object") == "list":
        del rest["object"]
    has_more = _taken(rest, "has_more", bool)
    first_id, last_id = _taken(rest, "first_id", str), _taken(rest, "last_id", str)
    next_after = _next(walk, [video.id for video in videos], has_more=has_more, last_id=last_id)
    page = make(
        data=videos if has_more is not None else [video for video in videos if video.id not in walk.previous],
        has_more=next_after is not None,
        first_id=first_id,
        last_id=last_id,
        next_after=next_after,
        additional_properties=rest,
        walk=Shared(walk),
    )
    return identified(page, response, videos)


def _taken(rest: dict[str, Any], key: str, kind: type[T]) -> T | None:
    """Remove a key that has a value of this type or null, and return it; leave one of another type, and return None."""
    value = rest.get(key)
    if value is None or isinstance(value, kind):
        rest.pop(key, None)
        return value
    return None


def _next(walk: Walk, ids: list[str], *, has_more: bool | None, last_id: str | None) -> str | None:
    """Return the cursor of the next page: `last_id`, else the last item's id; None if this is the last page.

    Some servers honour `after` and send no `has_more`, so their full page may have a next one: a page of `limit` items,
    or of any if the caller set no limit, since servers have defaults of their own. Others have one page and send it
    again whatever `after` is, which ends the walk unless `limit` may have cut it.

    Raises:
        PaginationError: There are more items but no cursor, or one that the walk has used already, so that the walk
            would stop early, or never.
    """
    limit = walk.options.limit
    if not (len(ids) >= max(limit or 1, 1) if has_more is None else has_more):
        return None
    cursor = last_id or (ids[-1] if ids else None)
    if not cursor:
        raise PaginationError(
            "The server says that there are more items, but sends no cursor for the next page (last_id is missing)."
        )
    if walk.visited(cursor) and (has_more or len(ids) == limit):
        raise PaginationError(
            f"The server sends the cursor {cursor!r} a second time, so the list would never end. It may ignore `after`."
        )
    return None if walk.visited(cursor) else cursor


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
