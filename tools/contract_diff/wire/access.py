"""Compare where a contract is served and how callers authenticate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..model import Change, Class, follow, is_array, is_object, objects
from ..places import Place
from ..schemas.terms import quoted, value_change
from .rest import compare_rest

WORDS_OF_SCHEME = ("description", "bearerFormat", "deprecated")
"""What a security scheme says for people alone."""


@dataclass(frozen=True)
class Credential:
    """What a caller sends to authenticate, and what it has to allow."""

    what: str
    flows: frozenset[tuple[str, str]]
    """The ways in which OAuth gives it, each with its URLs."""
    scopes: frozenset[str]

    def gives(self, asked: Credential) -> bool:
        """Return whether it is accepted where another one is asked for, wherever it comes from."""
        return self.what == asked.what and self.flows <= asked.flows and self.scopes >= asked.scopes

    @property
    def told(self) -> str:
        """What it is in words."""
        flows = [f"by {name} {urls}" for name, urls in sorted(self.flows)]
        scopes = [f"with {', '.join(sorted(self.scopes))}"] if self.scopes else []
        return " ".join([self.what, *flows, *scopes])


Way: TypeAlias = tuple[Credential, ...]
"""What is sent at once."""


def compare_servers(old: list[dict[str, Any]], new: list[dict[str, Any]], place: Place) -> Iterator[Change]:
    """Yield what differs in the servers of a contract, a path or an operation, of which the order means nothing."""
    before, after = ({address(server["url"]): server for server in some} for some in (old, new))
    yield from listed([*before], [*after], place, "the server")
    for number, url in enumerate(after):
        if url in before:
            here = place.at(str(number))
            if before[url]["url"] != after[url]["url"]:
                yield here.at("url").change(f"the server {url} is written otherwise", Class.EDITORIAL)
            yield from compare_rest(before[url], after[url], here, {"url", "variables", "name"})
            if before[url].get("name") != after[url].get("name"):
                yield here.at("name").change("the name is another", Class.EDITORIAL)
            some, others = (each[url].get("variables", {}) for each in (before, after))
            for name in sorted({*some, *others}):
                yield from compare_variable(name, some.get(name), others.get(name), here.at("variables", name))


def address(url: str) -> str:
    """Return the URL of a server in the one way to write it: case means nothing in a host, nor does a usual port."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url.rstrip("/") or "/"
    host, slash, path = rest.partition("/")
    parts = re.split(r"(\{[^{}]*\})", host)
    host = "".join(part if number % 2 else part.lower() for number, part in enumerate(parts))  # not of variables
    host = host.removesuffix({"https": ":443", "http": ":80"}.get(scheme.lower(), "://"))
    return f"{scheme.lower()}://{host}{slash}{path}".rstrip("/")


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
    """Yield the ways to authenticate that are removed or added; none at all means that anyone may call.

    A way stays if what it makes callers send is enough for one of the newer ways, which may ask for less.
    """
    before, after = (ways(old, here.old), ways(new, here.new))
    for way in before:
        if not any(is_enough(way, other) for other in after):
            yield here.at("security").change(f"the security {words_of_way(way)} is removed", Class.BREAKING)
    for way in after:
        if not any(is_enough(way, other) and is_enough(other, way) for other in before):
            yield here.at("security").change(f"the security {words_of_way(way)} is added", Class.ADDITIVE)


def ways(operation: dict[str, Any], document: dict[str, Any]) -> list[Way]:
    """Return each way to authenticate by what is sent, not by its name in the document."""
    schemes = schemes_of(document)
    accepted: list[dict[str, list[str]]] = operation["security"] or [{}]
    return [
        tuple(credential(schemes.get(name, {"type": name}), scopes) for name, scopes in sorted(way.items()))
        for way in accepted
    ]


def schemes_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the security schemes of a document by name."""
    schemes: dict[str, Any] = document.get("components", {}).get("securitySchemes", {})
    return {name: follow(document, scheme) for name, scheme in schemes.items() if not name.startswith("x-")}


def credential(scheme: dict[str, Any], scopes: Sequence[str] = ()) -> Credential:
    """Return what a security scheme makes callers send."""
    said = {
        key: value
        for key, value in scheme.items()
        if key not in {*WORDS_OF_SCHEME, "flows"} and not key.startswith("x-")
    }
    for key in ("scheme", "name") if said.get("in") in {"header", None} else ():  # of which case means nothing
        said |= {key: str(said[key]).lower()} if key in said else {}
    flows = {
        (name, quoted({key: value for key, value in flow.items() if key != "scopes" and not key.startswith("x-")}))
        for name, flow in scheme.get("flows", {}).items()
        if not name.startswith("x-")
    }
    words = " ".join(str(said[key]) for key in sorted(said, key=lambda key: (key != "type", key)))
    return Credential(words, frozenset(flows), frozenset(scopes))


def is_enough(way: Way, other: Way) -> bool:
    """Return whether who authenticates in one way has done what another one asks for.

    Where nothing is asked for, what is sent is not known for what it is: that is enough for who sends nothing alone.
    """
    return bool(way) == bool(other) and all(any(has.gives(asked) for has in way) for asked in other)


def words_of_way(way: Way) -> str:
    """Return a way to authenticate as it is told."""
    return " and ".join(sorted(each.told for each in way)) or "none"


def compare_schemes(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what differs in security schemes and is told with no operation: words, and schemes that none asks for."""
    some, others = (schemes_of(document) for document in (old, new))
    used = asked_for(old) | asked_for(new)
    for name in sorted(some.keys() | others.keys()):
        here = place.at("components", "securitySchemes", name)
        before, after = some.get(name), others.get(name)
        if before is None or after is None:
            if name not in used:
                word = "added" if before is None else "removed"
                yield here.change(f"the security scheme `{name}`, which nothing asks for, is {word}", Class.EDITORIAL)
        elif not place.is_same(before, after):
            offered = [*compare_scopes(before, after, here)] if name in used else []
            yield from offered
            if not offered and (name not in used or credential(before) == credential(after)):
                yield here.change("the words of the security scheme are others", Class.EDITORIAL)


def compare_scopes(old: dict[str, Any], new: dict[str, Any], here: Place) -> Iterator[Change]:
    """Yield the scopes that may be asked for now or no longer, by each flow that is in both."""
    some, others = (each.get("flows", {}) for each in (old, new))
    for flow in sorted(each for each in some.keys() & others.keys() if not each.startswith("x-")):
        before, after = ([*each[flow].get("scopes", {})] for each in (some, others))
        yield from listed(before, after, here.at("flows", flow, "scopes"), "the scope")


def asked_for(document: dict[str, Any]) -> set[str]:
    """Return the names of the security schemes that a document asks for, anywhere."""
    return {
        name
        for node in objects(document)
        for way in (node["security"] if is_array(node.get("security")) else ())
        if is_object(way)
        for name in way
    }
