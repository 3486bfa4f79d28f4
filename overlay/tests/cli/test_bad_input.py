"""Each mistake is told in one sentence, with the way out and the documented exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from terminal import Terminal

import openvideos
from openvideos._cli.exit_codes import ExitCode
from openvideos._cli.invocation import Invocation
from openvideos._cli.main import cli
from openvideos._cli.telling import ADVICE
from openvideos_emulator.testing import OpenVideosServer

from .conftest import Answer, Run

JOB = {"id": "video_1", "object": "video", "created_at": 1, "model": "m", "status": "queued"}
KEY = "sk-secret-0123456789"
LONG = "n" * 300
"""A name that no file system takes."""


def one_sentence(err: str) -> str:
    """Return what was said, without the name of the program."""
    (line,) = err.splitlines()
    assert line.startswith("openvideos: ")
    assert line.endswith((".", "?"))
    return line.removeprefix("openvideos: ")


MISTAKES = {
    "no such command": (["creat"], "No such command 'creat'"),
    "no such option": (["list", "--statu", "x"], "--status"),
    "no argument": (["get"], "Missing argument 'ID'. See openvideos get --help."),
    "too many arguments": (["get", "a", "b"], "Got unexpected extra argument (b). See openvideos get"),
    "no number": (["list", "--limit", "many"], "Invalid value for '--limit': 'many' is not a valid integer"),
    "a number that is too small": (["list", "--limit", "0"], "Invalid value for '--limit'"),
    "an option before the command": (["--ask-key", "list"], "--ask-key stands behind a command, as in:"),
    "all and some": (["list", "--all", "--limit", "5"], "--all lists all videos, and --limit some of them"),
    "a timeout of no wait": (["create", "x", "--timeout", "5"], "--timeout limits a wait; give --wait or --output"),
    "a negative timeout": (["wait", "video_1", "--timeout", "-1"], "-1 is no number of seconds from 0 to"),
    "no number at all": (["create", "x", "--timeout", "nan"], "nan is no number of seconds from 0 to"),
    "a missing picture": (
        ["create", "x", "--input", "no.png"],
        "Invalid value for '--input': there is no file 'no.png'",
    ),
    "a missing picture with a role": (["create", "x", "--input", "first_frame=no.png"], "there is no file 'no.png'"),
    "pictures without roles": (["create", "x", "--input", "a", "--input", "b"], "several pictures need a role each"),
    "a missing clip": (
        ["edit", "no.mp4", "x"],
        "Invalid value for 'SOURCE': there is no file 'no.mp4'; check the path",
    ),
    "a missing clip elsewhere": (["extend", "./no", "x", "--seconds", "4"], "there is no file './no'"),
    "a missing file of a character": (
        ["characters", "create", "Ada", "no.mp4"],
        "Invalid value for 'FILE': there is no file 'no.mp4'; check the path",
    ),
    "no duration": (["extend", "video_1", "x"], "Missing option '--seconds'"),
    "a missing folder": (["create", "x", "-o", "no/x.mp4"], "'no/x.mp4' is in no folder: make 'no' first."),
    "a missing folder itself": (["create", "x", "-o", "no/"], "'no/' is no folder: make it first, or name a file."),
    "a missing folder in other words": (["download", "video_1", "-o", "no/."], "'no/.' is no folder"),
    "a file as a folder": (["create", "x", "-o", "pipe/"], "'pipe/' is no folder: make it first, or name a file."),
    "no output": (["create", "x", "-o", ""], "'' is no file; name one"),
    "a long name as output": (["create", "x", "-o", LONG], "cannot be written: File name too long; name another file."),
    "a long name as a picture": (["create", "x", "--input", LONG], "there is no file 'nnn"),
    "a long name as a clip": (["edit", f"{LONG}.mp4", "x"], "there is no file 'nnn"),
    "a long name of a character's file": (["characters", "create", "Ada", LONG], "there is no file 'nnn"),
    "a pipe as output": (["create", "x", "-o", "pipe"], "'pipe' is a pipe or a device"),
    "stdout as output": (["download", "video_1", "-o", "-"], "'-' is no file; name one"),
    "a choice that is missing": (["completion"], "Choose from: bash, zsh, fish. See openvideos completion --help."),
    "an unknown shell": (["completion", "tcsh"], "Invalid value for '{bash|zsh|fish}'"),
    "an id that is none": (["get", ".."], ""),
    "no prompt": (["create", ""], "Invalid value for 'PROMPT': there is none; say what the video shall show."),
    "a prompt of no text": (["create", "-"], "stdin holds no text in UTF-8; convert it."),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_call_sends_nothing(
    run: Run, serve: Callable[[Answer], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(500)

    serve(answer)
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    words, said = MISTAKES[name]
    ran = run(*words, stdin=b"\xff")
    assert (ExitCode.MISUSE, "", []) == (ran.code, ran.out, sent)
    assert said in one_sentence(ran.err)


def test_a_long_id_is_no_name_of_a_file(run: Run, serve: Callable[[Answer], None]) -> None:
    serve(lambda _: httpx.Response(200, json=JOB))
    assert ExitCode.DONE == run("edit", LONG, "x").code


def test_a_prompt_that_is_too_long(run: Run, serve: Callable[[Answer], None]) -> None:
    serve(lambda _: httpx.Response(500))
    assert "stdin holds more than 1048576 bytes; shorten it" in one_sentence(run("create", "-", stdin=b"x" * 2**21).err)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "you may not write in" in one_sentence(run("create", "x", "-o", tmp_path / "x.mp4").err)


def test_a_folder_that_may_not_be_written_even_for_root(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "you may not write in" in one_sentence(run("create", "x", "-o", tmp_path / "x.mp4").err)


class TestSettings:
    def test_no_base_url(self, run: Run) -> None:
        ran = run("list")
        assert ExitCode.CONFIGURATION == ran.code
        assert "No base URL: give --base-url, or set OPENVIDEOS_BASE_URL" in ran.err
        assert "openvideos-emulator" in one_sentence(ran.err)

    @pytest.mark.parametrize(
        "url",
        ["server", "http://u:p@server/v1", "ftp://server", "http://server/?a=b", "http://[", "http://h:99999", " "],
    )
    def test_a_wrong_base_url(self, run: Run, url: str) -> None:
        ran = run("list", "--base-url", url)
        assert ExitCode.CONFIGURATION == ran.code
        assert "base URL" in one_sentence(ran.err)
        assert not re.search(r"[a-z]_[a-z]+=", ran.err), "what whoever writes Python would do is no way out"

    def test_a_wrong_proxy(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://:0:")
        ran = run("list", "--base-url", "http://server.test/v1")
        assert ExitCode.CONFIGURATION == ran.code
        assert "HTTP_PROXY" in one_sentence(ran.err)

    @pytest.mark.parametrize("words", [["--api-key", KEY], [f"--api-key={KEY}"]])
    def test_a_key_among_the_arguments(self, run: Run, words: list[str]) -> None:
        ran = run("list", *words)
        assert ExitCode.MISUSE == ran.code
        assert KEY not in ran.err
        assert "set OPENVIDEOS_API_KEY, or give --ask-key" in one_sentence(ran.err)

    def test_a_key_cannot_be_asked_for_without_a_terminal(self, run: Run) -> None:
        ran = run("list", "--ask-key", "--base-url", "http://server.test/v1")
        assert ExitCode.MISUSE == ran.code
        assert "--ask-key needs a terminal" in one_sentence(ran.err)

    def test_a_wrong_key(self, run: Run, at_emulator: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENVIDEOS_API_KEY", KEY)
        for command in (["list"], ["doctor"], ["create", "x"]):
            ran = run(*command)
            assert ExitCode.NO_ACCESS == ran.code
            assert KEY not in ran.err
            assert "Check the API key: --ask-key, or OPENVIDEOS_API_KEY" in one_sentence(ran.err)

    def test_a_server_that_is_not_there(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("openvideos._flows.retrying.FIRST_PAUSE_S", 0.0)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and it does not listen
            where = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
            for command in (["list"], ["doctor"], ["create", "x"]):
                ran = run(*command, "--base-url", where)
                assert ExitCode.UNREACHABLE == ran.code
                assert "Is the server running, and is the base URL right?" in one_sentence(ran.err)

    @pytest.mark.parametrize("before", ADVICE)
    def test_advice_for_python_is_still_what_the_sdk_says(self, before: str) -> None:
        root = Path(openvideos.__file__).parent
        sources = "".join(path.read_text("utf-8") for path in root.rglob("_*/*.py") if path.parent.name != "_cli")
        sources += "".join(path.read_text("utf-8") for path in root.glob("*.py"))
        assert before in re.sub(r'" *\n *f?"', "", sources)


class TestServers:
    def test_an_unknown_id(self, run: Run, at_emulator: None) -> None:
        for command in (["get", "nope"], ["download", "nope"], ["delete", "nope", "--yes"], ["wait", "nope"]):
            assert ExitCode.NOT_FOUND == run(*command).code

    def test_a_request_that_is_refused(self, run: Run, at_emulator: None) -> None:
        assert ExitCode.REFUSED == run("create", "x", "--size", "huge").code

    def test_content_of_a_job_that_has_not_ended(
        self, run: Run, at_emulator: None, openvideos_server: OpenVideosServer
    ) -> None:
        assert ExitCode.REFUSED == run("download", openvideos_server.seed(status="queued").id).code

    @pytest.mark.parametrize("status", [500, 503])
    def test_a_create_that_may_have_started_its_job(
        self, run: Run, at_emulator: None, openvideos_server: OpenVideosServer, status: int
    ) -> None:
        openvideos_server.fail_next(status, operation="create_video", carried_out=True)
        ran = run("create", "x")
        assert ExitCode.SERVER_FAILED == ran.code
        assert "may have started the job all the same; list the videos" in one_sentence(ran.err)

    def test_a_file_that_breaks_off_again_and_again(
        self, run: Run, serve: Callable[[Answer], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("openvideos._flows.retrying.FIRST_PAUSE_S", 0.0)
        film = {"content-type": "video/mp4", "content-length": "9"}
        serve(lambda _: httpx.Response(200, headers=film, stream=httpx.ByteStream(b"12345678")))
        ran = run("download", "video_1", "-o", tmp_path / "x.mp4")
        assert (ExitCode.NO_FILE, []) == (ran.code, [*tmp_path.iterdir()])
        assert "download it again" in one_sentence(ran.err)

    def test_an_error_is_json_if_that_is_asked_for(self, run: Run, at_emulator: None) -> None:
        ran = run("get", "nope", "--json")
        error = json.loads(ran.err)["error"]
        assert {"type", "message", "exit_code", "go_on", "video_id", "request_id"} == error.keys()
        assert ("NotFoundError", 5, "nope", None) == tuple(
            error[name] for name in ("type", "exit_code", "video_id", "go_on")
        )
        assert error.keys() == json.loads(run("get", "--json").err)["error"].keys()

    def test_no_traceback_without_debug(self, run: Run, at_emulator: None) -> None:
        assert "Traceback" not in run("get", "nope").err
        assert "Traceback" in run("get", "nope", "--debug").err

    def test_a_mistake_of_the_command_itself(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def client(_: Invocation) -> Any:
            raise TypeError(KEY)

        monkeypatch.setattr(Invocation, "client", client)
        ran = run("list")
        assert ExitCode.PROBLEM == ran.code
        assert "the command has made a mistake of its own (TypeError)" in one_sentence(ran.err)
        assert KEY not in ran.err

    def test_what_reads_the_output_has_gone(
        self, terminal: Callable[..., Terminal], run_on: Callable[..., int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def give(*_: object) -> None:
            raise BrokenPipeError

        monkeypatch.setattr(Invocation, "give", give)
        screen = terminal()
        assert ExitCode.READER_GONE == run_on(screen, "doctor", "--base-url", "http://server.test")
        assert "" == screen.text


class TestInterruptions:
    """A job that was started is never lost."""

    @pytest.mark.parametrize(
        ("number", "code", "said"),
        [
            (signal.SIGINT, ExitCode.INTERRUPTED, "interrupted."),
            (signal.SIGTERM, ExitCode.TERMINATED, "terminated."),
            (signal.SIGHUP, ExitCode.HUNG_UP, "the terminal was closed."),
        ],
    )
    def test_a_signal_during_the_wait(
        self, run: Run, serve: Callable[[Answer], None], number: signal.Signals, code: ExitCode, said: str
    ) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                signal.pthread_kill(threading.main_thread().ident or 0, number)
            return httpx.Response(200, json=JOB | {"id": "-x y"})

        serve(answer)
        ran = run("create", "x", "--output", "a b.mp4", "--base-url", "http://server.test/v1")
        where = "--base-url http://server.test/v1"
        go_on = f"openvideos wait {where} -- '-x y' && openvideos download {where} --output 'a b.mp4' -- '-x y'"
        assert (code, "") == (ran.code, ran.out), ran.err
        assert [
            "-x y: queued, m",
            f"openvideos: {said}",
            f"openvideos: The job -x y goes on at the server; wait for it with: {go_on}",
        ] == [line for line in ran.err.splitlines() if line != "-x y: queued"]

    def test_a_signal_during_the_create(self, run: Run, serve: Callable[[Answer], None]) -> None:
        def answer(_: httpx.Request) -> httpx.Response:
            raise KeyboardInterrupt

        serve(answer)
        ran = run("create", "x")
        assert ExitCode.INTERRUPTED == ran.code
        said = "The server may have started the job; it is in the list if it has:"
        assert f"{said} openvideos list\n" in ran.err
        ran = run("create", "x", "--base-url", "http://server.test/v2")
        assert f"{said} openvideos list --base-url http://server.test/v2\n" in ran.err

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_the_json_of_a_signal_has_the_id(
        self, run: Run, serve: Callable[[Answer], None], number: signal.Signals
    ) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                signal.pthread_kill(threading.main_thread().ident or 0, number)
            return httpx.Response(200, json=JOB)

        serve(answer)
        for words in (["create", "x", "--wait"], ["download", "video_1", "-o", "x.mp4"]):
            error = json.loads(run(*words, "--json").err.splitlines()[-1])["error"]
            assert "video_1" == error["video_id"]
            assert not error["type"].startswith("_")

    def test_a_signal_that_is_ignored_stays_so(self, run: Run, serve: Callable[[Answer], None]) -> None:
        """As nohup has it."""

        def answer(_: httpx.Request) -> httpx.Response:
            signal.raise_signal(signal.SIGHUP)
            return httpx.Response(200, json=JOB)

        serve(answer)
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            assert ExitCode.DONE == run("get", "video_1").code
            assert signal.SIG_IGN == signal.getsignal(signal.SIGHUP)
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_the_way_on_asks_for_the_key_again(
        self, run: Run, serve: Callable[[Answer], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Invocation, "asked_key", lambda _: KEY)
        serve(lambda request: httpx.Response(200 if request.method == "POST" else 401, json=JOB))
        assert "openvideos wait --ask-key video_1\n" in run("create", "x", "--wait", "--ask-key").err

    @pytest.mark.parametrize("reason", ["No GPU", "No GPU."])
    def test_what_failed_is_told_with_one_full_stop(
        self, run: Run, serve: Callable[[Answer], None], reason: str
    ) -> None:
        failed = JOB | {"status": "failed", "error": {"code": "c", "message": reason}}
        serve(lambda _: httpx.Response(200, json=failed))
        assert run("wait", "video_1").err.endswith("The video video_1 has failed: c: No GPU.\n")

    def test_an_error_during_the_wait(self, run: Run, serve: Callable[[Answer], None]) -> None:
        serve(lambda request: httpx.Response(200 if request.method == "POST" else 401, json=JOB))
        ran = run("create", "x", "--wait", "--json")
        error = json.loads(ran.err.splitlines()[-1])["error"]
        assert (ExitCode.NO_ACCESS, "video_1") == (ran.code, error["video_id"])
        assert "wait for it with: openvideos wait video_1" in error["go_on"]

    def test_a_job_that_is_lost_during_the_wait(
        self, run: Run, serve: Callable[[Answer], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("openvideos._flows.wait_many.DEFAULT_INTERVAL_S", 0.0)
        gone = httpx.Response(404, headers={"retry-after-ms": "0"})
        serve(lambda request: httpx.Response(200, json=JOB) if request.method == "POST" else gone)
        ran = run("create", "x", "--wait")
        assert (ExitCode.NOT_FOUND, "") == (ran.code, ran.out)
        assert "wait for it with: openvideos wait video_1\n" in ran.err

    def test_an_id_that_is_none_is_not_waited_for_again(self, run: Run, serve: Callable[[Answer], None]) -> None:
        serve(lambda _: httpx.Response(500))
        ran = run("wait", "video_1", "")
        assert (ExitCode.MISUSE, 1) == (ran.code, len(ran.err.splitlines()))

    def test_an_error_during_the_download(self, run: Run, serve: Callable[[Answer], None], tmp_path: Path) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/content"):
                return httpx.Response(410)
            return httpx.Response(200, json=JOB | {"status": "completed"})

        serve(answer)
        ran = run("create", "x", "--output", tmp_path / "x.mp4")
        assert ExitCode.NOT_FOUND == ran.code
        assert f"is made; save it with: openvideos download --output {tmp_path / 'x.mp4'} video_1\n" in ran.err


WORDS = st.sampled_from(
    [
        *cli.commands,
        *{option for command in cli.commands.values() for each in command.params for option in each.opts},
        *("--help", "-", "--", "", "x", "1", "video_1", "\x1b[31m", "\ud800", "{}", "no/such/file.mp4"),
    ]
)


@given(words=st.lists(WORDS, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_words_lead_to_a_mistake_of_the_command(
    run: Run, serve: Callable[[Answer], None], tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    serve(lambda _: httpx.Response(404, json={"error": {"message": "\x1b[31mno"}}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.getbasetemp())
        ran = run(*words)
    assert ran.code in {*ExitCode} - {ExitCode.PROBLEM}
    assert "\x1b" not in ran.out + ran.err.partition("Traceback")[0]
    if ran.code != ExitCode.DONE:
        assert re.search(r'^(openvideos: |{"error":)', ran.err, re.MULTILINE)


KEYS = st.sampled_from(
    ["id", "status", "data", "error", "progress", "prompt", "created_at", "has_more", "code", "deleted"]
)
VALUES = st.none() | st.booleans() | st.integers() | st.sampled_from(["video_1", "completed", "\x1b[2J", "\ud800", ""])
ANYTHING = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=12
)
VIDEOS = st.builds(
    lambda status, more: {"id": "video_1", "status": status} | more,
    st.sampled_from(["completed", "failed", "queued", "\x1b[2J"]),
    st.dictionaries(KEYS, ANYTHING),
)
BODIES = ANYTHING | VIDEOS | st.lists(VIDEOS, max_size=3).map(lambda videos: {"data": videos, "has_more": False})
CALLS = (
    ["list", "--limit", "2"],
    ["list", "--all", "--json"],
    ["get", "video_1"],
    ["wait", "video_1", "--timeout", "0"],
    ["create", "x", "--wait", "--timeout", "0"],
    ["remix", "video_1", "x", "--json"],
    ["delete", "video_1", "--yes"],
    ["download", "video_1", "-o", "x.mp4"],
    ["characters", "get", "char_1"],
)


@given(body=BODIES, status=st.sampled_from([200, 200, 200, 202, 301, 404, 418, 429, 500]), words=st.sampled_from(CALLS))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_response_leads_to_a_mistake_of_the_command(
    run: Run,
    serve: Callable[[Answer], None],
    tmp_path_factory: pytest.TempPathFactory,
    body: Any,
    status: int,
    words: list[str],
) -> None:
    serve(lambda _: httpx.Response(status, content=json.dumps(body).encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("openvideos._flows.retrying.FIRST_PAUSE_S", 0.0)
        patch.chdir(tmp_path_factory.getbasetemp())
        ran = run(*words)
    assert ran.code in {*ExitCode} - {ExitCode.PROBLEM}, ran.err
    assert "\x1b" not in ran.out + ran.err
    if ran.code != ExitCode.DONE:
        assert re.search(r'^(openvideos: |{"error":)', ran.err, re.MULTILINE)
