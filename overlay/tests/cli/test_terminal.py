"""What a person sees on a terminal: bars that move, tables, questions, pictures, and a way on after Ctrl-C."""

from __future__ import annotations

import importlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from terminal import PATIENCE_S, Terminal

from openvideos_emulator.testing import Job, OpenVideosServer

from .conftest import Answer, Run

OnTerminal = Callable[..., int]
MakeTerminal = Callable[..., Terminal]

SIXEL = {b"\x1b[c": b"\x1b[?62;4c"}
KITTY = {b"\x1b[c": b"\x1b[?62c", b"a=q": b"\x1b_Gi=1;OK\x1b\\"}
NO_PICTURES = {b"\x1b[c": b"\x1b[?62c", b"a=q": b"?"}


@pytest.fixture(autouse=True)
def _at_emulator(at_emulator: None) -> None:
    """Name the emulator in the environment."""


@pytest.fixture
def running(openvideos_server: OpenVideosServer) -> Job:
    """Return a job that is half done, and stands still."""
    return openvideos_server.seed(status="in_progress", progress=50, prompt="A kite", size="64x48", seconds="1")


def when(terminal: Terminal, pattern: str, act: Callable[[], object]) -> threading.Thread:
    """Act once the terminal shows something."""

    def watch() -> None:
        terminal.wait_for(lambda: re.search(pattern, terminal.text) is not None)
        act()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def seen(terminal: Terminal, pattern: str) -> bool:
    """Return whether the terminal has ever shown something."""
    return any(re.search(pattern, screen) for screen in terminal.screens)


class TestWaiting:
    def test_shows_a_bar_for_each_job(
        self, terminal: MakeTerminal, run_on: OnTerminal, openvideos_server: OpenVideosServer, running: Job
    ) -> None:
        screen = terminal()
        other = openvideos_server.seed(status="queued", prompt="A boat")
        watcher = when(screen, "50%.*\n.*A boat", openvideos_server.advance)
        assert 0 == run_on(screen, "wait", running.id, other.id)
        watcher.join()
        assert seen(
            screen, rf"…{running.id[-15:]} A kite +in_progress .* 50% 0:00:\d\d\n…{other.id[-15:]} A boat +queued"
        )
        # The bars vanish, and a line for each job stays.
        assert {f"{running.id}  completed", f"{other.id}  completed"} == {
            re.sub(r"\s+", "  ", line) for line in screen.text.splitlines()
        }

    def test_shows_a_total_for_more_than_fit(
        self, terminal: MakeTerminal, run_on: OnTerminal, openvideos_server: OpenVideosServer
    ) -> None:
        screen = terminal(rows=6)
        jobs = [openvideos_server.seed(error="no_gpu" if number == 0 else None).id for number in range(5)]
        jobs.append(openvideos_server.seed(status="in_progress").id)
        watcher = when(screen, r"6 jobs +5/6 ended, 1 failed", openvideos_server.advance)
        assert 9 == run_on(screen, "wait", *jobs)
        watcher.join()
        assert seen(screen, r"6 jobs +5/6 ended, 1 failed .* 83% ")

    @pytest.mark.parametrize(("rows", "below"), [(24, "…"), (6, "5 jobs +0/5 ended")])
    def test_shows_those_that_are_there(
        self, terminal: MakeTerminal, run_on: OnTerminal, openvideos_server: OpenVideosServer, rows: int, below: str
    ) -> None:
        screen = terminal(rows=rows)
        jobs = [openvideos_server.seed(status="in_progress").id for _ in range(5)]
        # The bar of the job that the server does not have has gone from below the line that tells of it.
        watcher = when(screen, f"(?m)^openvideos: .*video_lost[^━…]*^{below}", openvideos_server.advance)
        assert 5 == run_on(screen, "wait", "video_lost", *jobs)
        watcher.join()

    def test_needs_few_columns(
        self, terminal: MakeTerminal, run_on: OnTerminal, openvideos_server: OpenVideosServer, running: Job
    ) -> None:
        screen = terminal(columns=40)
        watcher = when(screen, "50%", openvideos_server.advance)
        assert 0 == run_on(screen, "wait", running.id)
        watcher.join()
        assert seen(screen, rf"…{running.id[-15:]} +in_progress +50%")

    def test_writes_results_to_stdout_alone(
        self,
        terminal: MakeTerminal,
        run_on: OnTerminal,
        openvideos_server: OpenVideosServer,
        running: Job,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """What is redirected holds no bar, and what the bars are on holds no result."""
        screen, result = terminal(), tmp_path / "result"
        watcher = when(screen, "50%", openvideos_server.advance)
        with result.open("w") as stdout, screen.files() as (_, _, stderr), monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            patch.setattr(sys, "stderr", stderr)
            from openvideos.__main__ import main

            assert 0 == main(["wait", running.id])
        watcher.join()
        screen.drain()
        assert f"{running.id}\tcompleted\n" == result.read_text()
        assert "" == screen.text

    @pytest.mark.parametrize("term", ["dumb", "unknown"])
    def test_needs_no_cursor(
        self,
        terminal: MakeTerminal,
        run_on: OnTerminal,
        openvideos_server: OpenVideosServer,
        monkeypatch: pytest.MonkeyPatch,
        term: str,
    ) -> None:
        screen = terminal()
        monkeypatch.setenv("TERM", term)
        job = openvideos_server.seed()
        assert 0 == run_on(screen, "wait", job.id)
        assert b"\x1b" not in screen.raw.removesuffix(b"\x1b[?9999h")
        assert [f"{job.id}: completed 100 %", f"{job.id}  completed"] == [
            re.sub(r"\s{2,}", "  ", line) for line in screen.text.splitlines()
        ]

    def test_has_no_colour_if_none_is_wanted(
        self,
        terminal: MakeTerminal,
        run_on: OnTerminal,
        openvideos_server: OpenVideosServer,
        running: Job,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        colour = re.compile(rb"\x1b\[[\d;]*3[0-9][\d;]*m")
        for variable in (None, "NO_COLOR"):
            screen = terminal()
            if variable:
                monkeypatch.setenv(variable, "1")
            assert 10 == run_on(screen, "wait", running.id, "--timeout", "0")
            assert (variable is None) == (colour.search(screen.raw) is not None)

    def test_a_job_of_unknown_progress_has_a_bar(
        self, terminal: MakeTerminal, run_on: OnTerminal, serve: Callable[[Answer], None]
    ) -> None:
        body = {"id": "video_1", "prompt": "[bold]A\x1b[31m\nkite[/]"}
        screen = terminal()
        requests: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            if len(requests) == 1:
                return httpx.Response(200, json=body | {"status": "thinking\x1b[31m"}, headers={"retry-after-ms": "1"})
            screen.wait_for(lambda: "thinking" in screen.text)
            return httpx.Response(200, json=body | {"status": "completed"})

        serve(answer)
        assert 0 == run_on(screen, "wait", "video_1")
        assert seen(screen, r"video_1 \[bold\]A\\x1b\[31m\\nkite\[/\] +thinking")
        assert b"\x1b[31m" not in screen.raw


class TestDownload:
    def test_shows_a_bar(
        self, terminal: MakeTerminal, run_on: OnTerminal, serve: Callable[[Answer], None], tmp_path: Path
    ) -> None:
        content = b"\0\0\0\x08ftyp" + b"\0\0\0\x08mdat" * 40_000 + b"\0\0\0\x08moov"

        class Film(httpx.SyncByteStream):
            def __iter__(self) -> Iterator[bytes]:
                yield content[:160_000]
                screen.wait_for(lambda: "156.2/312.5 KiB" in screen.text)
                yield content[160_000:]

        headers = {"content-type": "video/mp4", "content-length": str(len(content))}
        for columns in (100, 50):
            screen = terminal(columns=columns)
            serve(lambda _: httpx.Response(200, headers=headers, stream=Film()))
            assert 0 == run_on(screen, "download", "video_1", "-o", tmp_path / "film.mp4")
            assert seen(screen, r"film.mp4 .*156.2/312.5 KiB ")
            assert str(tmp_path / "film.mp4") == screen.text.replace("\n", "")


class TestList:
    def test_is_a_table(
        self, terminal: MakeTerminal, run_on: OnTerminal, openvideos_server: OpenVideosServer, running: Job
    ) -> None:
        failed = openvideos_server.seed(error="no_gpu", prompt="A [red]boat[/]", created_at=1_700_000_000)
        screen = terminal(columns=120)
        assert 0 == run_on(screen, "list")
        head, _, *rows = screen.text.splitlines()
        assert ["id", "status", "age", "size", "s", "prompt"] == head.split()
        assert re.fullmatch(rf"{running.id} +in_progress 50 % +\d+ s +64x48 +1 +A kite", rows[0].strip())
        assert re.fullmatch(rf"{failed.id} +failed +\d+ d +720x1280 +4 +A \[red\]boat\[/\]", rows[1].strip())

    @pytest.mark.parametrize("columns", [20, 40, 50, 60, 70, 80, 95, 120])
    def test_shows_whole_ids_and_prompts_on_any_columns(
        self,
        terminal: MakeTerminal,
        run_on: OnTerminal,
        openvideos_server: OpenVideosServer,
        running: Job,
        columns: int,
    ) -> None:
        other = openvideos_server.seed(prompt="A boat that is far away from here " * 9)
        screen = terminal(columns=columns)
        assert 0 == run_on(screen, "list")
        lines = [line.rstrip() for line in screen.text.splitlines()]
        if columns > 95:
            assert [running.id, other.id] == [line.split()[0] for line in lines[2:]][::-1]
        else:
            # Where the terminal itself wraps an id, there is none in what is copied.
            assert running.id.encode() in screen.raw
            assert other.id in "".join(lines)
            assert [True, True] == [f"\r\n{each.id}\r\n".encode() in b"\r\n" + screen.raw for each in (running, other)]
        assert columns < 60 or "A kite" in screen.text
        assert columns < 60 or "A boat that" in screen.text

    def test_says_that_there_is_nothing(self, terminal: MakeTerminal, run_on: OnTerminal) -> None:
        screen = terminal()
        assert 0 == run_on(screen, "list")
        assert "There are no videos." == screen.text


class TestQuestions:
    @pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 130)])
    def test_delete_asks(
        self,
        terminal: MakeTerminal,
        run_on: OnTerminal,
        openvideos_server: OpenVideosServer,
        running: Job,
        answer: str,
        code: int,
    ) -> None:
        screen = terminal()
        watcher = when(screen, rf"Delete {running.id} for good\? \[y/N\]", lambda: screen.type(answer))
        assert code == run_on(screen, "delete", running.id)
        watcher.join()
        assert code != 130 or screen.text.endswith("\nopenvideos: interrupted.")
        assert ([] if code == 0 else [running.id]) == [job.id for job in openvideos_server.jobs]

    def test_delete_says_how_many(self, terminal: MakeTerminal, run_on: OnTerminal) -> None:
        screen = terminal()
        watcher = when(screen, "Delete 2 videos for good", lambda: screen.type("n\n"))
        assert 1 == run_on(screen, "delete", "a", "b")
        watcher.join()
        assert "Nothing is deleted." in screen.text

    def test_the_key_is_asked_for_and_not_shown(
        self,
        terminal: MakeTerminal,
        run_on: OnTerminal,
        openvideos_server: OpenVideosServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("OPENVIDEOS_API_KEY", "sk-wrong")
        screen = terminal()
        watcher = when(screen, "API key:", lambda: screen.type(f"{openvideos_server.api_key}\n"))
        assert 0 == run_on(screen, "doctor", "--ask-key")
        watcher.join()
        assert openvideos_server.api_key not in screen.text
        assert "API key       set, and not shown (from --ask-key)" in screen.text

    def test_a_created_job_is_followed_by_the_next_command(
        self, terminal: MakeTerminal, run_on: OnTerminal, openvideos_server: OpenVideosServer
    ) -> None:
        screen = terminal()
        assert 0 == run_on(screen, "create", "A kite")
        (job,) = openvideos_server.jobs
        assert [
            f"{job.id}: queued, sora-2, 720x1280, 4 s",
            f"Wait for it with: openvideos wait {job.id}",
            job.id,
        ] == screen.text.splitlines()


class TestPictures:
    """`get` shows the thumbnail where the terminal can."""

    @pytest.fixture(autouse=True)
    def _fresh(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the library ask each terminal anew."""
        for name in [name for name in sys.modules if name.startswith("textual_image")]:
            monkeypatch.delitem(sys.modules, name)
        # It waits a tenth of a second for an answer, in which a busy machine gives none.
        library: Any = importlib.import_module("textual_image._terminal")
        read = library.read
        monkeypatch.setattr(library, "read", lambda file, count, _: read(file, count, PATIENCE_S))

    @pytest.mark.parametrize(("answers", "sequence"), [(SIXEL, b"\x1bP"), (KITTY, b"f=100"), (NO_PICTURES, None)])
    def test_are_shown(
        self,
        terminal: MakeTerminal,
        run_on: OnTerminal,
        openvideos_server: OpenVideosServer,
        answers: dict[bytes, bytes],
        sequence: bytes | None,
    ) -> None:
        job = openvideos_server.seed(size="64x48", seconds="1")
        screen = terminal(rows=40, answers=answers)
        assert 0 == run_on(screen, "get", job.id)
        assert job.id in screen.text
        assert (sequence is not None) == bool(openvideos_server.requests.of("download_video_content"))
        assert sequence is None or sequence in screen.raw

    def test_are_not_fetched_where_nothing_shows_them(self, run: Run, openvideos_server: OpenVideosServer) -> None:
        assert 0 == run("get", openvideos_server.seed().id).code
        assert not openvideos_server.requests.of("download_video_content")

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"no picture", "The thumbnail is not shown: "),
            (b"\0" * (5 << 20), "The thumbnail is not shown: "),
            (None, "The thumbnail is not shown: it has 5000 x 5000 pixels."),
        ],
    )
    def test_may_be_anything(
        self,
        terminal: MakeTerminal,
        run_on: OnTerminal,
        serve: Callable[[Answer], None],
        tmp_path: Path,
        content: bytes | None,
        said: str,
    ) -> None:
        if content is None:
            from PIL import Image

            Image.new("1", (5000, 5000)).save(tmp_path / "large.png")
            content = (tmp_path / "large.png").read_bytes()
        body = {"id": "video_1", "status": "completed"}

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/content"):
                return httpx.Response(200, content=content, headers={"content-type": "image/webp"})
            return httpx.Response(200, json=body)

        serve(answer)
        screen = terminal(rows=40, answers=SIXEL)
        assert 0 == run_on(screen, "get", "video_1")
        assert said in screen.text
