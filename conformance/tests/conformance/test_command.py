"""Test the command line, against the emulator and against servers that cannot be judged."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from hypothesis import settings

from openvideos_conformance.__main__ import main
from openvideos_conformance._cli.progress import Progress
from openvideos_conformance._core.target import Target
from openvideos_conformance._pytest.budget import WRONGLY_STARTED
from openvideos_conformance._pytest.run_state import RunState

KEY = "sk-openvideos-command-0123456789"
FEW = "VID-CREATE-004,VID-LIST-002"
SMALL = ("--size", "64x48", "--seconds", "1", "--failing-prompt", "[fail]")
LIMIT = 100


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "openvideos_conformance", *arguments]


def environment(**known: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENVIDEOS_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **known}


def run_command(*arguments: str, cwd: Path, **known: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(**known),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("emulator")
    arguments = ["-m", "openvideos_emulator", "--port", "0", "--pace", "polls:2", "--api-key", KEY]
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=directory, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+/v1", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.kill()


def videos(base_url: str) -> list[str]:
    response = httpx.get(f"{base_url}/videos", params={"limit": 100}, headers={"authorization": f"Bearer {KEY}"})
    return [video["id"] for video in response.json()["data"]]


Response = Callable[[socket.socket], None]


@contextlib.contextmanager
def responding(response: Response) -> Generator[str]:
    """Serve one kind of response to every connection; yield the base URL."""
    stopped = threading.Event()

    def handle(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(10)
            connection.recv(65_536)
            response(connection)

    def serve() -> None:
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                connection, _ = listener.accept()
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        stopped.set()
        thread.join()


def says(head: str, body: str = "") -> Response:
    return lambda connection: connection.sendall(
        f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n{body}".encode()
    )


def hangs(connection: socket.socket) -> None:
    connection.recv(1)


def dribbles(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    for _ in range(400):
        connection.sendall(b" ")
        time.sleep(0.05)  # until the client closes the connection, which is soon


def pours(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")
    for _ in range(4096):
        connection.sendall(b"1," * 65_536)


UNJUDGED: dict[str, tuple[Response, str]] = {
    "key": (
        says("401 No\r\ncontent-type: application/json", '{"error": {"message": "no"}}'),
        r"refuses the request \(401\): the key",
    ),
    "html": (says("200 OK\r\ncontent-type: text/html", "<!doctype html><p>hello"), r"not JSON \(text/html\)"),
    "redirect": (says("302 Found\r\nlocation: https://example.org/login"), "redirects to https://example.org/login"),
    "404": (
        says("404 Not Found\r\ncontent-type: application/json", '{"detail": "Not Found"}'),
        "refuses a plain create",
    ),
    "plain": (says("404 Not Found\r\ncontent-type: text/plain", "404 page not found"), "not JSON"),
    "closed": (lambda connection: None, "does not respond"),
    "ssh": (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n"), "does not respond"),
    "hang": (hangs, "does not respond: ReadTimeout"),
    "dribble": (dribbles, "did not end within"),
    "pour": (pours, "longer than|did not end within"),
}
"""What a server does, and what a run says of it."""


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param(*case, id=name, marks=() if name in {"key", "html", "hang"} else pytest.mark.full)
        for name, case in UNJUDGED.items()
    ],
)
def test_a_server_that_cannot_be_judged_gets_a_sentence_and_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], response: Response, expected: str
) -> None:
    with responding(response) as url:
        arguments = ["run", "--base-url", url, "--api-key", KEY, "--timeout", "0.5", "--report", str(tmp_path / "r")]
        assert 2 == main(arguments)
    out, err = capsys.readouterr()
    assert re.search(expected, err)
    assert 1 == err.count("\n")
    assert "Traceback" not in out + err
    assert KEY not in out + err
    document = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    assert re.search(expected, document["problem"])
    assert {"not_reached"} == {each["verdict"] for each in document["results"]}
    assert 2 == document["exit_code"]


def test_an_unused_port_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert 2 == main(["run", "--base-url", f"http://127.0.0.1:{port}/v1"])
    assert "does not respond" in capsys.readouterr().err


BAD: dict[str, tuple[list[str], str]] = {
    "no url": (["run"], "--base-url"),
    "no scheme": (["run", "--base-url", "127.0.0.1:8000"], "not the URL of an API"),
    "ftp": (["run", "--base-url", "ftp://127.0.0.1/v1"], "not the URL of an API"),
    "port": (["run", "--base-url", "http://127.0.0.1:99999/v1"], "not the URL of an API"),
    "brackets": (["run", "--base-url", "http://[::1/v1"], "not the URL of an API"),
    "password": (["run", "--base-url", "http://user:hunter2@127.0.0.1/v1"], "a name or a password"),
    "id": (["run", "--base-url", "http://127.0.0.1:1/v1", "--only", "VID-LIST-999"], "VID-LIST-999"),
    "no id": (["run", "--base-url", "http://127.0.0.1:1/v1", "--only", ","], "names no requirement"),
    "key": (["run", "--base-url", "http://127.0.0.1:1/v1", "--api-key", "hunter2 \n"], "printable"),
    "file": (["run", "--base-url", "http://127.0.0.1:1/v1", "--expected-failures", "nowhere.toml"], "nowhere.toml"),
    "report": (["run", "--base-url", "http://127.0.0.1:1/v1", "--report", f"{__file__}/x"], "cannot be written"),
    "compare": (["compare", "nowhere.json"], "nowhere.json"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_command_line_gets_a_sentence(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENVIDEOS_BASE_URL", raising=False)
    arguments, expected = BAD[name]
    assert 2 == main(arguments)
    out, err = capsys.readouterr()
    assert expected in err
    assert 1 == err.count("\n")
    assert "hunter2" not in out + err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[("--max-videos", text) for text in ("0", "-1", "many", "1e3")],
        *[("--deadline", text) for text in ("0", "-1", "soon", "nan", "inf")],
        *[("--capabilities", text) for text in ("telepathy", "-telepathy")],
        *[("--seed", text) for text in ("-1", "x")],
        *[("--webhook-port", text) for text in ("0", "65536", "x")],
    ],
)
def test_a_wrong_value_is_named(capsys: pytest.CaptureFixture[str], option: str, value: str) -> None:
    assert 2 == main(["run", "--base-url", "http://127.0.0.1:1/v1", f"{option}={value}"])
    assert option in capsys.readouterr().err


@pytest.mark.parametrize(("is_strict", "word"), [(False, "warn"), (True, "fail")])
def test_a_should_that_fails_is_a_warning_while_the_run_goes_on(*, is_strict: bool, word: str) -> None:
    stream = io.StringIO()
    state = RunState(target=Target(base_url="http://127.0.0.1:1/v1"), strict=is_strict)
    progress = Progress(state, stream, is_coloured=False, is_live=False)
    for requirement in ("VID-IDEM-001", "VID-LIST-001"):
        kept = {"outcome": "violated", "requirement": requirement, "check": "test_it", "message": ""}
        progress.pytest_runtest_logreport(cast("pytest.TestReport", SimpleNamespace(openvideos=kept)))
    words = [line.split()[:2] for line in stream.getvalue().splitlines()]
    assert [[word, "VID-IDEM-001"], ["fail", "VID-LIST-001"]] == words


def test_what_the_options_exclude_costs_no_request(capsys: pytest.CaptureFixture[str]) -> None:
    with responding(hangs) as url:
        assert 0 == main(["run", "--base-url", url, "--profile", "core", "--only", "VID-LIST-003,VID-DELETE-001", "-v"])
    out, _ = capsys.readouterr()
    assert "by 0 requirements, in 0 checks" in out
    assert "The run starts 0 videos at most" in out
    assert "list is beyond the profile core" in out
    assert "No MUST requirement was exercised" in out


@pytest.mark.parametrize("text", ["[expected", "", "[expected]\nVID-NO-001 = 'x'", "[expected]\nVID-LIST-001 = ''"])
def test_malformed_expected_failures_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "expected.toml"
    path.write_text(text, encoding="utf-8")
    assert 2 == main(["run", "--base-url", "http://127.0.0.1:1/v1", "--expected-failures", str(path)])
    assert str(path) in capsys.readouterr().err


def test_a_right_server_passes_and_is_left_as_it_was(tmp_path: Path, emulator: str) -> None:
    hostile_setup = {
        "pytest.ini": "[pytest]\naddopts = --no-such-option\nfilterwarnings = error\n",
        "conftest.py": "raise RuntimeError('the conftest of somebody')\n",
        "sitecustomize.py": "",
    }
    for name, text in hostile_setup.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    before = {file.name for file in tmp_path.iterdir()}
    done = run_command(
        *("run", "--base-url", emulator, "--only", FEW, "--report", "out/report", "-v", *SMALL),
        cwd=tmp_path,
        OPENVIDEOS_API_KEY=KEY,
        PYTEST_ADDOPTS="--no-such-option",
        PYTEST_PLUGINS="no_such_plugin",
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "" == done.stderr
    assert "The run starts " in done.stdout
    assert done.stdout.index("The run starts ") < done.stdout.index("\npass ")
    assert "\x1b" not in done.stdout
    assert {file.name for file in tmp_path.iterdir()} == before | {"out"}
    document = json.loads((tmp_path / "out" / "report" / "report.json").read_text(encoding="utf-8"))
    assert {each["id"]: each["verdict"] for each in document["results"]} == dict.fromkeys(FEW.split(","), "pass")
    assert document["videos_started"] >= 1
    assert [] == document["left_over"]
    assert [] == videos(emulator)
    for file in (tmp_path / "out" / "report").iterdir():
        assert KEY not in file.read_text(encoding="utf-8")
    lines = [line for line in done.stdout.splitlines() if line.startswith("pass ")]
    assert len(lines) == len(set(lines)) > 1


@pytest.mark.full
def test_a_wrong_key_is_reported_without_showing_it(tmp_path: Path, emulator: str) -> None:
    done = run_command("run", "--base-url", emulator, "--api-key", "sk-wrong-key-0000", cwd=tmp_path)
    assert 2 == done.returncode
    assert "the key is wrong" in done.stderr
    assert "sk-wrong" not in done.stdout + done.stderr


@pytest.mark.full
def test_a_stale_expected_failure_fails_the_run(tmp_path: Path, emulator: str) -> None:
    (tmp_path / "known.toml").write_text("[expected]\nVID-LIST-002 = 'it was so'\n", encoding="utf-8")
    arguments = ("--only", "VID-LIST-002", "--expected-failures", "known.toml", *SMALL)
    done = run_command("run", "--base-url", emulator, *arguments, cwd=tmp_path, OPENVIDEOS_API_KEY=KEY)
    assert 1 == done.returncode, done.stdout + done.stderr
    assert "STALE VID-LIST-002" in done.stdout
    assert not re.search(r"(?m)^pass ", done.stdout)  # which -v shows


# Processes that a shell starts in the background ignore SIGINT, and so do their children.
ATTENTIVE = """
import signal, sys
from openvideos_conformance.__main__ import main

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""


# As pytest does where the traceback of the interrupt has no line number.
UNSHOWN = """
from _pytest.terminal import TerminalReporter

def pytest_keyboard_interrupt(self, excinfo):
    raise TypeError("unsupported operand type(s) for -: 'NoneType' and 'int'")

TerminalReporter.pytest_keyboard_interrupt = pytest_keyboard_interrupt
"""


@contextlib.contextmanager
def started(tmp_path: Path, url: str, code: str) -> Generator[subprocess.Popen[str]]:
    """Start a run, wait until a check has passed, and yield the process."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "--base-url", url, "--report", "report", "-v", *SMALL],
        cwd=tmp_path,
        env=environment(OPENVIDEOS_API_KEY=KEY),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("pass "):
            assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends signals differently")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, ATTENTIVE, id="SIGINT"),
        pytest.param(signal.SIGTERM, ATTENTIVE, id="SIGTERM", marks=pytest.mark.full),
        pytest.param(signal.SIGTERM, UNSHOWN + ATTENTIVE, id="not shown by pytest", marks=pytest.mark.full),
    ],
)
def test_an_interrupted_run_reports_that_and_deletes_its_videos(
    tmp_path: Path, emulator: str, number: signal.Signals, code: str
) -> None:
    with started(tmp_path, emulator, code) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=LIMIT)
    assert 2 == process.returncode, out + err
    assert "Traceback" not in out + err
    assert "interrupted" in out
    document = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert document["interrupted"] is True
    verdicts = [each["verdict"] for each in document["results"]]
    assert verdicts.count("not_reached") > 50
    assert "fail" not in verdicts
    assert "error" not in verdicts
    assert [] == document["left_over"]
    assert [] == videos(emulator)


IMPATIENT = """
import os, signal, sys, time
from openvideos_conformance._pytest import fixtures
from openvideos_conformance.__main__ import main

def clean_up(client):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

fixtures.clean_up = clean_up
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends signals differently")
def test_a_run_that_is_interrupted_during_cleanup_names_the_videos_that_are_left(tmp_path: Path, emulator: str) -> None:
    arguments = ["run", "--base-url", emulator, "--only", "VID-CREATE-004", "--report", "report", *SMALL]
    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT, *arguments],
        cwd=tmp_path,
        env=environment(OPENVIDEOS_API_KEY=KEY),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert 2 == done.returncode, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    left = videos(emulator)
    document = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert sorted(document["left_over"]) == sorted(left) != []
    assert f"not deleted: {document['left_over'][0]}" in done.stdout
    for video_id in left:
        httpx.delete(f"{emulator}/videos/{video_id}", headers={"authorization": f"Bearer {KEY}"})


@pytest.mark.full
def test_jobs_that_never_end_within_the_deadline_are_no_verdict(tmp_path: Path) -> None:
    arguments = ["-m", "openvideos_emulator", "--port", "0", "--pace", "manual"]
    with subprocess.Popen(
        [sys.executable, *arguments], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+/v1", process.stdout.readline())
        assert found is not None
        only = ("--only", "VID-CONTENT-004", "--deadline", "1")
        done = run_command("run", "--base-url", found[0], *only, *SMALL, "--report", "report", cwd=tmp_path)
        process.kill()
    assert 2 == done.returncode, done.stdout + done.stderr
    assert "no job ended within the deadline of 1 s; allow more time with --deadline" in done.stderr
    document = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert ["not_reached"] == [each["verdict"] for each in document["results"]]


@pytest.mark.full
@pytest.mark.hypothesis  # which generates the requests
def test_a_complete_run_starts_no_more_videos_than_it_announced(tmp_path: Path, emulator: str) -> None:
    is_full = settings().max_examples >= 100  # as many requests are generated then as in a user's run
    few = ("--generation-time", "60", *(() if is_full else ("--examples", "1")))
    arguments = ("run", "--base-url", emulator, "--report", "report", *few, *SMALL)
    done = run_command(*arguments, cwd=tmp_path, OPENVIDEOS_API_KEY=KEY)
    assert 0 == done.returncode, done.stdout + done.stderr
    expected = re.search(r"The run starts (\d+) videos at most", done.stdout)
    assert expected is not None
    document = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert document["videos_started"] <= int(expected[1]) <= 50
    # Generated requests may start fewer than the most, and what should be refused starts none here.
    assert int(expected[1]) <= document["videos_started"] + 12 + WRONGLY_STARTED
    assert [] == videos(emulator)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("openvideos_conformance.__main__._NEEDED", ("pytest", "no_such_package"))
    assert 2 == main(["requirements"])
    assert (
        "openvideos-conformance: this needs the extra conformance, which brings no_such_package; add it from where "
        "openvideos came, such as a clone: python -m pip install '.[conformance]'\n"
    ) == capsys.readouterr().err
