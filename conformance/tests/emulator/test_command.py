"""The command serves until it is told to stop, and says in a sentence what keeps it from starting."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from openvideos_emulator import create_app, main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.conftest import Run


def complaint(*arguments: str, cwd: Path) -> tuple[int, str]:
    """Run a command that cannot start; give its exit code and what it says."""
    command = [sys.executable, "-m", "openvideos_emulator", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=30, check=False)
    assert "" == done.stdout
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(run: Run, tmp_path: Path, number: signal.Signals) -> None:
    with run("--pace", "instant", cwd=tmp_path) as (process, base_url):
        with httpx.Client(base_url=base_url, trust_env=False) as client:
            body = {"prompt": "A cat", "size": "64x48", "seconds": "1"}
            id_ = client.post("/videos", json=body).raise_for_status().json()["id"]
            assert "completed" == client.get(f"/videos/{id_}").json()["status"]
            assert b"ftyp" == client.get(f"/videos/{id_}/content").content[4:8]
            process.send_signal(number)
            said, complaints = process.communicate(timeout=10)
            # Under -X dev, asyncio complains of a machine that is busy.
            assert "" == said
            assert [] == [line for line in complaints.splitlines() if ": WARNING: Executing <" not in line]
        assert 0 == process.returncode
    assert ["openvideos-emulator.db", "openvideos-emulator.db-media"] == sorted(
        path.name for path in tmp_path.iterdir()
    )


def test_a_killed_process_loses_no_job(run: Run, tmp_path: Path) -> None:
    ids: list[str] = []
    for turn in range(2):
        with (
            run("--db", "jobs.db", "--pace", "instant", cwd=tmp_path) as (process, base_url),
            httpx.Client(base_url=base_url, trust_env=False) as client,
        ):
            if turn == 0:
                ids = [client.post("/videos", json={"prompt": "A cat"}).json()["id"] for _ in range(20)]
                process.kill()
            else:
                assert ids[::-1] == [video["id"] for video in client.get("/videos").json()["data"]]


def test_a_refused_upload_gets_its_response(run: Run, tmp_path: Path) -> None:
    with (
        run("--api-key", "secret", cwd=tmp_path) as (_, base_url),
        httpx.Client(base_url=base_url, trust_env=False) as client,
    ):
        files = {"prompt": (None, b"x"), "input_reference": ("a", b"x" * (65 << 20))}
        assert 401 == client.post("/videos", files=files).status_code
        headers = {"Authorization": "Bearer secret"}
        assert 413 == client.post("/videos", files=files, headers=headers).status_code
        assert 200 == client.get("/videos", headers=headers).status_code


def test_responses_are_not_held_back(run: Run, tmp_path: Path) -> None:
    """With Nagle's delay, each response on a connection that is kept waits 40 ms for an acknowledgement."""
    with (
        run(cwd=tmp_path) as (_, base_url),
        httpx.Client(base_url=base_url, trust_env=False) as client,
    ):
        times = []
        for _ in range(20):
            started = time.perf_counter()
            client.get("/videos")
            times.append(time.perf_counter() - started)
        assert sorted(times)[10] < 0.03


def test_a_used_port_is_reported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = complaint("--port", port, cwd=tmp_path)
    assert 1 == code
    assert f"cannot listen on 127.0.0.1 port {port}" in said
    assert [] == list(tmp_path.iterdir())


def test_a_database_that_is_none_or_in_use_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database" * 100)
    code, said = complaint("--port", "0", "--db", "notes.txt", cwd=tmp_path)
    assert (1, True) == (code, "not a database" in said)
    with run("--db", "jobs.db", cwd=tmp_path):
        code, said = complaint("--port", "0", "--db", "jobs.db", cwd=tmp_path)
        assert (1, True) == (code, "in use by another process" in said)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pace", "fast"], "instant, polls:N"),
        (["--pace", "polls:0"], "instant, polls:N"),
        (["--port", "70000"], "0 to 65535"),
        (["--port", "-1"], "0 to 65535"),
        (["--profile", "tiny"], "invalid choice"),
        (["--api-key", ""], "not empty"),
        (["--host", "0.0.0.0"], "give --api-key"),  # noqa: S104 - it is refused
        (["--host", "::"], "give --api-key"),
        (["--ap", "x"], "unrecognized"),
    ],
)
def test_misuse_is_reported(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code: object = main(arguments)
    except SystemExit as left:
        code = left.code
    captured = capsys.readouterr()
    assert (2, "") == (code, captured.out)
    assert words in captured.err


def test_an_unknown_host_is_reported(tmp_path: Path) -> None:
    code, said = complaint("--host", "no.such.host.invalid", "--api-key", "k", cwd=tmp_path)
    assert (1, True) == (code, "cannot listen on no.such.host.invalid" in said)


def test_a_missing_extra_is_reported(tmp_path: Path) -> None:
    script = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name in ('av', 'yaml') else find(name)\n"
        "from openvideos_emulator.__main__ import main\n"
        "code = main([])\n"
        "assert not {'av', 'yaml', 'starlette', 'PIL'} & sys.modules.keys()\n"
        "sys.exit(code)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert 2 == done.returncode
    assert "openvideos-emulator: av, yaml is missing; run: pip install 'openvideos[emulator]'\n" == done.stderr


def test_create_app_refuses_unknown_words() -> None:
    with pytest.raises(ValueError, match="default, sora"):
        create_app(profile="tiny")
    with pytest.raises(ValueError, match="instant, polls:N"):
        create_app(pace="fast")
