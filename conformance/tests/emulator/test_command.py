"""The command serves until it is told to stop, and says in a sentence what keeps it from starting."""

from __future__ import annotations

import contextlib
import errno
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from openvideos_emulator import __main__, create_app, main
from openvideos_emulator._model.refusals import StartError
from openvideos_emulator._storage import database
from openvideos_emulator._storage.database import why_unusable
from openvideos_emulator._storage.owner import Owner, owner_of
from openvideos_emulator._webhooks.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.emulator.conftest import Run


def complaint(*arguments: str, cwd: Path) -> tuple[int, str]:
    """Run a command that cannot start; give its exit code and what it says."""
    command = [sys.executable, "-m", "openvideos_emulator", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=30, check=False)
    assert "" == done.stdout
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def rest_of(process: subprocess.Popen[str]) -> str:
    """Return what a process that ends has printed after its first line."""
    assert process.stdout is not None
    return process.stdout.read()


def complaints_of(process: subprocess.Popen[str]) -> list[str]:
    """Return what a process that ends says on stderr, but for asyncio's complaints of a busy machine, under -X dev."""
    _, said = process.communicate(timeout=30)
    return [line for line in said.splitlines() if not re.search(r"WARNING.*Executing <", line)]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.full)])
def test_it_serves_until_it_is_stopped(run: Run, tmp_path: Path, number: signal.Signals) -> None:
    with run("--pace", "instant", cwd=tmp_path) as (process, base_url):
        with httpx.Client(base_url=base_url, trust_env=False) as client:
            body = {"prompt": "A cat", "size": "64x48", "seconds": "1"}
            id_ = client.post("/videos", json=body).raise_for_status().json()["id"]
            assert "completed" == client.get(f"/videos/{id_}").json()["status"]
            assert b"ftyp" == client.get(f"/videos/{id_}/content").content[4:8]
            process.send_signal(number)
            said = rest_of(process)
            complaints = complaints_of(process)
            database = tmp_path.absolute() / "openvideos-emulator.db"
            assert [
                f"openvideos-emulator: the dashboard is at {base_url.removesuffix('v1')}",
                f"openvideos-emulator: jobs stay in {database}, media in {database}-media (--ephemeral keeps none)",
            ] == said.splitlines()
            assert [] == complaints
        assert 0 == process.returncode
    assert ["openvideos-emulator.db", "openvideos-emulator.db-media"] == sorted(
        path.name for path in tmp_path.iterdir()
    )


@contextlib.contextmanager
def stalled_download(base_url: str) -> Generator[None]:
    """Hold a download that does not end by itself."""
    site = base_url.removesuffix("/v1")
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        body = {"prompt": "A cat", "size": "64x48", "seconds": "1"}
        id_ = client.post("/videos", json=body).raise_for_status().json()["id"]
        client.post(f"{site}/_emulator/faults", json={"stall": {"at": 9}}).raise_for_status()
        with client.stream("GET", f"/videos/{id_}/content") as response:
            pieces = response.iter_raw()
            assert 9 == len(next(pieces))
            yield
            del pieces  # not before: that closes the connection, too


def test_a_download_that_is_cut_off_at_the_end_is_told_in_a_line(run: Run, tmp_path: Path) -> None:
    after = "from openvideos_emulator import __main__; __main__._GRACE_SECONDS = 0"
    with (
        run("--pace", "instant", "--ephemeral", cwd=tmp_path, after=after) as (process, base_url),
        stalled_download(base_url),
    ):
        process.terminate()
        complaints = complaints_of(process)
        line = "openvideos-emulator: WARNING: requests that did not end in time are cut off"
        assert (0, [line]) == (process.returncode, complaints)


def test_a_second_interrupt_does_not_wait_for_a_download(run: Run, tmp_path: Path) -> None:
    after = "from openvideos_emulator import __main__; __main__._GRACE_SECONDS = 60"
    with (
        run("--pace", "instant", "--ephemeral", cwd=tmp_path, after=after) as (process, base_url),
        stalled_download(base_url),
    ):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(httpx.TransportError):
            while True:  # until the first one has arrived; a connection that is made just then is still served
                httpx.get(base_url, trust_env=False)
        process.send_signal(signal.SIGINT)
        complaints = complaints_of(process)
        assert (0, []) == (process.returncode, complaints)


@pytest.mark.full
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


@pytest.mark.full
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


@pytest.mark.full
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
    (tmp_path / "link.db").symlink_to("jobs.db")
    with run("--db", "jobs.db", cwd=tmp_path) as (process, base_url):
        for name in ("jobs.db", "link.db"):
            code, said = complaint("--port", "0", "--db", name, cwd=tmp_path)
            assert (1, True) == (code, f"in use by another process (pid {process.pid}, {base_url})" in said)


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="there is no note on Windows")
def test_an_owner_that_was_killed_is_not_taken_for_the_one_that_lives(run: Run, tmp_path: Path) -> None:
    with run("--db", "jobs.db", cwd=tmp_path) as (process, _):
        process.kill()
        process.wait(10)
    assert str(process.pid) in (tmp_path / "jobs.db-owner").read_text()
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        code, said = complaint("--port", "0", "--db", "jobs.db", cwd=tmp_path)
        assert (1, True) == (code, "in use by another process; stop that one" in said)
    with run("--db", "jobs.db", cwd=tmp_path) as (process, base_url):
        said = complaint("--port", "0", "--db", "jobs.db", cwd=tmp_path)[1]
        assert f"in use by another process (pid {process.pid}, {base_url})" in said


@pytest.mark.skipif(sys.platform == "win32", reason="there is no note on Windows")
@pytest.mark.parametrize(
    "note", [b"", b"{", b"[1]", b'{"pid": "x", "url": null}', b'{"pid": {}, "url": 1}', b"[" * 4096, b"\xff"]
)
def test_a_note_that_no_emulator_wrote_is_left_out(tmp_path: Path, note: bytes) -> None:
    import fcntl

    with (tmp_path / "jobs.db-owner").open("w+b", buffering=0) as file:
        file.write(note)
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "" == owner_of(tmp_path / "jobs.db")
        file.seek(0)
        file.truncate()
        file.write(b'{"pid": 12, "url": "http://\\u001b[31m' + b"x" * 500 + b'"}')
        said = owner_of(tmp_path / "jobs.db")
        assert said.startswith("pid 12, http://\N{REPLACEMENT CHARACTER}[31m")
        assert len(said) < 80
    assert "" == owner_of(tmp_path / "jobs.db")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no note on Windows")
def test_a_look_at_the_owner_when_it_begins_does_not_keep_it_from_its_note(tmp_path: Path) -> None:
    import fcntl

    path = tmp_path / "jobs.db"
    with (tmp_path / "jobs.db-owner").open("w+b") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        owner = Owner(path)
        fcntl.flock(looking, fcntl.LOCK_UN)
    owner.tell("http://127.0.0.1:9/v1")
    assert owner_of(path).endswith(", http://127.0.0.1:9/v1")
    owner.close()


def test_no_connection_is_accepted_before_the_database_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bound: list[socket.socket] = []
    outcomes: list[int] = []
    bind = __main__._bind

    def bind_and_note(host: str, port: int) -> socket.socket:
        bound.append(bind(host, port))
        return bound[0]

    def open_and_try(path: object) -> None:
        with socket.socket() as client:
            outcomes.append(client.connect_ex(bound[0].getsockname()))
        raise StartError(f"{path} is tried")

    monkeypatch.setattr(__main__, "_bind", bind_and_note)
    monkeypatch.setattr(database, "_open", open_and_try)
    assert 1 == main(["--port", "0", "--db", str(tmp_path / "jobs.db")])
    assert "jobs.db is tried" in capsys.readouterr().err
    assert [errno.ECONNREFUSED] == outcomes


def test_two_that_start_on_one_port_do_not_share_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other has begun to listen after this one has bound the port, and before this one listens."""
    bind = __main__._bind

    def bind_and_lose(host: str, port: int) -> socket.socket:
        listener, other = bind(host, port), socket.socket()
        others.append(other)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(listener.getsockname())
        other.listen()
        return listener

    others: list[socket.socket] = []
    monkeypatch.setattr(__main__, "_bind", bind_and_lose)
    assert 1 == main(["--port", "0", "--db", str(tmp_path / "jobs.db")])
    assert "cannot listen on 127.0.0.1 port 0" in capsys.readouterr().err
    others[0].close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pace", "fast"], "instant, polls:N"),
        (["--pace", "polls:0"], "instant, polls:N with N from 1, seconds:S with S up to 86400, manual, or manual:S"),
        (["--port", "70000"], "0 to 65535"),
        (["--port", "-1"], "0 to 65535"),
        (["--profile", "tiny"], "use one of default, sora"),
        (["--api-key", ""], "not empty"),
        (["--host", "0.0.0.0"], "give --api-key"),  # noqa: S104 - it is refused
        (["--host", "::"], "give --api-key"),
        (["--host", "box.example"], "--allow-host with the name"),
        (["--ap", "x"], "--ap is not an option"),
        (["--port"], "--port: expected one argument"),
        (["9000"], "a word stands where an option should"),
        (["--allow-host", "http://emulator:8000"], "'http://emulator:8000' is not the name of a host"),
        (["--ephemeral", "9000"], "'9000' is neither yes nor no"),
        (["--ephemeral", "--db", "x"], "give one of the two"),
        (["--imitate", "nobody"], "use one of vllm-omni"),
        (["--port", "0", "--ephemeral", "--webhook-secret", "whsec_"], "no webhook URL"),
        (["--port", "0", "--ephemeral", "--webhook-url", "example.com"], "the webhook URL must be http://"),
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
    assert captured.err.startswith("openvideos-emulator: ")
    assert 1 == captured.err.count("\n")


@pytest.mark.parametrize("arguments", [["--api-kye", "sk-secret"], ["--api-kye=sk-secret"], ["sk-secret"]])
def test_an_argument_that_may_be_a_secret_is_not_repeated(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert "sk-secret" not in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.parametrize("name", ["none/jobs.db", "notes.txt/jobs.db", ".", "/proc/jobs.db"])
def test_a_place_that_cannot_be_written_is_reported(name: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    code, said = complaint("--port", "0", "--db", name, cwd=tmp_path)
    assert (1, 1) == (code, said.count("\n"))
    assert said.startswith(f"openvideos-emulator: the database {name} cannot be opened: ")
    assert said.endswith("check that its directory exists and is writable, or name another file with --db\n")


@pytest.mark.full
def test_a_file_in_the_place_of_the_media_is_reported(tmp_path: Path) -> None:
    (tmp_path / "jobs.db-media").touch()
    code, said = complaint("--port", "0", "--db", "jobs.db", cwd=tmp_path)
    assert (1, 1) == (code, said.count("\n"))
    assert "the directory for media, jobs.db-media, cannot be made: " in said


def test_a_temporary_directory_that_cannot_be_made_is_not_taken_for_the_port(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(prefix: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", f"/tmp/{prefix}")  # noqa: S108 - only named

    monkeypatch.setattr(tempfile, "mkdtemp", fail)
    for option in ("--ephemeral", "--isolate-keys"):
        assert 1 == main(["--port", "0", option])
        said = capsys.readouterr().err
        assert said.startswith("openvideos-emulator: the temporary directory for media cannot be made: [Errno 28] No")
        assert 1 == said.count("\n")


def test_a_database_that_can_only_be_read_is_reported(tmp_path: Path) -> None:
    """Root may write what it likes, so this asks SQLite itself, as it opens a file of a read-only file system."""
    path = tmp_path / "jobs.db"
    path.touch()
    with (
        contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError) as refused,
    ):
        connection.execute("CREATE TABLE jobs (id)")
    said = why_unusable(refused.value, path)
    assert f"the database {path} cannot be written: attempt to write a readonly database; check that it" in said


KEPT_NOWHERE = [
    (["--ephemeral"], {}),
    pytest.param(["--db", ":memory:"], {}, marks=pytest.mark.full),
    pytest.param([], {"OPENVIDEOS_EMULATOR_EPHEMERAL": "1"}, marks=pytest.mark.full),
]


@pytest.mark.parametrize(("arguments", "variables"), KEPT_NOWHERE)
def test_an_ephemeral_emulator_leaves_nothing_behind(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], variables: dict[str, str]
) -> None:
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with run("--pace", "instant", *arguments, cwd=tmp_path) as (process, base_url):
        with httpx.Client(base_url=base_url, trust_env=False) as client:
            id_ = client.post("/videos", json={"prompt": "A cat", "size": "64x48", "seconds": "1"}).json()["id"]
            assert "completed" == client.get(f"/videos/{id_}").json()["status"]
            assert b"ftyp" == client.get(f"/videos/{id_}/content").content[4:8]
        process.terminate()
        said = rest_of(process)
    assert "openvideos-emulator: jobs and media are gone at the end" == said.splitlines()[1]
    assert [] == list(tmp_path.iterdir())


@pytest.mark.full
def test_a_terminal_that_lacks_a_character_of_the_path_is_no_obstacle(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with run("--db", "\u732b.db", cwd=tmp_path) as (process, _):
        process.terminate()
        assert r"\u732b.db-media" in rest_of(process)


@pytest.mark.full
def test_a_webhook_secret_is_made_where_there_is_none(run: Run, tmp_path: Path) -> None:
    secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
    for given in ([], ["--webhook-secret", secret]):
        with run("--ephemeral", "--webhook-url", "http://127.0.0.1:9/?token=hidden#x", *given, cwd=tmp_path) as (
            process,
            _,
        ):
            process.terminate()
            said = rest_of(process)
        assert secret not in said
        made = re.findall(r"webhooks are signed with (whsec_\S+), which was made now", said)
        assert (not given) == (len(made) == 1)
        assert "openvideos-emulator: webhooks are sent to http://127.0.0.1:9/?***\n" in said
        for each in made:
            Endpoint("http://127.0.0.1:9/", each)


@pytest.mark.full
def test_a_key_in_a_variable_is_not_among_the_arguments(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENVIDEOS_EMULATOR_API_KEY", "sk-of-the-environment")
    with run("--ephemeral", cwd=tmp_path) as (process, base_url), httpx.Client(trust_env=False) as client:
        assert 401 == client.get(f"{base_url}/videos").status_code
        headers = {"Authorization": "Bearer sk-of-the-environment"}
        assert 200 == client.get(f"{base_url}/videos", headers=headers).status_code
        assert 200 == client.get(f"{base_url.removesuffix('/v1')}/health").status_code
        process.terminate()
        assert not any("sk-of-the-environment" in text for text in (rest_of(process), process.communicate()[1]))


@pytest.mark.full
def test_a_client_that_speaks_tls_gets_an_alert_and_the_log_a_line(run: Run, tmp_path: Path) -> None:
    with run("--ephemeral", cwd=tmp_path) as (process, base_url):
        for _ in range(3):
            with pytest.raises(httpx.ConnectError, match=r"(?i)alert"):
                httpx.get(base_url.replace("http", "https", 1), trust_env=False)
        assert 200 == httpx.get(f"{base_url}/videos", trust_env=False).status_code
        process.terminate()
        lines = complaints_of(process)
    use = base_url.removesuffix("/v1")
    told = f"openvideos-emulator: WARNING: a client spoke TLS (https://), which this server does not; use {use}"
    assert [told] == lines


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_warning_that_nobody_reads_holds_up_nothing(
    run: Run, tmp_path: Path, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with run("--ephemeral", "--quiet=no", cwd=tmp_path) as (process, base_url):
        with httpx.Client(base_url=base_url, trust_env=False, timeout=10) as client:
            for _ in range(60):  # more than a pipe holds
                assert 404 == client.get(f"/videos/{'x' * 2000}").status_code
            with pytest.raises(httpx.ConnectError, match=r"(?i)alert"):
                httpx.get(base_url.replace("http", "https", 1), trust_env=False)
            assert 200 == client.get("/videos").status_code
        process.terminate()
        assert 0 == process.wait(10)


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
    assert (
        "openvideos-emulator: this needs the extra emulator, which brings av, yaml; add it from where openvideos came, "
        "such as a clone: python -m pip install '.[emulator]'\n"
    ) == done.stderr


def test_ffmpeg_and_pillow_wait_for_the_first_file(tmp_path: Path) -> None:
    """Also where there are files of an earlier run, and where jobs without files are deleted."""
    script = """
import sys
from pathlib import Path
from openvideos_emulator import create_app
from openvideos_emulator._model.jobs import Recipe

for database in (None, "jobs.db", "jobs.db"):
    app = create_app(database=database)
    app._engine.sweep().result(20)
    job = app._engine.create(Recipe("A cat", "sora-2", "64x48", 1)).job
    if database is None:
        app._engine.delete(job.id)
    else:
        Path(f"jobs.db-media/{job.recipe.digest}-00000000.mp4").touch()
    app.close()
print({"av", "PIL"} & {*sys.modules}, len([*Path("jobs.db-media").iterdir()]))
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "set() 1\n" == done.stdout


def test_the_handlers_of_signals_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert 1 == main(["--db", "/dev/null/jobs.db", "--port", "0"])
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_create_app_refuses_unknown_words() -> None:
    with pytest.raises(ValueError, match="default, sora"):
        create_app(profile="tiny")
    with pytest.raises(ValueError, match="instant, polls:N"):
        create_app(pace="fast")


@pytest.mark.parametrize("log_format", ["text", pytest.param("json", marks=pytest.mark.full)])
def test_each_request_is_a_line_on_stderr(run: Run, tmp_path: Path, log_format: str) -> None:
    options = ("--ephemeral", "--quiet=no", "--log-format", log_format, "--api-key", "sk-synthetic")
    headers = {"authorization": "Bearer sk-synthetic"}
    with run(*options, cwd=tmp_path) as (process, base_url):
        with httpx.Client(base_url=base_url, trust_env=False, headers=headers) as client:
            assert 200 == client.get("/videos").status_code
            assert 400 == client.post("/videos", json={"prompt": ""}).status_code
            assert 200 == client.get(f"{base_url.removesuffix('/v1')}/_emulator/requests").status_code
        process.send_signal(signal.SIGTERM)
        rest_of(process)
        said = complaints_of(process)
    assert "sk-synthetic" not in "".join(said)
    first, second = said
    assert "GET" in first
    assert "prompt" in second
    if log_format == "json":
        assert ["list_videos", 200] == [json.loads(first)[name] for name in ("operation", "status")]


@pytest.mark.full
def test_each_key_has_its_own_when_keys_are_separate(run: Run, tmp_path: Path) -> None:
    options = ("--isolate-keys", "--pace", "instant", "--allow-host", "box.example")
    with run(*options, cwd=tmp_path) as (_, base_url):
        site = base_url.removesuffix("/v1")
        with httpx.Client(trust_env=False) as client:

            def ask(key: str, method: str, url: str, **options: Any) -> httpx.Response:
                return client.request(method, url, headers={"authorization": f"Bearer {key}"}, **options)

            body = {"prompt": "A cat", "size": "64x48", "seconds": "1"}
            id_ = ask("sk-a", "POST", f"{base_url}/videos", json=body).json()["id"]
            ask("sk-b", "POST", f"{site}/_emulator/faults", json={"status": 503, "times": 9})
            video = ask("sk-a", "GET", f"{base_url}/videos/{id_}").json()
            assert "completed" == video["status"]
            assert 503 == ask("sk-b", "GET", f"{base_url}/videos").status_code
            ask("sk-b", "POST", f"{site}/_emulator/reset")
            assert [] == ask("sk-b", "GET", f"{base_url}/videos").json()["data"]
            sent = ask("sk-a", "GET", f"{site}/_emulator/requests").json()["requests"]
            assert [1, 2] == [each["number"] for each in sent]
            assert 401 == client.get(f"{base_url}/videos").status_code
            assert 200 == client.get(video["url"]).status_code
            assert 401 == client.get(f"{video['url']}0").status_code
            assert 200 == client.get(site).status_code
            for host, expected in (("box.example", 200), ("evil.example", 403)):
                headers = {"authorization": "Bearer sk-a", "host": host}
                assert expected == client.get(f"{base_url}/videos", headers=headers).status_code
    assert [] == [*tmp_path.iterdir()]
