"""Every code block of docs/emulator.md works, and what there is to know of the emulator is in there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
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
from openvideos_emulator.__main__ import _greeting
from openvideos_emulator._options import PREFIX, read_options

if TYPE_CHECKING:
    from tests.emulator.conftest import Run

PROJECT = Path(__file__).parents[3]
DOCUMENT = (PROJECT / "docs" / "emulator.md").read_text("utf-8")
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
    languages = {language for language, _, _ in BLOCKS}
    assert {
        "console",
        "dockerfile",
        "js",
        "python",
        "text",
        "toml",
        "yaml",
    } == languages  # the one in js by tools/run_samples.py


@pytest.mark.full
@pytest.mark.slow
def test_the_blocks_with_tests_pass(tmp_path: Path) -> None:
    (settings,) = (code for language, _, code in BLOCKS if language == "toml")
    assert {f"openvideos_{name}" for name in pytest_plugin._OPTIONS} == set(
        tomllib.loads(settings)["tool"]["pytest"]["ini_options"]
    )
    (tmp_path / "pyproject.toml").write_text(settings)
    blocks = {f"line_{line}": code for code, line in PYTHON if "def test_" in code}
    for name, code in blocks.items():
        (tmp_path / f"test_{name}.py").write_text(code)
    tests = sum(code.count("def test_") for code in blocks.values())
    command = [sys.executable, "-m", "pytest", "-p", "openvideos_emulator.pytest_plugin", "-W", "error"]
    environment = os.environ | {"PYTHONPATH": PATH, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (0, "") == (run.returncode, run.stderr), run.stdout
    assert f" {tests} passed " in run.stdout


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.parametrize("code", [pytest.param(code, id=str(line)) for code, line in PYTHON if "def test_" not in code])
def test_a_block_without_tests_runs(code: str, tmp_path: Path, run: Run) -> None:
    warnings = ["-W", "error", *(["-W", "ignore::DeprecationWarning"] if "openai" in code else [])]  # its methods are
    with run("--ephemeral", "--pace", "instant", cwd=tmp_path) as (_, base_url):
        command = [sys.executable, *warnings, "-c", code.replace("http://127.0.0.1:8000/v1", base_url)]
        environment = {"PYTHONPATH": PATH, "OPENVIDEOS_BASE_URL": base_url, "OPENVIDEOS_API_KEY": "sk-anything"}
        environment |= dict.fromkeys(("NO_PROXY", "no_proxy"), "*")
        done = subprocess.run(
            command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, check=False
        )
    assert (0, "completed\n", "") == (done.returncode, done.stdout, done.stderr)
    for path in tmp_path.iterdir():
        assert ("cat.mp4", b"ftyp") == (path.name, path.read_bytes()[4:8])


def test_the_first_lines_are_what_it_prints() -> None:
    (shown,) = (code for language, _, code in BLOCKS if language == "text" and "listening on" in code)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        printed = _greeting(listener, read_options([], {}), None, None)
        port = listener.getsockname()[1]
    assert shown == printed.replace(f":{port}/", ":8000/").replace(f"{Path.cwd()}/", "/home/you/") + "\n"


class TestService:
    """The emulator as a service of GitHub Actions: its options are known, its name is allowed, its health is asked."""

    JOB = [yaml.safe_load(code)["jobs"]["test"] for language, _, code in BLOCKS if language == "yaml"][1]
    (IMAGE,) = (code for language, _, code in BLOCKS if language == "dockerfile")

    def test_its_options_are_known_and_let_it_be_reached_by_its_name(self) -> None:
        [(name, service)] = self.JOB["services"].items()
        variables = dict(re.findall(rf"({PREFIX}\w+)=(\S+)", self.IMAGE)) | service["env"]
        options = read_options([], variables)
        assert (("0.0.0.0", None), [name]) == ((options.host, options.db), list(options.allow_host))  # noqa: S104 - in a container
        assert {variable for variable in variables if variable.startswith(PREFIX)} == {
            f"{PREFIX}{option}" for option in ("HOST", "EPHEMERAL", "PACE", "ALLOW_HOST")
        }
        assert f"http://{name}:{options.port}/v1" == self.JOB["env"]["OPENVIDEOS_BASE_URL"]

    def test_its_health_is_that_of_the_emulator(self, run: Run, tmp_path: Path) -> None:
        words = shlex.split(self.JOB["services"]["emulator"]["options"])
        asking = shlex.split(words[words.index("--health-cmd") + 1])
        environment = os.environ | dict.fromkeys(("NO_PROXY", "no_proxy"), "*")
        with run("--ephemeral", cwd=tmp_path) as (_, base_url):
            command = [sys.executable, *asking[1:]]
            there = [each.replace("http://127.0.0.1:8000", base_url.removesuffix("/v1")) for each in command]
            assert 0 == subprocess.run(there, env=environment, check=False).returncode
        assert 0 != subprocess.run(there, env=environment, check=False, stderr=subprocess.DEVNULL).returncode


class TestWorkflow:
    """The workflow of GitHub Actions: its step that starts the emulator does so, and waits for it."""

    JOB = next(yaml.safe_load(code)["jobs"]["test"] for language, _, code in BLOCKS if language == "yaml")

    def test_its_environment_leads_to_the_emulator(self) -> None:
        exported = [each.removeprefix("export ").split("=") for each in COMMANDS if each.startswith("export")]
        assert dict(exported) == self.JOB["env"]

    @pytest.mark.full
    @pytest.mark.slow
    @pytest.mark.skipif(None in {shutil.which("bash"), shutil.which("curl")}, reason="a runner of GitHub has both")
    def test_the_step_leaves_the_emulator_running(self, tmp_path: Path) -> None:
        (step,) = (each["run"] for each in self.JOB["steps"] if "emulator" in each.get("name", ""))
        program = tmp_path / "bin" / "openvideos-emulator"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m openvideos_emulator "$@"\n')
        program.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        environment = os.environ | dict.fromkeys(("NO_PROXY", "no_proxy"), "*") | {f"{PREFIX}PORT": port}
        environment["PATH"] = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        command = ["bash", "-e", "-c", step.replace(":8000/", f":{port}/")]
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as started:
            try:
                said, _ = started.communicate(timeout=60)
                assert (0, "ok") == (started.returncode, json.loads(said)["status"])
                answer = httpx.get(f"http://127.0.0.1:{port}/v1/videos", trust_env=False)
                assert 200 == answer.status_code
            finally:
                os.killpg(started.pid, signal.SIGKILL)
        assert f"http://127.0.0.1:{port}/v1" in (tmp_path / "emulator.log").read_text()


class TestCommands:
    def test_each_is_of_a_program_that_is_tested(self) -> None:
        assert {"curl", "export", "openvideos-emulator", "python"} == {command.split()[0] for command in COMMANDS}

    @pytest.mark.parametrize("command", [each for each in COMMANDS if each.startswith("openvideos-emulator")])
    def test_the_emulator_takes_the_options(self, command: str) -> None:
        from openvideos_emulator._webhooks.endpoint import Endpoint

        options = read_options(shlex.split(command)[1:], {})
        if options.webhook_url is not None:
            Endpoint.of(options.webhook_url, options.webhook_secret)

    def test_the_environment_is_that_of_the_sdk(self) -> None:
        exported = dict(each.removeprefix("export ").split("=") for each in COMMANDS if each.startswith("export"))
        assert {"OPENVIDEOS_BASE_URL", "OPENVIDEOS_API_KEY"} == set(exported)
        defaults = read_options([], {})
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
    return method if body is None or method != "GET" else "POST", url, headers, body


class TestNothingIsLeftOut:
    def test_options(self) -> None:
        options = [f"--{name.replace('_', '-')}" for name in vars(read_options([], {}))]
        assert [] == [option for option in [*options, "--version"] if not mentions(option)]

    def test_defaults(self) -> None:
        defaults = vars(read_options([], {}))
        for name, default in defaults.items():
            row = re.search(rf"^\|[^|]*`--{name.replace('_', '-')}`[^|]*\|[^|]*\| (.*?) ?\|$", DOCUMENT, re.MULTILINE)
            assert row is not None, name
            assert row[1] in ({str(default)} if default else {"", "nowhere", "no"})

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
