"""The SDK gets through a job's life on servers that are known by their source and documents, one a row.

Each row of described.json has what a server answers: to a creation, to the reads that follow (`failed`: to those of a
job that fails), to a list, to a deletion, for a file that is there or not yet (`early`), and for an unknown id. Where
it is known: for a variant (`variants`), for a file that is still written (`halves`), and whether a list of several
pages can be walked (`walks`).
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
from openvideos import DownloadError, OpenVideosError, VideoFailedError

from ..faults.calls import files_in
from .replay import CLIP, HERE, client, response

pytestmark = pytest.mark.anyio

SERVERS: Final[dict[str, Any]] = json.loads(HERE.joinpath("described.json").read_text("utf-8"))


class Described:
    """A server that responds as its row says, the job done at its last read."""

    def __init__(self, row: dict[str, Any], *, fails: bool = False) -> None:
        self.row = row
        self.id: str = row.get("id", "video_1")
        self.reads = [row["failed"]] if fails else list(row.get("reads", []))
        self.early = [row["early"]] if "early" in row else []
        self.requests: list[httpx.Request] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host != "wire.test":
            return httpx.Response(200, headers={"content-type": "video/mp4"}, content=CLIP)
        if "limit" in request.url.params:
            return response(self._page(**request.url.params))
        if "variant" in request.url.params and len(self.reads) == 1:
            return response(self.row["variants"])
        return response(self._answer(request.method, request.url.path.removeprefix("/v1/videos")))

    def _page(self, limit: str, after: str | None = None) -> dict[str, Any]:
        """Return a page of a list of five, with the keys that the server's pages have."""
        listed = self.row["list"]["json"]
        ids = [f"video_{number}" for number in range(5)]
        start = 0 if after is None else ids.index(after) + 1
        data = [{**listed["data"][0], "id": name} for name in ids[start : start + int(limit)]]
        paging = {"first_id": data[0]["id"], "last_id": data[-1]["id"], "has_more": data[-1]["id"] != ids[-1]}
        paging = {key: value for key, value in paging.items() if key in listed}
        return {"status": 200, "json": {**listed, "data": data, **paging}}

    def _answer(self, method: str, path: str) -> dict[str, Any]:
        responses: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
            ("POST", ""): lambda: self.row["create"],
            ("GET", ""): lambda: self.row["list"],
            ("DELETE", f"/{self.id}"): lambda: self.row["delete"],
            ("GET", f"/{self.id}"): lambda: self.reads.pop(0) if len(self.reads) > 1 else self.reads[0],
            ("GET", f"/{self.id}/content"): self._file,
            ("GET", "/nobody"): lambda: self.row["unknown"],
        }
        server_response: dict[str, Any] = responses[method, path]()
        return server_response

    def _file(self) -> dict[str, Any]:
        if len(self.reads) == 1:
            file: dict[str, Any] = self.row["file"]
            return file
        early: dict[str, Any] = self.early.pop(0) if len(self.early) > 1 else self.early[0]
        return early


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


@rows_with("variants")
async def test_a_variant_is_refused_or_is_the_one_that_was_asked_for(name: str, flavour: str, tmp_path: Path) -> None:
    server = Described(SERVERS[name])
    server.reads = server.reads[-1:]
    expected: dict[str, str | None] = server.row["expect"]["variants"]
    async with client(flavour, server) as sdk:
        for variant, refused in expected.items():
            for method, to in (("download", {"to": tmp_path / variant}), ("download_content", {})):
                if refused is None:
                    result = await sdk.call(method, server.id, variant=variant, **to)
                    assert CLIP == (result.read_bytes() if to else result.content)
                else:
                    error = await sdk.fails(method, server.id, variant=variant, **to)
                    assert isinstance(error, kind(refused))
                    assert server.id == error.video_id
    assert [variant for variant, refused in expected.items() if refused is None] == files_in(tmp_path)


@rows_with("halves")
async def test_a_file_that_is_still_written_is_not_saved(name: str, flavour: str, tmp_path: Path) -> None:
    server = Described(SERVERS[name])
    halves = server.row["halves"]
    server.early = [*server.early, *halves]
    server.reads = [*server.reads[:1] * len(halves), *server.reads]
    async with client(flavour, server) as sdk:
        assert isinstance(await sdk.fails("download", server.id, tmp_path / "clip.mp4"), kind("NotFoundError"))
        for half in halves:
            error = await sdk.fails("download", server.id, tmp_path / "clip.mp4")
            assert isinstance(error, DownloadError)
            assert f"is 'queued', and the {half['length']} bytes that the server sent are not its whole" in str(error)
            assert [] == files_in(tmp_path)
        assert "completed" == (await sdk.call("poll", server.id)).status
        assert CLIP == (await sdk.call("download", server.id, tmp_path / "clip.mp4")).read_bytes()


@rows_with("walks")
async def test_a_list_of_several_pages_is_walked_to_its_end(name: str, flavour: str) -> None:
    server = Described(SERVERS[name])
    async with client(flavour, server) as sdk:
        page = await sdk.call("list", limit=2)
        found = [video.id for video in page] if flavour == "sync" else [video.id async for video in page]
    assert [f"video_{number}" for number in range(5)] == found


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
