"""Use LiteLLM's SDK as an application would, to be judged: `openvideos-conformance client -- python THIS_FILE`.

Polling and the walk over pages are the application's own: LiteLLM has neither.
"""

from __future__ import annotations

import json
import os
import time
from importlib import import_module
from pathlib import Path
from typing import Any

PAUSE_S = 0.4
MODEL = "openai/sora-2"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or else it fetches a list of prices when it is imported
lite: Any = import_module("litellm")
AT = {"api_base": os.environ["OPENVIDEOS_BASE_URL"], "api_key": os.environ["OPENVIDEOS_API_KEY"]}


def main() -> None:
    """Make a video, download it, remix it, and list all; the SDK has no deletion."""
    prompt, size, seconds = (os.environ[f"OPENVIDEOS_{name}"] for name in ("PROMPT", "SIZE", "SECONDS"))
    output = Path(os.environ["OPENVIDEOS_OUTPUT"])
    reference = os.environ.get("OPENVIDEOS_INPUT_REFERENCE")
    named: Any = {"input_reference": Path(reference).read_bytes()} if reference else {}
    video = ended(lite.video_generation(prompt=prompt, model=MODEL, size=size, seconds=seconds, **named, **AT))
    (output / "video.json").write_text(video.model_dump_json(), encoding="utf-8")
    (output / "video.mp4").write_bytes(lite.video_content(video_id=video.id, **AT))
    ended(lite.video_remix(video_id=video.id, prompt="The same by night", **AT))
    listed: list[Any] = []
    after = None
    while True:
        page = lite.video_list(limit=20, after=after, custom_llm_provider="openai", **AT)
        listed += page["data"]
        after = page["last_id"] if page["has_more"] else None
        if after is None:
            break
    (output / "list.json").write_text(json.dumps(listed, default=vars), encoding="utf-8")


def ended(video: Any) -> Any:
    """Poll a job until it has ended."""
    while video.status not in {"completed", "failed"}:
        time.sleep(PAUSE_S)
        video = lite.video_status(video_id=video.id, **AT)
    if video.status == "failed":
        raise SystemExit(f"the job failed: {video.error}")
    return video


if __name__ == "__main__":
    main()
