"""No key is ever in a repr, a log, a message or an exception; a request cannot be bent by what it carries."""

from __future__ import annotations

import logging
import pickle
import traceback
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos import APIStatusError, AsyncOpenVideos, OpenVideos, OpenVideosError
from openvideos._secrets import REDACTED, is_secret_name, scrub

KEY = "sk-very-secret-0123456789"


def client_of(handler: Any, **options: Any) -> OpenVideos:
    http = httpx.Client(transport=httpx.MockTransport(handler))
    arguments: dict[str, Any] = {"base_url": "http://server.test/v1", "api_key": KEY, "http_client": http}
    return OpenVideos(**{**arguments, **options})


def everything(error: BaseException) -> str:
    """Return all text that an exception shows or carries."""
    parts = ["".join(traceback.format_exception(error)), str(vars(error)), repr(error)]
    request, response = getattr(error, "request", None), getattr(error, "response", None)
    for carried in (request, response, getattr(response, "request", None)):
        if carried is not None:
            parts += [repr(carried), str(carried.url), str(carried.headers.multi_items())]
    if response is not None:
        parts += [response.text, str(response.history)]
    parts.append(pickle.dumps(error).decode("latin-1"))
    return "\n".join(parts)


class TestKeys:
    def test_are_not_shown_by_a_client(self) -> None:
        for kind in (OpenVideos, AsyncOpenVideos):
            client = kind(base_url=f"http://user:{KEY}@server.test/v1", api_key=KEY, webhook_secret=KEY)
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
        assert KEY not in everything(caught.value)
        assert REDACTED in str(caught.value)

    def test_are_not_in_an_error_about_a_body(self) -> None:
        for content in (f"<html>{KEY}</html>".encode(), b'{"id": "' + KEY.encode() + b'"}', KEY.encode()):
            with pytest.raises(OpenVideosError) as caught:
                client_of(lambda request, content=content: httpx.Response(200, content=content)).videos.retrieve("v")
            assert KEY not in everything(caught.value)

    def test_are_not_in_an_error_about_a_path(self) -> None:
        with pytest.raises(OpenVideosError) as caught:
            client_of(lambda request: httpx.Response(404, json={})).videos.delete(f"id-{KEY}")
        assert KEY not in f"{caught.value}{vars(caught.value)['request'].url}"

    def test_are_not_in_an_error_about_a_connection(self) -> None:
        def handler(request: httpx.Request) -> httpx.Response:
            raise httpx.ReadError(f"broken near {KEY}", request=request)

        client = client_of(handler, base_url=f"http://me:{KEY}@server.test/v1", max_retries=0)
        with pytest.raises(OpenVideosError) as caught:
            client.videos.retrieve("video_1")
        shown = f"{caught.value}{caught.value!r}{vars(caught.value)}"
        assert KEY not in shown
        assert KEY not in pickle.dumps(caught.value).decode("latin-1")

    def test_are_not_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, logger="openvideos")
        responses = iter([500, 500, 200])
        video = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "odd"}
        client = client_of(lambda request: httpx.Response(next(responses), json=video, headers={"retry-after-ms": "0"}))
        client.videos.retrieve("video_1")
        assert caplog.records
        assert KEY not in caplog.text


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
    for name in ("Authorization", "X-API-Key", "api_key", "api-key", "key", "X-Auth-Token", "Cookie", "client_secret"):
        assert is_secret_name(name), name
    for name in ("Idempotency-Key", "Content-Type", "x-request-id", "monkey", "limit"):
        assert not is_secret_name(name), name


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_scrubbing_changes_nothing_but_secrets(value: Any) -> None:
    assert value == scrub(value, ("sk-not-in-any-text-0123",))
