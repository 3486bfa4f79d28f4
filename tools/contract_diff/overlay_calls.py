"""Follow each argument of the overlay's methods into the request, and each event into its class. Pure.

`plan` says what to call with what, `tools/overlay_caller.py` calls it, and `unsent` compares what was sent with that.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .changes import operations, parameters
from .model import follow, is_array, is_object
from .overlay_advice import COMMON, Decision, builders_of, read_methods
from .overlay_files import BUILDERS, METHODS, WEBHOOKS
from .samples import FILE, samples

JSON = "application/json"
UNKNOWN = "UnknownEvent"


@dataclass(frozen=True)
class Field:
    """Something that an operation takes, in one place: the path, the query, or a body of a media type."""

    name: str
    place: str
    values: Sequence[Any]


@dataclass(frozen=True)
class Sender:
    """A method of the overlay that sends an operation's request."""

    operation: str
    file: str
    line: int
    is_async: bool
    name: str
    arguments: frozenset[str]
    """Those that it has, required or not."""
    required: frozenset[str]


@dataclass(frozen=True)
class Call:
    """One call, and the argument that it is about."""

    sender: Sender
    field: Field
    value: Any
    arguments: Mapping[str, Any]


@dataclass
class Plan:
    """What is called, and what events are read."""

    calls: list[Call] = field(default_factory=list[Call])
    events: dict[str, Any] = field(default_factory=dict[str, Any])
    """The body of an event of each webhook, by the webhook's name."""

    def written(self) -> str:
        """Return it as `overlay_caller.py` reads it."""
        calls = [
            {"method": call.sender.name, "is_async": call.sender.is_async, "arguments": call.arguments}
            for call in self.calls
        ]
        return json.dumps({"calls": calls, "events": [*self.events.values()]})


def plan(spec: dict[str, Any], modules: Mapping[str, ast.Module]) -> Plan:
    """Return what to call: each method with each argument, in each form of body that the other arguments lead to."""
    known = {operation["operationId"]: operation for _, operation in operations(spec, "paths").values()}
    found = Plan()
    for sender in senders(known, modules):
        fields = fields_of(spec, known[sender.operation])
        if not sender.required <= {each.name for each in fields}:
            continue  # it takes what is no part of the request, such as the path of a file
        for each in fields:
            if each.name in sender.arguments:
                found.calls += calls_with(each, sender, fields)
    for path, webhook in operations(spec, "webhooks").values():
        schema = follow(spec, webhook.get("requestBody", {})).get("content", {}).get(JSON, {}).get("schema", {})
        found.events[webhook.get("operationId", " ".join(path[1:]))] = samples(spec, schema)[0]
    return found


def senders(known: Mapping[str, Any], modules: Mapping[str, ast.Module]) -> Iterator[Sender]:
    """Yield the methods that name an operation, or call the builder of its request."""
    builders = builders_of(known, modules[BUILDERS])
    for file in METHODS:
        named = {method.line: method.operation for method in read_methods(modules[file])[0]}
        for node in [node for kind in modules[file].body if isinstance(kind, ast.ClassDef) for node in kind.body]:
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.name.startswith("_"):
                continue
            operation = named.get(node.lineno) or next(called_in(node, builders), "")
            if operation in known:
                taken = [*node.args.args, *node.args.kwonlyargs]
                defaults = [None] * (len(node.args.args) - len(node.args.defaults)) + node.args.defaults
                lacking = zip(taken, [*defaults, *node.args.kw_defaults], strict=True)
                yield Sender(
                    operation=operation,
                    file=file,
                    line=node.lineno,
                    is_async="async" in file,
                    name=node.name,
                    arguments=frozenset(each.arg for each in taken) - COMMON,
                    required=frozenset(each.arg for each, default in lacking if default is None) - COMMON,
                )


def called_in(function: ast.AST, builders: Mapping[str, str]) -> Iterator[str]:
    """Yield the operations whose builders a function calls."""
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="operations"), attr=name)) if name in builders:
                yield builders[name]
            case _:
                pass


def fields_of(spec: dict[str, Any], operation: dict[str, Any]) -> list[Field]:
    """Return what an operation takes, with values for each."""
    found = [
        Field(one["name"], one["in"], samples(spec, one.get("schema", {})))
        for one in parameters(operation, spec).values()
        if one["in"] in {"path", "query"}
    ]
    for media_type, content in follow(spec, operation.get("requestBody", {})).get("content", {}).items():
        properties = follow(spec, content.get("schema", {})).get("properties", {})
        # `video[id]` is a key of the argument `video`, which is sent in a body of JSON.
        found += [Field(name, media_type, samples(spec, each)) for name, each in properties.items() if "[" not in name]
    return found


def calls_with(about: Field, sender: Sender, fields: Sequence[Field]) -> Iterator[Call]:
    """Yield calls with an argument, and beside it with what leads to another form of body."""
    needed = {name: values_of(name, fields) for name in sorted(sender.required - {about.name})}
    bases = [{name: values[0] for name, values in needed.items()}]
    bases += [{**bases[0], name: value} for name, values in needed.items() for value in values[1:]]
    others: list[dict[str, Any]] = [{}]
    if about.place not in {"path", "query"}:
        shaped = {each.name: next(filter(is_shaped, each.values), None) for each in fields if each.place == about.place}
        others += [{name: value} for name, value in shaped.items() if value and name in sender.arguments]
    if about.place == JSON:
        others.append({"extra_headers": {"Content-Type": JSON}})
    for value in about.values:
        for base in bases:
            for other in others:
                if about.name not in other and not sender.required & other.keys():
                    yield Call(sender, about, value, {**base, **other, about.name: value})


def values_of(name: str, fields: Sequence[Field]) -> list[Any]:
    """Return the values of an argument in all places."""
    found: list[Any] = []
    for value in [value for each in fields if each.name == name for value in each.values]:
        if value not in found:
            found.append(value)
    return found


def is_shaped(value: Any) -> bool:
    """Return whether a value may decide on the form of the body: a file or an object, or a list of them."""
    return is_object(value) or (is_array(value) and any(map(is_shaped, value)))


def unsent(
    spec: dict[str, Any], modules: Mapping[str, ast.Module], made: Plan, outcome: dict[str, Any]
) -> list[Decision]:
    """Return the arguments that do not reach the request as they were given, and the events that have no class."""
    groups: dict[tuple[str, str, str], dict[Sender, list[tuple[Call, dict[str, Any]]]]] = {}
    for call, said in zip(made.calls, outcome["calls"], strict=True):
        group = groups.setdefault((call.sender.operation, call.field.name, call.field.place), {})
        group.setdefault(call.sender, []).append((call, said))
    builders = builder_lines(spec, modules)
    reached = {(call.sender, said.get("media_type")) for call, said in zip(made.calls, outcome["calls"], strict=True)}
    found: list[Decision] = []
    for (operation, name, _), by_sender in groups.items():
        wrong = {sender: problem_of(some, reached) for sender, some in by_sender.items()}
        wrong = {sender: problem for sender, problem in wrong.items() if problem}
        if wrong and len({sender.file for sender in wrong}) == len(METHODS) and operation in builders:
            what = f"{operation} takes `{name}`, and {next(iter(wrong.values()))}"
            found.append(Decision(what, BUILDERS, builders[operation], f"`{name}`", operation))
        else:
            for sender, problem in wrong.items():
                what = f"{operation} takes `{name}`, and {problem}"
                found.append(Decision(what, sender.file, sender.line, f"`{name}`", operation))
    found += unknown_events(modules, made, outcome)
    return sorted(set(found), key=lambda decision: (decision.file, decision.line, decision.what))


def builder_lines(spec: dict[str, Any], modules: Mapping[str, ast.Module]) -> dict[str, int]:
    """Return the line of the function that builds the request of each operation."""
    known = {operation["operationId"]: operation for _, operation in operations(spec, "paths").values()}
    builders = builders_of(known, modules[BUILDERS])
    lines = {node.name: node.lineno for node in modules[BUILDERS].body if isinstance(node, ast.FunctionDef)}
    return {operation: lines[name] for name, operation in builders.items()}


def problem_of(some: Sequence[tuple[Call, dict[str, Any]]], reached: set[tuple[Sender, str | None]]) -> str:
    """Return what is wrong with an argument in one place, nothing if one of its calls carries it there."""
    place = some[0][0].field.place
    if place not in {"path", "query"}:
        some = [(call, said) for call, said in some if "error" in said or said["media_type"] == place]
        if (next((call.sender for call, _ in some), None), place) not in reached:
            return ""  # this method never sends such a body
    carried = [(call, said, *carried_by(call, said)) for call, said in some if "error" not in said]
    if any(is_same for *_, is_same in carried):
        return ""
    as_what = "" if place in {"path", "query"} else f" as {place}"
    if not carried:
        return f"raises {some[0][1]['error']}" if some else ""
    for call, _, value, _ in carried:
        if value is not None:
            return f"sends {json.dumps(value)} for {json.dumps(call.value)}{as_what}: send what is given"
    return f"does not send it{as_what}: add it to the request"


def carried_by(call: Call, said: dict[str, Any]) -> tuple[Any, bool]:
    """Return what a request has of an argument, None for nothing, and whether that is its value."""
    name, value = call.field.name, call.value
    if call.field.place == "path":
        return said["path"], quote(str(value), safe="") in said["path"].split("/")
    if "json" in said and call.field.place == JSON:
        sent = said["json"].get(name) if is_object(said["json"]) else None
        return sent, sent == value
    pairs = said["query"] if call.field.place == "query" else said.get("form", [])
    sent = [text for key, text in pairs if key == name or str(key).startswith(f"{name}[")]
    wanted = [None if each == FILE else written(each) for each in (value if is_array(value) else [value])]
    return sent or None, sent == wanted


def written(value: Any) -> str:
    """Return a value as the text of a query or a form."""
    return value if isinstance(value, str) else json.dumps(value)


def unknown_events(modules: Mapping[str, ast.Module], made: Plan, outcome: dict[str, Any]) -> Iterator[Decision]:
    """Yield the events that the overlay does not read as a class of their own."""
    classes = [node for node in modules[WEBHOOKS].body if isinstance(node, ast.ClassDef)]
    line = next((node.lineno for node in classes if node.name == UNKNOWN), 1)
    for (name, body), read in zip(made.events.items(), outcome["events"], strict=True):
        kind = json.dumps(body.get("type") if is_object(body) else None)
        if read == UNKNOWN:
            yield Decision(f"the event {kind} is an {UNKNOWN}: give it a class of its own", WEBHOOKS, line, f"`{name}`")
        elif ": " in read:
            yield Decision(f"the event {kind} cannot be read: {read}", WEBHOOKS, line, f"`{name}`")
