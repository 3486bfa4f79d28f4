"""The tests of the application in `storyboard.py`, with faults and time, and without waiting.

Shows the fixtures of the emulator: jobs that fail, servers that are busy or break off, hours that pass at once.

    pytest examples/storyboard
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from storyboard import ShotError, collect, start

from openvideos import ConflictError, GoneError, OpenVideos, PollTimeoutError
from openvideos_emulator.testing import OpenVideosServer

SHOTS = ["A lighthouse", "A storm", "The morning after"]
SMALL = "64x48"


@pytest.fixture
def client(openvideos_server: OpenVideosServer) -> Iterator[OpenVideos]:
    with OpenVideos(base_url=openvideos_server.base_url, api_key=openvideos_server.api_key) as client:
        yield client


def test_a_film_has_its_shots_in_order(client: OpenVideos, openvideos_server: OpenVideosServer, tmp_path: Path) -> None:
    files = collect(client, start(client, SHOTS, SMALL), tmp_path)
    assert [job.prompt for job in openvideos_server.jobs] == SHOTS
    assert [file.stem for file in files] == [job.id for job in openvideos_server.jobs]


def test_a_busy_server_gets_no_shot_twice(client: OpenVideos, openvideos_server: OpenVideosServer) -> None:
    openvideos_server.fail_next(429, count=2, headers={"Retry-After": "0"}, operation="create_video")
    start(client, SHOTS, SMALL)
    assert [job.prompt for job in openvideos_server.jobs] == SHOTS


def test_a_broken_download_is_healed(client: OpenVideos, openvideos_server: OpenVideosServer, tmp_path: Path) -> None:
    openvideos_server.fail_next(truncate=1000, operation="download_video_content")
    assert [file.stat().st_size > 1000 for file in collect(client, start(client, SHOTS, SMALL), tmp_path)] == [True] * 3


@pytest.mark.openvideos(pace="polls:2")
def test_a_shot_that_fails_is_started_once_more(
    client: OpenVideos, openvideos_server: OpenVideosServer, tmp_path: Path
) -> None:
    started = start(client, SHOTS, SMALL)
    openvideos_server.advance(to="failed", error="out_of_memory", jobs=[list(started)[1]])
    assert len(collect(client, started, tmp_path)) == 3
    assert [job.prompt for job in openvideos_server.jobs] == [*SHOTS, "A storm"]


@pytest.mark.parametrize(("mark", "attempt"), [("[fail]", "2"), ("[fail:content_policy_violation]", "1")])
def test_a_shot_that_cannot_be_made_is_told(client: OpenVideos, tmp_path: Path, mark: str, attempt: str) -> None:
    with pytest.raises(ShotError, match=f"attempt {attempt}"):
        collect(client, start(client, [f"{mark} A storm"], SMALL), tmp_path)


@pytest.mark.openvideos(pace="manual:7200")
def test_a_wait_that_was_too_short_loses_nothing(
    client: OpenVideos, openvideos_server: OpenVideosServer, tmp_path: Path
) -> None:
    started = start(client, SHOTS, SMALL)
    with pytest.raises(PollTimeoutError) as late:
        collect(client, started, tmp_path, within=0.1)
    assert set(late.value.pending) == set(started)
    openvideos_server.travel(hours=2)
    assert len(collect(client, started, tmp_path)) == 3


def test_files_are_collected_in_time(client: OpenVideos, openvideos_server: OpenVideosServer, tmp_path: Path) -> None:
    started = start(client, SHOTS, SMALL)
    openvideos_server.advance()
    openvideos_server.travel(hours=25)
    with pytest.raises((ConflictError, GoneError)):
        collect(client, started, tmp_path)
