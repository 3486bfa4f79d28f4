"""Tell whether a value is one of a branch's, and whether one pattern takes all that another takes. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import regress
from greenery.parse import NoMatch, parse  # type: ignore[import-untyped] # it has annotations, and no py.typed

from ..model import is_object
from .shapes import Branch, Parts, as_json

MOST_STATES = {True: 8, False: 40}
"""How many characters a pattern may name, if one of them is repeated without end and if none is.

A pattern's automaton can have two to the power of that many states.
"""
MOST_WHOLE = 1000
"""How many whole numbers are tried one by one."""
REPEATED_GROUP, MOST_TO_REPEAT = re.compile(r"\)[*+?{]"), 20
ENDLESS, MOST_WAYS = re.compile(r"[*+]|,\}"), 10_000_000
SYNTAX = re.compile(
    r"""
    (?P<name> \[ \^? (?: \\[-dws.\]\[/\\^$|*+?(){}] | \\x[0-9a-f]{2} | [^\]\[\\&~] )+ \]
        | \\[dws.\]\[\\^$|*+?(){}] | \\[-/] | \\x[0-9a-f]{2} | [^\\\[\](){}*+?|^$.] | \. )
    | (?P<group> \( (?:\?:)? | \) | \| )
    | (?P<count> [*+?] | \{ [0-9]{1,4} (?: ,[0-9]{0,4} )? \} )
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
        elif keyword == "not":
            told.append(is_beside(note.value, text))
        elif keyword != "format":  # which is no assertion
            told.append(None)
    return False if False in told else None if None in told else True


def is_beside(refused: Parts, text: str) -> bool | None:
    """Return whether a value, as JSON, is none of those that are enumerated as refused; None if more is refused."""
    schemas: list[Any] = [part.schema for part in refused]
    if not all(is_object(each) and each.keys() <= {"const", "enum"} for each in schemas):
        return None
    listed: list[list[Any]] = [each["enum"] for each in schemas if "enum" in each]
    listed += [[each["const"]] for each in schemas if "const" in each]
    return not all(text in map(as_json, values) for values in listed)


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


def whole_numbers(branch: Branch) -> frozenset[str] | None:
    """Return the values of a branch, as JSON, if they are few whole numbers; None if they are not, or not known."""
    bounds = [branch.limits[key].value[0] for key in ("lower", "upper") if key in branch.limits]
    if "integer" not in branch.limits or len(bounds) < len(("lower", "upper")) or bounds[1] - bounds[0] > MOST_WHOLE:
        return None
    told = {str(value): fits(branch, str(value)) for value in range(math.ceil(bounds[0]), math.floor(bounds[1]) + 1)}
    return None if None in told.values() else frozenset(value for value, is_one in told.items() if is_one)


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
    tokens = tokens_of(pattern)
    is_endless = any(token["count"] and token[0][-2:] in {"*", "+", ",}"} for token in tokens or ())
    size = None if tokens is None else size_of(tokens)
    if tokens is None or size is None or size > MOST_STATES[is_endless]:
        return None
    return "".join(token[0][-1] if token[0] in {r"\-", r"\/"} else token[0] for token in tokens)


def tokens_of(pattern: str) -> list[re.Match[str]] | None:
    """Return the parts of what stands between `^` and `$`; None if that is not understood as a whole."""
    if not pattern.startswith("^") or not pattern.endswith("$"):
        return None
    tokens = list(SYNTAX.finditer(pattern[1:-1]))
    return tokens if "".join(token[0] for token in tokens) == pattern[1:-1] else None


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


Lengths = tuple[int, float]
"""How long texts are, at least and at most."""


@cache
def lengths(pattern: str) -> Lengths:
    """Return how long the texts are that a pattern takes, as far as it is understood."""
    groups: list[list[list[Lengths]]] = [[[]]]  # each of alternatives, each of parts
    tokens = tokens_of(pattern)
    for token in tokens or ():
        if token["name"]:
            groups[-1][-1].append((1, 1))
        elif token[0].startswith("("):
            groups.append([[]])
        elif token[0] == ")" and len(groups) > 1:
            of_group = of_alternatives(groups.pop())
            groups[-1][-1].append(of_group)
        elif token["count"] and groups[-1][-1]:
            groups[-1][-1].append(repeated(groups[-1][-1].pop(), token[0]))
        elif token[0] == "|" and len(groups) > 1:
            groups[-1].append([])
        else:
            return 0, math.inf
    return of_alternatives(groups[0]) if tokens is not None and len(groups) == 1 else (0, math.inf)


def of_alternatives(group: Iterable[list[Lengths]]) -> Lengths:
    """Return how long the texts of alternatives are, each of which has parts."""
    sums = [(sum(least for least, _ in parts), sum(most for _, most in parts)) for parts in group]
    return min(least for least, _ in sums), max(most for _, most in sums)


def repeated(lengths: Lengths, count: str) -> Lengths:
    """Return how long the texts of a part are that is repeated."""
    numbers = [int(each) for each in re.findall("[0-9]+", count)]
    least = numbers[0] if numbers else int(count == "+")
    most = math.inf if count in {"*", "+"} or count.endswith(",}") else max([1] if count == "?" else numbers)
    return lengths[0] * least, lengths[1] * most if lengths[1] and most else 0
