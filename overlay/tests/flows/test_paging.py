"""A walk of a list yields each item once or raises PaginationError, and always ends."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import httpx
import pytest
from attrs import frozen
from hypothesis import example, given
from hypothesis import strategies as st

from openvideos import (
    APIResponseValidationError,
    AsyncOpenVideos,
    InvalidArgumentError,
    OpenVideos,
    OpenVideosError,
    PaginationError,
    SyncConversationCursorPage,
    Video,
)
from openvideos._flows.paging import SeenItems, Walk

from .world import BASE_URL, FLOWS, KEY, video_json

MOST_REQUESTS = 60


@frozen
class Page:
    """A page as a server sends it: ids of items, the paging keys (None: left out), and where `after` leads."""

    items: tuple[str, ...]
    has_more: bool | None = None
    last_id: str | None = None

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
            assert list(dict.fromkeys(server.shown)) == seen
            assert not server.pages.get(server.requested[-1], server.default).has_more
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

    @pytest.mark.parametrize("has_more", [None, False])
    def test_no_more_is_the_end_whatever_the_cursor(self, has_more: bool | None) -> None:  # noqa: FBT001 - a parameter
        server = in_row(Page(("a",), has_more=has_more, last_id="a"))
        assert (["a"], None) == walked(server)
        assert [None] == server.requested


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

    def test_none_of_them_is_needed(self) -> None:
        page = Answering(httpx.Response(200, json={"data": []})).client().videos.list()
        assert (None, None, False, []) == (page.first_id, page.last_id, page.has_more, page.data)

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ([], "a page is expected, and the body is of the type list"),
            ("x", "a page is expected, and the body is of the type str"),
            ({}, "the page's key 'data' is missing or not a list"),
            ({"data": {}}, "the page's key 'data' is missing or not a list"),
            ({"data": [], "has_more": "no"}, "the page's key 'has_more' is not a boolean"),
            ({"data": [], "has_more": 0}, "the page's key 'has_more' is not a boolean"),
            ({"data": [], "first_id": 1}, "the page's key 'first_id' is neither text nor null"),
            ({"data": [7]}, "a video is expected, and the body is of the type int"),
            ({"data": [], "last_id": []}, "the page's key 'last_id' is neither text nor null"),
        ],
    )
    def test_what_is_no_page_is_reported_with_its_key(self, body: Any, problem: str) -> None:
        with pytest.raises(APIResponseValidationError) as caught:
            Answering(httpx.Response(200, json=body)).client().videos.list()
        assert f"GET /v1/videos returned 200, but {problem}." == str(caught.value)


class TestThingsWithoutAnId:
    """What has no id cannot be told from others: each is yielded, and none is a cursor."""

    @staticmethod
    def page(*things: object) -> SyncConversationCursorPage[object]:
        return SyncConversationCursorPage(
            data=list(things),
            has_more=True,
            first_id=None,
            last_id=None,
            additional_properties={},
            walk=Walk(settings=cast("Any", None), options=cast("Any", None), extras=cast("Any", None)),
            session=cast("Any", None),
        )

    def test_each_is_yielded(self) -> None:
        things = [object(), object()]
        assert things == list(SeenItems[object]().new_items(self.page(*things)))

    def test_none_is_a_cursor(self) -> None:
        with pytest.raises(PaginationError, match="sends no cursor"):
            self.page(object()).has_next_page()


class TestRetries:
    """Every page is fetched as patiently as the first."""

    @staticmethod
    def server() -> Server:
        class Shaky(Server):
            def __call__(self, request: httpx.Request) -> httpx.Response:
                response = super().__call__(request)
                return httpx.Response(503, headers={"retry-after": "0"}) if len(self.requested) == 2 else response

        return Shaky({None: Page(("a",), has_more=True), "a": Page(("b",))}, Page(()))

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


class Answering(Server):
    """Give one response to every request."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__({}, Page(()))
        self.response = response

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return self.response
