"""The blocking clients, each with the same operations: what an application would write with it, and no more."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from . import answers

KEY: Final = "sk-bench"
AUTHORIZATION: Final = {"authorization": f"Bearer {KEY}"}
MEMORY_URL: Final = "http://127.0.0.1:9"
JSON: Final = {"content-type": "application/json"}
Operations = dict[str, Callable[..., object]]
"""What a client does, by its name; each takes what its row says."""
TIMEOUT_S: Final = 120.0
"""For the clients whose own is seconds: with thousands of requests at once, some wait long for their connection."""


def untouched(module: str) -> Any:
    """Return a module of the client that the run has generated from the contract."""
    return import_module(f"untouched_client.{module}")


def operations(peer: str, base_url: str | None) -> Operations:
    """Return the operations of a client; without a URL, it gets its answers in memory."""
    return PEERS[peer](base_url)


def answer(method: str, path: str, query: dict[str, str]) -> bytes:
    """Return what the server would."""
    if method == "POST":
        return answers.video("job_1", "queued")
    return answers.page_of(query, answers.PAGE) if path.endswith("/videos") else answers.video("video_0")


def _in_memory(httpx: Any) -> Any:
    """Return a transport of httpx, or of httpx2, that answers in memory."""
    known: dict[tuple[str, str], bytes] = {}

    def respond(request: Any) -> Any:
        key = request.method, request.url.raw_path
        if key not in known:
            known[key] = answer(request.method, request.url.path, dict(request.url.params))
        return httpx.Response(200, content=known[key], headers=JSON)

    return httpx.MockTransport(respond)


def _bare(httpx: Any, base_url: str | None) -> Operations:
    transport = _in_memory(httpx) if base_url is None else None

    def construct() -> Any:
        root = base_url or MEMORY_URL
        return httpx.Client(base_url=root, transport=transport, headers=AUTHORIZATION, timeout=TIMEOUT_S)

    http = construct()

    def walk(jobs: int) -> int:
        after: dict[str, str] = {}
        count = 0
        while True:
            page = json.loads(http.get(f"/{jobs}/videos", params={"limit": answers.PAGE, **after}).content)
            count += len(page["data"])
            if not page["has_more"]:
                return count
            after = {"after": page["last_id"]}

    def create_file(path: str) -> Any:
        with Path(path).open("rb") as file:
            files = {"input_reference": ("cat.png", file, "image/png")}
            return json.loads(http.post("/1/videos", data=answers.FIELDS, files=files).content)

    form = {"content-type": answers.FORM_TYPE}
    return {
        "construct": construct,
        "retrieve": lambda: json.loads(http.get("/1/videos/video_0").content),
        "create": lambda: json.loads(http.post("/1/videos", content=answers.FORM, headers=form).content),
        "create_file": create_file,
        "list": lambda: json.loads(http.get("/100/videos", params={"limit": answers.PAGE}).content),
        "walk": walk,
    }


def _httpx(base_url: str | None) -> Operations:
    import httpx

    # The bytes of a page are read, and no more: what an object for each job costs is the difference.
    bytes_of_a_page = answers.page(0, answers.PAGE)
    return _bare(httpx, base_url) | {"decode": lambda: json.loads(bytes_of_a_page)}


def _httpx2(base_url: str | None) -> Operations:
    import httpx2

    return _bare(httpx2, base_url)


def _sdk_operations(construct: Callable[[int], Any]) -> Operations:
    """Return the operations of an SDK of this API: ours, and that which ours follows, have the same methods."""
    client, hundred = construct(1), construct(100)
    walking: dict[int, Any] = {}

    def walk(jobs: int) -> int:
        client = walking.setdefault(jobs, construct(jobs))
        return sum(1 for _ in client.videos.list(limit=answers.PAGE))

    def create_file(path: str) -> Any:
        with Path(path).open("rb") as file:
            return client.videos.create(**answers.FIELDS, input_reference=("cat.png", file, "image/png"))

    def touched() -> list[str]:
        return [video.id for video in hundred.videos.list(limit=answers.PAGE).data]

    return {
        "construct": lambda: construct(1),
        "retrieve": lambda: client.videos.retrieve("video_0"),
        "create": lambda: client.videos.create(**answers.FIELDS),
        "create_file": create_file,
        "list": touched,
        "walk": walk,
    }


def _openai(base_url: str | None) -> Operations:
    import httpx2
    import openai

    # It warns at each call that its videos are deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)

    def construct(jobs: int) -> Any:
        http = None if base_url else httpx2.Client(transport=_in_memory(httpx2))
        root = base_url or MEMORY_URL
        return openai.OpenAI(base_url=f"{root}/{jobs}", api_key=KEY, http_client=http)

    return _sdk_operations(construct)


def _ours(base_url: str | None) -> Operations:
    import httpx

    from openvideos import OpenVideos

    def construct(jobs: int) -> Any:
        http = None if base_url else httpx.Client(transport=_in_memory(httpx))
        root = base_url or MEMORY_URL
        return OpenVideos(base_url=f"{root}/{jobs}", api_key=KEY, http_client=http)

    return _sdk_operations(construct)


def _untouched(base_url: str | None) -> Operations:
    import httpx

    models, types, list_videos = untouched("models"), untouched("types"), untouched("api.videos.list_videos")
    create_video, retrieve_video = untouched("api.videos.create_video"), untouched("api.videos.retrieve_video")

    def construct(jobs: int) -> Any:
        root, given = (base_url, {}) if base_url else (MEMORY_URL, {"transport": _in_memory(httpx)})
        timeout = httpx.Timeout(TIMEOUT_S)
        return untouched("client").AuthenticatedClient(f"{root}/{jobs}", token=KEY, httpx_args=given, timeout=timeout)

    client, hundred = construct(1), construct(100)

    def pages(jobs: int) -> Iterator[Any]:
        client, after = construct(jobs), types.UNSET
        while True:
            page = list_videos.sync(client=client, limit=answers.PAGE, after=after)
            yield page
            if not page.has_more:
                return
            after = page.last_id

    def walk(jobs: int) -> int:
        return sum(len(page.data) for page in pages(jobs))

    def create_file(path: str) -> Any:
        with Path(path).open("rb") as file:
            reference = types.File(file, "cat.png", "image/png")
            form = models.CreateVideoForm(**answers.FIELDS, input_reference=reference)
            return create_video.sync(client=client, body=form)

    return {
        "construct": lambda: construct(1).get_httpx_client(),
        "retrieve": lambda: retrieve_video.sync("video_0", client=client),
        "create": lambda: create_video.sync(client=client, body=models.CreateVideoForm(**answers.FIELDS)),
        "create_file": create_file,
        "list": lambda: [each.id for each in list_videos.sync(client=hundred, limit=answers.PAGE).data],
        "walk": walk,
    }


PEERS: Final[dict[str, Callable[[str | None], Operations]]] = {
    "httpx": _httpx,
    "httpx2": _httpx2,
    "openai": _openai,
    "untouched": _untouched,
    "ours": _ours,
}
