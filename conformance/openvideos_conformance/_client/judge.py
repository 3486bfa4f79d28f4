"""Run a command once in each scenario, and judge it by the rules for clients: `openvideos-conformance client`."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .._core.catalogue import client_catalogue
from .._core.contract import contract
from .._core.evidence import evidence, redacted
from .._core.outcomes import NotReachedError, ViolationError
from .._core.run_result import RunResult, suite_version
from .._core.sanitize import one_line
from .._core.verdicts import Observation, Outcome, judge
from .command_run import CommandRun
from .recording_server import PREFIX, AppRunner, RecordingServer, Request, Response
from .rules import verdicts
from .scenarios import ScenarioState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .._core.exchange import Exchange
    from .rules import ClientRule
    from .scenarios import Scenario

REQUESTED: Final = {"size": "64x48", "seconds": "1"}
"""The size and the seconds that the command is told to request, in OPENVIDEOS_SIZE and OPENVIDEOS_SECONDS."""
_OUTPUT_TAIL: Final = 400
_SHOWN_EXCHANGES: Final = 2
_LARGEST_FILE: Final = 1 << 26


class CommandError(Exception):
    """The command could not be started; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ScenarioRun:
    """A run of the command in a scenario, and the base URL that it used."""

    run: CommandRun
    base_url: str


def judge_client(
    command: Sequence[str],
    scenarios: Iterable[Scenario],
    *,
    timeout: float = 60.0,
    on_scenario: Callable[[str], object] = lambda _: None,
    expected: Mapping[str, str] | None = None,
    strict: bool = False,
) -> RunResult:
    """Run the command in each scenario, and return the result; `on_scenario` is called with a line before each."""
    began = time.time()
    observations: list[Observation] = []
    names: list[str] = []
    problem: str | None = None
    is_interrupted = has_sent = False
    last = ""
    started = 0
    try:
        for scenario in scenarios:
            on_scenario(f"{scenario.name}: {scenario.what}")
            scenario_run = run_scenario(command, scenario, timeout=timeout)
            names.append(scenario.name)
            has_sent = has_sent or bool(scenario_run.run.exchanges)
            started += sum(1 for each in scenario_run.run.started() if each.is_ok)
            observations += observations_of(scenario_run)
            last = _last_report(scenario_run.run)
    except CommandError as error:
        problem = str(error)
    except KeyboardInterrupt:
        is_interrupted = True
    if problem is None and not is_interrupted and not has_sent:
        problem = f"the command sent no request; it finds the server in OPENVIDEOS_BASE_URL and OPENAI_BASE_URL{last}"
    results = judge(
        client_catalogue().values(),
        observations,
        expected=expected,
        strict=strict,
        unreached="no scenario that was run exercises it",
    )
    return RunResult(
        suite=suite_version(),
        contract=str(contract().document["info"]["version"]),
        target={"base_url": "", "command": " ".join(command), "scenarios": ", ".join(names), "timeout": timeout},
        results=tuple(results),
        began=datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=time.time() - began,
        videos_started=started,
        is_interrupted=is_interrupted,
        is_strict=strict,
        problem=problem,
    )


def need_emulator() -> None:
    """Check that the emulator is installed.

    Raises:
        ImportError: A package that it needs is missing.

    """
    from openvideos_emulator import create_app

    create_app().close()


def observations_of(scenario_run: ScenarioRun) -> list[Observation]:
    """Return the observation of each rule of a scenario."""
    return [_observation(rule, problem, scenario_run) for rule, problem in verdicts(scenario_run.run)]


def _observation(rule: ClientRule, problem: Exception | None, scenario_run: ScenarioRun) -> Observation:
    hidden = (scenario_run.run.key,)
    exchanges: tuple[Exchange, ...] = ()
    if problem is None:
        outcome, message = Outcome.PASSED, ""
    elif isinstance(problem, ViolationError | NotReachedError):
        outcome = Outcome.VIOLATED if isinstance(problem, ViolationError) else Outcome.NOT_REACHED
        message, exchanges = f"{scenario_run.run.scenario}: {problem.message}", problem.exchanges
    else:
        outcome = Outcome.ERROR
        message = f"{scenario_run.run.scenario}: the suite itself failed: {type(problem).__name__}: {problem}"
    return Observation(
        requirement=rule.requirement,
        check=scenario_run.run.scenario,
        layer="client",
        outcome=outcome,
        message=redacted(one_line(message), hidden),
        evidence=tuple(evidence(each, scenario_run.base_url, hidden) for each in exchanges[:_SHOWN_EXCHANGES]),
    )


def run_scenario(command: Sequence[str], scenario: Scenario, *, timeout: float) -> ScenarioRun:
    """Run the command once against an emulator of its own, in which one thing goes wrong.

    Raises:
        CommandError: The command cannot be started.

    """
    from openvideos_emulator import create_app

    key = f"sk-openvideos-{secrets.token_hex(16)}"
    app = create_app(api_key=key, pace=scenario.job_speed)
    emulator = AppRunner(app)
    try:
        authorized = (("authorization", f"Bearer {key}"), ("content-type", "application/json"))
        for _ in range(scenario.jobs):
            body = json.dumps({"status": "completed", "size": "64x48", "seconds": "1"}).encode()
            emulator.send(Request("POST", "/_emulator/jobs", headers=authorized, body=body))
        state = ScenarioState(send=emulator.send)

        def respond_elsewhere(request: Request) -> Response:
            others = tuple(pair for pair in request.headers if pair[0].lower() != "authorization")
            return emulator.send(
                Request(request.method, request.path, request.query, (*authorized[:1], *others), request.body)
            )

        with (
            RecordingServer(lambda request: scenario.change(state, request)) as api,
            RecordingServer(respond_elsewhere) as foreign,
            tempfile.TemporaryDirectory(prefix="openvideos-client-", ignore_cleanup_errors=True) as directory,
        ):
            state.other_origin = foreign.origin
            base_url = api.origin + PREFIX
            output, log = Path(directory, "output"), Path(directory, "log")
            output.mkdir()
            wanted = {"prompt": scenario.prompt, **REQUESTED}
            environment = _environment(base_url, key, scenario.name, output) | {
                f"OPENVIDEOS_{name.upper()}": value for name, value in wanted.items()
            }
            exit_code = _run_command(command, environment, log, timeout)
            exchanges = tuple(api.exchanges)
            run = CommandRun(
                scenario=scenario.name,
                key=key,
                wanted=wanted,
                exchanges=exchanges,
                foreign=tuple(foreign.exchanges),
                broken=frozenset(api.broken),
                exit_code=exit_code,
                output_tail=_output_tail(log),
                files=_files(output),
                media=_media(emulator, exchanges, authorized),
            )
        return ScenarioRun(run=run, base_url=base_url)
    finally:
        emulator.close()
        app.close()


def _environment(base_url: str, key: str, scenario: str, output: Path) -> dict[str, str]:
    return {
        **os.environ,
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": key,
        "OPENVIDEOS_BASE_URL": base_url,
        "OPENVIDEOS_API_KEY": key,
        "OPENVIDEOS_SCENARIO": scenario,
        "OPENVIDEOS_OUTPUT": str(output),
        # The command must not use a proxy for requests to this machine.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _run_command(command: Sequence[str], environment: Mapping[str, str], log: Path, timeout: float) -> int | None:
    with log.open("wb") as stream:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is what the caller wants to run
                [*command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            raise CommandError(
                f"the command {command[0]!r} cannot be started: {getattr(problem, 'strerror', None) or problem}"
            ) from None
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the command, and the processes that it has started."""
    killpg = getattr(os, "killpg", None)
    with contextlib.suppress(OSError):
        if killpg is not None:
            killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _last_report(run: CommandRun) -> str:
    """Return how a command ended, as a sentence for the report of one that sent no request."""
    output = f": {redacted(run.output_tail, (run.key,))}" if run.output_tail else ""
    return f". It ended with {run.exit_code}{output}" if run.exit_code is not None else ". It did not end"


def _output_tail(log: Path) -> str:
    return one_line(log.read_bytes()[-8 * _OUTPUT_TAIL :].decode("utf-8", "replace"))[-_OUTPUT_TAIL:]


def _files(output: Path) -> dict[str, bytes]:
    """Return the files in the output directory, each cut at a size that no right file has."""
    found: dict[str, bytes] = {}
    for path in output.iterdir():
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                found[path.name] = file.read(_LARGEST_FILE)
    return found


def _media(emulator: AppRunner, exchanges: Iterable[Exchange], headers: tuple[tuple[str, str], ...]) -> bytes | None:
    """Return the complete file of the video that the command downloaded, from the emulator's control endpoints."""
    for each in exchanges:
        if each.operation == "download_video_content":
            path = f"/_emulator/jobs/{each.ids['video_id']}/content"
            response = emulator.send(Request("GET", path, headers=headers))
            return response.body if response.status == 200 else None  # noqa: PLR2004 - HTTP's own
    return None
