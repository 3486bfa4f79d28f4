"""A walk of a list yields each item once or raises PaginationError, and always ends."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from attrs import frozen
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import (
    APIResponseValidationError,
    AsyncConversationCursorPage,
    AsyncOpenVideos,
    InvalidArgumentError,
    OpenVideos,
    OpenVideosError,
    PaginationError,
    SyncConversationCursorPage,
    Video,
)
from openvideos._flows.paging import ConversationPage, SeenItems, Shared, Walk
from openvideos._operations import ListOptions

from .world import BASE_URL, FLOWS, KEY, video_json

MOST_REQUESTS = 60


@frozen
class Page:
    """A page as a server sends it: ids of items, the paging keys (None: left out), and where `after` leads."""

    items: tuple[str, ...]
    has_more: bool | None = None
    last_id: str | None = None

    @property
    def cursor(self) -> str | None:
        """The cursor that leads on."""
        return self.last_id or (self.items[-1] if self.items else None)

    def response(self) -> httpx.Response:
        """Return the page's response."""
        body: dict[str, Any] = {"object": "list", "data": [video_json("queued", item) for item in self.items]}
        if self.has_more is not None:
            body["has_more"] = self.has_more
        if self.last_id is not None:
            body["last_id"] = self.last_id
        return httpx.Response(200, content=json.dumps(body).encode())


class Server:
    """Serve pages by the cursor that they are requested with, and count."""

    def __init__(self, pages: dict[str | None, Page], default: Page) -> None:
        self.pages, self.default = pages, default
        self.requested: list[str | None] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.requested.append(request.url.params.get("after"))
        assert len(self.requested) <= MOST_REQUESTS, "the walk does not end"
        return self.pages.get(self.requested[-1], self.default).response()

    @property
    def shown(self) -> list[str]:
        """The ids of the items that were shown, in their order, repeated ones too."""
        return [item for after in self.requested for item in self.pages.get(after, self.default).items]

    def client(self) -> OpenVideos:
        """Return a blocking client of this server."""
        http = httpx.Client(transport=httpx.MockTransport(self))
        return OpenVideos(base_url=BASE_URL, api_key=KEY, http_client=http, max_retries=0)

    def async_client(self) -> AsyncOpenVideos:
        """Return an asynchronous client of this server."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return AsyncOpenVideos(base_url=BASE_URL, api_key=KEY, http_client=http, max_retries=0)


def in_row(*pages: Page) -> Server:
    """Return a server whose pages follow one another, whatever the cursor: the last one for ever."""
    left = list(pages)

    class Row(Server):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            self.pages = {**self.pages, request.url.params.get("after"): left.pop(0) if len(left) > 1 else left[0]}
            return super().__call__(request)

    return Row({}, pages[-1])


def walked(server: Server) -> tuple[list[str], OpenVideosError | None]:
    """Walk a list to its end, and return the items' ids and what ended the walk."""
    seen: list[str] = []
    try:
        for video in server.client().videos.list():
            seen.append(video.id)  # noqa: PERF401 - what came before an error counts
    except OpenVideosError as error:
        return seen, error
    return seen, None


def walked_async(server: Server) -> tuple[list[str], OpenVideosError | None]:
    """Do the same with the asynchronous client."""

    async def walk() -> tuple[list[str], OpenVideosError | None]:
        seen: list[str] = []
        try:
            async for video in server.async_client().videos.list():
                seen.append(video.id)  # noqa: PERF401 - what came before an error counts
        except OpenVideosError as error:
            return seen, error
        return seen, None

    return asyncio.run(walk())


ids = st.sampled_from("abcdefgh")
pages = st.builds(
    Page,
    items=st.lists(ids, max_size=4).map(tuple),
    has_more=st.sampled_from([True, True, True, False, None]),
    last_id=st.none() | ids | st.just(""),
)
servers = st.builds(Server, st.dictionaries(st.none() | ids, pages, max_size=9), pages)


class TestAnyServer:
    """Cycles of any length, missing and repeated cursors, empty pages, overlapping items."""

    @FLOWS
    @given(server=servers)
    def test_a_walk_yields_each_item_once_or_raises_and_always_ends(self, server: Server) -> None:
        seen, error = walked(server)
        assert len(set(seen)) == len(seen)
        assert error is None or isinstance(error, PaginationError)
        if error is None:
            last = server.pages.get(server.requested[-1], server.default)
            assert list(dict.fromkeys(server.shown)) == seen
            assert not last.has_more
            assert last.has_more is False or not last.items or last.cursor in server.requested
        else:
            assert set(seen) <= set(server.shown)

    @FLOWS
    @given(server=servers)
    def test_no_cursor_is_used_twice(self, server: Server) -> None:
        walked(server)
        assert len(set(server.requested)) == len(server.requested)

    @FLOWS
    @given(server=servers)
    def test_both_clients_walk_alike(self, server: Server) -> None:
        other = Server(server.pages, server.default)
        seen, error = walked(server)
        seen_too, error_too = walked_async(other)
        assert seen == seen_too
        assert (type(error), str(error)) == (type(error_too), str(error_too))
        assert server.requested == other.requested

    @FLOWS
    @given(count=st.integers(1, 40), start=st.none() | st.integers(0, 40))
    @example(count=1, start=None)
    def test_a_cycle_of_any_length_is_seen(self, count: int, start: int | None) -> None:
        row = [Page((f"i{number}",), has_more=True, last_id=f"c{number}") for number in range(count)]
        back = row[(start or 0) % count]
        server = Server({None: row[0], **{f"c{n}": row[n + 1] if n + 1 < count else back for n in range(count)}}, back)
        seen, error = walked(server)
        assert [f"i{number}" for number in range(count)] == seen
        assert isinstance(error, PaginationError)

    @FLOWS
    @given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=20))
    def test_a_right_server_is_walked_to_its_end(self, sizes: list[int]) -> None:
        row, number = list[Page](), 0
        for index, size in enumerate(sizes):
            items = tuple(f"i{number + offset}" for offset in range(size))
            number += size
            row.append(Page(items, has_more=index + 1 < len(sizes), last_id=f"c{index}"))
        seen, error = walked(in_row(*row))
        assert ([f"i{index}" for index in range(number)], None) == (seen, error)


class TestTheCursor:
    """The cursor is last_id, else the last item's id."""

    def test_last_id(self) -> None:
        server = in_row(Page(("a", "b"), has_more=True, last_id="x"), Page(("c",), has_more=False))
        assert (["a", "b", "c"], None) == walked(server)
        assert [None, "x"] == server.requested

    @pytest.mark.parametrize("last_id", [None, ""])
    def test_else_the_last_item(self, last_id: str | None) -> None:
        server = in_row(Page(("a", "b"), has_more=True, last_id=last_id), Page(("c",), has_more=False))
        assert (["a", "b", "c"], None) == walked(server)
        assert [None, "b"] == server.requested

    def test_an_empty_page_whose_cursor_advances_goes_on(self) -> None:
        server = in_row(
            Page(("a",), has_more=True, last_id="a"), Page((), has_more=True, last_id="b"), Page(("c",), has_more=False)
        )
        assert (["a", "c"], None) == walked(server)

    def test_more_without_a_way_to_it_raises(self) -> None:
        """`has_more` with no `last_id`, or an empty page, must not stop a walk silently."""
        server = in_row(Page(("a",), has_more=True), Page((), has_more=True))
        seen, error = walked(server)
        assert ["a"] == seen
        assert (
            "The server says that there are more items, but sends no cursor for the next page (last_id is missing)."
            == str(error)
        )

    def test_a_server_that_ignores_after_is_named(self) -> None:
        server = in_row(Page(("a", "b"), has_more=True, last_id="b"))
        seen, error = walked(server)
        assert ["a", "b"] == seen
        assert (
            "The server sends the cursor 'b' a second time, so the list would never end. It may ignore `after`."
        ) == str(error)
        assert 2 == len(server.requested)

    def test_no_more_is_the_end_whatever_the_cursor(self) -> None:
        server = in_row(Page(("a",), has_more=False, last_id="a"))
        assert (["a"], None) == walked(server)
        assert [None] == server.requested


class Cutting(Server):
    """A server that never sends `has_more`: it cuts a list by `limit` and `after`, each of which it may ignore."""

    def __init__(self, count: int, *, default: int, limits: bool = True, pages: bool = True) -> None:
        super().__init__({}, Page(()))
        self.ids = [f"i{number}" for number in range(count)]
        self.default_limit, self.limits, self.pages_on = default, limits, pages

    def __call__(self, request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("after")
        start = self.ids.index(after) + 1 if self.pages_on and after else 0
        limit = int(request.url.params.get("limit", self.default_limit)) if self.limits else len(self.ids)
        self.default = Page(tuple(self.ids[start : start + limit]))
        return super().__call__(request)


@pytest.mark.parametrize("flavour", ["blocking", "async"])
class TestNoHasMore:
    """A full page without `has_more` goes on from its last id; an empty or a short one ends."""

    @staticmethod
    def pages(flavour: str, server: Server, **options: Any) -> tuple[list[list[str]], OpenVideosError | None]:
        """Return the ids of all pages, and what ended the walk."""
        found: list[list[str]] = []

        async def walk() -> None:
            async for page in server.async_client().videos.list(**options).iter_pages():
                found.append([video.id for video in page.data])  # noqa: PERF401 - what came before an error counts

        try:
            if flavour == "async":
                asyncio.run(walk())
            else:
                for page in server.client().videos.list(**options).iter_pages():
                    found.append([video.id for video in page.data])  # noqa: PERF401 - as above
        except OpenVideosError as error:
            return found, error
        return found, None

    @FLOWS
    @given(count=st.integers(0, 51), limit=st.none() | st.integers(1, 60), default=st.integers(1, 30))
    @example(count=51, limit=2, default=20)
    def test_no_list_is_cut(self, flavour: str, count: int, limit: int | None, default: int) -> None:
        server = Cutting(count, default=default)
        found, error = self.pages(flavour, server, **({} if limit is None else {"limit": limit}))
        assert (server.ids, None) == ([item for page in found for item in page], error)
        assert not any(len(page) < (limit or 1) for page in found[:-1])

    @FLOWS
    @given(count=st.integers(0, 51), limit=st.none() | st.integers(1, 60))
    @example(count=5, limit=None)
    def test_one_page_whatever_after_is_comes_once(self, flavour: str, count: int, limit: int | None) -> None:
        """Some servers have no paging, and send the whole list each time."""
        server = Cutting(count, default=20, limits=False, pages=False)
        found, error = self.pages(flavour, server, **({} if limit is None else {"limit": limit}))
        assert server.ids == [item for page in found for item in page]
        assert isinstance(error, PaginationError) == (count == limit)
        assert len(server.requested) <= 2

    def test_what_is_new_on_a_page_that_comes_again_is_yielded(self, flavour: str) -> None:
        server = in_row(Page(("a", "b")), Page(("a", "new", "b")))
        assert ([["a", "b"], ["new"]], None) == self.pages(flavour, server)

    def test_a_list_that_is_cut_and_cannot_go_on_says_so(self, flavour: str) -> None:
        found, error = self.pages(flavour, Cutting(51, default=20, pages=False), limit=2)
        assert [["i0", "i1"]] == found
        assert "The server sends the cursor 'i1' a second time" in str(error)

    @pytest.mark.parametrize("has_more", [None, "no", "false", 0, 1, [], {}])
    def test_a_has_more_of_another_type_says_nothing(self, flavour: str, has_more: Any) -> None:
        body = {"data": [video_json("queued", "a")], "has_more": has_more}
        assert ([["a"], []], None) == self.pages(flavour, Answering(httpx.Response(200, json=body)))
        page = Answering(httpx.Response(200, json=body)).client().videos.list()
        assert (True, "a") == (page.has_more, page.next_after)
        assert page.to_dict()["has_more"] == (True if has_more is None else has_more)


class TestLongWalks:
    """A page costs the same everywhere, and two walks from one page do not disturb each other."""

    @staticmethod
    def first() -> Walk:
        return Walk(options=ListOptions(), extras=cast("Any", None))

    def step(self, walk: Walk, cursor: str) -> Walk:
        assert not walk.visited(cursor)
        return walk.after(cast("Any", SimpleNamespace(next_after=cursor, data=[])))

    def test_all_pages_share_one_trail(self) -> None:
        walk = first = self.first()
        for number in range(20_000):
            walk = self.step(walk, f"c{number}")
            assert first.trail is walk.trail
        assert (20_000, "c19999") == (walk.length, walk.options.after)

    @FLOWS
    @given(steps=st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcdef")), max_size=30))
    def test_a_walk_has_visited_its_own_cursors_and_no_others(self, steps: list[tuple[int, str]]) -> None:
        """Walks go on from any earlier page, in any order, along the same way or another."""
        walks: list[tuple[Walk, tuple[str, ...]]] = [(self.first(), ())]
        for place, cursor in steps:
            walk, own = walks[place % len(walks)]
            if cursor not in own:
                walks.append((self.step(walk, cursor), (*own, cursor)))
            for other, cursors in walks:
                assert set(cursors) == {letter for letter in "abcdef" if other.visited(letter)}

    def test_a_page_can_be_walked_twice(self) -> None:
        row = {None: Page(("a",), has_more=True), "a": Page(("b",), has_more=True), "b": Page(("c",), has_more=False)}
        first = Server(dict(row), Page(())).client().videos.list()
        one, two = first.iter_pages(), first.iter_pages()
        assert [["a"]] * 2 + [["b"]] * 2 + [["c"]] * 2 == [
            [video.id for video in next(walk).data] for _ in range(3) for walk in (one, two)
        ]


class TestPages:
    """`.data`, `.has_more`, `.first_id`, `.last_id`, iteration over all pages, `.iter_pages()`, `.get_next_page()`."""

    def test_each_is_requested_alike(self) -> None:
        server = in_row(Page(("a",), has_more=True, last_id="x"), Page(("b",), has_more=True), Page(()))
        first = server.client().videos.list(limit=7, order="asc", extra_query={"q": "1"}, extra_headers={"X-H": "2"})
        assert ["a", "b"] == [video.id for video in first]
        common = {"limit": "7", "order": "asc", "q": "1"}
        assert [common, {**common, "after": "x"}, {**common, "after": "b"}] == [
            dict(request.url.params) for request in server.requests
        ]
        assert ["2"] * 3 == [request.headers["x-h"] for request in server.requests]

    def test_one_by_one(self) -> None:
        server = in_row(Page(("a",), has_more=True, last_id="x"), Page(("b", "a"), has_more=False, last_id="a"))
        first = server.client().videos.list()
        assert (True, True, None, "x", "list") == (
            first.has_more,
            first.has_next_page(),
            first.first_id,
            first.last_id,
            first.object,
        )
        second = first.get_next_page()
        assert (False, False, ["b", "a"]) == (second.has_more, second.has_next_page(), [v.id for v in second.data])
        with pytest.raises(PaginationError, match=r"^This is the last page; check has_next_page\(\) first\.$"):
            second.get_next_page()
        assert [["a"], ["b", "a"]] == [[video.id for video in page.data] for page in first.iter_pages()]

    def test_one_by_one_asynchronously(self) -> None:
        async def walk() -> None:
            server = in_row(Page(("a",), has_more=True, last_id="x"), Page(("b",), has_more=False))
            paginator = server.async_client().videos.list()
            assert [] == server.requested
            first = await paginator
            assert (["a"], [None]) == ([video.id for video in first.data], server.requested)
            second = await first.get_next_page()
            assert ["b"] == [video.id for video in second.data]
            with pytest.raises(PaginationError):
                await second.get_next_page()
            again = in_row(Page(("a",), has_more=True, last_id="x"), Page(("b",), has_more=False))
            found = [[v.id for v in page.data] async for page in again.async_client().videos.list().iter_pages()]
            assert [["a"], ["b"]] == found

        asyncio.run(walk())

    def test_a_later_page_is_fetched_when_it_is_requested(self) -> None:
        server = in_row(Page(("a",), has_more=True, last_id="x"), Page(("b",), has_more=False))
        walk = iter(server.client().videos.list())
        assert "a" == next(walk).id
        assert [None] == server.requested
        assert "b" == next(walk).id
        assert [None, "x"] == server.requested

    def test_an_item_that_shifts_to_the_next_page_is_yielded_once(self) -> None:
        """A list that shifts under a walk repeats items at the pages' edges."""
        server = in_row(Page(("c", "b"), has_more=True), Page(("b", "a"), has_more=False))
        assert (["c", "b", "a"], None) == walked(server)

    def test_the_keys_of_a_page(self) -> None:
        body = {
            "object": "list",
            "data": [video_json("queued", "a")],
            "first_id": "f",
            "last_id": "l",
            "has_more": False,
            "total": 7,
        }
        server = Answering(httpx.Response(200, json=body))
        page = server.client().videos.list()
        assert ("f", "l", False, 7) == (page.first_id, page.last_id, page.has_more, page["total"])
        assert {"total": 7} == page.additional_properties
        assert isinstance(page.data[0], Video)

    @pytest.mark.parametrize("kind", [SyncConversationCursorPage, AsyncConversationCursorPage])
    def test_it_is_no_sequence_and_says_why_not(self, kind: type[ConversationPage[Video]]) -> None:
        """Iterating goes over all pages, so a length of this one would not be that of the list of its items."""
        page: Any = one_page(kind, total=7)
        for use in (len, lambda page: page[0], lambda page: page[:2], lambda page: page[-1], reversed):
            with pytest.raises(TypeError, match=r"A page is no sequence.*use page\.data\[0\] and len\(page\.data\)"):
                use(page)
        assert page
        assert (True, False, True) == ("total" in page, "limit" in page, "has_more" in page)
        assert (7, "list", page.data, "a") == (page["total"], page["object"], page["data"], page["last_id"])
        with pytest.raises(KeyError):
            page["limit"]

    def test_what_is_in_a_blocking_one_is_looked_for_in_all(self) -> None:
        server = in_row(Page(("a",), has_more=True), Page(("b",), has_more=False))
        page = server.client().videos.list()
        later = page.get_next_page().data[0]
        assert later in page
        assert 7 not in page
        with pytest.raises(TypeError, match="A page is no sequence"):
            assert 7 not in one_page(AsyncConversationCursorPage)

    @pytest.mark.parametrize("kind", [SyncConversationCursorPage, AsyncConversationCursorPage])
    def test_the_whole_as_json(self, kind: type[ConversationPage[Video]]) -> None:
        page = one_page(kind, total=7)
        expected = {
            "object": "list",
            "data": [video_json("queued", "a")],
            "has_more": False,
            "first_id": None,
            "last_id": "a",
            "total": 7,
        }
        assert expected == page.to_dict() == page.model_dump(exclude_unset=True)
        assert {**expected, "data": [page.data[0].model_dump()]} == page.model_dump()
        assert None is page.model_dump()["data"][0]["url"], "pydantic's method has all keys"
        assert expected == json.loads(page.to_json(indent=None)) == json.loads(page.model_dump_json(exclude_unset=True))

    def test_a_value_of_another_type_is_kept_under_its_key(self) -> None:
        body = {"object": "page", "data": [], "first_id": 1, "last_id": ["x"], "has_more": "no", "cursor": None}
        page = Answering(httpx.Response(200, json=body)).client().videos.list()
        assert (None, None, False, "page") == (page.first_id, page.last_id, page.has_more, page.object)
        assert body == page.to_dict()

    def test_null_is_an_empty_page(self) -> None:
        """Servers written in Go send it."""
        page = Answering(httpx.Response(200, json={"object": "list", "data": None})).client().videos.list()
        assert ([], False, None) == (page.data, page.has_more, page.next_after)

    @FLOWS
    @given(odd=st.integers(0, 4), key=st.sampled_from(["id", "status"]), value=st.none() | st.integers() | st.just(...))
    def test_an_item_that_cannot_be_read_is_named(self, odd: int, key: str, value: Any) -> None:
        items: list[Any] = [video_json("queued", f"v{number}") for number in range(5)]
        items[odd] = {name: old for name, old in items[odd].items() if name != key}
        if value is not ...:
            items[odd][key] = value
        with pytest.raises(APIResponseValidationError) as caught:
            Answering(httpx.Response(200, json={"data": items})).client().videos.list()
        assert f"but the page's data[{odd}] cannot be read: Video: the key '{key}' is " in str(caught.value)

    def test_none_of_them_is_needed(self) -> None:
        page = Answering(httpx.Response(200, json={"data": []})).client().videos.list()
        assert (None, None, False, []) == (page.first_id, page.last_id, page.has_more, page.data)

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ([], "a page is expected, and the body is of the type list"),
            ("x", "a page is expected, and the body is of the type str"),
            ({}, "the key 'data' is missing or not a list"),
            ({"data": {}}, "the key 'data' is missing or not a list"),
            (
                {"data": [7]},
                "the page's data[0] cannot be read: a video is expected, and the JSON is of the type int",
            ),
            (
                {"error": {"message": "No key"}},
                "the key 'data' is missing or not a list. The server says: No key",
            ),
        ],
    )
    def test_what_is_no_page_is_reported_with_its_key(self, body: Any, problem: str) -> None:
        with pytest.raises(APIResponseValidationError) as caught:
            Answering(httpx.Response(200, json=body)).client().videos.list()
        assert f"GET /v1/videos returned 200, but {problem}." == str(caught.value)


class TestThingsWithoutAnId:
    """What has no id cannot be told from others: each is yielded."""

    @staticmethod
    def page(*things: object) -> SyncConversationCursorPage[object]:
        return SyncConversationCursorPage(
            data=list(things),
            has_more=True,
            first_id=None,
            last_id=None,
            next_after=None,
            additional_properties={},
            walk=Shared(),
            session=Shared(),
        )

    def test_each_is_yielded(self) -> None:
        things = [object(), object()]
        assert things == list(SeenItems[object]().new_items(self.page(*things)))


class TestRetries:
    """Every page is fetched as patiently as the first."""

    @staticmethod
    def server() -> Server:
        class Shaky(Server):
            def __call__(self, request: httpx.Request) -> httpx.Response:
                response = super().__call__(request)
                return httpx.Response(503, headers={"retry-after": "0"}) if len(self.requested) == 2 else response

        return Shaky({None: Page(("a",), has_more=True), "a": Page(("b",), has_more=False)}, Page(()))

    def test_blocking(self) -> None:
        server = self.server()
        first = server.client().with_options(max_retries=1).videos.list()
        assert ["a", "b"] == [video.id for video in first]
        assert [None, "a", "a"] == server.requested

    def test_asynchronously(self) -> None:
        async def walk() -> list[str]:
            return [video.id async for video in server.async_client().with_options(max_retries=1).videos.list()]

        server = self.server()
        assert ["a", "b"] == asyncio.run(walk())
        assert [None, "a", "a"] == server.requested


class TestWhatIsAskedFor:
    """Arguments of a wrong type are refused; their values are the server's to judge."""

    @pytest.mark.parametrize(
        ("name", "value", "kind"),
        [("limit", "5", "int"), ("limit", True, "int"), ("limit", [], "int"), ("limit", 1.5, "int"),
         ("after", 5, "str"), ("after", [], "str"), ("order", True, "str"), ("order", b"asc", "str")],
    )  # fmt: skip
    def test_wrong_types(self, name: str, value: Any, kind: str) -> None:
        with pytest.raises(InvalidArgumentError) as caught:
            in_row(Page(())).client().videos.list(**{name: value})
        assert f"{name} is {value!r}; it must be of the type {kind}." == str(caught.value)

    @pytest.mark.parametrize("limit", [-1, 0, 10**9])
    def test_any_number(self, limit: int) -> None:
        server = in_row(Page(()))
        server.client().videos.list(limit=limit, after="x", order="sideways")  # type: ignore[arg-type]
        assert {"limit": str(limit), "after": "x", "order": "sideways"} == dict(server.requests[0].url.params)


def one_page(kind: type[ConversationPage[Video]], **others: Any) -> Any:
    """Return a page with the video "a"."""
    body = {"object": "list", "data": [video_json("queued", "a")], "last_id": "a", "has_more": False, **others}
    server = Answering(httpx.Response(200, json=body))

    async def fetched() -> Any:
        return await server.async_client().videos.list()

    return server.client().videos.list() if kind is SyncConversationCursorPage else asyncio.run(fetched())


class Answering(Server):
    """Give one response to every request."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__({}, Page(()))
        self.response = response

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return self.response
