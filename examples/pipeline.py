"""A pipeline that makes 500 videos of 500 prompts, shows what is going on, and goes on where it was.

Shows a journal that has each id before anything waits for it, an Idempotency-Key of each prompt, so that no create is
billed twice where the server honours it, limited creates and downloads, and `wait_many`. What fails, or is lost by the
server, is told, stops nothing else, and is tried again by the next run.

    python examples/pipeline.py prompts.txt films

prompts.txt has a prompt on each line. It needs `rich`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from openvideos import AsyncOpenVideos, OpenVideosError

AT_ONCE = 8


def read(journal: Path) -> list[dict[str, str]]:
    """Return what is in the journal, and remove the end of it that a run was killed in writing."""
    lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
    if lines and not lines[-1].endswith(b"\n"):
        os.truncate(journal, sum(map(len, lines[:-1])))
        lines.pop()
    return [json.loads(line) for line in lines]


async def make(prompts: list[str], folder: Path, progress: Progress) -> int:
    """Make the videos that are not there; return how many have failed."""
    journal = folder / "jobs.jsonl"
    entries = read(journal)
    jobs: dict[str, str | None] = {entry["prompt"]: entry["id"] for entry in entries}
    told: list[str] = []
    started, saved, failed = (progress.add_task(word, total=len(prompts)) for word in ("started", "saved", "failed"))

    def write(prompt: str, video_id: str | None) -> None:
        jobs[prompt] = video_id
        with journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"prompt": prompt, "id": video_id}) + "\n")

    def tell(prompt: str, problem: object) -> None:
        told.append(prompt)
        progress.advance(failed)
        progress.console.print(f"{prompt[:60]}: {problem}", markup=False)

    async def each(items: Iterable[str], work: Callable[[str], Awaitable[object]]) -> None:
        limit = asyncio.Semaphore(AT_ONCE)

        async def limited(prompt: str) -> None:
            async with limit:
                try:
                    await work(prompt)
                except OpenVideosError as problem:  # of this one: the others go on
                    tell(prompt, problem)

        await asyncio.gather(*map(limited, items))

    async with AsyncOpenVideos(max_retries=8) as client:

        async def start(prompt: str) -> None:
            turn = sum(entry["prompt"] == prompt for entry in entries)  # one that has failed wants another key
            key = hashlib.sha256(f"{folder}\n{turn}\n{prompt}".encode()).hexdigest()
            video = await client.videos.create(prompt=prompt, extra_headers={"Idempotency-Key": key})
            write(prompt, video.id)
            progress.advance(started)

        async def save(prompt: str) -> None:
            await client.videos.download(str(jobs[prompt]), to=folder / f"{jobs[prompt]}.mp4")
            progress.advance(saved)

        progress.update(started, completed=sum(map(bool, jobs.values())))
        await each([prompt for prompt in prompts if not jobs.get(prompt)], start)
        prompt_of = {video_id: prompt for prompt, video_id in jobs.items() if video_id}
        left = [video_id for video_id in prompt_of if not (folder / f"{video_id}.mp4").exists()]
        progress.update(saved, completed=len(prompt_of) - len(left))

        def forget(video_id: str | None, problem: object) -> None:  # so that the next run makes it anew
            prompt = prompt_of[str(video_id)]
            write(prompt, None)
            tell(prompt, problem)

        waiting = client.videos.wait_many(left, on_not_found=lambda lost: forget(lost.video_id, lost))
        ended = [video async for video in waiting]
        for video in [video for video in ended if video.status != "completed"]:
            forget(video.id, video.error)
        await each([prompt_of[video.id] for video in ended if video.status == "completed"], save)
    return len(told)


if __name__ == "__main__":
    given, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    texts = dict.fromkeys(filter(str.strip, given.read_text("utf-8").splitlines()))
    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as shown:
        count = asyncio.run(make([*texts], target, shown))
    sys.exit(f"{count} videos have failed" if count else 0)
