"""Test the suite under pytest: selection, several workers, options and reports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGIN = ("-p", "openvideos_conformance.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:schemathesis")
SUITE = ("--pyargs", "openvideos_conformance")
SMALL = ("--size", "64x48", "--seconds", "1")


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENVIDEOS_", "PYTEST_"))}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def run_pytest(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *PLUGIN, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "openvideos_emulator", "--port", "0", "--pace", "polls:2"],
        cwd=tmp_path_factory.mktemp("emulator"),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+/v1", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.kill()


def test_requirements_are_selected_by_id_and_checks_by_name(tmp_path: Path, emulator: str) -> None:
    one = run_pytest(*SUITE, "--base-url", emulator, *SMALL, "--only", "VID-LIST-002", "-k", "history", cwd=tmp_path)
    assert 0 == one.returncode, one.stdout
    assert re.search(r"\d+ passed.*deselected", one.stdout)


@pytest.mark.full
def test_several_workers_make_one_report(tmp_path: Path, emulator: str) -> None:
    pytest.importorskip("xdist")
    selected = ("--only", "VID-CREATE-004,VID-LIST-002", "--max-videos", "20", "--examples", "1", "--report", "report")
    workers = ("-p", "xdist", "-n", "2")
    done = run_pytest(*SUITE, "--base-url", emulator, *SMALL, *selected, *workers, cwd=tmp_path)
    assert 0 == done.returncode, done.stdout
    document = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert ["pass", "pass"] == [each["verdict"] for each in document["results"]]
    assert 2 <= document["videos_started"] <= 20
    assert document["problem"] is None
    assert [] == document["left_over"]


@pytest.mark.full
def test_a_server_that_does_not_respond_is_reported(tmp_path: Path) -> None:
    done = run_pytest(*SUITE, "--base-url", "http://127.0.0.1:1/v1", "--report", "report", cwd=tmp_path)
    assert 2 == done.returncode
    assert "does not respond" in done.stdout
    document = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert "does not respond" in document["problem"]
    assert document["interrupted"] is False
    assert {"not_reached"} == {each["verdict"] for each in document["results"]}


@pytest.mark.full
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "with --base-url"),
        (("--base-url", "http://127.0.0.1:1/v1", "--only", "VID-LIST-999"), "VID-LIST-999"),
        (("--base-url", "http://127.0.0.1:1/v1", "--capabilities", "telepathy"), "telepathy"),
    ],
)
def test_wrong_options_are_reported(tmp_path: Path, arguments: tuple[str, ...], expected: str) -> None:
    done = run_pytest(*SUITE, *arguments, cwd=tmp_path)
    assert pytest.ExitCode.USAGE_ERROR == done.returncode
    assert expected in done.stderr


@pytest.mark.full
def test_another_plugin_may_have_an_option_of_the_same_name(tmp_path: Path, emulator: str) -> None:
    (tmp_path / "has_base_url.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--base-url', dest='base_url', metavar='url')\n",
        encoding="utf-8",
    )
    selected = ("-p", "has_base_url", "--base-url", emulator, "--only", "VID-LIST-002", "-k", "history")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *selected[:2], *PLUGIN, *SUITE, *selected[2:], *SMALL],
        cwd=tmp_path,
        env={**environment(), "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def test_a_run_of_other_tests_loads_none_of_the_suite(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_it(pytestconfig):\n"
        "    ours = {name for name in sys.modules if name.startswith('openvideos_conformance')}\n"
        "    assert ours == {'openvideos_conformance', 'openvideos_conformance.pytest_plugin'}\n"
        "    assert not {'schemathesis', 'httpx', 'yaml', 'jsonschema'} & sys.modules.keys()\n"
        "    assert not hasattr(pytestconfig.option, 'openvideos_expected_failures')\n",
        encoding="utf-8",
    )
    done = run_pytest("-q", cwd=tmp_path)
    assert 0 == done.returncode, done.stdout
