"""`tools/demo.py`, run as `nox -s demo` runs it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import av
import pytest

PROJECT = Path(__file__).parents[2]
PLACE = re.compile(r"http://([\w.]+):(\d+)/v1")

pytestmark = pytest.mark.slow


def started(output: Path) -> subprocess.Popen[str]:
    """Start the demo."""
    command = [sys.executable, str(PROJECT / "tools" / "demo.py"), "--output", str(output)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answers(place: tuple[str, str]) -> bool:
    """Tell whether something listens there."""
    with socket.socket() as connection:
        return connection.connect_ex((place[0], int(place[1]))) == 0


@pytest.mark.full
def test_it_saves_two_videos_shows_their_progress_and_leaves_nothing_running(tmp_path: Path) -> None:
    with started(tmp_path / "saved") as demo:
        told, complaints = demo.communicate(timeout=60)
    assert (0, "") == (demo.returncode, complaints)
    (place,) = PLACE.findall(told)
    assert not answers(place)
    assert {"sunset.mp4", "storm.mp4"} == {path.name for path in (tmp_path / "saved").iterdir()}
    for name in ("sunset.mp4", "storm.mp4"):
        path = tmp_path / "saved" / name
        assert f"{path}: H.264, 720x1280, 4 s, " in told
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            assert ("h264", 720, 1280) == (video.codec_context.name, video.width, video.height)
    for prompt in ("A serene sunset over mountains", "Transform the sunset to a dramatic thunderstorm"):
        lines = [line for line in told.splitlines() if line.endswith(prompt)]
        percents = [int(percent) for line in lines for percent in re.findall(r"(\d+) %", line)]
        assert len(lines) >= 3
        assert sorted(percents) == percents
        assert "completed" in lines[-1]


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal for Ctrl-C that reaches one process alone")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_the_emulator_when_it_is_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path / "saved") as demo:
        assert demo.stdout is not None
        (place,) = PLACE.findall(demo.stdout.readline())
        assert answers(place)
        demo.send_signal(number)
        _, complaints = demo.communicate(timeout=30)
    assert 130 == demo.returncode
    assert complaints.endswith("demo: interrupted; the emulator is stopped\n")
    assert not answers(place)


def test_a_file_that_is_not_what_was_asked_for_is_a_failure(tmp_path: Path) -> None:
    """The check at the demo's end is real: it is not fooled by a file that only has the right name."""
    (tmp_path / "sunset.mp4").write_bytes(b"\x00\x00\x00\x18ftypisom")
    code = f"import demo, pathlib; demo.described(pathlib.Path({str(tmp_path / 'sunset.mp4')!r}))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT / "tools", capture_output=True, text=True, check=False
    )
    assert 1 == run.returncode
    assert "sunset.mp4 is no video" in run.stderr
