"""What a caller may leave out, pass in place of an id, or get wrong is the same for all methods, blocking and async."""

from __future__ import annotations

import contextlib
import inspect
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import AsyncOpenVideos, Character, InvalidArgumentError, OpenVideos, OpenVideosError, Video, omit
from openvideos._operations import callback
from openvideos._videos import Videos

VIDEO: Final = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "completed"}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "list": {"object": "list", "data": [VIDEO], "has_more": False},
    "delete": {"id": "video_1", "object": "video.deleted", "deleted": True},
    "create_character": {"id": "char_1", "created_at": 1, "name": "Ada"},
    "get_character": {"id": "char_1", "created_at": 1, "name": "Ada"},
    "list_models": {
        "object": "list",
        "contract": {"revision": "2026-12-01", "profiles": [], "extensions": []},
        "data": [],
    },
}
REQUIRED: Final[dict[str, dict[str, Any]]] = {
    "create": {"prompt": "x"},
    "create_and_poll": {"prompt": "x"},
    "create_character": {"name": "Ada", "video": b"film"},
    "delete": {"video_id": "video_1"},
    "download": {"video_id": "video_1", "to": "a.mp4"},
    "download_content": {"video_id": "video_1"},
    "edit": {"prompt": "x", "video": "video_1"},
    "extend": {"prompt": "x", "seconds": 4, "video": "video_1"},
    "get_character": {"character_id": "char_1"},
    "list": {},
    "list_models": {},
    "poll": {"video_id": "video_1"},
    "remix": {"video_id": "video_1", "prompt": "x"},
    "retrieve": {"video_id": "video_1"},
    "wait_many": {"ids": ["video_1"]},
}
"""What each method must be given."""
OBJECTS: Final = {
    "video_id": Video.from_dict(VIDEO),
    "video": Video.from_dict(VIDEO),
    "ids": [Video.from_dict(VIDEO)],
    "character_id": Character.from_dict(BODIES["get_character"]),
}
"""What may be passed in place of each id."""
FLAVOURS: Final = pytest.mark.parametrize("flavour", ["sync", "async"])


class Recorder:
    """A server that answers what the method expects, and remembers what was sent."""

    def __init__(self, method: str) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self._body = BODIES.get(method, VIDEO)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        boundary = request.headers.get("content-type", "").partition("boundary=")[2].encode()
        content = request.read()
        self.sent.append((request.method, str(request.url), content.replace(boundary, b"") if boundary else content))
        if request.url.path.endswith("/content"):
            return httpx.Response(200, content=b"film", headers={"content-type": "video/mp4"})
        return httpx.Response(200, json=self._body)


class AsyncRecorder(Recorder, httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self(request)


def sent(flavour: str, method: str, arguments: dict[str, Any]) -> list[tuple[str, str, bytes]]:
    """Return the requests of a call of a method of `client.videos`."""
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(arguments.get("to"), str):
            arguments = {**arguments, "to": Path(folder, "a.mp4")}
        if flavour == "sync":
            recorder = Recorder(method)
            http = httpx.Client(transport=httpx.MockTransport(recorder))
            with OpenVideos(base_url="http://server.test/v1", http_client=http, max_retries=0) as client:
                result = getattr(client.videos, method)(**arguments)
                if isinstance(result, Iterator):
                    list(result)
            return recorder.sent
        return anyio.run(_sent, method, arguments)


async def _sent(method: str, arguments: dict[str, Any]) -> list[tuple[str, str, bytes]]:
    recorder = AsyncRecorder(method)
    http = httpx.AsyncClient(transport=recorder)
    async with AsyncOpenVideos(base_url="http://server.test/v1", http_client=http, max_retries=0) as client:
        result = getattr(client.videos, method)(**arguments)
        if inspect.isasyncgen(result):
            _ = [item async for item in result]
        else:
            await result
    return recorder.sent


def optional(method: str) -> list[str]:
    """Return the arguments of a method that `omit` leaves out."""
    found = inspect.signature(getattr(Videos, method)).parameters.values()
    return [parameter.name for parameter in found if parameter.default is omit]


def test_every_method_is_tried() -> None:
    public = {name for name, _ in inspect.getmembers(Videos, inspect.isfunction) if not name.startswith("_")}
    assert public == REQUIRED.keys()


@FLAVOURS
@pytest.mark.parametrize("method", [method for method in REQUIRED if optional(method)])
class TestWhatIsLeftOut:
    @given(data=st.data())
    def test_by_none_or_omit_or_not_at_all_is_the_same(self, flavour: str, method: str, data: st.DataObject) -> None:
        ways = st.dictionaries(st.sampled_from(optional(method)), st.sampled_from([None, omit]))
        expected = sent(flavour, method, REQUIRED[method])
        assert expected == sent(flavour, method, REQUIRED[method] | data.draw(ways))

    def test_by_none_is_the_same_for_all_at_once(self, flavour: str, method: str) -> None:
        expected = sent(flavour, method, REQUIRED[method])
        assert expected == sent(flavour, method, REQUIRED[method] | dict.fromkeys(optional(method)))


@FLAVOURS
@pytest.mark.parametrize(
    "method", sorted(REQUIRED.keys() - {"create", "create_and_poll", "create_character", "list", "list_models"})
)
def test_an_object_is_taken_for_its_id(flavour: str, method: str) -> None:
    objects = {name: each for name, each in OBJECTS.items() if name in REQUIRED[method]}
    assert sent(flavour, method, REQUIRED[method]) == sent(flavour, method, REQUIRED[method] | objects)


@FLAVOURS
def test_a_video_is_taken_for_the_cursor_of_a_list(flavour: str) -> None:
    assert sent(flavour, "list", {"after": "video_1"}) == sent(flavour, "list", {"after": OBJECTS["video"]})


class Unshown:
    """A value that no message can show."""

    def __repr__(self) -> str:
        raise LookupError("no repr")


HUGE: Final = 10**5000  # Python refuses to write so many digits

junk: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from(["\ud800", "\0", "a\r\nb", object(), omit, Video, Path("\0"), "..", OBJECTS["video"]]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.none() | st.just("\ud800"), inner, max_size=3)
    ),
    max_leaves=4,
)


@FLAVOURS
@pytest.mark.parametrize("method", REQUIRED)
@given(data=st.data())
def test_whatever_is_passed_nothing_but_our_errors_comes_out(flavour: str, method: str, data: st.DataObject) -> None:
    names = inspect.signature(getattr(Videos, method)).parameters.keys() - {"self"}
    # A path as text is a path, wherever it leads.
    wrong = data.draw(st.dictionaries(st.sampled_from(sorted(names)), junk, min_size=1, max_size=2))
    if isinstance(wrong.get("to"), (str, bytes, Path)):
        del wrong["to"]
    with contextlib.suppress(OpenVideosError):
        sent(flavour, method, REQUIRED[method] | wrong)


UNSHOWN: Final = {"huge": HUGE, "below": -HUGE, "no repr": Unshown(), "no repr inside": [Unshown()], "long": "x" * 9999}


@FLAVOURS
@pytest.mark.parametrize("value", UNSHOWN.values(), ids=UNSHOWN)
@pytest.mark.parametrize(
    ("method", "name"),
    [("create", "seed"), ("list", "limit"), ("retrieve", "timeout"), ("poll", "poll_timeout_ms")],
)
def test_what_a_message_cannot_show_is_refused_all_the_same(flavour: str, method: str, name: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=name) as caught:
        sent(flavour, method, REQUIRED[method] | {name: value})
    assert len(str(caught.value)) < 500


@FLAVOURS
def test_a_duration_that_python_does_not_write_is_refused(flavour: str) -> None:
    with pytest.raises(InvalidArgumentError, match="seconds is a huge number"):
        sent(flavour, "create", REQUIRED["create"] | {"seconds": HUGE})


@pytest.mark.parametrize("value", ["print", 7, object()])
def test_what_is_no_function_is_no_callback(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="pass a function"):
        callback("on_progress", value)
    assert callback("on_progress", None) is None
    assert callback("on_progress", print) is print
