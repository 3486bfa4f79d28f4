"""Compare the reports of several servers in one table. Only `read` does I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .._core.catalogue import Level
from .._core.exchange import json_array, json_object
from .._core.verdicts import Verdict
from .json import FORMAT
from .markdown import plain as _plain
from .markdown import row as _row
from .page import page, shown
from .terminal import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ABSENT: Final = ""
"""The cell of a requirement that a report does not have, since its run did not judge it."""


class ReportError(Exception):
    """A file is not a report; the message says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The verdict of a report on one requirement."""

    level: Level
    statement: str
    verdict: Verdict
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report, as far as the comparison needs it."""

    name: str
    path: str
    began: str
    problem: str | None
    judged: str
    """By what the server was judged: the revision of the contract, and the profile if the run is limited to one."""
    entries: dict[str, Entry]
    shown: frozenset[str] | None = None
    """The ids of the requirements that the comparison shows; None means all."""

    def kept(self, level: Level) -> str:
        """Return how many of the exercised requirements of a level pass, such as `131/140`."""
        verdicts = [each.verdict for each in self.entries.values() if each.level is level]
        tested = [verdict for verdict in verdicts if verdict in {Verdict.PASS, Verdict.FAIL, Verdict.WARN}]
        return f"{tested.count(Verdict.PASS)}/{len(tested)}"


def read(argument: str) -> Report:
    """Return the report in a file, which is given as PATH or NAME=PATH.

    Raises:
        ReportError: The file cannot be read, or is not a report.

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
            f"{path} is not a report of openvideos-conformance ({problem!r}); use a report.json that `run` wrote"
        ) from None


def with_unique_names(reports: Sequence[Report]) -> list[Report]:
    """Return the reports; where several have the same name, their paths are added to it."""
    names = [each.name for each in reports]
    return [
        each if names.count(each.name) == 1 else replace(each, name=f"{each.name} ({each.path})") for each in reports
    ]


def regressions(reports: Sequence[Report]) -> list[str]:
    """Return the ids of the requirements that pass in the first report, and fail in a later one."""
    first, *later = reports
    passed = [name for name, each in first.entries.items() if each.verdict is Verdict.PASS]
    failed = {name for one in later for name, each in one.entries.items() if each.verdict is Verdict.FAIL}
    return [name for name in passed if name in failed]


def changed(reports: Sequence[Report]) -> list[Report]:
    """Return the reports with those requirements alone on which they differ. Their counts stay those of all."""
    same = {name for name, entries in _rows(reports) if len({each and each.verdict for each in entries}) == 1}
    return [replace(each, shown=frozenset(name for name in each.entries if name not in same)) for each in reports]


def _report(document: object, name: str, path: str) -> Report:
    values = json_object(document)
    if values.get("format") != FORMAT:
        raise ValueError(f"its format is {values.get('format')!r}, not {FORMAT}")
    entries = {
        str(each["id"]): Entry(
            level=Level(each["level"]),
            statement=str(each["statement"]),
            verdict=Verdict(each["verdict"]),
            message=str(each["message"]),
        )
        for each in map(json_object, json_array(values["results"]))
    }
    problem = values.get("problem")
    profile = str(json_object(values["target"]).get("profile") or "")
    return Report(
        name=name or str(json_object(values["target"])["base_url"] or json_object(values["target"]).get("command", "")),
        path=path,
        began=str(values.get("began", "")),
        problem=None if problem is None else str(problem),
        judged=" ".join(filter(None, [str(values.get("contract", "")), profile])),
        entries=entries,
    )


def to_markdown(reports: Sequence[Report]) -> str:
    """Return the comparison as Markdown."""
    lines = [
        "# The Videos API, server by server\n",
        _row(["", *(_plain(each.name) for each in reports)]),
        _row(["---"] * (len(reports) + 1)),
        *(_row([f"{level} pass", *(each.kept(level) for each in reports)]) for level in _levels(reports)),
        *(_row([name, *map(_plain, values)]) for name, values in _facts(reports)),
        "",
        _row(["requirement", *(_plain(each.name) for each in reports)]),
        _row(["---"] * (len(reports) + 1)),
    ]
    for requirement, entries in _rows(reports):
        first = next(each for each in entries if each is not None)
        cells = [_markdown_cell(each) for each in entries]
        lines.append(_row([f"{requirement} {_plain(first.statement)}", *cells]))
    return "\n".join(lines) + "\n"


def to_html(reports: Sequence[Report]) -> str:
    """Return the comparison as a web page."""
    head = "".join(f'<th scope="col">{shown(each.name)}</th>' for each in reports)
    counts = "".join(
        f'<tr><th scope="row">{level} pass</th>'
        + "".join(f"<td>{each.kept(level)}</td>" for each in reports)
        + "</tr>\n"
        for level in _levels(reports)
    )
    for name, values in _facts(reports):
        cells = "".join(f"<td>{shown(each)}</td>" for each in values)
        counts += f'<tr><th scope="row">{name}</th>{cells}</tr>\n'
    rows = "".join(_html_row(requirement, entries) for requirement, entries in _rows(reports))
    body = (
        '<header><h1>Videos API conformance</h1><p class="headline">Server by server</p></header>\n<main>\n'
        f'<div class="scroll"><table class="compare"><thead><tr><th></th>{head}</tr></thead>\n'
        f"<tbody>{counts}</tbody>\n<tbody>{rows}</tbody></table></div>\n</main>\n"
    )
    return page("Videos API conformance, server by server", body)


def _html_row(requirement: str, entries: list[Entry | None]) -> str:
    first = next(each for each in entries if each is not None)
    cells = "".join(
        "<td></td>"
        if each is None
        else f'<td class="{each.verdict}" title="{shown(each.message)}">'
        f'<span class="verdict">{WORDS[each.verdict]}</span></td>'
        for each in entries
    )
    kind = ' class="same"' if len({each and each.verdict for each in entries}) == 1 else ""
    name = f'<span class="id">{shown(requirement)}</span> <span class="level">{first.level}</span>'
    return f'<tr{kind}><th scope="row">{name}<br>{shown(first.statement)}</th>{cells}</tr>\n'


def _rows(reports: Sequence[Report]) -> list[tuple[str, list[Entry | None]]]:
    """Return the requirements of all reports, in the order in which they first occur, each with its entries."""
    names = dict.fromkeys(name for each in reports for name in each.entries if each.shown is None or name in each.shown)
    return [(name, [each.entries.get(name) for each in reports]) for name in names]


def _levels(reports: Sequence[Report]) -> list[Level]:
    return [level for level in Level if any(each.level is level for one in reports for each in one.entries.values())]


def _facts(reports: Sequence[Report]) -> Iterator[tuple[str, list[str]]]:
    """Yield what the reader must know before two columns are compared: by what each was judged, and its problem."""
    if len({each.judged for each in reports}) > 1:
        yield "judged by", [each.judged for each in reports]
    if any(each.problem is not None for each in reports):
        yield "problem", [each.problem or "" for each in reports]


def _markdown_cell(entry: Entry | None) -> str:
    if entry is None:
        return _ABSENT
    word = WORDS[entry.verdict]
    return f"**{word}**" if entry.verdict in {Verdict.FAIL, Verdict.WARN, Verdict.ERROR} else word
