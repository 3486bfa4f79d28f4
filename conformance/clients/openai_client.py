"""Use openai-python as an application would, to be judged: `openvideos-conformance client -- python THIS_FILE [WAY]`.

WAY is how it downloads: `download_content`, which is the default, or `streaming`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from openai import OpenAI


def main() -> None:
    """Make a video, download it, remix it, list all, delete."""
    prompt, size, seconds = (os.environ[f"OPENVIDEOS_{name}"] for name in ("PROMPT", "SIZE", "SECONDS"))
    output = Path(os.environ["OPENVIDEOS_OUTPUT"])
    reference = os.environ.get("OPENVIDEOS_INPUT_REFERENCE")
    named: Any = {"input_reference": Path(reference)} if reference else {}
    with OpenAI() as client:
        # Any: its types mark all of this as deprecated, and have only the sizes of one server.
        videos: Any = client.videos
        video = videos.create_and_poll(prompt=prompt, size=size, seconds=seconds, **named)
        if video.status == "failed":
            raise SystemExit(f"the job failed: {video.error}")
        (output / "video.json").write_text(video.to_json(), encoding="utf-8")
        if sys.argv[1:] == ["streaming"]:
            with videos.with_streaming_response.download_content(video.id) as content:
                content.stream_to_file(output / "video.mp4")
        else:
            videos.download_content(video.id).write_to_file(output / "video.mp4")
        remix = videos.remix(video.id, prompt="The same by night")
        videos.poll(remix.id)
        listed = [each.to_dict() for each in videos.list(limit=20)]
        (output / "list.json").write_text(json.dumps(listed), encoding="utf-8")
        videos.delete(remix.id)


if __name__ == "__main__":
    main()
