"""Compare two contracts: pure, from two parsed documents to a list of changes, classed for callers and for readers.

docs/contract.md says what is what, and what is not judged: prose, above all, and the extensions of others.

No maintained tool does this from Python alone: oasdiff and openapi-diff are programs of Go and Java, and of those that
install here @useoptic/optic found 7 and api-schema-diff 5 of 9 seeded breaking changes, and neither separates callers
from readers. openapi-spec-validator checks validity, griffe the Python surface.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from typing import Any

from .anchors import by_pointers
from .digests import Digests, references
from .model import METHODS, Change, Class, Path, Side, follow, found, is_object, pointer, steps
from .places import Place
from .schemas.comparison import Comparison
from .schemas.keywords import OWN_DIALECTS
from .schemas.source import Source
from .scope import Scope
from .wire.access import compare_schemes, compare_security, compare_servers
from .wire.bodies import Comparing, Parameters, compare_body, compare_parameters, compare_responses
from .wire.rest import compare_rest
from .wire.tables import CODES, PROFILES, compare_tables

EVERYTHING = Scope()
OF_PATH = "the parameters of its path"
DIALECT = "jsonSchemaDialect"
MOST_CALLBACKS = 3
"""How deep callbacks of callbacks are compared: a path may be its own."""
Operation = tuple[Path, dict[str, Any]]
"""Where an operation is, and what it says, with what its path and its document say for it."""


def compare(old: dict[str, Any], new: dict[str, Any], scope: Scope = EVERYTHING) -> list[Change]:
    """Return the changes from one contract to another, each once, with the operations that it touches."""
    told: dict[tuple[str, str], Change] = {}
    for change in walk(by_pointers(old), by_pointers(new), scope):
        key = (change.where, change.what)
        told[key] = told[key].merged(change) if key in told else change
    return list(told.values())


def walk(old: dict[str, Any], new: dict[str, Any], scope: Scope) -> Iterator[Change]:
    """Yield each change once for each operation that it affects."""
    before, after = Digests(old), Digests(new)
    callers = Place(before, after, (), (), Side.CALLERS)
    compare_ = Comparison(Source(before), Source(after)).changes
    for key in ("openapi", "info", "tags", "$self"):
        if not callers.is_same(old.get(key), new.get(key)):
            yield callers.at(key).change(f"`{key}` is another", Class.EDITORIAL)
    handled = {"openapi", "info", "tags", "paths", "webhooks", "components", "security", "servers", "$self"}
    if all(DIALECT not in each or str(each[DIALECT]) in OWN_DIALECTS for each in (old, new)):
        handled.add(DIALECT)
    yield from compare_rest(old, new, callers, handled | {PROFILES, CODES})
    yield from compare_tables(old, new, callers)
    was, now = (scope.servers(each.get("servers")) for each in (old, new))
    servers = [*compare_servers(was, now, callers.at("servers"))]
    yield from servers
    yield from compare_schemes(old, new, callers)
    for section, side in (("paths", Side.CALLERS), ("webhooks", Side.READERS)):
        place = replace(callers.at(section), side=side)
        some, others = (
            scoped(operations(each, section, other.get(section, {})), scope) for each, other in ((old, new), (new, old))
        )
        yield from compare_operations(some, others, place, compare_)
        yield from compare_own_servers(some, others, place, {change.what for change in servers})
        yield from compare_items(items(old, section), items(new, section), place, scope)
        left, right = (extensions(each.get(section, {})) for each in (old, new))
        yield from compare_rest(left, right, place, set())
    yield from compare_unused(old, new, callers)


def scoped(found: dict[tuple[str, str], Operation], scope: Scope) -> dict[tuple[str, str], Operation]:
    """Return operations by the names by which they are compared, without those that are not."""
    names = scope.names(key for key, _ in found)
    return {
        (names[key], method): (path, {**operation, "servers": scope.servers(operation["servers"])})
        for (key, method), (path, operation) in found.items()
        if key in names
    }


def operations(document: dict[str, Any], section: str, others: Container[str] = ()) -> dict[tuple[str, str], Operation]:
    """Return the operations of a document by path and method, with their path's parameters, and their places.

    `others` are the paths of the document that it is compared with.
    """
    found: dict[tuple[str, str], Operation] = {}
    known = items(document, section)
    for path, name in names_of(known, others).items():
        for method, (place, operation) in operations_of(document, known[path], (section, path)).items():
            found[name, method] = (place, operation)
    return found


def items(document: dict[str, Any], section: str) -> dict[str, Any]:
    """Return the paths or the webhooks of a document, which may have extensions beside them."""
    return {path: item for path, item in document.get(section, {}).items() if not path.startswith("x-")}


def extensions(node: dict[str, Any]) -> dict[str, Any]:
    """Return the extensions of a node of which all other keys are names."""
    return {key: value for key, value in node.items() if key.startswith("x-")}


def names_of(paths: Iterable[str], others: Container[str]) -> dict[str, str]:
    """Return paths by what is sent of them: without the names of their parameters.

    Of those that are one by that, which OpenAPI forbids and some have, one is, and the rest keep their parameters'
    names: none may hide another. It is one that the other document has, too, if there is such a one.
    """
    told: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: (path in others, path)):
        told[re.sub(r"\{[^}]*\}", "{}", path)] = path
    named = {path: name for name, path in told.items()}
    return {path: named.get(path, path) for path in paths}


def doubles_of(paths: Iterable[str], others: Container[str]) -> set[str]:
    """Return the paths that another one is, too, but for the names of its parameters."""
    return {path for path, name in names_of(paths, others).items() if re.search(r"\{[^}]", name)}


def operations_of(document: dict[str, Any], node: Any, place: Path) -> dict[str, Operation]:
    """Return the operations of a path by their methods."""
    item: dict[str, Any] = follow(document, node)
    own = {method: (method, item[method]) for method in METHODS if method in item}
    more: dict[str, Any] = item.get("additionalOperations", {})
    named = {**own, **{method.lower(): (method, more[method]) for method in more}}
    found: dict[str, Operation] = {}
    for method, (name, operation) in named.items():
        way = (name,) if method in own else ("additionalOperations", name)
        whole = {
            **operation,
            OF_PATH: item.get("parameters", []),
            "security": operation.get("security", document.get("security", [])),
            "servers": operation.get("servers") or item.get("servers") or document.get("servers"),
        }
        found[method] = ((*place, *way), whole)
    return found


def parameters(operation: dict[str, Any], document: Any) -> dict[str, Any]:
    """Return an operation's parameters by location and name; an operation's own replaces its path's."""
    return {name: follow(document, node) for name, (_, node) in placed(operation, ("", ""), document).items()}


def placed(operation: dict[str, Any], place: Path, document: Any) -> Parameters:
    """Return an operation's parameters as they are written, with their places."""
    item = place[: -2 if place[-2] == "additionalOperations" else -1]
    told: Parameters = {}
    for way, nodes in ((item, operation[OF_PATH]), (place, operation.get("parameters", []))):
        for number, node in enumerate(nodes):
            one = follow(document, node)
            name = one["name"].lower() if one["in"] == "header" else one["name"]
            told[f"{one['in']} parameter `{name}`"] = ((*way, "parameters", str(number)), node)
    return told


def compare_operations(
    old: dict[Any, Operation], new: dict[Any, Operation], place: Place, compare_: Comparing
) -> Iterator[Change]:
    """Yield what differs in the operations of one section."""
    for key in dict.fromkeys([*old, *new]):
        path, operation = new.get(key) or old[key]
        was = old.get(key, (path, {}))[0]
        name = operation.get("operationId", " ".join(path[1:]))
        here = replace(place, was=was, path=path, operation=name)
        if key not in new:
            yield here.change(f"the operation `{name}` is removed", Class.BREAKING)
        elif key not in old:
            yield here.change(f"the operation `{name}` is added", Class.ADDITIVE)
        else:
            yield from compare_operation(old[key][1], operation, here, compare_)


def compare_own_servers(
    old: dict[Any, Operation], new: dict[Any, Operation], place: Place, said: set[str]
) -> Iterator[Change]:
    """Yield what differs in the servers of operations, but for what is said of those of the contract already."""
    for key in [key for key in old if key in new]:
        (was, before), (path, after) = old[key], new[key]
        here = replace(place, was=was, path=path, operation=after.get("operationId", " ".join(path[1:])))
        for change in compare_servers(before["servers"], after["servers"], here.at("servers")):
            if change.what not in said:
                yield change


def compare_operation(old: dict[str, Any], new: dict[str, Any], here: Place, compare_: Comparing) -> Iterator[Change]:
    """Yield what differs in one operation. The request of a webhook is what readers read."""
    yield from compare_security(old, new, here)
    if here.is_same(old, new):
        return
    event = here.side is Side.READERS
    names = [each.get("operationId") for each in (old, new)]
    if names[0] != names[1]:
        left, right = (f"`{name}`" if name else "none" for name in names)
        # The clients that are generated from it rename; of an event, and of what had no name, they have none.
        kind = Class.EDITORIAL if event or names[0] is None else Class.BREAKING
        what = f"the operation {left} is renamed to {right}" if all(names) else f"the id was {left} and is {right}"
        yield here.at("operationId").change(what, kind)
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        word = "deprecated now" if new.get("deprecated") else "no longer deprecated"
        yield here.change(f"the operation is {word}", Class.ADDITIVE)
    before, after = placed(old, here.was, here.old), placed(new, here.path, here.new)
    yield from compare_parameters(before, after, here, compare_)
    yield from compare_body(old.get("requestBody"), new.get("requestBody"), here.at("requestBody"), compare_)
    responses = replace(here, side=Side.CALLERS if event else Side.READERS).at("responses")
    for change in compare_responses(old.get("responses", {}), new.get("responses", {}), responses, compare_):
        yield change.swapped() if event else change  # who reads events sends what the contract wants in response
    yield from compare_tags(old.get("tags", []), new.get("tags", []), here.at("tags"))
    yield from compare_callbacks(old.get("callbacks", {}), new.get("callbacks", {}), here.at("callbacks"), compare_)
    handled = {"operationId", "deprecated", "security", "parameters", "requestBody", "responses", "tags", "callbacks"}
    yield from compare_rest(old, new, here, {*handled, "servers", OF_PATH})


def compare_tags(old: list[str], new: list[str], here: Place) -> Iterator[Change]:
    """Yield what differs in tags. Generated clients have the operations of callers in modules by their first tags."""
    if old[:1] != new[:1] and here.side is Side.CALLERS:
        places = [f"the tag `{tags[0]}`" if tags else "no tag" for tags in (old, new)]
        yield here.change(f"the operation `{here.operation}` moves from {places[0]} to {places[1]}", Class.BREAKING)
    elif old != new:
        yield here.change("`tags` is another", Class.EDITORIAL)


def compare_callbacks(old: dict[str, Any], new: dict[str, Any], here: Place, compare_: Comparing) -> Iterator[Change]:
    """Yield what differs in the requests that the server sends because of an operation."""
    event = replace(here, side=Side.READERS if here.side is Side.CALLERS else Side.CALLERS)
    before, after = (
        {
            (name, expression, method): operation
            for name, node in callbacks.items()
            if not name.startswith("x-")
            for expression, item in follow(document, node).items()
            if not expression.startswith("x-")
            for method, operation in operations_of(document, item, (*path, name, expression)).items()
        }
        for callbacks, document, path in ((old, here.old, here.was), (new, here.new, here.path))
    )
    if here.path.count("callbacks") <= MOST_CALLBACKS:
        yield from compare_operations(before, after, event, compare_)


def compare_items(old: dict[str, Any], new: dict[str, Any], place: Place, scope: Scope) -> Iterator[Change]:
    """Yield what differs in what paths say themselves, such as their summary, and which are another one, too."""
    before, after = (
        {names[name]: path for path, name in told.items() if name in names}
        for told in (names_of(old, new), names_of(new, old))
        for names in [scope.names(told.values())]
    )
    for path in sorted(doubles_of(old, new) ^ doubles_of(new, old)):
        if place.side is Side.CALLERS and scope.name(path) is not None:
            what = "the path is another one by other names of parameters, in one contract: look at it"
            yield place.at(path).change(what, Class.OTHER)
    for name in sorted(before.keys() & after.keys()):
        was, now = before[name], after[name]
        some, others, here = place.between(was, now).resolve(old[was], new[now])
        if is_object(some) and is_object(others):
            yield from compare_rest(some, others, here, {*METHODS, "parameters", "servers", "additionalOperations"})


def compare_unused(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield the components that differ although nothing leads to them."""
    before, after = reached(place.before), reached(place.after)
    for kind in sorted({*old.get("components", {}), *new.get("components", {})}):
        some, others = (document.get("components", {}).get(kind, {}) for document in (old, new))
        if kind.startswith("x-"):
            if not place.is_same(some, others):
                yield place.at("components", kind).change(f"the {kind} is another", Class.EDITORIAL)
            continue
        for name in sorted({*some, *others} if kind != "securitySchemes" else ()):
            path = ("components", kind, name)
            if path not in before | after and not place.is_same(some.get(name), others.get(name)):
                word = "another" if name in some and name in others else "added" if name in others else "removed"
                what = f"the component `{name}`, which nothing leads to, is {word}"
                yield place.at(*path).change(what, Class.EDITORIAL)


def reached(contract: Digests) -> set[Path]:
    """Return the paths of the components to which the operations of a contract lead."""
    document = contract.document
    told: set[Path] = set()
    waiting = [*references([document.get("paths"), document.get("webhooks")])]
    for reference in waiting:
        path = steps(reference)[:3]
        if path not in told:
            told.add(path)
            with contextlib.suppress(LookupError):  # an example may have a key of this name
                waiting += [*references(found(document, path)), *contract.heirs.get(f"#{pointer(path)}", ())]
    return told
