"""The mutants are what they should be: one at least for each requirement, and wrong on purpose, never by accident."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from openvideos_conformance._core.catalogue import catalogue
from openvideos_emulator import create_app
from openvideos_mutants import _hosting
from openvideos_mutants._odd import ODD
from openvideos_mutants._proof import Trial
from openvideos_mutants._registry import MUTANTS

FORM = {"prompt": (None, "A cat — 猫"), "size": (None, "64x48"), "seconds": (None, "1")}
JSON = {"prompt": "A dog", "size": "64x48", "seconds": "1"}
BAD = {"prompt": "", "size": "wide", "seconds": "x"}


def test_every_requirement_has_a_mutant() -> None:
    assert [] == [module.__name__ for module in _hosting.MODULES if not (module.__doc__ or "").strip()]
    assert set(catalogue()) == {each.requirement for each in MUTANTS.values()}


def test_every_server_says_what_is_unusual_about_it() -> None:
    said = {each.name: each.what for each in MUTANTS.values()} | {each.name: each.what for each in ODD.values()}
    assert [] == [name for name, what in said.items() if not what.endswith(".")]
    assert set() == MUTANTS.keys() & ODD.keys()


def test_what_a_mutant_breaks_along_the_way_is_another_requirement_with_a_reason() -> None:
    for each in MUTANTS.values():
        assert each.along.keys() <= set(catalogue()) - {each.requirement}, each.name
        assert all(each.along.values()), each.name


def test_what_a_mutant_fails_beyond_what_it_breaks_is_unexplained() -> None:
    """It is a false alarm: the statement holds."""

    def result(requirement: str, outcome: str) -> dict[str, Any]:
        return {"id": requirement, "message": "seen", "checks": [{"layer": "scenario", "outcome": outcome}]}

    name = next(name for name, each in MUTANTS.items() if each.along)
    own, along = MUTANTS[name].requirement, next(iter(MUTANTS[name].along))
    results = [result(own, "violated"), result(along, "violated"), result("VID-HOOK-005", "passed")]
    assert {} == Trial(name, 1, 0.0, {"results": results}).unexplained()
    results.append(result("VID-HOOK-003", "violated"))
    assert {"VID-HOOK-003": "seen"} == Trial(name, 1, 0.0, {"results": results}).unexplained()
    assert {} == Trial(None, 1, 0.0, {"results": results}).unexplained()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Any]:
    """Give the emulator that all mutants wrap."""
    emulator = create_app(api_key="key", pace="polls:2")
    yield emulator
    emulator.close()


@pytest.mark.full
@pytest.mark.parametrize(
    "name",
    [
        # CI takes every tenth.
        pytest.param(name, marks=pytest.mark.release if place % 10 else ())
        for place, name in enumerate([*MUTANTS, *ODD])
    ],
)
def test_a_server_is_wrong_by_intention_alone(name: str, emulator: Any) -> None:
    app = MUTANTS[name].wrap(emulator, {}) if name in MUTANTS else ODD[name].wrap(emulator)
    asyncio.run(_use(app, key=name))


async def _use(app: Any, *, key: str) -> None:
    transport = httpx.ASGITransport(app)  # an exception of the app comes out of it
    headers = {"authorization": "Bearer key"}
    async with httpx.AsyncClient(transport=transport, base_url="http://mutant/v1/", headers=headers) as client:
        await client.post("videos", json=JSON, headers={"idempotency-key": key})
        for response in (
            await client.post("videos", files=FORM),
            await client.post("videos", json=JSON, headers={"idempotency-key": key}),
        ):
            video_id = str(response.json().get("id", "video_none"))
            paths = ("", "", "", "/content", "/content?variant=thumbnail", "/content?variant=wrong")
            for path in paths:
                await client.get(f"videos/{video_id}{path}")
            for value in ("bytes=0-9", "bytes=-9", "bytes=9-", "bytes=0-1,5-6", "bytes=999999999-", "lines=1"):
                await client.get(f"videos/{video_id}/content", headers={"range": value, "if-range": '"x"'})
            await client.post(f"videos/{video_id}/remix", json={"prompt": "A fox"})
            await client.post("videos/edits", json={"prompt": "A fox", "video": {"id": video_id}})
            await client.post("videos/extensions", json={"prompt": "A fox", "seconds": "1", "video": {"id": video_id}})
            await client.get("videos", params={"after": video_id, "limit": 2})
            for path in ("", "/content"):
                await client.delete(f"videos/{video_id}")
                await client.get(f"videos/{video_id}{path}")
        for query in (
            "",
            "?limit=0",
            "?limit=200",
            "?limit=x",
            "?order=up",
            "?order=asc",
            "?after=none",
            "?limit=1&limit=2",
        ):
            await client.get(f"videos{query}")
        for body in (b"", b"{", b"[]", b'{"prompt": 1}', b'{"prompt": "x", "input_reference": {}}', b"[" * 2000):
            await client.post("videos", content=body, headers={"content-type": "application/json"})
        await client.post("videos", files={name: (None, value) for name, value in BAD.items()})
        await client.post("videos", files={**FORM, "input_reference": ("x.png", b"no picture", "image/png")})
        await client.post("videos", content=b"x", headers={"content-type": "text/plain"})
        await client.post("videos", content=b"x", headers={"content-type": "multipart/form-data"})
        await client.post("videos/characters", files={"video": ("x.mp4", b"no video", "video/mp4")})
        await client.put("videos")
        await client.get("videos/none/none", headers={"authorization": "bearer key"})
        await client.get("videos/none", headers={"authorization": "Basic key"})
