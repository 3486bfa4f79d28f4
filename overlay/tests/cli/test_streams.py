"""Streams as a shell or a daemon may hand them over, in this process; test_process.py has them in one of its own."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from openvideos import __main__, __version__
from openvideos._cli import main
from openvideos._cli.telling import code_and_message


def test_stdout_has_a_buffer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "out").open("wb", buffering=0) as raw:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "utf-8", "strict", write_through=True))
        assert raw is sys.stdout.buffer
        __main__._write_whole_lines()
        assert isinstance(sys.stdout.buffer, io.BufferedWriter)
        assert ("utf-8", "strict") == (sys.stdout.encoding, sys.stdout.errors)
        sys.stdout.write("whole\n")
        sys.stdout.flush()
        assert b"whole\n" == (tmp_path / "out").read_bytes()
        sys.stdout.close()


def test_a_stream_that_is_closed_is_that_of_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert 0 == main.command(["--version"])
    with sys.stderr as nobody:
        assert nobody.writable()
    assert f"openvideos {__version__}\n" == capsys.readouterr().out


class Full(io.StringIO):
    """A stdout on a disk that is full."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def flush(self) -> None:
        raise OSError(28, "No space left on device")

    def fileno(self) -> int:
        return self.number


def test_what_a_full_disk_does_not_take_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "out").open("wb", buffering=0) as file:
        monkeypatch.setattr(sys, "stdout", Full(file.fileno()))
        main._drop_output()
        file.write(b"nowhere")
    assert b"" == (tmp_path / "out").read_bytes()


def test_a_full_disk_is_told_in_the_words_of_the_system() -> None:
    assert (11, "The output cannot be written: No space left on device.") == code_and_message(
        OSError(28, "No space left on device")
    )
    named = OSError(28, "No space left on device", "clip.mp4")
    assert "'clip.mp4' cannot be written: No space left on device." == code_and_message(named)[1]
