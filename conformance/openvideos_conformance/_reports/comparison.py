"""Lay the reports of several servers side by side. Reading a file apart, pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .._core.catalogue import Level
from .._core.exchange import json_array, json_object
from .._core.sanitize import one_line
from .._core.verdicts import Verdict
from .json import FORMAT
from .page import page, shown
from .terminal import WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_ABSENT: Final = ""
"""What stands where a report says nothing of a requirement, since it was not asked to."""


class ReportError(Exception):
    """A file that is no report; the message says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a report says of one requirement."""

    level: Level
    statement: str
    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one report says of one server."""

    name: str
    path: str
    began: str
    problem: str | None
    entries: dict[str, Entry]

    def kept(self, level: Level) -> str:
        """Return how many of the requirements of a level that were exercised are met."""
        told = [each.verdict for each in self.entries.values() if each.level is level]
        tested = [verdict for verdict in told if verdict in {Verdict.PASS, Verdict.FAIL, Verdict.WARN}]
        return f"{tested.count(Verdict.PASS)}/{len(tested)}"


def read(argument: str) -> Report:
    """Read a report, which is named by its path or as NAME=PATH.

    Raises:
        ReportError: There is none.

    """
    name, mark, rest = argument.partition("=")
    path = Path(argument) if not mark or Path(argument).exists() else Path(rest)
    if path.is_dir():
        path /= "report.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise ReportError(f"{path} cannot be read as a report: {problem}") from None
    try:
        return _report(document, name if mark and path != Path(argument) else "", str(path))
    except (KeyError, TypeError, ValueError) as problem:
        raise ReportError(
            f"{path} is no report of openvideos-conformance ({problem!r}); give a report.json that `run` wrote"
        ) from None


def with_unique_names(reports: Sequence[Report]) -> list[Report]:
    """Return the reports, those of one name with the path of each behind it."""
    names = [each.name for each in reports]
    return [
        each if names.count(each.name) == 1 else replace(each, name=f"{each.name} ({each.path})") for each in reports
    ]


def _report(document: object, name: str, path: str) -> Report:
    said = json_object(document)
    if said.get("format") != FORMAT:
        raise ValueError(f"its format is {said.get('format')!r}, not {FORMAT}")
    entries = {
        str(each["id"]): Entry(
            level=Level(each["level"]),
            statement=str(each["statement"]),
            verdict=Verdict(each["verdict"]),
            message=str(each["message"]),
        )
        for each in map(json_object, json_array(said["results"]))
    }
    problem = said.get("problem")
    return Report(
        name=name or str(json_object(said["target"])["base_url"] or json_object(said["target"]).get("command", "")),
        path=path,
        began=str(said.get("began", "")),
        problem=None if problem is None else str(problem),
        entries=entries,
    )


def to_markdown(reports: Sequence[Report]) -> str:
    """Return the comparison as Markdown."""
    lines = [
        "# The Videos API, server by server\n",
        _row(["", *(_plain(each.name) for each in reports)]),
        _row(["---"] * (len(reports) + 1)),
        *(_row([f"{level} met", *(each.kept(level) for each in reports)]) for level in _levels(reports)),
        *([_row(["problem", *(_plain(each.problem or "") for each in reports)])] if _problems(reports) else []),
        "",
        _row(["requirement", *(_plain(each.name) for each in reports)]),
        _row(["---"] * (len(reports) + 1)),
    ]
    for requirement, entries in _rows(reports):
        said = next(each for each in entries if each is not None)
        cells = [_markdown_cell(each) for each in entries]
        lines.append(_row([f"{requirement} {_plain(said.statement)}", *cells]))
    return "\n".join(lines) + "\n"


def to_html(reports: Sequence[Report]) -> str:
    """Return the comparison as a web page."""
    head = "".join(f'<th scope="col">{shown(each.name)}</th>' for each in reports)
    counts = "".join(
        f'<tr><th scope="row">{level} met</th>'
        + "".join(f"<td>{each.kept(level)}</td>" for each in reports)
        + "</tr>\n"
        for level in _levels(reports)
    )
    if _problems(reports):
        cells = "".join(f"<td>{shown(each.problem or '')}</td>" for each in reports)
        counts += f'<tr><th scope="row">problem</th>{cells}</tr>\n'
    rows = "".join(_html_row(requirement, entries) for requirement, entries in _rows(reports))
    body = (
        '<header><h1>Videos API conformance</h1><p class="headline">Server by server</p></header>\n<main>\n'
        f'<div class="scroll"><table class="compare"><thead><tr><th></th>{head}</tr></thead>\n'
        f"<tbody>{counts}{rows}</tbody></table></div>\n</main>\n"
    )
    return page("Videos API conformance, server by server", body)


def _html_row(requirement: str, entries: list[Entry | None]) -> str:
    said = next(each for each in entries if each is not None)
    cells = "".join(
        "<td></td>"
        if each is None
        else f'<td class="{each.verdict}" title="{shown(each.message)}">'
        f'<span class="verdict">{WORDS[each.verdict]}</span></td>'
        for each in entries
    )
    kind = ' class="same"' if len({each and each.verdict for each in entries}) == 1 else ""
    name = f'<span class="id">{shown(requirement)}</span> <span class="level">{said.level}</span>'
    return f'<tr{kind}><th scope="row">{name}<br>{shown(said.statement)}</th>{cells}</tr>\n'


def _rows(reports: Sequence[Report]) -> list[tuple[str, list[Entry | None]]]:
    """Return the requirements that any report tells of, in the order of the first that does, with what each says."""
    names = dict.fromkeys(name for each in reports for name in each.entries)
    return [(name, [each.entries.get(name) for each in reports]) for name in names]


def _levels(reports: Sequence[Report]) -> list[Level]:
    return [level for level in Level if any(each.level is level for one in reports for each in one.entries.values())]


def _problems(reports: Sequence[Report]) -> bool:
    return any(each.problem is not None for each in reports)


def _markdown_cell(entry: Entry | None) -> str:
    if entry is None:
        return _ABSENT
    word = WORDS[entry.verdict]
    return f"**{word}**" if entry.verdict in {Verdict.FAIL, Verdict.WARN, Verdict.ERROR} else word


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Return a text as one line of Markdown that shows it to the letter, within a table."""
    line = one_line(text)
    for char in "\\`*_[]<>|":
        line = line.replace(char, f"\\{char}")
    return line
