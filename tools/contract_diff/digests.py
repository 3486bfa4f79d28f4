"""Tell whether nodes of two documents say the same, wherever their references lead. Pure.

The digest of a node is a short text. Equal digests mean equal nodes; the other way round it holds but for spellings,
such as a circle of references that is written out once more. What it costs grows with the size of a document, whatever
ways there are through its references: each target is looked at once, and what leads back to itself in rounds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .model import found, is_array, is_object, mapped, objects, plain, pointer, reference_of, steps

MOST_ROUNDS = 50
"""How often the targets of a circle are looked at. What is told apart later than that is taken for different."""

SCHEMAS = ("components", "schemas")
UNIONS = ("oneOf", "anyOf")
ENCODED = json.JSONEncoder(sort_keys=True).encode
Edges = Mapping[str, list[str]]


@dataclass(eq=False)
class Digests:
    """A document, and the digests of what its references lead to."""

    document: Any
    known: dict[str, str] = field(default_factory=dict[str, str])
    heirs: dict[str, list[str]] = field(default_factory=dict[str, "list[str]"])
    """The schemas that have another in them which has a discriminator: where it is meant, they are, too."""
    steps: int = 0
    """How many targets were looked at, each as often as it was."""

    def __post_init__(self) -> None:
        """Digest what references lead to, each after what it leads to itself."""
        self.heirs = heirs_of(self.document)
        targets: dict[str, Any] = {}
        waiting = [*references(self.document)]
        for reference in waiting:
            if reference not in targets:
                try:
                    targets[reference] = found(self.document, steps(reference))
                except LookupError:  # an example may have a key of this name
                    continue
                waiting += [*references(targets[reference]), *self.heirs.get(reference, ())]
        edges = {
            name: [each for each in dict.fromkeys([*references(node), *self.heirs.get(name, ())]) if each in targets]
            for name, node in targets.items()
        }
        for circle in circles(edges):
            if len(circle) == 1 and circle[0] not in edges[circle[0]]:
                self.steps += 1
                self.known[circle[0]] = self.of_target(circle[0], targets[circle[0]], self.known)
            else:
                self.digest_circle({name: targets[name] for name in circle})

    def digest_circle(self, targets: Mapping[str, Any]) -> None:
        """Digest the targets of which each leads to all others, in rounds: each by what the last one told of others.

        If a round tells no more of them apart, the last two have told all that there is to tell, and what the last one
        says of all of them says it of each.
        """
        colours = dict.fromkeys(targets, "")
        for _ in range(MOST_ROUNDS):
            self.steps += len(targets)
            around = {**self.known, **colours}
            last, colours = (
                colours,
                {name: hashed([colours[name], self.of_target(name, node, around)]) for name, node in targets.items()},
            )
            if len({*last.values()}) == len({*colours.values()}):
                whole = hashed(sorted({*colours.values()}))
                self.known |= {name: hashed([whole, colour]) for name, colour in colours.items()}
                return
        self.known |= {name: hashed([str(id(self)), name]) for name in targets}

    def of_target(self, name: str, node: Any, known: Mapping[str, str]) -> str:
        """Return the digest of what a reference leads to, with what stands for it."""
        text = digest(node, known)
        heirs = [[heir, known[heir]] for heir in self.heirs.get(name, ()) if heir in known]
        return hashed([text, heirs]) if heirs else text

    def of(self, node: Any) -> str:
        """Return a text that is equal for equal nodes, wherever their references lead; it is short for a large node."""
        return digest(node, self.known)


def is_same(old: Digests, one: Any, new: Digests, other: Any) -> bool:
    """Return whether a node of an older document says the same as one of a newer."""
    if any(isinstance(node, str | None) for node in (one, other)):  # as most of what is compared
        return bool(one == other)
    return old.of(one) == new.of(other)


def digest(node: Any, known: Mapping[str, str]) -> str:
    """Return the digest of a node, of which what it refers to is known.

    A reference is what it leads to; with keys beside it, it is that and those keys, for a schema means both.
    """
    if is_array(node):
        return hashed([digest(item, known) for item in node])
    if not is_object(node):
        return json.dumps(plain(node), default=str)
    target = known.get(reference_of(node) or "")
    if target is not None and len(node) == 1:
        return target
    below = {str(key): digest(each, known) for key, each in node.items()}
    if target is not None:
        below["$ref"] = target
    more = [known[each] for each in mapped(node) if each in known] + implied(node)
    return hashed([below, more] if more else below)


def implied(node: dict[str, Any]) -> list[str]:
    """Return the names that a discriminator knows schemas by of which no mapping has another one."""
    if "discriminator" not in node:
        return []
    several = [node[union] for union in UNIONS if is_array(node.get(union))]
    targets = [reference_of(each) for some in several for each in some]
    named = {*mapped(node)}
    return [target.rpartition("/")[2] for target in targets if target and target not in named]


def hashed(value: Any) -> str:
    """Return a short text that is equal for equal values; no JSON looks like one."""
    text = ENCODED(value)
    return "#" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def references(node: Any) -> Iterator[str]:
    """Yield all references in a node, those of discriminators, too."""
    for each in objects(node):
        if reference := reference_of(each):
            yield reference
        yield from mapped(each)


def heirs_of(document: Any) -> dict[str, list[str]]:
    """Return the schemas that have others in them by `allOf`, by those that have a discriminator without a union.

    OpenAPI takes each of them for what is meant where the other one is, by its own name if no mapping gives it one.
    """
    components: Any = document.get("components") if is_object(document) else None
    schemas: Any = components.get("schemas") if is_object(components) else None
    heirs: dict[str, list[str]] = {}
    for name, schema in schemas.items() if is_object(schemas) else ():
        parts: Any = schema.get("allOf") if is_object(schema) else None
        for reference in {reference_of(part) for part in parts} if is_array(parts) else ():
            if reference is not None:
                heirs.setdefault(reference, []).append(pointer_to(name))
    return {name: sorted(some) for name, some in heirs.items() if is_base(schemas, name)}


def is_base(schemas: Any, reference: str) -> bool:
    """Return whether a reference leads to a schema that has a discriminator and no union to say what it is of."""
    schema: Any = schemas.get(steps(reference)[-1]) if len(steps(reference)) == len(SCHEMAS) + 1 else None
    return is_object(schema) and "discriminator" in schema and not {*UNIONS} & schema.keys()


def pointer_to(name: str) -> str:
    """Return the reference to a schema among the components."""
    return f"#{pointer((*SCHEMAS, name))}"


def circles(edges: Edges) -> list[list[str]]:
    """Return the nodes of a graph in groups of which each leads to all others of it, after those that it leads to."""
    before: dict[str, list[str]] = {name: [] for name in edges}
    for name, targets in edges.items():
        for target in targets:
            before[target].append(name)
    groups: list[list[str]] = []
    grouped: set[str] = set()
    for start in reversed(ended(edges)):
        if start not in grouped:
            group = [start]
            grouped.add(start)
            for name in group:
                come = [each for each in before[name] if each not in grouped]
                grouped.update(come)
                group += dict.fromkeys(come)
            groups.append(group)
    return groups[::-1]


def ended(edges: Edges) -> list[str]:
    """Return the nodes of a graph in the order in which a walk along its edges, first into the depth, leaves them."""
    left: list[str] = []
    seen: set[str] = set()
    for start in edges:
        trail = [] if start in seen else [(start, iter(edges[start]))]
        seen.add(start)
        while trail:
            name, rest = trail[-1]
            after = next((each for each in rest if each not in seen), None)
            if after is None:
                left.append(name)
                trail.pop()
            else:
                seen.add(after)
                trail.append((after, iter(edges[after])))
    return left
