"""A disk that is full and a database that is damaged are told in a sentence, and lose nothing."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from openvideos_emulator._model.refusals import StartError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import Run, Server

# No file of this process may be longer, which fails as a full disk does.
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
class TestFullDisk:
    def test_it_is_reported_at_the_start(self, tmp_path: Path) -> None:
        script = f"{LIMIT.format(2000)}\nimport openvideos_emulator\nraise SystemExit(openvideos_emulator.main())"
        command = [sys.executable, "-c", script, "--port", "0"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
        assert (1, "") == (done.returncode, done.stdout)
        assert re.fullmatch(r"openvideos-emulator: the database .* the disk is full .*\n", done.stderr)

    def test_a_job_that_has_no_room_is_refused_and_the_others_stay(self, run: Run, tmp_path: Path) -> None:
        with (
            run("--pace", "instant", cwd=tmp_path, after=LIMIT.format(200_000)) as (process, base_url),
            httpx.Client(base_url=base_url, trust_env=False, timeout=20) as client,
        ):
            body = {"prompt": "x", "model": "x" * 9000, "size": "64x48", "seconds": "1"}
            ids: list[str] = []
            while (response := client.post("/videos", json=body)).status_code == 200:
                ids.append(response.json()["id"])
                assert len(ids) < 100
            assert (507, "storage_full") == (response.status_code, response.json()["error"]["code"])
            assert "disk is full" in response.json()["error"]["message"]
            assert ids[::-1] == [video["id"] for video in client.get("/videos", params={"limit": 100}).json()["data"]]
            process.kill()
        with run(cwd=tmp_path) as (_, base_url):
            listed = httpx.get(f"{base_url}/videos", params={"limit": 100}, trust_env=False).json()["data"]
            assert ids[::-1] == [video["id"] for video in listed]

    def test_a_file_that_has_no_room_is_refused_and_not_half_there(self, run: Run, tmp_path: Path) -> None:
        with (
            run("--pace", "instant", cwd=tmp_path, after=LIMIT.format(100_000)) as (_, base_url),
            httpx.Client(base_url=base_url, trust_env=False, timeout=20) as client,
        ):
            id_ = client.post("/videos", json={"prompt": "x", "size": "1280x720", "seconds": "20"}).json()["id"]
            response = client.get(f"/videos/{id_}/content")
            assert (507, "storage_full") == (response.status_code, response.json()["error"]["code"])
            assert [] == list(tmp_path.glob("*-media/*"))
            assert 200 == client.get(f"/videos/{id_}").status_code

    def test_an_upload_that_has_no_room_is_refused(self, run: Run, tmp_path: Path) -> None:
        with run("--pace", "instant", cwd=tmp_path, after=LIMIT.format(500_000)) as (_, base_url):
            files = {"prompt": (None, b"x"), "input_reference": ("a.png", b"x" * 4_000_000)}
            response = httpx.post(f"{base_url}/videos", files=files, trust_env=False, timeout=20)
            assert (507, "storage_full") == (response.status_code, response.json()["error"]["code"])


@pytest.mark.parametrize("damage", ["cut", "scribbled"])
def test_a_damaged_database_is_reported_and_left_alone(serve: type[Server], tmp_path: Path, damage: str) -> None:
    database = tmp_path / "jobs.db"
    with serve(database=database) as server:
        for number in range(60):
            server.create(f"{number} {'x' * 500}")
    whole = database.read_bytes()
    half = len(whole) // 2 // 4096 * 4096
    database.write_bytes(whole[:half] if damage == "cut" else whole[:half] + b"\xaa" * (len(whole) - half))
    damaged = database.read_bytes()
    with pytest.raises(StartError, match=r"not a database that can be read \(.+\); move it away"):
        serve(database=database)
    assert damaged == database.read_bytes()
    database.write_bytes(whole)
    with serve(database=database) as server:
        assert 60 == len(server.ok("GET", "videos", params={"limit": 100})["data"])


def test_a_write_that_fails_is_reported_and_leaves_nothing(
    serve: type[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as server:
        before = server.create()["id"]

        def fail(_claim: object) -> None:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(server.app._engine._store, "add_claim", fail)
            with pytest.raises(AssertionError, match="storage_full"):
                server.post("videos", json={"prompt": "x"}, headers={"Idempotency-Key": "k"})
        assert [before] == [video["id"] for video in server.ok("GET", "videos")["data"]]
