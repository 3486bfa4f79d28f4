"""Compare two contracts: pure, from two parsed documents to a list of changes, classed for callers and for readers.

No maintained tool does this from Python alone: oasdiff and openapi-diff are programs of Go and Java, and of those that
install here @useoptic/optic found 7 and api-schema-diff 5 of 9 seeded breaking changes, and neither separates callers
from readers. openapi-spec-validator checks validity, griffe the Python surface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .model import Change, Class, Place, Side, canonical, follow
from .schemas import compare_schemas, compare_words

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    """Return the changes from one contract to another, each once, with the operations that it touches."""
    found: dict[tuple[str, str], Change] = {}
    for change in [*walk(old, new)]:
        key = (change.where.split("#")[-1], change.what)
        found[key] = found[key].merged(change) if key in found else change
    return list(found.values())


def walk(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Yield each change once for each operation that it affects."""
    callers = Place(old, new, (), Side.CALLERS)
    for key in sorted((old.keys() | new.keys()) - {"paths", "webhooks", "components", "security", "servers"}):
        if canonical(old, old.get(key)) != canonical(new, new.get(key)):
            yield callers.at(key).change(f"`{key}` is another", Class.EDITORIAL)
    yield from listed(servers(old), servers(new), callers.at("servers"), "the server")
    before, after = operations(old, "paths"), operations(new, "paths")
    yield from compare_operations(before, after, callers)
    before, after = operations(old, "webhooks"), operations(new, "webhooks")
    yield from compare_operations(before, after, replace(callers, side=Side.READERS))


def servers(document: dict[str, Any]) -> list[str]:
    """Return the URLs of a contract's servers."""
    return [server["url"] for server in document.get("servers", [{"url": "/"}])]


def listed(old: list[str], new: list[str], place: Place, name: str) -> Iterator[Change]:
    """Yield the alternatives for callers that are removed or added."""
    for item in dict.fromkeys([*old, *new]):
        if item not in new:
            yield place.change(f"{name} {item} is removed", Class.BREAKING)
        elif item not in old:
            yield place.change(f"{name} {item} is added", Class.ADDITIVE)


def operations(document: dict[str, Any], section: str) -> dict[tuple[str, str], tuple[tuple[str, ...], dict[str, Any]]]:
    """Return the operations of a document by path and method, with their path's parameters, and their places.

    The name of a path's parameter is no part of the key, since it is not sent.
    """
    found: dict[tuple[str, str], tuple[tuple[str, ...], dict[str, Any]]] = {}
    for path, item in document.get(section, {}).items():
        for method in METHODS:
            if method in item:
                own = item[method]
                parameters = [*item.get("parameters", []), *own.get("parameters", [])]
                security = own.get("security", document.get("security", []))
                operation = {**own, "parameters": parameters, "security": security}
                found[re.sub(r"\{[^}]*\}", "{}", path), method] = ((section, path, method), operation)
    return found


def compare_operations(old: dict[Any, Any], new: dict[Any, Any], place: Place) -> Iterator[Change]:
    """Yield what differs in the operations of one section."""
    for key in dict.fromkeys([*old, *new]):
        path, operation = new.get(key) or old[key]
        here = replace(place, path=path, operation=operation.get("operationId", " ".join(path[1:])))
        if key not in new:
            yield here.change(f"the operation `{here.operation}` is removed", Class.BREAKING)
        elif key not in old:
            yield here.change(f"the operation `{here.operation}` is added", Class.ADDITIVE)
        else:
            yield from compare_operation(old[key][1], operation, here)


def compare_operation(old: dict[str, Any], new: dict[str, Any], here: Place) -> Iterator[Change]:
    """Yield what differs in one operation. The request of a webhook is what readers read."""
    event = here.side is Side.READERS
    responses_place = replace(here, side=Side.CALLERS if event else Side.READERS)
    if old.get("operationId") != new.get("operationId"):
        what = f"the operation `{old.get('operationId')}` is renamed to `{new.get('operationId')}`"
        yield here.at("operationId").change(what, Class.BREAKING)  # the clients that are generated from it rename
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        word = "deprecated now" if new.get("deprecated") else "no longer deprecated"
        yield here.change(f"the operation is {word}", Class.ADDITIVE)
    yield from compare_security(old, new, here)
    yield from compare_named(parameters(old, here.old), parameters(new, here.new), here)
    yield from compare_body(old.get("requestBody"), new.get("requestBody"), here.at("requestBody"))
    yield from compare_responses(old.get("responses", {}), new.get("responses", {}), responses_place.at("responses"))
    yield from compare_words(old, new, here)
    for key in ("tags", "callbacks", "servers"):
        if here.canonical(old.get(key), old=True) != here.canonical(new.get(key), old=False):
            kind = Class.EDITORIAL if key == "tags" else Class.BREAKING
            yield here.at(key).change(f"`{key}` is another", kind)


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
        for name, scopes in sorted(way.items()):
            scheme = scheme_words(schemes.get(name, {}))
            parts.append(f"{name} {scheme}" + (f" {sorted(scopes)}" if scopes else ""))
        names.append(" and ".join(parts) or "none")
    return names


def scheme_words(scheme: dict[str, Any]) -> str:
    """Return the keys of a security scheme, without its description."""
    return "(" + ", ".join(f"{key}: {value}" for key, value in sorted(scheme.items()) if key != "description") + ")"


def parameters(operation: dict[str, Any], document: Any) -> dict[str, Any]:
    """Return an operation's parameters by location and name; an operation's own replaces its path's."""
    found: dict[str, Any] = {}
    for node in operation["parameters"]:
        one = follow(document, node)
        name = one["name"].lower() if one["in"] == "header" else one["name"]
        found[f"{one['in']} parameter `{name}`"] = one
    return found


def compare_named(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what differs in parameters."""
    for name in dict.fromkeys([*old, *new]):
        here = place.at("parameters", name.split("`")[1])
        if name not in new:
            yield here.change(f"the {name} is removed", Class.BREAKING)
        elif name not in old:
            needed = new[name].get("required") and place.side is Side.CALLERS
            word = "required" if new[name].get("required") else "optional"
            yield here.change(f"the {word} {name} is added", Class.BREAKING if needed else Class.ADDITIVE)
        else:
            yield from compare_required(old[name], new[name], here, name)
            for key, kind in (
                ("style", Class.BREAKING),
                ("explode", Class.BREAKING),
                ("allowReserved", Class.BREAKING),
            ):
                before, after = serialised(old[name], key), serialised(new[name], key)
                if before != after:
                    yield here.change(f"`{key}` of the {name} was {before} and is {after}", kind)
            yield from compare_value(old[name], new[name], here)


def serialised(parameter: dict[str, Any], key: str) -> Any:
    """Return how a parameter is written, with the defaults of OpenAPI."""
    style = parameter.get("style", STYLES[parameter["in"]])
    return {"style": style, "explode": parameter.get("explode", style == "form")}.get(key, parameter.get(key, False))


def compare_required(old: dict[str, Any], new: dict[str, Any], here: Place, name: str) -> Iterator[Change]:
    """Yield whether a parameter, header or body is required now or no longer."""
    if bool(old.get("required")) != bool(new.get("required")):
        needed = bool(new.get("required"))
        breaking = needed == (here.side is Side.CALLERS)
        word = "required now" if needed else "no longer required"
        yield here.change(f"the {name} is {word}", Class.BREAKING if breaking else Class.ADDITIVE)


def compare_value(old: dict[str, Any], new: dict[str, Any], here: Place) -> Iterator[Change]:
    """Yield what differs in the schema and words of a parameter or header."""
    yield from compare_schemas(old.get("schema", {}), new.get("schema", {}), here.at("schema"))
    yield from compare_content(old.get("content", {}), new.get("content", {}), here.at("content"))
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        yield here.change(
            f"`{here.name}` {'is' if new.get('deprecated') else 'is no longer'} deprecated", Class.ADDITIVE
        )
    yield from compare_words(old, new, here)


def compare_body(old: Any, new: Any, here: Place) -> Iterator[Change]:
    """Yield what differs in a request's body."""
    old, new, here = here.resolve(old, new)
    if old is None or new is None:
        if old is not new:
            needed = new is not None and bool(new.get("required")) and here.side is Side.CALLERS
            what = "the body is added" if old is None else "the body is removed"
            yield here.change(what, Class.BREAKING if needed or new is None else Class.ADDITIVE)
        return
    yield from compare_required(old, new, here, "body")
    yield from compare_content(old.get("content", {}), new.get("content", {}), here.at("content"))
    yield from compare_words(old, new, here)


def compare_content(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what differs in the media types of a body. A reader cannot read an unknown one."""
    for name in dict.fromkeys([*old, *new]):
        here = place.at(name)
        if name not in new:
            yield here.change(f"the media type {name} is removed", Class.BREAKING)
        elif name not in old:
            kind = Class.ADDITIVE if place.side is Side.CALLERS else Class.BREAKING
            yield here.change(f"the media type {name} is added", kind)
        else:
            yield from compare_schemas(old[name].get("schema", {}), new[name].get("schema", {}), here.at("schema"))
            if here.canonical(old[name].get("encoding"), old=True) != here.canonical(
                new[name].get("encoding"), old=False
            ):
                yield here.at("encoding").change("the encoding is another", Class.BREAKING)
            yield from compare_words(old[name], new[name], here)


def compare_responses(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what differs in an operation's responses. All errors have the same body, so readers can read a new one."""
    old, new = ({str(status): response for status, response in some.items()} for some in (old, new))
    for status in dict.fromkeys([*old, *new]):
        here = place.at(status)
        success = status[0] in "123d"
        if status not in new:
            yield here.change(f"the status {status} is removed", Class.BREAKING if success else Class.ADDITIVE)
        elif status not in old:
            yield here.change(f"the status {status} is added", Class.BREAKING if success else Class.ADDITIVE)
        else:
            yield from compare_response(*here.resolve(old[status], new[status]))


def compare_response(old: dict[str, Any], new: dict[str, Any], here: Place) -> Iterator[Change]:
    """Yield what differs in one response."""
    yield from compare_headers(old.get("headers", {}), new.get("headers", {}), here.at("headers"))
    yield from compare_content(old.get("content", {}), new.get("content", {}), here.at("content"))
    yield from compare_links(old.get("links", {}), new.get("links", {}), here.at("links"))
    yield from compare_words(old, new, here)


def compare_headers(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what differs in the headers of a response."""
    names = {name.lower(): name for name in [*old, *new]}
    before, after = ({name.lower(): header for name, header in some.items()} for some in (old, new))
    for key, name in names.items():
        here = place.at(name)
        left, right = follow(here.old, before.get(key)), follow(here.new, after.get(key))
        if right is None:
            yield here.change(f"the header `{name}` is removed", Class.BREAKING)
        elif left is None:
            yield here.change(f"the header `{name}` is added", Class.ADDITIVE)
        else:
            yield from compare_required(left, right, here, f"header `{name}`")
            yield from compare_value(left, right, here)


def compare_links(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what differs in links, which help readers and promise nothing."""
    for name in dict.fromkeys([*old, *new]):
        if name not in old:
            yield place.at(name).change(f"the link `{name}` is added", Class.ADDITIVE)
        elif name not in new:
            yield place.at(name).change(f"the link `{name}` is removed", Class.EDITORIAL)
        elif place.canonical(old[name], old=True) != place.canonical(new[name], old=False):
            yield place.at(name).change(f"the link `{name}` is another", Class.EDITORIAL)
