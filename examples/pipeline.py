"""A pipeline that makes 500 videos of 500 prompts, shows what is going on, and goes on where it was.

Shows a journal that has each id before anything waits for it, an Idempotency-Key of each prompt, so that no create is
billed twice where the server honours it, limited creates and downloads, and `wait_many`.

    python examples/pipeline.py prompts.txt films

prompts.txt has a prompt on each line. It needs `rich`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from openvideos import AsyncOpenVideos, Video

AT_ONCE = 8


async def each(items: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Do something with each item, a few at a time."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def limited(item: str) -> None:
        async with limit:
            await work(item)

    await asyncio.gather(*(limited(item) for item in items))


async def make(prompts: list[str], folder: Path, progress: Progress) -> int:
    """Make the videos; return how many have failed."""
    journal = folder / "jobs.jsonl"
    lines = journal.read_text("utf-8").splitlines() if journal.exists() else []
    jobs: dict[str, str] = {entry["prompt"]: entry["id"] for entry in map(json.loads, lines)}
    bars: dict[str, TaskID] = {word: progress.add_task(word, total=len(prompts)) for word in ("started", "saved")}
    progress.update(bars["started"], completed=len(jobs))
    failed = progress.add_task("failed", total=len(prompts))
    async with AsyncOpenVideos(max_retries=8) as client:

        async def start(prompt: str) -> None:
            key = hashlib.sha256(f"{folder}\n{prompt}".encode()).hexdigest()
            video = await client.videos.create(prompt=prompt, extra_headers={"Idempotency-Key": key})
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"prompt": prompt, "id": video.id}) + "\n")
            jobs[prompt] = video.id
            progress.advance(bars["started"])

        async def save(video_id: str) -> None:
            await client.videos.download(video_id, to=folder / f"{video_id}.mp4")
            progress.advance(bars["saved"])

        await each([prompt for prompt in prompts if prompt not in jobs], start)
        left = [video_id for video_id in jobs.values() if not (folder / f"{video_id}.mp4").exists()]
        progress.update(bars["saved"], completed=len(jobs) - len(left))
        ended: list[Video] = [video async for video in client.videos.wait_many(left)]
        progress.advance(failed, sum(video.status != "completed" for video in ended))
        await each([video.id for video in ended if video.status == "completed"], save)
    return sum(video.status != "completed" for video in ended)


if __name__ == "__main__":
    given, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as shown:
        count = asyncio.run(make(list(dict.fromkeys(given.read_text("utf-8").splitlines())), target, shown))
    sys.exit(f"{count} videos have failed" if count else 0)
