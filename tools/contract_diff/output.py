"""Write changes for a person, for programs, for a comment on GitHub, and as annotations there. Pure.

What a contract says may be anyone's, so nothing of it reaches an output as it is: no control characters, no markup.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from .ignoring import Ignored
from .model import SEVERITY, Change, Class, printable, steps
from .report import table

MOST_EDITORIAL = 20
"""If there are more editorial changes, a page for a person only counts them."""

NAMES = {Class.OTHER: "to look at"}
LEVELS = {Class.BREAKING: "error", Class.OTHER: "warning", Class.ADDITIVE: "notice"}
MARKUP = "\\`*_{}[]()<>#+!|~&@:"
"""What Markdown or GitHub would read as more than a character."""

FEWEST_TO_FOLD = 3
WIDEST = 110
"""How many characters wide the column of changes is, unless one word is wider."""
SUBJECT = re.compile(r"`[^`]+`|(?<=the status )\S+|^\"[^\"]+\"(?= is)")
"""What a change is about: the name of a property or a parameter, a status, a known value."""

Reasons = Mapping[Change, Ignored]
Row = tuple[str, str, str, str]
"""What some changes are to callers and to readers, what they are, and where."""


def text(changes: Sequence[Change], ignored: Reasons) -> str:
    """Return the changes as a table for a person, the gravest first."""
    if not changes:
        return "nothing changes"
    rows, rest = page(changes, ignored)
    cells = [(*kinds, textwrap.wrap(printable(what), WIDEST), printable(where)) for *kinds, what, where in rows]
    lines = [table(("callers", "readers", "change", "where"), cells)] if rows else []
    lines += [printable(f"ignored since {why.date}: {told(change)}: {why.reason}") for change, why in ignored.items()]
    return "\n".join([*lines, *rest, summary(changes, ignored)])


def as_json(changes: Sequence[Change], ignored: Reasons) -> str:
    """Return the changes as JSON, with the reason of each that is ignored."""
    return json.dumps(
        [{**asdict(each), "ignored": ignored[each].reason if each in ignored else None} for each in changes], indent=2
    )


def markdown(changes: Sequence[Change], ignored: Reasons) -> str:
    """Return the changes as a comment for GitHub, the gravest first."""
    if not changes:
        return "The contract does not change."
    rows, rest = page(changes, ignored)
    lines = [f"**{summary(changes, ignored)}**"]
    if rows:
        lines += ["", "| callers | readers | change | where |", "|---|---|---|---|"]
        lines += [f"| {callers} | {readers} | {code(what)} | {code(where)} |" for callers, readers, what, where in rows]
    for change, why in ignored.items():
        lines += ["", f"Ignored since {why.date}: {code(told(change))}: {code(why.reason)}"]
    return "\n".join([*lines, *(line for each in rest for line in ("", each))])


def github(changes: Sequence[Change], ignored: Reasons, file: str, line: Callable[[Sequence[str]], int]) -> str:
    """Return the changes as annotations of a file, of which `line` tells the line of a path."""
    lines: list[str] = []
    for change in ordered(changes):
        if change.worst in LEVELS and change not in ignored:
            pairs = (("callers", change.callers), ("readers", change.readers))
            sides = [f"{kind} for {side}" for side, kind in pairs if kind]
            title = escaped(", ".join(sides), ",:")
            place = f"file={escaped(file, ',:')},line={line(steps('#' + change.where))},title={title}"
            lines.append(f"::{LEVELS[change.worst]} {place}::{escaped(told(change))}")
    return "\n".join([*lines, summary(changes, ignored)])


def page(changes: Sequence[Change], ignored: Reasons) -> tuple[list[Row], list[str]]:
    """Return the rows of a page for a person, and what it says of the changes that it does not list."""
    listed = [change for change in ordered(changes) if change not in ignored]
    editorial = [change for change in listed if change.worst is Class.EDITORIAL]
    if len(editorial) <= MOST_EDITORIAL:
        return folded(listed), []
    kept = [change for change in listed if change.worst is not Class.EDITORIAL]
    return folded(kept), [f"and {len(editorial)} editorial changes, which --format json lists"]


def folded(changes: Sequence[Change]) -> list[Row]:
    """Return a row for each change, and one for several that are the same of different names at one place."""
    groups: dict[Row, list[tuple[Change, str]]] = {}
    for change in changes:
        subject = SUBJECT.search(change.what)
        name = subject[0] if subject else ""
        parent, _, last = change.where.rpartition("/")
        is_below = name.strip("`") in steps(f"#/{last}") or (name and parent.endswith("/parameters"))
        where = parent if is_below else change.where
        rest = re.sub(" +", " ", change.what.replace(name, "", 1)).strip() if name else change.what
        groups.setdefault((*classes(change), rest, where), []).append((change, name))
    rows: list[Row] = []
    for (callers, readers, rest, where), group in groups.items():
        if len(group) >= FEWEST_TO_FOLD:
            rows.append((callers, readers, f"{rest}: {', '.join(name for _, name in group)}", where))
        else:
            rows += [(callers, readers, change.what, change.where) for change, _ in group]
    return rows


def told(change: Change) -> str:
    """Return a change and its place as one text."""
    return f"{change.what} ({change.where})"


def ordered(changes: Sequence[Change]) -> list[Change]:
    """Return changes with the gravest first."""
    return sorted(changes, key=lambda change: -SEVERITY.index(change.worst))


def classes(change: Change) -> tuple[str, str]:
    """Return what a change is to callers and to readers."""
    return change.callers or "-", change.readers or "-"


def summary(changes: Sequence[Change], ignored: Reasons) -> str:
    """Return how many changes there are of each class."""
    counts = Counter(change.worst for change in changes if change not in ignored)
    told = [f"{counts[kind]} {NAMES.get(kind, kind)}" for kind in Class if counts[kind]]
    told += [f"{len(ignored)} ignored"] if ignored else []
    return ", ".join(told) or "nothing changes"


def code(text: str) -> str:
    """Return a text as code in Markdown, in which no character means anything and nobody is mentioned."""
    return f"<code>{''.join(f'&#{ord(char)};' if char in MARKUP else char for char in printable(text))}</code>"


def escaped(text: str, more: str = "") -> str:
    """Return a text as a command of GitHub's workflows takes it."""
    return "".join(f"%{ord(char):02X}" if char in f"%{more}" else char for char in printable(text))
