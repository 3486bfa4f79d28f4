"""Tell the catalogue: as text, as JSON, and as docs/requirements.md. Pure."""

from __future__ import annotations

import dataclasses
import json
from itertools import groupby
from typing import Final

from .._core.catalogue import CLIENT, CORE, Level, Requirement, catalogue, client_catalogue
from .._core.run_result import area_name, area_of, plural

_HEAD: Final = """\
# What a server of the Videos API promises

<!-- Made by `openvideos-conformance requirements --markdown` from catalogue.yaml; edit that. -->

Each requirement has a stable id, a level (RFC 2119), a statement, its source in the contract, the capability that a
server must have for it to apply (none: it always does), and why it matters. The suite judges a server by every one:
a violated MUST fails the run, a violated SHOULD is a warning.
"""

_CLIENTS: Final = """
## Clients

What a client of the Videos API promises; `openvideos-conformance client` judges one by it.
"""


def to_text() -> str:
    """Return a line for each requirement."""
    everything = [*catalogue().values(), *client_catalogue().values()]
    return "".join(f"{each.id:<16} {each.level:<6} {each.statement}\n" for each in everything)


def to_json() -> str:
    """Return the catalogue as JSON."""
    entries = [dataclasses.asdict(each) for each in [*catalogue().values(), *client_catalogue().values()]]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def to_markdown() -> str:
    """Return the text of docs/requirements.md."""
    everything = list(catalogue().values())
    counted = ", ".join(f"{sum(each.level is level for each in everything)} {level}" for level in Level)
    areas = [(area_name(area), list(group)) for area, group in groupby(everything, key=lambda each: area_of(each.id))]
    parts = [
        _HEAD,
        f"\n{plural(len(everything), 'requirement')}: {counted}.\n\n",
        *(f"- [{name}](#{name.lower()}) ({len(group)})\n" for name, group in areas),
    ]
    for name, group in areas:
        parts.append(f"\n## {name}\n")
        parts += [_entry(each) for each in group]
    parts.append(_CLIENTS)
    parts += [_entry(each) for each in client_catalogue().values()]
    return "".join(parts)


def _entry(requirement: Requirement) -> str:
    needs = "" if requirement.capability in {CORE, CLIENT} else f" · needs `{requirement.capability}`"
    return (
        f"\n### {requirement.id}\n\n**{requirement.level}**{needs} · {_source(requirement.source)}\n\n"
        f"{_escaped(requirement.statement)}\n\n*{_escaped(requirement.why)}*\n"
    )


def _source(source: str) -> str:
    """Return a source as a link, where there is something to link to."""
    document, mark, pointer = source.partition("#")
    return f"[{document}](../{document}) `{mark}{pointer}`" if mark else _escaped(source)


def _escaped(text: str) -> str:
    """Return a text as Markdown that shows it to the letter."""
    for char in "\\`*_[]<>":
        text = text.replace(char, f"\\{char}")
    return text
