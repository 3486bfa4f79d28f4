"""Run a command once in each scenario, and judge it by the rules for clients: `openvideos-conformance client`."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from .._core.catalogue import Level, client_catalogue
from .._core.contract import contract
from .._core.evidence import SHOWN_EXCHANGES, evidence
from .._core.outcomes import NotReachedError, ViolationError
from .._core.redaction import redacted, secrets_of_key
from .._core.run_result import RunResult, suite_version
from .._core.sanitize import one_line
from .._core.verdicts import Observation, Outcome, Verdict, judge
from .command import CommandError
from .command_run import CommandRun
from .parts import is_of_program
from .rules import verdicts
from .scenario_run import Options, ScenarioRun, run_scenario
from .scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from .._core.exchange import Exchange
    from .._core.verdicts import Result
    from .rules import ClientRule
    from .scenarios import Scenario


_BY_PROGRAM: Final = " (the program does this itself, not its client)"


def judge_client(
    command: Sequence[str],
    scenarios: Iterable[Scenario],
    options: Options | None = None,
    on_scenario: Callable[[ScenarioRun, list[Observation]], object] | None = None,
) -> RunResult:
    """Run the command in each scenario, and return the result; `on_scenario` is called with each that has ended.

    The first is run alone: it shows how much memory the command uses, and a command that sends no request in it is run
    in no other.
    """
    options = options or Options()
    began = time.time()
    done: list[tuple[ScenarioRun, list[Observation]]] = []
    problem: str | None = None
    is_interrupted = False
    chosen = list(scenarios)
    try:
        for each in _runs(command, chosen, options):
            done.append((each, observations_of(each)))
            if on_scenario is not None:
                on_scenario(*done[-1])
    except CommandError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - it is the judge that failed, not the client
        problem = f"the suite itself failed: {type(error).__name__}: {error}"
    except KeyboardInterrupt:
        is_interrupted = True
    own = [each for done_run, _ in done for each in done_run.run.problems]
    if own and problem is None:
        problem = f"the suite itself failed: {own[0]}"
    if problem is None and not is_interrupted and not any(each.run.exchanges for each, _ in done):
        problem = (
            "the command sent no request; it finds the server in OPENVIDEOS_BASE_URL and OPENAI_BASE_URL"
            f"{_end_of(done[0][0].run) if done else ''}"
        )
    order = {scenario.name: index for index, scenario in enumerate(chosen)}
    done.sort(key=lambda pair: order[pair[0].run.scenario])
    results = judge(
        client_catalogue().values(),
        [observation for _, observations in done for observation in observations],
        expected=options.expected,
        strict=options.is_strict,
        unreached="no scenario that was run exercises it",
    )
    is_whole = {each.run.scenario for each, _ in done} >= set(SCENARIOS)
    results = [_with_scenarios(_with_whose(each, options.own)) for each in results]
    # A failure that is expected may show in a scenario that was not run.
    results = [each if is_whole else replace(each, is_stale=False) for each in results]
    names = ", ".join(each.run.scenario for each, _ in done)
    return RunResult(
        suite=suite_version(),
        contract=str(contract().document["info"]["version"]),
        target={
            "base_url": "",
            "command": " ".join(command),
            "scenarios": names,
            "timeout": options.timeout,
            "own": ", ".join(options.own),
        },
        results=tuple(results),
        began=datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=time.time() - began,
        videos_started=sum(len(each.run.accepted()) for each, _ in done),
        is_interrupted=is_interrupted,
        is_strict=options.is_strict,
        problem=problem,
    )


def _with_whose(result: Result, own: Collection[str]) -> Result:
    """Return a result that says if it is about what the program does itself."""
    if result.verdict not in {Verdict.FAIL, Verdict.WARN} or not is_of_program(result.requirement.id, own):
        return result
    return _adding(_BY_PROGRAM, result, lambda each: each.outcome is Outcome.VIOLATED)


def _with_scenarios(result: Result) -> Result:
    """Return a failure that names the other scenarios in which it shows."""
    failed = [each.check for each in result.observations if each.outcome is Outcome.VIOLATED]
    if len(failed) < 2:  # noqa: PLR2004 - one has no others
        return result
    also = f" (also: {', '.join(failed[1:])})"
    return _adding(also, result, lambda each: each.message == result.message)


def _adding(text: str, result: Result, is_meant: Callable[[Observation], bool]) -> Result:
    """Return a result with a text behind its message, and behind those of the observations that are meant."""
    observations = [
        replace(each, message=f"{each.message}{text}") if is_meant(each) else each for each in result.observations
    ]
    return replace(result, message=f"{result.message}{text}", observations=tuple(observations))


def _runs(command: Sequence[str], scenarios: list[Scenario], options: Options) -> Iterator[ScenarioRun]:
    """Yield the run of each scenario as it ends; the first one alone."""
    if not scenarios:
        return
    first = run_scenario(command, scenarios[0], options)
    yield first
    if not first.run.exchanges:
        return
    usual = first.run.memory if first.run.scenario == "plain" else 0
    with ThreadPoolExecutor(options.jobs) as pool:
        try:
            waiting = [pool.submit(run_scenario, command, each, options, usual) for each in scenarios[1:]]
            for each in as_completed(waiting):
                yield each.result()
        except BaseException:
            options.stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def need_emulator() -> None:
    """Check that the emulator is installed.

    Raises:
        ImportError: A package that it needs is missing.

    """
    from openvideos_emulator import create_app

    create_app().close()


def observations_of(scenario_run: ScenarioRun) -> list[Observation]:
    """Return the observation of each rule of a scenario."""
    return [_observation(rule, outcome, scenario_run) for rule, outcome in verdicts(scenario_run.run)]


def verdict_line(done: ScenarioRun, observations: list[Observation]) -> str:
    """Return the verdict on a scenario as a line."""
    counted = Counter(each.outcome for each in observations)
    wrong = [each.requirement for each in observations if each.outcome in {Outcome.VIOLATED, Outcome.ERROR}]
    warned = [each for each in wrong if client_catalogue()[each].level is not Level.MUST]
    failed = [each for each in wrong if each not in warned]
    parts = [f"{counted[Outcome.PASSED]} pass"] if counted[Outcome.PASSED] else []
    parts += [f"{' '.join(failed)} fail{'s' if len(failed) == 1 else ''}"] if failed else []
    parts += [f"{' '.join(warned)} warn{'s' if len(warned) == 1 else ''}"] if warned else []
    parts += [f"{counted[Outcome.NOT_REACHED]} not exercised"] if counted[Outcome.NOT_REACHED] else []
    if done.run.has_given_up:
        parts.append(f"the command ended with {done.run.exit_code}: {done.run.output_tail}".rstrip(": "))
    return f"{done.run.scenario}: {SCENARIOS[done.run.scenario].what}: {', '.join(parts)}"


def _observation(rule: ClientRule, outcome: str | Exception | None, scenario_run: ScenarioRun) -> Observation:
    hidden = secrets_of_key(scenario_run.run.key)
    exchanges: tuple[Exchange, ...] = ()
    if outcome is None or isinstance(outcome, str):
        kind, message = Outcome.PASSED, outcome or ""
    elif isinstance(outcome, ViolationError | NotReachedError):
        kind = Outcome.VIOLATED if isinstance(outcome, ViolationError) else Outcome.NOT_REACHED
        message, exchanges = outcome.message, outcome.exchanges
    else:
        kind = Outcome.ERROR
        message = f"the suite itself failed: {type(outcome).__name__}: {outcome}"
    if message:
        message = f"{scenario_run.run.scenario}: {message}"
    return Observation(
        requirement=rule.requirement,
        check=scenario_run.run.scenario,
        layer="client",
        outcome=kind,
        message=redacted(one_line(message), hidden),
        evidence=tuple(evidence(each, scenario_run.base_url, hidden) for each in exchanges[-SHOWN_EXCHANGES:]),
    )


def _end_of(run: CommandRun) -> str:
    """Return how a command ended, as a sentence for the report of one that sent no request."""
    output = f": {run.output_tail}" if run.output_tail else ""
    return f". It ended with {run.exit_code}{output}" if run.exit_code is not None else ". It did not end"
