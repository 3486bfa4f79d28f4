"""The commands `openvideos batch …`, as a person uses them."""

from __future__ import annotations

import importlib.util
import json
import shlex
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from openvideos.__main__ import main
from openvideos._batch.opening import open_batch
from openvideos.batch import Result

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
    assert "2 videos to be made, 2 s of video; the limit is 9 videos in all, and 0 started before." in told
    assert f"1 row failed: `openvideos batch status {out}` says why" in told
    assert "Go on with" not in told  # which would change nothing
    code, said, _ = command("status", out)
    assert 0 == code
    assert "1 done, 1 failed; 2 videos started, 2 s of video asked for; the limit is 9 videos\n" in said
    assert "failed " in said.splitlines()[1]
    code, said, _ = command("status", out, "--json")
    (needing,) = json.loads(said)["needing_you"]
    assert (3, "failed") == (needing["line"], needing["state"])
    code, said, _ = command("export", out, "--format", "html", "--output", tmp_path / "index.html")
    assert (0, f"{tmp_path / 'index.html'}\n") == (code, said)
    code, said, _ = command("retry", out)
    assert (0, "1 row to begin anew with the next `openvideos batch run`.\n") == (code, said)
    code, said, told = command("run", jobs, "--out", out, "--settle", "0.1", "--max-videos", 2)
    assert 10 == code
    assert "1 row not started, since a limit leaves no room" in told


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
        ledger.set("dog", "sending", message=None)
        assert "sending dog (line 3): its create is being sent, or was when" in command("status", out)[1]
        ledger.doubt("dog", "the answer was cut off")
        assert "doubt dog (line 3): the answer was cut off" in command("status", out)[1]
        document = json.loads(command("status", out, "--json")[1])
        assert ["cat"] == [row["name"] for row in document["needing_you"]]
        assert ["dog"] == [row["name"] for row in document["in_doubt"]]
        ledger.set("dog", "ambiguous", message="who knows")
    code, said, told = command("run", jobs, "--out", out, "--settle", "0.1")
    assert 9 == code
    assert "2 rows may have a job that is not known" in told
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


def test_a_file_that_is_refused_leaves_nothing(command: Command, rows: Rows, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, _, told = command("run", rows(lines=["prompt,size", "A cat,huge"]), "--out", out)
    assert (2, True) == (code, ":2: size is 'huge'" in told)
    assert not out.exists()


def test_on_a_terminal_it_asks_and_tells_in_one_line(
    command: Command, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("openvideos._cli.batch.click.confirm", lambda *_, **__: False)
    jobs, out = rows("A shown cat"), tmp_path / "out"
    code, _, told = command("run", jobs, "--out", out)
    assert (1, True) == (code, "Nothing is started." in told)
    monkeypatch.setattr("openvideos._cli.batch_telling._is_terminal", lambda: True)
    told = command("run", jobs, "--out", out, "--yes")[2]
    assert "\r1 " in told
    assert told.endswith("\r")  # what is written next has the line


def _progress(stopped: str | None = None, **counts: int) -> Any:
    from openvideos._batch.ledger import STATES
    from openvideos.batch import Progress

    return Progress(dict.fromkeys(STATES, 0) | counts, 1, 1, 1.0, 90.0, "the disk is full", stopped)


def test_a_limit_is_shown_that_was_given_before(command: Command, rows: Rows, tmp_path: Path) -> None:
    jobs, out = rows("A limited cat", "A limited dog"), tmp_path / "out"
    code, _, told = command("run", jobs, "--out", out, "--max-videos", "1")
    assert 10 == code
    assert "1 row not started, since a limit leaves no room: `batch run` takes a greater --max-videos" in told
    told = command("run", jobs, "--out", out)[2]
    assert "1 video to be made, 1 s of video; the limit is 1 video in all, and 1 started before." in told


def test_how_to_go_on_has_each_option_that_was_given(
    command: Command, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> Result:
        return Result("b", {"done": 0, "pending": 1}, 0, 0, "interrupted")

    monkeypatch.setattr("openvideos.batch.run", interrupted)
    options = ["--in-flight", "3", "--max-videos", "1", "--no-idempotency", "--thumbnail", "--retry-code", "a b"]
    options += ["--retry-code", "c"]
    jobs, out = rows("A cat"), tmp_path / "out"
    code, _, told = command("run", jobs, "--out", out, "--add", "--yes", *options)
    line = told.splitlines()[-1].removeprefix("Go on with: ")
    assert 130 == code
    words = shlex.split(line)
    assert ["openvideos", "batch", "run", str(jobs)] == words[:3] + words[-1:]
    assert sorted(["--out", str(out), "--yes", *options]) == sorted(words[3:-1])
    given = ("--database", "postgresql://me:secret@db.test/x", "--batch", "b")
    _, _, told = command("worker", *given)
    assert "Go on with: openvideos batch worker --batch b (with the same --database)" in told
    assert "secret" not in told


def test_results_go_to_the_standard_output(
    command: Command, rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, out = rows("[fail] A piped cat"), tmp_path / "out"
    command("run", jobs, "--out", out)
    monkeypatch.chdir(tmp_path)
    code, said, _ = command("export", out, "--format", "csv", "--output", "-")
    assert (0, "name,line,state,") == (code, said[:16])
    assert not (tmp_path / "-").exists()


def test_ctrl_c_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    from openvideos._cli.batch_telling import Teller
    from openvideos._cli.invocation import Invocation

    teller = Teller(Invocation())
    for _ in range(3):
        teller.tell(_progress(running=1, stopped="interrupted"))
    assert 1 == capsys.readouterr().err.count("No more jobs are started; those that are under way are waited for.")


def test_trouble_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    from openvideos._cli.batch_telling import Teller
    from openvideos._cli.invocation import Invocation

    teller = Teller(Invocation())
    for _ in range(3):
        teller.tell(_progress(running=1))
    told = capsys.readouterr().err
    assert 1 == told.count("the disk is full")
    assert 1 == told.count("1 running; 1 video started, 1 s of video asked for; 0.7 rows a minute, about 1 min left")


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
    from openvideos._cli.batch_telling import Advice, report
    from openvideos._cli.invocation import Invocation

    assert code == report(
        Invocation(), Result("b", {"done": 0, **counts}, 0, 0, stopped), Advice("go on", "status", "retry")
    )
