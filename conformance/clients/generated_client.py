"""Use the client that openapi-python-client generates from openapi.yaml, as an application would.

The argument is the package's directory. Polling and the walk over pages are the application's own: the client has
neither.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Any

DIRECTORY = Path(sys.argv[1])
PACKAGE = DIRECTORY.name
PAUSE_S = 0.4


def main() -> None:
    """Make a video, download it, remix it, list all, delete."""
    sys.path.insert(0, str(DIRECTORY.parent))
    prompt, size, seconds = (os.environ[f"OPENVIDEOS_{name}"] for name in ("PROMPT", "SIZE", "SECONDS"))
    models: Any = import_module(f"{PACKAGE}.models")
    kind: Any = import_module(PACKAGE).AuthenticatedClient
    output = Path(os.environ["OPENVIDEOS_OUTPUT"])
    with kind(base_url=os.environ["OPENVIDEOS_BASE_URL"], token=os.environ["OPENVIDEOS_API_KEY"]) as client:
        reference = os.environ.get("OPENVIDEOS_INPUT_REFERENCE")
        body = models.CreateVideoForm(prompt, size=size, seconds=seconds)
        if reference:
            file: Any = import_module(f"{PACKAGE}.types").File
            picture = Path(reference)
            body.input_reference = file(io.BytesIO(picture.read_bytes()), picture.name, "image/png")
        video = ended(client, call("create_video", client, body=body))
        (output / "video.json").write_text(json.dumps(video.to_dict()), encoding="utf-8")
        content = endpoint("download_video_content").sync_detailed(video.id, client=client)
        if content.status_code != HTTPStatus.OK:
            raise SystemExit(f"the download returned {content.status_code}")
        (output / "video.mp4").write_bytes(content.content)
        remix = call("remix_video", client, video.id, body=models.RemixVideoJson("The same by night"))
        ended(client, remix)
        page = call("list_videos", client, limit=20)
        listed = [*page.data]
        while page.has_more:
            page = call("list_videos", client, limit=20, after=page.last_id)
            listed += page.data
        (output / "list.json").write_text(json.dumps([each.to_dict() for each in listed]), encoding="utf-8")
        call("delete_video", client, remix.id)


def endpoint(operation: str) -> Any:
    """Return the module of an operation."""
    return import_module(f"{PACKAGE}.api.videos.{operation}")


def call(operation: str, client: Any, *arguments: Any, **named: Any) -> Any:
    """Return the result of an operation; these clients return errors instead of raising them."""
    response = endpoint(operation).sync(*arguments, client=client, **named)
    if response is None or type(response).__name__ == "ErrorResponse":
        raise SystemExit(f"{operation}: {response}")
    return response


def ended(client: Any, video: Any) -> Any:
    """Poll a job until it has ended."""
    while str(video.status) not in {"completed", "failed"}:
        time.sleep(PAUSE_S)
        video = call("retrieve_video", client, video.id)
    if str(video.status) == "failed":
        raise SystemExit("the job failed")
    return video


if __name__ == "__main__":
    main()
