"""Use openvideos as an application would, to be judged: `openvideos-conformance client -- python THIS_FILE [WAY]`.

WAY is how it downloads: `download`, which is the default, or `download_content`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from openvideos import OpenVideos


def main() -> None:
    """Make a video, download it, remix it, list all, delete."""
    prompt, size, seconds = (os.environ[f"OPENVIDEOS_{name}"] for name in ("PROMPT", "SIZE", "SECONDS"))
    output = Path(os.environ["OPENVIDEOS_OUTPUT"])
    reference = os.environ.get("OPENVIDEOS_INPUT_REFERENCE")
    named: Any = {"input_reference": Path(reference)} if reference else {}
    with OpenVideos() as client:
        video = client.videos.create_and_poll(prompt=prompt, size=size, seconds=seconds, **named)
        (output / "video.json").write_text(json.dumps(video.to_dict()), encoding="utf-8")
        if sys.argv[1:] == ["download_content"]:
            client.videos.download_content(video.id).write_to_file(output / "video.mp4")
        else:
            client.videos.download(video.id, to=output / "video.mp4")
        remix = client.videos.remix(video.id, prompt="The same by night")
        client.videos.poll(remix.id)
        listed = [each.to_dict() for each in client.videos.list(limit=20)]
        (output / "list.json").write_text(json.dumps(listed), encoding="utf-8")
        client.videos.delete(remix.id)


if __name__ == "__main__":
    main()
