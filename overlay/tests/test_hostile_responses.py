"""Whatever a server answers, a method returns, or raises an OpenVideosError that pickles and does not tell the key.

And whatever a right server answers comes back whole, down to the keys that the contract does not know.
"""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import anyio
import httpx
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openvideos import (
    APIError,
    APIResponseValidationError,
    AsyncOpenVideos,
    OpenVideos,
    OpenVideosError,
    PaginationError,
    VideoError,
    omit,
)
from openvideos._types import Omit
from openvideos._videos import Videos
from openvideos_raw.types import JsonObject

from .faults.clients import check_promises

SPEC: Final[dict[str, Any]] = yaml.load(
    Path(__file__).parents[2].joinpath("openapi.yaml").read_text("utf-8"), yaml.CSafeLoader
)
SCHEMAS: Final[dict[str, Any]] = SPEC["components"]["schemas"]
KEY: Final = "sk-hostile/0123456789+=="
ID: Final = "video_1"

VIDEO: Final[dict[str, Any]] = SPEC["components"]["examples"]["FailedVideo"]["value"]
RIGHT: Final[dict[str, dict[str, Any]]] = {
    "video": VIDEO,
    "page": {"object": "list", "data": [VIDEO], "first_id": VIDEO["id"], "last_id": VIDEO["id"], "has_more": False},
    "deletion": {"id": ID, "object": "video.deleted", "deleted": True},
    "character": SPEC["components"]["examples"]["Character"]["value"],
    "error": SPEC["components"]["responses"]["NotFound"]["content"]["application/json"]["examples"]["unknown_id"][
        "value"
    ],
}
METHODS: Final[dict[str, dict[str, Any]]] = {
    "create": {"prompt": "p"},
    "retrieve": {"video_id": ID},
    "list": {},
    "delete": {"video_id": ID},
    "download_content": {"video_id": ID},
    "download": {"video_id": ID, "to": ...},
    "remix": {"video_id": ID, "prompt": "p"},
    "edit": {"prompt": "p", "video": ID},
    "extend": {"prompt": "p", "seconds": 4, "video": ID},
    "create_character": {"name": "n", "video": b"mp4"},
    "get_character": {"character_id": "char_1"},
    "list_models": {},
    "poll": {"video_id": ID, "poll_timeout_ms": 0},
    "create_and_poll": {"prompt": "p", "poll_timeout_ms": 0, "raise_on_failure": True},
    "wait_many": {"ids": [ID, "video_2"], "poll_timeout_ms": 0},
}


def deep(levels: int, *, objects: bool) -> bytes:
    """Return JSON that is nested so deep."""
    return b'{"id":' * levels + b"1" + b"}" * levels if objects else b"[" * levels + b"]" * levels


texts = st.text(st.characters(exclude_categories=[]), max_size=20)  # lone surrogates too
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -1, 1e308, float("nan"), float("inf"), -0.0, 2**63]),
    st.floats(),
    texts,
    st.sampled_from(["", "completed", "failed", "list", ID, "deleted", "queued", "\ud800", "\0"]),
)
keys = texts | st.sampled_from([*VIDEO, "data", "error", "detail", "code", "message"])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            texts | st.sampled_from([*VIDEO, "data", "error", "detail", "code", "message"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)
nearly_right = st.sampled_from(list(RIGHT.values())).flatmap(
    lambda right: st.tuples(st.just(right), st.sampled_from(list(right)), values | st.just(...))
)


def altered(case: tuple[dict[str, Any], str, Any]) -> dict[str, Any]:
    """Return a right response with another value under one key, or without it."""
    right, key, value = case
    rest = {name: old for name, old in right.items() if name != key}
    return rest if value is ... else {**rest, key: value}


json_bodies = st.one_of(values, nearly_right.map(altered), st.lists(nearly_right.map(altered), max_size=2)).map(
    lambda value: json.dumps(value).encode()
)
in_page = nearly_right.map(lambda case: json.dumps({**RIGHT["page"], "data": [altered(case)]}).encode())


def repeated(case: tuple[dict[str, Any], str, Any]) -> bytes:
    """Return the JSON of a right response that has one key twice, with two values."""
    right, key, value = case
    first = json.dumps({key: None if value is ... else value}).encode()
    return first[:-1] + b", " + json.dumps(right).encode()[1:]


bodies = st.one_of(
    json_bodies,
    in_page,
    nearly_right.map(repeated),
    st.sampled_from(["utf-8", "utf-16", "utf-32", "latin-1"]).flatmap(
        lambda charset: json_bodies.map(lambda body: body.decode().encode(charset, "replace"))
    ),
    st.sampled_from(
        [b"<!doctype html><p>502", b"<html>" + b"x" * 5000, b"event: video\ndata: {}\n\n", b"id=video_1&status=queued"]
    ),
    st.binary(max_size=40),
    json_bodies.map(lambda body: body[: len(body) // 2]),
    st.builds(deep, st.sampled_from([50, 99, 101, 250, 500, 900, 5000]), objects=st.booleans()),
    st.sampled_from([b"1" * 5000, b"-", b"NaN", b"\xef\xbb\xbf{}", b"\xff\xfe{\0", b'"\\ud800"', KEY.encode()]),
)
statuses = st.sampled_from(
    [200, 200, 200, 201, 202, 204, 206, 299, 304, 400, 401, 404, 408, 409, 410, 422, 429, 500, 503, 599]
)
header_names = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "openai-poll-after-ms",
        "x-request-id",
        "x-should-retry",
        "content-type",
        "content-range",
        "etag",
        "set-cookie",
        "x-odd",
    ]
)
header_values = st.one_of(
    st.binary(max_size=20),
    st.integers().map(lambda number: str(number).encode()),
    st.sampled_from(
        [b"", b"nan", b"1e999", b"9" * 5000, b"bytes 0-1/2", b"Wed, 99 Foo 2026 25:61:61 GMT", KEY.encode()]
    ),
    st.sampled_from([b"text/html; charset=utf-7", b"application/json; charset=klingon", b"video/mp4", b"/", b";"]),
)
headers = st.lists(st.tuples(header_names.map(str.encode), header_values), max_size=3)


def answering(status: int, body: bytes, headers: Any = ()) -> httpx.MockTransport:
    """Return a server that says the same to everything."""
    return httpx.MockTransport(lambda _: httpx.Response(status, headers=list(headers), content=body))


def call(transport: httpx.MockTransport, method: str, key: str = KEY) -> Any:
    """Call a method, its pauses skipped, and return what it returns."""
    with (
        tempfile.TemporaryDirectory() as folder,
        OpenVideos(base_url="http://server.test/v1", api_key=key, http_client=httpx.Client(transport=transport)) as sdk,
    ):
        sdk._session.driver.sleep = lambda _: None
        arguments = {name: f"{folder}/clip" if value is ... else value for name, value in METHODS[method].items()}
        try:
            result = getattr(sdk.videos, method)(**arguments)
            return list(result) if method == "wait_many" else result
        except OpenVideosError:
            assert [] == list(Path(folder).iterdir())
            raise


async def call_async(transport: httpx.MockTransport, method: str) -> Any:
    """Call a method of the asynchronous client."""

    async def skip(_: float) -> None:
        pass

    http = httpx.AsyncClient(transport=transport)
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncOpenVideos(base_url="http://server.test/v1", api_key=KEY, http_client=http) as sdk:
            sdk._session.driver.sleep = skip
            arguments = {name: f"{folder}/clip" if value is ... else value for name, value in METHODS[method].items()}
            result = getattr(sdk.videos, method)(**arguments)
            return [item async for item in result] if method == "wait_many" else await result


def check(error: OpenVideosError, key: str = KEY) -> None:
    """Check that an exception can be pickled and written, and carries all it knows to where it is unpickled."""
    check_promises(error, key)
    str(error).encode()
    copy = pickle.loads(pickle.dumps(error))
    if isinstance(error, APIError):
        assert (repr(error.body), error.request_id) == (repr(copy.body), copy.request_id)
        if error.response is not None:
            assert error.response.content == copy.response.content
            assert error.response.headers.raw == copy.response.headers.raw
            assert error.response.request.url == copy.response.request.url
            assert error.response.status_code == copy.response.status_code


def use(result: Any) -> None:
    """Do with a result what callers do: show it, write it, and send it elsewhere."""
    assert repr(result) == repr(pickle.loads(pickle.dumps(result)))
    for item in result if isinstance(result, list) else [result]:
        if isinstance(item, JsonObject):
            json.loads(item.to_json().encode())
            item.model_dump(exclude_none=True)


def test_every_method_is_tried() -> None:
    public = {name for name, value in vars(Videos).items() if not name.startswith("_") and callable(value)}
    assert public == set(METHODS)


@given(body=json_bodies | in_page, limit=st.integers(-1, 2) | st.just(omit))
@example(body=json.dumps({"data": [VIDEO]}).encode(), limit=omit)
def test_a_walk_over_any_page_ends(body: bytes, limit: int | Omit) -> None:
    """The server says the same to everything, so it has one page, and every other cursor is a repeated one."""
    transport = answering(200, body)
    with OpenVideos(base_url="http://server.test/v1", http_client=httpx.Client(transport=transport)) as sdk:
        try:
            found = [video.id for page in sdk.videos.list(limit=limit).iter_pages() for video in page.data]
        except (APIResponseValidationError, PaginationError):
            return
    assert [item["id"] for item in json.loads(body)["data"] or []] == found


@pytest.mark.parametrize("method", METHODS)
class TestAnyAnswer:
    @given(status=statuses, body=bodies, headers=headers)
    @example(status=200, body=deep(5000, objects=True), headers=[])
    @example(status=500, body=deep(5000, objects=False), headers=[])
    @example(status=404, body=b'{"error": {"message": "\\ud800"}}', headers=[])
    @example(status=404, body=b"", headers=[(b"x-odd", b"\xff\xfe")])
    @example(status=200, body=json.dumps({**VIDEO, "id": ""}).encode(), headers=[])
    @example(status=200, body=b"[]", headers=[])
    @example(status=200, body=b'{"id": [], "name": {}, "data": 7, "deleted": {}}', headers=[])
    def test_is_a_result_or_an_error(
        self, method: str, status: int, body: bytes, headers: list[tuple[bytes, bytes]]
    ) -> None:
        try:
            use(call(answering(status, body, headers), method))
        except OpenVideosError as error:
            check(error)

    @given(body=nearly_right.map(altered).map(lambda value: json.dumps(value).encode()) | in_page)
    def test_a_right_response_with_one_wrong_key_is_too(self, method: str, body: bytes) -> None:
        try:
            use(call(answering(200, body), method))
        except OpenVideosError as error:
            check(error)

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    @given(status=statuses, body=bodies, headers=headers)
    @settings(max_examples=settings().max_examples // 5)
    def test_the_asynchronous_client_agrees(
        self, method: str, backend: str, status: int, body: bytes, headers: list[tuple[bytes, bytes]]
    ) -> None:
        def outcome(run: Any) -> Any:
            try:
                return type(run()).__name__.removeprefix("Async").removeprefix("Sync")
            except OpenVideosError as error:
                return type(error), error.video_id, getattr(error, "body", None) and repr(error.body)  # type: ignore[attr-defined]

        blocking = outcome(lambda: call(answering(status, body, headers), method))
        assert blocking == outcome(
            lambda: anyio.run(call_async, answering(status, body, headers), method, backend=backend)
        )


class TestTheKey:
    """A server may echo the key wherever it likes; no exception repeats it."""

    keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40).map("sk-{}".format)
    spellings = st.sampled_from(
        [
            str,
            lambda key: quote(key, safe=""),
            lambda key: f"Incorrect API key provided: {key}.",
            lambda key: f"Bearer {key}",
            lambda key: json.dumps({"nested": key}),
        ]
    )
    places = st.sampled_from(
        [
            lambda echo: (json.dumps({"error": {"message": echo, "code": echo, "type": echo, "param": echo}}), {}),
            lambda echo: (json.dumps({"error": {"message": echo}}).replace("/", "\\/"), {}),
            lambda echo: (json.dumps({"detail": [{"loc": [echo], "input": {echo: echo}}]}), {}),
            lambda echo: (json.dumps({echo: 1}), {}),
            lambda echo: (json.dumps({**VIDEO, "error": {"code": echo, "message": echo, echo: echo}}), {}),
            lambda echo: (json.dumps({**VIDEO, "error": echo}), {}),
            lambda echo: (json.dumps({**VIDEO, "status": [echo], "id": echo}), {}),
            lambda echo: (f"<html>{echo}</html>", {"content-type": "text/html"}),
            lambda echo: ("", {"x-request-id": echo, "www-authenticate": echo, "x-echo": echo, "retry-after": echo}),
            lambda echo: ("", {"content-type": echo}),
            lambda echo: ("", {"location": f"http://server.test/?a={quote(echo)}", "set-cookie": f"a={quote(echo)}"}),
        ]
    )

    @pytest.mark.parametrize("method", METHODS)
    @given(key=keys, spelling=spellings, place=places, status=st.sampled_from([200, 302, 400, 401, 404, 500]))
    def test_is_in_no_exception(self, method: str, key: str, spelling: Any, place: Any, status: int) -> None:
        body, headers = place(spelling(key))
        try:
            call(answering(status, body.encode(), headers.items()), method, key)
        except OpenVideosError as error:
            check(error, key)

    def test_is_kept_out_of_what_broke_off(self) -> None:
        def handle(_: httpx.Request) -> httpx.Response:
            raise httpx.RemoteProtocolError(f"illegal status line: {KEY}") from ValueError(KEY)

        for method in METHODS:
            with pytest.raises(OpenVideosError) as caught:
                call(httpx.MockTransport(handle), method)
            check(caught.value)

    @pytest.mark.parametrize("key", ["k", "none", "EMPTY", "video", "list"])
    def test_that_is_a_word_hides_nothing_else(self, key: str) -> None:
        """Local servers take any key, so a key may be a word that responses are full of."""
        body = json.dumps({**VIDEO, "id": "video_k", "error": {"code": "none", "message": "EMPTY list video"}}).encode()
        video = call(answering(200, body), "retrieve", key)
        assert ("video_k", "none", "EMPTY list video") == (video.id, video.error.code, video.error.message)


def from_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return what a schema of the contract allows; an object has keys of its own beside."""
    if "$ref" in schema:
        return from_schema(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([from_schema(branch) for branch in schema["anyOf"]])
    if isinstance(schema["type"], list):
        return st.one_of([from_schema({**schema, "type": kind}) for kind in schema["type"]])
    kinds: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "null": st.none,
        "boolean": st.booleans,
        "integer": lambda: st.integers(schema.get("minimum"), schema.get("maximum")),
        "string": lambda: _string(schema),
        "array": lambda: st.lists(from_schema(schema["items"]), max_size=3),
        "object": lambda: _object(schema),
    }
    return kinds[schema["type"]]()


def _string(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].replace("$", r"\Z"))
    return st.text(min_size=schema.get("minLength", 0), max_size=40)


def _object(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    properties = {name: from_schema(inner) for name, inner in schema["properties"].items()}
    required = {name: inner for name, inner in properties.items() if name in schema["required"]}
    optional = {name: inner for name, inner in properties.items() if name not in schema["required"]}
    finite = st.floats(allow_nan=False, allow_infinity=False)
    plain = st.recursive(
        st.none() | st.booleans() | st.integers() | finite | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=5,
    )
    unknown = st.dictionaries(st.text(max_size=9).filter(lambda name: name not in properties), plain, max_size=4)
    known = st.fixed_dictionaries(required, optional=optional)
    return st.builds(lambda others, own: {**others, **own}, unknown, known)


def given_back(model: Any, data: dict[str, Any], schema: str) -> None:
    """Check that a model has every value of the response that it was read from."""
    for key, value in data.items():
        found = getattr(model, key) if key in SCHEMAS[schema]["properties"] else model[key]
        if isinstance(found, VideoError):
            given_back(found, value, "VideoError")
        else:
            assert (value, type(value)) == (found, type(found))


class TestRightAnswers:
    """Leniency costs nothing: what the contract allows comes back as it was sent."""

    @given(data=from_schema(SCHEMAS["Video"]))
    def test_a_video_comes_back_whole(self, data: dict[str, Any]) -> None:
        body = json.dumps(data).encode()
        for method in ("create", "retrieve"):
            given_back(call(answering(200, body), method), data, "Video")

    @given(data=from_schema(SCHEMAS["Video"]))
    def test_also_pickled_and_written(self, data: dict[str, Any]) -> None:
        video = call(answering(200, json.dumps(data).encode()), "retrieve")
        assert video == pickle.loads(pickle.dumps(video))
        assert {key: value for key, value in data.items() if value is not None} == {
            key: value for key, value in video.to_dict().items() if value is not None
        }

    @given(data=from_schema(SCHEMAS["VideoList"]))
    def test_a_page_comes_back_whole(self, data: dict[str, Any]) -> None:
        if data["has_more"] and not (data["last_id"] or data["data"]):
            return  # it leads nowhere, and is refused
        page = call(answering(200, json.dumps(data).encode()), "list")
        assert len(data["data"]) == len(page.data)
        for item, video in zip(data["data"], page.data, strict=True):
            given_back(video, item, "Video")
        for key, value in data.items():
            if key != "data":
                assert value == (getattr(page, key) if key in SCHEMAS["VideoList"]["properties"] else page[key])

    @given(data=from_schema(SCHEMAS["VideoDeleteResponse"]))
    def test_a_deletion_comes_back_whole(self, data: dict[str, Any]) -> None:
        given_back(call(answering(200, json.dumps(data).encode()), "delete"), data, "VideoDeleteResponse")

    @given(data=from_schema(SCHEMAS["Character"]))
    def test_a_character_comes_back_whole(self, data: dict[str, Any]) -> None:
        for method in ("create_character", "get_character"):
            given_back(call(answering(200, json.dumps(data).encode()), method), data, "Character")

    @given(data=from_schema(SCHEMAS["ErrorResponse"]), status=st.sampled_from([400, 401, 404, 409, 410, 422, 429, 500]))
    def test_an_error_comes_back_whole(self, data: dict[str, Any], status: int) -> None:
        with pytest.raises(OpenVideosError) as caught:
            call(answering(status, json.dumps(data).encode()), "retrieve")
        error: Any = caught.value
        detail = data["error"]
        assert data == error.body
        assert (status, detail["type"], detail["param"], detail["code"]) == (
            error.status_code,
            error.type,
            error.param,
            error.code,
        )
        assert detail["message"][:300] in error.message
        check(error)


@pytest.mark.parametrize("levels", [101, 500, 5000])
@pytest.mark.parametrize("status", [200, 500])
def test_what_is_nested_too_deep_is_no_json(levels: int, status: int) -> None:
    """It could be read, but not compared, printed or pickled."""
    body = json.dumps(VIDEO).encode()[:-1] + b', "x": ' + deep(levels, objects=False) + b"}"
    with pytest.raises(OpenVideosError) as caught:
        call(answering(status, body), "poll")
    assert isinstance(caught.value.__cause__, APIResponseValidationError) == (status == 200)
    check(caught.value)
