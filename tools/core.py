"""Use the SDK with only its own dependencies installed; fail if another distribution is installed, or is needed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib.metadata import distributions

import httpx

from openvideos import AsyncOpenVideos, ConfigurationError, OpenVideos, sign

# The dependencies of httpx.
ALLOWED = {
    "anyio",
    "attrs",
    "certifi",
    "h11",
    "httpcore",
    "httpx",
    "idna",
    "openvideos",
    "sniffio",
    "typing-extensions",
}
VIDEO = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "completed"}


def respond(_: httpx.Request) -> httpx.Response:
    """Respond to every request with a completed job."""
    return httpx.Response(200, json=VIDEO)


async def retrieve() -> str:
    """Retrieve a video with the async client."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    async with AsyncOpenVideos(base_url="http://server.test/v1", http_client=http) as client:
        return (await client.videos.poll("video_1")).id


def main() -> None:
    """Run the check."""
    installed = {distribution.name.lower().replace("_", "-") for distribution in distributions()}
    if extra := installed - ALLOWED:
        raise SystemExit(f"This environment holds more than the core: {', '.join(sorted(extra))}.")
    command = subprocess.run([sys.executable, "-m", "openvideos"], capture_output=True, text=True, check=False)
    if (command.returncode, len(command.stderr.splitlines())) != (2, 1) or ".[cli]" not in command.stderr:
        raise SystemExit(f"Without its extra, the command says: {command.stderr}")
    http = httpx.Client(transport=httpx.MockTransport(respond))
    with OpenVideos(base_url="http://server.test/v1", http_client=http) as client:
        found = [client.videos.create_and_poll(prompt="x").id, asyncio.run(retrieve())]
    if found != ["video_1", "video_1"]:
        raise SystemExit(f"The SDK returned {found}.")
    try:
        sign("x", secret="whsec_eA==")  # noqa: S106 - no secret: it signs nothing
    except ConfigurationError as error:
        print(f"The core works alone. {error}")
    else:
        raise SystemExit("Webhooks work without their extra, so something else is installed.")


if __name__ == "__main__":
    main()
