"""Say how a value breaks a schema, in a sentence for each kind of flaw. Pure.

A flaw begins with the JSON path of the value, such as `$.size`, so that it can be put below another path; `told` makes
it readable.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sized

    from jsonschema import ValidationError

_LONGEST: Final = 120
_NAMES: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}


def shown(value: object) -> str:
    """Return a value as messages show it: as in JSON, texts in single quotes, shortened if it is long."""
    if isinstance(value, str | bytes):
        text = repr(value)
    else:
        try:
            text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
        except (TypeError, ValueError):
            text = repr(value)
        except RecursionError:
            text = "a value that is nested deeply"
    return text if len(text) <= _LONGEST else f"{text[:100]}… ({len(text)} characters)"


def told(flaws: Iterable[str], *, most: int = 3) -> str:
    """Return flaws as a text for people, without the `$` of their paths."""
    return "; ".join(_readable(flaw) for flaw in [*flaws][:most])


def sentences_of(error: ValidationError) -> list[str]:
    """Return what an error of jsonschema says, as flaws: the path of each value, what it is, and what is allowed."""
    allowed: Any = error.validator_value
    if error.validator in {"anyOf", "oneOf"}:
        return _of_branches(error)
    if error.validator == "required":
        missing = [name for name in allowed if f"{name!r} is a required" in error.message]
        return [f"{error.json_path}.{name} is missing" for name in missing]
    say = _SENTENCES.get(str(error.validator))
    said = (
        f"is {shown(error.instance)}, which {error.validator} forbids" if say is None else say(error.instance, allowed)
    )
    return [f"{error.json_path} {said}"]


def _of_branches(error: ValidationError) -> list[str]:
    """Return the flaws of the branch that was meant: one of the value's own type; else the types that are allowed."""
    by_branch: dict[Any, list[ValidationError]] = {}
    for each in error.context or ():
        by_branch.setdefault(each.schema_path[0], []).append(each)
    misfits = {
        branch: [each for each in flaws if each.validator == "type" and each.absolute_path == error.absolute_path]
        for branch, flaws in by_branch.items()
    }
    meant = next((branch for branch, wrong in misfits.items() if not wrong), None)
    if meant is not None:
        return [sentence for each in by_branch[meant] for sentence in sentences_of(each)]
    types = [each.validator_value for wrong in misfits.values() for each in wrong[:1]]
    if not types:
        return [f"{error.json_path} is {shown(error.instance)}, which fits several of its forms"]
    return [f"{error.json_path} {_wrong_type(error.instance, types)}"]


def _readable(flaw: str) -> str:
    if flaw.startswith("$."):
        return flaw.removeprefix("$.")
    return f"the body{flaw.removeprefix('$')}" if flaw.startswith(("$ ", "$[")) else flaw


def _wrong_type(value: object, allowed: Any) -> str:
    types: list[object] = cast("list[object]", allowed) if isinstance(allowed, list) else [allowed]
    return f"is {shown(value)}, not {' or '.join(_NAMES.get(str(each), str(each)) for each in types)}"


def _length(value: object) -> int:
    return len(cast("Sized", value)) if isinstance(value, str | list | dict) else 0


_SENTENCES: Final[dict[str, Callable[[Any, Any], str]]] = {
    "type": _wrong_type,
    "const": lambda value, allowed: f"is {shown(value)}, not {shown(allowed)}",
    "enum": lambda value, allowed: f"is {shown(value)}, not {' or '.join(map(shown, allowed))}",
    "pattern": lambda value, allowed: f"is {shown(value)}, which does not have the form {allowed}",
    "minLength": lambda value, least: "is empty" if not value else f"has {_length(value)} characters, not {least}",
    "maxLength": lambda value, most: f"has {_length(value)} characters, more than {most}",
    "minimum": lambda value, least: f"is {shown(value)}, less than {least}",
    "maximum": lambda value, most: f"is {shown(value)}, more than {most}",
    "minItems": lambda value, least: f"has {_length(value)} items, fewer than {least}",
    "maxItems": lambda value, most: f"has {_length(value)} items, more than {most}",
    "minProperties": lambda value, least: f"has {_length(value)} fields, fewer than {least}",
    "maxProperties": lambda value, most: f"has {_length(value)} fields, more than {most}",
    "additionalProperties": lambda value, _: f"is {shown(value)}, and has a field that it must not have",
}
