"""Write the summary of a run as Markdown, as GitHub shows it for a job: the counts, and what to mend first. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .._core.catalogue import Level
from .._core.causes import causes
from .._core.run_result import headline, plural
from .._core.sanitize import one_line
from .terminal import WORDS, profile_lines, unexercised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.run_result import RunResult

_MOST_CAUSES: Final = 50
_LONGEST: Final = 400
_MARKUP: Final = "\\`*_[]<>|#~&@"
"""What Markdown and GitHub read as markup or as a mention."""


def to_markdown(run: RunResult) -> str:
    """Return the text of summary.md."""
    found = causes(run.results)
    lines = [f"## Videos API conformance of {plain(run.subject)}", "", f"**{plain(headline(run))}**", "", *_counts(run)]
    if found:
        lines += ["", "### What to mend first\n"]
        lines += [row(["", "harm", "seen", "expected", "requirements"]), row(["---"] * 5)]
    for number, cause in enumerate(found[:_MOST_CAUSES], 1):
        seen, expected = plain(cause.seen[:_LONGEST]), plain(cause.expected[:_LONGEST])
        harm = cause.harm if cause.is_failure else f"{cause.harm} (warning)"
        lines.append(row([str(number), harm, seen, expected, " ".join(cause.requirements)]))
    if len(found) > _MOST_CAUSES:
        lines.append(f"\nand {plural(len(found) - _MOST_CAUSES, 'more cause')}, which report.html has")
    lines += [line for each in profile_lines(run) for line in ("", plain(each))]
    lines += [line for each in unexercised(run) for line in ("", plain(each))]
    lines += ["", f"Not deleted: {', '.join(map(plain, run.left_over))}"] if run.left_over else []
    lines += [line for each in run.unaccounted for line in ("", plain(each))]
    return "\n".join(lines) + "\n"


def _counts(run: RunResult) -> list[str]:
    present = [verdict for verdict, number in run.counts().items() if number]
    counted = [(level, run.counts(level)) for level in Level]
    return [
        row(["", *(WORDS[verdict] for verdict in present)]),
        row(["---"] * (len(present) + 1)),
        *(row([level, *(str(of[each]) for each in present)]) for level, of in counted if any(of.values())),
    ]


def row(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Return a text as one line of Markdown for a table cell, with all markup escaped."""
    line = one_line(text)
    for char in _MARKUP:
        line = line.replace(char, f"\\{char}")
    return line
