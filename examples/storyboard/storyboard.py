"""An application that makes a film of a few shots: it starts all, waits for all, and starts a failed one once more.

Shows what an application owes to jobs that cost money: no shot is started twice without a reason, a shot that fails is
told apart from a server that does, and after a wait that was too short the jobs go on, and are collected later.
`test_storyboard.py` beside it shows how that is tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from openvideos import OpenVideos, Video

FOR_GOOD = {"content_policy_violation"}
"""Why a shot fails again however often it is started."""


class ShotError(Exception):
    """A shot that cannot be made."""


@dataclass(frozen=True)
class Shot:
    """A shot, its place in the film, its size, and how often it was started."""

    place: int
    prompt: str
    size: str
    attempt: int = 1


def start(client: OpenVideos, prompts: Sequence[str], size: str = "1280x720") -> dict[str, Shot]:
    """Start a job for each shot; return the shots by the ids of their jobs, which you keep until `collect` returns."""
    shots = [Shot(place, prompt, size) for place, prompt in enumerate(prompts)]
    return {client.videos.create(prompt=shot.prompt, size=size, seconds="4").id: shot for shot in shots}


def collect(client: OpenVideos, started: dict[str, Shot], folder: Path, *, within: float = 3600.0) -> list[Path]:
    """Wait for the shots, at most `within` seconds, and return their files in order. `started` has the jobs that count.

    Raises:
        ShotError: A shot has failed twice, or for good.
        PollTimeoutError: Some shots take longer; `collect` may be called again.
    """
    files: dict[int, Path] = {}
    waiting = list(started)
    while waiting:
        again: list[str] = []
        for video in client.videos.wait_many(waiting, poll_timeout_ms=within * 1000):
            shot = started[video.id]
            if video.status == "completed":
                files[shot.place] = client.videos.download(video, to=folder / f"{video.id}.mp4")
            elif shot.attempt > 1 or reason(video) in FOR_GOOD:
                raise ShotError(f"{shot.prompt!r} cannot be made: {reason(video)}, at attempt {shot.attempt}")
            else:
                next_id = client.videos.create(prompt=shot.prompt, size=shot.size, seconds="4").id
                started[next_id] = replace(started.pop(video.id), attempt=shot.attempt + 1)
                again.append(next_id)
        waiting = again
    return [files[place] for place in sorted(files)]


def reason(video: Video) -> str | None:
    """Return the code of a failed job, if the server says one."""
    return video.error.code if video.error else None
