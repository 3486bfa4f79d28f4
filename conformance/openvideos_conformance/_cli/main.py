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

    from .._pytest.run_state import RunState
    from .run import finish, run_suite

    state = RunState(target=target, only=only, expected=expected, strict=options.strict)
    is_coloured = sys.stdout.isatty() and not options.no_color and not os.environ.get("NO_COLOR")
    stream = sys.stdout
    run = run_suite(state, stream, is_coloured=is_coloured)
    code = finish(run, stream, options.report, is_coloured=is_coloured)
    if run.problem is not None:
        _fail(run.problem)
    return code


def _client(options: argparse.Namespace) -> int:
    from .._client.scenarios import SCENARIOS
    from .._core.catalogue import UnknownRequirementError, client_catalogue
    from .._core.expected_failures import ExpectedFailuresError, read_expected

    unknown = [name for name in options.scenario if name not in SCENARIOS]
    if unknown:
        return _fail(f"there is no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}")
    try:
        timeout = duration("--timeout", options.timeout)
        expected = read_expected(options.expected_failures, client_catalogue())
    except (TargetError, ExpectedFailuresError, UnknownRequirementError) as problem:
        return _fail(str(problem))
    if options.report is not None:
        reason = _unusable(options.report)
        if reason:
            return _fail(f"the reports cannot be written to {options.report}: {reason}")
    try:
        from .._client.judge import judge_client, need_emulator

        need_emulator()
    except ImportError as problem:
        return _fail(f"the scenarios need the emulator ({problem}); pip install 'openvideos[conformance,emulator]'")

    from .run import finish

    run = judge_client(
        options.argv,
        [SCENARIOS[name] for name in dict.fromkeys(options.scenario)] or SCENARIOS.values(),
        timeout=timeout,
        on_scenario=_print_line,
        expected=expected,
        strict=options.strict,
    )
    is_coloured = sys.stdout.isatty() and not options.no_color and not os.environ.get("NO_COLOR")
    code = finish(run, sys.stdout, options.report, is_coloured=is_coloured)
    if run.problem is not None:
        _fail(run.problem)
    return code


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
    from .._reports.comparison import ReportError, read, to_html, to_markdown, with_unique_names
    from .._reports.write import save

    try:
        reports = with_unique_names([read(text) for text in options.reports])
    except ReportError as problem:
        return _fail(str(problem))
    try:
        if options.html is not None:
            save(options.html, to_html(reports))
        if options.markdown is not None:
            save(options.markdown, to_markdown(reports))
        elif options.html is None:
            sys.stdout.write(to_markdown(reports))
    except OSError as problem:
        return _fail(f"the comparison cannot be written: {problem}")
    return 0


def _requirements(options: argparse.Namespace) -> int:
    from .._reports.requirements import to_json, to_markdown, to_text

    form = to_json if options.json else to_markdown if options.markdown else to_text
    sys.stdout.write(form())
    return 0


def _fail(message: str) -> int:
    from .._core.sanitize import one_line

    sys.stderr.write(f"openvideos-conformance: {one_line(message)}\n")
    return _MISUSE
