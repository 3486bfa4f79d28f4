"""One Idempotency-Key stands for one job, however often the request is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import CONTROL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import Server

KEY = {"Idempotency-Key": "0b5c7a52"}


def test_a_repeated_request_gives_the_same_job(serve: type[Server]) -> None:
    with serve(pace="seconds:10") as server:
        first = server.ok("POST", "videos", json={"prompt": "x"}, headers=KEY)
        server.clock.advance(5)
        again = server.ok("POST", "videos", files={"prompt": (None, "x")}, headers=KEY)
        assert first["id"] == again["id"]
        assert "in_progress" == again["status"]
        assert 1 == len(server.ok("GET", "videos")["data"])


def test_another_request_under_the_same_key_is_a_conflict(serve: type[Server]) -> None:
    with serve() as server:
        source = server.ok("POST", "videos", json={"prompt": "x"}, headers=KEY)
        requests: list[tuple[str, dict[str, Any]]] = [
            ("videos", {"prompt": "y"}),
            ("videos", {"prompt": "x", "seconds": "8"}),
            (f"videos/{source['id']}/remix", {"prompt": "x"}),
        ]
        for path, body in requests:
            error = server.refused(409, "POST", path, json=body, headers=KEY)
            assert ("idempotency_key_reused", "Idempotency-Key") == (error["code"], error["param"])
        assert 1 == len(server.ok("GET", "videos")["data"])


def test_files_are_compared_by_their_bytes(serve: type[Server], png: bytes) -> None:
    with serve() as server:
        files: dict[str, Any] = {"prompt": (None, "x"), "input_reference": ("a.png", png, "image/png")}
        first = server.ok("POST", "videos", files=files, headers=KEY)
        assert first["id"] == server.ok("POST", "videos", files=files, headers=KEY)["id"]
        server.refused(409, "POST", "videos", files={"prompt": (None, "x")}, headers=KEY)


def test_a_remix_is_repeated_after_its_source_is_gone(serve: type[Server]) -> None:
    with serve() as server:
        source = server.create()["id"]
        path = f"videos/{source}/remix"
        first = server.ok("POST", path, json={"prompt": "x"}, headers=KEY)
        server.ok("DELETE", f"videos/{source}")
        again = server.ok("POST", path, json={"prompt": "x"}, headers=KEY)
        assert (first["id"], source) == (again["id"], again["remixed_from_video_id"])


def test_a_refused_request_does_not_use_its_key_up(serve: type[Server]) -> None:
    with serve() as server:
        server.refused(400, "POST", "videos", json={"prompt": ""}, headers=KEY)
        server.refused(404, "POST", "videos/video_unknown/remix", json={"prompt": "x"}, headers=KEY)
        server.ok("POST", "videos", json={"prompt": "x"}, headers=KEY)


def test_a_key_whose_job_was_deleted_starts_no_other(serve: type[Server]) -> None:
    with serve() as server:
        id_ = server.ok("POST", "videos", json={"prompt": "x"}, headers=KEY)["id"]
        server.ok("DELETE", f"videos/{id_}")
        error = server.refused(409, "POST", "videos", json={"prompt": "x"}, headers=KEY)
        assert "idempotency_key_reused" == error["code"]


def test_a_character_is_made_once(serve: type[Server]) -> None:
    with serve() as server:
        clip = server.get(f"videos/{server.create()['id']}/content").content
        files: dict[str, Any] = {"name": (None, "Ada"), "video": ("a.mp4", clip, "video/mp4")}
        first = server.ok("POST", "videos/characters", files=files, headers=KEY)
        assert first == server.ok("POST", "videos/characters", files=files, headers=KEY)
        server.refused(409, "POST", "videos", json={"prompt": "x"}, headers=KEY)


def test_a_key_outlives_the_process(serve: type[Server], tmp_path: Path) -> None:
    ids = []
    for _ in range(2):
        with serve(database=tmp_path / "jobs.db") as server:
            ids.append(server.ok("POST", "videos", json={"prompt": "x"}, headers=KEY)["id"])
    assert ids[0] == ids[1]


class TestExpiry:
    """The contract asks for 24 hours at the least; the emulator keeps a key so long, by its own clock."""

    def test_a_key_is_kept_for_a_day(self, serve: type[Server]) -> None:
        with serve() as server:
            first = server.ok("POST", "videos", json={"prompt": "x"}, headers=KEY)["id"]
            server.clock.advance(86_399)
            assert first == server.ok("POST", "videos", json={"prompt": "x"}, headers=KEY)["id"]
            server.clock.advance(1)
            second = server.ok("POST", "videos", json={"prompt": "y"}, headers=KEY)["id"]
            assert second != first
            server.clock.advance(86_399)
            assert second == server.ok("POST", "videos", json={"prompt": "y"}, headers=KEY)["id"]
            assert 2 == len(server.ok("GET", "videos")["data"])

    def test_a_test_can_let_it_expire(self, serve: type[Server], tmp_path: Path) -> None:
        with serve(database=tmp_path / "jobs.db") as server:
            first = server.ok("POST", "videos", json={"prompt": "x"}, headers=KEY)["id"]
            server.ok("POST", f"{CONTROL}/advance", json={"seconds": 86_400})
        with serve(database=tmp_path / "jobs.db") as server:
            assert first != server.ok("POST", "videos", json={"prompt": "x"}, headers=KEY)["id"]

    def test_keys_that_have_expired_are_not_stored_any_more(self, serve: type[Server]) -> None:
        with serve() as server:
            kept = server.app._engine._database.connection.execute

            def use(prefix: str, count: int) -> None:
                for number in range(count):
                    headers = {"Idempotency-Key": f"{prefix}{number}"}
                    server.ok("POST", "videos", json={"prompt": "x"}, headers=headers)

            use("old", 6)
            server.clock.advance(86_400)
            use("new", 3)
            assert [f"new{number}" for number in range(3)] == [
                key for (key,) in kept("SELECT key FROM idempotency ORDER BY key").fetchall()
            ]


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256])
def test_a_bad_key_is_named(serve: type[Server], key: str) -> None:
    with serve() as server:
        headers = {"Idempotency-Key": key}
        assert (
            "Idempotency-Key" == server.refused(400, "POST", "videos", json={"prompt": "x"}, headers=headers)["param"]
        )
