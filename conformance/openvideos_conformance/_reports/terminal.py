"""Write the result of a run for a terminal: the failures, then the counts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.catalogue import Level
from .._core.run_result import headline
from .._core.sanitize import one_line, printable
from .._core.verdicts import Verdict

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
WORDS: Final = {verdict: str(verdict) for verdict in Verdict} | {Verdict.NOT_REACHED: "not exercised"}
"""The verdicts as reports show them."""


def painted(text: str, colour: str, *, is_coloured: bool) -> str:
    """Return a text in a colour, if colours are used."""
    return f"\x1b[{colour}m{text}\x1b[0m" if is_coloured else text


def summary(run: RunResult, *, is_coloured: bool = False) -> str:
    """Return the summary of a run."""
    return "\n".join(_lines(run, is_coloured=is_coloured)) + "\n"


def _lines(run: RunResult, *, is_coloured: bool) -> Iterator[str]:
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
    missing = [name for name, is_there in run.capabilities.items() if not is_there]
    if missing:
        yield f"not offered: {', '.join(sorted(missing))}"
    if run.left_over:
        yield f"not deleted: {', '.join(one_line(each) for each in run.left_over)}"
    colour = GREEN if run.exit_code == 0 else RED
    yield painted(one_line(headline(run)), f"{BOLD};{colour}", is_coloured=is_coloured)


def _line(curl: str) -> str:
    if len(curl) <= _LONGEST_LINE:
        return f"  {printable(curl)}"
    return f"  {one_line(curl[:_LONGEST_LINE])}… (complete in the reports)"


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
            yield from (_line(str(each.get("curl", ""))) for each in observation.evidence[-1:])
            break
