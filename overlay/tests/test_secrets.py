"""No key is ever in a repr, a log, a message or an exception; a request cannot be bent by what it carries."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import pickle
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import (
    APIConnectionError,
    APIStatusError,
    AsyncOpenVideos,
    ConfigurationError,
    InvalidArgumentError,
    OpenVideos,
    OpenVideosError,
)
from openvideos._secrets import REDACTED, is_secret_name, scrub

from .faults.clients import check_promises, reachable_texts

KEY = "sk-very-secret-0123456789"


def client_of(handler: Any, **options: Any) -> OpenVideos:
    http = httpx.Client(transport=httpx.MockTransport(handler))
    arguments: dict[str, Any] = {"base_url": "http://server.test/v1", "api_key": KEY, "http_client": http}
    return OpenVideos(**{**arguments, **options})


def revealing(thing: object, key: str) -> list[str]:
    """Return the texts that a thing leads to and that hold a key, as they are or decoded as JSON and URLs are."""
    texts = reachable_texts(thing) + reachable_texts(pickle.dumps(thing))
    return [text for text in texts if any(key in read for read in _readings(text))]


def _readings(text: str) -> list[str]:
    plain = re.sub(r'\\u([0-9a-fA-F]{4})|\\(["\\/])', lambda found: found[2] or chr(int(found[1], 16)), text)
    readings = [text, plain, unquote(text), unquote(plain)]
    with contextlib.suppress(ValueError):
        inner = reachable_texts(json.loads(text.encode("latin-1")))
        readings += [*inner, *map(unquote, inner)]
    with contextlib.suppress(ValueError):
        readings.append(text.encode("latin-1").decode("utf-16"))
    return readings


class StrangeError(OSError):
    """An error of another transport, which wants more than a text, and shows more than that."""

    def __init__(self, *, peer: str) -> None:
        super().__init__()
        self.peer = peer

    def __str__(self) -> str:
        return f"the peer {self.peer} is gone"


CAUSES: list[Exception] = [
    httpx.ReadError(f"broken near {KEY}"),
    httpx.ConnectTimeout("late"),
    httpx.TooManyRedirects("in a circle"),
    httpx.UnsupportedProtocol("none such"),
    ConnectionRefusedError(111, f"refused by {KEY}"),
    FileNotFoundError(2, "No such file", f"/{KEY}.pem"),
    OSError(f"no number {KEY}"),
    ValueError({"a": KEY}),
    UnicodeDecodeError("ascii", KEY.encode() + b"\xff", 25, 26, "bad"),
    StrangeError(peer=KEY),
    httpx.HTTPStatusError(
        f"status {KEY}",
        request=httpx.Request("GET", "http://server.test", headers={"authorization": KEY}),
        response=httpx.Response(500, text=KEY),
    ),
]


class TestKeys:
    def test_are_not_shown_by_a_client(self) -> None:
        for kind in (OpenVideos, AsyncOpenVideos):
            client = kind(base_url="http://server.test/v1", api_key=KEY, webhook_secret=KEY)
            for thing in (client, client._session, client._session.settings, client.videos, client.webhooks):
                assert KEY not in f"{thing!r}{thing}"

    @pytest.mark.parametrize("status", [400, 401, 404, 500])
    def test_are_not_in_an_error_even_if_the_server_echoes_them(self, status: int) -> None:
        def handler(request: httpx.Request) -> httpx.Response:
            body = {"error": {"message": f"Wrong key {KEY}", "type": KEY, "param": None, "code": KEY}, KEY: [KEY]}
            headers = {"x-request-id": f"req-{KEY}", "set-cookie": f"a={KEY}", "x-echo": KEY}
            return httpx.Response(status, json=body, headers=headers)

        client = client_of(handler, default_query={"api_key": KEY}, default_headers={"X-Api-Key": KEY}, max_retries=0)
        with pytest.raises(APIStatusError) as caught:
            client.videos.retrieve("video_1")
        check_promises(caught.value, KEY)
        assert REDACTED in str(caught.value)

    def test_are_not_in_an_error_about_a_body(self) -> None:
        for content in (f"<html>{KEY}</html>".encode(), b'{"id": "' + KEY.encode() + b'"}', KEY.encode()):
            with pytest.raises(OpenVideosError) as caught:
                client_of(lambda request, content=content: httpx.Response(200, content=content)).videos.retrieve("v")
            check_promises(caught.value, KEY)

    def test_are_not_in_an_error_about_a_path(self) -> None:
        with pytest.raises(OpenVideosError) as caught:
            client_of(lambda request: httpx.Response(404, json={})).videos.delete(f"id-{KEY}")
        assert KEY not in f"{caught.value}{vars(caught.value)['request'].url}"

    @pytest.mark.parametrize("error", CAUSES, ids=lambda error: type(error).__name__)
    @pytest.mark.parametrize("streamed", [False, True])
    def test_are_not_in_an_error_about_a_connection(self, error: Exception, *, streamed: bool) -> None:
        """What the causes tell is kept, and what they carry is not."""
        text = str(error)

        def body() -> Iterator[bytes]:
            yield b"{"
            raise error from RuntimeError(f"deeper {KEY}")

        def handler(request: httpx.Request) -> httpx.Response:
            if isinstance(error, httpx.HTTPError):
                error.request = request
            vars(error)["headers"] = request.headers
            if streamed:
                return httpx.Response(200, content=body())
            raise error from RuntimeError(f"deeper {KEY}")

        client = client_of(handler, default_query={"sig": KEY[::-1]}, max_retries=0)
        with pytest.raises(APIConnectionError) as caught, ExitStack() as stack:
            stack.enter_context(client.videos.with_streaming_response.retrieve("video_1")).read()
        for secret in (KEY, KEY[::-1]):
            check_promises(caught.value, secret)
            assert [] == revealing(caught.value, secret)
        cause = caught.value.__cause__
        assert cause is not None
        assert text.replace(KEY, REDACTED) in str(cause)
        assert "deeper [redacted]" == str(cause.__cause__)
        assert cause.__traceback__ is error.__traceback__ is not None
        if type(error).__str__ in {Exception.__str__, OSError.__str__} and not isinstance(error, UnicodeError):
            assert type(error) is type(cause)

    def test_are_not_in_causes_that_come_in_groups_and_circles(self) -> None:
        def handler(request: httpx.Request) -> httpx.Response:
            refused, late = ConnectionRefusedError(111, f"refused {KEY}"), TimeoutError("late")
            group = ExceptionGroup(f"all failed {KEY}", [refused, late])
            late.__context__ = group.__context__ = error = httpx.ConnectError("no", request=request)
            raise error from group

        with pytest.raises(APIConnectionError) as caught:
            client_of(handler, max_retries=0).videos.retrieve("video_1")
        check_promises(caught.value, KEY)
        cause = caught.value.__cause__
        assert isinstance(cause, httpx.ConnectError)
        assert "[redacted]" == cause.request.headers["authorization"]
        group = cause.__cause__
        assert isinstance(group, ExceptionGroup)
        assert ["[Errno 111] refused [redacted]", "late"] == [str(each) for each in group.exceptions]
        assert "all failed [redacted]" == group.message
        assert group.__cause__ is None

    def test_are_not_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, logger="openvideos")
        responses = iter([500, 500, 200])
        video = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "odd"}
        client = client_of(lambda request: httpx.Response(next(responses), json=video, headers={"retry-after-ms": "0"}))
        client.videos.retrieve("video_1")
        assert caplog.records
        assert KEY not in caplog.text


printable = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
# No other text has a tilde.
keys = st.text(printable, min_size=5, max_size=20).map(lambda text: f"~{text}")


@st.composite
def spellings(draw: st.DrawFn, key: str) -> str:
    """Write a key in one of the ways in which JSON and URLs can have it."""

    def either(digits: str) -> str:
        return "".join(draw(st.sampled_from([digit, digit.upper()])) for digit in digits)

    written = ""
    for character in key:
        code = ord(character)
        ways = [f"\\u{either(f'{code:04x}')}", f"%{either(f'{code:02x}')}"]
        ways += [f"\\{character}"] if character in '"\\/' else [character]
        written += draw(st.sampled_from(ways))
    return written


class TestSpellings:
    """Whatever way a server writes the key that it echoes, no error leads to it."""

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-le", "cp037"])
    @given(st.data())
    def test_are_known(self, encoding: str, data: st.DataObject) -> None:
        key = data.draw(keys)
        echo = data.draw(spellings(key))
        json_text = f'{{"error": {{"message": "x {echo} y", "code": ["{echo}"]}}, "{echo}": 1}}'
        text = data.draw(st.sampled_from([json_text, f"<p>{echo}</p>", f"{json_text}{{"]))
        status, split = data.draw(st.sampled_from([200, 403, 500])), data.draw(st.booleans())

        def handler(_: httpx.Request) -> httpx.Response:
            headers = [
                (b"content-type", f"text/json; charset={encoding}".encode()),
                (b"location", f"http://x.test/{quote(echo)}?a={echo}".encode()),
                (b"x-echo", echo.encode()),
                (key.encode(), b"named"),
            ]
            content = text.encode(encoding)
            return httpx.Response(status, content=iter([content]) if split else content, headers=headers)

        with pytest.raises(OpenVideosError) as caught:
            client_of(handler, api_key=key, max_retries=0).videos.retrieve("video_1")
        response: httpx.Response = vars(caught.value)["response"]
        shown = [response.text, caught.value, vars(caught.value)["body"]]
        assert [] == [found for thing in shown for found in revealing(thing, key)]
        with contextlib.suppress(ValueError):
            assert [] == revealing(response.json(), key)

    def test_that_are_nested_are_known(self) -> None:
        """Gateways quote the JSON of the server behind them in JSON of their own."""
        key = 'sk-"a\\/b'
        inner = json.dumps({"error": key}).replace("/", "\\/")
        body = json.dumps({"error": {"message": json.dumps({"upstream": inner})}})
        with pytest.raises(APIStatusError) as caught:
            client_of(lambda request: httpx.Response(400, text=body), api_key=key).videos.retrieve("video_1")
        message = json.loads(json.loads(caught.value.response.json()["error"]["message"])["upstream"])
        assert {"error": REDACTED} == message

    @pytest.mark.parametrize("twice", [quote(quote("sk/a+b c=d", safe=""), safe=""), "sk%252fa%252Bb%2520c%253Dd"])
    def test_that_are_quoted_again_are_known(self, twice: str) -> None:
        with pytest.raises(APIStatusError) as caught:
            client_of(
                lambda request: httpx.Response(400, text=f"/login?next={twice}&b"),
                default_headers={"X-Api-Key": "sk/a+b c=d"},
            ).videos.retrieve("video_1")
        assert "/login?next=[redacted]&b" == caught.value.response.text

    def test_of_json_that_names_no_encoding_are_known(self) -> None:
        with pytest.raises(APIStatusError) as caught:
            client_of(lambda request: httpx.Response(400, content=json.dumps([KEY]).encode("utf-16"))).videos.retrieve(
                "v"
            )
        assert [REDACTED] == caught.value.response.json()

    def test_of_one_that_contains_another_are_known(self) -> None:
        with pytest.raises(APIStatusError) as caught:
            client_of(
                lambda request: httpx.Response(400, text=f"{KEY}-more {KEY}"),
                default_headers={"X-Api-Key": f"{KEY}-more", "X-Token": KEY[3:]},
            ).videos.retrieve("video_1")
        assert "[redacted] [redacted]" == caught.value.response.text

    @pytest.mark.parametrize("charset", ["rot13", "undefined", "nonsense", "punycode", "unicode_escape"])
    def test_in_what_is_no_text_raise_nothing_else(self, charset: str) -> None:
        headers = {"content-type": f"text/plain; charset={charset}"}
        with pytest.raises(APIStatusError):
            client_of(lambda request: httpx.Response(400, content=rb"\x73\q", headers=headers)).videos.retrieve("v")


class TestParameters:
    """An address that is signed is as good as a key."""

    @pytest.mark.parametrize(
        "name", ["sig", "signature", "token", "X-Amz-Signature", "X-Goog-Signature", "access_token", "api_key", "key"]
    )
    def test_of_signed_addresses_are_not_shown(self, name: str) -> None:
        signed = f"https://files.test/a.mp4?expires=1&{name}={KEY}&x=1"

        def handler(request: httpx.Request) -> httpx.Response:
            if request.url.host == "server.test":
                return httpx.Response(302, headers={"location": signed})
            return httpx.Response(403, text=f"<SignatureProvided>{KEY}</SignatureProvided>")

        client = client_of(handler, api_key="another-key", max_retries=0)
        with pytest.raises(APIStatusError) as caught:
            client.videos.download_content("video_1")
        assert [] == revealing(caught.value, KEY)
        assert ("1", "1") == (caught.value.response.url.params["expires"], caught.value.response.url.params["x"])

    def test_of_an_address_that_is_not_followed_are_not_shown(self) -> None:
        to = f"https://other.test/v1/videos?expires=1&token={KEY}"
        with pytest.raises(APIStatusError) as caught:
            client_of(
                lambda request: httpx.Response(307, headers={"location": to}), api_key="another-key"
            ).videos.create(prompt="x")
        assert [] == revealing(caught.value, KEY)
        location: str = caught.value.response.headers["location"]
        assert "https://other.test/v1/videos?expires=1&token=[redacted]" == location

    def test_of_the_client_are_not_shown_if_they_are_echoed(self) -> None:
        def handler(request: httpx.Request) -> httpx.Response:
            return httpx.Response(400, text=f"{request.url} {request.headers['cookie']} {KEY} {KEY[::-1]}")

        cookies = {"Cookie": f"a={KEY}; b={KEY[::-1]}"}
        with pytest.raises(APIStatusError) as caught:
            client_of(handler, api_key=None, default_headers=cookies, default_query={"token": KEY}).videos.retrieve("v")
        assert [] == revealing(caught.value, KEY) + revealing(caught.value, KEY[::-1])

    def test_and_hosts_that_are_the_key_are_not_shown(self) -> None:
        def handler(request: httpx.Request) -> httpx.Response:
            return httpx.Response(
                404 if request.url.host != "server.test" else 302, headers={"location": f"http://{KEY}"}
            )

        with pytest.raises(APIStatusError) as caught:
            client_of(handler).videos.download_content("video_1")
        assert [] == revealing(caught.value, KEY)


def test_a_webhook_secret_is_in_no_error() -> None:
    client = OpenVideos(base_url="http://server.test/v1", webhook_secret=f"{KEY}\xe9")
    with pytest.raises(ConfigurationError) as caught:
        client.webhooks.unwrap("{}", {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,a"})
    assert [] == revealing(caught.value, KEY)


def test_a_parameter_that_is_no_text_is_in_no_error() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        client_of(httpx.Response, default_query={"token": f"{KEY}\udc00"}).videos.retrieve("video_1")
    assert [] == revealing(caught.value, KEY)


class TestRedirects:
    def test_to_another_origin_lose_the_key(self) -> None:
        seen: dict[str, str | None] = {}

        def handler(request: httpx.Request) -> httpx.Response:
            seen[request.url.host] = request.headers.get("authorization")
            if request.url.host == "server.test":
                return httpx.Response(302, headers={"location": "http://files.test/video.mp4"})
            return httpx.Response(200, content=b"film")

        assert b"film" == client_of(handler).videos.download_content("video_1").content
        assert {"server.test": f"Bearer {KEY}", "files.test": None} == seen

    @pytest.mark.parametrize(
        ("start", "to", "kept"),
        [
            ("http://server.test", "https://server.test", True),
            ("http://server.test:80", "https://SERVER.test:443", True),
            ("https://server.test", "http://server.test", False),
            ("http://server.test:8080", "https://server.test", False),
            ("http://server.test", "https://server.test:8443", False),
            ("http://server.test", "https://www.server.test", False),
            ("http://server.test:443", "https://server.test", False),
        ],
    )
    @pytest.mark.parametrize("flavour", ["sync", "async"])
    def test_to_https_on_the_same_host_keep_it(self, start: str, to: str, flavour: str, *, kept: bool) -> None:
        seen: list[httpx.Headers] = []

        def handler(request: httpx.Request) -> httpx.Response:
            seen.append(request.headers)
            if 1 == len(seen):
                return httpx.Response(308, headers={"location": f"{to}/v1/videos/video_1/content"})
            return httpx.Response(200, content=b"film")

        options: dict[str, Any] = {"base_url": f"{start}/v1", "default_headers": {"X-Api-Key": f"{KEY}-2"}}
        if flavour == "sync":
            client_of(handler, **options).videos.download_content("video_1")
        else:
            http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
            client: Any = AsyncOpenVideos(api_key=KEY, http_client=http, **options)
            asyncio.run(client.videos.download_content("video_1"))
        last = seen[-1]
        expected = (f"Bearer {KEY}", f"{KEY}-2") if kept else (None, None)
        assert expected == (last.get("authorization"), last.get("x-api-key"))

    def test_of_a_post_are_not_followed(self) -> None:
        requests: list[httpx.Request] = []

        def handler(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return httpx.Response(307, headers={"location": "http://other.test/v1/videos"})

        with pytest.raises(APIStatusError, match="base URL"):
            client_of(handler).videos.create(prompt="x")
        assert 1 == len(requests)


class TestIds:
    @given(st.text(min_size=1, alphabet=st.characters(codec="utf-8")).filter(str.strip))
    def test_name_one_segment_of_the_path(self, video_id: str) -> None:
        """Whatever an id holds, it is one segment between `/videos/` and `/content`, or it is refused."""
        paths: list[bytes] = []

        def handler(request: httpx.Request) -> httpx.Response:
            paths.append(request.url.raw_path)
            return httpx.Response(200, content=b"film")

        try:
            client_of(handler).videos.download_content(video_id)
        except OpenVideosError:
            assert video_id in {".", ".."} or len(video_id) > 5000
            return
        [path] = paths
        assert path.startswith(b"/v1/videos/")
        assert path.endswith(b"/content")
        assert 4 == path.count(b"/")
        assert b"?" not in path
        assert httpx.URL("http://h" + path.decode()).path.removeprefix("/v1/videos/") == f"{video_id}/content"


def test_names_of_secrets_are_known() -> None:
    for name in (
        "Authorization",
        "X-API-Key",
        "api_key",
        "api-key",
        "key",
        "X-Auth-Token",
        "Cookie",
        "client_secret",
        "sig",
        "signature",
        "token",
        "X-Amz-Signature",
        "jwt",
        "auth",
    ):
        assert is_secret_name(name), name
    for name in ("Idempotency-Key", "Content-Type", "x-request-id", "monkey", "limit", "author", "design", "assign"):
        assert not is_secret_name(name), name


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_scrubbing_changes_nothing_but_secrets(value: Any) -> None:
    assert value == scrub(value, ("sk-not-in-any-text-0123",))
