"""Compare the tables of our contract: what its profiles hold, and what its error codes say."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, TypeGuard

from ..model import Change, Class, Side, is_array, is_object
from ..places import Place
from .rest import compare_rest

PROFILES, CODES = "x-profiles", "x-error-codes"
HELD = {"operations": "operation", "capabilities": "capability"}
"""What a profile holds, and what one of them is called."""


def compare_tables(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what differs in the tables of two contracts. What is no such table is told as another extension is."""
    readers = replace(place, side=Side.READERS)
    for key, compare, there in ((PROFILES, compare_profiles, place), (CODES, compare_codes, readers)):
        before, after, here = old.get(key), new.get(key), there.at(key)
        if is_table(before) and is_table(after):
            yield from compare(before, after, here)
        elif key == PROFILES and is_table(before) and after is None:
            yield here.change(f"`{key}` is removed", Class.BREAKING)
        else:  # which the contracts of others do not have, and it promises nothing of what they do
            yield from compare_rest({key: before}, {key: after}, there, set())


def is_table(node: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether a node is an object of objects."""
    return is_object(node) and all(map(is_object, node.values()))


def compare_profiles(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what servers of a profile have to offer now or no longer, once for profiles that include each other."""
    for name in dict.fromkeys([*old, *new]):
        here = place.at(name)
        if name not in old or name not in new:
            kind, word = (Class.ADDITIVE, "added") if name in new else (Class.BREAKING, "removed")
            yield here.change(f"the profile `{name}` is {word}", kind)
            continue
        includes = old[name].get("includes"), new[name].get("includes")
        for key, word in HELD.items():
            before, after = held(old, name, key), held(new, name, key)
            inner = [held(some, each, key, {name}) for some, each in zip((old, new), includes, strict=True)]
            known = {*inner[0]} ^ {*inner[1]} if includes[0] == includes[1] else set[str]()
            for item in dict.fromkeys([*before, *after]):
                if (item in before) != (item in after) and item not in known:
                    kind, now = (Class.ADDITIVE, "now has") if item in after else (Class.BREAKING, "no longer has")
                    yield here.at(key).change(f"the profile `{name}` {now} the {word} `{item}`", kind)
        yield from compare_rest(old[name], new[name], here, {*HELD, "includes"})


def held(profiles: dict[str, Any], name: Any, key: str, but: AbstractSet[str] = frozenset()) -> list[str]:
    """Return what a profile holds, with what it includes, but for some of these."""
    told: list[str] = []
    seen = {*but}
    while isinstance(name, str) and name in profiles and name not in seen:
        seen.add(name)
        told += items(profiles[name].get(key))
        name = profiles[name].get("includes")
    return told


def items(node: Any) -> list[str]:
    """Return the items of a list as text, none of what is no list."""
    return [str(item) for item in node] if is_array(node) else []


def compare_codes(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Change]:
    """Yield what readers are told by an error code now or no longer. A server may have others: one more breaks none."""
    for code in dict.fromkeys([*old, *new]):
        here = place.at(code)
        if code not in old or code not in new:
            kind, word = (Class.ADDITIVE, "now") if code in new else (Class.EDITORIAL, "no longer")
            yield here.change(f"the error code `{code}` is {word} known", kind)
            continue
        if bool(old[code].get("retryable")) != bool(new[code].get("retryable")):
            word = "retryable now" if new[code].get("retryable") else "no longer retryable"
            yield here.at("retryable").change(f"the error code `{code}` is {word}", Class.BREAKING)
        before, after = (items(some[code].get("status")) for some in (old, new))
        for status in dict.fromkeys([*before, *after]):
            if (status in before) != (status in after):
                word = "may come" if status in after else "no longer comes"
                yield here.at("status").change(f"the error code `{code}` {word} with {status}", Class.ADDITIVE)
        yield from compare_rest(old[code], new[code], here, {"retryable", "status"})
