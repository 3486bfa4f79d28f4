"""Tell whether a value is one of a branch's, and whether one pattern takes all that another takes. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache

import regress
from greenery.parse import NoMatch, parse  # type: ignore[import-untyped] # it has annotations, and no py.typed

from .shapes import Branch

MOST_STATES = {True: 8, False: 40}
"""How many characters a pattern may name, if one of them is repeated without end and if none is.

A pattern's automaton can have two to the power of that many states.
"""
REPEATED_GROUP, MOST_TO_REPEAT = re.compile(r"\)[*+?{]"), 20
ENDLESS, MOST_WAYS = re.compile(r"[*+]|,\}"), 10_000_000
SYNTAX = re.compile(
    r"""
    (?P<name> \[ \^? (?: \\[-dws.\]\[/\\^$|*+?(){}] | \\x[0-9a-f]{2} | [^\]\[\\&~] )+ \]
        | \\[dws.\]\[\\^$|*+?(){}] | \\[-/] | \\x[0-9a-f]{2} | [^\\\[\](){}*+?|^$.] | \. )
    | (?P<group> \( (?:\?:)? | \) | \| )
    | (?P<count> [*+?] | \{ [0-9]{1,2} (?: ,[0-9]{0,2} )? \} )
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""The part of the syntax of patterns that means the same to ECMA-262 and to greenery."""


def fits(branch: Branch, text: str) -> bool | None:
    """Return whether a value, as JSON, is one of a branch's; None if that cannot be told."""
    if branch.values is not None:
        return text in branch.values
    if branch.is_free:
        return True
    value = json.loads(text)
    told = [is_within(branch, value)]
    for (keyword, _), note in branch.rules.items():
        if keyword == "pattern":
            told.append(matches(note.value, value))
        elif keyword == "multipleOf":
            told.append(None if isinstance(note.value, float) else value % note.value == 0)
        elif keyword != "format":  # which is no assertion
            told.append(None)
    return False if False in told else None if None in told else True


def is_within(branch: Branch, value: object) -> bool | None:
    """Return whether a value is within a branch's bounds; None if that cannot be told."""
    if isinstance(value, str):
        least, most = (branch.limits.get(key) for key in ("minLength", "maxLength"))
        return (not least or len(value) >= least.value) and (not most or len(value) <= most.value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        lower, upper = branch.limits.get("lower"), branch.limits.get("upper")
        return (
            ("integer" not in branch.limits or isinstance(value, int))
            and (not lower or value > lower.value[0] or (value == lower.value[0] and not lower.value[1]))
            and (not upper or value < upper.value[0] or (value == upper.value[0] and not upper.value[1]))
        )
    return True if value is None or isinstance(value, bool) or branch.is_free else None


@cache
def compiled(pattern: str) -> regress.Regex | None:
    """Return a pattern of ECMA-262, which JSON Schema takes; None if it is none.

    JSON Schema wants its mode for Unicode, but many contracts have escapes that only the other one takes.
    """
    for flags in ("u", ""):
        try:
            return regress.Regex(pattern, flags)
        except regress.RegressError:
            continue
    return None


def matches(pattern: object, value: object) -> bool | None:
    """Return whether a pattern is found in a text; None if it is no pattern."""
    regex = compiled(pattern) if isinstance(pattern, str) else None
    return None if regex is None or is_costly(str(pattern), str(value)) else regex.find(str(value)) is not None


def is_costly(pattern: str, value: str) -> bool:
    """Return whether a pattern may be tried in too many ways: a repetition in one doubles them with each character."""
    if REPEATED_GROUP.search(pattern):
        return len(value) > MOST_TO_REPEAT
    ways: int = len(value) ** (1 + len(ENDLESS.findall(pattern)))
    return ways > MOST_WAYS


def text_of(pattern: str) -> str | None:
    """Return a text that a pattern takes; None if none is found, for not all patterns are understood."""
    inner = body(pattern)
    try:
        return None if inner is None else next(iter(parse(inner).strings()), None)
    except (NoMatch, ValueError):
        return None


@cache
def covers(wide: str, narrow: str) -> bool | None:
    """Return whether one pattern takes every text that another takes; None if that cannot be told."""
    bodies = [body(pattern) for pattern in (wide, narrow)]
    if None in bodies:
        return None
    try:
        outer, inner = (parse(each).to_fsm() for each in bodies if each is not None)
    except (NoMatch, ValueError):
        return None
    return bool(inner.issubset(outer))


def body(pattern: str) -> str | None:
    """Return what stands between `^` and `$`, as greenery reads it; None if it should not be asked for it."""
    inner = pattern[1:-1]
    tokens = list(SYNTAX.finditer(inner)) if pattern.startswith("^") and pattern.endswith("$") else []
    if "".join(token[0] for token in tokens) != inner:
        return None
    is_endless = any(token["count"] and token[0][-2:] in {"*", "+", ",}"} for token in tokens)
    size = size_of(tokens)
    if size is None or size > MOST_STATES[is_endless]:
        return None
    return "".join(token[0][-1] if token[0] in {r"\-", r"\/"} else token[0] for token in tokens)


def size_of(tokens: Iterable[re.Match[str]]) -> int | None:
    """Return how many characters a pattern names, each as often as it is repeated; None if it is none of one piece."""
    groups: list[list[int]] = [[]]
    for token in tokens:
        if token["name"]:
            groups[-1].append(1)
        elif token[0].startswith("("):
            groups.append([])
        elif token[0] == ")" and len(groups) > 1:
            size = sum(groups.pop())
            groups[-1].append(size)
        elif token["count"] and groups[-1]:
            groups[-1][-1] *= max(1, *map(int, re.findall("[0-9]+", token[0])), 1)
        elif token[0] != "|" or len(groups) == 1:  # `^a|b$` is not `^(a|b)$`
            return None
    return sum(groups[0]) if len(groups) == 1 else None
