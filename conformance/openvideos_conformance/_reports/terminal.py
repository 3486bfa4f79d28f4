"""Write the result of a run for a terminal: the failures, then the counts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.catalogue import Level
from .._core.causes import causes
from .._core.contract import contract
from .._core.run_result import headline, plural
from .._core.sanitize import one_line, printable
from .._core.verdicts import Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.run_result import RunResult
    from .._core.verdicts import Result

RED, GREEN, YELLOW, GREY, BOLD = "31", "32", "33", "90", "1"
COLOURS: Final = {
    Verdict.PASS: GREEN,
    Verdict.FAIL: RED,
    Verdict.WARN: YELLOW,
    Verdict.UNSUPPORTED: GREY,
    Verdict.NOT_REACHED: GREY,
    Verdict.ERROR: RED,
}
_LONGEST_LINE: Final = 800
_MOST_REASONS: Final = 10
_MOST_IDS: Final = 8
_SHOWN_LINES: Final = 2
"""How many requests of a failure are shown: where one of two shows it, only its message says which."""
WORDS: Final = {verdict: str(verdict) for verdict in Verdict} | {Verdict.NOT_REACHED: "not exercised"}
"""The verdicts as reports show them."""

OUTCOMES: Final = {
    Outcome.PASSED: WORDS[Verdict.PASS],
    Outcome.VIOLATED: WORDS[Verdict.FAIL],
    Outcome.NOT_REACHED: WORDS[Verdict.NOT_REACHED],
    Outcome.UNSUPPORTED: WORDS[Verdict.UNSUPPORTED],
    Outcome.ERROR: WORDS[Verdict.ERROR],
}
"""The outcomes of checks as reports show them, in the words of the verdicts."""


def painted(text: str, colour: str, *, is_coloured: bool) -> str:
    """Return a text in a colour, if colours are used."""
    return f"\x1b[{colour}m{text}\x1b[0m" if is_coloured else text


def summary(run: RunResult, *, is_coloured: bool = False) -> str:
    """Return the summary of a run."""
    return "\n".join(_lines(run, is_coloured=is_coloured)) + "\n"


def _causes(run: RunResult, *, is_coloured: bool) -> Iterator[str]:
    found = causes(run.results)
    if found:
        yield painted("What to mend first", BOLD, is_coloured=is_coloured)
    for number, cause in enumerate(found, 1):
        colour = RED if cause.is_failure else YELLOW
        yield f"{number:>3}. {painted(f'{cause.harm:<8}', colour, is_coloured=is_coloured)} {one_line(cause.seen)}"
        yield f"     expected {one_line(cause.expected)}"
        yield f"     {' '.join(cause.requirements)}"
    if found:
        yield ""
    if run.base_url and not run.left_over and any(map(_names_job, run.results)):
        yield "The run has deleted its jobs: in the commands below, put the id of another in place of theirs."
        yield ""


def _lines(run: RunResult, *, is_coloured: bool) -> Iterator[str]:
    yield from _causes(run, is_coloured=is_coloured)
    for result in run.results:
        if result.verdict in {Verdict.FAIL, Verdict.WARN, Verdict.ERROR} or result.is_stale:
            yield from _details(result, is_coloured=is_coloured)
            yield ""
    for level in Level:
        counted = run.counts(level)
        parts = [
            painted(f"{counted[verdict]} {WORDS[verdict]}", COLOURS[verdict], is_coloured=is_coloured)
            for verdict in Verdict
            if counted[verdict]
        ]
        if parts:
            yield f"{level:<7} {', '.join(parts)}"
    yield from map(one_line, [*profile_lines(run), *unexercised(run)])
    missing = [name for name, is_there in run.capabilities.items() if not is_there]
    if missing:
        yield f"not offered: {', '.join(sorted(missing))}"
    if run.left_over:
        yield f"not deleted: {', '.join(one_line(each) for each in run.left_over)}"
    yield from run.unaccounted
    colour = GREEN if run.exit_code == 0 else RED
    if run.problem is None:  # which the command writes to stderr
        yield painted(one_line(headline(run)), f"{BOLD};{colour}", is_coloured=is_coloured)


def profile_lines(run: RunResult) -> list[str]:
    """Return a line for each profile, or one line if none was judged for one and the same reason."""
    reasons = {each.reason for each in run.profiles}
    if len(reasons) == 1 and "" not in reasons:
        return [f"profiles: not judged: {reasons.pop()}"]
    return [each.line for each in run.profiles]


def unexercised(run: RunResult) -> list[str]:
    """Return a line for each reason why requirements were not exercised, with their ids; none without a verdict."""
    if run.problem is not None:
        return []
    by_reason: dict[str, list[str]] = {}
    for result in run.results:
        if result.verdict is Verdict.NOT_REACHED:
            by_reason.setdefault(result.message, []).append(result.requirement.id)
    ranked = sorted(by_reason.items(), key=lambda each: -len(each[1]))
    word = WORDS[Verdict.NOT_REACHED]
    lines = [f"{word}: {' '.join(_few(ids))}: {reason}" for reason, ids in ranked[:_MOST_REASONS]]
    more = len(ranked) - len(lines)
    return [*lines, *([f"{word}: for {plural(more, 'more reason')}, which the reports have"] if more else [])]


def _few(ids: list[str]) -> list[str]:
    more = len(ids) - _MOST_IDS
    return [*ids[:_MOST_IDS], *([f"and {more} more"] if more > 0 else [])]


def _line(curl: str) -> str:
    if len(curl) <= _LONGEST_LINE:
        return f"  {printable(curl)}"
    return f"  {one_line(curl[:_LONGEST_LINE])}… (complete in the reports)"


def _names_job(result: Result) -> bool:
    """Tell whether a command of a failure names a job."""
    paths = {each.id: each.path for each in contract().operations}
    shown = (each for observation in result.observations for each in observation.evidence)
    return result.counts and any("{video_id}" in paths.get(str(each.get("operation")), "") for each in shown)


def _details(result: Result, *, is_coloured: bool) -> Iterator[str]:
    requirement = result.requirement
    word = "stale" if result.is_stale else WORDS[result.verdict]
    colour = RED if result.is_stale else COLOURS[result.verdict]
    yield f"{painted(f'{word.upper()} {requirement.id}', colour, is_coloured=is_coloured)}  {requirement.statement}"
    if result.is_stale:
        yield "  the failure is expected, but the requirement passes; remove it from the expected failures"
        return
    if result.expected is not None:
        yield f"  expected: {one_line(result.expected)}"
    yield f"  {one_line(result.message)}"
    for observation in result.observations:
        if observation.message == result.message:
            yield from (_line(str(each.get("curl", ""))) for each in observation.evidence[:_SHOWN_LINES])
            break
