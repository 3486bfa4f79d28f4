"""A disk that is full and a database that is damaged are told in a sentence, and lose nothing."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from openvideos_emulator._model.refusals import StartError
from openvideos_emulator._storage.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator.conftest import Run, Server

# No file of this process may be longer, which fails as a full disk does. Half a module in a cache would fail others.
LIMIT = "import resource, sys; sys.dont_write_bytecode = True; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"
# Only where a user may have mounts of his own.
CAN_MOUNT = shutil.which("unshare") is not None and 0 == subprocess.call(
    ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], stderr=subprocess.DEVNULL
)


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

    @pytest.mark.full
    @pytest.mark.parametrize("way", ["delete", "reset"])
    def test_what_makes_room_works_and_then_there_is_room(self, run: Run, tmp_path: Path, way: str) -> None:
        with (
            run("--pace", "instant", cwd=tmp_path, after=LIMIT.format(200_000)) as (process, base_url),
            httpx.Client(base_url=base_url, trust_env=False, timeout=20) as client,
        ):
            body = {"prompt": "x", "model": "x" * 9000, "size": "64x48", "seconds": "1"}
            left = []
            while (response := client.post("/videos", json=body)).status_code == 200:
                left.append(response.json()["id"])
                client.get(f"/videos/{left[-1]}/content").raise_for_status()
            assert "storage_full" == response.json()["error"]["code"]
            if way == "reset":
                assert [] == client.post("/../_emulator/reset").raise_for_status().json()["jobs"]
                left.clear()
            else:
                assert client.delete(f"/videos/{left.pop(0)}").raise_for_status().json()["deleted"]
            left.append(client.post("/videos", json=body).raise_for_status().json()["id"])
            process.kill()
        with run(cwd=tmp_path) as (_, base_url):
            listed = httpx.get(f"{base_url}/videos", params={"limit": 100}, trust_env=False).json()["data"]
            assert left[::-1] == [video["id"] for video in listed]

    @pytest.mark.full
    @pytest.mark.slow
    @pytest.mark.skipif(not CAN_MOUNT, reason="this user may not mount a disk that is small")
    def test_a_disk_that_is_really_full(self, run: Run, tmp_path: Path) -> None:
        """A disk of 12 MiB, which no other process sees, is filled to the last byte by the emulator and by another."""
        disk = tmp_path / "disk"
        disk.mkdir()
        mounted = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
user, group = os.getuid(), os.getgid()
os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS) if hasattr(os, "unshare") else libc.unshare(0x10020000)
for name, text in (("setgroups", "deny"), ("uid_map", f"0 {{user}} 1"), ("gid_map", f"0 {{group}} 1")):
    open(f"/proc/self/{{name}}", "w").write(text)
assert 0 == libc.mount(b"tmpfs", {str(disk).encode()!r}, b"tmpfs", 0, b"size=12m"), ctypes.get_errno()
import openvideos_emulator._engine.engine as module
forget = module.Engine.delete
def delete(engine, video_id):
    if not os.path.exists({str(disk / "other")!r}):
        with open({str(disk / "other")!r}, "wb", buffering=0) as other:
            try:
                while True:
                    other.write(bytes(512))
            except OSError:
                pass
    forget(engine, video_id)
module.Engine.delete = delete
"""
        with (
            run("--pace", "instant", "--db", str(disk / "jobs.db"), cwd=tmp_path, after=mounted) as (_, base_url),
            httpx.Client(base_url=base_url, trust_env=False, timeout=20) as client,
        ):
            body = {"prompt": "x" * 30_000, "size": "64x48", "seconds": "1"}
            ids: list[str] = []
            while (response := client.post("/videos", json={**body, "model": f"{len(ids)}"})).status_code == 200:
                ids.append(response.json()["id"])
                if len(ids) < 10:
                    client.get(f"/videos/{ids[-1]}/content").raise_for_status()
            assert (507, True) == (response.status_code, len(ids) > 20)
            for id_ in ids[:20]:  # the first ten have files
                assert client.delete(f"/videos/{id_}").raise_for_status().json()["deleted"]
            new = client.post("/videos", json=body).raise_for_status().json()["id"]
            listed = client.get("/videos", params={"limit": 100}).json()["data"]
            assert new == listed[0]["id"]
            while client.post("/videos", json=body).status_code == 200:
                pass
            client.post("/../_emulator/reset").raise_for_status()
            client.post("/videos", json=body).raise_for_status()

    @pytest.mark.full
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

    @pytest.mark.full
    def test_an_upload_that_has_no_room_is_refused(self, run: Run, tmp_path: Path) -> None:
        with run("--pace", "instant", cwd=tmp_path, after=LIMIT.format(500_000)) as (_, base_url):
            files = {"prompt": (None, b"x"), "input_reference": ("a.png", b"x" * 4_000_000)}
            response = httpx.post(f"{base_url}/videos", files=files, trust_env=False, timeout=20)
            assert (507, "storage_full") == (response.status_code, response.json()["error"]["code"])


class TestReserve:
    """A deletion on a full disk gives the reserve up; once it has made room, the reserve is taken again."""

    def fail_while(self, condition: Callable[[], bool], tried: list[bool]) -> Callable[[], str]:
        def write() -> str:
            tried.append(condition())
            if tried[-1]:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            return "written"

        return write

    def test_it_is_given_up_and_taken_again(self, tmp_path: Path) -> None:
        reserve = tmp_path / "jobs.db-reserve"
        database = Database(tmp_path / "jobs.db")
        assert 4 << 20 == reserve.stat().st_size
        tried: list[bool] = []
        assert "written" == database.even_if_full(self.fail_while(reserve.exists, tried))
        assert ([True, False], False) == (tried, reserve.exists())
        database.restore_reserve()
        assert 4 << 20 == reserve.stat().st_size
        database.close()
        assert [tmp_path / "jobs.db"] == list(tmp_path.iterdir())

    def test_a_disk_that_stays_full_is_told(self, tmp_path: Path) -> None:
        tried: list[bool] = []
        for path in (tmp_path / "jobs.db", None):
            database = Database(path)
            with pytest.raises(sqlite3.OperationalError, match="disk is full"):
                database.even_if_full(self.fail_while(lambda: True, tried))
            database.close()
        assert 6 == len(tried)

    def test_another_error_is_not_taken_for_it(self, tmp_path: Path) -> None:
        database = Database(tmp_path / "jobs.db")

        def fail() -> None:
            raise sqlite3.OperationalError("no such table")

        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            database.even_if_full(fail)
        assert (tmp_path / "jobs.db-reserve").exists()
        database.close()

    @pytest.mark.parametrize("length", [0, 4, (4 << 20) - 1, 4 << 20])
    def test_what_a_killed_process_left_is_taken_over_or_completed(self, tmp_path: Path, length: int) -> None:
        reserve = tmp_path / "jobs.db-reserve"
        reserve.write_bytes(bytes(length))
        database = Database(tmp_path / "jobs.db")
        assert 4 << 20 == reserve.stat().st_size
        database.close()
        assert not reserve.exists()

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.write_text("Another's.")
        for name in ("reserve", "owner"):
            (tmp_path / f"jobs.db-{name}").symlink_to(other)
        Database(tmp_path / "jobs.db").close()
        assert "Another's." == other.read_text()


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


def fail(_: object) -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


def test_an_advance_that_is_refused_leaves_the_clock_as_it_was(
    serve: type[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as server:
        path = "http://emulator/_emulator/advance"
        server.ok("POST", path, json={"seconds": 7})
        before = server.app._engine.clock.ahead, server.app._engine.now()
        with monkeypatch.context() as patch:
            patch.setattr(server.app._engine._store, "set_ahead", fail)
            with pytest.raises(AssertionError, match="storage_full"):
                server.post(path, json={"seconds": 90_000})
        assert before == (server.app._engine.clock.ahead, server.app._engine.now())
        assert before[1] + 1 == server.ok("POST", path, json={"seconds": 1})["now"]


def test_a_write_that_fails_is_reported_and_leaves_nothing(
    serve: type[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as server:
        before = server.create()["id"]

        with monkeypatch.context() as patch:
            patch.setattr(server.app._engine._store, "add_claim", fail)
            with pytest.raises(AssertionError, match="storage_full"):
                server.post("videos", json={"prompt": "x"}, headers={"Idempotency-Key": "k"})
        assert [before] == [video["id"] for video in server.ok("GET", "videos")["data"]]
