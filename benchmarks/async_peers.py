"""The async clients, each with the same operations."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

from . import answers
from .blocking_peers import AUTHORIZATION, KEY, TIMEOUT_S, untouched

Operations = dict[str, Callable[..., Awaitable[object]]]
INTERVAL_MS: Final = 50
"""The pause of `create_and_poll` between two polls."""


def operations(peer: str, base_url: str) -> AbstractAsyncContextManager[Operations]:
    """Return the operations of a client while it is open."""
    return PEERS[peer](base_url)


def _polled(
    retrieve: Callable[[str], Awaitable[Any]], create: Callable[[], Awaitable[Any]]
) -> Callable[[], Awaitable[object]]:
    """Return the loop that is written with a client that has none."""

    async def create_and_poll() -> object:
        job = await create()
        while job["status"] not in {"completed", "failed"}:
            await asyncio.sleep(INTERVAL_MS / 1000)
            job = await retrieve(job["id"])
        return job

    return create_and_poll


@asynccontextmanager
async def _bare(httpx: Any, base_url: str) -> AsyncGenerator[Operations]:
    root, form = "/1/videos", {"content-type": answers.FORM_TYPE}
    async with httpx.AsyncClient(base_url=base_url, headers=AUTHORIZATION, timeout=TIMEOUT_S) as http:

        async def retrieve(id_: str = "video_0") -> Any:
            return json.loads((await http.get(f"{root}/{id_}")).content)

        async def create() -> Any:
            return json.loads((await http.post(root, content=answers.FORM, headers=form)).content)

        yield {"retrieve": retrieve, "create": create, "create_and_poll": _polled(retrieve, create)}


def _httpx(base_url: str) -> AbstractAsyncContextManager[Operations]:
    import httpx

    return _bare(httpx, base_url)


def _httpx2(base_url: str) -> AbstractAsyncContextManager[Operations]:
    import httpx2

    return _bare(httpx2, base_url)


@asynccontextmanager
async def _aiohttp(base_url: str) -> AsyncGenerator[Operations]:
    import aiohttp

    root, form = f"{base_url}/1/videos", {"content-type": answers.FORM_TYPE}
    async with aiohttp.ClientSession(headers=AUTHORIZATION) as session:

        async def retrieve(id_: str = "video_0") -> Any:
            async with session.get(f"{root}/{id_}") as response:
                return json.loads(await response.read())

        async def create() -> Any:
            async with session.post(root, data=answers.FORM, headers=form) as response:
                return json.loads(await response.read())

        yield {"retrieve": retrieve, "create": create, "create_and_poll": _polled(retrieve, create)}


def _sdk_operations(client: Any) -> Operations:
    videos = client.videos
    return {
        "retrieve": lambda: videos.retrieve("video_0"),
        "create": lambda: videos.create(**answers.FIELDS),
        "create_and_poll": lambda: videos.create_and_poll(**answers.FIELDS, poll_interval_ms=INTERVAL_MS),
    }


@asynccontextmanager
async def _openai(base_url: str) -> AsyncGenerator[Operations]:
    import openai

    warnings.simplefilter("ignore", DeprecationWarning)
    # With a thousand at once its own 5 s to connect are too short on a busy machine.
    async with openai.AsyncOpenAI(base_url=f"{base_url}/1", api_key=KEY, timeout=TIMEOUT_S) as client:
        yield _sdk_operations(client)


@asynccontextmanager
async def _untouched(base_url: str) -> AsyncGenerator[Operations]:
    import httpx

    models, client_module = untouched("models"), untouched("client")
    create_video, retrieve_video = untouched("api.videos.create_video"), untouched("api.videos.retrieve_video")

    client = client_module.AuthenticatedClient(f"{base_url}/1", token=KEY, timeout=httpx.Timeout(TIMEOUT_S))
    async with client:

        async def retrieve(id_: str = "video_0") -> Any:
            return await retrieve_video.asyncio(id_, client=client)

        async def create() -> Any:
            return await create_video.asyncio(client=client, body=models.CreateVideoForm(**answers.FIELDS))

        yield {"retrieve": retrieve, "create": create}


@asynccontextmanager
async def _ours(base_url: str) -> AsyncGenerator[Operations]:
    from openvideos import AsyncOpenVideos

    async with AsyncOpenVideos(base_url=f"{base_url}/1", api_key=KEY) as client:
        yield _sdk_operations(client)


@asynccontextmanager
async def _ours_on_aiohttp(base_url: str) -> AsyncGenerator[Operations]:
    import httpx_aiohttp

    from openvideos import AsyncOpenVideos

    async with (
        httpx_aiohttp.HttpxAiohttpClient() as http,
        AsyncOpenVideos(base_url=f"{base_url}/1", api_key=KEY, http_client=http) as client,
    ):
        yield _sdk_operations(client)


PEERS: Final[dict[str, Callable[[str], AbstractAsyncContextManager[Operations]]]] = {
    "httpx": _httpx,
    "httpx2": _httpx2,
    "aiohttp": _aiohttp,
    "openai": _openai,
    "untouched": _untouched,
    "ours": _ours,
    "ours-aiohttp": _ours_on_aiohttp,
}
