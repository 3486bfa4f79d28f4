"""Make two videos with the SDK and the emulator, and print their properties. `nox -s demo` runs this.

The program that makes them is tools/sunset_and_storm.py, an ordinary program that knows nothing of the emulator: the
environment leads it there. Its progress is shown from outside, by a second client that lists the jobs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from openvideos import OpenVideos, OpenVideosError

if TYPE_CHECKING:
    from collections.abc import Generator

TOOLS = Path(__file__).resolve().parent
PROGRAM = TOOLS / "sunset_and_storm.py"
FILES = ("sunset.mp4", "storm.mp4")
EXPECTED = "H.264, 720x1280, 4 s"
JOB_SECONDS = 3
START_SECONDS = 30.0

interrupted = threading.Event()
"""Set by Ctrl-C and SIGTERM, and checked at each wait: an exception in the handler could leave a process running."""


class DemoError(Exception):
    """The demo does not do what it promises. The message says why."""


def main(arguments: list[str] | None = None) -> int:
    """Run the demo. Return 0, or 1 if something is not as promised, or 130 if it is interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=TOOLS.parent / "demo-output", help="where to save the videos")
    output: Path = parser.parse_args(arguments).output
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    output.mkdir(exist_ok=True)
    for name in FILES:
        output.joinpath(name).unlink(missing_ok=True)
    key = f"sk-demo-{secrets.token_hex(8)}"
    try:
        with emulator(key) as base_url:
            print(f"The emulator answers at {base_url}.", flush=True)
            lead_to(base_url, key)
            with progress_shown():
                run_program(output)
        print("The emulator is stopped. Saved:")
        for name in FILES:
            print(f"  {output / name}: {described(output / name)}")
    except DemoError as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    except InterruptedError:
        print("demo: interrupted; the emulator is stopped", file=sys.stderr)
        return 130
    return 0


def interrupt(*_: object) -> None:
    """Handle a signal: note the interruption."""
    interrupted.set()


@contextlib.contextmanager
def emulator(key: str) -> Generator[str]:
    """Run an emulator on a free port with an empty database; yield its base URL, and stop it in the end."""
    with tempfile.TemporaryDirectory(prefix="openvideos-demo-", ignore_cleanup_errors=True) as scratch:
        database, log = Path(scratch, "emulator.db"), Path(scratch, "emulator.log")
        command = [
            *(sys.executable, "-m", "openvideos_emulator", "--port", "0", "--api-key", key),
            *("--db", str(database), "--pace", f"seconds:{JOB_SECONDS}"),
        ]
        with log.open("wb") as sink, subprocess.Popen(command, stdout=sink, stderr=sink) as process:
            try:
                yield announced_url(process, log)
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


def announced_url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the base URL that the emulator announces once it listens."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        wait(0.05)
        found = re.search(r"http://[\w.]+:\d+/v1\b", log.read_text("utf-8"))
        if found:
            return found.group()
    fate = "does not start" if process.poll() is None else f"ended with the status {process.returncode}"
    raise DemoError(f"the emulator {fate}. It said:\n{log.read_text('utf-8')}")


def lead_to(base_url: str, key: str) -> None:
    """Set the environment of this process, and so of the program, to the emulator."""
    os.environ["OPENVIDEOS_BASE_URL"], os.environ["OPENVIDEOS_API_KEY"] = base_url, key
    for name in ("NO_PROXY", "no_proxy"):  # a proxy cannot reach this machine's own address
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1"]))


@contextlib.contextmanager
def progress_shown() -> Generator[None]:
    """Print a line for each change of each job while the body runs."""
    ended = threading.Event()
    watcher = threading.Thread(target=show_progress, args=(ended,))
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def show_progress(ended: threading.Event) -> None:
    """List the jobs, oldest first, twice a second, and print what changed."""
    shown: dict[str, str] = {}
    with OpenVideos(max_retries=0) as client:
        while not ended.wait(0.5):
            try:
                videos = client.videos.list(order="asc").data
            except OpenVideosError:  # the program gets the same error, and reports it
                continue
            for video in videos:
                line = f"{video.id}  {video.status:<11}  {video.progress or 0:3d} %  {video.prompt}"
                if shown.get(video.id) != line:
                    shown[video.id] = line
                    print(f"  {line}", flush=True)


def run_program(output: Path) -> None:
    """Run the program in a directory, where it saves its files."""
    print(f"{PROGRAM.name} makes a video, then a remix of it:", flush=True)
    with subprocess.Popen([sys.executable, str(PROGRAM)], cwd=output, start_new_session=True) as process:
        try:
            while process.poll() is None:
                wait(0.05)
        finally:
            process.kill()
    if process.returncode:
        raise DemoError(f"{PROGRAM.name} ended with the status {process.returncode}")


def wait(seconds: float) -> None:
    """Wait a moment.

    Raises:
        InterruptedError: The demo was interrupted.
    """
    if interrupted.wait(seconds):
        raise InterruptedError


def described(path: Path) -> str:
    """Decode every frame of a file, and describe it.

    Raises:
        DemoError: The file is not the requested video.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            codec = {"h264": "H.264"}.get(stream.codec_context.name, stream.codec_context.name)
            frames = sum(1 for _ in container.decode(stream))
            seconds = round(float(Fraction(container.duration or 0, av.time_base)), 2)
            found = f"{codec}, {stream.width}x{stream.height}, {seconds:g} s"
    except (av.error.FFmpegError, IndexError, OSError) as problem:
        raise DemoError(f"{path} is no video: {problem}") from problem
    if found != EXPECTED or not frames:
        raise DemoError(f"{path} should be {EXPECTED}, but is {found} of {frames} frames")
    return f"{found}, {frames} frames, {path.stat().st_size:,} bytes"


if __name__ == "__main__":
    sys.exit(main())
