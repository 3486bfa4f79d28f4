"""Test the judge of clients with real ones: ours has no failure, and each broken one violates the right requirement."""

from __future__ import annotations

import json
import os
import runpy
import sys
import threading
import time
from pathlib import Path

import pytest

from openvideos_conformance._cli.main import command
from openvideos_conformance._client.command import RUN_VARIABLE, CommandError, run_command
from openvideos_conformance._client.judge import judge_client
from openvideos_conformance._client.scenario_run import Options
from openvideos_conformance._client.scenarios import SCENARIOS
from openvideos_conformance._core.catalogue import client_catalogue
from openvideos_conformance._core.verdicts import Verdict
from openvideos_mutants.clients.defects import DEFECTS, RIGHT
from openvideos_mutants.clients.proof import trial

ROOT = Path(__file__).parents[3]
OURS = str(ROOT / "conformance" / "clients" / "openvideos_client.py")
BROKEN = str(ROOT / "overlay" / "tests" / "spec" / "broken.py")
CAUGHT = [
    ("lost_form_field", "plain", {"CLI-REQUEST-003"}),
    ("swapped_cursor", "huge-list", {"CLI-LIST-001"}),
    ("dropped_unknown_field", "unknown-fields", {"CLI-READ-001"}),
    ("double_create", "failing-create", {"CLI-CREATE-001"}),
    ("truncated_file_kept", "lasting-truncation", {"CLI-CONTENT-001", "CLI-CONTENT-002"}),
]
"""Each defect, the scenario that exercises it, and the requirements that it violates there."""


@pytest.mark.release  # `nox -s clients -- --ours --check` judges it in CI
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ours_has_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == command(["client", "--report", str(tmp_path), "--", sys.executable, OURS])
    output = capsys.readouterr().out
    assert [*SCENARIOS] == [name for name in SCENARIOS if f"{name}: " in output]
    assert "MUST requirements pass" in output
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert {"pass"} == {each["verdict"] for each in json.loads(text)["results"]}
    assert "sk-openvideos" not in text
    assert OURS in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("defect", "scenario", "broken"), [CAUGHT[0], *(pytest.param(*each, marks=pytest.mark.full) for each in CAUGHT[1:])]
)
def test_a_broken_client_is_caught(
    defect: str, scenario: str, broken: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENVIDEOS_BROKEN", defect)
    run = judge_client([sys.executable, BROKEN, OURS], [SCENARIOS[scenario]])
    assert broken == {each.requirement.id for each in run.results if each.verdict is Verdict.FAIL}


def test_each_seeded_defect_is_caught() -> None:
    assert [*runpy.run_path(BROKEN)["DEFECTS"]] == [defect for defect, _, _ in CAUGHT]


def test_a_command_that_cannot_be_started_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == command(["client", "--scenario", "plain", "--", "openvideos-no-such-command"])
    assert "cannot be started" in capsys.readouterr().err


def test_a_command_that_sends_nothing_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import os, sys; sys.exit('no: ' + os.environ['OPENAI_API_KEY'])"
    assert 2 == command(["client", "--scenario", "plain", "--", sys.executable, "-c", code])
    output = capsys.readouterr().err
    assert "sent no request" in output
    assert "It ended with 1: no: " in output
    assert "sk-openvideos" not in output


def test_without_the_emulator_there_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "openvideos_emulator", None)
    assert 2 == command(["client", "--", sys.executable, OURS])
    assert "python -m pip install '.[conformance,emulator]'" in capsys.readouterr().err


def test_an_unknown_scenario_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == command(["client", "--scenario", "plane", "--", os.devnull])
    assert "there is no scenario 'plane'" in capsys.readouterr().err


@pytest.mark.slow
def test_a_command_that_hangs_is_killed() -> None:
    lines = (
        "import os, time, urllib.request as r",
        "try: r.urlopen(os.environ['OPENAI_BASE_URL'])",
        "except OSError: pass",
    )
    code = "\n".join((*lines, "time.sleep(99)"))
    run = judge_client([sys.executable, "-c", code], [SCENARIOS["plain"]], Options(timeout=1))
    failed = {each.requirement.id for each in run.results if each.verdict is Verdict.FAIL}
    assert {"CLI-REQUEST-001", "CLI-AUTH-001", "CLI-RUN-002"} == failed
    assert "did not end within 1 s (see --timeout)" in "".join(each.message for each in run.results)
    assert 1 == run.exit_code


# ---------------------------------------------------------------- wrong and right clients
ONE = "creates_twice_under_two_keys"
SAMPLE = ("posts_again_after_502", "another_video_is_downloaded", "key_is_in_a_form")
"""A wrong client that is judged in the quick run, and those that CI judges, too; the rest is for a release."""
ONE_OF_EACH = {each.requirement: each.name for each in reversed(DEFECTS.values())}
ODD = ("two_jobs_at_once", "walks_twice", "verifies_its_deletes")


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "name",
    [
        ONE,
        *(pytest.param(each, marks=pytest.mark.full) for each in SAMPLE),
        *(pytest.param(each, marks=pytest.mark.release) for each in sorted({*ONE_OF_EACH.values()} - {ONE, *SAMPLE})),
    ],
)
def test_a_wrong_client_is_caught_by_the_id_that_it_breaks_and_no_other(name: str) -> None:
    """The short form of `nox -s mutants -- --clients`, which judges all of them in all of their scenarios."""
    done = trial(name, DEFECTS[name].scenarios[:1])
    assert done.is_caught, done.failed
    assert {} == done.unexplained


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(each, marks=pytest.mark.full) for each in ODD),
        *(pytest.param(each, marks=pytest.mark.release) for each in sorted(RIGHT.keys() - {*ODD})),
    ],
)
def test_an_odd_client_is_right(name: str) -> None:
    assert {} == trial(name, ["plain"]).failed


def test_each_requirement_of_clients_has_a_wrong_client() -> None:
    assert {each.requirement for each in DEFECTS.values()} == set(client_catalogue())
    assert {each for defect in DEFECTS.values() for each in defect.along} <= set(client_catalogue())


# ---------------------------------------------------------------- the command
def _run(code: str, limit: float = 20.0, key: str = "sk-openvideos-secret") -> tuple[int | None, str, bool]:
    environment = {**os.environ, RUN_VARIABLE: "a mark", "KEY": key}
    done = run_command([sys.executable, "-c", code], environment, key=key, limit=limit, stop=threading.Event())
    return done.exit_code, done.output, done.has_shown_key


@pytest.mark.full
def test_an_endless_output_is_kept_in_part() -> None:
    _, output, _ = _run("print('first')\nwhile True: print('y' * 10000)", limit=1.0)
    assert output.startswith("first\ny")
    assert "[...]" in output
    assert len(output) < 20 << 20


@pytest.mark.parametrize("cut", [1, 9, 19])
def test_the_key_is_not_in_the_output_wherever_a_piece_ends(cut: int) -> None:
    code = (
        "import os, sys, time; key = os.environ['KEY']\n"
        f"for part in (key[:{cut}], key[{cut}:]): sys.stdout.write(part); sys.stdout.flush(); time.sleep(0.1)"
    )
    assert (0, "***", True) == _run(code)


def test_a_child_that_detaches_is_ended(tmp_path: Path) -> None:
    child = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    code = (
        f"import pathlib, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)\n"
        f"while not pathlib.Path({str(tmp_path / 'pid')!r}).exists(): time.sleep(0.01)\n"
        "time.sleep(0.2)"
    )
    assert 0 == _run(code)[0]
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    for _ in range(1000):  # a killed process takes a moment to end
        if not _is_running(pid):
            return
        time.sleep(0.01)
    raise AssertionError


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_an_interrupt_ends_the_command() -> None:
    stop = threading.Event()
    stop.set()
    code = "import time; time.sleep(60)"
    done = run_command([sys.executable, "-c", code], {**os.environ, RUN_VARIABLE: "m"}, key="k", limit=60, stop=stop)
    assert done.exit_code is None


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandError, match="'openvideos-no-such' cannot be started"):
        run_command(["openvideos-no-such"], {RUN_VARIABLE: "m"}, key="k", limit=1, stop=threading.Event())


# ---------------------------------------------------------------- the tool
@pytest.mark.slow
def test_what_a_scenario_did_is_kept_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--scenario", "plain", "--keep", str(tmp_path), "--show-output", "--own", "polls,lists"]
    wrong = ["--", sys.executable, "-m", "openvideos_mutants.clients", "key_is_printed"]
    assert 1 == command(["client", *options, *wrong])
    output = capsys.readouterr().out
    assert "plain: nothing goes wrong: " in output
    assert '  | {"' in output
    assert "CLI-AUTH-003 fails" in output
    har = json.loads((tmp_path / "plain" / "traffic.har").read_text(encoding="utf-8"))
    methods = [each["request"]["method"] for each in har["log"]["entries"]]
    assert {"POST", "GET", "DELETE"} == set(methods)
    assert (tmp_path / "plain" / "file-video.mp4").stat().st_size > 1000
    for file in (tmp_path / "plain").iterdir():
        assert b"sk-openvideos" not in file.read_bytes()


@pytest.mark.slow
def test_a_curl_line_repeats_a_request_of_a_client() -> None:
    run = judge_client(
        [sys.executable, "-m", "openvideos_mutants.clients", "key_is_basic"], [SCENARIOS["plain"]], Options(timeout=10)
    )
    (failed,) = [each for each in run.results if each.requirement.id == "CLI-AUTH-001"]
    (line,) = [each["curl"] for observation in failed.observations for each in observation.evidence]
    assert line.endswith("\"Authorization: Basic $(printf 'user:%s' \"$OPENVIDEOS_API_KEY\" | base64 | tr -d '\\n')\"")


def test_a_program_that_sends_nothing_is_run_once(tmp_path: Path) -> None:
    code = f"open({str(tmp_path / 'runs')!r}, 'a').write('x')"
    run = judge_client([sys.executable, "-c", code], list(SCENARIOS.values())[:5])
    assert "sent no request" in str(run.problem)
    assert "x" == (tmp_path / "runs").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--own", "pols"], "--own pols names no part of the work; there are polls, retries, lists, files"),
        (["--jobs", "0"], "--jobs 0 is no number of scenarios; use 1 or more"),
        (["--timeout", "soon"], "--timeout 'soon'"),
        (["--keep", "/dev/null/x"], "the traffic cannot be written to /dev/null/x"),
    ],
)
def test_a_wrong_option_is_named(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == command(["client", *options, "--", os.devnull])
    assert said in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.slow
def test_a_failure_names_its_scenarios_and_how_the_program_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = tmp_path / "expected.toml"
    expected.write_text('[expected]\nCLI-AUTH-001 = "it shows in a scenario that is not run here"\n', encoding="utf-8")
    client = ["--", sys.executable, "-m", "openvideos_mutants.clients"]
    scenarios = ["--scenario", "failing-create", "--scenario", "ambiguous-create"]
    assert 1 == command(["client", *scenarios, "--expected-failures", str(expected), *client, "keys_differ"])
    output = capsys.readouterr().out
    assert "(also: ambiguous-create)" in output
    assert "STALE" not in output
    assert 0 == command(["client", "--scenario", "server-error", *client, "retries_nothing"])
    assert "the command ended with 1: RefusedError: the server returned 500" in capsys.readouterr().out
