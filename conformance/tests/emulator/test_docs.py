"""Every code block of docs/emulator.md works, and what there is to know of the emulator is in there.

So do the tests in README.md; the rest of that is tested with the overlay.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

import openvideos
import openvideos_emulator
import openvideos_raw
from openvideos_emulator import pytest_plugin, testing
from openvideos_emulator.__main__ import _parser

if TYPE_CHECKING:
    from tests.emulator.conftest import Run

PROJECT = Path(__file__).parents[3]
DOCUMENT = (PROJECT / "docs" / "emulator.md").read_text("utf-8")
README = (PROJECT / "README.md").read_text("utf-8")
CONTROL = yaml.load(
    (PROJECT / "conformance" / "openvideos_emulator" / "control.yaml").read_text("utf-8"), yaml.CSafeLoader
)
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (match["language"], DOCUMENT.count("\n", 0, match.start()) + 2, match["code"]) for match in FENCE.finditer(DOCUMENT)
]
PYTHON = [(code, line) for language, line, code in BLOCKS if language == "python"]
COMMANDS = [command for language, _, code in BLOCKS if language == "console" for command in code.splitlines()]
PATH = os.pathsep.join(
    str(Path(each.__file__ or "").parents[1]) for each in (openvideos, openvideos_emulator, openvideos_raw)
)


def mentions(words: str) -> bool:
    """Return whether the document has these words, as code."""
    return re.search(rf"`[^`\n]*(?<![\w-]){re.escape(words)}(?![\w-])[^`\n]*`", DOCUMENT) is not None


def test_every_block_is_of_a_language_that_is_tested() -> None:
    assert {"console", "python", "toml"} == {language for language, _, _ in BLOCKS}


@pytest.mark.slow
def test_the_blocks_with_tests_pass(tmp_path: Path) -> None:
    (settings,) = (code for language, _, code in BLOCKS if language == "toml")
    assert {f"openvideos_{name}" for name in pytest_plugin._OPTIONS} == set(
        tomllib.loads(settings)["tool"]["pytest"]["ini_options"]
    )
    (tmp_path / "pyproject.toml").write_text(settings)
    blocks = {f"line_{line}": code for code, line in PYTHON if "def test_" in code}
    blocks |= {f"readme_{match.start()}": match["code"] for match in FENCE.finditer(README) if "def test_" in match[0]}
    assert {"line", "readme"} == {name.split("_")[0] for name in blocks}
    for name, code in blocks.items():
        (tmp_path / f"test_{name}.py").write_text(code)
    tests = sum(code.count("def test_") for code in blocks.values())
    command = [sys.executable, "-m", "pytest", "-p", "openvideos_emulator.pytest_plugin", "-W", "error"]
    environment = os.environ | {"PYTHONPATH": PATH, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (0, "") == (run.returncode, run.stderr), run.stdout
    assert f" {tests} passed " in run.stdout


@pytest.mark.slow
@pytest.mark.parametrize("code", [pytest.param(code, id=str(line)) for code, line in PYTHON if "def test_" not in code])
def test_a_block_without_tests_runs(code: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", code]
    environment = os.environ | {"PYTHONPATH": PATH}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (0, "completed\n", "") == (run.returncode, run.stdout, run.stderr)


class TestCommands:
    def test_each_is_of_a_program_that_is_tested(self) -> None:
        assert {"curl", "export", "openvideos-emulator"} == {command.split()[0] for command in COMMANDS}

    @pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("openvideos-emulator")])
    def test_the_emulator_takes_the_options(self, command: str) -> None:
        from openvideos_emulator._webhooks.endpoint import Endpoint

        options = _parser().parse_args(shlex.split(command)[1:])
        if options.webhook_url is not None:
            Endpoint.of(options.webhook_url, options.webhook_secret)

    def test_the_environment_is_that_of_the_sdk(self) -> None:
        exported = dict(each.removeprefix("export ").split("=") for each in COMMANDS if each.startswith("export"))
        assert {"OPENVIDEOS_BASE_URL", "OPENVIDEOS_API_KEY"} == set(exported)
        defaults = _parser().parse_args([])
        assert f"http://{defaults.host}:{defaults.port}/v1" == exported["OPENVIDEOS_BASE_URL"]

    @pytest.mark.slow
    def test_the_emulator_takes_what_curl_sends(self, run: Run, tmp_path: Path) -> None:
        with run("--pace", "instant", cwd=tmp_path) as (_, base_url), httpx.Client(trust_env=False) as client:
            for command in (each for each in COMMANDS if each.startswith("curl")):
                method, url, headers, body = curl(command)
                assert url.startswith("http://127.0.0.1:8000/")
                url = url.replace("http://127.0.0.1:8000/v1", base_url)
                url = url.replace("http://127.0.0.1:8000", base_url.removesuffix("/v1"))
                response = client.request(method, url, headers=headers, content=body)
                assert 200 == response.status_code, response.text


def curl(command: str) -> tuple[str, str, dict[str, str], str | None]:
    """Read a command of curl: the method, the URL, the headers and the body."""
    words = iter(shlex.split(command)[1:])
    method, url, headers, body = "GET", "", dict[str, str](), None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
            json.loads(body)
        else:
            assert not word.startswith("-"), word
            url = word
    return method, url, headers, body


class TestNothingIsLeftOut:
    def test_options(self) -> None:
        options = {option for action in _parser()._actions for option in action.option_strings} - {"-h", "--help"}
        assert [] == [option for option in sorted(options) if not mentions(option)]

    def test_defaults(self) -> None:
        defaults = vars(_parser().parse_args([]))
        for name, default in defaults.items():
            row = re.search(rf"^\|[^|]*`--{name.replace('_', '-')}`[^|]*\|[^|]*\| (.*?) ?\|$", DOCUMENT, re.MULTILINE)
            assert row is not None, name
            assert row[1] in {str(default), "" if default is None else None, "nowhere" if default is None else None}

    @pytest.mark.parametrize("schema", ["Advance", "Fault", "Reset", "Webhook"])
    def test_fields(self, schema: str) -> None:
        fields = CONTROL["components"]["schemas"][schema]["properties"]
        assert [] == [field for field in fields if not mentions(field)]

    def test_control_endpoints(self) -> None:
        for path, item in CONTROL["paths"].items():
            steps = path.replace("/jobs/{video_id}/content", "…/content")
            rows = [line for line in DOCUMENT.splitlines() if line.startswith("| `") and mentions_in(line, steps)]
            assert rows, path
            assert [] == [method for method in item if method.upper() not in rows[0]], path

    def test_ways_to_steer(self) -> None:
        public = {name for name in vars(testing.OpenVideosServer) if not name.startswith("_")}
        attributes = public | {"base_url", "api_key"}
        assert [] == [name for name in sorted(attributes) if not mentions(name)]

    def test_arguments_of_the_app(self) -> None:
        taken = openvideos_emulator.create_app.__annotations__.keys() - {"return"}
        assert [] == [name for name in sorted(taken) if not mentions(name)]

    def test_marks_in_prompts_and_paces(self) -> None:
        words = ["[fail]", "[fail:CODE]", "[slow:SECONDS]", "instant", "polls:N", "seconds:S", "manual", "manual:S"]
        assert [] == [word for word in words if f"`{word}`" not in DOCUMENT]


def mentions_in(line: str, path: str) -> bool:
    return f"{path}`" in line
