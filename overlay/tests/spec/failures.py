"""Say what holds when things go wrong: errors, jobs that may have been started, long lists, files that break off."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import httpx
from hypothesis import assume
from hypothesis import strategies as st

from openvideos import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DownloadError,
    GoneError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
)

from .arguments import givens
from .clients import Stage, raw_module
from .comparing import assert_same, assert_same_headers
from .contract import JSON, OPERATIONS, Operation, document, paths_in
from .mock_server import BASE_URL, faults, read
from .properties import Case, headers_of, raised_by
from .strategies import valid

KINDS: Final[dict[int, type[APIStatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}
"""Which error each status is (DESIGN: Errors); 5xx is InternalServerError, any other APIStatusError itself."""


def kind_of(code: int) -> type[APIStatusError]:
    """Return the error that a status means."""
    return KINDS.get(code, InternalServerError if code >= 500 else APIStatusError)


@cache
def _bodies(operation_id: str, status: str) -> st.SearchStrategy[Any]:
    schema = OPERATIONS[operation_id].responses[status].bodies[JSON]
    return valid(schema) | valid(schema, lenient=True)


def error_is_typed(stage: Stage, case: Case, data: st.DataObject) -> None:
    """Check that a refusal is the error of its status, with all that it says, and that no POST is sent again in doubt.

    The overlay may send a request three times here.
    """
    operation, response = case.operation, case.operation.responses[case.detail or ""]
    code = data.draw(st.sampled_from(response.codes()))
    sent = data.draw(_bodies(operation.id, response.status))
    headers = data.draw(headers_of(operation.id, response.status))
    given = data.draw(givens(operation.id, next(iter(operation.bodies), None), beside=False))
    content = json.dumps(sent).encode()
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(code, content=content, headers={"content-type": JSON, **headers})

    for client in stage.overlays(server, max_retries=2):
        seen.clear()
        error = raised_by(partial(client.call, operation, given))
        assert type(error) is kind_of(code)
        assert isinstance(error, APIStatusError)
        assert code == error.status_code
        assert sent == error.body
        detail = sent["error"]
        assert (detail["code"], detail["type"], detail["param"]) == (error.code, error.type, error.param)
        assert headers.get("x-request-id") == error.request_id
        assert_same_headers(error.response.headers, headers, content)
        assert not any(faults(read(request)) for request in seen)
        _assert_sent_rightly(operation, seen, code, headers)
    parsed = raw_module(operation).parse_response(code, content)
    assert_same(parsed, sent, response.bodies[JSON])
    stage.reached |= {operation.item(response.status), operation.item(response.status, JSON)}
    stage.reached |= {operation.item(response.status, "header", name) for name in headers}
    stage.reached |= {operation.item(response.status, JSON, path) for path in paths_in(response.bodies[JSON], sent)}


def redirect_is_followed(stage: Stage, case: Case, data: st.DataObject) -> None:
    """Check that a redirect leads to the file, and that another origin is not sent the key."""
    operation, response = case.operation, case.operation.responses[case.detail or ""]
    (code,) = response.codes()
    content = data.draw(st.binary(min_size=1, max_size=200))
    place = data.draw(st.sampled_from(["http://cdn.test/file", f"{BASE_URL}/elsewhere"]))
    headers = {**data.draw(headers_of(operation.id, response.status)), "Location": place}
    given = data.draw(givens(operation.id, next(iter(operation.bodies), None), beside=False))
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if len(seen) == 1:
            return httpx.Response(code, headers=headers)
        return httpx.Response(200, content=content, headers={"content-type": "application/octet-stream"})

    for client in stage.overlays(server):
        seen.clear()
        result = client.call(operation, given)
        assert content == result.content
        first, second = seen
        assert place == str(second.url)
        assert "authorization" in first.headers
        assert place.startswith(BASE_URL) == ("authorization" in second.headers)
    assert raw_module(operation).parse_response(code, b"") is None
    stage.reached |= {operation.item(response.status)}
    stage.reached |= {operation.item(response.status, "header", name) for name in headers}


def _assert_sent_rightly(operation: Operation, seen: list[httpx.Request], code: int, headers: dict[str, str]) -> None:
    """Raise AssertionError if a job may have been started twice, or if an attempt differs from the first."""
    assert 1 <= len(seen) <= 3
    not_accepted = code == 429 or (code == 503 and "Retry-After" in headers)
    if operation.method == "POST" and not not_accepted:
        assert 1 == len(seen), "a job that may have been started was started again"
    first, *others = [read(request) for request in seen]
    for other in others:
        assert (first.path, first.query, first.parts, first.body) == (other.path, other.query, other.parts, other.body)
        assert first.headers.get("idempotency-key") == other.headers.get("idempotency-key")


def ambiguous_post_is_sent_once(stage: Stage, case: Case, data: st.DataObject) -> None:
    """Check that a POST whose connection breaks off is not sent again: the server may have started the job."""
    given = data.draw(givens(case.operation.id, next(iter(case.operation.bodies)), beside=False))
    broken = data.draw(st.sampled_from([httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError]))
    seen: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        raise broken("it broke")

    for client in stage.overlays(server, max_retries=2):
        seen.clear()
        error = raised_by(partial(client.call, case.operation, given))
        assert isinstance(error, APIConnectionError)
        assert not error.never_sent
        assert 1 == len(seen), "a job that may have been started was started again"


def list_is_walked(stage: Stage, case: Case, data: st.DataObject) -> None:
    """Check that iterating a list gives all items, once and in order, each page requested as the link says."""
    operation = case.operation
    parameter, cursor = (case.detail or "").split("=")
    page = operation.responses["200"].bodies[JSON]
    item = page["properties"]["data"]["items"]
    ids = data.draw(st.lists(st.text("abc", min_size=1, max_size=4), unique=True, max_size=8))
    items = [data.draw(valid(item)) | {"id": each} for each in ids]
    size = data.draw(st.integers(1, 4))
    given = data.draw(givens(operation.id, None, beside=True))
    given.query.pop(parameter, None)
    assume(parameter not in given.more_query)
    pages = [items[start : start + size] for start in range(0, len(items), size)] or [[]]
    # A cursor is the server's own; that it is an id is no client's to know.
    cursors = [f"cursor {index}" for index in range(len(pages))]
    requested: list[dict[str, str]] = []

    def server(request: httpx.Request) -> httpx.Response:
        said = read(request)
        assert not faults(said)
        requested.append(dict(said.query))
        after = requested[-1].get(parameter)
        assert after is None or after in cursors, f"{parameter} is {after!r}, which no page gave as its {cursor}"
        index = 0 if after is None else cursors.index(after) + 1
        body = {"object": "list", "data": pages[index], "has_more": index + 1 < len(pages), "first_id": None}
        return httpx.Response(200, json=body | {"first_id": f"first {index}", cursor: cursors[index]})

    for client in stage.overlays(server):
        requested.clear()
        found = client.collect(client.call(operation, given))
        assert [each["id"] for each in items] == [each.id for each in found]
        for one, other in zip(found, items, strict=True):
            assert_same(one, other, item)
        assert [None, *cursors[: len(pages) - 1]] == [query.get(parameter) for query in requested]
        rest = [{name: value for name, value in query.items() if name != parameter} for query in requested]
        assert all(query == rest[0] for query in rest), "a page was asked for in other words than the first"


class BreakingFile:
    """A server with one file, whose body breaks off where it is set to, once for each number."""

    def __init__(self, content: bytes, breaks: list[int], *, resumes: bool, short: bool) -> None:
        self.content, self.breaks, self.resumes, self.short = content, breaks, resumes, short

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Send the file, or the part of it that is requested."""
        said = read(request)
        assert not faults(said)
        start, headers, status = 0, {"content-type": "video/mp4"}, 200
        if self.resumes:
            headers |= {"etag": '"one"', "accept-ranges": "bytes"}
            if "range" in said.headers:
                assert '"one"' == said.headers["if-range"]
                start, status = int(said.headers["range"].removeprefix("bytes=").removesuffix("-")), 206
                headers["content-range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        rest = self.content[start:]
        headers["content-length"] = str(len(rest))
        cut = self.breaks.pop(0) if self.breaks else len(rest)
        return httpx.Response(status, headers=headers, stream=_Broken(rest[:cut], cut < len(rest) and not self.short))


class _Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, content: bytes, is_broken: bool) -> None:  # noqa: FBT001 - it is what the class is about
        self._content, self._is_broken = content, is_broken

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        if self._is_broken:
            raise httpx.ReadError("the connection broke")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def file_is_whole_or_absent(stage: Stage, case: Case, data: st.DataObject) -> None:
    """Check that a download brings the whole file, or raises and leaves what was there; it goes on after a break."""
    content = data.draw(st.binary(min_size=2, max_size=60))
    breaks = data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5))
    resumes, short = data.draw(st.booleans()), data.draw(st.booleans())
    before = data.draw(st.none() | st.just(b"before"))
    (parameter,) = [each for each in case.operation.parameters if each.place == "path"]
    given = data.draw(givens(case.operation.id, None, beside=False)).path[parameter.name]
    for number in range(2):
        server = BreakingFile(content, list(breaks), resumes=resumes, short=short)
        client = stage.overlays(server, max_retries=1)[number]
        target = Path(stage.directory, f"file-{number}")
        target.unlink(missing_ok=True)
        if before is not None:
            target.write_bytes(before)
        error = raised_by(partial(client.run, "download", given, target))
        assert error is None or isinstance(error, (APIConnectionError, DownloadError))
        found = target.read_bytes() if target.exists() else None
        assert found == (content if error is None else before), "a part of a file was kept for the whole"
        assert not [path for path in stage.directory.iterdir() if path.suffix == ".part"]
        if not breaks:
            assert error is None


def _next_page_links(operation: Operation) -> list[str]:
    """Return how an operation's response leads to its next page: `parameter=field`."""
    said = document()["paths"][operation.path][operation.method.lower()]["responses"].get("200", {})
    return [
        f"{parameter}={pointer.removeprefix('$response.body#/')}"
        for link in said.get("links", {}).values()
        if link["operationId"] == operation.id
        for parameter, pointer in link["parameters"].items()
    ]


ERRORS: Final = [
    Case(error_is_typed, operation, response.status)
    for operation in OPERATIONS.values()
    for response in operation.responses.values()
    if not response.is_success and not response.is_redirect
]
REDIRECTS: Final = [
    Case(redirect_is_followed, operation, response.status)
    for operation in OPERATIONS.values()
    for response in operation.responses.values()
    if response.is_redirect
]
ONCE: Final = [
    Case(ambiguous_post_is_sent_once, operation) for operation in OPERATIONS.values() if operation.method == "POST"
]
WALKS: Final = [
    Case(list_is_walked, operation, link) for operation in OPERATIONS.values() for link in _next_page_links(operation)
]
FILES: Final = [Case(file_is_whole_or_absent, each) for each in OPERATIONS.values() if "206" in each.responses]
