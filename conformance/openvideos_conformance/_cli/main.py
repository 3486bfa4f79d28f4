"""Run the command of the command line. If that is impossible, write why to stderr, and return exit code 2."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .._core.target import Target, TargetError, duration
from .options import parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .._client.scenario_run import Options, ScenarioRun
    from .._core.verdicts import Observation

_MISUSE: Final = 2


def command(argv: Sequence[str] | None) -> int:
    """Run the command that the arguments name, and return the exit code."""
    # Text from a server may hold characters that the terminal cannot encode.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    options = parser().parse_args(argv)
    try:
        if options.command == "run":
            return _run(options)
        if options.command == "client":
            return _client(options)
        if options.command == "compare":
            return _compare(options)
        return _requirements(options)
    except KeyboardInterrupt:
        return _fail("interrupted")
    except BrokenPipeError:
        # The reader of stdout has gone. Python would fail on it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _MISUSE


def _run(options: argparse.Namespace) -> int:
    from .._core.catalogue import UnknownRequirementError, selected
    from .._core.expected_failures import ExpectedFailuresError, read_expected

    try:
        target = Target.of(vars(options), os.environ)
        only = selected(options.only)
        expected = read_expected(options.expected_failures)
    except (TargetError, UnknownRequirementError, ExpectedFailuresError) as problem:
        return _fail(str(problem))
    if options.report is not None:
        reason = _unusable(options.report)
        if reason:
            return _fail(f"the reports cannot be written to {options.report}: {reason}")

    from .._core.run_result import headline
    from .._pytest.run_state import RunState
    from .run import finish, run_suite

    state = RunState(target=target, only=only, expected=expected, strict=options.strict)
    is_coloured = sys.stdout.isatty() and not options.no_color and not os.environ.get("NO_COLOR")
    stream = sys.stdout
    run = run_suite(state, stream, is_coloured=is_coloured, is_verbose=options.verbose)
    code = finish(run, stream, options.report, is_coloured=is_coloured)
    if run.problem is not None:
        _fail(headline(run))
    return code


def _client(options: argparse.Namespace) -> int:
    from .._client.scenarios import SCENARIOS
    from .._core.catalogue import UnknownRequirementError
    from .._core.expected_failures import ExpectedFailuresError
    from .._core.run_result import headline
    from .._core.sanitize import printable
    from .run import finish, interrupted_by_sigterm

    try:
        how = _how_to_judge(options)
    except (TargetError, ExpectedFailuresError, UnknownRequirementError) as problem:
        return _fail(str(problem))
    try:
        from .._client.judge import judge_client, need_emulator, verdict_line

        need_emulator()
    except ImportError as problem:
        return _fail(
            f"the scenarios need the extra emulator ({problem}); add it from where openvideos came, such as a clone: "
            "python -m pip install '.[conformance,emulator]'"
        )

    def show(done: ScenarioRun, observations: list[Observation]) -> None:
        _print_line(verdict_line(done, observations))
        if options.show_output:
            for line in done.output.splitlines():
                _print_line(f"  | {printable(line)}")

    names = dict.fromkeys(options.scenario)
    scenarios = [SCENARIOS[name] for name in names] or SCENARIOS.values()
    with interrupted_by_sigterm():
        run = judge_client(options.argv, scenarios, how, show)
    is_coloured = sys.stdout.isatty() and not options.no_color and not os.environ.get("NO_COLOR")
    code = finish(run, sys.stdout, options.report, is_coloured=is_coloured)
    if run.problem is not None:
        _fail(headline(run))
    return code


def _how_to_judge(options: argparse.Namespace) -> Options:
    """Return how a client is judged.

    Raises:
        TargetError, ExpectedFailuresError, UnknownRequirementError: An option is wrong; the message says which.

    """
    from .._client.parts import PARTS
    from .._client.scenario_run import Options
    from .._client.scenarios import SCENARIOS
    from .._core.catalogue import client_catalogue
    from .._core.expected_failures import read_expected

    unknown = [name for name in options.scenario if name not in SCENARIOS]
    if unknown:
        raise TargetError(f"there is no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}")
    own = [word for value in options.own for word in value.replace(",", " ").split()]
    if not set(own) <= set(PARTS):
        raise TargetError(f"--own {' '.join(own)} names no part of the work; there are {', '.join(PARTS)}")
    if options.jobs < 1:
        raise TargetError(f"--jobs {options.jobs} is no number of scenarios; use 1 or more")
    for what, directory in (("reports", options.report), ("traffic", options.keep)):
        reason = _unusable(directory) if directory is not None else ""
        if reason:
            raise TargetError(f"the {what} cannot be written to {directory}: {reason}")
    return Options(
        timeout=duration("--timeout", options.timeout),
        jobs=options.jobs,
        host=options.host,
        own=tuple(own),
        keep=options.keep,
        expected=read_expected(options.expected_failures, client_catalogue()),
        is_strict=options.strict,
    )


def _print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _unusable(directory: Path) -> str:
    """Create the directory of the reports; return why they cannot be written to it, or "" if they can."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        return problem.strerror or str(problem)
    return "" if os.access(directory, os.W_OK) else "it is not writable"


def _compare(options: argparse.Namespace) -> int:
    from .._reports.comparison import ReportError, changed, read, regressions, to_html, to_markdown, with_unique_names
    from .._reports.write import save

    try:
        reports = with_unique_names([read(text) for text in options.reports])
    except ReportError as problem:
        return _fail(str(problem))
    failing = regressions(reports) if options.changed else []
    if options.changed:
        reports = changed(reports)
    try:
        if options.html is not None:
            save(options.html, to_html(reports))
        if options.markdown is not None:
            save(options.markdown, to_markdown(reports))
        elif options.html is None:
            sys.stdout.write(to_markdown(reports))
    except OSError as problem:
        return _fail(f"the comparison cannot be written: {problem}")
    if failing:
        sys.stderr.write(f"openvideos-conformance: what passed fails now: {', '.join(failing)}\n")
    return 1 if failing else 0


def _explain(name: str) -> int:
    from .._core.catalogue import UnknownRequirementError, catalogue, client_catalogue, known
    from .._reports.requirements import to_explanation

    everything = {**catalogue(), **client_catalogue()}
    try:
        (found,) = known([name], everything)
    except UnknownRequirementError as problem:
        return _fail(str(problem))
    sys.stdout.write(to_explanation(everything[found]))
    return 0


def _requirements(options: argparse.Namespace) -> int:
    if options.id is not None:
        return _explain(options.id)
    from .._core.profiles import profiles
    from .._reports.requirements import to_json, to_markdown, to_text

    name = options.profile
    if name is not None and name not in profiles():
        return _fail(f"there is no profile {name!r}; there are {', '.join(profiles())}")
    if name is not None and options.markdown:
        return _fail("docs/requirements.md holds the requirements of all profiles; leave out --profile or --markdown")
    sys.stdout.write(to_json(name) if options.json else to_markdown() if options.markdown else to_text(name))
    return 0


def _fail(message: str) -> int:
    from .._core.sanitize import one_line

    sys.stderr.write(f"openvideos-conformance: {one_line(message)}\n")
    return _MISUSE
