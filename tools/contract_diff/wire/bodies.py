"""Compare what is sent: parameters, bodies, responses and their headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from ..model import Change, Class, Path, Side, follow, is_object, reference_of
from ..places import Place
from ..schemas.terms import value_change
from .media import compare_content
from .rest import compare_rest

Comparing: TypeAlias = Callable[[Any, Any, Place], Iterator[Change]]
"""What compares two schemas at a place."""

Parameters: TypeAlias = dict[str, tuple[Path, Any]]
"""The parameters of an operation by location and name, with their places."""

STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
IGNORED = frozenset({"accept", "content-type", "authorization"})
"""The headers that OpenAPI does not take as parameters: content, responses and security say what they are."""
SCALARS = frozenset({"string", "number", "integer", "boolean", "null"})


def compare_parameters(old: Parameters, new: Parameters, place: Place, compare_: Comparing) -> Iterator[Change]:
    """Yield what differs in parameters, which are by location and name."""
    renamed = renamings(old, new, place)
    for name in dict.fromkeys([*old, *new]):
        other = f"path parameter {renamed[name]}" if name in renamed else name
        path, node = new.get(other) or old[name]
        was, before = old.get(name) or (path, None)
        here = replace(place, was=was, path=path)
        some, others, there = here.resolve(before, node)
        if name.split("`")[1] in IGNORED and name.startswith("header"):
            if name not in old or name not in new or not here.is_same(some, others):
                yield here.change(f"the {name}, which is said elsewhere, is another", Class.EDITORIAL)
        elif other not in new:
            yield here.change(f"the {name} is removed", Class.BREAKING)
        elif name in old:
            if name in renamed:
                yield there.change(f"the {name} is renamed to {renamed[name]}", Class.BREAKING)  # by generated clients
            yield from compare_parameter(some, others, there, name, compare_)
        elif name.split(" ", 2)[2] not in renamed.values():
            needed = others.get("required") and place.side is Side.CALLERS
            word = "required" if others.get("required") else "optional"
            yield here.change(f"the {word} {name} is added", Class.BREAKING if needed else Class.ADDITIVE)


def renamings(old: Parameters, new: Parameters, place: Place) -> dict[str, str]:
    """Return the parameters of a path that stand in the same place of it by another name."""
    before, after = (
        [f"`{part.partition('}')[0]}`" for part in path[1].split("{")[1:]] if len(path) > 1 else []
        for path in (place.was, place.path)
    )
    pairs = zip(before, after, strict=False) if len(before) == len(after) else ()
    return {
        f"path parameter {left}": right
        for left, right in pairs
        if left != right and f"path parameter {left}" in old and f"path parameter {right}" in new
    }


def compare_parameter(
    old: dict[str, Any], new: dict[str, Any], here: Place, name: str, compare_: Comparing
) -> Iterator[Change]:
    """Yield what differs in one parameter."""
    yield from compare_required(old, new, here, name)
    for key in ("style", "explode", "allowReserved", "allowEmptyValue"):
        before, after = serialised(old, key, here.old), serialised(new, key, here.new)
        if key == "explode" and None in {before, after}:
            continue  # a scalar is written the same
        if before != after:
            is_wider = key == "allowEmptyValue" and after
            yield here.change(
                f"`{key}` of the {name} was {before} and is {after}", Class.ADDITIVE if is_wider else Class.BREAKING
            )
    handled = {"name", "in", "required", "style", "explode", "allowReserved", "allowEmptyValue"}
    yield from compare_value(old, new, here, name, compare_, handled)


def serialised(parameter: dict[str, Any], key: str, document: Any) -> Any:
    """Return how a parameter is written, with the defaults of OpenAPI; None if it makes no difference."""
    style = parameter.get("style", STYLES.get(parameter["in"], "form"))
    if key == "style":
        return style
    if key != "explode":
        return bool(parameter.get(key))
    if "schema" in parameter and is_scalar(parameter["schema"], document):
        return None
    return parameter.get("explode", style in {"form", "cookie"})


def is_scalar(schema: Any, document: Any, trail: frozenset[str] = frozenset()) -> bool:
    """Return whether no value of a schema is an array or an object, as far as its types tell."""
    if (reference := reference_of(schema)) in trail:
        return True  # it leads back to itself, which adds no value
    trail = trail | {reference} if reference else trail
    node = follow(document, schema)
    named: Any = node.get("type", []) if is_object(node) else []
    types = {named} if isinstance(named, str) else set(named)
    if not types and is_object(node):
        unions = [each for key in ("anyOf", "oneOf", "allOf") for each in node.get(key, ())]
        return bool(unions) and all(is_scalar(each, document, trail) for each in unions)
    return bool(types) and types <= SCALARS


def compare_required(old: dict[str, Any], new: dict[str, Any], here: Place, name: str) -> Iterator[Change]:
    """Yield whether a parameter, header or body is required now or no longer."""
    if bool(old.get("required")) != bool(new.get("required")):
        needed = bool(new.get("required"))
        breaking = needed == (here.side is Side.CALLERS)
        word = "required now" if needed else "no longer required"
        yield here.change(f"the {name} is {word}", Class.BREAKING if breaking else Class.ADDITIVE)


def compare_value(
    old: dict[str, Any], new: dict[str, Any], here: Place, name: str, compare_: Comparing, handled: set[str]
) -> Iterator[Change]:
    """Yield what differs in the schema and words of a parameter or header."""
    if ("content" in old) != ("content" in new):
        word = "content" if "content" in new else "schema"
        yield here.at(word).change(f"it is written otherwise: by `{word}` now", Class.BREAKING)
    else:
        yield from compare_(old.get("schema"), new.get("schema"), here.at("schema"))
        yield from compare_content(old.get("content", {}), new.get("content", {}), here.at("content"), compare_)
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        word = "deprecated now" if new.get("deprecated") else "no longer deprecated"
        yield here.change(f"the {name} is {word}", Class.ADDITIVE)
    yield from compare_rest(old, new, here, {*handled, "schema", "content", "deprecated"})


def compare_body(old: Any, new: Any, here: Place, compare_: Comparing) -> Iterator[Change]:
    """Yield what differs in a request's body."""
    old, new, here = here.resolve(old, new)
    if old is None or new is None:
        if old is not new:
            needed = new is not None and bool(new.get("required")) and here.side is Side.CALLERS
            what = "the body is added" if old is None else "the body is removed"
            yield here.change(what, Class.BREAKING if needed or new is None else Class.ADDITIVE)
        return
    yield from compare_required(old, new, here, "body")
    yield from compare_content(old.get("content", {}), new.get("content", {}), here.at("content"), compare_)
    yield from compare_rest(old, new, here, {"required", "content"})


def compare_responses(old: dict[str, Any], new: dict[str, Any], place: Place, compare_: Comparing) -> Iterator[Change]:
    """Yield what differs in an operation's responses, or in those of readers to an event, who then send them.

    A new status of an error breaks no reader, who is to expect any, unless its range has promised another body.
    """
    before, after = (
        {str(status): node for status, node in some.items() if not str(status).startswith("x-")} for some in (old, new)
    )
    for status in dict.fromkeys([*before, *after]):
        is_new = status not in before
        is_good = is_success(status, after if is_new else before)
        was, now = (covering(status, some) for some in (before, after))
        if was in before and now in after:
            some, others, here = place.between(was, now).resolve(before[was], after[now])
            if is_good or was == now:
                yield from compare_response(some, others, here, compare_)
                continue
            yield from compare_content(some.get("content", {}), others.get("content", {}), here.at("content"), compare_)
        if place.side is Side.CALLERS:
            kind = Class.ADDITIVE if is_new or not is_good else Class.BREAKING
        else:
            is_kept = status.endswith("XX") and any(each[0] == status[0] for each in after if each != status)
            kind = Class.BREAKING if is_good and (is_new or not is_kept) else Class.ADDITIVE
        yield place.at(status).change(f"the status {status} is {'added' if is_new else 'removed'}", kind)


def covering(status: str, responses: dict[str, Any]) -> str:
    """Return the status under which a response is told: its own, that of its range, or that of all errors."""
    if status not in responses and f"{status[0]}XX" in responses:
        return f"{status[0]}XX"
    is_error = not is_success(status, {}) and not is_success("default", responses)
    return "default" if is_error and status not in responses else status


def is_success(status: str, responses: dict[str, Any]) -> bool:
    """Return whether a status tells no error; `default` does where no other status is a success."""
    if status == "default":
        return not any(each[0] in "123" for each in responses)
    return status[0] in "123"


def compare_response(old: dict[str, Any], new: dict[str, Any], here: Place, compare_: Comparing) -> Iterator[Change]:
    """Yield what differs in one response."""
    yield from compare_headers(old.get("headers", {}), new.get("headers", {}), here.at("headers"), compare_)
    if here.side is Side.CALLERS and bool(old.get("content")) != bool(new.get("content")):
        kind = Class.BREAKING if new.get("content") else Class.ADDITIVE
        yield here.at("content").change(f"the body is {'added' if new.get('content') else 'removed'}", kind)
        new = {**new, "content": old.get("content", {})}
    yield from compare_content(old.get("content", {}), new.get("content", {}), here.at("content"), compare_)
    yield from compare_links(old.get("links", {}), new.get("links", {}), here.at("links"))
    yield from compare_rest(old, new, here, {"headers", "content", "links"})


def compare_headers(old: dict[str, Any], new: dict[str, Any], place: Place, compare_: Comparing) -> Iterator[Change]:
    """Yield what differs in the headers of a response."""
    names = {name.lower(): name for name in [*old, *new]}
    before, after = ({name.lower(): (name, header) for name, header in some.items()} for some in (old, new))
    for key, name in names.items():
        was, left = before.get(key, (name, None))
        now, right = after.get(key, (name, None))
        left, right, here = place.between(was, now).resolve(left, right)
        if key == "content-type":
            if not here.is_same(left, right):
                yield here.change(f"the header `{name}`, which is said elsewhere, is another", Class.EDITORIAL)
        elif right is None:
            kind = Class.BREAKING if place.side is Side.READERS else Class.ADDITIVE
            yield place.at(name).change(f"the header `{name}` is removed", kind)
        elif left is None:
            needed = place.side is Side.CALLERS and right.get("required")
            yield place.at(name).change(f"the header `{name}` is added", Class.BREAKING if needed else Class.ADDITIVE)
        else:
            yield from compare_header(left, right, here, name, compare_)


def compare_header(
    old: dict[str, Any], new: dict[str, Any], here: Place, name: str, compare_: Comparing
) -> Iterator[Change]:
    """Yield what differs in one header of a response."""
    yield from compare_required(old, new, here, f"header `{name}`")
    for key, default in (("style", "simple"), ("explode", False)):
        before, after = old.get(key, default), new.get(key, default)
        if key == "explode" and (is_scalar(old.get("schema"), here.old) or is_scalar(new.get("schema"), here.new)):
            continue
        if before != after:
            yield here.change(f"`{key}` of the header `{name}` {value_change(before, after)}", Class.BREAKING)
    yield from compare_value(old, new, here, f"header `{name}`", compare_, {"required", "style", "explode"})


def compare_links(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what differs in links, which help readers and promise nothing."""
    for name in dict.fromkeys([*old, *new]):
        if name not in old:
            yield place.at(name).change(f"the link `{name}` is added", Class.ADDITIVE)
        elif name not in new:
            yield place.at(name).change(f"the link `{name}` is removed", Class.EDITORIAL)
        elif not place.is_same(old[name], new[name]):
            yield place.at(name).change(f"the link `{name}` is another", Class.EDITORIAL)
