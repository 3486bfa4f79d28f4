"""Write into docs/openai.md what openai-python has, name by name: is it the same here, renamed, better or missing?

Both packages are read. What is not the same stands in tools/openai_differences.toml with the reason; a name of theirs
that is neither here nor there, and a reason that does not hold, is an error.
"""

from __future__ import annotations

import dis
import inspect
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import openai
from openai import pagination, types
from openai._exceptions import APIError, APIStatusError
from openai._legacy_response import HttpxBinaryResponseContent, LegacyAPIResponse
from openai._response import APIResponse
from openai.resources.videos import Videos
from openai.resources.webhooks import Webhooks

import openvideos

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "openai.md"
REASONS: Final = ROOT / "tools" / "openai_differences.toml"
BEGIN: Final = "<!-- Begin of the tables: python tools/openai_table.py -->\n"
END: Final = "<!-- End of the tables -->\n"


class TableError(Exception):
    """The tables would not be true; the message says which name is concerned, and what to do."""


@dataclass(frozen=True)
class Part:
    """A part of openai-python: its names, and what has them here, which `has` tells of a name."""

    title: str
    names: tuple[str, ...]
    has: Callable[[str], bool]


@dataclass(frozen=True)
class Difference:
    """Why some names of a part are not the same: `here` is the name in their place, as a path from the package."""

    part: str
    names: tuple[str, ...]
    verdict: str
    here: str
    why: str


def public(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without an underscore at the beginning, sorted."""
    return tuple(sorted(name for name in names if not name.startswith("_")))


def has_attribute(kind: Any) -> Callable[[str], bool]:
    """Return what tells whether a class or a module has an attribute, also one that only its objects have."""
    if not inspect.isclass(kind):
        return lambda name: hasattr(kind, name)
    of_objects = {*attributes(kind), *(each.alias for each in getattr(kind, "__attrs_attrs__", ()))}
    return lambda name: hasattr(kind, name) or name in of_objects


def attributes(kind: type) -> tuple[str, ...]:
    """Return the public attributes of a class, and of its objects: those that are declared, or set by `__init__`."""
    declared = {name for each in kind.__mro__ for name in getattr(each, "__annotations__", {})}
    return public({*dir(kind), *declared, *(name for each in kind.__mro__ for name in assigned_in(each))})


def assigned_in(kind: type) -> set[str]:
    """Return the attributes that `__init__` sets."""
    initialize = vars(kind).get("__init__")
    if not inspect.isfunction(initialize):
        return set()
    return {step.argval for step in dis.get_instructions(initialize) if step.opname == "STORE_ATTR"}


def parameters(function: Any) -> tuple[str, ...]:
    """Return the names of a function's public parameters, in their order."""
    return tuple(name for name in inspect.signature(function).parameters if name != "self" and not name.startswith("_"))


def has_parameter(function: Any) -> Callable[[str], bool]:
    """Return what tells whether a function has a parameter."""
    return parameters(function).__contains__


def parts() -> list[Part]:
    """Return the parts of openai-python that have to do with videos."""
    others = {name for name, value in vars(openai.OpenAI).items() if isinstance(value, cached_property)}
    others -= {"videos", "webhooks", "with_raw_response", "with_streaming_response"}
    exported: list[str] = vars(openai)["__all__"]
    errors = [name for name in exported if is_error(getattr(openai, name))]
    rest = [name for name in exported if name not in errors]
    settings = {name for name in parameters(openai.OpenAI) if name in vars(openai)}
    ours = openvideos.Videos
    client: Any = openvideos.OpenVideos
    found = [
        Part("The module", public(rest), has_attribute(openvideos)),
        Part("The module as a client", public({*settings, "videos", "webhooks"}), has_attribute(openvideos)),
        Part("OpenAI(…)", parameters(openai.OpenAI), has_parameter(client)),
        Part("The client", public(set(attributes(openai.OpenAI)) - others), has_attribute(client)),
        Part(
            "client.with_options(…)",
            parameters(vars(openai.OpenAI)["with_options"]),
            has_parameter(client.with_options),
        ),
        Part("client.videos", public(vars(Videos)), has_attribute(ours)),
    ]
    found += [
        Part(f"client.videos.{name}(…)", parameters(method), has_parameter(getattr(ours, name)))
        for name, method in vars(Videos).items()
        if inspect.isfunction(method) and not name.startswith("_")
    ]
    objects: dict[str, tuple[Any, Any]] = {
        "Video": (types.Video, openvideos.Video),
        "VideoCreateError": (types.VideoCreateError, openvideos.VideoError),
        "VideoDeleteResponse": (types.VideoDeleteResponse, openvideos.VideoDeleteResponse),
        "A character": (types.VideoCreateCharacterResponse, openvideos.Character),
    }
    found += [Part(title, tuple(theirs.model_fields), has_attribute(here)) for title, (theirs, here) in objects.items()]
    page: Any = vars(pagination)["SyncConversationCursorPage"]  # mypy takes no generic class as a value
    of_page = {*page.model_fields, *set(dir(page))} - set(dir(openai.BaseModel))
    content, response = openvideos.HttpxBinaryResponseContent, openvideos.APIResponse
    return [
        *found,
        Part("All objects", attributes(openai.BaseModel), has_attribute(openvideos.Video)),
        Part("A page", public(of_page), has_attribute(openvideos.SyncConversationCursorPage)),
        Part("The content of a download", attributes(HttpxBinaryResponseContent), has_attribute(content)),
        Part("A raw response", attributes(LegacyAPIResponse), has_attribute(response)),
        Part("A streamed response", attributes(APIResponse), has_attribute(response)),
        Part("client.webhooks", attributes(Webhooks), has_attribute(openvideos.Webhooks)),
        Part("The exceptions", tuple(errors), has_attribute(openvideos)),
        Part(
            "Their attributes",
            public({*APIError.__annotations__, *APIStatusError.__annotations__}),
            has_attribute(openvideos.APIStatusError),
        ),
    ]


def is_error(value: object) -> bool:
    """Return whether a value is a class of exceptions."""
    return inspect.isclass(value) and issubclass(value, Exception)


def differences() -> list[Difference]:
    """Read the reasons."""
    read: list[dict[str, Any]] = tomllib.loads(REASONS.read_text("utf-8"))["difference"]
    return [
        Difference(each["of"], tuple(each["names"]), each["verdict"], each.get("here", ""), each["why"])
        for each in read
    ]


def check(part: Part, reasons: list[Difference]) -> None:
    """Check the reasons of a part.

    Raises:
        TableError: A name is neither here nor has a reason, or a reason does not hold.
    """
    explained = [name for reason in reasons for name in reason.names]
    strange = sorted({name for name in explained if name not in part.names or explained.count(name) > 1})
    if strange:
        raise TableError(f"{part.title}: openai has no {', '.join(strange)}, or it stands twice in {REASONS.name}")
    untold = [name for name in part.names if not part.has(name) and name not in explained]
    if untold:
        raise TableError(f"{part.title}: {', '.join(untold)} is not here; say why in {REASONS.name}")
    for reason in reasons:
        there = [name for name in reason.names if part.has(name)]
        is_true = {"missing": not there, "renamed": not there, "better": there == [*reason.names]}.get(reason.verdict)
        if not is_true:
            named = ", ".join(reason.names)
            raise TableError(f"{part.title}: {named} cannot be called {reason.verdict}; here is {there}")
        if reason.here:
            find(reason.here)
        elif reason.verdict == "renamed":
            raise TableError(f"{part.title}: {', '.join(reason.names)} needs the name in its place")


def find(path: str) -> None:
    """Check that a path from the package leads to something: attributes, and at its end `(parameter)`.

    Raises:
        TableError: It does not.
    """
    attributes, _, parameter = path.removesuffix(")").partition("(")
    value: Any = openvideos
    for name in attributes.split("."):
        if not has_attribute(value)(name):
            raise TableError(f"{path} is not here: {name} is missing; mend {REASONS.name}")
        value = getattr(value, name, None)
    if parameter and parameter not in parameters(value):
        raise TableError(f"{path} is not here; mend {REASONS.name}")


def code(*names: str) -> str:
    """Return names as code."""
    return ", ".join(f"`{name}`" for name in names)


def table(part: Part, reasons: list[Difference]) -> str:
    """Return the table of a part."""
    explained = {name for reason in reasons for name in reason.names}
    same = [name for name in part.names if name not in explained]
    rows = [f"| {code(*same)} | same | |"] if same else []
    for reason in sorted(reasons, key=lambda each: ("better", "renamed", "missing").index(each.verdict)):
        here = f"`{reason.here}`" if reason.here else ""
        why = f"{here}: {reason.why}" if here and reason.why else here or reason.why
        rows.append(f"| {code(*reason.names)} | {reason.verdict} | {why} |")
    title = part.title if " " in part.title else f"`{part.title}`"
    head = f"### {title}\n\n" if "videos." not in part.title else f"#### {title}\n\n"
    return head + "| openai-python | here | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def tables() -> str:
    """Return all tables.

    Raises:
        TableError: They would not be true.
    """
    reasons = differences()
    found = parts()
    unknown = {reason.part for reason in reasons} - {part.title for part in found}
    if unknown:
        raise TableError(f"{', '.join(sorted(unknown))} is no part of openai; mend {REASONS.name}")
    texts: list[str] = []
    for part in found:
        own = [reason for reason in reasons if reason.part == part.title]
        check(part, own)
        texts.append(table(part, own))
    return f"Read from openai-python {openai.__version__}.\n\n" + "\n".join(texts)


def with_tables(page: str) -> str:
    """Return a page with the tables between the marks."""
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the tables; return 1 if they would not be true."""
    try:
        PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")
    except TableError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
