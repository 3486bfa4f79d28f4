"""Judge whether responses tell what only the server should know, or call a problem by its status. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from .._core.exchange import json_array, json_object
from .._judging.assertions import shown
from .response_rules import STACK_TRACES
from .rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._core.exchange import Exchange
    from .rule import Tally
    from .traffic import Traffic

_MOST_TEXTS: Final = 10_000
"""How many texts of a response are searched."""

_ABSOLUTE: Final = re.compile(
    r"""
    (?<![\w.:/%~-])/(?:etc|home|mnt|opt|proc|root|srv|tmp|usr|var|Users|Volumes)/[^\s"'<>]+  # and no path of a URL
    | \bfile://[^\s"'<>]+
    | (?<![\w/])[A-Za-z]:\\[^\s"'<>]+
    """,
    re.VERBOSE,
)
_NAMES_A_FILE: Final = re.compile(r"(?:file|disk|local|output|saved?|storage|cache)_?(?:path|dir|directory)s?")
"""The names of fields that hold a path of the server, also one that is relative or below any directory."""

_PATH: Final = re.compile(r"(?!https?:|//)(?:[^\s:?#]*[/\\])+[^\s/\\?#]*")

_URL: Final = re.compile(r"\bhttps?://[^\s\"'<>]+")

_STATUS: Final = re.compile(r"[1-5][0-9][0-9]")


@rule("VID-ROBUST-006", "no response holds a path of the server's files", needs="a response with JSON")
def responses_keep_paths(traffic: Traffic, tally: Tally) -> None:
    """Search the texts of each response. What a request has sent before may come back."""
    sent: list[str] | None = None
    for exchange in traffic.with_response:
        value: Any = exchange.json
        if not isinstance(value, dict | list):
            continue
        tally.judged()
        for name, text in _texts(value):
            path = _path(name, text)
            if path is None:
                continue
            sent = _sent(traffic) if sent is None else sent
            if not any(path in each for each in sent):
                message = f"{exchange.summary} holds {shown(path)}" + (f" as {name}" if name else "")
                tally.found(message, exchange, once=name)


def _path(name: str, text: str) -> str | None:
    """Return the path of a file in a text of a field, or None. A stack trace is the matter of another requirement."""
    if _NAMES_A_FILE.fullmatch(name) and _PATH.fullmatch(text):
        return text
    found = None if STACK_TRACES.search(text) else _ABSOLUTE.search(_URL.sub("", text))
    return None if found is None else found[0].rstrip(".,:;)]}")


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts in a JSON value, each with the name of its field, which is empty in a list."""
    left, budget = [("", value)], _MOST_TEXTS
    while left and budget:
        budget -= 1
        name, each = left.pop()
        if isinstance(each, str):
            yield name, each
        left.extend(json_object(each).items())
        left.extend((name, item) for item in json_array(each))


def _sent(traffic: Traffic) -> list[str]:
    """Return all texts of requests: a path in a prompt, or in an id, comes back in responses."""
    found: list[str] = []
    for exchange in traffic.exchanges:
        body = exchange.request_body.decode("utf-8", "replace")
        found += (body, unquote(exchange.target), exchange.target)
        found += (text for _, text in _texts(dict(exchange.request_fields)))
    return found


@rule("VID-ERROR-012", "the code of an error is no status", needs="an error with a code")
def codes_are_no_statuses(traffic: Traffic, tally: Tally) -> None:
    """Find errors whose code is the number of a status, as a text."""
    for exchange in traffic.errors:
        code: object = json_object(exchange.object.get("error")).get("code")
        if isinstance(code, str):
            tally.judged()
            if _STATUS.fullmatch(code):
                tally.found(f"{_short(exchange)} has the code {shown(code)}", exchange, once=code)


def _short(exchange: Exchange) -> str:
    return f"{exchange.method} {exchange.path[:80]} -> {exchange.status}"
