"""The SDK gets through a job's life on servers that are known by their source and documents, one a row.

Each row of described.json has what a server answers: to a creation, to the reads that follow (`failed`: to those of a
job that fails), to a list, to a deletion, for a file that is there or not yet (`early`), and for an unknown id.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

import openvideos
from openvideos import OpenVideosError, VideoFailedError

from .replay import CLIP, HERE, client, response

pytestmark = pytest.mark.anyio

SERVERS: Final[dict[str, Any]] = json.loads(HERE.joinpath("described.json").read_text("utf-8"))


class Described:
    """A server that responds as its row says, the job done at its last read."""

    def __init__(self, row: dict[str, Any], *, fails: bool = False) -> None:
        self.row = row
        self.id: str = row.get("id", "video_1")
        self.reads = [row["failed"]] if fails else list(row.get("reads", []))
        self.requests: list[httpx.Request] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host != "wire.test":
            return httpx.Response(200, headers={"content-type": "video/mp4"}, content=CLIP)
        return response(self._answer(request.method, request.url.path.removeprefix("/v1/videos")))

    def _answer(self, method: str, path: str) -> dict[str, Any]:
        responses: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
            ("POST", ""): lambda: self.row["create"],
            ("GET", ""): lambda: self.row["list"],
            ("DELETE", f"/{self.id}"): lambda: self.row["delete"],
            ("GET", f"/{self.id}"): lambda: self.reads.pop(0) if len(self.reads) > 1 else self.reads[0],
            ("GET", f"/{self.id}/content"): lambda: self.row["early" if len(self.reads) > 1 else "file"],
            ("GET", "/nobody"): lambda: self.row["unknown"],
        }
        server_response: dict[str, Any] = responses[method, path]()
        return server_response


def rows_with(*keys: str) -> pytest.MarkDecorator:
    """Run a test with each server whose row has these keys."""
    names = [name for name, row in SERVERS.items() if set(keys) <= {*row, *row["expect"]}]
    return pytest.mark.parametrize("name", names)


def kind(name: str) -> type[OpenVideosError]:
    found: type[OpenVideosError] = getattr(openvideos, name)
    return found


@rows_with("reads", "file")
async def test_a_job_is_followed_to_its_file(name: str, flavour: str, tmp_path: Path) -> None:
    server = Described(SERVERS[name])
    expected = server.row["expect"]
    async with client(flavour, server) as sdk:
        video = await sdk.call("create", prompt="a cat")
        assert server.row["create"]["json"]["status"] == video.status
        if "early" in expected:
            assert isinstance(await sdk.fails("download_content", video.id), kind(expected["early"]))
        video = await sdk.call("poll", video.id)
        assert ("completed", server.id) == (video.status, video.id)
        last = server.row["reads"][-1]["json"]
        assert last == {
            **last,
            **{key: value for key, value in video.to_dict().items() if key not in {"status", "server_status"}},
        }
        if "word" in expected:
            assert expected["word"] == video["server_status"]
        if "file" in expected:
            assert isinstance(await sdk.fails("download", video.id, tmp_path / "clip.mp4"), kind(expected["file"]))
        else:
            assert CLIP == (await sdk.call("download", video.id, tmp_path / "clip.mp4")).read_bytes()
    assert not any("variant" in request.url.params for request in server.requests), "some servers know none"
    elsewhere = [request for request in server.requests if request.url.host != "wire.test"]
    assert not any("authorization" in request.headers for request in elsewhere)
    assert bool(elsewhere) == (name == "AISIX")


@rows_with("failed")
async def test_a_failed_job_reports_why(name: str, flavour: str) -> None:
    server = Described(SERVERS[name], fails=True)
    expected = server.row["expect"]
    async with client(flavour, server) as sdk:
        video = await sdk.call("create_and_poll", prompt="a cat")
        assert "failed" == video.status
        error = video.error and [video.error.code, video.error.message]
        assert expected["error"] == error
        failure = await sdk.fails("poll", server.id, raise_on_failure=True)
        assert isinstance(failure, VideoFailedError)
        assert (expected["error"] or ["", "no reason"])[1] in str(failure)
    if "failed word" in expected:
        assert expected["failed word"] == video["server_status"]


@rows_with("list", "reads")
async def test_a_list_is_walked_or_refused(name: str, flavour: str) -> None:
    server = Described(SERVERS[name])
    expected = server.row["expect"]["list"]
    async with client(flavour, server) as sdk:
        if isinstance(expected, str):
            assert isinstance(await sdk.fails("list"), kind(expected))
        else:
            page = await sdk.call("list")
            assert expected == [video.id for video in page.data]
            # A page without has_more may have a next one, and a server without paging sends the same again.
            if page.has_next_page():
                assert "has_more" not in server.row["list"]["json"]
                following = page.get_next_page()
                page = await following if inspect.isawaitable(following) else following
                assert ([], False) == (page.data, page.has_next_page())


@rows_with("delete", "reads")
async def test_a_deletion_is_confirmed_or_refused(name: str, flavour: str) -> None:
    server = Described(SERVERS[name])
    expected = server.row["expect"].get("delete", True)
    async with client(flavour, server) as sdk:
        if isinstance(expected, str):
            error = await sdk.fails("delete", server.id)
            assert isinstance(error, kind(expected))
            assert server.id == error.video_id
        else:
            result = await sdk.call("delete", server.id)
            assert (server.id, True) == (result.id, result.deleted)


@rows_with("unknown")
async def test_an_unknown_id_is_an_error_that_says_so(name: str, flavour: str) -> None:
    server = Described(SERVERS[name])
    expected = server.row["expect"]
    async with client(flavour, server) as sdk:
        for method in ("retrieve", "poll"):
            error = await sdk.fails(method, "nobody")
            assert isinstance(error, kind(expected["unknown"]))
            assert expected["says"] in str(error)


async def test_a_refused_creation_says_why(flavour: str) -> None:
    server = Described(SERVERS["SGLang, a refused request"])
    async with client(flavour, server) as sdk:
        error = await sdk.fails("create_and_poll", prompt="a cat")
    assert isinstance(error, kind(server.row["expect"]["create"]))
    assert server.row["expect"]["says"] in str(error)
    assert 1 == len(server.requests)
