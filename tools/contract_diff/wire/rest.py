"""Compare what an object of OpenAPI says beside what has a comparison of its own: words, extensions, the unknown."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from ..model import Change, Class
from ..places import Place
from ..schemas.keywords import WORDS, is_editorial


def compare_rest(old: dict[str, Any], new: dict[str, Any], place: Place, handled: AbstractSet[str]) -> Iterator[Change]:
    """Yield the words and extensions that differ, and what is not understood; `handled` are keys to leave out."""
    extra = sorted((old.keys() | new.keys()) - {*WORDS, *handled})
    for key in [*WORDS, *extra]:
        if key not in handled and not place.is_same(old.get(key), new.get(key)):
            if is_editorial(key):
                yield place.at(key).change(f"the {key} is another", Class.EDITORIAL)
            else:
                yield place.at(key).change(f"`{key}` is not understood, and is another: look at it", Class.OTHER)
