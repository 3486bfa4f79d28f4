"""Use openai-python as an application would, to be judged: `openvideos-conformance client -- python THIS_FILE`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from openai import OpenAI


def main() -> None:
    """Make a video, download it, remix it, list all, delete."""
    prompt, size, seconds = (os.environ[f"OPENVIDEOS_{name}"] for name in ("PROMPT", "SIZE", "SECONDS"))
    with OpenAI() as client:
        # Any: its types mark all of this as deprecated, and have only the sizes of one server.
        videos: Any = client.videos
        video = videos.create_and_poll(prompt=prompt, size=size, seconds=seconds)
        output = Path(os.environ["OPENVIDEOS_OUTPUT"])
        (output / "video.json").write_text(video.to_json(), encoding="utf-8")
        content = videos.download_content(video.id)
        content.write_to_file(output / "video.mp4")
        remix = videos.remix(video.id, prompt="The same by night")
        videos.poll(remix.id)
        for each in videos.list(limit=20):
            print(each.id, each.status)
        videos.delete(remix.id)


if __name__ == "__main__":
    main()
