"""Test the options of a target: wrong values are refused by name, and no secret is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openvideos_conformance._cli.options import parser
from openvideos_conformance._core.catalogue import UnknownRequirementError, capabilities, selected
from openvideos_conformance._core.target import (
    KEY_VARIABLE,
    OPTIONS,
    OTHER_KEY_VARIABLE,
    URL_VARIABLE,
    Target,
    TargetError,
)
from openvideos_conformance._pytest.options import _share
from openvideos_conformance._pytest.run_state import RunState

URL = "http://127.0.0.1:9/v1"
SECRET = "hunter2secret"
SUITE = ("-p", "openvideos_conformance.pytest_plugin", "-p", "no:cacheprovider", "--pyargs", "openvideos_conformance")


def target(environment: dict[str, str] | None = None, /, **texts: str | None) -> Target:
    return Target.of({"base_url": URL, **texts}, environment or {})


def made(**texts: str) -> tuple[Target | None, str]:
    """Return the target of these texts, or why they are refused."""
    try:
        return target(**texts), ""
    except TargetError as problem:
        return None, str(problem)


def test_missing_values_have_defaults() -> None:
    assert Target(base_url=URL) == target()


def test_given_values_are_used() -> None:
    given_: dict[str, Any] = {"model": "m", "size": "64x48", "seconds": "1", "failing_prompt": "fail"}
    given_["webhook_secret"] = "whsec_a"
    numbers = {
        "max_videos": "3",
        "deadline": "2.5",
        "timeout": "7",
        "seed": "9",
        "rate": "30/m",
        "examples": "2",
        "generation_time": "3",
        "webhook_port": "8001",
        "webhook_patience": "5",
    }
    expected = Target(
        base_url=URL,
        api_key="sk",
        other_api_key="sk-other",
        max_videos=3,
        deadline=2.5,
        timeout=7.0,
        seed=9,
        rate=0.5,
        examples=2,
        generation_time=3.0,
        webhook_port=8001,
        webhook_patience=5.0,
        declared=frozenset({"remix"}),
        denied=frozenset({"edits"}),
        **given_,
    )
    assert expected == target(api_key="sk", other_api_key="sk-other", capabilities="remix,-edits", **given_, **numbers)


def test_the_environment_fills_in() -> None:
    found = Target.of({}, {URL_VARIABLE: URL, KEY_VARIABLE: "sk-environment"})
    assert (URL, "sk-environment") == (found.base_url, found.api_key)
    assert "sk-option" == target({KEY_VARIABLE: "sk-environment"}, api_key="sk-option").api_key
    assert target({KEY_VARIABLE: "sk-environment"}, api_key="").api_key is None


def test_another_caller_has_another_key() -> None:
    environment = {KEY_VARIABLE: "sk-own", OTHER_KEY_VARIABLE: "sk-other"}
    assert ("sk-own", "sk-other") == (target(environment).api_key, target(environment).other_api_key)
    assert target(environment, other_api_key="").other_api_key is None
    found, refusal = made(api_key=SECRET, other_api_key=SECRET)
    assert found is None
    assert "--other-api-key" in refusal
    assert SECRET not in refusal
    assert f"see --other-api-key and {OTHER_KEY_VARIABLE}" in made(other_api_key="a key")[1]


def test_all_capabilities_can_be_declared_or_denied_together() -> None:
    assert frozenset(capabilities()) == target(capabilities="all").declared
    assert frozenset(capabilities()) - {"edits"} == target(capabilities="all,-edits").declared
    assert frozenset(capabilities()) == target(capabilities="-all").denied


NUMBERS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["0", "-1", "nan", "inf", "1e400", "1_0", "٣", "9" * 400, " 1", "1 ", "", "0x10"]),
    st.integers().map(str),
    st.floats().map(str),
)


@given(
    st.sampled_from(["max_videos", "deadline", "timeout", "seed", "examples", "webhook_port", "webhook_patience"]),
    NUMBERS,
)
def test_a_number_is_in_its_range_or_refused_by_name(name: str, text: str) -> None:
    found, refusal = made(**{name: text})
    if found is None:
        assert f"--{name.replace('_', '-')}" in refusal
        return
    least, most = {"webhook_port": (1, 65_535), "seed": (0, 10**15)}.get(name, (0, 1e8))
    value = getattr(found, name)
    assert value is None or (least <= value <= most and (name == "seed" or value > 0))


DIGITS = st.text("0123456789", max_size=4)


@given(DIGITS, st.sampled_from(["x", "X", "*", "", "x1x"]), DIGITS)
def test_a_size_is_one_of_the_contract_or_refused_by_name(width: str, sign: str, height: str) -> None:
    found, refusal = made(size=f"{width}{sign}{height}")
    is_size = sign == "x" and all(each and not each.startswith("0") for each in (width, height))
    assert is_size == (found is not None)
    assert is_size or f"--size {width}"[:9] in refusal.replace("'", "")
    assert is_size or "is not WIDTHxHEIGHT in pixels; use one such as 720x1280" in refusal


@pytest.mark.parametrize("seconds", ["0", "1.5", "four", "", "-1", "4s"])
def test_seconds_are_whole_or_refused_by_name(seconds: str) -> None:
    assert f"--seconds {seconds!r} is not a whole number of seconds; use one such as 4" == made(seconds=seconds)[1]


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_a_url_with_a_password_is_never_shown(text: str) -> None:
    with pytest.raises(TargetError) as caught:
        target(base_url=f"http://user:{SECRET}@{text}/v1")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "ftp://127.0.0.1/v1", "127.0.0.1:8000", "http:///v1", "http://h:0/v1", "http://h/v1?q", "http://h /v1"]
)
def test_what_is_no_url_of_an_api_is_refused(url: str) -> None:
    with pytest.raises(TargetError, match="--base-url"):
        target(base_url=url)


@pytest.mark.parametrize("url", [f"{URL}?api_key={SECRET}", f"{URL}#{SECRET}", f"ftp://h/{SECRET}", f"http:/{SECRET}"])
def test_a_secret_in_a_url_that_is_refused_is_not_shown(url: str) -> None:
    with pytest.raises(TargetError) as caught:
        target(base_url=url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["max_videos", "deadline", "seed", "webhook_port"])
def test_a_secret_that_was_given_to_the_wrong_option_is_not_shown(name: str) -> None:
    with pytest.raises(TargetError) as caught:
        target(**{name: SECRET})
    assert SECRET not in str(caught.value)


@given(st.text(min_size=1, max_size=20))
def test_a_key_is_used_unchanged_or_refused_without_being_shown(key: str) -> None:
    found, refusal = made(api_key=key)
    if found is None:
        assert f"the key must be printable ASCII without spaces; see --api-key and {KEY_VARIABLE}" == refusal
    else:
        assert key == found.api_key


def test_both_command_lines_have_every_option_under_the_same_names() -> None:
    known = {name: (option.names[0], "1") for option in OPTIONS for name in option.names}
    for name, (first, value) in known.items():
        parsed = parser().parse_args(["run", name, value])
        assert value == getattr(parsed, first.removeprefix("--").replace("-", "_"))
    shown = run_pytest("--help")
    assert 0 == shown.returncode, shown.stderr
    for name in known:  # from Python 3.13 on, the last of an option's names alone has the value behind it
        assert re.search(rf"^  (?:\S+, )*{name}[=,]", shown.stdout, re.MULTILINE), name


def run_pytest(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:schemathesis", *SUITE, *arguments]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # loading others' takes a second
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--base-url", f"http://u:{SECRET}@127.0.0.1:9/v1"), "give the key with --api-key"),
        pytest.param(("--base-url", URL, "--max-videos", "0"), "use 1 or more", marks=pytest.mark.full),
        pytest.param(("--base-url", URL, "--deadline", "soon"), "is not a time in seconds", marks=pytest.mark.full),
        pytest.param(
            ("--base-url", URL, "-p", "xdist", "-n", "4", "--max-videos", "2"),
            "use -n 2 or fewer",
            marks=pytest.mark.full,
        ),
    ],
)
def test_pytest_refuses_what_the_command_refuses(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    done = run_pytest(*arguments, "--only", "VID-LIST-001", "--report", "report", cwd=tmp_path)
    assert pytest.ExitCode.USAGE_ERROR == done.returncode
    assert reason in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert not (tmp_path / "report").exists()


def config(*, workers: int, index: int | None = None) -> pytest.Config:
    """Return what pytest-xdist makes of a configuration: of the controller, or of one of its workers."""
    option = SimpleNamespace(tx=[f"{workers - 1}*popen", "popen"] if workers > 1 else ["popen"] * workers)
    values: dict[str, Any] = {"option": option}
    if index is not None:
        values["workerinput"] = {"workercount": workers, "workerid": f"gw{index}"}
    return cast("pytest.Config", SimpleNamespace(**values))


@given(st.integers(1, 16), st.integers(1, 50))
def test_workers_share_the_videos_or_are_refused(workers: int, videos: int) -> None:
    if workers > videos:
        for index in (None, 0):
            with pytest.raises(pytest.UsageError, match=f"use -n {videos} or fewer"):
                _share(config(workers=workers, index=index), videos)
        return
    assert videos == _share(config(workers=workers), videos)
    shares = [_share(config(workers=workers, index=index), videos) for index in range(workers)]
    assert videos == sum(shares)
    assert min(shares) >= 1


@pytest.mark.parametrize("name", ["max_videos", "deadline", "timeout", "seed", "examples", "webhook_port"])
def test_an_empty_value_is_refused_and_is_not_the_default(name: str) -> None:
    with pytest.raises(TargetError, match=f"--{name.replace('_', '-')}.* ''"):
        target(**{name: ""})


def test_a_message_names_every_spelling() -> None:
    with pytest.raises(TargetError, match=r"^--timeout / --answer-timeout 'soon'"):
        target(timeout="soon")


CLASHING = """
def pytest_addoption(parser):
    for name in ("--only", "--report", "--model", "--should-fails"):
        parser.addoption(name, dest=name.strip("-"))
"""


@pytest.mark.full
def test_an_option_of_which_another_plugin_has_every_name_has_one_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "clashing.py").write_text(CLASHING, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "clashing", "-p", "no:schemathesis", *SUITE, "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    for name in ("only", "report", "model", "strict"):
        assert f"--openvideos-{name}" in done.stdout


def test_only_may_be_repeated_and_must_name_something() -> None:
    assert frozenset({"VID-LIST-001", "VID-LIST-002"}) == selected(["VID-LIST-001", "VID-LIST-002,"])
    assert frozenset() == selected([])
    with pytest.raises(UnknownRequirementError, match="names no requirement"):
        selected([","])


def test_an_interrupted_run_does_not_blame_the_deadline() -> None:
    state = RunState(target=target(), is_overdue=True, is_interrupted=True)
    state.end()
    assert state.problem is None
    state = RunState(target=target(deadline="2"), is_overdue=True)
    state.end()
    assert "no job ended within the deadline of 2 s; allow more time with --deadline" == state.problem


def test_the_report_says_by_which_options_it_was_made() -> None:
    shown = RunState(target=target(examples="3", webhook_patience="5")).result().target
    assert {"examples": 3, "webhook_patience": 5.0, "generation_time": 30.0}.items() <= shown.items()


def test_a_run_without_workers_has_all_videos() -> None:
    assert 7 == _share(config(workers=0), 7)
