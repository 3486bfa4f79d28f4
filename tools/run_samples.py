"""Run the code samples of openapi.yaml (`x-codeSamples`) against an emulator: curl, Python and Node.

`--node` names the directory in which npm has installed openai for Node; without it, Node's samples are not run, nor is
the block of docs/emulator.md that is written for it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from demo import emulator

from openvideos import OpenVideos

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT: Final = Path(__file__).parents[1]
ORDER: Final = (
    *("create_video", "retrieve_video", "download_video_content", "list_videos", "remix_video"),
    "delete_video",
)
"""The operations in the order of a video's life: each sample needs the job of the first one."""


class SampleError(Exception):
    """A sample does not do what it shows; the message names it and what it printed."""


def main(arguments: list[str] | None = None) -> int:
    """Run all samples; return 1 and say which one failed if one does."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--node", type=Path, help="the directory where npm has installed openai")
    options = parser.parse_args(arguments)
    try:
        for label, run in runners(options.node).items():
            count = run_samples(label, run)
            print(f"{label}: {count} samples did what they show")
            if label == "Node":
                run_block(run)
                print("docs/emulator.md: its block for Node did what it shows")
    except SampleError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def runners(node: Path | None) -> dict[str, Callable[[str, Path], list[str]]]:
    """Return, for each language, what makes a command of a sample and the directory that it runs in."""
    found: dict[str, Callable[[str, Path], list[str]]] = {
        "curl": lambda source, _: ["sh", "-c", source],
        "Python": lambda source, _: [sys.executable, "-c", source],
    }
    if node is not None:
        found["Node"] = lambda source, directory: ["node", str(_module(source, directory, node))]
    return found


def _module(source: str, directory: Path, node: Path) -> Path:
    """Write a sample where Node finds the packages that npm has installed, and return its path."""
    modules = directory / "node_modules"
    if not modules.exists():
        modules.symlink_to((node / "node_modules").resolve(), target_is_directory=True)
    module = directory / "sample.mjs"
    module.write_text(source, encoding="utf-8")
    return module


def samples(label: str) -> dict[str, str]:
    """Return the source of each operation's sample in a language, by the operation's id."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    items: list[dict[str, Any]] = list(document["paths"].values())
    operations = [item[method] for item in items for method in ("get", "post", "delete") if method in item]
    return {
        operation["operationId"]: sample["source"]
        for operation in operations
        for sample in operation.get("x-codeSamples", [])
        if sample["label"] == label
    }


def run_samples(label: str, command: Callable[[str, Path], list[str]]) -> int:
    """Run the samples of a language on an emulator, and return how many there were.

    Raises:
        SampleError: A sample fails, or does not do what it shows.
    """
    key = "sk-of-the-samples"
    sources = samples(label)
    if sorted(sources) != sorted(ORDER):
        raise SampleError(f"{label} has samples of {', '.join(sources)}; tools/run_samples.py knows {', '.join(ORDER)}")
    with tempfile.TemporaryDirectory(prefix="openvideos-samples-") as scratch, emulator(key) as base_url:
        directory, video_id = Path(scratch), ""
        environment = {"OPENVIDEOS_BASE_URL": base_url, "OPENVIDEOS_API_KEY": key, "NO_PROXY": "*", "no_proxy": "*"}
        for operation in ORDER:
            what, line = f"{label}, {operation}", command(sources[operation], directory)
            printed = _run(what, line, directory, {**environment, "ID": video_id})
            if operation == ORDER[0]:
                video_id = (re.findall(r"video_[0-9a-f]+", printed) or [""])[0]
            if operation == "retrieve_video":
                _wait(environment, video_id)
            _check(what, operation, printed, video_id, directory)
    return len(sources)


def run_block(command: Callable[[str, Path], list[str]]) -> None:
    """Run the block of docs/emulator.md that is written for Node, on an emulator.

    Raises:
        SampleError: It fails, or does not do what it shows.
    """
    page = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    key, what = "sk-anything", "the block of docs/emulator.md"
    with tempfile.TemporaryDirectory(prefix="openvideos-samples-") as scratch, emulator(key) as base_url:
        directory = Path(scratch)
        source = page.partition("```js\n")[2].partition("```")[0].replace("http://127.0.0.1:8000/v1", base_url)
        printed = _run(what, command(source, directory), directory, {"NO_PROXY": "*", "no_proxy": "*"})
        file = directory / "cat.mp4"
        if printed != "completed\n" or not file.exists() or file.read_bytes()[4:8] != b"ftyp":
            raise SampleError(f"{what} does not show its result; it prints:\n{printed}")


def _wait(environment: Mapping[str, str], video_id: str) -> None:
    """Wait for the job, since curl's sample asks once."""
    base_url, key = environment["OPENVIDEOS_BASE_URL"], environment["OPENVIDEOS_API_KEY"]
    with OpenVideos(base_url=base_url, api_key=key) as client:
        client.videos.poll(video_id, poll_interval_ms=100)


def _run(what: str, command: list[str], directory: Path, environment: Mapping[str, str]) -> str:
    program = shutil.which(command[0])
    if program is None:
        raise SampleError(f"{what}: {command[0]} is not installed")
    done = subprocess.run(
        [program, *command[1:]],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise SampleError(f"{what} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _check(what: str, operation: str, printed: str, video_id: str, directory: Path) -> None:
    """Check that a sample has shown the video, or has written its file.

    Raises:
        SampleError: It has not.
    """
    file = directory / "video.mp4"
    is_done = (
        file.exists() and file.read_bytes()[4:8] == b"ftyp"
        if operation == "download_video_content"
        else bool(video_id) and ("video_" if operation == "remix_video" else video_id) in printed
    )
    if not is_done:
        raise SampleError(f"{what} does not show its result; it prints:\n{printed}")


if __name__ == "__main__":
    sys.exit(main())
