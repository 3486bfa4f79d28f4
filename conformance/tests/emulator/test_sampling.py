"""Test discovery and the extension `sampling`: what is sent is echoed, and is in the clip."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_emulator._contract import contract
from openvideos_emulator._model.jobs import Recipe, Sampling

if TYPE_CHECKING:
    from tests.emulator.conftest import Server

SMALL = {"prompt": "x", "size": "64x48"}


def clip(server: Server, video_id: str) -> tuple[int, int, bytes]:
    """Return the frames per second and the number of frames of a job's clip, and its bytes."""
    server.get(f"videos/{video_id}")
    content = server.get(f"videos/{video_id}/content").content
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.video[0]
        assert stream.average_rate is not None
        return round(float(stream.average_rate)), sum(1 for _ in container.decode(stream)), content


@pytest.mark.parametrize(
    ("sent", "seconds", "fps", "frames"),
    [
        ({"seconds": "1"}, "1", 24, 24),
        ({"seconds": "2", "fps": 8}, "2", 8, 16),
        ({"num_frames": 12}, "0.5", 24, 12),
        ({"num_frames": 81, "fps": 16}, "5.0625", 16, 81),
        ({"num_frames": 10.0, "fps": 10.0}, "1", 10, 10),
    ],
)
def test_frames_are_as_requested(
    serve: type[Server], sent: dict[str, Any], seconds: str, fps: int, frames: int
) -> None:
    with serve() as server:
        video = server.ok("POST", "videos", json={**SMALL, **sent})
        assert (seconds, fps, frames) == (video["seconds"], video["fps"], video["num_frames"])
        assert (fps, frames) == clip(server, video["id"])[:2]


def test_a_seed_makes_the_same_clip_again(serve: type[Server]) -> None:
    with serve() as server:
        made = [server.ok("POST", "videos", json={**SMALL, "seconds": "1", "seed": seed}) for seed in (7, 7, 8)]
        assert [7, 7, 8] == [video["seed"] for video in made]
        first, second, other = (clip(server, video["id"])[2] for video in made)
        assert first == second != other


def test_a_form_has_the_same_fields(serve: type[Server]) -> None:
    with serve() as server:
        form = {**SMALL, "fps": "12", "num_frames": "6", "seed": "0", "negative_prompt": "blur"}
        video = server.ok("POST", "videos", files={name: (None, value) for name, value in form.items()})
        assert (12, 6, 0, "blur", "0.5") == tuple(
            video[name] for name in ("fps", "num_frames", "seed", "negative_prompt", "seconds")
        )


def test_a_remix_and_an_extension_keep_what_the_source_has(serve: type[Server]) -> None:
    with serve() as server:
        source = server.ok("POST", "videos", json={**SMALL, "num_frames": 36, "seed": 7})["id"]
        server.get(f"videos/{source}")
        remix = server.ok("POST", f"videos/{source}/remix", json={"prompt": "y"})
        assert (36, 7, "1.5") == (remix["num_frames"], remix["seed"], remix["seconds"])
        longer = server.ok("POST", "videos/extensions", json={"prompt": "y", "seconds": "1", "video": {"id": source}})
        assert (60, "2.5") == (longer["num_frames"], longer["seconds"])
        assert 60 == clip(server, longer["id"])[1]


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({"seconds": "1", "num_frames": 24}, "num_frames"),
        ({"fps": 0}, "fps"),
        ({"seed": -1}, "seed"),
        ({"seed": "7"}, "seed"),
        ({"num_frames": 24 * 61}, "num_frames"),
        ({"negative_prompt": ""}, "negative_prompt"),
        ({"size": "4096x4096", "seconds": "60", "fps": 25}, "fps"),
        ({"size": "4096x4096", "num_frames": 1441, "fps": 240}, "num_frames"),
    ],
)
def test_what_is_not_allowed_or_not_offered_is_refused(serve: type[Server], sent: dict[str, Any], param: str) -> None:
    with serve() as server:
        response = server.request("POST", "videos", json={**SMALL, **sent})
        assert (400, param) == (response.status_code, response.json()["error"]["param"])


def test_a_whole_number_is_one_in_json_and_in_a_form_however_it_is_written(serve: type[Server]) -> None:
    """They share an Idempotency-Key, and so the job."""
    headers = {"Idempotency-Key": "7"}
    with serve() as server:
        bodies: list[dict[str, Any]] = [{"json": {**SMALL, "fps": 7}}, {"json": {**SMALL, "fps": 7.0}}]
        bodies.append({"files": {name: (None, value) for name, value in {**SMALL, "fps": "7"}.items()}})
        assert 1 == len({server.ok("POST", "videos", headers=headers, **body)["id"] for body in bodies})


def test_what_is_left_out_and_what_is_taken_for_it_are_one_request(serve: type[Server]) -> None:
    headers = {"Idempotency-Key": "8"}
    with serve() as server:
        first = server.ok("POST", "videos", headers=headers, json={"prompt": "x"})
        again = {"prompt": "x", "model": "sora-2", "seconds": "4", "size": "720x1280"}
        assert first["id"] == server.ok("POST", "videos", headers=headers, json=again)["id"]


def test_a_profile_offers_its_durations_in_frames_too(serve: type[Server]) -> None:
    with serve(profile="sora") as server:
        body = {"prompt": "x", "size": "720x1280", "fps": 1}
        assert "8" == server.ok("POST", "videos", json={**body, "num_frames": 8})["seconds"]
        response = server.request("POST", "videos", json={**body, "num_frames": 9})
        assert 400 == response.status_code
        assert "num_frames makes 9 seconds; the profile sora offers 4, 8, 12." == response.json()["error"]["message"]


@pytest.mark.parametrize(("profile", "seconds"), [("default", None), ("sora", ["4", "8", "12"])])
def test_discovery_names_what_there_is(serve: type[Server], profile: str, seconds: list[str] | None) -> None:
    with serve(profile=profile) as server:
        found = server.ok("GET", "videos/models")
        assert [] == contract().flaws(found, "#/components/schemas/ModelList")
        assert (contract().schema_at("#/info")["version"], ["sampling", "references"]) == (
            found["contract"]["revision"],
            found["contract"]["extensions"],
        )
        assert ["sora-2"] == [model["id"] for model in found["data"] if model["is_default"]]
        assert all(seconds == model["seconds"] for model in found["data"])


@given(st.integers(1, 60), st.integers(1, 240), st.none() | st.integers(1, 5000), st.integers(1, 60))
def test_an_extension_adds_its_seconds_exactly(seconds: int, fps: int, frames: int | None, more: int) -> None:
    recipe = Recipe("x", "m", "2x2", seconds, sampling=Sampling(fps=fps, num_frames=frames))
    longer = recipe.extended(more)
    assert recipe.duration + more == longer.duration
    assert recipe.frames + more * fps == longer.frames
