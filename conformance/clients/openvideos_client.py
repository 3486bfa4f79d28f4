"""Use openvideos as an application would, to be judged: `openvideos-conformance client -- python THIS_FILE`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from openvideos import OpenVideos


def main() -> None:
    """Make a video, download it, remix it, list all, delete."""
    prompt, size, seconds = (os.environ[f"OPENVIDEOS_{name}"] for name in ("PROMPT", "SIZE", "SECONDS"))
    with OpenVideos() as client:
        video = client.videos.create_and_poll(prompt=prompt, size=size, seconds=seconds)
        output = Path(os.environ["OPENVIDEOS_OUTPUT"])
        (output / "video.json").write_text(json.dumps(video.to_dict()), encoding="utf-8")
        client.videos.download(video.id, to=output / "video.mp4")
        remix = client.videos.remix(video.id, prompt="The same by night")
        client.videos.poll(remix.id)
        for each in client.videos.list(limit=20):
            print(each.id, each.status)
        client.videos.delete(remix.id)


if __name__ == "__main__":
    main()
