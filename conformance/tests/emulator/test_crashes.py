"""Killed at any point and started again, the emulator has lost no job, doubled none, and serves no half file."""

from __future__ import annotations

import contextlib
import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import av
import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator.conftest import Run

SMALL = {"size": "64x48", "seconds": "1"}
# Each makes the process kill itself where it calls something for the Nth time.
BOMB = """
import os, signal
def kill_at(owner, name, nth, *, before=True):
    whole, calls = getattr(owner, name), []
    def call(*arguments, **options):
        calls.append(name)
        if before and len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        result = whole(*arguments, **options)
        if not before and len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, call)
from pathlib import Path
from openvideos_emulator._engine.engine import Engine
from openvideos_emulator._http import handlers, responses
from openvideos_emulator._media import library
from openvideos_emulator._media.library import MediaLibrary, Variant
from openvideos_emulator._storage.job_store import Store
"""


def patiently(client: httpx.Client, path: str) -> dict[str, Any]:
    """Poll a job to its end."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        video: dict[str, Any] = client.get(path).raise_for_status().json()
        if video["status"] in {"completed", "failed"}:
            return video
    raise AssertionError(f"{path} does not end")


def create(client: httpx.Client, number: int) -> str | None:
    """Create the job of a number, under its own key; give its id, None if there was no response."""
    body = {"prompt": f"Job {number}", **SMALL}
    with contextlib.suppress(httpx.TransportError):
        response = client.post("/videos", json=body, headers={"Idempotency-Key": f"key-{number}"})
        return str(response.raise_for_status().json()["id"])
    return None


def listed(client: httpx.Client) -> list[str]:
    ids: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = client.get("/videos", params={"limit": 100, **after}).raise_for_status().json()
        ids += [video["id"] for video in page["data"]]
        if not page["has_more"]:
            return ids
        after = {"after": page["last_id"]}


def eventually_none(tmp_path: Path, pattern: str) -> None:
    """Wait until the sweep, which begins after the start, has removed all such files."""
    deadline = time.monotonic() + 20
    while left := list(tmp_path.glob(pattern)):
        assert time.monotonic() < deadline, left
        time.sleep(0.002)  # what it waits for needs the processor, too


@pytest.fixture
def session(run: Run, tmp_path: Path) -> Callable[..., Any]:
    """Give the way to start the emulator on one database again and again: a context manager of process and client."""

    @contextlib.contextmanager
    def start(*arguments: str, after: str = "") -> Any:
        with (
            run("--db", "jobs.db", *arguments, cwd=tmp_path, after=after) as (process, base_url),
            httpx.Client(base_url=base_url, trust_env=False, timeout=20) as client,
        ):
            yield process, client

    return start


@pytest.mark.parametrize(
    "bomb",
    [
        "kill_at(Store, 'add', 8)",
        pytest.param("kill_at(Store, 'add', 8, before=False)", marks=pytest.mark.full),
        pytest.param("kill_at(Store, 'add_claim', 8)", marks=pytest.mark.full),
        pytest.param("kill_at(Engine, 'create', 8, before=False)", marks=pytest.mark.full),
        pytest.param("kill_at(handlers, 'video_json', 8)", marks=pytest.mark.full),
    ],
)
def test_a_kill_while_jobs_are_created(session: Callable[..., Any], bomb: str) -> None:
    with session("--pace", "polls:3", after=BOMB + bomb) as (process, client):
        with ThreadPoolExecutor(8) as pool:
            answered = list(pool.map(lambda number: create(client, number), range(30)))
        assert -9 == process.wait(10)
    assert None in answered
    with session("--pace", "polls:3") as (_, client):
        before = listed(client)
        known = [id_ for id_ in answered if id_ is not None]
        assert set(known) <= set(before)
        ids = [create(client, number) for number in range(30)]
        assert known == [id_ for id_, was in zip(ids, answered, strict=True) if was is not None]
        assert sorted(str(id_) for id_ in ids) == sorted(listed(client))
        assert set(before) <= set(ids)
        assert {"completed"} == {patiently(client, f"/videos/{id_}")["status"] for id_ in ids}


@pytest.mark.full
@pytest.mark.parametrize(
    "bomb",
    [
        "kill_at(Path, 'replace', 1)",  # the file is whole, but not in its place
        # It is in its place, and nobody was told.
        pytest.param("kill_at(Path, 'replace', 1, before=False)", marks=pytest.mark.full),
        pytest.param("kill_at(MediaLibrary, 'open', 1)", marks=pytest.mark.full),
    ],
)
def test_a_kill_at_the_end_of_a_rendering(session: Callable[..., Any], tmp_path: Path, bomb: str) -> None:
    with session("--pace", "instant", after=BOMB + bomb) as (process, client):
        id_ = create(client, 1)
        with pytest.raises(httpx.TransportError):
            client.get(f"/videos/{id_}/content")
        assert -9 == process.wait(10)
    with session("--pace", "instant") as (_, client):
        eventually_none(tmp_path, "*-media/*.part")
        with av.open(io.BytesIO(client.get(f"/videos/{id_}/content").content), "r") as clip:
            assert 24 == len(list(clip.decode(video=0)))


@pytest.mark.full
def test_a_kill_in_the_middle_of_a_rendering(session: Callable[..., Any], tmp_path: Path) -> None:
    body = {"prompt": "A long one", "size": "1280x720", "seconds": "12"}
    with session("--pace", "instant") as (process, client), ThreadPoolExecutor(1) as pool:
        id_ = client.post("/videos", json=body).json()["id"]
        client.get(f"/videos/{id_}")
        download = pool.submit(client.get, f"/videos/{id_}/content")
        deadline = time.monotonic() + 20
        while not any(part.stat().st_size > 10_000 for part in tmp_path.glob("*-media/*.part")):
            assert time.monotonic() < deadline
            time.sleep(0.002)  # what it waits for needs the processor, too
        process.kill()
        assert isinstance(download.exception(), httpx.TransportError)
    assert [] != list(tmp_path.glob("*-media/*.part"))
    assert [] == list(tmp_path.glob("*-media/*.mp4"))
    with session("--pace", "instant") as (_, client):
        eventually_none(tmp_path, "*-media/*.part")
        assert [id_] == listed(client)
        with av.open(io.BytesIO(client.get(f"/videos/{id_}/content").raise_for_status().content), "r") as clip:
            assert 12 * 24 == clip.streams.video[0].frames


@pytest.mark.full
def test_a_kill_while_jobs_run(session: Callable[..., Any]) -> None:
    for turn, expected in enumerate(("in_progress", "in_progress", "completed")):
        with session("--pace", "manual") as (process, client):
            if turn == 0:
                create(client, 1)
            client.post("/../_emulator/advance", json={"polls": 4}).raise_for_status()
            video = client.get("/videos").json()["data"][0]
            assert (expected, min(100, 40 * (turn + 1))) == (video["status"], video["progress"])
            process.kill()


@pytest.mark.full
def test_a_kill_while_a_job_runs_by_the_clock(session: Callable[..., Any]) -> None:
    with session("--pace", "seconds:1.5") as (process, client):
        id_ = create(client, 1)
        started = client.get(f"/videos/{id_}").json()
        process.kill()
    with session("--pace", "seconds:86400") as (_, client):
        ended = patiently(client, f"/videos/{id_}")
        assert ("completed", started["created_at"]) == (ended["status"], ended["created_at"])
        assert 1 <= ended["completed_at"] - started["created_at"] <= 2


@pytest.mark.full
def test_a_kill_while_a_job_is_deleted(session: Callable[..., Any], tmp_path: Path) -> None:
    with session("--pace", "instant", after=BOMB + "kill_at(MediaLibrary, 'discard', 1)") as (process, client):
        id_ = create(client, 1)
        client.get(f"/videos/{id_}/content").raise_for_status()
        with pytest.raises(httpx.TransportError):
            client.delete(f"/videos/{id_}")
        assert -9 == process.wait(10)
    with session("--pace", "instant") as (_, client):
        assert 404 == client.get(f"/videos/{id_}").status_code
        eventually_none(tmp_path, "*-media/*")
