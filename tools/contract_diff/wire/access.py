"""Compare where a contract is served and how callers authenticate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..model import Change, Class
from ..places import Place
from ..schemas.terms import value_change
from .rest import compare_rest

WORDS_OF_SCHEME = ("description", "bearerFormat", "deprecated")
"""What a security scheme says for people alone."""


def compare_servers(old: list[dict[str, Any]], new: list[dict[str, Any]], place: Place) -> Iterator[Change]:
    """Yield what differs in the servers of a contract, a path or an operation, of which the order means nothing."""
    before, after = ({server["url"]: server for server in some} for some in (old, new))
    yield from listed([*before], [*after], place, "the server")
    for number, url in enumerate(after):
        if url in before:
            here = place.at(str(number))
            yield from compare_rest(before[url], after[url], here, {"url", "variables", "name"})
            if before[url].get("name") != after[url].get("name"):
                yield here.at("name").change("the name is another", Class.EDITORIAL)
            some, others = (each[url].get("variables", {}) for each in (before, after))
            for name in sorted({*some, *others}):
                yield from compare_variable(name, some.get(name), others.get(name), here.at("variables", name))


def compare_variable(name: str, old: Any, new: Any, place: Place) -> Iterator[Change]:
    """Yield what differs in a variable of a server's URL."""
    if old is None or new is None:
        yield place.change(f"the variable `{name}` is {'added' if old is None else 'removed'}", Class.BREAKING)
        return
    if old.get("default") != new.get("default"):
        change = value_change(old.get("default"), new.get("default"))
        yield place.at("default").change(f"the default of `{name}` {change}", Class.BREAKING)
    before, after = old.get("enum"), new.get("enum")
    if (before is None) != (after is None):
        what = f"the values of `{name}` are {'no longer limited' if after is None else 'limited now'}"
        yield place.at("enum").change(what, Class.ADDITIVE if after is None else Class.BREAKING)
    else:
        yield from listed(before or [], after or [], place.at("enum"), f"the value of `{name}`")
    yield from compare_rest(old, new, place, {"default", "enum"})


def listed(old: list[str], new: list[str], place: Place, name: str) -> Iterator[Change]:
    """Yield the alternatives for callers that are removed or added."""
    for item in dict.fromkeys([*old, *new]):
        if item not in new:
            yield place.change(f"{name} {item} is removed", Class.BREAKING)
        elif item not in old:
            yield place.change(f"{name} {item} is added", Class.ADDITIVE)


def compare_security(old: dict[str, Any], new: dict[str, Any], here: Place) -> Iterator[Change]:
    """Yield the ways to authenticate that are removed or added; none at all means that anyone may call."""
    before, after = (ways(old, here.old), ways(new, here.new))
    yield from listed(before, after, here.at("security"), "the security")


def ways(operation: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Name each way to authenticate by what is sent, not by its name in the document."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    names: list[str] = []
    accepted: list[dict[str, list[str]]] = operation["security"] or [{}]
    for way in accepted:
        parts: list[str] = []
        for name, scopes in way.items():
            scheme = scheme_words(schemes.get(name, {"name": name}))
            parts.append(scheme + (f" {sorted(scopes)}" if scopes else ""))
        names.append(" and ".join(sorted(parts)) or "none")
    return names


def scheme_words(scheme: dict[str, Any]) -> str:
    """Return what a security scheme makes callers send."""
    said = {key: value for key, value in scheme.items() if key not in WORDS_OF_SCHEME and not key.startswith("x-")}
    if "scheme" in said:
        said["scheme"] = str(said["scheme"]).lower()
    if said.get("type") == "oauth2":
        said["flows"] = json.dumps(
            {
                name: {key: value for key, value in flow.items() if key != "scopes"}
                | {"scopes": sorted(flow.get("scopes", ()))}
                for name, flow in said.get("flows", {}).items()
            },
            sort_keys=True,
        )
    return "(" + ", ".join(f"{key}: {value}" for key, value in sorted(said.items())) + ")"


def compare_schemes(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield the words of security schemes that differ; what they make callers send is told with each operation."""
    some, others = (document.get("components", {}).get("securitySchemes", {}) for document in (old, new))
    for name in sorted(some.keys() & others.keys()):
        here = place.at("components", "securitySchemes", name)
        before, after = (
            {key: value for key, value in each[name].items() if key in WORDS_OF_SCHEME or key.startswith("x-")}
            for each in (some, others)
        )
        if not place.is_same(before, after):
            yield here.change("the words of the security scheme are others", Class.EDITORIAL)
