"""The commands `openvideos batch …`, as a person uses them."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from openvideos.__main__ import main
from openvideos._batch.opening import open_batch

Rows = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("in_environment")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return what runs the command, and returns its code, stdout and stderr."""

    def command(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["batch", *map(str, words)])
        wrote = capsys.readouterr()
        return code, wrote.out, wrote.err

    return command


Command = Callable[..., tuple[int, str, str]]


def test_a_batch_from_its_file_to_its_page(command: Command, rows: Rows, tmp_path: Path) -> None:
    jobs, out = rows("A told cat", "[fail] A told dog"), tmp_path / "out"
    quick = ("--settle", "0.1", "--in-flight", 4, "--max-videos", 9)
    code, said, told = command("run", jobs, "--out", out, *quick)
    assert (9, "1 done, 1 failed; 2 videos started, 2 s of video asked for\n") == (code, said)
    assert "2 videos are to be made, 2 s of video; the limit is 9, and 0 were started before." in told
    assert f"Go on with: openvideos batch run {jobs} --out {out}" in told
    code, said, _ = command("status", out)
    assert 0 == code
    assert "1 done, 1 failed" in said
    assert "failed " in said.splitlines()[1]
    code, said, _ = command("status", out, "--json")
    (needing,) = json.loads(said)["needing_you"]
    assert (3, "failed") == (needing["line"], needing["state"])
    code, said, _ = command("export", out, "--format", "html", "--output", tmp_path / "index.html")
    assert (0, f"{tmp_path / 'index.html'}\n") == (code, said)
    code, said, _ = command("retry", out)
    assert (0, "1 rows begin anew with the next `openvideos batch run`.\n") == (code, said)
    code, said, told = command("run", jobs, "--out", out, "--settle", "0.1", "--max-videos", 2)
    assert 10 == code
    assert "1 rows were not started, since the limit leaves no room for them." in told


def test_an_ambiguous_row_is_resolved(command: Command, rows: Rows, tmp_path: Path) -> None:
    jobs, out = rows(lines=["prompt,name,size", "A cat,cat,128x96", "A dog,dog,128x96"]), tmp_path / "out"
    assert 0 == command("run", jobs, "--out", out, "--settle", "0.1")[0]
    with closing(open_batch(str(out), None)) as ledger:
        job = ledger.row("cat")["video_id"]
        for name in ("cat", "dog"):
            ledger.renew(name, of=("done",))
            ledger.set(name, "ambiguous", message="who knows", candidates=["video_x"] if name == "cat" else None)
    code, said, told = command("status", out)
    assert "ambiguous cat (line 2): who knows (jobs to look at: video_x)" in said
    with closing(open_batch(str(out), None)) as ledger:
        ledger.set("dog", "sending")
        ledger.doubt("dog", "the answer was cut off")
        assert "doubt dog (line 3): the answer was cut off" in command("status", out)[1]
        document = json.loads(command("status", out, "--json")[1])
        assert ["cat"] == [row["name"] for row in document["needing_you"]]
        assert ["dog"] == [row["name"] for row in document["in_doubt"]]
        ledger.set("dog", "ambiguous", message="who knows")
    code, said, told = command("run", jobs, "--out", out, "--settle", "0.1")
    assert 9 == code
    assert "Some rows may have a job that is not known" in told
    assert 2 == command("resolve", out, "--row", "cat")[0]
    assert 5 == command("resolve", out, "--row", "cat", "--adopt", "video_none")[0]
    assert 2 == command("resolve", out, "--row", "cat", "--adopt", job)[0]
    assert 0 == command("resolve", out, "--row", "cat", "--send")[0]
    assert 0 == command("resolve", out, "--row", "dog", "--send")[0]
    assert 0 == command("run", jobs, "--out", out, "--settle", "0.1", "--yes")[0]


def test_many_rows_that_need_you_are_counted(command: Command, rows: Rows, tmp_path: Path) -> None:
    jobs, out = rows(lines=["prompt,seconds", *["A cat,900"] * 22]), tmp_path / "out"
    assert 9 == command("run", jobs, "--out", out)[0]
    assert "and 2 more; --json names all" in command("status", out)[1]


def test_what_is_missing_is_told(command: Command, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 2 == command("worker")[0]
    assert 2 == command("worker", "--database", "nonsense://x")[0]
    assert 2 == command("status")[0]
    code, _, told = command("status", tmp_path)
    assert (2, True) == (code, "there is no batch in" in told)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "dbos" else find(name, *rest))
    code, _, told = command("run", rows("A cat"), "--out", tmp_path / "out")
    assert 2 == code
    assert "needs the extra batch" in told


def test_on_a_terminal_it_asks_and_tells_in_one_line(
    command: Command, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("openvideos._cli.batch.click.confirm", lambda *_, **__: False)
    jobs, out = rows("A shown cat"), tmp_path / "out"
    code, _, told = command("run", jobs, "--out", out)
    assert (2, True) == (code, "you said no; nothing was started" in told)
    monkeypatch.setattr("openvideos._cli.batch._is_terminal", lambda: True)
    assert "\r1 " in command("run", jobs, "--out", out, "--yes")[2]


def _progress(**counts: int) -> Any:
    from openvideos._batch.ledger import STATES
    from openvideos.batch import Progress

    return Progress(dict.fromkeys(STATES, 0) | counts, 1, 1, 1.0, 90.0, "the disk is full")


def test_trouble_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    from openvideos._cli.batch import _Teller
    from openvideos._cli.invocation import Invocation

    teller = _Teller(Invocation())
    for _ in range(3):
        teller.tell(_progress(running=1))
    told = capsys.readouterr().err
    assert 1 == told.count("the disk is full")
    assert 1 == told.count("1 running; 1 videos started, 1 s of video asked for; about 1 min left")


@pytest.mark.parametrize(
    ("stopped", "counts", "code"),
    [
        ("interrupted", {"pending": 1}, 130),
        ("no credit", {"pending": 1}, 4),
        (None, {"downloading": 1}, 10),
        (None, {}, 0),
    ],
)
def test_how_it_ends(stopped: str | None, counts: dict[str, int], code: int) -> None:
    from openvideos._cli.batch import _report
    from openvideos._cli.invocation import Invocation
    from openvideos.batch import Result

    assert code == _report(Invocation(), Result("b", {"done": 0, **counts}, 0, 0, stopped))
